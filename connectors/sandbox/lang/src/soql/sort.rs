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
    if last == 0 {
        return Vec::new();
    }
    // keys are looked up once per row, not once per comparison: a key may lie several parents away
    let keys = |row: &'r S::Row| -> Vec<Cell<'_>> {
        let own = plan.order.iter().map(|key| key.path.cell(rows, row));
        own.chain(plan.id.iter().map(|id| row.cell(id))).collect()
    };
    let mut all: Vec<(Vec<Cell<'_>>, &S::Row)> = matching.map(|row| (keys(row), row)).collect();
    let by_keys = |a: &(Vec<Cell<'_>>, &S::Row), b: &(Vec<Cell<'_>>, &S::Row)| compare_keys(plan, &a.0, &b.0);
    if last < all.len() {
        all.select_nth_unstable_by(last - 1, by_keys);
        all.truncate(last);
    }
    all.sort_unstable_by(by_keys);
    all.into_iter().skip(plan.offset).map(|(_, row)| row).collect()
}

/// The keys of ORDER BY, then the id: the vendor leaves ties open, a sandbox repeats itself.
fn compare_keys(plan: &Plan, left: &[Cell<'_>], right: &[Cell<'_>]) -> Ordering {
    let by_order = plan.order.iter().map(Some).chain(std::iter::once(None));
    let pairs = by_order.zip(left.iter().zip(right));
    pairs
        .map(|(key, (a, b))| match key {
            Some(OrderKey { path, descending, nulls_last }) => {
                compare(*a, *b, path.field_type().is_id(), *descending, *nulls_last)
            }
            None => compare(*a, *b, true, false, false),
        })
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
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
