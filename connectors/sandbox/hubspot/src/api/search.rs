//! Search: an index that lags, five groups of filters, one sort, ten thousand results.

use std::{cmp::Ordering, sync::Arc};

use handoff_sandbox_host::{Call, Reply};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{
    Answer, body,
    objects::{Wanted, show, value},
};
use crate::{
    Refusal,
    record::Record,
    schema::{Derived, Object, ObjectIx, PropertySpec, PropertyType},
    state::State,
    when,
};

const BODY: usize = 3_000;
const GROUPS: usize = 5;
const FILTERS: usize = 6;
const ALL_FILTERS: usize = 18;
const PAGE: usize = 200;
/// Results that one query can page through.
const TOTAL: usize = 10_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Query {
    #[serde(default)]
    filter_groups: Vec<Group>,
    #[serde(default)]
    filters: Vec<Filter>,
    #[serde(default)]
    sorts: Vec<Json>,
    #[serde(default, rename = "query")]
    words: Option<String>,
    #[serde(default)]
    properties: Vec<String>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    after: Option<Json>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    property_name: String,
    operator: String,
    #[serde(default)]
    value: Option<Json>,
    #[serde(default)]
    values: Option<Vec<Json>>,
    #[serde(default)]
    high_value: Option<Json>,
}

/// What is compared, and how.
struct Test {
    position: u16,
    spec: PropertySpec,
    operator: Operator,
    values: Vec<String>,
    high: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Eq,
    Neq,
    Lt,
    Lte,
    Gt,
    Gte,
    Between,
    In,
    NotIn,
    Has,
    HasNot,
    Token,
    NoToken,
}

impl Operator {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "EQ" => Self::Eq,
            "NEQ" => Self::Neq,
            "LT" => Self::Lt,
            "LTE" => Self::Lte,
            "GT" => Self::Gt,
            "GTE" => Self::Gte,
            "BETWEEN" => Self::Between,
            "IN" => Self::In,
            "NOT_IN" => Self::NotIn,
            "HAS_PROPERTY" => Self::Has,
            "NOT_HAS_PROPERTY" => Self::HasNot,
            "CONTAINS_TOKEN" => Self::Token,
            "NOT_CONTAINS_TOKEN" => Self::NoToken,
            _ => return None,
        })
    }
}

enum Condition {
    Value(Box<Test>),
    Linked(ObjectIx, Vec<u64>),
}

pub(super) fn answer(state: &mut State, call: &Call, object: ObjectIx) -> Answer {
    if call.body.len() > BODY {
        return Err(Refusal::validation(format!("Request body is longer than {BODY} characters")));
    }
    let query: Query = body(call)?;
    let limit = query.limit.unwrap_or(10);
    if limit > PAGE {
        return Err(Refusal::validation(format!("limit must be at most {PAGE}")));
    }
    let offset = offset(query.after.as_ref())?;
    if offset.saturating_add(limit) > TOTAL {
        return Err(Refusal::validation(format!(
            "The search is limited to {TOTAL} results; after + limit is beyond"
        )));
    }
    let groups = compile(state, object, &query)?;
    let sort = sort(state, object, &query.sorts)?;
    let (now, lag) = (state.now(), state.switches.search_lag);
    let Some(table) = state.tables.get_mut(object) else { return Err(Refusal::no_record()) };
    table.index(now, lag);
    let Some(table) = state.tables.get_mut(object) else { return Err(Refusal::no_record()) };
    let index = table.index(now, lag);
    let by_stamp = sort.as_ref().is_some_and(|sort| sort.spec.derived == Some(Derived::Modified));
    let rows: Vec<Arc<Record>> = match bounds(&groups) {
        Some((from, to)) => index
            .by_stamp
            .range((from, 0)..=(to, u64::MAX))
            .filter_map(|(_, id)| index.rows.get(id))
            .cloned()
            .collect(),
        None if by_stamp => index.by_stamp.iter().filter_map(|(_, id)| index.rows.get(id)).cloned().collect(),
        None => index.rows.values().cloned().collect(),
    };
    let kind = state.schema.object(object);
    let words = query.words.as_deref().map(str::to_lowercase).filter(|words| !words.is_empty());
    let mut hits: Vec<Arc<Record>> = rows
        .into_iter()
        .filter(|record| {
            groups.is_empty()
                || groups
                    .iter()
                    .any(|group| group.iter().all(|condition| holds(state, object, record, condition)))
        })
        .filter(|record| {
            words.as_ref().is_none_or(|words| kind.is_some_and(|kind| mentions(kind, record, words)))
        })
        .collect();
    order(state, sort.as_ref(), &mut hits);
    let total = hits.len();
    let wanted = Wanted { properties: query.properties, ..Wanted::default() };
    let results: Vec<Json> =
        hits.iter().skip(offset).take(limit).map(|record| show(state, object, record, &wanted)).collect();
    let reached = offset + results.len();
    let mut out = json!({"total": total, "results": results});
    if let (true, Some(map)) = (reached < total && limit > 0, out.as_object_mut()) {
        map.insert("paging".to_owned(), json!({"next": {"after": reached.to_string()}}));
    }
    Ok(Reply::json(200, &out))
}

fn offset(after: Option<&Json>) -> Result<usize, Refusal> {
    match after.and_then(crate::values::text).as_deref() {
        None | Some("") => Ok(0),
        Some(text) => text.parse().map_err(|_| Refusal::validation("after must be an integer")),
    }
}

fn compile(state: &State, object: ObjectIx, query: &Query) -> Result<Vec<Vec<Condition>>, Refusal> {
    let mut groups: Vec<&[Filter]> = query.filter_groups.iter().map(|group| &*group.filters).collect();
    if !query.filters.is_empty() {
        groups.push(&query.filters);
    }
    let count: usize = groups.iter().map(|filters| filters.len()).sum();
    if groups.len() > GROUPS || groups.iter().any(|filters| filters.len() > FILTERS) || count > ALL_FILTERS {
        return Err(Refusal::validation(format!(
            "At most {GROUPS} filter groups of {FILTERS} filters, {ALL_FILTERS} in all, are allowed"
        )));
    }
    groups
        .into_iter()
        .filter(|filters| !filters.is_empty())
        .map(|filters| filters.iter().map(|filter| condition(state, object, filter)).collect())
        .collect()
}

fn condition(state: &State, object: ObjectIx, filter: &Filter) -> Result<Condition, Refusal> {
    let operator = Operator::parse(&filter.operator)
        .ok_or_else(|| Refusal::validation(format!("Unknown operator {}", filter.operator)))?;
    let text = |value: &Option<Json>| value.as_ref().and_then(crate::values::text);
    let mut values: Vec<String> = filter.values.iter().flatten().filter_map(crate::values::text).collect();
    values.extend(text(&filter.value));
    if let Some(name) = filter.property_name.strip_prefix("associations.") {
        let other = state.schema.find(name).ok_or_else(|| Refusal::no_object(name))?;
        return Ok(Condition::Linked(other, values.iter().filter_map(|value| value.parse().ok()).collect()));
    }
    let known = state.schema.object(object).and_then(|kind| kind.find(&filter.property_name));
    let (position, spec) = known.ok_or_else(|| {
        Refusal::validation(format!(
            "There was a problem with the request. Property {} does not exist",
            filter.property_name
        ))
    })?;
    let high = text(&filter.high_value);
    let without = matches!(operator, Operator::Has | Operator::HasNot);
    if (values.is_empty() && !without) || (operator == Operator::Between && high.is_none()) {
        return Err(Refusal::validation(format!("{} of {} needs a value", filter.operator, spec.name)));
    }
    let comparable =
        [Operator::Lt, Operator::Lte, Operator::Gt, Operator::Gte, Operator::Between].contains(&operator);
    if comparable && key(spec, values.first().map_or("", String::as_str)).is_none() {
        return Err(Refusal::validation(format!("{} is not comparable with the value given", spec.name)));
    }
    Ok(Condition::Value(Box::new(Test { position, spec: spec.clone(), operator, values, high })))
}

/// The stamps between which every hit lies, when the one group says so.
fn bounds(groups: &[Vec<Condition>]) -> Option<(i64, i64)> {
    let [group] = groups else { return None };
    let (mut from, mut to, mut bounded) = (i64::MIN, i64::MAX, false);
    for condition in group {
        let Condition::Value(test) = condition else { continue };
        if test.spec.derived != Some(Derived::Modified) {
            continue;
        }
        let at = test.values.first().and_then(|text| when::parse(text))?;
        match test.operator {
            Operator::Gte => from = from.max(at),
            Operator::Gt => from = from.max(at.saturating_add(1)),
            Operator::Lte => to = to.min(at),
            Operator::Lt => to = to.min(at.saturating_sub(1)),
            Operator::Eq => (from, to) = (from.max(at), to.min(at)),
            Operator::Between => {
                from = from.max(at);
                to = to.min(test.high.as_deref().and_then(when::parse)?);
            }
            Operator::Neq
            | Operator::In
            | Operator::NotIn
            | Operator::Has
            | Operator::HasNot
            | Operator::Token
            | Operator::NoToken => continue,
        }
        bounded = true;
    }
    // An empty range is a range from a number to itself that holds nothing.
    (bounded && from <= to).then_some((from, to)).or_else(|| bounded.then_some((i64::MAX, i64::MAX)))
}

/// A value in the order of its type.
#[derive(PartialEq, PartialOrd)]
enum Key {
    Number(Decimal),
    Instant(i64),
    Text(String),
}

fn key(spec: &PropertySpec, text: &str) -> Option<Key> {
    match spec.kind {
        PropertyType::Number => text.trim().parse().ok().map(Key::Number),
        PropertyType::Date | PropertyType::Datetime => when::parse(text).map(Key::Instant),
        PropertyType::Bool | PropertyType::Enumeration => Some(Key::Text(text.to_owned())),
        PropertyType::String | PropertyType::PhoneNumber => Some(Key::Text(text.to_lowercase())),
    }
}

fn key_of(record: &Record, spec: &PropertySpec, position: u16) -> Option<Key> {
    match spec.derived {
        Some(Derived::Id) => Some(Key::Number(Decimal::from(record.id))),
        Some(Derived::Created) => Some(Key::Instant(record.created)),
        Some(Derived::Modified) => Some(Key::Instant(record.modified)),
        Some(Derived::MergedIds) => value(record, spec, position).map(Key::Text),
        None => record.value(position).and_then(|text| key(spec, text)),
    }
}

fn holds(state: &State, object: ObjectIx, record: &Record, condition: &Condition) -> bool {
    let test = match condition {
        Condition::Linked(other, ids) => {
            return state
                .links
                .of(object, record.id, *other)
                .is_some_and(|linked| ids.iter().any(|id| linked.contains_key(id)));
        }
        Condition::Value(test) => test,
    };
    let (spec, position) = (&test.spec, test.position);
    let mine = key_of(record, spec, position);
    if test.operator == Operator::HasNot {
        return mine.is_none();
    }
    let Some(mine) = mine else { return false };
    let first = test.values.first().map_or("", String::as_str);
    let compared = || key(spec, first).and_then(|wanted| mine.partial_cmp(&wanted));
    match test.operator {
        Operator::Eq => compared() == Some(Ordering::Equal),
        Operator::Neq => compared() != Some(Ordering::Equal),
        Operator::Lt => compared() == Some(Ordering::Less),
        Operator::Lte => matches!(compared(), Some(Ordering::Less | Ordering::Equal)),
        Operator::Gt => compared() == Some(Ordering::Greater),
        Operator::Gte => matches!(compared(), Some(Ordering::Greater | Ordering::Equal)),
        Operator::Between => {
            let high = test.high.as_deref().and_then(|high| key(spec, high));
            matches!(compared(), Some(Ordering::Greater | Ordering::Equal))
                && high.is_some_and(|high| mine <= high)
        }
        Operator::In => named(&mine, test),
        Operator::NotIn => !named(&mine, test),
        Operator::Token => value(record, spec, position).is_some_and(|text| has_token(&text, first)),
        Operator::NoToken => !value(record, spec, position).is_some_and(|text| has_token(&text, first)),
        Operator::Has | Operator::HasNot => true,
    }
}

/// Lists are compared as they are written: text stands in the index in lower case.
fn named(mine: &Key, test: &Test) -> bool {
    test.values.iter().any(|wanted| match mine {
        Key::Text(text) => text == wanted,
        Key::Number(_) | Key::Instant(_) => key(&test.spec, wanted).is_some_and(|wanted| *mine == wanted),
    })
}

fn has_token(text: &str, wanted: &str) -> bool {
    let (text, wanted) = (text.to_lowercase(), wanted.to_lowercase());
    let (open, close) = (wanted.starts_with('*'), wanted.ends_with('*'));
    let stem = wanted.trim_matches('*');
    if stem.contains(|letter: char| !letter.is_alphanumeric()) {
        return text.contains(stem);
    }
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|token| !token.is_empty()).any(
        |token| match (open, close) {
            (true, true) => token.contains(stem),
            (true, false) => token.ends_with(stem),
            (false, true) => token.starts_with(stem),
            (false, false) => token == stem,
        },
    )
}

/// Full text over names, addresses and ids.
fn mentions(kind: &Object, record: &Record, words: &str) -> bool {
    let fields = ["dealname", "name", "domain", "email", "firstname", "lastname", "subject", "phone"];
    record.id.to_string().contains(words)
        || fields
            .iter()
            .filter_map(|name| record.value(kind.position(name)?))
            .any(|text| text.to_lowercase().contains(words))
}

struct Sort {
    position: u16,
    spec: PropertySpec,
    descending: bool,
}

fn sort(state: &State, object: ObjectIx, sorts: &[Json]) -> Result<Option<Sort>, Refusal> {
    let [wish] = sorts else {
        return if sorts.is_empty() {
            Ok(None)
        } else {
            Err(Refusal::validation("Only one sort is allowed"))
        };
    };
    let part = |name: &str| wish.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let (name, descending) = match wish.as_str() {
        Some(text) => (text.trim_start_matches('-').to_owned(), text.starts_with('-')),
        None => (part("propertyName"), part("direction") == "DESCENDING"),
    };
    let known = state.schema.object(object).and_then(|kind| kind.find(&name));
    let (position, spec) = known.ok_or_else(|| Refusal::validation(format!("Cannot sort by {name}")))?;
    Ok(Some(Sort { position, spec: spec.clone(), descending }))
}

fn order(state: &State, sort: Option<&Sort>, hits: &mut [Arc<Record>]) {
    let Some(sort) = sort else {
        hits.sort_unstable_by_key(|record| record.id);
        return;
    };
    match sort.spec.derived {
        Some(Derived::Modified) if state.switches.mis_sort => {
            hits.sort_by_key(|record| (record.modified.div_euclid(1000), std::cmp::Reverse(record.id)));
        }
        Some(Derived::Modified) => hits.sort_by_key(|record| (record.modified, record.id)),
        Some(Derived::Id) => hits.sort_by_key(|record| record.id),
        Some(Derived::Created) => hits.sort_by_key(|record| (record.created, record.id)),
        Some(Derived::MergedIds) | None => {
            let mut keyed: Vec<(Option<Key>, Arc<Record>)> = hits
                .iter()
                .map(|record| (key_of(record, &sort.spec, sort.position), Arc::clone(record)))
                .collect();
            keyed.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal).then(a.1.id.cmp(&b.1.id)));
            for (place, (_, record)) in hits.iter_mut().zip(keyed) {
                *place = record;
            }
        }
    }
    if sort.descending {
        hits.reverse();
    }
}
