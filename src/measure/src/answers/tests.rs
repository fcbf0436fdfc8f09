use std::collections::BTreeSet;

use handoff_core::id::{ActorId, ContractId, MotionId, RecordRef};
use handoff_core::observation::Actor;
use jiff::SignedDuration;

use super::*;

fn handoff(record: usize) -> HandoffId {
    HandoffId {
        contract: ContractId::from("h03"),
        motion: MotionId::from("main"),
        subject: RecordRef {
            connection: "sf".into(),
            object: "Opportunity".into(),
            record: format!("006{record}").as_str().into(),
        },
        cycle: 1,
    }
}

/// A package of its own that `who` answers so many seconds after it was complete.
fn answer(answers: &mut Answers, record: usize, who: &str, seconds: i64, accepts: bool) {
    let start: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
    let complete = start + SignedDuration::from_hours(i64::try_from(record).unwrap());
    let at = complete + SignedDuration::from_secs(seconds);
    let by = Actor {
        id: ActorId::from("005"),
        person: PersonId::from(who),
        machine: false,
        active: true,
        roles: BTreeSet::new(),
    };
    let answer = if accepts {
        Event::Accepted { act: String::new(), by, at, round: 1, behalf: None }
    } else {
        Event::Rejected {
            act: String::new(),
            by,
            at,
            round: 1,
            fields: BTreeSet::new(),
            reason: "thin".into(),
            reasons: std::collections::BTreeMap::new(),
        }
    };
    let events = vec![Event::Completed { round: 1, at: complete }, answer];
    answers.apply(&LogEntry::Confirmed { handoff: handoff(record), at, events });
}

#[test]
fn f03_five_acceptances_in_a_row_that_nobody_can_have_read_are_a_sign_and_four_are_none() {
    let mut answers = Answers::default();
    for record in 0..4 {
        answer(&mut answers, record, "rita", 2, true);
    }
    answer(&mut answers, 4, "rita", 60, true);
    for record in 5..9 {
        answer(&mut answers, record, "rita", 59, true);
    }
    let rita = &answers.receivers(1)[0];
    assert_eq!((rita.quick, rita.longest_quick_run, rita.rubber_stamp), (8, 4, false));
    answer(&mut answers, 9, "rita", 0, true);
    let rita = &answers.receivers(1)[0];
    assert!(rita.rubber_stamp && rita.longest_quick_run == 5);
}

#[test]
fn f03_two_hundred_in_a_row_within_two_seconds() {
    let mut answers = Answers::default();
    for record in 0..200 {
        answer(&mut answers, record, "rita", 2, true);
    }
    let rita = &answers.receivers(1)[0];
    assert_eq!((rita.longest_quick_run, rita.rejections.n, rita.rejections.met), (200, 200, 0));
}

#[test]
fn rejections_are_counted_per_receiver_with_n_and_few_answers_say_nothing() {
    let mut answers = Answers::default();
    for record in 0..9 {
        answer(&mut answers, record, "rolf", 600, false);
    }
    answer(&mut answers, 9, "rita", 600, true);
    let [rita, rolf] = &answers.receivers(1)[..] else { panic!("two receivers") };
    assert_eq!((rita.rejections.met, rita.rejections.n), (0, 1));
    assert!(!rolf.rejects_most, "nine answers");
    answer(&mut answers, 10, "rolf", 600, true);
    let rolf = answers.receivers(1).remove(1);
    assert!(rolf.rejects_most);
    assert_eq!(rolf.rejections.percent.unwrap().to_string(), "90");
}

#[test]
fn who_answered_less_often_than_the_minimum_is_not_told() {
    let mut answers = Answers::default();
    answers.tally(&handoff(1), &PersonId::from("rita")).answers = 5;
    assert_eq!(answers.receivers(5).len(), 1);
    assert!(answers.receivers(6).is_empty());
}
