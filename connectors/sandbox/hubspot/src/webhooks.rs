//! Webhooks: subscriptions, events, signed deliveries with retries.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use crate::{
    associations::Place,
    record::Origin,
    schema::{ObjectIx, PropIx},
    state::State,
};

/// Events in one request at most.
pub(crate) const BATCH: usize = 100;

/// What happens to events between the portal and the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum WebhookMode {
    /// They are delivered.
    #[default]
    Deliver,
    /// None is made.
    Off,
    /// They are made and lost.
    Drop,
    /// Each request is delivered this many times.
    Duplicate {
        /// Deliveries of each request.
        times: u32,
    },
    /// Each event travels alone, newest first.
    Shuffle,
    /// They wait; a release sends them, newest first.
    Hold,
}

/// Where events go, and how they are signed.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookTarget {
    /// Where requests are sent.
    pub url: String,
    /// The address that is signed, when a proxy stands before the target; else `url`.
    #[serde(default)]
    pub public_url: Option<String>,
    /// Client secret of the app.
    pub secret: String,
    /// The app.
    pub app_id: u64,
    /// Sign by version 1 only, as legacy private apps document.
    #[serde(default)]
    pub v1_only: bool,
}

impl std::fmt::Debug for WebhookTarget {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("WebhookTarget").field("url", &self.url).finish_non_exhaustive()
    }
}

/// One kind of event that the app wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Subscription {
    /// Its number; made up when zero.
    #[serde(default)]
    pub id: u64,
    /// `deal.propertyChange`, or `object.propertyChange` with an object type.
    pub subscription_type: String,
    /// Object of a generic subscription: singular, plural or type id.
    #[serde(default)]
    pub object_type: Option<String>,
    /// The property of a propertyChange.
    #[serde(default)]
    pub property_name: Option<String>,
    /// Whether it is in force.
    #[serde(default = "yes")]
    pub active: bool,
}

const fn yes() -> bool {
    true
}

/// One attempt to deliver one request, with everything a replay needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The request: the same for every attempt.
    pub request: u64,
    /// Where it went.
    pub url: String,
    /// Headers as they were sent.
    pub headers: BTreeMap<String, String>,
    /// Body as it was sent.
    pub body: String,
    /// The sandbox's time.
    pub at: Timestamp,
    /// Attempt, from 0.
    pub attempt: u32,
    /// HTTP status; absent when there was no answer.
    pub status: Option<u16>,
}

/// An event in the making.
#[derive(Debug, Default)]
pub(crate) struct Event {
    pub(crate) flag: Option<&'static str>,
    pub(crate) property: Option<(String, String)>,
    /// Survivor, merged ids, properties moved.
    pub(crate) merge: Option<(u64, Vec<u64>, usize)>,
    /// Association type, other end, removed.
    pub(crate) link: Option<(String, u64, bool)>,
}

/// A request that is to be delivered.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    pub(crate) number: u64,
    pub(crate) events: Vec<Json>,
}

/// Target, subscriptions, queue and log.
#[derive(Debug)]
pub(crate) struct Webhooks {
    pub(crate) target: Option<WebhookTarget>,
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) mode: WebhookMode,
    pub(crate) log: Vec<Delivery>,
    queue: Vec<Json>,
    held: Vec<Json>,
    released: Vec<Json>,
    /// Requests made in an earlier mode and not yet taken.
    ready: Vec<Parcel>,
    /// Requests made and not yet acknowledged or given up.
    pub(crate) in_flight: usize,
    /// Milliseconds before the first repeat; they double, up to forty times this.
    pub(crate) retry_pause: u64,
    serial: u64,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            target: None,
            subscriptions: Vec::new(),
            mode: WebhookMode::Deliver,
            log: Vec::new(),
            queue: Vec::new(),
            held: Vec::new(),
            released: Vec::new(),
            ready: Vec::new(),
            in_flight: 0,
            retry_pause: 50,
            serial: 0,
        }
    }
}

impl Webhooks {
    /// Whether every event made so far has been delivered, given up, lost or held.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.released.is_empty() && self.in_flight == 0
    }

    /// What is due now, in requests.
    pub(crate) fn due(&mut self) -> Vec<Parcel> {
        let mut events = std::mem::take(&mut self.queue);
        let (mut size, mut times) = (BATCH, 1);
        match self.mode {
            WebhookMode::Deliver => {}
            WebhookMode::Duplicate { times: wanted } => times = wanted.min(1_000),
            WebhookMode::Shuffle => {
                events.reverse();
                size = 1;
            }
            WebhookMode::Hold => self.held.append(&mut events),
            WebhookMode::Off | WebhookMode::Drop => events.clear(),
        }
        let mut due = std::mem::take(&mut self.ready);
        let counted = due.len();
        for (list, size, times) in [(events, size, times), (std::mem::take(&mut self.released), BATCH, 1)] {
            for chunk in list.chunks(size) {
                self.serial += 1;
                let parcel = Parcel { number: self.serial, events: chunk.to_vec() };
                due.extend((0..times).map(|_| parcel.clone()));
            }
        }
        self.in_flight += due.len() - counted;
        due
    }

    /// Changes the mode; what happened before has the old one.
    pub(crate) fn set_mode(&mut self, mode: WebhookMode) {
        self.ready = self.due();
        self.mode = mode;
    }

    /// Lets held events go, newest first, and delivers from now on.
    pub(crate) fn release(&mut self) {
        self.set_mode(WebhookMode::Deliver);
        let mut held = std::mem::take(&mut self.held);
        held.reverse();
        self.released.append(&mut held);
    }
}

impl State {
    /// Queues the events that one happening makes.
    pub(crate) fn tell(
        &mut self,
        object: ObjectIx,
        id: u64,
        what: &str,
        origin: &Arc<Origin>,
        fill: impl FnOnce(&mut Event),
    ) {
        if self.webhooks.target.is_none() || self.webhooks.mode == WebhookMode::Off {
            return;
        }
        let mut event = Event::default();
        fill(&mut event);
        let Some(kind) = self.schema.object(object) else { return };
        // A custom object has no event family of its own.
        let family = if kind.custom.is_some() { None } else { Some(kind.singular.to_string()) };
        let type_id = kind.type_id.to_string();
        let wanted: Vec<Subscription> = self
            .webhooks
            .subscriptions
            .iter()
            .filter(|known| {
                let (class, kind) = known.subscription_type.split_once('.').unwrap_or_default();
                let generic = class == "object"
                    && known
                        .object_type
                        .as_deref()
                        .is_some_and(|name| self.schema.find(name) == Some(object));
                let property = event.property.as_ref().map(|(name, _)| name);
                known.active
                    && kind == what
                    && (generic || family.as_deref() == Some(class))
                    && (property.is_none() || known.property_name.as_ref() == property)
            })
            .cloned()
            .collect();
        for subscription in wanted {
            let event = self.event(&subscription, id, &type_id, origin, &event);
            self.webhooks.queue.push(event);
        }
    }

    pub(crate) fn tell_property(
        &mut self,
        object: ObjectIx,
        id: u64,
        property: PropIx,
        value: &str,
        origin: &Arc<Origin>,
    ) {
        let spec = self.schema.object(object).and_then(|kind| kind.spec(property));
        let Some(spec) = spec.filter(|spec| !spec.calculated && spec.derived.is_none()) else { return };
        let name = spec.name.clone();
        self.tell(object, id, "propertyChange", origin, |event| {
            event.property = Some((name, value.to_owned()));
        });
    }

    pub(crate) fn tell_link(&mut self, from: Place, to: Place, removed: bool, origin: &Arc<Origin>) {
        let name =
            |object: ObjectIx| self.schema.object(object).map_or("", |kind| &*kind.singular).to_uppercase();
        let kind = format!("{}_TO_{}", name(from.0), name(to.0));
        self.tell(from.0, from.1, "associationChange", origin, |event| {
            event.link = Some((kind, to.1, removed));
        });
    }

    fn event(
        &mut self,
        subscription: &Subscription,
        id: u64,
        type_id: &str,
        origin: &Origin,
        event: &Event,
    ) -> Json {
        let app = self.webhooks.target.as_ref().map_or(0, |target| target.app_id);
        let mut out = json!({
            // The vendor does not promise that it is unique; here it is not, either.
            "eventId": id % 1_000_000,
            "subscriptionId": subscription.id, "portalId": self.portal_id, "appId": app,
            "occurredAt": self.now(), "subscriptionType": subscription.subscription_type, "attemptNumber": 0,
            "objectId": id, "changeSource": origin.source_type,
        });
        let Some(map) = out.as_object_mut() else { return out };
        let mut put = |name: &str, value: Json| map.insert(name.to_owned(), value);
        if subscription.subscription_type.starts_with("object.") {
            put("objectTypeId", json!(type_id));
        }
        if let Some(source) = &origin.source_id {
            put("sourceId", json!(source));
        }
        if let Some(flag) = event.flag {
            put("changeFlag", json!(flag));
        }
        if let Some((name, value)) = &event.property {
            put("propertyName", json!(name));
            put("propertyValue", json!(value));
            put("isSensitive", json!(false));
        }
        if let Some((survivor, merged, moved)) = &event.merge {
            put("primaryObjectId", json!(survivor));
            put("mergedObjectIds", json!(merged));
            put("newObjectId", json!(survivor));
            put("numberOfPropertiesMoved", json!(moved));
        }
        if let Some((kind, other, removed)) = &event.link {
            put("associationType", json!(kind));
            put("fromObjectId", json!(id));
            put("toObjectId", json!(other));
            put("associationRemoved", json!(removed));
            put("isPrimaryAssociation", json!(false));
        }
        out
    }
}

/// Headers of one attempt, signed at `millis`.
pub(crate) fn sign(target: &WebhookTarget, body: &str, millis: i64) -> BTreeMap<String, String> {
    let url = target.public_url.as_ref().unwrap_or(&target.url);
    let digest = Sha256::digest(format!("{}{body}", target.secret));
    let v1 = digest.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let mut headers = BTreeMap::from([
        ("Content-Type".to_owned(), "application/json".to_owned()),
        ("X-HubSpot-Signature".to_owned(), v1),
        ("X-HubSpot-Signature-Version".to_owned(), "v1".to_owned()),
    ]);
    if !target.v1_only {
        let v3 = signature_v3(&target.secret, "POST", url, body, millis);
        headers.insert("X-HubSpot-Signature-v3".to_owned(), v3);
        headers.insert("X-HubSpot-Request-Timestamp".to_owned(), millis.to_string());
    }
    headers
}

/// The version 3 signature: base64 of HMAC-SHA256 over method, address, body and time, nothing between them.
pub fn signature_v3(secret: &str, method: &str, url: &str, body: &str, millis: i64) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    for part in [method, &decoded(url), body, &millis.to_string()] {
        mac.update(part.as_bytes());
    }
    base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
}

/// The address with the few escapes undone that the vendor undoes before it signs.
fn decoded(url: &str) -> String {
    const UNDONE: [(&str, &str); 12] = [
        ("%3A", ":"),
        ("%2F", "/"),
        ("%3F", "?"),
        ("%40", "@"),
        ("%21", "!"),
        ("%24", "$"),
        ("%27", "'"),
        ("%28", "("),
        ("%29", ")"),
        ("%2A", "*"),
        ("%2C", ","),
        ("%3B", ";"),
    ];
    UNDONE.iter().fold(url.to_owned(), |text, (escape, plain)| {
        text.replace(escape, plain).replace(&escape.to_lowercase(), plain)
    })
}

#[cfg(test)]
mod tests {
    use super::signature_v3;

    #[test]
    fn the_published_vectors_hold() {
        let url = "https://webhook.site/335453f5-94b3-49d9-b684-a55354d4b8df";
        let body = r#"[{"eventId":531833541,"subscriptionId":3923621,"portalId":48807704,"appId":16111050,"occurredAt":1752613920733,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":138017612137,"changeFlag":"CREATED","changeSource":"CRM_UI","sourceId":"userId:76023669"}]"#;
        assert_eq!(
            signature_v3("cfc68c0b-4b4e-4ef8-b764-95350e4ea479", "POST", url, body, 1_752_613_922_216),
            "gbj1XPRvUt0noT7i7fXfTzOD4sLzQmf0VT28ZYq0EYg="
        );
        assert_eq!(
            signature_v3(
                "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
                "POST",
                "https://www.example.com/webhook_uri",
                "{'example_field':'example_value'}",
                1_693_657_560_000
            ),
            "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="
        );
    }
}
