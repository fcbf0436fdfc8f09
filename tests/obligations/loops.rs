//! The return loop beyond yes and no: confirmations, and what was accepted as still missing.

use handoff_core::handoff::Phase;
use handoffd_tests::crm::{Deal, Kind};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::on_every_crm;
use handoffd_tests::story::{AVA, COMMISSION, INGRID};
use serde_json::{Value, json};

use crate::crm::{contract, interrupted, none, one, plenty};

async fn company(crms: &'static [Kind], changes: &[(&str, &str)]) -> Governed {
    let files = if changes.is_empty() { Vec::new() } else { vec![contract(changes)] };
    let mut world = Governed::prepare(Options { crms, files, ..Options::default() }).await;
    world.config(|config| config.tasks = Some(plenty()));
    world.begin().await.unwrap();
    world
}

on_every_crm!(an_edit_that_waits_for_confirmation_is_the_receivers_task, confirmation);

async fn confirmation(crms: &'static [Kind]) {
    let mut world =
        company(crms, &[("key   = \"risks\"", "key   = \"risks\"\nafter_acceptance = \"reconfirm\"")]).await;
    let deals: Vec<Deal> = crms.iter().map(|kind| world.full_deal_in(*kind, "Edited")).collect();
    world.pass().await;
    for deal in &deals {
        world.accept(*deal);
    }
    world.pass().await;
    for deal in &deals {
        assert!(world.flag(*deal, COMMISSION));
        let words = "Their address data is stored in three systems that disagree, and SAP wins";
        world.say(AVA, *deal, &[("risks", "risks", words)]);
    }
    interrupted(&mut world, crms, 30).await;
    for (kind, deal) in crms.iter().zip(&deals) {
        assert!(!world.flag(*deal, COMMISSION));
        let confirm = one(&world, *kind, deal.id, "confirm", INGRID);
        assert!(!confirm.text.contains("SAP"), "no value of the record: {confirm:?}");
        world.accept(*deal);
    }
    world.pass().await;
    for (kind, deal) in crms.iter().zip(&deals) {
        assert!(world.flag(*deal, COMMISSION), "{:?}", world.events(*deal).await);
        none(&world, *kind, deal.id, "confirm");
    }
}

on_every_crm!(an_exception_is_the_senders_task_until_it_is_met, exception);

async fn exception(crms: &'static [Kind]) {
    let mut world = company(crms, &[]).await;
    let deals: Vec<Deal> = crms.iter().map(|kind| world.full_deal_in(*kind, "With an exception")).collect();
    for deal in &deals {
        world.say(AVA, *deal, &[("risks", "risks", "")]);
    }
    world.pass().await;
    let due = world.now() + jiff::SignedDuration::from_hours(10 * 24);
    let day = due.strftime("%Y-%m-%d").to_string();
    for deal in &deals {
        let decision = world.company().of(*deal).crm().mapping().decision.clone();
        let fields: serde_json::Map<String, Value> = [
            (decision.field, json!(decision.accept_with.unwrap())),
            (decision.exceptions.unwrap(), json!(format!("risks: Mr Secret knows, by {day}"))),
        ]
        .into_iter()
        .collect();
        world.company().save(INGRID, *deal, &fields);
    }
    interrupted(&mut world, crms, 30).await;
    for (kind, deal) in crms.iter().zip(&deals) {
        assert_eq!(world.phase(*deal), Some(Phase::Accepted), "{:?}", world.events(*deal).await);
        let task = one(&world, *kind, deal.id, "exception", AVA);
        assert!(!task.text.contains("Secret") && !task.title.contains("Secret"), "{task:?}");
        // The day has passed with its last second in UTC.
        assert!(!task.due.is_empty(), "{task:?}");
        world.say(
            AVA,
            *deal,
            &[("risks", "risks", "Their address data is stored in three systems that disagree")],
        );
    }
    world.pass().await;
    for (kind, deal) in crms.iter().zip(&deals) {
        none(&world, *kind, deal.id, "exception");
        assert!(world.flag(*deal, COMMISSION), "{:?}", world.events(*deal).await);
    }
}
