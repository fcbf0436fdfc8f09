//! Property definitions, and values as HubSpot writes them (all text) turned into JSON and back.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use handoff_connector::{Fault, Lane, Reply, Request};
use serde_json::{Number, Value};

use crate::id::{HsId, is_property};
use crate::spec::ONE_CALL;
use crate::{Api, ask, error, row};

/// Most definitions of one object that are kept; HubSpot allows 1,000 custom ones.
const MOST: usize = 5_000;

/// How a property's text is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Flag,
    Number,
    Date,
    Moment,
    Owner,
    Text,
}

/// One property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Definition {
    pub(crate) kind: Kind,
    /// HubSpot's type, e.g. `enumeration`.
    pub(crate) kind_name: String,
    /// Values that can be chosen now.
    pub(crate) options: Vec<String>,
    /// Whether nobody can write it over the API.
    pub(crate) read_only: bool,
    /// Whether no two records share a value.
    pub(crate) unique: bool,
}

impl Definition {
    fn parse(row: &Value) -> Option<(String, Self)> {
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
        let flag = |value: Option<&Value>| value.and_then(Value::as_bool).unwrap_or(false);
        let name = text("name").to_owned();
        if !is_property(&name) {
            return None;
        }
        let owner = name == "hubspot_owner_id" || text("referencedObjectType") == "OWNER";
        let kind = match (text("type"), text("fieldType")) {
            _ if owner => Kind::Owner,
            ("bool", _) | (_, "booleancheckbox") => Kind::Flag,
            ("number", _) => Kind::Number,
            ("date", _) => Kind::Date,
            ("datetime", _) => Kind::Moment,
            _ => Kind::Text,
        };
        let choices = row.get("options").and_then(Value::as_array).into_iter().flatten();
        let shown = choices.filter(|option| !flag(option.get("hidden")));
        let options =
            shown.filter_map(|option| option.get("value")?.as_str()).map(str::to_owned).take(MOST).collect();
        let locked = row.get("modificationMetadata").and_then(|metadata| metadata.get("readOnlyValue"));
        let read_only = flag(locked) || flag(row.get("calculated"));
        let unique = flag(row.get("hasUniqueValue"));
        Some((name, Self { kind, kind_name: text("type").to_owned(), options, read_only, unique }))
    }
}

/// All properties of one object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Definitions(BTreeMap<String, Definition>);

impl Definitions {
    /// Reads the answer to a request for all properties of an object.
    pub(crate) fn parse(body: &Value) -> Result<Self, Fault> {
        let rows = body.get("results").and_then(Value::as_array).filter(|rows| !rows.is_empty());
        let rows = rows
            .ok_or_else(|| Fault::Protocol { detail: "property definitions without results".to_owned() })?;
        let known: BTreeMap<String, Definition> =
            rows.iter().take(MOST).filter_map(Definition::parse).collect();
        if known.is_empty() {
            return Err(Fault::Protocol { detail: "property definitions without names".to_owned() });
        }
        Ok(Self(known))
    }

    /// A property; `None` = the object has none of this name.
    pub(crate) fn find(&self, name: &str) -> Option<&Definition> {
        self.0.get(name)
    }

    fn kind(&self, name: &str) -> Kind {
        let owner = if name == "hubspot_owner_id" { Kind::Owner } else { Kind::Text };
        self.find(name).map_or(owner, |known| known.kind)
    }

    /// A value as HubSpot writes it, in our JSON. What does not fit its type stays text, and quality says so.
    pub(crate) fn read(&self, name: &str, raw: &Value) -> Value {
        let text = match raw {
            Value::String(text) if text.is_empty() => return Value::Null,
            Value::String(text) => text,
            Value::Null | Value::Bool(_) | Value::Number(_) => return raw.clone(),
            // No property holds a list or an object.
            Value::Array(_) | Value::Object(_) => return Value::Null,
        };
        match self.kind(name) {
            Kind::Flag if text.eq_ignore_ascii_case("true") => Value::Bool(true),
            Kind::Flag if text.eq_ignore_ascii_case("false") => Value::Bool(false),
            Kind::Number => number(text).map_or_else(|| raw.clone(), Value::Number),
            Kind::Owner if HsId::parse(text).is_some() => Value::String(format!("owner:{text}")),
            Kind::Flag | Kind::Date | Kind::Moment | Kind::Owner | Kind::Text => raw.clone(),
        }
    }

    /// A value of ours as HubSpot takes it; empty text clears. `None` = it cannot be written.
    pub(crate) fn write(&self, name: &str, value: &Value) -> Option<Value> {
        let text = match value {
            Value::Null => String::new(),
            Value::Bool(flag) => flag.to_string(),
            Value::Number(number) => number.to_string(),
            Value::String(text) => match (self.kind(name), text.strip_prefix("owner:")) {
                (Kind::Owner, Some(id)) => id.to_owned(),
                (Kind::Owner | Kind::Flag | Kind::Number | Kind::Date | Kind::Moment | Kind::Text, _) => {
                    text.clone()
                }
            },
            Value::Array(_) | Value::Object(_) => return None,
        };
        Some(Value::String(text))
    }
}

/// A number, unless writing it out again would give another one.
fn number(text: &str) -> Option<Number> {
    let text = text.trim();
    let number: Number = serde_json::from_str(text).ok()?;
    let plain = |text: &str| match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|byte| byte == b'0') => whole.to_owned(),
        Some(_) => text.trim_end_matches('0').to_owned(),
        None => text.to_owned(),
    };
    let exact = plain(&number.to_string()) == plain(text);
    if !exact {
        return None;
    }
    // 1.0 and 1 are one number to HubSpot.
    serde_json::from_str(&plain(text)).ok()
}

/// Definitions learnt so far, by object; shared by all conversations of a connector.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known(Arc<RwLock<BTreeMap<String, Arc<Definitions>>>>);

impl Known {
    /// The definitions of an object; `None` = not learnt yet.
    pub(crate) fn find(&self, object: &str) -> Option<Arc<Definitions>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(object).cloned()
    }

    /// Replaces what is known of an object.
    pub(crate) fn learn(&self, object: &str, definitions: Definitions) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(object.to_owned(), Arc::new(definitions));
    }
}

/// The question for an object's definitions.
pub(crate) fn request(api: &Api, object: &str, lane: Lane) -> Request {
    ask::get(api.dialect.properties(object), lane, ONE_CALL, "properties")
}

/// Learns an object's definitions from the answer.
pub(crate) fn learn(api: &Api, object: &str, reply: &Reply) -> Result<(), Fault> {
    let definitions = Definitions::parse(&row::whole(error::body(reply))?).map_err(|fault| match fault {
        Fault::Protocol { detail } => Fault::Protocol { detail: format!("{detail} ({object})") },
        other @ (Fault::Transient { .. }
        | Fault::Throttled { .. }
        | Fault::Expired
        | Fault::Denied { .. }
        | Fault::Stale
        | Fault::Gone
        | Fault::Refused { .. }) => other,
    })?;
    api.known.learn(object, definitions);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn definitions() -> Definitions {
        let row =
            |name: &str, kind: &str, field: &str| json!({ "name": name, "type": kind, "fieldType": field });
        Definitions::parse(&json!({ "results": [
            row("open", "bool", "booleancheckbox"),
            row("tick", "enumeration", "booleancheckbox"),
            row("amount", "number", "number"),
            row("closedate", "datetime", "date"),
            row("name", "string", "text"),
            row("hubspot_owner_id", "enumeration", "select"),
            { "name": "lead", "type": "enumeration", "fieldType": "select", "referencedObjectType": "OWNER" },
            { "name": "calc", "type": "bool", "fieldType": "booleancheckbox", "calculated": true },
            { "name": "Not A Name", "type": "string" },
            17,
        ] }))
        .expect("definitions")
    }

    #[test]
    fn values_are_typed_by_their_definition() {
        let known = definitions();
        for (name, raw, value) in [
            ("open", json!("true"), json!(true)),
            ("tick", json!("false"), json!(false)),
            ("open", json!("maybe"), json!("maybe")),
            ("open", json!(""), json!(null)),
            ("open", json!(null), json!(null)),
            ("amount", json!("17"), json!(17)),
            ("amount", json!("17.50"), json!(17.5)),
            ("amount", json!("1.0"), json!(1)),
            ("amount", json!("123456789012345678901234567890.1"), json!("123456789012345678901234567890.1")),
            ("amount", json!("many"), json!("many")),
            ("name", json!("17"), json!("17")),
            ("lead", json!("42"), json!("owner:42")),
            ("hubspot_owner_id", json!("42"), json!("owner:42")),
            ("unknown", json!("x"), json!("x")),
            ("name", json!(["x"]), json!(null)),
        ] {
            assert_eq!(known.read(name, &raw), value, "{name} {raw}");
        }
        for (name, value, raw) in [
            ("open", json!(true), json!("true")),
            ("amount", json!(1), json!("1")),
            ("name", json!(null), json!("")),
            ("lead", json!("owner:42"), json!("42")),
            ("name", json!("owner:42"), json!("owner:42")),
        ] {
            assert_eq!(known.write(name, &value), Some(raw));
        }
        assert_eq!(known.write("name", &json!({})), None);
        assert!(
            known.find("calc").expect("known").read_only && !known.find("open").expect("known").read_only
        );
        assert!(known.find("Not A Name").is_none());
    }

    proptest! {
            #[test]
            fn what_is_written_is_read_back(flag in any::<bool>(), number in any::<i64>(), text in ".+", owner in 1_u64..) {
                let known = definitions();
                let owner = format!("owner:{owner}");
                for (name, value) in [("open", json!(flag)), ("amount", json!(number)), ("name", json!(text)), ("lead", json!(owner))] {
                    let raw = known.write(name, &value).expect("plain");
                    prop_assert_eq!(known.read(name, &raw), value);
                }
            }

            #[test]
            fn any_number_keeps_its_digits(text in "-?[0-9]{1,40}(\\.[0-9]{0,20})?(e[0-9]{1,3})?") {
                match definitions().read("amount", &json!(text)) {
                    Value::Number(number) => {
                        let (ours, theirs): (f64, f64) = (number.to_string().parse().expect("a number"), text.parse().expect("a number"));
                        prop_assert_eq!(ours.to_bits(), theirs.to_bits());
                    }
                    other @ (Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
     prop_assert_eq!(other, json!(text));
    }
                }
            }
        }
}
