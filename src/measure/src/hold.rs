//! Who held a handoff: every moment from its opening to its acceptance (or its end without one) belongs to the sender, the receiver, the
//! customer or the system, and to one of them alone.
//!
//! The sender has it until the package is complete, the receiver until he answers. It is the customer's while the deal stands in a stage that
//! the contract names in `[sla] customer_stages`, and the system's while handoffd was down, its writing was switched off, or it noticed a
//! completion or rejection late. Times are the CRM's claims where they can be believed, cut to milliseconds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use handoff_core::contract::ContractRef;
use handoff_core::event::{Event, VoidCause};
use handoff_core::id::StageName;
use handoff_core::journal::LogEntry;
use handoff_core::observation::Observation;
use handoff_core::registry::parse_contract;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::unit::{When, stream_of};

/// What is noticed within this time (milliseconds) is ordinary; later than that the system is to blame for all of it.
const ORDINARY: i64 = 15 * 60_000;

/// Whose it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Sender,
    Receiver,
    Customer,
    System,
}

/// How long each side held one cycle of a handoff; the four add up to the total, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Shares {
    /// Milliseconds from the opening to the end.
    pub total_ms: i64,
    /// Milliseconds that the sender held it.
    pub sender_ms: i64,
    /// Milliseconds that the receiver held it.
    pub receiver_ms: i64,
    /// Milliseconds that it waited for the customer.
    pub customer_ms: i64,
    /// Milliseconds that handoffd itself held it up.
    pub system_ms: i64,
}

/// Who held one cycle of a handoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hold {
    /// The cycle, from 1.
    pub cycle: u32,
    /// When it opened.
    #[schema(value_type = String, format = DateTime)]
    pub opened: Timestamp,
    /// When it was accepted, or ended without that; else up to when it is reckoned.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// Whether it still goes on.
    pub running: bool,
    /// Whether it ended with an acceptance.
    pub accepted: bool,
    /// How long each side held it.
    pub shares: Shares,
}

/// From a millisecond of the epoch to another, the second one excluded.
type Span = (i64, i64);

/// One cycle. Marks are in time order.
#[derive(Debug, Clone, PartialEq)]
struct Track {
    opened: i64,
    /// When the stream's first entry was logged: nobody could notice anything before.
    known: i64,
    ended: Option<(i64, bool)>,
    /// Whether the receiver has it, from then on.
    turns: Vec<(i64, bool)>,
    /// Whether it waits for the customer, from then on.
    waits: Vec<(i64, bool)>,
    late: Vec<Span>,
}

/// The cycles of all handoffs of a log.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Holds {
    customer_stages: BTreeMap<ContractRef, BTreeSet<StageName>>,
    streams: BTreeMap<Arc<str>, Cycles>,
    /// When handoffd was down or its writing was off.
    blind: Vec<Span>,
    off_since: Option<i64>,
    /// When the newest decision was logged.
    newest: i64,
}

/// The cycles of one stream. What is over is kept as it was reckoned: nothing that is logged later can have happened before.
#[derive(Debug, Clone, PartialEq, Default)]
struct Cycles {
    over: Vec<Hold>,
    running: Option<(u32, Box<Track>)>,
    /// Whether the deal stands in a stage that waits for the customer, if any stage was told.
    waits: Option<bool>,
}

impl Holds {
    /// Folds one entry of the log; entries come in log order.
    pub fn apply(&mut self, entry: &LogEntry) {
        self.apply_of(stream_of(entry).as_ref(), entry);
    }

    /// Folds one entry of a stream, if it is about one.
    pub(crate) fn apply_of(&mut self, stream: Option<&Arc<str>>, entry: &LogEntry) {
        match entry {
            LogEntry::Decided { contract, at, seen, events, .. } => {
                self.fold(stream, Some(contract), ms(*at), Some(seen), events);
            }
            LogEntry::Confirmed { at, events, .. } => {
                self.fold(stream, None, ms(*at), None, events);
            }
            LogEntry::ContractPublished { contract, text, .. } => {
                if let Ok(parsed) = parse_contract(contract.id.as_str(), text) {
                    let stages = parsed.sla.customer_stages.into_iter().collect();
                    self.customer_stages.insert(contract.clone(), stages);
                }
            }
            LogEntry::Switched { on, at, .. } => self.switched(*on, ms(*at)),
            LogEntry::Started { down_since, at, .. } => {
                // Whoever decided was not down.
                self.blind.extend(down_since.map(|since| (ms(since).max(self.newest), ms(*at))));
            }
            LogEntry::Reconstructed { .. }
            | LogEntry::EvidenceSuggested { .. }
            | LogEntry::EvidenceAnswered { .. }
            | LogEntry::EvidenceWithdrawn { .. }
            | LogEntry::ReaskSuggested { .. }
            | LogEntry::ReaskAnswered { .. }
            | LogEntry::ReaskReported { .. }
            | LogEntry::Overridden { .. }
            | LogEntry::Task { .. }
            | LogEntry::Test { .. }
            | LogEntry::FeedTaken { .. }
            | LogEntry::AccountSeen { .. }
            | LogEntry::SurveyAnswered { .. }
            | LogEntry::ContractStep { .. }
            | LogEntry::MetricsFrozen { .. }
            | LogEntry::PeriodClosed { .. }
            | LogEntry::ConfigChanged { .. } => {}
        }
        if let LogEntry::Decided { at, .. } = entry {
            self.newest = self.newest.max(ms(*at));
        }
    }

    /// Who held each cycle of a stream, as of this moment for one that still goes on; oldest first.
    pub fn of(&self, stream: &str, as_of: Timestamp) -> Vec<Hold> {
        let Some(cycles) = self.streams.get(stream) else { return Vec::new() };
        let off = self.off_since.map(|since| (since, i64::MAX));
        let running = cycles.running.as_ref();
        let running = running.and_then(|(cycle, track)| track.hold(*cycle, ms(as_of), &self.blind, off));
        cycles.over.iter().copied().chain(running).collect()
    }

    /// Who held one cycle, if it is over.
    pub(crate) fn ended(&self, stream: &str, cycle: u32) -> Option<&Hold> {
        self.streams.get(stream)?.over.iter().rev().find(|hold| hold.cycle == cycle)
    }

    fn switched(&mut self, on: bool, at: i64) {
        if on {
            self.blind.extend(self.off_since.take().map(|since| (since, at)));
        } else {
            self.off_since.get_or_insert(at);
        }
    }

    fn fold(
        &mut self,
        stream: Option<&Arc<str>>,
        pin: Option<&ContractRef>,
        logged: i64,
        seen: Option<&Observation>,
        events: &[Event],
    ) {
        let Some(stream) = stream else { return };
        let none = BTreeSet::new();
        let stages = pin.and_then(|pin| self.customer_stages.get(pin)).unwrap_or(&none);
        if !self.streams.contains_key(stream) {
            self.streams.insert(Arc::clone(stream), Cycles::default());
        }
        let Some(cycles) = self.streams.get_mut(stream) else { return };
        let off = self.off_since.map(|since| (since, i64::MAX));
        let mut edited = logged;
        for event in events {
            if let Some((cycle, claim)) = begins(event) {
                let opened = claim.map_or(logged, |at| believed(at, logged));
                cycles.begin(cycle, opened, logged);
            }
            if let Event::PackageChanged { edits, .. } = event {
                let newest = edits.values().map(|(at, _)| *at).max();
                edited = newest.map_or(logged, |at| believed(at, logged));
            }
            let Some((_, track)) = &mut cycles.running else { continue };
            track.apply(logged, edited, seen, stages, event);
            cycles.waits = track.waits.last().map(|last| last.1).or(cycles.waits);
            if track.ended.is_some()
                && let Some((cycle, track)) = cycles.running.take()
            {
                // Most streams have one cycle.
                if cycles.over.is_empty() {
                    cycles.over.reserve_exact(1);
                }
                cycles.over.extend(track.hold(cycle, logged, &self.blind, off));
            }
        }
    }
}

impl Cycles {
    fn begin(&mut self, cycle: u32, opened: i64, logged: i64) {
        let waits = self.waits.map(|waits| (opened, waits)).into_iter().collect();
        let turns = vec![(opened, false)];
        let track = Track { opened, known: logged, ended: None, turns, waits, late: Vec::new() };
        self.running = Some((cycle, Box::new(track)));
    }
}

/// The cycle that an event begins, and when the CRM says it did.
fn begins(event: &Event) -> Option<(u32, Option<Timestamp>)> {
    if let Event::Opened { handoff, at, .. } = event {
        Some((handoff.cycle, *at))
    } else if let Event::Reopened { cycle, .. } = event {
        Some((*cycle, None))
    } else {
        None
    }
}

impl Track {
    fn hold(&self, cycle: u32, as_of: i64, blind: &[Span], off: Option<Span>) -> Option<Hold> {
        let (until, accepted) = self.ended.unwrap_or((as_of, false));
        let until = until.max(self.opened);
        let touches = |span: &Span| span.0 < until && self.opened < span.1;
        let system: Vec<Span> = blind.iter().chain(&self.late).copied().chain(off).filter(touches).collect();
        Some(Hold {
            cycle,
            opened: Timestamp::from_millisecond(self.opened).ok()?,
            until: Timestamp::from_millisecond(until).ok()?,
            running: self.ended.is_none(),
            accepted,
            shares: self.shares(until, &system),
        })
    }

    fn apply(
        &mut self,
        logged: i64,
        edited: i64,
        seen: Option<&Observation>,
        stages: &BTreeSet<StageName>,
        event: &Event,
    ) {
        if self.ended.is_some() {
            return;
        }
        match event {
            Event::Completed { at, .. } => self.turn(believed(*at, logged), logged, true),
            Event::Rejected { at, .. } => self.turn(believed(*at, logged), logged, false),
            Event::FellIncomplete { .. } => self.turn(edited, logged, false),
            Event::Accepted { at, .. } => self.end(believed(*at, logged), true),
            Event::Voided { cause } => {
                let since = match cause {
                    VoidCause::Stage { .. } => seen.and_then(|seen| seen.stage.since),
                    VoidCause::Deleted
                    | VoidCause::Merged { .. }
                    | VoidCause::Gone
                    | VoidCause::OtherMotion { .. } => None,
                };
                self.end(since.map_or(logged, |at| believed(at, logged)), false);
            }
            Event::StageChanged { stage, at, .. } => {
                let waits = stage.as_ref().is_some_and(|stage| stages.contains(stage));
                let at = at.map_or(logged, |at| believed(at, logged)).max(self.opened);
                if self.waits.last().is_some_and(|last| last.1) != waits {
                    push(&mut self.waits, at, waits);
                }
            }
            Event::Opened { .. }
            | Event::PeopleChanged { .. }
            | Event::PackageChanged { .. }
            | Event::Submitted { .. }
            | Event::AnswerRefused { .. }
            | Event::Reopened { .. }
            | Event::SlaBreached { .. }
            | Event::ClockSet { .. }
            | Event::Reminded { .. }
            | Event::Escalated { .. }
            | Event::Reassigned { .. }
            | Event::GraceGranted { .. }
            | Event::GraceEnded { .. }
            | Event::ConcernsChanged { .. }
            | Event::Bypassed { .. }
            | Event::Tampered { .. }
            | Event::GateWritten { .. }
            | Event::CommissionReleased { .. }
            | Event::CommissionHeld { .. }
            | Event::Healed { .. }
            | Event::RevertOrdered { .. }
            | Event::StageReverted { .. }
            | Event::RevertGivenUp { .. }
            | Event::RevertRefused { .. }
            | Event::TwinsChanged { .. }
            | Event::ExceptionsGranted { .. }
            | Event::ExceptionsMet { .. }
            | Event::ExceptionsLapsed { .. }
            | Event::ConfirmationNeeded { .. }
            | Event::Confirmed { .. }
            | Event::OverrideAsked { .. }
            | Event::Overridden { .. }
            | Event::OverrideEnded { .. }
            | Event::Absorbed { .. }
            | Event::CarriedChanged { .. }
            | Event::PayChanged { .. }
            | Event::Repinned { .. }
            | Event::Beside { .. }
            | Event::GateOrdered { .. } => {}
        }
    }

    fn turn(&mut self, at: i64, logged: i64, receiver: bool) {
        let at = at.max(self.opened);
        push(&mut self.turns, at, receiver);
        let unknown = at.max(self.known);
        if logged.saturating_sub(unknown) > ORDINARY {
            self.late.push((unknown, logged));
        }
    }

    fn end(&mut self, at: i64, accepted: bool) {
        let last = self.turns.last().map_or(self.opened, |last| last.0);
        self.ended = Some((at.max(last), accepted));
    }

    /// Cuts the time up to `until` at every mark, and gives each piece to one side.
    fn shares(&self, until: i64, system: &[Span]) -> Shares {
        let marks = self.turns.iter().chain(&self.waits).map(|mark| mark.0);
        let edges = system.iter().flat_map(|span| [span.0, span.1]);
        let cuts: BTreeSet<i64> = marks
            .chain(edges)
            .chain([self.opened, until])
            .filter(|cut| (self.opened..=until).contains(cut))
            .collect();
        let cuts: Vec<i64> = cuts.into_iter().collect();
        let mut shares = Shares { total_ms: until - self.opened, ..Shares::default() };
        for pair in cuts.windows(2) {
            let [from, to] = pair else { continue };
            let share = match self.side(*from, system) {
                Side::Sender => &mut shares.sender_ms,
                Side::Receiver => &mut shares.receiver_ms,
                Side::Customer => &mut shares.customer_ms,
                Side::System => &mut shares.system_ms,
            };
            *share += to - from;
        }
        shares
    }

    fn side(&self, at: i64, system: &[Span]) -> Side {
        let stands =
            |marks: &[(i64, bool)]| marks.iter().rev().find(|mark| mark.0 <= at).is_some_and(|mark| mark.1);
        if system.iter().any(|span| span.0 <= at && at < span.1) {
            Side::System
        } else if stands(&self.waits) {
            Side::Customer
        } else if stands(&self.turns) {
            Side::Receiver
        } else {
            Side::Sender
        }
    }
}

/// Marks never go back: what is told later and claims to be earlier happened right after.
fn push(marks: &mut Vec<(i64, bool)>, at: i64, value: bool) {
    let last = marks.last().map_or(i64::MIN, |last| last.0);
    marks.push((at.max(last), value));
}

/// The CRM's claim where it can be believed, but never later than the log's own time.
fn believed(claim: Timestamp, logged: i64) -> i64 {
    let log = Timestamp::from_millisecond(logged).unwrap_or(Timestamp::MAX);
    ms(When::weigh(Some(claim), log).at).min(logged)
}

/// Milliseconds of the epoch, rounded down.
fn ms(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond().div_euclid(1_000_000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
