//! Customers that went live: handoff 04 beside the handoff 03 that it carries promises from, in either CRM.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::contract::Mode;
use handoff_core::handoff::Phase;
use handoff_core::id::{ConnectionId, ContractId, ObjectName, RecordId, RecordRef};
use handoff_sandbox_hubspot as hubspot;
use handoff_sandbox_salesforce as salesforce;
use handoffd::config::Govern;
use handoffd::view::{Detail, Filter};
use handoffd_tests::crm::{Deal, Kind};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::{AVA, INGRID, LUIS};
use serde_json::{Value, json};

/// The CSM.
pub(crate) const GRACE: &str = "grace.adeyemi@northwind-peak.example";
/// The contract.
pub(crate) const LIVE: &str = "h04-onboarding-to-cs";
/// The customer, as its product's telemetry calls it too.
pub(crate) use handoffd_tests::feed::CUSTOMER;

/// The shipped mapping of handoff 04 for those whose product and training tool send what they know.
fn mapping(kind: Kind) -> &'static str {
    match kind {
        Kind::Salesforce => "salesforce/h04-onboarding-to-cs-fed",
        Kind::Hubspot => "hubspot/h04-onboarding-to-cs-fed",
    }
}

/// A company that is governed by handoffs 03 and 04, its daemon not running yet.
pub(crate) async fn prepare(crms: &'static [Kind]) -> Governed {
    prepare_at(crms, None).await
}

/// The same, with all clocks set.
pub(crate) async fn prepare_at(crms: &'static [Kind], now: Option<jiff::Timestamp>) -> Governed {
    let mut world = Governed::prepare(Options { crms, now, ..Options::default() }).await;
    let (registry, since) = (world.registry().unwrap(), world.now());
    let contract = ContractId::from(LIVE);
    let gates: Vec<_> = registry.latest(&contract).unwrap().contract.gates.keys().cloned().collect();
    let several = crms.len() > 1;
    world.config(|config| {
        for kind in crms {
            config.govern.push(Govern {
                contract: contract.clone(),
                mapping: mapping(*kind).to_owned(),
                connection: ConnectionId::from(kind.connection()),
                motion: several.then(|| kind.connection().into()),
                governed_since: Some(since),
                mode: gates.iter().map(|gate| (gate.clone(), Mode::Enforce)).collect(),
                on_bypass: BTreeMap::new(),
                reunify: None,
                max_writes_per_hour: None,
            });
        }
        let people = [INGRID, LUIS].map(str::to_owned).to_vec();
        config.people.roles.insert("onboarding_lead".to_owned(), people);
        config.people.roles.insert("csm".to_owned(), vec![GRACE.to_owned()]);
    });
    world
}

fn record(kind: Kind, object: &str, id: String) -> RecordRef {
    RecordRef {
        connection: ConnectionId::from(kind.connection()),
        object: ObjectName::from(object),
        record: RecordId(id),
    }
}

/// A customer that goes live with everything that the handoff asks for, but for what feeds and the sale have to say; and the id of the one who is
/// trained.
pub(crate) fn goes_live(world: &Governed, deal: Deal, name: &str) -> (RecordRef, String) {
    world.advance(5);
    match deal.kind {
        Kind::Salesforce => in_salesforce(world, deal, name),
        Kind::Hubspot => in_hubspot(world, deal, name),
    }
}

fn in_salesforce(world: &Governed, deal: Deal, name: &str) -> (RecordRef, String) {
    let org = world.org();
    let user = |login: &str| org.user(login).unwrap().to_string();
    let make = |by: &str, object: &str, fields: Value| {
        org.act(&salesforce::Act::create(by, object, &fields)).unwrap().to_string()
    };
    let account = make(AVA, "Account", json!({"Name": name}));
    let head = make(AVA, "Contact", json!({"LastName": "Osei", "AccountId": account}));
    let root = make(
        INGRID,
        "Onboarding__c",
        json!({
            "Name": name, "Product_Account__c": name, "Account__c": account, "Opportunity__c": deal.id, "Stage__c": "Live",
            "OwnerId": user(INGRID), "CSM__c": user(GRACE), "No_Tickets__c": true, "No_Escalations__c": true,
        }),
    );
    let role = json!({"Onboarding__c": root, "Contact__c": head, "Role__c": "Sponsor", "Heat__c": "Warm"});
    make(INGRID, "Onboarding_Stakeholder__c", role);
    (record(Kind::Salesforce, "Onboarding__c", root), head)
}

fn in_hubspot(world: &Governed, deal: Deal, name: &str) -> (RecordRef, String) {
    let portal = world.portal();
    let make = |by: &str, object: &str, fields: Value| {
        portal.act(&hubspot::Act::create(by, object, fields)).unwrap()
    };
    let link = |from: (&str, u64), to: (&str, u64), label: Option<&str>| {
        portal.associate(INGRID, from, to, label).unwrap();
    };
    let owner = |login: &str| portal.owner_id(login).unwrap().to_string();
    let company = make(GRACE, "companies", json!({"name": name}));
    let head = make(GRACE, "contacts", json!({"lastname": "Osei", "handoff_04_heat": "Warm"}));
    let root = make(
        INGRID,
        "p_onboarding",
        json!({
            "onboarding_name": name, "product_account": name, "hs_pipeline": "onboarding", "hs_pipeline_stage": "onboarding_live",
            "hubspot_owner_id": owner(INGRID), "csm": owner(GRACE), "no_tickets": "true", "no_escalations": "true",
        }),
    );
    link(("p_onboarding", root), ("companies", company), None);
    link(("p_onboarding", root), ("contacts", head), Some("Sponsor"));
    link(("p_onboarding", root), ("deals", deal.hs()), None);
    (record(Kind::Hubspot, "p_onboarding", root.to_string()), head.to_string())
}

/// Grace answers.
pub(crate) fn accepts(world: &Governed, onboarding: &RecordRef) {
    world.advance(5);
    if onboarding.object.as_str() == "p_onboarding" {
        let id = onboarding.record.as_str().parse().unwrap();
        let fields = json!({"handoff_04_decision": "Accept"});
        world.portal().act(&hubspot::Act::update(GRACE, "p_onboarding", id, fields)).unwrap();
    } else {
        let id = salesforce::Id::parse(onboarding.record.as_str()).unwrap();
        let fields = json!({"Handoff_04_Decision__c": "Accept"});
        world.org().act(&salesforce::Act::update(GRACE, "Onboarding__c", id, &fields)).unwrap();
    }
}

/// What stands on the record: by the CRM's two names of a field.
pub(crate) fn stands(world: &Governed, onboarding: &RecordRef, salesforce: &str, hubspot: &str) -> String {
    let id = onboarding.record.as_str();
    if onboarding.object.as_str() == "p_onboarding" {
        return world.portal().property("p_onboarding", id.parse().unwrap(), hubspot).unwrap_or_default();
    }
    let stands = world.org().field(salesforce::Id::parse(id).unwrap(), salesforce);
    stands.as_str().map_or_else(|| stands.to_string(), str::to_owned)
}

/// Whether the record shows up in the CSM's queue.
pub(crate) fn in_queue(world: &Governed, onboarding: &RecordRef) -> bool {
    stands(world, onboarding, "Handoff_04_In_Queue__c", "handoff_04_in_queue") == "true"
}

/// The handoff of an onboarding.
pub(crate) async fn detail(world: &Governed, onboarding: &RecordRef) -> Detail {
    let filter = Filter { record: Some(onboarding.clone()), ..Filter::default() };
    let view = world.handle().view();
    let summary = view.handoffs(&filter).into_iter().next().unwrap();
    view.handoff(&summary.stream).await.unwrap().unwrap()
}

/// Where it stands.
pub(crate) async fn phase(world: &Governed, onboarding: &RecordRef) -> Phase {
    detail(world, onboarding).await.summary.phase
}

/// The fields that are missing.
pub(crate) async fn missing(world: &Governed, onboarding: &RecordRef) -> Vec<String> {
    let verdict = detail(world, onboarding).await.verdict.unwrap();
    let fields: BTreeSet<String> = verdict.missing.iter().map(|finding| finding.field.to_string()).collect();
    fields.into_iter().collect()
}
