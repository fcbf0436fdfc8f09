//! What came in and what became of it, per source: received = applied + no change + superseded + ignored + parked + pending.

use std::collections::BTreeMap;
use std::fmt;

use handoff_core::id::ConnectionId;
use serde::{Deserialize, Serialize};

/// How something came to our attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A delivery of the vendor.
    Webhook,
    /// A page of changes.
    Poll,
    /// The regular look at every open handoff.
    Sweep,
    /// The daily look at every record that the CRM lists.
    Census,
    /// Rows of a feed that a record is read with.
    Feed,
    /// A person or the API.
    Command,
}

/// One account of the books.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Source {
    /// The connection.
    pub connection: ConnectionId,
    /// How.
    pub channel: Channel,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channel = match self.channel {
            Channel::Webhook => "webhook",
            Channel::Poll => "poll",
            Channel::Sweep => "sweep",
            Channel::Census => "census",
            Channel::Feed => "feed",
            Channel::Command => "command",
        };
        write!(f, "{}/{channel}", self.connection)
    }
}

/// What became of one thing that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// At least one event was logged.
    Applied,
    /// The record says what we already know.
    NoChange,
    /// Another mention of the same record was read instead.
    Superseded,
    /// No contract is interested.
    Ignored,
    /// It waits for a person, or for the record or the mapping to change.
    Parked,
}

/// The lines of one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Account {
    /// Everything that came in.
    pub received: u64,
    /// See [`Outcome::Applied`].
    pub applied: u64,
    /// See [`Outcome::NoChange`].
    pub no_change: u64,
    /// See [`Outcome::Superseded`].
    pub superseded: u64,
    /// See [`Outcome::Ignored`].
    pub ignored: u64,
    /// See [`Outcome::Parked`].
    pub parked: u64,
    /// Waiting for its outcome; counted by itself, not computed from the others.
    pub pending: u64,
}

impl Account {
    /// Whether everything that came in is accounted for.
    pub fn balances(&self) -> bool {
        let settled =
            [self.applied, self.no_change, self.superseded, self.ignored, self.parked, self.pending];
        settled.into_iter().try_fold(0_u64, u64::checked_add) == Some(self.received)
    }

    fn line(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Applied => &mut self.applied,
            Outcome::NoChange => &mut self.no_change,
            Outcome::Superseded => &mut self.superseded,
            Outcome::Ignored => &mut self.ignored,
            Outcome::Parked => &mut self.parked,
        }
    }
}

/// Changes of the books that belong to one batch of rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entries {
    received: BTreeMap<Source, u64>,
    settled: BTreeMap<(Source, Outcome), u64>,
}

impl Entries {
    pub(crate) fn received(&mut self, source: Source, count: u64) {
        *self.received.entry(source).or_default() += count;
    }

    pub(crate) fn settled(&mut self, source: Source, outcome: Outcome) {
        self.settled_many(source, outcome, 1);
    }

    pub(crate) fn settled_many(&mut self, source: Source, outcome: Outcome, count: u64) {
        *self.settled.entry((source, outcome)).or_default() += count;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.received.is_empty() && self.settled.is_empty()
    }
}

/// All accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Books(pub(crate) BTreeMap<Source, Account>);

impl Books {
    /// Enters the changes and returns the accounts that they touched.
    pub(crate) fn enter(&mut self, entries: Entries) -> Vec<(Source, Account)> {
        let mut touched: Vec<Source> = Vec::new();
        for (source, count) in entries.received {
            let account = self.0.entry(source.clone()).or_default();
            account.received += count;
            account.pending += count;
            touched.push(source);
        }
        for ((source, outcome), count) in entries.settled {
            let account = self.0.entry(source.clone()).or_default();
            account.pending = account.pending.saturating_sub(count);
            *account.line(outcome) += count;
            touched.push(source);
        }
        touched.dedup();
        touched
            .into_iter()
            .filter_map(|source| self.0.get(&source).map(|account| (source, *account)))
            .collect()
    }

    /// What was pending without being on disk was forgotten by the restart and will be found again.
    pub(crate) fn forget_pending(&mut self, kept: &BTreeMap<Source, u64>) {
        for (source, account) in &mut self.0 {
            let kept = kept.get(source).copied().unwrap_or(0);
            account.received = account.received.saturating_sub(account.pending).saturating_add(kept);
            account.pending = kept;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_books_balance_after_every_entry() {
        let source = Source { connection: ConnectionId::from("sf"), channel: Channel::Webhook };
        let mut books = Books::default();
        let mut entries = Entries::default();
        entries.received(source.clone(), 3);
        entries.settled(source.clone(), Outcome::Applied);
        books.enter(entries);
        let mut entries = Entries::default();
        entries.settled(source.clone(), Outcome::Superseded);
        books.enter(entries);
        let account = books.0[&source];
        assert!(account.balances());
        assert_eq!((account.received, account.applied, account.superseded, account.pending), (3, 1, 1, 1));
        books.forget_pending(&BTreeMap::new());
        assert!(books.0[&source].balances());
        assert_eq!(books.0[&source].received, 2);
    }
}
