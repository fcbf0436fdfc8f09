//! What a warehouse gets: plain tables, made from the log alone.
//!
//! [`Exporter`] takes every entry of the log in order and tells rows. Tables that follow the log tell each entry once, so that an export that
//! begins where the last one ended adds to it; the others tell how things stand at the end. The same log gives the same rows. No package, no
//! text that a person wrote, and no name is among them: ids, keys, times, and figures.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::beside::disputes;
use handoff_core::completeness::{Situation, assess};
use handoff_core::contract::{Contract, ContractRef};
use handoff_core::event::Event;
use handoff_core::handoff::day;
use handoff_core::id::{HandoffId, RecordRef};
use handoff_core::journal::LogEntry;
use handoff_core::observation::Observation;
use handoff_core::registry::parse_contract;
use jiff::Timestamp;

use crate::past::{Past, begins};
use crate::scorecard::Scorecard;
use crate::unit::Untold;

mod accounts;
mod asked;
mod event;
mod figures;
mod own;
mod people;
mod table;

pub use table::{Cell, Column, Kind, Row, SCALE, Table, VERSION};

use event::Flat;
pub(crate) use table::disarmed;

/// Where an export begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// At this position of the log; 0 = everything.
    Position(u64),
    /// At the first entry that was logged at this moment or later.
    Moment(Timestamp),
}

/// The fold over the log that tells rows.
#[derive(Debug)]
pub struct Exporter {
    since: Since,
    /// The first position that is told; `None` = not reached yet.
    from: Option<u64>,
    next: u64,
    last: Option<Timestamp>,
    contracts: BTreeMap<ContractRef, Contract>,
    streams: BTreeMap<String, Stream>,
    scorecard: Scorecard,
    past: Past,
}

/// What is remembered of a stream.
#[derive(Debug, Default)]
struct Stream {
    subject: Option<RecordRef>,
    cycle: u32,
    parties: Parties,
    cycles: BTreeMap<u32, Cycle>,
}

/// Whose it is, as last seen.
#[derive(Debug, Clone, Default)]
struct Parties {
    account: Option<String>,
    sender: Option<String>,
    receiver: Option<String>,
}

/// What is remembered of a cycle.
#[derive(Debug, Default)]
struct Cycle {
    /// The last position about it.
    last: u64,
    /// Whether any of what is told is about it.
    told: bool,
    parties: Parties,
}

/// What an export covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Covered {
    /// The first position that is told.
    pub from: u64,
    /// The first position that is not told any more: where the next export begins.
    pub to: u64,
    /// The moment up to which figures count.
    pub as_of: Timestamp,
}

impl Exporter {
    /// Of what was logged since then.
    pub fn new(since: Since) -> Self {
        Self {
            since,
            from: None,
            next: 0,
            last: None,
            contracts: BTreeMap::new(),
            streams: BTreeMap::new(),
            scorecard: Scorecard::new(),
            past: Past::default(),
        }
    }

    /// Without the numbers of people that are made of fewer than this many cycles.
    #[must_use]
    pub fn with_minimum_n(self, minimum: usize) -> Self {
        Self { scorecard: self.scorecard.with_minimum_n(minimum), ..self }
    }

    /// Takes one entry and gives its rows; entries come in log order from position 0. `None` = its record was erased.
    pub fn apply(&mut self, position: u64, entry: Option<&LogEntry>) -> Vec<Row> {
        self.next = position.saturating_add(1);
        let Some(entry) = entry else { return Vec::new() };
        self.last = Some(entry.at());
        let told = self.tells(position, entry);
        self.scorecard.apply_at(position, entry);
        let unknown = if let LogEntry::Reconstructed { unknown, .. } = entry { Some(unknown) } else { None };
        // What was worked out afterwards and what was watched are one story, as they are in the figures.
        let Some(sifted) = self.past.sift(entry) else { return Vec::new() };
        let entry = &*sifted;
        if let LogEntry::ContractPublished { contract, text, .. } = entry
            && let Ok(parsed) = parse_contract(contract.id.as_str(), text)
        {
            self.contracts.insert(contract.clone(), parsed);
        }
        let mut rows = Vec::new();
        if let LogEntry::Decided { handoff, contract, seen, events, .. } = entry {
            self.events(position, entry, Some(contract), Some(seen), handoff, events, &mut rows);
            rows.push(self.package(position, entry, contract, seen, unknown, handoff));
        } else if let Some((handoff, events)) = entry.handoff() {
            self.events(position, entry, None, None, handoff, events, &mut rows);
        } else {
            own::rows(position, entry, &self.contracts, &mut rows);
            figures::frozen(position, entry, &mut rows);
            asked::rows(position, entry, &mut rows);
            self.asked(position, entry);
            rows.extend(accounts::row(position, entry));
        }
        if told { rows } else { Vec::new() }
    }

    /// What it came to: the span that is told, and the rows of how things stand at its end. `as_of` absent = the last entry's time, so that
    /// the log alone decides.
    pub fn finish(self, as_of: Option<Timestamp>) -> (Covered, Vec<Row>) {
        let as_of = as_of.or(self.last).unwrap_or(Timestamp::UNIX_EPOCH);
        let covered = Covered { from: self.from.unwrap_or(self.next), to: self.next, as_of };
        let mut rows = self.handoffs();
        rows.extend(figures::rows(&self.scorecard, as_of));
        rows.extend(people::rows(&self.scorecard, as_of));
        (covered, rows)
    }

    fn tells(&mut self, position: u64, entry: &LogEntry) -> bool {
        let begins = match self.since {
            Since::Position(from) => position >= from,
            Since::Moment(from) => entry.at() >= from,
        };
        if self.from.is_none() && begins {
            // Entries that were erased since count as told: they give no rows.
            self.from = Some(match self.since {
                Since::Position(from) => from,
                Since::Moment(_) => position,
            });
        }
        self.from.is_some()
    }

    /// What is told of a question changes how the cycles of its handoff stand, whichever of them it names.
    fn asked(&mut self, position: u64, entry: &LogEntry) {
        let told = self.from.is_some();
        let stream = entry.evidence().and_then(|handoff| self.streams.get_mut(&handoff.stream()));
        for cycle in stream.into_iter().flat_map(|stream| stream.cycles.values_mut()) {
            (cycle.last, cycle.told) = (position, told);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one entry, taken apart")]
    fn events(
        &mut self,
        position: u64,
        entry: &LogEntry,
        pin: Option<&ContractRef>,
        seen: Option<&Observation>,
        handoff: &HandoffId,
        events: &[Event],
        rows: &mut Vec<Row>,
    ) {
        let name = handoff.stream();
        let told = self.from.is_some();
        let stream = self.streams.entry(name.clone()).or_default();
        stream.subject.get_or_insert_with(|| handoff.subject.clone());
        if let Some(seen) = seen {
            stream.parties = Parties {
                account: seen.account.clone().or(stream.parties.account.take()),
                sender: seen.sender.as_ref().map(|actor| actor.person.0.clone()),
                receiver: seen.receiver.as_ref().map(|actor| actor.person.0.clone()),
            };
        }
        for (index, event) in events.iter().enumerate() {
            let running = if stream.cycle == 0 { handoff.cycle } else { stream.cycle };
            stream.cycle = begins(event).unwrap_or(running);
            let cycle = Cycle { last: position, told, parties: stream.parties.clone() };
            stream.cycles.insert(stream.cycle, cycle);
            let flat = Flat::of(event, seen);
            for (field, change, edited) in &flat.fields {
                rows.push(Row {
                    table: Table::EventFields,
                    cells: vec![
                        Cell::count(position),
                        Cell::count(index),
                        Cell::text(&name),
                        Cell::count(stream.cycle),
                        Cell::text(event.name()),
                        Cell::text(&field.0),
                        Cell::text(*change),
                        Cell::moment(*edited),
                    ],
                });
            }
            rows.push(Row {
                table: Table::Events,
                cells: vec![
                    Cell::count(position),
                    Cell::count(index),
                    Cell::moment(Some(entry.at())),
                    Cell::text(&name),
                    Cell::text(&handoff.contract.0),
                    pin.map_or(Cell::Nothing, |pin| Cell::count(pin.version)),
                    Cell::text(&handoff.motion.0),
                    Cell::text(&handoff.subject.connection.0),
                    Cell::text(&handoff.subject.object.0),
                    Cell::text(&handoff.subject.record.0),
                    Cell::count(stream.cycle),
                    Cell::text(event.name()),
                    Cell::moment(flat.at),
                    Cell::moment(flat.due),
                    flat.round.map_or(Cell::Nothing, Cell::count),
                    Cell::maybe(flat.by),
                    Cell::maybe(flat.act),
                    Cell::maybe(flat.gate),
                    Cell::maybe(flat.stage),
                    Cell::maybe(flat.entry),
                    Cell::maybe(flat.reason),
                    Cell::flag(flat.open),
                    Cell::flag(flat.ever_accepted),
                    flat.number.map_or(Cell::Nothing, Cell::count),
                ],
            });
        }
    }

    /// How the package stood. Which fields answer their question is the contract's word; what was sent back is left to the events.
    fn package(
        &self,
        position: u64,
        entry: &LogEntry,
        pin: &ContractRef,
        seen: &Observation,
        unknown: Option<&Untold>,
        handoff: &HandoffId,
    ) -> Row {
        let assessed = self.contracts.get(pin).map(|contract| {
            let (rejected, disputed) = (BTreeSet::new(), disputes(contract, seen));
            let situation = Situation {
                stage: seen.stage.name.as_ref(),
                motion: &handoff.motion,
                still_rejected: &rejected,
                disputed: &disputed,
                as_of: seen.stage.opening_since.map(day),
            };
            assess(contract, &seen.package, &situation)
        });
        let keys = |wanted: bool| {
            let assessed = assessed.as_ref()?;
            let keys = assessed.fields.iter().filter(|(_, filled)| **filled == wanted);
            Some(keys.map(|(key, _)| key.0.as_str()).collect::<Vec<_>>().join(" "))
        };
        let untold = unknown.zip(assessed.as_ref()).map_or(Cell::Nothing, |(unknown, assessed)| {
            Cell::count(assessed.required.iter().filter(|key| unknown.contains_key(*key)).count())
        });
        let person = |actor: &Option<handoff_core::observation::Actor>| {
            Cell::maybe(actor.as_ref().map(|actor| &actor.person.0))
        };
        Row {
            table: Table::Packages,
            cells: vec![
                Cell::count(position),
                Cell::moment(Some(entry.at())),
                Cell::text(handoff.stream()),
                Cell::text(&handoff.contract.0),
                Cell::count(pin.version),
                Cell::text(&handoff.motion.0),
                Cell::text(&handoff.subject.record.0),
                Cell::count(handoff.cycle),
                Cell::maybe(seen.account.as_ref()),
                person(&seen.sender),
                person(&seen.receiver),
                Cell::maybe(seen.stage.name.as_ref().map(|stage| &stage.0)),
                assessed.as_ref().map_or(Cell::Nothing, |assessed| Cell::count(assessed.required.len())),
                Cell::maybe(keys(true)),
                Cell::maybe(keys(false)),
                Cell::Flag(unknown.is_some()),
                untold,
            ],
        }
    }

    fn handoffs(&self) -> Vec<Row> {
        let mut rows = BTreeMap::new();
        for unit in self.scorecard.units() {
            let Some(stream) = self.streams.get(&*unit.stream) else { continue };
            let (Some(known), Some(subject)) = (stream.cycles.get(&unit.cycle), &stream.subject) else {
                continue;
            };
            if known.told {
                let hold = self.scorecard.holds.ended(&unit.stream, unit.cycle);
                rows.insert((&unit.stream, unit.cycle), figures::handoff(unit, hold, subject, known));
            }
        }
        rows.into_values().collect()
    }
}

#[cfg(test)]
mod tests;
