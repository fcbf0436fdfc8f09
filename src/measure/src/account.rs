//! The fold over what the log knows of accounts: which handoffs are theirs, what they pay, when they left, what they answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use handoff_core::account::{AccountFacts, Amount};
use handoff_core::digest::Digest;
use handoff_core::id::{ConnectionId, RecordRef};
use handoff_core::journal::LogEntry;
use handoff_core::observation::Observation;
use handoff_core::value::Value;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::few::Few;
use crate::unit::stream_of;

/// An account as one CRM knows it: `connection/record`. The same company in two CRMs is two accounts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct AccountKey {
    /// The connection.
    pub connection: String,
    /// The account's id there.
    pub record: String,
}

impl AccountKey {
    /// The account that a record or feed names.
    pub fn of(account: &RecordRef) -> Self {
        Self { connection: account.connection.0.clone(), record: account.record.0.clone() }
    }

    /// The account that an observation names.
    pub fn seen(seen: &Observation) -> Option<Self> {
        let ConnectionId(connection) = seen.subject.connection.clone();
        Some(Self { connection, record: seen.account.clone().filter(|record| !record.is_empty())? })
    }
}

impl std::fmt::Display for AccountKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.connection, self.record)
    }
}

/// How long an answer counts before and after a handoff.
const WINDOW: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Highest amount of one account that is believed; sums of millions of them are exact.
pub const MOST: u64 = 1_000_000_000_000_000;

/// All accounts of a log. Folding entry by entry gives the same as folding all at once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Accounts {
    numbers: BTreeMap<AccountKey, u32>,
    list: Vec<Known>,
    /// Stream → account, as last seen.
    of_stream: BTreeMap<Arc<str>, u32>,
    /// Whether anything is told of any account beside its handoffs.
    heard: bool,
    entries: u64,
}

/// What is known of one account.
#[derive(Debug, Clone, PartialEq, Default)]
struct Known {
    key: Option<AccountKey>,
    told: Few<String, Told>,
    answers: Few<Digest, (Timestamp, u8)>,
    /// Its streams, with what the deal is worth as last seen.
    streams: Few<Arc<str>, Option<Amount>>,
}

/// Whose numbers an entry may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Touched {
    /// Something new is told of an account.
    Account(u32),
    /// A stream belongs to another account than before.
    Moved { stream: Arc<str>, from: Option<u32>, to: u32 },
}

/// What one source told last.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    facts: AccountFacts,
    entry: u64,
}

/// Answers around a moment: sums of points (100 for a promoter, −100 for a detractor) and of scores, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Voices {
    /// Sum of points.
    pub points: i64,
    /// Sum of scores.
    pub scores: i64,
    /// How many.
    pub n: u32,
}

impl Voices {
    pub(crate) fn hear(&mut self, score: u8) {
        self.points += match score {
            9.. => 100,
            7..=8 => 0,
            0..=6 => -100,
        };
        self.scores += i64::from(score);
        self.n += 1;
    }
}

impl Known {
    fn is_anything(&self) -> bool {
        !(self.told.is_empty() && self.answers.is_empty() && self.streams.is_empty())
    }
}

impl Accounts {
    /// Nothing known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Folds one entry of the log; entries come in log order.
    pub fn apply(&mut self, entry: &LogEntry) {
        self.touch(stream_of(entry).as_ref(), entry);
    }

    /// Folds one entry, and tells whose numbers it may have changed.
    pub(crate) fn touch(&mut self, stream: Option<&Arc<str>>, entry: &LogEntry) -> Option<Touched> {
        self.entries += 1;
        if let LogEntry::AccountSeen { account, source, facts, .. } = entry {
            let told = Told { facts: facts.clone(), entry: self.entries };
            let number = self.enter(AccountKey::of(account));
            self.heard = true;
            self.list_mut(number)?.told.insert(source.clone(), told);
            Some(Touched::Account(number))
        } else if let LogEntry::SurveyAnswered { account, answer, .. } = entry {
            let number = self.enter(AccountKey::of(account));
            self.heard = true;
            self.list_mut(number)?.answers.insert(answer.id.clone(), (answer.answered_at, answer.score));
            Some(Touched::Account(number))
        } else if let LogEntry::Decided { seen, .. } = entry
            && let Some(stream) = stream
            && let Some(key) = AccountKey::seen(seen)
        {
            self.belongs(stream, key, seen)
        } else {
            None
        }
    }

    /// An account that a record does not name any more keeps its handoff: nobody else's it became.
    fn belongs(&mut self, stream: &Arc<str>, key: AccountKey, seen: &Observation) -> Option<Touched> {
        let to = self.enter(key);
        let from = self.of_stream.get(stream).copied();
        if from != Some(to) {
            if let Some(before) = from.and_then(|from| self.list_mut(from)) {
                before.streams.remove(stream);
            }
            self.of_stream.insert(Arc::clone(stream), to);
            self.list_mut(to)?.streams.insert(Arc::clone(stream), None);
        }
        let amount = seen.pay.as_ref().and_then(|pay| pay.amount.as_ref());
        if let Some(Value::Money { amount, currency }) = amount.map(|amount| &amount.value) {
            let worth = Amount { amount: *amount, currency: currency.clone() };
            self.list_mut(to)?.streams.insert(Arc::clone(stream), Some(worth));
        }
        (from != Some(to)).then(|| Touched::Moved { stream: Arc::clone(stream), from, to })
    }

    /// The number of an account, a new one if need be.
    fn enter(&mut self, key: AccountKey) -> u32 {
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        let number = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.list.push(Known { key: Some(key.clone()), ..Known::default() });
        self.numbers.insert(key, number);
        number
    }

    fn list_mut(&mut self, number: u32) -> Option<&mut Known> {
        self.list.get_mut(usize::try_from(number).ok()?)
    }

    fn known(&self, account: &AccountKey) -> Option<&Known> {
        self.list.get(usize::try_from(*self.numbers.get(account)?).ok()?)
    }

    /// The account with this number.
    pub(crate) fn key(&self, number: u32) -> Option<&AccountKey> {
        self.list.get(usize::try_from(number).ok()?)?.key.as_ref()
    }

    /// The number of a stream's account.
    pub(crate) fn number_of(&self, stream: &str) -> Option<u32> {
        self.of_stream.get(stream).copied()
    }

    /// The account of a stream.
    pub fn of(&self, stream: &str) -> Option<&AccountKey> {
        self.key(self.number_of(stream)?)
    }

    /// The streams of an account.
    pub fn streams(&self, account: &AccountKey) -> BTreeSet<&str> {
        let known = self.known(account).into_iter();
        known.flat_map(|known| known.streams.keys()).map(|stream| &**stream).collect()
    }

    /// Every account that is known by anything.
    pub fn keys(&self) -> BTreeSet<&AccountKey> {
        let known = self.list.iter().filter(|known| known.is_anything());
        known.filter_map(|known| known.key.as_ref()).collect()
    }

    /// Whether nothing is told of any account beside its handoffs.
    pub fn is_silent(&self) -> bool {
        !self.heard
    }

    /// Whether any source told facts of it; without them nobody can say that it did not leave.
    pub fn is_told(&self, account: &AccountKey) -> bool {
        self.known(account).is_some_and(|known| !known.told.is_empty())
    }

    /// What is known of an account: of several sources that tell a fact, the one that told last.
    pub fn facts(&self, account: &AccountKey) -> AccountFacts {
        AccountFacts {
            arr: self.newest(account, |facts| facts.arr.as_ref()).cloned(),
            customer_since: self.newest(account, |facts| facts.customer_since),
            churned_at: self.newest(account, |facts| facts.churned_at),
        }
    }

    fn newest<'a, T>(
        &'a self,
        account: &AccountKey,
        fact: impl Fn(&'a AccountFacts) -> Option<T>,
    ) -> Option<T> {
        let told = self.known(account)?.told.values();
        let told = told.filter_map(|told| Some((told.entry, fact(&told.facts)?)));
        told.max_by_key(|(entry, _)| *entry).map(|(_, fact)| fact)
    }

    /// Every account that any source told facts of.
    pub fn told(&self) -> impl Iterator<Item = &AccountKey> {
        self.list.iter().filter(|known| !known.told.is_empty()).filter_map(|known| known.key.as_ref())
    }

    /// The day from which it is a customer.
    pub fn customer_since(&self, account: &AccountKey) -> Option<Date> {
        self.newest(account, |facts| facts.customer_since)
    }

    /// The day on which it left or will leave, as told.
    pub fn leaves(&self, account: &AccountKey) -> Option<Date> {
        self.newest(account, |facts| facts.churned_at)
    }

    /// The day on which it left, if that is not after `as_of`.
    pub fn churned(&self, account: &AccountKey, as_of: Timestamp) -> Option<Date> {
        self.leaves(account).filter(|left| *left <= day(as_of))
    }

    /// What an account is worth a year: its ARR as told, else the largest amount of its deals. Whether it was told stands beside it. An amount under
    /// 0 or over [`MOST`] is a slip of somebody's and counts as not known.
    pub fn worth(&self, account: &AccountKey) -> Option<(Amount, bool)> {
        let believed =
            |worth: &&Amount| !worth.amount.is_sign_negative() && worth.amount <= Decimal::from(MOST);
        if let Some(arr) = self.newest(account, |facts| facts.arr.as_ref()) {
            return Some((arr.clone(), true)).filter(|(worth, _)| believed(&worth));
        }
        let deals = self.known(account).into_iter().flat_map(|known| known.streams.values().flatten());
        let deals = deals.filter(believed);
        deals.max_by_key(|deal| deal.amount).map(|deal| (deal.clone(), false))
    }

    /// The currency that most accounts are told in; of equals the first by name. `None` = no amount is told.
    pub fn currency(&self) -> Option<Option<String>> {
        let mut counts: BTreeMap<Option<String>, usize> = BTreeMap::new();
        for key in self.keys() {
            if let Some((worth, _)) = self.worth(key) {
                *counts.entry(worth.currency).or_default() += 1;
            }
        }
        let most = counts.values().max().copied()?;
        counts.into_iter().find(|(_, count)| *count == most).map(|(currency, _)| currency)
    }

    /// What its people answered in the 14 days before a moment, and in the 14 days from it on.
    pub fn voices(&self, account: &AccountKey, around: Timestamp) -> (Voices, Voices) {
        let (mut before, mut after) = (Voices::default(), Voices::default());
        for (at, score) in self.known(account).into_iter().flat_map(|known| known.answers.values()) {
            let since = at.duration_since(around);
            if !since.is_negative() && since < WINDOW {
                after.hear(*score);
            } else if since.is_negative() && since >= -WINDOW {
                before.hear(*score);
            }
        }
        (before, after)
    }

    /// Its answers, oldest first.
    pub fn answers(&self, account: &AccountKey) -> Vec<(Timestamp, u8)> {
        let known = self.known(account).into_iter();
        let mut answers: Vec<_> = known.flat_map(|known| known.answers.values()).copied().collect();
        answers.sort_unstable();
        answers
    }

    /// Sum of what accounts pay a year in one currency, and how many of them pay in another one or nobody knows what.
    pub fn sum<'a>(
        &self,
        accounts: impl IntoIterator<Item = &'a AccountKey>,
        currency: Option<&Option<String>>,
    ) -> Sum {
        let mut sum = Sum::default();
        for account in accounts {
            sum.accounts += 1;
            match self.worth(account) {
                Some((worth, told)) if Some(&worth.currency) == currency => {
                    sum.amount += worth.amount;
                    sum.from_deals += usize::from(!told);
                }
                Some(_) => sum.other_currency += 1,
                None => sum.unknown += 1,
            }
        }
        sum
    }
}

/// What accounts pay a year together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Sum {
    /// Accounts.
    pub accounts: usize,
    /// The sum, exact.
    #[schema(value_type = String)]
    pub amount: Decimal,
    /// Accounts in it whose ARR nobody told: the amount of their largest deal stands for it.
    pub from_deals: usize,
    /// Accounts that are not in it because they pay in another currency.
    pub other_currency: usize,
    /// Accounts that are not in it because nobody knows what they pay.
    pub unknown: usize,
}

/// A moment's day in UTC.
pub(crate) fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests {
    use handoff_core::account::SurveyAnswer;

    use super::*;

    fn record() -> RecordRef {
        RecordRef { connection: "sf".into(), object: "Account".into(), record: "001".into() }
    }

    fn key() -> AccountKey {
        AccountKey::of(&record())
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn facts(source: &str, arr: Option<i64>, left: Option<&str>) -> LogEntry {
        LogEntry::AccountSeen {
            account: record(),
            source: source.to_owned(),
            facts: AccountFacts {
                arr: arr.map(|amount| Amount { amount: Decimal::from(amount), currency: None }),
                customer_since: None,
                churned_at: left.map(|day| day.parse().unwrap()),
            },
            at: at("2026-01-01T00:00:00Z"),
        }
    }

    fn answer(id: &str, score: u8, answered: &str) -> LogEntry {
        let answer = SurveyAnswer { id: Digest::of_bytes(id.as_bytes()), score, answered_at: at(answered) };
        LogEntry::SurveyAnswered { account: record(), answer, at: at("2026-01-01T00:00:00Z") }
    }

    #[test]
    fn a_source_that_tells_nothing_of_a_fact_does_not_take_it_from_another() {
        let mut accounts = Accounts::new();
        accounts.apply(&facts("crm", Some(10), None));
        accounts.apply(&facts("feed/left", None, Some("2026-03-01")));
        assert_eq!(accounts.facts(&key()).arr.unwrap().amount, Decimal::from(10));
        assert!(accounts.churned(&key(), at("2026-02-28T23:59:59Z")).is_none());
        assert!(accounts.churned(&key(), at("2026-03-01T00:00:00Z")).is_some());
        accounts.apply(&facts("feed/left", None, None));
        assert!(accounts.churned(&key(), at("2027-01-01T00:00:00Z")).is_none(), "it came back");
        accounts.apply(&facts("crm", Some(12), None));
        assert_eq!(accounts.facts(&key()).arr.unwrap().amount, Decimal::from(12));
    }

    #[test]
    fn e12_an_absurd_amount_is_not_known_and_breaks_no_sum() {
        let mut accounts = Accounts::new();
        let mut told = facts("crm", None, None);
        if let LogEntry::AccountSeen { facts, .. } = &mut told {
            facts.arr = Some(Amount { amount: Decimal::MAX, currency: None });
        }
        accounts.apply(&told);
        let key = key();
        let sum = accounts.sum([&key, &key], Some(&None));
        assert_eq!((sum.amount, sum.unknown), (Decimal::ZERO, 2));
    }

    #[test]
    fn answers_count_on_their_side_of_the_moment_and_once() {
        let mut accounts = Accounts::new();
        let moment = at("2026-03-15T12:00:00Z");
        for (id, score, answered) in [
            ("too early", 0, "2026-03-01T11:59:59Z"),
            ("first", 10, "2026-03-01T12:00:00Z"),
            ("before", 7, "2026-03-15T11:59:59Z"),
            ("at", 3, "2026-03-15T12:00:00Z"),
            ("last", 9, "2026-03-29T11:59:59Z"),
            ("too late", 10, "2026-03-29T12:00:00Z"),
        ] {
            accounts.apply(&answer(id, score, answered));
        }
        accounts.apply(&answer("at", 6, "2026-03-15T12:00:00Z"));
        let (before, after) = accounts.voices(&key(), moment);
        assert_eq!(before, Voices { points: 100, scores: 17, n: 2 });
        assert_eq!(after, Voices { points: 0, scores: 15, n: 2 });
    }
}
