use handoff_sandbox_gong::{Link, Party, Passage, Sentence};
use serde_json::{Value as Json, json};

use crate::support::{AVA, BUYER, NO_CALLS, Site};

#[tokio::test]
async fn a_web_conference_is_listed_under_its_scheduled_time_and_read_under_its_start() {
    let site = Site::start().await;
    let planned = site.at(-7_200);
    let zoom = site.add(site.call(3_600).scheduled(planned));
    let dialled = site.add(site.call(3_600).on("RingCentral").scheduled(planned));
    assert_eq!(site.list(-7_300, -7_100).await.ids(), std::slice::from_ref(&zoom));
    assert_eq!(site.list(-3_700, -3_500).await.ids(), std::slice::from_ref(&dialled));
    let by_start = |from: i64, to: i64| json!({"filter": {"fromDateTime": site.at(from).to_string(), "toDateTime": site.at(to).to_string()}});
    let mut read = site.post("/v2/calls/extensive", &by_start(-3_700, -3_500)).await.ids();
    read.sort();
    let mut both = vec![zoom, dialled];
    both.sort();
    assert_eq!(read, both);
    assert_eq!(site.post("/v2/calls/extensive", &by_start(-7_300, -7_100)).await.status, 404);
}

#[tokio::test]
async fn windows_are_half_open_and_empty_ones_are_404() {
    let site = Site::start().await;
    let call = site.add(site.call(600));
    assert_eq!(site.list(-600, -599).await.ids(), [call]);
    let before = site.list(-700, -600).await;
    assert_eq!((before.status, before.error().as_str()), (404, NO_CALLS));
    let reversed = site.list(0, -10).await;
    assert_eq!(
        (reversed.status, reversed.error().as_str()),
        (400, "fromDateTime: must be before toDateTime")
    );
    let body =
        json!({"filter": {"fromDateTime": site.at(0).to_string(), "toDateTime": site.at(0).to_string()}});
    let same = site.post("/v2/calls/transcript", &body).await;
    assert_eq!((same.status, same.error().as_str()), (400, "filter.fromDateTime: must be before toDateTime"));
    assert_eq!(site.get("/v2/calls?fromDateTime=2026-11-01T00:00:00Z").await.status, 400);
    assert_eq!(
        site.get("/v2/calls?fromDateTime=yesterday&toDateTime=2026-11-01T00:00:00Z").await.status,
        400
    );
}

#[tokio::test]
async fn a_call_becomes_visible_late_with_its_old_start() {
    let site = Site::start().await;
    let call = site.add(site.call(9_000).processed_at(site.at(3_600)));
    assert_eq!(site.list(-10_000, 1).await.status, 404);
    assert_eq!(site.get(&format!("/v2/calls/{call}")).await.error(), "Call ID was not found");
    site.workspace().advance(3_600);
    assert_eq!(site.list(-13_600, 1).await.ids(), std::slice::from_ref(&call));
    let one = site.get(&format!("/v2/calls/{call}")).await.json();
    assert_eq!(one["call"]["started"], site.at(-9_000 - 3_600).to_string());
    assert!(one["requestId"].is_string());
}

#[tokio::test]
async fn a_transcript_can_be_there_before_the_details() {
    let site = Site::start().await;
    site.workspace().set_details_lag(300);
    let call = site.add(site.call(900).says(BUYER, "Pricing", &["I sign alone."]));
    assert_eq!(site.words(&[&call]).await.status, 200);
    assert_eq!(site.details(&[&call], &json!({})).await.error(), NO_CALLS);
    site.workspace().advance(300);
    assert_eq!(site.details(&[&call], &json!({})).await.status, 200);
}

#[tokio::test]
async fn a_transcript_is_absent_then_there_then_deleted() {
    let site = Site::start().await;
    let other = site.add(site.call(800).says(AVA, "Hello", &["Hi."]));
    let call = site.add(site.call(900));
    assert_eq!(site.words(&[&call]).await.error(), NO_CALLS);
    let mixed = site.words(&[&call, &other]).await.json();
    assert_eq!(mixed["callTranscripts"].as_array().unwrap().len(), 1, "the one without is simply not there");
    let said = Passage {
        speaker: Some(BUYER.into()),
        topic: None,
        sentences: vec![Sentence { from_ms: 5, to_ms: 9, text: "Yes.".into() }],
    };
    site.workspace().set_transcript(&call, vec![said], Some(site.at(60))).unwrap();
    assert_eq!(site.words(&[&call]).await.status, 404);
    site.workspace().advance(60);
    let there = site.words(&[&call]).await.json();
    let passage = &there["callTranscripts"][0]["transcript"][0];
    assert_eq!(passage["topic"], Json::Null);
    assert_eq!(passage["sentences"][0], json!({"start": 5, "end": 9, "text": "Yes."}));
    site.workspace().delete_transcript(&call).unwrap();
    assert_eq!(site.words(&[&call]).await.status, 404);
}

#[tokio::test]
async fn speakers_join_transcript_and_parties() {
    let site = Site::start().await;
    let call = site.call(900).with(Party::new("silent@customer00.example", "Silent One"));
    let call = call.says(AVA, "Pricing", &["Who signs?"]).says(BUYER, "Pricing", &["I do.", "Alone."]);
    let id = site.add(call.tracked("Economic buyer", 1_250, Some(BUYER)));
    let exposed = json!({
        "parties": true, "content": {"trackers": true, "trackerOccurrences": true, "topics": true,
        "pointsOfInterest": true}, "interaction": {"questions": true, "speakers": true},
    });
    let full = site.details(&[&id], &json!({"exposedFields": exposed})).await.json()["calls"][0].clone();
    let parties = full["parties"].as_array().unwrap();
    let user = site.workspace().user(AVA).unwrap();
    assert_eq!(
        (parties[0]["userId"].as_str(), &parties[0]["affiliation"]),
        (Some(user.id.as_str()), &json!("Internal"))
    );
    assert_eq!((parties[1].get("userId"), &parties[1]["affiliation"]), (None, &json!("External")));
    assert!(parties[2].get("speakerId").is_none(), "only those who spoke have one");
    let words = site.words(&[&id]).await.json();
    let passages = words["callTranscripts"][0]["transcript"].as_array().unwrap();
    assert_eq!(passages[1]["speakerId"], parties[1]["speakerId"]);
    assert_eq!(
        full["content"]["trackers"][0]["occurrences"][0],
        json!({
            "startTime": 1.25, "speakerId": parties[1]["speakerId"],
        })
    );
    assert_eq!(full["content"]["topics"][0], json!({"name": "Pricing", "duration": 12}));
    assert_eq!(full["interaction"]["questions"], json!({"companyCount": 1, "nonCompanyCount": 0}));
    assert!(full["content"].get("pointsOfInterest").is_none(), "withdrawn: accepted and never answered");
    assert_eq!(id, full["metaData"]["id"].as_str().unwrap());
    assert!(id.parse::<f64>().unwrap() > 9_007_199_254_740_992.0, "longer than a double holds");
}

#[tokio::test]
async fn imported_calls_have_gaps() {
    let site = Site::start().await;
    let bare = site.add(site.call(900).without_parties());
    let mut call = site.call(800).says(AVA, "Hello", &["Hi."]).says(BUYER, "Hello", &["Hi."]);
    call.parties.as_mut().unwrap()[1].unmatched = true;
    call.transcript.as_mut().unwrap().push(Passage { speaker: None, topic: None, sentences: vec![] });
    let gappy = site.add(call);
    let selector = json!({"exposedFields": {"parties": true}});
    let all = site.details(&[&bare, &gappy], &selector).await.json();
    assert!(all["calls"][0].get("parties").is_none());
    assert!(all["calls"][1]["parties"][1].get("speakerId").is_none());
    let passages = site.words(&[&gappy]).await.json()["callTranscripts"][0]["transcript"].clone();
    assert!(passages[1]["speakerId"].is_string(), "the words name a speaker that no party has");
    assert_eq!(passages[2]["speakerId"], Json::Null);
}

#[tokio::test]
async fn context_has_ids_when_basic_and_fields_when_extended() {
    let site = Site::start().await;
    let call = site.call(900).about(Link::deal("HubSpot", "9876543210").field("Amount", 12_000));
    let id = site.add(call.about(Link::account("HubSpot", "55")));
    let none = site.details(&[&id], &json!({})).await.json();
    assert!(none["calls"][0].get("context").is_none());
    let basic = site.details(&[&id], &json!({"context": "Basic"})).await.json();
    assert_eq!(
        basic["calls"][0]["context"],
        json!([{"system": "HubSpot", "objects": [
            {"objectType": "Opportunity", "objectId": "9876543210"}, {"objectType": "Account", "objectId": "55"},
        ]}])
    );
    let both = json!({"context": "Extended", "contextTiming": ["Now", "TimeOfCall"]});
    let objects = site.details(&[&id], &both).await.json()["calls"][0]["context"][0]["objects"].clone();
    assert_eq!(objects.as_array().unwrap().len(), 4);
    assert_eq!(objects[0]["fields"], json!([{"name": "Amount", "value": 12_000}]));
    let wrong = site.details(&[&id], &json!({"context": "Basic", "contextTiming": ["Now"]})).await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test]
async fn bad_bodies_are_told_what_is_wrong() {
    let site = Site::start().await;
    let call = site.add(site.call(900));
    let empty = site.details(&[], &json!({})).await;
    assert_eq!(empty.status, 400);
    assert_eq!(empty.error(), "filter.callIds: must not be empty but can be null or can be omitted");
    assert_eq!(site.post("/v2/calls/extensive", &json!({})).await.error(), "filter: must not be null");
    let number = json!({"filter": {"callIds": [7]}});
    assert_eq!(site.post("/v2/calls/transcript", &number).await.status, 400);
    assert_eq!(
        site.words(&[&call, "404"]).await.status,
        404,
        "it has no transcript, and the other is unknown"
    );
    let other = json!({"filter": {"callIds": [call], "workspaceId": "1"}});
    assert_eq!(site.post("/v2/calls/extensive", &other).await.status, 404);
    let primary = json!({"filter": {"primaryUserIds": [site.workspace().user(AVA).unwrap().id]}});
    assert_eq!(site.post("/v2/calls/extensive", &primary).await.ids(), [call]);
}

#[tokio::test]
async fn times_can_carry_an_offset_and_privacy_is_marked() {
    let site = Site::start().await;
    let id = site.add(site.call(3_600).private());
    site.workspace().set_utc_offset(-7).unwrap();
    let one = site.get(&format!("/v2/calls/{id}")).await.json();
    assert_eq!(
        (one["call"]["started"].as_str(), &one["call"]["isPrivate"]),
        (Some("2026-11-20T01:00:00-07:00"), &json!(true))
    );
    site.workspace().set_private(&id, false).unwrap();
    assert_eq!(site.get(&format!("/v2/calls/{id}")).await.json()["call"]["isPrivate"], false);
    site.workspace().remove_call(&id).unwrap();
    assert_eq!(site.get(&format!("/v2/calls/{id}")).await.status, 404);
}
