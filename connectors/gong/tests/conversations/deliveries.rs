//! Deliveries of automation rules, genuine and forged.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use handoff_connector::{Delivery, DeliveryId, Inbound as _, Rejected, conformance};
use handoff_core::digest::Digest;
use handoff_gong::{Gong, GongConfig, Proof};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaEncoding, RsaKeyPair};
use serde_json::{Value, json};

use crate::company::{id, now};

const ONE: (&str, &str) = (include_str!("keys/one.pem"), include_str!("keys/one.pub"));
const TWO: (&str, &str) = (include_str!("keys/two.pem"), include_str!("keys/two.pub"));
const URL: &str = "https://handoffd.acme.example/webhooks/calls";
const PATH: &str = "/webhooks/calls";

/// The key as Gong shows it: base64 without armour.
fn shown(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with('-')).collect()
}

fn gong(proof: Proof) -> Gong {
    let config = GongConfig {
        proof,
        webhook_url: (proof == Proof::Signature).then(|| URL.to_owned()),
        ..GongConfig::new("calls".into())
    };
    Gong::new(config).unwrap()
}

fn body() -> Vec<u8> {
    json!({ "callData": { "metaData": { "id": id(1) } }, "isTest": false }).to_string().into_bytes()
}

fn claims(body: &[u8]) -> Value {
    json!({ "webhook_url": URL, "body_sha256": Digest::of_bytes(body).0, "exp": now().as_second() + 300 })
}

fn signed_with(pem: &str, encoding: &'static dyn RsaEncoding, head: &str, claims: &str) -> String {
    let key = RsaKeyPair::from_pkcs8(&STANDARD.decode(shown(pem)).unwrap()).unwrap();
    let token = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(encoding, &SystemRandom::new(), token.as_bytes(), &mut signature).unwrap();
    format!("{token}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn token(claims: &Value) -> String {
    signed_with(ONE.0, &RSA_PKCS1_SHA256, r#"{"alg":"RS256","typ":"JWT"}"#, &claims.to_string())
}

fn verify_at(token: &str, body: &[u8], keys: &[&str], now: Timestamp) -> Result<DeliveryId, Rejected> {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, token.parse().unwrap());
    let keys: Vec<&[u8]> = keys.iter().map(|key| key.as_bytes()).collect();
    gong(Proof::Signature).verify(Delivery { path_and_query: PATH, headers: &headers, body }, &keys, now)
}

fn verify(token: &str, body: &[u8]) -> Result<DeliveryId, Rejected> {
    verify_at(token, body, &[&shown(ONE.1)], now())
}

const NO: Result<DeliveryId, Rejected> = Err(Rejected::Unauthenticated);

#[test]
fn a_genuine_delivery_is_let_in_with_and_without_the_word_bearer_and_with_both_spellings_of_the_key() {
    let body = body();
    let token = token(&claims(&body));
    let expected = Ok(DeliveryId(format!("calls:{}", Digest::of_bytes(&body))));
    for header in
        [token.clone(), format!("Bearer {token}"), format!("bearer {token}"), format!("Bearer  {token} ")]
    {
        assert_eq!(verify(&header, &body), expected, "{header}");
        assert_eq!(verify_at(&header, &body, &[ONE.1], now()), expected);
    }
}

#[test]
fn c07_one_byte_changed_is_401() {
    let body = body();
    let good = token(&claims(&body));
    for at in 0..body.len() {
        let mut other = body.clone();
        other[at] ^= 1;
        assert_eq!(verify(&good, &other), NO);
    }
    assert_eq!(verify(&good, &[]), NO);
    for at in (0..good.len()).step_by(7) {
        let mut other = good.clone().into_bytes();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(verify(std::str::from_utf8(&other).unwrap(), &body), NO, "byte {at}");
    }
}

#[test]
fn c07_another_companys_signature_is_401() {
    let body = body();
    let forged = signed_with(TWO.0, &RSA_PKCS1_SHA256, r#"{"alg":"RS256"}"#, &claims(&body).to_string());
    assert_eq!(verify(&forged, &body), NO);
    assert!(verify_at(&forged, &body, &[TWO.1], now()).is_ok());
}

#[test]
fn c07_the_algorithm_is_rs256_whatever_the_token_says() {
    let body = body();
    let text = claims(&body).to_string();
    for head in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None"}"#,
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"RS512"}"#,
        r#"{"alg":"rs256"}"#,
        "{}",
        r#"{"alg":["RS256"]}"#,
        r#"{"alg":"RS256","alg":"none"}"#,
        r#"{"alg":"RS256","crit":["exp"]}"#,
        "null",
        "",
    ] {
        let forged = signed_with(ONE.0, &RSA_PKCS1_SHA256, head, &text);
        assert_eq!(verify(&forged, &body), NO, "{head}");
    }
    // without a signature
    let unsigned =
        format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(&text));
    assert_eq!(verify(&unsigned, &body), NO);
    // signed with the public key as if it were a shared secret
    let token = format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#), URL_SAFE_NO_PAD.encode(&text));
    for secret in
        [ONE.1.as_bytes().to_vec(), shown(ONE.1).into_bytes(), STANDARD.decode(shown(ONE.1)).unwrap()]
    {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret);
        let tag = ring::hmac::sign(&key, token.as_bytes());
        assert_eq!(verify(&format!("{token}.{}", URL_SAFE_NO_PAD.encode(tag)), &body), NO);
    }
    // another hash under the right name
    assert_eq!(verify(&signed_with(ONE.0, &RSA_PKCS1_SHA512, r#"{"alg":"RS256"}"#, &text), &body), NO);
}

#[test]
fn c08_missing_empty_and_countless_tokens_are_401() {
    let body = body();
    for header in [
        "",
        "Bearer",
        "Bearer ",
        ".",
        "..",
        "a.b.c",
        "Basic YTpi",
        &"a.".repeat(20_000),
        &"A".repeat(100_000),
    ] {
        assert_eq!(verify(header, &body), NO, "{header:.20}");
    }
    let connector = gong(Proof::Signature);
    let key = shown(ONE.1);
    let verify = |headers: &HeaderMap| {
        connector.verify(Delivery { path_and_query: PATH, headers, body: &body }, &[key.as_bytes()], now())
    };
    let mut headers = HeaderMap::new();
    assert_eq!(verify(&headers), NO);
    let good = token(&claims(&body));
    headers.append(AUTHORIZATION, good.parse().unwrap());
    assert!(verify(&headers).is_ok());
    headers.append(AUTHORIZATION, good.parse().unwrap());
    assert_eq!(verify(&headers), NO, "one token, not several");
    assert_eq!(verify_at(&good, &body, &[], now()), NO);
}

#[test]
fn c09_several_keys_hold_while_one_is_rotated() {
    let body = body();
    let good = token(&claims(&body));
    let (one, two) = (shown(ONE.1), shown(TWO.1));
    assert!(verify_at(&good, &body, &[&two, &one], now()).is_ok());
    assert!(verify_at(&good, &body, &["no key at all", &one], now()).is_ok());
    assert_eq!(verify_at(&good, &body, &[&two], now()), NO, "after the rotation");
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, good.parse().unwrap());
    let delivery = Delivery { path_and_query: PATH, headers: &headers, body: &body };
    for key in [shown(ONE.1), ONE.1.trim().to_owned()] {
        assert_eq!(conformance::inbound(&gong(Proof::Signature), delivery, key.as_bytes(), now()), Ok(()));
    }
}

#[test]
fn c10_an_old_delivery_is_401_and_a_repetition_has_the_same_id() {
    let body = body();
    let good = token(&claims(&body));
    let key = shown(ONE.1);
    let at = |seconds| verify_at(&good, &body, &[&key], now() + SignedDuration::from_secs(seconds));
    assert_eq!(at(0), at(359));
    assert!(at(359).is_ok(), "a minute for clocks that differ");
    assert_eq!(at(361), Err(Rejected::OutsideTolerance));
    let later = token(
        &json!({ "webhook_url": URL, "body_sha256": Digest::of_bytes(&body).0, "exp": now().as_second() + 900 }),
    );
    assert_eq!(verify(&later, &body), verify(&good, &body), "the body names the delivery");
}

#[test]
fn c11_no_time_breaks_anything() {
    let body = body();
    let with = |exp: &str| {
        let text = claims(&body).to_string().replace(&(now().as_second() + 300).to_string(), exp);
        verify(&signed_with(ONE.0, &RSA_PKCS1_SHA256, r#"{"alg":"RS256"}"#, &text), &body)
    };
    for exp in [
        "0",
        "-1",
        "-9223372036854775808",
        "9223372036854775807",
        "9223372036854775808",
        "1e300",
        "-0.5",
        "1e18",
    ] {
        assert_eq!(with(exp), Err(Rejected::OutsideTolerance), "{exp}");
    }
    for exp in ["null", "\"soon\"", "\" 12 \"", "[]", "1e400", "NaN", "", "01"] {
        assert_eq!(with(exp), NO, "{exp}");
    }
    assert!(with(&format!("{}.5", now().as_second() + 10)).is_ok());
    let (body, key) = (self::body(), shown(ONE.1));
    let good = token(&claims(&body));
    assert!(verify_at(&good, &body, &[&key], Timestamp::MIN).is_ok());
    assert_eq!(verify_at(&good, &body, &[&key], Timestamp::MAX), Err(Rejected::OutsideTolerance));
}

#[test]
fn c12_the_configured_address_is_compared_whatever_its_spelling() {
    let body = body();
    let with = |url: &str| {
        let mut claims = claims(&body);
        claims["webhook_url"] = json!(url);
        verify(&token(&claims), &body)
    };
    for same in [
        URL,
        "https://HANDOFFD.acme.example:443/webhooks/%63alls",
        "https://handoffd.acme.example/webhooks/calls/",
        "https://handoffd.acme.example/a/../webhooks/calls#part",
    ] {
        assert!(with(same).is_ok(), "{same}");
    }
    for other in [
        "http://handoffd.acme.example/webhooks/calls",
        "https://evil.example/webhooks/calls",
        "https://handoffd.acme.example/webhooks/other",
        "https://handoffd.acme.example:8443/webhooks/calls",
        "https://handoffd.acme.example/webhooks/calls?key=1",
        "/webhooks/calls",
        "",
        "data:x",
    ] {
        assert_eq!(with(other), NO, "{other}");
    }
    let without = Gong::new(GongConfig::new("calls".into())).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, token(&claims(&body)).parse().unwrap());
    let delivery = Delivery { path_and_query: PATH, headers: &headers, body: &body };
    assert_eq!(without.verify(delivery, &[ONE.1.as_bytes()], now()), NO, "no address is configured");
}

#[test]
fn c07_claims_must_all_be_there_once() {
    let body = body();
    for gone in ["webhook_url", "body_sha256", "exp"] {
        let mut claims = claims(&body);
        claims.as_object_mut().unwrap().remove(gone);
        assert_eq!(verify(&token(&claims), &body), NO, "{gone}");
    }
    let mut upper = claims(&body);
    upper["body_sha256"] = json!(upper["body_sha256"].as_str().unwrap().to_uppercase());
    assert_eq!(verify(&token(&upper), &body), NO);
    let twice = claims(&body).to_string().replacen('{', r#"{"exp":99999999999,"#, 1);
    assert_eq!(verify(&signed_with(ONE.0, &RSA_PKCS1_SHA256, r#"{"alg":"RS256"}"#, &twice), &body), NO);
}

#[test]
fn a_key_in_the_address_is_let_in_only_where_that_is_configured() {
    let (body, headers) = (body(), HeaderMap::new());
    let with = |proof, path: &str| {
        gong(proof).verify(
            Delivery { path_and_query: path, headers: &headers, body: &body },
            &[b"s3cret"],
            now(),
        )
    };
    assert!(with(Proof::KeyInAddress, "/webhooks/calls?key=s3cret").is_ok());
    assert!(with(Proof::KeyInAddress, "/webhooks/calls/s3cret").is_ok());
    for path in ["/webhooks/calls", "/webhooks/calls?key=s3creT", "/webhooks/calls?key="] {
        assert_eq!(with(Proof::KeyInAddress, path), NO, "{path}");
    }
    assert_eq!(with(Proof::Signature, "/webhooks/calls?key=s3cret"), NO);
    let delivery = Delivery { path_and_query: "/webhooks/calls?key=s3cret", headers: &headers, body: &body };
    assert_eq!(conformance::inbound(&gong(Proof::KeyInAddress), delivery, b"s3cret", now()), Ok(()));
}

fn hints(body: &str) -> Result<Vec<String>, Rejected> {
    let headers = HeaderMap::new();
    let delivery = Delivery { path_and_query: PATH, headers: &headers, body: body.as_bytes() };
    Ok(gong(Proof::Signature).hints(delivery)?.iter().map(ToString::to_string).collect())
}

#[test]
fn a_delivery_hints_at_its_call() {
    let expected = format!("calls/call/{}", id(1));
    assert_eq!(hints(std::str::from_utf8(&body()).unwrap()), Ok(vec![expected.clone()]));
    assert_eq!(
        hints(&json!({ "metaData": { "id": id(1) } }).to_string()),
        Ok(vec![expected]),
        "the vendor's sample"
    );
}

#[test]
fn c19_a_test_and_the_unknown_hint_at_nothing() {
    let data = json!({ "metaData": { "id": id(1) } });
    for body in [
        json!({ "callData": data, "isTest": true }),
        json!({ "callData": data, "isTest": "true" }),
        json!({ "callData": data, "isTest": 1 }),
        json!({ "callData": null }),
        json!({ "callData": { "metaData": { "id": null } } }),
        json!({ "callData": { "metaData": { "id": "two words" } } }),
        json!({ "event": "something new" }),
        json!({}),
    ] {
        assert_eq!(hints(&body.to_string()), Ok(vec![]), "{body}");
    }
}

#[test]
fn c14_what_is_no_json_object_is_malformed() {
    let deep = "[".repeat(10_000);
    for body in ["", "null", "[]", "7", "{", "{\"a\":NaN}", "\u{feff}{}", &deep, "{\"a\":\"\\ud800\"}"] {
        assert_eq!(hints(body), Err(Rejected::Malformed), "{body:.20}");
    }
}

proptest! {
    #[test]
    fn any_delivery_is_let_in_or_turned_away(header in "[ -~]{0,300}", body in any::<Vec<u8>>()) {
        prop_assert_eq!(verify_at(&header, &body, &[&shown(ONE.1)], now()), NO);
        let headers = HeaderMap::new();
        let _ = gong(Proof::Signature).hints(Delivery { path_and_query: PATH, headers: &headers, body: &body });
    }

    #[test]
    fn any_claims_are_read_or_refused(claims in "\\PC{0,200}") {
        let forged = signed_with(ONE.0, &RSA_PKCS1_SHA256, r#"{"alg":"RS256"}"#, &claims);
        let outcome = verify(&forged, b"{}");
        prop_assert!(outcome.is_err());
    }
}
