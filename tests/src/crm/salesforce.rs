//! Salesforce under test.

use std::net::SocketAddr;
use std::path::Path;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use handoff_core::id::ConnectionId;
use handoff_core::mapping::Mapping;
use handoff_sandbox_host::Clock;
use handoff_sandbox_salesforce::{
    Act, ActorKind, Id, NewUser, Org, OutboundMode, Sandbox, SandboxOptions, Seed, seed,
};
use handoffd::config::{Auth, Connection};
use handoffd::demo::crm::{Crm, Fields, SalesforceFace};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Attempt, Carriage, Deal, Duty, HOOK_SECRET, Kind, Vendor};
use crate::governed::secret;

/// An org on loopback.
pub struct Salesforce {
    sandbox: Sandbox,
    face: SalesforceFace,
}

impl Salesforce {
    /// Starts it: the company of the fiction, or an org that holds nothing.
    pub async fn start(empty: bool, clock: Clock, mapping: Mapping) -> Self {
        let seed = if empty { Seed::Empty } else { Seed::Company };
        let options = SandboxOptions { seed, clock, ..SandboxOptions::default() };
        let sandbox = Sandbox::start(options).await.unwrap();
        let connection = ConnectionId::from(Kind::Salesforce.connection());
        let face = SalesforceFace { org: sandbox.org().clone(), connection, mapping };
        Self { sandbox, face }
    }

    /// The org's own control.
    pub fn org(&self) -> &Org {
        self.sandbox.org()
    }
}

impl Deal {
    /// Its id as the org knows it.
    pub fn sf(self) -> Id {
        Id::parse(self.id).unwrap()
    }
}

impl Vendor for Salesforce {
    fn kind(&self) -> Kind {
        Kind::Salesforce
    }

    fn crm(&self) -> &dyn Crm {
        &self.face
    }

    fn login(&self, folder: &Path) -> Connection {
        let auth = Auth::ClientCredentials {
            client_id: secret(folder, "sf_id", seed::CLIENT_ID),
            client_secret: secret(folder, "sf_secret", seed::CLIENT_SECRET),
        };
        Connection {
            org_id: Some(self.org().id().to_string()),
            webhook_secrets: vec![secret(folder, "sf_webhook", HOOK_SECRET)],
            poll_seconds: Some(60),
            daily_share_percent: Some(100),
            ..Connection::new("salesforce", &self.sandbox.base_url(), auth)
        }
    }

    fn set_time(&self, at: Timestamp) {
        self.org().set_time(at);
    }

    fn hire(&self, login: &str, duty: Duty) {
        let set = match duty {
            Duty::Sends => "Handoff_Sender",
            Duty::Receives => "Handoff_Receiver",
        };
        let user = NewUser { permission_sets: vec![set.to_owned()], ..NewUser::new(login, "", login) };
        self.org().create_user(&user).unwrap();
    }

    fn meet(&self, who: &str, name: &str) {
        self.org().act(&Act::create(who, "Contact", &json!({"LastName": name}))).unwrap();
    }

    fn force(&self, who: &str, deal: Deal, fields: &Fields) {
        let act = Act::update(who, "Opportunity", deal.sf(), &Value::Object(fields.clone()));
        self.org().act(&act.by(ActorKind::Workflow)).unwrap();
    }

    fn deals(&self) -> Vec<Deal> {
        let rows = self.org().query("SELECT Id FROM Opportunity ORDER BY Id").unwrap();
        let ids = rows.iter().filter_map(|row| row.get("Id")?.as_str());
        ids.map(|id| Deal::new(self.kind(), id.to_owned())).collect()
    }

    fn name(&self, deal: Deal) -> String {
        self.org().field(deal.sf(), "Name").as_str().unwrap().to_owned()
    }

    fn deliver_to(&self, daemon: Option<SocketAddr>) {
        let endpoint = daemon.map(|address| format!("http://{address}/webhooks/sf/{HOOK_SECRET}"));
        self.org().set_outbound(endpoint.into_iter().collect(), Vec::new());
    }

    fn carry(&self, carriage: Carriage) {
        self.org().set_outbound_mode(match carriage {
            Carriage::Plain => OutboundMode::Deliver,
            Carriage::Off => OutboundMode::Off,
            Carriage::Lost => OutboundMode::Drop,
            Carriage::Repeated(times) => OutboundMode::Duplicate { times },
            Carriage::Held => OutboundMode::Hold,
        });
    }

    fn release(&self) {
        self.org().release_outbound();
    }

    fn attempts(&self) -> Vec<Attempt> {
        let attempts = self.org().deliveries().into_iter();
        attempts
            .map(|one| Attempt { notification: one.notification.to_string(), acknowledged: one.acknowledged })
            .collect()
    }

    fn delivered(&self) -> BoxFuture<'_, ()> {
        self.org().outbound_settled().boxed()
    }

    fn load(&self, file: &Path, mapping: &Path) -> usize {
        self.org().load(file, mapping).unwrap().saved
    }
}
