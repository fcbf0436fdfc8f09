//! One deal: how it stands, what earlier periods stated of it, and the rows that follow.

use std::collections::BTreeMap;

use handoff_core::contract::{Contract, GateKind, Mode};
use handoff_core::decide::Terms;
use handoff_core::event::{Event, ReopenCause, VoidCause};
use handoff_core::gate::evaluate;
use handoff_core::handoff::{Handoff, Phase, Stamp};
use handoff_core::id::GateName;
use handoff_core::words;
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::shares::{Share, shares};
use super::statement::{Row, State};
use super::{mode_name, who};

/// What is said of pay that no acceptance released.
const OVERRIDDEN: &str = "released without an acceptance (break-glass)";

/// Payee and currency.
type Account = (String, Option<String>);
/// What stands on each account; `None` = no amount is known.
type Sums = BTreeMap<Account, Option<Decimal>>;

/// A deal with what was stated of it.
#[derive(Debug, Clone)]
pub(super) struct Deal {
    pub(super) state: Option<Handoff>,
    pub(super) terms: Terms,
    pub(super) last: Stamp,
    /// What happened to pay since the last statement.
    why: Option<String>,
    stated: Sums,
    /// Whether it was ever stated as cleared.
    was_cleared: bool,
    adjustments: u32,
}

impl Default for Deal {
    fn default() -> Self {
        Self {
            state: None,
            terms: Terms::default(),
            last: Stamp { position: 0, time: Timestamp::UNIX_EPOCH },
            why: None,
            stated: Sums::new(),
            was_cleared: false,
            adjustments: 0,
        }
    }
}

/// How a deal stands at one moment.
#[derive(Debug, Clone)]
pub(super) struct Standpoint {
    open: bool,
    /// It is open, and not by an acceptance.
    overridden: bool,
    off: bool,
    shares: Result<Vec<Share>, String>,
    hold_reason: String,
    who_must_act: Option<String>,
    cleared_at: Option<Timestamp>,
    clearance: Option<String>,
    elsewhere: bool,
    row: Row,
}

impl Standpoint {
    /// The same deal counts as another record's: here it is not open.
    pub(super) fn counted_elsewhere(mut self, other: &str) -> Self {
        self.open = false;
        self.overridden = false;
        self.elsewhere = true;
        self.hold_reason = format!("the same deal is counted as {other}");
        self.who_must_act = None;
        self
    }
}

/// The gate that pay follows: commission, or else credit.
fn pay_gate(contract: &Contract) -> Option<&GateName> {
    let of = |kind| contract.gates.iter().find(move |(_, gate)| gate.kind == kind).map(|(name, _)| name);
    of(GateKind::Commission).or_else(|| of(GateKind::Credit))
}

impl Deal {
    /// How it stands; `None` = no pay follows this contract.
    pub(super) fn standpoint(&self, contract: &Contract, state: &Handoff) -> Option<Standpoint> {
        let gate = pay_gate(contract)?;
        let mode = self.terms.mode(contract, gate);
        if mode == Mode::Off {
            return None;
        }
        // As of its own last entry, so that no statement depends on what happened to others.
        let verdict = evaluate(contract, state, self.last.time);
        let open = verdict.gates.get(gate) == Some(&true);
        let overridden = open && !state.acceptance_holds();
        let acceptance = state.accepted.as_ref();
        let written = state.gates.get(gate).filter(|written| open && written.confirmed == Some(true));
        Some(Standpoint {
            open,
            overridden,
            off: state.phase == Phase::Voided,
            shares: shares(state.pay.as_ref(), state.sender.as_ref()),
            hold_reason: words::hold_reason(contract, state, &verdict),
            who_must_act: who(contract, state, verdict.turn),
            cleared_at: acceptance.map(|acceptance| acceptance.stamp.time),
            clearance: written
                .and_then(|written| written.clearance.clone())
                .or_else(|| acceptance.map(|acceptance| format!("log:{}", acceptance.stamp.position))),
            elsewhere: false,
            row: Row {
                deal: state.id.subject.to_string(),
                contract: state.id.contract.0.clone(),
                motion: state.id.motion.0.clone(),
                cycle: state.id.cycle,
                stage: state.stage.as_ref().map(|stage| stage.0.clone()),
                payee: String::new(),
                percent: None,
                amount: None,
                currency: None,
                state: State::Held,
                adjustment: None,
                hold_reason: None,
                who_must_act: None,
                cleared_at: None,
                quality_factor: None,
                quality_n: 0,
                receipt: format!("log:{}", self.last.position),
                mode: mode_name(mode).to_owned(),
            },
        })
    }

    /// Notes what an event does to pay.
    pub(super) fn note(&mut self, event: &Event) {
        if let Event::CommissionHeld { cause, .. } | Event::Reopened { cause, .. } = event {
            self.why = Some(cause_words(cause));
        } else if let Event::PayChanged { .. } = event {
            self.why = Some("the amount or its shares changed".to_owned());
        } else if let Event::Accepted { .. } = event {
            self.why = Some("accepted again".to_owned());
        }
    }

    /// States how it stands: rows for what no earlier statement said, and for what waits.
    pub(super) fn settle(&mut self, standpoint: Option<Standpoint>) -> Vec<Row> {
        // Nothing is known of a deal whose entries were erased: what was stated of it stays.
        let Some(at) = standpoint else { return Vec::new() };
        let why = self.why.take();
        if at.open {
            match &at.shares {
                Err(words) => return vec![refused(&at, words)],
                Ok(shares) if !self.was_cleared => return self.clear(&at, shares),
                Ok(shares) => {
                    let rows = self.adjust(&at, sums(shares), why);
                    return percents(rows, shares);
                }
            }
        }
        let mut rows = self.adjust(&at, Sums::new(), why);
        if rows.is_empty() && !at.off && !at.elsewhere {
            rows = match &at.shares {
                Ok(shares) => shares.iter().map(|share| held(&at, share)).collect(),
                Err(words) => vec![refused(&at, words)],
            };
        }
        rows
    }

    fn clear(&mut self, at: &Standpoint, shares: &[Share]) -> Vec<Row> {
        self.was_cleared = true;
        self.stated = sums(shares);
        let state = if at.overridden { State::Overridden } else { State::Cleared };
        let hold_reason = at.overridden.then(|| OVERRIDDEN.to_owned());
        let row = |share| Row { state, hold_reason: hold_reason.clone(), ..opened(at, &of(at, share)) };
        shares.iter().map(row).collect()
    }

    /// The differences between what stands and what was stated.
    fn adjust(&mut self, at: &Standpoint, now: Sums, why: Option<String>) -> Vec<Row> {
        let before = std::mem::replace(&mut self.stated, now);
        let accounts: std::collections::BTreeSet<&Account> =
            before.keys().chain(self.stated.keys()).collect();
        let differing: Vec<(&Account, Option<Decimal>)> = accounts
            .into_iter()
            .filter_map(|account| {
                let (was, is) = (before.get(account), self.stated.get(account));
                if was == is { None } else { Some((account, difference(was, is))) }
            })
            .collect();
        if differing.is_empty() {
            return Vec::new();
        }
        self.adjustments += 1;
        let reason = match (why, at.open) {
            (_, true) if at.overridden => OVERRIDDEN.to_owned(),
            (Some(why), true) => why,
            (None, true) => "cleared again".to_owned(),
            (Some(why), false) => format!("held again: {why}. {}", at.hold_reason),
            (None, false) => format!("held again. {}", at.hold_reason),
        };
        let row = |((payee, currency), amount): (&Account, Option<Decimal>)| Row {
            payee: payee.clone(),
            currency: currency.clone(),
            amount,
            state: State::Adjusted,
            adjustment: Some(self.adjustments),
            hold_reason: Some(reason.clone()),
            who_must_act: at.who_must_act.clone().filter(|_| !at.open),
            ..at.row.clone()
        };
        let rows = differing.into_iter().map(row);
        rows.map(|row| if at.open { opened(at, &row) } else { row }).collect()
    }
}

/// The row with what proves that its gate is open.
fn opened(at: &Standpoint, row: &Row) -> Row {
    let receipt = at.clearance.clone().unwrap_or_else(|| row.receipt.clone());
    Row { cleared_at: at.cleared_at, receipt, ..row.clone() }
}

fn of(at: &Standpoint, share: &Share) -> Row {
    Row {
        payee: share.payee.clone(),
        percent: Some(share.percent.normalize()),
        amount: share.amount,
        currency: share.currency.clone(),
        ..at.row.clone()
    }
}

fn held(at: &Standpoint, share: &Share) -> Row {
    Row { hold_reason: Some(at.hold_reason.clone()), who_must_act: at.who_must_act.clone(), ..of(at, share) }
}

fn refused(at: &Standpoint, words: &str) -> Row {
    Row { state: State::Refused, hold_reason: Some(words.to_owned()), ..at.row.clone() }
}

fn percents(mut rows: Vec<Row>, shares: &[Share]) -> Vec<Row> {
    for row in &mut rows {
        let share = shares.iter().find(|share| share.payee == row.payee && share.currency == row.currency);
        row.percent = share.map(|share| share.percent.normalize());
    }
    rows
}

fn sums(shares: &[Share]) -> Sums {
    shares
        .iter()
        .map(|share| {
            ((share.payee.clone(), share.currency.clone()), share.amount.map(|amount| amount.normalize()))
        })
        .collect()
}

fn difference(was: Option<&Option<Decimal>>, is: Option<&Option<Decimal>>) -> Option<Decimal> {
    let (was, is) = (was.copied().flatten(), is.copied().flatten());
    if was.is_none() && is.is_none() {
        return None;
    }
    Some(is.unwrap_or_default().saturating_sub(was.unwrap_or_default()).normalize())
}

fn cause_words(cause: &ReopenCause) -> String {
    let listed = |fields: &std::collections::BTreeSet<handoff_core::id::FieldKey>| {
        fields.iter().map(|field| field.as_str().replace('_', " ")).collect::<Vec<_>>().join(", ")
    };
    match cause {
        ReopenCause::Edited { fields } => format!("edited after acceptance: {}", listed(fields)),
        ReopenCause::Receiver { fields, .. } if fields.is_empty() => {
            "the receiver took the acceptance back".to_owned()
        }
        ReopenCause::Receiver { fields, .. } => {
            format!("the receiver took the acceptance back: {}", listed(fields))
        }
        ReopenCause::Unconfirmed { fields } => {
            format!("edited after acceptance and not confirmed by the receiver: {}", listed(fields))
        }
        ReopenCause::ExceptionsLapsed { fields } => {
            format!("promised for a day that has passed: {}", listed(fields))
        }
        ReopenCause::Contradicted { .. } => {
            "asked apart, the two sides did not say what was accepted".to_owned()
        }
        ReopenCause::Merged => "another record was merged into the deal".to_owned(),
        ReopenCause::People => "sender or receiver changed".to_owned(),
        ReopenCause::AuthoritiesDisagree => "another record of the deal says otherwise".to_owned(),
        ReopenCause::Voided { cause } => match cause {
            VoidCause::Stage { .. } => "the deal is off".to_owned(),
            VoidCause::Deleted => "the record was deleted".to_owned(),
            VoidCause::Merged { .. } => "the record was merged into another".to_owned(),
            VoidCause::Gone => "the record is gone".to_owned(),
            VoidCause::OtherMotion { .. } => "the deal belongs to another motion".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{CONTRACT, cleared_deal};
    use super::*;

    #[test]
    fn f12_pay_that_no_acceptance_released_is_overridden_and_never_cleared() {
        let contract = handoff_core::registry::parse_contract("c", CONTRACT).unwrap();
        let mut deal = Deal { state: Some(cleared_deal()), ..Deal::default() };
        let state = deal.state.clone().unwrap();
        let at = deal.standpoint(&contract, &state).unwrap();
        assert!(at.open && !at.overridden);
        let by_hand = Standpoint { overridden: true, ..at.clone() };
        let rows = deal.settle(Some(by_hand));
        assert_eq!((rows.len(), rows[0].state), (1, State::Overridden));
        assert_eq!(rows[0].hold_reason.as_deref(), Some(OVERRIDDEN));
        assert!(deal.settle(Some(at)).is_empty(), "an acceptance that follows states nothing twice");
    }
}
