//! A real marketing account (Marketo, by way of a warehouse connector) through handoff 01: 748 leads, what they opened and clicked, and whom anybody
//! could call with a reason.

use std::collections::BTreeSet;
use std::path::Path;

use handoff_core::beside::Happening;
use handoff_core::event::Event;
use handoff_core::handoff::Phase;
use handoff_core::value::Value as Found;
use handoffd::view::Detail;
use handoffd_tests::crm::{Duty, HUBSPOT, Kind, SALESFORCE};
use handoffd_tests::files::{edited, put};
use handoffd_tests::governed::Governed;
use serde_json::{Value, json};
use toml::Table;

use crate::contracts::{company, details, folder, missing};
use crate::data::{data, here, python};

const CONTRACT: &str = "h01-marketing-to-sdr";

/// The shipped contract as receivers would have agreed it with a marketing team that does not measure how long a page is read.
fn contract() -> (String, String) {
    edited(&format!("contracts/{CONTRACT}.v1.toml"), |table| {
        let fields = table.get_mut("field").and_then(toml::Value::as_array_mut).unwrap();
        let key = |field: &Table| field.get("key").and_then(toml::Value::as_str) == Some("behaviour");
        let behaviour = fields.iter_mut().filter_map(toml::Value::as_table_mut).find(|field| key(field));
        put(behaviour.unwrap(), "[parts]\npages = { kind = \"list\", columns = { page = \"name\" } }\n");
    })
}

/// The shipped mapping with a profile that judges by rule, and with what the receiving team does.
fn mapping(kind: Kind) -> (String, String) {
    let (rows, of_kind, title, day, reach, doings) = match kind {
        Kind::Salesforce => (
            "Web_Activities__r",
            "Kind__c",
            "Title__c",
            "Visited_On__c",
            "Reach__c",
            "{ related = \"Tasks\", where = { Status = \"Completed\" }, by = \"OwnerId\", at = \"CreatedDate\" }",
        ),
        Kind::Hubspot => (
            "p_touchpoint",
            "touch_kind",
            "asset",
            "seen_on",
            "reach",
            "{ related = \"calls\", by = \"hubspot_owner_id\", at = \"hs_timestamp\" }",
        ),
    };
    let pages = format!(
        "{{ related = \"{rows}\", where = {{ {of_kind} = \"Page\" }}, dated = \"{day}\", \
         window = {{ days = 90, before = \"opening\" }}, rows = {{ page = \"{title}\" }} }}"
    );
    let count =
        |of: &str| format!("{{ related = \"{rows}\", where = {{ {of_kind} = {of} }}, count = true }}");
    let profile = format!(
        "[icp]\nversion = \"2020-05\"\nnames = {{ full = \"Full\", partial = \"Partial\", none = \"None\" }}\n\
         [icp.criteria]\n\
         reach = {{ read = {{ field = \"{reach}\" }}, any = [\"ok\"], must = true }}\n\
         clicked = {{ read = {}, at_least = 1 }}\n\
         seen = {{ read = {}, at_least = 2 }}\n",
        count("\"Page\""),
        count("\"Asset\""),
    );
    edited(&format!("{}/{CONTRACT}.toml", folder(kind)), |table| {
        let read = table.get_mut("read").and_then(toml::Value::as_table_mut).unwrap();
        put(read, &format!("[behaviour]\npages = {pages}\n"));
        put(read, "[icp_match]\nmatch = { icp = \"match\" }\nicp_version = { icp = \"version\" }\n");
        table.remove("icp");
        table.remove("beside");
        put(table, &profile);
        put(table, &format!("[beside]\nactivities = [{doings}]\n"));
    })
}

/// Hires sender and receiver, and names them in the leads' file as the CRM does; loads everything.
fn fill(world: &Governed, files: &Path, truth: &Value) {
    let vendor = world.company().first();
    let folder = here("marketo").join(folder(vendor.kind()));
    let load = |name: &str| {
        let (file, mapping) = (files.join(format!("{name}.csv")), folder.join(format!("{name}.toml")));
        json!(vendor.load(&file, &mapping))
    };
    let leads = truth["leads"].as_object().unwrap().len();
    match vendor.kind() {
        Kind::Salesforce => {
            std::fs::write(files.join("users.csv"), "id\nsdr\nmarketer\n").unwrap();
            load("users");
            assert_eq!(load("leads"), json!(leads));
            assert_eq!(load("campaigns"), truth["campaigns"]);
            assert_eq!(load("members"), truth["members"]);
            assert_eq!(load("sends"), truth["sends"]);
        }
        Kind::Hubspot => {
            let path = files.join("leads.csv");
            let mut told = std::fs::read_to_string(&path).unwrap();
            for person in ["sdr", "marketer"] {
                let login = format!("{person}@marketo.example");
                vendor.hire(&login, Duty::Sends);
                let owner = world.portal().owner_id(&login).unwrap();
                let lines = told.lines().enumerate().map(|(number, line)| {
                    if number == 0 {
                        line.to_owned()
                    } else {
                        line.replace(&format!(",{person},"), &format!(",{owner},"))
                    }
                });
                told = lines.collect::<Vec<_>>().join("\n");
            }
            std::fs::write(&path, told).unwrap();
            assert_eq!(load("leads"), json!(leads));
        }
    }
    assert_eq!(load("activities"), truth["activities"]);
}

/// Rows of a list, or the number itself; nothing = 0.
fn many(detail: &Detail, field: &str, part: &str) -> Value {
    let package = &detail.state.as_ref().unwrap().package;
    match package.get(&field.into()).and_then(|parts| parts.get(&part.into())).map(|found| &found.value) {
        None => json!(0),
        Some(Found::List(rows)) => json!(rows.len()),
        Some(Found::Number(number)) => json!(number.to_string().parse::<u64>().unwrap()),
        Some(other) => panic!("{field}.{part}: {other:?}"),
    }
}

fn word(detail: &Detail, field: &str, part: &str) -> String {
    let package = &detail.state.as_ref().unwrap().package;
    match &package.get(&field.into()).unwrap().get(&part.into()).unwrap().value {
        Found::Choice(text) | Found::Name(text) => text.clone(),
        other => panic!("{other:?}"),
    }
}

fn lead(world: &Governed, kind: Kind, record: &str) -> String {
    match kind {
        Kind::Salesforce => {
            let id = handoff_sandbox_salesforce::Id::parse(record).unwrap();
            world.org().field(id, "LastName").as_str().unwrap().to_owned()
        }
        Kind::Hubspot => world.portal().property("contacts", record.parse().unwrap(), "lastname").unwrap(),
    }
}

fn names(value: &Value) -> BTreeSet<String> {
    value.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

async fn agrees_with_the_script(crms: &'static [Kind]) {
    let Some(account) = data("fivetran_marketo") else { return };
    let scratch = tempfile::tempdir().unwrap();
    let truth: Value = serde_json::from_str(&python("marketo.py", &[&account, scratch.path()], &[])).unwrap();
    let kind = crms[0];
    let qualified = "2020-05-11T00:00:00Z".parse().unwrap();
    let mut world = company(
        crms,
        qualified,
        vec![contract(), mapping(Kind::Salesforce), mapping(Kind::Hubspot)],
        &[CONTRACT],
    )
    .await;
    fill(&world, scratch.path(), &truth);
    world.begin().await.unwrap();
    world.settle().await;

    let leads = truth["leads"].as_object().unwrap();
    let (mut complete, mut stamps) = (BTreeSet::new(), BTreeSet::new());
    let found = details(&world, CONTRACT).await;
    assert_eq!(found.len(), leads.len(), "every lead is governed");
    for detail in &found {
        let state = detail.state.as_ref().unwrap();
        let name = lead(&world, kind, state.id.subject.record.as_str());
        let told = json!({
            "assets": many(detail, "source", "journey"),
            "pages": many(detail, "behaviour", "pages"),
            "returns": many(detail, "behaviour", "return_visits"),
            "profile": word(detail, "icp_match", "match"),
            "missing": missing(detail),
        });
        let why = &detail.verdict.as_ref().unwrap().missing;
        assert_eq!(told, leads[&name], "lead {name}: {why:?}");
        stamps.insert(word(detail, "icp_match", "icp_version"));
        if state.phase == Phase::Complete {
            complete.insert(name.clone());
        }
        let routed = detail.verdict.as_ref().unwrap().gates.get(&"routing".into()).copied();
        assert_eq!(
            routed,
            Some(complete.contains(&name)),
            "a lead is handed out with a reason to call, or not at all"
        );
    }
    assert_eq!(complete, names(&truth["complete"]));
    assert_eq!(complete.len(), 6, "of 748 leads");
    assert_eq!(stamps.len(), 1, "one profile judged them all: {stamps:?}");
    assert!(stamps.iter().all(|stamp| stamp.starts_with("2020-05#")), "{stamps:?}");

    // Three days and an hour later: what the sender's campaigns sent was nobody's first touch.
    world.advance(73 * 3_600);
    world.handle().sweep_now().await.unwrap();
    world.settle().await;
    let (mut missed, mut touched) = (BTreeSet::new(), 0);
    for detail in details(&world, CONTRACT).await {
        let name = lead(&world, kind, detail.state.as_ref().unwrap().id.subject.record.as_str());
        let entries = detail.entries.iter().filter_map(|entry| entry.entry.as_ref()?.handoff());
        for event in entries.flat_map(|(_, events)| events) {
            match event {
                Event::Beside { what: Happening::FirstTouchMissed { .. } } => {
                    missed.insert(name.clone());
                }
                Event::Beside { what: Happening::FirstTouched { .. } } => touched += 1,
                _ => {}
            }
        }
    }
    assert_eq!((missed, touched), (complete, 0));
    world.assert_balanced();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn marketo_every_lead_as_counted_outside_in_salesforce() {
    agrees_with_the_script(SALESFORCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn marketo_every_lead_as_counted_outside_in_hubspot() {
    agrees_with_the_script(HUBSPOT).await;
}
