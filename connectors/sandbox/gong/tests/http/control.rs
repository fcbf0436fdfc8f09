use handoff_sandbox_gong::Wire;
use serde_json::{Value as Json, json};

use crate::support::{AVA, BUYER, Reply, Site};

impl Site {
    async fn ask_control(&self, path: &str) -> Json {
        Reply::of(self.http.get(self.url(&format!("/_sandbox/{path}"))).send().await.unwrap()).await.json()
    }
}

#[tokio::test]
async fn a_demo_drives_the_company_over_http() {
    let site = Site::start().await;
    let call = json!({
        "title": "Kick-off", "started": "2026-11-20T08:00:00Z", "processed_at": "2026-11-20T08:45:00Z",
        "parties": [{"email": AVA}, {"email": BUYER, "name": "Elena Marsh"}],
        "links": [{"system": "Salesforce", "object": "Opportunity", "id": "006A"}],
        "transcript": [{"speaker": BUYER, "topic": "Pricing", "sentences": [{"from_ms": 0, "to_ms": 900, "text": "Yes."}]}],
    });
    let made = site.control("held", &call).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(site.words(&[&id]).await.status, 200);
    let relink = json!({"call": id, "user": AVA, "account": "001A", "deal": "006B"});
    assert_eq!(site.control("relink", &relink).await.status, 200);
    assert_eq!(site.ask_control("associations").await[0]["deal"], "006B");
    let moments = json!({"call": id, "transcript": "2026-11-20T10:00:00Z"});
    assert_eq!(site.control("moments", &moments).await.status, 200);
    assert_eq!(site.words(&[&id]).await.status, 404);
    let moved = site.control("clock", &json!({"set": "2026-11-20T10:00:00Z", "advance_seconds": 5})).await;
    assert_eq!(moved.json()["now"], "2026-11-20T10:00:05Z");
    assert_eq!(site.words(&[&id]).await.status, 200);
    let journal = site.ask_control("journal?since=1").await;
    assert_eq!(journal[0]["change"], "relinked");
    assert_eq!(site.ask_control(&format!("held/{id}")).await["title"], "Kick-off");
    assert_eq!(site.ask_control("calls").await["by_kind"]["transcripts"], 3);
}

#[tokio::test]
async fn switches_over_http() {
    let site = Site::start().await;
    let rule = site.control("rules", &json!({"url": "https://handoffd.example/hook"})).await.json();
    assert_eq!(rule["rule"], 1);
    let key = site.ask_control("rules/1/public_key").await;
    assert!(key["public_key"].as_str().unwrap().starts_with("MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"));
    let token = site.control("token", &json!({})).await.json()["access_token"].as_str().unwrap().to_owned();
    let users = site.http.get(site.url("/v2/users")).bearer_auth(&token).send().await.unwrap();
    assert_eq!(users.status(), 200);
    for (path, body) in [
        ("allowance", json!({"pace": "sandbox", "used": 0, "per_day": 10})),
        (
            "manners",
            json!({"cursor_life": 9, "details_lag": 1, "unknown_fields": true, "utc_offset_hours": 2}),
        ),
        (
            "access",
            json!({"token_lifetime": 60, "trusted": {"keys": ["10.0.0.0/8"]}, "appear_from": "10.0.0.1"}),
        ),
        ("outbound", json!({"mode": {"mode": "duplicate", "times": 2}})),
        ("release", json!({})),
        ("users", json!({"email": "x@x.example"})),
        ("outbound/settled", json!({})),
    ] {
        let done = site.control(path, &body).await;
        assert_eq!(done.status, 200, "{path}: {}", done.text);
    }
    assert_eq!(site.post("/v2/calls", &json!({})).await.status, 405);
    assert_eq!(site.ask_control("tripped").await[0]["wire"], "write");
    assert_eq!(site.wires(), [Wire::Write]);
    assert_eq!(site.control("reset", &json!({})).await.status, 200);
    assert_eq!(site.ask_control("tripped").await, json!([]));
    assert_eq!(site.control("manners", &json!({"x": 1})).await.status, 400);
    assert_eq!(site.control("nothing", &json!({})).await.status, 404);
    assert_eq!(site.control("held/remove", &json!({"call": "1"})).await.status, 404);
}
