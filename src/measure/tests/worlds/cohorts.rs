//! Leak-to-churn over a thousand companies: intervals cover the planted truth as often as they say, and where there is no effect none is told.

use handoff_measure::compare::Range;
use handoff_measure::metric::churn::{self, Finding, LeakToChurn, MINIMUM};
use rust_decimal::Decimal;

use crate::simulator::{Plant, contract, scope, world};

const WORLDS: u64 = 1_000;
const H03: &str = "h03-ae-to-onboarding";

fn measured(seed: u64, accounts: u64, churns: u64, leaks: u64, kills: u64) -> LeakToChurn {
    let world = world(seed, accounts, churns, &[Plant { contract: H03, leaks, kills }]);
    churn::of(&contract(H03), &world.crossings, &world.accounts, scope(), MINIMUM)
}

/// The planted truth in percent: churn of accounts that leaked, of others, and leaking accounts among the churned and the retained.
struct Truth {
    leaked: Decimal,
    sound: Decimal,
    among_churned: Decimal,
    among_retained: Decimal,
}

fn truth(churns: u64, leaks: u64, kills: u64) -> Truth {
    let million = Decimal::from(1_000_000);
    let (churns, leaks, kills) =
        (Decimal::from(churns) / million, Decimal::from(leaks) / million, Decimal::from(kills) / million);
    let one = Decimal::ONE;
    let leaked = one - (one - churns) * (one - kills);
    let (lost, kept) =
        (leaks * leaked + (one - leaks) * churns, leaks * (one - leaked) + (one - leaks) * (one - churns));
    let hundred = Decimal::ONE_HUNDRED;
    Truth {
        leaked: leaked * hundred,
        sound: churns * hundred,
        among_churned: leaks * leaked / lost * hundred,
        among_retained: leaks * (one - leaked) / kept * hundred,
    }
}

#[derive(Default)]
struct Coverage {
    measured: u64,
    ratio: u64,
    excess: u64,
    churned: u64,
    retained: u64,
    more: u64,
    none: u64,
    less: u64,
}

fn coverage(accounts: u64, churns: u64, leaks: u64, kills: u64) -> Coverage {
    let truth = truth(churns, leaks, kills);
    let mut coverage = Coverage::default();
    for seed in 0..WORLDS {
        let found = measured(seed, accounts, churns, leaks, kills).all;
        let (Some(risk), Some(excess)) = (found.relative_risk, found.excess) else { continue };
        coverage.measured += 1;
        coverage.ratio += u64::from(risk.interval.covers(truth.leaked / truth.sound));
        coverage.excess += u64::from(excess.interval.covers(truth.leaked - truth.sound));
        let covers = |part: churn::Proportion, truth: Decimal| {
            part.interval.is_some_and(|each| Range { low: each.low, high: Some(each.high) }.covers(truth))
        };
        coverage.churned += u64::from(covers(found.churned_leaked, truth.among_churned));
        coverage.retained += u64::from(covers(found.retained_leaked, truth.among_retained));
        match found.finding {
            Finding::MoreChurn => coverage.more += 1,
            Finding::NoEffectShown => coverage.none += 1,
            Finding::LessChurn => coverage.less += 1,
            Finding::TooFew => {}
        }
    }
    coverage
}

/// 95 % of 1,000 is 950; three standard errors are 21.
fn is_nominal(covered: u64) -> bool {
    (929..=971).contains(&covered)
}

#[test]
fn intervals_cover_a_planted_effect_at_their_nominal_rate() {
    // (accounts, churn, leaks, further churn of those that leak), of a million: from few cases to many, and from weak to strong.
    for (accounts, churns, leaks, kills) in
        [(200, 80_000, 400_000, 80_000), (300, 60_000, 600_000, 120_000), (600, 100_000, 300_000, 200_000)]
    {
        let coverage = coverage(accounts, churns, leaks, kills);
        let told = [coverage.ratio, coverage.excess, coverage.churned, coverage.retained];
        assert_eq!(coverage.measured, WORLDS);
        assert!(told.into_iter().all(is_nominal), "{accounts} {churns} {leaks} {kills}: {told:?}");
        assert_eq!(coverage.less, 0, "an effect is never told the wrong way round");
    }
}

#[test]
fn without_an_effect_none_is_told() {
    for (accounts, churns, leaks) in [(200, 120_000, 400_000), (600, 80_000, 700_000)] {
        let coverage = coverage(accounts, churns, leaks, 0);
        assert!(is_nominal(coverage.ratio), "{}", coverage.ratio);
        assert_eq!(coverage.ratio, coverage.none, "what covers 1 says so, and nothing else does");
        assert!(coverage.more < 40 && coverage.less < 40, "{} {}", coverage.more, coverage.less);
    }
}

#[test]
fn a_strong_effect_is_found_nearly_always() {
    assert!(coverage(600, 60_000, 500_000, 150_000).more > 980);
}

#[test]
fn too_few_accounts_are_told_as_that() {
    let found = measured(1, 30, 100_000, 400_000, 0).all;
    assert_eq!(found.finding, Finding::TooFew);
    assert!(found.relative_risk.is_none() && found.excess.is_none());
    assert!(found.leaked_churned.interval.is_some(), "counts and their intervals stay");
}
