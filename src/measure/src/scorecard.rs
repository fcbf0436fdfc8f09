//! The fold over the log.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use handoff_core::contract::{Contract, ContractRef, Mode};
use handoff_core::decide::Terms;
use handoff_core::event::Event;
use handoff_core::id::{ContractId, HandoffId};
use handoff_core::journal::LogEntry;
use handoff_core::lifecycle::Step;
use handoff_core::observation::{Actor, Observation};
use handoff_core::registry::parse_contract;
use jiff::Timestamp;

use crate::account::{Accounts, Touched};
use crate::answers::Answers;
use crate::crossing::{Firsts, Known};
use crate::cube::{Cube, Facts};
use crate::drill::Months;
use crate::frozen::FrozenMonths;
use crate::hold::{Hold, Holds};
use crate::metric::Slice;
use crate::past::{Past, begins};
use crate::people::{MinimumN, Names};
use crate::period::Period;
use crate::reask::Reasks;
use crate::report::{self, Report, Row, Shown, Weakening};
use crate::unit::{Line, Scene, Unit, Untold, stream_of};

mod mark;

pub use mark::{MarkKind, refusal};

/// All handoff cycles of a log and what they add up to. Folding entry by entry gives the same as folding all at once; an entry costs the same
/// however many there were before, and no question reads the cycles again.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scorecard {
    contracts: BTreeMap<ContractRef, Contract>,
    streams: BTreeMap<Arc<str>, Stream>,
    lines: BTreeMap<Arc<Line>, usize>,
    line_list: Vec<LineState>,
    units: Vec<Unit>,
    pub(crate) names: Names,
    pub(crate) cube: Cube,
    pub(crate) months: Months,
    pub(crate) frozen: FrozenMonths,
    pub(crate) weakened: Vec<Weakening>,
    pub(crate) holds: Holds,
    pub(crate) answers: Answers,
    pub(crate) reasks: Reasks,
    accounts: Accounts,
    firsts: Firsts,
    pub(crate) minimum: MinimumN,
    /// The position after the newest entry.
    next: u64,
    /// When the first entry was logged.
    pub(crate) began: Option<Timestamp>,
    /// Since when something tells of questions that were asked again.
    pub(crate) heard_since: Option<Timestamp>,
    past: Past,
}

/// With what an entry is told.
#[derive(Clone, Copy)]
struct Told<'e> {
    logged: Timestamp,
    seen: Option<&'e Observation>,
    unknown: Option<&'e Untold>,
}

/// What is known of a contract and motion beside its cells.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LineState {
    pub(crate) line: Arc<Line>,
    /// Whether any of its gates was enforced at the newest decision; `None` = its contract's text is not known.
    pub(crate) enforced: Option<bool>,
    /// When the newest entry that changed one of its numbers was logged.
    pub(crate) changed_at: Option<Timestamp>,
}

/// A stream's running cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stream {
    unit: usize,
    line: usize,
    accepted: bool,
    bypass_entry: Option<String>,
    /// By-passes that count as never accepted until it is.
    bypasses: Vec<Timestamp>,
}

impl Scorecard {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Without the numbers of people that are made of fewer than this many cycles.
    #[must_use]
    pub fn with_minimum_n(self, minimum: usize) -> Self {
        Self { minimum: MinimumN(minimum), ..self }
    }

    /// Folds one entry of the log; entries come in log order. Its position is taken to be the one after the entry before.
    pub fn apply(&mut self, entry: &LogEntry) {
        self.apply_at(self.next, entry);
    }

    /// Folds the entry at this position of the log; entries come in log order.
    pub fn apply_at(&mut self, position: u64, entry: &LogEntry) {
        self.next = position.saturating_add(1);
        self.began.get_or_insert(entry.at());
        let unknown = if let LogEntry::Reconstructed { unknown, .. } = entry { Some(unknown) } else { None };
        if let Some(entry) = self.past.sift(entry) {
            self.take(position, &entry, unknown);
        }
    }

    /// Folds what counts of an entry; `unknown` = it was reconstructed, and these values are not told.
    fn take(&mut self, position: u64, entry: &LogEntry, unknown: Option<&Untold>) {
        let stream = stream_of(entry).map(|name| self.shared(name));
        self.holds.apply_of(stream.as_ref(), entry);
        self.answers.apply(entry);
        if let Some(touched) = self.accounts.touch(stream.as_ref(), entry) {
            self.touched(&touched);
        }
        match entry {
            LogEntry::Decided { handoff, contract, terms, at, seen, events, .. } => {
                let Some(stream) = &stream else { return };
                let told = Told { logged: *at, seen: Some(seen), unknown };
                self.fold((stream, handoff), Some(contract), told, events);
                self.enforced(stream, contract, terms);
            }
            LogEntry::Confirmed { handoff, at, events } | LogEntry::Overridden { handoff, at, events } => {
                let Some(stream) = &stream else { return };
                self.fold((stream, handoff), None, Told { logged: *at, seen: None, unknown: None }, events);
            }
            LogEntry::ContractPublished { contract, text, .. } => {
                // A text that cannot be read any more leaves the acceptance itself as the measure of completeness.
                if let Ok(parsed) = parse_contract(contract.id.as_str(), text) {
                    self.contracts.insert(contract.clone(), parsed);
                }
            }
            LogEntry::ContractStep { contract, step, at, .. } => self.weakened(contract, step, *at),
            LogEntry::MetricsFrozen { .. } => self.frozen.apply(position, entry),
            LogEntry::ReaskSuggested { at, .. }
            | LogEntry::ReaskAnswered { at, .. }
            | LogEntry::ReaskReported { at, .. } => self.hears(*at),
            // The sieve made a decision of what was reconstructed.
            LogEntry::Reconstructed { .. }
            | LogEntry::EvidenceSuggested { .. }
            | LogEntry::EvidenceAnswered { .. }
            | LogEntry::EvidenceWithdrawn { .. }
            | LogEntry::Task { .. }
            | LogEntry::Test { .. }
            | LogEntry::FeedTaken { .. }
            | LogEntry::AccountSeen { .. }
            | LogEntry::SurveyAnswered { .. }
            | LogEntry::ConfigChanged { .. }
            | LogEntry::Switched { .. }
            | LogEntry::PeriodClosed { .. }
            | LogEntry::Started { .. } => {}
        }
        if let Some(stream) = stream
            && self.reasks.apply_of(&stream, entry)
        {
            for (cycle, stands) in self.reasks.cycles(&stream) {
                self.rediscovered(&stream, cycle, stands, entry.at());
            }
        }
    }

    /// Whether the customer was asked again, within 30 days of this cycle's acceptance, what the handoff had told: a first answer that accepted does
    /// not count as accepted without re-discovery while that stands.
    pub fn rediscovered(&mut self, stream: &str, cycle: u32, stands: bool, told: Timestamp) {
        let Some(known) = self.streams.get(stream) else { return };
        let (line, mut next) = (known.line, Some(known.unit));
        while let Some(unit) = next.and_then(|index| self.units.get_mut(index)) {
            next = unit.before;
            if unit.cycle != cycle {
                continue;
            }
            let before = Facts::of(unit);
            unit.rediscovered = stands;
            let after = Facts::of(unit);
            self.changed(line, &before, &after, told, "rediscovered");
            return;
        }
    }

    /// Something listens to what customers are asked, from this moment on.
    pub fn hears(&mut self, since: Timestamp) {
        self.heard_since.get_or_insert(since);
    }

    /// Who held each cycle of a stream, as of this moment for one that still goes on; oldest first.
    pub fn holds(&self, stream: &str, as_of: Timestamp) -> Vec<Hold> {
        self.holds.of(stream, as_of)
    }

    /// What the entries so far amount to, per contract, motion and period, frozen months as they were frozen last. Acceptances younger than 30
    /// days at `as_of` are provisional.
    pub fn report(&self, by: Period, as_of: Timestamp) -> Report {
        self.report_of(by, as_of, Shown::Newest)
    }

    /// As [`Self::report`], with the choice of what is shown of frozen months.
    pub fn report_of(&self, by: Period, as_of: Timestamp, shown: Shown) -> Report {
        report::build(self, by, as_of, shown)
    }

    /// What is known of accounts.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// First transitions, and with what they are told.
    pub(crate) fn firsts(&self) -> (&Firsts, Known<'_>) {
        (&self.firsts, Known { units: &self.units, lines: &self.lines, accounts: &self.accounts })
    }

    /// Whether something told of questions that were asked again before this moment.
    pub(crate) fn heard(&self, before: Timestamp) -> bool {
        self.heard_since.is_some_and(|since| since < before)
    }

    /// Questions that the customer had answered before.
    pub fn reasks(&self) -> &Reasks {
        &self.reasks
    }

    /// What the log amounts to for one contract, motion and slice; `None` = nothing.
    pub fn row(&self, contract: &str, motion: &str, slice: Slice, as_of: Timestamp) -> Option<Row> {
        report::row(self, self.line_of(contract, motion)?, slice, as_of)
    }

    /// All cycles, in the order in which they began.
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// The position after the newest entry that was folded.
    pub fn next_position(&self) -> u64 {
        self.next
    }

    /// The numbers of all lines, by contract and motion.
    pub(crate) fn lines(&self) -> impl Iterator<Item = usize> {
        self.lines.values().copied()
    }

    pub(crate) fn line(&self, number: usize) -> Option<&Line> {
        self.line_state(number).map(|state| &*state.line)
    }

    pub(crate) fn line_state(&self, number: usize) -> Option<&LineState> {
        self.line_list.get(number)
    }

    pub(crate) fn line_of(&self, contract: &str, motion: &str) -> Option<usize> {
        let line = Line { contract: contract.into(), motion: motion.into() };
        self.lines.get(&line).copied()
    }

    /// The cycles of a stream, oldest first.
    pub fn units_of(&self, stream: &str) -> impl Iterator<Item = &Unit> {
        let mut found = Vec::new();
        let mut next = self.streams.get(stream).map(|known| known.unit);
        while let Some(unit) = next.and_then(|index| self.units.get(index)) {
            found.push(unit);
            next = unit.before;
        }
        found.into_iter().rev()
    }

    /// Streams in the order of their names, from this name on.
    pub(crate) fn streams_from(&self, name: &str) -> impl Iterator<Item = &str> {
        let from: (Bound<&str>, Bound<&str>) = (Bound::Included(name), Bound::Unbounded);
        self.streams.range::<str, _>(from).map(|(stream, _)| &**stream)
    }

    /// The title of a contract, in its newest text that the log holds.
    pub fn title(&self, contract: &ContractId) -> Option<String> {
        let texts = self.contracts.iter().filter(|(text, _)| text.id == *contract);
        texts.max_by_key(|(text, _)| text.version).map(|(_, parsed)| parsed.title.clone())
    }

    /// Counts anew what depends on an account.
    fn touched(&mut self, touched: &Touched) {
        let known = Known { units: &self.units, lines: &self.lines, accounts: &self.accounts };
        match touched {
            Touched::Account(account) => self.firsts.told(*account, known),
            Touched::Moved { stream, from, to } => {
                let mut next = self.streams.get(stream).map(|known| known.unit);
                while let Some(index) = next {
                    self.firsts.moves(index, *from, *to, known);
                    next = self.units.get(index).and_then(|unit| unit.before);
                }
            }
        }
    }

    /// Notes a published text that demands less than the one before.
    fn weakened(&mut self, contract: &ContractRef, step: &Step, at: Timestamp) {
        if let Step::Published { effective, weaker } = step
            && !weaker.is_empty()
        {
            self.weakened.push(Weakening {
                contract: contract.id.0.clone(),
                version: contract.version,
                published: at,
                effective: *effective,
                weaker: weaker.clone(),
            });
        }
    }

    fn enforced(&mut self, stream: &Arc<str>, pin: &ContractRef, terms: &Terms) {
        let known = self.streams.get(stream).and_then(|stream| self.line_list.get_mut(stream.line));
        let (Some(state), Some(contract)) = (known, self.contracts.get(pin)) else { return };
        let is_enforced = |gate| terms.mode(contract, gate) == Mode::Enforce;
        state.enforced = Some(contract.gates.keys().any(is_enforced));
    }

    /// The same name as the one that is kept already.
    fn shared(&self, name: Arc<str>) -> Arc<str> {
        self.streams.get_key_value(&name).map_or(name, |(known, _)| Arc::clone(known))
    }

    fn fold(
        &mut self,
        (name, handoff): (&Arc<str>, &HandoffId),
        pin: Option<&ContractRef>,
        told: Told<'_>,
        events: &[Event],
    ) {
        let Told { logged, seen, unknown } = told;
        let position = self.next.saturating_sub(1);
        let sender =
            seen.and_then(|seen| seen.sender.as_ref()).map(|sender| self.names.number(&sender.person));
        for event in events {
            let (index, line) = self.cycle_of(name, handoff, event, position);
            self.mark(name, line, logged, event);
            let by = answerer(event).map(|actor| self.names.number(&actor.person));
            let contract = pin.and_then(|pin| self.contracts.get(pin));
            let Some(unit) = self.units.get_mut(index) else { continue };
            let before = Facts::of(unit);
            unit.positions.1 = position;
            let shares = self.holds.ended(name, unit.cycle).map(|hold| hold.shares);
            let passed = unit.transition.is_some();
            unit.apply(Scene { logged, seen, contract, sender, by, shares, unknown }, event);
            let (after, passes) = (Facts::of(unit), !passed && unit.transition.is_some());
            if passes {
                let known = Known { units: &self.units, lines: &self.lines, accounts: &self.accounts };
                self.firsts.pass(index, self.accounts.number_of(name), known);
            }
            before.moments(&after).for_each(|at| self.months.note(line, at, index));
            self.changed(line, &before, &after, logged, event.name());
        }
    }

    /// Lets the cells know what a unit adds now, and frozen months that they are touched.
    fn changed(&mut self, line: usize, before: &Facts, after: &Facts, logged: Timestamp, why: &'static str) {
        if before == after {
            return;
        }
        self.cube.shift(line, before, after);
        let position = self.next.saturating_sub(1);
        for at in before.moments(after) {
            self.frozen.touch(at, position, why);
        }
        self.noted(line, logged);
    }

    fn noted(&mut self, line: usize, logged: Timestamp) {
        if let Some(state) = self.line_list.get_mut(line) {
            state.changed_at = state.changed_at.max(Some(logged));
        }
    }

    /// The unit and line that an event belongs to; `Opened` and `Reopened` begin a unit.
    fn cycle_of(
        &mut self,
        name: &Arc<str>,
        handoff: &HandoffId,
        event: &Event,
        position: u64,
    ) -> (usize, usize) {
        let begun = begins(event);
        let unit = self.units.len();
        let cycle = begun.unwrap_or(handoff.cycle);
        if let Some(known) = self.streams.get(name) {
            if begun.is_none() {
                return (known.unit, known.line);
            }
            let (stream, line, before) = (Arc::clone(name), known.line, known.unit);
            if let Some(state) = self.line_list.get(line) {
                let mut fresh = Unit::new(Arc::clone(&state.line), stream, cycle, position);
                fresh.before = Some(before);
                self.units.push(fresh);
            }
            if let Some(known) = self.streams.get_mut(name) {
                known.unit = unit;
            }
            return (unit, line);
        }
        let (line, stream) = (self.line_for(handoff), Arc::clone(name));
        if let Some(state) = self.line_list.get(line) {
            self.units.push(Unit::new(Arc::clone(&state.line), Arc::clone(&stream), cycle, position));
        }
        let fresh = Stream { unit, line, accepted: false, bypass_entry: None, bypasses: Vec::new() };
        self.streams.insert(stream, fresh);
        (unit, line)
    }

    fn line_for(&mut self, handoff: &HandoffId) -> usize {
        let line = Line { contract: handoff.contract.clone(), motion: handoff.motion.clone() };
        if let Some(known) = self.lines.get(&line) {
            return *known;
        }
        let (number, line) = (self.line_list.len(), Arc::new(line));
        self.line_list.push(LineState { line: Arc::clone(&line), enforced: None, changed_at: None });
        self.lines.insert(line, number);
        number
    }
}

/// Who gave an answer that counts.
fn answerer(event: &Event) -> Option<&Actor> {
    if let Event::Accepted { by, .. } | Event::Rejected { by, .. } = event { Some(by) } else { None }
}

#[cfg(test)]
mod tests;
