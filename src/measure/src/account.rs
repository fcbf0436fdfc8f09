//! The fold over what the log knows of accounts: which handoffs are theirs, what they pay, when they left, what they answered.

use std::collections::{BTreeMap, BTreeSet};

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
    told: BTreeMap<AccountKey, BTreeMap<String, Told>>,
    answers: BTreeMap<AccountKey, BTreeMap<Digest, (Timestamp, u8)>>,
    /// Stream → account, as last seen.
    of_stream: BTreeMap<String, AccountKey>,
    /// Account → stream → what the deal is worth, as last seen.
    deals: BTreeMap<AccountKey, BTreeMap<String, Amount>>,
    entries: u64,
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
    fn hear(&mut self, score: u8) {
        self.points += match score {
            9.. => 100,
            7..=8 => 0,
            0..=6 => -100,
        };
        self.scores += i64::from(score);
        self.n += 1;
    }
}

impl Accounts {
    /// Nothing known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Folds one entry of the log; entries come in log order.
    pub fn apply(&mut self, entry: &LogEntry) {
        self.entries += 1;
        if let LogEntry::AccountSeen { account, source, facts, .. } = entry {
            let told = Told { facts: facts.clone(), entry: self.entries };
            self.told.entry(AccountKey::of(account)).or_default().insert(source.clone(), told);
        } else if let LogEntry::SurveyAnswered { account, answer, .. } = entry {
            let answers = self.answers.entry(AccountKey::of(account)).or_default();
            answers.insert(answer.id.clone(), (answer.answered_at, answer.score));
        } else if let LogEntry::Decided { handoff, seen, .. } = entry
            && let Some(key) = AccountKey::seen(seen)
        {
            self.belongs(handoff.stream(), key, seen);
        }
    }

    /// An account that a record does not name any more keeps its handoff: nobody else's it became.
    fn belongs(&mut self, stream: String, key: AccountKey, seen: &Observation) {
        if let Some(before) = self.of_stream.get(&stream).filter(|before| **before != key)
            && let Some(deals) = self.deals.get_mut(before)
        {
            deals.remove(&stream);
        }
        let amount = seen.pay.as_ref().and_then(|pay| pay.amount.as_ref());
        if let Some(Value::Money { amount, currency }) = amount.map(|amount| &amount.value) {
            let worth = Amount { amount: *amount, currency: currency.clone() };
            self.deals.entry(key.clone()).or_default().insert(stream.clone(), worth);
        }
        self.of_stream.insert(stream, key);
    }

    /// The account of a stream.
    pub fn of(&self, stream: &str) -> Option<&AccountKey> {
        self.of_stream.get(stream)
    }

    /// The streams of an account.
    pub fn streams(&self, account: &AccountKey) -> BTreeSet<&str> {
        let own = self.of_stream.iter().filter(|(_, key)| *key == account);
        own.map(|(stream, _)| stream.as_str()).collect()
    }

    /// Every account that is known by anything.
    pub fn keys(&self) -> BTreeSet<&AccountKey> {
        self.told.keys().chain(self.answers.keys()).chain(self.of_stream.values()).collect()
    }

    /// Whether nothing is told of any account beside its handoffs.
    pub fn is_silent(&self) -> bool {
        self.told.is_empty() && self.answers.is_empty()
    }

    /// Whether any source told facts of it; without them nobody can say that it did not leave.
    pub fn is_told(&self, account: &AccountKey) -> bool {
        self.told.contains_key(account)
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
        let told = self.told.get(account)?.values();
        let told = told.filter_map(|told| Some((told.entry, fact(&told.facts)?)));
        told.max_by_key(|(entry, _)| *entry).map(|(_, fact)| fact)
    }

    /// Every account that any source told facts of.
    pub fn told(&self) -> impl Iterator<Item = &AccountKey> {
        self.told.keys()
    }

    /// The day from which it is a customer.
    pub fn customer_since(&self, account: &AccountKey) -> Option<Date> {
        self.newest(account, |facts| facts.customer_since)
    }

    /// The day on which it left, if that is not after `as_of`.
    pub fn churned(&self, account: &AccountKey, as_of: Timestamp) -> Option<Date> {
        self.newest(account, |facts| facts.churned_at).filter(|left| *left <= day(as_of))
    }

    /// What an account is worth a year: its ARR as told, else the largest amount of its deals. Whether it was told stands beside it. An amount under
    /// 0 or over [`MOST`] is a slip of somebody's and counts as not known.
    pub fn worth(&self, account: &AccountKey) -> Option<(Amount, bool)> {
        let believed =
            |worth: &&Amount| !worth.amount.is_sign_negative() && worth.amount <= Decimal::from(MOST);
        if let Some(arr) = self.newest(account, |facts| facts.arr.as_ref()) {
            return Some((arr.clone(), true)).filter(|(worth, _)| believed(&worth));
        }
        let deals = self.deals.get(account).into_iter().flat_map(BTreeMap::values).filter(believed);
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
        for (at, score) in self.answers.get(account).into_iter().flat_map(BTreeMap::values) {
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
        let mut answers: Vec<_> =
            self.answers.get(account).into_iter().flat_map(BTreeMap::values).copied().collect();
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
