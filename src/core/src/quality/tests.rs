//! A labelled table: what a reader would take as an answer, and what not.

use std::collections::BTreeMap;

use jiff::civil::date;
use rust_decimal::Decimal;

use super::Rules;
use crate::completeness::Problem;
use crate::contract::{Kind, Part, Quality};
use crate::value::Value;

fn rules() -> Rules {
    Rules::new(&Quality { filler: vec!["see proposal".to_owned(), "Per SOW".to_owned()], min_chars: 15 })
}

fn verdict(kind: Kind, text: &str) -> Option<Problem> {
    let value = match kind {
        Kind::Name => Value::Name(text.to_owned()),
        Kind::Choice => Value::Choice(text.to_owned()),
        Kind::Person => Value::Person(text.to_owned()),
        Kind::Text
        | Kind::Number
        | Kind::Money
        | Kind::Date
        | Kind::Record
        | Kind::Flag
        | Kind::List
        | Kind::Series => Value::Text(text.to_owned()),
    };
    rules().problem(&Part::of(kind), Some(&value))
}

/// Seen as nothing at all.
const EMPTY: &[&str] = &[
    "",
    " ",
    "   ",
    "\t",
    "\n\n",
    "\r\n",
    "\u{200B}",
    "\u{200B}\u{200B}\u{200B}",
    " \u{200B} ",
    "\u{FEFF}",
    "\u{00A0}",
    "\u{3000}",
    "\u{2060}",
    "\u{00AD}",
    "\u{200D}\u{200C}",
    "\u{202E}",
    "\u{2800}\u{2800}",
    "\u{3164}",
    "\u{E0020}",
    "<p></p>",
    "<p><br></p>",
    "<p>&nbsp;</p>",
    "<div><span> </span></div>",
    "&nbsp;&nbsp;",
    "\u{0}",
    "<TBD>",
];

/// Stands there and says nothing, in prose.
const FILLER: &[&str] = &[
    "-",
    "--",
    "---",
    "—",
    ".",
    "..",
    "...",
    "…",
    "?",
    "??",
    "???",
    "!!!",
    "*",
    "/",
    "\\",
    "_",
    "_____________________",
    "(…)",
    "n/a",
    "N/A",
    " n/a ",
    "N / A",
    "n.a.",
    "N.A",
    "(n/a)",
    "\"n/a\"",
    "NA",
    "na.",
    "#N/A",
    "N\u{200B}/A",
    "n\u{00AD}/a",
    "ｎ／ａ",
    "none",
    "None",
    "NONE.",
    "nil",
    "null",
    "NULL",
    "undefined",
    "nan",
    "nothing",
    "TBD",
    "tbd",
    "t.b.d.",
    "TBD!",
    "[TBD]",
    "*TBD*",
    "T\u{200B}B\u{200B}D",
    "ＴＢＤ",
    "𝐓𝐁𝐃",
    "tbd tbd tbd",
    "tbd, tbd, tbd",
    "TBD - see notes",
    "tbd / n/a",
    "TBD for now, will update later",
    "to be determined",
    "to be determined later",
    "To be confirmed soon",
    "tba",
    "tbc",
    "todo",
    "TO DO",
    "to-do",
    "wip",
    "pending",
    "later",
    "select",
    "Select",
    "--Select--",
    "-- Select --",
    "Select one",
    "Please select",
    "please choose...",
    "choose",
    "0",
    "00",
    "x",
    "X",
    "xx",
    "xxx",
    "XXXX",
    "xxxxxxxxxxxxxxxxxxxxxxx",
    "aaaa",
    "aaaaaaaaaaaaaaaaaaaaa",
    "abababababababababab",
    "1111111111111111",
    "000000000000000",
    "asdf",
    "asdf asdf asdf",
    "asdfasdf",
    "qwerty",
    "test",
    "Test test test test test",
    "testing testing testing",
    "foo bar baz foo bar",
    "lorem ipsum",
    "blah blah blah blah blah",
    "bla bla bla bla bla bla",
    "see notes",
    "See Notes.",
    "see gong",
    "See Gong call",
    "see the notes",
    "see gong recording, thanks",
    "see slack",
    "see email",
    "see attached",
    "see above",
    "in the notes",
    "as discussed",
    "As discussed on the call",
    "same as above",
    "ditto",
    "unknown",
    "Unknown at this time",
    "not sure",
    "Not sure yet",
    "don't know",
    "dont know",
    "idk",
    "no idea",
    "not applicable",
    "Not applicable at this time",
    "not available",
    "ask the AE",
    "ask me",
    "will follow",
    "will update later",
    "yes",
    "no",
    "ok",
    "done",
    "fine",
    "all good",
    "placeholder",
    "https://app.gong.io/call?id=7483921734",
    "see https://app.gong.io/call?id=7483921734",
    "http://a.example/x https://b.example/y",
    "www.example.com/recording",
    "see proposal",
    "SEE PROPOSAL!",
    "per SOW",
    "ha ha ha ha ha ha ha ha ha ha",
    "yes yes yes yes yes yes",
    "<p>TBD</p>",
    "<p><b>n/a</b><br></p>",
    "tbd\ntbd\ntbd\ntbd",
    "n/a n/a n/a n/a n/a n/a n/a",
    "very very very very very very very very",
];

/// Says something, but too little to act on.
const SHORT: &[&str] = &[
    "CFO signs",
    "Up to 10k",
    "Bob",
    "a risk",
    "data",
    "SSO",
    "Migration",
    "E. g. ......................",
    "ok - - - - - - - CFO",
    "go        live        !",
    "1 2 3 4 5 6 7",
    "risk\u{200B}\u{200B}\u{200B}\u{200B}\u{200B}\u{200B}\u{200B}\u{200B}\u{200B}y",
];

/// Answers.
const REAL: &[&str] = &[
    "The CFO signs; up to 50k EUR she can sign alone.",
    "VP Finance signs alone up to $100,000, above that the board.",
    "Authority: Dana Cole, to 250k. Above: CEO countersigns.",
    "Head of IT is against it because he built the old tool.",
    "Champion is strong but leaves in March; COO neutral.",
    "We promised free migration of 3 years of data.",
    "Verbal: 24/7 support for the first 90 days.",
    "None of the stakeholders wants the old tool back.",
    "Nothing is promised beyond the order form except two training days.",
    "To be determined by procurement: the discount on renewal of 5 %.",
    "Select committee of the board approves on 12 May.",
    "Test environment is missing; IT needs four weeks to build one.",
    "Pending legal review of the data agreement until June.",
    "Unknown SSO provider; their IT answers by Friday.",
    "See-through pricing was promised to the works council.",
    "Integration with SAP may take longer than the go-live date allows.",
    "Yes, they asked for the API and we said it ships in Q3.",
    "No single sign-on until the parent company has migrated.",
    "They will miss the bulk edit and the Excel macros.",
    "Board meeting on 3 September; the CEO wants to show it there.",
    "Fiscal year ends 31 December; the old licence ends the same day.",
    "Second plant in Brno goes live next spring: 400 more seats.",
    "Time to invoice falls from 9 days to 2 days.",
    "Reduce churn from 12% to 8% in the first year",
    "Onboarding must finish before the audit in week 40.",
    "<p>Data quality in the old CRM is <b>poor</b>: 30 % duplicates.</p>",
    "Risk: <5 admins for 2,000 users, no backup.",
    "Der CFO unterschreibt bis 50.000 EUR allein.",
    "Le directeur financier signe seul jusqu'à 20 000 €.",
    "財務部長が単独で署名できる",
    "최고재무책임자가 서명합니다",
    "Финансовый директор подписывает до 50 тысяч",
    "المدير المالي يوقع وحده حتى خمسين ألفا",
    "Full story in https://app.gong.io/call?id=7: CFO fears a second migration.",
    "The champion was promoted, and her successor starts on Monday.",
    "Competitor is incumbent at the parent company; renewal in 2027.",
    "GDPR review by works council could stop go-live for six weeks.",
    "The usual three-month pilot does not apply; they skip it.",
    "High: legacy ERP has no API, only nightly CSV files.",
    "Asdf GmbH is the reseller and signs the order form",
    "Bar code scanners at 14 sites must work offline",
    "x-ray department wants its own tenant by August",
    "Mississippi plant first, Tennessee second",
    "Sales ops, finance ops, and rev ops each want admin rights",
];

#[test]
fn e02_junk_counts_as_missing_and_answers_do_not() {
    let table = [
        (EMPTY, Some(Problem::Empty)),
        (FILLER, Some(Problem::Filler)),
        (SHORT, Some(Problem::TooShort { needs: 15 })),
        (REAL, None),
    ];
    let mut wrong = Vec::new();
    for (texts, expected) in &table {
        for text in *texts {
            let found = verdict(Kind::Text, text);
            if &found != expected {
                wrong.push(format!("{text:?}: expected {expected:?}, found {found:?}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(table.iter().map(|(texts, _)| texts.len()).sum::<usize>() >= 200, "the table must stay large");
}

#[test]
fn e02_names_are_short_and_still_names() {
    for name in [
        "SAP",
        "IBM",
        "3M",
        "HP",
        "Excel",
        "Zoho",
        "monday.com",
        "BBB",
        "AAA",
        "Notion",
        "X1",
        "Salesforce",
        "G2",
        "Jira",
        "Bar Inc",
        "Gong",
        "Notes",
    ] {
        let expected = if matches!(name, "BBB" | "AAA") { Some(Problem::Filler) } else { None };
        assert_eq!(verdict(Kind::Name, name), expected, "{name}");
    }
    for junk in
        ["n/a", "none", "tbd", "-", "x", "?", "unknown", "Select", "0", "other", "yes", "xxxx", "\u{200B}"]
    {
        assert!(verdict(Kind::Name, junk).is_some(), "{junk}");
    }
}

#[test]
fn e02_people_and_records_are_ids() {
    for id in ["0035g00000ABCDEAA4", "005000000000001AAA", "12345", "51"] {
        assert_eq!(verdict(Kind::Person, id), None, "{id}");
    }
    for junk in ["", "n/a", "TBD", "000000000000000", "-", "unknown"] {
        assert!(verdict(Kind::Person, junk).is_some(), "{junk}");
    }
}

#[test]
fn e02_choices_are_the_contracts_own() {
    let free = Part::of(Kind::Choice);
    let listed = Part { choices: vec!["High".to_owned(), "None".to_owned()], ..Part::of(Kind::Choice) };
    let choose = |part: &Part, text: &str| rules().problem(part, Some(&Value::Choice(text.to_owned())));
    assert_eq!(choose(&free, "Strong"), None);
    assert_eq!(choose(&free, "High"), None, "a fair choice, though no prose");
    assert_eq!(choose(&free, "Select"), Some(Problem::Filler));
    assert_eq!(choose(&free, "--None--"), Some(Problem::Filler));
    assert_eq!(choose(&listed, "High"), None);
    assert_eq!(choose(&listed, "None"), None, "the contract says that none is a choice");
    assert_eq!(choose(&listed, "High;None"), None);
    assert_eq!(choose(&listed, "high"), Some(Problem::NotAChoice));
    assert_eq!(choose(&listed, "High;Tall"), Some(Problem::NotAChoice));
    assert_eq!(choose(&listed, "Select"), Some(Problem::Filler));
    assert_eq!(choose(&listed, ""), Some(Problem::Empty));
}

#[test]
fn e02_a_target_needs_a_figure() {
    let target = Part { needs_number: true, min_chars: Some(1), ..Part::of(Kind::Text) };
    let check = |text: &str| rules().problem(&target, Some(&Value::Text(text.to_owned())));
    for good in ["5 %", "30", "-12%", "from 9 to 2 days", "half: ½", "٤٠ %", "2x"] {
        assert_eq!(check(good), None, "{good}");
    }
    for wish in ["much better", "as agreed with them", "lower churn"] {
        assert_eq!(check(wish), Some(Problem::NoNumber), "{wish}");
    }
    assert_eq!(check("TBD"), Some(Problem::Filler));
    assert_eq!(check("0"), Some(Problem::Filler));
}

#[test]
fn e02_typed_values() {
    let check = |kind, value: Value| rules().problem(&Part::of(kind), Some(&value));
    assert_eq!(check(Kind::Number, Value::Number(Decimal::ZERO)), None, "none open is a number");
    assert_eq!(check(Kind::Money, Value::Money { amount: Decimal::from(-5), currency: None }), None);
    assert_eq!(check(Kind::Number, Value::Text("many".to_owned())), Some(Problem::WrongKind));
    assert_eq!(check(Kind::Number, Value::Text("tbd".to_owned())), Some(Problem::Filler));
    assert_eq!(check(Kind::Date, Value::Date(date(2027, 1, 31))), None);
    for placeholder in [date(1900, 1, 1), date(1970, 1, 1), date(9999, 12, 31), date(1, 1, 1)] {
        assert_eq!(check(Kind::Date, Value::Date(placeholder)), Some(Problem::Filler));
    }
    assert_eq!(check(Kind::Date, Value::Text("next spring".to_owned())), Some(Problem::WrongKind));
    assert_eq!(check(Kind::Flag, Value::Flag(true)), None);
    assert_eq!(check(Kind::Flag, Value::Flag(false)), Some(Problem::Empty));
    assert_eq!(check(Kind::Text, Value::Number(Decimal::ONE)), Some(Problem::WrongKind));
    assert_eq!(check(Kind::Text, Value::Erased), Some(Problem::Erased));
    assert_eq!(check(Kind::Series, Value::Series(Vec::new())), Some(Problem::Empty));
    let point = (date(2026, 1, 1), Decimal::ONE);
    assert_eq!(check(Kind::Series, Value::Series(vec![point])), Some(Problem::TooShort { needs: 2 }));
    assert_eq!(check(Kind::Series, Value::Series(vec![point, point])), None);
    assert_eq!(rules().problem(&Part::of(Kind::Text), None), Some(Problem::Empty));
}

#[test]
fn e02_every_row_of_a_list_answers() {
    let part = Part {
        columns: BTreeMap::from([("person".to_owned(), Kind::Person), ("role".to_owned(), Kind::Name)]),
        ..Part::of(Kind::List)
    };
    let row = |role: &str| {
        BTreeMap::from([
            ("person".to_owned(), Value::Person("003A".to_owned())),
            ("role".to_owned(), Value::Name(role.to_owned())),
        ])
    };
    let check = |rows: Vec<_>| rules().problem(&part, Some(&Value::List(rows)));
    assert_eq!(check(vec![]), Some(Problem::Empty));
    assert_eq!(check(vec![row("CFO"), row("CIO")]), None);
    let missing = Problem::RowIncomplete { row: 2, column: "role".to_owned() };
    assert_eq!(check(vec![row("CFO"), row("tbd")]), Some(missing.clone()));
    assert_eq!(
        check(vec![row("CFO"), BTreeMap::from([("person".to_owned(), Value::Person("003A".to_owned()))])]),
        Some(missing)
    );
}

proptest::proptest! {
    #[test]
    fn e02_no_amount_of_padding_makes_an_answer(pad in "[\u{200B} .\\-_\t\u{00A0}*]{0,60}", filler in "(TBD|n/a|None|Select|see notes|0|asdf)") {
        let padded = format!("{pad}{filler}{pad}");
        proptest::prop_assert!(verdict(Kind::Text, &padded).is_some(), "{:?}", padded);
    }

    #[test]
    fn e02_any_text_is_judged(text in "(?s).{0,200}") {
        let _ = verdict(Kind::Text, &text);
    }
}

/// Words, fillers, links, mark-up and signs, thrown together.
fn scraps() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let scrap = prop_oneof![
        3 => prop::sample::select(vec![
            "tbd", "see", "gong", "notes", "for", "now", "n/a", "xxx", "aaaa", "abab", "ab", "TBD", "Select", "per", "sow", "test",
            "www.x.io", "https://gong.io/call", "<p>", "</p>", "<b", "&nbsp;", "-", "...", "\"ok\"", "tbd,tbd", "0", "the customer",
        ]).prop_map(str::to_owned),
        2 => prop::sample::select(vec!["budget", "Ada", "Lovelace", "30", "signs", "alone", "Überweisung", "\u{200B}", "\u{FF34}bd", "don't"])
            .prop_map(str::to_owned),
        1 => "[a-c]{1,8}",
        1 => "\\PC{0,6}",
    ];
    let joint = prop::sample::select(vec![" ", "  ", ",", ";", "\n", "", "|", ":"]);
    prop::collection::vec((scrap, joint), 0..8)
        .prop_map(|scraps| scraps.into_iter().map(|(scrap, joint)| scrap + joint).collect())
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 4_000, ..Default::default() })]

    #[test]
    fn a_short_look_never_finds_more_than_a_close_one(text in scraps(), needs in 0..20_u32, needs_number: bool) {
        let rules = rules();
        let prose = Part { min_chars: Some(needs), needs_number, ..Part::of(Kind::Text) };
        let kinds = [(prose, Value::Text(text.clone())), (Part::of(Kind::Name), Value::Name(text.clone())),
            (Part::of(Kind::Person), Value::Person(text.clone())),
            (Part::of(Kind::Choice), Value::Choice(text.clone())), (Part::of(Kind::Record), Value::Record(text))];
        for (part, value) in kinds {
            if rules.answers_at_a_glance(&part, &value) {
                proptest::prop_assert_eq!(rules.looked_at_closely(&part, &value), None);
            }
        }
    }
}

#[test]
fn a_short_look_is_enough_for_plain_answers_and_never_for_fillers() {
    let rules = rules();
    let glance = |text: &str| rules.answers_at_a_glance(&Part::of(Kind::Text), &Value::Text(text.to_owned()));
    assert!(glance("The CFO signs alone up to 50,000 EUR."));
    let junk = [
        "",
        "tbd",
        "see gong for now",
        "https://gong.io/call/1234567890 budget signs",
        "www.gong.io signs alone",
        "aaaaaaaaaaaaaaaaaaaa",
        "<p></p>",
    ];
    assert_eq!(junk.map(glance), [false; 7]);
}

#[test]
fn empty_lists_and_series_are_missing_and_junk_rows_are_named() {
    let columns = BTreeMap::from([("feature".to_owned(), Kind::Name), ("uses".to_owned(), Kind::Series)]);
    let curves = Part { columns, ..Part::of(Kind::List) };
    let point = |day: i8| (date(2026, 11, day), Decimal::ONE);
    let row = |feature: &str, points: Vec<_>| {
        BTreeMap::from([
            ("feature".to_owned(), Value::Name(feature.to_owned())),
            ("uses".to_owned(), Value::Series(points)),
        ])
    };
    let judged = |rows: Vec<BTreeMap<String, Value>>| rules().problem(&curves, Some(&Value::List(rows)));
    let incomplete = |row: u32, column: &str| Some(Problem::RowIncomplete { row, column: column.to_owned() });
    assert_eq!(judged(Vec::new()), Some(Problem::Empty));
    assert_eq!(judged(vec![row("Alerts", vec![point(2), point(9)]), row("Export", vec![point(9)])]), None);
    assert_eq!(judged(vec![row("Alerts", Vec::new())]), incomplete(1, "uses"));
    assert_eq!(
        judged(vec![row("Alerts", vec![point(2)]), row("n/a", vec![point(2)])]),
        incomplete(2, "feature")
    );
    let series = |points| rules().problem(&Part::of(Kind::Series), Some(&Value::Series(points)));
    assert_eq!(series(Vec::new()), Some(Problem::Empty));
    assert_eq!(series(vec![point(2)]), Some(Problem::TooShort { needs: 2 }));
    assert_eq!(series(vec![point(2), point(9)]), None);
    let unread =
        rules().problem(&Part::of(Kind::Series), Some(&Value::Text("a long time ago, in hours".to_owned())));
    assert_eq!(unread, Some(Problem::WrongKind));
}
