//! Who gets how much of a deal: exact, or refused with words.

use handoff_core::observation::Actor;
use handoff_core::pay::{Pay, Split};
use handoff_core::value::{Sourced, Value};
use rust_decimal::Decimal;

/// Longest payee id or currency that is taken.
const LONG: usize = 255;

/// One payee's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) payee: String,
    pub(super) percent: Decimal,
    pub(super) amount: Option<Decimal>,
    pub(super) currency: Option<String>,
}

/// The parts of a deal; an error says in words what has to be corrected. One payee in several rows is one part.
pub(super) fn shares(pay: Option<&Pay>, sender: Option<&Actor>) -> Result<Vec<Share>, String> {
    let (amount, currency) = amount(pay.and_then(|pay| pay.amount.as_ref()))?;
    let splits = pay.map_or(&[][..], |pay| &pay.splits);
    if pay.is_some_and(|pay| pay.too_many) {
        return Err("more split rows than can be read: correct the split rows".to_owned());
    }
    let parts = if splits.is_empty() {
        let named = match pay.and_then(|pay| pay.payee.as_ref()) {
            Some(payee) => person(payee)?,
            None => sender.map(|sender| sender.id.0.clone()).unwrap_or_default(),
        };
        vec![(named, Decimal::ONE_HUNDRED)]
    } else {
        divided(splits)?
    };
    let inexact = || "the amount cannot be divided exactly: write fewer digits".to_owned();
    let mut shares = Vec::with_capacity(parts.len());
    for (payee, percent) in parts {
        let part = amount.map(|amount| part(amount, percent).ok_or_else(inexact)).transpose()?;
        shares.push(Share { payee, percent, amount: part, currency: currency.clone() });
    }
    let sum: Option<Decimal> =
        shares.iter().filter_map(|share| share.amount).try_fold(Decimal::ZERO, Decimal::checked_add);
    if amount.is_some_and(|amount| sum != Some(amount)) { Err(inexact()) } else { Ok(shares) }
}

/// A share of an amount; `None` = it has more digits than can be kept exactly.
fn part(amount: Decimal, percent: Decimal) -> Option<Decimal> {
    if percent == Decimal::ONE_HUNDRED {
        return Some(amount.normalize());
    }
    let part = amount.checked_mul(percent)?.checked_div(Decimal::ONE_HUNDRED)?;
    let back = part.checked_mul(Decimal::ONE_HUNDRED)?;
    (percent.is_zero() || back.checked_div(percent)? == amount).then(|| part.normalize())
}

fn divided(splits: &[Split]) -> Result<Vec<(String, Decimal)>, String> {
    let mut parts: std::collections::BTreeMap<String, Decimal> = std::collections::BTreeMap::new();
    let mut sum = Decimal::ZERO;
    for split in splits {
        let payee = split.payee.as_ref().ok_or("a split row names no payee: correct the split rows")?;
        let percent = match split.percent.as_ref().map(|percent| &percent.value) {
            Some(Value::Number(percent)) => *percent,
            Some(Value::Erased) => return Err("a split row was erased".to_owned()),
            Some(_) => {
                return Err("a split row's percentage is not a number: correct the split rows".to_owned());
            }
            None => return Err("a split row has no percentage: correct the split rows".to_owned()),
        };
        if percent.is_sign_negative() && !percent.is_zero() {
            return Err("a split row's percentage is negative: correct the split rows".to_owned());
        }
        let large = || "the split percentages are too large".to_owned();
        sum = sum.checked_add(percent).ok_or_else(large)?;
        let part = parts.entry(person(payee)?).or_default();
        *part = part.checked_add(percent).ok_or_else(large)?;
    }
    if sum != Decimal::ONE_HUNDRED {
        return Err(format!("the splits sum to {} %, not 100: correct the split rows", sum.normalize()));
    }
    Ok(parts.into_iter().collect())
}

fn person(named: &Sourced) -> Result<String, String> {
    match &named.value {
        Value::Person(id) | Value::Text(id) if id.len() <= LONG => Ok(id.clone()),
        Value::Person(_) | Value::Text(_) => Err("the payee's id is too long".to_owned()),
        Value::Erased => Ok("erased".to_owned()),
        Value::Name(_)
        | Value::Number(_)
        | Value::Money { .. }
        | Value::Date(_)
        | Value::Choice(_)
        | Value::Record(_)
        | Value::Flag(_)
        | Value::List(_)
        | Value::Series(_) => Err("the payee is not a user id".to_owned()),
    }
}

fn amount(seen: Option<&Sourced>) -> Result<(Option<Decimal>, Option<String>), String> {
    match seen.map(|seen| &seen.value) {
        None | Some(Value::Erased) => Ok((None, None)),
        Some(Value::Money { amount, currency }) => {
            let code = currency.clone().filter(|code| code.len() <= LONG);
            Ok((Some(*amount), code))
        }
        Some(_) => Err("the amount is not a number: correct it on the record".to_owned()),
    }
}
