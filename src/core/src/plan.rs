//! What to write so that the CRM matches the verdict. Its `Display` is what an admin reads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::extract::RecordVersion;
use crate::id::{GateName, RecordRef};

/// One field to write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Write {
    /// The CRM's field.
    pub field: String,
    /// What stands there.
    pub from: Value,
    /// What shall stand there.
    pub to: Value,
    /// The gate it belongs to; `None` = words for people or the answer pick-list.
    pub gate: Option<GateName>,
}

/// What to write on one record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The record.
    pub target: RecordRef,
    /// Writes, gates first. Empty in the steady state.
    pub writes: Vec<Write>,
    /// What would be written if gates in observe were enforced; never sent.
    pub shadow: Vec<Write>,
    /// Set when a gate is opened: the version that was read.
    pub guard: Option<RecordVersion>,
    /// Set when a gate is opened: the mapped fields as they were read. If they differ when read back, the opening is withdrawn in
    /// the same exchange.
    pub expect: BTreeMap<String, Value>,
    /// Writes that withdraw the openings of this plan.
    pub withdraw: Vec<Write>,
}
