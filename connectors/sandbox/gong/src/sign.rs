//! The JWT of a delivery: RS256 over the address, the body's hash and an expiry, and every forgery of it.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::{hmac, rand::SystemRandom, signature};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::Error;

/// Two keys of the sandbox's own. They protect nothing: whoever has this crate has them.
const SANDBOX_ONLY_KEYS: [&[u8]; 2] = [
    include_bytes!("../keys/sandbox-only-first-rule.pkcs8.der"),
    include_bytes!("../keys/sandbox-only-second-rule.pkcs8.der"),
];

/// How a delivery is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    /// As the vendor does.
    #[default]
    Honest,
    /// As the vendor does, `webhook_url` with needless percent-encoding in its path: still the same address.
    ReencodedUrl,
    /// `body_sha256` is that of another body.
    WrongBodyHash,
    /// One byte of the body differs from what was signed.
    ChangedBody,
    /// `exp` lies in the past.
    Expired,
    /// `alg` is `none`, and the signature is empty.
    AlgNone,
    /// `alg` is `HS256`, and the public key served as the secret.
    PublicKeyAsSecret,
    /// `webhook_url` is another address.
    WrongUrl,
    /// Signed with the key of another rule.
    OtherKey,
    /// No header at all.
    NoHeader,
    /// A header that is no token.
    NoToken,
}

/// A key that signs for a rule.
pub(crate) struct Signer {
    key: signature::RsaKeyPair,
}

impl Signer {
    /// One of the sandbox's own keys.
    pub(crate) fn own(number: usize) -> Result<Self, Error> {
        let keys = SANDBOX_ONLY_KEYS;
        Self::from_pkcs8(keys.get(number % keys.len()).copied().unwrap_or_default())
    }

    /// A key in PKCS#8 DER.
    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        let key = signature::RsaKeyPair::from_pkcs8(der);
        Ok(Self { key: key.map_err(|error| Error::Key { detail: error.to_string() })? })
    }

    /// The public key as "Show public key" gives it: SubjectPublicKeyInfo in base64, without PEM armour.
    pub(crate) fn public_key(&self) -> String {
        const RSA_ENCRYPTION: [u8; 15] =
            [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
        let mut bits = vec![0];
        bits.extend_from_slice(self.key.public().as_ref());
        let mut inner = RSA_ENCRYPTION.to_vec();
        inner.extend(element(0x03, &bits));
        STANDARD.encode(element(0x30, &inner))
    }

    fn sign(&self, text: &str) -> Vec<u8> {
        let mut out = vec![0; self.key.public().modulus_len()];
        let done =
            self.key.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut out);
        if done.is_err() {
            out.clear();
        }
        out
    }
}

/// A DER element.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut out = vec![tag];
    match (length.as_slice(), u8::try_from(length.len())) {
        ([short], _) if *short < 0x80 => out.push(*short),
        ([], _) => out.push(0),
        (long, count) => {
            out.push(0x80 | count.unwrap_or_default());
            out.extend_from_slice(long);
        }
    }
    out.extend_from_slice(content);
    out
}

/// A delivery ready to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Signed {
    /// Where it goes.
    pub url: String,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Signed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Signed")
            .field("url", &self.url)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What is signed.
pub(crate) struct Letter<'a> {
    /// The address as the rule has it.
    pub(crate) url: &'a str,
    pub(crate) body: Vec<u8>,
    pub(crate) bearer: bool,
    /// Seconds since 1970.
    pub(crate) now: i64,
}

/// Seconds that a delivery's token lives.
const LIFE: i64 = 300;

/// Signs a letter, or forges it; the header and the body that is sent.
pub(crate) fn sealed(
    letter: Letter<'_>,
    signer: &Signer,
    variant: Variant,
) -> Result<(Option<String>, Vec<u8>), Error> {
    let Letter { url, mut body, bearer, now } = letter;
    let mut claims =
        json!({"webhook_url": url, "body_sha256": hex_hash(&body), "exp": now.saturating_add(LIFE)});
    let mut set = |name: &str, value: Json| {
        if let Some(claims) = claims.as_object_mut() {
            claims.insert(name.to_owned(), value);
        }
    };
    match variant {
        Variant::ReencodedUrl => set("webhook_url", json!(reencoded(url))),
        Variant::WrongBodyHash => set("body_sha256", json!(hex_hash(b"another body"))),
        Variant::Expired => set("exp", json!(now.saturating_sub(3_600))),
        Variant::WrongUrl => set("webhook_url", json!("https://elsewhere.example/hook")),
        Variant::ChangedBody => {
            if let Some(last) = body.iter_mut().rev().find(|byte| byte.is_ascii_alphanumeric()) {
                *last = if *last == b'x' { b'y' } else { b'x' };
            }
        }
        Variant::Honest
        | Variant::AlgNone
        | Variant::PublicKeyAsSecret
        | Variant::OtherKey
        | Variant::NoHeader
        | Variant::NoToken => {}
    }
    let token = match variant {
        Variant::NoHeader => return Ok((None, body)),
        Variant::NoToken => "not.a-token".to_owned(),
        Variant::AlgNone => format!("{}.", signed_part("none", &claims)),
        Variant::PublicKeyAsSecret => {
            let signed = signed_part("HS256", &claims);
            let key = hmac::Key::new(hmac::HMAC_SHA256, signer.public_key().as_bytes());
            let tag = hmac::sign(&key, signed.as_bytes());
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
        }
        Variant::OtherKey => rs256(&stranger(signer)?, &claims),
        Variant::Honest
        | Variant::ReencodedUrl
        | Variant::WrongBodyHash
        | Variant::ChangedBody
        | Variant::Expired
        | Variant::WrongUrl => rs256(signer, &claims),
    };
    Ok((Some(if bearer { format!("Bearer {token}") } else { token }), body))
}

/// SHA-256 in lower-case hex.
fn hex_hash(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        for nibble in [byte >> 4, byte & 0x0f] {
            out.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    out
}

/// One of the sandbox's keys that is not this one.
fn stranger(signer: &Signer) -> Result<Signer, Error> {
    let first = Signer::own(0)?;
    if first.public_key() == signer.public_key() { Signer::own(1) } else { Ok(first) }
}

fn signed_part(alg: &str, claims: &Json) -> String {
    let part = |value: &Json| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(&json!({"alg": alg, "typ": "JWT"})), part(claims))
}

fn rs256(signer: &Signer, claims: &Json) -> String {
    let signed = signed_part("RS256", claims);
    let signature = signer.sign(&signed);
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The same address, the last letter of its path percent-encoded.
fn reencoded(url: &str) -> String {
    let (front, query) = url.split_once('?').map_or((url, None), |(front, query)| (front, Some(query)));
    let mut letters = front.chars();
    let front = match letters.next_back() {
        Some(last) if last.is_ascii_alphanumeric() => {
            format!("{}%{:02X}", letters.as_str(), u32::from(last))
        }
        Some(_) | None => front.to_owned(),
    };
    match query {
        Some(query) => format!("{front}?{query}"),
        None => front,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exported_key_verifies_what_the_rule_signs() {
        let signer = Signer::own(0).unwrap();
        let spki = STANDARD.decode(signer.public_key()).unwrap();
        assert_eq!(spki.len(), 294, "SubjectPublicKeyInfo of 2048 bits");
        let pkcs1 = spki.get(24..).unwrap();
        let key = signature::UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, pkcs1);
        assert!(key.verify(b"text", &signer.sign("text")).is_ok());
        assert_ne!(signer.public_key(), Signer::own(1).unwrap().public_key());
    }

    #[test]
    fn a_reencoded_url_is_the_same_address() {
        assert_eq!(reencoded("https://a.example/hook?k=1"), "https://a.example/hoo%6B?k=1");
    }
}
