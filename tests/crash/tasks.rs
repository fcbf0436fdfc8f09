//! Killed between a task and its record: there is one task, and it closes.

use std::collections::BTreeMap;

use handoffd::config::Tasks;
use handoffd_tests::crm::Kind;
use handoffd_tests::on_every_crm;
use handoffd_tests::play::PLOTS;

use crate::stage::Stage;

async fn ended_at(crms: &'static [Kind], place: &str, times: u32) {
    let plenty = Tasks { digest_above: 1_000, max_per_person_and_day: 10_000, ..Tasks::default() };
    let mut stage = Stage::build_with(crms, |config| config.tasks = Some(plenty)).await;
    let mut plots = PLOTS.into_iter().cycle();
    for round in 1..=times {
        for plot in plots.by_ref().take(4) {
            stage.play.enter(stage.world.company(), plot);
        }
        let mut process = stage.spawn(Some(&format!("{place}:{round}")));
        if stage.ready(&mut process).await {
            while stage.lives_on(&mut process).await {
                stage.play.enter(stage.world.company(), plots.next().unwrap());
            }
        }
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&process.ended().await), Some(6), "{place}");
        stage.after_kill();
    }
    let mut process = stage.up().await;
    stage.finish(&mut process).await;
    assert!(process.terminate().await.success());
    for kind in crms {
        let mut times: BTreeMap<String, u32> = BTreeMap::new();
        let tasks = stage.world.tasks(*kind);
        assert!(!tasks.is_empty());
        for task in &tasks {
            *times.entry(task.key.clone()).or_default() += 1;
        }
        times.retain(|_, times| *times > 1);
        assert!(times.is_empty(), "created twice: {times:?}");
        for task in &tasks {
            let [deal] = task.deals.as_slice() else { panic!("{task:?}") };
            let open = tasks.iter().filter(|other| other.open && other.deals.first() == Some(deal)).count();
            assert!(open <= 1, "{deal}: {open} open tasks");
        }
    }
    // Nothing is left open for what is done, and everything that is owed has its task.
    stage.world.begin().await.unwrap();
    stage.world.settle().await;
    for view in stage.world.handle().view().tasks() {
        assert_eq!((view.ordered, view.waiting.len()), (0, 0), "{view:?}");
        let kind = crms.iter().find(|kind| kind.connection() == view.connection.as_str()).unwrap();
        let open = stage.world.tasks(*kind).iter().filter(|task| task.open).count();
        assert_eq!(open, view.open);
    }
    stage.world.stop().await;
    stage.judge().await;
}

on_every_crm!(a05_killed_between_a_task_and_its_record_there_is_one_task, |crms| ended_at(
    crms,
    "task_written",
    4
));

on_every_crm!(a04_killed_between_the_order_of_a_task_and_the_task_there_is_one_task, |crms| ended_at(
    crms,
    "task_ordered",
    4
));
