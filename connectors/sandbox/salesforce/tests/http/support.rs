//! A sandbox, a session on it, and short ways to call it.

use handoff_sandbox_salesforce::{Id, Org, Sandbox, SandboxOptions, seed};
use reqwest::{Client, Method, Response};
use serde_json::{Value as Json, json};

/// User names of the company used in tests.
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

    /// `errorCode` of the first entry.
    pub(crate) fn code(&self) -> String {
        self.json()[0]["errorCode"].as_str().unwrap_or_default().to_owned()
    }
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self::with(SandboxOptions::manual()).await
    }

    pub(crate) async fn with(options: SandboxOptions) -> Self {
        let sandbox = Sandbox::start(options).await.unwrap();
        let http = Client::builder().no_proxy().build().unwrap();
        let token = sandbox.org().token_for(seed::INTEGRATION_USER).unwrap();
        Self { sandbox, http, token }
    }

    pub(crate) fn org(&self) -> &Org {
        self.sandbox.org()
    }

    pub(crate) fn data(&self, path: &str) -> String {
        format!("{}/services/data/v62.0/{path}", self.sandbox.base_url())
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, self.data(path)).bearer_auth(&self.token)
    }

    /// A query request on `query` or `queryAll`.
    pub(crate) fn ask(&self, path: &str, soql: &str) -> reqwest::RequestBuilder {
        let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("q", soql).finish();
        self.request(Method::GET, &format!("{path}?{query}"))
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: &Json) -> Reply {
        let request = self.request(method, path);
        let request = if body.is_null() { request } else { request.body(body.to_string()) };
        Reply::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, &Json::Null).await
    }

    pub(crate) async fn query(&self, soql: &str) -> Json {
        let response = self.ask("query", soql).send().await.unwrap();
        let reply = Reply::of(response).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()
    }

    pub(crate) async fn control(&self, path: &str, body: &Json) -> Reply {
        let url = format!("{}/_sandbox/{path}", self.sandbox.base_url());
        Reply::of(self.http.post(url).body(body.to_string()).send().await.unwrap()).await
    }

    /// A fresh open deal of the integration user.
    pub(crate) async fn deal(&self, name: &str) -> Id {
        let body =
            json!({"Name": name, "StageName": "Prospecting", "CloseDate": "2026-12-24", "Amount": 1000});
        let made = self.call(Method::POST, "sobjects/Opportunity", &body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        Id::parse(made.json()["id"].as_str().unwrap()).unwrap()
    }
}
