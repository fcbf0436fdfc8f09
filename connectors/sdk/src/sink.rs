//! Writing to a CRM.

use std::collections::BTreeMap;

use handoff_core::extract::RecordVersion;
use handoff_core::plan::Plan;
use serde_json::Value;

use crate::{Connector, Exchange, Fault, Lane, Tasks};

/// What a write did, as read back from the CRM.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The written fields with the values that the CRM holds now.
    pub read_back: BTreeMap<String, Value>,
    /// The record's version after the write.
    pub version: Option<RecordVersion>,
    /// An opening was taken back in the same exchange because the package was no longer the one that was decided on.
    pub withdrawn: bool,
}

/// A connector that can be written.
pub trait Sink: Connector {
    /// Applies plans of one lane, each for itself, results in request order. Closings are unconditional; openings hold only for the
    /// version that was read.
    fn apply(&self, plans: &[Plan], lane: Lane) -> Box<dyn Exchange<Output = Vec<Result<Applied, Fault>>>>;

    /// The CRM's tasks; `None` = it has none that we can write.
    fn tasks(&self) -> Option<&dyn Tasks> {
        None
    }
}

/// A connector that cannot be written, for observe-only installations: it has no [`Sink`], so no code path can write.
pub struct ReadOnly<C>(pub C);
