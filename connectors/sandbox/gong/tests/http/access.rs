use handoff_sandbox_gong::{AccessKey, SandboxOptions, Seed, TrustedIps, Wire, seed};
use reqwest::Method;
use serde_json::Value as Json;

use crate::support::{NO_CALLS, Reply, Site};

const BACK: &str = "https://handoffd.example/callback";

fn location(reply: &Reply) -> url::Url {
    url::Url::parse(reply.header("location")).unwrap()
}

fn query(url: &url::Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

impl Site {
    async fn ask(&self, scope: &str) -> url::Url {
        let mut url = url::Url::parse(&self.url("/oauth2/authorize")).unwrap();
        url.query_pairs_mut()
            .append_pair("client_id", seed::CLIENT_ID)
            .append_pair("response_type", "code")
            .append_pair("scope", scope)
            .append_pair("redirect_uri", BACK)
            .append_pair("state", "s1");
        let reply = Reply::of(self.http.get(url).send().await.unwrap()).await;
        assert_eq!(reply.status, 302, "{}", reply.text);
        location(&reply)
    }

    fn exchange(&self, pairs: &[(&str, &str)], form: bool) -> reqwest::RequestBuilder {
        let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let target = self.url("/oauth2/generate-customer-token");
        let request = if form {
            let request = self.http.post(target).body(text);
            request.header("content-type", "application/x-www-form-urlencoded")
        } else {
            self.http.post(format!("{target}?{text}"))
        };
        request.basic_auth(seed::CLIENT_ID, Some(seed::CLIENT_SECRET))
    }

    async fn token(&self, pairs: &[(&str, &str)], form: bool) -> Reply {
        Reply::of(self.exchange(pairs, form).send().await.unwrap()).await
    }

    async fn refresh(&self, token: &str) -> Reply {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)], false).await
    }

    async fn users_as(&self, token: &str) -> Reply {
        Reply::of(self.http.get(self.url("/v2/users")).bearer_auth(token).send().await.unwrap()).await
    }
}

fn text(body: &Json, name: &str) -> String {
    body[name].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn wrong_late_and_blind_keys() {
    let site = Site::start().await;
    site.add(site.call(900));
    let none = Reply::of(site.http.get(site.url("/v2/users")).send().await.unwrap()).await;
    assert_eq!(none.status, 401);
    let wrong = site.http.get(site.url("/v2/users")).basic_auth(seed::ACCESS_KEY, Some("x"));
    assert_eq!(wrong.send().await.unwrap().status(), 401);
    let key = |name: &str| AccessKey {
        key: name.into(),
        secret: "s".into(),
        sees_calls: name != "blind",
        expires_at: (name == "short").then(|| site.at(10)),
    };
    site.workspace().set_key(key("blind"));
    site.workspace().set_key(key("short"));
    let path = format!("/v2/calls?fromDateTime={}&toDateTime={}", site.at(-1_000), site.at(0));
    let as_key = |name: &str| site.http.get(site.url(&path)).basic_auth(name, Some("s"));
    let blind = Reply::of(as_key("blind").send().await.unwrap()).await;
    assert_eq!(
        (blind.status, blind.error().as_str()),
        (404, NO_CALLS),
        "told apart from an empty window by nothing"
    );
    assert_eq!(as_key("short").send().await.unwrap().status(), 200);
    site.workspace().advance(10);
    assert_eq!(as_key("short").send().await.unwrap().status(), 401);
    site.workspace().delete_key("blind");
    assert_eq!(as_key("blind").send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn a_code_gives_tokens_once_within_ten_minutes() {
    let site = Site::start().await;
    let back = site.ask("api:users:read api:calls:read:basic").await;
    assert_eq!(query(&back, "state"), "s1");
    let code = query(&back, "code");
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("client_id", seed::CLIENT_ID),
        ("redirect_uri", BACK),
    ];
    let given = site.token(&pairs, false).await;
    assert_eq!(given.status, 200, "{}", given.text);
    let body = given.json();
    assert_eq!(
        (body["expires_in"].as_i64(), &body["scope"]),
        (Some(86_400), &"api:users:read api:calls:read:basic".into())
    );
    assert_eq!(text(&body, "api_base_url_for_customer"), site.sandbox.base_url());
    assert_eq!(site.users_as(&text(&body, "access_token")).await.status, 200);
    assert_eq!(site.token(&pairs, false).await.status, 400, "a code is good once");
    let late = query(&site.ask("api:users:read").await, "code");
    site.workspace().advance(600);
    let pairs = [("grant_type", "authorization_code"), ("code", late.as_str()), ("redirect_uri", BACK)];
    assert_eq!(site.token(&pairs, true).await.json()["error"], "invalid_grant");
    site.workspace().set_approval(false);
    assert_eq!(query(&site.ask("api:users:read").await, "error"), "access_denied");
    assert_eq!(query(&site.ask("everything").await, "error"), "invalid_scope");
}

#[tokio::test]
async fn a_refresh_token_is_good_once_in_query_or_form() {
    let site = Site::start().await;
    let first = site.workspace().grant();
    let second = site.refresh(&first.refresh_token).await.json();
    assert_eq!(site.users_as(&first.access_token).await.error(), "access token has been revoked");
    assert_eq!(site.users_as(&text(&second, "access_token")).await.status, 200);
    let third = site
        .token(&[("grant_type", "refresh_token"), ("refresh_token", &text(&second, "refresh_token"))], true)
        .await;
    assert_eq!(third.status, 200);
    assert_eq!(site.wires(), []);
    assert_eq!(site.refresh(&first.refresh_token).await.json()["error"], "invalid_grant");
    assert_eq!(site.wires(), [Wire::SpentRefreshToken]);
    let access = text(&third.json(), "access_token");
    site.workspace().advance(86_400);
    assert_eq!(site.users_as(&access).await.error(), "access token has expired");
}

#[tokio::test]
async fn strangers_scopes_and_killed_tokens_are_refused() {
    let site = Site::start().await;
    let tokens = site.workspace().grant_with(&["api:calls:read:basic"]);
    assert_eq!(site.users_as(&tokens.access_token).await.status, 403);
    let unsigned = site.http.post(site.url("/oauth2/generate-customer-token?grant_type=refresh_token"));
    assert_eq!(unsigned.send().await.unwrap().status(), 401);
    let tokens = site.workspace().grant();
    assert_eq!(site.workspace().kill_tokens(), 2);
    assert_eq!(site.users_as(&tokens.access_token).await.status, 401);
    assert_eq!(site.workspace().kill_refresh_tokens(), 2);
    assert_eq!(site.refresh(&tokens.refresh_token).await.status, 400);
}

#[tokio::test]
async fn tokens_are_good_on_the_customers_host_only() {
    let options = SandboxOptions {
        seed: Seed::People,
        customer_host: Some("localhost".into()),
        ..SandboxOptions::manual()
    };
    let site = Site::with(options).await;
    let body = site.refresh(&site.workspace().grant().refresh_token).await.json();
    let own = text(&body, "api_base_url_for_customer");
    assert_eq!(own, site.sandbox.base_url().replace("127.0.0.1", "localhost"));
    let token = text(&body, "access_token");
    let generic = site.users_as(&token).await;
    assert_eq!((generic.status, generic.error().as_str()), (401, "access token has been revoked"));
    let host = own.strip_prefix("http://").unwrap();
    let there = site.http.get(site.url("/v2/users")).bearer_auth(&token).header("host", host);
    assert_eq!(there.send().await.unwrap().status(), 200);
    assert_eq!(site.get("/v2/users").await.status, 200, "an access key is good on both");
}

#[tokio::test]
async fn addresses_are_trusted_by_what_they_call_with() {
    let site = Site::start().await;
    let tokens = site.workspace().grant();
    let trusted = TrustedIps {
        keys: vec!["198.51.100.0/24".into()],
        access_tokens: vec!["127.0.0.1".into()],
        refresh_tokens: vec!["2001:db8::/32".into()],
    };
    site.workspace().set_trusted(&trusted).unwrap();
    assert_eq!(site.get("/v2/users").await.status, 403);
    assert_eq!(site.users_as(&tokens.access_token).await.status, 200);
    assert_eq!(site.refresh(&tokens.refresh_token).await.status, 403);
    site.workspace().appear_from("2001:db8::7".parse().unwrap());
    assert_eq!(site.refresh(&tokens.refresh_token).await.status, 200, "the refusal did not spend it");
    site.workspace().appear_from("198.51.100.9".parse().unwrap());
    assert_eq!(site.get("/v2/users").await.status, 200);
    assert!(site.workspace().set_trusted(&TrustedIps { keys: vec!["x".into()], ..trusted }).is_err());
}

#[tokio::test]
async fn users_may_refuse_with_403_as_declared() {
    let site = Site::with(SandboxOptions { declared_403: true, ..SandboxOptions::manual() }).await;
    for (path, status) in [("/v2/users", 403), ("/v2/workspaces", 403), ("/v2/settings/trackers", 401)] {
        let reply = site.http.request(Method::GET, site.url(path)).send().await.unwrap();
        assert_eq!(reply.status(), status, "{path}");
    }
}
