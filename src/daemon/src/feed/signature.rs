//! Standard Webhooks signatures, v1: HMAC-SHA256 over `id.timestamp.body` (standard-webhooks specification 1.0).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use handoff_connector::{Rejected, matches_any};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use jiff::Timestamp;
use sha2::Sha256;
use zeroize::Zeroizing;

/// How old, or how far ahead, a signed delivery may be, in seconds.
const TOLERANCE: u64 = 300;
/// Most signatures that one delivery may offer: one per secret while secrets are rotated, and then some.
const OFFERED: usize = 8;
/// Longest id of a delivery, in bytes.
const LONGEST_ID: usize = 256;
/// Digits of a time stamp until the year 5138.
const TIME_DIGITS: usize = 11;
/// How many bytes a signing key has.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The header with the id of the message.
pub(crate) const ID: &str = "webhook-id";
/// The header with the moment of signing, in Unix seconds.
pub(crate) const TIME: &str = "webhook-timestamp";
/// The header with the signatures.
pub(crate) const SIGNATURE: &str = "webhook-signature";

/// The key in a secret; `None` = it is none. With or without its prefix `whsec_`.
pub(crate) fn key(secret: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = secret.strip_prefix("whsec_").unwrap_or(secret);
    let key = Zeroizing::new(BASE64_STANDARD.decode(text).ok()?);
    KEY_BYTES.contains(&key.len()).then_some(key)
}

/// A signature as it stands in the header.
pub(crate) fn sign(key: &[u8], id: &str, time: &str, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in [id.as_bytes(), b".", time.as_bytes(), b".", body] {
        mac.update(part);
    }
    Some(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
}

/// The one value of a header; several, or none, prove nothing.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.to_str().ok()?;
    if values.next().is_some() { None } else { Some(first) }
}

/// The id of a delivery that one of the keys signed just now.
pub(super) fn verify<'a>(
    headers: &'a HeaderMap,
    body: &[u8],
    keys: &[Zeroizing<Vec<u8>>],
    now: Timestamp,
) -> Result<&'a str, Rejected> {
    let id = only(headers, ID).ok_or(Rejected::Unauthenticated)?;
    let time = only(headers, TIME).ok_or(Rejected::Unauthenticated)?;
    let offered = only(headers, SIGNATURE).ok_or(Rejected::Unauthenticated)?;
    if id.is_empty() || id.len() > LONGEST_ID || offered.split(' ').count() > OFFERED {
        return Err(Rejected::Unauthenticated);
    }
    // Digits only and few of them: nothing else is ever hashed or counted with.
    let digits = (1..=TIME_DIGITS).contains(&time.len()) && time.bytes().all(|byte| byte.is_ascii_digit());
    let sent: i64 = if digits { time.parse().ok() } else { None }.ok_or(Rejected::OutsideTolerance)?;
    let expected: Vec<String> = keys.iter().filter_map(|key| sign(key, id, time, body)).collect();
    let expected: Vec<&[u8]> = expected.iter().map(String::as_bytes).collect();
    // Each is compared with each, so that the time does not tell which one was right.
    let known = offered.split(' ').fold(false, |known, each| matches_any(each.as_bytes(), &expected) | known);
    if !known {
        return Err(Rejected::Unauthenticated);
    }
    if now.as_second().abs_diff(sent) > TOLERANCE {
        return Err(Rejected::OutsideTolerance);
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the specification's reference libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const WHEN: &str = "1614265330";
    const MESSAGE: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const GOOD: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn headers(id: &str, time: &str, signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [(ID, id), (TIME, time), (SIGNATURE, signature)] {
            headers.insert(http::HeaderName::from_static(name), value.parse().unwrap());
        }
        headers
    }

    fn judged(headers: &HeaderMap, body: &[u8], now: i64) -> Result<String, Rejected> {
        let keys = [key(SECRET).unwrap()];
        verify(headers, body, &keys, Timestamp::from_second(now).unwrap()).map(ToOwned::to_owned)
    }

    #[test]
    fn the_published_vector_holds_byte_for_byte() {
        assert_eq!(sign(&key(SECRET).unwrap(), MESSAGE, WHEN, BODY).as_deref(), Some(GOOD));
        let now = 1_614_265_330;
        assert_eq!(judged(&headers(MESSAGE, WHEN, GOOD), BODY, now), Ok(MESSAGE.to_owned()));
        let rotated = format!("v1,AAAA v1a,BBBB {GOOD}");
        assert!(judged(&headers(MESSAGE, WHEN, &rotated), BODY, now).is_ok());
    }

    #[test]
    fn c07_c08_whatever_is_changed_missing_or_doubled_is_refused() {
        let now = 1_614_265_330;
        let no = Err(Rejected::Unauthenticated);
        assert_eq!(judged(&headers(MESSAGE, WHEN, GOOD), br#"{"test": 2432232315}"#, now), no);
        assert_eq!(judged(&headers("msg_other", WHEN, GOOD), BODY, now), no);
        assert_eq!(judged(&headers(MESSAGE, "1614265331", GOOD), BODY, now), no);
        assert_eq!(judged(&headers(MESSAGE, WHEN, "v1,"), BODY, now), no);
        assert_eq!(judged(&headers(MESSAGE, WHEN, ""), BODY, now), no);
        assert_eq!(judged(&headers("", WHEN, GOOD), BODY, now), no);
        let many = format!("{}{GOOD}", "v1,AAAA ".repeat(10_000));
        assert_eq!(judged(&headers(MESSAGE, WHEN, &many), BODY, now), no);
        let mut twice = headers(MESSAGE, WHEN, GOOD);
        twice.append(SIGNATURE, GOOD.parse().unwrap());
        assert_eq!(judged(&twice, BODY, now), no);
        let mut none = headers(MESSAGE, WHEN, GOOD);
        none.remove(TIME);
        assert_eq!(judged(&none, BODY, now), no);
    }

    #[test]
    fn c10_c11_old_future_and_impossible_times_are_refused() {
        let old = Err(Rejected::OutsideTolerance);
        assert!(judged(&headers(MESSAGE, WHEN, GOOD), BODY, 1_614_265_330 + 300).is_ok());
        assert_eq!(judged(&headers(MESSAGE, WHEN, GOOD), BODY, 1_614_265_330 + 301), old);
        assert_eq!(judged(&headers(MESSAGE, WHEN, GOOD), BODY, 1_614_265_330 - 301), old);
        for time in ["-1", " 1614265330", "1e9", "9223372036854775808", "x"] {
            assert_eq!(judged(&headers(MESSAGE, time, GOOD), BODY, 1_614_265_330), old, "{time}");
        }
    }

    #[test]
    fn a_secret_that_is_short_or_no_base64_is_none() {
        assert!(key("whsec_c2hvcnQ=").is_none());
        assert!(key("whsec_***").is_none());
        assert!(key(SECRET.strip_prefix("whsec_").unwrap()).is_some());
    }
}
