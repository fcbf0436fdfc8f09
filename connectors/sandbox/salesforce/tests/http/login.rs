use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use handoff_sandbox_salesforce::{App, Error, Sandbox, SandboxOptions, seed};
use reqwest::Method;
use ring::{
    rand::SystemRandom,
    rsa::KeyPair,
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use serde_json::{Value as Json, json};

use crate::support::{Reply, Site};

async fn token(site: &Site, form: &[(&str, &str)]) -> Reply {
    let url = format!("{}/services/oauth2/token", site.sandbox.base_url());
    Reply::of(site.http.post(url).form(form).send().await.unwrap()).await
}

#[tokio::test]
async fn client_credentials_by_form_and_by_basic() {
    let site = Site::start().await;
    let secret = ("client_secret", seed::CLIENT_SECRET);
    let reply =
        token(&site, &[("grant_type", "client_credentials"), ("client_id", seed::CLIENT_ID), secret]).await;
    let body = reply.json();
    assert_eq!(reply.status, 200);
    assert_eq!(body["instance_url"], site.sandbox.base_url());
    assert!(
        body["issued_at"].is_string()
            && body.get("expires_in").is_none()
            && body.get("refresh_token").is_none()
    );
    let url = format!("{}/services/oauth2/token", site.sandbox.base_url());
    let basic = site
        .http
        .post(url)
        .basic_auth(seed::CLIENT_ID, Some(seed::CLIENT_SECRET))
        .form(&[("grant_type", "client_credentials")]);
    assert_eq!(Reply::of(basic.send().await.unwrap()).await.status, 200);
    let wrong =
        [("grant_type", "client_credentials"), ("client_id", seed::CLIENT_ID), ("client_secret", "x")];
    let wrong = token(&site, &wrong).await;
    assert_eq!((wrong.status, wrong.json()["error"].as_str()), (400, Some("invalid_client")));
    let lost = token(&site, &[("grant_type", "refresh_token"), ("refresh_token", "dead")]).await;
    assert_eq!(lost.json()["error_description"], "expired access/refresh token");
}

#[tokio::test]
async fn a_token_dies_by_the_clock_by_a_kill_and_by_revocation() {
    let mut site = Site::start().await;
    assert_eq!(site.get("limits").await.status, 200);
    site.org().advance(2 * 3600);
    let dead = site.get("limits").await;
    assert_eq!((dead.status, dead.code().as_str()), (401, "INVALID_SESSION_ID"));
    assert_eq!(
        dead.json(),
        json!([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}])
    );
    assert_eq!(dead.header("www-authenticate"), "Token");
    site.token = site.org().token_for(seed::INTEGRATION_USER).unwrap();
    assert_eq!(site.org().kill_tokens(), 2);
    assert_eq!(site.get("limits").await.status, 401);
    site.token = site.org().token_for(seed::INTEGRATION_USER).unwrap();
    let url = format!("{}/services/oauth2/revoke", site.sandbox.base_url());
    let revoked = site.http.post(&url).form(&[("token", site.token.as_str())]).send().await.unwrap();
    assert_eq!(revoked.status(), 200);
    assert_eq!(site.get("limits").await.status, 401);
    let unknown = Reply::of(site.http.post(&url).form(&[("token", "x")]).send().await.unwrap()).await;
    assert!(unknown.status == 400 && unknown.text.starts_with("error=unsupported_token_type&"));
}

#[tokio::test]
async fn refresh_tokens_rotate_when_the_app_says_so() {
    let site = Site::start().await;
    let login = [
        ("grant_type", "password"),
        ("client_id", seed::CLIENT_ID),
        ("client_secret", seed::CLIENT_SECRET),
        ("username", seed::ADMIN_USER),
        ("password", seed::PASSWORD),
    ];
    let first = token(&site, &login).await.json();
    let refresh = first["refresh_token"].as_str().unwrap().to_owned();
    let form = |token: &str| -> [(&'static str, String); 3] {
        [
            ("grant_type", "refresh_token".into()),
            ("refresh_token", token.into()),
            ("client_id", seed::CLIENT_ID.into()),
        ]
    };
    let exchange = async |refresh: &str| {
        let form = form(refresh);
        let pairs: Vec<(&str, &str)> = form.iter().map(|(key, value)| (*key, value.as_str())).collect();
        token(&site, &pairs).await
    };
    assert!(exchange(&refresh).await.json().get("refresh_token").is_none());
    site.org().set_app(App {
        client_id: seed::CLIENT_ID.into(),
        client_secret: seed::CLIENT_SECRET.into(),
        run_as: None,
        public_key_pem: None,
        rotate_refresh_tokens: true,
    });
    let rotated = exchange(&refresh).await.json();
    assert_ne!(rotated["refresh_token"], json!(refresh));
    assert_eq!(exchange(&refresh).await.status, 400);
    let old = site.http.get(site.data("limits")).bearer_auth(first["access_token"].as_str().unwrap());
    assert_eq!(old.send().await.unwrap().status(), 401, "the exchange ends the previous session");
}

const KEY: &str = include_str!("rsa_test_key.pkcs8.b64");
const PUBLIC: &str = include_str!("rsa_test_key.pub.pem");

fn assertion(claims: &Json) -> String {
    let pair = KeyPair::from_pkcs8(&STANDARD.decode(KEY.trim()).unwrap()).unwrap();
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let mut signature = vec![0; pair.public_key().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
    assert!(!pair.public_key().as_ref().is_empty());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn jwt_bearer_is_verified() {
    let app = App {
        client_id: "jwt-app".into(),
        client_secret: "unused".into(),
        run_as: None,
        public_key_pem: Some(PUBLIC.into()),
        rotate_refresh_tokens: false,
    };
    let site = Site::with(SandboxOptions { apps: vec![app], ..SandboxOptions::manual() }).await;
    let now = site.org().now().as_second();
    let claims =
        |exp: Json, sub: &str, aud: &str| json!({"iss": "jwt-app", "sub": sub, "aud": aud, "exp": exp});
    let login = "https://login.salesforce.com";
    let ask = async |assertion: String| {
        token(
            &site,
            &[("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &assertion)],
        )
        .await
    };
    for exp in [json!(now + 180), json!((now + 180).to_string())] {
        let reply = ask(assertion(&claims(exp, seed::INTEGRATION_USER, login))).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    let mut forged = assertion(&claims(json!(now + 180), seed::INTEGRATION_USER, login));
    forged.replace_range(forged.len() - 8.., "AAAAAAAA");
    for (bad, why) in [
        (assertion(&claims(json!(now - 1), seed::INTEGRATION_USER, login)), "expired authorization code"),
        (
            assertion(&claims(json!((now + 180) * 1000), seed::INTEGRATION_USER, login)),
            "expired authorization code",
        ),
        (assertion(&claims(json!(now + 180), "nobody@x", login)), "user hasn't approved this consumer"),
        (
            assertion(&claims(json!(now + 180), seed::INTEGRATION_USER, "https://evil.example")),
            "audience is invalid",
        ),
        (forged, "invalid assertion"),
        ("a.b".into(), "invalid assertion"),
    ] {
        let reply = ask(bad).await;
        assert_eq!((reply.status, reply.json()["error_description"].as_str()), (400, Some(why)));
    }
}

#[tokio::test]
async fn introspection_identity_and_userinfo_know_the_session() {
    let site = Site::start().await;
    let base = site.sandbox.base_url();
    let form = [
        ("token", site.token.as_str()),
        ("client_id", seed::CLIENT_ID),
        ("client_secret", seed::CLIENT_SECRET),
    ];
    let live = site.http.post(format!("{base}/services/oauth2/introspect")).form(&form).send().await.unwrap();
    let live = Reply::of(live).await.json();
    assert_eq!(
        (live["active"].as_bool(), live["username"].as_str()),
        (Some(true), Some(seed::INTEGRATION_USER))
    );
    assert_eq!(live["exp"].as_i64().unwrap() - live["iat"].as_i64().unwrap(), 7200);
    let info = site.http.get(format!("{base}/services/oauth2/userinfo")).bearer_auth(&site.token);
    let info = Reply::of(info.send().await.unwrap()).await.json();
    let id = site.http.get(format!("{}?oauth_token={}", info["sub"].as_str().unwrap(), site.token));
    let id = Reply::of(id.send().await.unwrap()).await.json();
    assert_eq!(id["organization_id"], json!(site.org().id()));
}

#[tokio::test]
async fn versions_outside_the_range_are_refused_by_kind() {
    let site = Site::start().await;
    let status = async |version: &str| {
        let url = format!("{}/services/data/{version}/limits", site.sandbox.base_url());
        site.http.request(Method::GET, url).bearer_auth(&site.token).send().await.unwrap().status().as_u16()
    };
    assert_eq!(status("v31.0").await, 200);
    assert_eq!(status("v68.0").await, 200);
    assert_eq!(status("v30.0").await, 410);
    assert_eq!(status("v69.0").await, 404);
    assert_eq!(status("vx").await, 404);
}

#[tokio::test]
async fn only_loopback_is_served() {
    let options = SandboxOptions { address: "0.0.0.0".parse().unwrap(), ..SandboxOptions::manual() };
    assert!(matches!(Sandbox::start(options).await, Err(Error::NotLoopback { .. })));
}
