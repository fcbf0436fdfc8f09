//! One record's past under all its rules. Pure but for what the log tells of other handoffs.

use std::borrow::Cow;

use handoff_core::decide::Case;
use handoff_core::id::{ContractId, MotionId};
use handoff_core::journal::LogEntry;
use handoff_core::past::{Frame, PastRecord, Span, Then, reconstruct};

use super::book::Shelf;
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::govern::{Governed, Rule};
use crate::journal::{Refused, Sealed};
use crate::{carried, feed};

/// New decisions of one stream, in order.
pub(super) struct Found {
    pub(super) stream: String,
    pub(super) contract: ContractId,
    pub(super) sealed: Vec<(LogEntry, Sealed)>,
}

/// What a record's past comes to.
#[derive(Default)]
pub(super) struct Worked {
    pub(super) found: Vec<Found>,
    pub(super) watched: u64,
    /// Streams whose entries are refused: the record was erased, or is too large.
    pub(super) refused: u64,
    /// Whether the stage is told at no moment.
    pub(super) untold: bool,
}

/// Works out the past of one record under the rules that are wanted. Blocks.
pub(super) fn work(
    engine: &Engine,
    object: &Governed,
    wanted: &dyn Fn(&ContractId) -> bool,
    past: &PastRecord,
    span: Span,
) -> Result<Worked, Fatal> {
    let mut worked = Worked::default();
    let mut shelf = Shelf::default();
    for rule in object.rules.iter().filter(|rule| wanted(&rule.mapping.contract)) {
        worked.untold |= past.told_from(&rule.mapping.stage.field) > span.until;
        let raw = feed::with_feeds(engine, &rule.mapping, &past.now)?;
        let fed = match raw {
            Cow::Borrowed(_) => Cow::Borrowed(past),
            Cow::Owned(now) => Cow::Owned(PastRecord { now, ..past.clone() }),
        };
        for motion in rule.mapping.motion.candidates() {
            let stream = rule.stream(&motion, &past.now.record);
            if engine.snapshots.summary(&stream).is_some() {
                worked.watched += 1;
                continue;
            }
            let (entries, found) = stream_of(engine, rule, &motion, &fed, span, &mut shelf)?;
            match seal(engine, rule, entries, found, span) {
                Ok(sealed) if sealed.is_empty() => {}
                Ok(sealed) => {
                    let contract = rule.mapping.contract.clone();
                    worked.found.push(Found { stream, contract, sealed });
                }
                Err(Refused::Fatal(fatal)) => return Err(fatal),
                Err(Refused::Conflict | Refused::Erased | Refused::TooLarge(_)) => worked.refused += 1,
            }
        }
    }
    Ok(worked)
}

/// Entries that are in the log already, and what is new.
fn stream_of(
    engine: &Engine,
    rule: &Rule,
    motion: &MotionId,
    past: &PastRecord,
    span: Span,
    shelf: &mut Shelf,
) -> Result<(u64, Vec<Then>), Fatal> {
    let stream = rule.stream(motion, &past.now.record);
    let Some(link) = engine.links.get(&past.now.record.connection) else { return Ok((0, Vec::new())) };
    let told = shelf.told(engine, &stream)?;
    let (entries, before) = (told.entries, told.last());
    let pin = before.as_ref().map_or_else(|| engine.in_force(rule), |(state, _)| state.contract.clone());
    let Some(contract) = engine.contracts.get(&pin) else { return Ok((entries, Vec::new())) };
    let people = link.directory.of_the_past();
    let case = Case { contract: &contract, pin: &pin, motion, terms: &rule.terms };
    let terms = rule.terms.of_the_past(case, span.since);
    let frame = Frame { case: Case { terms: &terms, ..case }, mapping: &rule.mapping, who: &people };
    let found = reconstruct(frame, past, before, span, |raw, at, seen| {
        let carried = carried::seen_by(engine, rule, raw, |contract, record| {
            let Some(object) = engine.object_of(record) else { return Ok(None) };
            let mut best = None;
            let rules = object.rules.iter().filter(|rule| rule.mapping.contract == *contract);
            for stream in rules.flat_map(|rule| rule.streams(record)) {
                let state = shelf.told(engine, &stream)?.as_of(at).cloned();
                let better = state.as_ref().is_some_and(handoff_core::handoff::Handoff::acceptance_holds);
                if best.is_none() || better {
                    best = state.or(best);
                }
            }
            // What was watched and not reconstructed is told as it stands.
            if best.is_none() { carried::handoff(engine, contract, record) } else { Ok(best) }
        })?;
        seen.take_carried(&contract, carried);
        Ok::<(), Fatal>(())
    })?;
    Ok((entries, found))
}

fn seal(
    engine: &Engine,
    rule: &Rule,
    entries: u64,
    found: Vec<Then>,
    span: Span,
) -> Result<Vec<(LogEntry, Sealed)>, Refused> {
    let mut sealed = Vec::with_capacity(found.len());
    for (version, then) in (entries..).zip(found) {
        let Some(contract) = engine.contracts.get(&then.state.contract) else { break };
        let case = Case {
            contract: &contract,
            pin: &then.state.contract,
            motion: &then.state.id.motion,
            terms: &rule.terms,
        };
        let entry = LogEntry::Reconstructed {
            handoff: then.state.id.clone(),
            contract: then.state.contract.clone(),
            terms: rule.terms.of_the_past(case, span.since),
            at: then.at,
            seen: Box::new(then.seen),
            events: then.events,
            unknown: then.unknown,
            made: engine.clock.now(),
        };
        let one = engine.journal.seal(&entry, version)?;
        sealed.push((entry, one));
    }
    Ok(sealed)
}
