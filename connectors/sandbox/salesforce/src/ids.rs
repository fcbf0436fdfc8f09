//! Salesforce record ids: 15 case-sensitive characters and the 3-character checksum of the long form.

use std::fmt;

/// An 18-character record id; orders by its case-sensitive characters, which is creation order here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 18]);

const CHECK: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

impl Id {
    /// Below every other id.
    pub const LOWEST: Self = Self([0; 18]);
    /// Above every other id.
    pub const HIGHEST: Self = Self([0x7f; 18]);

    /// Reads the 15- or 18-character form; `None` for other lengths, other characters or a wrong checksum.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if !(bytes.len() == 15 || bytes.len() == 18) || !bytes.iter().all(u8::is_ascii_alphanumeric) {
            return None;
        }
        let mut short = [0; 15];
        short.copy_from_slice(bytes.get(..15)?);
        let id = Self::from_short(short);
        let given = bytes.get(15..)?;
        (given.is_empty() || given.eq_ignore_ascii_case(id.0.get(15..)?)).then_some(id)
    }

    /// The `serial`-th id of a three-character key prefix.
    pub fn numbered(prefix: &str, serial: u64) -> Self {
        let mut short = *b"000SB0000000000";
        for (slot, byte) in short.iter_mut().zip(prefix.bytes().take(3)) {
            *slot = byte;
        }
        let mut rest = serial;
        for slot in short.iter_mut().skip(6).rev() {
            let digit = usize::try_from(rest % 62).unwrap_or(0);
            *slot = BASE62.get(digit).copied().unwrap_or(b'0');
            rest /= 62;
        }
        Self::from_short(short)
    }

    fn from_short(short: [u8; 15]) -> Self {
        let mut out = [b'A'; 18];
        for (slot, byte) in out.iter_mut().zip(short) {
            *slot = byte;
        }
        for (group, slot) in short.chunks(5).zip(out.iter_mut().skip(15)) {
            let bits = group
                .iter()
                .enumerate()
                .filter(|(_, byte)| byte.is_ascii_uppercase())
                .fold(0_usize, |bits, (place, _)| bits | (1 << place));
            *slot = CHECK.get(bits).copied().unwrap_or(b'A');
        }
        Self(out)
    }

    /// The 18-character form.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The three-character key prefix, which names the object type.
    pub fn prefix(&self) -> &str {
        self.as_str().get(..3).unwrap_or_default()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl serde::Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a 15- or 18-character record id"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_checksum_is_salesforces() {
        // Pairs as Salesforce hands them out (short form, long form), read in public fixtures.
        for long in ["0015500000Xyy06AAB", "0061G00000N38JZQAZ", "0051G000005Mun4QAC", "00Q1G00000nDnM5UAK"] {
            let short = long.get(..15).unwrap();
            assert_eq!(Id::parse(short).unwrap().as_str(), long);
            assert_eq!(Id::parse(long), Id::parse(short));
        }
        assert_eq!(Id::parse("0015500000Xyy06AAA"), None);
        assert_eq!(Id::parse("001550000-Xyy06"), None);
    }

    proptest! {
        #[test]
        fn numbered_ids_are_unique_ordered_and_parse(a in 0_u64..1 << 40, b in 0_u64..1 << 40) {
            let (x, y) = (Id::numbered("006", a), Id::numbered("006", b));
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
            prop_assert_eq!(Id::parse(x.as_str()), Some(x));
            prop_assert_eq!(x.prefix(), "006");
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,24}") {
            let _ = Id::parse(&text);
        }
    }
}
