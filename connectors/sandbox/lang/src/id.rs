//! Record ids: 15 case-sensitive characters, or 18 with a checksum that makes them case-safe.

const CHECKSUM: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// The 18-character form of a 15- or 18-character id; `None` when the text is no id or its checksum is wrong.
pub fn to_18(id: &str) -> Option<String> {
    if !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let stem = id.get(..15)?;
    let suffix = checksum(stem);
    match id.get(15..) {
        Some("") => Some(format!("{stem}{suffix}")),
        Some(given) if given.eq_ignore_ascii_case(&suffix) => Some(format!("{stem}{suffix}")),
        _ => None,
    }
}

/// The three checksum characters of a 15-character id.
pub fn checksum(stem: &str) -> String {
    stem.as_bytes()
        .chunks(5)
        .take(3)
        .map(|chunk| {
            let bits = chunk
                .iter()
                .enumerate()
                .fold(0_usize, |bits, (i, b)| if b.is_ascii_uppercase() { bits | (1 << i) } else { bits });
            char::from(CHECKSUM.get(bits).copied().unwrap_or(b'A'))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_15_character_id_gets_its_checksum() {
        assert_eq!(to_18("001D000000IqhSL").as_deref(), Some("001D000000IqhSLIAZ"));
        assert_eq!(to_18("001D000000IqhSLIAZ").as_deref(), Some("001D000000IqhSLIAZ"));
        assert_eq!(to_18("001D000000IqhSLIAA"), None);
        assert_eq!(to_18("001D000000Iqh"), None);
        assert_eq!(to_18("001D000000IqhS'"), None);
        assert_eq!(to_18("äöüäöüäöü"), None);
    }
}
