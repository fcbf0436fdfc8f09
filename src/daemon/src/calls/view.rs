//! What people see of calls and evidence; never words of a call.

use std::sync::Arc;

use handoff_core::evidence::{CallRef, Evidence, Ground, Standing};
use handoff_core::id::{ConnectionId, FieldKey};
use handoff_core::reask::{Reask, Reasks};
use jiff::Timestamp;
use serde::Serialize;

use super::Listener;
use crate::engine::Engine;

/// One connection's calls now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallsView {
    /// The connection.
    pub connection: ConnectionId,
    /// When a pass over the look-back window last ended.
    pub polled_at: Option<Timestamp>,
    /// Calls that are remembered.
    pub known: usize,
    /// Calls that stand as evidence.
    pub evidence: usize,
    /// Calls that are due now or being worked on.
    pub due: usize,
    /// Calls whose details or transcript the vendor does not have yet; they are asked for again.
    pub waiting: usize,
    /// Calls whose details or transcript never came: a person has to look.
    pub unresolved: Vec<String>,
}

/// One suggested place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlaceView {
    /// The call.
    pub call: CallRef,
    /// Where a person can listen to it.
    pub url: Option<String>,
    /// When it began.
    pub started: Timestamp,
    /// The field.
    pub field: FieldKey,
    /// Milliseconds from the start of the call.
    pub from_ms: u64,
    /// Milliseconds from the start of the call.
    pub to_ms: u64,
    /// Why it was suggested.
    pub grounds: Vec<Ground>,
    /// How it stands.
    pub standing: Standing,
    /// Who answered.
    pub by: Option<String>,
    /// When he answered.
    pub at: Option<Timestamp>,
}

/// Every place of calls that were not withdrawn, oldest call first.
pub(crate) fn places(evidence: &Evidence) -> Vec<PlaceView> {
    evidence
        .places()
        .into_iter()
        .map(|(heard, place)| PlaceView {
            call: heard.call.clone(),
            url: heard.url.clone(),
            started: heard.started,
            field: place.spot.field.clone(),
            from_ms: place.spot.from_ms,
            to_ms: place.spot.to_ms,
            grounds: place.spot.grounds.iter().copied().collect(),
            standing: place.standing(),
            by: place.answer.as_ref().map(|answer| answer.by.clone()),
            at: place.answer.as_ref().map(|answer| answer.at),
        })
        .collect()
}

/// One suggested re-ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReaskView {
    /// The call.
    pub call: CallRef,
    /// Where a person can listen to it.
    pub url: Option<String>,
    /// When it began.
    pub started: Timestamp,
    /// The cycle of the handoff whose package was in force then.
    pub cycle: u32,
    /// What was found.
    pub reask: Reask,
    /// How it stands.
    pub standing: Standing,
    /// Who answered.
    pub by: Option<String>,
    /// When he answered.
    pub at: Option<Timestamp>,
}

/// Every suggestion of calls that were not withdrawn, oldest call first.
pub(crate) fn reasks(known: &Reasks) -> Vec<ReaskView> {
    known
        .all()
        .into_iter()
        .map(|open| ReaskView {
            call: open.call.call.clone(),
            url: open.call.url.clone(),
            started: open.call.started,
            cycle: open.call.cycle,
            reask: open.suggested.reask.clone(),
            standing: open.suggested.standing(),
            by: open.suggested.answer.as_ref().map(|answer| answer.by.clone()),
            at: open.suggested.answer.as_ref().map(|answer| answer.at),
        })
        .collect()
}

impl Listener {
    pub(crate) fn view(&self, engine: &Arc<Engine>) -> CallsView {
        let known = self.shelf.list(|_| true);
        let missing = known.iter().filter_map(|known| Some((known, known.missing.as_ref()?)));
        let (waiting, unresolved): (Vec<_>, Vec<_>) =
            missing.partition(|(_, missing)| missing.next.is_some());
        let evidence = engine.evidence.calls();
        CallsView {
            connection: self.connection.clone(),
            polled_at: self.polled_at(),
            known: known.len(),
            evidence: evidence.iter().filter(|call| call.connection == self.connection).count(),
            due: self.due.depth(engine.clock.now()).0,
            waiting: waiting.len(),
            unresolved: unresolved.into_iter().map(|(known, _)| known.id.clone()).collect(),
        }
    }
}
