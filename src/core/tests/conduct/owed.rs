//! What people owe because of what happens beside the package: each thing once, with its person and day, and over when it is done.

use std::collections::BTreeSet;

use handoff_core::motion::SignalTable;
use handoff_core::obligation::{Holders, Obligation, ObligationKind as Kind, Posts, obligations, roles};
use handoff_core::observation::Actor;

use crate::account::{accepted, shared};
use crate::escalation::{escalated, taken};
use crate::lead::lead;
use crate::stage::{Stage, at, date, person};

/// Dora directs support; Clara and Sue are people of the record.
fn holders() -> Holders {
    let posts = [("support_director", vec!["sue", "dora"]), ("programme_director", vec!["dora"])];
    posts.map(|(role, people)| (role.to_owned(), people.into_iter().map(person).collect())).into()
}

fn owed_with(stage: &Stage, signals: Option<&SignalTable>) -> Vec<Obligation> {
    let holders = holders();
    let posts = Posts { holders: &holders, signals };
    let owed = obligations(stage.contract(), stage.handoff(), posts, stage.now);
    let ids: BTreeSet<&str> = owed.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids.len(), owed.len(), "one task for each");
    assert_eq!(owed, obligations(stage.contract(), stage.handoff(), posts, stage.now));
    owed
}

/// Kind and person, without what the package itself asks for.
fn owed(stage: &Stage) -> Vec<(Kind, String)> {
    let own = [Kind::Fill, Kind::Answer, Kind::Mend, Kind::Name];
    let owed = owed_with(stage, None).into_iter().filter(|one| !own.contains(&one.kind));
    owed.map(|one| (one.kind, one.owner.person.0)).collect()
}

fn one(stage: &Stage, kind: Kind) -> Obligation {
    let mut found = owed_with(stage, None).into_iter().filter(|one| one.kind == kind);
    let first = found.next().expect("somebody owes it");
    assert_eq!(found.next(), None);
    first
}

fn is(kind: Kind, who: &str) -> (Kind, String) {
    (kind, who.to_owned())
}

#[test]
fn an_escalation_is_to_be_acknowledged_by_its_time_and_above_it_somebody_else_hears() {
    let mut stage = escalated();
    stage.look();
    assert_eq!(owed(&stage), [is(Kind::Ack, "sue")]);
    let ack = one(&stage, Kind::Ack);
    assert_eq!(ack.due, Some(at("2026-03-02T17:00:00Z")));
    stage.until_due();
    // Sue holds the role above her too: what she missed goes to the other one.
    assert_eq!(owed(&stage), [is(Kind::Ack, "sue"), is(Kind::Escalation, "dora")]);
    assert_eq!(one(&stage, Kind::Ack).id, ack.id, "the same task, late");
    stage.wait(1);
    stage.say("sue", "acknowledgement.eta", date("2026-03-05"));
    stage.look();
    assert_eq!(owed(&stage), []);
}

#[test]
fn f15_a_promise_that_passed_is_to_be_made_anew() {
    let mut stage = taken();
    assert_eq!(owed(&stage), []);
    stage.now = at("2026-03-06T00:00:00Z");
    stage.look();
    let kinds: BTreeSet<(Kind, String)> = owed(&stage).into_iter().collect();
    assert!(
        kinds.contains(&is(Kind::Eta, "sue")) && kinds.contains(&is(Kind::Escalation, "dora")),
        "{kinds:?}"
    );
    let first = one(&stage, Kind::Eta).id;
    stage.wait(1);
    stage.say("sue", "acknowledgement.eta", date("2026-03-09"));
    stage.status("sue", "In Progress", false);
    stage.look();
    assert_eq!(owed(&stage), []);
    stage.now = at("2026-03-10T00:00:00Z");
    stage.look();
    assert_ne!(one(&stage, Kind::Eta).id, first, "another promise, another task");
}

#[test]
fn f15_silence_is_to_be_broken_by_the_receiving_team() {
    let mut stage = taken();
    stage.until_due();
    assert_eq!(stage.until_due(), ["echoed", "echo_missed"]);
    assert_eq!(owed(&stage), [is(Kind::Echo, "sue"), is(Kind::Escalation, "dora")]);
    stage.wait(1);
    stage.status("sue", "In Progress", false);
    stage.look();
    assert_eq!(owed(&stage), []);
}

#[test]
fn the_sender_tells_the_customer_himself_and_above_him_somebody_hears_if_not() {
    let mut stage = taken();
    stage.status("sue", "Fixed", true);
    stage.look();
    assert_eq!(owed(&stage), [is(Kind::CloseLoop, "clara")]);
    let due = stage.verdict().look_again_at;
    assert_eq!(one(&stage, Kind::CloseLoop).due, due);
    let call = stage.doing("sue");
    stage.beside().activities.push(call);
    stage.look();
    assert_eq!(owed(&stage), [is(Kind::CloseLoop, "clara")], "somebody else's call closes nothing");
    stage.now = due.expect("a time");
    stage.look();
    assert_eq!(owed(&stage).len(), 2);
    let call = stage.doing("clara");
    stage.beside().activities.push(call);
    stage.look();
    assert_eq!(owed(&stage), []);
}

#[test]
fn f14_one_primary_owner_is_to_be_named() {
    let mut stage = shared("Cold", "eric", "go_live");
    stage.beside().claims.insert("a".to_owned(), person("clara"));
    stage.look();
    assert_eq!(owed(&stage), [is(Kind::PrimaryOwner, "clara")]);
    stage.beside().claims.clear();
    stage.look();
    assert_eq!(owed(&stage), []);
}

#[test]
fn a_relationship_that_is_to_come_back_is_owed_until_it_is_back() {
    let mut stage = accepted("Cold", "eric", "6 months after go_live");
    stage.now = at("2026-08-31T10:00:00Z");
    stage.beside().moments.insert("go_live".to_owned(), at("2026-08-31T08:00:00Z"));
    stage.look();
    assert_eq!(owed(&stage), []);
    assert_eq!(stage.until_due(), ["reunification_due"]);
    assert_eq!(owed(&stage), [is(Kind::Reunify, "clara")]);
    assert_eq!(one(&stage, Kind::Reunify).due, Some(at("2027-02-28T08:00:00Z")));
    stage.wait(1);
    stage.beside().primary = Some(person("clara"));
    stage.look();
    assert_eq!(owed(&stage), []);
}

#[test]
fn low_health_is_the_receivers_business_until_it_recovers() {
    let mut stage = accepted("Cold", "eric", "go_live");
    stage.beside().measures.insert("health".to_owned(), 59.into());
    stage.look();
    assert_eq!(owed(&stage), [is(Kind::Health, "eric")]);
    stage.beside().measures.insert("health".to_owned(), 60.into());
    stage.look();
    assert_eq!(owed(&stage), []);
}

#[test]
fn the_lead_is_to_be_touched_in_time() {
    let mut stage = lead();
    stage.look();
    assert_eq!(owed(&stage), [is(Kind::FirstTouch, "sam")]);
    assert_eq!(one(&stage, Kind::FirstTouch).due, Some(at("2026-03-03T09:00:00Z")));
    stage.wait(1);
    let call = stage.doing("sam");
    stage.beside().activities.push(call);
    stage.look();
    assert_eq!(owed(&stage), []);
}

const TABLE: &str = r#"
motions = ["main", "b"]

[signal.champion_departed]
title = "The champion left"

[[signal.champion_departed.action.main]]
role = "csm"
title = "Win the champion's peer"
due_hours = 24

[[signal.champion_departed.action.main]]
role = "programme_director"
title = "Call the sponsor"

[[signal.champion_departed.action.b]]
role = "nobody_of_this_name"
title = "Another motion's"
"#;

#[test]
fn a_signal_is_a_task_for_each_role_of_the_records_own_motion_and_no_role_is_dropped() {
    let table = SignalTable::read("signals.toml", TABLE).expect("reads");
    let mut stage = accepted("Cold", "eric", "go_live");
    stage.beside().signals.insert("champion_departed".to_owned());
    stage.look();
    let signals = |stage: &Stage| -> Vec<Obligation> {
        owed_with(stage, Some(&table)).into_iter().filter(|one| one.kind == Kind::Signal).collect()
    };
    let found = signals(&stage);
    let by: BTreeSet<(&str, &str)> =
        found.iter().map(|one| (one.title.as_str(), one.owner.person.as_str())).collect();
    // The sender of this record is its CSM.
    assert_eq!(by, [("Win the champion's peer", "clara"), ("Call the sponsor", "dora")].into());
    let asked = roles(stage.contract(), Some(&table));
    assert!(asked.contains("programme_director") && asked.contains("admin"), "{asked:?}");
    let vacant = |stage: &Stage| -> Vec<(Option<String>, bool)> {
        signals(stage).into_iter().map(|one| (one.role, one.owner.active)).collect()
    };
    let mut other = Stage::new("h06-motion-a-to-motion-b", "cross_sell", "clara", "eric");
    other.motion = "b".into();
    other.beside().signals.insert("champion_departed".to_owned());
    other.look();
    assert_eq!(vacant(&other), [(Some("nobody_of_this_name".to_owned()), false)]);
    let unknown = SignalTable::read("signals.toml", &TABLE.replace("champion_departed", "champion_promoted"));
    let unknown = unknown.expect("reads");
    let review = owed_with(&other, Some(&unknown));
    assert!(review.iter().any(|one| one.kind == Kind::Review && one.role.as_deref() == Some("admin")));
}

#[test]
fn somebody_who_cannot_act_is_passed_over() {
    let mut stage = escalated();
    stage.look();
    stage.until_due();
    let dora = |active: bool| Actor { active, ..person("dora") };
    for (people, who, can_act) in [
        (vec![dora(false), person("paula")], "paula", true),
        (vec![person("robot"), dora(true)], "dora", true),
        (vec![person("sue")], "sue", true),
        (vec![dora(false)], "role support_director", false),
        (vec![], "role support_director", false),
    ] {
        let holders = Holders::from([("support_director".to_owned(), people)]);
        let posts = Posts { holders: &holders, signals: None };
        let owed = obligations(stage.contract(), stage.handoff(), posts, stage.now);
        let above = owed.iter().find(|one| one.kind == Kind::Escalation).expect("never dropped");
        assert_eq!((above.owner.person.as_str(), above.owner.active), (who, can_act));
    }
}
