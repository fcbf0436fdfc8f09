//! One record under all its rules: what it says, what happened, and the sealed entry that says so.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use handoff_core::contract::{Contract, ContractRef};
use handoff_core::decide::{self, decide};
use handoff_core::event::Event;
use handoff_core::extract::{RawRecord, extract};
use handoff_core::handoff::Phase;
use handoff_core::id::{HandoffId, MotionId, RecordRef};
use handoff_core::journal::LogEntry;
use handoff_core::observation::Observation;
use jiff::Timestamp;

use crate::books::Outcome;
use crate::due::Item;
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::feed;
use crate::govern::{Governed, Rule};
use crate::journal::{Refused, Sealed};
use crate::snapshots::Saved;
use crate::{accounts, carried, twins};

/// One record, judged.
pub(super) struct Judged {
    pub(super) item: Item,
    pub(super) raw: Option<RawRecord>,
    /// One per rule that is interested.
    pub(super) cases: Vec<Case>,
    /// Why it is parked: kind and reason.
    pub(super) problem: Option<(&'static str, String)>,
    /// Other entries came first: read and decide again.
    pub(super) conflict: bool,
    pub(super) look_again_at: Option<Timestamp>,
    /// Calls may concern this record now that did not before, or no more; the accounts that it belonged and belongs to.
    pub(super) recall: Option<BTreeSet<String>>,
    /// What its people say about questions that were asked again.
    pub(super) reasks: Vec<crate::calls::Heard>,
    /// Records of the same deal elsewhere, which have to look at what happened here.
    pub(super) onlookers: BTreeSet<RecordRef>,
}

/// One record under one rule.
pub(super) struct Case {
    pub(super) rule: usize,
    pub(super) contract: Arc<Contract>,
    pub(super) before: Option<Saved>,
    pub(super) seen: Observation,
    pub(super) step: Step,
}

/// What one rule makes of a record.
pub(super) enum Step {
    /// Nothing happened; the CRM may still have to be made to match.
    Known,
    /// Something happened.
    Decided { entry: Box<LogEntry>, sealed: Option<Sealed>, position: Option<u64> },
}

impl Judged {
    pub(super) fn outcome(&self) -> Outcome {
        let decided = |case: &Case| matches!(case.step, Step::Decided { .. });
        if self.cases.is_empty() {
            Outcome::Ignored
        } else if self.cases.iter().any(decided) {
            Outcome::Applied
        } else {
            Outcome::NoChange
        }
    }
}

/// Kind and reason under which a refused entry is parked.
pub(super) fn problem(refused: &Refused) -> (&'static str, String) {
    let kind = match refused {
        Refused::Erased => "erased",
        Refused::TooLarge(_) => "too_large",
        Refused::Conflict | Refused::Fatal(_) => "unreadable",
    };
    (kind, refused.to_string())
}

/// Judges one record. Blocks.
pub(super) fn judge(
    engine: &Engine,
    object: &Governed,
    item: Item,
    raw: Option<RawRecord>,
) -> Result<Judged, Fatal> {
    let mut judged = Judged {
        item,
        raw,
        cases: Vec::new(),
        problem: None,
        conflict: false,
        look_again_at: None,
        recall: None,
        reasks: Vec::new(),
        onlookers: BTreeSet::new(),
    };
    for (number, rule) in object.rules.iter().enumerate() {
        // A record that nobody thought of must not take the others with it.
        let (item, raw) = (&judged.item, judged.raw.as_ref());
        let motions = rule.mapping.motion.candidates();
        let seen = catch_unwind(AssertUnwindSafe(|| {
            let cases = motions.iter().map(|motion| case(engine, number, rule, motion, item, raw));
            cases.collect::<Result<Vec<Option<Case>>, NotJudged>>()
        }));
        match seen {
            Ok(Ok(cases)) => judged.cases.extend(cases.into_iter().flatten()),
            Ok(Err(NotJudged::Fatal(fatal))) => return Err(fatal),
            Ok(Err(NotJudged::Parked(kind, why))) => judged.problem = Some((kind, why)),
            Err(_panic) => {
                let why = format!("{} cannot digest this record; report it", rule.mapping.mapping);
                judged.problem = Some(("poison", why));
            }
        }
    }
    Ok(judged)
}

/// Why a record is not judged.
pub(super) enum NotJudged {
    Fatal(Fatal),
    Parked(&'static str, String),
}

impl From<Fatal> for NotJudged {
    fn from(fatal: Fatal) -> Self {
        Self::Fatal(fatal)
    }
}

impl From<Refused> for NotJudged {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Fatal(fatal) => Self::Fatal(fatal),
            Refused::Conflict | Refused::Erased | Refused::TooLarge(_) => {
                let (kind, why) = problem(&refused);
                Self::Parked(kind, why)
            }
        }
    }
}

fn case(
    engine: &Engine,
    number: usize,
    rule: &Rule,
    motion: &MotionId,
    item: &Item,
    raw: Option<&RawRecord>,
) -> Result<Option<Case>, NotJudged> {
    let stream = rule.stream(motion, &item.record);
    let before = engine.snapshots.load_now(&stream)?;
    if before.is_none() && raw.is_none() {
        return Ok(None);
    }
    let Some((contract, pin, seen, events, now)) = decided(engine, rule, motion, item, raw, before.as_ref())?
    else {
        return Ok(None);
    };
    if events.is_empty() {
        let known = before.is_some();
        return Ok(known.then_some(Case { rule: number, contract, before, seen, step: Step::Known }));
    }
    let version = before.as_ref().map_or(0, |saved| saved.state.version);
    let entry = LogEntry::Decided {
        handoff: handoff(rule, motion, item, before.as_ref(), &events),
        contract: pin,
        terms: rule.terms.clone(),
        at: now,
        seen: Box::new(seen.clone()),
        events,
    };
    let sealed = Some(engine.journal.seal(&entry, version)?);
    let step = Step::Decided { entry: Box::new(entry), sealed, position: None };
    Ok(Some(Case { rule: number, contract, before, seen, step }))
}

type Decided = (Arc<Contract>, ContractRef, Observation, Vec<Event>, Timestamp);

/// What happened to this record under this rule.
pub(super) fn decided(
    engine: &Engine,
    rule: &Rule,
    motion: &MotionId,
    item: &Item,
    raw: Option<&RawRecord>,
    before: Option<&Saved>,
) -> Result<Option<Decided>, NotJudged> {
    let Some(link) = engine.links.get(&item.record.connection) else { return Ok(None) };
    let pin = pin(engine, rule, before);
    let Some(contract) = engine.contracts.get(&pin) else {
        let why = format!(
            "the log does not hold {} version {} with digest {}: its gates stay as they are; restore the log it was published in",
            pin.id, pin.version, pin.digest
        );
        return Err(NotJudged::Parked("contract_unknown", why));
    };
    let raw = raw.map(|raw| feed::with_feeds(engine, &rule.mapping, raw)).transpose()?;
    let raw = raw.as_deref();
    let mut seen = raw.map_or_else(
        || Observation::gone(item.record.clone()),
        |raw| extract(&rule.mapping, &contract, raw, &link.directory),
    );
    let known = before.map(|saved| &saved.state);
    seen.link = twins::link(engine, rule, raw, known);
    let contract_id = &rule.mapping.contract;
    seen.twins = twins::seen(engine, contract_id, &item.record, seen.link.as_ref(), &seen.package)?;
    seen.absorbed = engine.snapshots.absorbed(&item.record);
    seen.contradicted = known.and_then(|state| engine.tests.contradiction(&state.id));
    if let Some(raw) = raw {
        seen.take_carried(&contract, carried::seen(engine, rule, raw)?);
    }
    if accounts::is_elsewhere(engine, rule, motion, &seen, before) {
        return Ok(None);
    }
    if accounts::is_unguarded(engine, rule, motion, &seen) {
        seen.beside.get_or_insert_default().unguarded = true;
    }
    let now = engine.clock.now();
    let case = decide::Case { contract: &contract, pin: &pin, motion, terms: &rule.terms };
    let events = decide(case, before.map(|saved| &saved.state), &seen, now);
    Ok(Some((contract, pin, seen, events, now)))
}

/// An open handoff stays on its version; a new one, or one that begins again after it was off, takes the version in force.
fn pin(engine: &Engine, rule: &Rule, before: Option<&Saved>) -> ContractRef {
    match before {
        Some(saved) if saved.state.phase != Phase::Voided => saved.state.contract.clone(),
        Some(_) | None => engine.in_force(rule),
    }
}

/// The handoff and its cycle after these events.
fn handoff(
    rule: &Rule,
    motion: &MotionId,
    item: &Item,
    before: Option<&Saved>,
    events: &[Event],
) -> HandoffId {
    let mut id = before.map_or_else(
        || HandoffId {
            contract: rule.mapping.contract.clone(),
            motion: motion.clone(),
            subject: item.record.clone(),
            cycle: 1,
        },
        |saved| saved.state.id.clone(),
    );
    for event in events {
        if let Event::Opened { handoff, .. } = event {
            id = handoff.clone();
        } else if let Event::Reopened { cycle, .. } = event {
            id.cycle = *cycle;
        }
    }
    id
}
