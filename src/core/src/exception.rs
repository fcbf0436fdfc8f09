//! What the receiver accepts as still missing, until a day; and what the sender says he cannot know yet.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::Contract;
use crate::extract::parse_timestamp;
use crate::id::{FieldKey, PartKey};
use crate::value::{Package, Value};

/// The part under which a mapping reads the sender's "unknown, because …, until …" of a field.
pub const UNKNOWN: &str = "unknown";
/// Most characters kept of a reason.
const LONGEST: usize = 500;
/// Most lines read of a text that names fields.
const LINES: usize = 200;

/// What happens to the acceptance when an exception's day has passed and its field is still missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnLapse {
    /// It stands in the ledger and on the record; the acceptance holds.
    #[default]
    Note,
    /// The handoff is re-opened.
    Reopen,
}

/// Accepting with exceptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exceptions {
    /// What happens when an exception's day has passed and its field is still missing.
    #[serde(default)]
    pub on_lapse: OnLapse,
}

/// One field that may be missing until a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// Why.
    pub reason: String,
    /// The moment from which on it is overdue.
    pub due: Timestamp,
}

/// What an answer says of one field, before it is known whether it is enough.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Asked {
    /// Why; empty = not said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Until when; absent = not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}

/// A text that names fields with words, a line each: `go_live: the board decides, by 2026-03-31`. A field is named by its key or label,
/// without case. A line that names no field goes on with the one before it; what comes before the first is returned beside.
pub fn fields_with_words(contract: &Contract, text: &str) -> (String, BTreeMap<FieldKey, String>) {
    let mut general = String::new();
    let mut named: BTreeMap<FieldKey, String> = BTreeMap::new();
    let mut last: Option<FieldKey> = None;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()).take(LINES) {
        let line = line.trim_start_matches(['-', '*', '•']).trim_start();
        let split = line.split_once(':').and_then(|(name, words)| Some((key(contract, name)?, words)));
        let words = match split {
            Some((key, words)) => {
                named.entry(key.clone()).or_default();
                last = Some(key);
                words
            }
            None => line,
        };
        let into = last.as_ref().and_then(|key| named.get_mut(key)).unwrap_or(&mut general);
        append(into, words);
    }
    (general, named)
}

fn append(into: &mut String, words: &str) {
    let words = words.trim();
    if !into.is_empty() && !words.is_empty() {
        into.push(' ');
    }
    let left = LONGEST.saturating_sub(into.chars().count());
    into.extend(words.chars().take(left));
}

/// The field that a person means by its key or label.
pub fn key(contract: &Contract, name: &str) -> Option<FieldKey> {
    let name = name.trim();
    let is_meant =
        |known: &str| known.eq_ignore_ascii_case(name) || known.to_lowercase() == name.to_lowercase();
    let mut fields = contract.fields.iter();
    fields.find(|field| is_meant(field.key.as_str()) || is_meant(&field.label)).map(|field| field.key.clone())
}

/// Reason and day out of one line's words: the first date in it counts, the rest is the reason.
pub fn asked(words: &str) -> Asked {
    let mut due = None;
    let mut reason: Vec<&str> = Vec::new();
    for word in words.split_whitespace() {
        let bare = word.trim_matches(|each: char| !each.is_alphanumeric());
        match moment(bare).filter(|_| due.is_none()) {
            Some(found) => {
                due = Some(found);
                // "by 2026-03-31" and "until 2026-03-31": the preposition belongs to the date.
                let last = reason.last().map(|word| word.trim_matches(|each: char| !each.is_alphanumeric()));
                if last.is_some_and(|last| {
                    ["by", "until", "till", "due"].contains(&last.to_lowercase().as_str())
                }) {
                    reason.pop();
                }
            }
            None => reason.push(word),
        }
    }
    let reason = reason.join(" ");
    let reason = reason.trim_matches(|each: char| each.is_whitespace() || ",;:()-–—".contains(each));
    Asked { reason: reason.chars().take(LONGEST).collect(), due }
}

/// A day (its end in UTC) or an instant.
fn moment(text: &str) -> Option<Timestamp> {
    if text.len() == 10 {
        return end_of(text.parse().ok()?);
    }
    if text.contains('T') { parse_timestamp(text) } else { None }
}

/// The moment at which a day has passed, in UTC.
pub fn end_of(day: Date) -> Option<Timestamp> {
    day.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok().map(|day| day.timestamp())
}

/// What the sender marks as not known yet, with a reason and a day. Nothing follows from it before the receiver grants it.
pub fn claims(package: &Package) -> BTreeMap<FieldKey, Exception> {
    let unknown = PartKey::from(UNKNOWN);
    let claim = |key: &FieldKey, parts: &BTreeMap<PartKey, crate::value::Sourced>| {
        let Value::Text(text) = &parts.get(&unknown)?.value else { return None };
        let asked = asked(text);
        Some((key.clone(), asked.complete(None)?))
    };
    package.iter().filter_map(|(key, parts)| claim(key, parts)).collect()
}

impl Asked {
    /// As an exception, with what is not said taken from the sender's own claim; `None` = there is no reason or no day.
    pub fn complete(&self, claim: Option<&Exception>) -> Option<Exception> {
        let reason = Some(self.reason.trim()).filter(|reason| !reason.is_empty());
        let reason = reason.or_else(|| claim.map(|claim| claim.reason.as_str()))?;
        let due = self.due.or_else(|| claim.map(|claim| claim.due))?;
        Some(Exception { reason: reason.to_owned(), due })
    }
}

/// How far ahead a day may lie.
pub const FARTHEST: SignedDuration = SignedDuration::from_hours(24 * 366);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{parse_contract, shipped};

    fn h03() -> Contract {
        let (path, text) =
            shipped().find(|(path, _)| path.contains("h03") && path.starts_with("contracts")).unwrap();
        parse_contract(path, text).unwrap()
    }

    #[test]
    fn a_text_names_fields_by_key_or_label_and_goes_on_over_lines() {
        let text = "Two things.\n- go_live: date is before signature\n  and the anchor is missing\nNote: call me\nRISKS: none of this is a risk";
        let (general, named) = fields_with_words(&h03(), text);
        assert_eq!(general, "Two things.");
        assert_eq!(
            named[&FieldKey::from("go_live")],
            "date is before signature and the anchor is missing Note: call me"
        );
        assert_eq!(named[&FieldKey::from("risks")], "none of this is a risk");
    }

    #[test]
    fn reason_and_day_are_told_apart_wherever_the_day_stands() {
        let due: Timestamp = "2026-04-01T00:00:00Z".parse().unwrap();
        for words in [
            "the board decides, by 2026-03-31",
            "2026-03-31: the board decides",
            "the board decides (until 2026-03-31).",
        ] {
            assert_eq!(
                asked(words),
                Asked { reason: "the board decides".to_owned(), due: Some(due) },
                "{words}"
            );
        }
        assert_eq!(asked("no day").due, None);
        assert_eq!(asked("on 2026-02-30").due, None);
        assert_eq!(asked("x 9999-12-31").due, None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in ".{0,300}") {
            let (general, named) = fields_with_words(&h03(), &text);
            proptest::prop_assert!(general.chars().count() <= LONGEST);
            for words in named.values() {
                proptest::prop_assert!(words.chars().count() <= LONGEST);
                let _ = asked(words);
            }
        }
    }
}
