//! What the handoffs of one account say to each other: which motion a record lives in, and deals of another motion than the account's.

use std::collections::BTreeSet;

use handoff_core::event::Event;
use handoff_core::handoff::Phase;
use handoff_core::id::{ConnectionId, ContractId, MotionId, RecordRef};
use handoff_core::journal::LogEntry;
use handoff_core::motion::{self, AccountHandoff};
use handoff_core::observation::Observation;

use crate::engine::Engine;
use crate::govern::Rule;
use crate::snapshots::Saved;

/// Whether a record of unknown motion has a handoff in a motion that was known before: it stays there, shut.
pub(crate) fn is_elsewhere(
    engine: &Engine,
    rule: &Rule,
    motion: &MotionId,
    seen: &Observation,
    before: Option<&Saved>,
) -> bool {
    let unknown = seen.beside.as_ref().and_then(|beside| beside.motion.as_ref());
    let unknown = unknown.is_some_and(|seen| seen.motion.is_none());
    let is_on = |stream: String| {
        engine.snapshots.summary(&stream).is_some_and(|summary| summary.phase != Phase::Voided)
    };
    let own = rule.stream(motion, &seen.subject);
    let off = before.is_none_or(|before| before.state.phase == Phase::Voided);
    unknown && off && rule.streams(&seen.subject).filter(|stream| *stream != own).any(is_on)
}

/// Whether the record is a deal of another motion than the one its account lives in, without a cross-motion handoff.
pub(crate) fn is_unguarded(engine: &Engine, rule: &Rule, motion: &MotionId, seen: &Observation) -> bool {
    let Some(account) = seen.account.as_ref().filter(|_| rule.current.contract.cross_motion.is_none()) else {
        return false;
    };
    if !motions_meet(engine) {
        return false;
    }
    let cross: BTreeSet<ContractId> = engine
        .objects
        .iter()
        .flat_map(|object| &object.rules)
        .filter(|rule| rule.current.contract.cross_motion.is_some())
        .map(|rule| rule.mapping.contract.clone())
        .collect();
    let mut known = of_account(engine, &seen.subject.connection, account);
    let (contract, record) = (rule.mapping.contract.clone(), seen.subject.clone());
    let own = |handoff: &AccountHandoff| {
        handoff.record == record && handoff.contract == contract && handoff.motion == *motion
    };
    if !known.iter().any(own) {
        let (motion, phase) = (motion.clone(), Phase::Draft);
        known.push(AccountHandoff { record: record.clone(), contract, motion, phase });
    }
    motion::unguarded(&known, &cross).contains(&record)
}

/// Whether records of more than one motion are governed: only then has a handoff of an account anything to say to another. An account of a company
/// with one motion may have thousands.
fn motions_meet(engine: &Engine) -> bool {
    let rules = engine.objects.iter().flat_map(|object| &object.rules);
    let motions: Option<BTreeSet<&MotionId>> =
        rules.map(|rule| rule.mapping.motion.always.as_ref()).collect();
    motions.is_none_or(|motions| motions.len() > 1)
}

fn of_account(engine: &Engine, connection: &ConnectionId, account: &str) -> Vec<AccountHandoff> {
    let streams = engine.snapshots.of_account(connection, account);
    let summaries = streams.iter().filter_map(|stream| engine.snapshots.summary(stream));
    summaries
        .map(|summary| AccountHandoff {
            record: summary.handoff.subject,
            contract: summary.handoff.contract,
            motion: summary.handoff.motion,
            phase: summary.phase,
        })
        .collect()
}

/// The account's other records, when a handoff of it began, ended or was accepted: what they are judged by changed.
pub(crate) fn onlookers(engine: &Engine, saved: &Saved, entry: &LogEntry) -> BTreeSet<RecordRef> {
    let events = entry.handoff().map(|(_, events)| events).unwrap_or_default();
    let turns = events.iter().any(|event| {
        matches!(
            event,
            Event::Opened { .. } | Event::Voided { .. } | Event::Accepted { .. } | Event::Reopened { .. }
        )
    });
    let subject = &saved.state.id.subject;
    let Some(account) = saved.account.as_ref().filter(|_| turns && motions_meet(engine)) else {
        return BTreeSet::new();
    };
    let known = of_account(engine, &subject.connection, account);
    // One motion has nothing to say to itself.
    if known
        .iter()
        .all(|handoff| handoff.motion == saved.state.id.motion && handoff.contract == saved.state.id.contract)
    {
        return BTreeSet::new();
    }
    known.into_iter().map(|handoff| handoff.record).filter(|record| record != subject).collect()
}
