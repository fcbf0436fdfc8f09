use proptest::prelude::*;
use serde_json::json;

use super::*;

fn usage() -> FeedSchema {
    let columns = [
        ("account", ColumnKind::Text),
        ("at", ColumnKind::Time),
        ("day", ColumnKind::Date),
        ("feature", ColumnKind::Text),
        ("uses", ColumnKind::Number),
        ("beta", ColumnKind::Flag),
    ];
    FeedSchema {
        key: "account".to_owned(),
        identity: vec!["at".to_owned(), "feature".to_owned()],
        columns: columns.into_iter().map(|(name, kind)| (name.to_owned(), kind)).collect(),
    }
}

fn raw(cells: Json) -> BTreeMap<String, Json> {
    serde_json::from_value(cells).unwrap()
}

#[test]
fn a_row_from_csv_and_from_json_is_one_row() {
    let csv = json!({"account": " A-1 ", "at": "2026-03-01T10:30:00+01:00", "feature": "export", "uses": "9.0", "beta": "False", "day": ""});
    let json = json!({"account": "A-1", "at": "2026-03-01T09:30:00Z", "feature": "export", "uses": 9, "beta": false});
    let (key, row) = usage().row(&raw(csv)).unwrap();
    assert_eq!(key, "A-1");
    assert_eq!(usage().row(&raw(json)).unwrap().1, row);
    assert_eq!(row.fields.get("uses"), Some(&json!("9")));
}

#[test]
fn identity_columns_alone_tell_rows_apart() {
    let at = |uses: u32, feature: &str| {
        usage()
            .row(&raw(
                json!({"account": "A", "at": "2026-03-01T09:30:00Z", "feature": feature, "uses": uses}),
            ))
            .unwrap()
            .1
    };
    assert_eq!(at(1, "export").id, at(2, "export").id);
    assert_ne!(at(1, "export").id, at(1, "import").id);
    let whole = FeedSchema { identity: Vec::new(), ..usage() };
    let row = |uses: u32| whole.row(&raw(json!({"account": "A", "uses": uses}))).unwrap().1.id;
    assert_ne!(row(1), row(2));
    assert_eq!(row(1), row(1));
}

#[test]
fn everything_that_does_not_fit_is_told_at_once_and_without_values() {
    let faults = usage()
        .row(&raw(json!({"account": "", "at": "yesterday", "feature": ["x"], "uses": "many", "secret": "s3cret", "beta": 1})))
        .unwrap_err();
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "the column `secret` is not in the schema",
            "the column `at` does not hold a time like 2026-03-01T09:30:00Z",
            "the column `beta` does not hold true or false",
            "the column `feature` does not hold text of at most 4096 bytes",
            "the column `uses` does not hold a number",
            "the column `account` is empty, and every row needs it",
        ]
    );
}

#[test]
fn a_schema_without_its_key_is_no_schema() {
    let missing = FeedSchema { key: "who".to_owned(), ..usage() };
    assert_eq!(missing.faults(), [SchemaFault::NoColumn("who".to_owned())]);
    let flag = FeedSchema { key: "beta".to_owned(), ..usage() };
    assert_eq!(flag.faults(), [SchemaFault::KeyKind("beta".to_owned())]);
    assert!(usage().faults().is_empty());
}

#[test]
fn rows_of_one_key_are_one_record() {
    let (key, row) = usage().row(&raw(json!({"account": "A", "at": 0, "feature": "x"}))).unwrap();
    let rows = related("usage", &key, [(row, jiff::Timestamp::UNIX_EPOCH)]);
    assert_eq!(rows[0].record.to_string(), "feed/usage/A");
}

proptest! {
    #[test]
    fn c14_whatever_a_cell_holds_nothing_breaks_and_a_row_reads_the_same_again(
        cells in proptest::collection::btree_map("[a-z]{1,7}|account|at|uses|feature", ".{0,40}|[0-9eE.+-]{1,70}", 0..6)
    ) {
        let cells: BTreeMap<String, Json> = cells.into_iter().map(|(key, text)| (key, Json::String(text))).collect();
        if let Ok((key, row)) = usage().row(&cells) {
            let (again_key, again) = usage().row(&row.fields).unwrap();
            prop_assert_eq!(key, again_key);
            prop_assert_eq!(row, again);
        }
    }
}
