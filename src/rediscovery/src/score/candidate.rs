//! A field that a question may ask for, and what is done about it.

use crate::events::Decision;
use crate::field::FieldScore;
use crate::gate::Gate;
use crate::lexicon::Decide;
use crate::overlap::Repeated;

/// What a question gives away of a value that it is about, in nats.
pub(super) const GIVEN: f64 = 2.5;
/// By how much more an answer has to repeat where the question is of another type than the field's.
const ANY_TYPE: f64 = 1.6;

/// A field that a question may ask for.
pub(super) struct Candidate {
    pub(super) field: usize,
    pub(super) asked: FieldScore,
    pub(super) repeated: Repeated,
    pub(super) gate: Gate,
    /// How much of the value the question gives away, in nats.
    pub(super) given: f64,
    pub(super) decision: Option<Decision>,
    pub(super) complaint: bool,
}

impl Candidate {
    /// How surely the question is about this value, for one that it reads back or names.
    pub(super) fn about(&self) -> f64 {
        self.asked.score + self.given.min(12.0) / 6.0
    }

    /// Whether this is asked for although the question reads back or names another value.
    pub(super) fn outweighs(&self, gated: &Self) -> bool {
        if self.decision == Some(Decision::Auto) {
            return self.asked.score >= gated.asked.score || gated.given < GIVEN;
        }
        gated.given < GIVEN && self.asked.score > gated.asked.score + 0.1
    }

    pub(super) fn rank(&self) -> f64 {
        self.asked.score + self.repeated.nats.min(14.0) / 14.0 * 0.6
    }

    /// Auto, review or nothing, for one field by itself; `marked` = surely a question, `doubtful` = somebody of our own side seems to answer.
    pub(super) fn decided(mut self, decide: Decide, marked: bool, doubtful: bool) -> Self {
        let score = self.asked.score;
        let nats = if self.repeated.is_evidence() { self.repeated.nats } else { 0.0 };
        let clear = score >= decide.high;
        let may = score >= decide.low;
        let several = self.repeated.is_strong();
        let repeats = (clear && nats >= decide.answer_high)
            || (may && several && nats >= decide.answer_low)
            || (marked && self.asked.fits && several && nats >= decide.answer_alone)
            || (marked && self.repeated.is_plain() && nats >= decide.answer_alone * ANY_TYPE);
        let complains = self.complaint && (clear || (may && nats > 0.0));
        let auto = match self.gate {
            Gate::Confirm => false,
            Gate::NewDetail => several && nats >= decide.answer_low && (repeats || complains),
            Gate::Open => repeats || complains,
        };
        let review = self.gate == Gate::Open && score >= decide.review && !doubtful;
        self.decision = if auto {
            Some(Decision::Auto)
        } else if review {
            Some(Decision::Review)
        } else {
            None
        };
        self
    }
}
