//! Tables as a warehouse connector exports them (`fivetran_hubspot`, `fivetran_salesforce`): they load, they map, and what does not fit is named.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use handoff_connector::CheckReport;
use handoff_core::contract::Mode;
use handoff_core::handoff::Phase;
use handoff_sandbox_hubspot::{Act, ActorKind, PipelineSpec, StageSpec};
use handoff_sandbox_salesforce::{Id, seed};
use handoffd::app::{App, Options};
use handoffd::clock::SystemClock;
use handoffd::view::Filter;
use handoffd_tests::crm::{Duty, HUBSPOT, SALESFORCE};
use handoffd_tests::governed::Governed;
use handoffd_tests::story::COMMISSION;
use serde_json::json;

use crate::data::{bare, data, here};

type Row = BTreeMap<String, String>;

fn rows(path: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.deserialize().map(|row| row.unwrap()).collect()
}

/// The file with each value of a column replaced by a name of ours; the names.
fn renamed(file: &Path, column: &str, to: &Path) -> Vec<String> {
    let found = rows(file).into_iter().map(|row| row[column].clone()).filter(|value| !value.is_empty());
    let found: BTreeSet<String> = found.collect();
    let mut text = std::fs::read_to_string(file).unwrap();
    let names: Vec<String> = (0..found.len()).map(|number| format!("owner{number}")).collect();
    for (value, name) in found.iter().zip(&names) {
        text = text.replace(value, name);
    }
    std::fs::write(to, text).unwrap();
    names
}

async fn checked(world: &Governed) -> CheckReport {
    let options = Options { autopilot: false, ..Options::default() };
    let registry = world.registry().unwrap();
    let reports = App::check_once(world.configured(), &registry, Arc::new(SystemClock), options).await;
    reports.unwrap().into_iter().next().unwrap().1.unwrap()
}

/// How many of these stages a finding names, as errors and as advice.
fn named(report: &CheckReport, stages: &[Row]) -> (usize, usize) {
    let about = |stage: &&Row| {
        let (quoted, plain) = (format!("'{}'", stage["stage_id"]), format!("id {},", stage["stage_id"]));
        let tells = move |problem: &str| problem.contains(&quoted) || problem.contains(&plain);
        let mut own = report.findings.iter().filter(move |finding| tells(&finding.problem));
        own.next().map(|finding| finding.error)
    };
    let found: Vec<bool> = stages.iter().filter_map(|stage| about(&stage)).collect();
    (found.iter().filter(|error| **error).count(), found.iter().filter(|error| !**error).count())
}

/// The shipped mapping with these stages named: won as they say, or every one as won.
fn with_stages(text: &str, stages: &[Row], all_won: bool) -> String {
    let list = |won: bool| {
        let own = stages
            .iter()
            .filter(|stage| all_won && won || !all_won && (stage["closed_won"] == "TRUE") == won);
        own.map(|stage| format!("\"{}\"", stage["stage_id"])).collect::<Vec<_>>().join(", ")
    };
    let won = format!("closed_won  = [\"closedwon\", {}]", list(true));
    let early = format!("\"decisionmakerboughtin\",\n    {}", list(false));
    text.replace("closed_won  = [\"closedwon\"]", &won).replace("\"decisionmakerboughtin\",", &early)
}

async fn portal(stages: &[Row], named: Option<bool>) -> Governed {
    let start = "2020-07-10T00:00:00Z".parse().unwrap();
    let edit = |path: &str, text: &str| match named {
        Some(all_won) if path == "hubspot/h03-ae-to-onboarding.toml" => with_stages(text, stages, all_won),
        Some(_) | None => text.to_owned(),
    };
    let world = bare(HUBSPOT, start, edit, &["*"]).await;
    let pipelines: BTreeSet<&str> = stages.iter().map(|stage| stage["pipeline_id"].as_str()).collect();
    for pipeline in pipelines {
        let own = stages.iter().filter(|stage| stage["pipeline_id"] == pipeline).map(|stage| {
            let closed = stage["is_closed"] == "TRUE";
            StageSpec::deal(&stage["stage_id"], &stage["label"], &stage["probability"], closed)
        });
        world.portal().put_pipeline("deals", PipelineSpec::new(pipeline, pipeline, own.collect())).unwrap();
    }
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn e04_e14_fivetran_hubspot_shapes_load_map_and_check() {
    let Some(folder) = data("fivetran_hubspot") else { return };
    let stages = rows(&folder.join("deal_pipeline_stage_data.csv"));
    let won = stages.iter().filter(|stage| stage["closed_won"] == "TRUE").count();
    assert_eq!((stages.len(), won), (71, 5));

    let shipped = checked(&portal(&stages, None).await).await;
    assert_eq!(named(&shipped, &stages), (0, 71), "each stage that nobody names is named: {shipped:#?}");
    let wrong = checked(&portal(&stages, Some(true)).await).await;
    assert_eq!(named(&wrong, &stages).0, 66, "won is what the pipeline says: {wrong:#?}");
    let mut world = portal(&stages, Some(false)).await;
    let fits = checked(&world).await;
    assert_eq!(named(&fits, &stages), (0, 0), "{fits:#?}");
    assert!(fits.findings.iter().all(|finding| !finding.error), "{fits:#?}");

    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("deals.csv");
    let owners = renamed(&folder.join("deal_data.csv"), "owner_id", &file);
    let mut text = std::fs::read_to_string(&file).unwrap();
    let vendor = world.company().first();
    for owner in &owners {
        let login = format!("{owner}@fivetran.example");
        vendor.hire(&login, Duty::Sends);
        text = text.replace(owner.as_str(), &world.portal().owner_id(&login).unwrap().to_string());
    }
    std::fs::write(&file, text).unwrap();
    assert_eq!(vendor.load(&file, &here("fivetran").join("deals.toml")), 44);
    world.begin().await.unwrap();
    world.settle().await;
    let governed = || world.handle().view().handoffs(&Filter::default());
    assert!(governed().is_empty(), "a deal without a stage is in none that opens a handoff");

    // Three of them are won past every rule: governed at once, and nothing is paid.
    let stage = stages.iter().find(|stage| stage["closed_won"] == "TRUE").unwrap();
    let deals = world.company().first().deals();
    for deal in deals.iter().take(3) {
        let fields = json!({"pipeline": stage["pipeline_id"], "dealstage": stage["stage_id"]});
        let act = Act::update("", "deals", deal.id.parse().unwrap(), fields);
        world.portal().act(&act.by(ActorKind::Workflow)).unwrap();
    }
    world.pass().await;
    assert_eq!(governed().len(), 3);
    assert!(deals.iter().all(|deal| !world.flag(*deal, COMMISSION)));
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn fivetran_salesforce_shapes_load_map_and_check() {
    let Some(folder) = data("fivetran_salesforce") else { return };
    let start = "2019-04-05T00:00:00Z".parse().unwrap();
    let mut world = bare(SALESFORCE, start, |_, text| text.to_owned(), &["*"]).await;
    // The org's rule is active, so the gate that it reads has to be written.
    world.govern().mode.insert("closed_won".into(), Mode::Enforce);
    let report = checked(&world).await;
    assert!(report.findings.iter().all(|finding| !finding.error), "{report:#?}");

    let scratch = tempfile::tempdir().unwrap();
    let (file, users) = (scratch.path().join("opportunities.csv"), scratch.path().join("users.csv"));
    let owners = renamed(&folder.join("sf_opportunity_data.csv"), "owner_id", &file);
    std::fs::write(&users, format!("id\n{}\n", owners.join("\n"))).unwrap();
    let mapping = |name: &str| here("fivetran").join(name);
    let vendor = world.company().first();
    assert_eq!(vendor.load(&users, &mapping("users.toml")), owners.len());
    assert_eq!(vendor.load(&file, &mapping("opportunities.toml")), 10);
    world.begin().await.unwrap();
    world.settle().await;
    let phases = || -> Vec<Phase> {
        world.handle().view().handoffs(&Filter::default()).iter().map(|each| each.phase).collect()
    };
    assert_eq!(phases(), [Phase::Draft; 5], "the five that were won, and nothing is ready");
    let deals = world.company().first().deals();
    assert!(deals.iter().all(|deal| !world.flag(*deal, COMMISSION)));

    // All ten are marked as deleted in the export.
    assert!(rows(&folder.join("sf_opportunity_data.csv")).iter().all(|row| row["is_deleted"] == "true"));
    for deal in &deals {
        world.org().delete(seed::ADMIN_USER, Id::parse(deal.id).unwrap()).unwrap();
    }
    world.pass().await;
    assert_eq!(phases(), [Phase::Voided; 5]);
    world.assert_balanced();
}
