use handoff_connector::{Calls as _, Connector as _, Cursor, Reply, conformance};
use http::{HeaderMap, StatusCode};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::company::{gong, id, now};

/// In the midst of a pass: calls with a page, links with a page.
fn cursors() -> Vec<Cursor> {
    let at = |stage: &str| {
        json!({ "running": { "from": "2026-11-13T12:00:00Z", "to": "2026-11-20T12:05:00Z", "at": "2026-11-20T12:00:00Z",
            "stage": stage, "page": "x" } })
    };
    vec![Cursor::beginning(), Cursor(at("calls")), Cursor(at("links"))]
}

#[test]
fn d05_no_nonsense_is_taken_for_an_answer() {
    let (gong, spec) = (gong(), gong().spec());
    conformance::spec(&gong).unwrap();
    // A refusal of the feed of links ends the pass by design, so only its other answers are tried.
    for cursor in cursors().into_iter().take(2) {
        conformance::survives(|| gong.calls(&cursor, now()), spec, |_| None).unwrap();
    }
    conformance::survives(|| gong.read_calls(&[id(1)]), spec, |_| None).unwrap();
    conformance::survives(|| gong.transcripts(&[id(1)]), spec, |_| None).unwrap();
    conformance::survives(|| gong.check(&[], &[], &[]), spec, |_| None).unwrap();
    for (name, reply) in conformance::hostile_replies() {
        let outcome =
            conformance::drive(&mut *gong.calls(&cursors()[2], now()), spec, |_| reply.clone()).unwrap();
        let refused = matches!(reply.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        assert_eq!(outcome.is_ok(), refused, "{name}");
        assert!(outcome.is_err() || outcome.unwrap().calls.is_empty(), "{name}");
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("calls"),
        Just("callTranscripts"),
        Just("associations"),
        Just("users"),
        Just("workspaces"),
        Just("records"),
        Just("cursor"),
        Just("errors"),
        Just("metaData"),
        Just("id"),
        Just("callId"),
        Just("started"),
        Just("created"),
        Just("duration"),
        Just("isPrivate"),
        Just("context"),
        Just("objects"),
        Just("system"),
        Just("objectType"),
        Just("objectId"),
        Just("parties"),
        Just("content"),
        Just("trackers"),
        Just("occurrences"),
        Just("startTime"),
        Just("transcript"),
        Just("sentences"),
        Just("start"),
        Just("end"),
        Just("text"),
        Just("name"),
        Just("Salesforce"),
        Just("Opportunity"),
    ];
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|b| json!(b)),
        any::<i64>().prop_map(|n| json!(n)),
        any::<f64>().prop_map(|n| json!(n)),
        any::<String>().prop_map(|n| json!(n)),
        word.clone().prop_map(|w| json!(w)),
        Just(json!("2026-11-20T09:15:27Z")),
        Just(json!("cursor has expired")),
        Just(json!("No calls found")),
    ];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(|v| json!(v)),
            proptest::collection::btree_map(word.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|m| json!(m)),
        ]
    })
}

fn list() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("calls"), Just("callTranscripts"), Just("associations"), Just("users"), Just("errors")]
}

proptest! {
    #[test]
    fn any_json_is_an_outcome_or_a_fault(
        whole in json_value(),
        rows in proptest::collection::vec(json_value(), 0..4),
        list in list(),
        wrapped in any::<bool>(),
        status in prop_oneof![Just(200), Just(200), Just(400), Just(404)],
    ) {
        let body = if wrapped { json!({ list: rows }) } else { whole };
        let reply = Reply {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.to_string().into(),
        };
        let (gong, spec) = (gong(), gong().spec());
        let fail = |breach: conformance::Breach| TestCaseError::fail(breach.to_string());
        for cursor in cursors() {
            let outcome = conformance::drive(&mut *gong.calls(&cursor, now()), spec, |_| reply.clone()).map_err(fail)?;
            if let Ok(page) = outcome {
                conformance::cursor(&page.next).map_err(fail)?;
            }
        }
        conformance::drive(&mut *gong.read_calls(&[id(1)]), spec, |_| reply.clone()).map_err(fail)?.ok();
        conformance::drive(&mut *gong.transcripts(&[id(1)]), spec, |_| reply.clone()).map_err(fail)?.ok();
        conformance::drive(&mut *gong.check(&[], &[], &[]), spec, |_| reply.clone()).map_err(fail)?.ok();
    }

    #[test]
    fn any_stored_cursor_asks_something_sendable(stored in json_value()) {
        let mut exchange = gong().calls(&Cursor(stored), now());
        prop_assert!(conformance::request(&exchange.request(), gong().spec()).is_ok());
    }
}
