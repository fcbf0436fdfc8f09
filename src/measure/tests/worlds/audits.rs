//! The leak audit over a hundred companies: its ranking is the planted one, and the first is the one that costs most.

use handoff_core::id::ContractId;
use handoff_measure::audit::{Audit, Basis, Facts, Question, Tally, ranking};

use crate::simulator::{CONTRACTS, Chance, Plant, World, contract, end, world};

/// Leaks and effects of six handoffs, shuffled by the seed; each costs at least half as much again as the next one.
fn plants(seed: u64) -> Vec<Plant> {
    let mut chance = Chance::new(seed ^ 0xabcd);
    let mut costs: Vec<(u64, u64)> = vec![
        (420_000, 240_000),
        (340_000, 170_000),
        (260_000, 120_000),
        (180_000, 80_000),
        (90_000, 50_000),
        (30_000, 0),
    ];
    let plant = |(contract, (leaks, kills))| Plant { contract, leaks, kills };
    for index in (1..costs.len()).rev() {
        let other = usize::try_from(chance.below(u64::try_from(index + 1).unwrap())).unwrap();
        costs.swap(index, other);
    }
    CONTRACTS.into_iter().zip(costs).map(plant).collect()
}

/// The planted ranking: share that leaks times what it costs.
fn planted(plants: &[Plant]) -> Vec<ContractId> {
    let mut plants = plants.to_vec();
    plants.sort_by_key(|plant| std::cmp::Reverse(plant.leaks * plant.kills));
    plants.into_iter().map(|plant| contract(plant.contract)).collect()
}

fn audited(world: &World) -> Audit {
    let question = Question::new(end());
    let facts =
        Facts { crossings: &world.crossings, accounts: &world.accounts, question: &question, heard: false };
    let rows = world.crossings.keys().map(|contract| facts.row(contract.clone(), Tally::default())).collect();
    facts.finish(rows, 0)
}

#[test]
fn the_ranking_is_the_planted_one_in_95_of_100_worlds() {
    let mut right = 0;
    let mut wrong = Vec::new();
    for seed in 0..100 {
        let plants = plants(seed);
        let audit = audited(&world(seed, 6_000, 60_000, &plants));
        let found: Vec<ContractId> = ranking(&audit.rows).into_iter().cloned().collect();
        if found == planted(&plants) {
            right += 1;
        } else {
            wrong.push(seed);
        }
    }
    assert!(right >= 95, "{right} of 100; not in {wrong:?}");
}

#[test]
fn the_worst_one_is_named_in_small_companies_too() {
    let named = (0..100).filter(|seed| {
        let plants = plants(*seed);
        let audit = audited(&world(*seed, 800, 60_000, &plants));
        audit.first.map(|first| first.contract) == planted(&plants).into_iter().next()
    });
    let count = named.count();
    assert!(count >= 90, "{count} of 100");
}

#[test]
fn where_nothing_is_lost_by_leaks_the_audit_does_not_invent_it() {
    let plants: Vec<Plant> =
        CONTRACTS.into_iter().map(|contract| Plant { contract, leaks: 400_000, kills: 0 }).collect();
    let clear = (0..50).filter(|seed| {
        let audit = audited(&world(*seed, 600, 100_000, &plants));
        audit.first.is_some_and(|first| first.clear)
    });
    assert!(clear.count() <= 1, "no choice is called clear where chance alone makes it");
}

#[test]
fn where_churn_cannot_be_compared_the_revenue_that_leaked_ranks_and_the_audit_says_so() {
    let plants = plants(3);
    let audit = audited(&world(3, 25, 0, &plants));
    assert!(audit.rows.iter().all(|row| row.leak.basis == Basis::Exposure && row.leak.leaked.is_none()));
    assert!(audit.assumptions.iter().any(|said| said.contains("upper bound")));
    assert!(audit.preserved.is_none());
    let exposed: Vec<_> = audit.rows.iter().map(|row| row.leak.exposed.amount).collect();
    assert!(exposed.is_sorted_by(|a, b| a >= b));
}
