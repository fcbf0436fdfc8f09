//! The reconstructed streams: where their entries stand in the log, and what they led to.

use std::collections::BTreeMap;

use handoff_core::handoff::{Handoff, Stamp};
use handoff_core::journal::LogEntry;
use jiff::Timestamp;

use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::memory::{Change, PAST};

/// Notes where an entry of the past stands.
pub(crate) fn caught(position: u64, entry: &LogEntry, change: &mut Change) {
    if let Some((handoff, _)) = entry.reconstructed() {
        change.batch.put(format!("{PAST}{}/{position:020}", handoff.stream()), []);
    }
}

/// What a reconstructed stream led to, moment by moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    /// States with the moments that they speak of, oldest first.
    pub(super) states: Vec<(Timestamp, Handoff)>,
    /// Entries in the log.
    pub(super) entries: u64,
}

impl Told {
    /// How the handoff stood at a moment.
    pub(super) fn as_of(&self, at: Timestamp) -> Option<&Handoff> {
        self.states.iter().rev().find(|(then, _)| *then <= at).map(|(_, state)| state)
    }

    /// The newest state with its moment.
    pub(super) fn last(&self) -> Option<(Handoff, Timestamp)> {
        self.states.last().map(|(at, state)| (state.clone(), *at))
    }
}

/// Streams of the past that were looked up, for as long as one page is worked on.
#[derive(Default)]
pub(super) struct Shelf(BTreeMap<String, Told>);

impl Shelf {
    /// What the log tells of a stream's past. Blocks.
    pub(super) fn told(&mut self, engine: &Engine, stream: &str) -> Result<&Told, Fatal> {
        if !self.0.contains_key(stream) {
            let told = read(engine, stream)?;
            self.0.insert(stream.to_owned(), told);
        }
        Ok(self.0.entry(stream.to_owned()).or_default())
    }
}

fn read(engine: &Engine, stream: &str) -> Result<Told, Fatal> {
    let rows = engine.memory.scan_now(&format!("{PAST}{stream}/"))?;
    let positions: Vec<u64> = rows.iter().filter_map(|(position, _)| position.parse().ok()).collect();
    let mut told = Told { states: Vec::new(), entries: u64::try_from(positions.len()).unwrap_or(u64::MAX) };
    let mut state: Option<Handoff> = None;
    for (position, entry) in engine.journal.read_now(&positions)? {
        let Some(LogEntry::Reconstructed { at, events, .. }) = &entry else { continue };
        state = Handoff::apply(state.take(), Stamp { position, time: *at }, events);
        told.states.extend(state.clone().map(|state| (*at, state)));
    }
    Ok(told)
}
