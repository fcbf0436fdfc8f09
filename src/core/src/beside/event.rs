//! What happened beside the package, in the past tense. Additive: old logs stay readable.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::terms::{Reunify, Trouble};
use crate::id::{FieldKey, MotionId};
use crate::observation::Actor;

/// Why the status was echoed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EchoCause {
    /// The receiving team's status changed.
    Status,
    /// The agreed time was up.
    Tick,
}

/// Why the relationship is to be re-united.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// The trigger fired.
    Trigger,
    /// The latest date came.
    Latest,
}

/// One happening.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Happening {
    /// Which fields say something that does not count, and why, changed; all that stand now.
    FieldsDisputed {
        /// Per field.
        fields: BTreeMap<FieldKey, BTreeSet<Trouble>>,
    },
    /// A rule assigned the motion, or it can be told no more.
    MotionAssigned {
        /// The motion; `None` = unknown: gates are shut.
        motion: Option<MotionId>,
        /// The one before, if it was changed.
        before: Option<MotionId>,
        /// Who, if told.
        by: Option<Actor>,
        /// When, if told.
        at: Option<Timestamp>,
        /// Whether a reason stands beside a change.
        reasoned: bool,
    },
    /// The return path began: the sender hears from now on.
    ReturnPathBegan {
        /// When the timers start.
        at: Timestamp,
    },
    /// The receiving team has it.
    Acknowledged {
        /// When.
        at: Timestamp,
    },
    /// The receiving team's time to acknowledge was up.
    AckMissed {
        /// When it was due.
        due: Timestamp,
    },
    /// The answer is promised for a date, or the promise was taken back.
    EtaGiven {
        /// The date.
        eta: Option<Date>,
    },
    /// The promised date passed without a resolution.
    EtaPassed {
        /// The date.
        eta: Date,
    },
    /// How it stands was echoed to the sender.
    Echoed {
        /// Why.
        cause: EchoCause,
        /// When.
        at: Timestamp,
        /// The receiving team's status.
        status: String,
        /// The entry into it.
        entry: String,
        /// The receiving team's last sign of life, if there was one.
        heard: Option<Timestamp>,
    },
    /// The receiving team gave no sign of life for a whole interval.
    EchoMissed {
        /// When one was due.
        due: Timestamp,
    },
    /// The cause is gone.
    Resolved {
        /// When.
        at: Timestamp,
    },
    /// The cause is not gone after all.
    ResolutionWithdrawn,
    /// The sender told the customer himself.
    LoopClosed {
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
        /// The activity that shows it.
        activity: String,
    },
    /// The sender did not tell the customer in time.
    LoopMissed {
        /// When it was due.
        due: Timestamp,
    },
    /// Somebody else than the sender wrote to the customer.
    ForeignMessage {
        /// The message.
        message: String,
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// Exactly one primary owner is named, or no longer.
    PrimaryAssigned {
        /// Who; `None` = nobody, or more than one.
        owner: Option<Actor>,
    },
    /// Motion A's health fell below the line while the cross-sell runs.
    HealthFell {
        /// The health.
        health: Decimal,
        /// The line.
        stop_below: Decimal,
    },
    /// Motion A's health is above the line again.
    HealthRecovered {
        /// The health.
        health: Decimal,
    },
    /// The trigger's condition began to hold, or holds no more.
    SteadySince {
        /// Since when; `None` = it does not hold.
        since: Option<Timestamp>,
    },
    /// When the trigger fires became known, or changed.
    TriggerSet {
        /// When; `None` = its event has not happened.
        fires: Option<Timestamp>,
    },
    /// The relationship is to come back into one hand.
    ReunificationDue {
        /// Why.
        because: Because,
        /// When it became due.
        at: Timestamp,
        /// Into whose hand.
        to: Option<Actor>,
        /// What the policy does.
        policy: Reunify,
    },
    /// The relationship is in that hand.
    Reunified {
        /// Whose.
        to: Actor,
        /// When it was seen.
        at: Timestamp,
    },
    /// The lead was touched for the first time.
    FirstTouched {
        /// By whom.
        by: Actor,
        /// When.
        at: Timestamp,
        /// The activity that shows it.
        activity: String,
    },
    /// Nobody touched the lead in time.
    FirstTouchMissed {
        /// When it was due.
        due: Timestamp,
    },
    /// The lead went back to be nurtured soon after it was handed over.
    LeadRecycled {
        /// When.
        at: Timestamp,
    },
    /// Which signals fire changed; all that fire now.
    SignalsChanged {
        /// By name.
        signals: BTreeSet<String>,
        /// When it was seen.
        at: Timestamp,
    },
}

impl Happening {
    /// Stable name for logs, metrics and the public header of a log entry.
    pub fn name(&self) -> &'static str {
        match self {
            Self::FieldsDisputed { .. } => "fields_disputed",
            Self::MotionAssigned { .. } => "motion_assigned",
            Self::ReturnPathBegan { .. } => "return_path_began",
            Self::Acknowledged { .. } => "acknowledged",
            Self::AckMissed { .. } => "ack_missed",
            Self::EtaGiven { .. } => "eta_given",
            Self::EtaPassed { .. } => "eta_passed",
            Self::Echoed { .. } => "echoed",
            Self::EchoMissed { .. } => "echo_missed",
            Self::Resolved { .. } => "resolved",
            Self::ResolutionWithdrawn => "resolution_withdrawn",
            Self::LoopClosed { .. } => "loop_closed",
            Self::LoopMissed { .. } => "loop_missed",
            Self::ForeignMessage { .. } => "foreign_message",
            Self::PrimaryAssigned { .. } => "primary_assigned",
            Self::HealthFell { .. } => "health_fell",
            Self::HealthRecovered { .. } => "health_recovered",
            Self::SteadySince { .. } => "steady_since",
            Self::TriggerSet { .. } => "trigger_set",
            Self::ReunificationDue { .. } => "reunification_due",
            Self::Reunified { .. } => "reunified",
            Self::FirstTouched { .. } => "first_touched",
            Self::FirstTouchMissed { .. } => "first_touch_missed",
            Self::LeadRecycled { .. } => "lead_recycled",
            Self::SignalsChanged { .. } => "signals_changed",
        }
    }
}
