//! Which index would answer a filter.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::filter::{Filter, Test};
use super::lexer::Op;
use super::plan::{OrderKey, Path};
use super::rows::{Access, ScanHint, StampFrom, StampRange};
use crate::schema::{FieldSchema, FieldType, ObjectSchema};

const STAMPS: [&str; 3] = ["SystemModstamp", "LastModifiedDate", "CreatedDate"];

pub(super) fn hint(object: &ObjectSchema, filter: Option<&Filter>, order: &[OrderKey]) -> ScanHint {
    let ordered_by = stamp_order(order);
    if let Some(access) = filter.and_then(|f| by_ids(f).or_else(|| by_lookup(f))) {
        return ScanHint { access, stamp_order: false };
    }
    if let Some(field) = ordered_by {
        let (from, until) = filter.map_or((None, None), |f| (from(f, field), until(f, field)));
        let range = StampRange { field: Arc::clone(field), from, until };
        return ScanHint { access: Access::Stamp(range), stamp_order: true };
    }
    let range = filter.and_then(|filter| {
        STAMPS.iter().filter_map(|name| object.field(name)).find_map(|field| {
            let (from, until) = (from(filter, field), until(filter, field));
            (from.is_some() || until.is_some()).then(|| StampRange { field: Arc::clone(field), from, until })
        })
    });
    ScanHint { access: range.map_or(Access::All, Access::Stamp), stamp_order: false }
}

/// The stamp, when the order is by it and at most by `Id` after it, both ascending.
fn stamp_order(order: &[OrderKey]) -> Option<&Arc<FieldSchema>> {
    let (first, rest) = order.split_first()?;
    let field = first.path.direct()?;
    let by_id =
        |key: &OrderKey| !key.descending && key.path.direct().is_some_and(|f| f.field_type == FieldType::Id);
    let ascending = !first.descending && !first.nulls_last && rest.len() <= 1 && rest.iter().all(by_id);
    (ascending && STAMPS.contains(&field.name.as_str())).then_some(field)
}

fn conjuncts(filter: &Filter) -> &[Filter] {
    if let Filter::And(all) = filter { all } else { std::slice::from_ref(filter) }
}

fn by_ids(filter: &Filter) -> Option<Access> {
    let found = conjuncts(filter).iter().filter_map(|f| match f {
        Filter::And(_) => by_ids(f),
        Filter::Test(path, test) if path.direct().is_some_and(|f| f.field_type == FieldType::Id) => {
            ids(test).map(Access::Ids)
        }
        Filter::Test(..) | Filter::Or(_) | Filter::Not(_) => None,
    });
    found.min_by_key(breadth)
}

fn by_lookup(filter: &Filter) -> Option<Access> {
    let found = conjuncts(filter).iter().filter_map(|f| match f {
        Filter::And(_) => by_lookup(f),
        Filter::Test(path, test) => {
            let field = path.direct().filter(|f| f.field_type == FieldType::Reference)?;
            ids(test).map(|ids| Access::Lookup { field: Arc::clone(field), ids })
        }
        Filter::Or(_) | Filter::Not(_) => None,
    });
    found.min_by_key(breadth)
}

fn breadth(access: &Access) -> usize {
    match access {
        Access::Ids(ids) | Access::Lookup { ids, .. } => ids.len(),
        Access::All | Access::Stamp(_) => usize::MAX,
    }
}

fn ids(test: &Test) -> Option<Vec<String>> {
    match test {
        Test::Id(Op::Eq, id) => Some(vec![id.clone()]),
        Test::In { negated: false, set } if !set.blank => Some(sorted(&set.ids)),
        Test::In { .. }
        | Test::Blank(_)
        | Test::Text(..)
        | Test::Id(..)
        | Test::Number(..)
        | Test::Bool(..)
        | Test::Date(..)
        | Test::DateTime(..)
        | Test::Like(_)
        | Test::Includes { .. } => None,
    }
}

fn sorted(ids: &BTreeSet<String>) -> Vec<String> {
    ids.iter().cloned().collect()
}

fn is_on(path: &Path, field: &FieldSchema) -> bool {
    path.direct().is_some_and(|f| f.name == field.name)
}

/// The start that no matching row lies before: the latest over AND, the earliest over OR. Seeing
/// `stamp = s AND Id > i` makes it `(s, i)`, so the keyset pattern comes out exact.
fn from(filter: &Filter, field: &FieldSchema) -> Option<StampFrom> {
    match filter {
        Filter::And(all) => {
            let start = all.iter().filter_map(|f| from(f, field)).max()?;
            let after_id = all.iter().filter_map(after_id).max();
            match (start, after_id, until(filter, field)) {
                (StampFrom::At(at), Some(id), Some(last)) if at == last => Some(StampFrom::AfterId(at, id)),
                (start, _, _) => Some(start),
            }
        }
        Filter::Or(any) => any.iter().map(|f| from(f, field)).collect::<Option<Vec<_>>>()?.into_iter().min(),
        Filter::Test(path, Test::DateTime(op, first, last)) if is_on(path, field) => match op {
            Op::Eq | Op::Ge => Some(StampFrom::At(*first)),
            Op::Gt => Some(StampFrom::After(*last)),
            Op::Ne | Op::Lt | Op::Le => None,
        },
        Filter::Test(..) | Filter::Not(_) => None,
    }
}

fn after_id(filter: &Filter) -> Option<String> {
    match filter {
        Filter::Test(path, Test::Id(Op::Gt, id))
            if path.direct().is_some_and(|f| f.field_type == FieldType::Id) =>
        {
            Some(id.clone())
        }
        Filter::Test(..) | Filter::And(_) | Filter::Or(_) | Filter::Not(_) => None,
    }
}

fn until(filter: &Filter, field: &FieldSchema) -> Option<Timestamp> {
    match filter {
        Filter::And(all) => all.iter().filter_map(|f| until(f, field)).min(),
        Filter::Or(any) => any.iter().map(|f| until(f, field)).collect::<Option<Vec<_>>>()?.into_iter().max(),
        Filter::Test(path, Test::DateTime(op, first, last)) if is_on(path, field) => match op {
            Op::Eq | Op::Le => Some(*last),
            Op::Lt => Some(*first),
            Op::Ne | Op::Gt | Op::Ge => None,
        },
        Filter::Test(..) | Filter::Not(_) => None,
    }
}
