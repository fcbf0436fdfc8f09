//! A sandbox, the connector beside it, and a peer that sends what the connector asks for.

use handoff_connector::{
    Body, CallPage, Calls as _, Connector as _, Cursor, Exchange, Fault, Reply, Step, conformance,
};
use handoff_core::{evidence::Call, id::ConnectionId};
use handoff_gong::{Gong, GongConfig};
use handoff_sandbox_gong::{CallSpec, Party, Sandbox, SandboxOptions, Seed, Workspace, seed};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, RequestBuilder};

pub(crate) const AVA: &str = "ava.lindqvist@northwind-peak.example";
pub(crate) const BUYER: &str = "elena.marsh@customer00.example";
pub(crate) const ADDRESS: &str = "https://handoffd.example/webhooks/gong";

/// Most requests of one conversation.
const PATIENCE: usize = 100;

pub(crate) struct Talk {
    pub(crate) sandbox: Sandbox,
    pub(crate) gong: Gong,
    http: Client,
    /// Called before each request with its number in the conversation.
    token: Option<String>,
}

pub(crate) fn config() -> GongConfig {
    let mut config = GongConfig::new(ConnectionId("gong".to_owned()));
    config.webhook_url = Some(ADDRESS.to_owned());
    config
}

impl Talk {
    /// People, no calls, a clock that stands still, the default configuration.
    pub(crate) async fn start() -> Self {
        Self::with(config()).await
    }

    pub(crate) async fn with(config: GongConfig) -> Self {
        let options = SandboxOptions { seed: Seed::People, ..SandboxOptions::manual() };
        let sandbox = Sandbox::start(options).await.unwrap();
        let http = Client::builder().no_proxy().build().unwrap();
        Self { sandbox, gong: Gong::new(config).unwrap(), http, token: None }
    }

    /// The same, logged in with an OAuth token of these scopes instead of the access key.
    pub(crate) fn with_scopes(mut self, scopes: &[&str]) -> Self {
        self.token = Some(self.workspace().grant_with(scopes).access_token);
        self
    }

    pub(crate) fn workspace(&self) -> &Workspace {
        self.sandbox.workspace()
    }

    pub(crate) fn at(&self, seconds: i64) -> Timestamp {
        self.workspace().now().checked_add(SignedDuration::from_secs(seconds)).unwrap()
    }

    /// A call of Ava's with a customer that began so many seconds ago and is visible.
    pub(crate) fn call(&self, ago: i64) -> CallSpec {
        CallSpec::new("Pricing", self.at(-ago))
            .with(Party::new(AVA, "Ava Lindqvist"))
            .with(Party::new(BUYER, "Elena Marsh"))
            .processed_at(self.workspace().now())
    }

    pub(crate) fn add(&self, call: CallSpec) -> String {
        self.workspace().add_call(call).unwrap()
    }

    fn proven(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request.basic_auth(seed::ACCESS_KEY, Some(seed::ACCESS_KEY_SECRET)),
        }
    }

    /// Leads a conversation to its end.
    pub(crate) async fn lead<T: Send>(
        &self,
        mut exchange: Box<dyn Exchange<Output = T>>,
    ) -> Result<T, Fault> {
        for _ in 0..PATIENCE {
            let asked = exchange.request();
            conformance::request(&asked, self.gong.spec()).unwrap();
            let url = format!("{}{}", self.sandbox.base_url(), asked.path);
            let request = self.http.request(asked.method, url).headers(asked.headers);
            let request = match asked.body {
                Body::Empty => request,
                Body::Json(body) => request.header("content-type", "application/json").body(body.to_string()),
                Body::Form(_) => panic!("{}: the vendor takes no forms here", asked.name),
            };
            let answer = self.proven(request).send().await.unwrap();
            let (status, headers) = (answer.status(), answer.headers().clone());
            let body = answer.bytes().await.unwrap();
            match exchange.reply(&Reply { status, headers, body })? {
                Step::Continue => {}
                Step::Done(output) => return Ok(output),
            }
        }
        panic!("the conversation does not end");
    }

    /// One page.
    pub(crate) async fn page(&self, cursor: &Cursor) -> Result<CallPage, Fault> {
        self.lead(self.gong.calls(cursor, self.workspace().now())).await
    }

    /// A whole pass from a cursor; its calls and where it ended.
    pub(crate) async fn pass(&self, from: &Cursor) -> (Vec<Call>, Cursor) {
        let (mut calls, mut here) = (Vec::new(), from.clone());
        for _ in 0..PATIENCE {
            let page = self.page(&here).await.unwrap();
            calls.extend(page.calls);
            conformance::cursor(&page.next).unwrap();
            here = page.next;
            if !page.more {
                return (calls, here);
            }
        }
        panic!("the pass does not end");
    }

    /// Nothing was done that a client must never do.
    pub(crate) fn behaved(&self) {
        assert_eq!(self.workspace().tripped(), []);
        assert_eq!(self.workspace().writes(), []);
    }
}

pub(crate) fn ids(calls: &[Call]) -> Vec<String> {
    let mut ids: Vec<String> = calls.iter().map(|call| call.id.clone()).collect();
    ids.sort();
    ids
}
