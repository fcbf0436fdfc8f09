//! Values of a package, each knowing the record it came from.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::id::{FieldKey, PartKey, RecordRef};

/// One typed value. Quantities are exact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum Value {
    /// Prose.
    Text(String),
    /// A short proper name, e.g. of a product.
    Name(String),
    /// A number.
    Number(Decimal),
    /// An amount with its ISO 4217 currency, if the CRM tells it.
    Money {
        /// Exact amount.
        amount: Decimal,
        /// ISO 4217 code.
        currency: Option<String>,
    },
    /// A calendar date.
    Date(Date),
    /// One of a list of choices, as the CRM spells it.
    Choice(String),
    /// A person: the CRM's id of a contact or user.
    Person(String),
    /// Another record, by the CRM's id.
    Record(String),
    /// Yes or no.
    Flag(bool),
    /// Rows of named values.
    List(Vec<BTreeMap<String, Value>>),
    /// Points in time order.
    Series(Vec<(Date, Decimal)>),
    /// Erased on request; the proofs over it stay valid.
    Erased,
}

impl Value {
    /// The date, of a date.
    pub fn date(&self) -> Option<Date> {
        if let Self::Date(date) = self { Some(*date) } else { None }
    }

    /// The number, of a number without a currency.
    pub fn number(&self) -> Option<Decimal> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// The prose that somebody wrote.
    pub fn prose(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The words, of whatever is told in words: prose, a name, a choice.
    pub fn words(&self) -> Option<&str> {
        if let Self::Text(words) | Self::Name(words) | Self::Choice(words) = self {
            Some(words)
        } else {
            None
        }
    }
}

/// A value and where it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sourced {
    /// The value.
    pub value: Value,
    /// The record it was read from.
    pub from: RecordRef,
    /// The CRM's field name there.
    pub field: String,
}

/// What the sender hands over: field → part → value. An absent part is an empty one.
pub type Package = BTreeMap<FieldKey, BTreeMap<PartKey, Sourced>>;
