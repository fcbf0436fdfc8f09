//! What was paid against what the ledger says.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::statement::{Row, State, Statement};

/// Most rows of one payout file.
const MOST: usize = 1_000_000;

/// The names of a payout file's columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// The deal: `connection/object/record`, or the record's id alone.
    pub deal: String,
    /// The payee's CRM user id; may be missing in the file: then a deal's payees are taken together.
    pub payee: String,
    /// The credited amount; may be missing in the file: then amounts are not compared.
    pub amount: String,
    /// ISO 4217 code; may be missing in the file.
    pub currency: String,
}

impl Default for Columns {
    fn default() -> Self {
        let own = str::to_owned;
        Self { deal: own("deal"), payee: own("payee"), amount: own("amount"), currency: own("currency") }
    }
}

/// One row of a payout file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payout {
    /// Its line, from 1; the header is line 1.
    pub line: u64,
    /// The deal as the file names it.
    pub deal: String,
    /// The payee, if the file names payees.
    pub payee: Option<String>,
    /// The amount; `Err` = it is no number.
    pub amount: Result<Option<Decimal>, ()>,
    /// The currency, if the file names it.
    pub currency: Option<String>,
}

/// A payout file that cannot be compared.
#[derive(Debug, Error)]
pub enum PayoutError {
    /// Not CSV.
    #[error("the payout file is not CSV in UTF-8 with a header")]
    Csv(#[from] csv::Error),
    /// No column with the deal.
    #[error("the payout file has no column named {column}: name the column with the deal")]
    NoDeal {
        /// The column asked for.
        column: String,
    },
    /// Too many rows.
    #[error("the payout file has more than {MOST} rows")]
    TooLong,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// The deal, as the ledger names it where it knows it.
    pub deal: String,
    /// The payee, where it concerns one.
    pub payee: Option<String>,
    /// What the file says, exact; absent = nothing.
    pub paid: Option<Decimal>,
    /// What the ledger says, exact; absent = nothing.
    pub owed: Option<Decimal>,
    /// ISO 4217 code, where told.
    pub currency: Option<String>,
    /// Why it is held, or what is wrong with the row.
    pub detail: Option<String>,
    /// The file's line, where it is about one.
    pub line: Option<u64>,
}

/// Kinds of difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Paid, but the gate is shut.
    PaidButShut,
    /// The gate is open and nothing was paid.
    OpenButUnpaid,
    /// Paid, but another amount.
    AmountDiffers,
    /// The ledger does not know the deal in this period, or two deals could be meant.
    UnknownDeal,
    /// The row cannot be read.
    Unreadable,
}

impl FindingKind {
    /// As people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::PaidButShut => "paid but shut",
            Self::OpenButUnpaid => "open but unpaid",
            Self::AmountDiffers => "amount differs",
            Self::UnknownDeal => "unknown deal",
            Self::Unreadable => "unreadable row",
        }
    }
}

/// Reads a payout file: CSV in UTF-8 with a header.
pub fn payouts(bytes: &[u8], columns: &Columns) -> Result<Vec<Payout>, PayoutError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let header = reader.headers()?.clone();
    let place = |name: &str| header.iter().position(|each| each.eq_ignore_ascii_case(name));
    let deal = place(&columns.deal).ok_or_else(|| PayoutError::NoDeal { column: columns.deal.clone() })?;
    let (payee, amount, currency) = (place(&columns.payee), place(&columns.amount), place(&columns.currency));
    let mut found = Vec::new();
    for record in reader.records() {
        let record = record?;
        if found.len() >= MOST {
            return Err(PayoutError::TooLong);
        }
        // Our own exports disarm risky cells by an apostrophe.
        let cell = |at: Option<usize>| {
            at.and_then(|at| record.get(at)).map(|text| text.strip_prefix('\'').unwrap_or(text))
        };
        let filled = |at| cell(at).filter(|text| !text.is_empty()).map(str::to_owned);
        found.push(Payout {
            line: record.position().map_or(0, csv::Position::line),
            deal: cell(Some(deal)).unwrap_or_default().to_owned(),
            payee: filled(payee),
            amount: filled(amount).map(|text| text.parse().map_err(|_not_a_number| ())).transpose(),
            currency: filled(currency),
        });
    }
    Ok(found)
}

/// Deals of the statement by every name that a file may use.
struct Names<'s> {
    by_name: BTreeMap<&'s str, Option<&'s str>>,
}

impl<'s> Names<'s> {
    fn of(statement: &'s Statement) -> Self {
        let mut by_name: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        let mut name = |name: &'s str, deal: &'s str| {
            by_name
                .entry(name)
                .and_modify(|known| *known = known.filter(|known| *known == deal))
                .or_insert(Some(deal));
        };
        for row in &statement.rows {
            let deal = row.deal.as_str();
            name(deal, deal);
            let record = deal.splitn(3, '/').nth(2).unwrap_or(deal);
            name(record, deal);
            // Salesforce writes the same id with 15 or with 18 characters.
            if let Some(short) = record.get(..15).filter(|_| record.len() == 18) {
                name(short, deal);
            }
        }
        Self { by_name }
    }

    fn deal(&self, name: &str) -> Option<&'s str> {
        self.by_name.get(name).copied().flatten()
    }
}

/// Paid or owed; several rows of one deal and payee are one.
#[derive(Default)]
struct Side {
    sum: Option<Decimal>,
    line: Option<u64>,
    there: bool,
}

impl Side {
    fn add(&mut self, amount: Option<Decimal>, line: Option<u64>) {
        self.there = true;
        self.line = self.line.or(line);
        if let Some(amount) = amount {
            self.sum = Some(self.sum.unwrap_or_default().saturating_add(amount).normalize());
        }
    }
}

/// Deal, payee and currency; what the file does not name is left out.
type Key<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

/// Compares what was paid with a statement: findings in order of kind, deal and payee; none = all is well. Where the file names no payees a deal's
/// rows are taken together.
pub fn reconcile(statement: &Statement, payouts: &[Payout]) -> Vec<Finding> {
    let names = Names::of(statement);
    let mut found = Vec::new();
    let by_payee = payouts.iter().any(|payout| payout.payee.is_some());
    let by_currency = payouts.iter().any(|payout| payout.currency.is_some());
    let amounts = payouts.iter().any(|payout| payout.amount != Ok(None));
    let mut sides: BTreeMap<Key<'_>, (Side, Side)> = BTreeMap::new();
    for payout in payouts {
        let Some(deal) = names.deal(&payout.deal) else {
            found.push(told(FindingKind::UnknownDeal, payout, "the ledger of this period does not have it"));
            continue;
        };
        let Ok(amount) = payout.amount else {
            found.push(told(FindingKind::Unreadable, payout, "the amount is not a number"));
            continue;
        };
        let key = (
            deal,
            payout.payee.as_deref().filter(|_| by_payee),
            payout.currency.as_deref().filter(|_| by_currency),
        );
        sides.entry(key).or_default().0.add(amount, Some(payout.line));
    }
    for row in statement.payable() {
        let key = (
            row.deal.as_str(),
            by_payee.then_some(row.payee.as_str()),
            row.currency.as_deref().filter(|_| by_currency),
        );
        sides.entry(key).or_default().1.add(row.amount, None);
    }
    for ((deal, payee, currency), (paid, owed)) in sides {
        let finding = |kind, detail: Option<String>| Finding {
            kind,
            deal: deal.to_owned(),
            payee: payee.map(str::to_owned),
            paid: paid.sum,
            owed: owed.sum,
            currency: currency.map(str::to_owned),
            detail,
            line: paid.line,
        };
        match (paid.there, owed.there) {
            (true, false) => found.push(finding(FindingKind::PaidButShut, Some(why_shut(statement, deal)))),
            // What is zero or taken back needs no payout of its own.
            (false, true) if owed.sum.is_none_or(|sum| !sum.is_zero()) => {
                found.push(finding(FindingKind::OpenButUnpaid, None));
            }
            (true, true) if amounts && owed.sum.is_some() && paid.sum != owed.sum => {
                found.push(finding(FindingKind::AmountDiffers, None));
            }
            (true | false, true) | (false, false) => {}
        }
    }
    found.sort();
    found
}

fn told(kind: FindingKind, payout: &Payout, detail: &str) -> Finding {
    Finding {
        kind,
        deal: payout.deal.clone(),
        payee: payout.payee.clone(),
        paid: payout.amount.ok().flatten(),
        owed: None,
        currency: payout.currency.clone(),
        detail: Some(detail.to_owned()),
        line: Some(payout.line),
    }
}

fn why_shut(statement: &Statement, deal: &str) -> String {
    let shut = |row: &&Row| row.deal == deal && matches!(row.state, State::Held | State::Refused);
    let reason = statement.rows.iter().find(shut).and_then(|row| row.hold_reason.clone());
    reason.unwrap_or_else(|| "nothing is owed to this payee in this period".to_owned())
}
