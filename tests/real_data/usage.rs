//! Telemetry of 4,967 subscriptions (ravenstack) and of a product's own accounts (pendo), through the signed feed into handoff 04.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use handoff_core::feed::ColumnKind;
use handoff_core::handoff::Phase;
use handoff_core::value::Value as Found;
use handoffd::clock::{Clock as _, SystemClock};
use handoffd::config::Feed;
use handoffd::view::Detail;
use handoffd_tests::command::{typed, written};
use handoffd_tests::crm::{HUBSPOT, Kind, SALESFORCE};
use handoffd_tests::files::{edited, put};
use handoffd_tests::governed::{Governed, secret};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::contracts::{company, details, folder, missing};
use crate::data::{data, here, python};

const CONTRACT: &str = "h04-onboarding-to-cs";
const BINARY: &str = env!("CARGO_BIN_EXE_typed-command");

/// A set of telemetry: how the feed that takes it is configured.
struct Telemetry {
    name: &'static str,
    folder: &'static str,
    opening: &'static str,
    key: &'static str,
    id: &'static [&'static str],
    columns: &'static [(&'static str, ColumnKind)],
    at: &'static str,
    feature: &'static str,
    uses: &'static str,
}

const RAVENSTACK: Telemetry = Telemetry {
    name: "ravenstack",
    folder: "ravenstack_usage",
    opening: "2024-07-01T00:00:00Z",
    key: "subscription_id",
    id: &["usage_id"],
    columns: &[
        ("usage_id", ColumnKind::Text),
        ("subscription_id", ColumnKind::Text),
        ("usage_date", ColumnKind::Date),
        ("feature_name", ColumnKind::Text),
        ("usage_count", ColumnKind::Number),
        ("usage_duration_secs", ColumnKind::Number),
        ("error_count", ColumnKind::Number),
        ("is_beta_feature", ColumnKind::Flag),
    ],
    at: "usage_date",
    feature: "feature_name",
    uses: "usage_count",
};

const PENDO: Telemetry = Telemetry {
    name: "pendo",
    folder: "fivetran_pendo",
    opening: "2021-07-01T00:00:00Z",
    key: "account_id",
    id: &["id", "at"],
    columns: &[
        ("account_id", ColumnKind::Text),
        ("id", ColumnKind::Text),
        ("at", ColumnKind::Time),
        ("feature", ColumnKind::Text),
        ("events", ColumnKind::Number),
    ],
    at: "at",
    feature: "feature",
    uses: "events",
};

/// The shipped mapping of handoff 04, its adoption by the feed.
fn mapping(kind: Kind, telemetry: &Telemetry) -> (String, String) {
    let key = match kind {
        Kind::Salesforce => "Telemetry_Key__c",
        Kind::Hubspot => "telemetry_key",
    };
    let Telemetry { at, feature, uses, .. } = telemetry;
    let from = format!("feed = \"usage\", key = \"{key}\", window = {{ days = 365, before = \"opening\" }}");
    let series = format!("at = \"{at}\", value = \"{uses}\", by = \"week\"");
    edited(&format!("{}/{CONTRACT}.toml", folder(kind)), |table| {
        let curve = format!("curve = {{ {from}, series = {{ {series} }} }}");
        let features = format!("features = {{ {from}, series = {{ {series}, per = \"{feature}\" }} }}");
        put(table, &format!("[read.adoption]\n{curve}\n{features}\n"));
    })
}

/// Points as week → sum.
fn points(value: &Found) -> Value {
    let Found::Series(points) = value else { panic!("{value:?}") };
    let points = serde_json::to_value(points).unwrap();
    let pair = |point: &Value| {
        let sum: f64 = point[1].as_str().unwrap().parse().unwrap();
        (point[0].as_str().unwrap().to_owned(), json!(sum))
    };
    points.as_array().unwrap().iter().map(pair).collect::<serde_json::Map<_, _>>().into()
}

/// What the package says about adoption, as the script says it, under its key.
fn adoption(detail: &Detail) -> Value {
    let package = &detail.state.as_ref().unwrap().package;
    let part = |name: &str| package.get(&"adoption".into()).and_then(|parts| parts.get(&name.into()));
    let curve = part("curve").map_or_else(|| json!({}), |found| points(&found.value));
    let mut features = BTreeMap::new();
    if let Some(found) = part("features") {
        let Found::List(rows) = &found.value else { panic!("{found:?}") };
        for row in rows {
            let name = serde_json::to_value(row.get("feature").unwrap()).unwrap();
            features
                .insert(name["value"].as_str().unwrap().to_owned(), points(row.get("weekly_users").unwrap()));
        }
    }
    json!({"curve": curve, "features": features})
}

/// Sums as numbers of one kind.
fn even(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64().unwrap()),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), even(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

async fn agrees_with_the_script(crms: &'static [Kind], telemetry: &Telemetry, first: Option<usize>) {
    let Some(folder_of_data) = data(telemetry.folder) else { return };
    let scratch = tempfile::tempdir().unwrap();
    let most = first.map(|first| first.to_string());
    let args = most.as_deref().map_or(vec![], |most| vec!["--first", most]);
    let told = python("usage.py", &[Path::new(telemetry.name), &folder_of_data, scratch.path()], &args);
    let truth: Value = serde_json::from_str(&told).unwrap();
    let kind = crms[0];
    let opening: Timestamp = telemetry.opening.parse().unwrap();
    let mut world = company(crms, opening, vec![mapping(kind, telemetry)], &[CONTRACT]).await;
    let secrets = vec![secret(world.dir(), "feed", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")];
    let feed = Feed {
        about: None,
        secrets,
        key: telemetry.key.to_owned(),
        identity: telemetry.id.iter().map(|column| (*column).to_owned()).collect(),
        columns: telemetry.columns.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect(),
    };
    world.config(|config| config.feed = BTreeMap::from([("usage".to_owned(), feed)]));
    let onboardings = here("usage").join(folder(kind)).join("onboardings.toml");
    let loaded = world.company().first().load(&scratch.path().join("onboardings.csv"), &onboardings);
    let customers = truth["keys"].as_object().unwrap();
    assert_eq!(loaded, customers.len());
    // They went live when the CRM's clock stood there; the command signs with the machine's time.
    world.set_time(SystemClock.now());
    world.begin().await.unwrap();
    world.settle().await;
    assert!(details(&world, CONTRACT).await.iter().all(|detail| missing(detail).contains("adoption")));

    let file = match telemetry.name {
        "pendo" => scratch.path().join("rows.json"),
        _ => folder_of_data.join("ravenstack_feature_usage.csv"),
    };
    let files = pieces(&file, scratch.path(), first.unwrap_or(usize::MAX));
    let sent = send(&world, &files).await;
    let known = truth["rows"].as_u64().unwrap() - truth["kept"].as_u64().unwrap();
    assert_eq!(sent, json!({"rows": truth["rows"], "taken": truth["kept"], "known": known, "erased": 0}));
    world.settle().await;

    let (mut found, mut filled) = (serde_json::Map::new(), 0);
    for detail in details(&world, CONTRACT).await {
        let state = detail.state.as_ref().unwrap();
        assert_eq!(state.phase, Phase::Draft, "telemetry alone hands nothing over");
        let key = customer(&world, kind, state.id.subject.record.as_str());
        filled += u64::from(!missing(&detail).contains("adoption"));
        found.insert(key, adoption(&detail));
    }
    let same = |key: &String| found.get(key) == Some(&even(&customers[key]));
    let other: Vec<&String> = customers.keys().filter(|key| !same(key)).collect();
    let first = other.first().map(|key| (key, found.get(key.as_str()), &customers[key.as_str()]));
    assert!(other.is_empty(), "{} of {} otherwise: {first:?}", other.len(), customers.len());
    assert_eq!((found.len(), json!(filled)), (customers.len(), truth["filled"].clone()));
    let empty = found.values().filter(|adoption| adoption["curve"] == json!({})).count();
    assert_eq!(json!(empty), truth["empty"]);
    world.assert_balanced();

    // The whole of it again, row by row: nothing is taken, nothing is decided.
    let entries = world.log().await.len();
    let again = send(&world, &files).await;
    assert_eq!(again["taken"], json!(0), "{again}");
    world.settle().await;
    assert_eq!(world.log().await.len(), entries);
    if telemetry.name == "pendo" {
        refuses_what_it_was_not_told_of(&world, &folder_of_data).await;
        assert_eq!(world.log().await.len(), entries);
    }
    world.stop().await;
}

/// The first lines of a CSV file as several files of 1,000 lines each, as a nightly job would send them; anything else as it is.
fn pieces(file: &Path, to: &Path, first: usize) -> Vec<PathBuf> {
    if file.extension() != Some("csv".as_ref()) {
        return vec![file.to_owned()];
    }
    let text = std::fs::read_to_string(file).unwrap();
    let (header, lines) = text.split_once('\n').unwrap();
    let lines: Vec<&str> = lines.lines().take(first).collect();
    let pieces = lines.chunks(1_000).enumerate();
    let written = pieces.map(|(number, lines)| {
        let path = to.join(format!("piece{number}.csv"));
        std::fs::write(&path, format!("{header}\n{}\n", lines.join("\n"))).unwrap();
        path
    });
    written.collect()
}

/// Sends files by command, one after the other; what became of all their rows.
async fn send(world: &Governed, files: &[PathBuf]) -> Value {
    let config = written(world);
    let mut all = [0; 4];
    for file in files {
        // The command signs with the machine's time.
        world.set_time(SystemClock.now());
        let sent =
            typed(BINARY, &config, &["feed", "send", "usage", file.to_str().unwrap(), "--json"], "").await;
        assert_eq!(sent.code, 0, "{sent:?}");
        let sent: Value = serde_json::from_str(&sent.out).unwrap();
        for (sum, name) in all.iter_mut().zip(["rows", "taken", "known", "erased"]) {
            *sum += sent[name].as_u64().unwrap();
        }
        // While records are read, HubSpot's pace moves the daemon's clock.
        world.settle().await;
    }
    json!({"rows": all[0], "taken": all[1], "known": all[2], "erased": all[3]})
}

/// The vendor's own table holds visitors' addresses: a feed that does not know such columns takes no row of it.
async fn refuses_what_it_was_not_told_of(world: &Governed, folder: &Path) {
    let config = written(world);
    world.set_time(SystemClock.now());
    let file = folder.join("feature_event.csv");
    let refused = typed(BINARY, &config, &["feed", "send", "usage", file.to_str().unwrap()], "").await;
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(refused.err.contains("the column `remote_ip` is not in the schema"), "{refused:?}");
    assert!(!refused.err.contains("192.0.2."), "{refused:?}");
}

/// By which key telemetry knows the customer of an onboarding.
fn customer(world: &Governed, kind: Kind, record: &str) -> String {
    match kind {
        Kind::Salesforce => {
            let id = handoff_sandbox_salesforce::Id::parse(record).unwrap();
            world.org().field(id, "Telemetry_Key__c").as_str().unwrap().to_owned()
        }
        Kind::Hubspot => {
            world.portal().property("p_onboarding", record.parse().unwrap(), "telemetry_key").unwrap()
        }
    }
}

/// Of 25,000: what is played in every run.
const FIRST: Option<usize> = Some(3_000);

#[tokio::test(flavor = "multi_thread")]
async fn ravenstack_every_curve_as_counted_outside_in_salesforce() {
    agrees_with_the_script(SALESFORCE, &RAVENSTACK, FIRST).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ravenstack_every_curve_as_counted_outside_in_hubspot() {
    agrees_with_the_script(HUBSPOT, &RAVENSTACK, FIRST).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "all 25,000 rows take minutes"]
async fn ravenstack_the_whole_file_in_salesforce() {
    agrees_with_the_script(SALESFORCE, &RAVENSTACK, None).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "all 25,000 rows take minutes"]
async fn ravenstack_the_whole_file_in_hubspot() {
    agrees_with_the_script(HUBSPOT, &RAVENSTACK, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pendo_every_curve_as_counted_outside_in_salesforce() {
    agrees_with_the_script(SALESFORCE, &PENDO, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pendo_every_curve_as_counted_outside_in_hubspot() {
    agrees_with_the_script(HUBSPOT, &PENDO, None).await;
}
