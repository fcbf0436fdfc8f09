//! Values that are not what they seem, and records from before: what is exported of them, and what is left alone.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use handoff_core::handoff::Phase;
use handoff_core::registry::shipped;
use handoff_measure::ledger::{Format, Month, Row, State, Statement};
use handoff_sandbox_hubspot::BulkDeal;
use handoff_sandbox_salesforce::Act;
use handoffd::view::Filter;
use handoffd_tests::crm::{Deal, HUBSPOT, Kind, SALESFORCE};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::{AVA, COMMISSION, QUEUE, STAGE};
use jiff::SignedDuration;
use serde_json::{Value, json};

const MAPPING: &str = "salesforce/h03-ae-to-onboarding.toml";

/// The shipped mapping, told what a deal is worth.
fn with_pay() -> (String, String) {
    let text = shipped().find(|(path, _)| *path == MAPPING).unwrap().1;
    let mut mapping: toml::Table = toml::from_str(text).unwrap();
    mapping.insert("pay".to_owned(), toml::toml! { amount = { field = "Amount", currency = "EUR" } }.into());
    (MAPPING.to_owned(), toml::to_string(&mapping).unwrap())
}

async fn paid() -> Governed {
    Governed::start(Options { files: vec![with_pay()], ..Options::default() }).await
}

async fn statement(world: &Governed) -> Statement {
    world.handle().commission(Month::of(world.now())).await.unwrap().statement
}

fn row(statement: &Statement, deal: Deal) -> Row {
    statement.rows.iter().find(|row| row.deal == deal.record().to_string()).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn e15_an_amount_moves_no_gate_and_leaves_as_it_was_entered() {
    let mut world = paid().await;
    let amounts = [json!(0), json!(-12.5), json!(0.1), json!(999_999_999_999.99), Value::Null];
    let deals: Vec<(Deal, &Value)> = amounts.iter().map(|amount| (world.full_deal("Odd"), amount)).collect();
    for (deal, amount) in &deals {
        world.edit(AVA, *deal, &json!({ "Amount": amount }));
    }
    world.pass().await;
    for (deal, amount) in &deals {
        assert_eq!(world.phase(*deal), Some(Phase::Complete), "{amount}");
        assert_eq!((world.flag(*deal, QUEUE), world.flag(*deal, COMMISSION)), (true, false), "{amount}");
        world.accept(*deal);
    }
    world.pass().await;
    let made = statement(&world).await;
    let told = ["0", "-12.5", "0.1", "999999999999.99"].map(Some).into_iter().chain([None]);
    for ((deal, amount), told) in deals.iter().zip(told) {
        assert!(world.flag(*deal, COMMISSION) && world.flag(*deal, STAGE), "{amount}");
        let row = row(&made, *deal);
        assert_eq!(row.state, State::Cleared, "{amount}");
        assert_eq!(row.amount.map(|amount| amount.normalize().to_string()).as_deref(), told, "{amount}");
    }
    // What is corrected afterwards moves no gate either.
    world.edit(AVA, deals[0].0, &json!({ "Amount": 1_000_000_000_000_i64 }));
    world.pass().await;
    assert_eq!(world.company().flips(deals[0].0, COMMISSION), (1, 0));
    assert_eq!(row(&statement(&world).await, deals[0].0).amount.unwrap().to_string(), "1000000000000");
    world.stop().await;
}

/// What a spreadsheet would run, a terminal would obey, or a reader of lines would take for a line.
const ATTACK: &str = "=HYPERLINK(\"http://x\",\"pay\")\r\n2026-11,\u{1b}[31mforged";

/// Every XML file of a workbook, in a row.
fn workbook(file: &Path) -> String {
    let script = "import sys, zipfile\nbook = zipfile.ZipFile(sys.argv[1])\n\
        print(''.join(book.read(name).decode() for name in book.namelist() if name.endswith('.xml')))";
    let run = Command::new("python3").args(["-c", script]).arg(file).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn e12_a_commission_file_runs_nothing_whatever_people_wrote() {
    let mut world = paid().await;
    let deal = world.full_deal(ATTACK);
    world.pass().await;
    world.reject(deal, "go_live", ATTACK);
    world.pass().await;
    let mut made = statement(&world).await;
    assert_eq!(row(&made, deal).state, State::Held);
    let place = made.rows.iter().position(|row| row.deal == deal.record().to_string()).unwrap();
    let worst = made.rows.get_mut(place).unwrap();
    (worst.payee, worst.receipt) = (ATTACK.to_owned(), format!(" {ATTACK}"));
    (worst.stage, worst.who_must_act) = (Some("@SUM(1)".to_owned()), Some("+1|cmd".to_owned()));

    let csv = Format::Csv.write(&made).unwrap();
    let mut read = csv::Reader::from_reader(csv.as_slice());
    let records: Vec<csv::StringRecord> = read.records().map(|record| record.unwrap()).collect();
    assert_eq!(records.len(), made.rows.len());
    for cell in records.iter().flatten() {
        assert!(!cell.chars().any(char::is_control), "{cell:?}");
        let begins = cell.trim_start().starts_with(['=', '+', '-', '@']);
        assert!(!begins || cell.parse::<f64>().is_ok(), "{cell:?}");
    }
    let json = Format::Json.write(&made).unwrap();
    assert_eq!(serde_json::from_slice::<Statement>(&json).unwrap(), made);
    assert!(!json.contains(&0x1b) && !json.contains(&b'\r'));

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), Format::Xlsx.write(&made).unwrap()).unwrap();
    let book = workbook(file.path());
    assert!(book.contains("=HYPERLINK(") && book.contains("@SUM(1)"), "it says what people wrote");
    for tag in ["<f>", "<f ", "<f/", "<hyperlink", "\u{1b}"] {
        assert!(!book.contains(tag), "{tag:?}");
    }
    world.stop().await;
}

/// The deals that were won two years before the daemon came.
const HISTORY: usize = 5_000;

async fn leaves_history_alone(crms: &'static [Kind]) {
    let mut world = Governed::prepare(Options { crms, ..Options::default() }).await;
    // What the company has already is a minute older than the cut-over.
    world.advance(60);
    let now = world.now();
    world.govern().governed_since = Some(now);
    let then = now.checked_sub(SignedDuration::from_hours(2 * 365 * 24)).unwrap();
    let old = match crms[0] {
        Kind::Hubspot => {
            let won = |number: usize| BulkDeal {
                properties: vec![
                    ("dealname", format!("Old {number}")),
                    ("dealstage", "closedwon".to_owned()),
                ],
                modified: Some(then),
                created: Some(then),
            };
            world.portal().bulk_deals(HISTORY, won).unwrap()[7].to_string()
        }
        Kind::Salesforce => load_won(&world, &then.to_string()),
    };
    let old = Deal::new(crms[0], old);
    let writes = |world: &Governed| world.company().first().crm().writes();
    world.begin().await.unwrap();
    let (before, entries) = (writes(&world), world.log().await.len());
    world.settle().await;
    let governed = |world: &Governed| world.handle().view().handoffs(&Filter::default());
    assert_eq!(governed(&world), vec![], "nothing of what was there is governed");
    assert!(world.handle().census_now().await.unwrap());
    world.settle().await;
    assert_eq!(governed(&world), vec![]);
    assert_eq!(writes(&world), before, "and nothing is written on it");
    assert!(world.log().await.len() <= entries + 5, "{HISTORY} old deals are not {HISTORY} entries");
    world.assert_balanced();

    // An old deal that is touched stays what it was; a new one is governed at once.
    match crms[0] {
        Kind::Hubspot => {
            let act = handoff_sandbox_hubspot::Act::update(AVA, "deals", old.hs(), json!({"amount": "5"}));
            world.portal().act(&act).map(drop).unwrap();
        }
        Kind::Salesforce => {
            let act = Act::update(AVA, "Opportunity", old.sf(), &json!({"Amount": 5}));
            world.org().act(&act.by(handoff_sandbox_salesforce::ActorKind::Workflow)).map(drop).unwrap();
        }
    }
    let new = world.full_deal("New");
    world.pass().await;
    assert_eq!((world.phase(old), world.phase(new)), (None, Some(Phase::Complete)));
    assert_eq!(governed(&world).len(), 1);
    world.stop().await;
}

/// Loads the old deals into the org; the id of one of them.
fn load_won(world: &Governed, then: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (file, mapping) = (folder.path().join("won.csv"), folder.path().join("won.toml"));
    let day = then.get(..10).unwrap();
    let mut text = "name,day\n".to_owned();
    for number in 0..HISTORY {
        writeln!(text, "Old {number},{day}").unwrap();
    }
    std::fs::write(&file, text).unwrap();
    let how = "object = \"Opportunity\"\nformat = \"csv\"\n[constants]\nStageName = \"Closed Won\"\n\
        [fields]\nName = \"name\"\nCloseDate = \"day\"\nCreatedDate = \"day\"\n\
        [dates]\nCloseDate = \"%Y-%m-%d\"\nCreatedDate = \"%Y-%m-%d\"\n";
    std::fs::write(&mapping, how).unwrap();
    assert_eq!(world.company().first().load(&file, &mapping), HISTORY);
    let found = world.org().query("SELECT Id FROM Opportunity WHERE Name = 'Old 7'").unwrap();
    found[0]["Id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn e16_what_was_won_before_the_cut_over_is_left_alone_in_salesforce() {
    leaves_history_alone(SALESFORCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e16_what_was_won_before_the_cut_over_is_left_alone_in_hubspot() {
    leaves_history_alone(HUBSPOT).await;
}
