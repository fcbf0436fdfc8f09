//! Mappings: where a contract's fields, people, answers and gates live in one CRM.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::handoff::Phase as StateName;
use crate::icp::Icp;
use crate::id::{ConnectionId, ContractId, FieldKey, GateName, MotionId, ObjectName, PartKey, StageName};

mod path;

pub use path::{
    Anchor, Astray, COUNT_COLUMN, CarriedPath, Link, ReadPath, Rows, SeriesPath, Step, Wanted, Way, Window,
};
mod pay;

pub use pay::{AmountField, PayMapping, SplitRows};

/// A mapping as an admin writes it in TOML.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Its name, e.g. `salesforce/h03-ae-to-onboarding`.
    pub mapping: String,
    /// The contract it serves.
    pub contract: ContractId,
    /// The contract version that it fits.
    pub version: u32,
    /// The connector, e.g. `salesforce`.
    pub connector: String,
    /// The object that carries the package.
    pub object: ObjectName,
    /// Which motion the records belong to.
    pub motion: Motion,
    /// Stages.
    pub stage: StageMapping,
    /// Dates that only serve to find records that cannot be right.
    #[serde(default)]
    pub timeline: Timeline,
    /// The account or company of the record: calls that are linked to it alone are found by it.
    #[serde(default)]
    pub account: Option<ReadPath>,
    /// The ideal customer profile that parts read with `icp` are judged by.
    #[serde(default)]
    pub icp: Option<Icp>,
    /// What we read: field → part → path. Part `none` is the check-box "there are none", part `unknown` a text in which the sender says why
    /// he cannot know yet and until when.
    pub read: BTreeMap<FieldKey, BTreeMap<PartKey, ReadPath>>,
    /// Who hands over and who decides.
    pub people: PeopleMapping,
    /// How the receiver answers.
    pub decision: DecisionMapping,
    /// How the sender submits; needed when the contract says `submit = "explicit"`.
    #[serde(default)]
    pub submit: Option<SubmitMapping>,
    /// What finance's ledger is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pay: Option<PayMapping>,
    /// What we write.
    pub write: WriteMapping,
    /// What happens beside the package.
    #[serde(default)]
    pub beside: Option<crate::beside::BesideMapping>,
    /// How the CRM itself blocks.
    #[serde(default)]
    pub enforcement: Option<Enforcement>,
    /// Where the same deal lies in another CRM that this daemon governs too. While the two disagree, no pay gate of either is open.
    #[serde(default)]
    pub twin: Option<TwinMapping>,
}

impl Mapping {
    /// Every path that is read for the package: those of its parts, and those of the customer profile.
    pub fn paths(&self) -> impl Iterator<Item = &ReadPath> {
        let criteria = self.icp.iter().flat_map(|icp| icp.criteria.values().map(|criterion| &criterion.read));
        self.read.values().flat_map(BTreeMap::values).chain(criteria)
    }
}

/// Where the same deal lies in another CRM. One side is enough; the other knows by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TwinMapping {
    /// The other connection, as the configuration names it.
    pub connection: ConnectionId,
    /// The other record's object.
    pub object: ObjectName,
    /// The field that holds its id.
    pub field: String,
}

/// Which motion the records belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Motion {
    /// All records of this mapping belong to this motion.
    #[serde(default)]
    pub always: Option<MotionId>,
    /// The field that tells each record's motion; instead of `always`.
    #[serde(default)]
    pub field: Option<String>,
    /// Our motion = the field's values. A value that nobody names is no motion: the record's gates stay shut.
    #[serde(default)]
    pub names: BTreeMap<MotionId, Vec<String>>,
    /// The field with the reason of a change.
    #[serde(default)]
    pub reason: Option<String>,
}

impl Motion {
    /// Of records that all belong to one motion.
    pub fn always(motion: MotionId) -> Self {
        Self { always: Some(motion), field: None, names: BTreeMap::new(), reason: None }
    }

    /// The motion that names a value of the field.
    pub fn named(&self, value: &str) -> Option<&MotionId> {
        self.names.iter().find(|(_, values)| values.iter().any(|name| name == value)).map(|(name, _)| name)
    }

    /// Every motion that a record of this mapping can be kept under; where a field tells it, also [`crate::motion::unknown`].
    pub fn candidates(&self) -> Vec<MotionId> {
        match (&self.always, &self.field) {
            (Some(always), _) => vec![always.clone()],
            (None, Some(_)) => self.names.keys().cloned().chain([crate::motion::unknown()]).collect(),
            (None, None) => vec![crate::motion::unknown()],
        }
    }
}

/// Stages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StageMapping {
    /// The CRM's stage field.
    pub field: String,
    /// Our name = the CRM's values. A value that no name lists is an unknown stage: its gates stay shut and `check --online` names it.
    pub names: BTreeMap<StageName, Vec<String>>,
    /// The CRM's close date field. Some CRMs move it when a deal is won; when a by-passed stage is put back, it goes back to what its history
    /// says stood there before the move.
    #[serde(default)]
    pub close_date: Option<String>,
}

/// Dates that only serve to find records that cannot be right.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timeline {
    /// Date or date-time field: when the customer was first contacted.
    #[serde(default)]
    pub first_contact: Option<String>,
}

/// Who hands over and who decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PeopleMapping {
    /// User field of the sender.
    pub sender: UserField,
    /// User field of the receiver.
    pub receiver: UserField,
}

/// A field that holds a user id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserField {
    /// The CRM's field name.
    pub field: String,
}

/// How the receiver answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionMapping {
    /// The pick-list.
    pub field: String,
    /// Its value for "accepted".
    pub accept: String,
    /// Its value for "rejected".
    pub reject: String,
    /// Text field with the reason; required when rejecting.
    pub reason: String,
    /// Multi-select field with the rejected fields, by contract key; absent or empty = the whole package.
    #[serde(default)]
    pub fields: Option<String>,
    /// Text field in which the receiver names fields with reasons, a line each, e.g. `go_live: the date is before signature`. The fields named
    /// there are rejected too.
    #[serde(default)]
    pub reasons: Option<String>,
    /// The pick-list's value for "accepted with exceptions"; absent = no exceptions.
    #[serde(default)]
    pub accept_with: Option<String>,
    /// Text field with the exceptions, a line each with reason and day, e.g. `go_live: the board decides, by 2026-03-31`; empty = all fields
    /// that the sender marks as unknown.
    #[serde(default)]
    pub exceptions: Option<String>,
    /// The pick-list's value for "the edits are confirmed"; "accepted" confirms them too.
    #[serde(default)]
    pub confirm: Option<String>,
    /// Who answered is read from here.
    #[serde(default)]
    pub who: Who,
}

/// Where the acting person is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Field history: who and when cannot be typed by anyone.
    #[default]
    FieldHistory,
    /// The record's last modifier: weaker, `check --online` says so.
    LastModifiedBy,
}

/// How the sender submits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitMapping {
    /// The pick-list or check-box.
    pub field: String,
    /// Its value for "submitted".
    pub value: String,
}

/// What we write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteMapping {
    /// Per gate.
    pub gate: BTreeMap<GateName, GateWrite>,
    /// Words for people on the record.
    #[serde(default)]
    pub note: NoteWrite,
    /// The handoff's state as a pick-list, for reports and list views.
    #[serde(default)]
    pub state: Option<StateWrite>,
    /// Tasks for people in the CRM's own list of tasks. Written only where the configuration has `[tasks]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskMapping>,
}

/// Tasks for people in the CRM's own list of tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskMapping {
    /// The unique text field on the CRM's tasks that holds what a task stands for, so that none is ever created twice.
    pub id: String,
}

/// The handoff's state as a pick-list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StateWrite {
    /// The pick-list.
    pub field: String,
    /// Our state = the pick-list's value. A state that is not named empties the field.
    pub names: BTreeMap<StateName, String>,
}

/// The fields of one gate; only `field` is needed, the others are the shapes that finance tools read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateWrite {
    /// The flag.
    pub field: String,
    /// The flag's value when the gate is open (usually `true`).
    #[serde(default = "yes")]
    pub open: serde_json::Value,
    /// The flag's value when it is shut (usually `false`).
    #[serde(default = "no")]
    pub closed: serde_json::Value,
    /// 1 or 0.
    #[serde(default)]
    pub number: Option<String>,
    /// `Cleared` or `Held`.
    #[serde(default)]
    pub status: Option<String>,
    /// When it opened.
    #[serde(default)]
    pub cleared_at: Option<String>,
    /// Opaque id bound to record, package and decision.
    #[serde(default)]
    pub clearance_id: Option<String>,
    /// Why it is shut and who must act.
    #[serde(default)]
    pub hold_reason: Option<String>,
}

fn yes() -> serde_json::Value {
    serde_json::Value::Bool(true)
}

fn no() -> serde_json::Value {
    serde_json::Value::Bool(false)
}

/// Words for people on the record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteWrite {
    /// Where the handoff stands, at most 255 characters.
    #[serde(default)]
    pub status: Option<String>,
    /// What is missing and who has to act.
    #[serde(default)]
    pub missing: Option<String>,
    /// What changed since the receiver last answered, for him to read when the package is with him again; labels only, never values.
    #[serde(default)]
    pub changes: Option<String>,
    /// Places of calls that may speak of a field, a line each with the call's address; never words of a call.
    #[serde(default)]
    pub evidence: Option<String>,
    /// Completion, acceptance and time to acceptance of all handoffs of this contract and motion in the running month, with the moment as of
    /// which they hold; at most 255 characters. Written with whatever else is written, never for itself.
    #[serde(default)]
    pub numbers: Option<String>,
}

/// How the CRM itself blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Enforcement {
    /// The native means.
    pub kind: EnforcementKind,
    /// Its API name, e.g. of the validation rule; `check --online` looks whether it is there and active.
    pub name: String,
}

/// Native means of blocking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnforcementKind {
    /// A Salesforce validation rule.
    ValidationRule,
    /// A HubSpot stage approval rule, set up by hand: its state cannot be read over the API.
    ApprovalRule,
    /// A HubSpot property that a stage requires, set up by hand: its state cannot be read over the API.
    RequiredProperty,
}
