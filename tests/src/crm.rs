//! A CRM as whole-product tests need it: what the demo's people do in it, and everything around them.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use futures::future::BoxFuture;
use handoff_core::id::{ConnectionId, ObjectName, RecordId, RecordRef};
use handoffd::config::Connection;
use handoffd::demo::crm::{Crm, Fields, NewDeal, Saved};
use handoffd::demo::fill;
use jiff::Timestamp;
use serde_json::Value;

mod hubspot;
mod salesforce;

pub use hubspot::Hubspot;
pub use salesforce::Salesforce;

/// The secret that webhook deliveries carry.
pub const HOOK_SECRET: &str = "hook-secret";

/// A vendor whose CRM a company may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Salesforce.
    Salesforce,
    /// HubSpot.
    Hubspot,
}

/// A company that runs Salesforce.
pub const SALESFORCE: &[Kind] = &[Kind::Salesforce];
/// A company that runs HubSpot.
pub const HUBSPOT: &[Kind] = &[Kind::Hubspot];
/// A company that runs both, one motion each.
pub const BOTH: &[Kind] = &[Kind::Salesforce, Kind::Hubspot];

/// One test for every set of CRMs: `on_every_crm!(name, body)` makes `name::salesforce`, `name::hubspot` and `name::both`, each of which awaits
/// `body(crms)`.
#[macro_export]
macro_rules! on_every_crm {
    ($name:ident, $body:expr) => {
        mod $name {
            #[expect(unused_imports, clippy::wildcard_imports, reason = "whatever the body speaks of")]
            use super::*;

            #[tokio::test(flavor = "multi_thread")]
            async fn salesforce() {
                ($body)($crate::crm::SALESFORCE).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn hubspot() {
                ($body)($crate::crm::HUBSPOT).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn both() {
                ($body)($crate::crm::BOTH).await;
            }
        }
    };
}

impl Kind {
    /// How the daemon calls the connection.
    pub fn connection(self) -> &'static str {
        match self {
            Self::Salesforce => "sf",
            Self::Hubspot => "hs",
        }
    }

    /// The object that carries the package.
    pub fn object(self) -> &'static str {
        match self {
            Self::Salesforce => "Opportunity",
            Self::Hubspot => "deals",
        }
    }

    /// The mapping of handoff 03.
    pub fn mapping(self) -> &'static str {
        match self {
            Self::Salesforce => "salesforce/h03-ae-to-onboarding",
            Self::Hubspot => "hubspot/h03-ae-to-onboarding",
        }
    }
}

/// A deal in one of the CRMs. Its id lives as long as the test process, so that a deal is passed around as a number is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deal {
    /// In which CRM.
    pub kind: Kind,
    /// Its id there.
    pub id: &'static str,
}

impl Deal {
    /// A deal by its id.
    pub fn new(kind: Kind, id: String) -> Self {
        Self { kind, id: id.leak() }
    }

    /// How the daemon names it.
    pub fn record(self) -> RecordRef {
        RecordRef {
            connection: ConnectionId::from(self.kind.connection()),
            object: ObjectName::from(self.kind.object()),
            record: RecordId(self.id.to_owned()),
        }
    }
}

impl fmt::Display for Deal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.id)
    }
}

impl fmt::Debug for Deal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.kind.connection(), self.id)
    }
}

/// What happens to deliveries between CRM and daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carriage {
    /// They arrive.
    Plain,
    /// None is made.
    Off,
    /// They are made and lost.
    Lost,
    /// Each arrives this many times.
    Repeated(u32),
    /// They wait until they are released, newest first.
    Held,
}

/// One attempt to deliver one notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The notification, the same for every attempt.
    pub notification: String,
    /// Whether the daemon took it.
    pub acknowledged: bool,
}

/// What a person is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// Hands deals over.
    Sends,
    /// Receives and answers.
    Receives,
}

/// A CRM under test: the demo's people act through [`Vendor::crm`].
pub trait Vendor: Send + Sync {
    /// Which vendor's.
    fn kind(&self) -> Kind;

    /// What people do, and what is seen.
    fn crm(&self) -> &dyn Crm;

    /// How the daemon logs in; secrets are written into the folder.
    fn login(&self, folder: &Path) -> Connection;

    /// Sets the CRM's clock.
    fn set_time(&self, at: Timestamp);

    /// One more user.
    fn hire(&self, login: &str, duty: Duty);

    /// One more contact of the customer.
    fn meet(&self, who: &str, name: &str);

    /// Somebody saves whom no rule and no field permission stops.
    fn force(&self, who: &str, deal: Deal, fields: &Fields);

    /// Every deal's id.
    fn deals(&self) -> Vec<Deal>;

    /// What a deal is called.
    fn name(&self, deal: Deal) -> String;

    /// Leads deliveries to a daemon, or to nobody.
    fn deliver_to(&self, daemon: Option<SocketAddr>);

    /// What happens to deliveries from now on.
    fn carry(&self, carriage: Carriage);

    /// Delivers what was held, newest first, and every later delivery at once.
    fn release(&self);

    /// Every attempt so far.
    fn attempts(&self) -> Vec<Attempt>;

    /// Resolves when every delivery is made, lost or held.
    fn delivered(&self) -> BoxFuture<'_, ()>;

    /// Fills the CRM from a file by a mapping of the vendor's; how many rows were saved.
    fn load(&self, file: &Path, mapping: &Path) -> usize;
}

/// The CRMs of one company.
#[derive(Clone)]
pub struct Company(pub Vec<Arc<dyn Vendor>>);

impl Company {
    /// Each of them.
    pub fn vendors(&self) -> impl Iterator<Item = &dyn Vendor> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// The one that tests speak of when they name none.
    pub fn first(&self) -> &dyn Vendor {
        self.vendors().next().unwrap()
    }

    /// The one where a deal lives.
    pub fn of(&self, deal: Deal) -> &dyn Vendor {
        self.vendors().find(|vendor| vendor.kind() == deal.kind).unwrap()
    }

    /// What stands in a field of the CRM's.
    pub fn field(&self, deal: Deal, field: &str) -> Value {
        self.of(deal).crm().field(deal.id, field)
    }

    /// A new deal in one CRM, with an empty package.
    pub fn create(&self, kind: Kind, deal: &NewDeal<'_>) -> Deal {
        let vendor = self.vendors().find(|vendor| vendor.kind() == kind).unwrap();
        Deal::new(kind, vendor.crm().create(deal).unwrap())
    }

    /// Saves as a person, who may.
    pub fn save(&self, who: &str, deal: Deal, fields: &Fields) {
        assert_eq!(self.of(deal).crm().save(who, deal.id, fields).unwrap(), Saved::Done, "{deal:?}");
    }

    /// Saves as somebody whom nothing stops.
    pub fn force(&self, who: &str, deal: Deal, fields: &Fields) {
        self.of(deal).force(who, deal, fields);
    }

    /// A person says something, by the contract's fields and parts.
    pub fn say<V: Clone + Into<Value>>(&self, who: &str, deal: Deal, said: &[(&str, &str, V)]) {
        self.save(who, deal, &fill::fields(self.of(deal).crm().mapping(), said));
    }

    /// Our name of the stage that a deal stands in; the CRM's where nobody named it.
    pub fn stage(&self, deal: Deal) -> String {
        let stage = &self.of(deal).crm().mapping().stage;
        let value = self.field(deal, &stage.field);
        let value = value.as_str().unwrap_or_default();
        let named = stage.names.iter().find(|(_, values)| values.iter().any(|name| name == value));
        named.map_or_else(|| value.to_owned(), |(name, _)| name.to_string())
    }

    /// The line about the handoff that stands on the deal.
    pub fn status(&self, deal: Deal) -> String {
        let field = self.of(deal).crm().mapping().write.note.status.as_ref();
        self.field(deal, field.unwrap()).as_str().unwrap_or_default().to_owned()
    }

    /// Whether a gate's flag stands open in the CRM.
    pub fn flag(&self, deal: Deal, gate: &str) -> bool {
        let write = self.of(deal).crm().mapping().write.gate.iter().find(|(name, _)| name.as_str() == gate);
        let (_, write) = write.unwrap();
        self.field(deal, &write.field) == write.open
    }

    /// How often a gate's flag really went from shut to open and from open to shut.
    pub fn flips(&self, deal: Deal, gate: &str) -> (usize, usize) {
        let crm = self.of(deal).crm();
        let (_, write) = crm.mapping().write.gate.iter().find(|(name, _)| name.as_str() == gate).unwrap();
        crm.flips(0, deal.id, &write.field)
    }

    /// Everything that we write on a deal and the receiver's answer, as canonical JSON: moments and clearance ids only as present or absent.
    pub fn written(&self, deal: Deal) -> Value {
        let mapping = self.of(deal).crm().mapping();
        let (note, answer) = (&mapping.write.note, &mapping.decision);
        let gates = mapping.write.gate.values();
        let opaque = gates.clone().flat_map(|gate| [gate.cleared_at.as_ref(), gate.clearance_id.as_ref()]);
        let plain = gates.flat_map(|gate| {
            [Some(&gate.field), gate.number.as_ref(), gate.status.as_ref(), gate.hold_reason.as_ref()]
        });
        let state = mapping.write.state.as_ref().map(|state| &state.field);
        let told = [note.status.as_ref(), note.missing.as_ref(), note.evidence.as_ref(), state];
        let answered = [Some(&answer.field), Some(&answer.reason), answer.fields.as_ref()];
        let shown = plain.chain(told).chain(answered).flatten();
        let shown = shown.map(|name| (name.clone(), self.field(deal, name)));
        let set = opaque.flatten().map(|name| {
            let value = self.field(deal, name);
            (name.clone(), if value.is_null() { value } else { Value::from("set") })
        });
        shown.chain(set).collect()
    }
}
