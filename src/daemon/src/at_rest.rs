//! What the command line does on a state directory on which no daemon runs, and what needs none at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use handoff_connector::{CheckFinding, CheckReport, Fault, Guard};
use handoff_core::beside::Reunify;
use handoff_core::contract::{GateKind, Mode};
use handoff_core::id::{ConnectionId, ObjectName};
use handoff_core::registry::Registry;
use handoff_transport::{DayCount, Ledger, LedgerError, Secret, TokenVault, VaultError};

use crate::app::{App, Handle, Options, StartError};
use crate::calls::{self, Answered, NotAnswered};
use crate::clock::Clock;
use crate::config::Config;
use crate::connect::Real;
use crate::facts;
use crate::govern::{Governed, Rule, governed};
use crate::link::Equipment;
use crate::overrides::{self, NotSaid, Said};
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

    fn keeps(&self) -> bool {
        false
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
        read_only: false,
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

    /// Everything as it stands, for acts of people while no daemon runs; nothing is sent and nothing is announced.
    pub async fn at_rest(
        config: Config,
        registry: Registry,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> Result<Handle, StartError> {
        Ok(Handle::new(&config.clone(), start::engine(config, registry, clock, setup(options)).await?))
    }

    /// Records what a person says about a suggested place of a call; the record's note says so after the next start.
    pub async fn answer_at_rest(
        config: Config,
        registry: Registry,
        clock: Arc<dyn Clock>,
        options: Options,
        answered: Vec<Answered>,
    ) -> Result<Result<(), NotAnswered>, StartError> {
        let engine = start::engine(config, registry, clock, setup(options)).await?;
        for answered in answered {
            if let Err(error) = calls::answer(&engine, answered).await {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    /// Logs what one person says about opening a gate; the gate itself is written after the next start.
    pub async fn override_at_rest(
        config: Config,
        registry: Registry,
        clock: Arc<dyn Clock>,
        options: Options,
        said: Said,
    ) -> Result<Result<(), NotSaid>, StartError> {
        let engine = start::engine(config, registry, clock, setup(options)).await?;
        Ok(overrides::say(&engine, said).await)
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
                chance: Arc::new(rand::random::<f64>),
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
            let rules = own.iter().flat_map(|object| &object.rules);
            let mut writes: Vec<_> = rules.map(|rule| (rule.mapping.object.clone(), written(rule))).collect();
            writes.extend(own.iter().flat_map(|object| &object.rules).filter_map(echoed));
            let rules = own.iter().flat_map(|object| &object.rules).filter(|_| config.tasks.is_some());
            let keys = rules.filter_map(|rule| rule.mapping.write.task.as_ref());
            writes.extend(keys.filter_map(|task| connected.purpose.connector().task_fields(&task.id)));
            let asked = connected.purpose.connector().check(&mappings, &plans, &writes);
            let mut report = connected.transport.run(asked).await;
            let told: Vec<_> =
                config.facts.iter().filter(|facts| facts.connection == *id).map(facts::plan).collect();
            if let Ok(report) = &mut report
                && !told.is_empty()
            {
                let asked = connected.purpose.connector().check(&[], &told, &[]);
                match connected.transport.run(asked).await {
                    Ok(facts) => report.findings.extend(untold(facts)),
                    Err(fault) => {
                        reports.insert(id.clone(), Err(fault));
                        continue;
                    }
                }
            }
            let report = report.map(|mut report| {
                let rules = own.iter().flat_map(|object| &object.rules);
                report.findings.extend(rules.flat_map(|rule| guarded(rule, &report.guards)));
                report.findings.sort_by_key(|finding| !finding.error);
                report
            });
            reports.insert(id.clone(), report);
        }
        Ok(reports)
    }
}

/// What an entry of `[[facts]]` names and nobody can read. Advice is about records that are watched; these are read once a day, whatever changed.
fn untold(report: CheckReport) -> impl Iterator<Item = CheckFinding> {
    report
        .findings
        .into_iter()
        .filter(|finding| finding.error)
        .map(|finding| CheckFinding { place: format!("[[facts]] {}", finding.place), ..finding })
}

/// Whether the CRM's own block fits the modes of the stage gates that it reads.
fn guarded(rule: &Rule, guards: &BTreeMap<String, Guard>) -> Vec<CheckFinding> {
    let (Some(enforcement), Some(guard)) = (&rule.mapping.enforcement, guards.get(&rule.mapping.mapping))
    else {
        return Vec::new();
    };
    let contract = &rule.current.contract;
    let place = format!("{}.{}", rule.mapping.object, enforcement.name);
    let stages = contract.gates.iter().filter(|(_, gate)| gate.kind == GateKind::Stage);
    let judged = stages.filter_map(|(gate, _)| {
        let mode = rule.terms.mode(contract, gate);
        let (problem, remedy) = match (mode, guard) {
            (Mode::Enforce, Guard::Active) | (Mode::Off | Mode::Observe, Guard::Missing | Guard::Inactive) => return None,
            (Mode::Off | Mode::Observe, Guard::Active) => (
                format!("the rule is active, but the gate {gate} that it reads is not written in its mode: nobody can pass the stage"),
                format!("set {gate} = \"enforce\" under [govern.mode], or deactivate the rule in Setup until then"),
            ),
            (Mode::Enforce, Guard::Missing) => (
                format!("the gate {gate} is enforced, but the rule is not there: nothing in the CRM blocks the stage"),
                "deploy deploy/salesforce, or correct `name` under [enforcement] of the mapping".to_owned(),
            ),
            (Mode::Enforce, Guard::Inactive) => (
                format!("the gate {gate} is enforced, but the rule is switched off: nothing in the CRM blocks the stage"),
                "activate it in Setup".to_owned(),
            ),
        };
        Some(CheckFinding { error: true, place: place.clone(), problem, remedy })
    });
    judged.collect()
}

/// Every field that is written under a rule: a stage that may be put back is one of them.
fn written(rule: &Rule) -> Vec<String> {
    let mut fields: Vec<String> =
        crate::config::written(&rule.mapping).into_iter().map(str::to_owned).collect();
    if rule.reverts() {
        fields.push(rule.mapping.stage.field.clone());
        fields.extend(rule.mapping.stage.close_date.clone());
    }
    let reunify =
        rule.terms.reunify.or(rule.current.contract.cross_motion.as_ref().map(|terms| terms.reunify));
    if reunify == Some(Reunify::Write) {
        fields.extend(rule.mapping.beside.iter().filter_map(|beside| beside.primary.clone()));
    }
    fields
}

/// The field on another record that is written under a rule.
fn echoed(rule: &Rule) -> Option<(ObjectName, Vec<String>)> {
    let echo = rule.mapping.beside.as_ref()?.echo.as_ref()?;
    Some((echo.on.as_ref()?.object.clone(), vec![echo.field.clone()]))
}
