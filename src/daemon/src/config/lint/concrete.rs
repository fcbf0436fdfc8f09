//! Concrete tests, declared answers, the order of the rollout.

use handoff_measure::assessment;

use super::Found;
use crate::config::Config;

pub(super) fn all(config: &Config, found: &mut Found) {
    if let Some(tests) = &config.tests {
        if config.tasks.is_none() {
            found.wrong(
                &["tests"],
                "people are asked in tasks, and no tasks are written",
                "add [tasks], or remove [tests]",
            );
        }
        if !(1..=20).contains(&tests.sample) {
            found.wrong(&["tests", "sample"], "the sample is out of range", "write 1 to 20");
        }
        if !(1..=720).contains(&tests.answer_within_hours) {
            found.wrong(
                &["tests", "answer_within_hours"],
                "the time is out of range",
                "write 1 to 720 hours",
            );
        }
    }
    for (key, declared) in &config.assessment.declared {
        if !assessment::keys().any(|known| known == key) {
            let keys: Vec<&str> = assessment::keys().collect();
            found.wrong(
                &["assessment", "declared", key],
                "there is no such question",
                format!("write one of {}", keys.join(", ")),
            );
        }
        if declared.by.trim().is_empty() || declared.because.trim().is_empty() {
            found.wrong(
                &["assessment", "declared", key],
                "a declared answer needs somebody who stands for it, and why",
                "write by and because",
            );
        }
    }
    let governed = |contract: &str| config.govern.iter().any(|govern| govern.contract.as_str() == contract);
    for (row, contract) in config.rollout.order.iter().enumerate() {
        if !governed(contract) {
            found.advise(
                &["rollout", "order", &row.to_string()],
                "this contract is not governed",
                "write the id of a contract in [[govern]]",
            );
        }
    }
    for (contract, why) in &config.rollout.parallel {
        if !governed(contract) || why.trim().is_empty() {
            found.wrong(
                &["rollout", "parallel", contract],
                "not a governed contract with a reason",
                "write the id of a contract in [[govern]] and why it does not wait",
            );
        }
    }
}
