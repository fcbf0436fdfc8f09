use handoff_connector::{Connector as _, Cursor, Exchange as _, Fault, Source as _, conformance};
use handoff_core::id::RecordId;
use serde_json::json;

use crate::portal::{Portal, connector, deal, plan};

fn portal(records: u64) -> Portal {
    let mut portal = Portal::default();
    for id in 1..=records {
        let stage = if id % 2 == 0 { "won" } else { "early" };
        portal.put("deals", id, "2026-11-20T09:00:00Z", &[("dealstage", stage)]);
        portal.record(id).archived = id % 20 == 0;
    }
    portal
}

#[test]
fn d16_the_census_lists_every_record_once_and_archived_ones_too() {
    for (records, calls) in [(0, 2), (1, 2), (450, 6)] {
        let mut portal = portal(records);
        let listed = conformance::census(&connector(), &plan(), |request| portal.answer(request)).unwrap();
        let (archived, here): (Vec<u64>, Vec<u64>) = (1..=records).partition(|id| id % 20 == 0);
        let expected: Vec<_> = here.into_iter().chain(archived).map(deal).collect();
        assert_eq!((listed, portal.calls.len()), (expected, calls));
    }
}

#[test]
fn a_census_leaves_out_what_is_of_no_interest() {
    let mut plan = plan();
    plan.interesting_stages = ["won".to_owned()].into();
    let mut portal = portal(100);
    let listed = conformance::census(&connector(), &plan, |request| portal.answer(request)).unwrap();
    assert_eq!(listed.len(), 50);
}

#[test]
fn d19_a_census_that_does_not_advance_is_found_out() {
    let page = json!({ "results": [{ "id": "7" }], "paging": { "next": { "after": "100" } } });
    let walked = conformance::census(&connector(), &plan(), |_| Portal::reply(200, &page));
    assert!(matches!(walked, Err(conformance::Breach::Broken(Fault::Protocol { .. }))), "{walked:?}");
}

#[test]
fn h04_a_token_of_a_page_cannot_leave_its_place() {
    for after in ["1&archived=true", "1\r\nX: y", "", "1 2", "a/../b"] {
        let cursor = Cursor(json!({ "after": after }));
        let path = connector().census(&plan(), &cursor).request().path;
        assert!(path.matches('&').count() <= 3 && path.bytes().all(|byte| byte.is_ascii_graphic()), "{path}");
    }
    conformance::survives(|| connector().census(&plan(), &Cursor::beginning()), connector().spec(), |_| None)
        .unwrap();
}

#[test]
fn an_id_is_known_in_every_spelling() {
    conformance::record_id(&connector(), &[" 123456 ", "123456\n"], &RecordId("123456".to_owned())).unwrap();
}
