use handoff_sandbox_gong::Wire;
use reqwest::Method;
use serde_json::json;

use crate::support::{BUYER, Reply, Site};

#[tokio::test]
async fn the_upload_side_is_never_there() {
    let site = Site::start().await;
    for (method, path) in [(Method::GET, "/v2/crm/integrations"), (Method::DELETE, "/v2/crm/integrations")] {
        let reply = Reply::of(site.request(method, path).send().await.unwrap()).await;
        assert_eq!(reply.status, 404);
    }
    assert_eq!(site.wires(), [Wire::Crm, Wire::Crm]);
    assert_eq!(site.workspace().tripped()[1].detail, "DELETE /v2/crm/integrations");
    assert_eq!(site.workspace().writes().len(), 1);
}

#[tokio::test]
async fn writes_are_refused_and_remembered() {
    let site = Site::start().await;
    assert_eq!(site.post("/v2/calls", &json!({"title": "x"})).await.status, 405);
    assert_eq!(site.wires(), [Wire::Write]);
    assert_eq!(site.workspace().writes()[0].path, "/v2/calls");
    site.workspace().forget();
    assert!(site.workspace().tripped().is_empty() && site.workspace().writes().is_empty());
}

#[tokio::test]
async fn a_filter_in_the_query_of_a_post_is_ignored_and_noticed() {
    let site = Site::start().await;
    let call = site.add(site.call(900));
    let path = format!("/v2/calls/extensive?fromDateTime={}", site.at(-10));
    assert_eq!(site.post(&path, &json!({"filter": {}})).await.ids(), [call]);
    assert_eq!(site.wires(), [Wire::QueryOnPost]);
    assert_eq!(site.workspace().tripped()[0].detail, "extensive: fromDateTime");
}

#[tokio::test]
async fn recordings_unknown_fields_private_words_and_long_lists_are_noticed() {
    let site = Site::start().await;
    let call = site.add(site.call(900).private().says(BUYER, "Pricing", &["Between us."]));
    let media = site.details(&[&call], &json!({"exposedFields": {"media": true}})).await.json();
    assert!(media["calls"][0]["media"]["audioUrl"].is_string());
    assert_eq!(site.words(&[&call]).await.status, 200);
    let misspelt = json!({"filter": {"callIDs": [call], "fromDateTime": "2026-01-01T00:00:00Z"}});
    assert_eq!(site.post("/v2/calls/transcript", &misspelt).await.status, 200);
    let many: Vec<String> = (0..101).map(|turn| format!("{turn}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(site.words(&many).await.status, 404);
    assert_eq!(site.wires(), [Wire::Media, Wire::PrivateTranscript, Wire::UnknownField, Wire::TooManyIds]);
}

#[tokio::test]
async fn a_well_behaved_client_touches_nothing() {
    let site = Site::start().await;
    let call = site.add(site.call(900).says(BUYER, "Pricing", &["Yes."]));
    site.list(-1_000, 0).await;
    let exposed = json!({"parties": true, "content": {"trackers": true}, "media": false});
    site.details(&[&call], &json!({"context": "Basic", "exposedFields": exposed})).await;
    site.words(&[&call]).await;
    site.get("/v2/users").await;
    assert_eq!(site.wires(), []);
    let calls = site.workspace().calls().by_kind;
    let kinds: Vec<(&str, u64)> = calls.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!(kinds, [("calls", 1), ("extensive", 1), ("transcripts", 1), ("users", 1)]);
}
