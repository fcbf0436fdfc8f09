//! F11: the receiver's user is switched off in the CRM while a package waits for him.

use handoff_core::handoff::Phase;
use handoffd_tests::crm::{Deal, Kind};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::on_every_crm;
use handoffd_tests::stage::face;
use handoffd_tests::story::{AVA, COMMISSION, INGRID, LUIS, MARCO};

use crate::crm::{contract, none, one, plenty};

const ESCALATES: (&str, &str) = (
    "accept_within_hours = 48",
    "accept_within_hours = 8\nescalate_after = \"10h\"\nescalate_to = \"onboarding_manager\"",
);
const FALLS_BACK: (&str, &str) =
    ("sender_may_accept = false", "sender_may_accept = false\nfallback = \"onboarding_manager\"");

async fn company(crms: &'static [Kind], changes: &[(&str, &str)], manager: &str) -> Governed {
    let options = Options { crms, files: vec![contract(changes)], ..Options::default() };
    let mut world = Governed::prepare(options).await;
    world.config(|config| {
        config.tasks = Some(plenty());
        config.people.roles.insert("onboarding_manager".to_owned(), vec![manager.to_owned()]);
    });
    world.begin().await.unwrap();
    world
}

/// The daily look at everything, once what is known of users is old.
async fn look_again(world: &Governed) {
    world.advance(11 * 60);
    world.handle().sweep_now().await.unwrap();
    world.settle().await;
}

on_every_crm!(f11_a_receiver_who_left_accepts_nothing_and_somebody_else_is_asked_for, leaver);

async fn leaver(crms: &'static [Kind]) {
    let world = company(crms, &[ESCALATES], MARCO).await;
    let deals: Vec<Deal> = crms.iter().map(|kind| world.full_deal_in(*kind, "She leaves")).collect();
    world.pass().await;
    for (kind, deal) in crms.iter().zip(&deals) {
        one(&world, *kind, deal.id, "answer", INGRID);
        // Her answer is on its way when she is switched off, moments after the daemon heard that she is not.
        world.accept(*deal);
        face(*kind).set_active(&world, INGRID, false);
    }
    world.pass().await;
    for deal in &deals {
        assert_eq!(world.phase(*deal), Some(Phase::Complete), "{:?}", world.events(*deal).await);
        assert!(!world.flag(*deal, COMMISSION));
        assert!(world.events(*deal).await.contains(&"answer_refused"), "{:?}", world.events(*deal).await);
    }
    look_again(&world).await;
    for (kind, deal) in crms.iter().zip(&deals) {
        none(&world, *kind, deal.id, "answer");
        let name = one(&world, *kind, deal.id, "name", AVA);
        assert!(name.text.contains("switched off"), "{name:?}");
    }
    world.advance(10 * 3_600);
    world.settle().await;
    for (kind, deal) in crms.iter().zip(&deals) {
        one(&world, *kind, deal.id, "escalation", MARCO);
        one(&world, *kind, deal.id, "name", AVA);
    }
    for deal in &deals {
        let receiver = world.company().of(*deal).crm().mapping().people.receiver.field.clone();
        let luis = face(deal.kind).user(&world, LUIS);
        world.edit(AVA, *deal, &serde_json::json!({ receiver: luis }));
    }
    world.pass().await;
    for (kind, deal) in crms.iter().zip(&deals) {
        none(&world, *kind, deal.id, "name");
        one(&world, *kind, deal.id, "answer", LUIS);
        world.company().save(LUIS, *deal, &world.company().acceptance(*deal));
    }
    world.pass().await;
    for (kind, deal) in crms.iter().zip(&deals) {
        assert!(world.flag(*deal, COMMISSION), "{:?}", world.events(*deal).await);
        none(&world, *kind, deal.id, "answer");
        none(&world, *kind, deal.id, "escalation");
    }
    world.assert_balanced();
    world.verify_audit();
}

on_every_crm!(f11_where_a_role_stands_in_its_holder_gets_the_task_and_answers, stands_in);

async fn stands_in(crms: &'static [Kind]) {
    let world = company(crms, &[FALLS_BACK], LUIS).await;
    let deals: Vec<Deal> = crms.iter().map(|kind| world.full_deal_in(*kind, "She leaves")).collect();
    world.pass().await;
    for (kind, deal) in crms.iter().zip(&deals) {
        one(&world, *kind, deal.id, "answer", INGRID);
        face(*kind).set_active(&world, INGRID, false);
    }
    look_again(&world).await;
    for (kind, deal) in crms.iter().zip(&deals) {
        assert!(world.events(*deal).await.contains(&"reassigned"), "{:?}", world.events(*deal).await);
        one(&world, *kind, deal.id, "answer", LUIS);
        none(&world, *kind, deal.id, "name");
        world.company().save(LUIS, *deal, &world.company().acceptance(*deal));
    }
    world.pass().await;
    for (kind, deal) in crms.iter().zip(&deals) {
        assert!(world.flag(*deal, COMMISSION), "{:?}", world.events(*deal).await);
        none(&world, *kind, deal.id, "answer");
    }
}
