//! Flags: what was done to them, what they shall be, and what our own writes turned out to be.

use std::collections::BTreeMap;

use super::Decision;
use crate::contract::Mode;
use crate::event::Event;
use crate::extract::Existence;
use crate::gate::evaluate;
use crate::handoff::{GateState, Handoff};
use crate::id::GateName;
use crate::observation::FlagSeen;

impl Decision<'_> {
    /// Compares every flag with what we last confirmed or ordered.
    pub(super) fn note_tampering(&mut self) {
        if self.state.as_ref().is_some_and(Handoff::has_left_its_motion) {
            return;
        }
        self.judge_flags(tampering);
    }

    /// Finds our own writes, and deviations that somebody mended himself.
    pub(super) fn settle(&mut self) {
        self.judge_flags(settled);
    }

    fn judge_flags(&mut self, judge: fn(&GateName, &FlagSeen, &GateState) -> Option<Event>) {
        let Some(state) = &self.state else { return };
        let fresh = GateState::default();
        let flags = self.seen.flags.iter();
        let events: Vec<Event> = flags
            .filter_map(|(gate, flag)| judge(gate, flag, state.gates.get(gate).unwrap_or(&fresh)))
            .collect();
        for event in events {
            self.emit(event);
        }
    }

    /// Orders what the gates in force shall read, before any write leaves.
    pub(super) fn order(&mut self) {
        if self.seen.existence != Existence::Present {
            return;
        }
        let Some(state) = &self.state else { return };
        // A new acceptance has a new clearance id, and a lost one has none, even where the flag stays open.
        let is_news = |event: &Event| {
            matches!(
                event,
                Event::Accepted { .. }
                    | Event::Reopened { .. }
                    | Event::Opened { .. }
                    | Event::OverrideEnded { .. }
            )
        };
        let new_clearance = self.events.iter().any(is_news);
        let verdict = evaluate(self.case.contract, state, self.now);
        let orders: Vec<Event> = verdict
            .gates
            .into_iter()
            .filter(|(gate, _)| self.case.terms.mode(self.case.contract, gate) == Mode::Enforce)
            .filter(|(gate, open)| {
                let intended = state.gates.get(gate).is_some_and(GateState::intended);
                intended != *open || (*open && new_clearance)
            })
            .map(|(gate, open)| Event::GateOrdered { gate, open })
            .collect();
        for order in orders {
            self.emit(order);
        }
    }
}

/// Whether a flag that reads `open` can be our own doing. An open flag that carries another clearance id than the confirmed one is not.
fn is_ours(flag: &FlagSeen, open: bool, known: &GateState) -> bool {
    let forged =
        open && known.confirmed == Some(true) && known.ordered.is_none() && known.clearance != flag.clearance;
    known.is_ours(open) && !forged
}

fn tampering(gate: &GateName, flag: &FlagSeen, known: &GateState) -> Option<Event> {
    let open = flag.open.filter(|open| !is_ours(flag, *open, known))?;
    let clearance = flag.clearance.as_deref().unwrap_or_default();
    let entry = flag.moved.as_ref().map_or_else(|| open.to_string(), |moved| moved.id.clone());
    let deviation = format!("{entry}/{clearance}");
    if known.tampered.as_ref() == Some(&deviation) {
        return None;
    }
    Some(Event::Tampered {
        gate: gate.clone(),
        expected_open: known.intended(),
        seen_open: open,
        deviation,
        by: flag.moved.as_ref().map(|moved| moved.by.clone()),
        at: flag.moved.as_ref().map(|moved| moved.at),
    })
}

/// An ordered value that stands in the CRM is our write, whether or not its reply ever reached us.
fn settled(gate: &GateName, flag: &FlagSeen, known: &GateState) -> Option<Event> {
    let open = flag.open.filter(|open| is_ours(flag, *open, known))?;
    let news = known.confirmed.unwrap_or(false) != open || (open && known.clearance != flag.clearance);
    if known.ordered == Some(open) && news {
        return Some(Event::GateWritten { gate: gate.clone(), open, clearance: flag.clearance.clone() });
    }
    known.tampered.is_some().then(|| Event::Healed { gate: gate.clone() })
}

/// What the read-back of a write proves: one event for each gate whose ordered value stands there now.
pub fn confirm(known: &BTreeMap<GateName, GateState>, seen: &BTreeMap<GateName, FlagSeen>) -> Vec<Event> {
    seen.iter()
        .filter_map(|(gate, flag)| {
            let open = flag.open?;
            let state = known.get(gate)?;
            let news =
                state.ordered == Some(open) || state.tampered.is_some() || state.clearance != flag.clearance;
            (news && state.is_ours(open)).then(|| Event::GateWritten {
                gate: gate.clone(),
                open,
                clearance: flag.clearance.clone(),
            })
        })
        .collect()
}
