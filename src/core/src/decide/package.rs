//! Edits of the package, and completion.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Decision;
use crate::contract::AfterAcceptance;
use crate::event::{EditEffect, Event, ReopenCause};
use crate::handoff::{Handoff, Phase};
use crate::id::{FieldKey, PartKey};
use crate::observation::{Actor, Edit};
use crate::value::Sourced;

impl Decision<'_> {
    /// Fields that stand differently from what the state knows.
    pub(super) fn changed_fields(&self) -> BTreeSet<FieldKey> {
        let Some(state) = &self.state else { return BTreeSet::new() };
        let keys: BTreeSet<&FieldKey> = state.package.keys().chain(self.seen.package.keys()).collect();
        keys.into_iter()
            .filter(|key| state.package.get(*key) != self.seen.package.get(*key))
            .cloned()
            .collect()
    }

    /// When each field was edited: as history tells, else the latest moment at which it can have been.
    fn edit_times(&self, changed: &BTreeSet<FieldKey>) -> BTreeMap<FieldKey, (Timestamp, Option<Actor>)> {
        let Some(state) = &self.state else { return BTreeMap::new() };
        let mut times = BTreeMap::new();
        for (key, edit) in self.seen.edits.iter().filter(|(key, edit)| !self.came_later(key, edit, changed)) {
            if state.edits.get(key).is_none_or(|known| edit.at > *known) {
                times.insert(key.clone(), (edit.at, edit.by.clone()));
            }
        }
        let latest = self.seen.edited_by_latest;
        for key in changed {
            // A change that no history places happened at the latest now: an answer given before is not an answer to it. So did one that
            // shows another row than before: the row that went away left no stamp. Without history a row's stamp places its own part only.
            let is_placed = times.contains_key(key)
                && latest.is_none()
                && !swapped(state.package.get(key), self.seen.package.get(key));
            if !is_placed {
                let bound = Some(latest.unwrap_or(self.now));
                let placed = times.get(key).map(|(at, _)| *at);
                let latest = [bound, placed, state.edits.get(key).copied()].into_iter().flatten().max();
                times.insert(key.clone(), (latest.unwrap_or(self.now), None));
            }
        }
        times
    }

    /// Whether a value is said to be there from the start, but was not there when we looked before: its field's history is not kept.
    fn came_later(&self, key: &FieldKey, edit: &Edit, changed: &BTreeSet<FieldKey>) -> bool {
        edit.from_the_start && self.before.is_some() && changed.contains(key)
    }

    pub(super) fn note_package(&mut self) {
        let changed = self.changed_fields();
        let edits = self.edit_times(&changed);
        if changed.is_empty() && edits.is_empty() {
            return;
        }
        let set = changed
            .iter()
            .filter_map(|key| self.seen.package.get(key).map(|parts| (key.clone(), parts.clone())))
            .collect();
        let cleared = changed.iter().filter(|key| !self.seen.package.contains_key(*key)).cloned().collect();
        let waiting = self.to_confirm(&changed);
        let breaking: BTreeSet<FieldKey> =
            changed.iter().filter(|key| self.policy(key) == AfterAcceptance::Reopen).cloned().collect();
        let accepted = self.state.as_ref().is_some_and(Handoff::is_accepted);
        let acceptance = match (accepted, breaking.is_empty()) {
            (false, _) => EditEffect::BeforeAcceptance,
            (true, true) => EditEffect::Noted,
            (true, false) => EditEffect::Breaks,
        };
        self.emit(Event::PackageChanged { set, cleared, edits, acceptance });
        if acceptance == EditEffect::Breaks {
            self.reopen(ReopenCause::Edited { fields: breaking });
        } else {
            self.need_confirmation(waiting);
        }
    }

    pub(super) fn reopen(&mut self, cause: ReopenCause) {
        let Some(state) = &self.state else { return };
        let cycle = state.id.cycle + 1;
        self.emit(Event::Reopened { cycle, cause: cause.clone() });
        self.hold(cause);
    }

    /// Moves between draft and complete as the package stands.
    pub(super) fn advance(&mut self) {
        let Some(state) = &self.state else { return };
        let completeness = self.completeness(state);
        let complete = completeness.is_complete() && self.is_handed_over(state);
        match (state.phase, complete) {
            (Phase::Draft | Phase::Rejected, true) => {
                let (round, at) = (state.round, self.completed_at(state));
                self.emit(Event::Completed { round, at });
            }
            (Phase::Complete, false) => self.emit(Event::FellIncomplete { missing: completeness.missing }),
            // An accepted package that is no longer complete was edited, and its policy has been applied; one whose requirements
            // changed keeps its acceptance, but its gates are shut by `evaluate`.
            (Phase::Draft | Phase::Rejected, false)
            | (Phase::Complete, true)
            | (Phase::Accepted | Phase::Voided, _) => {}
        }
    }

    /// The last missing piece, as the CRM claims: an edit, the hand-over, the sending back, or the opening itself.
    fn completed_at(&self, state: &Handoff) -> Timestamp {
        let sent_back = state.sent_back.as_ref().map(|sent| sent.at);
        [state.last_edit(), state.submitted, sent_back, state.opened_at, state.returns.excepted_at]
            .into_iter()
            .flatten()
            .max()
            .unwrap_or(self.now)
    }
}

/// Whether any part that was there comes from another record now.
fn swapped(before: Option<&BTreeMap<PartKey, Sourced>>, now: Option<&BTreeMap<PartKey, Sourced>>) -> bool {
    let (Some(before), Some(now)) = (before, now) else { return false };
    before.iter().any(|(part, was)| now.get(part).is_some_and(|is| is.from != was.from))
}
