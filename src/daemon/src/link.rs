//! One connection: its connector's faces, its transport, its people.

use std::collections::BTreeMap;
use std::sync::Arc;

use handoff_connector::{Calls, Connector, Inbound, Sink, Source};
use handoff_core::id::ConnectionId;
use handoff_transport::{Chance, Ledger, Observer, Secret, TokenVault, Transport};

use crate::clock::Clock;
use crate::config::Connection;
use crate::connect::ConnectError;
use crate::directory::Directory;
use crate::engine::Engine;
use crate::view::{ConnectionView, ObjectView};

/// What a connection is built with.
#[derive(Clone)]
pub struct Equipment {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Jitter.
    pub chance: Arc<dyn Chance>,
    /// Where daily counts survive a restart.
    pub ledger: Arc<dyn Ledger>,
    /// Where rotated refresh tokens lie.
    pub vault: Arc<dyn TokenVault>,
    /// Who counts what happens.
    pub observer: Arc<dyn Observer>,
    /// Whether any gate is enforced. Without it the connection is built without a way to write.
    pub writes: bool,
}

/// What a connection is there for.
#[derive(Clone)]
pub enum Purpose {
    /// A CRM: handoffs live there.
    Crm {
        /// Reads.
        source: Arc<dyn Source>,
        /// Writes; `None` = there is no code path that could write.
        sink: Option<Arc<dyn Sink>>,
    },
    /// Recorded calls: read and never written.
    Calls(Arc<dyn Calls>),
}

/// A connector with its transport.
pub struct Connected {
    /// What it is there for.
    pub purpose: Purpose,
    /// Is told about changes.
    pub inbound: Option<Arc<dyn Inbound>>,
    /// Sends.
    pub transport: Transport,
}

/// Makes connections; the real one is [`crate::connect::Real`].
pub trait Connect: Send + Sync {
    /// Builds a connection; sends nothing yet.
    fn connect(
        &self,
        id: &ConnectionId,
        config: &Connection,
        equipment: Equipment,
    ) -> Result<Connected, ConnectError>;
}

/// One running connection.
pub(crate) struct Link {
    pub(crate) id: ConnectionId,
    pub(crate) purpose: Purpose,
    pub(crate) inbound: Option<Arc<dyn Inbound>>,
    pub(crate) transport: Transport,
    pub(crate) directory: Directory,
    /// Secrets that deliveries carry.
    pub(crate) secrets: Vec<Secret<String>>,
    pub(crate) poll_every: std::time::Duration,
}

impl Purpose {
    /// The CRM's reading side; `None` = not a CRM.
    pub fn source(&self) -> Option<&Arc<dyn Source>> {
        match self {
            Self::Crm { source, .. } => Some(source),
            Self::Calls(_) => None,
        }
    }

    /// The CRM's writing side; `None` = there is no code path that could write.
    pub fn sink(&self) -> Option<&Arc<dyn Sink>> {
        match self {
            Self::Crm { sink, .. } => sink.as_ref(),
            Self::Calls(_) => None,
        }
    }

    /// The recorded calls; `None` = a CRM.
    pub fn calls(&self) -> Option<&Arc<dyn Calls>> {
        match self {
            Self::Crm { .. } => None,
            Self::Calls(calls) => Some(calls),
        }
    }

    /// What every connector can say about itself.
    pub fn connector(&self) -> &dyn Connector {
        match self {
            Self::Crm { source, .. } => source.as_ref(),
            Self::Calls(calls) => calls.as_ref(),
        }
    }

    /// The same without a way to write.
    pub fn without_writes(self) -> Self {
        match self {
            Self::Crm { source, .. } => Self::Crm { source, sink: None },
            Self::Calls(calls) => Self::Calls(calls),
        }
    }
}

impl Link {
    pub(crate) fn view(&self, engine: &Engine) -> ConnectionView {
        let now = engine.clock.now();
        let objects = engine.objects.iter().filter(|object| object.connection == self.id);
        ConnectionView {
            connection: self.id.clone(),
            transport: self.transport.status(),
            writes: self.purpose.sink().is_some(),
            objects: objects
                .map(|object| {
                    let (due, scheduled) = object.due.depth(now);
                    let contracts: BTreeMap<_, _> = object
                        .rules
                        .iter()
                        .map(|rule| {
                            let contract = &rule.current.contract;
                            let modes = contract.gates.keys();
                            let modes =
                                modes.map(|gate| (gate.clone(), rule.terms.mode(contract, gate))).collect();
                            (contract.contract.clone(), modes)
                        })
                        .collect();
                    let polled_at = object.polled_at();
                    ObjectView { object: object.object.clone(), contracts, polled_at, due, scheduled }
                })
                .collect(),
        }
    }
}
