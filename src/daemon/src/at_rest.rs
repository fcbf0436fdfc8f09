//! What the command line does on a state directory on which no daemon runs, and what needs none at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use handoff_connector::{CheckReport, Fault};
use handoff_core::id::ConnectionId;
use handoff_core::registry::Registry;
use handoff_transport::{DayCount, Ledger, LedgerError, Secret, TokenVault, VaultError};

use crate::app::{App, Options, StartError};
use crate::clock::Clock;
use crate::config::Config;
use crate::connect::Real;
use crate::govern::{Governed, governed};
use crate::link::Equipment;
use crate::start;
use crate::view::{SwitchView, View};

/// Counts that end with the command.
struct Forgetful;

impl Ledger for Forgetful {
    fn load(&self, _budget: &str) -> Result<Option<DayCount>, LedgerError> {
        Ok(None)
    }

    fn save(&self, _budget: &str, _count: &DayCount) -> Result<(), LedgerError> {
        Ok(())
    }
}

impl TokenVault for Forgetful {
    fn load(&self) -> Result<Option<Secret<String>>, VaultError> {
        Ok(None)
    }

    /// A rotated token that is not kept would lock the daemon out, so the exchange fails instead.
    fn store(&self, _token: &Secret<String>) -> Result<(), VaultError> {
        Err(VaultError {
            detail: "a command does not keep rotated tokens: let the daemon run and see its status"
                .to_owned(),
        })
    }
}

fn setup(options: Options) -> start::Setup {
    start::Setup {
        observer: options.observer,
        failpoint: None,
        sweep_every: options.sweep_every,
        connect: options.connect,
    }
}

impl App {
    /// Catches the memory up with the log, building it anew where it is gone; sends nothing.
    pub async fn rebuild(
        config: Config,
        registry: Registry,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> Result<View, StartError> {
        Ok(View(start::engine(config, registry, clock, setup(options)).await?))
    }

    /// Switches writing for the next start; logged with who asked.
    pub async fn switch_at_rest(
        config: Config,
        registry: Registry,
        clock: Arc<dyn Clock>,
        options: Options,
        on: bool,
        by: &str,
    ) -> Result<SwitchView, StartError> {
        let engine = start::engine(config, registry, clock, setup(options)).await?;
        engine.set_switch(on, by).await?;
        Ok(engine.switch.view())
    }

    /// Asks every connection whether it offers what the mappings need; needs no state directory. The inner error is the CRM's.
    pub async fn check_once(
        config: &Config,
        registry: &Registry,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> Result<BTreeMap<ConnectionId, Result<CheckReport, Fault>>, StartError> {
        let objects = governed(config, registry)?;
        let connect = options.connect.unwrap_or_else(|| Arc::new(Real));
        let mut reports = BTreeMap::new();
        for (id, connection) in &config.connection {
            let equipment = Equipment {
                clock: Arc::clone(&clock),
                chance: Arc::new(|| rand::random::<f64>()),
                ledger: Arc::new(Forgetful),
                vault: Arc::new(Forgetful),
                observer: Arc::clone(&options.observer),
                writes: false,
            };
            let connected = connect.connect(id, connection, equipment)?;
            let own: Vec<&Governed> = objects.iter().filter(|object| object.connection == *id).collect();
            let mappings: Vec<_> =
                own.iter().flat_map(|object| &object.rules).map(|rule| rule.mapping.clone()).collect();
            let plans: Vec<_> = own.iter().map(|object| object.plan.clone()).collect();
            let writes: Vec<_> =
                mappings.iter().map(|mapping| (mapping.object.clone(), written(mapping))).collect();
            let asked = connected.source.check(&mappings, &plans, &writes);
            reports.insert(id.clone(), connected.transport.run(asked).await);
        }
        Ok(reports)
    }
}

fn written(mapping: &handoff_core::mapping::Mapping) -> Vec<String> {
    crate::config::written(mapping).into_iter().map(str::to_owned).collect()
}
