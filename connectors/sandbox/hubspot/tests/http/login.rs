use handoff_sandbox_hubspot::{App, StaticToken, seed};
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::support::{AE, Reply, Site};

async fn install(site: &Site, version: &str) -> Json {
    let code = site.portal().authorize(seed::CLIENT_ID, AE).unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", "http://localhost/cb"),
        ("client_id", seed::CLIENT_ID),
        ("client_secret", seed::CLIENT_SECRET),
    ];
    let made = site.form(&format!("/oauth/{version}/token"), &fields).await;
    assert_eq!(made.status, 200, "{}", made.text);
    assert_eq!(
        site.form(&format!("/oauth/{version}/token"), &fields).await.json()["status"],
        "BAD_AUTH_CODE",
        "once only"
    );
    made.json()
}

async fn refresh(site: &Site, token: &Json) -> Reply {
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token["refresh_token"].as_str().unwrap()),
        ("client_id", seed::CLIENT_ID),
        ("client_secret", seed::CLIENT_SECRET),
    ];
    site.form("/oauth/2026-09/token", &fields).await
}

#[tokio::test]
async fn d09_an_access_token_lives_half_an_hour_and_is_refreshed() {
    let mut site = Site::start().await;
    let first = install(&site, "2026-09").await;
    assert_eq!(
        (&first["expires_in"], &first["hub_id"], &first["token_use"]),
        (&json!(1800), &json!(seed::PORTAL_ID), &json!("access_token"))
    );
    site.token = first["access_token"].as_str().unwrap().to_owned();
    assert_eq!(site.get("/account-info/v3/details").await.status, 200);
    site.portal().advance(1799);
    assert_eq!(site.get("/account-info/v3/details").await.status, 200);
    site.portal().advance(3);
    let expired = site.get("/account-info/v3/details").await;
    assert_eq!((expired.status, expired.category().as_str()), (401, "EXPIRED_AUTHENTICATION"));
    assert_eq!(expired.json()["message"], "The OAuth token used to make this call expired 2 second(s) ago.");
    let (one, two) = tokio::join!(refresh(&site, &first), refresh(&site, &first));
    let (one, two) = (one.json(), two.json());
    assert_eq!(
        (&one["refresh_token"], &two["refresh_token"]),
        (&first["refresh_token"], &first["refresh_token"])
    );
    for fresh in [&one, &two] {
        site.token = fresh["access_token"].as_str().unwrap().to_owned();
        assert_eq!(
            site.get("/account-info/2026-09/details").await.json()["portalId"],
            json!(seed::PORTAL_ID)
        );
    }
}

#[tokio::test]
async fn d10_token_errors_carry_both_vocabularies() {
    let site = Site::start().await;
    let token = install(&site, "v1").await;
    assert_eq!(site.portal().kill_refresh_tokens(), 1);
    let revoked = refresh(&site, &token).await;
    assert_eq!(revoked.status, 400);
    assert_eq!(
        revoked.json(),
        json!({
            "error": "invalid_grant", "error_description": "refresh token is invalid, expired or revoked",
            "status": "BAD_REFRESH_TOKEN", "message": "refresh token is invalid, expired or revoked",
        })
    );
    for (id, secret, grant, status) in [
        ("nobody", seed::CLIENT_SECRET, "refresh_token", "BAD_CLIENT_ID"),
        (seed::CLIENT_ID, "wrong", "refresh_token", "BAD_CLIENT_SECRET"),
        (seed::CLIENT_ID, seed::CLIENT_SECRET, "password", "BAD_GRANT_TYPE"),
    ] {
        let fields = [("grant_type", grant), ("client_id", id), ("client_secret", secret)];
        assert_eq!(site.form("/oauth/v3/token", &fields).await.json()["status"], status);
    }
}

#[tokio::test]
async fn a08_refresh_tokens_rotate_when_the_app_says_so() {
    let site = Site::start().await;
    site.portal().set_app(App {
        client_id: seed::CLIENT_ID.into(),
        client_secret: seed::CLIENT_SECRET.into(),
        app_id: seed::OAUTH_APP,
        name: String::new(),
        redirect_uri: None,
        scopes: vec!["oauth".into(), "crm.objects.deals.read".into()],
        rotate_refresh_tokens: true,
    });
    let first = install(&site, "2026-03").await;
    assert_eq!(first["scopes"], json!(["crm.objects.deals.read", "oauth"]));
    let second = refresh(&site, &first).await.json();
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(refresh(&site, &first).await.status, 400);
    assert_eq!(refresh(&site, &second).await.status, 200);
}

#[tokio::test]
async fn tokens_are_described_and_revoked() {
    let mut site = Site::start().await;
    let token = install(&site, "v3").await;
    let (access, long) = (token["access_token"].as_str().unwrap(), token["refresh_token"].as_str().unwrap());
    let client = [("client_id", seed::CLIENT_ID), ("client_secret", seed::CLIENT_SECRET)];
    let fields: Vec<(&str, &str)> = client.iter().copied().chain([("token", access)]).collect();
    let shown = site.form("/oauth/2026-09/token/introspect", &fields).await.json();
    assert_eq!((&shown["active"], &shown["app_id"]), (&json!(true), &json!(seed::OAUTH_APP)));
    assert_eq!(site.get(&format!("/oauth/v1/access-tokens/{access}")).await.json()["user"], AE);
    assert_eq!(
        site.get(&format!("/oauth/v1/refresh-tokens/{long}")).await.json()["hub_id"],
        json!(seed::PORTAL_ID)
    );
    let private = json!({"tokenKey": seed::PRIVATE_APP_TOKEN});
    let private = site.post("/oauth/v2/private-apps/get/access-token-info", &private).await.json();
    assert_eq!((&private["appId"], &private["hubId"]), (&json!(seed::PRIVATE_APP), &json!(seed::PORTAL_ID)));
    assert_eq!(site.form("/oauth/2026-09/token/revoke", &fields).await.status, 204);
    let after = site.form("/oauth/2026-09/token/introspect", &fields).await.json();
    assert_eq!(after, json!({"active": false}));
    let gone = site.call(Method::DELETE, &format!("/oauth/v1/refresh-tokens/{long}"), &Json::Null).await;
    assert_eq!((gone.status, refresh(&site, &token).await.status), (204, 400));
    site.token = "nonsense".into();
    let unknown = site.get("/crm/v3/objects/deals").await;
    assert_eq!((unknown.status, unknown.category().as_str()), (401, "INVALID_AUTHENTICATION"));
    assert_eq!(unknown.json()["correlationId"], json!(unknown.header("x-hubspot-correlation-id")));
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let mut site = Site::start().await;
    site.portal()
        .put_token(&StaticToken {
            token: "pat-narrow".into(),
            app_id: 7,
            name: String::new(),
            scopes: vec!["crm.objects.deals.read".into()],
            user: None,
        })
        .unwrap();
    site.token = "pat-narrow".into();
    for path in ["/crm/v3/objects/deals", "/crm/v3/properties/deals", "/crm/v3/pipelines/deals"] {
        assert_eq!(site.get(path).await.status, 200, "{path}");
    }
    assert_eq!(site.post("/crm/v3/objects/deals/search", &json!({})).await.status, 200);
    for (path, scope) in [
        ("/crm/v3/objects/contacts", "crm.objects.contacts.read"),
        ("/crm/v3/objects/notes", "crm.objects.contacts.read"),
        ("/crm/v3/objects/tickets", "tickets"),
        ("/crm/v3/owners/", "crm.objects.owners.read"),
        ("/account-info/v3/details", "oauth"),
    ] {
        let refused = site.get(path).await;
        assert_eq!((refused.status, refused.category().as_str()), (403, "MISSING_SCOPES"), "{path}");
        assert_eq!(refused.json()["errors"][0]["context"]["requiredGranularScopes"], json!([scope]));
    }
    let write = site.post("/crm/v3/objects/deals", &json!({"properties": {}})).await.json();
    assert_eq!(write["errors"][0]["context"]["requiredGranularScopes"], json!(["crm.objects.deals.write"]));
    let property = site.post("/crm/v3/properties/deals", &json!({})).await.json();
    assert_eq!(
        property["errors"][0]["context"]["requiredGranularScopes"],
        json!(["crm.schemas.deals.write"])
    );
}

#[tokio::test]
async fn d11_a_portal_tells_its_number() {
    let site = Site::start().await;
    site.portal().set_id(99);
    assert_eq!(site.get("/account-info/2026-09/details").await.json()["portalId"], 99);
    assert_eq!(install(&site, "2026-09").await["hub_id"], 99);
}
