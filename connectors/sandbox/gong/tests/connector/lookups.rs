use handoff_connector::{Calls as _, CheckReport, Connector as _, Fault};
use handoff_sandbox_gong::{AccessKey, Passage, Sentence, seed};

use crate::talk::{AVA, BUYER, Talk, config};

async fn check(talk: &Talk) -> Result<CheckReport, Fault> {
    talk.lead(talk.gong.check(&[], &[], &[])).await
}

#[tokio::test]
async fn calls_come_in_request_order_and_unknown_ones_as_none() {
    let talk = Talk::start().await;
    let first = talk.add(talk.call(900));
    let second = talk.add(talk.call(800).details_at(talk.at(60)));
    let third = talk.add(talk.call(700));
    let wanted =
        [third.clone(), "12345678901234567890".to_owned(), second.clone(), first.clone(), third.clone()];
    let read = talk.lead(talk.gong.read_calls(&wanted)).await.unwrap();
    let found: Vec<Option<&str>> =
        read.iter().map(|call| call.as_ref().map(|call| call.id.as_str())).collect();
    assert_eq!(found, [Some(third.as_str()), None, None, Some(&first), Some(&third)]);
    talk.workspace().advance(60);
    let read = talk.lead(talk.gong.read_calls(&[second])).await.unwrap();
    assert!(read[0].is_some(), "its details came late");
    talk.behaved();
}

#[tokio::test]
async fn d22_a_transcript_is_absent_then_there_then_deleted() {
    let talk = Talk::start().await;
    let ready = talk.add(talk.call(800).says(AVA, "Hello", &["Hi.", "Thanks for coming."]));
    let slow = talk.add(talk.call(900));
    let wanted = [slow.clone(), ready.clone()];
    let read = talk.lead(talk.gong.transcripts(&wanted)).await.unwrap();
    assert_eq!(read.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
    assert_eq!(read[1].as_ref().unwrap().passages[0].sentences[1].from_ms, 5_500);
    let alone = talk.lead(talk.gong.transcripts(std::slice::from_ref(&slow))).await.unwrap();
    assert_eq!(alone, [None], "a 404 of the whole answer");
    let said = |speaker: Option<&str>| Passage {
        speaker: speaker.map(str::to_owned),
        topic: None,
        sentences: vec![Sentence { from_ms: 7, to_ms: 9, text: "Yes.".to_owned() }],
    };
    talk.workspace().set_transcript(&slow, vec![said(None), said(Some(BUYER))], None).unwrap();
    let read = talk.lead(talk.gong.transcripts(std::slice::from_ref(&slow))).await.unwrap();
    let passages = &read[0].as_ref().unwrap().passages;
    assert_eq!((passages[0].speaker.as_deref(), passages[0].topic.as_deref()), (None, None));
    let call = talk.lead(talk.gong.read_calls(std::slice::from_ref(&slow))).await.unwrap();
    assert_eq!(passages[1].speaker, call[0].as_ref().unwrap().parties[1].speaker);
    talk.workspace().delete_transcript(&slow).unwrap();
    assert_eq!(talk.lead(talk.gong.transcripts(&[slow])).await.unwrap(), [None]);
    talk.behaved();
}

#[tokio::test]
async fn a_hundred_ids_in_one_request_and_none_in_none() {
    let talk = Talk::start().await;
    let ids: Vec<String> = (0..100).map(|turn| talk.add(talk.call(600 + turn))).collect();
    let read = talk.lead(talk.gong.read_calls(&ids)).await.unwrap();
    assert!(read.iter().all(Option::is_some));
    assert_eq!(talk.workspace().calls().by_kind["extensive"], 1);
    assert_eq!(talk.lead(talk.gong.transcripts(&[])).await.unwrap(), []);
    talk.behaved();
}

#[tokio::test]
async fn a_check_of_a_company_that_shows_all_finds_nothing() {
    let talk = Talk::start().await;
    talk.add(talk.call(900));
    assert_eq!(check(&talk).await.unwrap().findings, []);
    talk.behaved();
}

#[tokio::test]
async fn a_check_tells_a_blind_key_missing_scopes_and_a_wrong_workspace() {
    let talk = Talk::start().await;
    talk.add(talk.call(900));
    talk.workspace().set_key(AccessKey {
        key: seed::ACCESS_KEY.to_owned(),
        secret: seed::ACCESS_KEY_SECRET.to_owned(),
        sees_calls: false,
        expires_at: None,
    });
    let findings = check(&talk).await.unwrap().findings;
    assert_eq!(
        findings.iter().map(|one| (one.error, one.place.as_str())).collect::<Vec<_>>(),
        [(false, "calls")]
    );

    let mut config = config();
    config.workspace = Some("1".to_owned());
    let scopes = ["api:users:read", "api:calls:read:extensive", "api:workspaces:read"];
    let talk = Talk::with(config).await.with_scopes(&scopes);
    let findings = check(&talk).await.unwrap().findings;
    let places: Vec<(bool, &str)> = findings.iter().map(|one| (one.error, one.place.as_str())).collect();
    assert_eq!(
        places,
        [(true, "transcripts"), (true, "workspace"), (false, "calls"), (false, "manual CRM associations"),]
    );
    talk.behaved();
}
