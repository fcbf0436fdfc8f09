//! Tokens against a token endpoint with state.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use handoff_connector::Fault;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use url::Url;

mod vendors;

use super::{
    ClientCredentials, ClientStyle, JwtBearer, JwtConfig, KeyError, OauthConfig, RefreshToken, TokenSource,
};
use crate::Wire;
use crate::tests::support::{MemoryVault, Rig, http_wire, read, serve, start};

const KEY: &str = include_str!("../tests/tls/key.pem");

/// A token endpoint: rotates refresh tokens, one life each.
#[derive(Default)]
struct Endpoint {
    calls: AtomicU64,
    forms: Mutex<Vec<BTreeMap<String, String>>>,
    basic: Mutex<Option<String>>,
    live_refresh: Mutex<String>,
    refuse: Mutex<Option<(u16, String)>>,
    vault: Mutex<Option<Arc<MemoryVault>>>,
    used_before_saved: AtomicBool,
}

async fn token(State(end): State<Arc<Endpoint>>, headers: HeaderMap, body: String) -> Response {
    let number = end.calls.fetch_add(1, Ordering::SeqCst) + 1;
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    end.forms.lock().unwrap().push(form.clone());
    *end.basic.lock().unwrap() = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    if let Some((status, body)) = end.refuse.lock().unwrap().clone() {
        return (StatusCode::from_u16(status).unwrap(), [("content-type", "application/json")], body)
            .into_response();
    }
    let mut reply = json!({
        "access_token": format!("access-{number}"), "token_type": "Bearer", "issued_at": "1763600000000",
        "id": "https://login.salesforce.com/id/00D000000000001EAA/005000000000001AAA", "token_format": "opaque",
        "scope": "api",
    });
    if form["grant_type"] == "refresh_token" {
        let mut live = end.live_refresh.lock().unwrap();
        if form["refresh_token"] != *live {
            let body = json!({"error": "invalid_grant", "error_description": "expired access/refresh token"});
            return (StatusCode::BAD_REQUEST, axum::Json(body)).into_response();
        }
        *live = format!("refresh-{number}");
        reply["refresh_token"] = json!(*live);
    }
    axum::Json(reply).into_response()
}

/// Any other call: notes whether the rotated token was on disk by then.
async fn api(State(end): State<Arc<Endpoint>>) -> &'static str {
    if let Some(vault) = end.vault.lock().unwrap().as_ref() {
        let saved = vault.token.lock().unwrap().clone();
        if saved.as_ref() != Some(&*end.live_refresh.lock().unwrap()) {
            end.used_before_saved.store(true, Ordering::SeqCst);
        }
    }
    "done"
}

async fn endpoint() -> (Arc<Endpoint>, Url) {
    let end = Arc::new(Endpoint::default());
    let router = Router::new()
        .route("/services/oauth2/token", post(token))
        .route("/query", axum::routing::get(api))
        .with_state(Arc::clone(&end));
    (end, serve(router).await)
}

fn config(base: &Url, style: ClientStyle) -> OauthConfig {
    OauthConfig {
        token_url: base.join("/services/oauth2/token").unwrap(),
        client_id: "key".to_owned(),
        client_secret: Some("s3cret".into()),
        style,
        scopes: Vec::new(),
        timeout: Duration::from_secs(10),
    }
}

fn wire() -> Arc<dyn Wire> {
    Arc::new(http_wire(true, 65_536))
}

#[tokio::test]
async fn client_credentials_go_as_basic_or_in_the_form() {
    let (end, base) = endpoint().await;
    let grant =
        ClientCredentials::new(config(&base, ClientStyle::Basic)).fetch(wire(), start()).await.unwrap();
    assert_eq!(grant.access_token.expose(), "access-1");
    assert_eq!(grant.org_id.as_deref(), Some("00D000000000001EAA"));
    assert_eq!((grant.lifetime, grant.instance_url), (None, None));
    assert_eq!(*end.basic.lock().unwrap(), Some(format!("Basic {}", STANDARD.encode("key:s3cret"))));
    ClientCredentials::new(config(&base, ClientStyle::Form)).fetch(wire(), start()).await.unwrap();
    assert_eq!(*end.basic.lock().unwrap(), None);
    let form = end.forms.lock().unwrap().pop().unwrap();
    assert_eq!((form["client_id"].as_str(), form["client_secret"].as_str()), ("key", "s3cret"));
    assert_eq!(form["grant_type"], "client_credentials");
}

#[tokio::test]
async fn d08_a_hundred_workers_share_one_token_call() {
    let (end, base) = endpoint().await;
    let rig = Rig::real(&base, Arc::new(ClientCredentials::new(config(&base, ClientStyle::Form))));
    let transport = rig.build();
    let done = futures::future::join_all((0..100).map(|_| transport.run(read()))).await;
    assert!(done.iter().all(Result::is_ok));
    assert_eq!(end.calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn d10_a_hundred_workers_share_one_refusal() {
    let (end, base) = endpoint().await;
    *end.refuse.lock().unwrap() = Some((400, r#"{"error":"invalid_grant"}"#.to_owned()));
    let rig = Rig::real(&base, Arc::new(ClientCredentials::new(config(&base, ClientStyle::Form))));
    let transport = rig.build();
    let done = futures::future::join_all((0..100).map(|_| transport.run(read()))).await;
    assert!(done.iter().all(|result| matches!(result, Err(Fault::Denied { .. }))));
    assert_eq!(end.calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a08_a_rotated_token_is_on_disk_before_it_is_used() {
    let (end, base) = endpoint().await;
    "first".clone_into(&mut end.live_refresh.lock().unwrap());
    let vault = Arc::new(MemoryVault::default());
    *end.vault.lock().unwrap() = Some(Arc::clone(&vault));
    let source = RefreshToken::new(config(&base, ClientStyle::Form), vault.clone(), Some("first".into()));
    let mut rig = Rig::real(&base, Arc::new(source));
    rig.config.session.assumed_lifetime = Some(Duration::from_secs(100));
    let transport = rig.build();
    for round in 1..=3 {
        assert!(transport.run(read()).await.is_ok());
        assert_eq!(vault.token.lock().unwrap().clone(), Some(format!("refresh-{round}")));
        rig.clock.advance(Duration::from_secs(80));
    }
    assert!(!end.used_before_saved.load(Ordering::SeqCst));
    // another process begins with what the vault holds, not with the configured first token
    let again = RefreshToken::new(config(&base, ClientStyle::Form), vault, Some("first".into()));
    assert!(again.fetch(wire(), start()).await.is_ok());
}

#[tokio::test]
async fn a08_a_token_that_cannot_be_saved_is_not_used_and_not_lost() {
    let (end, base) = endpoint().await;
    "first".clone_into(&mut end.live_refresh.lock().unwrap());
    let vault = Arc::new(MemoryVault::default());
    vault.broken.store(true, Ordering::SeqCst);
    let source = RefreshToken::new(config(&base, ClientStyle::Form), vault.clone(), Some("first".into()));
    assert!(matches!(source.fetch(wire(), start()).await, Err(Fault::Transient { .. })));
    assert!(matches!(source.fetch(wire(), start()).await, Err(Fault::Transient { .. })));
    vault.broken.store(false, Ordering::SeqCst);
    assert_eq!(source.fetch(wire(), start()).await.unwrap().access_token.expose(), "access-1");
    assert_eq!(end.calls.load(Ordering::SeqCst), 1, "the vendor was not asked with a dead token");
    assert_eq!(vault.token.lock().unwrap().as_deref(), Some("refresh-1"));
}

#[tokio::test]
async fn a08_a_dropped_caller_does_not_lose_the_rotated_token() {
    let (end, base) = endpoint().await;
    "first".clone_into(&mut end.live_refresh.lock().unwrap());
    let vault = Arc::new(MemoryVault::default());
    let source = RefreshToken::new(config(&base, ClientStyle::Form), vault.clone(), Some("first".into()));
    let transport = Rig::real(&base, Arc::new(source)).build();
    let caller = tokio::spawn({
        let t = Arc::clone(&transport);
        async move { t.run(read()).await }
    });
    while end.calls.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    caller.abort();
    assert!(transport.run(read()).await.is_ok());
    assert_eq!(end.calls.load(Ordering::SeqCst), 1);
    assert_eq!(vault.stores.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn d10_a_dead_refresh_token_names_its_remedy() {
    let (end, base) = endpoint().await;
    "other".clone_into(&mut end.live_refresh.lock().unwrap());
    let vault = Arc::new(MemoryVault::default());
    let source = RefreshToken::new(config(&base, ClientStyle::Basic), vault, Some("first".into()));
    let fault = source.fetch(wire(), start()).await.unwrap_err();
    assert!(matches!(&fault, Fault::Denied { remedy, .. } if remedy.contains("Authorise")), "{fault:?}");
}

#[tokio::test]
async fn refusals_are_classified() {
    let (end, base) = endpoint().await;
    let source = ClientCredentials::new(config(&base, ClientStyle::Form));
    let cases = [
        (
            400,
            r#"{"error":"invalid_grant","error_description":"request not supported on this domain"}"#,
            "denied",
            "My Domain",
        ),
        (
            401,
            r#"{"error":"invalid_client","error_description":"invalid client credentials"}"#,
            "denied",
            "client secret",
        ),
        (400, r#"{"error":"invalid_client_id"}"#, "denied", "client id"),
        (400, r#"{"error":"inactive_user"}"#, "denied", "integration user"),
        (
            400,
            r#"{"error":"invalid_grant","error_description":"user hasn't approved this consumer"}"#,
            "denied",
            "Pre-authorise",
        ),
        (400, r#"{"error":"invalid_grant","error_description":"login rate exceeded"}"#, "throttled", ""),
        (503, "", "transient", ""),
        (502, "<html>", "transient", ""),
        (429, "", "throttled", ""),
        (400, "", "protocol", ""),
        (400, "[]", "protocol", ""),
        (200, "{}", "protocol", ""),
        (200, "", "protocol", ""),
        (200, r#"{"access_token":"","token_type":"Bearer"}"#, "protocol", ""),
        (200, r#"{"access_token":"x","token_type":"mac"}"#, "protocol", ""),
        (200, r#"{"access_token":"x","token_type":"Bearer","instance_url":"not a url"}"#, "protocol", ""),
        (302, "", "denied", ""),
    ];
    for (status, body, kind, says) in cases {
        *end.refuse.lock().unwrap() = Some((status, body.to_owned()));
        let fault = source.fetch(wire(), start()).await.unwrap_err();
        assert_eq!(fault.kind(), kind, "{status} {body}: {fault:?}");
        assert!(fault.to_string().contains(says), "{status} {body}: {fault:?}");
    }
}

fn jwt_config(base: &Url) -> JwtConfig {
    JwtConfig {
        token_url: base.join("/services/oauth2/token").unwrap(),
        client_id: "key".to_owned(),
        subject: "integration@acme.example".to_owned(),
        audience: "https://login.salesforce.com".to_owned(),
        private_key: KEY.into(),
        timeout: Duration::from_secs(10),
    }
}

#[tokio::test]
async fn jwt_bearer_signs_what_salesforce_asks_for() {
    let (end, base) = endpoint().await;
    let grant = JwtBearer::new(jwt_config(&base)).unwrap().fetch(wire(), start()).await.unwrap();
    assert_eq!(grant.access_token.expose(), "access-1");
    let form = end.forms.lock().unwrap().pop().unwrap();
    assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let (signed, signature) = form["assertion"].rsplit_once('.').unwrap();
    let (head, claims) = signed.split_once('.').unwrap();
    let read = |part: &str| -> serde_json::Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    assert_eq!(read(head)["alg"], "RS256");
    assert_eq!(
        read(claims),
        json!({"iss": "key", "sub": "integration@acme.example", "aud": "https://login.salesforce.com",
            "exp": start().as_second() + 180})
    );
    let PrivateKeyDer::Pkcs8(der) = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap() else { panic!() };
    let key = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public());
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    assert!(public.verify(signed.as_bytes(), &signature).is_ok());
    assert!(public.verify(b"something else", &signature).is_err());
}

#[test]
fn a_key_that_cannot_sign_is_refused_at_start() {
    let base = Url::parse("https://login.example.com").unwrap();
    let mut config = jwt_config(&base);
    config.private_key = "not a key".into();
    assert_eq!(JwtBearer::new(config.clone()).unwrap_err(), KeyError::Unreadable);
    config.private_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".into();
    assert_eq!(JwtBearer::new(config).unwrap_err(), KeyError::NotRsa);
}
