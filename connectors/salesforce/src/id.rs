//! Salesforce record ids: 15 case-sensitive characters, or 18 with a checksum that makes them safe to compare without case.

use handoff_core::id::RecordId;
use thiserror::Error;

/// Why a text is not a Salesforce id. The text itself is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum IdError {
    /// Not 15 or 18 letters and digits.
    #[error("a Salesforce id has 15 or 18 letters and digits")]
    Shape,
    /// The last three characters do not fit the first fifteen.
    #[error("the id's checksum does not fit: a character was mistyped or its case was lost")]
    Checksum,
}

/// A Salesforce id in its 18-character form, so that it is safe inside SOQL and URLs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SfId(String);

impl SfId {
    /// Reads a 15- or 18-character id and brings it to 18 characters. The checksum's case is not significant.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(IdError::Shape);
        }
        let (Some(body), rest) = (text.get(..15), text.get(15..).unwrap_or_default()) else {
            return Err(IdError::Shape);
        };
        let sum = checksum(body);
        match rest.len() {
            0 => {}
            3 if rest.eq_ignore_ascii_case(&sum) => {}
            3 => return Err(IdError::Checksum),
            _ => return Err(IdError::Shape),
        }
        Ok(Self(format!("{body}{sum}")))
    }

    /// The 18 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same id as the core names it.
    pub fn record(&self) -> RecordId {
        RecordId(self.0.clone())
    }
}

/// One character per block of five: bit n is set when the block's n-th character is upper case.
fn checksum(body: &str) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    body.as_bytes()
        .chunks(5)
        .map(|block| {
            let bits = block
                .iter()
                .enumerate()
                .filter(|(_, byte)| byte.is_ascii_uppercase())
                .fold(0_usize, |bits, (place, _)| bits | (1 << place));
            char::from(ALPHABET.get(bits).copied().unwrap_or(b'A'))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fifteen_characters_become_eighteen() {
        // 001A0000006Vm9r ↔ 001A0000006Vm9rIAC is the vendor's own published example.
        let id = SfId::parse("001A0000006Vm9r").expect("valid");
        assert_eq!(id.as_str(), "001A0000006Vm9rIAC");
        assert_eq!(SfId::parse("001A0000006Vm9rIAC"), Ok(id.clone()));
        assert_eq!(SfId::parse("001A0000006Vm9riac"), Ok(id));
    }

    #[test]
    fn a_lost_case_is_noticed() {
        assert_eq!(SfId::parse("001a0000006Vm9rIAC"), Err(IdError::Checksum));
    }

    proptest! {
        #[test]
        fn h04_no_line_break_reaches_a_path_or_a_header(head in "[a-zA-Z0-9]{0,15}", tail in "[\\r\\n \\t:%0-9a-zA-Z]{0,8}") {
            let text = format!("{head}\r\n{tail}");
            prop_assert_eq!(SfId::parse(&text), Err(IdError::Shape));
        }

        #[test]
        fn h03_only_letters_and_digits_pass(text in any::<String>()) {
            if let Ok(id) = SfId::parse(&text) {
                prop_assert!(id.as_str().bytes().all(|b| b.is_ascii_alphanumeric()));
                prop_assert_eq!(id.as_str().len(), 18);
                prop_assert_eq!(SfId::parse(id.as_str()), Ok(id.clone()));
            }
        }

        #[test]
        fn every_fifteen_are_an_id(text in "[a-zA-Z0-9]{15}") {
            prop_assert!(SfId::parse(&text).is_ok());
        }
    }
}
