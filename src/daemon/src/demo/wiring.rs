//! How the stage is wired: what an admin would write to run two CRMs, one motion each, and recorded calls under one daemon.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use handoff_core::contract::Mode;
use handoff_core::id::{ConnectionId, ContractId, GateName, MotionId};
use handoff_sandbox_gong as gong;
use handoff_sandbox_hubspot as hubspot;
use handoff_sandbox_salesforce as salesforce;

use super::DemoError;
use crate::config::{
    Audit, Auth, Commission, Config, Connection, EvidenceSource, Govern, Http, People, SecretRef,
};

/// The mapping of the story in Salesforce.
pub(super) const SALESFORCE: &str = "salesforce/h03-ae-to-onboarding";
/// The mapping of the story in HubSpot.
pub(super) const HUBSPOT: &str = "hubspot/h03-ae-to-onboarding";
/// What is listened for in calls.
const GONG: &str = "gong/h03-ae-to-onboarding";

/// Secret in the address of Salesforce's webhooks; it protects nothing, for both ends are on loopback.
const HOOK: &str = "demo-webhook-secret";
/// The public addresses that HubSpot and Gong sign; a proxy would bring them to the daemon.
const HUBSPOT_HOOK: &str = "https://handoffd.demo.example/webhooks/hs";
pub(super) const GONG_HOOK: &str = "https://handoffd.demo.example/webhooks/gong";

/// What the configuration is made from.
pub(super) struct Wiring<'a> {
    pub(super) salesforce: &'a salesforce::Sandbox,
    pub(super) hubspot: &'a hubspot::Sandbox,
    pub(super) gong: &'a gong::Sandbox,
    /// The public key of Gong's rule.
    pub(super) gong_key: String,
    pub(super) folder: &'a Path,
}

impl Wiring<'_> {
    pub(super) fn config(&self, port: u16) -> Result<Config, DemoError> {
        let sf = ConnectionId::from("sf");
        let hs = ConnectionId::from("hs");
        let gong = ConnectionId::from("gong");
        let onboarding = salesforce::seed::PEOPLE
            .iter()
            .filter(|person| person.team == salesforce::seed::Team::Onboarding)
            .map(|person| person.username.to_owned())
            .collect();
        Ok(Config {
            state_dir: self.folder.join("state"),
            mappings_dir: None,
            http: Http { listen: format!("127.0.0.1:{port}"), ..Http::default() },
            govern: vec![govern(SALESFORCE, &sf, None), govern(HUBSPOT, &hs, Some("self_serve"))],
            evidence: vec![EvidenceSource { connection: gong.clone(), mapping: GONG.to_owned() }],
            connection: BTreeMap::from([
                (sf, self.salesforce()?),
                (hs, self.hubspot()?),
                (gong, self.gong()?),
            ]),
            people: People {
                roles: BTreeMap::from([("onboarding_lead".to_owned(), onboarding)]),
                same_person: BTreeMap::new(),
            },
            audit: Audit { origin: "demo.example/handoffd".to_owned() },
            commission: Commission::default(),
        })
    }

    fn salesforce(&self) -> Result<Connection, DemoError> {
        let auth = Auth::ClientCredentials {
            client_id: self.secret("sf_client_id", salesforce::seed::CLIENT_ID)?,
            client_secret: self.secret("sf_client_secret", salesforce::seed::CLIENT_SECRET)?,
        };
        Ok(Connection {
            org_id: Some(self.salesforce.org().id().to_string()),
            webhook_secrets: vec![self.secret("sf_webhook", HOOK)?],
            poll_seconds: Some(5),
            daily_share_percent: Some(50),
            ..Connection::new("salesforce", &self.salesforce.base_url(), auth)
        })
    }

    fn hubspot(&self) -> Result<Connection, DemoError> {
        let auth = Auth::StaticToken { token: self.secret("hs_token", hubspot::seed::SERVICE_KEY)? };
        Ok(Connection {
            org_id: Some(self.hubspot.portal().id().to_string()),
            webhook_secrets: vec![self.secret("hs_webhook", hubspot::seed::CLIENT_SECRET)?],
            webhook_url: Some(HUBSPOT_HOOK.to_owned()),
            poll_seconds: Some(5),
            daily_share_percent: Some(50),
            ..Connection::new("hubspot", &self.hubspot.base_url(), auth)
        })
    }

    fn gong(&self) -> Result<Connection, DemoError> {
        let auth = Auth::AccessKey {
            key: self.secret("gong_key", gong::seed::ACCESS_KEY)?,
            secret: self.secret("gong_secret", gong::seed::ACCESS_KEY_SECRET)?,
        };
        Ok(Connection {
            webhook_secrets: vec![self.secret("gong_webhook", &self.gong_key)?],
            webhook_url: Some(GONG_HOOK.to_owned()),
            poll_seconds: Some(60),
            ..Connection::new("gong", &self.gong.base_url(), auth)
        })
    }

    fn secret(&self, name: &str, value: &str) -> Result<SecretRef, DemoError> {
        use std::io::Write as _;
        let path = self.folder.join(name);
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(value.as_bytes())?;
        Ok(SecretRef { env: None, file: Some(path) })
    }
}

fn govern(mapping: &str, connection: &ConnectionId, motion: Option<&str>) -> Govern {
    Govern {
        contract: ContractId::from("h03-ae-to-onboarding"),
        mapping: mapping.to_owned(),
        connection: connection.clone(),
        motion: motion.map(MotionId::from),
        governed_since: None,
        // The shipped contract observes the stage; here the CRM itself shall stop a rep.
        mode: BTreeMap::from([(GateName::from("closed_won"), Mode::Enforce)]),
        on_bypass: BTreeMap::new(),
        max_writes_per_hour: None,
    }
}

/// Points the sandboxes' webhooks at the daemon, and sets up what an admin of HubSpot sets up by hand: the won stage asks for the clearance id.
pub(super) fn deliver(
    salesforce: &salesforce::Sandbox,
    hubspot: &hubspot::Sandbox,
    gong: (&gong::Sandbox, usize),
    daemon: SocketAddr,
) -> Result<(), DemoError> {
    let at = |connection: &str| format!("http://{daemon}/webhooks/{connection}");
    salesforce.org().set_outbound(vec![format!("{}?key={HOOK}", at("sf"))], Vec::new());
    let portal = hubspot.portal();
    portal.set_webhook(Some(hubspot::WebhookTarget {
        url: at("hs"),
        public_url: Some(HUBSPOT_HOOK.to_owned()),
        secret: hubspot::seed::CLIENT_SECRET.to_owned(),
        app_id: hubspot::seed::OAUTH_APP,
        v1_only: false,
    }));
    for property in ["dealstage", "handoff_decision", "handoff_commission_eligible"] {
        portal.subscribe("deal.propertyChange", Some(property));
    }
    portal.set_required(vec![hubspot::RequiredRule {
        object: "deals".to_owned(),
        when: Some("dealstage".to_owned()),
        values: vec!["closedwon".to_owned()],
        require: vec!["handoff_clearance_id".to_owned()],
    }]);
    let (gong, rule) = gong;
    gong.workspace().deliver_to(rule, &at("gong"))?;
    Ok(())
}
