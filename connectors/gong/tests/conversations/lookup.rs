use handoff_connector::{Calls as _, Connector as _, Exchange as _, Fault, conformance};
use handoff_core::evidence::Sentence;
use http::Method;
use serde_json::{Value, json};

use crate::company::{Company, call, error, gong, id, ok};

fn said(number: u32) -> Value {
    json!({ "callId": id(number), "transcript": [
        { "speakerId": "s1", "topic": "Pricing", "sentences": [
            { "start": 61_000, "end": 63_500, "text": "What does success look like?" },
            { "start": 64_000.9, "end": null, "text": " Fewer tickets. " },
            { "start": null, "end": 1, "text": "lost" }, { "start": 1, "end": 2, "text": null }, null ] },
        { "speakerId": null, "topic": null, "sentences": null } ] })
}

#[test]
fn transcripts_come_in_request_order_and_what_is_not_there_is_none() {
    let mut company = Company::new();
    company.transcripts = vec![said(2), said(1), json!({ "callId": id(3), "transcript": null })];
    let asked = [id(1), "bad id".to_owned(), id(2), id(3), id(4), id(1)];
    let found = company.talk(gong().transcripts(&asked)).unwrap();
    let calls: Vec<Option<&str>> = found.iter().map(|t| t.as_ref().map(|t| t.call.as_str())).collect();
    assert_eq!(calls, [Some(id(1).as_str()), None, Some(id(2).as_str()), None, None, Some(id(1).as_str())]);
    assert_eq!(company.asked.len(), 1);
    assert_eq!(company.asked[0].2["filter"]["callIds"], json!([id(1), id(2), id(3), id(4)]));
    let passages = &found[0].as_ref().unwrap().passages;
    assert_eq!(passages[0].speaker.as_deref(), Some("s1"));
    assert_eq!((passages[1].speaker.as_deref(), passages[1].topic.as_deref()), (None, None));
    let sentence = |from_ms, to_ms, text: &str| Sentence { from_ms, to_ms, text: text.to_owned() };
    assert!(
        passages[0].sentences
            == [
                sentence(61_000, 63_500, "What does success look like?"),
                sentence(64_000, 64_000, "Fewer tickets.")
            ]
    );
    assert!(!format!("{found:?}").contains("success"), "no word is shown");
}

#[test]
fn d22_a_transcript_that_is_not_there_yet_is_none_and_found_later() {
    let mut company = Company::new();
    assert_eq!(company.talk(gong().transcripts(&[id(1)])).unwrap(), [None]);
    company.transcripts = vec![said(1)];
    assert!(company.talk(gong().transcripts(&[id(1)])).unwrap()[0].is_some());
    company.transcripts.clear();
    assert_eq!(company.talk(gong().transcripts(&[id(1)])).unwrap(), [None], "deleted");
}

#[test]
fn d22_a_call_that_is_gone_is_none() {
    let mut company = Company::new();
    company.calls = vec![call(1, "2026-11-19T10:00:00Z")];
    let found = company.talk(gong().read_calls(&[id(2), id(1)])).unwrap();
    assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn no_request_ever_names_more_than_a_hundred_calls_or_none() {
    let mut company = Company::new();
    let ids: Vec<String> = (0..250).map(id).collect();
    company.calls = (0..250).map(|number| call(number, "2026-11-19T10:00:00Z")).collect();
    company.page = 30;
    let found = company.talk(gong().read_calls(&ids)).unwrap();
    assert!(found.iter().zip(&ids).all(|(call, id)| call.as_ref().is_some_and(|call| call.id == *id)));
    for ids in [vec![], vec![String::new(), "two words".to_owned()]] {
        company.asked.clear();
        assert_eq!(company.talk(gong().transcripts(&ids)).unwrap(), vec![None; ids.len()]);
        assert_eq!(company.asked[0].0, Method::GET, "Gong refuses an empty list of ids");
    }
}

#[test]
fn d19_an_expired_cursor_restarts_one_batch_once() {
    let mut company = Company::new();
    company.calls = (0..50).map(|number| call(number, "2026-11-19T10:00:00Z")).collect();
    company.page = 30;
    company.impatient = true;
    let ids: Vec<String> = (0..50).map(id).collect();
    assert_eq!(company.talk(gong().read_calls(&ids)).unwrap_err().kind(), "protocol");
    assert_eq!(company.asked.len(), 4);
}

#[test]
fn what_a_transcript_says_is_in_no_fault() {
    let words = conformance::CANARY;
    for body in [
        json!({ "callTranscripts": [{ "callId": null, "transcript": [{ "sentences": [{ "text": words }] }] }] }),
        json!({ "callTranscripts": [{ "callId": "1", "transcript": words }] }),
        json!({ "callTranscripts": { "1": words } }),
        json!({ "callTranscripts": [], "records": { "cursor": [words] } }),
    ] {
        let mut exchange = gong().transcripts(&[id(1)]);
        let fault = conformance::drive(&mut *exchange, gong().spec(), |_| ok(&body)).unwrap().unwrap_err();
        assert!(matches!(fault, Fault::Protocol { .. }));
        assert!(!format!("{fault} {fault:?}").contains(words));
    }
    let mut exchange = gong().transcripts(&[id(1)]);
    assert!(!format!("{:?}", exchange.request()).contains(words));
    let fault = exchange.reply(&error(404, words)).unwrap_err();
    assert!(!format!("{fault:?}").contains(words));
}
