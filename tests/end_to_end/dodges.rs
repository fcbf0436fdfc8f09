//! Ways round a gate by another record: clones, splits, new names, what is merged, deleted and brought back.

use handoff_core::handoff::Phase;
use handoff_sandbox_hubspot as hubspot;
use handoffd_tests::crm::{Deal, Kind};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::{AVA, COMMISSION, COMMIT, QUEUE, STAGE, package_of};
use serde_json::{Value, json};

use crate::steps::{assert_never_open, complete, count, on_each_crm};

/// A copy of everything that stands on the deal, our flags and the answer with it, as the CRM's own clone or somebody's script makes it.
fn cloned(world: &Governed, deal: Deal) -> Deal {
    world.advance(5);
    let id = match deal.kind {
        Kind::Salesforce => {
            let clone = world.org().clone_record(AVA, deal.sf(), &json!({"Name": "Clone"})).unwrap();
            clone.to_string()
        }
        Kind::Hubspot => {
            let read_only = ["createdate", "num_associated_contacts", "days_to_close"];
            let all = world.portal().get("deals", deal.hs()).unwrap();
            let all = all["properties"].as_object().unwrap().iter();
            let writable = all.filter(|(name, value)| {
                !read_only.contains(&name.as_str()) && !value.is_null() && !name.starts_with("hs_")
            });
            let copy: serde_json::Map<String, Value> =
                writable.map(|(name, value)| (name.clone(), value.clone())).collect();
            let act = hubspot::Act::create(AVA, "deals", Value::Object(copy));
            world.portal().act(&act).unwrap().to_string()
        }
    };
    let clone = Deal::new(deal.kind, id);
    world.company().add_people(clone);
    clone
}

on_each_crm!(f10_a_clone_a_split_and_a_new_name_inherit_no_acceptance);

async fn f10_a_clone_a_split_and_a_new_name_inherit_no_acceptance(options: Options) {
    let mut world = Governed::start(options).await;
    let deal = complete(&world, "Original").await;
    world.accept(deal);
    world.pass().await;
    assert!(world.flag(deal, COMMISSION));
    let clone = cloned(&world, deal);
    // Cut in two: the second half says the same words for the same account.
    let split = world.deal("Original, part 2");
    world.company().say(AVA, split, &package_of("Original"));
    world.company().add_people(split);
    world.pass().await;
    for copy in [clone, split] {
        assert!(!world.flag(copy, COMMISSION) && !world.flag(copy, STAGE), "{copy:?}");
        assert_ne!(world.phase(copy), Some(Phase::Accepted), "{:?}", world.events(copy).await);
        assert_eq!(count(&world, copy, "accepted").await, 0);
    }
    // What stands on the clone is not hers to open: forged once more, shut once more.
    world.company().force(AVA, clone, &world.company().forgery(clone, COMMISSION));
    world.pass().await;
    assert!(!world.flag(clone, COMMISSION));
    // Another name is the same deal: nothing begins anew, nothing opens or shuts.
    let before = world.events(deal).await;
    let name = if deal.kind == Kind::Salesforce { "Name" } else { "dealname" };
    world.edit(AVA, deal, &json!({ name: "A deal of another name" }));
    world.pass().await;
    world.restart().await;
    world.pass().await;
    assert_eq!(world.events(deal).await, before);
    assert!(world.flag(deal, COMMISSION));
    assert_eq!(world.company().flips(deal, COMMISSION), (1, 0));
    // Moved on by its clone's stage, the original is not paid twice: each has a gate and a receipt of its own.
    world.force(AVA, clone, &world.company().to_stage(clone, "closed_won").into());
    world.pass().await;
    assert_eq!(count(&world, clone, "bypassed").await, 1);
    assert!(!world.flag(clone, COMMISSION));
    world.assert_balanced();
    world.verify_audit();
}

on_each_crm!(f10_back_to_an_early_stage_and_forth_again_keeps_what_was_sent_back);

async fn f10_back_to_an_early_stage_and_forth_again_keeps_what_was_sent_back(options: Options) {
    let world = Governed::start(options).await;
    let deal = complete(&world, "Round trip").await;
    world.reject(deal, "risks", "Which system holds the addresses?");
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Rejected));
    for stage in ["early", COMMIT] {
        world.edit(AVA, deal, &world.company().to_stage(deal, stage).into());
        world.pass().await;
    }
    assert_ne!(world.phase(deal), Some(Phase::Accepted));
    assert!(!world.flag(deal, QUEUE), "a walk through the stages mends nothing");
    assert_never_open(&world, deal);
    world.accept(deal);
    world.pass().await;
    assert_never_open(&world, deal);
}

/// Deletes and brings back, each as the CRM's people do it.
fn delete(world: &Governed, deal: Deal) {
    world.advance(5);
    match deal.kind {
        Kind::Salesforce => world.org().delete(AVA, deal.sf()).unwrap(),
        Kind::Hubspot => world.portal().archive(AVA, "deals", deal.hs()).unwrap(),
    }
}

fn undelete(world: &Governed, deal: Deal) {
    world.advance(5);
    match deal.kind {
        Kind::Salesforce => world.org().undelete(AVA, deal.sf()).unwrap(),
        Kind::Hubspot => world.portal().restore(AVA, "deals", deal.hs()).unwrap(),
    }
}

on_each_crm!(d17_what_is_deleted_while_we_are_down_and_brought_back_is_shut_until_it_is_accepted_anew);

async fn d17_what_is_deleted_while_we_are_down_and_brought_back_is_shut_until_it_is_accepted_anew(
    options: Options,
) {
    let mut world = Governed::start(options).await;
    let deal = complete(&world, "Back from the bin").await;
    world.accept(deal);
    world.pass().await;
    assert!(world.flag(deal, COMMISSION));
    world.stop().await;
    delete(&world, deal);
    world.begin().await.unwrap();
    world.handle().sweep_now().await.unwrap();
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Voided));
    assert_eq!(count(&world, deal, "commission_held").await, 1, "nothing is paid for what is gone");
    undelete(&world, deal);
    // The answer of the last cycle and the open flag came back with the record.
    for _ in 0..2 {
        world.pass().await;
        world.handle().sweep_now().await.unwrap();
        world.pass().await;
    }
    assert!(!world.flag(deal, COMMISSION), "{:?}", world.events(deal).await);
    assert_ne!(world.phase(deal), Some(Phase::Accepted));
    world.edit(AVA, deal, &world.company().to_stage(deal, COMMIT).into());
    let taken_back = handoffd::demo::fill::accept(world.company().of(deal).crm().mapping(), false);
    world.company().save(handoffd_tests::story::INGRID, deal, &taken_back);
    world.pass().await;
    assert_eq!(world.summary(deal).unwrap().handoff.cycle, 2, "{:?}", world.events(deal).await);
    world.accept(deal);
    world.pass().await;
    assert!(world.flag(deal, COMMISSION));
    assert_eq!(world.company().flips(deal, COMMISSION).0, 2);
    world.assert_balanced();
    world.verify_audit();
}
