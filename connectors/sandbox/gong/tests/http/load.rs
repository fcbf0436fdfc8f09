use std::io::Write as _;

use serde_json::json;

use crate::support::Site;

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

/// A webhook body and a transcript in the vendor's shapes; the ids are not the vendor's, as in demos that people publish.
const WEBHOOK: &str = r#"{"callData": {"metaData": {"id": "walkthrough-7", "title": "Walk-through",
    "scheduled": "2026-11-19T14:00:00Z", "started": "2026-11-19T14:02:00Z", "duration": 900, "system": "Zoom"},
    "parties": [{"id": "p1", "emailAddress": "ava.lindqvist@northwind-peak.example", "name": "Ava", "userId": "u1",
    "speakerId": "s1", "affiliation": "Internal"}, {"id": "p2", "emailAddress": "elena.marsh@customer00.example",
    "name": "Elena", "userId": null, "speakerId": "s2", "affiliation": "External"}],
    "context": [{"system": "Salesforce", "objects": [{"objectType": "Account", "objectId": "001A",
    "fields": [{"name": "Name", "value": "Alderbrook"}]}]}]}}"#;
const TRANSCRIPT: &str = r#"{"callTranscripts": [{"callId": "walkthrough-7", "transcript": [{"speakerId": "s2",
    "topic": "Pricing", "sentences": [{"start": 700, "end": 900, "text": "Agreed."}]}]}]}"#;

#[tokio::test]
async fn a_webhook_body_and_a_transcript_become_a_call() {
    let site = Site::start().await;
    let id = site.workspace().load_webhook(file(WEBHOOK).path()).unwrap();
    assert_eq!(id, "walkthrough-7");
    assert_eq!(site.workspace().load_transcripts(file(TRANSCRIPT).path()).unwrap(), 1);
    let selector = json!({"context": "Extended", "exposedFields": {"parties": true}});
    let call = site.details(&[&id], &selector).await.json()["calls"][0].clone();
    assert_eq!(call["parties"][1]["speakerId"], "s2");
    assert_eq!(call["context"][0]["objects"][0]["fields"][0]["value"], "Alderbrook");
    let words = site.words(&[&id]).await.json();
    assert_eq!(words["callTranscripts"][0]["transcript"][0]["speakerId"], "s2");
    let inner: serde_json::Value = serde_json::from_str(WEBHOOK).unwrap();
    let only = file(&inner["callData"].to_string());
    assert_eq!(
        site.workspace().load_webhook(only.path()).unwrap(),
        id,
        "the inner object alone is read as well"
    );
}

#[tokio::test]
async fn calls_are_loaded_from_json_lines_and_wrong_lines_are_named() {
    let site = Site::start().await;
    let one = r#"{"title": "A", "started": "2026-11-20T07:00:00Z"}"#;
    let lines = file(&format!("{one}\n\n{}\n", one.replace('A', "B")));
    let ids = site.workspace().load_jsonl(lines.path()).unwrap();
    assert_eq!(ids.len(), 2);
    assert_eq!(site.workspace().call(&ids[1]).unwrap().title, "B");
    let wrong = site.workspace().load_jsonl(file(&format!("{one}\n{{\"titel\": 1}}")).path()).unwrap_err();
    assert!(wrong.to_string().contains("line 2"), "{wrong}");
    assert!(site.workspace().load_webhook(std::path::Path::new("/nowhere")).is_err());
}
