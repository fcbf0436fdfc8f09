//! Finance's ledger, from log entries alone: per period, deal and payee what was released, what waits, and what changed since.
//!
//! A period is a month in UTC, cut by log position: everything before the first entry that was logged after the month's end. So the statement
//! of a past period never depends on what came after it. What earlier periods stated is never stated again: later changes are numbered
//! adjustments, and the rows of all periods together are what the deals amount to.

mod deal;
mod export;
mod month;
mod quality;
mod reconcile;
mod shares;
mod statement;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::contract::{Contract, ContractRef, Mode};
use handoff_core::decide::Terms;
use handoff_core::event::Event;
use handoff_core::handoff::{Handoff, Stamp, Turn};
use handoff_core::id::HandoffId;
use handoff_core::journal::LogEntry;
use handoff_core::registry::parse_contract;
use rust_decimal::Decimal;

use deal::{Deal, Standpoint};
pub use export::{ExportError, Format, csv, json, xlsx};
pub use month::{Month, NotAMonth};
pub use quality::MIN_N;
pub use reconcile::{Columns, Finding, FindingKind, Payout, PayoutError, payouts, reconcile};
pub use statement::{Row, Sender, Standing, State, Statement, Total};

use quality::{Heard, Quality};

use crate::incentive::Rules;

/// The fold over the log that makes one period's statement.
#[derive(Debug)]
pub struct Ledger {
    period: Month,
    running: Option<Month>,
    contracts: BTreeMap<ContractRef, Contract>,
    deals: BTreeMap<String, Deal>,
    touched: BTreeSet<String>,
    quality: Quality,
    heard: Heard,
    head: u64,
}

impl Ledger {
    /// An empty one that will tell of this period.
    pub fn new(period: Month) -> Self {
        Self {
            period,
            running: None,
            contracts: BTreeMap::new(),
            deals: BTreeMap::new(),
            touched: BTreeSet::new(),
            quality: Quality::default(),
            heard: Heard::default(),
            head: 0,
        }
    }

    /// Takes the entry at this log position, in log order; `None` = its record was erased, so that it counts for nothing. False = the
    /// period is over: nothing further is taken.
    pub fn apply(&mut self, position: u64, entry: Option<&LogEntry>) -> bool {
        let Some(entry) = entry else {
            self.head = position.saturating_add(1);
            return true;
        };
        let month = Month::of(entry.at());
        // The log's order counts, not the clock: a clock that was set back re-opens no period.
        let running = *self.running.get_or_insert(month);
        if month > running {
            if month > self.period {
                return false;
            }
            self.roll(running);
            self.running = Some(month);
        }
        if running > self.period {
            return false;
        }
        self.head = position.saturating_add(1);
        self.take(Stamp { position, time: entry.at() }, self.running.unwrap_or(month), entry);
        true
    }

    fn take(&mut self, stamp: Stamp, month: Month, entry: &LogEntry) {
        if let LogEntry::ContractPublished { contract, text, .. } = entry
            && let Ok(parsed) = parse_contract(contract.id.as_str(), text)
        {
            self.contracts.insert(contract.clone(), parsed);
        }
        self.heard.apply(entry);
        let Some((handoff, events)) = entry.handoff() else { return };
        let terms = if let LogEntry::Decided { terms, .. } = entry { Some(terms) } else { None };
        self.fold(stamp, month, handoff, terms, events);
    }

    fn fold(
        &mut self,
        stamp: Stamp,
        month: Month,
        handoff: &HandoffId,
        terms: Option<&Terms>,
        events: &[Event],
    ) {
        let stream = handoff.stream();
        let deal = self.deals.entry(stream.clone()).or_default();
        if let Some(terms) = terms {
            deal.terms = terms.clone();
        }
        deal.last = stamp;
        let mut state = deal.state.take();
        for event in events {
            state = Handoff::evolve(state, stamp, event);
            let Some(state) = &state else { continue };
            deal.note(event);
            let contract = self.contracts.get(&state.contract);
            self.quality.apply(&stream, month, contract, state, event);
        }
        deal.state = state;
        self.touched.insert(stream);
    }

    /// Ends a period that is not asked for: what it stated is kept.
    fn roll(&mut self, ended: Month) {
        // A deal that names another may count no more because of what happened to the other.
        let linked = |deal: &Deal| deal.state.as_ref().is_some_and(|state| state.link.is_some());
        let mut settled = std::mem::take(&mut self.touched);
        settled.extend(self.deals.iter().filter(|(_, deal)| linked(deal)).map(|(stream, _)| stream.clone()));
        for stream in settled {
            let standpoint = self.standpoint(&stream);
            let Some(deal) = self.deals.get_mut(&stream) else { continue };
            drop(deal.settle(standpoint));
        }
        debug_assert!(ended <= self.period, "only periods before the one asked for are rolled");
    }

    /// How a deal stands; `None` = nothing can be said of it.
    fn standpoint(&self, stream: &str) -> Option<Standpoint> {
        let deal = self.deals.get(stream)?;
        let state = deal.state.as_ref()?;
        let contract = self.contracts.get(&state.contract)?;
        let standpoint = deal.standpoint(contract, state)?;
        Some(if let Some(other) = self.counted_as(stream, state) {
            standpoint.counted_elsewhere(&other)
        } else {
            standpoint
        })
    }

    /// The record that counts in the place of this one: the same deal in another CRM. Of two that name each other the first counts.
    fn counted_as(&self, stream: &str, state: &Handoff) -> Option<String> {
        let link = state.link.as_ref()?;
        let (other_stream, other) = self.deals.iter().find_map(|(stream, deal)| {
            let other = deal.state.as_ref()?;
            let same = other.id.subject == *link && other.id.contract == state.id.contract;
            same.then_some((stream, other))
        })?;
        let mutual = other.link.as_ref() == Some(&state.id.subject);
        (other_stream != stream && (!mutual || other_stream.as_str() < stream)).then(|| link.to_string())
    }

    /// The statement of the period, as the entries so far say; the quality weight is in percent, 5 to 10, and counts by these rules.
    pub fn finish(mut self, standing: Standing, weight_percent: Decimal, rules: Rules) -> Statement {
        if let Some(running) = self.running.filter(|running| *running < self.period) {
            self.roll(running);
        }
        let senders = self.quality.senders(self.period, weight_percent, rules, &self.heard);
        let mut rows = Vec::new();
        let streams: Vec<String> = self.deals.keys().cloned().collect();
        for stream in streams {
            let standpoint = self.standpoint(&stream);
            let Some(deal) = self.deals.get_mut(&stream) else { continue };
            for mut row in deal.settle(standpoint) {
                if let Some(sender) = self.quality.of_payee(&row.payee, &senders) {
                    row.quality_factor = Some(sender.factor);
                    row.quality_n = sender.n;
                }
                rows.push(row);
            }
        }
        rows.sort_by(|a, b| key(a).cmp(&key(b)));
        Statement {
            period: self.period.to_string(),
            standing,
            entries: self.head,
            weight_percent,
            totals: totals(&rows),
            senders,
            rows,
        }
    }
}

fn key(row: &Row) -> (&str, &str, &str, &str, Option<&str>, State) {
    (&row.deal, &row.contract, &row.motion, &row.payee, row.currency.as_deref(), row.state)
}

/// Sums per currency. A sum that no decimal can hold is left at the largest there is, which no one takes for real.
fn totals(rows: &[Row]) -> Vec<Total> {
    let mut sums: BTreeMap<Option<String>, Total> = BTreeMap::new();
    for row in rows {
        let Some(amount) = row.amount else { continue };
        let total = sums.entry(row.currency.clone()).or_insert_with(|| Total {
            currency: row.currency.clone(),
            cleared: Decimal::ZERO,
            overridden: Decimal::ZERO,
            adjusted: Decimal::ZERO,
            held: Decimal::ZERO,
        });
        let sum = match row.state {
            State::Cleared => &mut total.cleared,
            State::Overridden => &mut total.overridden,
            State::Adjusted => &mut total.adjusted,
            State::Held => &mut total.held,
            State::Refused => continue,
        };
        *sum = sum.saturating_add(amount).normalize();
    }
    sums.into_values().collect()
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Off => "off",
        Mode::Observe => "observe",
        Mode::Enforce => "enforce",
    }
}

/// Role and CRM user id of the one who must act.
fn who(contract: &Contract, state: &Handoff, turn: Turn) -> Option<String> {
    let (role, actor) = match turn {
        Turn::Sender => (&contract.roles.sender, &state.sender),
        Turn::Receiver => (&contract.roles.receiver, &state.receiver),
        Turn::Nobody => return None,
    };
    let named = actor.as_ref().map_or_else(|| "nobody named".to_owned(), |actor| actor.id.0.clone());
    Some(format!("{} {named}", role.replace('_', " ")))
}
