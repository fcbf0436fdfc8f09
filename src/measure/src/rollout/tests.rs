//! The sequence, on a virtual calendar.

use super::*;
use crate::practice::tests::{Book, at};
use handoff_core::id::GateName;

fn plan(modes: &[(&str, Mode)]) -> Plan {
    let modes = modes.iter().map(|(contract, mode)| ((*contract).to_owned(), *mode)).collect();
    Plan { modes, ..Plan::default() }
}

fn enforce(book: &mut Book) {
    book.terms.modes.insert(GateName::from("commission"), Mode::Enforce);
}

/// Three clean transitions on a day.
fn clean(book: &mut Book, day: &str) {
    for number in 0..3 {
        book.accepted(&format!("{day}-{number}"), &format!("{day}T12:00:00Z"));
    }
}

fn track<'a>(rollout: &'a Rollout, contract: &str) -> &'a Track {
    rollout.tracks.iter().find(|track| track.contract == contract).unwrap()
}

#[test]
fn a_handoff_goes_from_observed_to_enforced_to_proven_by_evidence() {
    let mut book = Book::new("h03-x", "2026-01-01T00:00:00Z");
    let observed = plan(&[("h03-x", Mode::Observe)]);
    for number in 0..5 {
        book.bypassed(&number.to_string(), "2026-01-06T12:00:00Z");
    }
    let first = rollout(&book.practice, &observed, at("2026-01-14T00:00:00Z"));
    let one = track(&first, "h03-x");
    assert_eq!((one.standing, one.next.as_str(), one.windows.len()), (Standing::Observed, "enforce", 1));
    let met: Vec<bool> = one.conditions.iter().map(|condition| condition.met).collect();
    assert_eq!(met, [false, true, true], "the receiver has not approved the fields");
    assert_eq!((first.week, first.phase.as_str()), (Some(2), "weeks 1-2: leak audit"));
    assert!(first.this_week.iter().any(|todo| todo.contains("holds the pen")), "{:?}", first.this_week);

    let enforced = plan(&[("h03-x", Mode::Enforce)]);
    enforce(&mut book);
    clean(&mut book, "2026-01-20");
    clean(&mut book, "2026-01-27");
    let running = rollout(&book.practice, &enforced, at("2026-01-28T00:00:00Z"));
    // The running week is not over.
    assert_eq!(track(&running, "h03-x").standing, Standing::Enforced);
    let over = rollout(&book.practice, &enforced, at("2026-02-02T00:00:00Z"));
    assert_eq!((track(&over, "h03-x").standing, over.focus), (Standing::Proven, None));
    book.bypassed("bad", "2026-02-03T12:00:00Z");
    clean(&mut book, "2026-02-03");
    let after = rollout(&book.practice, &enforced, at("2026-02-10T00:00:00Z"));
    assert_eq!(track(&after, "h03-x").standing, Standing::Enforced, "3 of 4 are under 90 %");
    assert!(
        after.this_week.iter().any(|todo| todo.contains("2026-W06 was not clean")),
        "{:?}",
        after.this_week
    );
}

#[test]
fn a_second_handoff_before_the_first_is_proven_is_warned_of_unless_somebody_says_why() {
    let mut book = Book::new("h03-x", "2026-01-01T00:00:00Z");
    enforce(&mut book);
    clean(&mut book, "2026-01-06");
    book.contract("h01-x", "2026-01-01T00:00:00Z");
    clean(&mut book, "2026-01-13");
    let both = plan(&[("h03-x", Mode::Enforce), ("h01-x", Mode::Enforce)]);
    let as_of = at("2026-03-01T00:00:00Z");
    let warned = rollout(&book.practice, &both, as_of);
    assert_eq!(warned.warnings.len(), 1, "{:?}", warned.warnings);
    assert!(warned.warnings[0].starts_with("h01-x was enforced before h03-x"), "{:?}", warned.warnings);
    let parallel = BTreeMap::from([("h01-x".to_owned(), "one team, one launch".to_owned())]);
    let said = rollout(&book.practice, &Plan { parallel, ..both.clone() }, as_of);
    assert!(said.warnings[0].contains("deliberately: one team, one launch"), "{:?}", said.warnings);

    // In sequence nothing is said.
    let mut book = Book::new("h03-x", "2026-01-01T00:00:00Z");
    enforce(&mut book);
    clean(&mut book, "2026-01-06");
    clean(&mut book, "2026-01-13");
    book.contract("h01-x", "2026-01-01T00:00:00Z");
    clean(&mut book, "2026-01-20");
    let sequence = rollout(&book.practice, &both, as_of);
    assert_eq!(sequence.warnings, Vec::<String>::new());
    assert_eq!(sequence.focus.as_deref(), Some("h01-x"));
}

#[test]
fn what_is_only_observed_for_two_quarters_decays_aloud() {
    let mut book = Book::new("h04-x", "2026-01-01T00:00:00Z");
    clean(&mut book, "2026-01-06");
    let observed = plan(&[("h04-x", Mode::Observe)]);
    assert_eq!(rollout(&book.practice, &observed, at("2026-07-06T00:00:00Z")).warnings, Vec::<String>::new());
    let late = rollout(&book.practice, &observed, at("2026-07-08T00:00:00Z"));
    assert!(late.warnings[0].contains("two quarters"), "{:?}", late.warnings);
}

#[test]
fn the_order_is_the_plans_then_the_leaks_and_nothing_governed_says_what_to_name() {
    let modes = [("h01-x", Mode::Off), ("h03-x", Mode::Off), ("h04-x", Mode::Off)];
    let plan = Plan { order: vec!["h04-x".to_owned()], leaks: vec!["h03-x".to_owned()], ..plan(&modes) };
    let made = rollout(&Practice::default(), &plan, at("2026-01-01T00:00:00Z"));
    let order: Vec<&str> = made.tracks.iter().map(|track| track.contract.as_str()).collect();
    assert_eq!(order, ["h04-x", "h03-x", "h01-x"]);
    assert_eq!((made.week, made.phase.as_str()), (None, "not begun"));
    let empty = rollout(&Practice::default(), &Plan::default(), at("2026-01-01T00:00:00Z"));
    assert!(empty.this_week[0].contains("[[govern]]"));
}
