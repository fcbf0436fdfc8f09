//! What a property accepts, and how it is stored.

use serde_json::{Value as Json, json};

use crate::{
    refusal::Refusal,
    schema::{ObjectIx, PropertySpec, PropertyType},
    state::State,
    when,
};

/// Longest value in characters.
const LONGEST: usize = 65_536;

/// What a value became.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) value: String,
    /// A normalisation that dialect 2026-09 reports.
    pub(crate) warning: Option<Json>,
}

/// A value that a property does not take.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

fn wrong(code: &'static str, message: impl Into<String>) -> Wrong {
    Wrong { code, message: message.into() }
}

/// The text of a JSON value as the vendor takes it; `None` for lists and objects.
pub(crate) fn text(value: &Json) -> Option<String> {
    match value {
        Json::Null => Some(String::new()),
        Json::String(text) => Some(text.clone()),
        Json::Bool(_) | Json::Number(_) => Some(value.to_string()),
        Json::Array(_) | Json::Object(_) => None,
    }
}

impl State {
    /// Checks a value against its property. `current` is what stands there, for appending to multi-selects.
    pub(crate) fn accept(
        &self,
        object: ObjectIx,
        spec: &PropertySpec,
        current: Option<&str>,
        raw: &Json,
        normalise: bool,
    ) -> Result<Accepted, Wrong> {
        let Some(given) = text(raw) else {
            return Err(wrong("INVALID_VALUE", format!("{} takes a single value", spec.name)));
        };
        let plain = |value: String| Ok(Accepted { value, warning: None });
        if given.is_empty() {
            return plain(given);
        }
        if given.chars().count() > LONGEST {
            return Err(wrong("PROPERTY_VALUE_TOO_LONG", format!("{} is longer than {LONGEST}", spec.name)));
        }
        match spec.kind {
            PropertyType::String | PropertyType::PhoneNumber => {
                if spec.name == "email" && !is_email(&given) {
                    return Err(wrong("INVALID_EMAIL", "Email address is invalid"));
                }
                plain(given)
            }
            PropertyType::Number => match given.trim().parse::<rust_decimal::Decimal>() {
                Ok(_) => plain(given.trim().to_owned()),
                Err(_) => Err(wrong("INVALID_LONG", format!("{} was not a valid number.", spec.name))),
            },
            PropertyType::Bool => match given.to_ascii_lowercase().as_str() {
                word @ ("true" | "false") => plain(word.to_owned()),
                _ => Err(wrong("INVALID_OPTION", "value was not one of the allowed options: [true, false]")),
            },
            PropertyType::Date => date(spec, &given, normalise),
            PropertyType::Datetime => match when::parse(&given) {
                Some(at) => plain(when::iso(at)),
                None => Err(wrong("INVALID_DATE", format!("{} was not a valid datetime.", spec.name))),
            },
            PropertyType::Enumeration => {
                self.option(object, spec, current, &given).map(|value| Accepted { value, warning: None })
            }
        }
    }

    fn option(
        &self,
        object: ObjectIx,
        spec: &PropertySpec,
        current: Option<&str>,
        given: &str,
    ) -> Result<String, Wrong> {
        if spec.is_owner() {
            let known = given.parse::<u64>().is_ok_and(|id| self.users.values().any(|user| user.owner == id));
            return if known {
                Ok(given.to_owned())
            } else {
                Err(wrong("INVALID_OWNER_ID", format!("Owner {given} does not exist")))
            };
        }
        let pipeline = self.schema.object(object).and_then(|object| object.pipeline);
        if let Some((pipeline, stage)) = pipeline {
            if spec.name == pipeline {
                return match self.pipeline(object, given) {
                    Some(_) => Ok(given.to_owned()),
                    None => {
                        Err(wrong("INVALID_OPTION", "value was not one of the allowed options of pipeline"))
                    }
                };
            }
            if spec.name == stage {
                return match self.pipeline_of_stage(object, given) {
                    Some(_) => Ok(given.to_owned()),
                    None => Err(wrong(
                        "INVALID_OPTION",
                        "value was not one of the allowed options of its pipelines",
                    )),
                };
            }
        }
        if spec.external_options {
            return Ok(given.to_owned());
        }
        let allowed = |value: &str| spec.options.iter().any(|option| option.value == value);
        if !spec.is_multi() {
            return if allowed(given) { Ok(given.to_owned()) } else { Err(not_an_option(spec, given)) };
        }
        let mut chosen: Vec<&str> = Vec::new();
        if given.starts_with(';') {
            chosen.extend(current.unwrap_or_default().split(';').filter(|value| !value.is_empty()));
        }
        for value in given.split(';').filter(|value| !value.is_empty()) {
            if !allowed(value) {
                return Err(not_an_option(spec, value));
            }
            if !chosen.contains(&value) {
                chosen.push(value);
            }
        }
        Ok(chosen.join(";"))
    }

    /// The refusal of a write with wrong values.
    pub(crate) fn not_valid(&self, wrongs: &[(String, Wrong)]) -> Refusal {
        let list: Vec<Json> = wrongs
            .iter()
            .map(|(name, wrong)| {
                json!({
                    "isValid": false, "message": wrong.message, "error": wrong.code, "name": name,
                    "localizedErrorMessage": wrong.message, "portalId": self.portal_id,
                })
            })
            .collect();
        let mut refusal =
            Refusal::validation(format!("Property values were not valid: {}", Json::from(list)));
        for (name, wrong) in wrongs {
            refusal = refusal.detail(wrong.code, &wrong.message, name);
        }
        refusal
    }
}

fn not_an_option(spec: &PropertySpec, given: &str) -> Wrong {
    let known: Vec<&str> = spec.options.iter().map(|option| &*option.value).collect();
    wrong("INVALID_OPTION", format!("{given} was not one of the allowed options: [{}]", known.join(", ")))
}

fn date(spec: &PropertySpec, given: &str, normalise: bool) -> Result<Accepted, Wrong> {
    let refused = || wrong("INVALID_DATE", format!("{} was not a valid date.", spec.name));
    if when::midnight(given).is_some() {
        return Ok(Accepted { value: given.to_owned(), warning: None });
    }
    let at = when::parse(given).ok_or_else(refused)?;
    let value = when::day(at);
    if at.rem_euclid(when::DAY) == 0 {
        return Ok(Accepted { value, warning: None });
    }
    if !normalise {
        return Err(wrong("INVALID_DATE", format!("{given} is at a time of day, not midnight UTC.")));
    }
    let warning = json!({
        "category": "PROPERTY_VALUE_NORMALIZED",
        "message": format!("The value of {} was normalized to midnight UTC.", spec.name),
        "context": {"propertyName": [spec.name], "rawValue": [given], "normalizedValue": [value]},
    });
    Ok(Accepted { value, warning: Some(warning) })
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !text.contains(char::is_whitespace)
    })
}
