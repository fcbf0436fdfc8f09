//! While no daemon runs, the CRM's own rule holds the stage, and nobody opens a flag.

use handoff_sandbox_hubspot as hubspot;
use handoff_sandbox_salesforce as salesforce;
use handoffd::demo::crm::{Fields, Saved};
use handoffd_tests::crm::{Company, Deal, HUBSPOT, Kind};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::{AVA, COMMISSION, COMMIT, INGRID, MARCO, QUEUE, STAGE};
use serde_json::{Value, json};

use crate::steps::{assert_never_open, complete, count, on_each_crm};

/// HubSpot has no rule that ships: the won stage asks for the clearance id, as `deploy/hubspot` says (rung H2).
fn hold_the_stage(world: &Governed) {
    if world.company().first().kind() == Kind::Hubspot {
        world.portal().set_required(vec![hubspot::RequiredRule {
            object: "deals".to_owned(),
            when: Some("dealstage".to_owned()),
            values: vec!["closedwon".to_owned()],
            require: vec!["handoff_clearance_id".to_owned()],
        }]);
    }
}

/// Who could win the deal on its page.
fn on_the_page(company: &Company, deal: Deal) -> Vec<&'static str> {
    let won = company.to_stage(deal, "closed_won");
    let could = |who: &&str| company.of(deal).crm().save(who, deal.id, &won).unwrap() == Saved::Done;
    [AVA, MARCO, INGRID].into_iter().filter(could).collect()
}

/// Whether it can be won by an API user, an import, a bulk load or a flow; in HubSpot by the newest API, the only one that obeys its rules.
fn through_api(world: &Governed, deal: Deal, fields: &Fields) -> bool {
    let fields = Value::Object(fields.clone());
    match deal.kind {
        Kind::Salesforce => {
            let act = |kind| {
                let act = salesforce::Act::update(AVA, "Opportunity", deal.sf(), &fields).by(kind);
                world.org().act(&act).is_ok()
            };
            [
                salesforce::ActorKind::Api,
                salesforce::ActorKind::Bulk,
                salesforce::ActorKind::Import,
                salesforce::ActorKind::Apex,
            ]
            .into_iter()
            .any(act)
        }
        Kind::Hubspot => {
            let act = hubspot::Act::update(AVA, "deals", deal.hs(), fields);
            let newest = hubspot::Act { enforced: true, ..act.by(hubspot::ActorKind::UserApi) };
            world.portal().act(&newest).is_ok()
        }
    }
}

/// A new deal that says of itself that it is won and cleared.
fn born_won(world: &Governed, deal: Deal) -> bool {
    let mut fields = world.company().to_stage(deal, "closed_won");
    let Value::Object(own) = (match deal.kind {
        Kind::Salesforce => json!({ "Name": "Born won", "CloseDate": "2026-12-24" }),
        Kind::Hubspot => json!({ "dealname": "Born won", "pipeline": "default" }),
    }) else {
        panic!()
    };
    fields.extend(own);
    match deal.kind {
        Kind::Salesforce => {
            let act = salesforce::Act::create(AVA, "Opportunity", &Value::Object(fields));
            world.org().act(&act).is_ok()
        }
        Kind::Hubspot => {
            let act = hubspot::Act::create(AVA, "deals", Value::Object(fields));
            world.portal().act(&act).is_ok()
        }
    }
}

fn assert_held(world: &Governed, deal: Deal, when: &str) {
    assert!(on_the_page(world.company(), deal).is_empty(), "{when}");
    assert!(!through_api(world, deal, &world.company().to_stage(deal, "closed_won")), "{when}");
    assert!(!born_won(world, deal), "{when}");
    assert_eq!(world.company().stage(deal), COMMIT, "{when}");
    for gate in [COMMISSION, STAGE] {
        assert!(!world.flag(deal, gate), "{when}: {gate}");
    }
}

on_each_crm!(f13_while_no_daemon_runs_the_crms_own_rule_holds_the_stage);

async fn f13_while_no_daemon_runs_the_crms_own_rule_holds_the_stage(options: Options) {
    let mut world = Governed::prepare(options).await;
    hold_the_stage(&world);
    // Never installed: a deal's flags begin shut, and filling and answering opens nothing.
    let deal = world.full_deal("Nobody runs it");
    world.accept(deal);
    assert_held(&world, deal, "before the first start");
    // Installed, and then down: what was not accepted stays held.
    world.begin().await.unwrap();
    let (open, held) = (complete(&world, "Accepted").await, complete(&world, "Waiting").await);
    world.accept(open);
    world.pass().await;
    assert!(world.flag(open, STAGE));
    world.stop().await;
    world.accept(held);
    assert_held(&world, held, "while it is down");
    assert!(world.flag(held, QUEUE), "what was open stays as it was");
    // What was rightly opened may still be won: a daemon that is down stops no business.
    world.edit(AVA, open, &world.company().to_stage(open, "closed_won").into());
    assert_eq!(world.company().stage(open), "closed_won");
    // It comes back, and what was answered meanwhile counts.
    world.begin().await.unwrap();
    world.pass().await;
    assert!(world.flag(held, STAGE) && world.flag(held, COMMISSION));
    assert_eq!(world.summary(open).unwrap().bypasses, 0);
    world.assert_balanced();
    world.verify_audit();
}

/// Facts of HubSpot: older APIs, workflows and imports pass every rule. What they win is not paid, and it is found when the daemon is back.
#[tokio::test(flavor = "multi_thread")]
async fn f13_in_hubspot_what_passes_every_rule_while_no_daemon_runs_is_not_paid_and_is_found() {
    let mut world = Governed::start(Options { crms: HUBSPOT, ..Options::default() }).await;
    hold_the_stage(&world);
    let kinds = [hubspot::ActorKind::Workflow, hubspot::ActorKind::Import, hubspot::ActorKind::Api];
    let mut deals = Vec::new();
    for kind in kinds {
        deals.push((kind, complete(&world, &format!("{kind:?}")).await));
    }
    world.stop().await;
    for (kind, deal) in &deals {
        world.advance(5);
        let won = Value::Object(world.company().to_stage(*deal, "closed_won"));
        let act = hubspot::Act::update(AVA, "deals", deal.hs(), won);
        world.portal().act(&act.by(*kind)).unwrap();
    }
    world.begin().await.unwrap();
    world.pass().await;
    for (kind, deal) in &deals {
        assert_eq!(world.company().stage(*deal), "closed_won");
        assert_eq!(count(&world, *deal, "bypassed").await, 1, "{kind:?}");
        assert_never_open(&world, *deal);
    }
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn f13_in_salesforce_nobody_but_the_integration_user_opens_a_flag_by_hand() {
    let world = Governed::prepare(Options::default()).await;
    let deal = world.full_deal("By hand");
    for gate in [COMMISSION, STAGE, QUEUE] {
        let forgery = world.company().forgery(deal, gate);
        for who in [AVA, INGRID] {
            let saved = world.company().of(deal).crm().save(who, deal.id, &forgery).unwrap();
            assert!(matches!(saved, Saved::Refused(_)), "{who} opened {gate}");
        }
        // With the right to edit the field, the rule still stands in the way.
        world.org().assign(MARCO, "Handoff_Sender").unwrap();
        let saved = world.company().of(deal).crm().save(MARCO, deal.id, &forgery).unwrap();
        assert!(matches!(saved, Saved::Refused(_)), "{gate}");
        assert!(!world.flag(deal, gate));
    }
    // Flag and stage in one save are no way either.
    let mut both = world.company().forgery(deal, STAGE);
    both.extend(world.company().to_stage(deal, "closed_won"));
    for who in [AVA, INGRID, MARCO] {
        let saved = world.company().of(deal).crm().save(who, deal.id, &both).unwrap();
        assert!(matches!(saved, Saved::Refused(_)), "{who}");
    }
    assert_eq!(world.company().stage(deal), COMMIT);
}
