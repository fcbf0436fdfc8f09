//! ORDER BY, LIMIT, OFFSET over borrowed rows.

use std::cmp::Ordering;

use super::filter::compare_text;
use super::plan::{OrderKey, Plan};
use super::rows::{Row, Rows, Scan, ScanHint};
use crate::schema::FieldSchema;
use crate::value::Cell;

/// The rows of a plan, found with `hint`, in their final order; only those whose lookup holds the id `of` gives.
pub(super) fn select<'r, S: Rows>(
    plan: &Plan,
    rows: &'r S,
    hint: &ScanHint,
    of: Option<(&FieldSchema, &str)>,
) -> Vec<&'r S::Row> {
    let Scan { rows: found, in_stamp_order } = rows.scan(&plan.object, hint);
    let mut matching = found.filter(|row| {
        of.is_none_or(|(lookup, id)| row.cell(lookup) == Cell::Text(id))
            && plan.filter.as_ref().is_none_or(|f| f.matches(rows, row))
    });
    let sorted = plan.order.is_empty() || (in_stamp_order && hint.stamp_order);
    let last = plan.limit.map_or(usize::MAX, |n| n.saturating_add(plan.offset));
    if sorted {
        return matching.by_ref().take(last).skip(plan.offset).collect();
    }
    let mut all: Vec<&S::Row> = matching.collect();
    let by_keys = |a: &&S::Row, b: &&S::Row| compare_rows(plan, rows, a, b);
    if last == 0 {
        return Vec::new();
    }
    if last < all.len() {
        all.select_nth_unstable_by(last - 1, by_keys);
        all.truncate(last);
    }
    all.sort_by(by_keys);
    all.drain(..plan.offset.min(all.len()));
    all
}

fn compare_rows<S: Rows>(plan: &Plan, rows: &S, a: &S::Row, b: &S::Row) -> Ordering {
    let by_key = |key: &OrderKey| {
        let (left, right) = (key.path.cell(rows, a), key.path.cell(rows, b));
        compare(left, right, key.path.field_type().is_id(), key.descending, key.nulls_last)
    };
    let order = plan.order.iter().map(by_key).find(|o| o.is_ne()).unwrap_or(Ordering::Equal);
    // the vendor leaves ties open; a sandbox repeats itself
    order.then_with(|| {
        plan.id.as_ref().map_or(Ordering::Equal, |id| compare(a.cell(id), b.cell(id), true, false, false))
    })
}

/// Nulls come first unless `nulls_last`, whatever the direction. Ids are compared by case, other text is not.
pub(super) fn compare(
    left: Cell<'_>,
    right: Cell<'_>,
    by_case: bool,
    descending: bool,
    nulls_last: bool,
) -> Ordering {
    match (left.is_blank(), right.is_blank()) {
        (true, true) => Ordering::Equal,
        (true, false) => {
            if nulls_last {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
        (false, true) => {
            if nulls_last {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
        (false, false) => {
            let order = compare_values(left, right, by_case);
            if descending { order.reverse() } else { order }
        }
    }
}

fn compare_values(left: Cell<'_>, right: Cell<'_>, by_case: bool) -> Ordering {
    match (left, right) {
        (Cell::Bool(a), Cell::Bool(b)) => a.cmp(&b),
        (Cell::Number(a), Cell::Number(b)) => a.cmp(&b),
        (Cell::Text(a), Cell::Text(b)) if by_case => a.cmp(b),
        (Cell::Text(a), Cell::Text(b)) => compare_text(a, b),
        (Cell::Date(a), Cell::Date(b)) => a.cmp(&b),
        (Cell::DateTime(a), Cell::DateTime(b)) => a.cmp(&b),
        (
            Cell::Null | Cell::Bool(_) | Cell::Number(_) | Cell::Text(_) | Cell::Date(_) | Cell::DateTime(_),
            _,
        ) => Ordering::Equal,
    }
}
