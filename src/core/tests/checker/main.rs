//! A model checker of the pure core. Every history of a small alphabet of acts, edits and times is played, breadth first and without repetition, to
//! a stated depth from several starting points; random walks go on beyond it. In every state a whole pass is made and the laws are checked against
//! the record alone: quiet (L1), fail closed (L2), converge (L3), direction (L4), replay (L5), no self-approval (L8).
//!
//! `HANDOFFD_CHECK_DEPTH=4 cargo test -p handoff-core --test checker` goes deeper; `HANDOFFD_CHECK_WALKS=2000` walks more.

#![expect(
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    clippy::panic,
    reason = "tests stop at the first surprise and pick single events"
)]

mod laws;
mod moves;
mod mutants;
mod search;
mod setting;
mod subject;
mod world;

use mutants::Mutant;
use search::{explore, walk};
use subject::Real;

/// Moves from each starting point that every history is played to.
const DEPTH: usize = 2;
/// Random walks beyond it, and how long each is.
const WALKS: u64 = 60;
const LENGTH: usize = 30;

fn told(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn no_reachable_state_breaks_a_law() {
    let depth = usize::try_from(told("HANDOFFD_CHECK_DEPTH", 0)).expect("small");
    let depth = if depth == 0 { DEPTH } else { depth };
    let found = explore(&Real, depth);
    assert!(found.broken.is_none(), "after {} states: {}", found.states, found.broken.expect("broken"));
    assert!(found.states > 1_000, "only {} states: the alphabet says nothing", found.states);
    assert!(found.opened > 50, "only {} states with an open gate: nothing was put to the test", found.opened);
    println!("{} states to depth {depth}, {} with an open gate", found.states, found.opened);
}

#[test]
fn no_random_walk_breaks_a_law() {
    for seed in 1..=told("HANDOFFD_CHECK_WALKS", WALKS) {
        if let Some(broken) = walk(&Real, seed, LENGTH) {
            panic!("walk {seed}: {broken}");
        }
    }
}

/// The checker finds this defect, and names the law that it breaks.
fn is_found(mutant: Mutant, law: &str) {
    let explored = explore(&mutant, DEPTH).broken;
    let walked = || (1..=200).find_map(|seed| walk(&mutant, seed, LENGTH));
    let broken = explored.or_else(walked).unwrap_or_else(|| panic!("{mutant:?} is not found"));
    assert!(broken.law.contains(law), "{mutant:?} breaks {law}, but was found as: {broken}");
}

macro_rules! planted {
    ($($name:ident: $mutant:ident breaks $law:literal;)*) => {
        $(#[test]
        fn $name() {
            is_found(Mutant::$mutant, $law);
        })*
    };
}

planted! {
    a_core_that_forgets_when_fields_were_edited_is_found: ForgetsEdits breaks "L";
    a_core_that_tells_people_by_login_is_found: TellsByLogin breaks "L";
    a_core_that_takes_anybodys_answer_is_found: TakesAnybodysAnswer breaks "L";
    a_core_that_forgets_answers_is_found: ForgetsAnswers breaks "L";
    a_core_that_opens_pay_on_a_complete_package_is_found: OpensOnComplete breaks "L2";
    a_core_that_opens_in_unknown_stages_is_found: IgnoresTheStage breaks "L2";
    a_core_that_opens_without_a_guard_is_found: OpensUnguarded breaks "L4";
    a_core_that_writes_what_it_only_observes_is_found: WritesTheObserved breaks "L4";
    a_core_that_is_never_quiet_is_found: IsNeverQuiet breaks "L1";
    a_core_that_lets_every_edit_pass_is_found: LetsEditsPass breaks "L2";
    a_core_whose_overrides_never_end_is_found: OverridesNeverEnd breaks "L2";
    a_core_in_which_one_person_breaks_the_glass_is_found: OnePersonOverrides breaks "L8";
    a_core_in_which_the_sender_grants_exceptions_is_found: SenderGrants breaks "L";
    a_core_whose_exceptions_never_lapse_is_found: ExceptionsNeverLapse breaks "L2";
    a_core_that_does_not_shut_what_it_opened_is_found: NeverShuts breaks "L";
    a_core_that_decides_by_something_unseen_is_found: RemembersOutside breaks "L5";
}
