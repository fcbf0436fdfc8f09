//! What happens to a deal that passed a stage gate while handoffd was down: by default it counts as a by-pass; a contract may give it a time
//! in which the receiver can still accept. The gate stays shut meanwhile: no outage opens anything.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::contract::{Gate, GateKind, OnOutage};
use crate::id::{GateName, StageName};
use crate::observation::Actor;
use crate::sla::Interval;

/// A stage that was entered past its gate while handoffd was down, and that is not held against anybody yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grace {
    /// The gate.
    pub gate: GateName,
    /// The stage.
    pub stage: StageName,
    /// The CRM's value before, if told.
    pub from: Option<String>,
    /// Who moved it, if told.
    pub by: Option<Actor>,
    /// When.
    pub at: Option<Timestamp>,
    /// The entry into the stage.
    pub entry: String,
    /// Until when an acceptance makes it good.
    pub until: Timestamp,
}

/// Until when a stage that was entered at this moment may still be made good; `None` = it may not.
pub fn grace(gate: &Gate, outages: &[Interval], entered: Option<Timestamp>) -> Option<Timestamp> {
    let OnOutage::GraceHours(hours) = gate.on_outage else { return None };
    let entered = entered.filter(|_| gate.kind == GateKind::Stage)?;
    let outage = outages.iter().find(|outage| outage.from <= entered && entered < outage.to)?;
    outage.to.checked_add(SignedDuration::from_hours(i64::from(hours))).ok()
}
