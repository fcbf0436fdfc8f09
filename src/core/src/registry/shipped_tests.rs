//! What is shipped loads, and is what stands in the folder and what `deploy` installs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Registry, parse_contract, parse_mapping, shipped};

fn mappings_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../mappings")
}

fn walk(dir: &Path, root: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, root, found);
        } else if path.extension().is_some_and(|ending| ending == "toml") {
            found.insert(path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/"));
        }
    }
}

#[test]
fn shipped_is_exactly_what_stands_in_the_folder() {
    let root = mappings_dir();
    let mut there = BTreeSet::new();
    walk(&root, &root, &mut there);
    // The lexicon is shipped by handoff-rediscovery.
    there.retain(|path| !path.starts_with("rediscovery/"));
    let listed: BTreeSet<String> = shipped().map(|(path, _)| path.to_owned()).collect();
    assert_eq!(listed, there);
    for (path, text) in shipped() {
        assert_eq!(std::fs::read_to_string(root.join(path)).unwrap(), text);
        let schema = if path == "signals.toml" {
            assert!(text.starts_with("#:schema schema/signals.json\n"), "{path} names its schema");
            continue;
        } else if path.starts_with("contracts/") {
            "contract"
        } else if super::parse_evidence(path, text).is_ok() {
            "evidence"
        } else {
            "mapping"
        };
        assert!(text.starts_with(&format!("#:schema ../schema/{schema}.json\n")), "{path} names its schema");
    }
}

#[test]
fn shipped_files_load_with_all_38_fields() {
    let registry = Registry::load(shipped()).unwrap_or_else(|found| {
        panic!(
            "{}",
            found.iter().map(ToString::to_string).collect::<Vec<_>>().join(
                "
"
            )
        )
    });
    let counts: Vec<usize> = registry.contracts().map(|held| held.contract.fields.len()).collect();
    assert_eq!(counts, [6, 6, 8, 6, 6, 6]);
    let keys: Vec<String> = registry
        .contracts()
        .map(|held| {
            let fields = held.contract.fields.iter().map(|field| {
                let parts: Vec<&str> = field.parts.keys().map(crate::id::PartKey::as_str).collect();
                format!("  {}: {}\n", field.key, parts.join(", "))
            });
            format!("{}\n{}", held.reference.id, fields.collect::<String>())
        })
        .collect();
    insta::assert_snapshot!("fields", keys.concat());
}

#[test]
fn contracts_survive_json() {
    for (path, text) in shipped().filter(|(path, _)| path.starts_with("contracts/")) {
        let contract = parse_contract(path, text).unwrap();
        let json = serde_json::to_string(&contract).unwrap();
        assert_eq!(serde_json::from_str::<crate::contract::Contract>(&json).unwrap(), contract);
    }
}

/// Whatever the schema lets through, serde must read: two readers of one rule.
#[test]
fn mapping_survives_json() {
    let (path, text) = shipped().find(|(path, _)| path.starts_with("salesforce/")).unwrap();
    let mapping = parse_mapping(path, text).unwrap();
    let json = serde_json::to_string(&mapping).unwrap();
    assert_eq!(serde_json::from_str::<crate::mapping::Mapping>(&json).unwrap(), mapping);
}

#[test]
fn e14_every_default_salesforce_stage_is_named() {
    let registry = Registry::load(shipped()).unwrap();
    let mapping = registry.mapping("salesforce/h03-ae-to-onboarding").unwrap();
    let named: BTreeSet<&str> = mapping.stage.names.values().flatten().map(String::as_str).collect();
    let defaults = [
        "Prospecting",
        "Qualification",
        "Needs Analysis",
        "Value Proposition",
        "Id. Decision Makers",
        "Perception Analysis",
        "Proposal/Price Quote",
        "Negotiation/Review",
        "Closed Won",
        "Closed Lost",
    ];
    let missing: Vec<&&str> = defaults.iter().filter(|stage| !named.contains(**stage)).collect();
    assert_eq!(missing, Vec::<&&str>::new());
}

#[test]
fn e14_every_default_hubspot_stage_is_named() {
    let registry = Registry::load(shipped()).unwrap();
    let mapping = registry.mapping("hubspot/h03-ae-to-onboarding").unwrap();
    let named: BTreeSet<&str> = mapping.stage.names.values().flatten().map(String::as_str).collect();
    let defaults = [
        "appointmentscheduled",
        "qualifiedtobuy",
        "presentationscheduled",
        "decisionmakerboughtin",
        "contractsent",
        "closedwon",
        "closedlost",
    ];
    assert_eq!(named, BTreeSet::from(defaults));
}

/// What ships in `deploy/hubspot` for an object: property definitions.
fn installed(object: &str) -> Vec<serde_json::Value> {
    let text = match object {
        "contacts" => include_str!("../../../../deploy/hubspot/properties/contacts.json"),
        "deals" => include_str!("../../../../deploy/hubspot/properties/deals.json"),
        "tickets" => include_str!("../../../../deploy/hubspot/properties/tickets.json"),
        _ => {
            let schema: serde_json::Value =
                serde_json::from_str(include_str!("../../../../deploy/hubspot/schemas/onboarding.json"))
                    .unwrap();
            return schema["properties"].as_array().unwrap().clone();
        }
    };
    serde_json::from_str(text).unwrap()
}

/// What a mapping names is what `deploy/hubspot` installs, and nothing else of ours.
#[test]
fn the_hubspot_mappings_name_installed_properties() {
    let registry = Registry::load(shipped()).unwrap();
    let standard = [
        "dealstage",
        "hubspot_owner_id",
        "closedate",
        "lifecyclestage",
        "hs_pipeline_stage",
        "hubspotscore",
        "pipeline",
        "amount",
        "deal_currency_code",
        "hs_analytics_first_touch_converting_campaign",
    ];
    let names = [
        ("hubspot/h01-marketing-to-sdr", "handoff_01_reject_fields"),
        ("hubspot/h02-sdr-to-ae", "handoff_02_reject_fields"),
        ("hubspot/h03-ae-to-onboarding", "handoff_reject_fields"),
        ("hubspot/h04-onboarding-to-cs", "handoff_04_reject_fields"),
        ("hubspot/h04-onboarding-to-cs-fed", "handoff_04_reject_fields"),
        ("hubspot/h05-csm-to-support", "handoff_05_reject_fields"),
        ("hubspot/h06-motion-a-to-motion-b", "handoff_06_reject_fields"),
    ];
    for (name, reject) in names {
        let mapping = registry.mapping(name).unwrap();
        let bodies = installed(mapping.object.as_str());
        let ours: BTreeSet<&str> = bodies.iter().filter_map(|body| body["name"].as_str()).collect();
        assert_eq!(ours.len(), bodies.len());
        let needed = crate::extract::read_plan(mapping).fields;
        let known = |field: &&String| !ours.contains(field.as_str()) && !standard.contains(&field.as_str());
        assert_eq!(needed.iter().filter(known).collect::<Vec<_>>(), Vec::<&String>::new(), "{name}");
        let rejectable = bodies.iter().find(|body| body["name"] == reject).unwrap();
        let keys: BTreeSet<&str> = rejectable["options"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|one| one["value"].as_str())
            .collect();
        let contract = &registry.contract_of(mapping).unwrap().contract;
        assert_eq!(keys, contract.fields.iter().map(|field| field.key.as_str()).collect(), "{name}");
    }
}
