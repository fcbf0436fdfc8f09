//! Each way of reading a part: what it gives, where it says it was found, and what it makes of junk.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::civil::{Date, date};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};

use super::{Book, any_json, at, change, pair, raw, reference};
use crate::contract::{Contract, Kind, Part};
use crate::extract::{RawRecord, RelatedRow, extract, feed_relation, read_plan};
use crate::feed::{FeedSchema, related};
use crate::id::PartKey;
use crate::mapping::{Mapping, ReadPath};
use crate::observation::Observation;
use crate::value::{Sourced, Value};

#[derive(serde::Deserialize)]
struct File {
    path: ReadPath,
}

/// The shipped pair with one part of this kind in its first field, read like this.
fn probe(part: &Part, path: &str) -> (Mapping, Contract) {
    static PAIR: LazyLock<(Mapping, Contract)> = LazyLock::new(pair);
    let (mut mapping, mut contract) = PAIR.clone();
    let path = toml::from_str::<File>(&format!("path = {path}")).unwrap().path;
    let field = contract.fields.first_mut().unwrap();
    field.parts = [(PartKey::from("probe"), part.clone())].into();
    mapping.read.insert(field.key.clone(), [(PartKey::from("probe"), path)].into());
    (mapping, contract)
}

fn look(part: &Part, path: &str, raw: &RawRecord) -> (Option<Sourced>, Observation) {
    let (mapping, contract) = probe(part, path);
    let seen = extract(&mapping, &contract, raw, &Book);
    let key = &contract.fields.first().unwrap().key;
    let found = seen.package.get(key).and_then(|parts| parts.get(&PartKey::from("probe"))).cloned();
    (found, seen)
}

fn value(part: &Part, path: &str, raw: &RawRecord) -> Option<Value> {
    look(part, path, raw).0.map(|sourced| sourced.value)
}

fn row(object: &str, id: &str, stamp: &str, fields: &Json) -> RelatedRow {
    RelatedRow {
        record: reference(object, id),
        stamp: Some(at(stamp)),
        fields: serde_json::from_value(fields.clone()).unwrap(),
    }
}

/// An account with four cases, out of order, one of them under two labels.
fn cases() -> RawRecord {
    let mut raw = raw();
    let case = |id: &str, opened: &str, kind: &str, hours: Json| {
        let fields =
            json!({ "CreatedDate": opened, "Type": kind, "Priority": "High", "Hours__c": hours, "Id": id });
        row("Case", id, "2026-11-01T00:00:00Z", &fields)
    };
    raw.related.insert(
        "AccountId/Cases".to_owned(),
        vec![
            case("500D", "2026-10-12T09:00:00.000+0000", "Login", json!(2.5)),
            case("500A", "2026-09-28T23:30:00.000+0000", "Billing", json!("1")),
            case("500C", "2026-10-04T09:00:00.000+0000", "Login", json!(4)),
            case("500B", "2026-09-30T09:00:00.000+0000", "Login", Json::Null),
            case("500A", "2026-09-28T23:30:00.000+0000", "Billing", json!("1")),
        ],
    );
    raw
}

fn list(columns: &[(&str, Kind)]) -> Part {
    let columns = columns.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
    Part { columns, ..Part::of(Kind::List) }
}

fn points(points: &[(Date, Decimal)]) -> Value {
    Value::Series(points.to_vec())
}

#[test]
fn a_dotted_field_is_the_parents_and_has_no_history_here() {
    let mut raw = raw();
    raw.fields.insert("Account.Industry".to_owned(), json!("Energy"));
    raw.history =
        Some(vec![change("1", "Account.Industry", Json::Null, json!("x"), "005AE", "2026-11-09T00:00:00Z")]);
    let (found, seen) = look(&Part::of(Kind::Choice), r#"{ field = "Account.Industry" }"#, &raw);
    assert_eq!(found.unwrap().value, Value::Choice("Energy".to_owned()));
    raw.found_on.insert("Account.Industry".to_owned(), reference("Account", "001A"));
    let (found, _) = look(&Part::of(Kind::Choice), r#"{ field = "Account.Industry" }"#, &raw);
    assert_eq!(found.unwrap().from.to_string(), "sf/Account/001A");
    assert!(!seen.edits.contains_key(&"economic_buyer".into()), "when the parent was edited is not told");
    let (mapping, _) = probe(&Part::of(Kind::Choice), r#"{ field = "Account.Industry" }"#);
    let plan = read_plan(&mapping);
    assert!(plan.fields.contains("Account.Industry") && !plan.history.contains("Account.Industry"));
}

#[test]
fn rows_are_counted_once_each_and_untold_rows_are_not_none() {
    let number = Part::of(Kind::Number);
    let all = r#"{ related = "Cases", of = "AccountId", count = true }"#;
    let (found, seen) = look(&number, all, &cases());
    let found = found.unwrap();
    assert_eq!(found.value, Value::Number(Decimal::from(4)));
    assert_eq!(
        (found.from.record.as_str(), found.field.as_str()),
        ("006A", "Cases"),
        "an aggregate is the record's"
    );
    assert_eq!(seen.edits.get(&"economic_buyer".into()).unwrap().at, at("2026-11-01T00:00:00Z"));
    let any = r#"{ related = "Cases", of = "AccountId", where = { Type = ["Billing", "Login"], Priority = "High" }, count = true }"#;
    assert_eq!(value(&number, any, &cases()), Some(Value::Number(Decimal::from(4))));
    let none = r#"{ related = "Cases", of = "AccountId", where = { Type = "Outage" }, count = true }"#;
    assert_eq!(value(&number, none, &cases()), Some(Value::Number(Decimal::ZERO)));
    assert_eq!(
        value(&number, r#"{ related = "Cases", count = true }"#, &cases()),
        None,
        "the record's own were not told"
    );
}

#[test]
fn the_newest_and_the_oldest_are_dates() {
    let day = Part::of(Kind::Date);
    let path = |word: &str| format!(r#"{{ related = "Cases", of = "AccountId", {word} = "CreatedDate" }}"#);
    assert_eq!(value(&day, &path("newest"), &cases()), Some(Value::Date(date(2026, 10, 12))));
    assert_eq!(value(&day, &path("oldest"), &cases()), Some(Value::Date(date(2026, 9, 28))));
    let mut junk = cases();
    let rows = junk.related.get_mut("AccountId/Cases").unwrap();
    rows[1].fields.insert("CreatedDate".to_owned(), json!("soon"));
    assert_eq!(value(&day, &path("newest"), &junk), Some(Value::Text("soon".to_owned())), "quality says so");
    rows_without(&mut junk, "CreatedDate");
    assert_eq!(value(&day, &path("newest"), &junk), None);
}

fn rows_without(raw: &mut RawRecord, column: &str) {
    for row in raw.related.values_mut().flatten() {
        row.fields.remove(column);
    }
}

#[test]
fn rows_become_a_list_in_id_order() {
    let part = list(&[("issue", Kind::Record), ("hours", Kind::Number)]);
    let path = r#"{ related = "Cases", of = "AccountId", rows = { issue = "Id", hours = "Hours__c" } }"#;
    let found = look(&part, path, &cases()).0.unwrap();
    assert_eq!(found.from.to_string(), "sf/Case/500A", "the first row's record");
    let Value::List(rows) = found.value else { panic!("a list") };
    let ids: Vec<_> = rows.iter().map(|row| row["issue"].clone()).collect();
    assert_eq!(ids, ["500A", "500B", "500C", "500D"].map(|id| Value::Record(id.to_owned())));
    assert_eq!(rows[0]["hours"], Value::Number(Decimal::ONE));
    assert!(!rows[1].contains_key("hours"), "an empty cell is absent, and quality says so");
    let mut many = raw();
    let fields = json!({ "Id": "x" });
    let row = |n: usize| row("Case", &format!("500{n:05}"), "2026-11-01T00:00:00Z", &fields);
    many.related.insert("Cases".to_owned(), (0..450).rev().map(row).collect());
    let part = list(&[("issue", Kind::Record)]);
    let Some(Value::List(rows)) = value(&part, r#"{ related = "Cases", rows = { issue = "Id" } }"#, &many)
    else {
        panic!("a list")
    };
    assert_eq!(rows.len(), 200);
    many.related.insert("Cases".to_owned(), Vec::new());
    assert_eq!(value(&part, r#"{ related = "Cases", rows = { issue = "Id" } }"#, &many), None);
}

#[test]
fn rows_that_are_alike_are_counted() {
    let part = list(&[("category", Kind::Name), ("severity", Kind::Choice), ("count", Kind::Number)]);
    let path = r#"{ related = "Cases", of = "AccountId", rows = { category = "Type", severity = "Priority", count = "count()" } }"#;
    let Some(Value::List(rows)) = value(&part, path, &cases()) else { panic!("a list") };
    let told: Vec<_> = rows.iter().map(|row| (row["category"].clone(), row["count"].clone())).collect();
    let name = |text: &str| Value::Name(text.to_owned());
    assert_eq!(
        told,
        [(name("Billing"), Value::Number(Decimal::ONE)), (name("Login"), Value::Number(Decimal::from(3)))]
    );
}

#[test]
fn one_record_under_two_labels_is_two_rows_only_where_the_label_is_a_column() {
    let mut raw = raw();
    let contact = |label: &str| {
        row("contacts", "7", "2026-11-01T00:00:00Z", &json!({ "label": label, "hs_object_id": "7" }))
    };
    raw.related.insert("contacts".to_owned(), vec![contact("Champion"), contact("Economic Buyer")]);
    let people = list(&[("person", Kind::Person)]);
    let roles = list(&[("person", Kind::Person), ("role", Kind::Name)]);
    let rows = |part: &Part, path: &str| match value(part, path, &raw) {
        Some(Value::List(rows)) => rows.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(rows(&people, r#"{ related = "contacts", rows = { person = "hs_object_id" } }"#), 1);
    assert_eq!(
        rows(&roles, r#"{ related = "contacts", rows = { person = "hs_object_id", role = "label" } }"#),
        2
    );
    let count = r#"{ related = "contacts", count = true }"#;
    assert_eq!(value(&Part::of(Kind::Number), count, &raw), Some(Value::Number(Decimal::ONE)));
}

#[test]
fn a_series_sums_by_day_week_and_month() {
    let curve = Part::of(Kind::Series);
    let path = |more: &str| {
        format!(r#"{{ related = "Cases", of = "AccountId", series = {{ at = "CreatedDate", {more} }} }}"#)
    };
    let d = Decimal::from;
    assert_eq!(
        value(&curve, &path(r#"by = "week""#), &cases()),
        Some(points(&[(date(2026, 9, 28), d(3)), (date(2026, 10, 12), d(1))])),
        "Monday to Sunday"
    );
    assert_eq!(
        value(&curve, &path(r#"value = "Hours__c", by = "month""#), &cases()),
        Some(points(&[(date(2026, 9, 1), d(1)), (date(2026, 10, 1), Decimal::new(65, 1))])),
        "a row without a value says nothing"
    );
    let by_day = value(&curve, &path(r#"by = "day""#), &cases());
    assert!(matches!(by_day, Some(Value::Series(points)) if points.len() == 4));
    let mut junk = cases();
    junk.related.get_mut("AccountId/Cases").unwrap()[0].fields.insert("Hours__c".to_owned(), json!("long"));
    assert_eq!(
        value(&curve, &path(r#"value = "Hours__c", by = "month""#), &junk),
        Some(Value::Text("long".to_owned()))
    );
    let found = look(&curve, &path(r#"by = "week""#), &cases()).0.unwrap();
    assert_eq!((found.from.record.as_str(), found.field.as_str()), ("006A", "Cases"));
}

#[test]
fn a_series_for_each_value_is_a_list() {
    let part = list(&[("feature", Kind::Name), ("uses", Kind::Series)]);
    let path = r#"{ related = "Cases", of = "AccountId", series = { at = "CreatedDate", by = "month", per = "Type" } }"#;
    let Some(Value::List(rows)) = value(&part, path, &cases()) else { panic!("a list") };
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["feature"], Value::Name("Billing".to_owned()));
    assert_eq!(
        rows[1]["uses"],
        points(&[(date(2026, 9, 1), Decimal::ONE), (date(2026, 10, 1), Decimal::TWO)])
    );
    assert_eq!(value(&Part::of(Kind::Series), path, &cases()), None, "no columns to put them in");
}

#[test]
fn a_window_ends_when_the_handoff_opened_and_stays_there() {
    let mut raw = cases();
    let number = Part::of(Kind::Number);
    let path = r#"{ related = "Cases", of = "AccountId", count = true, dated = "CreatedDate", window = { days = 5, before = "opening" } }"#;
    let moved = |id: &str, old: &str, new: &str, when: &str| {
        change(id, "StageName", json!(old), json!(new), "005AE", when)
    };
    raw.history = Some(vec![moved("1", "Prospecting", "Negotiation/Review", "2026-10-04T09:00:00Z")]);
    let two = Some(Value::Number(Decimal::from(2)));
    assert_eq!(value(&number, path, &raw), two, "30 September and 4 October");
    // The deal moves on, even out of the opening stages: what was handed over stays.
    raw.history.as_mut().unwrap().push(moved(
        "2",
        "Negotiation/Review",
        "Closed Lost",
        "2026-11-04T09:00:00Z",
    ));
    raw.fields.insert("StageName".to_owned(), json!("Closed Lost"));
    assert_eq!(value(&number, path, &raw), two);
    raw.history = Some(Vec::new());
    assert_eq!(
        value(&number, path, &raw),
        Some(Value::Number(Decimal::ZERO)),
        "nothing lies before no opening"
    );
    let dates = r#"{ related = "Cases", of = "AccountId", newest = "CreatedDate", window = { days = 5, before = "opening" } }"#;
    assert_eq!(value(&Part::of(Kind::Date), dates, &raw), None);
}

#[test]
fn a_record_that_was_created_in_its_opening_stage_opened_at_its_creation() {
    let mut raw = cases();
    let number = Part::of(Kind::Number);
    let path = r#"{ related = "Cases", of = "AccountId", count = true, dated = "CreatedDate", window = { days = 2, before = "opening" } }"#;
    let one = Some(Value::Number(Decimal::ONE));
    assert_eq!(value(&number, path, &raw), one, "30 September, by the record of 1 October");
    raw.history = Some(vec![change(
        "1",
        "StageName",
        json!("Negotiation/Review"),
        json!("Closed Lost"),
        "005AE",
        "2026-11-04T09:00:00Z",
    )]);
    raw.fields.insert("StageName".to_owned(), json!("Closed Lost"));
    assert_eq!(value(&number, path, &raw), one, "it moves on, and what was handed over stays");
}

#[test]
fn what_others_say_is_not_read_from_the_record() {
    let mut raw = raw();
    raw.fields.insert("External__c".to_owned(), json!("acme"));
    let text = Part::of(Kind::Text);
    assert_eq!(value(&text, r#"{ feed = "usage", key = "External__c", count = true }"#, &raw), None);
    let path = r#"{ carried = { contract = "h03", through = "External__c" }, take = "a.b" }"#;
    assert_eq!(value(&text, path, &raw), None);
    let plan = read_plan(&probe(&text, path).0);
    assert!(plan.fields.contains("External__c") && plan.history.contains("External__c"));
}

#[test]
fn rows_of_a_feed_count_each_though_they_are_about_one_record() {
    let schema: FeedSchema = serde_json::from_value(json!({
        "key": "account", "identity": ["day", "feature"],
        "columns": {"account": "text", "day": "date", "feature": "text", "uses": "number"},
    }))
    .unwrap();
    let row = |day: &str, feature: &str, uses: u32| {
        let row = json!({"account": "acme", "day": day, "feature": feature, "uses": uses});
        (schema.row(&serde_json::from_value(row).unwrap()).unwrap().1, jiff::Timestamp::UNIX_EPOCH)
    };
    let rows = [row("2026-03-02", "a", 3), row("2026-03-04", "a", 4), row("2026-03-10", "b", 5)];
    let mut raw = raw();
    raw.fields.insert("External__c".to_owned(), json!("acme"));
    raw.related.insert(feed_relation("usage", "External__c"), related("usage", "acme", rows));
    let of = |part: &Part, end: &str| {
        value(part, &format!(r#"{{ feed = "usage", key = "External__c", {end} }}"#), &raw)
    };
    assert_eq!(of(&Part::of(Kind::Number), "count = true"), Some(Value::Number(3.into())));
    let day = |text: &str| text.parse().unwrap();
    let curve = of(&Part::of(Kind::Series), r#"series = { at = "day", value = "uses", by = "week" }"#);
    let points = vec![(day("2026-03-02"), 7.into()), (day("2026-03-09"), 5.into())];
    assert_eq!(curve, Some(Value::Series(points)));
    let Some(Value::List(listed)) = of(&list(&[("name", Kind::Name)]), r#"rows = { name = "feature" }"#)
    else {
        panic!("a list");
    };
    assert_eq!(listed.len(), 3);
}

#[test]
fn the_plan_names_children_and_the_parents_children() {
    let part = list(&[("category", Kind::Name), ("many", Kind::Number)]);
    let path = r#"{ related = "Cases", of = "AccountId", where = { Status = ["New"] }, rows = { category = "Owner.Name", many = "count()" }, dated = "CreatedDate", window = { days = 9, before = "opening" } }"#;
    let plan = read_plan(&probe(&part, path).0);
    let columns: Vec<&str> = plan.related["AccountId/Cases"].iter().map(String::as_str).collect();
    assert_eq!(columns, ["CreatedDate", "Owner.Name", "Status"]);
}

#[test]
fn a_profile_judges_and_its_version_is_stamped_beside() {
    let icp = r#"
        version = "2026-Q4"
        names = { full = "Full", partial = "Partial", none = "None" }
        [criteria.industry]
        read = { field = "Account.Industry" }
        any = ["Energy"]
        [criteria.cases]
        read = { related = "Cases", of = "AccountId", count = true }
        at_most = 3
    "#;
    let choice = Part::of(Kind::Choice);
    let judged = |part: &Part, path: &str, raw: &RawRecord| {
        let (mut mapping, contract) = probe(part, path);
        mapping.icp = Some(toml::from_str(icp).unwrap());
        let seen = extract(&mapping, &contract, raw, &Book);
        let field = contract.fields.first().unwrap();
        let found =
            seen.package.get(&field.key).and_then(|parts| parts.get(&PartKey::from("probe"))).cloned();
        (found.map(|found| found.value), seen.edits.get(&field.key).map(|edit| edit.at), read_plan(&mapping))
    };
    let mut raw = cases();
    assert_eq!(judged(&choice, r#"{ icp = "match" }"#, &raw).0, Some(Value::Choice("None".to_owned())));
    raw.fields.insert("Account.Industry".to_owned(), json!("Energy"));
    let (found, edited, plan) = judged(&choice, r#"{ icp = "match" }"#, &raw);
    assert_eq!(found, Some(Value::Choice("Partial".to_owned())));
    assert_eq!(edited, Some(at("2026-11-01T00:00:00Z")), "as late as what it looks at");
    assert!(plan.fields.contains("Account.Industry") && plan.related.contains_key("AccountId/Cases"));
    raw.related.clear();
    raw.fields.remove("Account.Industry");
    assert_eq!(judged(&choice, r#"{ icp = "match" }"#, &raw).0, None, "nothing is known");
    let Some(Value::Name(stamp)) = judged(&Part::of(Kind::Name), r#"{ icp = "version" }"#, &raw).0 else {
        panic!("a version")
    };
    assert!(stamp.starts_with("2026-Q4#"), "{stamp}");
    assert_eq!(value(&choice, r#"{ icp = "match" }"#, &raw), None, "without a profile");
}

const WAYS: &[&str] = &[
    r#"{ field = "Account.Industry" }"#,
    r#"{ related = "R", take = "F" }"#,
    r#"{ related = "R", count = true }"#,
    r#"{ related = "R", where = { G = ["true", "1"] }, newest = "F" }"#,
    r#"{ related = "R", oldest = "F", window = { days = 90, before = "opening" } }"#,
    r#"{ related = "R", rows = { a = "F", b = "G" } }"#,
    r#"{ related = "R", rows = { a = "F", b = "count()" } }"#,
    r#"{ related = "R", series = { at = "F", value = "G", by = "week" } }"#,
    r#"{ related = "R", series = { at = "F", by = "month", per = "G" } }"#,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn e01_any_child_rows_give_the_same_value_in_any_order(
        cells in prop::collection::vec((any_json(), any_json(), 0_u8..30), 0..12),
        kind in prop::sample::select(vec![Kind::Text, Kind::Number, Kind::Date, Kind::List, Kind::Series]),
    ) {
        let columns = BTreeMap::from([("a".to_owned(), Kind::Name), ("b".to_owned(), Kind::Series)]);
        let part = Part { columns, ..Part::of(kind) };
        let mut seen_ids = std::collections::BTreeSet::new();
        let rows: Vec<RelatedRow> = cells.into_iter().filter(|cell| seen_ids.insert(cell.2)).map(|(f, g, id)| {
            row("R", &format!("r{id:02}"), "2026-11-01T00:00:00Z", &json!({ "F": f, "G": g }))
        }).collect();
        for path in WAYS {
            let mut forward = raw();
            forward.related.insert("R".to_owned(), rows.clone());
            let mut backward = raw();
            backward.related.insert("R".to_owned(), rows.iter().rev().cloned().collect());
            prop_assert_eq!(value(&part, path, &forward), value(&part, path, &backward), "{}", path);
        }
    }

    #[test]
    fn a_series_keeps_every_unit_that_was_put_into_it(
        amounts in prop::collection::vec((0_i64..2_000, -10_000_i64..10_000), 0..60),
        by in prop::sample::select(vec!["day", "week", "month"]),
    ) {
        let mut raw = raw();
        let rows = amounts.iter().enumerate().map(|(n, (day, amount))| {
            let at = date(2024, 1, 1).checked_add(jiff::Span::new().days(*day)).unwrap();
            row("R", &format!("r{n:03}"), "2026-11-01T00:00:00Z", &json!({ "D": at.to_string(), "V": amount }))
        });
        raw.related.insert("R".to_owned(), rows.collect());
        let path = format!(r#"{{ related = "R", series = {{ at = "D", value = "V", by = "{by}" }} }}"#);
        let found = match value(&Part::of(Kind::Series), &path, &raw) {
            Some(Value::Series(points)) => points,
            None => Vec::new(),
            other => panic!("{other:?}"),
        };
        let sum: Decimal = found.iter().map(|(_, amount)| *amount).sum();
        prop_assert_eq!(sum, Decimal::from(amounts.iter().map(|(_, amount)| amount).sum::<i64>()));
        prop_assert!(found.is_sorted_by(|a, b| a.0 < b.0));
        let monday = |date: &Date| date.weekday() == jiff::civil::Weekday::Monday;
        prop_assert!(by != "week" || found.iter().all(|(at, _)| monday(at)));
        prop_assert!(by != "month" || found.iter().all(|(at, _)| at.day() == 1));
    }
}
