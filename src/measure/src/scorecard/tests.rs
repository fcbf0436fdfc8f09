use std::collections::{BTreeMap, BTreeSet};

use handoff_core::decide::Terms;
use handoff_core::digest::Digest;
use handoff_core::event::{EditEffect, ReopenCause, VoidCause};
use handoff_core::id::{ActorId, ContractId, FieldKey, MotionId, PartKey, PersonId, RecordRef, StageName};
use handoff_core::observation::Actor;
use handoff_core::value::{Package, Sourced, Value};
use jiff::SignedDuration;
use proptest::prelude::*;

use handoff_core::event::Refusal;

use super::*;
use crate::drill::{Question, Record};
use crate::report::{Band, Row};

mod figures;
mod past;
mod scratch;

const CONTRACT: &str = include_str!("../../../../mappings/contracts/h03-ae-to-onboarding.v1.toml");

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn start() -> Timestamp {
    at("2026-03-02T08:00:00Z")
}

fn hours(hours: i64) -> Timestamp {
    start() + SignedDuration::from_hours(hours)
}

fn handoff(record: &str) -> HandoffId {
    HandoffId {
        contract: ContractId::from("h03-ae-to-onboarding"),
        motion: MotionId::from("main"),
        subject: RecordRef { connection: "sf".into(), object: "Opportunity".into(), record: record.into() },
        cycle: 1,
    }
}

fn pin() -> ContractRef {
    ContractRef {
        id: ContractId::from("h03-ae-to-onboarding"),
        version: 1,
        digest: Digest::of_bytes(CONTRACT.as_bytes()),
    }
}

fn actor() -> Actor {
    Actor {
        id: ActorId::from("005"),
        person: PersonId::from("rita"),
        machine: false,
        active: true,
        roles: BTreeSet::new(),
    }
}

fn decided(record: &str, logged: Timestamp, package: Package, events: Vec<Event>) -> LogEntry {
    let handoff = handoff(record);
    let seen = Observation { package, ..Observation::gone(handoff.subject.clone()) };
    LogEntry::Decided {
        handoff,
        contract: pin(),
        terms: Terms::default(),
        at: logged,
        seen: Box::new(seen),
        events,
    }
}

fn opened(record: &str) -> Event {
    Event::Opened {
        handoff: handoff(record),
        contract: pin(),
        stage: StageName::from("negotiation"),
        at: Some(start()),
    }
}

fn completed(hour: i64, round: u32) -> Event {
    Event::Completed { round, at: hours(hour) }
}

fn accepted(hour: i64, round: u32) -> Event {
    Event::Accepted { act: format!("a{hour}"), by: actor(), at: hours(hour), round, behalf: None }
}

fn rejected(hour: i64, round: u32, fields: &[&str]) -> Event {
    let fields = fields.iter().map(|key| FieldKey::from(*key)).collect();
    Event::Rejected {
        act: format!("r{hour}"),
        by: actor(),
        at: hours(hour),
        round,
        fields,
        reason: "thin".into(),
        reasons: BTreeMap::new(),
    }
}

fn bypassed(hour: i64, entry: &str, ever_accepted: bool) -> Event {
    Event::Bypassed {
        gate: "stage".into(),
        stage: "closed_won".into(),
        from: None,
        by: None,
        at: Some(hours(hour)),
        entry: entry.into(),
        ever_accepted,
    }
}

fn card(entries: &[LogEntry]) -> Scorecard {
    let mut card = Scorecard::new();
    for entry in entries {
        card.apply(entry);
    }
    card
}

fn total(card: &Scorecard) -> Row {
    let report = card.report(Period::Month, hours(24 * 90));
    report.rows.into_iter().find(|row| row.period.is_none()).unwrap()
}

/// The cycles behind all time's figures.
fn records(card: &Scorecard) -> Vec<Record> {
    let question = Question {
        contract: "h03-ae-to-onboarding".to_owned(),
        motion: None,
        slice: Slice::All,
        metric: None,
        after: None,
        limit: usize::MAX,
    };
    card.drill(&question).records
}

#[test]
fn a_rejected_then_accepted_cycle_is_measured_from_its_last_completion() {
    let row = total(&card(&[decided(
        "1",
        hours(80),
        Package::new(),
        vec![opened("1"), completed(1, 1), rejected(10, 1, &["pain"]), completed(20, 2), accepted(44, 2)],
    )]));
    assert_eq!((row.completion.met, row.completion.n), (1, 1));
    assert_eq!((row.acceptance.met, row.acceptance.n), (0, 1));
    assert_eq!(row.acceptance.band, Band::Below);
    assert_eq!(row.time_to_acceptance.unwrap().median_hours.to_string(), "24");
    assert_eq!(row.total_elapsed.unwrap().median_hours.to_string(), "43");
    assert_eq!(row.time_band, Band::OnTarget);
    assert_eq!(row.counts.rejections, 1);
    assert!(!row.provisional);
}

#[test]
fn a_young_acceptance_is_provisional_until_thirty_days_are_over() {
    let card =
        card(&[decided("1", hours(3), Package::new(), vec![opened("1"), completed(1, 1), accepted(2, 1)])]);
    let provisional = |as_of| card.report(Period::Week, as_of).rows.iter().any(|row| row.provisional);
    assert!(provisional(hours(2 + 30 * 24 - 1)));
    assert!(!provisional(hours(2 + 30 * 24)));
}

#[test]
fn a_bypass_is_a_transition_scored_by_the_published_contract() {
    let contract = parse_contract("h03", CONTRACT).unwrap();
    let first = contract.fields.first().unwrap();
    let published = LogEntry::ContractPublished { contract: pin(), text: CONTRACT.into(), at: start() };
    let events = vec![opened("1"), bypassed(5, "e1", false), bypassed(5, "e1", false)];
    let card = card(&[published, decided("1", hours(6), Package::new(), events)]);
    let row = total(&card);
    let record = &records(&card)[0];
    assert!(record.bypassed);
    assert_eq!(record.score.unwrap().required, contract.fields.len());
    assert_eq!(record.score.unwrap().filled, 0);
    assert_eq!((row.completion.met, row.completion.n, row.completion.band), (0, 1, Band::Aspirational));
    assert_eq!(row.counts.bypasses, 1, "two gates, one entry into the stage");
    assert_eq!(row.counts.bypasses_never_accepted, 1);
    assert!(!first.parts.is_empty());
}

#[test]
fn a_later_acceptance_takes_the_bypass_out_of_never_accepted_but_not_out_of_the_ledger() {
    let row = total(&card(&[
        decided("1", hours(6), Package::new(), vec![opened("1"), bypassed(5, "e1", false)]),
        decided("1", hours(9), Package::new(), vec![completed(7, 1), accepted(8, 1)]),
    ]));
    assert_eq!((row.counts.bypasses, row.counts.bypasses_before_any_acceptance), (1, 1));
    assert_eq!(row.counts.bypasses_never_accepted, 0);
    assert_eq!((row.completion.met, row.completion.n), (0, 1), "the first transition was the by-pass");
    assert_eq!(row.counts.accepted, 1);
}

#[test]
fn a_reopened_handoff_is_a_new_unit_and_adjustments_are_counted() {
    let fields = BTreeSet::from([FieldKey::from("outcomes")]);
    let card = card(&[
        decided("1", hours(3), Package::new(), vec![opened("1"), completed(1, 1), accepted(2, 1)]),
        decided(
            "1",
            hours(30),
            Package::new(),
            vec![
                Event::Reopened { cycle: 2, cause: ReopenCause::Edited { fields: fields.clone() } },
                Event::CommissionHeld { adjustment: 1, cause: ReopenCause::Edited { fields } },
                completed(29, 1),
            ],
        ),
        decided("1", hours(50), Package::new(), vec![accepted(40, 1)]),
    ]);
    let row = total(&card);
    assert_eq!((row.acceptance.met, row.acceptance.n), (2, 2));
    assert_eq!((row.counts.reopened, row.counts.adjustments, row.counts.accepted), (1, 1, 2));
    assert_eq!(records(&card).iter().map(|record| record.cycle).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn b06_times_of_the_future_or_of_1970_are_told_and_kept_out_of_the_median() {
    let wild = |record: &str, claim: &str| {
        let accept = Event::Accepted { act: "x".into(), by: actor(), at: at(claim), round: 1, behalf: None };
        decided(record, hours(9), Package::new(), vec![opened(record), completed(1, 1), accept])
    };
    let row = total(&card(&[wild("1", "2099-01-01T00:00:00Z"), wild("2", "1970-01-01T00:00:00Z")]));
    assert_eq!(row.unmeasurable, 2);
    assert!(row.time_to_acceptance.is_none());
    assert_eq!(row.counts.accepted, 2);
}

#[test]
fn b02_a_negative_span_is_flagged_and_never_counted() {
    let row = total(&card(&[decided(
        "1",
        hours(9),
        Package::new(),
        vec![opened("1"), completed(5, 1), accepted(3, 1)],
    )]));
    assert_eq!((row.unmeasurable, row.time_to_acceptance), (1, None));
}

#[test]
fn a_field_that_was_sent_back_counts_as_missing_until_it_is_changed() {
    let contract = parse_contract("h03", CONTRACT).unwrap();
    let key = contract.fields.first().unwrap().key.clone();
    let value =
        Sourced { value: Value::Text("changed".into()), from: handoff("1").subject, field: "Pain__c".into() };
    let mended = Event::PackageChanged {
        set: BTreeMap::from([(key.clone(), BTreeMap::from([(PartKey::from("text"), value)]))]),
        cleared: BTreeSet::new(),
        edits: BTreeMap::new(),
        acceptance: EditEffect::BeforeAcceptance,
    };
    let mut card =
        card(&[decided("1", hours(9), Package::new(), vec![opened("1"), rejected(2, 1, &[key.as_str()])])]);
    let waiting = |card: &Scorecard| card.units.first().unwrap().clone();
    let before = waiting(&card);
    card.apply(&decided("1", hours(12), Package::new(), vec![mended]));
    assert_ne!(before, waiting(&card), "the mended field is no longer held against the package");
}

#[test]
fn refused_answers_tampers_and_voids_are_counted_by_month() {
    let refused =
        |hour, why| Event::AnswerRefused { act: format!("{hour}"), by: actor(), at: hours(hour), why };
    let tampered = Event::Tampered {
        gate: "commission".into(),
        expected_open: false,
        seen_open: true,
        deviation: "d".into(),
        by: None,
        at: Some(hours(24 * 40)),
    };
    let card = card(&[decided(
        "1",
        hours(24 * 41),
        Package::new(),
        vec![
            opened("1"),
            refused(1, Refusal::OwnHandoff),
            refused(2, Refusal::OwnHandoff),
            tampered,
            Event::Voided { cause: VoidCause::Deleted },
        ],
    )]);
    let report = card.report(Period::Month, hours(24 * 60));
    let months: Vec<_> = report.rows.iter().map(|row| row.period.as_deref().unwrap_or("all")).collect();
    assert_eq!(months, ["2026-03", "2026-04", "all"]);
    let row = |index: usize| &report.rows[index].counts;
    assert_eq!(row(0).refused.get("own_handoff"), Some(&2));
    assert_eq!((row(1).tampers, row(1).voided), (1, 1));
    assert_eq!((row(2).tampers, row(2).refused.len()), (1, 1));
}

/// A step of a random history.
#[derive(Debug, Clone, Copy)]
enum Step {
    Complete,
    Reject,
    Accept,
    Bypass,
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<(u8, Step, u8)>> {
    let step = prop_oneof![
        Just(Step::Complete),
        Just(Step::Reject),
        Just(Step::Accept),
        Just(Step::Bypass),
        Just(Step::Reopen)
    ];
    prop::collection::vec((0_u8..4, step, 1_u8..40), 1..60)
}

/// Log entries of a random history, and what a plain reading of it counts: accepted, first answers that accept, first answers, waits.
fn play(steps: &[(u8, Step, u8)]) -> (Vec<LogEntry>, (usize, usize, usize, Vec<i64>)) {
    let mut entries = Vec::new();
    let mut hour = 0;
    let (mut accepts, mut first, mut answered, mut waits) = (0, 0, 0, Vec::new());
    // Per record: cycle, answered in this cycle, completed at.
    let mut records: BTreeMap<u8, (u32, bool, Option<i64>)> = BTreeMap::new();
    for (record, step, pause) in steps {
        hour += i64::from(*pause);
        let name = record.to_string();
        let mut events = Vec::new();
        let state = records.entry(*record).or_insert_with(|| {
            events.push(opened(&name));
            (1, false, None)
        });
        match step {
            Step::Complete => {
                state.2 = Some(hour);
                events.push(completed(hour, 1));
            }
            Step::Reject => {
                answered += usize::from(!state.1);
                (state.1, state.2) = (true, None);
                events.push(rejected(hour, 1, &[]));
            }
            Step::Accept => {
                let Some(since) = state.2 else { continue };
                accepts += 1;
                answered += usize::from(!state.1);
                first += usize::from(!state.1);
                waits.push(hour - since);
                state.1 = true;
                events.push(accepted(hour, 1));
                events.push(Event::Reopened {
                    cycle: state.0 + 1,
                    cause: ReopenCause::Edited { fields: BTreeSet::new() },
                });
                *state = (state.0 + 1, false, None);
            }
            Step::Bypass => events.push(bypassed(hour, &hour.to_string(), false)),
            Step::Reopen => {
                *state = (state.0 + 1, false, None);
                events.push(Event::Reopened {
                    cycle: state.0,
                    cause: ReopenCause::Edited { fields: BTreeSet::new() },
                });
            }
        }
        entries.push(decided(&name, hours(hour), Package::new(), events));
    }
    (entries, (accepts, first, answered, waits))
}

proptest! {
    #[test]
    fn incremental_equals_recomputed(steps in steps()) {
        let (entries, (accepts, first, answered, mut waits)) = play(&steps);
        let mut running = Scorecard::new();
        for (index, entry) in entries.iter().enumerate() {
            running.apply(entry);
            let anew = card(&entries[..=index]);
            prop_assert_eq!(running.report(Period::Week, hours(9_999)), anew.report(Period::Week, hours(9_999)));
        }
        let report = running.report(Period::Month, hours(9_999));
        let row = report.rows.iter().find(|row| row.period.is_none());
        prop_assert_eq!(row.map_or(0, |row| row.counts.accepted), accepts);
        prop_assert_eq!(row.map_or((0, 0), |row| (row.acceptance.met, row.acceptance.n)), (first, answered));
        waits.sort_unstable();
        let spread = row.and_then(|row| row.time_to_acceptance);
        prop_assert_eq!(spread.map_or(0, |spread| spread.n), waits.len());
        if let Some(spread) = spread {
            let n = waits.len();
            let doubled = if n % 2 == 1 { 2 * waits[n / 2] } else { waits[n / 2 - 1] + waits[n / 2] };
            prop_assert_eq!(spread.median_seconds, rust_decimal::Decimal::from(doubled * 1_800));
        }
        // The months add up to the whole.
        let months = report.rows.iter().filter(|row| row.period.is_some());
        prop_assert_eq!(months.map(|row| row.acceptance.n).sum::<usize>(), answered);
    }
}

#[test]
fn an_override_is_counted_aloud_and_never_as_an_acceptance() {
    let overridden = Event::Overridden {
        gate: "commission".into(),
        reason: "quarter end".to_owned(),
        asked_by: actor(),
        confirmed_by: actor(),
        expires: hours(12),
        at: hours(4),
    };
    let opened = decided("1", hours(3), Package::new(), vec![opened("1"), completed(1, 1)]);
    let entry = LogEntry::Overridden { handoff: handoff("1"), at: hours(4), events: vec![overridden] };
    let card = card(&[opened, entry]);
    let row = total(&card);
    assert_eq!((row.counts.overrides, row.counts.accepted), (1, 0));
    assert!(records(&card).is_empty(), "it is no transition");
}

#[test]
fn an_acceptance_with_exceptions_scores_what_was_filled_and_not_what_was_granted() {
    let published = LogEntry::ContractPublished { contract: pin(), text: CONTRACT.into(), at: start() };
    let granted = Event::ExceptionsGranted {
        act: "a2".to_owned(),
        by: actor(),
        at: hours(2),
        exceptions: BTreeMap::new(),
    };
    let events = vec![opened("1"), granted, completed(1, 1), accepted(2, 1)];
    let card = card(&[published, decided("1", hours(3), Package::new(), events)]);
    let row = total(&card);
    let score = records(&card)[0].score.unwrap();
    assert_eq!(score.filled, 0, "nothing was filled when it was accepted");
    assert_eq!(row.counts.accepted, 1);
}
