//! Diffs of packages.

use proptest::prelude::*;

use super::*;
use crate::id::{ObjectName, RecordRef};
use crate::registry::{parse_contract, shipped};

fn h03() -> Contract {
    let (path, text) =
        shipped().find(|(path, _)| path.contains("h03") && path.starts_with("contracts")).unwrap();
    parse_contract(path, text).unwrap()
}

fn package(values: &[(&str, &str, Value)]) -> Package {
    let from = RecordRef { connection: "sf".into(), object: ObjectName::from("O"), record: "1".into() };
    let mut package = Package::new();
    for (field, part, value) in values {
        let sourced = Sourced { value: value.clone(), from: from.clone(), field: "F".to_owned() };
        package.entry(FieldKey::from(*field)).or_default().insert(PartKey::from(*part), sourced);
    }
    package
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn a_diff_names_what_was_added_changed_and_emptied_in_the_contracts_words() {
    let before = package(&[
        ("success_criteria", "target", text("secret one")),
        ("success_criteria", "criteria", text("same")),
        ("risks", "risks", text("gone")),
    ]);
    let after = package(&[
        ("success_criteria", "target", text("secret two")),
        ("success_criteria", "criteria", text("same")),
        ("success_criteria", "by", Value::Date(jiff::civil::date(2027, 3, 1))),
    ]);
    let lines = PackageDiff::between(&before, &after).lines(&h03());
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("added") && lines[0].contains("changed"), "{lines:?}");
    assert!(lines[1].ends_with("emptied"), "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains("secret")), "no value stands in a diff");
}

#[test]
fn many_changes_are_counted_and_not_listed() {
    let many: Vec<(String, Value)> = (0..40).map(|n| (format!("field_{n}"), text("x"))).collect();
    let rows: Vec<(&str, &str, Value)> =
        many.iter().map(|(key, value)| (key.as_str(), "p", value.clone())).collect();
    let lines = PackageDiff::between(&Package::new(), &package(&rows)).lines(&h03());
    assert_eq!((lines.len(), lines.last().map(String::as_str)), (13, Some("and 28 more")));
}

#[test]
fn additions_count_new_parts_and_new_rows_not_other_words() {
    let row = |name: &str| BTreeMap::from([("name".to_owned(), text(name))]);
    let before = package(&[("a", "p", text("x")), ("l", "p", Value::List(vec![row("1")]))]);
    let after = package(&[
        ("a", "p", text("y")),
        ("b", "p", text("new")),
        ("l", "p", Value::List(vec![row("1"), row("2"), row("3")])),
    ]);
    assert_eq!(additions(&before, &after), 3);
    assert_eq!(additions(&after, &before), 0);
}

proptest! {
    #[test]
    fn a_diff_is_empty_exactly_if_both_say_the_same(
        a in prop::collection::vec((0..3_u8, 0..3_u8, 0..3_u8), 0..6),
        b in prop::collection::vec((0..3_u8, 0..3_u8, 0..3_u8), 0..6),
    ) {
        let made = |rows: &[(u8, u8, u8)]| {
            let named: Vec<(String, String, Value)> = rows
                .iter()
                .map(|(field, part, value)| (format!("f{field}"), format!("p{part}"), text(&value.to_string())))
                .collect();
            package(&named.iter().map(|(f, p, v)| (f.as_str(), p.as_str(), v.clone())).collect::<Vec<_>>())
        };
        let (a, b) = (made(&a), made(&b));
        let diff = PackageDiff::between(&a, &b);
        prop_assert_eq!(diff.is_empty(), a == b);
        let back = PackageDiff::between(&b, &a);
        for (key, field) in &diff.fields {
            prop_assert_eq!(&field.added, &back.fields[key].emptied);
            prop_assert_eq!(&field.changed, &back.fields[key].changed);
        }
    }
}
