//! The past, worked out afterwards from what the CRMs tell: the numbers of a daemon that had watched, and not one write.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests only: a broken expectation ends the test")]

use std::sync::Arc;

use handoff_core::account::AccountColumns;
use handoff_core::contract::Mode;
use handoff_core::journal::LogEntry;
use handoff_measure::audit::{Question, audit};
use handoff_measure::metric::{Figure, Metric};
use handoff_measure::period::Period;
use handoff_measure::report::{Held, Report, Row};
use handoff_measure::scorecard::Scorecard;
use handoff_sandbox_salesforce::{FieldSpec, FieldType};
use handoffd::app::App;
use handoffd::backfill::{BackfillError, Backfilled, Wanted};
use handoffd::config::{Config, Facts};
use handoffd_tests::crm::{Deal, Kind};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::on_every_crm;
use handoffd_tests::story::{AVA, COMMIT, LUIS};
use jiff::Timestamp;

/// A world in which nothing is enforced, with a daemon that watches.
async fn watched(crms: &'static [Kind]) -> Governed {
    let mut world = Governed::prepare(Options { crms, ..Options::default() }).await;
    world.config(|config| {
        for govern in &mut config.govern {
            let gates = ["commission", "receiver_queue", "closed_won"];
            govern.mode = gates.map(|gate| (gate.into(), Mode::Observe)).into();
        }
    });
    world.begin().await.unwrap();
    world
}

/// Looks at what just happened, at the very second at which it did.
async fn look(world: &Governed) {
    world.settle().await;
}

/// What people do with deals over some weeks, every act seen when it happens.
async fn live(world: &Governed, kind: Kind) {
    let company = world.company();
    let deals: Vec<Deal> = (0..5).map(|number| world.full_deal_in(kind, &format!("Full {number}"))).collect();
    let empty = world.deal_in(kind, "Empty");
    look(world).await;
    let [accepted, mended, reopened, lost, silent] = deals[..] else { panic!("five deals") };
    world.advance(7_200);
    world.accept(accepted);
    world.reject(mended, "risks", "Which system holds the addresses?");
    world.accept(reopened);
    look(world).await;
    world.advance(86_400);
    world.say(
        AVA,
        mended,
        &[("risks", "risks", "Addresses live in SAP, in the planner and in Excel; SAP wins")],
    );
    look(world).await;
    world.say(AVA, reopened, &[("success_criteria", "target", "From 9 % to 7 %")]);
    look(world).await;
    world.advance(3_600);
    world.accept(mended);
    look(world).await;
    world.advance(5);
    company.of(empty).crm().workflow(empty.id, &company.to_stage(empty, "closed_won")).unwrap();
    company.of(lost).crm().workflow(lost.id, &company.to_stage(lost, "closed_lost")).unwrap();
    look(world).await;
    // Nobody answers the silent one for a week, and then the wrong person does.
    world.advance(7 * 86_400);
    look(world).await;
    world.advance(5);
    company.force(LUIS, silent, &company.acceptance(silent));
    look(world).await;
    world.accept(reopened);
    look(world).await;
}

fn card(entries: impl IntoIterator<Item = LogEntry>, as_of: Timestamp) -> Report {
    let mut card = Scorecard::new();
    entries.into_iter().for_each(|entry| card.apply(&entry));
    card.report(Period::Week, as_of)
}

/// What is counted, whoever counted it and when it was looked at.
fn counted(report: Report) -> Report {
    let watched = |figure: Figure| Figure { reconstructed: 0, ..figure };
    let row = |row: Row| {
        let figures = row.figures.into_iter().map(watched).collect();
        Row { reconstructed: 0, held: Held::default(), figures, ..row }
    };
    Report { rows: report.rows.into_iter().map(row).collect(), ..report }
}

/// Checks that the numbers of the past are those of who watched. Where the CRM does not tell a field's past (Salesforce: twenty fields, and of
/// long texts no words), the row says of how many; every other number is the same, the guess at the score too.
fn assert_same(told: Report, watched: Report) {
    let (mut told, mut watched) = (counted(told), counted(watched));
    assert_eq!(told.rows.len(), watched.rows.len(), "{told:#?}");
    for (past, live) in told.rows.iter_mut().zip(&mut watched.rows) {
        assert_eq!(past.completion.n + past.untold, live.completion.n + live.untold);
        if past.untold > 0 {
            (past.completion, live.completion) = Default::default();
            past.figures.retain(|figure| figure.metric != Metric::Completion);
            live.figures.retain(|figure| figure.metric != Metric::Completion);
            (past.untold, live.untold) = (0, 0);
        }
    }
    assert_eq!(told, watched);
}

/// The same company, with another state directory.
fn beside(world: &Governed, name: &str) -> Config {
    Config { state_dir: world.dir().join(name), ..world.configured().clone() }
}

async fn backfill(world: &Governed, config: &Config, wanted: Wanted) -> Result<Backfilled, BackfillError> {
    let registry = world.registry().unwrap();
    let options = handoffd::app::Options::default();
    App::backfill(config.clone(), registry, world.clock().clone(), options, wanted, Arc::new(|_seen| {}))
        .await
}

async fn log_of(world: &Governed, config: &Config) -> Vec<LogEntry> {
    let options = handoffd::app::Options::default();
    let registry = world.registry().unwrap();
    let view = App::rebuild(config.clone(), registry, world.clock().clone(), options).await.unwrap();
    let mut found = Vec::new();
    loop {
        let page = view.log(u64::try_from(found.len()).unwrap(), 10_000).await.unwrap();
        if page.is_empty() {
            return found;
        }
        found.extend(page.into_iter().map(|entry| entry.entry.unwrap()));
    }
}

fn since(world: &Governed) -> Option<Timestamp> {
    world.configured().govern.first().unwrap().governed_since
}

fn writes(world: &Governed) -> usize {
    world.company().vendors().map(|vendor| vendor.crm().writes()).sum()
}

on_every_crm!(the_reconstructed_scorecard_is_that_of_a_daemon_that_had_watched, same_numbers);

async fn same_numbers(crms: &'static [Kind]) {
    let mut world = watched(crms).await;
    for kind in crms {
        live(&world, *kind).await;
    }
    let now = world.now();
    let watched = card(world.log().await.into_iter().map(|entry| entry.entry.unwrap()), now);
    world.stop().await;
    let (config, before) = (beside(&world, "past"), writes(&world));
    let wanted = Wanted { since: since(&world), resume: false };
    let told = backfill(&world, &config, wanted).await.unwrap();
    assert!(told.decisions > 20, "{told:?}");
    assert_eq!((told.refused, told.problems.len()), (0, 0), "{told:?}");
    assert_eq!(writes(&world), before, "nothing is written to any CRM");
    let log = log_of(&world, &config).await;
    let reconstructed = card(log.clone(), now);
    for row in &reconstructed.rows {
        let happened = row.throughput.transitions + row.throughput.decided + row.throughput.accepted;
        assert!(happened == 0 || row.reconstructed > 0, "{row:#?}");
        let tells_all = crms == [Kind::Hubspot];
        assert!(!tells_all || row.untold == 0, "{row:#?}");
    }
    assert_same(reconstructed, watched.clone());

    // Again: nothing new, and the log stays as it is.
    let again = backfill(&world, &config, wanted).await.unwrap();
    assert_eq!((again.decisions, again.handoffs), (0, 0));
    assert_eq!(log_of(&world, &config).await, log);

    // A daemon that takes over on that log counts nothing twice, and goes on.
    world.config(|own| *own = config.clone());
    world.begin().await.unwrap();
    look(&world).await;
    let taken = card(world.log().await.into_iter().map(|entry| entry.entry.unwrap()), now);
    assert_same(taken, watched);
    world.stop().await;
    let after = backfill(&world, &config, wanted).await.unwrap();
    assert_eq!(after.decisions, 0, "what is watched is left alone");
    assert!(after.watched > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reconstructed_decision_is_made_again_by_replay() {
    let mut world = watched(&[Kind::Salesforce]).await;
    live(&world, Kind::Salesforce).await;
    world.stop().await;
    let config = beside(&world, "past");
    backfill(&world, &config, Wanted::default()).await.unwrap();
    let mut states = std::collections::BTreeMap::new();
    let registry = world.registry().unwrap();
    let mut decided = 0;
    for entry in log_of(&world, &config).await {
        let LogEntry::Reconstructed { handoff, contract, terms, at, seen, events, .. } = &entry else {
            continue;
        };
        let held = registry.contracts().find(|held| held.reference == *contract).unwrap();
        let case = handoff_core::decide::Case {
            contract: &held.contract,
            pin: contract,
            motion: &handoff.motion,
            terms,
        };
        let before: Option<handoff_core::handoff::Handoff> = states.remove(&handoff.stream());
        assert_eq!(&handoff_core::decide::decide(case, before.as_ref(), seen, *at), events);
        let stamp = handoff_core::handoff::Stamp { position: u64::MAX, time: *at };
        let state = handoff_core::handoff::Handoff::apply(before, stamp, events).unwrap();
        states.insert(handoff.stream(), state);
        decided += 1;
        // Nothing of it is an order, and nothing of it opens anything.
        let encoded = entry.encode().unwrap();
        assert!(!String::from_utf8(encoded.leaf).unwrap().contains("gate_"));
    }
    assert!(decided > 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_daemon_is_not_disturbed_the_past_is_refused() {
    let world = watched(&[Kind::Salesforce]).await;
    let refused = backfill(&world, world.configured(), Wanted::default()).await;
    assert!(matches!(refused, Err(BackfillError::Start(_))), "{refused:?}");
    world.deal("Still governed");
    world.pass().await;
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deal_that_was_won_before_anybody_governed_is_in_the_numbers_and_its_gates_stay_as_they_are() {
    let mut world = Governed::prepare(Options::default()).await;
    let old = world.company().deal(Kind::Salesforce, "Old", COMMIT);
    world.advance(3_600);
    world.company().of(old).crm().workflow(old.id, &world.company().to_stage(old, "closed_won")).unwrap();
    world.advance(86_400);
    let now = world.now();
    world.govern().governed_since = Some(now);
    let before = writes(&world);
    let told = backfill(&world, world.configured(), Wanted::default()).await.unwrap();
    assert!(told.handoffs > 0, "{told:?}");
    // The gates are enforced now; the deal is older than that.
    world.begin().await.unwrap();
    world.settle().await;
    world.handle().sweep_now().await.unwrap();
    world.settle().await;
    assert_eq!(world.summary(old), None);
    assert_eq!(writes(&world), before);
    let log = world.log().await.into_iter().map(|entry| entry.entry.unwrap());
    let report = card(own(log, old), now);
    let row = all(&report);
    assert_eq!((row.counts.bypasses, row.reconstructed, row.completion.met), (1, 1, 0), "{row:#?}");
    world.assert_balanced();
}

/// A deal that was filled, edited once more, and won without anybody's acceptance.
fn won(world: &Governed, edits: usize) -> Deal {
    let deal = world.full_deal("Won long ago");
    world.advance(3_600);
    world.company().of(deal).crm().workflow(deal.id, &world.company().to_stage(deal, "closed_won")).unwrap();
    for number in 0..edits {
        world.advance(3_600);
        world.say(
            AVA,
            deal,
            &[("success_criteria", "metric", &format!("Missed appointments per month, count {number}"))],
        );
    }
    deal
}

/// Of the handoffs in a log those of this deal alone: the company has others.
fn own(log: impl IntoIterator<Item = LogEntry>, deal: Deal) -> impl Iterator<Item = LogEntry> {
    let is_other = move |entry: &LogEntry| {
        let handoff = entry.handoff().or_else(|| entry.reconstructed());
        handoff.is_some_and(|(handoff, _)| handoff.subject != deal.record())
    };
    log.into_iter().filter(move |entry| !is_other(entry))
}

/// What is counted over all periods.
fn all(report: &Report) -> &Row {
    report.rows.iter().find(|row| row.period.is_none()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_says_which_fields_salesforce_keeps_no_history_of() {
    let world = Governed::prepare(Options::default()).await;
    let deal = won(&world, 1);
    let told = backfill(&world, world.configured(), Wanted::default()).await.unwrap();
    let metric = told.unknown.iter().find(|one| one.field.as_str() == "success_criteria").unwrap();
    assert_eq!(metric.told_from, world.now(), "its history is not tracked: only the last value is told");
    let report = card(own(log_of(&world, world.configured()).await, deal), world.now());
    let row = all(&report);
    assert_eq!((row.untold, row.completion.n, row.counts.bypasses), (1, 0, 1), "{row:#?}");
    assert_eq!(row.reconstructed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_says_where_hubspots_history_was_cut_off() {
    let world = Governed::prepare(Options { crms: &[Kind::Hubspot], ..Options::default() }).await;
    let deal = won(&world, 25);
    let config = beside(&world, "whole");
    let whole = backfill(&world, &config, Wanted::default()).await.unwrap();
    assert_eq!(whole.unknown, Vec::new());
    let report = card(own(log_of(&world, &config).await, deal), world.now());
    assert_eq!((all(&report).untold, all(&report).completion.n, all(&report).reconstructed), (0, 1, 1));
    // HubSpot shows the newest entries only.
    world.portal().set_history_depth(Some(20));
    let config = beside(&world, "cut");
    let cut = backfill(&world, &config, Wanted::default()).await.unwrap();
    assert!(cut.unknown.iter().any(|one| one.field.as_str() == "success_criteria"), "{cut:?}");
    let report = card(own(log_of(&world, &config).await, deal), world.now());
    assert_eq!((all(&report).untold, all(&report).completion.n), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_where_it_stood_only_if_it_asks_for_the_same() {
    let world = Governed::prepare(Options::default()).await;
    won(&world, 0);
    let resumed = Wanted { resume: true, ..Wanted::default() };
    let first = backfill(&world, world.configured(), resumed).await.unwrap();
    assert!(first.records > 0 && first.decisions > 0);
    let again = backfill(&world, world.configured(), resumed).await.unwrap();
    assert_eq!((again.records, again.decisions), (0, 0), "it was at its end");
    let other = Wanted { since: Some(world.now()), resume: true };
    let refused = backfill(&world, world.configured(), other).await;
    assert!(matches!(refused, Err(BackfillError::OtherSince { .. })), "{refused:?}");
    // A new run looks at every record again, and finds what happened since.
    let deal = world.full_deal("Later");
    world.accept(deal);
    let later = backfill(&world, world.configured(), Wanted::default()).await.unwrap();
    assert_eq!(later.handoffs, 1, "{later:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_crm_tells_of_accounts_is_read_with_the_past() {
    let mut world = Governed::prepare(Options::default()).await;
    world.org().add_fields("Account", vec![FieldSpec::new("Churned_On__c", FieldType::Date)]).unwrap();
    let columns = AccountColumns {
        arr: Some("AnnualRevenue".to_owned()),
        currency: Some("USD".to_owned()),
        churned_at: Some("Churned_On__c".to_owned()),
        ..AccountColumns::default()
    };
    let facts = Facts {
        connection: Kind::Salesforce.connection().into(),
        object: "Account".into(),
        account: Some(columns),
        survey: None,
        matching: std::collections::BTreeMap::new(),
        of: None,
        of_related: None,
        account_object: None,
    };
    world.config(|config| config.facts = vec![facts]);
    won(&world, 0);
    let before = writes(&world);
    let told = backfill(&world, world.configured(), Wanted::default()).await.unwrap();
    assert!(told.facts > 0, "{told:?}");
    let mut card = Scorecard::new();
    log_of(&world, world.configured()).await.iter().for_each(|entry| card.apply(entry));
    let found = audit(&card, card.accounts(), &Question::new(world.now()));
    let row = found.row("h03-ae-to-onboarding").unwrap();
    let outside = row.churn_detail.outside;
    assert!(row.leak.accounts.share.n > 0 && outside.not_told == 0, "before any daemon ran: {outside:?}");
    let again = backfill(&world, world.configured(), Wanted::default()).await.unwrap();
    assert_eq!((again.facts, again.decisions), (0, 0));
    assert_eq!(writes(&world), before);
}
