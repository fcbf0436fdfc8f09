use jiff::Timestamp;
use proptest::prelude::*;

use super::tests::{NOW, Record, Store, id, prepare, store, text};
use super::*;
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
