//! A proposed contract over recorded history: every observation is decided again under it. Nothing is written, nothing is read but the log.
//!
//! What the proposed contract asks for and no mapping ever read cannot be known from the log; such fields are named.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::contract::{Contract, ContractRef, GateKind};
use handoff_core::decide::{Case, Terms, decide};
use handoff_core::gate::{Verdict, evaluate};
use handoff_core::handoff::{Handoff, Stamp};
use handoff_core::id::{FieldKey, GateName, HandoffId};
use handoff_core::journal::LogEntry;
use handoff_core::observation::Observation;
use handoff_core::registry::parse_contract;
use handoff_core::value::Value;
use handoff_core::words;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The fold over the log that plays a proposed contract beside the recorded one.
#[derive(Debug)]
pub struct Simulation {
    contract: Contract,
    pin: ContractRef,
    since: Timestamp,
    contracts: BTreeMap<ContractRef, Contract>,
    deals: BTreeMap<String, Deal>,
    recorded: BTreeSet<FieldKey>,
    observations: usize,
}

/// One deal under both contracts.
#[derive(Debug, Default)]
struct Deal {
    actual: Option<Handoff>,
    proposed: Option<Handoff>,
    terms: Terms,
    opened_before: bool,
    cleared: Option<Timestamp>,
    would_clear: Option<Timestamp>,
    last: Option<Timestamp>,
    /// What the proposed contract missed when the recorded one cleared.
    missing: BTreeSet<FieldKey>,
    reason: Option<String>,
}

/// What would have been.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulated {
    /// The proposed contract.
    pub contract: String,
    /// Its version.
    pub version: u32,
    /// Deals whose handoff opened since then.
    pub since: Timestamp,
    /// Deals with recorded decisions since then.
    pub deals: usize,
    /// Deals that were cleared.
    pub cleared: usize,
    /// Deals that were cleared and would still wait at the log's end.
    pub held: usize,
    /// Deals that would have been cleared later.
    pub delayed: usize,
    /// Deals that wait and would have been cleared: the proposed contract demands less of them.
    pub freed: usize,
    /// Amounts of what would still wait, per currency; only of deals whose amount is known.
    pub held_amounts: Vec<Amount>,
    /// Deals that would still wait and whose amount is not known.
    pub held_without_amount: usize,
    /// By sender, by person.
    pub senders: Vec<BySender>,
    /// Missing fields → deals.
    pub missing: BTreeMap<String, usize>,
    /// Fields that no recorded package holds: whether people know them cannot be told from the log.
    pub never_recorded: Vec<String>,
    /// The deals behind the numbers, by stream.
    pub records: Vec<Record>,
}

/// A sum of one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// ISO 4217 code; absent = the CRM told none.
    pub currency: Option<String>,
    /// Exact.
    pub sum: Decimal,
}

/// What it would have meant for one sender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BySender {
    /// The person; empty = nobody was named.
    pub person: String,
    /// Deals that would still wait.
    pub held: usize,
    /// Deals that would have been cleared later.
    pub delayed: usize,
    /// Deals in all.
    pub deals: usize,
}

/// One deal that would have gone another way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// `contract/motion/connection/object/record`.
    pub stream: String,
    /// The sender, by person.
    pub sender: Option<String>,
    /// What would have been.
    pub outcome: Outcome,
    /// Fields that were missing when the recorded contract cleared.
    pub missing: Vec<String>,
    /// Why it would wait.
    pub reason: Option<String>,
    /// When it was cleared.
    pub cleared: Option<Timestamp>,
    /// When it would have been cleared.
    pub would_clear: Option<Timestamp>,
    /// Exact amount, where mapped.
    pub amount: Option<Decimal>,
    /// ISO 4217 code, where told.
    pub currency: Option<String>,
}

/// What would have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was cleared and would still wait.
    Held,
    /// It would have been cleared later.
    Delayed,
    /// It waits and would have been cleared.
    Freed,
}

impl Simulation {
    /// Of this contract over deals whose handoff opened since then.
    pub fn new(contract: Contract, pin: ContractRef, since: Timestamp) -> Self {
        Self {
            contract,
            pin,
            since,
            contracts: BTreeMap::new(),
            deals: BTreeMap::new(),
            recorded: BTreeSet::new(),
            observations: 0,
        }
    }

    /// Takes one entry; entries come in log order.
    pub fn apply(&mut self, position: u64, entry: &LogEntry) {
        let stamp = Stamp { position, time: entry.at() };
        if let LogEntry::ContractPublished { contract, text, .. } = entry
            && let Ok(parsed) = parse_contract(contract.id.as_str(), text)
        {
            self.contracts.insert(contract.clone(), parsed);
        } else if let LogEntry::Decided { handoff, terms, seen, events, at, .. } = entry
            && handoff.contract == self.pin.id
        {
            self.observations += 1;
            self.recorded.extend(seen.package.keys().cloned());
            let deal = self.deal(handoff, stamp);
            deal.terms = terms.clone();
            deal.actual = Handoff::apply(deal.actual.take(), stamp, events);
            self.again(handoff, seen, *at, stamp);
            self.look(handoff, stamp);
        } else if let LogEntry::Confirmed { handoff, events, .. } = entry
            && handoff.contract == self.pin.id
        {
            let deal = self.deal(handoff, stamp);
            deal.actual = Handoff::apply(deal.actual.take(), stamp, events);
            self.look(handoff, stamp);
        }
    }

    fn deal(&mut self, handoff: &HandoffId, stamp: Stamp) -> &mut Deal {
        let old = stamp.time < self.since;
        let deal = self.deals.entry(handoff.stream()).or_default();
        deal.opened_before |= deal.last.is_none() && old;
        deal.last = Some(stamp.time);
        deal
    }

    /// Decides a recorded observation under the proposed contract.
    fn again(&mut self, handoff: &HandoffId, seen: &Observation, at: Timestamp, stamp: Stamp) {
        let Some(deal) = self.deals.get_mut(&handoff.stream()) else { return };
        let terms = Terms { modes: BTreeMap::new(), on_bypass: BTreeMap::new(), ..deal.terms.clone() };
        let case = Case { contract: &self.contract, pin: &self.pin, motion: &handoff.motion, terms: &terms };
        let events = decide(case, deal.proposed.as_ref(), seen, at);
        if !events.is_empty() {
            deal.proposed = Handoff::apply(deal.proposed.take(), stamp, &events);
        }
    }

    /// Notes what is open under either contract now.
    fn look(&mut self, handoff: &HandoffId, stamp: Stamp) {
        let Some(deal) = self.deals.get_mut(&handoff.stream()) else { return };
        let actual = deal.actual.as_ref().and_then(|state| {
            let contract = self.contracts.get(&state.contract)?;
            is_open(contract, &evaluate(contract, state, stamp.time))
        });
        let verdict = deal.proposed.as_ref().map(|state| evaluate(&self.contract, state, stamp.time));
        let proposed = deal.proposed.as_ref().zip(verdict.as_ref());
        let open = proposed.and_then(|(_, verdict)| is_open(&self.contract, verdict));
        match actual {
            Some(true) if deal.cleared.is_none() => {
                deal.cleared = Some(stamp.time);
                if open != Some(true)
                    && let Some((state, verdict)) = proposed
                {
                    deal.missing = verdict.missing.iter().map(|finding| finding.field.clone()).collect();
                    deal.reason = Some(words::hold_reason(&self.contract, state, verdict));
                }
            }
            Some(false) => deal.cleared = None,
            Some(true) | None => {}
        }
        match open {
            Some(true) if deal.would_clear.is_none() => deal.would_clear = Some(stamp.time),
            Some(false) => deal.would_clear = None,
            Some(true) | None => {}
        }
    }

    /// What would have been.
    pub fn finish(self) -> Simulated {
        let fields = self.contract.fields.iter().map(|field| &field.key);
        let never = fields.filter(|key| self.observations > 0 && !self.recorded.contains(*key));
        let mut all = Simulated {
            contract: self.pin.id.0.clone(),
            version: self.pin.version,
            since: self.since,
            deals: 0,
            cleared: 0,
            held: 0,
            delayed: 0,
            freed: 0,
            held_amounts: Vec::new(),
            held_without_amount: 0,
            senders: Vec::new(),
            missing: BTreeMap::new(),
            never_recorded: never.map(|key| key.0.clone()).collect(),
            records: Vec::new(),
        };
        let mut senders: BTreeMap<String, BySender> = BTreeMap::new();
        let mut amounts: BTreeMap<Option<String>, Decimal> = BTreeMap::new();
        for (stream, deal) in self.deals {
            if deal.opened_before || deal.actual.is_none() {
                continue;
            }
            let record = record(stream, &deal);
            all.deals += 1;
            all.cleared += usize::from(deal.cleared.is_some());
            let person = deal.actual.as_ref().and_then(|state| state.sender.as_ref());
            let person = person.map(|sender| sender.person.0.clone()).unwrap_or_default();
            let sender =
                senders.entry(person.clone()).or_insert(BySender { person, held: 0, delayed: 0, deals: 0 });
            sender.deals += 1;
            let Some(record) = record else { continue };
            match record.outcome {
                Outcome::Held => {
                    all.held += 1;
                    sender.held += 1;
                    if let Some(amount) = record.amount {
                        let sum = amounts.entry(record.currency.clone()).or_default();
                        *sum = sum.saturating_add(amount).normalize();
                    } else {
                        all.held_without_amount += 1;
                    }
                }
                Outcome::Delayed => {
                    all.delayed += 1;
                    sender.delayed += 1;
                }
                Outcome::Freed => all.freed += 1,
            }
            for field in &record.missing {
                *all.missing.entry(field.clone()).or_default() += 1;
            }
            all.records.push(record);
        }
        all.senders = senders.into_values().collect();
        all.held_amounts = amounts.into_iter().map(|(currency, sum)| Amount { currency, sum }).collect();
        all
    }
}

/// Whether pay is open; where no pay follows the contract, whether its strictest gate is. `None` = it has no gate.
fn is_open(contract: &Contract, verdict: &Verdict) -> Option<bool> {
    let rank = |gate: &GateName| match contract.gates.get(gate)?.kind {
        GateKind::Commission => Some(0),
        GateKind::Credit => Some(1),
        GateKind::Queue => Some(2),
        GateKind::Stage => Some(3),
        GateKind::Routing => Some(4),
    };
    let gate = contract.gates.keys().min_by_key(|gate| rank(gate))?;
    verdict.gates.get(gate).copied()
}

fn record(stream: String, deal: &Deal) -> Option<Record> {
    /// Two clearings within this time are one: reads of one record come in steps.
    const SAME: SignedDuration = SignedDuration::from_secs(1);
    let outcome = match (deal.cleared, deal.would_clear) {
        (Some(_), None) => Outcome::Held,
        (Some(cleared), Some(would)) if would.duration_since(cleared) > SAME => Outcome::Delayed,
        (None, Some(_)) => Outcome::Freed,
        (Some(_), Some(_)) | (None, None) => return None,
    };
    let state = deal.actual.as_ref();
    let money = state.and_then(|state| state.pay.as_ref()).and_then(|pay| pay.amount.as_ref());
    let (amount, currency) = match money.map(|money| &money.value) {
        Some(Value::Money { amount, currency }) => (Some(*amount), currency.clone()),
        Some(_) | None => (None, None),
    };
    Some(Record {
        stream,
        sender: state.and_then(|state| state.sender.as_ref()).map(|sender| sender.person.0.clone()),
        outcome,
        missing: deal.missing.iter().map(|field| field.0.clone()).collect(),
        reason: deal.reason.clone(),
        cleared: deal.cleared,
        would_clear: deal.would_clear,
        amount,
        currency,
    })
}

#[cfg(test)]
mod tests;
