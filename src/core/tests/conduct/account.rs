//! Handoff 06: Clara of motion A hands the cross-sell to Eric of motion B; the relationship comes back to Clara.

use std::collections::BTreeMap;

use handoff_core::beside::{Happening, Reunify};
use handoff_core::event::Concern;
use handoff_core::handoff::Phase;
use handoff_core::motion::{AccountHandoff, unguarded};
use handoff_core::value::Value;

use crate::stage::{Stage, at, choice, date, number, person, say_all, text};

const QUEUE: &str = "receiver_queue";

pub(crate) fn shared(mode: &str, owner: &str, trigger: &str) -> Stage {
    let mut stage = Stage::new("h06-motion-a-to-motion-b", "cross_sell", "clara", "eric");
    say_all(
        &mut stage,
        "clara",
        BTreeMap::from([
            ("primary_owner.owner", Value::Person(format!("005{owner}"))),
            ("primary_owner.mode", choice(mode)),
            ("reunification.trigger", Value::Name(trigger.to_owned())),
            ("reunification.owner_after", Value::Person("005clara".to_owned())),
            ("reunification.latest", date("2027-12-31")),
            ("qualification.signal", text("Three plants asked for the scheduling module on their own")),
            ("qualification.evidence", Value::Record("006B".to_owned())),
            ("communication.plan", text("Eric writes about the offer, Clara about everything else")),
            ("health.baseline", number(82)),
            ("health.stop_below", number(60)),
            ("paperwork.entity", choice("Northwind GmbH")),
            ("paperwork.route", text("Their group purchasing in Oslo countersigns every order")),
        ]),
    );
    let beside = stage.beside();
    beside.persons.insert("primary_owner.owner".to_owned(), person(owner));
    beside.persons.insert("reunification.owner_after".to_owned(), person("clara"));
    beside.known_moments.extend(["go_live".to_owned(), "closed_won".to_owned()]);
    beside.known_measures.insert("health".to_owned());
    beside.measures.insert("health".to_owned(), 82.into());
    beside.primary = Some(person(owner));
    stage
}

pub(crate) fn accepted(mode: &str, owner: &str, trigger: &str) -> Stage {
    let mut stage = shared(mode, owner, trigger);
    stage.look();
    stage.wait(1);
    stage.accept("eric");
    stage.look();
    assert_eq!(stage.handoff().phase, Phase::Accepted, "{:?}", stage.missing());
    stage
}

#[test]
fn f14_two_claim_the_relationship_and_nothing_opens_until_one_is_named() {
    let mut stage = shared("Cold", "eric", "go_live");
    stage.beside().claims.insert("a".to_owned(), person("clara"));
    stage.look();
    assert!(!stage.is_open(QUEUE));
    assert!(
        stage.missing().iter().any(|line| line.contains("claimed by more than one")),
        "{:?}",
        stage.missing()
    );
    assert!(stage.concerns().contains(&Concern::NotOnePrimaryOwner));
    stage.beside().claims.clear();
    assert!(stage.happens().contains(&"primary_assigned"));
    assert!(stage.is_open(QUEUE));
    assert!(stage.concerns().is_empty());
}

#[test]
fn f14_a_second_claim_after_acceptance_shuts_the_queue_again() {
    let mut stage = accepted("Cold", "eric", "go_live");
    assert!(stage.is_open(QUEUE));
    stage.beside().claims.insert("a".to_owned(), person("clara"));
    stage.look();
    assert!(!stage.is_open(QUEUE));
}

#[test]
fn the_mode_says_whose_it_is() {
    for (mode, owner, fits) in [
        ("Warm", "clara", true),
        ("Warm", "eric", false),
        ("Cold", "eric", true),
        ("Cold", "clara", false),
        ("Tandem", "clara", true),
        ("Tandem", "eric", true),
        ("Tandem", "paula", false),
    ] {
        let mut stage = shared(mode, owner, "go_live");
        stage.look();
        assert_eq!(stage.is_open(QUEUE), fits, "{mode} with {owner}: {:?}", stage.missing());
    }
}

#[test]
fn a_trigger_that_nobody_could_execute_is_missing() {
    for (trigger, says) in [
        ("when things have settled, more or less", "cannot be executed"),
        ("6 months after launch party", "does not know"),
        ("happiness >= 80", "does not know"),
    ] {
        let mut stage = shared("Cold", "eric", trigger);
        stage.look();
        let missing = stage.missing();
        assert!(missing.iter().any(|line| line.contains(says)), "{trigger}: {missing:?}");
        assert!(!stage.is_open(QUEUE));
    }
}

#[test]
fn six_months_after_go_live_the_relationship_comes_back() {
    let mut stage = accepted("Cold", "eric", "6 months after go_live");
    stage.terms.reunify = Some(Reunify::Write);
    stage.now = at("2026-08-31T10:00:00Z");
    stage.beside().moments.insert("go_live".to_owned(), at("2026-08-31T08:00:00Z"));
    assert_eq!(stage.happens(), ["trigger_set"]);
    // The last of August is followed by the last of February.
    assert_eq!(stage.until_due(), ["reunification_due"]);
    assert_eq!(stage.now, at("2027-02-28T08:00:00Z"));
    assert!(stage.concerns().contains(&Concern::ReunificationDue));
    let last = stage.history().pop().expect("it happened");
    assert!(matches!(last, Happening::ReunificationDue { policy: Reunify::Write, .. }), "{last:?}");
    stage.wait(1);
    stage.beside().primary = Some(person("clara"));
    assert_eq!(stage.happens(), ["reunified"]);
    assert!(!stage.concerns().contains(&Concern::ReunificationDue));
    assert_eq!(stage.verdict().look_again_at, None);
}

#[test]
fn the_latest_date_comes_before_the_trigger() {
    let mut stage = accepted("Tandem", "eric", "go_live");
    assert_eq!(stage.until_due(), ["reunification_due"]);
    assert_eq!(stage.now, at("2028-01-01T00:00:00Z"));
}

#[test]
fn a_condition_has_to_hold_without_a_break() {
    let mut stage = accepted("Cold", "eric", "health >= 80 for 30 days");
    stage.wait(24 * 29);
    assert!(stage.happens().is_empty());
    stage.beside().measures.insert("health".to_owned(), 79.into());
    assert_eq!(stage.happens(), ["steady_since"]);
    stage.wait(24);
    stage.beside().measures.insert("health".to_owned(), 85.into());
    assert_eq!(stage.happens(), ["steady_since"]);
    let since = stage.now;
    assert_eq!(stage.until_due(), ["reunification_due"]);
    assert_eq!(stage.now.duration_since(since).as_hours(), 24 * 30);
}

#[test]
fn nothing_is_re_united_before_it_was_accepted() {
    let mut stage = shared("Cold", "eric", "go_live");
    stage.beside().moments.insert("go_live".to_owned(), at("2026-03-02T09:00:00Z"));
    stage.look();
    assert!(!stage.history().iter().any(|happening| happening.name() == "reunification_due"));
}

#[test]
fn low_health_of_motion_a_stops_the_cross_sell_until_it_recovers() {
    let mut stage = accepted("Cold", "eric", "go_live");
    stage.beside().measures.insert("health".to_owned(), 59.into());
    assert_eq!(stage.happens(), ["health_fell"]);
    assert!(!stage.is_open(QUEUE));
    assert!(stage.concerns().contains(&Concern::HealthBelowLine));
    assert!(stage.verdict().status.contains("health"), "{}", stage.verdict().status);
    stage.beside().measures.insert("health".to_owned(), 60.into());
    assert_eq!(stage.happens(), ["health_recovered"]);
    assert!(stage.is_open(QUEUE));
}

#[test]
fn a_deal_of_another_motion_on_a_live_account_needs_a_cross_motion_handoff() {
    let handoff = |contract: &str, motion: &str, record: &str, phase| AccountHandoff {
        record: handoff_core::id::RecordRef {
            connection: "sf".into(),
            object: "Opportunity".into(),
            record: record.into(),
        },
        contract: contract.into(),
        motion: motion.into(),
        phase,
    };
    let cross = [handoff_core::id::ContractId::from("h06")].into();
    let live = handoff("h03", "a", "1", Phase::Accepted);
    let deal = handoff("h03", "b", "2", Phase::Draft);
    let found = unguarded(&[live.clone(), deal.clone()], &cross);
    assert_eq!(found.iter().collect::<Vec<_>>(), [&deal.record]);
    let guarded = handoff("h06", "b", "2", Phase::Draft);
    assert!(unguarded(&[live.clone(), deal.clone(), guarded], &cross).is_empty());
    let off = handoff("h06", "b", "2", Phase::Voided);
    assert_eq!(unguarded(&[live.clone(), deal.clone(), off], &cross).len(), 1);
    assert!(unguarded(&[live, handoff("h03", "a", "3", Phase::Draft)], &cross).is_empty(), "the same motion");
    assert!(unguarded(&[deal], &cross).is_empty(), "the account lives nowhere yet");
}
