//! Was the customer asked again for what the accepted package holds? From a call of the sandbox to a person's word on the record and the
//! number, over the wire.

use handoff_core::evidence::Standing;
use handoff_core::handoff::Phase;
use handoff_core::id::ConnectionId;
use handoff_core::journal::LogEntry;
use handoff_measure::reask::{Accuracy, RateRow, rates};
use handoff_measure::scorecard::Scorecard;
use handoff_sandbox_gong::{Affiliation, CallSpec, Link, Party};
use handoff_sandbox_salesforce::Id;
use handoffd::calls::{Answered, ReaskView};
use handoffd::config::Rediscovery;
use serde_json::json;

use crate::by_hand::{begin, told, written};
use crate::gong::Stage;
use crate::world::{AVA, DECISION, INGRID};

const CUSTOMER: &str = "elena.marsh@customer00.example";
const NOTE: &str = "Handoff_03_Reask__c";

async fn accepted() -> (Stage, Id) {
    let mut stage = Stage::quiet().await;
    stage.world.config.rediscovery =
        Some(Rediscovery { calls: vec![ConnectionId::from("gong")], ..Rediscovery::default() });
    begin(&mut stage).await;
    let deal = stage.open_deal().await;
    stage.world.complete(deal);
    stage.settle().await;
    stage.world.edit(INGRID, deal, &json!({DECISION: "Accept"}));
    stage.settle().await;
    assert_eq!(stage.world.phase(deal), Some(Phase::Accepted));
    stage.pass(3_600);
    (stage, deal)
}

/// A call in which somebody of ours asks who signs, and the customer says again what was recorded.
fn asking(stage: &Stage, deal: Id, who: &str, name: &str) -> CallSpec {
    CallSpec::new("Kick-off", stage.company().now())
        .with(Party::new(who, name).on_side(Affiliation::Internal))
        .with(Party::new(CUSTOMER, "Elena Marsh"))
        .processed_at(stage.company().now())
        .about(Link::deal("Salesforce", &deal.as_str()[..15]))
        .says(
            who,
            "Start",
            &["Thanks for the time today.", "So who signs, and up to what amount can they sign alone?"],
        )
        .says(
            CUSTOMER,
            "Start",
            &["Our CFO signs up to two hundred fifty thousand euros alone.", "Above that it is the board."],
        )
        .says(who, "Start", &["Okay, thank you."])
}

async fn suggested(stage: &Stage, deal: Id) -> Vec<ReaskView> {
    stage.world.detail(deal).await.reasks
}

/// The numbers, from the log alone.
async fn counted(stage: &Stage) -> RateRow {
    let mut scorecard = Scorecard::new();
    for entry in stage.world.handle().view().log(0, 10_000).await.unwrap() {
        if let Some(entry) = &entry.entry {
            scorecard.apply(entry);
        }
    }
    let accuracy = Accuracy { sensitivity_percent: 90, specificity_percent: 95 };
    rates(&scorecard, stage.company().now(), accuracy).remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_for_what_was_recorded_is_suggested_and_counts_once_a_person_says_so_on_the_record() {
    let (mut stage, deal) = accepted().await;
    let call = stage.company().add_call(asking(&stage, deal, INGRID, "Ingrid Moen")).unwrap();
    stage.settle().await;
    let found = suggested(&stage, deal).await;
    let [one] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((one.reask.field.as_str(), one.reask.automatic), ("economic_buyer", true), "{one:?}");
    let note = stage.world.org().field(deal, NOTE);
    let note = note.as_str().unwrap();
    assert!(note.contains("confirm or dismiss") && note.contains(&call), "{note}");
    assert_eq!(stage.world.org().field(deal, DECISION), json!("Accept"), "the acceptance stays to be read");
    let before = counted(&stage).await;
    assert_eq!((before.accounts, before.asked_again, before.waiting, before.calls.automatic), (1, 0, 1, 1));

    stage.settle().await;
    let entries = stage.world.handle().view().log(0, 10_000).await.unwrap().len();
    stage.settle().await;
    assert_eq!(stage.world.handle().view().log(0, 10_000).await.unwrap().len(), entries, "quiet (L1)");

    stage.world.edit(INGRID, deal, &json!({DECISION: "Asked again"}));
    stage.settle().await;
    let found = suggested(&stage, deal).await;
    assert_eq!(found[0].standing, Standing::Confirmed);
    assert_eq!(found[0].by.as_deref(), Some(INGRID));
    assert_eq!(
        stage.world.org().field(deal, DECISION),
        json!(null),
        "emptied, so that the next answer is an act of its own"
    );
    assert_eq!(stage.world.phase(deal), Some(Phase::Accepted), "no gate hangs on it");
    let after = counted(&stage).await;
    assert_eq!(
        (after.asked_again, after.waiting, after.percent.map(|p| p.to_string())),
        (1, 0, Some("100".to_owned()))
    );

    // What was said is nowhere on disk, and a restart knows the same.
    let dir = stage.world.config.state_dir.clone();
    stage.world.stop().await;
    for entry in walk(&dir) {
        let bytes = std::fs::read(&entry).unwrap();
        for word in ["two hundred fifty thousand", "Thanks for the time"] {
            assert!(!bytes.windows(word.len()).any(|part| part == word.as_bytes()), "{}", entry.display());
        }
    }
    begin(&mut stage).await;
    assert_eq!(suggested(&stage, deal).await, found);

    // A call that is made private counts no more.
    stage.company().set_private(&call, true).unwrap();
    stage.settle().await;
    assert_eq!(suggested(&stage, deal).await, []);
    assert_eq!(counted(&stage).await.asked_again, 0);
    assert_eq!(stage.company().writes(), []);
    stage.world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sender_private_calls_and_calls_before_the_acceptance_ask_nothing_again() {
    let (stage, deal) = accepted().await;
    let early = CallSpec {
        started: stage.company().now() - jiff::SignedDuration::from_hours(2),
        ..asking(&stage, deal, INGRID, "Ingrid Moen")
    };
    for spec in [
        asking(&stage, deal, AVA, "Ava Lindqvist"),
        asking(&stage, deal, INGRID, "Ingrid Moen").private(),
        early,
    ] {
        stage.company().add_call(spec).unwrap();
    }
    stage.settle().await;
    assert_eq!(suggested(&stage, deal).await, []);
    assert_eq!(counted(&stage).await.asked_again, 0);
    stage.world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_on_the_record_counts_without_a_call_until_it_is_taken_back() {
    let (stage, deal) = accepted().await;
    stage.world.edit(INGRID, deal, &json!({"Handoff_03_Asked_Again__c": true}));
    stage.settle().await;
    assert_eq!(counted(&stage).await.asked_again, 1);
    stage.world.edit(INGRID, deal, &json!({"Handoff_03_Asked_Again__c": false}));
    stage.settle().await;
    assert_eq!(counted(&stage).await.asked_again, 0);
    stage.world.edit(INGRID, deal, &json!({"Handoff_03_Had_To_Repeat__c": true}));
    stage.settle().await;
    assert_eq!(counted(&stage).await.asked_again, 1);
    let log = stage.world.handle().view().log(0, 10_000).await.unwrap();
    let reports = log.iter().filter(|entry| matches!(entry.entry, Some(LogEntry::ReaskReported { .. })));
    assert_eq!(reports.count(), 3, "once each");
    stage.world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn people_answer_by_command_and_read_the_rate() {
    let (stage, deal) = accepted().await;
    let call = stage.company().add_call(asking(&stage, deal, INGRID, "Ingrid Moen")).unwrap();
    stage.settle().await;
    let (config, id) = (written(&stage.world.config), deal.to_string());
    let (code, text) = told(&config, &["rediscovery", "list", &id]).await;
    assert!(code == 0 && text.starts_with("  1  suggested"), "{code} {text}");
    assert!(!text.contains("thousand"), "{text}");
    let (code, text) = told(&config, &["rediscovery", "confirm", &id, "1", "--by", INGRID]).await;
    assert!(code == 0 && text.contains(&format!("confirmed by {INGRID}")), "{code} {text}");
    let (code, text) = told(&config, &["rediscovery", "rate"]).await;
    assert!(code == 0 && text.contains("100 %") && text.contains("(1 of 1 accounts)"), "{code} {text}");
    let (code, text) =
        told(&config, &["rediscovery", "dismiss", &id, &call, "economic_buyer", "--by", INGRID]).await;
    assert!(code == 0 && text.contains(&format!("dismissed by {INGRID}")), "{code} {text}");
    assert_eq!(told(&config, &["rediscovery", "confirm", &id, "9", "--by", INGRID]).await.0, 1);
    let suggestion = suggested(&stage, deal).await.remove(0);
    let answered = |confirmed| Answered {
        stream: stage.world.summary(deal).unwrap().stream,
        call: suggestion.call.clone(),
        field: suggestion.reask.field.clone(),
        from_ms: suggestion.reask.from_ms,
        confirmed,
        by: INGRID.to_owned(),
    };
    let entries = stage.world.handle().view().log(0, 10_000).await.unwrap().len();
    stage.world.handle().answer_reask(answered(false)).await.unwrap();
    assert_eq!(
        stage.world.handle().view().log(0, 10_000).await.unwrap().len(),
        entries,
        "the same word again"
    );
    stage.settle().await;
    assert_eq!(counted(&stage).await.asked_again, 0);
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            files.push(path);
        }
    }
    files
}
