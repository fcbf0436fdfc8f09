//! The edges of the shared account: owners who cannot own, the earlier of two dates, a line that is only touched, a relationship that came back.

use std::collections::BTreeSet;

use handoff_core::beside::{Because, Happening, LowHealth};
use handoff_core::handoff::Phase;
use handoff_core::motion::Standing;
use handoff_core::observation::Actor;

use crate::account::{accepted, shared};
use crate::stage::{at, date, person};

const QUEUE: &str = "receiver_queue";

#[test]
fn f14_who_left_or_is_a_machine_owns_nothing_now_or_after() {
    let gone = || Actor { active: false, ..person("eric") };
    let machine = || Actor { machine: true, ..person("eric") };
    for (part, nobody) in [
        ("primary_owner.owner", gone()),
        ("primary_owner.owner", machine()),
        ("reunification.owner_after", gone()),
        ("reunification.owner_after", machine()),
    ] {
        let mut stage = shared("Cold", "eric", "go_live");
        stage.look();
        assert!(stage.is_open(QUEUE));
        stage.beside().persons.insert(part.to_owned(), nobody);
        stage.look();
        assert!(!stage.is_open(QUEUE), "{part}");
    }
}

#[test]
fn f14_two_owners_are_no_owner_in_the_log_either() {
    let mut stage = shared("Cold", "eric", "go_live");
    stage.beside().claims.insert("a".to_owned(), person("clara"));
    stage.look();
    let assigned = stage.history().into_iter().filter_map(|happening| {
        if let Happening::PrimaryAssigned { owner } = happening { owner } else { None }
    });
    assert_eq!(assigned.count(), 0, "nobody is named while two claim it");
}

#[test]
fn of_a_trigger_and_a_latest_date_that_were_slept_through_the_earlier_one_counts() {
    let mut stage = accepted("Cold", "eric", "go_live");
    stage.beside().moments.insert("go_live".to_owned(), at("2026-09-01T08:00:00Z"));
    stage.now = at("2028-06-01T00:00:00Z");
    stage.look();
    let due = stage.history().into_iter().find_map(|happening| {
        if let Happening::ReunificationDue { because, at, .. } = happening {
            Some((because, at))
        } else {
            None
        }
    });
    assert_eq!(due, Some((Because::Trigger, at("2026-09-01T08:00:00Z"))));
}

#[test]
fn a_relationship_that_came_back_does_not_come_back_again() {
    let mut stage = accepted("Cold", "eric", "go_live");
    stage.wait(1);
    let live = stage.now;
    stage.beside().moments.insert("go_live".to_owned(), live);
    stage.look();
    stage.beside().primary = Some(person("clara"));
    stage.wait(1);
    assert_eq!(stage.happens(), ["reunified"]);
    stage.beside().persons.insert("reunification.owner_after".to_owned(), person("paula"));
    stage.wait(1);
    let happened = stage.happens();
    assert!(!happened.contains(&"reunification_due"), "{happened:?}");
}

#[test]
fn a_measure_that_touches_its_bound_meets_it() {
    let mut stage = accepted("Cold", "eric", "health >= 80 for 30 days");
    stage.beside().measures.insert("health".to_owned(), 80.into());
    stage.look();
    assert_eq!(stage.until_due(), ["reunification_due"]);
}

#[test]
fn low_health_shuts_only_where_the_contract_says_so() {
    let mut stage = accepted("Cold", "eric", "go_live");
    let contract = &mut stage.held.contract;
    contract.cross_motion.as_mut().expect("a cross-motion contract").on_low_health = LowHealth::Tell;
    stage.beside().measures.insert("health".to_owned(), 59.into());
    assert_eq!(stage.happens(), ["health_fell"]);
    assert!(stage.is_open(QUEUE));
}

#[test]
fn a_deal_whose_motion_nobody_knows_is_told_as_that_and_guards_nothing() {
    let h03 = "h03".into();
    let unknown = handoff_core::motion::unknown();
    let mut account = Standing::default();
    account.add(&h03, &unknown, Phase::Accepted);
    assert!(!account.residence(&BTreeSet::new()).is_unguarded(&"b".into()), "it guards nothing");
    account.add(&h03, &"a".into(), Phase::Accepted);
    assert!(!account.residence(&BTreeSet::new()).is_unguarded(&unknown), "it is told as unknown");
}

#[test]
fn the_latest_date_counts_to_its_end() {
    let mut stage = accepted("Tandem", "eric", "go_live");
    stage.say("clara", "reunification.latest", date("2026-12-31"));
    stage.look();
    stage.wait(1);
    stage.accept("eric");
    stage.look();
    stage.now = at("2026-12-31T23:59:59Z");
    assert!(!stage.happens().contains(&"reunification_due"));
    stage.now = at("2027-01-01T00:00:00Z");
    assert!(stage.happens().contains(&"reunification_due"));
}
