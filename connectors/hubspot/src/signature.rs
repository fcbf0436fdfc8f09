//! Proof of origin on raw bytes: HubSpot's signatures v3 and, where the configuration asks for it, v1 (facts/hubspot §5).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use handoff_connector::{Delivery, Rejected, matches_any};
use handoff_core::digest::hex;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

/// How old, or how far ahead, a signed delivery may be, in milliseconds.
const TOLERANCE: i64 = 300_000;
/// Longest time stamp: milliseconds until the year 33658.
const TIME_DIGITS: usize = 15;
/// What HubSpot decodes in the address before it signs: these and no others.
const DECODED: [(&str, char); 12] = [
    ("%3A", ':'),
    ("%2F", '/'),
    ("%3F", '?'),
    ("%40", '@'),
    ("%21", '!'),
    ("%24", '$'),
    ("%27", '\''),
    ("%28", '('),
    ("%29", ')'),
    ("%2A", '*'),
    ("%2C", ','),
    ("%3B", ';'),
];

/// The address as HubSpot signs it. Escapes are told by their hex digits in either case; each place is decoded once.
pub(crate) fn signed_url(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    let mut rest = url;
    while let Some(at) = rest.find('%') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let decoded = escape.get(..3).and_then(|escape| {
            DECODED.iter().find(|(written, _)| written.eq_ignore_ascii_case(escape)).map(|(_, plain)| *plain)
        });
        let (plain, length) = decoded.map_or(('%', 1), |plain| (plain, 3));
        out.push(plain);
        rest = escape.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The one value of a header; several, or none, prove nothing.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.to_str().ok()?;
    if values.next().is_some() { None } else { Some(first) }
}

fn v3(secret: &[u8], url: &str, body: &[u8], time: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    for part in [b"POST".as_slice(), url.as_bytes(), body, time.as_bytes()] {
        mac.update(part);
    }
    Some(BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

fn v1(secret: &[u8], body: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(secret);
    hash.update(body);
    hex(&hash.finalize())
}

/// Whether the offered text is one of these signatures, in time that does not depend on where they differ.
fn is_one_of(offered: &str, signatures: &[String]) -> bool {
    let known: Vec<&[u8]> = signatures.iter().map(String::as_bytes).collect();
    matches_any(offered.as_bytes(), &known)
}

/// Checks signature and age of a delivery that was sent to `url`, an address as [`signed_url`] gives it.
pub(crate) fn verify(
    url: &str,
    accept_v1: bool,
    delivery: Delivery<'_>,
    secrets: &[&[u8]],
    now: Timestamp,
) -> Result<(), Rejected> {
    let secrets = secrets.iter().filter(|secret| !secret.is_empty());
    let headers = delivery.headers;
    let signed = headers.contains_key("X-HubSpot-Signature-v3");
    if !signed && accept_v1 {
        let offered = only(headers, "X-HubSpot-Signature").ok_or(Rejected::Unauthenticated)?;
        let version = headers.get("X-HubSpot-Signature-Version").map(http::HeaderValue::as_bytes);
        let expected: Vec<String> = secrets.map(|secret| v1(secret, delivery.body)).collect();
        let known = is_one_of(offered, &expected) && version.is_none_or(|version| version == b"v1");
        return if known { Ok(()) } else { Err(Rejected::Unauthenticated) };
    }
    let offered = only(headers, "X-HubSpot-Signature-v3").ok_or(Rejected::Unauthenticated)?;
    let time = only(headers, "X-HubSpot-Request-Timestamp").ok_or(Rejected::Unauthenticated)?;
    // Digits only and few of them: nothing else is ever hashed or counted with.
    let digits = (1..=TIME_DIGITS).contains(&time.len()) && time.bytes().all(|byte| byte.is_ascii_digit());
    let sent: i64 = if digits { time.parse().ok() } else { None }.ok_or(Rejected::OutsideTolerance)?;
    let expected: Vec<String> = secrets.filter_map(|secret| v3(secret, url, delivery.body, time)).collect();
    if !is_one_of(offered, &expected) {
        return Err(Rejected::Unauthenticated);
    }
    if now.as_millisecond().abs_diff(sent) > TOLERANCE.unsigned_abs() {
        return Err(Rejected::OutsideTolerance);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
