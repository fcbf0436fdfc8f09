//! `handoffd demo`: a believable company on loopback, governed over real HTTP, and the stories of its six handoffs played through it.
//!
//! What a step calls seen is read from the sandbox: its records, its field history and its own list of the writes it received. The
//! exception is what lies outside any CRM: the daemon's ledger, which the last step verifies with the auditor's own program.

mod calls;
pub mod crm;
mod feed;
pub mod fill;
mod ledger;
mod look;
mod pace;
mod record;
mod stage;
mod story;
#[cfg(test)]
mod tests;
mod wiring;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use stage::{Setting, Stage};
pub use story::play;

use crate::app::StartError;
use crate::fatal::Fatal;

/// One step of the story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// In which CRM, or `The ledger`.
    pub crm: String,
    /// Which handoff, `01` to `06`; empty = all of them.
    #[serde(default)]
    pub handoff: String,
    /// What is done.
    pub step: String,
    /// What should come of it.
    pub expected: String,
    /// What came of it.
    pub seen: String,
    /// Whether it is what was expected.
    pub ok: bool,
}

/// The demo itself could not go on; a step whose outcome did not hold is no error.
#[derive(Debug, Error)]
pub enum DemoError {
    /// The sandbox.
    #[error("the Salesforce sandbox refused: {0}")]
    Salesforce(#[from] handoff_sandbox_salesforce::Error),
    /// The sandbox.
    #[error("the HubSpot sandbox refused: {0}")]
    HubSpot(#[from] handoff_sandbox_hubspot::Error),
    /// The sandbox.
    #[error("the Gong sandbox refused: {0}")]
    Gong(#[from] handoff_sandbox_gong::Error),
    /// The daemon did not start.
    #[error("the daemon did not start: {0}")]
    Start(#[from] StartError),
    /// The daemon failed.
    #[error("the daemon failed: {0}")]
    Fatal(#[from] Fatal),
    /// The contracts inside the program are broken.
    #[error("the shipped contracts are refused: {0}")]
    Contracts(String),
    /// A place of a call could not be confirmed.
    #[error("the place of a call could not be confirmed: {0}")]
    Evidence(#[from] crate::calls::NotAnswered),
    /// A save of the story that must go through was refused.
    #[error("{crm} refused a save of the story: {words}")]
    Refused {
        /// The CRM.
        crm: &'static str,
        /// Its words.
        words: String,
    },
    /// Telemetry could not be sent.
    #[error("the feed's delivery could not be sent to the daemon")]
    Feed,
    /// The stage names a record that the CRM does not have.
    #[error("there is no record {0}")]
    NoRecord(String),
    /// A temporary folder.
    #[error("a temporary folder cannot be used")]
    Folder(#[from] std::io::Error),
    /// Tables could not be exported.
    #[error("tables cannot be exported")]
    Export(#[from] crate::export::ExportError),
    /// The Python that was named does not answer.
    #[error("DuckDB does not answer, name a Python that has it: {0}")]
    DuckDb(String),
}
