//! The same deal in another CRM, with an authority of its own: while the two disagree, pay waits on both sides. Shut wins.

use serde::{Deserialize, Serialize};

use crate::event::VoidCause;
use crate::handoff::{Handoff, Phase};
use crate::id::RecordRef;
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
}

/// The other handoff as it bears on a record with this package; `None` = it has no say: its record is lost. What it says does not depend on
/// what it thinks of us, so the two settle at once.
pub fn twin_seen(package: &Package, other: &Handoff) -> Option<TwinSeen> {
    let lost = match (other.phase, &other.voided) {
        (Phase::Voided, Some(VoidCause::Deleted | VoidCause::Merged { .. } | VoidCause::Gone)) => true,
        (Phase::Voided, Some(VoidCause::Stage { .. }) | None)
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

/// Whether two packages say the same, each in the terms of its CRM: ids of people and records differ by nature, and white space says nothing.
fn say_the_same(ours: &Package, theirs: &Package) -> bool {
    ours.keys().eq(theirs.keys())
        && ours.iter().zip(theirs).all(|((_, ours), (_, theirs))| {
            ours.keys().eq(theirs.keys())
                && ours.values().zip(theirs.values()).all(|(a, b)| says(&a.value, &b.value))
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
            TwinWord::AcceptedOther => true,
            TwinWord::NotAccepted => accepted,
        })
    }
}
