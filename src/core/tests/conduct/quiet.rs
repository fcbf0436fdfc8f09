//! Random histories of escalations and shared accounts: what is seen twice happens once, and every history replays.

use proptest::prelude::*;

use crate::account::shared;
use crate::escalation::escalated;
use crate::stage::{Stage, date, person, text};

#[derive(Debug, Clone)]
enum Step {
    Wait(i64),
    Status(&'static str, &'static str, bool),
    Message(&'static str),
    Activity(&'static str),
    Update(&'static str),
    Eta(&'static str, &'static str),
    Impact(&'static str),
    Accept(&'static str),
    Health(i64),
    GoLive,
    Claim(Option<&'static str>),
    Primary(&'static str),
    Sender(&'static str),
}

fn who() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("clara"), Just("sue"), Just("eric"), Just("robot")]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..2_000_i64).prop_map(Step::Wait),
        3 => (who(), prop_oneof![Just("Escalated"), Just("In Progress"), Just("Fixed")]).prop_map(|(who, status)| Step::Status(who, status, status == "Fixed")),
        1 => who().prop_map(Step::Message),
        2 => who().prop_map(Step::Activity),
        1 => who().prop_map(Step::Update),
        2 => (who(), prop_oneof![Just("2026-03-05"), Just("2026-04-01"), Just("2030-01-01")]).prop_map(|(who, eta)| Step::Eta(who, eta)),
        1 => who().prop_map(Step::Impact),
        2 => who().prop_map(Step::Accept),
        1 => (0..100_i64).prop_map(Step::Health),
        1 => Just(Step::GoLive),
        1 => prop::option::of(who()).prop_map(Step::Claim),
        1 => who().prop_map(Step::Primary),
        1 => who().prop_map(Step::Sender),
    ]
}

fn play(stage: &mut Stage, step: &Step) {
    match step {
        Step::Wait(hours) => stage.wait(*hours),
        Step::Status(who, value, resolved) => stage.status(who, value, *resolved),
        Step::Message(who) => {
            let doing = stage.doing(who);
            stage.beside().messages.insert(0, doing);
        }
        Step::Activity(who) => {
            let doing = stage.doing(who);
            stage.beside().activities.insert(0, doing);
        }
        Step::Update(who) => {
            let doing = stage.doing(who);
            stage.beside().updates.insert(0, doing);
        }
        Step::Eta(who, eta) => {
            if stage.contract().return_path.is_some() {
                stage.say(who, "acknowledgement.eta", date(eta));
            }
        }
        Step::Impact(who) => {
            if stage.contract().return_path.is_some() {
                stage.say(
                    who,
                    "impact.statement",
                    text("Their planners cannot print the routes of tomorrow"),
                );
            }
        }
        Step::Accept(who) => stage.accept(who),
        Step::Health(health) => drop(stage.beside().measures.insert("health".to_owned(), (*health).into())),
        Step::GoLive => {
            let now = stage.now;
            stage.beside().moments.insert("go_live".to_owned(), now);
        }
        Step::Claim(who) => {
            stage.beside().claims = who.map(|who| ("b".to_owned(), person(who))).into_iter().collect();
        }
        Step::Primary(who) => stage.beside().primary = Some(person(who)),
        Step::Sender(who) => stage.seen.sender = Some(person(who)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    // `look` asserts that looking twice is quiet; dropping the stage replays its log.
    #[test]
    fn an_escalation_is_quiet_and_replays(steps in prop::collection::vec(step(), 1..40)) {
        let mut stage = escalated();
        stage.look();
        for step in &steps {
            play(&mut stage, step);
            stage.look();
            let due = stage.verdict().look_again_at;
            prop_assert!(due.is_none_or(|due| due > stage.now), "a timer of the past rings for ever");
        }
        let closed = stage.history().iter().filter(|happening| happening.name() == "loop_closed").count();
        let resolved = stage.history().iter().filter(|happening| happening.name() == "resolved").count();
        prop_assert!(closed <= resolved);
    }

    #[test]
    fn a_shared_account_is_quiet_and_never_open_with_two_owners(steps in prop::collection::vec(step(), 1..40)) {
        let mut stage = shared("Cold", "eric", "6 months after go_live");
        stage.look();
        for step in &steps {
            play(&mut stage, step);
            stage.look();
            let due = stage.verdict().look_again_at;
            prop_assert!(due.is_none_or(|due| due > stage.now), "a timer of the past rings for ever");
            let claims = stage.seen.beside.as_ref().map(|beside| beside.claims.clone()).unwrap_or_default();
            let torn = claims.values().any(|claim| claim.person.as_str() != "eric");
            prop_assert!(!(torn && stage.is_open("receiver_queue")));
            let ill = stage.seen.beside.as_ref().and_then(|beside| beside.measures.get("health").copied());
            let united = stage.handoff().beside.shared.as_ref().is_some_and(|shared| shared.reunified.is_some());
            prop_assert!(united || !(ill.is_some_and(|ill| ill < 60.into()) && stage.is_open("receiver_queue")));
        }
    }
}
