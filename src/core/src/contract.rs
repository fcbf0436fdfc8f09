//! Contracts: what has to be handed over, who decides, and what waits for it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::completeness::Ready;
use crate::digest::Digest;
use crate::exception::Exceptions;
use crate::id::{ContractId, FieldKey, GateName, PartKey, StageName};
use crate::sla::Allowance;

pub mod diff;
mod part;

pub use part::Part;

/// A contract as an admin writes it in TOML.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// Its name, e.g. `h03-ae-to-onboarding`; stays the same over versions.
    pub contract: ContractId,
    /// Counts up from 1; open handoffs stay on the version they were opened with.
    pub version: u32,
    /// One line for people.
    pub title: String,
    /// When a handoff opens.
    pub opens: Opens,
    /// Who hands over and who decides.
    pub roles: Roles,
    /// Whether a filled package is handed over by itself or only when the sender says so.
    #[serde(default)]
    pub submit: Submit,
    /// What does not count as an answer.
    #[serde(default)]
    pub quality: Quality,
    /// How long the receiver may take.
    #[serde(default)]
    pub sla: Sla,
    /// What an acceptance with exceptions means.
    #[serde(default)]
    pub exceptions: Exceptions,
    /// What both sides owe while an escalation runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_path: Option<crate::beside::ReturnPath>,
    /// One account in two motions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cross_motion: Option<crate::beside::CrossMotion>,
    /// How soon a lead hears of us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_touch: Option<crate::beside::FirstTouch>,
    /// What waits for this handoff, by name.
    pub gates: BTreeMap<GateName, Gate>,
    /// The mandatory fields, in the order people see them.
    #[serde(rename = "field")]
    pub fields: Vec<Field>,
    /// The rules above made ready at first use; no part of what is written.
    #[serde(skip)]
    pub ready: Ready,
}

/// When a handoff opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Opens {
    /// Our stage names; entering any of them opens the handoff.
    pub when_stage_becomes: Vec<StageName>,
    /// Stages in which the deal is off: an open handoff is voided.
    #[serde(default)]
    pub void_when_stage_becomes: Vec<StageName>,
}

/// Who hands over and who decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// Role of the sender.
    pub sender: String,
    /// Role of the receiver: only it can accept or reject.
    pub receiver: String,
    /// Role that answers while the record names nobody who could: nobody at all, or somebody whose user is switched off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// Must be false: a handoff that its sender can accept alone is a template, not governance. Kept as a key so that an attempt is named.
    #[serde(default)]
    pub sender_may_accept: bool,
}

/// How a filled package is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Submit {
    /// As soon as every field is filled.
    #[default]
    Auto,
    /// When the sender says so in the CRM.
    Explicit,
}

/// What does not count as an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quality {
    /// Words that count as empty, compared without case, spaces and zero-width characters.
    #[serde(default)]
    pub filler: Vec<String>,
    /// Fewest characters of a part of kind `text`, after trimming.
    #[serde(default)]
    pub min_chars: u32,
}

/// How long the receiver may take, and who is told when.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sla {
    /// Hours from completion to the receiver's answer; absent = no clock.
    pub accept_within_hours: Option<u32>,
    /// Calendar of the configuration whose working time is counted, e.g. `business-emea`; absent = every hour of every day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// What becomes of the clock when the package goes back to the sender.
    #[serde(default, skip_serializing_if = "Returned::is_default")]
    pub when_returned: Returned,
    /// When the receiver is reminded, e.g. `["24h", "40h"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remind_after: Vec<Allowance>,
    /// When it is taken to `escalate_to`, e.g. `"48h"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_after: Option<Allowance>,
    /// Role that is told when the receiver does not answer, or is no longer there. It cannot answer for him.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_to: Option<String>,
    /// Our stage names in which the handoff waits for the customer: that time is neither side's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub customer_stages: Vec<StageName>,
}

/// What becomes of the receiver's clock when the package goes back to the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Returned {
    /// It begins anew in the next round.
    #[default]
    Restart,
    /// It stands until the package is complete again, and goes on: the rounds of a cycle share one clock.
    Pause,
}

impl Returned {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Something that waits for a handoff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// What it holds.
    pub kind: GateKind,
    /// What opens it.
    pub opens_when: Condition,
    /// Whether we write it.
    pub mode: Mode,
    /// Kind `stage`: the stages that may not be entered while it is shut.
    #[serde(default)]
    pub stages: Vec<StageName>,
    /// What happens when a guarded stage is entered while the gate is shut.
    #[serde(default)]
    pub on_bypass: OnBypass,
    /// Kind `stage`: what happens when a guarded stage was entered while handoffd was down. The gate stays shut either way.
    #[serde(default, skip_serializing_if = "OnOutage::is_closed")]
    pub on_outage: OnOutage,
    /// Kind `commission`: the clause of the compensation plan that makes pay wait. Needed before the gate may be enforced.
    #[serde(default)]
    pub plan_clause: Option<String>,
}

/// What a gate holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateKind {
    /// A pipeline stage.
    Stage,
    /// Whether the deal counts for pay.
    Commission,
    /// Routing of a lead.
    Routing,
    /// The receiver's work queue.
    Queue,
    /// The sender's credit, e.g. an SDR's meeting.
    Credit,
}

/// What opens a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Every field is filled (and submitted).
    Complete,
    /// Complete, and the receiver accepted exactly this package.
    Accepted,
}

/// Whether a gate is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Not governed.
    Off,
    /// We record what we would write and write nothing.
    Observe,
    /// We write.
    Enforce,
}

/// What happens on a by-pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnBypass {
    /// It stands in the ledger.
    #[default]
    Record,
    /// The stage is put back to the one it came from.
    Revert,
    /// It stands in the ledger and the note on the record says so.
    Notify,
}

/// What happens when a guarded stage was entered while handoffd was down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnOutage {
    /// It is a by-pass as at any other time.
    #[default]
    Closed,
    /// It is none if the receiver accepts within so many hours after handoffd is back; each grace stands in the ledger and is checked again.
    GraceHours(u32),
}

impl OnOutage {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
    fn is_closed(&self) -> bool {
        *self == Self::Closed
    }
}

/// One mandatory field. It counts as filled only when all its parts are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Key, stable over versions.
    pub key: FieldKey,
    /// What people call it.
    pub label: String,
    /// The question it answers.
    pub ask: String,
    /// Its typed parts.
    pub parts: BTreeMap<PartKey, Part>,
    /// A signed "there are none" counts as filled; the mapping names the check-box as part `none`.
    #[serde(default)]
    pub none_is_an_answer: bool,
    /// Must be written by a person: never pre-filled.
    #[serde(default)]
    pub human_authored: bool,
    /// CEL expression over `stage`, `motion` and `fields` (field → part) that says whether the field is required, e.g.
    /// `motion == "enterprise"`; absent = always.
    #[serde(default)]
    pub required_when: Option<String>,
    /// What an edit after acceptance does.
    #[serde(default)]
    pub after_acceptance: AfterAcceptance,
}

/// Kinds of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Prose; minimum information applies.
    Text,
    /// A short proper name.
    Name,
    /// A number.
    Number,
    /// An amount.
    Money,
    /// A calendar date.
    Date,
    /// One of some choices.
    Choice,
    /// A contact or user.
    Person,
    /// Another record.
    Record,
    /// Yes or no; false counts as empty.
    Flag,
    /// Rows.
    List,
    /// Points over time.
    Series,
}

/// What an edit of an accepted field does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AfterAcceptance {
    /// It stands in the ledger; the acceptance holds.
    Note,
    /// The gates that wait for acceptance are shut until the receiver confirms exactly the edited fields.
    Reconfirm,
    /// The handoff is re-opened.
    #[default]
    Reopen,
}

/// Which contract a handoff was opened with. It never changes without an explicit, logged act.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContractRef {
    /// The contract.
    pub id: ContractId,
    /// Its version.
    pub version: u32,
    /// SHA-256 of its text.
    pub digest: Digest,
}

impl Contract {
    /// The field with this key.
    pub fn field(&self, key: &FieldKey) -> Option<&Field> {
        self.fields.iter().find(|field| &field.key == key)
    }
}
