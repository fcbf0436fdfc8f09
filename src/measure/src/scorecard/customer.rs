//! What customers add to the numbers: whose a handoff is, what they were asked again, what is known of them.

use handoff_core::journal::LogEntry;
use handoff_core::observation::Observation;
use jiff::Timestamp;

use super::Scorecard;
use crate::account::Accounts;
use crate::cube::Facts;
use crate::reask::Reasks;

impl Scorecard {
    /// What is known of accounts.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Questions that customers had answered before.
    pub fn reasks(&self) -> &Reasks {
        &self.reasks
    }

    /// Whether something told of such questions before this moment: silence before that says nothing.
    pub(crate) fn heard(&self, before: Timestamp) -> bool {
        self.heard_since.is_some_and(|since| since < before)
    }

    /// Folds what an entry tells of customers, after its events.
    pub(super) fn customer(&mut self, entry: &LogEntry) {
        self.accounts.apply(entry);
        if let LogEntry::ReaskSuggested { .. } | LogEntry::ReaskReported { .. } = entry {
            self.heard_since.get_or_insert(entry.at());
        }
        if let Some(stream) = self.reasks.apply(entry) {
            self.asked_again(&stream, entry.at());
        }
    }

    /// Marks the cycles of a stream whose customer was asked again, within 30 days of the acceptance, what the handoff had told: a first answer that
    /// accepted does not count as accepted without re-discovery while that stands.
    fn asked_again(&mut self, stream: &str, told: Timestamp) {
        let Some(known) = self.streams.get(stream) else { return };
        let (line, mut next) = (known.line, Some(known.unit));
        while let Some(unit) = next.and_then(|index| self.units.get_mut(index)) {
            next = unit.before;
            let before = Facts::of(unit);
            unit.rediscovered = self.reasks.standing(stream, unit.cycle).asked_again;
            let after = Facts::of(unit);
            self.changed(line, &before, &after, told, "rediscovered");
        }
    }

    /// Gives all cycles of a stream to the account that its record names; to the record itself while it never named one.
    pub(super) fn belongs(&mut self, name: &str, seen: &Observation, logged: Timestamp) {
        let Some(stream) = self.streams.get_mut(name) else { return };
        let id = match (&seen.account, stream.account) {
            (Some(id), _) => Some(id.as_str()),
            (None, None) => Some(seen.subject.record.as_str()),
            (None, Some(_)) => None,
        };
        let number = id.map(|id| {
            let key = format!("{}/{id}", seen.subject.connection);
            let fresh = u32::try_from(self.account_numbers.len()).unwrap_or(u32::MAX);
            *self.account_numbers.entry(key).or_insert(fresh)
        });
        if seen.account.is_some() {
            stream.account = number;
        }
        let Some(number) = number.or(stream.account) else { return };
        let (line, mut next) = (stream.line, Some(stream.unit));
        while let Some(unit) = next.and_then(|index| self.units.get_mut(index)) {
            // Those before were given with it.
            if unit.account == Some(number) {
                return;
            }
            next = unit.before;
            let before = Facts::of(unit);
            unit.account = Some(number);
            let after = Facts::of(unit);
            self.changed(line, &before, &after, logged, "account_changed");
        }
    }
}
