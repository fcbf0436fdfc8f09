use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::schema::FieldSchema;
use crate::value::Value;

/// A save with fields by name.
pub(crate) struct Save {
    pub(crate) new: BTreeMap<&'static str, Value>,
    pub(crate) old: Option<BTreeMap<&'static str, Value>>,
    pub(crate) permissions: Vec<&'static str>,
}

fn find<'a>(fields: &'a BTreeMap<&'static str, Value>, name: &str) -> Cell<'a> {
    fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map_or(Cell::Null, |(_, v)| v.cell())
}

impl Context for Save {
    fn value(&self, field: &str) -> Cell<'_> {
        find(&self.new, field)
    }
    fn prior(&self, field: &str) -> Option<Cell<'_>> {
        self.old.as_ref().map(|old| find(old, field))
    }
    fn is_new(&self) -> bool {
        self.old.is_none()
    }
    fn user_id(&self) -> &'static str {
        "005000000000001AAA"
    }
    fn profile_name(&self) -> &'static str {
        "Sales"
    }
    fn has_permission(&self, name: &str) -> bool {
        self.permissions.contains(&name)
    }
    fn now(&self) -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }
}

pub(crate) fn deal() -> ObjectSchema {
    use FieldType as F;
    ObjectSchema::new(
        "Opportunity",
        [
            ("StageName", F::Picklist),
            ("Flag__c", F::Boolean),
            ("Amount", F::Currency),
            ("Name", F::String),
            ("NextStep", F::String),
            ("CloseDate", F::Date),
            ("Cleared__c", F::DateTime),
            ("Fields__c", F::MultiPicklist),
            ("OwnerId", F::Reference),
        ]
        .map(|(name, kind)| FieldSchema::new(name, kind, 0)),
    )
}

fn text(t: &str) -> Value {
    Value::Text(t.into())
}

fn update() -> Save {
    let new = BTreeMap::from([
        ("StageName", text("Closed Won")),
        ("Amount", Value::Number(100.into())),
        ("Name", text("Acme")),
        ("CloseDate", Value::Date(jiff::civil::date(2026, 11, 30))),
        ("Cleared__c", Value::DateTime("2026-11-20T00:00:00Z".parse().unwrap())),
        ("Fields__c", text("risks;go_live")),
        ("OwnerId", text("005000000000001AAA")),
    ]);
    let mut old = new.clone();
    old.insert("StageName", text("Commit"));
    Save { new, old: Some(old), permissions: vec!["Writer"] }
}

fn result(formula: &str, save: &Save) -> Value {
    let compiled = Formula::compile(formula, &deal()).unwrap_or_else(|e| panic!("{formula}: {e}"));
    compiled.evaluate(save).unwrap_or_else(|e| panic!("{formula}: {e}"))
}

#[test]
fn formulas_are_true_where_the_vendor_says_so() {
    let save = update();
    for formula in [
        r#"ISPICKVAL(StageName, "Closed Won")"#,
        "ispickval(PRIORVALUE(stagename), 'Commit') && ISCHANGED(StageName)",
        "NOT(ISCHANGED(Amount))",
        "NOT(ISNEW())",
        "! Flag__c",
        "Flag__c = FALSE",
        "NOT(ISBLANK(Amount))",
        "ISBLANK(NextStep) && ISNULL(NextStep) && NextStep = \"\" && NextStep = NULL",
        "NOT(ISBLANK(Name)) || FALSE",
        r#"BLANKVALUE(NextStep, "none") = "none""#,
        r#"TEXT(StageName) = "Closed Won" && TEXT(StageName) <> "closed won""#,
        r#"CASE(StageName, "Commit", 1, "Closed Won", 2, 0) == 2"#,
        "LEN(Name) = 4 && LEN(NextStep) = 0",
        r#"UPPER(Name) & LOWER("X") + TRIM(" y ") = "ACMExy""#,
        r#"CONTAINS(Name, "cm") && BEGINS(Name, "Ac") && !BEGINS(Name, "ac")"#,
        r#"INCLUDES(Fields__c, "risks") && !INCLUDES(Fields__c, "risk") && NOT(ISBLANK(Fields__c))"#,
        r#"VALUE("12.50") = 12.5 && TEXT(12.50) = "12.5""#,
        "TODAY() = DATEVALUE(NOW()) && DATEVALUE(\"2026-11-20\") = TODAY()",
        "CloseDate - TODAY() = 10 && TODAY() + 10 = CloseDate && CloseDate - 10 = TODAY()",
        "NOW() - Cleared__c = 0.5 && Cleared__c < NOW()",
        "1 + 2 * 3 ^ 2 - 4 / 2 = 17 && -2 + 3 = 1 && 2 ^ -1 = 0.5",
        "AND(1 < 2, 2 <= 2, 3 > 2, 3 >= 3, 1 != 2)",
        r#"OwnerId = $User.Id && $Profile.Name = "Sales" && $Permission.Writer && NOT($Permission.Other)"#,
        r#"IF(Flag__c, "a", "b") = "b""#,
        "/* a comment */ TRUE",
        "PRIORVALUE(Amount) = 100",
    ] {
        assert_eq!(result(formula, &save), Value::Bool(true), "{formula}");
    }
}

#[test]
fn null_numbers_are_neither_more_nor_less() {
    let mut save = update();
    save.new.insert("Amount", Value::Null);
    for formula in ["Amount > 5", "Amount < 5", "Amount = 5", "Amount + 5 > 0", "Amount <> NULL"] {
        assert_eq!(result(formula, &save), Value::Bool(false), "{formula}");
    }
    for formula in
        ["ISBLANK(Amount)", "Amount <> 5", "Amount = NULL", "ISBLANK(-Amount)", "ISCHANGED(Amount)"]
    {
        assert_eq!(result(formula, &save), Value::Bool(true), "{formula}");
    }
}

#[test]
fn on_create_prior_values_are_the_current_ones_and_nothing_is_changed() {
    let save = Save { old: None, ..update() };
    assert_eq!(result(r#"ISPICKVAL(PRIORVALUE(StageName), "Closed Won")"#, &save), Value::Bool(true));
    assert_eq!(result("ISCHANGED(StageName)", &save), Value::Bool(false));
    assert_eq!(result("ISNEW()", &save), Value::Bool(true));
}

#[test]
fn what_does_not_compile_says_where_and_why() {
    for (formula, position, words) in [
        (r#"StageName = "Closed Won""#, 0, "picklist"),
        ("ISBLANK(StageName)", 8, "picklist"),
        (r#"Fields__c = "x""#, 0, "multi-select"),
        ("Nope__c", 0, "does not exist"),
        ("AND(TRUE, 5)", 10, "expected Boolean, received Number"),
        ("Amount = Name", 9, "expected Number, received Text"),
        ("Flag__c < TRUE", 0, "no order"),
        ("ISPICKVAL(StageName, Name)", 21, "literal"),
        ("ISPICKVAL(Name, \"x\")", 10, "expected Picklist"),
        ("NOT(TRUE, TRUE)", 0, "expected 1, received 2"),
        ("AND()", 0, "at least 1"),
        ("FOO(1)", 0, "unknown function"),
        ("ISCHANGED(5)", 10, "name of a field"),
        ("TRUE TRUE", 5, "expected an operator"),
        ("(TRUE", 5, "')'"),
        ("1 < 2 < 3", 6, "chained"),
        ("\"open", 0, "not closed"),
        ("TRUE /* open", 5, "not closed"),
        ("$Setup.X", 0, "unknown global"),
        ("Name - 1", 7, "does not take"),
        ("TRUE # FALSE", 5, "unexpected character"),
        ("", 0, "expected a value"),
        ("CASE(Amount, 1, 2)", 0, "CASE takes"),
        ("IF(TRUE, 1, Name)", 12, "expected Number, received Text"),
    ] {
        let error = Formula::compile(formula, &deal()).expect_err(formula);
        assert!(error.message.contains(words), "{formula}: {error}");
        assert_eq!(error.position, position, "{formula}: {error}");
    }
}

#[test]
fn what_cannot_be_evaluated_is_an_error_and_never_false() {
    for (formula, expected) in [
        ("1 / 0 = 1", EvalError::DivisionByZero),
        ("10 ^ 100 > 1", EvalError::OutOfRange),
        ("VALUE(Name) = 1", EvalError::BadConversion),
        ("DATEVALUE(Name) = TODAY()", EvalError::BadConversion),
        ("TODAY() + 99999999 > TODAY()", EvalError::OutOfRange),
    ] {
        let compiled = Formula::compile(formula, &deal()).unwrap();
        assert_eq!(compiled.is_true(&update()), Err(expected), "{formula}");
    }
    let mut save = update();
    save.new.insert("Amount", text("many"));
    assert_eq!(Formula::compile("Amount > 5", &deal()).unwrap().is_true(&save), Err(EvalError::WrongType));
    // a part that is not needed is not evaluated
    assert_eq!(result("OR(TRUE, 1 / 0 = 1)", &update()), Value::Bool(true));
}

#[test]
fn references_are_listed() {
    let formula =
        Formula::compile("AND(Flag__c, ISCHANGED(Amount), NOT($Permission.Writer))", &deal()).unwrap();
    assert_eq!(formula.referenced_fields().iter().collect::<Vec<_>>(), ["Amount", "Flag__c"]);
    assert_eq!(formula.referenced_permissions().iter().collect::<Vec<_>>(), ["Writer"]);
    assert!(formula.is_boolean());
}

#[test]
fn deep_and_long_formulas_are_refused_without_using_the_stack() {
    for deep in ["(".repeat(3_900), "!".repeat(3_900), "NOT(".repeat(970), "-".repeat(3_900)] {
        assert!(Formula::compile(&deep, &deal()).unwrap_err().message.contains("deeper"));
    }
    assert!(Formula::compile(&" ".repeat(3_901), &deal()).unwrap_err().message.contains("longer"));
    let wide = format!("{}1 > 0", "1 + ".repeat(900));
    assert_eq!(result(&wide, &update()), Value::Bool(true));
}

fn words() -> impl Strategy<Value = String> {
    let words = vec![
        "AND",
        "OR",
        "NOT",
        "IF",
        "CASE",
        "ISNEW()",
        "ISCHANGED",
        "PRIORVALUE",
        "ISPICKVAL",
        "ISBLANK",
        "TEXT",
        "LEN",
        "VALUE",
        "DATEVALUE",
        "NOW()",
        "TODAY()",
        "(",
        ")",
        ",",
        "=",
        "<>",
        "<",
        "&&",
        "||",
        "!",
        "+",
        "-",
        "*",
        "/",
        "&",
        "^",
        "1",
        "99999999999999999999",
        "\"x\"",
        "NULL",
        "TRUE",
        "StageName",
        "Amount",
        "Flag__c",
        "Name",
        "CloseDate",
        "Cleared__c",
        "Fields__c",
        "$User.Id",
        "$Permission.Writer",
    ];
    prop::collection::vec(prop::sample::select(words), 0..25).prop_map(|w| w.join(" "))
}

/// Boolean formulas built well-formed, so that evaluation is reached.
fn sound() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "ISNEW()".to_owned(),
        "Flag__c".to_owned(),
        "ISCHANGED(Amount)".to_owned(),
        "ISPICKVAL(StageName, \"Commit\")".to_owned(),
        "ISPICKVAL(PRIORVALUE(StageName), \"Commit\")".to_owned(),
        "ISBLANK(NextStep)".to_owned(),
        "Amount / 0 > 1".to_owned(),
        "Amount * 2 > 150".to_owned(),
        "CloseDate < TODAY()".to_owned(),
    ]);
    leaf.prop_recursive(4, 32, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|p| format!("AND({})", p.join(", "))),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|p| format!("({})", p.join(" || "))),
            inner.clone().prop_map(|p| format!("NOT({p})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("IF({a}, {b}, {c})")),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,120}") {
        let _ = Formula::compile(&text, &deal());
    }

    #[test]
    fn no_sentence_of_formula_words_panics(text in words()) {
        if let Ok(formula) = Formula::compile(&text, &deal()) {
            let _ = formula.evaluate(&update());
            let _ = formula.evaluate(&Save { old: None, ..update() });
        }
    }

    /// Double negation and both spellings of AND/OR mean the same.
    #[test]
    fn spellings_agree(a in sound(), b in sound()) {
        let save = update();
        let value = |f: String| Formula::compile(&f, &deal()).unwrap().is_true(&save);
        prop_assert_eq!(value(format!("NOT(NOT({a}))")), value(a.clone()));
        prop_assert_eq!(value(format!("AND({a}, {b})")), value(format!("({a}) && ({b})")));
        prop_assert_eq!(value(format!("OR({a}, {b})")), value(format!("({a}) || ({b})")));
        prop_assert_eq!(value(format!("IF({a}, {b}, FALSE)")), value(format!("AND({a}, {b})")));
    }
}
