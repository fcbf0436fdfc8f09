//! Who may accept: the receiver and nobody else, under no other login, by no detour; and what follows when he is gone.

use std::collections::BTreeSet;

use handoff_core::event::{Concern, Refusal};
use handoff_core::handoff::Phase;
use handoff_sandbox_hubspot as hubspot;
use handoff_sandbox_salesforce as salesforce;
use handoffd::config::Delegation;
use handoffd_tests::crm::{Deal, Duty, Kind};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::{AVA, COMMISSION, INGRID, LUIS, MARCO};
use serde_json::json;

use crate::steps::{assert_never_open, complete, count, on_each_crm, refusals};

const AVAS_OTHER_LOGIN: &str = "ava.l@northwind-peak.example";

/// Our own user, or an app without one, writes "accept".
fn machine_accepts(world: &Governed, deal: Deal) {
    world.advance(5);
    let fields = serde_json::Value::Object(world.company().acceptance(deal));
    match deal.kind {
        Kind::Salesforce => {
            let act = salesforce::Act::update(
                salesforce::seed::INTEGRATION_USER,
                "Opportunity",
                deal.sf(),
                &fields,
            );
            world.org().act(&act.by(salesforce::ActorKind::Workflow)).unwrap();
        }
        Kind::Hubspot => {
            let act = hubspot::Act::update("", "deals", deal.hs(), fields);
            world.portal().act(&act.by(hubspot::ActorKind::Api)).unwrap();
        }
    }
}

/// Somebody accepts whom no field permission stops.
fn forced(world: &Governed, who: &str, deal: Deal) {
    world.advance(5);
    world.company().force(who, deal, &world.company().acceptance(deal));
}

fn name_receiver(world: &Governed, deal: Deal, login: &str) {
    let field = world.company().of(deal).crm().mapping().people.receiver.field.clone();
    let id = world.owner(deal.kind, login);
    world.edit(AVA, deal, &json!({ field: id }));
}

fn name_sender(world: &Governed, deal: Deal, login: &str) {
    let field = world.company().of(deal).crm().mapping().people.sender.field.clone();
    let id = world.owner(deal.kind, login);
    world.force(AVA, deal, &json!({ field: id }));
}

async fn concerns(world: &Governed, deal: Deal) -> BTreeSet<Concern> {
    world.detail(deal).await.state.unwrap().concerns
}

on_each_crm!(f02_the_sender_accepts_under_no_login_by_no_delegation_and_no_machine_does);

async fn f02_the_sender_accepts_under_no_login_by_no_delegation_and_no_machine_does(options: Options) {
    let mut world = Governed::prepare(options).await;
    world.company().first().hire(AVAS_OTHER_LOGIN, Duty::Receives);
    world.config(|config| {
        let people = [INGRID, LUIS, AVA, AVAS_OTHER_LOGIN].map(str::to_owned).to_vec();
        config.people.roles.insert("onboarding_lead".to_owned(), people);
        let same = [AVA, AVAS_OTHER_LOGIN].map(str::to_owned).to_vec();
        config.people.same_person.insert("ava".to_owned(), same);
        let away =
            |to: &str| Delegation { of: INGRID.to_owned(), to: to.to_owned(), from: None, until: None };
        config.people.delegate = vec![away(AVA), away(AVAS_OTHER_LOGIN)];
    });
    world.begin().await.unwrap();
    let deal = complete(&world, "Her own").await;
    forced(&world, AVA, deal);
    world.pass().await;
    forced(&world, AVAS_OTHER_LOGIN, deal);
    world.pass().await;
    machine_accepts(&world, deal);
    world.pass().await;
    forced(&world, LUIS, deal);
    world.pass().await;
    assert_eq!(
        refusals(&world, deal).await,
        [Refusal::OwnHandoff, Refusal::OwnHandoff, Refusal::Machine, Refusal::NotTheReceiver]
    );
    assert_never_open(&world, deal);
    assert_eq!(world.phase(deal), Some(Phase::Complete));
    // Neither does it help to be named as the receiver, under whichever login.
    for login in [AVA, AVAS_OTHER_LOGIN] {
        let own = complete(&world, login).await;
        name_receiver(&world, own, login);
        world.pass().await;
        assert!(concerns(&world, own).await.contains(&Concern::SenderIsReceiver), "{login}");
        forced(&world, login, own);
        world.pass().await;
        assert_eq!(refusals(&world, own).await, [Refusal::OwnHandoff], "{login}");
        assert_never_open(&world, own);
        let status = world.company().status(own);
        assert!(status.contains("sender and receiver are the same person"), "{status}");
    }
    // Nor to hand the deal to a colleague once it is handed over, and then to accept it.
    let handed = complete(&world, "Handed on").await;
    name_receiver(&world, handed, AVAS_OTHER_LOGIN);
    name_sender(&world, handed, MARCO);
    forced(&world, AVAS_OTHER_LOGIN, handed);
    world.pass().await;
    assert_eq!(refusals(&world, handed).await, [Refusal::OwnHandoff]);
    assert_never_open(&world, handed);
    world.accept(deal);
    world.pass().await;
    assert!(world.flag(deal, COMMISSION), "the receiver himself may");
    world.assert_balanced();
    world.verify_audit();
}

on_each_crm!(f11_a_receiver_who_lost_the_role_accepts_nothing_and_the_record_says_so);

async fn f11_a_receiver_who_lost_the_role_accepts_nothing_and_the_record_says_so(options: Options) {
    let mut world = Governed::start(options).await;
    let (before, after) = (complete(&world, "Before").await, complete(&world, "After").await);
    world.accept(before);
    world.pass().await;
    world.config(|config| {
        config.people.roles.insert("onboarding_lead".to_owned(), vec![LUIS.to_owned()]);
    });
    world.restart().await;
    world.handle().sweep_now().await.unwrap();
    world.pass().await;
    let status = world.company().status(after);
    assert!(status.starts_with("Nobody can accept: the receiver does not hold the role"), "{status}");
    world.accept(after);
    world.pass().await;
    assert_eq!(refusals(&world, after).await, [Refusal::LacksRole]);
    assert_never_open(&world, after);
    assert!(world.flag(before, COMMISSION), "what she accepted while she held it stands");
    // Another receiver is named: that is an event, and he accepts for himself.
    let before_naming = count(&world, after, "people_changed").await;
    name_receiver(&world, after, LUIS);
    world.pass().await;
    assert_eq!(count(&world, after, "people_changed").await, before_naming + 1);
    assert_never_open(&world, after);
    world.advance(5);
    world.company().save(LUIS, after, &world.company().acceptance(after));
    world.pass().await;
    assert!(world.flag(after, COMMISSION));
    world.assert_balanced();
}

on_each_crm!(f11_an_acceptance_does_not_pass_to_the_next_receiver);

async fn f11_an_acceptance_does_not_pass_to_the_next_receiver(options: Options) {
    let world = Governed::start(options).await;
    let deal = complete(&world, "Passed on").await;
    world.accept(deal);
    world.pass().await;
    assert!(world.flag(deal, COMMISSION));
    name_receiver(&world, deal, LUIS);
    world.pass().await;
    assert!(!world.flag(deal, COMMISSION), "Luis has not seen it");
    assert_eq!(count(&world, deal, "commission_held").await, 1);
    forced(&world, INGRID, deal);
    world.pass().await;
    assert!(!world.flag(deal, COMMISSION), "it is not hers any more");
    world.advance(5);
    let taken_back = handoffd::demo::fill::accept(world.company().of(deal).crm().mapping(), false);
    world.company().force(LUIS, deal, &taken_back);
    world.advance(5);
    world.company().save(LUIS, deal, &world.company().acceptance(deal));
    world.pass().await;
    assert!(world.flag(deal, COMMISSION));
    assert_eq!(world.company().flips(deal, COMMISSION), (2, 1));
    world.assert_balanced();
}

on_each_crm!(f11_on_vacation_the_delegate_answers_and_the_log_says_for_whom);

async fn f11_on_vacation_the_delegate_answers_and_the_log_says_for_whom(options: Options) {
    let mut world = Governed::prepare(options).await;
    let (from, until) = (world.now(), world.now().checked_add(jiff::SignedDuration::from_hours(24)).unwrap());
    world.config(|config| {
        config.people.delegate = vec![Delegation {
            of: INGRID.to_owned(),
            to: LUIS.to_owned(),
            from: Some(from),
            until: Some(until),
        }];
    });
    world.begin().await.unwrap();
    let (now, late) = (complete(&world, "Now").await, complete(&world, "Late").await);
    forced(&world, LUIS, now);
    world.pass().await;
    assert!(world.flag(now, COMMISSION));
    let accepted = world.detail(now).await.state.unwrap().accepted.unwrap();
    let behalf = accepted.behalf.unwrap();
    assert_eq!(behalf.of.unwrap().as_str(), INGRID);
    world.set_time(until);
    forced(&world, LUIS, late);
    world.pass().await;
    assert_eq!(refusals(&world, late).await, [Refusal::NotTheReceiver]);
    assert_never_open(&world, late);
    world.assert_balanced();
}
