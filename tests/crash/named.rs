//! The process ends right behind a durable step, for each of them in turn.

use std::os::unix::process::ExitStatusExt as _;

use handoffd_tests::crm::Kind;
use handoffd_tests::on_every_crm;
use handoffd_tests::play::PLOTS;

use crate::stage::Stage;

/// Ends the process whenever `place` is reached for the first to `times`-th time, then lets the play end.
async fn ended_at(crms: &'static [Kind], place: &str, times: u32) {
    let mut stage = Stage::build(crms).await;
    let mut plots = PLOTS.into_iter().cycle();
    for round in 1..=times {
        for plot in plots.by_ref().take(4) {
            stage.play.enter(stage.world.company(), plot);
        }
        let mut process = stage.spawn(Some(&format!("{place}:{round}")));
        // It may strike while the process starts: what was left over is taken up then.
        if stage.ready(&mut process).await {
            while stage.lives_on(&mut process).await {
                stage.play.enter(stage.world.company(), plots.next().unwrap());
            }
        }
        let status = process.ended().await;
        assert_eq!(status.signal(), Some(6), "{place}: {status}");
        stage.after_kill();
    }
    let mut process = stage.up().await;
    stage.finish(&mut process).await;
    assert!(process.terminate().await.success());
    stage.judge().await;
}

on_every_crm!(
    a02_killed_between_inbox_and_answer_the_sender_repeats_and_one_outcome_stands,
    |crms| ended_at(crms, "inbox_flushed", 5)
);

on_every_crm!(a03_killed_between_log_and_state_the_replay_completes_it, |crms| ended_at(crms, "appended", 5));

on_every_crm!(a04_killed_before_the_crm_write_the_gate_stays_shut_and_opens_once, |crms| ended_at(
    crms,
    "before_write",
    5
));

on_every_crm!(a05_killed_after_the_crm_write_it_is_not_flipped_twice, |crms| ended_at(
    crms,
    "after_write",
    5
));

on_every_crm!(a06_killed_before_the_cursor_the_page_is_read_again_without_effect, |crms| ended_at(
    crms,
    "page_applied",
    3
));
