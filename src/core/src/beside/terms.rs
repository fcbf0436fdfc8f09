//! What a contract says about conduct: the return path, the shared account, the first touch.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::Contract;
use crate::id::{FieldKey, PartKey};
use crate::observation::Observation;
use crate::value::{Package, Value};
use crate::{escalation, motion};

/// A part of the contract, as `field.part`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PartRef(pub String);

impl PartRef {
    /// Field and part; what has no dot names the part `value`.
    pub fn split(&self) -> (FieldKey, PartKey) {
        let (field, part) = self.0.split_once('.').unwrap_or((self.0.as_str(), "value"));
        (FieldKey::from(field), PartKey::from(part))
    }

    /// The field.
    pub fn field(&self) -> FieldKey {
        self.split().0
    }

    /// The value that stands there.
    pub fn value<'p>(&self, package: &'p Package) -> Option<&'p Value> {
        let (field, part) = self.split();
        package.get(&field)?.get(&part).map(|sourced| &sourced.value)
    }
}

impl fmt::Display for PartRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The table `[return_path]`: what the receiving team owes the sender, and the sender the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnPath {
    /// Hours from the escalation to the receiving team's acknowledgement.
    pub acknowledge_within_hours: u32,
    /// The date by which there will be an answer; it passes with its last second in UTC.
    pub eta: PartRef,
    /// The agreed cadence.
    pub cadence: PartRef,
    /// Hours between two echoes per value of the cadence.
    pub every_hours: BTreeMap<String, u32>,
    /// Who speaks to the customer; must be the sender.
    pub communication_owner: PartRef,
    /// Hours from the resolution to the sender's own word to the customer.
    pub close_within_hours: PartRef,
    /// The role that hears of what was missed, besides both sides.
    #[serde(default)]
    pub escalate_to: Option<String>,
}

/// The table `[cross_motion]`: one account, two motions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CrossMotion {
    /// Who owns the relationship while the cross-sell runs.
    pub owner: PartRef,
    /// Warm, cold or tandem.
    pub mode: PartRef,
    /// Who has to be the owner in each mode.
    pub modes: BTreeMap<String, PrimaryIs>,
    /// The structured trigger, e.g. `6 months after go_live`.
    pub trigger: PartRef,
    /// Who owns the relationship afterwards.
    pub owner_after: PartRef,
    /// The date by which it is re-united whatever happens.
    pub latest: PartRef,
    /// The measure of `[beside.measures]` that tells motion A's health.
    pub health: String,
    /// Below this the cross-sell stops.
    pub stop_below: PartRef,
    /// What low health does.
    #[serde(default)]
    pub on_low_health: LowHealth,
    /// What a due re-unification does, where the installation says nothing.
    #[serde(default)]
    pub reunify: Reunify,
    /// Which entity signs.
    pub paperwork: PartRef,
    /// The stages in which the papers are due.
    #[serde(default)]
    pub paperwork_at: Vec<crate::id::StageName>,
}

/// Who has to be the primary owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PrimaryIs {
    /// Motion A's side, who hands over.
    Sender,
    /// Motion B's side, who receives.
    Receiver,
    /// One of the two.
    Either,
}

/// What low health of motion A does to the handoff's gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LowHealth {
    /// They are shut until it recovers.
    #[default]
    Shut,
    /// It is said aloud.
    Tell,
}

/// What a due re-unification does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reunify {
    /// People are asked to change the owner.
    #[default]
    Propose,
    /// The owner is written.
    Write,
}

/// The table `[first_touch]`: how soon the lead hears of us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstTouch {
    /// Hours from the routing to the first touch, as the package says.
    pub within_hours: PartRef,
    /// Most hours per tier, i.e. value of `tier`; the package may promise less, never more.
    #[serde(default)]
    pub at_most_hours: BTreeMap<String, u32>,
    /// The part that tells the tier.
    #[serde(default)]
    pub tier: Option<PartRef>,
    /// The part whose absence beside a score means that the score is all there is.
    pub context: PartRef,
    /// Days from the hand-over in which a lead that goes back to be nurtured counts as recycled.
    pub recycled_within_days: u32,
}

/// What stands in a package and does not count, and why: by who wrote it, whom it names, what it repeats, and whether it can be executed.
pub fn disputes(contract: &Contract, seen: &Observation) -> BTreeMap<FieldKey, BTreeSet<Trouble>> {
    let mut troubles = escalation::troubles(contract, seen);
    if let Some(terms) = &contract.cross_motion {
        for (field, more) in motion::troubles(terms, seen) {
            troubles.entry(field).or_default().extend(more);
        }
    }
    troubles
}

/// Why a field that says something does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// Written by a machine.
    WrittenByMachine,
    /// Written by somebody else than the sender.
    WrittenByAnother,
    /// Nothing tells who wrote it.
    AuthorUnknown,
    /// The same words, or nearly, as the daemon or the contract itself wrote.
    OwnWords,
    /// Repeats the notes of a meeting.
    MeetingNotes,
    /// Names somebody else than the sender.
    NotTheSender,
    /// More than one person claims to be the primary owner.
    TwoPrimaryOwners,
    /// Nobody of the two sides is named as primary owner.
    NoPrimaryOwner,
    /// The mode says that somebody else is the primary owner.
    OwnerAgainstMode,
    /// Nobody could execute it: neither an event, nor a span after one, nor a condition.
    NotATrigger,
    /// It waits for something that the mapping does not know.
    UnknownToTheMapping,
}

/// What a rep reads after the field's name.
pub fn describe(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::WrittenByMachine => "was written by a machine: the sender has to write it himself",
        Trouble::WrittenByAnother => "was written by somebody else: the sender has to write it himself",
        Trouble::AuthorUnknown => "does not tell who wrote it: the sender has to write it again",
        Trouble::OwnWords => "only repeats what handoffd or the form says",
        Trouble::MeetingNotes => "only repeats the notes of a meeting",
        Trouble::NotTheSender => "must name the sender: nobody else speaks to the customer",
        Trouble::TwoPrimaryOwners => "is claimed by more than one person: name exactly one",
        Trouble::NoPrimaryOwner => "names neither side's owner: name exactly one",
        Trouble::OwnerAgainstMode => "names another owner than its mode",
        Trouble::NotATrigger => {
            "cannot be executed: write e.g. \"go_live\", \"6 months after go_live\" or \"health >= 80 for 30 days\""
        }
        Trouble::UnknownToTheMapping => "waits for something that the mapping does not know",
    }
}
