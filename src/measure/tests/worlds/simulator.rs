//! Companies with a planted truth: how often each handoff leaks, how often accounts churn, how much more often when a handoff leaked.

use handoff_core::account::{AccountFacts, Amount};
use handoff_core::id::{ContractId, RecordRef};
use handoff_core::journal::LogEntry;
use handoff_measure::account::{AccountKey, Accounts};
use handoff_measure::crossing::{Crossing, Crossings, Scope};
use handoff_measure::metric::Window;
use jiff::{SignedDuration, Span, Timestamp};
use rust_decimal::Decimal;

/// The six contracts.
pub(crate) const CONTRACTS: [&str; 6] = [
    "h01-marketing-to-sdr",
    "h02-sdr-to-ae",
    "h03-ae-to-onboarding",
    "h04-onboarding-to-cs",
    "h05-csm-to-support",
    "h06-motion-a-to-motion-b",
];

/// Chance that is the same for the same seed everywhere (`SplitMix64`).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, without, `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// True this often in a million.
    pub(crate) fn is(&mut self, in_a_million: u64) -> bool {
        self.below(1_000_000) < in_a_million
    }
}

/// How one handoff leaks and what that does.
#[derive(Clone, Copy)]
pub(crate) struct Plant {
    pub(crate) contract: &'static str,
    /// Of a million accounts, so many leak at it.
    pub(crate) leaks: u64,
    /// Of a million accounts that leak at it, so many churn by that alone.
    pub(crate) kills: u64,
}

/// A company.
pub(crate) struct World {
    pub(crate) accounts: Accounts,
    pub(crate) crossings: Crossings,
}

pub(crate) fn start() -> Timestamp {
    "2024-01-01T00:00:00Z".parse().unwrap()
}

/// Two years after the first handoffs.
pub(crate) fn end() -> Timestamp {
    "2027-01-01T00:00:00Z".parse().unwrap()
}

pub(crate) fn scope() -> Scope {
    Scope { window: Window { from: None, until: end() }, as_of: end() }
}

pub(crate) fn contract(name: &str) -> ContractId {
    ContractId::from(name)
}

/// So many accounts; each goes through every planted handoff. `churns` of a million churn whatever happened.
pub(crate) fn world(seed: u64, accounts: u64, churns: u64, plants: &[Plant]) -> World {
    let mut chance = Chance::new(seed);
    let mut world = World { accounts: Accounts::new(), crossings: Crossings::new() };
    for number in 0..accounts {
        let account = RecordRef {
            connection: "sf".into(),
            object: "Account".into(),
            record: format!("001{number:06}").as_str().into(),
        };
        let hours = i64::try_from(chance.below(700 * 24)).unwrap();
        let began = start() + SignedDuration::from_hours(hours);
        let mut lost = chance.is(churns);
        for plant in plants {
            let leaked = chance.is(plant.leaks);
            lost |= leaked && chance.is(plant.kills);
            let filled = if leaked { chance.below(5) } else { 6 + chance.below(3) };
            let key = AccountKey::of(&account);
            let crossing = Crossing {
                guessed: false,
                account: key.clone(),
                stream: format!("{}/main/sf/Opportunity/006{number:06}", plant.contract),
                cycle: 1,
                at: began,
                filled: usize::try_from(filled).unwrap(),
                required: 8,
                bypassed: leaked && chance.is(500_000),
                untold: 0,
            };
            world.crossings.entry(contract(plant.contract)).or_default().insert(key, crossing);
        }
        // Whoever leaves does so within the observed time.
        let days = i64::try_from(30 + chance.below(300)).unwrap();
        let since = began.to_zoned(jiff::tz::TimeZone::UTC).date();
        let left = lost.then(|| since.saturating_add(Span::new().days(days)));
        let worth = 10_000 + chance.below(90_000);
        let facts = AccountFacts {
            arr: Some(Amount { amount: Decimal::from(worth), currency: Some("EUR".to_owned()) }),
            customer_since: Some(since),
            churned_at: left,
        };
        let source = "feed/customers".to_owned();
        world.accounts.apply(&LogEntry::AccountSeen { account, source, facts, at: began });
    }
    world
}
