//! Who shares a deal's credit. HubSpot keeps that behind an address of its own (Sales Hub Enterprise), not among the associations.

use std::collections::{BTreeMap, BTreeSet};

use handoff_connector::{Fault, Lane, Reply, Request};
use handoff_core::extract::{ReadPlan, RelatedRow, relation_parts};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::id::HsId;
use crate::read::inputs;
use crate::spec::ONE_CALL;
use crate::{Api, ask, row};

/// What a mapping calls these rows.
pub(crate) const SPLITS: &str = "deal_splits";
/// What a row says, and the id that every record has.
pub(crate) const COLUMNS: [&str; 3] = [OWNER, SHARE, crate::read::OWN_ID];
/// The deal's own property by which HubSpot says that several people share it.
pub(crate) const SHARED: &str = "hs_is_deal_split";

const OWNER: &str = "hubspot_owner_id";
/// A fraction of one at HubSpot, percent for us.
const SHARE: &str = "hs_deal_split_percentage";
/// Longest text that is read as a fraction; HubSpot allows eight decimals.
const LONGEST: usize = 24;

/// Splits of some deals: the rows of each, as the core reads them.
pub(crate) type Found = BTreeMap<HsId, Vec<(HsId, Map<String, Value>)>>;

/// Whether a name in the plan means the splits of the plan's own deals.
pub(crate) fn is_meant(plan: &ReadPlan, key: &str) -> bool {
    matches!(plan.object.as_str(), "deals" | "0-3") && relation_parts(key) == (None, SPLITS)
}

/// Whether the plan asks for splits.
pub(crate) fn are_wanted(plan: &ReadPlan) -> bool {
    plan.related.keys().any(|key| is_meant(plan, key))
}

/// The question for the splits of these deals.
pub(crate) fn request(api: &Api, ids: &[HsId], lane: Lane) -> Request {
    let path = format!("{}/batch/read", api.dialect.splits());
    ask::post(path, json!({ "inputs": inputs(ids) }), lane, ONE_CALL, "splits")
}

/// Splits of the deals that were asked for; a deal without any is absent, or has no rows.
pub(crate) fn parse(reply: &Reply, asked: &[HsId]) -> Result<Found, Fault> {
    let (body, errors) = row::batch(reply).map_err(denied)?;
    if let Some(fault) = row::trouble(&errors) {
        return Err(denied(fault));
    }
    let mut found = Found::new();
    for result in row::results(&body)? {
        let deal = result.get("id").and_then(HsId::of).ok_or_else(|| shape("splits without their deal"))?;
        if !asked.contains(&deal) {
            continue;
        }
        let rows = result.get("splits").and_then(Value::as_array);
        let rows = rows.ok_or_else(|| shape("a deal's splits are no list"))?;
        let live = |row: &&Value| row.get("archived").and_then(Value::as_bool) != Some(true);
        let rows = rows.iter().filter(live).map(split).collect::<Result<_, Fault>>()?;
        found.insert(deal, rows);
    }
    Ok(found)
}

/// The rows of one deal, with the columns that the plan names. HubSpot does not tell when a share was agreed.
pub(crate) fn related(
    api: &Api,
    columns: &BTreeSet<String>,
    rows: &[(HsId, Map<String, Value>)],
) -> Vec<RelatedRow> {
    let one = |(id, cells): &(HsId, Map<String, Value>)| {
        let told = columns.iter().filter_map(|name| Some((name.clone(), cells.get(name)?.clone())));
        RelatedRow { record: row::reference(api, SPLITS, *id), stamp: None, fields: told.collect() }
    };
    rows.iter().map(one).collect()
}

/// A refusal says which scope and which edition splits need; no deal is read without them, as its owner would then be paid alone.
pub(crate) fn denied(fault: Fault) -> Fault {
    match fault {
        Fault::Denied { detail, .. } => Fault::Denied {
            detail: format!("deal splits: {detail}"),
            remedy: "Add the scope crm.dealsplits.read_write (deal splits need Sales Hub Enterprise), or take splits out of [pay] in the mapping"
                .to_owned(),
        },
        other @ (Fault::Transient { .. }
        | Fault::Throttled { .. }
        | Fault::Expired
        | Fault::Stale
        | Fault::Gone
        | Fault::Refused { .. }
        | Fault::Protocol { .. }) => other,
    }
}

fn shape(detail: &str) -> Fault {
    Fault::Protocol { detail: detail.to_owned() }
}

fn split(value: &Value) -> Result<(HsId, Map<String, Value>), Fault> {
    let id = value.get("id").and_then(HsId::of).ok_or_else(|| shape("a split without a valid id"))?;
    let mut cells = value.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    for (name, cell) in &mut cells {
        match name.as_str() {
            OWNER => *cell = owner(cell),
            SHARE => *cell = percent(cell),
            _ => {}
        }
    }
    cells.insert(crate::read::OWN_ID.to_owned(), Value::String(id.to_string()));
    Ok((id, cells))
}

fn owner(cell: &Value) -> Value {
    HsId::of(cell).map_or_else(|| cell.clone(), |id| Value::String(format!("owner:{id}")))
}

/// A fraction in percent, with all its digits; what is none stays as it is, and the ledger says so.
fn percent(cell: &Value) -> Value {
    let text = match cell {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return cell.clone(),
    };
    hundredfold(&text).map_or_else(|| cell.clone(), |share| Value::String(share.to_string()))
}

fn hundredfold(text: &str) -> Option<Decimal> {
    if text.len() > LONGEST {
        return None;
    }
    let share = Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text)).ok()?;
    Some(share.checked_mul(Decimal::ONE_HUNDRED)?.normalize())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_fraction_is_told_in_percent_with_every_digit() {
        for (fraction, share) in [
            (json!("0.5"), json!("50")),
            (json!("1.0"), json!("100")),
            (json!("0.33333333"), json!("33.333333")),
            (json!("0.00000001"), json!("0.000001")),
            (json!("1.0E-4"), json!("0.01")),
            (json!(0.25), json!("25")),
            (json!(1), json!("100")),
            (json!("half"), json!("half")),
            (json!(""), json!("")),
            (json!(null), json!(null)),
            (json!("0.3333333333333333333333333333"), json!("0.3333333333333333333333333333")),
        ] {
            assert_eq!(percent(&fraction), share, "{fraction}");
        }
        assert_eq!(owner(&json!("42")), json!("owner:42"));
        assert_eq!(owner(&json!(42)), json!("owner:42"));
        assert_eq!(owner(&json!("nobody")), json!("nobody"));
    }

    proptest! {
        #[test]
        fn fractions_that_make_one_are_percents_that_make_a_hundred(first in 0_u64..=100_000_000) {
            let share = |part: u64| {
                let text = Decimal::new(i64::try_from(part).expect("small"), 8).to_string();
                hundredfold(&text).expect("a share")
            };
            prop_assert_eq!(share(first) + share(100_000_000 - first), Decimal::ONE_HUNDRED);
        }
    }
}
