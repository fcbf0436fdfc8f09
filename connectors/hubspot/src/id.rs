//! HubSpot's ids and names, checked before they go into an address or a body.

use std::fmt;

use handoff_core::id::RecordId;

/// A HubSpot id of a record, owner, user or portal: a decimal number above zero without leading zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HsId(u64);

impl HsId {
    /// Reads the decimal digits; `None` = not an id of HubSpot.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit());
        if !plain || text.starts_with('0') {
            return None;
        }
        text.parse().ok().map(Self)
    }

    /// Reads an id that HubSpot writes as text in one place and as a number in another.
    pub(crate) fn of(value: &serde_json::Value) -> Option<Self> {
        match value {
            serde_json::Value::String(text) => Self::parse(text),
            serde_json::Value::Number(number) => number.as_u64().filter(|id| *id > 0).map(Self),
            serde_json::Value::Null
            | serde_json::Value::Bool(_)
            | serde_json::Value::Array(_)
            | serde_json::Value::Object(_) => None,
        }
    }

    /// As a number.
    pub(crate) fn number(self) -> u64 {
        self.0
    }

    /// The same id as the core names it.
    pub fn record(self) -> RecordId {
        RecordId(self.to_string())
    }
}

impl fmt::Display for HsId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Longest internal name of a property.
const LONGEST: usize = 100;

/// Whether a text can be the internal name of a property.
pub(crate) fn is_property(name: &str) -> bool {
    name.len() <= LONGEST
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether a text can name an object: `deals`, `p123_contract`, `0-3`, `2-1234567`.
pub(crate) fn is_object(name: &str) -> bool {
    let digits =
        |text: &str| (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_property(name) || name.split_once('-').is_some_and(|(kind, number)| digits(kind) && digits(number))
}

/// Whether a text can be the id of a pipeline or stage, so that it is safe inside an address.
pub(crate) fn is_stage(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=LONGEST).contains(&name.len()) && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_is_digits() {
        assert_eq!(HsId::parse("12345678901").map(|id| id.to_string()).as_deref(), Some("12345678901"));
        for text in ["", "0", "007", "-1", "+1", "1 ", "1e3", "99999999999999999999", "１２"] {
            assert_eq!(HsId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn h03_only_plain_names_reach_an_address() {
        assert!(is_object("deals") && is_object("2-1234567") && is_property("hs_v2_date_entered_closedwon"));
        for name in ["", "deals/1", "a b", "a?b", "../x", "2-", "-3", "ü", "a\n"] {
            assert!(
                !is_object(name) && !is_property(name) && !is_stage(name) || name == "2-" || name == "-3",
                "{name}"
            );
        }
    }

    proptest! {
        #[test]
        fn every_id_is_its_own_canonical_form(text in any::<String>(), number in 1_u64..) {
            if let Some(id) = HsId::parse(&text) {
                prop_assert_eq!(id.to_string(), text);
            }
            prop_assert_eq!(HsId::parse(&number.to_string()).map(|id| id.to_string()), Some(number.to_string()));
        }
    }
}
