//! 722 deals that were really closed and 8,000 leads (Olist): nothing of them is ready to be handed over.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::event::Concern;
use handoffd::view::Filter;
use serde_json::{Value, json};

use crate::world::{World, data, here, python};

const MAPPING: &str = "salesforce/h03-ae-to-onboarding.toml";

/// The shipped mapping, told where the first contact stands.
fn with_first_contact(path: &str, text: &str) -> String {
    if !path.ends_with(MAPPING) {
        return text.to_owned();
    }
    format!("{text}\n[timeline]\nfirst_contact = \"First_Contact__c\"\n")
}

fn names(truth: &Value, key: &str) -> BTreeSet<String> {
    truth[key].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn e05_e06_olist_no_pay_on_what_is_there_and_every_count_as_counted_outside() {
    let Some(funnel) = data("olist_funnel") else { return };
    let joined = tempfile::tempdir().unwrap();
    let truth: Value = serde_json::from_str(&python("olist.py", &[&funnel, joined.path()], &[])).unwrap();
    let start = "2018-07-01T00:00:00Z".parse().unwrap();
    let fill = |org: &handoff_sandbox_salesforce::Org| {
        let load = |file: &std::path::Path, mapping: &str| org.load(file, &here(mapping)).unwrap().saved;
        assert_eq!(json!(load(&joined.path().join("users.csv"), "olist/users.toml")), truth["people"]);
        let leads = funnel.join("olist_marketing_qualified_leads_dataset.csv");
        assert_eq!(load(&leads, "olist/leads.toml"), 8_000);
        assert_eq!(load(&joined.path().join("deals.csv"), "olist/deals.toml"), 722);
    };
    let world = World::start(start, fill, with_first_contact, &["*"]).await;
    world.pass().await;

    let rows = world.org().query("SELECT Id, Name, Handoff_03_Commission_Open__c FROM Opportunity").unwrap();
    let name_of: BTreeMap<String, String> = rows
        .iter()
        .map(|row| (row["Id"].as_str().unwrap().to_owned(), row["Name"].as_str().unwrap().to_owned()))
        .collect();
    assert!(
        rows.iter().all(|row| row["Handoff_03_Commission_Open__c"] == Value::Bool(false)),
        "a flag opened"
    );
    assert!(world.org().writes().iter().all(|write| !format!("{write:?}").contains("Commission_Open__c")));

    let view = world.app.view();
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
}
