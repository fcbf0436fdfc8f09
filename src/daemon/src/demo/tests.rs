use handoff_measure::period::Period;

use super::*;
use crate::api::Follower;
use crate::cli::audit::replayed;
use crate::metrics::Metrics;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_step_of_the_story_holds_and_the_log_replays() {
    let stage = Stage::start(Setting::default()).await.unwrap();
    let mut steps = Vec::new();
    let ok = play(&stage, &mut |step| steps.push(step.clone())).await.unwrap();
    let failed: Vec<&Step> = steps.iter().filter(|step| !step.ok).collect();
    assert!(ok && failed.is_empty(), "{failed:#?}");
    assert_eq!(steps.len(), 13);

    let view = stage.app.view();
    let mut follower = Follower::default();
    let report = follower.catch_up(&view).await.unwrap().scorecard.report(Period::Week, stage.org().now());
    let row = report.rows.iter().find(|row| row.period.is_none()).unwrap();
    assert!(
        row.counts.bypasses >= 1 && row.counts.tampers >= 1 && row.counts.adjustments == 1,
        "{:#?}",
        row.counts
    );
    assert_eq!(row.counts.accepted, 2);
    let text = Metrics::default().text(&view, &report, stage.org().now()).unwrap();
    crate::metrics::tests::parses(&text);
    assert!(!text.contains("006SB"), "a record id in a label");
    drop(view);

    let Stage { sandbox, app, config, folder } = stage;
    app.stop().await.unwrap();
    sandbox.stop().await;
    let replayed = replayed(&config).unwrap_or_else(|failure| panic!("{}", failure.message));
    assert_eq!(replayed.difference, None);
    assert!(replayed.decisions > 10);
    drop(folder);
}
