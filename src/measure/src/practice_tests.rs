//! What the log says of deals that were won, escalations that came back, and modes.

use std::collections::BTreeMap;

use handoff_core::digest::Digest;
use handoff_core::id::{
    ActorId, ContractId, MotionId, ObjectName, PartKey, PersonId, RecordId, RecordRef, StageName,
};
use handoff_core::observation::Actor;
use handoff_core::value::{Sourced, Value};

use super::*;
use crate::concrete::audit::{AuditKind, Share, Verdict, audit};

fn text(id: &str) -> String {
    format!(
        r#"
contract = "{id}"
version = 1
title = "T"
[opens]
when_stage_becomes = ["commit", "won"]
[roles]
sender = "a"
receiver = "b"
[gates.stage]
kind = "stage"
opens_when = "accepted"
mode = "observe"
stages = ["won"]
[gates.commission]
kind = "commission"
opens_when = "accepted"
mode = "observe"
plan_clause = "4.2"
[[field]]
key = "why"
label = "Why"
ask = "Why?"
parts = {{ text = "text" }}
[[field]]
key = "commitments"
label = "What"
ask = "What?"
parts = {{ text = "text" }}
"#
    )
}

/// A log of handoffs under one small contract with two fields.
pub(crate) struct Book {
    pub(crate) practice: Practice,
    id: String,
    position: u64,
    pub(crate) terms: Terms,
    /// What happens is worked out afterwards, without these fields.
    afterwards: Option<Vec<&'static str>>,
}

fn afterwards(entry: LogEntry, untold: &[&str]) -> LogEntry {
    let LogEntry::Decided { handoff, contract, terms, at, seen, events } = entry else {
        panic!("a decision")
    };
    let unknown = untold.iter().map(|key| (FieldKey::from(*key), self::at("2026-06-01T00:00:00Z"))).collect();
    LogEntry::Reconstructed { handoff, contract, terms, at, seen, events, unknown, made: at }
}

impl Book {
    pub(crate) fn new(id: &str, published: &str) -> Self {
        let mut book = Self {
            practice: Practice::default(),
            id: id.to_owned(),
            position: 0,
            terms: Terms::default(),
            afterwards: None,
        };
        book.contract(id, published);
        book
    }

    /// Another contract in the same log.
    pub(crate) fn contract(&mut self, id: &str, published: &str) {
        self.id = id.to_owned();
        let entry = LogEntry::ContractPublished { contract: self.pin(), text: text(id), at: at(published) };
        self.take(&entry);
    }

    fn pin(&self) -> ContractRef {
        ContractRef { id: ContractId::from(self.id.as_str()), version: 1, digest: Digest::of(&self.id) }
    }

    pub(crate) fn take(&mut self, entry: &LogEntry) {
        self.practice.apply(self.position, entry);
        self.position += 1;
    }

    pub(crate) fn handoff(&self, record: &str, cycle: u32) -> HandoffId {
        HandoffId {
            contract: ContractId::from(self.id.as_str()),
            motion: MotionId::from("main"),
            subject: RecordRef {
                connection: "sf".into(),
                object: ObjectName::from("Opportunity"),
                record: RecordId(record.to_owned()),
            },
            cycle,
        }
    }

    /// These fields stand in the record when this happens.
    pub(crate) fn happens(&mut self, record: &str, logged: &str, fields: &[&str], events: Vec<Event>) {
        let handoff = self.handoff(record, 1);
        let mut seen = Observation::gone(handoff.subject.clone());
        for field in fields {
            let value = Value::Text("Their address data is stored in three systems".to_owned());
            let sourced = Sourced { value, from: handoff.subject.clone(), field: "F".to_owned() };
            let parts = BTreeMap::from([(PartKey::from("text"), sourced)]);
            seen.package.insert(FieldKey::from(*field), parts);
        }
        let entry = LogEntry::Decided {
            handoff,
            contract: self.pin(),
            terms: self.terms.clone(),
            at: at(logged),
            seen: Box::new(seen),
            events,
        };
        match &self.afterwards {
            None => self.take(&entry),
            Some(untold) => {
                let told = afterwards(entry, untold);
                self.take(&told);
            }
        }
    }

    pub(crate) fn opens(&self, record: &str, stage: &str) -> Event {
        let (handoff, contract) = (self.handoff(record, 1), self.pin());
        Event::Opened { handoff, contract, stage: StageName::from(stage), at: None }
    }

    /// Opened, filled and accepted an hour later.
    pub(crate) fn accepted(&mut self, record: &str, logged: &str) {
        let done = at(logged).checked_sub(jiff::SignedDuration::from_hours(1)).unwrap();
        let events =
            vec![self.opens(record, "commit"), Event::Completed { round: 1, at: done }, accepts(logged)];
        self.happens(record, logged, &["why", "commitments"], events);
    }

    /// Opened and sent back, then won without an acceptance.
    pub(crate) fn bypassed(&mut self, record: &str, logged: &str) {
        let events = vec![
            self.opens(record, "commit"),
            rejects(logged),
            stage("won", logged),
            Event::Bypassed {
                gate: GateName::from("stage"),
                stage: StageName::from("won"),
                from: None,
                by: None,
                at: Some(at(logged)),
                entry: "e".to_owned(),
                ever_accepted: false,
            },
        ];
        self.happens(record, logged, &["why"], events);
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn actor(name: &str) -> Actor {
    Actor {
        id: ActorId::from(name),
        person: PersonId(name.to_owned()),
        machine: false,
        active: true,
        roles: BTreeSet::new(),
    }
}

fn accepts(logged: &str) -> Event {
    Event::Accepted { act: logged.to_owned(), by: actor("rita"), at: at(logged), round: 1, behalf: None }
}

fn rejects(logged: &str) -> Event {
    Event::Rejected {
        act: logged.to_owned(),
        by: actor("rita"),
        at: at(logged),
        round: 1,
        fields: BTreeSet::new(),
        reason: "thin".to_owned(),
        reasons: BTreeMap::new(),
    }
}

fn stage(name: &str, logged: &str) -> Event {
    Event::StageChanged {
        stage: Some(StageName::from(name)),
        raw: name.to_owned(),
        at: Some(at(logged)),
        entry: logged.to_owned(),
    }
}

fn beside(what: Happening) -> Vec<Event> {
    vec![Event::Beside { what }]
}

#[test]
fn h03_counts_the_fields_that_stood_there_when_the_deal_was_won_and_not_later() {
    let mut book = Book::new("h03-x", "2026-01-01T00:00:00Z");
    book.bypassed("half", "2026-01-05T00:00:00Z");
    // Accepted whole in commit, won a day later.
    book.accepted("whole", "2026-01-06T00:00:00Z");
    let won = vec![stage("won", "2026-01-07T00:00:00Z")];
    book.happens("whole", "2026-01-07T00:00:00Z", &["why", "commitments"], won);
    // Won at once, with nothing in it; filled only afterwards.
    let opens = vec![book.opens("late", "won")];
    book.happens("late", "2026-01-08T00:00:00Z", &[], opens);
    book.happens(
        "late",
        "2026-01-09T00:00:00Z",
        &["why", "commitments"],
        vec![accepts("2026-01-09T00:00:00Z")],
    );
    // Not won yet: not looked at.
    book.accepted("open", "2026-01-10T00:00:00Z");
    let audit = audit(&book.practice, AuditKind::H03, 3);
    let shares: Vec<(usize, usize)> =
        audit.records.iter().map(|record| (record.share.met, record.share.of)).collect();
    assert_eq!(shares, [(0, 2), (2, 2), (1, 2)]);
    assert_eq!((audit.share, audit.verdict), (Share::of(3, 6), Verdict::Failed));
    assert_eq!(audit.records[2].missing, ["commitments"]);
    // Passed on: the acceptance of a complete package, or the by-pass, each once.
    let passed: Vec<usize> =
        book.practice.types["h03-x"].passed.iter().map(|one| one.missing.len()).collect();
    assert_eq!(passed, [1, 0, 0, 0]);
}

#[test]
fn h05_an_escalation_counts_when_it_is_resolved_and_told_or_its_time_is_over() {
    let mut book = Book::new("h05-x", "2026-01-01T00:00:00Z");
    let resolved = |day: &str| beside(Happening::Resolved { at: at(day) });
    let closed = |day: &str| {
        beside(Happening::LoopClosed { by: actor("csm"), at: at(day), activity: "call".to_owned() })
    };
    for (record, day) in [
        ("told", "2026-01-05T00:00:00Z"),
        ("missed", "2026-01-06T00:00:00Z"),
        ("open", "2026-01-07T00:00:00Z"),
    ] {
        let opens = vec![book.opens(record, "commit")];
        book.happens(record, day, &[], opens);
        book.happens(record, day, &[], resolved(day));
    }
    book.happens("told", "2026-01-08T00:00:00Z", &[], closed("2026-01-08T00:00:00Z"));
    let missed = beside(Happening::LoopMissed { due: at("2026-01-08T00:00:00Z") });
    book.happens("missed", "2026-01-08T00:00:00Z", &[], missed);
    assert_eq!(audit(&book.practice, AuditKind::H05, 10).share, Share::of(1, 2));
    // Resolved anew, an escalation is judged anew.
    book.happens("told", "2026-01-09T00:00:00Z", &[], beside(Happening::ResolutionWithdrawn));
    book.happens("told", "2026-01-10T00:00:00Z", &[], resolved("2026-01-10T00:00:00Z"));
    assert_eq!(audit(&book.practice, AuditKind::H05, 10).share, Share::of(0, 1));
    assert_eq!(book.practice.types["h05-x"].escalations.len(), 3);
}

#[test]
fn modes_are_noted_when_they_change_and_reopening_wins_no_deal_again() {
    let mut book = Book::new("h03-x", "2026-01-01T00:00:00Z");
    book.bypassed("1", "2026-01-05T00:00:00Z");
    book.terms.modes.insert(GateName::from("commission"), Mode::Enforce);
    book.bypassed("2", "2026-01-06T00:00:00Z");
    book.bypassed("3", "2026-01-07T00:00:00Z");
    let of = &book.practice.types["h03-x"];
    assert_eq!(
        of.modes,
        [(at("2026-01-05T00:00:00Z"), Mode::Observe), (at("2026-01-06T00:00:00Z"), Mode::Enforce)]
    );
    assert_eq!((of.won.len(), of.decided.len(), of.rejected.len()), (3, 3, 3));
    let cause = handoff_core::event::ReopenCause::People;
    let again = vec![Event::Reopened { cycle: 2, cause }, stage("won", "2026-01-08T00:00:00Z")];
    book.happens("3", "2026-01-08T00:00:00Z", &[], again);
    assert_eq!(book.practice.types["h03-x"].won.len(), 3);
}

#[test]
fn the_past_counts_as_if_it_had_been_watched_but_nothing_was_governed_then() {
    let played = |afterwards: Option<Vec<&'static str>>| {
        let mut book = Book::new("h03-x", "2026-01-01T00:00:00Z");
        book.terms.modes.insert(GateName::from("commission"), Mode::Enforce);
        book.afterwards = afterwards;
        book.bypassed("1", "2026-01-05T00:00:00Z");
        book.accepted("2", "2026-01-06T00:00:00Z");
        book.practice
    };
    let (watched, past) = (played(None), played(Some(Vec::new())));
    let counted = |practice: &Practice| {
        let of = practice.types["h03-x"].clone();
        Type { modes: Vec::new(), pay_modes: Vec::new(), ..of }
    };
    assert_eq!(counted(&past), counted(&watched));
    assert_eq!(past.types["h03-x"].passed.len(), 2);
    assert_eq!((past.types["h03-x"].modes.len(), watched.types["h03-x"].modes.len()), (0, 1));
    assert_eq!(audit(&past, AuditKind::H03, 3).share, Share::of(1, 2));
}

#[test]
fn a_package_of_the_past_that_is_not_told_is_neither_right_nor_wrong() {
    let mut book = Book::new("h03-x", "2026-01-01T00:00:00Z");
    book.afterwards = Some(vec!["commitments"]);
    book.bypassed("1", "2026-01-05T00:00:00Z");
    book.afterwards = Some(vec!["no such field"]);
    book.bypassed("2", "2026-01-06T00:00:00Z");
    let of = &book.practice.types["h03-x"];
    // The first was won and passed by, and neither can be scored.
    assert_eq!((of.won.len(), of.passed.len(), of.untold), (1, 1, 2));
    assert_eq!(audit(&book.practice, AuditKind::H03, 3).share, Share::of(1, 2));
}

#[test]
fn what_was_told_afterwards_and_is_seen_again_counts_once_and_its_modes_are_known() {
    let mut book = Book::new("h03-x", "2026-01-01T00:00:00Z");
    book.afterwards = Some(Vec::new());
    book.bypassed("1", "2026-01-05T00:00:00Z");
    book.afterwards = None;
    book.terms.modes.insert(GateName::from("commission"), Mode::Enforce);
    book.bypassed("1", "2026-01-05T00:00:00Z");
    let of = &book.practice.types["h03-x"];
    assert_eq!((of.won.len(), of.passed.len(), of.rejected.len()), (1, 1, 1));
    assert_eq!(of.modes.last().map(|(_, mode)| *mode), Some(Mode::Enforce));
}
