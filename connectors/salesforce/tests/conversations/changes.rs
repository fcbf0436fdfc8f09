use std::collections::BTreeSet;

use handoff_connector::{ChangePage, Cursor, Exchange as _, Fault, Source as _, conformance};
use serde_json::json;

use crate::org::{Org, at, connector, id, id_of, opportunity, plan, readable};

/// Reads pages until the sweep ends; gives the ids seen and the place reached.
fn sweep(org: &mut Org, page_size: usize, mut cursor: Cursor) -> (Vec<String>, Cursor) {
    let connector = connector(page_size);
    let mut seen = Vec::new();
    for _ in 0..100 {
        let page: ChangePage = org.talk(&mut *connector.changes(&plan(), &cursor)).expect("a page");
        assert_eq!(conformance::cursor(&page.next), Ok(()));
        seen.extend(page.changed.into_iter().map(|change| change.record.record.0));
        cursor = page.next;
        if !page.more {
            return (seen, cursor);
        }
    }
    panic!("the sweep does not end");
}

#[test]
fn b07_equal_stamps_at_a_page_border_are_all_read_once() {
    let mut org = Org::new("2026-11-20T12:00:00Z");
    for n in 0..450 {
        org.put("Opportunity", &id(n), "2026-11-20T09:00:00Z", &json!({}));
    }
    let (seen, cursor) = sweep(&mut org, 100, Cursor::beginning());
    assert_eq!(seen.len(), 450);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 450);

    org.calls.clear();
    let (seen, _) = sweep(&mut org, 100, cursor);
    assert_eq!((seen, org.calls.len()), (Vec::new(), 1), "an unchanged org costs one call and gives nothing");
}

#[test]
fn a_row_that_becomes_visible_behind_the_cursor_is_read() {
    let mut org = Org::new("2026-11-20T12:00:00Z");
    org.put("Opportunity", &id(1), "2026-11-20T11:59:58Z", &json!({}));
    let (_, cursor) = sweep(&mut org, 100, Cursor::beginning());
    // Written nine minutes ago by a transaction that commits only now.
    org.put("Opportunity", &id(2), "2026-11-20T11:51:00Z", &json!({}));
    org.clock = Some(at("2026-11-20T12:00:10Z"));
    let (seen, cursor) = sweep(&mut org, 100, cursor);
    assert!(seen.contains(&id(2)), "{seen:?}");
    org.clock = Some(at("2026-11-20T12:30:00Z"));
    let (_, cursor) = sweep(&mut org, 100, cursor);
    let (seen, _) = sweep(&mut org, 100, cursor);
    assert_eq!(seen, Vec::<String>::new(), "what is settled is not read again");
}

#[test]
fn b06_a_stamp_in_the_future_or_in_1970_moves_nothing() {
    let mut org = Org::new("2026-11-20T12:00:00Z");
    org.put("Opportunity", &id(1), "1970-01-01T00:00:00Z", &json!({}));
    org.put("Opportunity", &id(2), "2026-11-20T11:00:00Z", &json!({}));
    org.put("Opportunity", &id(3), "2099-01-01T00:00:00Z", &json!({}));
    let (seen, cursor) = sweep(&mut org, 2, Cursor::beginning());
    assert_eq!(seen, [id(1), id(2), id(3)]);
    org.put("Opportunity", &id(4), "2026-11-20T12:00:30Z", &json!({}));
    org.clock = Some(at("2026-11-20T12:01:00Z"));
    let (seen, _) = sweep(&mut org, 2, cursor);
    assert!(seen.contains(&id(4)), "the cursor ran ahead: {seen:?}");
}

#[test]
fn a_server_without_a_clock_is_read_again_rather_than_skipped() {
    let mut org = Org { clock: None, ..Org::new("2026-11-20T12:00:00Z") };
    org.put("Opportunity", &id(1), "2026-11-20T11:00:00Z", &json!({}));
    let (_, cursor) = sweep(&mut org, 10, Cursor::beginning());
    let (seen, _) = sweep(&mut org, 10, cursor);
    assert_eq!(seen, [id(1)]);
}

#[test]
fn child_rows_and_history_name_their_record() {
    let mut org = Org::new("2026-11-20T12:00:00Z");
    let role = json!({ "OpportunityId": id(7), "IsDeleted": true });
    org.put("OpportunityContactRole", &id_of("00K", 1), "2026-11-20T09:00:00Z", &role);
    let row = json!({ "OpportunityId": id(8), "Field": "StageName" });
    org.put("OpportunityFieldHistory", &id_of("017", 1), "2026-11-20T09:00:00Z", &row);
    let (seen, _) = sweep(&mut org, 10, Cursor::beginning());
    assert_eq!(seen, [id(7), id(8)]);
}

#[test]
fn d19_a_server_that_repeats_a_page_for_ever_is_found_out() {
    let mut org = Org::new("2026-11-20T12:00:00Z");
    for n in 0..3 {
        org.put("Opportunity", &id(n), "2026-11-20T09:00:00Z", &json!({}));
    }
    let connector = connector(3);
    let request = connector.changes(&plan(), &Cursor::beginning()).request();
    let first = org.answer(&request);
    let mut cursor = Cursor::beginning();
    let fault = loop {
        let mut exchange = connector.changes(&plan(), &cursor);
        exchange.request();
        // Later pages ask for less, so the repeated answer is given to the subrequest that is left.
        match exchange.reply(&first) {
            Ok(handoff_connector::Step::Done(page)) => cursor = page.next,
            Ok(handoff_connector::Step::Continue) => panic!("one call per page"),
            Err(fault) => break fault,
        }
    };
    assert!(matches!(fault, Fault::Protocol { .. }), "{fault}");
}

#[test]
fn a_cursor_that_cannot_be_read_starts_again() {
    let mut org = Org::new("2026-11-20T12:00:00Z");
    org.put("Opportunity", &id(1), "2026-11-20T09:00:00Z", &json!({}));
    for broken in
        [json!(7), json!({ "streams": [] }), json!({ "streams": { "": { "low": { "stamp": "x" } } } })]
    {
        let (seen, _) = sweep(&mut org, 10, Cursor(broken));
        assert_eq!(seen, [id(1)]);
    }
}

#[test]
fn the_questions_are_these() {
    let connector = connector(2_000);
    let mut org = Org::new("2026-11-20T12:00:00Z");
    org.put("Opportunity", &id(1), "2026-11-20T09:15:27Z", &json!({}));
    let first = readable(&connector.changes(&plan(), &Cursor::beginning()).request());
    let page = org.talk(&mut *connector.changes(&plan(), &Cursor::beginning())).expect("a page");
    assert_eq!(page.changed.first().map(|change| &change.record), Some(&opportunity(1)));
    let next = readable(&connector.changes(&plan(), &page.next).request());
    insta::assert_snapshot!(format!("FIRST\n{first}\nNEXT\n{next}\nCURSOR\n{}", page.next.0));
}
