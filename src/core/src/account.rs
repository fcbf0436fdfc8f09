//! What is known of an account beside its handoffs: what it pays a year, since when it is a customer, when it left, and what its people answered
//! to surveys. No gate depends on any of it; the numbers of churn, leaks and satisfaction are made of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use thiserror::Error;

use crate::digest::Digest;
use crate::extract::{parse_date, parse_timestamp};
use crate::feed::key_text;

/// Highest score of a survey's question "how likely are you to recommend us".
pub const BEST: u8 = 10;

/// An exact amount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// The amount, without trailing zeros.
    pub amount: Decimal,
    /// ISO 4217 code, if told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

/// What one source tells of an account. What it does not tell is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AccountFacts {
    /// Annual recurring revenue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arr: Option<Amount>,
    /// The day from which it is a customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_since: Option<Date>,
    /// The day from which it is none any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub churned_at: Option<Date>,
}

/// One answer to a survey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurveyAnswer {
    /// Tells it from other answers; an answer that comes again with the same one takes the place of the earlier one.
    pub id: Digest,
    /// From 0 to [`BEST`].
    pub score: u8,
    /// When it was given, as its source claims.
    pub answered_at: Timestamp,
}

/// Columns that hold what is known of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccountColumns {
    /// Annual recurring revenue, a number.
    pub arr: Option<String>,
    /// ISO 4217 code of all amounts, e.g. `EUR`.
    pub currency: Option<String>,
    /// The column with each account's ISO 4217 code, where there are several; where it is empty, `currency` counts.
    pub currency_column: Option<String>,
    /// The day from which it is a customer.
    pub customer_since: Option<String>,
    /// The day from which it is none any more; empty = it still is.
    pub churned_at: Option<String>,
}

/// Columns that hold an answer to a survey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SurveyColumns {
    /// "How likely are you to recommend us", a whole number from 0 to 10.
    pub score: String,
    /// The moment at which it was given.
    pub answered_at: String,
}

/// A cell that cannot be what its column stands for. Names columns, never values.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the column `{column}` does not hold {noun}")]
pub struct CellFault {
    /// The column.
    pub column: String,
    /// What it should hold.
    pub noun: &'static str,
}

/// A cell's text; `None` = it is empty, or holds no single value.
fn text<'a>(cells: &BTreeMap<String, Json>, column: Option<&'a String>) -> Option<(&'a str, String)> {
    let column = column?;
    Some((column, key_text(cells.get(column)?)?))
}

fn read<T>(
    cells: &BTreeMap<String, Json>,
    column: Option<&String>,
    noun: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, CellFault> {
    let Some((column, text)) = text(cells, column) else { return Ok(None) };
    let fault = || CellFault { column: column.to_owned(), noun };
    parse(&text).map(Some).ok_or_else(fault)
}

fn number(text: &str) -> Option<Decimal> {
    if text.len() > 64 {
        return None;
    }
    text.parse::<Decimal>().or_else(|_| Decimal::from_scientific(text)).ok().map(|number| number.normalize())
}

fn currency(text: &str) -> Option<String> {
    let code = text.trim().to_ascii_uppercase();
    Some(code).filter(|code| code.len() == 3 && code.bytes().all(|each| each.is_ascii_uppercase()))
}

impl AccountColumns {
    /// Every column that is read.
    pub fn columns(&self) -> impl Iterator<Item = &String> {
        [&self.arr, &self.currency_column, &self.customer_since, &self.churned_at].into_iter().flatten()
    }

    /// What a row tells of its account.
    pub fn read(&self, cells: &BTreeMap<String, Json>) -> Result<AccountFacts, CellFault> {
        let day = "a date";
        let code = read(cells, self.currency_column.as_ref(), "an ISO 4217 code", currency)?;
        let arr = read(cells, self.arr.as_ref(), "an amount of 0 or more", |text| {
            number(text).filter(|number| !number.is_sign_negative())
        })?;
        Ok(AccountFacts {
            arr: arr.map(|amount| Amount { amount, currency: code.or_else(|| self.currency.clone()) }),
            customer_since: read(cells, self.customer_since.as_ref(), day, parse_date)?,
            churned_at: read(cells, self.churned_at.as_ref(), day, parse_date)?,
        })
    }
}

impl SurveyColumns {
    /// Every column that is read.
    pub fn columns(&self) -> impl Iterator<Item = &String> {
        [&self.score, &self.answered_at].into_iter()
    }

    /// The answer that a row holds; `id` tells it from others.
    pub fn read(&self, id: Digest, cells: &BTreeMap<String, Json>) -> Result<SurveyAnswer, CellFault> {
        let missing = |column: &str, noun: &'static str| CellFault { column: column.to_owned(), noun };
        let whole = "a whole number from 0 to 10";
        let score = read(cells, Some(&self.score), whole, |text| {
            u8::try_from(number(text).filter(Decimal::is_integer)?).ok().filter(|score| *score <= BEST)
        })?;
        let moment = "a moment";
        let answered_at = read(cells, Some(&self.answered_at), moment, parse_timestamp)?;
        Ok(SurveyAnswer {
            id,
            score: score.ok_or_else(|| missing(&self.score, whole))?,
            answered_at: answered_at.ok_or_else(|| missing(&self.answered_at, moment))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cells(value: Json) -> BTreeMap<String, Json> {
        serde_json::from_value(value).unwrap()
    }

    fn columns() -> AccountColumns {
        AccountColumns {
            arr: Some("arr".to_owned()),
            currency: Some("EUR".to_owned()),
            currency_column: Some("iso".to_owned()),
            customer_since: Some("since".to_owned()),
            churned_at: Some("left".to_owned()),
        }
    }

    #[test]
    fn facts_are_exact_and_what_is_empty_is_not_told() {
        let row = cells(json!({"arr": "12000.50", "iso": "usd", "since": "2025-03-01", "left": null}));
        let facts = columns().read(&row).unwrap();
        assert_eq!(
            facts.arr.unwrap(),
            Amount { amount: "12000.5".parse().unwrap(), currency: Some("USD".to_owned()) }
        );
        assert_eq!(facts.customer_since.unwrap().to_string(), "2025-03-01");
        assert_eq!(facts.churned_at, None);
        let facts = columns().read(&cells(json!({"arr": 7, "left": "2026-01-31T23:00:00-05:00"}))).unwrap();
        assert_eq!(facts.arr.unwrap().currency.as_deref(), Some("EUR"));
        assert_eq!(facts.churned_at.unwrap().to_string(), "2026-02-01");
        assert_eq!(columns().read(&cells(json!({}))).unwrap(), AccountFacts::default());
    }

    #[test]
    fn a_cell_that_cannot_be_read_is_named_and_never_shown() {
        for row in [
            json!({"arr": "-1"}),
            json!({"arr": "much"}),
            json!({"since": "soon"}),
            json!({"arr": 1, "iso": "euro"}),
        ] {
            let fault = columns().read(&cells(row)).unwrap_err();
            assert!(!fault.to_string().contains("much"), "{fault}");
        }
    }

    #[test]
    fn a_score_is_a_whole_number_from_0_to_10() {
        let survey = SurveyColumns { score: "nps".to_owned(), answered_at: "at".to_owned() };
        let read = |score: Json| {
            survey.read(Digest::of_bytes(b"1"), &cells(json!({"nps": score, "at": "2026-03-01T09:00:00Z"})))
        };
        assert_eq!(read(json!("9.0")).unwrap().score, 9);
        assert_eq!(read(json!(0)).unwrap().score, 0);
        for score in [json!(11), json!(-1), json!(9.5), json!(""), json!(null), json!("nine"), json!(1e30)] {
            assert!(read(score.clone()).is_err(), "{score}");
        }
        let timeless = survey.read(Digest::of_bytes(b"1"), &cells(json!({"nps": 9})));
        assert_eq!(timeless.unwrap_err().column, "at");
    }
}
