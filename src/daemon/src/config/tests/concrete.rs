//! Concrete tests, declared answers and the order of the rollout have to be sound.

use super::{GOOD, judged};

fn told(more: &str) -> String {
    judged(&format!("{GOOD}\n{more}")).map_or_else(|found| found.join("\n"), |_loaded| String::new())
}

#[test]
fn people_are_asked_in_tasks_within_bounds() {
    assert!(told("[tests]\n").contains("no tasks are written"));
    assert_eq!(told("[tasks]\n[tests]\nask = [\"h01\", \"h06\"]\nseed = 42\n"), "");
    assert!(told("[tasks]\n[tests]\nsample = 0\n").contains("write 1 to 20"));
    assert!(told("[tasks]\n[tests]\nanswer_within_hours = 721\n").contains("write 1 to 720 hours"));
    assert!(told("[tasks]\n[tests]\nask = [\"h03\"]\n").contains("h03"), "the log answers h03 by itself");
}

#[test]
fn a_declared_answer_names_a_question_and_somebody_who_stands_for_it() {
    let declared = |key: &str, by: &str| {
        told(&format!("[assessment.declared.{key}]\nyes = true\nby = \"{by}\"\nbecause = \"we looked\"\n"))
    };
    assert_eq!(declared("h02_no_reask", "Ines"), "");
    assert!(declared("h02_no_reask", " ").contains("somebody who stands for it"));
    assert!(declared("h07_magic", "Ines").contains("there is no such question"));
}

#[test]
fn what_does_not_wait_is_governed_and_says_why() {
    assert_eq!(told("[rollout]\norder = [\"h03-ae-to-onboarding\"]\n"), "");
    let parallel = |contract: &str, why: &str| told(&format!("[rollout.parallel]\n{contract} = \"{why}\"\n"));
    assert_eq!(parallel("h03-ae-to-onboarding", "one team"), "");
    assert!(parallel("h03-ae-to-onboarding", "").contains("with a reason"));
    assert!(parallel("h01-x", "one team").contains("with a reason"));
}
