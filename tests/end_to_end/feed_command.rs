//! `handoffd feed send`: files of rows, signed as any sender would sign them.

use handoff_core::handoff::Phase;
use handoffd::clock::{Clock as _, SystemClock};
use handoffd_tests::command::{typed, written};
use handoffd_tests::crm::SALESFORCE;
use handoffd_tests::feed::configure;
use serde_json::json;

use crate::feeds::{attendance, row, rows};
use crate::live::{CUSTOMER, goes_live, missing, phase, prepare_at};

const BINARY: &str = env!("CARGO_BIN_EXE_typed-command");

#[tokio::test(flavor = "multi_thread")]
async fn files_of_rows_are_sent_by_command_as_csv_and_as_json() {
    // The command signs with the machine's time.
    let mut world = prepare_at(SALESFORCE, Some(SystemClock.now())).await;
    configure(&mut world);
    world.begin().await.unwrap();
    let config = written(&world);
    let deal = world.full_deal("Sold");
    world.pass().await;
    world.accept(deal);
    world.pass().await;
    let (onboarding, trained) = goes_live(&world, deal, CUSTOMER);
    attendance(&world, &trained).await;
    world.pass().await;
    assert_eq!(missing(&world, &onboarding).await, ["adoption"]);

    let file = |name: &str, text: &str| {
        let path = world.dir().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let mut csv = "\u{feff}account,week,feature,users\r\n".to_owned();
    for row in &rows()[..3] {
        let cell = |name: &str| row[name].as_str().map_or_else(|| row[name].to_string(), str::to_owned);
        let line = ["account", "week", "feature", "users"].map(cell).join(",");
        csv.extend([line.as_str(), "\r\n"]);
    }
    let csv = file("usage.csv", &csv);
    let send = async |arguments: &[&str], input: &str| {
        let arguments: Vec<&str> = ["feed", "send"].iter().chain(arguments).copied().collect();
        typed(BINARY, &config, &arguments, input).await
    };
    let sent = send(&["usage", &csv], "").await;
    assert_eq!((sent.code, sent.err.as_str()), (0, ""), "{sent:?}");
    assert_eq!(sent.out, "3 rows: 3 taken, 0 known already, 0 about what was erased\n");
    let again = send(&["usage", &csv, "--json"], "").await;
    let told: serde_json::Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!(told, json!({"rows": 3, "taken": 0, "known": 3, "erased": 0}));
    let more = json!([row("2026-10-12", "Signatures", 3), row("2026-10-12", "Routing", 9)]).to_string();
    let sent = send(&["usage", "-", "--format", "json"], &more).await;
    assert_eq!(sent.out, "2 rows: 1 taken, 1 known already, 0 about what was erased\n", "{sent:?}");
    world.settle().await;
    assert_eq!(phase(&world, &onboarding).await, Phase::Complete);

    // What cannot be sent says why, and sends nothing.
    let entries = world.log().await.len();
    let ragged = file("ragged.csv", "account,week\nA\n");
    let wrong = file("wrong.json", &json!([{"account": "A", "users": "many"}]).to_string());
    for (arguments, code, says) in [
        (["usage", ragged.as_str()], 1, "as many cells as columns (line 2)"),
        (["usage", wrong.as_str()], 6, "the column `users` does not hold a number"),
        (["usage", "nowhere.csv"], 2, "cannot read nowhere.csv"),
        (["usage", "usage.xml"], 2, "--format csv or --format json"),
        (["usages", csv.as_str()], 3, "has no [feed.usages]"),
    ] {
        let refused = send(&arguments, "").await;
        assert_eq!(refused.code, code, "{refused:?}");
        assert!(refused.err.contains(says), "{refused:?}");
        assert!(!refused.err.contains("many\""), "{refused:?}");
    }
    world.pass().await;
    assert_eq!(world.log().await.len(), entries);
    world.stop().await;
    let alone = send(&["usage", &csv], "").await;
    assert!(alone.err.contains("no daemon runs on the state directory"), "{alone:?}");
}
