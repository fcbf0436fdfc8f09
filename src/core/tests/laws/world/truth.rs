//! What truly holds, judged from the record alone.

use std::collections::BTreeSet;

use handoff_core::completeness::{Situation, assess};
use handoff_core::event::{Event, Refusal};
use handoff_core::id::FieldKey;
use handoff_core::observation::{Act, Answer};

use super::{Variant, World, actor};

impl World {
    /// The truth, judged without looking at any state of ours: the last word of the receiver in force is an acceptance that is newer
    /// than every edit of a field that matters, on a complete package in a stage that counts.
    pub(crate) fn is_legitimately_accepted(&self) -> bool {
        let truth = &self.truth;
        let Some(state) = &self.state else { return false };
        let Some(acceptance) = &state.accepted else { return false };
        let by = &acceptance.by.person;
        let said = |act: &&Act| act.answer == Answer::Accept && act.by.person == *by;
        let legitimate = match self.variant {
            Variant::History | Variant::Explicit => {
                truth.acts.iter().filter(said).any(|act| act.at == acceptance.at)
            }
            // Without history whoever saves the record while the answer stands repeats it.
            Variant::NoHistory => truth.acts.iter().filter(said).any(|act| act.at <= acceptance.at),
        };
        let in_force = truth.receiver.is_some_and(|receiver| actor(receiver).person == *by)
            && truth.sender.is_some_and(|sender| actor(sender).person != *by);
        let edited_since = truth.edits.iter().any(|(key, edit)| {
            key.as_str() != "noted" && edit.at >= acceptance.at && self.differs_from_accepted(key)
        });
        let rejected_since = truth.acts.iter().any(|act| {
            matches!(act.answer, Answer::Reject { .. })
                && (act.at > acceptance.at || (act.at == acceptance.at && !self.was_answered_before(act)))
                && act.by.person == *by
                && self.variant != Variant::NoHistory
                && !self.was_refused(act)
        });
        let complete = assess(
            &self.contract,
            &self.look().package,
            &Situation {
                stage: None,
                motion: &self.motion,
                still_rejected: &BTreeSet::new(),
                disputed: &std::collections::BTreeMap::new(),
            },
        )
        .is_complete();
        let off = ["Closed Lost", "Renamed by an admin"].contains(&truth.stage.0) || !truth.exists;
        legitimate && in_force && !edited_since && !rejected_since && complete && !off
    }

    /// Whether the log shows this rejection before the acceptance in force.
    fn was_answered_before(&self, act: &Act) -> bool {
        let names = |event: &Event| match event {
            Event::Rejected { act: id, .. } | Event::AnswerRefused { act: id, .. } => *id == act.id,
            _ => false,
        };
        let accepted = self.events().collect::<Vec<_>>();
        let last = accepted.iter().rposition(|event| matches!(event, Event::Accepted { .. }));
        last.is_some_and(|last| accepted.iter().take(last).any(|event| names(event)))
    }

    /// Whether this rejection did not count when it was given, because he was not the receiver then or did not hold the role.
    fn was_refused(&self, act: &Act) -> bool {
        self.events().any(|event| matches!(event, Event::AnswerRefused { act: id, why, .. } if *id == act.id
            && matches!(why, Refusal::LacksRole | Refusal::NotTheReceiver | Refusal::OwnHandoff | Refusal::NoSender | Refusal::NoReceiver)))
    }

    fn differs_from_accepted(&self, key: &FieldKey) -> bool {
        self.state.as_ref().is_none_or(|state| state.package.get(key) != self.look().package.get(key))
    }
}
