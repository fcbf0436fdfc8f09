//! Whole logs of companies that never were: deals, people and clocks drawn from a seed, every decision made by `handoff-core` itself. So such a log
//! is one that the daemon could have written, and the same seed gives the same log. For tests and benchmarks only.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::contract::{Contract, ContractRef};
use handoff_core::decide::{Case, Terms, decide};
use handoff_core::digest::Digest;
use handoff_core::event::Event;
use handoff_core::handoff::{Handoff, Stamp};
use handoff_core::id::{GateName, HandoffId, MotionId, RecordRef};
use handoff_core::journal::LogEntry;
use handoff_core::registry::{parse_contract, shipped};
use jiff::{SignedDuration, Timestamp};

use crate::scorecard::Scorecard;

mod asked;
mod chance;
mod deal;
mod told;
pub mod years;

pub use chance::Chance;

use asked::{Acceptance, Listeners};
use deal::Deal;
use told::Tellers;

/// The contracts of a world: two with a queue only, one with a stage that can be entered past its gate.
const CONTRACTS: [&str; 3] = ["h02-sdr-to-ae", "h03-ae-to-onboarding", "h04-onboarding-to-cs"];

/// Its motions.
const MOTIONS: [&str; 2] = ["main", "enterprise"];

/// When every world begins: 2025-01-01 in UTC.
const BEGINS: i64 = 1_735_689_600;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// On this day the log of a world that is told things ends, whatever is still going on.
const ENDS: i64 = 330;

/// From this day on every deal is watched; what happened to some before was worked out afterwards.
const WATCHED: i64 = 120;

/// A stage in which a deal of handoff 03 waits for the customer.
const WAITS: &str = "redlines";

/// A contract as a world's log publishes it.
struct Rule {
    contract: Contract,
    pin: ContractRef,
    text: String,
}

/// The log of a company with so many handoffs, most of them with several cycles and rounds; oldest entry first. The past of some was
/// reconstructed, calls are listened to from some day on, accounts are told of, and people answer surveys.
pub fn log(seed: u64, handoffs: usize) -> Vec<LogEntry> {
    let mut world = World::new(seed);
    world.beside = Some((Tellers::new(seed), Listeners::new(seed), Chance::new(seed ^ 0x9A57)));
    world.run(handoffs);
    world.log
}

/// The log of a company that watched all along, where nobody tells anything of accounts and nobody listens to calls.
pub fn quiet(seed: u64, handoffs: usize) -> Vec<LogEntry> {
    let mut world = World::new(seed);
    world.run(handoffs);
    world.log
}

/// The same log of a daemon that looked once a day which months are due to be frozen.
pub fn with_frozen_months(log: &[LogEntry]) -> Vec<LogEntry> {
    let (mut card, mut kept, mut looked) = (Scorecard::new(), Vec::with_capacity(log.len()), None);
    for entry in log {
        let day = entry.at().as_second().div_euclid(DAY);
        if looked.replace(day) != Some(day) {
            for frozen in card.to_freeze(entry.at()) {
                card.apply(&frozen);
                kept.push(frozen);
            }
        }
        card.apply(entry);
        kept.push(entry.clone());
    }
    kept
}

struct World {
    chance: Chance,
    rules: Vec<Rule>,
    terms: Terms,
    log: Vec<LogEntry>,
    now: Timestamp,
    off: bool,
    /// What happens beside the records, and what it is drawn from.
    beside: Option<(Tellers, Listeners, Chance)>,
}

impl World {
    fn new(seed: u64) -> Self {
        let now = Timestamp::from_second(BEGINS).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut log = vec![LogEntry::Started { version: "world".to_owned(), down_since: None, at: now }];
        let rules: Vec<Rule> = CONTRACTS.iter().filter_map(|name| rule(name)).collect();
        for rule in &rules {
            let (contract, text) = (rule.pin.clone(), rule.text.clone());
            log.push(LogEntry::ContractPublished { contract, text, at: now });
        }
        Self { chance: Chance::new(seed), rules, terms: Terms::default(), log, now, off: false, beside: None }
    }

    fn run(&mut self, handoffs: usize) {
        let mut deals: Vec<Deal> = Vec::with_capacity(handoffs);
        // Who acts next, by time; the number breaks ties, so that nothing but the seed decides.
        let mut agenda = BTreeSet::new();
        for number in 0..handoffs {
            let rule = self.chance.below(self.rules.len());
            let motion =
                MotionId::from(MOTIONS.get(self.chance.below(MOTIONS.len())).copied().unwrap_or("main"));
            let second = i64::try_from(self.chance.below(330 * 86_400)).unwrap_or_default();
            let begins = Timestamp::from_millisecond((BEGINS + second) * 1_000).unwrap_or(self.now);
            let Some(held) = self.rules.get(rule) else { return };
            let mut deal = Deal::new(number, rule, &held.contract, motion, begins, &mut self.chance);
            deal.past = self.beside.as_mut().is_some_and(|(_, _, chance)| chance.one_in(3));
            deals.push(deal);
            agenda.insert((begins, number));
        }
        while let Some((at, number)) = agenda.pop_first() {
            if self.beside.is_some() && at.as_second() > BEGINS + ENDS * DAY {
                break;
            }
            let Some(deal) = deals.get_mut(number) else { continue };
            let Some(rule) = self.rules.get(deal.rule) else { continue };
            deal.act(&rule.contract, at, &mut self.chance);
            if let Some(next) = deal.next(at, &mut self.chance) {
                agenda.insert((next, number));
            }
            // Now and then the daemon looks only after the next thing has happened, too.
            if !self.chance.one_in(6) {
                self.look(at, number, &mut deals);
            }
        }
        for number in 0..deals.len() {
            self.look(self.now, number, &mut deals);
        }
    }

    /// The daemon looks at one record, a little later than it changed.
    fn look(&mut self, at: Timestamp, number: usize, deals: &mut [Deal]) {
        let lag =
            if self.chance.one_in(20) { self.chance.below(7_200_000) } else { self.chance.below(90_000) };
        let lag = SignedDuration::from_millis(i64::try_from(lag).unwrap_or_default());
        let seen_at = at.checked_add(lag).unwrap_or(at);
        self.now = self.now.max(seen_at).checked_add(SignedDuration::from_micros(1)).unwrap_or(self.now);
        self.operate();
        self.hear();
        let Some(deal) = deals.get_mut(number) else { return };
        let Some(rule) = self.rules.get(deal.rule) else { return };
        let seen = deal.seen();
        let motion = deal.motion.clone();
        let case = Case { contract: &rule.contract, pin: &rule.pin, motion: &motion, terms: &self.terms };
        if deal.past {
            let (made, past) = (self.now, self.now.as_second() < BEGINS + WATCHED * DAY);
            if past {
                let chance = self.beside.as_mut().map(|(_, _, chance)| chance);
                self.log.extend(chance.and_then(|chance| deal.afterwards(case, at, made, chance)));
                return;
            }
            // The first look knows nothing of it.
            (deal.past, deal.state) = (false, None);
        }
        let events = decide(case, deal.state.as_ref(), &seen, self.now);
        if events.is_empty() {
            return;
        }
        let stamp = self.stamp();
        deal.state = Handoff::apply(deal.state.take(), stamp, &events);
        let Some(handoff) = deal.state.as_ref().map(|state| state.id.clone()) else { return };
        let contract = deal.state.as_ref().map_or_else(|| rule.pin.clone(), |state| state.contract.clone());
        let orders: Vec<(GateName, bool)> = events.iter().filter_map(ordered).collect();
        if let Some((tellers, listeners, _)) = &mut self.beside {
            tellers.meet(deal.account(), self.now);
            for event in &events {
                if let Event::Accepted { at, .. } | Event::Bypassed { at: Some(at), .. } = event {
                    tellers.passed(deal.account(), *at, self.now);
                }
                if let Event::Accepted { at, .. } = event {
                    let (fields, at) = (deal.fields(), *at);
                    listeners.accepted(&Acceptance {
                        handoff: &handoff,
                        pin: &contract,
                        fields: &fields,
                        at,
                    });
                }
            }
        }
        let (terms, seen) = (self.terms.clone(), Box::new(seen));
        self.log.push(LogEntry::Decided {
            handoff: handoff.clone(),
            contract,
            terms,
            at: self.now,
            seen,
            events,
        });
        if !orders.is_empty() && !self.off {
            self.write(deal, handoff, orders);
        }
    }

    /// What others tell and calls that were scored since.
    fn hear(&mut self) {
        while let Some((tellers, listeners, _)) = &mut self.beside {
            let Some(entry) = tellers.due(self.now).or_else(|| listeners.due(self.now)) else { return };
            self.now = self.now.checked_add(SignedDuration::from_micros(1)).unwrap_or(self.now);
            self.log.push(entry);
        }
    }

    fn write(&mut self, deal: &mut Deal, handoff: HandoffId, orders: Vec<(GateName, bool)>) {
        self.now = self.now.checked_add(SignedDuration::from_millis(700)).unwrap_or(self.now);
        let written = |(gate, open): (GateName, bool)| Event::GateWritten { gate, open, clearance: None };
        let events: Vec<Event> = orders.into_iter().map(written).collect();
        for event in &events {
            if let Event::GateWritten { gate, open, .. } = event {
                deal.flags.insert(gate.clone(), *open);
            }
        }
        let stamp = self.stamp();
        deal.state = Handoff::apply(deal.state.take(), stamp, &events);
        self.log.push(LogEntry::Confirmed { handoff, at: self.now, events });
    }

    fn stamp(&self) -> Stamp {
        Stamp { position: u64::try_from(self.log.len()).unwrap_or(u64::MAX), time: self.now }
    }

    /// The daemon itself is switched off and on, and goes down and comes back.
    fn operate(&mut self) {
        if self.chance.one_in(if self.off { 25 } else { 900 }) {
            self.off = !self.off;
            self.log.push(LogEntry::Switched { on: !self.off, by: "ops".to_owned(), at: self.now });
        }
        if self.chance.one_in(1_200) {
            let minutes = i64::try_from(self.chance.below(600)).unwrap_or_default();
            let down_since = self.now;
            self.now = self.now.checked_add(SignedDuration::from_mins(minutes)).unwrap_or(self.now);
            let version = "world".to_owned();
            self.log.push(LogEntry::Started { version, down_since: Some(down_since), at: self.now });
        }
    }
}

fn ordered(event: &Event) -> Option<(GateName, bool)> {
    if let Event::GateOrdered { gate, open } = event { Some((gate.clone(), *open)) } else { None }
}

/// A shipped contract; handoff 03 is told of a stage in which it waits for the customer.
fn rule(name: &str) -> Option<Rule> {
    let (_, text) = shipped().find(|(path, _)| path.ends_with(&format!("{name}.v1.toml")))?;
    let clock = "accept_within_hours = 48\n";
    let waits = format!("{clock}customer_stages = [\"{WAITS}\"]\n");
    let text = if name.starts_with("h03") { text.replacen(clock, &waits, 1) } else { text.to_owned() };
    let contract = parse_contract(name, &text).ok()?;
    let digest = Digest::of_bytes(text.as_bytes());
    let pin = ContractRef { id: contract.contract.clone(), version: contract.version, digest };
    Some(Rule { contract, pin, text })
}

/// A record of a world.
fn subject(number: usize) -> RecordRef {
    let record = format!("006{number:015}");
    RecordRef { connection: "sf".into(), object: "Opportunity".into(), record: record.as_str().into() }
}

/// Gate → open.
type Flags = BTreeMap<GateName, bool>;

#[cfg(test)]
mod tests;
