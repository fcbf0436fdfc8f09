use handoff_sandbox_hubspot::{LimitOptions, SandboxOptions, seed};
use serde_json::json;

use crate::support::Site;

fn limited(burst: u32, daily: u64) -> SandboxOptions {
    let limits = LimitOptions { burst, daily, ..LimitOptions::enforced() };
    SandboxOptions { limits, ..SandboxOptions::manual() }
}

#[tokio::test]
async fn d01_ten_seconds_are_counted_by_app() {
    let mut site = Site::with(limited(3, 1000)).await;
    for left in ["2", "1", "0"] {
        let reply = site.get("/crm/v3/owners/").await;
        assert_eq!((reply.status, reply.header("x-hubspot-ratelimit-remaining")), (200, left));
        assert_eq!(reply.header("x-hubspot-ratelimit-max"), "3");
        assert_eq!(reply.header("x-hubspot-ratelimit-interval-milliseconds"), "10000");
        assert_eq!(reply.header("x-hubspot-ratelimit-daily"), "1000");
    }
    let refused = site.get("/crm/v3/owners/").await;
    let body = refused.json();
    assert_eq!(
        (refused.status, &body["policyName"], &body["errorType"]),
        (429, &json!("TEN_SECONDLY_ROLLING"), &json!("RATE_LIMIT"))
    );
    assert_eq!(body["message"], "You have reached your ten_secondly_rolling limit.");
    assert_eq!((body.get("category"), refused.header("retry-after")), (None, ""));
    site.token = seed::PRIVATE_APP_TOKEN.into();
    assert_eq!(site.get("/crm/v3/owners/").await.status, 200, "another app has its own");
    site.token = seed::SERVICE_KEY.into();
    site.portal().advance(10);
    assert_eq!(site.get("/crm/v3/owners/").await.status, 200);
}

#[tokio::test]
async fn searches_are_counted_by_account() {
    let mut site = Site::with(limited(100, 1000)).await;
    for token in [
        seed::SERVICE_KEY,
        seed::PRIVATE_APP_TOKEN,
        seed::SERVICE_KEY,
        seed::PRIVATE_APP_TOKEN,
        seed::SERVICE_KEY,
    ] {
        site.token = token.into();
        assert_eq!(site.post("/crm/v3/objects/deals/search", &json!({})).await.status, 200);
    }
    let refused = site.post("/crm/v3/objects/deals/search", &json!({})).await;
    assert_eq!((refused.status, refused.json()["policyName"].as_str()), (429, Some("SECONDLY")));
    assert_eq!(refused.header("x-hubspot-ratelimit-max"), "");
    assert_eq!(site.get("/crm/v3/owners/").await.status, 200, "only searches are held");
    site.portal().advance(1);
    assert_eq!(site.post("/crm/v3/objects/deals/search", &json!({})).await.status, 200);
}

#[tokio::test]
async fn d02_the_day_runs_out_and_comes_back() {
    let site = Site::with(limited(100, 10)).await;
    site.portal().set_used_today(9);
    let usage = site.get("/account-info/2026-09/api-usage/daily/private-apps").await.json();
    assert_eq!(
        (&usage["results"][0]["currentUsage"], &usage["results"][0]["usageLimit"]),
        (&json!(10), &json!(10))
    );
    assert_eq!(usage["results"][0]["resetsAt"], "2026-11-21T00:00:00Z");
    let refused = site.get("/crm/v3/owners/").await;
    assert_eq!((refused.status, refused.json()["policyName"].as_str()), (429, Some("DAILY")));
    site.portal().advance(15 * 3600);
    assert_eq!(site.get("/crm/v3/owners/").await.status, 200);
    site.portal().set_limits(LimitOptions::default());
    site.portal().set_used_today(1_000_000);
    assert_eq!(site.get("/crm/v3/owners/").await.status, 200, "off unless asked for");
}
