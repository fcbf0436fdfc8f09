use std::collections::BTreeSet;

use handoff_connector::{Body, Cursor, Exchange as _, Fault, Source as _};
use handoff_hubspot::{Dialect, HubSpot, HubSpotConfig};
use serde_json::{Value, json};

use crate::portal::{NOW, Portal, at, config, connector, plan};

/// Sweeps to the end; the ids seen, and where the next sweep starts.
fn sweep(portal: &mut Portal, cursor: &Cursor) -> (Vec<u64>, Cursor) {
    let (mut seen, mut here) = (Vec::new(), cursor.clone());
    for _ in 0..1_000 {
        let page = portal.talk(&mut *connector().changes(&plan(), &here)).expect("a page");
        seen.extend(
            page.changed.iter().map(|changed| changed.record.record.0.parse::<u64>().expect("an id")),
        );
        here = page.next;
        if !page.more {
            return (seen, here);
        }
    }
    panic!("does not end");
}

#[test]
fn c06_twelve_thousand_equal_stamps_are_swept_without_a_gap() {
    let mut portal = Portal::default();
    for id in 1..=12_500 {
        let stamp = if id % 25 == 0 { "2026-11-20T08:00:00Z" } else { "2026-11-20T09:00:00Z" };
        portal.put("deals", id, stamp, &[]);
    }
    let (seen, next) = sweep(&mut portal, &Cursor::beginning());
    assert_eq!(seen, (1..=12_500).collect::<Vec<u64>>());
    assert_eq!(portal.calls.len(), 63, "two hundred a call");
    assert_eq!(next, Cursor(json!({ "low": "2026-11-20T11:55:00Z" })));
    assert_eq!(sweep(&mut portal, &next).0, Vec::<u64>::new());
}

#[test]
fn c06_a_record_that_changes_behind_the_sweep_is_in_the_next_one() {
    let mut portal = Portal::default();
    (1..=450).for_each(|id| portal.put("deals", id, "2026-11-20T09:00:00Z", &[]));
    let first = portal.talk(&mut *connector().changes(&plan(), &Cursor::beginning())).expect("a page");
    assert!(first.more);
    portal.put("deals", 7, NOW, &[]);
    // Offsets would have skipped a record here; ids do not move.
    let (rest, next) = sweep(&mut portal, &first.next);
    assert_eq!(rest, (201..=450).collect::<Vec<u64>>());
    assert_eq!(sweep(&mut portal, &next).0, [7]);
}

#[test]
fn c06_a_lagging_index_hides_nothing_for_ever() {
    let mut portal = Portal::default();
    portal.put("deals", 1, "2026-11-20T09:00:00Z", &[]);
    let (_, next) = sweep(&mut portal, &Cursor::beginning());
    // Changed four minutes before the sweep, visible only after it.
    portal.put("deals", 2, "2026-11-20T11:56:00Z", &[]);
    assert_eq!(sweep(&mut portal, &next).0, [2]);
}

#[test]
fn a_sweep_that_was_cut_off_goes_on_where_it_stood() {
    let mut portal = Portal::default();
    (1..=600).for_each(|id| portal.put("deals", id, "2026-11-20T09:00:00Z", &[]));
    let mut seen = BTreeSet::new();
    let mut here = Cursor::beginning();
    loop {
        let stored = serde_json::to_string(&here).expect("JSON");
        here = serde_json::from_str(&stored).expect("JSON");
        let page = portal.talk(&mut *connector().changes(&plan(), &here)).expect("a page");
        assert!(page.changed.iter().all(|changed| seen.insert(changed.record.clone())));
        here = page.next;
        if !page.more {
            break;
        }
    }
    assert_eq!(seen.len(), 600);
}

#[test]
fn d19_pages_that_do_not_advance_are_a_fault() {
    let mut portal = Portal::default();
    (1..=300).for_each(|id| portal.put("deals", id, "2026-11-20T09:00:00Z", &[]));
    let first = connector().changes(&plan(), &Cursor::beginning()).request();
    let again = portal.answer(&first);
    let page = |reply, cursor: &Cursor| connector().changes(&plan(), cursor).reply(&reply);
    let next = Cursor(json!({ "last": 200 }));
    let fault = page(again.clone(), &next).expect_err("repeated");
    assert!(matches!(fault, Fault::Protocol { .. }), "{fault}");
    let mixed = json!({ "results": [{ "id": "9" }, { "id": "3" }] });
    assert!(page(Portal::reply(200, &mixed), &Cursor::beginning()).is_err(), "out of order");
    let empty = json!({ "results": [], "paging": { "next": { "after": "200" } } });
    assert!(page(Portal::reply(200, &empty), &Cursor::beginning()).is_err(), "nothing, and more of it");
}

#[test]
fn a_sweep_without_a_clock_is_repeated() {
    let mut reply = Portal::reply(200, &json!({ "results": [] }));
    reply.headers.clear();
    let cursor = Cursor(json!({ "low": "2026-11-20T08:00:00Z" }));
    let mut exchange = connector().changes(&plan(), &cursor);
    let handoff_connector::Step::Done(page) = exchange.reply(&reply).expect("a page") else { panic!("done") };
    assert_eq!(page.next, cursor);
}

#[test]
fn the_question_is_this() {
    let ask = |connector: &HubSpot, object: &str, cursor: Value| {
        let plan = handoff_core::extract::ReadPlan { object: object.into(), ..plan() };
        let request = connector.changes(&plan, &Cursor(cursor)).request();
        let Body::Json(body) = request.body else { panic!("JSON") };
        format!("{} {}\n{body}\n", request.method, request.path)
    };
    let since = HubSpotConfig { since: Some(at("2026-01-01T00:00:00Z")), dialect: Dialect::V3, ..config() };
    let text = [
        ask(&connector(), "deals", json!(null)),
        ask(&connector(), "deals", json!({ "low": "2026-11-20T08:00:00Z", "last": 17, "began": NOW })),
        ask(&HubSpot::new(since).expect("sound"), "contacts", json!(null)),
    ];
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn h03_a_name_that_is_none_is_never_sent() {
    let mut portal = Portal::default();
    for object in ["deals/1", "deals?x=", "../oauth", "déals"] {
        let bad = handoff_core::extract::ReadPlan { object: object.into(), ..plan() };
        let fault = portal.talk(&mut *connector().changes(&bad, &Cursor::beginning())).expect_err("refused");
        assert_eq!(fault.kind(), "denied");
    }
    assert!(portal.calls.iter().all(|call| call == "account"));
}
