//! Telemetry as a company's product and training tool send it: rows, signed as the Standard Webhooks specification says.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use handoff_core::feed::ColumnKind;
use handoffd::clock::Clock as _;
use handoffd::config::Feed;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use crate::governed::{Governed, secret};

/// The secret that deliveries are signed with.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// The one that takes its place.
pub const NEXT: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDAAAA";
/// How telemetry calls the customer of the stories.
pub const CUSTOMER: &str = "Glenmore Freight";

/// The feeds that the shipped mappings of handoff 04 read: weekly users of each feature of a customer, and who was trained.
pub fn configure(world: &mut Governed) {
    let (dir, text) = (world.dir(), ColumnKind::Text);
    let secrets = vec![secret(dir, "feed", SECRET), secret(dir, "feed_next", NEXT)];
    let feed = |identity: [&str; 2], columns: [(&str, ColumnKind); 4]| Feed {
        secrets: secrets.clone(),
        key: "account".to_owned(),
        identity: identity.map(str::to_owned).into(),
        columns: columns.map(|(name, kind)| (name.to_owned(), kind)).into(),
        about: None,
    };
    let usage =
        [("account", text), ("feature", text), ("week", ColumnKind::Date), ("users", ColumnKind::Number)];
    let attendance = [("account", text), ("person", text), ("session", text), ("completed", text)];
    let feeds = BTreeMap::from([
        ("usage".to_owned(), feed(["feature", "week"], usage)),
        ("attendance".to_owned(), feed(["person", "session"], attendance)),
    ]);
    world.config(|config| config.feed = feeds);
}

fn signed(secret: &str, id: &str, time: i64, body: &str) -> String {
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{time}.{body}").as_bytes());
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

/// A delivery as a sender makes it; what is changed afterwards is not what was signed.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Where it goes, e.g. `feeds/usage`.
    pub path: &'static str,
    /// The message's id.
    pub id: String,
    /// When it was signed, in Unix seconds.
    pub time: i64,
    /// The signature; empty = none.
    pub signature: String,
    /// The content type.
    pub kind: &'static str,
    /// The rows.
    pub body: String,
}

impl Delivery {
    /// Rows of use as JSON, signed now by the daemon's clock.
    pub fn of(world: &Governed, id: &str, body: impl Into<String>) -> Self {
        let (body, time) = (body.into(), world.clock().now().as_second());
        let signature = signed(SECRET, id, time, &body);
        Self { path: "feeds/usage", id: id.to_owned(), time, signature, kind: "application/json", body }
    }

    /// Signed again as it stands, with this secret.
    #[must_use]
    pub fn signed_again(mut self, secret: &str) -> Self {
        self.signature = signed(secret, &self.id, self.time, &self.body);
        self
    }

    /// The status, and what the daemon says.
    pub async fn send(self, world: &Governed) -> (u16, Value) {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_mins(1)).build().unwrap();
        let request = client
            .post(format!("http://{}/{}", world.app().local_addr(), self.path))
            .header("webhook-id", self.id)
            .header("webhook-timestamp", self.time.to_string())
            .header("webhook-signature", self.signature)
            .header("content-type", self.kind)
            .body(self.body);
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }
}
