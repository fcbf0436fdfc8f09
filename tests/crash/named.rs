//! The process ends right behind a durable step, for each of them in turn.

use std::os::unix::process::ExitStatusExt as _;

use handoffd_tests::play::PLOTS;

use crate::stage::Stage;

/// Ends the process whenever `place` is reached for the first to `times`-th time, then lets the play end.
async fn ended_at(place: &str, times: u32) {
    let mut stage = Stage::build().await;
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
    assert!(process.terminate().success());
    stage.judge().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a02_killed_between_inbox_and_answer_the_sender_repeats_and_one_outcome_stands() {
    ended_at("inbox_flushed", 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a03_killed_between_log_and_state_the_replay_completes_it() {
    ended_at("appended", 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a04_killed_before_the_crm_write_the_gate_stays_shut_and_opens_once() {
    ended_at("before_write", 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a05_killed_after_the_crm_write_it_is_not_flipped_twice() {
    ended_at("after_write", 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_killed_before_the_cursor_the_page_is_read_again_without_effect() {
    ended_at("page_applied", 3).await;
}
