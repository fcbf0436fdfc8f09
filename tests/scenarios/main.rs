//! Stories that people of the company can read, played against the real daemon over the CRMs' sandboxes. Each file beside this one is a story; what
//! came of each of its lines stands in `snapshots`, once where the CRMs agree. Take over what has changed: `INSTA_UPDATE=always`.
//!
//! A story's head says in which CRMs and under which handoffs it is played, and what else the company has set; `# …` is a remark. Then one step a line:
//!
//! | line | what happens |
//! |---|---|
//! | `Ava opens "Orion" whole` (`empty`, `without risks go_live.date`; `as 04`; `for "Sale"`) | a new record with that much of its package |
//! | `Ava fills risks.risks with "…"`, `fills everything`, `empties …`, `junks …` | she writes a part of the package |
//! | `Ingrid accepts`, `rejects risks;go_live because "…"`, `takes the answer back` | the receiver's answer |
//! | `Ava moves it to closed_won`, `names Luis as receiver`, `clones it as …`, `deletes it` | what else is done to a record |
//! | `Ava ticks off "Route the papers as agreed"` | a task of the record is marked as done in the CRM |
//! | `product sends usage`, `training tool sends attendance`; `unsigned`, `with another secret` | what a customer does, by signed feed |
//! | `Olga asks to override commission for 8h because "…"`, `Claire closes the month` | what is said to the daemon itself |
//! | `daemon looks`, `sweeps`, `stops`, `starts`; `wait 26h`; `until 2028-02-29T10:00:00Z` | the daemon and time |
//! | `show record`, `handoff`, `log`, `tasks`, `owed`, `commission` | what stands there |
//!
//! `on "Orion"` at a line's end speaks of another record than before. A minute passes before each thing that somebody does. After the daemon has
//! looked, everything new is told: what people see in the CRM, and what the ledger holds.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests only: a broken expectation ends the test")]

mod acts;
mod feeds;
mod office;
mod people;
mod plain;
mod player;
mod script;
mod sight;
mod tell;

use std::collections::BTreeSet;

/// A test for each story, and one that no story is forgotten.
macro_rules! stories {
    ($($name:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                play(stringify!($name), include_str!(concat!(stringify!($name), ".txt"))).await;
            }
        )*

        const TOLD: &[&str] = &[$(stringify!($name)),*];
    };
}

stories! {
    h01_merge_and_conversion
    h01_the_happy_path
    h01_the_lead_moves_on
    h01_ways_round_the_gate
    h02_the_happy_path
    h02_ways_round_the_gate
    h03_a_bypass_is_put_back
    h03_accepted_with_an_exception
    h03_an_edit_during_acceptance
    h03_break_glass
    h03_clone_and_split
    h03_delete_and_undelete
    h03_five_rounds
    h03_merge
    h03_reopened_after_the_month_was_closed
    h03_the_happy_path
    h03_the_receiver_leaves
    h03_ways_round_the_gate
    h03_who_may_accept
    h04_by_signed_feed
    h04_the_happy_path
    h04_ways_round_the_gate
    h05_a_missed_echo_and_a_slipped_eta
    h05_the_happy_path
    h05_ways_round_the_gate
    h06_both_motions_claim
    h06_paperwork
    h06_reunification_after_six_months
    h06_the_customer_is_not_well
    h06_the_happy_path
    h06_ways_round_the_gate
    sla_a_change_to_summer_time
    sla_a_holiday_and_a_leap_day
}

async fn play(name: &str, text: &str) {
    let script = script::Script::read(text);
    let mut played = Vec::new();
    for kind in &script.crms {
        played.push((*kind, player::play(&script, *kind).await));
    }
    let told = tell::together(&script.lines, &played);
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, told));
}

#[test]
fn every_story_file_is_played() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let files =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let stories: BTreeSet<String> =
        files.filter_map(|file| file.strip_suffix(".txt").map(str::to_owned)).collect();
    let told: BTreeSet<String> = TOLD.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(stories, told);
}
