//! 722 deals that were really closed and 8,000 leads (Olist): nothing of them is ready to be handed over.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use handoff_core::event::Concern;
use handoffd::view::Filter;
use handoffd_tests::crm::{Duty, HUBSPOT, Kind, SALESFORCE};
use handoffd_tests::governed::Governed;
use handoffd_tests::story::COMMISSION;
use serde_json::{Value, json};

use crate::data::{bare, data, here, python};

/// The shipped mapping, told where the first contact stands.
fn with_first_contact(kind: Kind, path: &str, text: &str) -> String {
    if path != format!("{}.toml", kind.mapping()) {
        return text.to_owned();
    }
    let field = match kind {
        Kind::Salesforce => "First_Contact__c",
        Kind::Hubspot => "first_contact",
    };
    format!("{text}\n[timeline]\nfirst_contact = \"{field}\"\n")
}

fn names(truth: &Value, key: &str) -> BTreeSet<String> {
    truth[key].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn e05_e06_olist_in_salesforce_no_pay_on_what_is_there_and_every_count_as_counted_outside() {
    counts_as_counted_outside(SALESFORCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e05_e06_olist_in_hubspot_no_pay_on_what_is_there_and_every_count_as_counted_outside() {
    counts_as_counted_outside(HUBSPOT).await;
}

/// Every SDR and sales representative becomes a user, and the deals' file names them as the CRM does; how many there are.
fn hire(world: &Governed, folder: &Path) -> usize {
    let vendor = world.company().first();
    let users = folder.join("users.csv");
    match vendor.kind() {
        Kind::Salesforce => vendor.load(&users, &here("olist").join("salesforce").join("users.toml")),
        Kind::Hubspot => {
            let text = std::fs::read_to_string(&users).unwrap();
            let people: Vec<&str> = text.lines().skip(1).collect();
            let deals = folder.join("deals.csv");
            let mut told = std::fs::read_to_string(&deals).unwrap();
            for person in &people {
                let login = format!("{person}@olist.example");
                vendor.hire(&login, Duty::Sends);
                told = told.replace(person, &world.portal().owner_id(&login).unwrap().to_string());
            }
            std::fs::write(&deals, told).unwrap();
            people.len()
        }
    }
}

async fn counts_as_counted_outside(crms: &'static [Kind]) {
    let Some(funnel) = data("olist_funnel") else { return };
    let joined = tempfile::tempdir().unwrap();
    let truth: Value = serde_json::from_str(&python("olist.py", &[&funnel, joined.path()], &[])).unwrap();
    let start = "2018-07-01T00:00:00Z".parse().unwrap();
    let mut world = bare(crms, start, |path, text| with_first_contact(crms[0], path, text), &["*"]).await;
    let vendor = world.company().first();
    let folder = here("olist").join(vendor.kind().mapping().split('/').next().unwrap());
    let load = |file: &Path, mapping: &str| vendor.load(file, &folder.join(mapping));
    assert_eq!(json!(hire(&world, joined.path())), truth["people"]);
    let leads = funnel.join("olist_marketing_qualified_leads_dataset.csv");
    assert_eq!(load(&leads, "leads.toml"), 8_000);
    assert_eq!(load(&joined.path().join("deals.csv"), "deals.toml"), 722);
    world.begin().await.unwrap();
    world.settle().await;

    let company = world.company();
    let vendor = company.first();
    let deals = vendor.deals();
    let name_of: BTreeMap<&str, String> = deals.iter().map(|deal| (deal.id, vendor.name(*deal))).collect();
    for deal in &deals {
        assert!(!company.flag(*deal, COMMISSION), "a flag opened");
        assert_eq!(company.flips(*deal, COMMISSION), (0, 0), "or was touched");
    }

    let view = world.handle().view();
    let (mut filled, mut one_person, mut too_early) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
    let summaries = view.handoffs(&Filter::default());
    assert_eq!(summaries.len(), 722, "every won deal is governed");
    for summary in summaries {
        let detail = view.handoff(&summary.stream).await.unwrap().unwrap();
        let state = detail.state.unwrap();
        let name = name_of[state.id.subject.record.as_str()].clone();
        let missing: BTreeSet<&str> =
            detail.verdict.as_ref().unwrap().missing.iter().map(|found| found.field.as_str()).collect();
        let all = [
            "commitments",
            "displacement",
            "economic_buyer",
            "expansion",
            "go_live",
            "risks",
            "sponsor_map",
            "success_criteria",
        ];
        let there: Vec<&str> = all.into_iter().filter(|key| !missing.contains(key)).collect();
        filled.insert(name.clone(), there.join(" "));
        if state.concerns.contains(&Concern::SenderIsReceiver) {
            one_person.insert(name.clone());
        }
        if state.concerns.contains(&Concern::WonBeforeFirstContact) {
            too_early.insert(name);
        }
    }
    let counted: BTreeMap<String, String> = truth["filled"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, keys)| {
            let keys: Vec<&str> = keys.as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
            (name.clone(), keys.join(" "))
        })
        .collect();
    assert_eq!(filled, counted, "completeness as counted outside the daemon");
    assert_eq!(one_person, names(&truth, "one_person"), "deals whose SDR and rep are one person");
    assert_eq!((one_person.len(), too_early.len()), (3, 1));
    assert_eq!(too_early, names(&truth, "too_early"), "deals won before the first contact");
    handoffd_tests::recompute::numbers_agree(&world).await;
}
