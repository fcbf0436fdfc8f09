//! What is counted beside the cycles.

use handoff_core::event::{Event, Refusal};
use jiff::Timestamp;

use super::Scorecard;
use crate::report::{Counts, count};
use crate::unit::When;

/// What is counted beside the cycles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    /// A guarded stage was entered while its gate was shut.
    Bypass {
        /// Whether the handoff had been accepted at any time before.
        ever_accepted: bool,
    },
    /// A guarded stage was entered during an outage, and may still be made good.
    Grace,
    /// A flag was set by somebody else.
    Tamper,
    /// Pay that had been released was held again.
    Adjustment,
    /// An answer did not count.
    Refused(&'static str),
    /// The receiver's time was up.
    Overdue,
    /// An accepted handoff began again.
    Reopened,
    /// The handoff ended without a decision.
    Voided,
    /// A gate was opened by break-glass.
    Overridden,
    /// The day of an exception passed and its field was still missing.
    ExceptionLapsed,
}

impl Scorecard {
    /// Counts something that is no cycle.
    fn count(&mut self, line: usize, at: Timestamp, why: &'static str, change: impl Fn(&mut Counts)) {
        self.cube.count(line, at, change);
        self.frozen.touch(at, self.next.saturating_sub(1), why);
    }

    pub(super) fn mark(&mut self, name: &str, line: usize, logged: Timestamp, event: &Event) {
        let Some(stream) = self.streams.get_mut(name) else { return };
        let (kind, claim) = match event {
            Event::Accepted { .. } => {
                stream.accepted = true;
                for at in std::mem::take(&mut stream.bypasses) {
                    self.count(line, at, event.name(), |counts| {
                        counts.bypasses_never_accepted = counts.bypasses_never_accepted.saturating_sub(1);
                    });
                }
                return;
            }
            Event::Bypassed { entry, at, ever_accepted, .. } => {
                // One entry into a stage that several gates guard is one by-pass.
                if stream.bypass_entry.as_ref() == Some(entry) {
                    return;
                }
                stream.bypass_entry = Some(entry.clone());
                if !stream.accepted {
                    stream.bypasses.push(When::weigh(*at, logged).at);
                }
                (MarkKind::Bypass { ever_accepted: *ever_accepted }, *at)
            }
            Event::GraceGranted { grace } => (MarkKind::Grace, grace.at),
            Event::Tampered { at, .. } => (MarkKind::Tamper, *at),
            Event::CommissionHeld { .. } => (MarkKind::Adjustment, None),
            Event::AnswerRefused { at, why, .. } => (MarkKind::Refused(refusal(why)), Some(*at)),
            Event::SlaBreached { due, .. } => (MarkKind::Overdue, Some(*due)),
            Event::Reopened { .. } => (MarkKind::Reopened, None),
            Event::Voided { .. } => (MarkKind::Voided, None),
            Event::Overridden { at, .. } => (MarkKind::Overridden, Some(*at)),
            Event::ExceptionsLapsed { due, .. } => (MarkKind::ExceptionLapsed, Some(*due)),
            Event::Opened { .. }
            | Event::PeopleChanged { .. }
            | Event::StageChanged { .. }
            | Event::PackageChanged { .. }
            | Event::Submitted { .. }
            | Event::ConcernsChanged { .. }
            | Event::ClockSet { .. }
            | Event::Reminded { .. }
            | Event::Escalated { .. }
            | Event::Reassigned { .. }
            | Event::GraceEnded { .. }
            | Event::Completed { .. }
            | Event::FellIncomplete { .. }
            | Event::Rejected { .. }
            | Event::ExceptionsGranted { .. }
            | Event::ExceptionsMet { .. }
            | Event::ConfirmationNeeded { .. }
            | Event::Confirmed { .. }
            | Event::OverrideAsked { .. }
            | Event::OverrideEnded { .. }
            | Event::Absorbed { .. }
            | Event::GateWritten { .. }
            | Event::CommissionReleased { .. }
            | Event::Healed { .. }
            | Event::TwinsChanged { .. }
            | Event::CarriedChanged { .. }
            | Event::RevertOrdered { .. }
            | Event::StageReverted { .. }
            | Event::RevertGivenUp { .. }
            | Event::RevertRefused { .. }
            | Event::Beside { .. }
            | Event::PayChanged { .. }
            | Event::Repinned { .. }
            | Event::GateOrdered { .. } => return,
        };
        let at = When::weigh(claim, logged).at;
        let never = !stream.accepted;
        self.count(line, at, event.name(), |counts| count(counts, kind, never));
        self.noted(line, logged);
    }
}

/// A refusal's stable name.
pub fn refusal(why: &Refusal) -> &'static str {
    match why {
        Refusal::OwnHandoff => "own_handoff",
        Refusal::NotTheReceiver => "not_the_receiver",
        Refusal::LacksRole => "lacks_role",
        Refusal::Machine => "machine",
        Refusal::Inactive => "inactive",
        Refusal::NoReceiver => "no_receiver",
        Refusal::NoSender => "no_sender",
        Refusal::Incomplete { .. } => "incomplete",
        Refusal::PackageChanged => "package_changed",
        Refusal::NotWaiting => "not_waiting",
        Refusal::NoReason => "no_reason",
        Refusal::NotTheSender => "not_the_sender",
        Refusal::ExceptionUnclear { .. } => "exception_unclear",
        Refusal::OtherFields => "other_fields",
    }
}
