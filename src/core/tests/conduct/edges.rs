//! The edges of the return path's timers: exactly in time, seen too late, told by a machine or from the future.

use handoff_core::beside::{Doing, Happening};
use handoff_core::observation::Actor;
use jiff::SignedDuration;

use crate::escalation::{escalated, taken};
use crate::stage::{at, date, person};

#[test]
fn f15_an_acknowledgement_in_the_last_second_is_in_time() {
    let mut stage = escalated();
    stage.look();
    stage.now = at("2026-03-02T17:00:00Z");
    stage.say("sue", "acknowledgement.eta", date("2026-03-05"));
    assert_eq!(stage.happens(), ["acknowledged", "eta_given"]);
}

#[test]
fn f15_what_was_fixed_before_its_day_breaks_no_promise_when_the_day_passes() {
    let mut stage = taken();
    stage.now = at("2026-03-04T10:00:00Z");
    stage.status("sue", "Fixed", true);
    stage.look();
    stage.now = at("2026-03-07T10:00:00Z");
    let happened = stage.happens();
    assert!(!happened.contains(&"eta_passed"), "{happened:?}");
}

#[test]
fn f15_a_sign_of_life_after_the_echo_was_due_does_not_make_up_for_it() {
    let mut stage = taken();
    assert_eq!(stage.until_due(), ["echoed"]);
    let due = stage.verdict().look_again_at.expect("the next echo");
    stage.now = due + SignedDuration::from_hours(2);
    let update = stage.doing("sue");
    stage.beside().updates.push(update);
    let happened = stage.happens();
    assert!(happened.contains(&"echo_missed"), "{happened:?}");
}

#[test]
fn f15_nobody_misses_an_echo_that_he_has_not_taken_on() {
    let mut stage = escalated();
    stage.look();
    stage.wait(72);
    let happened = stage.happens();
    assert!(happened.contains(&"ack_missed") && !happened.contains(&"echo_missed"), "{happened:?}");
}

#[test]
fn f15_neither_a_machine_nor_a_stamp_from_the_future_tells_the_customer() {
    let mut stage = taken();
    stage.wait(1);
    stage.status("sue", "Fixed", true);
    stage.look();
    stage.wait(1);
    let by = Actor { machine: true, ..person("clara") };
    let machine = Doing { id: "sequence".to_owned(), by, at: stage.now };
    let planned = Doing {
        id: "planned".to_owned(),
        by: person("clara"),
        at: stage.now + SignedDuration::from_hours(5),
    };
    stage.beside().activities.extend([machine, planned]);
    assert!(stage.happens().is_empty(), "neither of them is her own word");
    stage.wait(5);
    assert_eq!(stage.happens(), ["loop_closed"], "now she has called");
}

#[test]
fn what_was_written_before_the_escalation_is_nobodys_interference() {
    let mut stage = taken();
    let earlier = Doing { at: at("2026-03-01T09:00:00Z"), ..stage.doing("sue") };
    stage.beside().messages.push(earlier);
    assert!(stage.happens().is_empty());
}

#[test]
fn b02_a_sign_of_life_from_the_future_is_none_yet() {
    let mut stage = taken();
    let early = Doing { at: stage.now + SignedDuration::from_hours(100), ..stage.doing("sue") };
    stage.beside().updates.push(early);
    stage.wait(1);
    stage.status("sue", "In Progress", false);
    assert_eq!(stage.happens(), ["echoed"]);
    let now = stage.now;
    let heard = stage
        .history()
        .into_iter()
        .filter_map(|happening| if let Happening::Echoed { heard, .. } = happening { heard } else { None });
    assert!(heard.into_iter().all(|heard| heard <= now));
}
