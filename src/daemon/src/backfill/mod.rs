//! The past, read from the CRMs and written to the log only: what a daemon would have decided that had watched and enforced nothing.
//!
//! Object by object and page by page; a page's decisions are durable before its place is, so that a run that was cut off goes on where it stood
//! and writes nothing twice. It holds the state directory alone: no daemon decides beside it. Handoffs that a daemon has watched already are left
//! as they are. There is no way from here to a CRM's records: the connections are built without one.

mod book;
mod pages;
mod record;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use handoff_connector::Fault;
use handoff_core::id::{ConnectionId, ContractId, FieldKey, ObjectName};
use handoff_core::mapping::Way;
use handoff_core::registry::Registry;
use jiff::Timestamp;
use serde::Serialize;
use thiserror::Error;

use crate::app::{App, Options, StartError};
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::{facts, start};

pub(crate) use book::caught;

/// Most problems that are named one by one.
const NAMED: usize = 50;

/// What of the past is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    /// As if watching had begun at this moment; `None` = with each record.
    pub since: Option<Timestamp>,
    /// Whether to go on where an earlier run was cut off, instead of looking at every record again.
    pub resume: bool,
}

/// How far it has come with one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// The connection.
    pub connection: ConnectionId,
    /// The object.
    pub object: ObjectName,
    /// Records read.
    pub done: u64,
    /// About how many there are; absent = the CRM does not say.
    pub total: Option<u64>,
}

/// Told of every page.
pub type Watch = Arc<dyn Fn(&Progress) + Send + Sync>;

/// What became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Backfilled {
    /// Records read.
    pub records: u64,
    /// Handoffs with decisions in the past that are new in the log.
    pub handoffs: u64,
    /// Decisions that are new in the log.
    pub decisions: u64,
    /// Handoffs that a daemon has watched already, which are left as they are.
    pub watched: u64,
    /// Records whose past is not told at all: not visible, merged away, or without any history of their stage.
    pub untold: u64,
    /// Records that were erased, or whose decisions the log does not take.
    pub refused: u64,
    /// What a CRM tells of accounts and their answers to surveys (`[[facts]]`) that is new in the log.
    pub facts: u64,
    /// Fields whose values the CRM did not tell for some of these decisions.
    pub unknown: Vec<Unknown>,
    /// Records that could not be read, with the reason; the first fifty.
    pub problems: Vec<String>,
}

/// A field whose past the CRM does not tell as far back as decisions go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unknown {
    /// The contract.
    pub contract: ContractId,
    /// Its field.
    pub field: FieldKey,
    /// Decisions that were made without knowing it.
    pub decisions: u64,
    /// The latest moment from which on it is told, over all records.
    pub told_from: Timestamp,
}

/// Why the past was not read to the end. What was written stays, and the next run goes on.
#[derive(Debug, Error)]
pub enum BackfillError {
    /// The state cannot be opened, or the configuration does not fit together.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The store failed.
    #[error(transparent)]
    Fatal(#[from] Fatal),
    /// A CRM did not answer.
    #[error("{connection}/{object}: {fault}; run it again with --resume")]
    Crm {
        /// The connection.
        connection: ConnectionId,
        /// The object.
        object: ObjectName,
        /// What happened.
        fault: Fault,
    },
    /// The run that was cut off asked for another time.
    #[error(
        "the run that was cut off began with {began}: resume it with the same --since, or leave --resume out"
    )]
    OtherSince {
        /// What it began with, as text.
        began: String,
    },
}

/// Figures in the making.
#[derive(Default)]
struct Tally {
    told: Backfilled,
    unknown: BTreeMap<(ContractId, FieldKey), (u64, Timestamp)>,
}

impl Tally {
    fn problem(&mut self, words: String) {
        if self.told.problems.len() < NAMED {
            self.told.problems.push(words);
        }
    }

    fn note(&mut self, contract: &ContractId, unknown: &BTreeMap<FieldKey, Timestamp>) {
        for (field, from) in unknown {
            let entry = self.unknown.entry((contract.clone(), field.clone())).or_insert((0, *from));
            entry.0 += 1;
            entry.1 = entry.1.max(*from);
        }
    }

    fn finish(mut self) -> Backfilled {
        let unknown = self.unknown.into_iter();
        self.told.unknown = unknown
            .map(|((contract, field), (decisions, told_from))| Unknown {
                contract,
                field,
                decisions,
                told_from,
            })
            .collect();
        self.told
    }
}

impl App {
    /// Reads the past of everything that the configuration governs and logs what would have been decided. No daemon may run on the state
    /// directory. Nothing is written to any CRM.
    pub async fn backfill(
        config: Config,
        registry: Registry,
        clock: Arc<dyn Clock>,
        options: Options,
        wanted: Wanted,
        watch: Watch,
    ) -> Result<Backfilled, BackfillError> {
        let setup = start::Setup {
            observer: options.observer,
            failpoint: options.failpoint,
            sweep_every: options.sweep_every,
            connect: options.connect,
            read_only: true,
        };
        let engine = start::engine(config, registry, clock, setup).await?;
        start::publish(&engine).await?;
        let mut tally = Tally::default();
        let ranks = ranks(&engine);
        let last = ranks.values().copied().max().unwrap_or(0);
        for rank in 0..=last {
            for object in &engine.objects {
                let of_rank = |contract: &ContractId| ranks.get(contract).copied().unwrap_or(0) == rank;
                if object.rules.iter().any(|rule| of_rank(&rule.mapping.contract)) {
                    pages::walk(&engine, object, (rank, &of_rank), wanted, &watch, &mut tally).await?;
                }
            }
        }
        let before = engine.journal.head();
        if !facts::now(&engine).await? {
            tally.problem(
                "what a CRM tells of accounts ([[facts]]): it did not answer to the end; run it again"
                    .to_owned(),
            );
        }
        tally.told.facts = engine.journal.head().saturating_sub(before);
        engine.journal.checkpoint(u64::MAX).await?;
        Ok(tally.finish())
    }
}

/// Contracts in the order in which they carry from each other: what is carried from comes first.
fn ranks(engine: &Engine) -> BTreeMap<ContractId, u32> {
    let rules = || engine.objects.iter().flat_map(|object| &object.rules);
    let mut from: BTreeMap<ContractId, BTreeSet<ContractId>> = BTreeMap::new();
    for rule in rules() {
        let ways = rule.mapping.paths().filter_map(|path| path.way().ok());
        let carried = ways.filter_map(|way| {
            if let Way::Carried { contract, .. } = way { Some(contract.clone()) } else { None }
        });
        from.entry(rule.mapping.contract.clone()).or_default().extend(carried);
    }
    let mut ranks: BTreeMap<ContractId, u32> = from.keys().map(|contract| (contract.clone(), 0)).collect();
    // As often as there are contracts: a circle ends there.
    for _ in 0..from.len() {
        for (contract, carried) in &from {
            let above =
                carried.iter().filter(|other| *other != contract).filter_map(|other| ranks.get(other)).max();
            let least = above.map_or(0, |above| above.saturating_add(1));
            if let Some(rank) = ranks.get_mut(contract).filter(|rank| **rank < least) {
                *rank = least.min(u32::try_from(from.len()).unwrap_or(u32::MAX));
            }
        }
    }
    ranks
}
