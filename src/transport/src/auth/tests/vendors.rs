//! HubSpot's and Gong's ways to log in, each against an endpoint that behaves as theirs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use handoff_connector::Fault;
use serde_json::{Value, json};
use url::Url;

use super::wire;
use crate::tests::support::{MemoryVault, Rig, read, serve, start};
use crate::{
    AccessKey, CircuitStatus, ClientStyle, OauthConfig, RefreshToken, Secret, SessionStatus, StaticToken,
    TokenSource, TokenVault, Transport,
};

/// `Authorization`, parameters, whether they stood in the address.
type Asked = (Option<String>, BTreeMap<String, String>, bool);

/// A vendor: a token endpoint whose refresh tokens live once, and an API at its own address.
#[derive(Default)]
struct Vendor {
    grants: AtomicU64,
    calls: AtomicU64,
    /// Every token call.
    asked: Mutex<Vec<Asked>>,
    live_refresh: Mutex<String>,
    live_access: Mutex<String>,
    /// What the token endpoint adds to its answer.
    adds: Mutex<Value>,
    /// The refresh token stays the same.
    keeps: AtomicBool,
    refuses: Mutex<Option<(u16, Value)>>,
    vault: Mutex<Option<Arc<MemoryVault>>>,
    used_before_saved: AtomicBool,
}

async fn grant(
    State(vendor): State<Arc<Vendor>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: String,
) -> Response {
    let number = vendor.grants.fetch_add(1, Ordering::SeqCst) + 1;
    let in_address = query.is_some();
    let text = query.unwrap_or_else(|| body.clone());
    assert!(!in_address || body.is_empty());
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    let basic = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    vendor.asked.lock().unwrap().push((basic, form.clone(), in_address));
    let refused = vendor.refuses.lock().unwrap().clone();
    if let Some((status, body)) = refused {
        return (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response();
    }
    let mut live = vendor.live_refresh.lock().unwrap();
    if form["refresh_token"] != *live {
        let body = json!({ "error": "invalid_grant", "status": "BAD_REFRESH_TOKEN", "message": "no",
            "error_description": "refresh token is invalid, expired or revoked" });
        return (StatusCode::BAD_REQUEST, axum::Json(body)).into_response();
    }
    if !vendor.keeps.load(Ordering::SeqCst) {
        *live = format!("refresh-{number}");
    }
    *vendor.live_access.lock().unwrap() = format!("access-{number}");
    let mut reply = json!({ "access_token": format!("access-{number}"), "refresh_token": *live, "token_type": "bearer",
        "expires_in": 86_400, "scope": "api:calls:read:basic api:users:read" });
    let adds = vendor.adds.lock().unwrap().clone();
    reply.as_object_mut().unwrap().extend(adds.as_object().cloned().unwrap_or_default());
    axum::Json(reply).into_response()
}

/// The API: notes whether all that came with the token was on disk by then.
async fn api(State(vendor): State<Arc<Vendor>>, headers: HeaderMap) -> Response {
    vendor.calls.fetch_add(1, Ordering::SeqCst);
    let access = vendor.live_access.lock().unwrap().clone();
    if let Some(vault) = vendor.vault.lock().unwrap().as_ref() {
        let row = vault.token.lock().unwrap().clone().unwrap_or_default();
        let refresh = vendor.live_refresh.lock().unwrap().clone();
        if !row.contains(&refresh) || !row.contains(&access) {
            vendor.used_before_saved.store(true, Ordering::SeqCst);
        }
    }
    let sent = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    if sent == Some(format!("Bearer {access}")) || sent == Some(format!("Basic {access}")) {
        return "done".into_response();
    }
    StatusCode::UNAUTHORIZED.into_response()
}

/// The vendor, its login host, and its API's host.
async fn vendor() -> (Arc<Vendor>, Url, Url) {
    let vendor = Arc::new(Vendor { live_refresh: Mutex::new("first".to_owned()), ..Vendor::default() });
    let tokens =
        Router::new().route("/oauth2/generate-customer-token", post(grant)).with_state(Arc::clone(&vendor));
    let calls = Router::new().route("/query", get(api)).with_state(Arc::clone(&vendor));
    (vendor, serve(tokens).await, serve(calls).await)
}

fn config(base: &Url, style: ClientStyle) -> OauthConfig {
    OauthConfig {
        token_url: base.join("/oauth2/generate-customer-token").unwrap(),
        client_id: "key".to_owned(),
        client_secret: Some("s3cret".into()),
        style,
        scopes: Vec::new(),
        timeout: Duration::from_secs(10),
    }
}

fn gong(base: &Url, vault: &Arc<MemoryVault>) -> RefreshToken {
    RefreshToken::new(config(base, ClientStyle::BasicAndQuery), vault.clone(), Some("first".into()))
}

fn hubspot(base: &Url, vault: &Arc<MemoryVault>) -> RefreshToken {
    RefreshToken::new(config(base, ClientStyle::Form), vault.clone(), Some("first".into()))
}

#[tokio::test]
async fn a08_gongs_grant_is_kept_whole_before_it_is_used_and_its_address_is_called() {
    let (vendor, login, calls) = vendor().await;
    *vendor.adds.lock().unwrap() = json!({ "api_base_url_for_customer": calls });
    let vault = Arc::new(MemoryVault::default());
    *vendor.vault.lock().unwrap() = Some(Arc::clone(&vault));
    // the login host serves no calls: only the token's own address does
    let rig = Rig::real(&login, Arc::new(gong(&login, &vault)));
    let transport = rig.build();
    for round in 1..=3 {
        assert_eq!(transport.run(read()).await.as_deref(), Ok("done"));
        assert_eq!(vendor.grants.load(Ordering::SeqCst), round);
        rig.clock.advance(Duration::from_hours(19));
    }
    assert!(!vendor.used_before_saved.load(Ordering::SeqCst));
    let (basic, form, in_address) = vendor.asked.lock().unwrap()[1].clone();
    assert_eq!(basic, Some(format!("Basic {}", STANDARD.encode("key:s3cret"))));
    assert!(in_address, "the grant's parameters stand in the address");
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(
        form,
        BTreeMap::from([pair("grant_type", "refresh_token"), pair("refresh_token", "refresh-1")])
    );
    let row: Value = serde_json::from_str(&vault.token.lock().unwrap().clone().unwrap()).unwrap();
    assert_eq!(
        (row["refresh_token"].as_str(), row["base_url"].as_str()),
        (Some("refresh-3"), Some(calls.as_str()))
    );
    assert_eq!(row["expires_at"], "2026-11-23T02:00:00Z");
}

#[tokio::test]
async fn a08_a_restart_spends_no_refresh_token_while_the_stored_access_token_lives() {
    let (vendor, login, calls) = vendor().await;
    *vendor.adds.lock().unwrap() = json!({ "api_base_url_for_customer": calls });
    let vault = Arc::new(MemoryVault::default());
    let begin = || Rig::real(&login, Arc::new(gong(&login, &vault)));
    assert!(begin().build().run(read()).await.is_ok());
    assert!(begin().build().run(read()).await.is_ok());
    assert_eq!(vendor.grants.load(Ordering::SeqCst), 1);
    // the stored one was taken back: one refresh, one replay
    "other".clone_into(&mut vendor.live_access.lock().unwrap());
    assert!(begin().build().run(read()).await.is_ok());
    assert_eq!(vendor.grants.load(Ordering::SeqCst), 2);
    // and one that is nearly over is not taken up
    let late = gong(&login, &vault).fetch(wire(), start() + Duration::from_mins(24 * 60 - 9)).await.unwrap();
    assert_eq!(late.access_token.expose(), "access-3");
}

#[tokio::test]
async fn a08_a_token_that_lives_once_is_not_spent_where_its_successor_would_be_lost() {
    let (vendor, login, _) = vendor().await;
    let vault = Arc::new(MemoryVault::default());
    vault.forgets.store(true, Ordering::SeqCst);
    let fault = gong(&login, &vault).fetch(wire(), start()).await.unwrap_err();
    assert!(matches!(&fault, Fault::Denied { remedy, .. } if remedy.contains("daemon")), "{fault:?}");
    assert_eq!(vendor.grants.load(Ordering::SeqCst), 0);
    // where it usually stays the same, asking is no loss
    vendor.keeps.store(true, Ordering::SeqCst);
    assert!(hubspot(&login, &vault).fetch(wire(), start()).await.is_ok());
}

#[tokio::test]
async fn d11_an_address_of_another_host_is_never_called_and_the_rotated_token_not_lost() {
    let (vendor, login, calls) = vendor().await;
    let vault = Arc::new(MemoryVault::default());
    for address in ["https://gong.evil.example", "http://10.0.0.1/", "ftp://x/"] {
        *vendor.adds.lock().unwrap() = json!({ "api_base_url_for_customer": address });
        let transport = Rig::real(&login, Arc::new(gong(&login, &vault))).build();
        let fault = transport.run(read()).await.unwrap_err();
        assert!(matches!(&fault, Fault::Denied { .. }), "{fault:?}");
        assert!(!fault.to_string().contains("evil"));
    }
    assert_eq!(vendor.calls.load(Ordering::SeqCst), 0);
    *vendor.adds.lock().unwrap() = json!({ "api_base_url_for_customer": calls });
    // the stored row names the last address; a login that begins later gets a new one
    let late = gong(&login, &vault).fetch(wire(), start() + Duration::from_hours(48)).await.unwrap();
    assert_eq!(late.instance_url, Some(calls));
}

#[tokio::test]
async fn d09_a_token_that_expires_under_a_hundred_workers_spends_one_refresh_token() {
    let (vendor, login, calls) = vendor().await;
    *vendor.adds.lock().unwrap() = json!({ "api_base_url_for_customer": calls });
    let vault = Arc::new(MemoryVault::default());
    let transport = Rig::real(&login, Arc::new(gong(&login, &vault))).build();
    assert!(transport.run(read()).await.is_ok());
    "revoked".clone_into(&mut vendor.live_access.lock().unwrap());
    let done = futures::future::join_all((0..100).map(|_| transport.run(read()))).await;
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    assert_eq!(vendor.grants.load(Ordering::SeqCst), 2);
}

/// Denied calls in five minutes of constant trying.
async fn tries(transport: &Arc<Transport>, rig: &Rig, asked: &AtomicU64) -> u64 {
    let before = asked.load(Ordering::SeqCst);
    for _ in 0..300 {
        assert!(matches!(transport.run(read()).await, Err(Fault::Denied { .. })));
        rig.clock.advance(Duration::from_secs(1));
    }
    asked.load(Ordering::SeqCst) - before
}

#[tokio::test]
async fn d10_a_revoked_refresh_token_is_tried_at_most_once_a_minute() {
    let refusals = [
        (
            400,
            json!({ "error": "invalid_grant", "error_description": "refresh token is invalid, expired or revoked", "status": "BAD_REFRESH_TOKEN" }),
        ),
        (400, json!({ "error": "access_denied", "status": "BAD_HUB" })),
        (401, json!({ "requestId": "r", "errors": ["canary"] })),
        (400, json!({ "requestId": "r", "errors": ["canary"] })),
        (403, json!("canary")),
    ];
    for (status, body) in refusals {
        let (vendor, login, _) = vendor().await;
        *vendor.refuses.lock().unwrap() = Some((status, body));
        let rig = Rig::real(&login, Arc::new(gong(&login, &Arc::default())));
        let transport = rig.build();
        let tried = tries(&transport, &rig, &vendor.grants).await;
        assert!((1..=5).contains(&tried), "{tried} attempts in five minutes");
        let SessionStatus::NeedsReauthorisation { detail, remedy, .. } = transport.status().session else {
            panic!()
        };
        assert!(remedy.to_lowercase().contains("authorise"), "{remedy}");
        assert!(!format!("{detail}{remedy}").contains("canary"));
    }
}

#[tokio::test]
async fn d10_a_connection_that_was_authorised_anew_recovers_with_what_is_configured() {
    let (vendor, login, _) = vendor().await;
    let vault = Arc::new(MemoryVault::default());
    vault.store(&"dead".into()).unwrap();
    let source = gong(&login, &vault);
    assert!(matches!(source.fetch(wire(), start()).await, Err(Fault::Denied { .. })));
    assert_eq!(source.fetch(wire(), start()).await.unwrap().access_token.expose(), "access-2");
    // from then on the vault's again
    assert_eq!(source.fetch(wire(), start()).await.unwrap().access_token.expose(), "access-3");
    assert_eq!(vendor.asked.lock().unwrap().last().unwrap().1["refresh_token"], "refresh-2");
    // also where the vendor does not rotate
    vendor.keeps.store(true, Ordering::SeqCst);
    let live = vendor.live_refresh.lock().unwrap().clone();
    vault.store(&"dead".into()).unwrap();
    let again =
        RefreshToken::new(config(&login, ClientStyle::Form), vault.clone(), Some(Secret::new(live.clone())));
    assert!(again.fetch(wire(), start()).await.is_err());
    assert!(again.fetch(wire(), start()).await.is_ok());
    assert_eq!(vault.token.lock().unwrap().clone(), Some(live));
}

#[tokio::test]
async fn hubspots_parameters_stand_in_the_form_and_only_a_new_refresh_token_is_stored() {
    let (vendor, login, calls) = vendor().await;
    *vendor.adds.lock().unwrap() =
        json!({ "hub_id": 4_711_042, "token_use": "access_token", "expires_in": 1_800 });
    vendor.keeps.store(true, Ordering::SeqCst);
    let vault = Arc::new(MemoryVault::default());
    let source = hubspot(&login, &vault);
    for _ in 0..3 {
        let grant = source.fetch(wire(), start()).await.unwrap();
        assert_eq!(
            (grant.org_id.as_deref(), grant.lifetime),
            (Some("4711042"), Some(Duration::from_mins(30)))
        );
    }
    assert_eq!(vault.stores.load(Ordering::SeqCst), 0);
    let (basic, form, in_address) = vendor.asked.lock().unwrap()[0].clone();
    assert_eq!((basic, in_address), (None, false));
    assert_eq!((form["client_id"].as_str(), form["client_secret"].as_str()), ("key", "s3cret"));
    vendor.keeps.store(false, Ordering::SeqCst);
    source.fetch(wire(), start()).await.unwrap();
    assert_eq!(vault.token.lock().unwrap().as_deref(), Some("refresh-4"), "the bare token");
    source.fetch(wire(), start()).await.unwrap();
    assert_eq!(vault.token.lock().unwrap().as_deref(), Some("refresh-5"));
    drop(calls);
}

#[tokio::test]
async fn d11_a_token_of_another_portal_is_never_used() {
    for (pinned, said, fits) in [
        ("4711042", json!(4_711_042), true),
        ("4711042", json!(4_711_043), false),
        ("4711042", Value::Null, false),
    ] {
        let (vendor, login, calls) = vendor().await;
        *vendor.adds.lock().unwrap() = json!({ "hub_id": said });
        let mut rig = Rig::real(&calls, Arc::new(hubspot(&login, &Arc::default())));
        rig.config.session.org_id = Some(pinned.to_owned());
        let result = rig.build().run(read()).await;
        assert_eq!(result.is_ok(), fits, "{result:?}");
        assert_eq!(vendor.calls.load(Ordering::SeqCst), u64::from(fits));
    }
}

#[tokio::test]
async fn an_account_that_is_locked_or_moved_is_a_temporary_refusal() {
    let (vendor, login, _) = vendor().await;
    for status in [423, 477] {
        for body in [json!({ "error": "invalid_grant" }), json!("text")] {
            *vendor.refuses.lock().unwrap() = Some((status, body));
            let fault = hubspot(&login, &Arc::default()).fetch(wire(), start()).await.unwrap_err();
            assert_eq!(fault.kind(), "transient");
        }
    }
}

/// Ways to log in that never ask a token endpoint, with what stands in the header.
fn fixed() -> [(Arc<dyn TokenSource>, String); 2] {
    [
        (Arc::new(StaticToken::new("pat-na1-x".into())), "pat-na1-x".to_owned()),
        (Arc::new(AccessKey::new(&"key".into(), &"s3cret".into())), STANDARD.encode("key:s3cret")),
    ]
}

#[tokio::test]
async fn a_fixed_login_is_sent_as_it_is() {
    for (source, sent) in fixed() {
        let (vendor, _, calls) = vendor().await;
        vendor.live_access.lock().unwrap().clone_from(&sent);
        let rig = Rig::real(&calls, source);
        let transport = rig.build();
        for _ in 0..3 {
            assert!(transport.run(read()).await.is_ok());
            rig.clock.advance(Duration::from_hours(1_000));
        }
        assert_eq!(vendor.grants.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn d10_a_refused_fixed_login_needs_reauthorisation_is_tried_once_a_minute_and_recovers() {
    for (source, sent) in fixed() {
        let (vendor, _, calls) = vendor().await;
        let rig = Rig::real(&calls, source);
        let transport = rig.build();
        let fault = transport.run(read()).await.unwrap_err();
        assert!(
            matches!(&fault, Fault::Denied { detail, .. } if detail.contains("re-authorisation")),
            "{fault:?}"
        );
        let tried = tries(&transport, &rig, &vendor.calls).await;
        assert!((1..=5).contains(&tried), "{tried} attempts in five minutes");
        assert!(matches!(transport.status().circuit, CircuitStatus::Denied { .. }));
        // the token gets its rights back
        vendor.live_access.lock().unwrap().clone_from(&sent);
        rig.clock.advance(Duration::from_mins(2));
        let mut worked = false;
        for _ in 0..3 {
            worked |= transport.run(read()).await.is_ok();
            rig.clock.advance(Duration::from_mins(1));
        }
        assert!(worked, "{:?}", transport.status());
        let done = futures::future::join_all((0..20).map(|_| transport.run(read()))).await;
        assert!(done.iter().all(Result::is_ok));
    }
}

#[tokio::test]
async fn d10_a_hundred_workers_share_one_refusal_of_a_fixed_login() {
    for (source, _) in fixed() {
        let (vendor, _, calls) = vendor().await;
        let transport = Rig::real(&calls, source).build();
        let done = futures::future::join_all((0..100).map(|_| transport.run(read()))).await;
        assert!(done.iter().all(|result| matches!(result, Err(Fault::Denied { .. }))));
        assert!(vendor.calls.load(Ordering::SeqCst) <= 100, "none was sent twice");
    }
}

#[test]
fn h05_a_fixed_login_never_shows_itself() {
    let (token, key) =
        (StaticToken::new("canary".into()), AccessKey::new(&"canary".into(), &"canary".into()));
    let shown = format!("{token:?} {key:?} {:?}", STANDARD.encode("x"));
    assert!(!shown.contains("canary") && !shown.contains(&STANDARD.encode("canary:canary")));
}
