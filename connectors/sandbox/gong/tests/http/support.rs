//! A sandbox, a key to it, and short ways to call it.

use handoff_sandbox_gong::{CallSpec, Party, Sandbox, SandboxOptions, Seed, Wire, Workspace, seed};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value as Json, json};

pub(crate) const AVA: &str = "ava.lindqvist@northwind-peak.example";
pub(crate) const BUYER: &str = "elena.marsh@customer00.example";
/// What an empty window is told.
pub(crate) const NO_CALLS: &str = "No calls found corresponding to the provided filters";

pub(crate) struct Site {
    pub(crate) sandbox: Sandbox,
    pub(crate) http: Client,
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

    /// The first error text.
    pub(crate) fn error(&self) -> String {
        self.json()["errors"][0].as_str().unwrap_or_default().to_owned()
    }

    /// `id`s of `calls`.
    pub(crate) fn ids(&self) -> Vec<String> {
        let id = |call: &Json| call["id"].as_str().or(call["metaData"]["id"].as_str()).unwrap().to_owned();
        self.json()["calls"].as_array().unwrap().iter().map(id).collect()
    }
}

impl Site {
    /// People, no calls, a clock that stands still.
    pub(crate) async fn start() -> Self {
        Self::with(SandboxOptions { seed: Seed::People, ..SandboxOptions::manual() }).await
    }

    pub(crate) async fn with(options: SandboxOptions) -> Self {
        let sandbox = Sandbox::start(options).await.unwrap();
        let http = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { sandbox, http }
    }

    pub(crate) fn workspace(&self) -> &Workspace {
        self.sandbox.workspace()
    }

    /// A moment so many seconds from the sandbox's now.
    pub(crate) fn at(&self, seconds: i64) -> Timestamp {
        self.workspace().now().checked_add(SignedDuration::from_secs(seconds)).unwrap()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.base_url())
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path)).basic_auth(seed::ACCESS_KEY, Some(seed::ACCESS_KEY_SECRET))
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Json) -> Reply {
        Reply::of(self.request(Method::POST, path).body(body.to_string()).send().await.unwrap()).await
    }

    pub(crate) async fn control(&self, path: &str, body: &Json) -> Reply {
        let url = self.url(&format!("/_sandbox/{path}"));
        Reply::of(self.http.post(url).body(body.to_string()).send().await.unwrap()).await
    }

    /// `GET /v2/calls` for a window in seconds from now.
    pub(crate) async fn list(&self, from: i64, to: i64) -> Reply {
        self.get(&format!("/v2/calls?fromDateTime={}&toDateTime={}", self.at(from), self.at(to))).await
    }

    /// `POST /v2/calls/extensive` by ids.
    pub(crate) async fn details(&self, ids: &[&str], selector: &Json) -> Reply {
        self.post("/v2/calls/extensive", &json!({"filter": {"callIds": ids}, "contentSelector": selector}))
            .await
    }

    /// `POST /v2/calls/transcript` by ids.
    pub(crate) async fn words(&self, ids: &[&str]) -> Reply {
        self.post("/v2/calls/transcript", &json!({"filter": {"callIds": ids}})).await
    }

    /// A call of Ava's with a customer that began so many seconds ago and is visible.
    pub(crate) fn call(&self, ago: i64) -> CallSpec {
        CallSpec::new("Pricing", self.at(-ago))
            .lasting(600)
            .with(Party::new(AVA, "Ava Lindqvist"))
            .with(Party::new(BUYER, "Elena Marsh"))
            .processed_at(self.workspace().now())
    }

    pub(crate) fn add(&self, call: CallSpec) -> String {
        self.workspace().add_call(call).unwrap()
    }

    /// The wires touched so far.
    pub(crate) fn wires(&self) -> Vec<Wire> {
        self.workspace().tripped().into_iter().map(|one| one.wire).collect()
    }
}
