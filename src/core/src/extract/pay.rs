//! Amount, payee and shares of a raw record.

use serde_json::Value as Json;

use super::{RawRecord, RelatedRow, convert};
use crate::contract::{Kind, Part};
use crate::mapping::{PayMapping, SplitRows};
use crate::pay::{Pay, Split};
use crate::value::{Sourced, Value};

/// Most rows that share one amount.
const MOST: usize = 200;

/// What the record says about pay. Total: what cannot be read stays text or is absent, and the ledger says so.
pub(super) fn pay(mapping: &PayMapping, raw: &RawRecord) -> Pay {
    let own = |name: &str| raw.fields.get(name).unwrap_or(&Json::Null);
    let amount = mapping.amount.as_ref().and_then(|amount| {
        let code = amount.currency_field.as_deref().and_then(|name| convert::text(own(name)));
        let code = code.map(|code| code.trim().to_owned()).filter(|code| !code.is_empty());
        let code = code.or_else(|| amount.currency.clone());
        let value = convert::value(&Part::of(Kind::Money), own(&amount.field))?;
        let value = if let Value::Money { amount, .. } = value {
            Value::Money { amount: amount.normalize(), currency: code }
        } else {
            value
        };
        Some(Sourced { value, from: raw.record.clone(), field: amount.field.clone() })
    });
    let payee = mapping.payee.as_ref().and_then(|payee| {
        let value = convert::value(&Part::of(Kind::Person), own(&payee.field))?;
        Some(Sourced { value, from: raw.record.clone(), field: payee.field.clone() })
    });
    let rows = mapping.splits.as_ref().map_or_else(Vec::new, |splits| rows(splits, raw));
    let too_many = rows.len() > MOST;
    let splits = mapping.splits.iter().flat_map(|splits| {
        rows.iter().take(MOST).map(|row| Split {
            payee: cell(row, &splits.payee, Kind::Person),
            percent: cell(row, &splits.percent, Kind::Number),
        })
    });
    Pay { amount, payee, splits: splits.collect(), too_many }
}

fn rows<'a>(splits: &SplitRows, raw: &'a RawRecord) -> Vec<&'a RelatedRow> {
    let spells = |row: &RelatedRow, name: &str, value: &str| {
        row.fields.get(name).and_then(convert::text).is_some_and(|text| text == value)
    };
    let all = raw.related.get(&splits.related).into_iter().flatten();
    let fits = |row: &&RelatedRow| splits.matching.iter().all(|(name, value)| spells(row, name, value));
    let mut rows: Vec<&RelatedRow> = all.filter(fits).collect();
    rows.sort_by(|a, b| a.record.cmp(&b.record));
    rows
}

fn cell(row: &RelatedRow, name: &str, kind: Kind) -> Option<Sourced> {
    let value = convert::value(&Part::of(kind), row.fields.get(name)?)?;
    let value = if let Value::Number(number) = value { Value::Number(number.normalize()) } else { value };
    Some(Sourced { value, from: row.record.clone(), field: name.to_owned() })
}
