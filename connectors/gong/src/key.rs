//! A rule's public key: bare base64 of an X.509 SubjectPublicKeyInfo as Gong shows it, or the same as PEM.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use thiserror::Error;

/// Longest text of a key in bytes; RSA with 8192 bits needs about 1,500.
const LONGEST: usize = 8_192;

/// A text that is no public key of Gong's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "not an RSA public key as Gong shows it; copy the whole text under \"Show public key\" of the automation rule"
)]
pub struct BadKey;

/// Whether a text can serve to verify deliveries.
pub fn check_key(text: &[u8]) -> Result<(), BadKey> {
    PublicKey::parse(text).map(drop)
}

/// A key that verifies RS256 (RSA PKCS#1 v1.5 with SHA-256, 2048 to 8192 bits) and nothing else.
pub(crate) struct PublicKey(Vec<u8>);

impl PublicKey {
    pub(crate) fn parse(text: &[u8]) -> Result<Self, BadKey> {
        let text = std::str::from_utf8(text.get(..LONGEST.min(text.len())).unwrap_or_default())
            .map_err(|_not_text| BadKey)?
            .trim();
        let inner = match text.strip_prefix("-----BEGIN PUBLIC KEY-----") {
            Some(rest) => rest.strip_suffix("-----END PUBLIC KEY-----").ok_or(BadKey)?,
            None => text,
        };
        let packed: String = inner.chars().filter(|each| !each.is_ascii_whitespace()).collect();
        let der = STANDARD.decode(packed).map_err(|_not_base64| BadKey)?;
        rsa_key(&der).map(|key| Self(key.to_vec())).ok_or(BadKey)
    }

    pub(crate) fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.0).verify(signed, signature).is_ok()
    }
}

/// `AlgorithmIdentifier` of RSA (RFC 8017 A.1): the object identifier 1.2.840.113549.1.1.1 with null parameters.
const RSA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// The PKCS#1 key inside a SubjectPublicKeyInfo (RFC 5280 §4.1), which is what `ring` verifies with.
fn rsa_key(der: &[u8]) -> Option<&[u8]> {
    const SEQUENCE: u8 = 0x30;
    const BIT_STRING: u8 = 0x03;
    let (info, rest) = element(der, SEQUENCE)?;
    let (algorithm, info) = element(info, SEQUENCE)?;
    let (bits, after) = element(info, BIT_STRING)?;
    let whole = rest.is_empty() && after.is_empty() && algorithm == RSA;
    // the first byte counts the bits that are left over: none
    let key = bits.strip_prefix(&[0])?;
    let (_numbers, beyond) = element(key, SEQUENCE)?;
    (whole && beyond.is_empty()).then_some(key)
}

/// The content of the DER element at the start, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = der.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => {
            let (&[one], rest) = rest.split_first_chunk::<1>()?;
            ((one >= 0x80).then(|| usize::from(one))?, rest)
        }
        0x82 => {
            let (&two, rest) = rest.split_first_chunk::<2>()?;
            let length = usize::from(u16::from_be_bytes(two));
            ((length > 0xff).then_some(length)?, rest)
        }
        // a key of 8192 bits is shorter than 64 KiB
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = include_str!("../tests/conversations/keys/one.pub");

    #[test]
    fn both_spellings_of_a_key_are_read() {
        assert_eq!(check_key(GOOD.as_bytes()), Ok(()));
        let bare: String = GOOD.lines().filter(|line| !line.starts_with('-')).collect();
        assert_eq!(check_key(bare.as_bytes()), Ok(()));
        assert_eq!(check_key(format!("  {bare}\n").as_bytes()), Ok(()));
    }

    #[test]
    fn c07_what_is_no_key_verifies_nothing() {
        let bare: String = GOOD.lines().filter(|line| !line.starts_with('-')).collect();
        let cut = bare.get(4..).unwrap_or_default();
        let doubled = format!("{bare}{bare}");
        let other = GOOD.replace("PUBLIC KEY", "RSA PUBLIC KEY");
        for text in ["", "secret", "AAAA", cut, &doubled, &other, "-----BEGIN PUBLIC KEY-----"] {
            assert_eq!(check_key(text.as_bytes()), Err(BadKey), "{text}");
        }
        assert_eq!(check_key(&[0xff; 10]), Err(BadKey));
        assert_eq!(check_key("A".repeat(1_000_000).as_bytes()), Err(BadKey));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_key_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = rsa_key(&bytes);
            let _ = check_key(&bytes);
        }

        #[test]
        fn a_damaged_key_is_read_or_refused(at in 0_usize..294, to in any::<u8>(), cut in 0_usize..300) {
            let bare: String = GOOD.lines().filter(|line| !line.starts_with('-')).collect();
            let mut der = STANDARD.decode(bare).expect("base64");
            der[at] = to;
            der.truncate(cut.max(1));
            let _ = rsa_key(&der);
        }
    }
}
