//! GROUP BY and the aggregate functions.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde_json::{Map, Value as Json, json};

use super::plan::{AggregatePlan, Column, Plan};
use super::rows::Rows;
use super::sort::compare;
use super::syntax::Aggregate;
use crate::schema::FieldType;
use crate::value::{Cell, Value};

#[derive(Default)]
struct Group {
    keys: Vec<Value>,
    tallies: Vec<Tally>,
}

#[derive(Default, Clone)]
struct Tally {
    count: u64,
    distinct: BTreeSet<Value>,
    sum: Decimal,
    least: Option<Value>,
    most: Option<Value>,
}

impl Tally {
    fn add(&mut self, aggregate: Aggregate, cell: Cell<'_>) {
        if cell.is_blank() {
            return;
        }
        self.count += 1;
        match aggregate {
            Aggregate::Count => {}
            Aggregate::CountDistinct => {
                self.distinct.insert(folded(cell));
            }
            Aggregate::Sum | Aggregate::Avg => {
                if let Cell::Number(n) = cell {
                    self.sum = self.sum.saturating_add(n);
                }
            }
            Aggregate::Min => keep(&mut self.least, cell, Ordering::Less),
            Aggregate::Max => keep(&mut self.most, cell, Ordering::Greater),
        }
    }

    fn result(&self, aggregate: Aggregate) -> Value {
        match aggregate {
            Aggregate::Count => Value::Number(self.count.into()),
            Aggregate::CountDistinct => Value::Number(Decimal::from(self.distinct.len())),
            Aggregate::Sum if self.count == 0 => Value::Null,
            Aggregate::Sum => Value::Number(self.sum),
            Aggregate::Avg => self.sum.checked_div(self.count.into()).map_or(Value::Null, Value::Number),
            Aggregate::Min => self.least.clone().unwrap_or_default(),
            Aggregate::Max => self.most.clone().unwrap_or_default(),
        }
    }
}

fn keep(slot: &mut Option<Value>, cell: Cell<'_>, wanted: Ordering) {
    let better = slot.as_ref().is_none_or(|held| compare(cell, held.cell(), false, false, false) == wanted);
    if better {
        *slot = Some(cell.to_value());
    }
}

fn folded(cell: Cell<'_>) -> Value {
    if let Cell::Text(text) = cell { Value::Text(text.to_lowercase()) } else { cell.to_value() }
}

pub(super) fn aggregate<S: Rows>(
    plan: &Plan,
    aggregates: &AggregatePlan,
    rows: &S,
) -> Vec<Map<String, Json>> {
    let mut groups: BTreeMap<Vec<Value>, Group> = BTreeMap::new();
    let fresh = |keys| Group { keys, tallies: vec![Tally::default(); aggregates.columns.len()] };
    if aggregates.groups.is_empty() {
        groups.insert(Vec::new(), fresh(Vec::new()));
    }
    let found = rows.scan(&plan.object, &plan.hint).rows;
    for row in found.filter(|row| plan.filter.as_ref().is_none_or(|f| f.matches(rows, row))) {
        let cells: Vec<Cell<'_>> = aggregates.groups.iter().map(|path| path.cell(rows, row)).collect();
        let group = groups
            .entry(cells.iter().map(|c| folded(*c)).collect())
            .or_insert_with(|| fresh(cells.iter().map(|c| c.to_value()).collect()));
        for ((_, column), tally) in aggregates.columns.iter().zip(&mut group.tallies) {
            if let Column::Aggregate(function, path) = column {
                tally.add(*function, path.cell(rows, row));
            }
        }
    }
    let mut lines: Vec<Vec<Value>> = groups.into_values().map(|group| line(aggregates, &group)).collect();
    lines.sort_by(|a, b| order(aggregates, a, b));
    let last = plan.limit.unwrap_or(usize::MAX);
    lines.into_iter().skip(plan.offset).take(last).map(|line| print(aggregates, &line)).collect()
}

fn line(aggregates: &AggregatePlan, group: &Group) -> Vec<Value> {
    let columns = aggregates.columns.iter().zip(&group.tallies);
    columns
        .map(|((_, column), tally)| match column {
            Column::Group(at, _) => group.keys.get(*at).cloned().unwrap_or_default(),
            Column::Aggregate(function, _) => tally.result(*function),
        })
        .collect()
}

fn order(aggregates: &AggregatePlan, a: &[Value], b: &[Value]) -> Ordering {
    let by_column = |&(at, descending, nulls_last): &(usize, bool, bool)| match (a.get(at), b.get(at)) {
        (Some(a), Some(b)) => compare(a.cell(), b.cell(), false, descending, nulls_last),
        (None, _) | (_, None) => Ordering::Equal,
    };
    aggregates.order.iter().map(by_column).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
}

fn print(aggregates: &AggregatePlan, line: &[Value]) -> Map<String, Json> {
    let mut out = Map::new();
    out.insert("attributes".into(), json!({ "type": "AggregateResult" }));
    for ((name, column), value) in aggregates.columns.iter().zip(line) {
        let kind = match column {
            Column::Group(_, kind) => *kind,
            Column::Aggregate(Aggregate::Count | Aggregate::CountDistinct, _) => FieldType::Int,
            Column::Aggregate(Aggregate::Avg, _) => FieldType::Double,
            Column::Aggregate(Aggregate::Sum | Aggregate::Min | Aggregate::Max, path) => path.field_type(),
        };
        out.insert(name.clone(), value.cell().to_json(kind));
    }
    out
}
