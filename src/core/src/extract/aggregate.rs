//! What is made of child rows: numbers, dates, lists, points over time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::Value as Json;

use super::{RelatedRow, convert, timestamp_of};
use crate::contract::{Kind, Part};
use crate::feed;
use crate::mapping::{COUNT_COLUMN, SeriesPath, Step, Window};
use crate::value::Value;

/// Most rows of a list, the first by id.
pub(super) const MAX_LIST: usize = 200;
/// Most points of a series, the newest.
const MAX_POINTS: usize = 2_000;
/// Most series of one part, the first by name.
const MAX_SERIES: usize = 200;

type Row<'a> = &'a RelatedRow;

/// Whether a row is dated within the window that ends at `until`; a row without a readable date is not.
pub(super) fn is_within(row: Row<'_>, dated: &str, window: Window, until: Timestamp) -> bool {
    let length = SignedDuration::from_hours(i64::from(window.days) * 24);
    let from = until.checked_sub(length).unwrap_or(Timestamp::MIN);
    let at = row.fields.get(dated).and_then(timestamp_of);
    at.is_some_and(|at| (from..=until).contains(&at))
}

/// Rows, each record once: one that is associated under two labels is one record. Rows of a feed share the record that they are about, and
/// each was told apart when it was taken.
pub(super) fn distinct<'a>(rows: &[Row<'a>]) -> Vec<Row<'a>> {
    let mut seen = BTreeSet::new();
    rows.iter().copied().filter(|row| is_fed(row) || seen.insert(&row.record)).collect()
}

fn is_fed(row: Row<'_>) -> bool {
    row.record.connection.as_str() == feed::CONNECTION
}

/// How many records there are.
pub(super) fn count(rows: &[Row<'_>]) -> Value {
    Value::Number(Decimal::from(distinct(rows).len()))
}

/// The latest or the earliest date of a column. A cell that is no date makes it text, and quality says so.
pub(super) fn extreme(rows: &[Row<'_>], column: &str, latest: bool) -> Option<Value> {
    let mut dates: Vec<Date> = Vec::new();
    for cell in rows.iter().filter_map(|row| row.fields.get(column)) {
        match convert::value(&Part::of(Kind::Date), cell) {
            None => {}
            Some(Value::Date(date)) => dates.push(date),
            Some(other) => return Some(other),
        }
    }
    let found = if latest { dates.into_iter().max() } else { dates.into_iter().min() };
    found.map(Value::Date)
}

/// A row each, by id, or one for all that are alike where a column counts them.
pub(super) fn list(part: &Part, columns: &BTreeMap<String, String>, rows: &[Row<'_>]) -> Option<Value> {
    let counted: Vec<&String> =
        columns.iter().filter(|(_, from)| *from == COUNT_COLUMN).map(|(column, _)| column).collect();
    let cells = |row: Row<'_>| -> BTreeMap<String, Value> {
        let cell = |(column, from): (&String, &String)| {
            let kind = *part.columns.get(column)?;
            Some((column.clone(), convert::value(&Part::of(kind), row.fields.get(from)?)?))
        };
        columns.iter().filter_map(cell).collect()
    };
    if counted.is_empty() {
        let mut seen = BTreeSet::new();
        let named = rows.iter().map(|row| (*row, cells(row)));
        let rows: Vec<_> = named
            .filter(|(row, cells)| is_fed(row) || seen.insert((&row.record, written(cells))))
            .map(|(_, cells)| cells)
            .take(MAX_LIST)
            .collect();
        return (!rows.is_empty()).then_some(Value::List(rows));
    }
    let mut groups: BTreeMap<String, (BTreeMap<String, Value>, u64)> = BTreeMap::new();
    for row in distinct(rows) {
        let cells = cells(row);
        groups.entry(written(&cells)).or_insert((cells, 0)).1 += 1;
    }
    let rows: Vec<_> = groups
        .into_values()
        .take(MAX_LIST)
        .map(|(mut cells, many)| {
            let count = Value::Number(Decimal::from(many));
            cells.extend(counted.iter().map(|column| ((*column).clone(), count.clone())));
            cells
        })
        .collect();
    (!rows.is_empty()).then_some(Value::List(rows))
}

/// Cells as one text, to tell rows apart.
fn written(cells: &BTreeMap<String, Value>) -> String {
    format!("{cells:?}")
}

/// Points over time: one series, or a list of one for each value of `per`. Rows without a date or without a value say nothing; a cell that is
/// there and cannot be read makes the whole part text, and quality says so.
pub(super) fn series(part: &Part, path: &SeriesPath, rows: &[Row<'_>]) -> Option<Value> {
    let rows = distinct(rows);
    let Some(per) = &path.per else {
        return match points(path, &rows) {
            Ok(points) => (!points.is_empty()).then_some(Value::Series(points)),
            Err(cell) => Some(cell),
        };
    };
    let (name, kind, curve) = split(part)?;
    let mut groups: BTreeMap<String, (Value, Vec<Row<'_>>)> = BTreeMap::new();
    for row in rows {
        let key = row.fields.get(per).and_then(|cell| convert::value(&Part::of(kind), cell));
        let Some(key) = key else { continue };
        groups.entry(format!("{key:?}")).or_insert_with(|| (key, Vec::new())).1.push(row);
    }
    let mut list = Vec::new();
    for (key, rows) in groups.into_values().take(MAX_SERIES) {
        match points(path, &rows) {
            Ok(points) if points.is_empty() => {}
            Ok(points) => {
                list.push(BTreeMap::from([(name.clone(), key), (curve.clone(), Value::Series(points))]));
            }
            Err(cell) => return Some(cell),
        }
    }
    (!list.is_empty()).then_some(Value::List(list))
}

/// The two columns of a list of series: the one that names a series, with its kind, and the one that holds it.
pub(crate) fn split(part: &Part) -> Option<(&String, Kind, &String)> {
    let is_series = |(_, kind): &(&String, &Kind)| **kind == Kind::Series;
    let (mut curves, mut names) =
        (part.columns.iter().filter(is_series), part.columns.iter().filter(|column| !is_series(column)));
    match (curves.next(), curves.next(), names.next(), names.next()) {
        (Some((curve, _)), None, Some((name, kind)), None) => Some((name, *kind, curve)),
        _ => None,
    }
}

fn points(path: &SeriesPath, rows: &[Row<'_>]) -> Result<Vec<(Date, Decimal)>, Value> {
    let mut sums: BTreeMap<Date, Decimal> = BTreeMap::new();
    for row in rows {
        let cell = |name: &str, kind: Kind| {
            convert::value(&Part::of(kind), row.fields.get(name).unwrap_or(&Json::Null))
        };
        let at = match cell(&path.at, Kind::Date) {
            None => continue,
            Some(Value::Date(date)) => date,
            Some(other) => return Err(other),
        };
        let amount = match path.value.as_ref().map(|name| cell(name, Kind::Number)) {
            None => Decimal::ONE,
            Some(None) => continue,
            Some(Some(Value::Number(amount))) => amount,
            Some(Some(other)) => return Err(other),
        };
        let Some(first_day) = first_day(at, path.by) else { continue };
        let sum = sums.entry(first_day).or_default();
        *sum =
            sum.checked_add(amount).ok_or_else(|| Value::Text("a sum that no number can hold".to_owned()))?;
    }
    let surplus = sums.len().saturating_sub(MAX_POINTS);
    Ok(sums.into_iter().skip(surplus).collect())
}

/// The first day of the step that a date lies in.
fn first_day(date: Date, by: Step) -> Option<Date> {
    match by {
        Step::Day => Some(date),
        Step::Month => Some(date.first_of_month()),
        Step::Week => {
            let back = i32::from(date.weekday().to_monday_zero_offset());
            date.checked_sub(jiff::Span::new().days(back)).ok()
        }
    }
}
