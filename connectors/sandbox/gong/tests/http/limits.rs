use handoff_sandbox_gong::{Pace, SandboxOptions, Wire};

use crate::support::Site;

#[tokio::test]
async fn the_fourth_call_in_a_second_waits_one() {
    let site = Site::with(SandboxOptions { pace: Pace::Sandbox, ..SandboxOptions::manual() }).await;
    for _ in 0..3 {
        assert_eq!(site.get("/v2/users").await.status, 200);
    }
    let fourth = site.get("/v2/workspaces").await;
    assert_eq!((fourth.status, fourth.header("retry-after")), (429, "1"));
    assert_eq!(site.wires(), [Wire::TooFast]);
    site.workspace().advance(1);
    assert_eq!(site.get("/v2/users").await.status, 200);
    assert_eq!(site.workspace().calls().charged, 4);
}

#[tokio::test]
async fn the_days_allowance_ends_at_midnight_utc() {
    let site = Site::start().await;
    site.workspace().set_limit(9_999, 10_000);
    assert_eq!(site.get("/v2/users").await.status, 200);
    let spent = site.get("/v2/users").await;
    assert_eq!(
        (spent.status, spent.header("retry-after")),
        (429, "54000"),
        "nine in the morning: fifteen hours"
    );
    assert_eq!(site.wires(), []);
    site.workspace().advance(54_000);
    assert_eq!(site.get("/v2/users").await.status, 200);
}
