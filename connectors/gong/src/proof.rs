//! The signed token that comes with a delivery: RS256, for our address, over exactly this body, not yet expired.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use handoff_connector::{Delivery, Rejected};
use handoff_core::digest::Digest;
use http::header::AUTHORIZATION;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Number;
use subtle::ConstantTimeEq as _;
use url::Url;

use crate::key::PublicKey;

/// Longest token in bytes; a signature of 8192 bits needs 1,366 of them.
const LONGEST: usize = 8_192;
/// How many seconds our clock may be ahead of Gong's.
const LEEWAY: i64 = 60;
/// Most keys that are tried.
const KEYS: usize = 16;

/// Where a delivery was sent, in one spelling: percent-encoding, default ports and a slash at the end do not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    scheme: String,
    host: String,
    port: Option<u16>,
    path: Vec<u8>,
    query: Vec<(String, String)>,
}

impl Address {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        if !matches!(url.scheme(), "https" | "http") {
            return None;
        }
        let mut path: Vec<u8> = percent_encoding::percent_decode_str(url.path()).collect();
        if path.ends_with(b"/") {
            path.pop();
        }
        Some(Self {
            scheme: url.scheme().to_owned(),
            host: url.host_str()?.to_ascii_lowercase(),
            port: url.port_or_known_default(),
            path,
            query: url.query_pairs().into_owned().collect(),
        })
    }
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    /// Extensions that must be understood (RFC 7515 §4.1.11); we understand none.
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    webhook_url: String,
    body_sha256: String,
    exp: Number,
}

/// Checks signature, expiry, body and address, in this order; the body is only hashed.
pub(crate) fn check(
    delivery: Delivery<'_>,
    address: Option<&Address>,
    secrets: &[&[u8]],
    now: Timestamp,
) -> Result<(), Rejected> {
    let claims = signed(delivery, secrets).ok_or(Rejected::Unauthenticated)?;
    let expires = seconds(&claims.exp).ok_or(Rejected::OutsideTolerance)?;
    if expires.saturating_add(LEEWAY) < now.as_second() {
        return Err(Rejected::OutsideTolerance);
    }
    let body = Digest::of_bytes(delivery.body);
    let same_body: bool = body.0.as_bytes().ct_eq(claims.body_sha256.as_bytes()).into();
    let same_place = address.is_some_and(|own| Address::parse(&claims.webhook_url).as_ref() == Some(own));
    if same_body && same_place { Ok(()) } else { Err(Rejected::Unauthenticated) }
}

/// The claims of a token that one of the keys signed.
fn signed(delivery: Delivery<'_>, secrets: &[&[u8]]) -> Option<Claims> {
    let mut values = delivery.headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let token = value.to_str().ok().filter(|text| text.len() <= LONGEST)?.trim();
    let token = match token.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim_start(),
        Some(_) => return None,
        None => token,
    };
    let (signed, signature) = token.rsplit_once('.')?;
    let (head, claims) = signed.split_once('.')?;
    let head: Head = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(head).ok()?).ok()?;
    if head.alg != "RS256" || head.crit.is_some() {
        return None;
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let keys = secrets.iter().take(KEYS).filter_map(|secret| PublicKey::parse(secret).ok());
    // which key it was is no secret: public keys are
    if !keys.into_iter().any(|key| key.verifies(signed.as_bytes(), &signature)) {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

/// A NumericDate, a fraction cut off; one that no clock can show is none.
fn seconds(number: &Number) -> Option<i64> {
    let whole = number.as_i64().or_else(|| {
        let positive = std::time::Duration::try_from_secs_f64(number.as_f64()?).ok()?;
        i64::try_from(positive.as_secs()).ok()
    })?;
    Timestamp::from_second(whole).ok().map(Timestamp::as_second)
}
