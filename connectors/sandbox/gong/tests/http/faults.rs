use handoff_sandbox_gong::{Action, Fault};
use reqwest::Method;
use serde_json::json;

use crate::support::{NO_CALLS, Site};

#[tokio::test]
async fn planted_answers_have_the_vendors_bodies() {
    let site = Site::start().await;
    for (action, status, text) in [
        (Action::Unauthorized, 401, "credentials"),
        (Action::Forbidden, 403, "not trusted"),
        (Action::NoCalls, 404, NO_CALLS),
        (Action::RateLimited { retry_after: 3_600 }, 429, "limit"),
        (Action::ServerError, 500, "errors"),
        (Action::HtmlOk, 200, "<html>"),
        (Action::EmptyOk, 200, ""),
        (Action::Malformed, 200, "\"users\":false"),
    ] {
        site.workspace().plant(Fault::next(action.clone()));
        let reply = site.get("/v2/users").await;
        assert_eq!(reply.status, status, "{action:?}");
        assert!(reply.text.contains(text), "{action:?}: {}", reply.text);
    }
    assert_eq!(site.get("/v2/users").await.status, 200);
    site.workspace().plant(Fault::on_kind("users", Action::RateLimited { retry_after: 3_600 }));
    assert_eq!(site.get("/v2/workspaces").await.status, 200);
    assert_eq!(site.get("/v2/users").await.header("retry-after"), "3600");
}

#[tokio::test]
async fn unknown_fields_are_in_every_object_once_or_always() {
    let site = Site::start().await;
    let call = site.add(site.call(900));
    site.workspace().plant(Fault::on_kind("call", Action::UnknownFields));
    let path = format!("/v2/calls/{call}");
    assert_eq!(site.get(&path).await.json()["call"]["addedWithoutWarning"]["value"], 1);
    assert!(site.get(&path).await.json()["call"].get("addedWithoutWarning").is_none());
    site.workspace().set_unknown_fields(true);
    let users = site.get("/v2/users").await.json();
    assert!(users["records"].get("addedWithoutWarning").is_some());
    assert!(users["users"][0]["settings"].get("addedWithoutWarning").is_some());
}

#[tokio::test]
async fn a_lost_answer_of_the_token_endpoint_has_spent_the_refresh_token() {
    let site = Site::start().await;
    let tokens = site.workspace().grant();
    let send = || {
        site.http
            .post(site.url("/oauth2/generate-customer-token"))
            .basic_auth(
                handoff_sandbox_gong::seed::CLIENT_ID,
                Some(handoff_sandbox_gong::seed::CLIENT_SECRET),
            )
            .body(format!("grant_type=refresh_token&refresh_token={}", tokens.refresh_token))
            .send()
    };
    site.workspace().plant(Fault::on_kind("token", Action::DropBefore));
    site.workspace().plant(Fault::on_kind("token", Action::DropAfter));
    assert!(send().await.is_err());
    assert!(send().await.is_err());
    assert_eq!(send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn answers_break_off_hang_and_come_late() {
    let site = Site::start().await;
    site.workspace().plant(Fault::next(Action::Truncate { bytes: 5 }));
    let broken = site.request(Method::GET, "/v2/users").send().await.unwrap();
    assert!(broken.bytes().await.is_err());
    site.workspace().plant(Fault::next(Action::Hang));
    let waiting = tokio::spawn(site.request(Method::GET, "/v2/users").send());
    while !site.workspace().faults().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(site.get("/v2/workspaces").await.status, 200);
    assert!(!waiting.is_finished());
    site.workspace().clear_faults();
    assert_eq!(waiting.await.unwrap().unwrap().status(), 200);
    let planted =
        json!({"on": {"kind": "users"}, "do": "answer", "status": 503, "retry_after": "9", "body": "x"});
    assert_eq!(site.control("faults", &planted).await.status, 200);
    let reply = site.get("/v2/users").await;
    assert_eq!((reply.status, reply.header("retry-after"), reply.text.as_str()), (503, "9", "x"));
}
