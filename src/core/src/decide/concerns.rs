//! What a person should look at.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::Decision;
use crate::event::{Concern, Event, NotReverted};
use crate::handoff::{Handoff, Phase};

/// How far the CRM's clock may run ahead of ours before it is said aloud.
const SKEW: SignedDuration = SignedDuration::from_mins(10);

impl Decision<'_> {
    pub(super) fn note_concerns(&mut self) {
        let Some(state) = &self.state else { return };
        let concerns = self.concerns(state);
        if concerns != state.concerns {
            self.emit(Event::ConcernsChanged { concerns });
        }
    }

    fn concerns(&self, state: &Handoff) -> BTreeSet<Concern> {
        if state.phase == Phase::Voided {
            return BTreeSet::new();
        }
        let seen = self.seen;
        let (sender, receiver) = (seen.sender.as_ref(), seen.receiver.as_ref());
        let same =
            sender.is_some_and(|sender| receiver.is_some_and(|receiver| sender.person == receiver.person));
        let too_early =
            seen.first_contact.is_some_and(|first| seen.stage.since.is_some_and(|since| since < first));
        let stays = state.bypass.as_ref().and_then(|bypass| bypass.stays);
        let refused =
            state.bypass.as_ref().and_then(|bypass| bypass.order.as_ref()).is_some_and(|order| order.refused);
        let found = [
            (same, Concern::SenderIsReceiver),
            (receiver.is_none(), Concern::NoReceiver),
            (receiver.is_some_and(|receiver| !receiver.active), Concern::ReceiverInactive),
            (seen.stage.name.is_none(), Concern::UnknownStage),
            (too_early, Concern::WonBeforeFirstContact),
            (self.is_ahead(seen.stage.since) || self.is_ahead(state.last_edit()), Concern::StampInFuture),
            (stays == Some(NotReverted::TooOften), Concern::RevertLimit),
            (stays.is_some_and(|why| why != NotReverted::TooOften), Concern::NotPutBack),
            (refused, Concern::RevertRefused),
            (state.disagreeing_twin().is_some(), Concern::AuthoritiesDisagree),
        ];
        found
            .into_iter()
            .chain(self.concerns_beside(state))
            .filter(|(stands, _)| *stands)
            .map(|(_, concern)| concern)
            .collect()
    }

    fn is_ahead(&self, stamp: Option<Timestamp>) -> bool {
        stamp.is_some_and(|stamp| self.now.checked_add(SKEW).is_ok_and(|limit| stamp > limit))
    }
}
