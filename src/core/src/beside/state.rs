//! What a handoff remembers of what happened beside its package: a fold.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::event::{Because, Happening};
use super::terms::{Reunify, Trouble};
use crate::id::FieldKey;
use crate::observation::Actor;

/// Most messages of others that are remembered one by one; more than are ever read at once.
const REMEMBERED: usize = 200;

/// What a handoff remembers beside its package. Empty for handoffs whose contract says nothing about conduct.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Beside {
    /// Fields that say something that does not count, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub disputed: BTreeMap<FieldKey, BTreeSet<Trouble>>,
    /// Nobody can tell the motion: gates are shut.
    #[serde(skip_serializing_if = "is_false")]
    pub motion_unknown: bool,
    /// The motion's assignment that is in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assigned: Option<Assigned>,
    /// The return path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_path: Option<Box<ReturnPathState>>,
    /// The shared account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared: Option<Box<SharedAccount>>,
    /// The first touch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub touch: Option<Touch>,
    /// Signals that fire, with when that was first seen.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub signals: BTreeMap<String, Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes what it may skip by reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// An assignment of the motion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assigned {
    /// When, if told.
    pub at: Option<Timestamp>,
    /// Changed from another motion without a reason beside it.
    pub unreasoned: bool,
}

/// The return path of an escalation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnPathState {
    /// When the timers started.
    pub began: Timestamp,
    /// When the receiving team acknowledged.
    pub acknowledged: Option<Timestamp>,
    /// The acknowledgement came late or not at all.
    pub ack_missed: bool,
    /// The promised date.
    pub eta: Option<Date>,
    /// It passed without a resolution.
    pub eta_passed: bool,
    /// The status that was echoed last, with its entry.
    pub status: String,
    /// The entry into it.
    pub entry: String,
    /// When it was echoed last.
    pub echoed: Option<Timestamp>,
    /// Echoes so far.
    pub echoes: u32,
    /// The receiving team's last sign of life as echoed.
    pub heard: Option<Timestamp>,
    /// Intervals without a sign of life so far.
    pub echoes_missed: u32,
    /// The last interval passed without a sign of life.
    pub silent: bool,
    /// When the cause was gone.
    pub resolved: Option<Timestamp>,
    /// How the sender told the customer.
    pub closed: Option<LoopClosed>,
    /// The sender did not tell the customer in time.
    pub loop_missed: bool,
    /// Messages to the customer by others so far.
    pub foreign: u32,
    /// The newest of them.
    pub foreign_known: BTreeMap<String, Timestamp>,
}

/// How the loop was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoopClosed {
    /// Who told the customer.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// The activity that shows it.
    pub activity: String,
}

/// The account that two motions share.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SharedAccount {
    /// The one primary owner; `None` = nobody, or more than one.
    pub primary: Option<Actor>,
    /// Motion A's health is below the line.
    pub low: bool,
    /// Since when the trigger's condition holds.
    pub steady: Option<Steady>,
    /// When the trigger fires, if its event has happened.
    pub fires: Option<Timestamp>,
    /// The relationship is to come back into one hand.
    pub due: Option<Due>,
    /// When it was seen to be there.
    pub reunified: Option<Timestamp>,
}

/// A condition that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steady {
    /// Since when.
    pub since: Timestamp,
}

/// A re-unification that is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// Why.
    pub because: Because,
    /// When it became due.
    pub at: Timestamp,
    /// Into whose hand.
    pub to: Option<Actor>,
    /// What the policy does.
    pub policy: Reunify,
}

/// The first touch of a lead.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Touch {
    /// When it was touched.
    pub touched: Option<Timestamp>,
    /// Nobody touched it in time.
    pub missed: bool,
    /// When it went back to be nurtured.
    pub recycled: Option<Timestamp>,
}

impl Beside {
    /// Whether there is nothing to remember.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Folds one happening. Total: a fact cannot be refused.
    pub fn apply(&mut self, happening: &Happening) {
        match happening {
            Happening::FieldsDisputed { fields } => self.disputed.clone_from(fields),
            Happening::MotionAssigned { motion, before, at, reasoned, .. } => {
                self.motion_unknown = motion.is_none();
                self.assigned = Some(Assigned { at: *at, unreasoned: before.is_some() && !reasoned });
            }
            Happening::SignalsChanged { signals, at } => {
                self.signals.retain(|name, _| signals.contains(name));
                for name in signals {
                    self.signals.entry(name.clone()).or_insert(*at);
                }
            }
            Happening::ReturnPathBegan { at } => {
                self.return_path = Some(Box::new(ReturnPathState::begun(*at)));
            }
            Happening::Acknowledged { .. }
            | Happening::AckMissed { .. }
            | Happening::EtaGiven { .. }
            | Happening::EtaPassed { .. }
            | Happening::Echoed { .. }
            | Happening::EchoMissed { .. }
            | Happening::Resolved { .. }
            | Happening::ResolutionWithdrawn
            | Happening::LoopClosed { .. }
            | Happening::LoopMissed { .. }
            | Happening::ForeignMessage { .. } => {
                if let Some(path) = &mut self.return_path {
                    path.apply(happening);
                }
            }
            Happening::PrimaryAssigned { .. }
            | Happening::HealthFell { .. }
            | Happening::HealthRecovered { .. }
            | Happening::SteadySince { .. }
            | Happening::TriggerSet { .. }
            | Happening::ReunificationDue { .. }
            | Happening::Reunified { .. } => self.shared.get_or_insert_default().apply(happening),
            Happening::FirstTouched { at, .. } => self.touch.get_or_insert_default().touched = Some(*at),
            Happening::FirstTouchMissed { .. } => self.touch.get_or_insert_default().missed = true,
            Happening::LeadRecycled { at } => self.touch.get_or_insert_default().recycled = Some(*at),
        }
    }
}

impl ReturnPathState {
    fn begun(at: Timestamp) -> Self {
        Self {
            began: at,
            acknowledged: None,
            ack_missed: false,
            eta: None,
            eta_passed: false,
            status: String::new(),
            entry: String::new(),
            echoed: None,
            echoes: 0,
            heard: None,
            echoes_missed: 0,
            silent: false,
            resolved: None,
            closed: None,
            loop_missed: false,
            foreign: 0,
            foreign_known: BTreeMap::new(),
        }
    }

    fn apply(&mut self, happening: &Happening) {
        match happening {
            Happening::Acknowledged { at } => self.acknowledged = Some(*at),
            Happening::AckMissed { .. } => self.ack_missed = true,
            Happening::EtaGiven { eta } => (self.eta, self.eta_passed) = (*eta, false),
            Happening::EtaPassed { .. } => self.eta_passed = true,
            Happening::Echoed { at, status, entry, heard, .. } => {
                self.status.clone_from(status);
                self.entry.clone_from(entry);
                self.echoed = Some(*at);
                self.echoes = self.echoes.saturating_add(1);
                self.heard = *heard;
                self.silent = false;
            }
            Happening::EchoMissed { .. } => {
                self.echoes_missed = self.echoes_missed.saturating_add(1);
                self.silent = true;
            }
            Happening::Resolved { at } => self.resolved = Some(*at),
            Happening::ResolutionWithdrawn => {
                self.resolved = None;
                self.closed = None;
                self.loop_missed = false;
            }
            Happening::LoopClosed { by, at, activity } => {
                self.closed = Some(LoopClosed { by: by.clone(), at: *at, activity: activity.clone() });
            }
            Happening::LoopMissed { .. } => self.loop_missed = true,
            Happening::ForeignMessage { message, at, .. } => {
                self.foreign = self.foreign.saturating_add(1);
                self.foreign_known.insert(message.clone(), *at);
                if self.foreign_known.len() > REMEMBERED {
                    let oldest = self.foreign_known.iter().map(|(id, at)| (*at, id.clone())).min();
                    self.foreign_known.remove(&oldest.map(|(_, id)| id).unwrap_or_default());
                }
            }
            Happening::FieldsDisputed { .. }
            | Happening::MotionAssigned { .. }
            | Happening::ReturnPathBegan { .. }
            | Happening::PrimaryAssigned { .. }
            | Happening::HealthFell { .. }
            | Happening::HealthRecovered { .. }
            | Happening::SteadySince { .. }
            | Happening::TriggerSet { .. }
            | Happening::ReunificationDue { .. }
            | Happening::Reunified { .. }
            | Happening::FirstTouched { .. }
            | Happening::FirstTouchMissed { .. }
            | Happening::LeadRecycled { .. }
            | Happening::SignalsChanged { .. } => {}
        }
    }
}

impl SharedAccount {
    fn apply(&mut self, happening: &Happening) {
        match happening {
            Happening::PrimaryAssigned { owner } => self.primary.clone_from(owner),
            Happening::HealthFell { .. } => self.low = true,
            Happening::HealthRecovered { .. } => self.low = false,
            Happening::SteadySince { since } => self.steady = since.map(|since| Steady { since }),
            Happening::TriggerSet { fires } => self.fires = *fires,
            Happening::ReunificationDue { because, at, to, policy } => {
                self.due = Some(Due { because: *because, at: *at, to: to.clone(), policy: *policy });
            }
            Happening::Reunified { at, .. } => self.reunified = Some(*at),
            Happening::FieldsDisputed { .. }
            | Happening::MotionAssigned { .. }
            | Happening::ReturnPathBegan { .. }
            | Happening::Acknowledged { .. }
            | Happening::AckMissed { .. }
            | Happening::EtaGiven { .. }
            | Happening::EtaPassed { .. }
            | Happening::Echoed { .. }
            | Happening::EchoMissed { .. }
            | Happening::Resolved { .. }
            | Happening::ResolutionWithdrawn
            | Happening::LoopClosed { .. }
            | Happening::LoopMissed { .. }
            | Happening::ForeignMessage { .. }
            | Happening::FirstTouched { .. }
            | Happening::FirstTouchMissed { .. }
            | Happening::LeadRecycled { .. }
            | Happening::SignalsChanged { .. } => {}
        }
    }
}
