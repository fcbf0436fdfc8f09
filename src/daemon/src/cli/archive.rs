//! The state directory while no daemon runs on it: the log, decoded and folded.

use std::collections::BTreeMap;
use std::sync::Arc;

use handoff_core::contract::{Contract, ContractRef};
use handoff_core::evidence::Evidence;
use handoff_core::handoff::{Handoff, Stamp};
use handoff_core::journal::LogEntry;
use handoff_core::lifecycle::Lifecycle;
use handoff_core::registry::parse_contract;
use handoff_store::state::{State, StateOptions};

use super::exit::{Exit, Failure};
use crate::config::Config;
use crate::fatal::Fatal;
use crate::journal::Journal;
use crate::progress;

/// An opened state directory.
pub(crate) struct Archive {
    journal: Arc<Journal>,
}

/// A log folded to its end.
#[derive(Default)]
pub(crate) struct Folded {
    /// States by stream.
    pub(crate) states: BTreeMap<String, Handoff>,
    /// States of the reconstructed past by stream.
    pub(crate) past: BTreeMap<String, Handoff>,
    /// Evidence by stream.
    pub(crate) evidence: BTreeMap<String, Evidence>,
    /// Contracts that the log published.
    pub(crate) contracts: BTreeMap<ContractRef, Contract>,
    /// How contract texts stand.
    pub(crate) life: Lifecycle,
    /// The last switch: on, who, when.
    pub(crate) switch: Option<(bool, String, jiff::Timestamp)>,
}

impl Archive {
    /// Opens the directory; it must be there, and no daemon may run on it.
    pub(crate) fn open(config: &Config) -> Result<Self, Failure> {
        let dir = &config.state_dir;
        if !dir.join("log").is_dir() {
            let message =
                format!("{} is no state directory: no daemon has run with this configuration", dir.display());
            return Err(Failure::new(Exit::State, message));
        }
        let options = StateOptions { check_memory: false, ..StateOptions::new(config.audit.origin.clone()) };
        let state = State::open(dir, &options, &mut rand::rng());
        let state = state.map_err(|error| Failure::because(Exit::State, &error))?;
        Ok(Self { journal: Arc::new(Journal::new(state)) })
    }

    /// Calls `take` with every entry, oldest first; `None` = its record was erased. `take` ends the reading by answering false.
    pub(crate) fn read(
        &self,
        what: &'static str,
        mut take: impl FnMut(u64, Option<LogEntry>) -> bool,
    ) -> Result<(), Failure> {
        let bar = progress::bar(self.journal.head(), what);
        for record in self.journal.records(0)? {
            let record = record.map_err(Fatal::from)?;
            bar.inc(1);
            if !take(record.position, self.journal.open(&record)?) {
                break;
            }
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// Number of entries, the signed head's size, and the public key.
    pub(crate) fn head(&self) -> (u64, u64, String) {
        let signed = self.journal.signed_head().map_or(0, |signed| signed.size);
        (self.journal.head(), signed, self.journal.vkey().to_owned())
    }

    /// Folds everything.
    pub(crate) fn fold(&self) -> Result<Folded, Failure> {
        let mut folded = Folded::default();
        self.read("reading the log", |position, entry| {
            if let Some(entry) = entry {
                folded.apply(position, &entry);
            }
            true
        })?;
        Ok(folded)
    }
}

impl Folded {
    /// Takes one entry.
    pub(crate) fn apply(&mut self, position: u64, entry: &LogEntry) {
        if let LogEntry::ContractPublished { contract, text, .. } = entry
            && let Ok(parsed) = parse_contract(contract.id.as_str(), text)
        {
            self.contracts.insert(contract.clone(), parsed);
        }
        self.life.apply(position, entry);
        if let LogEntry::Switched { on, by, at } = entry {
            self.switch = Some((*on, by.clone(), *at));
        }
        if let Some(handoff) = entry.evidence() {
            self.evidence.entry(handoff.stream()).or_default().apply(entry);
        }
        if let LogEntry::Reconstructed { handoff, at, events, .. } = entry {
            let stream = handoff.stream();
            let stamp = Stamp { position, time: *at };
            if let Some(state) = Handoff::apply(self.past.remove(&stream), stamp, events) {
                self.past.insert(stream, state);
            }
        }
        let Some((handoff, events)) = entry.handoff() else { return };
        let stream = handoff.stream();
        let stamp = Stamp { position, time: entry.at() };
        if let Some(state) = Handoff::apply(self.states.remove(&stream), stamp, events) {
            self.states.insert(stream, state);
        }
    }
}
