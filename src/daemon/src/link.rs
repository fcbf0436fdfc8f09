//! One connection: its connector's faces, its transport, its people.

use std::collections::BTreeMap;
use std::sync::Arc;

use handoff_connector::{Inbound, Sink, Source};
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

/// A connector with its transport.
pub struct Connected {
    /// Reads.
    pub source: Arc<dyn Source>,
    /// Writes; `None` = there is no code path that could write.
    pub sink: Option<Arc<dyn Sink>>,
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
    pub(crate) source: Arc<dyn Source>,
    pub(crate) sink: Option<Arc<dyn Sink>>,
    pub(crate) inbound: Option<Arc<dyn Inbound>>,
    pub(crate) transport: Transport,
    pub(crate) directory: Directory,
    /// Secrets that deliveries carry.
    pub(crate) secrets: Vec<Secret<String>>,
    pub(crate) poll_every: std::time::Duration,
}

impl Link {
    pub(crate) fn view(&self, engine: &Engine) -> ConnectionView {
        let now = engine.clock.now();
        let objects = engine.objects.iter().filter(|object| object.connection == self.id);
        ConnectionView {
            connection: self.id.clone(),
            transport: self.transport.status(),
            writes: self.sink.is_some(),
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
