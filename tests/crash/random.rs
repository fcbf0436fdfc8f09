//! SIGKILL at moments that nobody chose.

use std::time::Duration;

use handoffd_tests::crm::Kind;
use handoffd_tests::on_every_crm;
use handoffd_tests::play::PLOTS;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::stage::Stage;

/// Kills in the default run.
const ROUNDS: u32 = 40;

on_every_crm!(a01_killed_at_random_under_webhook_load_nothing_is_lost_or_done_twice, killed_at_random);

async fn killed_at_random(crms: &'static [Kind]) {
    let rounds = std::env::var("HANDOFFD_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    let seed = std::env::var("HANDOFFD_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    eprintln!("HANDOFFD_SEED={seed} HANDOFFD_ROUNDS={rounds}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut stage = Stage::build(crms).await;
    let mut plots = PLOTS.into_iter().cycle();
    for round in 0..rounds {
        for _ in 0..random.random_range(0..3) {
            stage.play.enter(stage.world.company(), plots.next().unwrap());
        }
        let mut process = stage.spawn(None);
        // Some are killed while they start; the moment is a matter of chance, nothing waits for it.
        if round % 8 == 7 {
            tokio::time::sleep(Duration::from_millis(random.random_range(0..120))).await;
            process.kill();
            stage.after_kill();
            continue;
        }
        assert!(stage.ready(&mut process).await);
        stage.act(&mut process);
        for _ in 0..random.random_range(0..4) {
            tokio::time::sleep(Duration::from_millis(random.random_range(0..60))).await;
            stage.act(&mut process);
        }
        tokio::time::sleep(Duration::from_millis(random.random_range(0..150))).await;
        process.kill();
        stage.after_kill();
    }
    let mut process = stage.up().await;
    stage.finish(&mut process).await;
    assert!(process.terminate().await.success());
    stage.judge().await;
}

on_every_crm!(a09_terminated_under_load_it_drains_and_nothing_is_lost, terminated_under_load);

async fn terminated_under_load(crms: &'static [Kind]) {
    let mut stage = Stage::build(crms).await;
    let mut plots = PLOTS.into_iter().cycle();
    for _ in 0..4 {
        for plot in plots.by_ref().take(4) {
            stage.play.enter(stage.world.company(), plot);
        }
        let mut process = stage.up().await;
        stage.act(&mut process);
        stage.act(&mut process);
        let status = process.terminate().await;
        assert_eq!(status.code(), Some(0));
        stage.after_kill();
    }
    let mut process = stage.up().await;
    stage.finish(&mut process).await;
    assert_eq!(process.terminate().await.code(), Some(0));
    stage.judge().await;
}
