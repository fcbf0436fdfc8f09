use std::cell::RefCell;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::*;
use crate::schema::{FieldSchema, FieldType, ObjectSchema};
use crate::value::{Cell, Value};

pub(super) const NOW: &str = "2026-11-20T12:00:00Z";

struct Org {
    objects: Vec<ObjectSchema>,
    hidden: Vec<&'static str>,
}

impl Catalog for Org {
    fn object(&self, name: &str) -> Option<&ObjectSchema> {
        self.objects.iter().find(|o| o.name.eq_ignore_ascii_case(name))
    }
    fn can_read(&self, object: &ObjectSchema, field: &FieldSchema) -> bool {
        !self.hidden.contains(&format!("{}.{}", object.name, field.name).as_str())
    }
}

#[derive(Debug, PartialEq)]
pub(super) struct Record(pub(super) Vec<Value>);

impl Row for Record {
    fn cell(&self, field: &FieldSchema) -> Cell<'_> {
        self.0.get(field.slot).map_or(Cell::Null, Value::cell)
    }
}

#[derive(Default)]
pub(super) struct Store {
    pub(super) tables: BTreeMap<&'static str, Vec<Record>>,
    hints: RefCell<Vec<ScanHint>>,
}

impl Rows for Store {
    type Row = Record;
    fn scan<'a>(&'a self, object: &str, hint: &ScanHint) -> Scan<'a, Record> {
        self.hints.borrow_mut().push(hint.clone());
        let rows = self.tables.get(object).map(Vec::as_slice).unwrap_or_default();
        Scan { rows: Box::new(rows.iter()), in_stamp_order: false }
    }
    fn get(&self, object: &str, id: &str) -> Option<&Record> {
        self.tables.get(object)?.iter().find(|r| r.0.first() == Some(&Value::Text(id.to_owned())))
    }
}

fn org() -> Org {
    use FieldType as F;
    let field = FieldSchema::new;
    let mut opportunity = ObjectSchema::new(
        "Opportunity",
        [
            field("Id", F::Id, 0),
            field("Name", F::String, 1),
            field("StageName", F::Picklist, 2),
            field("Amount", F::Currency, 3),
            field("IsWon", F::Boolean, 4),
            field("CloseDate", F::Date, 5),
            field("SystemModstamp", F::DateTime, 6),
            FieldSchema::lookup("OwnerId", "Owner", &["User"], 7),
            FieldSchema::lookup("AccountId", "Account", &["Account"], 8),
            field("Description", F::TextArea, 9),
            field("Fields__c", F::MultiPicklist, 10),
            FieldSchema::lookup("Onboarding_Lead__c", "Onboarding_Lead__r", &["User"], 11),
            field("Rounds__c", F::Double, 12),
        ],
    );
    opportunity.push_child("OpportunityContactRoles", "OpportunityContactRole", "OpportunityId");
    Org {
        objects: vec![
            opportunity,
            ObjectSchema::new(
                "User",
                [
                    field("Id", F::Id, 0),
                    field("Name", F::String, 1),
                    field("Email", F::Email, 2),
                    FieldSchema::lookup("ManagerId", "Manager", &["User"], 3),
                ],
            ),
            ObjectSchema::new("Account", [field("Id", F::Id, 0), field("Name", F::String, 1)]),
            ObjectSchema::new("Contact", [field("Id", F::Id, 0), field("Name", F::String, 1)]),
            ObjectSchema::new(
                "Task",
                [
                    field("Id", F::Id, 0),
                    FieldSchema::lookup("WhatId", "What", &["Account", "Opportunity"], 1),
                ],
            ),
            ObjectSchema::new(
                "OpportunityContactRole",
                [
                    field("Id", F::Id, 0),
                    FieldSchema::lookup("OpportunityId", "Opportunity", &["Opportunity"], 1),
                    FieldSchema::lookup("ContactId", "Contact", &["Contact"], 2),
                    field("Role", F::Picklist, 3),
                ],
            ),
        ],
        hidden: vec!["Opportunity.Rounds__c"],
    }
}

pub(super) fn id(prefix: &str, n: usize) -> String {
    crate::id::to_18(&format!("{prefix}{n:0>12}")).unwrap()
}

pub(super) fn text(t: impl Into<String>) -> Value {
    Value::Text(t.into())
}

fn at(t: &str) -> Value {
    Value::DateTime(t.parse().unwrap())
}

pub(super) fn store() -> Store {
    let mut store = Store::default();
    let user = |n, name: &str, boss: Value| {
        Record(vec![text(id("005", n)), text(name), text(format!("{name}@x.example")), boss])
    };
    store.tables.insert("User", vec![user(1, "ann", text(id("005", 2))), user(2, "bob", Value::Null)]);
    store.tables.insert("Account", vec![Record(vec![text(id("001", 1)), text("Acme's")])]);
    store.tables.insert("Contact", vec![Record(vec![text(id("003", 1)), text("Eve")])]);
    let deal = |n: usize,
                name: &str,
                stage: &str,
                amount: Value,
                won: bool,
                day: i8,
                stamp: &str,
                owner: usize,
                account: Value| {
        Record(vec![
            text(id("006", n)),
            text(name),
            text(stage),
            amount,
            Value::Bool(won),
            Value::Date(jiff::civil::date(2026, 11, day)),
            at(stamp),
            text(id("005", owner)),
            account,
            text("long"),
            if n == 1 { text("risks;go_live") } else { Value::Null },
            Value::Null,
            Value::Number(3.into()),
        ])
    };
    let acme = || text(id("001", 1));
    store.tables.insert(
        "Opportunity",
        vec![
            deal(
                1,
                "Alpha",
                "Closed Won",
                Value::Number(12000.into()),
                true,
                20,
                "2026-11-20T09:15:27Z",
                1,
                acme(),
            ),
            deal(
                2,
                "beta",
                "Commit",
                Value::Number(50.into()),
                false,
                10,
                "2026-11-20T09:15:27Z",
                2,
                Value::Null,
            ),
            deal(3, "Gamma 100%", "Commit", Value::Null, false, 30, "2026-11-19T00:00:00Z", 1, acme()),
        ],
    );
    store.tables.insert(
        "OpportunityContactRole",
        vec![
            Record(vec![text(id("00K", 1)), text(id("006", 1)), text(id("003", 1)), text("Economic Buyer")]),
            Record(vec![text(id("00K", 2)), text(id("006", 1)), Value::Null, text("Champion")]),
            Record(vec![text(id("00K", 3)), text(id("006", 2)), text(id("003", 1)), text("Champion")]),
        ],
    );
    store.tables.insert(
        "Task",
        vec![Record(vec![text(id("00T", 1)), text(id("006", 2))]), Record(vec![text(id("00T", 2)), acme()])],
    );
    store
}

pub(super) fn prepare(soql: &str) -> Result<Prepared, SoqlError> {
    Prepared::new(soql, &org(), NOW.parse().unwrap())
}

fn records(soql: &str) -> Vec<Json> {
    let store = store();
    let prepared = prepare(soql).unwrap_or_else(|e| panic!("{soql}: {e}"));
    match prepared.run(&store) {
        Answer::Rows(rows) => rows.into_iter().map(|r| prepared.render(&store, r, "62.0").into()).collect(),
        Answer::Aggregates(lines) => lines.into_iter().map(Json::from).collect(),
        Answer::Count(n) => vec![json!(n)],
    }
}

fn names(soql_tail: &str) -> Vec<String> {
    records(&format!("SELECT Name FROM Opportunity {soql_tail}"))
        .into_iter()
        .map(|r| r["Name"].as_str().unwrap().to_owned())
        .collect()
}

fn refused(soql: &str) -> (SoqlErrorCode, String) {
    let error = prepare(soql).expect_err(soql);
    (error.code, error.message)
}

#[test]
fn a_record_prints_as_rest_prints_it() {
    let soql = "select Id, Name, Amount, IsWon, CloseDate, SystemModstamp, Owner.Email, Owner.Manager.Name, \
                Account.Name, Onboarding_Lead__r.Name, (SELECT Role, Contact.Name FROM OpportunityContactRoles \
                WHERE Role != null ORDER BY Role LIMIT 5) FROM Opportunity WHERE Name = 'ALPHA'";
    let one = id("006", 1);
    let user = |n: usize| json!({"type": "User", "url": format!("/services/data/v62.0/sobjects/User/{}", id("005", n))});
    let role = |n: usize| {
        json!({"type": "OpportunityContactRole",
               "url": format!("/services/data/v62.0/sobjects/OpportunityContactRole/{}", id("00K", n))})
    };
    let expected = json!({
        "attributes": {"type": "Opportunity", "url": format!("/services/data/v62.0/sobjects/Opportunity/{one}")},
        "Id": one, "Name": "Alpha", "Amount": 12000.0, "IsWon": true, "CloseDate": "2026-11-20",
        "SystemModstamp": "2026-11-20T09:15:27.000+0000",
        "Owner": {"attributes": user(1), "Email": "ann@x.example", "Manager": {"attributes": user(2), "Name": "bob"}},
        "Account": {"attributes": {"type": "Account",
            "url": format!("/services/data/v62.0/sobjects/Account/{}", id("001", 1))}, "Name": "Acme's"},
        "Onboarding_Lead__r": null,
        "OpportunityContactRoles": {"totalSize": 2, "done": true, "records": [
            {"attributes": role(2), "Role": "Champion", "Contact": null},
            {"attributes": role(1), "Role": "Economic Buyer", "Contact": {"attributes": {"type": "Contact",
                "url": format!("/services/data/v62.0/sobjects/Contact/{}", id("003", 1))}, "Name": "Eve"}}]},
    });
    assert_eq!(records(soql), [expected]);
    let none =
        records("SELECT (SELECT Id FROM OpportunityContactRoles) FROM Opportunity WHERE Name = 'Gamma 100%'");
    assert_eq!(none[0]["OpportunityContactRoles"], Json::Null);
}

#[test]
fn filters_select_what_the_vendor_selects() {
    for (tail, expected) in [
        ("WHERE Name LIKE 'a%'", vec!["Alpha"]),
        (r"WHERE Name LIKE '%100\%'", vec!["Gamma 100%"]),
        ("WHERE Amount > 50", vec!["Alpha"]),
        ("WHERE Amount != 50", vec!["Alpha", "Gamma 100%"]),
        ("WHERE Amount = null", vec!["Gamma 100%"]),
        ("WHERE IsWon = true", vec!["Alpha"]),
        ("WHERE NOT IsWon = true", vec!["beta", "Gamma 100%"]),
        ("WHERE NOT (IsWon = true OR Amount = null)", vec!["beta"]),
        ("WHERE StageName IN ('commit', 'x') AND Amount <> null", vec!["beta"]),
        ("WHERE StageName NOT IN ('commit')", vec!["Alpha"]),
        ("WHERE CloseDate = TODAY", vec!["Alpha"]),
        ("WHERE CloseDate < 2026-11-20", vec!["beta"]),
        ("WHERE CloseDate > LAST_N_DAYS:3", vec!["Gamma 100%"]),
        ("WHERE CloseDate = THIS_MONTH AND CloseDate != LAST_N_DAYS:30", vec!["Gamma 100%"]),
        ("WHERE SystemModstamp = YESTERDAY", vec!["Gamma 100%"]),
        ("WHERE SystemModstamp < 2026-11-20T10:15:27+01:00", vec!["Gamma 100%"]),
        ("WHERE SystemModstamp >= 2026-11-20T09:15:27.000Z", vec!["Alpha", "beta"]),
        ("WHERE Account.Name = 'Acme\\'s'", vec!["Alpha", "Gamma 100%"]),
        ("WHERE Account.Name = null", vec!["beta"]),
        ("WHERE Owner.Manager.Name = 'bob'", vec!["Alpha", "Gamma 100%"]),
        ("WHERE Fields__c INCLUDES ('x', 'go_live;risks')", vec!["Alpha"]),
        ("WHERE Fields__c INCLUDES ('go_live;x')", vec![]),
        ("WHERE Fields__c EXCLUDES ('risks')", vec!["beta", "Gamma 100%"]),
        ("WHERE Id = '006000000000002'", vec!["beta"]),
        ("ORDER BY Amount DESC NULLS LAST", vec!["Alpha", "beta", "Gamma 100%"]),
        ("ORDER BY Amount", vec!["Gamma 100%", "beta", "Alpha"]),
        ("ORDER BY StageName DESC, Name DESC LIMIT 2", vec!["Gamma 100%", "beta"]),
        ("ORDER BY Owner.Name DESC, Name LIMIT 1 OFFSET 1", vec!["Alpha"]),
        ("ORDER BY Name LIMIT 0", vec![]),
    ] {
        assert_eq!(names(tail), expected, "{tail}");
    }
}

#[test]
fn polymorphic_parents_know_their_type() {
    let found = records("SELECT What.Type, What.Name FROM Task ORDER BY Id");
    assert_eq!(found[0]["What"]["Type"], "Opportunity");
    assert_eq!(found[0]["What"]["Name"], "beta");
    assert_eq!(found[1]["What"]["Name"], "Acme's");
    assert_eq!(records("SELECT Id FROM Task WHERE What.Type = 'account'").len(), 1);
}

#[test]
fn aggregates_count_and_group() {
    assert_eq!(records("SELECT COUNT() FROM Opportunity WHERE IsWon = false"), [json!(2)]);
    let kind = json!({"type": "AggregateResult"});
    assert_eq!(
        records(
            "SELECT StageName, COUNT(Id), SUM(Amount) total FROM Opportunity GROUP BY StageName ORDER BY COUNT(Id) DESC"
        ),
        [
            json!({"attributes": kind, "StageName": "Commit", "expr0": 2, "total": 50.0}),
            json!({"attributes": kind, "StageName": "Closed Won", "expr0": 1, "total": 12000.0}),
        ]
    );
    assert_eq!(
        records("SELECT MAX(SystemModstamp) m, COUNT_DISTINCT(OwnerId) FROM Opportunity"),
        [json!({"attributes": kind, "m": "2026-11-20T09:15:27.000+0000", "expr0": 2})]
    );
    assert_eq!(
        refused("SELECT Name, COUNT(Id) FROM Opportunity GROUP BY StageName").0,
        SoqlErrorCode::MalformedQuery
    );
}

#[test]
fn the_fields_function_needs_a_limit_and_hides_what_the_user_cannot_see() {
    assert_eq!(refused("SELECT FIELDS(ALL) FROM Opportunity").0, SoqlErrorCode::MalformedQuery);
    assert_eq!(refused("SELECT FIELDS(CUSTOM) FROM Opportunity LIMIT 201").0, SoqlErrorCode::MalformedQuery);
    let all = records("SELECT FIELDS(ALL) FROM Opportunity LIMIT 200");
    assert_eq!(all[0]["StageName"], "Closed Won");
    assert!(all[0].get("Fields__c").is_some());
    assert!(all[0].get("Rounds__c").is_none());
    assert!(records("SELECT FIELDS(STANDARD) FROM Opportunity")[0].get("Fields__c").is_none());
}

#[test]
fn an_unknown_and_an_invisible_field_are_refused_in_the_vendors_words() {
    let (code, message) = refused("SELECT Foo__c FROM Opportunity");
    assert_eq!(code, SoqlErrorCode::InvalidField);
    assert!(
        message.starts_with(
            "\nSELECT Foo__c FROM Opportunity\n       ^\nERROR at Row:1:Column:8\nNo such column 'Foo__c' on entity \
             'Opportunity'. If you are attempting to use a custom field, be sure to append the '__c'"
        ),
        "{message}"
    );
    for soql in [
        "SELECT Rounds__c FROM Opportunity",
        "SELECT Id FROM Opportunity WHERE Rounds__c = 3",
        "SELECT Id FROM Opportunity ORDER BY Rounds__c",
        "SELECT COUNT(Rounds__c) FROM Opportunity",
        "SELECT Opportunity.Rounds__c FROM OpportunityContactRole",
    ] {
        let (code, message) = refused(soql);
        assert_eq!(code, SoqlErrorCode::InvalidField, "{soql}");
        assert!(message.contains("No such column 'Rounds__c' on entity 'Opportunity'"), "{message}");
    }
}

#[test]
fn refusals_carry_the_vendors_codes() {
    use SoqlErrorCode as Code;
    for (soql, code) in [
        ("SELECT Id FROM Foo__c", Code::InvalidType),
        ("SELECT (SELECT Id FROM Foos__r) FROM Opportunity", Code::InvalidType),
        ("SELECT Foo.Name FROM Opportunity", Code::InvalidField),
        ("SELECT Id, Id FROM Opportunity", Code::InvalidField),
        ("SELECT Id FROM Opportunity WHERE Description = 'x'", Code::InvalidField),
        ("SELECT Id FROM Opportunity WHERE CloseDate = 2026-11-20T00:00:00Z", Code::InvalidField),
        ("SELECT Id FROM Opportunity WHERE SystemModstamp > 2026-11-20", Code::InvalidField),
        ("SELECT Id FROM Opportunity WHERE SystemModstamp > '2026-11-20T00:00:00Z'", Code::InvalidField),
        ("SELECT Id FROM Opportunity WHERE Id = 'x'", Code::InvalidQueryFilterOperator),
        ("SELECT Id FROM Opportunity WHERE IsWon = true AND Name = 'a' OR Name = 'b'", Code::MalformedQuery),
        ("SELECT Id FROM Opportunity WHERE Name = 'a", Code::MalformedQuery),
        (r"SELECT Id FROM Opportunity WHERE Name = '\x'", Code::MalformedQuery),
        ("SELECT Id FROM Opportunity WHERE CloseDate = 2026-13-01", Code::MalformedQuery),
        ("SELECT FROM Opportunity", Code::MalformedQuery),
        ("SELECT Id FROM", Code::MalformedQuery),
        ("", Code::MalformedQuery),
        ("SELECT Id FROM Opportunity LIMIT -1", Code::MalformedQuery),
        ("SELECT Id FROM Opportunity OFFSET 2001", Code::NumberOutsideValidRange),
        ("SELECT Id FROM Opportunity; DROP", Code::MalformedQuery),
        (
            "SELECT Id FROM Opportunity WHERE Id IN (SELECT OpportunityId FROM OpportunityContactRole)",
            Code::MalformedQuery,
        ),
    ] {
        assert_eq!(refused(soql).0, code, "{soql}");
    }
}

#[test]
fn h03_an_escaped_quote_stays_inside_its_string() {
    assert!(names(r"WHERE Name = 'O\'Brien\\\' OR Name LIKE \'%'").is_empty());
    assert_eq!(
        refused(r"SELECT Id FROM Opportunity WHERE Name = 'O'Brien\' OR Name LIKE '%'").0,
        SoqlErrorCode::MalformedQuery
    );
}

#[test]
fn deep_nesting_and_long_text_are_refused_without_using_the_stack() {
    let deep =
        format!("SELECT Id FROM Opportunity WHERE {}Name = 'a'{}", "(".repeat(10_000), ")".repeat(10_000));
    assert_eq!(refused(&deep).0, SoqlErrorCode::MalformedQuery);
    let nots = format!("SELECT Id FROM Opportunity WHERE {} Name = 'a'", "NOT ".repeat(10_000));
    assert_eq!(refused(&nots).0, SoqlErrorCode::MalformedQuery);
    let children = "SELECT (".repeat(10_000);
    assert_eq!(refused(&children).0, SoqlErrorCode::MalformedQuery);
    let long = format!("SELECT Id FROM Opportunity WHERE Name = '{}'", "a".repeat(100_000));
    assert_eq!(refused(&long).0, SoqlErrorCode::QueryTooComplicated);
    let wide = format!("SELECT Id FROM Opportunity WHERE {}Name = 'a'", "Name = 'a' OR ".repeat(6_000));
    assert!(prepare(&wide).is_ok());
}

fn access(tail: &str) -> ScanHint {
    prepare(&format!("SELECT Id FROM Opportunity {tail}")).unwrap().hint().clone()
}

fn stamp(from: Option<StampFrom>, until: Option<&str>) -> Access {
    let field = org().objects[0].field("SystemModstamp").unwrap().clone();
    Access::Stamp(StampRange { field, from, until: until.map(|t| t.parse().unwrap()) })
}

#[test]
fn the_storage_is_told_which_index_answers() {
    let (one, two) = (id("006", 1), id("006", 2));
    let s: Timestamp = "2026-11-20T09:15:27Z".parse().unwrap();
    assert_eq!(
        access("WHERE Id = '006000000000001' AND IsWon = true").access,
        Access::Ids(vec![one.clone()])
    );
    assert_eq!(
        access(&format!("WHERE Id IN ('{two}', '{one}', '{two}')")).access,
        Access::Ids(vec![one.clone(), two])
    );
    let lookup = access(&format!("WHERE (OwnerId IN ('{}') AND IsWon = true)", id("005", 1)));
    assert!(
        matches!(lookup.access, Access::Lookup { field, ids } if field.name == "OwnerId" && ids == [id("005", 1)])
    );
    let keyset = "(SystemModstamp > 2026-11-20T09:15:27Z OR (SystemModstamp = 2026-11-20T09:15:27Z AND Id > '006000000000001'))";
    let hint = access(&format!("WHERE {keyset} ORDER BY SystemModstamp, Id LIMIT 2000"));
    assert!(hint.stamp_order);
    assert_eq!(hint.access, stamp(Some(StampFrom::AfterId(s, one)), None));
    let bounded = access(&format!(
        "WHERE {keyset} AND SystemModstamp <= 2026-11-21T00:00:00Z AND IsWon = true ORDER BY SystemModstamp ASC, Id ASC"
    ));
    assert_eq!(
        bounded.access,
        stamp(Some(StampFrom::AfterId(s, id("006", 1))), Some("2026-11-21T00:00:00Z"))
    );
    assert_eq!(
        access("WHERE SystemModstamp >= 2026-11-20T09:15:27Z").access,
        stamp(Some(StampFrom::At(s)), None)
    );
    let either = "WHERE SystemModstamp = 2026-11-20T09:15:28Z OR SystemModstamp > 2026-11-20T09:15:27Z";
    assert_eq!(access(either).access, stamp(Some(StampFrom::After(s)), None));
    assert_eq!(access("ORDER BY SystemModstamp, Id").access, stamp(None, None));
    for tail in [
        "WHERE Name = 'x'",
        "WHERE Id = '006000000000001' OR IsWon = true",
        "WHERE NOT Id = '006000000000001'",
        "WHERE Id NOT IN ('006000000000001')",
        "WHERE Id > '006000000000001'",
        "WHERE OwnerId IN ('005000000000001', null)",
        "ORDER BY SystemModstamp DESC, Id",
    ] {
        assert_eq!(access(tail).access, Access::All, "{tail}");
    }
}

/// A storage that answers a stamp range in order and counts what it hands out.
struct Ordered {
    rows: Vec<Record>,
    handed: std::cell::Cell<usize>,
}

impl Rows for Ordered {
    type Row = Record;
    fn scan<'a>(&'a self, _: &str, hint: &ScanHint) -> Scan<'a, Record> {
        let rows = self.rows.iter().inspect(|_| self.handed.set(self.handed.get() + 1));
        Scan { rows: Box::new(rows), in_stamp_order: hint.stamp_order }
    }
    fn get(&self, _: &str, _: &str) -> Option<&Record> {
        None
    }
}

#[test]
fn a_page_in_stamp_order_reads_only_a_page() {
    let row = |n: usize| {
        let mut cells = vec![Value::Null; 13];
        cells[0] = text(id("006", n));
        cells[6] = at("2026-11-20T09:15:27Z");
        Record(cells)
    };
    let store = Ordered { rows: (0..1_000).map(row).collect(), handed: std::cell::Cell::new(0) };
    let page = prepare("SELECT Id FROM Opportunity ORDER BY SystemModstamp, Id LIMIT 10").unwrap();
    let Answer::Rows(rows) = page.run(&store) else { panic!("rows") };
    assert_eq!((rows.len(), store.handed.get()), (10, 10));
}
