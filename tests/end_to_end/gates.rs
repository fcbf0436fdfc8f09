//! Ways round a gate by time and order: too early, too late, beside an edit, twice, for the last round, after pay was released.

use std::sync::{Arc, Mutex};

use handoff_core::event::Refusal;
use handoff_core::handoff::Phase;
use handoffd::failpoint::Hook;
use handoffd_tests::crm::{Company, Deal};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::{AVA, COMMISSION, INGRID, QUEUE, STAGE, package};
use serde_json::json;

use crate::steps::{assert_never_open, complete, count, on_each_crm, refusals};

on_each_crm!(f01_an_incomplete_package_is_accepted_by_nobody_and_the_record_names_what_is_missing);

async fn f01_an_incomplete_package_is_accepted_by_nobody_and_the_record_names_what_is_missing(
    options: Options,
) {
    let world = Governed::start(options).await;
    let (empty, nearly) = (world.deal("Empty"), world.deal("All but one"));
    let said: Vec<_> = package().into_iter().filter(|(field, ..)| *field != "risks").collect();
    world.company().say(AVA, nearly, &said);
    world.company().add_people(nearly);
    world.pass().await;
    for deal in [empty, nearly] {
        world.accept(deal);
    }
    world.pass().await;
    for (deal, expected) in [(empty, 8), (nearly, 1)] {
        let refused = refusals(&world, deal).await;
        let [Refusal::Incomplete { missing }] = &refused[..] else { panic!("{refused:?}") };
        let fields: std::collections::BTreeSet<_> = missing.iter().map(|finding| &finding.field).collect();
        assert_eq!(fields.len(), expected, "{missing:?}");
        assert_never_open(&world, deal);
        assert!(!world.flag(deal, QUEUE));
        let note = world.company().of(deal).crm().mapping().write.note.missing.clone().unwrap();
        let words = world.company().field(deal, &note);
        assert!(words.as_str().unwrap().contains("Implementation risks the AE is aware of"), "{words}");
        assert_eq!(world.phase(deal), Some(Phase::Draft));
    }
    // What was said too early is used up: filling the rest later accepts nothing by itself.
    world.say(AVA, nearly, &[("risks", "risks", "Their address data is stored in three systems")]);
    world.pass().await;
    assert_eq!(world.phase(nearly), Some(Phase::Complete));
    assert!(world.flag(nearly, QUEUE));
    assert_never_open(&world, nearly);
    world.accept(nearly);
    world.pass().await;
    assert!(world.flag(nearly, COMMISSION) && world.flag(nearly, STAGE));
    world.assert_balanced();
    world.verify_audit();
}

on_each_crm!(f04_an_edit_after_acceptance_holds_pay_and_one_that_the_contract_notes_only_stands_in_the_log);

async fn f04_an_edit_after_acceptance_holds_pay_and_one_that_the_contract_notes_only_stands_in_the_log(
    options: Options,
) {
    let world = Governed::start(options).await;
    let deal = complete(&world, "Edited").await;
    world.accept(deal);
    world.pass().await;
    let digest = |detail: &handoffd::view::Detail| {
        detail.state.as_ref().unwrap().accepted.as_ref().map(|accepted| accepted.shown.clone())
    };
    let accepted = digest(&world.detail(deal).await).unwrap();
    world.say(AVA, deal, &[("expansion", "hypothesis", "The southern depots follow in year three")]);
    world.pass().await;
    assert!(world.flag(deal, COMMISSION), "this field may grow");
    assert_eq!(world.phase(deal), Some(Phase::Accepted));
    assert_eq!(count(&world, deal, "package_changed").await, 2, "the edit stands in the log");
    world.say(AVA, deal, &[("success_criteria", "target", "From 9 % to 8 %")]);
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Complete));
    assert!(!world.flag(deal, COMMISSION) && !world.flag(deal, STAGE));
    assert_eq!((count(&world, deal, "reopened").await, count(&world, deal, "commission_held").await), (1, 1));
    world.accept(deal);
    world.pass().await;
    assert!(world.flag(deal, COMMISSION));
    assert_ne!(digest(&world.detail(deal).await), Some(accepted), "another package was accepted");
    world.assert_balanced();
    world.verify_audit();
}

on_each_crm!(f05_an_acceptance_beside_an_edit_accepts_nothing_that_was_not_shown);

async fn f05_an_acceptance_beside_an_edit_accepts_nothing_that_was_not_shown(options: Options) {
    let world = Governed::start(options).await;
    let retarget = [("success_criteria", "target", "From 9 % to 8 %")];
    // Seen together: the edit in the same second as the acceptance, the edit a moment after it, and the edit before it.
    let (same, after, before) = (
        complete(&world, "Same second").await,
        complete(&world, "Edited after").await,
        complete(&world, "Edited before").await,
    );
    world.advance(5);
    world.company().accept(same);
    world.company().say(AVA, same, &retarget);
    world.company().accept(after);
    world.company().say(AVA, before, &retarget);
    world.advance(1);
    world.company().say(AVA, after, &retarget);
    world.company().accept(before);
    world.pass().await;
    for deal in [same, after] {
        assert_eq!(refusals(&world, deal).await, [Refusal::PackageChanged], "{deal:?}");
        assert_eq!(world.phase(deal), Some(Phase::Complete));
        assert_never_open(&world, deal);
    }
    assert!(world.flag(before, COMMISSION), "he answered what stood there");
    world.accept(same);
    world.pass().await;
    assert!(world.flag(same, COMMISSION), "a look at what stands there now is enough");
    world.assert_balanced();
}

/// What is done right before the next write leaves, once.
type Armed = Arc<Mutex<Option<(Company, Deal)>>>;

fn right_before_the_write(armed: &Armed) -> Hook {
    let armed = Arc::clone(armed);
    Arc::new(move |place: &str| {
        if place == "before_write"
            && let Some((company, deal)) = armed.lock().unwrap().take()
        {
            company.say(AVA, deal, &[("success_criteria", "target", "From 9 % to 8 %")]);
        }
    })
}

on_each_crm!(f05_an_edit_between_the_decision_and_its_write_opens_nothing);

async fn f05_an_edit_between_the_decision_and_its_write_opens_nothing(options: Options) {
    let armed = Armed::default();
    let hook = right_before_the_write(&armed);
    let world = Governed::start(Options { failpoint: Some(hook), ..options }).await;
    let deal = complete(&world, "At the last moment").await;
    world.accept(deal);
    *armed.lock().unwrap() = Some((world.company().clone(), deal));
    world.advance(30);
    world.settle().await;
    assert!(armed.lock().unwrap().is_none(), "the edit was made");
    assert_eq!(count(&world, deal, "accepted").await, 1, "it was decided on the old package");
    for _ in 0..2 {
        world.pass().await;
    }
    assert_eq!(world.phase(deal), Some(Phase::Complete));
    assert!(!world.flag(deal, COMMISSION) && !world.flag(deal, STAGE));
    let (opened, shut) = world.company().flips(deal, COMMISSION);
    assert_eq!(opened, shut, "what opened was withdrawn");
    world.accept(deal);
    world.pass().await;
    assert!(world.flag(deal, COMMISSION));
    world.assert_balanced();
    world.verify_audit();
}

on_each_crm!(f05_an_edit_while_writing_is_paused_is_never_opened_over);

async fn f05_an_edit_while_writing_is_paused_is_never_opened_over(options: Options) {
    let world = Governed::start(options).await;
    let deal = complete(&world, "Paused").await;
    world.handle().pause("a test").await.unwrap();
    world.accept(deal);
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Accepted));
    world.say(AVA, deal, &[("success_criteria", "target", "From 9 % to 8 %")]);
    // The daemon does not look in between: the order to open is older than the edit.
    world.handle().resume("a test").await.unwrap();
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Complete));
    assert_never_open(&world, deal);
}

on_each_crm!(f06_a_double_click_is_one_decision_and_a_second_answer_is_judged_on_its_own);

async fn f06_a_double_click_is_one_decision_and_a_second_answer_is_judged_on_its_own(options: Options) {
    let mut world = Governed::start(Options { webhooks: true, ..options }).await;
    let (twice, both) = (complete(&world, "Twice").await, complete(&world, "Both").await);
    for vendor in world.company().vendors() {
        vendor.carry(handoffd_tests::crm::Carriage::Repeated(5));
    }
    world.advance(5);
    let acceptance = world.company().acceptance(twice);
    for _ in 0..3 {
        world.company().save(INGRID, twice, &acceptance);
    }
    // Off and on again within the same look.
    let taken_back = handoffd::demo::fill::accept(world.company().of(twice).crm().mapping(), false);
    world.company().save(INGRID, twice, &taken_back);
    world.company().save(INGRID, twice, &acceptance);
    world.company().accept(both);
    world.advance(1);
    world.company().reject(both, "risks", "Which system holds the addresses?");
    world.pass().await;
    world.handle().sweep_now().await.unwrap();
    world.restart().await;
    world.pass().await;
    assert_eq!(count(&world, twice, "accepted").await, 1);
    assert_eq!(count(&world, twice, "commission_released").await, 1);
    assert_eq!(world.company().flips(twice, COMMISSION), (1, 0));
    // He accepted and then sent it back: his last word counts.
    assert_eq!(world.phase(both), Some(Phase::Rejected));
    assert!(!world.flag(both, COMMISSION) && !world.flag(both, STAGE));
    assert!(count(&world, both, "rejected").await == 1 && count(&world, both, "accepted").await <= 1);
    world.assert_balanced();
    world.verify_audit();
}

on_each_crm!(f07_an_answer_counts_for_its_own_round_and_cycle_only);

async fn f07_an_answer_counts_for_its_own_round_and_cycle_only(options: Options) {
    let world = Governed::start(options).await;
    let deal = complete(&world, "Rounds").await;
    world.reject(deal, "risks", "Which system holds the addresses?");
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Rejected));
    world.accept(deal);
    world.pass().await;
    let refused = refusals(&world, deal).await;
    assert!(matches!(&refused[..], [Refusal::Incomplete { missing }] if missing.len() == 1), "{refused:?}");
    assert_never_open(&world, deal);
    world.say(AVA, deal, &[("risks", "risks", "Addresses live in SAP and in Excel; SAP wins")]);
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Complete));
    assert_never_open(&world, deal);
    world.accept(deal);
    world.pass().await;
    assert!(world.flag(deal, COMMISSION));
    // The next cycle begins with a package that nobody has answered: what was said in the last one is used up, also after a restart.
    world.say(AVA, deal, &[("success_criteria", "target", "From 9 % to 8 %")]);
    world.pass().await;
    let mut world = world;
    world.restart().await;
    for _ in 0..2 {
        world.handle().sweep_now().await.unwrap();
        world.pass().await;
    }
    assert_eq!(world.summary(deal).unwrap().handoff.cycle, 2);
    assert_eq!(world.phase(deal), Some(Phase::Complete));
    assert!(!world.flag(deal, COMMISSION));
    assert_eq!(count(&world, deal, "accepted").await, 1);
    world.accept(deal);
    world.pass().await;
    assert!(world.flag(deal, COMMISSION));
    assert_eq!(count(&world, deal, "accepted").await, 2);
    world.assert_balanced();
}

on_each_crm!(f08_pay_that_was_released_is_held_again_and_released_once_more_by_the_next_acceptance);

async fn f08_pay_that_was_released_is_held_again_and_released_once_more_by_the_next_acceptance(
    options: Options,
) {
    let world = Governed::start(options).await;
    let deal = complete(&world, "Eligible").await;
    world.accept(deal);
    world.pass().await;
    let clearance = |world: &Governed| {
        let gates = &world.company().of(deal).crm().mapping().write.gate;
        let gate = gates.iter().find(|(name, _)| name.as_str() == COMMISSION).unwrap().1;
        world.company().field(deal, gate.clearance_id.as_ref().unwrap())
    };
    let first = clearance(&world);
    assert!(first.is_string());
    for turn in 1..=2_usize {
        // The receiver himself takes it back, then the sender softens a promise.
        if turn == 1 {
            world.reject(deal, "go_live", "The date moved, says the customer");
            world.pass().await;
            world.say(AVA, deal, &[("go_live", "date", "2027-03-01")]);
        } else {
            world.say(AVA, deal, &[("success_criteria", "target", "From 9 % to 8 %")]);
        }
        world.pass().await;
        assert!(!world.flag(deal, COMMISSION) && clearance(&world).is_null(), "turn {turn}");
        assert_eq!(count(&world, deal, "commission_held").await, turn);
        world.accept(deal);
        world.pass().await;
        assert!(world.flag(deal, COMMISSION), "turn {turn}");
        assert_eq!(world.company().flips(deal, COMMISSION), (turn + 1, turn));
        assert_eq!(count(&world, deal, "commission_released").await, turn + 1);
    }
    assert_ne!(clearance(&world), first, "each release has a receipt of its own");
    let events = world.events(deal).await;
    let turns: Vec<_> = events.into_iter().filter(|name| name.starts_with("commission_")).collect();
    let expected = ["commission_released", "commission_held"];
    assert!(turns.iter().zip(expected.iter().cycle()).all(|(seen, due)| seen == due), "{turns:?}");
    world.assert_balanced();
    world.verify_audit();
}

on_each_crm!(f09_a_deal_won_past_its_gate_is_not_paid_whoever_won_it);

async fn f09_a_deal_won_past_its_gate_is_not_paid_whoever_won_it(options: Options) {
    let mut world = Governed::start(options).await;
    let (draft, full) = (world.deal("Nothing in it"), complete(&world, "Never accepted").await);
    for deal in [draft, full] {
        world.force(AVA, deal, &world.company().to_stage(deal, "closed_won").into());
    }
    world.pass().await;
    world.restart().await;
    world.pass().await;
    for deal in [draft, full] {
        assert_eq!(world.company().stage(deal), "closed_won", "the policy here is to record");
        assert_eq!(count(&world, deal, "bypassed").await, 1);
        assert_eq!(world.summary(deal).unwrap().bypasses, 1);
        assert_never_open(&world, deal);
        assert_eq!(count(&world, deal, "commission_released").await, 0);
    }
    // Accepted in the end, it is paid, and stays a by-pass in the books.
    world.accept(full);
    world.pass().await;
    assert!(world.flag(full, COMMISSION));
    assert_eq!(world.summary(full).unwrap().bypasses, 1);
    let accepted = refusals(&world, draft).await;
    assert!(accepted.is_empty());
    // A flag forged on a deal that was won past its gate does not stay.
    world.company().force(AVA, draft, &world.company().forgery(draft, COMMISSION));
    world.pass().await;
    assert!(!world.flag(draft, COMMISSION));
    assert_eq!(count(&world, draft, "tampered").await, 1);
    assert_eq!(json!(world.phase(draft)), json!(Phase::Draft));
    world.assert_balanced();
    world.verify_audit();
}
