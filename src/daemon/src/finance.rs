//! What finance and the contracts' owners do: statements of periods and their closing, and the life of contract texts.

mod commission;
mod contracts;
mod frozen;
mod repin;

use std::sync::{PoisonError, RwLock};

use handoff_core::contract::ContractRef;
use handoff_core::journal::LogEntry;
use handoff_core::lifecycle::{Lifecycle, Step};
use handoff_measure::ledger::Month;
use jiff::Timestamp;

use crate::app::Handle;
use crate::fatal::Fatal;
use crate::memory::{Change, Rows};
use crate::published::Contracts;

pub use commission::{Closed, Commission, Gathering, NotClosed};
pub(crate) use contracts::rows;
pub use contracts::{ContractAct, ContractRow, NotDone, Request, row, who};
pub use frozen::{FrozenError, bytes};
pub use repin::{NotRepinned, Repinned};

/// Rows with the steps of contract texts and the closings of periods.
const STEP: &str = "life/";

/// What the engine keeps for it.
#[derive(Debug, Default)]
pub(crate) struct Finance {
    /// One act at a time.
    pub(crate) alone: tokio::sync::Mutex<()>,
    life: RwLock<Lifecycle>,
}

impl Finance {
    /// Takes up what the log says. Blocks.
    pub(crate) fn open(rows: &Rows, contracts: &Contracts) -> Result<Self, Fatal> {
        let mut life = Lifecycle::default();
        for (position, row) in rows.scan_now(STEP)? {
            let (Ok(position), Ok(entry)) = (position.parse(), serde_json::from_slice::<LogEntry>(&row))
            else {
                continue;
            };
            life.apply(position, &entry);
        }
        for pin in contracts.pins() {
            life.adopt(&pin);
        }
        Ok(Self { alone: tokio::sync::Mutex::default(), life: RwLock::new(life) })
    }

    /// The text in force where the files nominate this one; `None` = the contract is new here.
    pub(crate) fn in_force(&self, nominated: &ContractRef, now: Timestamp) -> Option<ContractRef> {
        self.life.read().unwrap_or_else(PoisonError::into_inner).in_force(nominated, now).cloned()
    }

    pub(crate) fn life(&self) -> Lifecycle {
        self.life.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes up an entry that was just appended.
    pub(crate) fn apply(&self, position: u64, entry: &LogEntry) {
        self.life.write().unwrap_or_else(PoisonError::into_inner).apply(position, entry);
    }
}

/// What such an entry leaves in the memory; a proposal's text stays in the log.
pub(crate) fn caught(position: u64, entry: &LogEntry, change: &mut Change) {
    let kept = match entry {
        LogEntry::ContractStep { contract, step: Step::Proposed { .. }, by, person, at, .. } => {
            LogEntry::ContractStep {
                contract: contract.clone(),
                step: Step::Proposed { text: String::new() },
                by: by.clone(),
                person: person.clone(),
                comment: String::new(),
                at: *at,
            }
        }
        LogEntry::ContractStep { contract, step, by, person, at, .. } => LogEntry::ContractStep {
            contract: contract.clone(),
            step: step.clone(),
            by: by.clone(),
            person: person.clone(),
            comment: String::new(),
            at: *at,
        },
        LogEntry::Decided { .. }
        | LogEntry::Reconstructed { .. }
        | LogEntry::Confirmed { .. }
        | LogEntry::EvidenceSuggested { .. }
        | LogEntry::EvidenceAnswered { .. }
        | LogEntry::EvidenceWithdrawn { .. }
        | LogEntry::ReaskSuggested { .. }
        | LogEntry::ReaskAnswered { .. }
        | LogEntry::ReaskReported { .. }
        | LogEntry::Overridden { .. }
        | LogEntry::Task { .. }
        | LogEntry::Test { .. }
        | LogEntry::FeedTaken { .. }
        | LogEntry::AccountSeen { .. }
        | LogEntry::SurveyAnswered { .. }
        | LogEntry::ContractPublished { .. }
        | LogEntry::MetricsFrozen { .. }
        | LogEntry::PeriodClosed { .. }
        | LogEntry::ConfigChanged { .. }
        | LogEntry::Switched { .. }
        | LogEntry::Started { .. } => return,
    };
    change.put_json(format!("{STEP}{position:020}"), &kept);
}

impl Handle {
    /// The commission statement of a month.
    pub async fn commission(&self, period: Month) -> Result<Commission, Fatal> {
        commission::statement(&self.0, period, self.1.weight_percent).await
    }

    /// Freezes a month; logged with who asked.
    pub async fn close_period(&self, period: Month, by: &str) -> Result<Closed, NotClosed> {
        let office = &self.1;
        commission::close(&self.0, period, office.state_dir.clone(), office.weight_percent, by).await
    }

    /// Proposes, comments, approves or publishes a contract's text.
    pub async fn act_on_contract(&self, request: Request) -> Result<ContractRow, NotDone> {
        contracts::act(&self.0, &self.1.people, request).await
    }

    /// All contract texts that the log or the files know, and how each stands.
    pub fn contracts(&self) -> Vec<ContractRow> {
        contracts::rows(&self.0)
    }

    /// Puts an open handoff onto the version of its contract that is in force; logged with who asked and why.
    pub async fn repin(&self, stream: &str, by: &str, reason: &str) -> Result<Repinned, NotRepinned> {
        repin::repin(&self.0, stream, by, reason).await
    }
}
