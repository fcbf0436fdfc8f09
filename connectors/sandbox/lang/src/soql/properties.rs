use jiff::Timestamp;
use proptest::prelude::*;

use super::tests::{NOW, Record, Store, id, prepare, store, text};
use super::*;
use crate::schema::FieldSchema;
use crate::value::Value;

fn text_of(value: &Value) -> String {
    if let Value::Text(text) = value { text.clone() } else { String::new() }
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,200}") {
        let _ = prepare(&text);
    }

    #[test]
    fn no_sentence_of_soql_words_panics(words in prop::collection::vec(prop::sample::select(vec![
        "SELECT", "FROM", "WHERE", "Opportunity", "Id", "Name", "Amount", "(", ")", ",", ".", "=", "<", "AND", "OR", "NOT",
        "IN", "LIKE", "'a'", "'006000000000001'", "5", "null", "TODAY", "LAST_N_DAYS", ":", "7", "ORDER", "BY", "LIMIT",
        "COUNT", "GROUP", "Owner", "SystemModstamp", "2026-11-20T09:15:27Z", "OFFSET", "FIELDS", "ALL", "INCLUDES",
    ]), 0..40)) {
        let soql = words.join(" ");
        if let Ok(prepared) = prepare(&soql) {
            let store = store();
            if let Answer::Rows(rows) = prepared.run(&store) {
                for row in rows {
                    prepared.render(&store, row, "62.0");
                }
            }
        }
    }

    /// Whatever the keyset page size, walking pages meets every row once, in order.
    #[test]
    fn keyset_pages_meet_every_row_once(stamps in prop::collection::vec(0_i64..5, 0..40), size in 1_usize..7) {
        let base: Timestamp = NOW.parse().unwrap();
        let mut store = Store::default();
        let rows: Vec<Record> = stamps.iter().enumerate().map(|(n, s)| {
            let mut cells = vec![Value::Null; 13];
            cells[0] = text(id("006", n));
            cells[6] = Value::DateTime(base + jiff::SignedDuration::from_secs(*s));
            Record(cells)
        }).collect();
        store.tables.insert("Opportunity", rows);
        let mut seen: Vec<String> = Vec::new();
        let mut cursor = String::new();
        loop {
            let soql = format!("SELECT Id, SystemModstamp FROM Opportunity {cursor} ORDER BY SystemModstamp, Id LIMIT {size}");
            let page = prepare(&soql).unwrap();
            let Answer::Rows(rows) = page.run(&store) else { panic!("rows") };
            let Some(last) = rows.last() else { break };
            let (Value::Text(last_id), Value::DateTime(s)) = (&last.0[0], &last.0[6]) else { panic!("cells") };
            cursor = format!("WHERE SystemModstamp > {s} OR (SystemModstamp = {s} AND Id > '{last_id}')");
            seen.extend(rows.iter().map(|r| text_of(&r.0[0])));
        }
        let mut expected: Vec<(i64, String)> = stamps.iter().enumerate().map(|(n, s)| (*s, id("006", n))).collect();
        expected.sort();
        prop_assert_eq!(seen, expected.into_iter().map(|(_, i)| i).collect::<Vec<_>>());
    }
}

/// A storage that hands out exactly what the hint describes, in the order it asks for: a hint that leaves a matching
/// row out shows as a difference to [`Store`], which ignores hints.
struct Exact(Store);

impl Rows for Exact {
    type Row = Record;
    fn scan<'a>(&'a self, object: &str, hint: &ScanHint) -> Scan<'a, Record> {
        let mut rows: Vec<&Record> =
            self.0.tables.get(object).map(|t| t.iter().collect()).unwrap_or_default();
        let key = |row: &Record, field: &FieldSchema| row.cell(field).to_value();
        let is_in = |ids: &[String], value: Value| ids.contains(&text_of(&value));
        match &hint.access {
            Access::All => {}
            Access::Ids(ids) => rows.retain(|r| is_in(ids, r.0[0].clone())),
            Access::Lookup { field, ids } => rows.retain(|r| is_in(ids, key(r, field))),
            Access::Stamp(StampRange { field, from, until }) => rows.retain(|r| {
                let Value::DateTime(stamp) = key(r, field) else { return false };
                let started = match from {
                    None => true,
                    Some(StampFrom::At(at)) => stamp >= *at,
                    Some(StampFrom::AfterId(at, id)) => {
                        stamp > *at || (stamp == *at && text_of(&r.0[0]) > *id)
                    }
                    Some(StampFrom::After(at)) => stamp > *at,
                };
                started && until.is_none_or(|last| stamp <= last)
            }),
        }
        if let (true, Access::Stamp(range)) = (hint.stamp_order, &hint.access) {
            rows.sort_by_key(|r| (key(r, &range.field), r.0[0].clone()));
        }
        Scan { rows: Box::new(rows.into_iter()), in_stamp_order: hint.stamp_order }
    }
    fn get(&self, object: &str, id: &str) -> Option<&Record> {
        self.0.get(object, id)
    }
}

fn second(n: i64) -> Timestamp {
    NOW.parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(n)
}

fn table(rows: &[(i64, usize)]) -> Store {
    let mut store = Store::default();
    let record = |(n, (stamp, owner)): (usize, &(i64, usize))| {
        let mut cells = vec![Value::Null; 13];
        cells[0] = text(id("006", n));
        cells[6] = Value::DateTime(second(*stamp));
        cells[7] = text(id("005", *owner));
        Record(cells)
    };
    store.tables.insert("Opportunity", rows.iter().enumerate().map(record).collect());
    store
}

/// Conditions over id, owner and stamp, in parentheses.
fn condition() -> impl Strategy<Value = String> {
    let sign = || prop::sample::select(vec!["=", "!=", "<", "<=", ">", ">="]);
    let leaf = prop_oneof![
        (sign(), 0_i64..5).prop_map(|(op, s)| format!("(SystemModstamp {op} {})", second(s))),
        (sign(), 0_usize..20).prop_map(|(op, n)| format!("(Id {op} '{}')", id("006", n))),
        (any::<bool>(), prop::collection::vec(0_usize..4, 1..3)).prop_map(|(not, owners)| {
            let ids: Vec<String> = owners.iter().map(|n| format!("'{}'", id("005", *n))).collect();
            format!("(OwnerId {}IN ({}))", if not { "NOT " } else { "" }, ids.join(", "))
        }),
        prop::collection::vec(0_usize..20, 1..4).prop_map(|all| {
            let ids: Vec<String> = all.iter().map(|n| format!("'{}'", id("006", *n))).collect();
            format!("(Id IN ({}))", ids.join(", "))
        }),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|p| format!("({})", p.join(" AND "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|p| format!("({})", p.join(" OR "))),
            inner.prop_map(|p| format!("(NOT {p})")),
        ]
    })
}

fn ids_of<S: Rows<Row = Record>>(prepared: &Prepared, rows: &S) -> Vec<String> {
    let Answer::Rows(found) = prepared.run(rows) else { panic!("rows") };
    found.into_iter().map(|r| text_of(&r.0[0])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// An index that answers exactly the hint loses no row, breaks no order and moves no page.
    #[test]
    fn hints_lose_no_row(
        rows in prop::collection::vec((0_i64..5, 0_usize..4), 0..20),
        condition in condition(),
        order in prop::sample::select(vec!["", " ORDER BY SystemModstamp, Id LIMIT 3", " ORDER BY SystemModstamp, Id OFFSET 2"]),
    ) {
        let prepared = prepare(&format!("SELECT Id FROM Opportunity WHERE {condition}{order}")).unwrap();
        let plain = table(&rows);
        let expected = ids_of(&prepared, &plain);
        prop_assert_eq!(ids_of(&prepared, &Exact(plain)), expected, "{:?}", prepared.hint());
    }
}
