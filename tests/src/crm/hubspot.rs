//! HubSpot under test.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use handoff_core::id::ConnectionId;
use handoff_core::mapping::Mapping;
use handoff_sandbox_host::Clock;
use handoff_sandbox_hubspot::{
    Act, LimitOptions, NewUser, Portal, Sandbox, SandboxOptions, Seed, WebhookMode, WebhookTarget, seed,
};
use handoffd::config::{Auth, Connection};
use handoffd::demo::crm::{Crm, Fields, HubSpotFace};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Attempt, Carriage, Deal, Duty, HOOK_SECRET, Kind, Vendor};
use crate::governed::secret;

/// The address that deliveries are signed for; a proxy stands between it and the daemon.
pub(crate) const PUBLIC_URL: &str = "https://handoffd.northwind-peak.example/webhooks/hs";

/// A portal on loopback.
pub struct Hubspot {
    sandbox: Sandbox,
    face: HubSpotFace,
}

impl Hubspot {
    /// Starts it: the company of the fiction, or a portal that holds nothing; with the vendor's rate limits or without.
    pub async fn start(empty: bool, metered: bool, clock: Clock, mapping: Mapping) -> Self {
        let seed = if empty { Seed::Empty } else { Seed::Company };
        let endless = LimitOptions {
            burst: u32::MAX,
            oauth_burst: u32::MAX,
            daily: u64::from(u32::MAX),
            searches: u32::MAX,
            enforced: false,
        };
        let limits = if metered { LimitOptions::enforced() } else { endless };
        let options = SandboxOptions { seed, clock, limits, ..SandboxOptions::default() };
        let sandbox = Sandbox::start(options).await.unwrap();
        let portal = sandbox.portal().clone();
        for what in ["creation", "deletion", "restore", "merge", "associationChange"] {
            portal.subscribe(&format!("deal.{what}"), None);
        }
        for property in watched(&mapping) {
            portal.subscribe("deal.propertyChange", Some(&property));
        }
        let connection = ConnectionId::from(Kind::Hubspot.connection());
        Self { sandbox, face: HubSpotFace { portal, connection, mapping } }
    }

    /// The portal's own control.
    pub fn portal(&self) -> &Portal {
        self.sandbox.portal()
    }
}

/// Every property that the mapping names.
fn watched(mapping: &Mapping) -> BTreeSet<String> {
    let read = mapping.read.values().flat_map(|parts| parts.values()).filter_map(|path| path.field.clone());
    let people = [mapping.people.sender.field.clone(), mapping.people.receiver.field.clone()];
    let answer = [mapping.decision.field.clone(), mapping.stage.field.clone()];
    let flags = mapping.write.gate.values().map(|gate| gate.field.clone());
    read.chain(people).chain(answer).chain(flags).collect()
}

impl Deal {
    /// Its id as the portal knows it.
    pub fn hs(self) -> u64 {
        self.id.parse().unwrap()
    }
}

impl Vendor for Hubspot {
    fn kind(&self) -> Kind {
        Kind::Hubspot
    }

    fn crm(&self) -> &dyn Crm {
        &self.face
    }

    fn login(&self, folder: &Path) -> Connection {
        let auth = Auth::StaticToken { token: secret(folder, "hs_token", seed::SERVICE_KEY) };
        Connection {
            org_id: Some(self.portal().id().to_string()),
            webhook_secrets: vec![secret(folder, "hs_webhook", HOOK_SECRET)],
            webhook_url: Some(PUBLIC_URL.to_owned()),
            poll_seconds: Some(60),
            daily_share_percent: Some(100),
            ..Connection::new("hubspot", &self.sandbox.base_url(), auth)
        }
    }

    fn set_time(&self, at: Timestamp) {
        self.portal().set_time(at);
    }

    fn hire(&self, login: &str, _duty: Duty) {
        let user = NewUser {
            email: login.to_owned(),
            first: String::new(),
            last: login.to_owned(),
            super_admin: false,
        };
        self.portal().create_user(&user).unwrap();
    }

    fn meet(&self, who: &str, name: &str) {
        self.portal().act(&Act::create(who, "contacts", json!({"lastname": name}))).unwrap();
    }

    /// Nobody is stopped from editing properties of a deal by hand; pipeline rules are switched on by the tests that are about them.
    fn force(&self, who: &str, deal: Deal, fields: &Fields) {
        let saved = self.face.save(who, deal.id, fields).unwrap();
        assert_eq!(saved, handoffd::demo::crm::Saved::Done, "{deal:?}");
    }

    fn deals(&self) -> Vec<Deal> {
        self.portal().ids("deals").into_iter().map(|id| Deal::new(self.kind(), id.to_string())).collect()
    }

    fn name(&self, deal: Deal) -> String {
        self.portal().property("deals", deal.hs(), "dealname").unwrap()
    }

    fn deliver_to(&self, daemon: Option<SocketAddr>) {
        self.portal().set_webhook(daemon.map(|address| WebhookTarget {
            url: format!("http://{address}/webhooks/hs"),
            public_url: Some(PUBLIC_URL.to_owned()),
            secret: HOOK_SECRET.to_owned(),
            app_id: seed::PRIVATE_APP,
            v1_only: false,
        }));
    }

    fn carry(&self, carriage: Carriage) {
        self.portal().set_webhook_mode(match carriage {
            Carriage::Plain => WebhookMode::Deliver,
            Carriage::Off => WebhookMode::Off,
            Carriage::Lost => WebhookMode::Drop,
            Carriage::Repeated(times) => WebhookMode::Duplicate { times },
            Carriage::Held => WebhookMode::Hold,
        });
    }

    fn release(&self) {
        self.portal().release_webhooks();
    }

    /// A request tells of several records, and of each of them perhaps several things: it counts once for each record.
    fn attempts(&self) -> Vec<Attempt> {
        let mut attempts = Vec::new();
        for one in self.portal().deliveries() {
            let events: Vec<Value> = serde_json::from_str(&one.body).unwrap();
            let records: BTreeSet<(&str, u64)> = events.iter().flat_map(spoken_of).collect();
            attempts.extend(records.into_iter().map(|(object, id)| Attempt {
                notification: format!("{}/{object}/{id}", one.request),
                acknowledged: one.status == Some(200),
            }));
        }
        attempts
    }

    fn delivered(&self) -> BoxFuture<'_, ()> {
        self.portal().outbound_settled().boxed()
    }

    fn load(&self, file: &Path, mapping: &Path) -> usize {
        self.portal().load(file, mapping).unwrap().saved
    }
}

/// The records that an event names, as (object, id): one, or both ends of an association.
fn spoken_of(event: &Value) -> Vec<(&str, u64)> {
    let id = |name: &str| event[name].as_u64();
    let object = event["subscriptionType"].as_str().and_then(|kind| kind.split_once('.')).unwrap().0;
    let ends = event["associationType"].as_str().and_then(|kind| kind.split_once("_TO_"));
    let Some((from, to)) = ends else { return id("objectId").map(|id| (object, id)).into_iter().collect() };
    let lower =
        |name: &str| ["contact", "deal", "ticket"].into_iter().find(|one| name.eq_ignore_ascii_case(one));
    let ends = [(from, "fromObjectId"), (to, "toObjectId")];
    ends.into_iter().filter_map(|(name, field)| lower(name).zip(id(field))).collect()
}
