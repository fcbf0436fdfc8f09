use handoff_sandbox_hubspot::{Action, Fault, Refusal};
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::support::{Reply, Site};

const DEALS: &str = "/crm/v3/objects/deals";

#[tokio::test]
async fn d03_d05_planted_answers_have_the_vendors_bodies() {
    let site = Site::start().await;
    for (action, status, text) in [
        (Action::TokenExpired, 401, "EXPIRED_AUTHENTICATION"),
        (Action::TokenUnknown, 401, "INVALID_AUTHENTICATION"),
        (Action::MissingScopes { scopes: vec!["tickets".into()] }, 403, "requiredGranularScopes"),
        (Action::BurstLimit, 429, "TEN_SECONDLY_ROLLING"),
        (Action::SearchLimit, 429, "You have reached your secondly limit."),
        (Action::DailyLimit, 429, "\"DAILY\""),
        (Action::Locked, 423, "locked"),
        (Action::Migrating { seconds: 60 }, 477, "migrated"),
        (Action::UriTooLong, 414, "<html>"),
        (Action::ServerError, 500, "internal error"),
        (Action::Gateway { status: 522 }, 522, "cloudflare"),
        (Action::HtmlOk, 200, "<html>"),
        (Action::EmptyOk, 200, ""),
        (Action::EmptyNoContent, 204, ""),
    ] {
        site.portal().plant(Fault::next(action.clone()));
        let reply = site.get(DEALS).await;
        assert_eq!(reply.status, status, "{action:?}");
        assert!(reply.text.contains(text), "{action:?}: {}", reply.text);
        if status == 477 {
            assert_eq!(reply.header("retry-after"), "60");
        }
        if reply.text.is_empty() {
            assert!(reply.headers.get("content-type").is_none());
        }
    }
    assert_eq!(site.get(DEALS).await.status, 200);
    assert_eq!(site.portal().calls().by_kind["list"], 15);
}

#[tokio::test]
async fn d04_a_drop_before_leaves_no_trace_and_a_drop_after_has_written() {
    let site = Site::start().await;
    let deal = site.deal("x").await;
    let path = format!("{DEALS}/{deal}");
    for (action, value) in [(Action::DropBefore, None), (Action::DropAfter, Some("written"))] {
        site.portal().plant(Fault::on_kind("update", action));
        let sent = site
            .request(Method::PATCH, &path)
            .body(r#"{"properties":{"hs_next_step":"written"}}"#)
            .send()
            .await;
        assert!(sent.is_err());
        assert_eq!(site.portal().property("deals", deal, "hs_next_step").as_deref(), value);
    }
    site.portal().plant(Fault::next(Action::Truncate { bytes: 5 }));
    let response = site.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.is_err());
    site.portal().plant(Fault::on_kind("update", Action::EmptyOk));
    let empty = site.patch(&path, &json!({"properties": {"hs_next_step": "again"}})).await;
    assert_eq!((empty.status, empty.text.as_str()), (200, ""));
    assert_eq!(site.portal().property("deals", deal, "hs_next_step").as_deref(), Some("again"));
}

#[tokio::test]
async fn a_hanging_request_is_answered_when_released() {
    let site = Site::start().await;
    site.portal().plant(Fault::next(Action::Hang));
    let waiting = tokio::spawn(site.request(Method::GET, DEALS).send());
    while !site.portal().faults().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(site.get(DEALS).await.status, 200);
    assert!(!waiting.is_finished());
    site.portal().release();
    assert_eq!(waiting.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn d16_locks_and_rejections_are_per_record() {
    let site = Site::start().await;
    let (a, b) = (site.deal("a").await, site.deal("b").await);
    site.portal().lock_record("deals", a).unwrap();
    let refusal = Refusal::new(400, "VALIDATION_ERROR", "a rule of the customer says no");
    site.portal().reject_record("deals", b, 1, refusal).unwrap();
    let write = json!({"properties": {"amount": "2"}});
    assert_eq!(site.patch(&format!("{DEALS}/{a}"), &write).await.status, 423);
    let input = |id: u64| json!({"id": id, "properties": {"amount": "2"}});
    let path = format!("{DEALS}/batch/update");
    let first = site.post(&path, &json!({"inputs": [input(a), input(b)]})).await;
    assert_eq!((first.status, first.json()["errors"].as_array().unwrap().len()), (207, 2));
    site.portal().unlock_record("deals", a).unwrap();
    assert_eq!(site.post(&path, &json!({"inputs": [input(a), input(b)]})).await.status, 200);
}

#[tokio::test]
async fn a_fault_hits_what_it_names_as_often_as_it_says() {
    let site = Site::start().await;
    let planted =
        json!({"on": {"kind": "search", "body": "amount"}, "skip": 1, "times": 2, "do": "search_limit"});
    assert_eq!(site.control("faults", &planted).await.status, 200);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        assert_eq!(site.post(&format!("{DEALS}/search"), &json!({})).await.status, 200);
        let body = json!({"sorts": ["amount"]});
        statuses.push(site.post(&format!("{DEALS}/search"), &body).await.status);
    }
    assert_eq!(statuses, [200, 429, 429, 200]);
}

#[tokio::test]
async fn an_address_longer_than_the_edge_takes_is_414_html() {
    let site = Site::start().await;
    let reply: Reply = site.get(&format!("{DEALS}?properties={}", "x".repeat(17_000))).await;
    assert_eq!((reply.status, reply.header("content-type")), (414, "text/html;charset=UTF-8"));
    assert_eq!(site.get("/crm/v3/nosuch").await.status, 404);
    let broken = site.request(Method::POST, DEALS).body("{").send().await.unwrap();
    assert_eq!(Reply::of(broken).await.category(), "VALIDATION_ERROR");
    assert_eq!(site.post("/crm/v3/objects/nosuch/search", &Json::Null).await.status, 400);
}
