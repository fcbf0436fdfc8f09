//! How the stage is wired: what an admin would write to run two CRMs, one motion each, the product's telemetry and recorded calls under one
//! daemon.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use handoff_core::beside::Reunify;
use handoff_core::contract::Mode;
use handoff_core::feed::ColumnKind;
use handoff_core::id::{ConnectionId, FieldKey, GateName, MotionId, PartKey};
use handoff_core::mapping::{Mapping, Way};
use handoff_core::registry::Registry;
use handoff_sandbox_gong as gong;
use handoff_sandbox_hubspot as hubspot;
use handoff_sandbox_salesforce as salesforce;

use super::story::{MONA, SUNIL};
use super::{DemoError, feed};
use crate::config::{
    Audit, Auth, Commission, Config, Connection, EvidenceSource, Feed, Govern, Http, People,
    ScorecardSettings, SecretRef, Tasks,
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
    /// What is governed.
    pub(super) mappings: &'a [Mapping],
    /// Whether all six handoffs are.
    pub(super) whole: bool,
}

/// The feed's column that says what a row is about.
pub(super) const KEY: &str = "account";

/// What a mapping reads from the product's telemetry.
#[derive(Debug, Clone)]
pub(super) struct Telemetry {
    /// The record's field that the rows' key stands in.
    pub(super) key: String,
    /// The column that dates a row.
    pub(super) at: String,
    /// The column with the figure.
    pub(super) value: String,
    /// The column with the feature.
    pub(super) per: String,
}

impl Telemetry {
    /// What handoff 04's mapping reads from it; `None` = nothing.
    pub(super) fn of(mapping: &Mapping) -> Option<Self> {
        let features = mapping.read.get(&FieldKey::from("adoption"))?.get(&PartKey::from("features"))?;
        let Ok(Way::Series(rows, series)) = features.way() else { return None };
        Some(Self {
            key: rows.fed_by?.to_owned(),
            at: series.at.clone(),
            value: series.value.clone()?,
            per: series.per.clone()?,
        })
    }
}

impl Wiring<'_> {
    pub(super) fn config(&self, port: u16) -> Result<Config, DemoError> {
        let sf = ConnectionId::from("sf");
        let hs = ConnectionId::from("hs");
        let gong = ConnectionId::from("gong");
        Ok(Config {
            state_dir: self.folder.join("state"),
            mappings_dir: None,
            http: Http { listen: format!("127.0.0.1:{port}"), ..Http::default() },
            govern: self.mappings.iter().map(|mapping| self.govern(mapping, &sf, &hs)).collect(),
            // The story's own tasks are told one by one, however much the company's old deals are owed.
            tasks: self.whole.then(|| Tasks {
                digest_above: 1_000,
                max_per_person_and_day: 1_000,
                ..Tasks::default()
            }),
            rediscovery: None,
            facts: Vec::new(),
            tests: None,
            assessment: crate::config::Assessment::default(),
            rollout: crate::config::Rollout::default(),
            feed: self.feed()?,
            evidence: vec![EvidenceSource { connection: gong.clone(), mapping: GONG.to_owned() }],
            connection: BTreeMap::from([
                (sf, self.salesforce()?),
                (hs, self.hubspot()?),
                (gong, self.gong()?),
            ]),
            people: People { roles: roles(self.whole), same_person: BTreeMap::new(), ..People::default() },
            calendar: BTreeMap::new(),
            audit: Audit { origin: "demo.example/handoffd".to_owned() },
            commission: Commission::default(),
            scorecard: ScorecardSettings::default(),
        })
    }

    fn govern(&self, mapping: &Mapping, sf: &ConnectionId, hs: &ConnectionId) -> Govern {
        let in_hubspot = mapping.connector == "hubspot";
        let sale = mapping.mapping == SALESFORCE || mapping.mapping == HUBSPOT;
        // The shipped contract observes the stage; here the CRM itself shall stop a rep.
        let gates: &[&str] = if sale { &["closed_won"] } else { &[] };
        let all = mapping.write.gate.keys().filter(|_| !sale).cloned();
        let gates = gates.iter().map(|gate| GateName::from(*gate)).chain(all);
        Govern {
            contract: mapping.contract.clone(),
            mapping: mapping.mapping.clone(),
            connection: if in_hubspot { hs.clone() } else { sf.clone() },
            motion: Some(MotionId::from("self_serve"))
                .filter(|_| in_hubspot && mapping.motion.always.is_some()),
            // Of handoff 03 the company's old deals are governed too; of the others what begins now.
            governed_since: Some(self.salesforce.org().now()).filter(|_| !sale),
            mode: gates.map(|gate| (gate, Mode::Enforce)).collect(),
            on_bypass: BTreeMap::new(),
            reunify: Some(Reunify::Write).filter(|_| mapping.contract.as_str().starts_with("h06")),
            max_writes_per_hour: None,
        }
    }

    /// The feed that handoff 04 reads, if its mapping reads one.
    fn feed(&self) -> Result<BTreeMap<String, Feed>, DemoError> {
        let telemetry = self.mappings.iter().find_map(Telemetry::of);
        let Some(telemetry) = telemetry else { return Ok(BTreeMap::new()) };
        let text = |name: &str| (name.to_owned(), ColumnKind::Text);
        let usage = Feed {
            about: None,
            secrets: vec![self.secret("usage_secret", feed::SECRET)?],
            key: KEY.to_owned(),
            identity: vec![telemetry.at.clone(), telemetry.per.clone()],
            columns: BTreeMap::from([
                text(KEY),
                (telemetry.at, ColumnKind::Date),
                text(&telemetry.per),
                (telemetry.value, ColumnKind::Number),
            ]),
        };
        let attendance = Feed {
            about: None,
            secrets: vec![self.secret("attendance_secret", feed::SECRET)?],
            key: KEY.to_owned(),
            identity: vec!["person".to_owned(), "session".to_owned()],
            columns: BTreeMap::from(["person", "session", "completed", KEY].map(text)),
        };
        Ok(BTreeMap::from([(feed::USAGE.to_owned(), usage), (feed::ATTENDANCE.to_owned(), attendance)]))
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

/// Who holds which role.
fn roles(whole: bool) -> BTreeMap<String, Vec<String>> {
    use salesforce::seed::Team;
    let team = |team: Team| {
        let members = salesforce::seed::PEOPLE.iter().filter(|person| person.team == team);
        members.map(|person| person.username.to_owned()).collect::<Vec<_>>()
    };
    let mut roles = BTreeMap::from([("onboarding_lead".to_owned(), team(Team::Onboarding))]);
    if whole {
        roles.extend([
            ("marketing".to_owned(), vec![MONA.to_owned()]),
            ("sdr".to_owned(), team(Team::Development)),
            ("account_executive".to_owned(), team(Team::Sales)),
            ("csm".to_owned(), team(Team::Success)),
            ("support_lead".to_owned(), vec![SUNIL.to_owned()]),
        ]);
    }
    roles
}

/// The mappings of what is governed: handoff 03 in each CRM, or all six. Handoff 04 ships in two ways: here the product sends its telemetry.
pub(super) fn mappings(registry: &Registry, whole: bool) -> Result<Vec<Mapping>, DemoError> {
    let crm = ["salesforce", "hubspot"];
    let handoffs = [
        "h01-marketing-to-sdr",
        "h02-sdr-to-ae",
        "h03-ae-to-onboarding",
        "h04-onboarding-to-cs-fed",
        "h05-csm-to-support",
        "h06-motion-a-to-motion-b",
    ];
    let of = |crm: &str| handoffs.map(|handoff| format!("{crm}/{handoff}"));
    let wanted =
        crm.iter().flat_map(|crm| of(crm)).filter(|name| whole || name == SALESFORCE || name == HUBSPOT);
    let found = wanted.map(|name| {
        let mapping = registry.mapping(&name).cloned();
        mapping.ok_or_else(|| DemoError::Contracts(format!("there is no mapping {name}")))
    });
    found.collect()
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
