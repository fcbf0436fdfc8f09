//! The same deal in another CRM, with an authority of its own: while the two disagree, pay waits on both sides. Shut wins.

use serde::{Deserialize, Serialize};

use crate::event::VoidCause;
use crate::handoff::{Handoff, Phase};
use crate::id::{FieldKey, PartKey, RecordRef};
use crate::value::{Package, Value};

/// How the handoff of the other record stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwinSeen {
    /// The other record.
    pub record: RecordRef,
    /// What its authority says.
    pub word: TwinWord,
}

/// What the other authority says, from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TwinWord {
    /// Accepted, and the package says the same as ours.
    Accepted,
    /// Accepted, but another package than ours.
    AcceptedOther,
    /// Not accepted, or off.
    NotAccepted,
    /// It is in the same CRM as another record that names the same deal: nobody can tell which of them is meant.
    Rival,
}

/// The other handoff as it bears on a record with this package; `None` = it has no say: its record is lost. What it says does not depend on
/// what it thinks of us, so the two settle at once.
pub fn twin_seen(package: &Package, other: &Handoff) -> Option<TwinSeen> {
    let lost = match (other.phase, &other.voided) {
        (Phase::Voided, Some(VoidCause::Deleted | VoidCause::Merged { .. } | VoidCause::Gone)) => true,
        (Phase::Voided, Some(VoidCause::Stage { .. } | VoidCause::OtherMotion { .. }) | None)
        | (Phase::Draft | Phase::Complete | Phase::Accepted | Phase::Rejected, _) => false,
    };
    if lost {
        return None;
    }
    let word = match (other.acceptance_holds(), say_the_same(package, &other.package)) {
        (false, _) => TwinWord::NotAccepted,
        (true, true) => TwinWord::Accepted,
        (true, false) => TwinWord::AcceptedOther,
    };
    Some(TwinSeen { record: other.id.subject.clone(), word })
}

/// Another record of one CRM that names the same deal as a record there does already; `None` = its handoff ended, so it claims nothing.
pub fn rival_seen(other: &Handoff) -> Option<TwinSeen> {
    let claims = other.phase != Phase::Voided;
    claims.then(|| TwinSeen { record: other.id.subject.clone(), word: TwinWord::Rival })
}

/// Everything that a package says, in the order of fields and parts. A check-box that is not set says nothing: one CRM tells it as false, another
/// not at all.
fn said(package: &Package) -> Vec<(&FieldKey, &PartKey, &Value)> {
    let parts = package
        .iter()
        .flat_map(|(field, parts)| parts.iter().map(move |(part, sourced)| (field, part, &sourced.value)));
    parts.filter(|(_, _, value)| !matches!(value, Value::Flag(false))).collect()
}

/// Whether two packages say the same, each in the terms of its CRM: ids of people and records differ by nature, and white space says nothing.
fn say_the_same(ours: &Package, theirs: &Package) -> bool {
    let (ours, theirs) = (said(ours), said(theirs));
    ours.len() == theirs.len()
        && ours.into_iter().zip(theirs).all(|((field, part, ours), (other_field, other_part, theirs))| {
            field == other_field && part == other_part && says(ours, theirs)
        })
}

fn says(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (
            Value::Text(a) | Value::Name(a) | Value::Choice(a),
            Value::Text(b) | Value::Name(b) | Value::Choice(b),
        ) => a.split_whitespace().eq(b.split_whitespace()),
        (Value::Person(_), Value::Person(_)) | (Value::Record(_), Value::Record(_)) => true,
        (ours, theirs) => ours == theirs,
    }
}

impl Handoff {
    /// The first record whose authority says otherwise than ours, accepted or not.
    pub fn disagreeing_twin(&self) -> Option<&TwinSeen> {
        let accepted = self.acceptance_holds();
        self.twins.iter().find(|twin| match twin.word {
            TwinWord::Accepted => !accepted,
            TwinWord::AcceptedOther | TwinWord::Rival => true,
            TwinWord::NotAccepted => accepted,
        })
    }
}
