//! A sandbox, a token on it, and short ways to call it.

use handoff_sandbox_hubspot::{Portal, Sandbox, SandboxOptions, seed};
use reqwest::{Client, Method, Response};
use serde_json::{Value as Json, json};

/// E-mail addresses of the company used in tests.
pub(crate) const AE: &str = "ava.lindqvist@northwind-peak.example";
pub(crate) const LEAD: &str = "ingrid.moen@northwind-peak.example";

pub(crate) struct Site {
    pub(crate) sandbox: Sandbox,
    pub(crate) http: Client,
    pub(crate) token: String,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap_or_default() }
    }

    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn category(&self) -> String {
        self.json()["category"].as_str().unwrap_or_default().to_owned()
    }

    /// `code` of the first entry of `errors`.
    pub(crate) fn code(&self) -> String {
        self.json()["errors"][0]["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self::with(SandboxOptions::manual()).await
    }

    pub(crate) async fn with(options: SandboxOptions) -> Self {
        let sandbox = Sandbox::start(options).await.unwrap();
        let http = Client::builder().no_proxy().build().unwrap();
        Self { sandbox, http, token: seed::SERVICE_KEY.to_owned() }
    }

    pub(crate) fn portal(&self) -> &Portal {
        self.sandbox.portal()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.sandbox.base_url());
        self.http.request(method, url).bearer_auth(&self.token)
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: &Json) -> Reply {
        let request = self.request(method, path);
        let request = if body.is_null() { request } else { request.body(body.to_string()) };
        Reply::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, &Json::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Json) -> Reply {
        self.call(Method::POST, path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Json) -> Reply {
        self.call(Method::PATCH, path, body).await
    }

    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.http.post(format!("{}{path}", self.sandbox.base_url()));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        Reply::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn control(&self, path: &str, body: &Json) -> Reply {
        let url = format!("{}/_sandbox/{path}", self.sandbox.base_url());
        Reply::of(self.http.post(url).body(body.to_string()).send().await.unwrap()).await
    }

    /// A fresh deal in the first stage.
    pub(crate) async fn deal(&self, name: &str) -> u64 {
        let body = json!({"properties": {
            "dealname": name, "dealstage": "appointmentscheduled", "pipeline": "default", "amount": "1000",
        }});
        let made = self.post("/crm/v3/objects/deals", &body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["id"].as_str().unwrap().parse().unwrap()
    }
}
