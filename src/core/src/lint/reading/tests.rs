//! Ways that do not fit, as an admin writes them.

use crate::contract::{Contract, Field, Kind, Part};
use crate::id::{FieldKey, PartKey};
use crate::mapping::{Mapping, ReadPath};
use crate::registry::{Registry, shipped};

#[derive(serde::Deserialize)]
struct File {
    path: ReadPath,
}

/// The shipped pair, with one part of this kind that is read like this; what is wrong with that.
fn complaints(part: &Part, path: &str) -> Vec<(String, String)> {
    let registry = Registry::load(shipped()).unwrap();
    let mut mapping: Mapping = registry.mapping("salesforce/h03-ae-to-onboarding").unwrap().clone();
    let mut contract: Contract = registry.contract_of(&mapping).unwrap().contract.clone();
    let field: &mut Field = contract.fields.first_mut().unwrap();
    let (key, name) = (field.key.clone(), PartKey::from("probe"));
    field.parts = [(name.clone(), part.clone())].into();
    field.none_is_an_answer = false;
    let path = toml::from_str::<File>(&format!("path = {path}")).unwrap().path;
    mapping.read.insert(FieldKey::clone(&key), [(name, path)].into());
    assert_eq!(crate::lint::contract(&contract), []);
    let found = crate::lint::mapping(&mapping, &contract);
    found.into_iter().map(|each| (each.message, each.remedy)).collect()
}

fn list(columns: &[(&str, Kind)]) -> Part {
    let columns = columns.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
    Part { columns, ..Part::of(Kind::List) }
}

#[test]
fn ways_that_fit_their_kind_pass() {
    let people = list(&[("person", Kind::Person), ("role", Kind::Name)]);
    let counted = list(&[("category", Kind::Name), ("many", Kind::Number)]);
    let curves = list(&[("feature", Kind::Name), ("uses", Kind::Series)]);
    for (part, path) in [
        (Part::of(Kind::Choice), r#"{ field = "Account.Industry" }"#),
        (Part::of(Kind::Number), r#"{ related = "Cases", of = "AccountId", count = true }"#),
        (Part::of(Kind::Date), r#"{ related = "Cases", of = "AccountId", newest = "CreatedDate" }"#),
        (people, r#"{ related = "R", rows = { person = "ContactId", role = "Contact.Title" } }"#),
        (
            counted,
            r#"{ related = "R", where = { S = ["a", "b"] }, rows = { category = "Type", many = "count()" } }"#,
        ),
        (
            Part::of(Kind::Series),
            r#"{ related = "R", series = { at = "D", by = "week" }, window = { days = 90, before = "opening" } }"#,
        ),
        (curves, r#"{ related = "R", series = { at = "D", value = "N", by = "day", per = "F" } }"#),
        (
            Part::of(Kind::Series),
            r#"{ feed = "usage", key = "External__c", series = { at = "day", by = "week" } }"#,
        ),
        (Part::of(Kind::Text), r#"{ carried = { contract = "h03", through = "Deal__c" }, take = "a.b" }"#),
    ] {
        assert_eq!(complaints(&part, path), [], "{path}");
    }
}

#[test]
fn ways_that_do_not_fit_are_named() {
    let people = list(&[("person", Kind::Person), ("role", Kind::Name)]);
    let curves = list(&[("feature", Kind::Name), ("uses", Kind::Series)]);
    for (part, path, message) in [
        (
            Part::of(Kind::Text),
            r#"{ related = "R", count = true }"#,
            "is of kind text, but count gives a number",
        ),
        (
            Part::of(Kind::Number),
            r#"{ related = "R", newest = "D" }"#,
            "is of kind number, but newest gives a date",
        ),
        (
            Part::of(Kind::Text),
            r#"{ related = "R", oldest = "D" }"#,
            "is of kind text, but oldest gives a date",
        ),
        (
            Part::of(Kind::Text),
            r#"{ related = "R", rows = { a = "F" } }"#,
            "is of kind text, but rows gives a list",
        ),
        (
            people.clone(),
            r#"{ related = "R", series = { at = "D", by = "week" } }"#,
            "is of kind list, but series gives points over time",
        ),
        (Part::of(Kind::Series), r#"{ field = "F" }"#, "is of kind series, but one field holds one value"),
        (
            people.clone(),
            r#"{ related = "R", take = "F" }"#,
            "is a list of several columns, but one field holds one",
        ),
        (
            people.clone(),
            r#"{ related = "R", rows = { person = "F" } }"#,
            "column \"role\" of the list is not read",
        ),
        (
            people.clone(),
            r#"{ related = "R", rows = { person = "F", roll = "G", role = "G" } }"#,
            "the list has no column \"roll\"",
        ),
        (
            people.clone(),
            r#"{ related = "R", rows = { person = "F", role = "count()" } }"#,
            "column \"role\" counts rows, but is of kind name",
        ),
        (
            curves,
            r#"{ related = "R", rows = { feature = "F", uses = "G" } }"#,
            "column \"uses\" holds a series, which no field of a row does",
        ),
        (
            people.clone(),
            r#"{ related = "R", series = { at = "D", by = "week", per = "F" } }"#,
            "needs a list of two columns: a name and a series",
        ),
        (
            Part::of(Kind::Number),
            r#"{ related = "R", count = true, dated = "D", window = { days = 0, before = "opening" } }"#,
            "a window of no days",
        ),
        (Part::of(Kind::Number), r#"{ related = "R" }"#, "names rows, but not what to make of them"),
        (
            Part::of(Kind::Number),
            r#"{ related = "R", where = { A = [] }, count = true }"#,
            "must equal one line of 1 to 255 bytes",
        ),
        (Part::of(Kind::Number), r#"{ related = "R FROM User", count = true }"#, "is not an API name"),
        (Part::of(Kind::Date), r#"{ related = "R", newest = "D, Id" }"#, "is not an API name"),
        (people, r#"{ related = "R", rows = { person = "F'", role = "G" } }"#, "is not an API name"),
        (
            Part::of(Kind::Series),
            r#"{ related = "R", series = { at = "D", value = "V)", by = "week" } }"#,
            "is not an API name",
        ),
        (
            Part::of(Kind::Text),
            r#"{ carried = { contract = "h03", through = "D c" }, take = "a.b" }"#,
            "is not an API name",
        ),
    ] {
        let found = complaints(&part, path);
        assert!(found.iter().any(|(told, _)| told.contains(message)), "{path}: {found:?}");
        assert!(found.iter().all(|(_, remedy)| !remedy.is_empty()));
    }
}

#[test]
fn an_account_is_one_record() {
    let registry = Registry::load(shipped()).unwrap();
    let mut mapping: Mapping = registry.mapping("salesforce/h03-ae-to-onboarding").unwrap().clone();
    let contract = &registry.contract_of(&mapping).unwrap().contract;
    mapping.account = Some(ReadPath { count: true, related: Some("R".to_owned()), ..ReadPath::default() });
    let found = crate::lint::mapping(&mapping, contract);
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn a_profile_that_cannot_judge_is_named() {
    let registry = Registry::load(shipped()).unwrap();
    let mut mapping: Mapping = registry.mapping("salesforce/h03-ae-to-onboarding").unwrap().clone();
    let mut contract: Contract = registry.contract_of(&mapping).unwrap().contract.clone();
    let field = contract.fields.first_mut().unwrap();
    let choices = ["Full", "Partial", "None"].map(str::to_owned).to_vec();
    field.parts = [
        (PartKey::from("match"), Part { choices, ..Part::of(Kind::Choice) }),
        (PartKey::from("version"), Part::of(Kind::Name)),
    ]
    .into();
    field.none_is_an_answer = false;
    let path = |take| ReadPath { icp: Some(take), ..ReadPath::default() };
    let paths = [
        (PartKey::from("match"), path(crate::icp::IcpTake::Match)),
        (PartKey::from("version"), path(crate::icp::IcpTake::Version)),
    ];
    mapping.read.insert(field.key.clone(), paths.into());
    let told = |mapping: &Mapping| {
        crate::lint::mapping(mapping, &contract)
            .into_iter()
            .map(|each| each.message)
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert!(told(&mapping).contains("is judged by [icp], which is not there"), "{}", told(&mapping));
    let good = r#"
        version = "2026-Q4"
        names = { full = "Full", partial = "Partial", none = "None" }
        criteria.size = { read = { field = "NumberOfEmployees" }, at_least = 200 }
    "#;
    let with = |text: &str| Mapping { icp: Some(toml::from_str(text).unwrap()), ..mapping.clone() };
    assert_eq!(told(&with(good)), "");
    for (from, to, message) in [
        ("2026-Q4", "", "the version of the profile must be one line"),
        ("\"Partial\"", "\"Partly\"", "is none of the contract's choices"),
        ("at_least = 200", "at_least = 200, at_most = 1", "holds for everybody or for nobody"),
        (", at_least = 200", "", "holds for everybody or for nobody"),
        ("field = \"NumberOfEmployees\"", "related = \"R\", newest = \"D\"", "not one value"),
        ("field = \"NumberOfEmployees\"", "field = \"A FROM B\"", "is not an API name"),
        ("field = \"NumberOfEmployees\"", "", "names neither field"),
    ] {
        let found = told(&with(&good.replace(from, to)));
        assert!(found.contains(message), "{to}: {found}");
    }
    let unused = Mapping {
        icp: with(good).icp,
        read: registry.mapping("salesforce/h03-ae-to-onboarding").unwrap().read.clone(),
        ..mapping.clone()
    };
    assert!(told(&unused).contains("no part is judged by [icp]"));
}
