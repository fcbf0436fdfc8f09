//! Where the deal's amount, and who is paid for it, live in the CRM. Nothing is decided by it: finance's ledger is made of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::UserField;

/// What finance's ledger is made of. Without it the ledger holds states without amounts, and the sender is the payee.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PayMapping {
    /// The amount that counts for pay.
    pub amount: Option<AmountField>,
    /// User field of the one who is paid; absent = the sender.
    pub payee: Option<UserField>,
    /// Rows that share the amount among several people. A record without such rows belongs to the payee alone.
    pub splits: Option<SplitRows>,
}

/// A field that holds an amount, and its currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AmountField {
    /// The CRM's field name.
    pub field: String,
    /// ISO 4217 code of all amounts, e.g. `EUR`.
    #[serde(default)]
    pub currency: Option<String>,
    /// The field with each record's ISO 4217 code, where the CRM has several currencies, e.g. `CurrencyIsoCode`.
    #[serde(default)]
    pub currency_field: Option<String>,
}

/// Rows that share an amount; their percentages must sum to exactly 100.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitRows {
    /// A child relationship, e.g. `OpportunitySplits`; HubSpot's own deal splits are `deal_splits`.
    pub related: String,
    /// Field = value that the child row must have.
    #[serde(default, rename = "where")]
    pub matching: BTreeMap<String, String>,
    /// The child row's user field.
    pub payee: String,
    /// The child row's share in percent, e.g. `SplitPercentage`; HubSpot's `hs_deal_split_percentage` is read as percent.
    pub percent: String,
}

impl PayMapping {
    /// The record's own fields that it needs.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        let amount =
            self.amount.iter().flat_map(|amount| [Some(&amount.field), amount.currency_field.as_ref()]);
        amount.flatten().chain(self.payee.iter().map(|payee| &payee.field)).map(String::as_str)
    }

    /// The child relationship that it needs, with the columns.
    pub fn related(&self) -> Option<(&str, impl Iterator<Item = &str>)> {
        let splits = self.splits.as_ref()?;
        let columns = splits.matching.keys().chain([&splits.payee, &splits.percent]);
        Some((&splits.related, columns.map(String::as_str)))
    }
}
