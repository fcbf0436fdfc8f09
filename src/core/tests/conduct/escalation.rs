//! Handoff 05: Clara escalates, Sue's team answers, the customer hears from Clara.

use std::collections::BTreeMap;

use handoff_core::beside::{Copied, Happening};
use handoff_core::event::Concern;
use handoff_core::handoff::Phase;
use handoff_core::value::Value;

use crate::stage::{Stage, at, choice, date, number, person, say_all, text};

const QUEUE: &str = "receiver_queue";

/// An escalation of Clara's with a status and a package that lacks nothing but Sue's part.
pub(crate) fn escalated() -> Stage {
    let mut stage = Stage::new("h05-csm-to-support", "escalated", "clara", "sue");
    say_all(
        &mut stage,
        "clara",
        BTreeMap::from([
            ("signal.source", choice("Ticket")),
            ("signal.evidence", Value::Record("500B".to_owned())),
            (
                "impact.statement",
                text("Their planners cannot print tomorrow's routes and call drivers by phone"),
            ),
            ("echo_cadence.cadence", choice("Daily")),
            ("communication_owner.csm", Value::Person("005clara".to_owned())),
            ("close_the_loop.within_hours", number(24)),
        ]),
    );
    stage.beside().persons.insert("communication_owner.csm".to_owned(), person("clara"));
    stage.status("clara", "Escalated", false);
    stage
}

/// The same, taken by Sue two hours later for the end of 5 March.
pub(crate) fn taken() -> Stage {
    let mut stage = escalated();
    stage.look();
    stage.wait(2);
    stage.say("sue", "acknowledgement.owner", Value::Person("005sue".to_owned()));
    stage.say("sue", "acknowledgement.eta", date("2026-03-05"));
    stage.wait(1);
    stage.accept("sue");
    let names = stage.happens();
    assert_eq!(names, ["acknowledged", "eta_given"]);
    assert_eq!(stage.handoff().phase, Phase::Accepted);
    stage
}

#[test]
fn the_whole_way_back_to_the_customer() {
    let mut stage = taken();
    assert!(stage.is_open(QUEUE));
    stage.wait(4);
    stage.status("sue", "In Progress", false);
    assert_eq!(stage.happens(), ["echoed"]);
    stage.wait(10);
    let update = stage.doing("sue");
    stage.beside().updates.push(update);
    assert!(stage.happens().is_empty(), "an internal comment is a sign of life, not a new status");
    assert_eq!(stage.until_due(), ["echoed"], "the daily echo, and nothing was missed");
    stage.wait(1);
    stage.status("sue", "Fixed", true);
    assert_eq!(stage.happens(), ["resolved", "echoed"]);
    assert!(stage.concerns().is_empty());
    stage.wait(3);
    let call = stage.doing("clara");
    stage.beside().activities.push(call);
    assert_eq!(stage.happens(), ["loop_closed"]);
    assert_eq!(stage.verdict().look_again_at, None, "nothing is due any more");
}

#[test]
fn nobody_acknowledges_in_time() {
    let mut stage = escalated();
    assert_eq!(stage.happens(), ["return_path_began", "echoed"]);
    assert_eq!(stage.until_due(), ["ack_missed"]);
    assert_eq!(stage.now, at("2026-03-02T17:00:00Z"));
    assert!(stage.concerns().contains(&Concern::ReturnPathOverdue));
    stage.wait(1);
    stage.say("sue", "acknowledgement.eta", date("2026-03-05"));
    assert_eq!(stage.happens(), ["acknowledged", "eta_given"]);
    assert!(!stage.concerns().contains(&Concern::ReturnPathOverdue));
}

#[test]
fn a_date_that_the_sender_writes_himself_acknowledges_nothing() {
    let mut stage = escalated();
    stage.say("clara", "acknowledgement.eta", date("2026-03-05"));
    stage.look();
    assert_eq!(stage.handoff().beside.return_path.as_ref().expect("began").acknowledged, None);
}

#[test]
fn f15_the_promised_date_passes() {
    let mut stage = taken();
    stage.now = at("2026-03-05T23:59:59Z");
    stage.look();
    assert!(!stage.handoff().beside.return_path.as_ref().expect("began").eta_passed);
    stage.now = at("2026-03-06T00:00:00Z");
    assert!(stage.happens().contains(&"eta_passed"));
    assert!(stage.concerns().contains(&Concern::ReturnPathOverdue));
    assert_eq!(stage.handoff().phase, Phase::Accepted, "nothing is closed silently");
    stage.wait(1);
    stage.say("sue", "acknowledgement.eta", date("2026-03-09"));
    assert!(stage.happens().contains(&"eta_given"), "a new promise starts anew");
    assert!(!stage.handoff().beside.return_path.as_ref().expect("began").eta_passed);
}

#[test]
fn f15_an_echo_without_a_sign_of_life_is_missed() {
    let mut stage = taken();
    // The first daily echo: Sue took it within the day.
    assert_eq!(stage.until_due(), ["echoed"]);
    // The second: nothing came in a whole day.
    assert_eq!(stage.until_due(), ["echoed", "echo_missed"]);
    assert!(stage.concerns().contains(&Concern::ReturnPathOverdue));
    stage.wait(1);
    stage.status("sue", "In Progress", false);
    assert_eq!(stage.happens(), ["echoed"]);
    assert!(!stage.concerns().contains(&Concern::ReturnPathOverdue));
}

#[test]
fn a_daemon_that_slept_for_three_days_misses_one_echo_not_three() {
    let mut stage = taken();
    stage.until_due();
    stage.wait(72);
    let names = stage.happens();
    assert_eq!(names.iter().filter(|name| **name == "echo_missed").count(), 1, "{names:?}");
}

#[test]
fn the_sender_forgets_the_customer() {
    let mut stage = taken();
    stage.status("sue", "Fixed", true);
    stage.look();
    let due = stage.verdict().look_again_at.expect("the customer is to be told");
    // Sue's own call to the customer closes nothing.
    let call = stage.doing("sue");
    stage.beside().activities.push(call);
    stage.now = due;
    assert_eq!(stage.happens(), ["loop_missed"]);
    assert!(stage.concerns().contains(&Concern::ReturnPathOverdue));
    stage.wait(5);
    let call = stage.doing("clara");
    stage.beside().activities.push(call);
    assert_eq!(stage.happens(), ["loop_closed"], "late, and closed");
}

#[test]
fn what_the_sender_did_before_the_fix_closes_nothing() {
    let mut stage = taken();
    let call = stage.doing("clara");
    stage.beside().activities.push(call);
    stage.wait(1);
    stage.status("sue", "Fixed", true);
    assert_eq!(stage.happens(), ["resolved", "echoed"]);
}

#[test]
fn a_fix_that_was_none_starts_the_timers_again() {
    let mut stage = taken();
    stage.status("sue", "Fixed", true);
    stage.look();
    stage.wait(1);
    stage.status("sue", "In Progress", false);
    assert_eq!(stage.happens(), ["resolution_withdrawn", "echoed"]);
    assert!(stage.verdict().look_again_at.is_some());
}

#[test]
fn the_customer_hears_from_somebody_else() {
    let mut stage = taken();
    stage.wait(1);
    let (own, foreign) = (stage.doing("clara"), stage.doing("sue"));
    let machine = stage.doing("robot");
    stage.beside().messages.extend([own, foreign, machine]);
    assert_eq!(stage.happens(), ["foreign_message", "foreign_message"]);
    assert!(stage.concerns().contains(&Concern::CustomerHeardFromOthers));
}

#[test]
fn the_impact_statement_must_be_the_senders_own() {
    for (author, says) in [("robot", "was written by a machine"), ("sue", "was written by somebody else")] {
        let mut stage = escalated();
        stage.say(
            author,
            "impact.statement",
            text("The customer's planners cannot print their routes at all"),
        );
        stage.look();
        let missing = stage.missing();
        assert!(missing.iter().any(|line| line.contains("impact") && line.contains(says)), "{missing:?}");
        assert!(!stage.is_open(QUEUE));
    }
}

#[test]
fn a_statement_that_the_record_was_created_with_is_its_creators() {
    let mut stage = escalated();
    if let Some(edit) = stage.seen.edits.get_mut(&"impact".into()) {
        edit.by = None;
    }
    stage.look();
    assert!(stage.missing().iter().any(|line| line.contains("does not tell who wrote it")));
    stage.beside().created_by = Some(person("clara"));
    stage.look();
    assert!(!stage.missing().iter().any(|line| line.contains("impact")), "{:?}", stage.missing());
}

#[test]
fn the_daemons_own_words_are_no_impact_statement() {
    let mut stage = escalated();
    stage.beside().copied.insert("impact".into(), Copied::OwnWords);
    stage.look();
    assert!(stage.missing().iter().any(|line| line.contains("only repeats what handoffd")));
}

#[test]
fn nobody_but_the_sender_speaks_to_the_customer() {
    let mut stage = escalated();
    stage.beside().persons.insert("communication_owner.csm".to_owned(), person("sue"));
    stage.look();
    assert!(
        stage.missing().iter().any(|line| line.contains("must name the sender")),
        "{:?}",
        stage.missing()
    );
}

#[test]
fn an_accepted_statement_that_a_machine_overwrites_shuts_the_queue() {
    let mut stage = taken();
    stage.wait(1);
    stage.say("robot", "impact.statement", text("The customer reports an issue with the printing of routes"));
    stage.look();
    assert!(!stage.is_open(QUEUE));
    assert!(
        stage
            .history()
            .iter()
            .any(|happening| matches!(happening, Happening::FieldsDisputed { fields } if !fields.is_empty()))
    );
}
