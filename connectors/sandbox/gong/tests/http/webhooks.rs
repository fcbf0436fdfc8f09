use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use handoff_sandbox_gong::{Firing, OutboundMode, Rule, Variant};
use ring::{hmac, signature};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::support::{BUYER, NO_CALLS, Site};

type Letters = Arc<Mutex<Vec<(Option<String>, Bytes)>>>;

async fn take(State(inbox): State<Letters>, headers: HeaderMap, body: Bytes) {
    let header = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    inbox.lock().unwrap().push((header, body));
}

/// An inbox, and its address.
async fn listen() -> (Letters, String) {
    let inbox = Letters::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let app = Router::new().route("/hook", post(take)).with_state(inbox.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (inbox, url)
}

fn bodies(inbox: &Letters) -> Vec<Json> {
    inbox.lock().unwrap().iter().map(|(_, body)| serde_json::from_slice(body).unwrap()).collect()
}

fn ids(inbox: &Letters) -> Vec<String> {
    bodies(inbox).iter().map(|body| body["callData"]["metaData"]["id"].as_str().unwrap().to_owned()).collect()
}

/// A token taken apart: header, claims, whether the key signed it.
fn opened(token: &str, public_key: &str) -> (Json, Json, bool) {
    let mut parts = token.split('.');
    let mut json = || -> Json {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts.next().unwrap()).unwrap()).unwrap()
    };
    let (header, claims) = (json(), json());
    let (signed, tag) = token.rsplit_once('.').unwrap();
    let spki = STANDARD.decode(public_key).unwrap();
    let key = signature::UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, &spki[24..]);
    let tag = URL_SAFE_NO_PAD.decode(tag).unwrap();
    (header, claims, key.verify(signed.as_bytes(), &tag).is_ok())
}

fn hash(body: &[u8]) -> String {
    Sha256::digest(body).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[tokio::test]
async fn a_processed_call_is_told_signed_before_its_transcript_exists() {
    let site = Site::start().await;
    let (inbox, url) = listen().await;
    let old = site.add(site.call(5_000));
    let rule = site.workspace().add_rule(Rule::signed(&url)).unwrap();
    let call = site.call(900).processed_at(site.at(60)).transcript_at(site.at(600));
    let id = site.add(call.says(BUYER, "Pricing", &["Yes."]));
    site.workspace().outbound_settled().await;
    assert!(inbox.lock().unwrap().is_empty(), "it is not processed yet, and {old} was before the rule");
    site.workspace().advance(60);
    site.workspace().outbound_settled().await;
    assert_eq!(ids(&inbox), std::slice::from_ref(&id));
    assert_eq!(site.words(&[&id]).await.error(), NO_CALLS);
    let body = bodies(&inbox).remove(0);
    assert_eq!(body["isTest"], false);
    assert!(body["callData"]["parties"][0]["emailAddress"].is_string());
    assert!(body["callData"].get("media").is_none());
    let (header, raw) = inbox.lock().unwrap()[0].clone();
    let token = header.unwrap();
    assert!(!token.starts_with("Bearer "));
    let key = site.workspace().public_key(rule).unwrap();
    let (head, claims, verified) = opened(&token, &key);
    assert!(verified);
    assert_eq!((&head["alg"], &claims["webhook_url"]), (&json!("RS256"), &json!(url)));
    assert_eq!(claims["body_sha256"], hash(&raw));
    assert_eq!(claims["exp"].as_i64().unwrap(), site.workspace().now().as_second() + 300);
    assert_eq!(site.workspace().deliveries()[0].status, Some(200));
}

#[tokio::test]
async fn every_forgery_on_demand() {
    let site = Site::start().await;
    let url = "https://handoffd.example/hooks/gong";
    site.workspace().add_rule(Rule::signed(url).with_bearer()).unwrap();
    let key = site.workspace().public_key(1).unwrap();
    let id = site.add(site.call(900));
    let now = site.workspace().now().as_second();
    let make = |variant: Variant| site.workspace().signed(&id, Firing::signed(variant)).unwrap();
    for variant in [
        Variant::Honest,
        Variant::ReencodedUrl,
        Variant::WrongBodyHash,
        Variant::ChangedBody,
        Variant::Expired,
        Variant::WrongUrl,
        Variant::OtherKey,
        Variant::AlgNone,
        Variant::PublicKeyAsSecret,
    ] {
        let letter = make(variant);
        assert_eq!(letter.url, url);
        let header = letter.authorization.unwrap();
        let token = header.strip_prefix("Bearer ").unwrap();
        let (head, claims, verified) = opened(token, &key);
        let by_key = !matches!(variant, Variant::OtherKey | Variant::AlgNone | Variant::PublicKeyAsSecret);
        assert_eq!(verified, by_key, "{variant:?}");
        let fits = claims["body_sha256"] == json!(hash(&letter.body));
        assert_eq!(fits, !matches!(variant, Variant::WrongBodyHash | Variant::ChangedBody), "{variant:?}");
        assert_eq!(claims["exp"].as_i64().unwrap() > now, variant != Variant::Expired, "{variant:?}");
        let claimed = claims["webhook_url"].as_str().unwrap();
        assert_eq!(
            claimed == url,
            !matches!(variant, Variant::WrongUrl | Variant::ReencodedUrl),
            "{variant:?}"
        );
        let forged = [(Variant::AlgNone, "none"), (Variant::PublicKeyAsSecret, "HS256")];
        let alg = forged.iter().find(|(forgery, _)| *forgery == variant).map_or("RS256", |(_, alg)| alg);
        assert_eq!(head["alg"], alg, "{variant:?}");
    }
    let token = make(Variant::PublicKeyAsSecret).authorization.unwrap();
    let (signed, tag) = token.strip_prefix("Bearer ").unwrap().rsplit_once('.').unwrap();
    let secret = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    assert!(hmac::verify(&secret, signed.as_bytes(), &URL_SAFE_NO_PAD.decode(tag).unwrap()).is_ok());
    assert_eq!(make(Variant::NoHeader).authorization, None);
    assert_eq!(make(Variant::NoToken).authorization.unwrap(), "Bearer not.a-token");
}

#[tokio::test]
async fn tests_and_duplicates_are_fired_on_demand() {
    let site = Site::start().await;
    let (inbox, url) = listen().await;
    site.workspace().add_rule(Rule::key_in_url(&format!("{url}?key=k1"))).unwrap();
    let id = site.add(site.call(900));
    site.workspace().outbound_settled().await;
    let firing = Firing { is_test: true, times: 3, ..Firing::default() };
    site.workspace().fire(&id, firing).unwrap();
    site.workspace().outbound_settled().await;
    let tests: Vec<bool> = bodies(&inbox).iter().map(|body| body["isTest"].as_bool().unwrap()).collect();
    assert_eq!(tests, [false, true, true, true]);
    assert!(
        inbox.lock().unwrap().iter().all(|(header, _)| header.is_none()),
        "a key in the URL signs nothing"
    );
    assert!(site.workspace().fire("1", firing).is_err());
    assert!(site.workspace().fire(&id, Firing { rule: 2, ..firing }).is_err());
}

#[tokio::test]
async fn deliveries_are_lost_repeated_held_and_shuffled() {
    let site = Site::start().await;
    let (inbox, url) = listen().await;
    let workspace = site.workspace();
    workspace.add_rule(Rule::signed("https://handoffd.example/hook").delivered_to(&url)).unwrap();
    let taken = || std::mem::take(&mut *inbox.lock().unwrap()).len();
    workspace.set_outbound_mode(OutboundMode::Drop);
    site.add(site.call(901));
    workspace.outbound_settled().await;
    assert_eq!(taken(), 0);
    workspace.set_outbound_mode(OutboundMode::Duplicate { times: 3 });
    site.add(site.call(902));
    workspace.outbound_settled().await;
    assert_eq!(taken(), 3);
    workspace.set_outbound_mode(OutboundMode::Hold);
    let first = site.add(site.call(903));
    workspace.outbound_settled().await;
    let second = site.add(site.call(904));
    workspace.outbound_settled().await;
    assert_eq!(taken(), 0);
    workspace.release_outbound();
    workspace.outbound_settled().await;
    assert_eq!(ids(&inbox), [second, first], "newest first");
    taken();
    workspace.set_outbound_mode(OutboundMode::Shuffle);
    let later = |turn: i64| site.call(800).processed_at(site.at(10 + turn));
    let made: Vec<String> = (0..8).map(|turn| site.add(later(turn))).collect();
    workspace.advance(60);
    workspace.outbound_settled().await;
    let told = ids(&inbox);
    assert_ne!(told, made);
    assert_eq!(told.iter().collect::<BTreeSet<_>>(), made.iter().collect::<BTreeSet<_>>());
}

#[tokio::test]
async fn nothing_is_tried_twice_and_a_dead_address_is_logged() {
    let site = Site::start().await;
    let gone = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/hook", listener.local_addr().unwrap())
    };
    let linked = Rule { linked_only: true, ..Rule::signed(&gone) };
    site.workspace().add_rule(linked).unwrap();
    site.add(site.call(900));
    site.workspace().outbound_settled().await;
    assert!(site.workspace().deliveries().is_empty(), "the rule wants calls with a CRM record");
    let deal = handoff_sandbox_gong::Link::deal("Salesforce", "006A");
    site.add(site.call(900).about(deal));
    site.workspace().outbound_settled().await;
    let statuses: Vec<Option<u16>> = site.workspace().deliveries().iter().map(|one| one.status).collect();
    assert_eq!(statuses, [None]);
    assert!(site.workspace().add_rule(Rule::signed("no address")).is_err());
    assert!(site.workspace().add_rule_with_key(Rule::signed(&gone), b"no key").is_err());
}
