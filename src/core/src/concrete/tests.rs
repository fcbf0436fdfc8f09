//! Steps of tests in the log, and what they fold to.

use super::*;
use crate::id::{ConnectionId, ContractId, MotionId, ObjectName, RecordId, RecordRef};
use crate::journal::LogEntry;

fn handoff() -> HandoffId {
    HandoffId {
        contract: ContractId::from("h06-motion-a-to-motion-b"),
        motion: MotionId::from("main"),
        subject: RecordRef {
            connection: ConnectionId::from("sf"),
            object: ObjectName::from("Opportunity"),
            record: RecordId("006000000000001AAA".to_owned()),
        },
        cycle: 2,
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn drawn() -> TestStep {
    let draw = Draw {
        kind: TestKind::H06,
        week: "2026-W07".to_owned(),
        seed: 7,
        population: 3,
        drawn_from: Digest::of(&"x"),
    };
    let actor = |id: &str| Actor {
        id: ActorId::from(id),
        person: crate::id::PersonId(id.to_owned()),
        machine: false,
        active: true,
        roles: BTreeSet::new(),
    };
    let asked = BTreeMap::from([(Side::Sender, actor("grace")), (Side::Receiver, actor("ava"))]);
    TestStep::Drawn { draw, asked, due: at(100) }
}

fn answered(side: Side) -> TestStep {
    let answers = BTreeMap::from([("owner".to_owned(), "Secret Person".to_owned())]);
    TestStep::Answered { side, by: None, answers }
}

#[test]
fn steps_are_sealed_with_the_record_and_come_back_whole() {
    let score = TestScore { outcome: TestOutcome::Failed, points: Vec::new(), contradicts: true };
    for step in [drawn(), answered(Side::Sender), TestStep::Scored { score, by: Some("Sam".to_owned()) }] {
        let entry =
            LogEntry::Test { handoff: handoff(), test: "h06-1".to_owned(), step: step.clone(), at: at(9) };
        let encoded = entry.encode().unwrap();
        let leaf = String::from_utf8(encoded.leaf.clone()).unwrap();
        assert!(leaf.contains(step.name()) && leaf.contains("h06-1"), "{leaf}");
        assert!(!leaf.contains("Secret") && !leaf.contains("grace") && !leaf.contains("Sam"), "{leaf}");
        let subject = handoff().subject.to_string();
        assert_eq!(encoded.parts.keys().collect::<Vec<_>>(), [&subject]);
        let open = |name: &str| encoded.parts.get(name).cloned();
        assert_eq!(LogEntry::decode(&encoded.leaf, open).unwrap(), Some(entry));
        assert_eq!(LogEntry::decode(&encoded.leaf, |_| None).unwrap(), None, "erased with its record");
    }
}

#[test]
fn a_run_waits_for_both_sides_and_the_first_answer_of_each_counts() {
    let step = |run, position, step: &TestStep| TestRun::apply(run, &handoff(), position, at(1), step);
    assert_eq!(step(None, 1, &answered(Side::Sender)), None);
    let run = step(None, 1, &drawn());
    assert_eq!(run.as_ref().unwrap().waits_for().len(), 2);
    let run = step(step(run, 2, &answered(Side::Sender)), 3, &answered(Side::Sender));
    assert_eq!(run.as_ref().unwrap().answered, BTreeMap::from([(Side::Sender, 2)]));
    assert_eq!(run.as_ref().unwrap().waits_for(), BTreeSet::from([Side::Receiver]));
    let score = TestScore { outcome: TestOutcome::Failed, points: Vec::new(), contradicts: true };
    let run = step(run, 4, &TestStep::Scored { score, by: None }).unwrap();
    assert_eq!(run.waits_for(), BTreeSet::new());
    assert_eq!(run.contradiction("t"), Some(Contradicted { test: "t".to_owned(), cycle: 2 }));
    assert!(run.answered.len() == 1 && run.outcome() == Some(TestOutcome::Failed));
}

#[test]
fn ids_fit_into_the_crm_and_name_one_draw_of_one_cycle() {
    let id = test_id(TestKind::H06, "2026-W07", &handoff());
    assert_eq!(id, test_id(TestKind::H06, "2026-W07", &handoff()));
    assert_ne!(id, test_id(TestKind::H06, "2026-W08", &handoff()));
    assert_ne!(id, test_id(TestKind::H06, "2026-W07", &HandoffId { cycle: 3, ..handoff() }));
    assert!(question_id(&id, Side::Receiver).len() <= 64);
    assert!(TestKind::H01.is_for("h01-marketing-to-sdr") && TestKind::H01.is_for("h01"));
    assert!(!TestKind::H01.is_for("h012") && !TestKind::H01.is_for("h02-x"));
}
