//! Motions told by a rule: an unknown one opens nothing, a changed one is another handoff.

use handoff_core::beside::MotionSeen;
use handoff_core::event::{Concern, Event, Refusal, VoidCause};
use handoff_core::handoff::Phase;
use handoff_core::motion::unknown;

use crate::escalation::{escalated, taken};
use crate::stage::{Stage, date, person};

fn tell(stage: &mut Stage, motion: Option<&str>, before: Option<&str>, reasoned: bool) {
    let since = Some(stage.now);
    stage.beside().motion = Some(MotionSeen {
        motion: motion.map(Into::into),
        before: before.map(Into::into),
        since,
        by: Some(person("clara")),
        reasoned,
    });
}

#[test]
fn a_motion_that_nobody_can_tell_any_more_shuts_every_gate() {
    let mut stage = taken();
    assert!(stage.is_open("receiver_queue"));
    stage.wait(1);
    tell(&mut stage, None, None, false);
    stage.look();
    assert!(!stage.is_open("receiver_queue"));
    assert!(stage.concerns().contains(&Concern::UnknownMotion));
    assert!(stage.verdict().status.contains("motion is not known"), "{}", stage.verdict().status);
    assert_eq!(stage.handoff().phase, Phase::Accepted, "the acceptance is not forgotten");
}

#[test]
fn a_record_of_unknown_motion_is_kept_under_no_motions_name() {
    let mut stage = escalated();
    tell(&mut stage, None, None, false);
    assert!(stage.look().is_empty(), "not in motion main");
    stage.motion = unknown();
    stage.look();
    assert!(stage.concerns().contains(&Concern::UnknownMotion));
    assert!(stage.verdict().gates.values().all(|open| !open));
    tell(&mut stage, Some("main"), None, true);
    let events = stage.look();
    assert!(
        events.iter().any(|event| matches!(event, Event::Voided { cause: VoidCause::OtherMotion { .. } }))
    );
    assert!(stage.look().is_empty(), "and stays off");
}

#[test]
fn a_change_of_motion_is_recorded_with_or_without_its_reason() {
    for (reasoned, concern) in [(true, false), (false, true)] {
        let mut stage = escalated();
        tell(&mut stage, Some("main"), Some("other"), reasoned);
        assert!(stage.happens().contains(&"motion_assigned"));
        assert_eq!(stage.concerns().contains(&Concern::MotionWithoutReason), concern);
    }
}

#[test]
fn what_was_accepted_in_another_motion_is_not_accepted_in_this_one() {
    let mut stage = escalated();
    stage.say("sue", "acknowledgement.owner", handoff_core::value::Value::Person("005sue".to_owned()));
    stage.say("sue", "acknowledgement.eta", date("2026-03-05"));
    stage.wait(1);
    stage.accept("sue");
    stage.wait(1);
    tell(&mut stage, Some("main"), Some("other"), true);
    let events = stage.look();
    let refused = |event: &Event| matches!(event, Event::AnswerRefused { why: Refusal::PackageChanged, .. });
    assert!(events.iter().any(refused), "{events:?}");
    assert_eq!(stage.handoff().phase, Phase::Complete);
}
