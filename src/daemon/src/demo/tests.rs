use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_step_of_the_story_holds() {
    let stage = Stage::start(Setting::default()).await.unwrap();
    let mut steps = Vec::new();
    let ok = play(&stage, &mut |step| steps.push(step.clone())).await.unwrap();
    let failed: Vec<&Step> = steps.iter().filter(|step| !step.ok).collect();
    assert!(ok && failed.is_empty(), "{failed:#?}");
    assert_eq!(steps.len(), 13);
    stage.app.stop().await.unwrap();
    stage.sandbox.stop().await;
}
