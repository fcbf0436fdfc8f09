//! What a world is told of accounts, by two sources, and what their people answer to surveys around a handoff.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::account::{AccountFacts, Amount, SurveyAnswer};
use handoff_core::digest::Digest;
use handoff_core::id::RecordRef;
use handoff_core::journal::LogEntry;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::chance::Chance;
use super::{BEGINS, DAY};

/// Two weeks: answers count so long before and after a transition.
const WEEKS: i64 = 14 * DAY * 1_000;

/// What will be told, and when.
#[derive(Debug)]
pub(super) struct Tellers {
    chance: Chance,
    known: BTreeSet<String>,
    pending: BTreeMap<(Timestamp, u32), Said>,
    serial: u32,
}

#[derive(Debug)]
enum Said {
    Fact(RecordRef, &'static str, AccountFacts),
    Answer(RecordRef, SurveyAnswer),
}

impl Tellers {
    pub(super) fn new(seed: u64) -> Self {
        let (known, pending) = (BTreeSet::new(), BTreeMap::new());
        Self { chance: Chance::new(seed ^ 0xACC0), known, pending, serial: 0 }
    }

    /// What is told by this moment, as entries of then.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<LogEntry> {
        let first = self.pending.first_entry().filter(|first| first.key().0 <= now)?;
        Some(match first.remove() {
            Said::Fact(account, source, facts) => {
                LogEntry::AccountSeen { account, source: source.to_owned(), facts, at: now }
            }
            Said::Answer(account, answer) => LogEntry::SurveyAnswered { account, answer, at: now },
        })
    }

    /// An account is met for the first time: what is told of it comes to light bit by bit.
    pub(super) fn meet(&mut self, account: &str, now: Timestamp) {
        if !self.known.insert(account.to_owned()) {
            return;
        }
        // Of some, nobody tells anything.
        if !self.chance.one_in(7) {
            self.facts(account, now);
        }
        if self.chance.one_in(8) {
            // Somebody who never went through a handoff.
            let other = format!("001X{:014}", self.known.len());
            self.facts(&other, now);
        }
    }

    fn facts(&mut self, account: &str, now: Timestamp) {
        let whose = record(account);
        let days = self.days(500);
        let amount = self.chance.below(20_000_000);
        let amount = Decimal::new(i64::try_from(amount).unwrap_or_default(), 2);
        let amount = match self.chance.below(60) {
            0 => Decimal::MAX,
            1 => amount + Decimal::new(1, 12),
            2 => -amount,
            _ => amount,
        };
        let currency =
            (!self.chance.one_in(9)).then(|| if self.chance.one_in(2) { "EUR" } else { "USD" }.to_owned());
        let told = AccountFacts {
            arr: (!self.chance.one_in(6)).then_some(Amount { amount, currency }),
            customer_since: (!self.chance.one_in(3)).then(|| day(days - 400 * DAY)),
            churned_at: None,
        };
        self.push(now, Said::Fact(whose.clone(), "feed/customers", told.clone()));
        // The same source corrects itself, and what it does not tell any more is gone.
        if self.chance.one_in(5) {
            let later = self.after(now, 60);
            let arr = told.arr.filter(|_| !self.chance.one_in(3));
            self.push(later, Said::Fact(whose.clone(), "feed/customers", AccountFacts { arr, ..told }));
        }
        if !self.chance.one_in(3) {
            return;
        }
        let left = day(self.days(420));
        let source = if self.chance.one_in(2) { "feed/left" } else { "sf" };
        let gone = AccountFacts { churned_at: Some(left), ..AccountFacts::default() };
        let told = self.after(now, 120);
        self.push(told, Said::Fact(whose.clone(), source, gone));
        if self.chance.one_in(6) {
            let later = self.after(told, 30);
            self.push(later, Said::Fact(whose, source, AccountFacts::default()));
        }
    }

    /// An account went through a handoff: its people are asked.
    pub(super) fn passed(&mut self, account: &str, at: Timestamp, now: Timestamp) {
        if self.chance.one_in(3) {
            return;
        }
        for sign in [-1, 1] {
            for _ in 0..self.chance.below(4) {
                self.answer(account, at, sign, now);
            }
        }
    }

    fn answer(&mut self, account: &str, at: Timestamp, sign: i64, now: Timestamp) {
        let far = i64::try_from(self.chance.below(17 * 86_400)).unwrap_or_default() * 1_000;
        // Now and then to the millisecond where the weeks begin and end.
        let far = match self.chance.below(16) {
            0 => WEEKS,
            1 => WEEKS - 1,
            2 => WEEKS + 1,
            3 => 0,
            4 => 1,
            _ => far,
        };
        let Ok(answered_at) = at.checked_add(SignedDuration::from_millis(sign * far)) else { return };
        self.serial += 1;
        let id = Digest::of_bytes(format!("answer {}", self.serial).as_bytes());
        let score = |chance: &mut Chance| u8::try_from(chance.below(11)).unwrap_or_default();
        let answer = SurveyAnswer { id, score: score(&mut self.chance), answered_at };
        let whose = record(account);
        let told = answered_at.max(now);
        if self.chance.one_in(12) {
            let better = SurveyAnswer { score: score(&mut self.chance), ..answer.clone() };
            let later = self.after(told, 9);
            self.push(later, Said::Answer(whose.clone(), better));
        }
        self.push(told, Said::Answer(whose, answer));
    }

    fn push(&mut self, at: Timestamp, said: Said) {
        self.serial += 1;
        self.pending.insert((at, self.serial), said);
    }

    /// Seconds of some days after the world's beginning.
    fn days(&mut self, most: usize) -> i64 {
        BEGINS + DAY * i64::try_from(self.chance.below(most)).unwrap_or_default()
    }

    fn after(&mut self, at: Timestamp, days: usize) -> Timestamp {
        let seconds = i64::try_from(self.chance.below(days * 86_400)).unwrap_or_default();
        at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(at)
    }
}

fn record(account: &str) -> RecordRef {
    RecordRef { connection: "sf".into(), object: "Account".into(), record: account.into() }
}

fn day(second: i64) -> Date {
    crate::account::day(Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH))
}
