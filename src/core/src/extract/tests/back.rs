//! Where a deal came from, and what its close date was.

use super::*;
use crate::observation::DateMove;

const WON: &str = "2026-11-20T10:00:00Z";

fn stage(id: &str, old: &str, new: &str, when: &str) -> FieldChange {
    change(id, "StageName", json!(old), json!(new), "005AE", when)
}

fn date(id: &str, old: Json, new: &str, when: &str) -> FieldChange {
    change(id, "CloseDate", old, json!(new), "005AE", when)
}

/// A deal in Closed Won with this history and this close date.
fn won(close_date: &str, history: Vec<FieldChange>) -> Observation {
    let mut raw = raw();
    raw.fields.insert("StageName".to_owned(), json!("Closed Won"));
    raw.fields.insert("CloseDate".to_owned(), json!(close_date));
    raw.history = Some(history);
    see(&raw)
}

#[test]
fn a_deal_goes_back_to_the_last_stage_that_its_gate_does_not_guard() {
    let moved = |history| won("2026-11-20", history).stage.back;
    let direct = vec![stage("017A", "Negotiation/Review", "Closed Won", WON)];
    assert_eq!(moved(direct.clone()).as_deref(), Some("Negotiation/Review"));
    let twice = vec![
        stage("017A", "Negotiation/Review", "Closed Won", "2026-11-20T09:00:00Z"),
        stage("017B", "Closed Won", "Closed Won", WON),
    ];
    assert_eq!(moved(twice).as_deref(), Some("Negotiation/Review"));
    assert_eq!(moved(Vec::new()), None, "created as won");
    let untold = FieldChange { old: None, ..stage("017A", "", "Closed Won", WON) };
    assert_eq!(moved(vec![untold]), None, "the CRM does not tell");
    assert_eq!(moved(vec![stage("017A", "", "Closed Won", WON)]), None, "from nothing");
    let other = vec![stage("017A", "Prospecting", "Negotiation/Review", WON)];
    assert_eq!(moved(other), None, "the last move does not lead here");
    assert_eq!(see(&raw()).stage.back, None, "no gate guards this stage");
}

#[test]
fn the_close_date_goes_back_only_if_the_move_changed_it_and_nobody_has_since() {
    let moved = |close_date: &str, mut dates: Vec<FieldChange>| {
        dates.push(stage("017A", "Negotiation/Review", "Closed Won", WON));
        won(close_date, dates).stage.close_date
    };
    let back_to = |text: &str| Some(DateMove { from: Some(text.to_owned()) });
    let with = |when| date("017B", json!("2026-12-20"), "2026-11-20", when);
    assert_eq!(moved("2026-11-20", vec![with(WON)]), back_to("2026-12-20"));
    assert_eq!(
        moved("2026-11-20", vec![with("2026-11-20T10:00:02Z")]),
        back_to("2026-12-20"),
        "a moment later"
    );
    assert_eq!(moved("2026-11-20", vec![with("2026-11-20T09:59:59Z")]), None, "before the move");
    assert_eq!(
        moved("2026-11-20", vec![with("2026-11-20T10:00:03Z")]),
        None,
        "somebody set it after the move"
    );
    assert_eq!(moved("2026-11-21", vec![with(WON)]), None, "it stands differently now");
    assert_eq!(moved("2026-11-20", Vec::new()), None, "the move left it alone");
    let since = date("017C", json!("2026-11-20"), "2026-11-20", "2026-11-20T11:00:00Z");
    assert_eq!(moved("2026-11-20", vec![with(WON), since]), None, "and somebody confirmed it");
    let again = date("017C", json!("2026-11-25"), "2026-11-20", "2026-11-20T10:00:01Z");
    let first = date("017B", json!("2026-12-20"), "2026-11-25", WON);
    assert_eq!(moved("2026-11-20", vec![first, again]), back_to("2026-12-20"), "moved in two steps");
    let empty = date("017B", Json::Null, "2026-11-20", WON);
    assert_eq!(moved("2026-11-20", vec![empty]), Some(DateMove { from: None }), "there was none");
}
