//! Checks TOML against a schema, so that every finding is told at once and with its place; serde stops at the first.

use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

/// A finding with the bytes it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) span: Range<usize>,
    pub(super) message: String,
    pub(super) remedy: String,
}

const MOST: usize = 100;

/// All findings of a document, at most 100.
pub(super) fn check(root: &Spanned<DeTable<'_>>, schema: &Value) -> Vec<Finding> {
    let mut walk = Walk { defs: schema.get("$defs"), findings: Vec::new() };
    walk.table(root.get_ref(), 0..0, schema, &Place::default());
    walk.findings.sort_by_key(|finding| finding.span.start);
    walk.findings.truncate(MOST);
    walk.findings
}

/// Where in the file, as an admin names it.
#[derive(Debug, Clone, Default)]
struct Place {
    row: Option<String>,
    keys: Vec<String>,
}

impl Place {
    fn key(&self, key: &str) -> Self {
        let mut place = self.clone();
        place.keys.push(key.to_owned());
        place
    }

    fn row(&self, index: usize, item: &DeValue<'_>) -> Self {
        let key = match item {
            DeValue::Table(table) => table.get("key").and_then(|key| key.get_ref().as_str()),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => None,
        };
        let name = key.map_or_else(|| (index + 1).to_string(), quoted);
        Self { row: Some(format!("[[{}]] {name}", self.keys.join("."))), keys: Vec::new() }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.row, self.keys.join(".")) {
            (None, keys) if keys.is_empty() => f.write_str("the file"),
            (None, keys) => write!(f, "[{keys}]"),
            (Some(row), keys) if keys.is_empty() => f.write_str(row),
            (Some(row), keys) => write!(f, "{row}, {keys}"),
        }
    }
}

/// The finding is told already.
struct Told;

struct Walk<'s> {
    defs: Option<&'s Value>,
    findings: Vec<Finding>,
}

impl<'s> Walk<'s> {
    fn tell(&mut self, span: Range<usize>, message: String, remedy: String) {
        if self.findings.len() < MOST {
            self.findings.push(Finding { span, message, remedy });
        }
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, schema: &'s Value, key: &str, place: &Place) {
        let forms = self.forms(schema);
        if forms.iter().any(|form| is_anything(form)) {
            return;
        }
        let span = value.span();
        let of_type = |name: &str| forms.iter().copied().find(|form| has_type(form, name));
        match value.get_ref() {
            DeValue::String(text) => self.word(text, span, &forms, key, place),
            DeValue::Table(table) => match self.variant(table, span.clone(), &forms, key, place) {
                Ok(Some(form)) => self.table(table, span, form, &place.key(key)),
                Ok(None) => self.wrong_type("a table", span, &forms, key, place),
                Err(Told) => {}
            },
            DeValue::Array(items) => match of_type("array") {
                Some(form) => {
                    let Some(schema) = form.get("items") else { return };
                    for (index, item) in items.iter().enumerate() {
                        match item.get_ref() {
                            DeValue::Table(table) => self.row(table, index, item, schema, &place.key(key)),
                            DeValue::String(_)
                            | DeValue::Integer(_)
                            | DeValue::Float(_)
                            | DeValue::Boolean(_)
                            | DeValue::Datetime(_)
                            | DeValue::Array(_) => self.value(item, schema, key, place),
                        }
                    }
                }
                None => self.wrong_type("an array", span, &forms, key, place),
            },
            DeValue::Integer(number) => match of_type("integer") {
                Some(form) if fits(number, form) => {}
                Some(form) => {
                    let (least, most) = range(form);
                    self.tell(
                        span,
                        format!("{} in {place} is out of range", quoted(key)),
                        format!("write a whole number from {least} to {most}"),
                    );
                }
                None => self.wrong_type("a whole number", span, &forms, key, place),
            },
            DeValue::Boolean(_) => {
                if of_type("boolean").is_none() {
                    self.wrong_type("true or false", span, &forms, key, place);
                }
            }
            DeValue::Float(_) => self.wrong_type("a number with a fraction", span, &forms, key, place),
            DeValue::Datetime(_) => self.wrong_type("a date or time", span, &forms, key, place),
        }
    }

    /// The form of a table: the only one, or the variant that its tag names.
    fn variant(
        &mut self,
        table: &DeTable<'_>,
        span: Range<usize>,
        forms: &[&'s Value],
        key: &str,
        place: &Place,
    ) -> Result<Option<&'s Value>, Told> {
        let objects: Vec<&'s Value> = forms.iter().copied().filter(|form| has_type(form, "object")).collect();
        let Some((tag, _)) = objects.first().filter(|_| objects.len() > 1).and_then(|form| tags(form).next())
        else {
            return Ok(objects.first().copied());
        };
        let known: Vec<&str> = objects.iter().flat_map(|form| tags(form)).map(|(_, word)| word).collect();
        let place = place.key(key);
        let Some((at, found)) =
            table.get(tag).and_then(|value| Some((value.span(), value.get_ref().as_str()?)))
        else {
            let choices: Vec<String> = known.iter().map(|word| quoted(word)).collect();
            self.tell(
                span,
                format!("missing key {} in {place}", quoted(tag)),
                format!("add one of {}", choices.join(", ")),
            );
            return Err(Told);
        };
        let named = objects.iter().copied().find(|form| tags(form).any(|each| each == (tag, found)));
        if named.is_none() {
            let remedy = suggestion(found, &known);
            self.tell(at, format!("unknown value {} for {} in {place}", quoted(found), quoted(tag)), remedy);
        }
        named.map(Some).ok_or(Told)
    }

    fn row(
        &mut self,
        table: &DeTable<'_>,
        index: usize,
        item: &Spanned<DeValue<'_>>,
        schema: &'s Value,
        place: &Place,
    ) {
        let forms = self.forms(schema);
        match forms.iter().copied().find(|form| has_type(form, "object")) {
            Some(form) => self.table(table, item.span(), form, &place.row(index, item.get_ref())),
            None => self.wrong_type("a table", item.span(), &forms, &(index + 1).to_string(), place),
        }
    }

    fn table(&mut self, table: &DeTable<'_>, span: Range<usize>, form: &'s Value, place: &Place) {
        let known = form.get("properties").and_then(Value::as_object);
        let others = form.get("additionalProperties");
        let mut misspelt = Vec::new();
        for (key, value) in table {
            let name: &str = key.get_ref();
            match (known.and_then(|known| known.get(name)), others) {
                (Some(schema), _) => self.value(value, schema, name, place),
                (None, Some(schema)) if schema.is_object() => self.value(value, schema, name, place),
                (None, Some(_) | None) => {
                    let names: Vec<&str> =
                        known.map(|known| known.keys().map(String::as_str).collect()).unwrap_or_default();
                    misspelt.extend(closest(name, &names));
                    let remedy = suggestion(name, &names);
                    self.tell(key.span(), format!("unknown key {} in {place}", quoted(name)), remedy);
                }
            }
        }
        let required = form.get("required").and_then(Value::as_array).into_iter().flatten();
        // A key that stands there misspelt is told once.
        let absent = |name: &&str| !table.contains_key(*name) && !misspelt.contains(name);
        for name in required.filter_map(Value::as_str).filter(absent) {
            let remedy = describe(known.and_then(|known| known.get(name)));
            self.tell(span.clone(), format!("missing key {} in {place}", quoted(name)), remedy);
        }
    }

    fn word(&mut self, text: &str, span: Range<usize>, forms: &[&'s Value], key: &str, place: &Place) {
        let words: Vec<&str> = forms.iter().flat_map(|form| words(form)).collect();
        let free = forms.iter().any(|form| has_type(form, "string") && words_of_form_are_absent(form));
        if free || words.contains(&text) {
            return;
        }
        if words.is_empty() {
            self.wrong_type("text", span, forms, key, place);
        } else {
            let remedy = suggestion(text, &words);
            self.tell(span, format!("unknown value {} for {} in {place}", quoted(text), quoted(key)), remedy);
        }
    }

    fn wrong_type(&mut self, found: &str, span: Range<usize>, forms: &[&'s Value], key: &str, place: &Place) {
        let mut wanted: Vec<&str> = forms.iter().flat_map(|form| type_names(form)).collect();
        wanted.dedup();
        let message = format!("wrong type for {} in {place}: found {found}", quoted(key));
        self.tell(span, message, format!("write {}", wanted.join(" or ")));
    }

    /// The alternatives of a schema, references followed.
    fn forms(&self, schema: &'s Value) -> Vec<&'s Value> {
        let mut forms = Vec::new();
        self.collect(schema, 0, &mut forms);
        forms
    }

    fn collect(&self, schema: &'s Value, depth: u8, forms: &mut Vec<&'s Value>) {
        let target = schema
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|name| name.strip_prefix("#/$defs/"))
            .and_then(|name| self.defs?.get(name));
        let alternatives =
            ["anyOf", "oneOf"].iter().find_map(|name| schema.get(name)).and_then(Value::as_array);
        match (target, alternatives) {
            (Some(_), _) | (_, Some(_)) if depth > 8 => {}
            (Some(target), _) => self.collect(target, depth + 1, forms),
            (None, Some(list)) => list.iter().for_each(|each| self.collect(each, depth + 1, forms)),
            (None, None) => forms.push(schema),
        }
    }
}

fn fits(number: &DeInteger<'_>, form: &Value) -> bool {
    let (least, most) = range(form);
    u64::from_str_radix(number.as_str(), number.radix()).is_ok_and(|number| (least..=most).contains(&number))
}

/// Least and greatest whole number; what a schema leaves open ends where 32 bits end.
fn range(form: &Value) -> (u64, u64) {
    let bound =
        |name: &str, otherwise: u32| form.get(name).and_then(Value::as_u64).unwrap_or(u64::from(otherwise));
    (bound("minimum", 0), bound("maximum", u32::MAX))
}

/// The words that tell a variant: its properties with exactly one value.
fn tags(form: &Value) -> impl Iterator<Item = (&str, &str)> {
    let properties = form.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flatten()
        .filter_map(|(name, schema)| Some((name.as_str(), schema.get("const")?.as_str()?)))
}

fn is_anything(form: &Value) -> bool {
    ["type", "const", "enum"].iter().all(|name| form.get(name).is_none())
}

fn types(form: &Value) -> impl Iterator<Item = &str> {
    let named = form.get("type");
    let many = named.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    named.and_then(Value::as_str).into_iter().chain(many)
}

fn has_type(form: &Value, name: &str) -> bool {
    types(form).any(|each| each == name)
}

fn words(form: &Value) -> Vec<&str> {
    let one = form.get("const").and_then(Value::as_str);
    let many = form.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    one.into_iter().chain(many).collect()
}

fn words_of_form_are_absent(form: &Value) -> bool {
    words(form).is_empty()
}

fn type_names(form: &Value) -> Vec<&'static str> {
    types(form)
        .filter_map(|name| match name {
            "object" => Some("a table"),
            "array" => Some("an array"),
            "integer" => Some("a whole number"),
            "boolean" => Some("true or false"),
            "string" => Some("text in quotes"),
            _ => None,
        })
        .collect()
}

fn describe(schema: Option<&Value>) -> String {
    let text =
        schema.and_then(|schema| schema.get("description")).and_then(Value::as_str).unwrap_or_default();
    let first = text.split(['.', ';', ':']).next().unwrap_or_default().trim().replace('\n', " ");
    if first.is_empty() { "add it".to_owned() } else { format!("add it: {first}") }
}

/// `did you mean "x"?`, or what is known, if little is.
pub fn suggestion(wrong: &str, known: &[&str]) -> String {
    match closest(wrong, known) {
        Some(name) => format!("did you mean {}?", quoted(name)),
        None if known.is_empty() => "remove it".to_owned(),
        None => {
            let names: Vec<String> = known.iter().take(12).map(|name| quoted(name)).collect();
            let more = if known.len() > 12 { ", …" } else { "" };
            format!("known: {}{more}", names.join(", "))
        }
    }
}

fn closest<'k>(wrong: &str, known: &[&'k str]) -> Option<&'k str> {
    // Far longer than any key of ours: no slip of the finger, and not worth the time.
    if wrong.len() > 100 {
        return None;
    }
    let wrong = wrong.to_lowercase();
    known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&wrong, &name.to_lowercase()), *name))
        .filter(|(distance, name)| *distance <= 1 + name.chars().count() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// A word of a file in quotes, on one line, at most 60 characters.
pub fn quoted(word: &str) -> String {
    let short: String = word.chars().take(60).collect();
    let cut = if short.len() < word.len() { "…" } else { "" };
    format!("\"{}{cut}\"", short.escape_debug().to_string().replace("\\'", "'"))
}

/// The bytes of the deepest part of `path` that the file has: the key for a table's entry, the row for an array's.
pub(super) fn locate(root: &Spanned<DeTable<'_>>, path: &[String]) -> Range<usize> {
    let mut span = 0..0;
    let mut steps = path.iter();
    let Some((key, value)) = steps.next().and_then(|step| root.get_ref().get_key_value(step.as_str())) else {
        return span;
    };
    span = key.span().start..span.end.max(key.span().end);
    let mut here = value;
    for step in steps {
        let next = match here.get_ref() {
            DeValue::Table(table) => {
                table.get_key_value(step.as_str()).map(|(key, value)| (key.span(), value))
            }
            DeValue::Array(rows) => {
                step.parse().ok().and_then(|index: usize| rows.get(index)).map(|row| (row.span(), row))
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => None,
        };
        let Some((found, value)) = next else { break };
        span = found;
        here = value;
    }
    span
}
