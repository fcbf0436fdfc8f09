//! What the handoffs of one account say to each other: which motion a record lives in, and deals of another motion than the account's.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::handoff::Phase;
use handoff_core::id::{ConnectionId, ContractId, MotionId, RecordRef};
use handoff_core::motion::Residence;
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
    let cross = cross(engine);
    let account = seen.account.as_ref().filter(|_| !cross.contains(&rule.mapping.contract));
    account.is_some_and(|account| {
        engine.snapshots.residence(&seen.subject.connection, account, &cross).is_unguarded(motion)
    })
}

/// Where the accounts live that a record belonged and belongs to.
pub(crate) struct Homes {
    cross: BTreeSet<ContractId>,
    connection: ConnectionId,
    residences: BTreeMap<String, Residence>,
}

impl Homes {
    /// As they are before the record's new state is noted.
    pub(crate) fn of<'a>(
        engine: &Engine,
        record: &RecordRef,
        accounts: impl IntoIterator<Item = &'a String>,
    ) -> Self {
        let (cross, connection) = (cross(engine), record.connection.clone());
        let home =
            |account: &String| (account.clone(), engine.snapshots.residence(&connection, account, &cross));
        let residences = accounts.into_iter().map(home).collect();
        Self { cross, connection, residences }
    }

    /// The accounts' deals that are judged otherwise than before, now that the record's new state is noted.
    pub(crate) fn onlookers(self, engine: &Engine) -> BTreeSet<RecordRef> {
        let mut onlookers = BTreeSet::new();
        for (account, before) in self.residences {
            let now = engine.snapshots.residence(&self.connection, &account, &self.cross);
            if now == before {
                continue;
            }
            let streams = engine.snapshots.of_account(&self.connection, &account);
            let handoffs = streams.iter().filter_map(|stream| engine.snapshots.summary(stream));
            let turned = handoffs.map(|summary| summary.handoff).filter(|handoff| {
                !self.cross.contains(&handoff.contract)
                    && before.is_unguarded(&handoff.motion) != now.is_unguarded(&handoff.motion)
            });
            onlookers.extend(turned.map(|handoff| handoff.subject));
        }
        onlookers
    }
}

/// The governed contracts of handoffs between motions.
fn cross(engine: &Engine) -> BTreeSet<ContractId> {
    let rules = engine.objects.iter().flat_map(|object| &object.rules);
    let cross = rules.filter(|rule| rule.current.contract.cross_motion.is_some());
    cross.map(|rule| rule.mapping.contract.clone()).collect()
}
