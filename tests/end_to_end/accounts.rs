//! What feeds tell of accounts reaches the log once, and from there the leak audit and the account's dossier.

use std::collections::BTreeMap;

use handoff_core::account::{AccountColumns, SurveyColumns};
use handoff_core::feed::ColumnKind;
use handoff_core::journal::LogEntry;
use handoff_measure::account::{AccountKey, Accounts};
use handoff_measure::audit::{Question, audit};
use handoff_measure::scorecard::Scorecard;
use handoff_sandbox_hubspot::ActorKind;
use handoff_sandbox_salesforce::{FieldSpec, FieldType};
use handoffd::app::App;
use handoffd::config::{About, Facts, Feed};
use handoffd_tests::crm::{Deal, HUBSPOT, Kind, SALESFORCE};
use handoffd_tests::feed::{Delivery, SECRET};
use handoffd_tests::governed::{Governed, Options, secret};
use handoffd_tests::story::AVA;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::feeds::taken;

const CUSTOMERS: &str = "feeds/customers";
const SURVEYS: &str = "feeds/surveys";

fn configure(world: &mut Governed, kind: Kind) {
    let (text, number, date, time) =
        (ColumnKind::Text, ColumnKind::Number, ColumnKind::Date, ColumnKind::Time);
    let secrets = vec![secret(world.dir(), "feed", SECRET)];
    let about = |account, survey| {
        Some(About { connection: kind.connection().into(), object: "Account".into(), account, survey })
    };
    let feed = |identity: &[&str], columns: &[(&str, ColumnKind)], about| Feed {
        secrets: secrets.clone(),
        key: "account".to_owned(),
        identity: identity.iter().map(|name| (*name).to_owned()).collect(),
        columns: columns.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect(),
        about,
    };
    let account = AccountColumns {
        arr: Some("arr".to_owned()),
        currency: Some("EUR".to_owned()),
        currency_column: None,
        customer_since: Some("since".to_owned()),
        churned_at: Some("left".to_owned()),
    };
    let survey = SurveyColumns { score: "nps".to_owned(), answered_at: "at".to_owned() };
    let customers = [("account", text), ("arr", number), ("since", date), ("left", date)];
    let surveys = [("account", text), ("answer", text), ("nps", number), ("at", time)];
    let feeds = BTreeMap::from([
        ("customers".to_owned(), feed(&["account"], &customers, about(Some(account), None))),
        ("surveys".to_owned(), feed(&["answer"], &surveys, about(None, Some(survey)))),
    ]);
    world.config(|config| config.feed = feeds);
}

async fn send(world: &Governed, path: &'static str, id: &str, rows: Value) -> (u16, Value) {
    let mut delivery = Delivery::of(world, id, rows.to_string());
    delivery.path = path;
    delivery.send(world).await
}

/// What the log tells of accounts, and of this deal's handoffs alone.
async fn folded(world: &Governed, deal: Deal) -> (Scorecard, Accounts, usize) {
    let (mut scorecard, mut accounts, mut told) = (Scorecard::new(), Accounts::new(), 0);
    let is_other =
        |entry: &LogEntry| entry.handoff().is_some_and(|(handoff, _)| handoff.subject != deal.record());
    for entry in world.log().await.into_iter().filter_map(|entry| entry.entry) {
        if is_other(&entry) {
            continue;
        }
        scorecard.apply(&entry);
        accounts.apply(&entry);
        told += usize::from(matches!(entry, LogEntry::AccountSeen { .. } | LogEntry::SurveyAnswered { .. }));
    }
    (scorecard, accounts, told)
}

async fn facts_reach_the_numbers_once(crms: &'static [Kind]) {
    let kind = crms.first().copied().unwrap();
    let mut world = Governed::prepare(Options { crms, ..Options::default() }).await;
    configure(&mut world, kind);
    world.begin().await.unwrap();
    let deal = world.full_deal("Sold");
    world.pass().await;
    world.accept(deal);
    world.pass().await;
    let (_, accounts, _) = folded(&world, deal).await;
    let key: AccountKey = accounts.keys().into_iter().next().cloned().unwrap();
    let now = world.now();
    let today = now.strftime("%Y-%m-%d").to_string();
    let customer = json!([{"account": key.record, "arr": "48000.00", "since": today, "left": null}]);
    assert_eq!(send(&world, CUSTOMERS, "msg_1", customer.clone()).await, taken(1, 1));
    let answers = json!([
        {"account": key.record, "answer": "a1", "nps": 9, "at": (now - jiff::SignedDuration::from_hours(48)).to_string()},
        {"account": key.record, "answer": "a2", "nps": 3, "at": now.to_string()},
    ]);
    assert_eq!(send(&world, SURVEYS, "msg_2", answers.clone()).await, taken(2, 2));

    let (scorecard, accounts, told) = folded(&world, deal).await;
    assert_eq!(told, 3);
    let mut question = Question::new(now);
    question.minimum = 1;
    let found = audit(&scorecard, &accounts, &question);
    let row = found.row("h03-ae-to-onboarding").unwrap();
    assert_eq!(row.leak.passed.amount, Decimal::from(48_000));
    assert_eq!(row.nps.value.unwrap(), Decimal::from(-200));
    assert_eq!(
        (row.churn_detail.all.sound_churned.share.met, row.churn_detail.all.sound_churned.share.n),
        (0, 1)
    );

    // The same again, by other deliveries, is nothing new; what changed is one entry.
    assert_eq!(send(&world, CUSTOMERS, "msg_3", customer).await, taken(1, 0));
    assert_eq!(send(&world, SURVEYS, "msg_4", answers.clone()).await, taken(2, 0));
    let left = json!([{"account": key.record, "arr": 48_000, "since": today, "left": today}]);
    assert_eq!(send(&world, CUSTOMERS, "msg_5", left).await, taken(1, 1));
    let (_, accounts, told) = folded(&world, deal).await;
    assert_eq!(told, 4);
    assert!(accounts.churned(&key, now).is_some());

    // Rows that do not tell what the feed is about are none, and nothing of the delivery is taken.
    let entries = world.log().await.len();
    for (path, rows) in [
        (SURVEYS, json!([{"account": key.record, "answer": "a3", "nps": 11, "at": now.to_string()}])),
        (SURVEYS, json!([{"account": key.record, "answer": "a3", "nps": 9}])),
        (CUSTOMERS, json!([{"account": key.record, "arr": -1}])),
        (CUSTOMERS, json!([{"account": "no id of this CRM", "arr": 1}])),
    ] {
        let (status, words) = send(&world, path, "msg_bad", rows).await;
        assert_eq!(status, 400, "{words}");
        assert!(!words.to_string().contains("no id of this CRM"), "no value in an error");
    }
    assert_eq!(world.log().await.len(), entries);

    // The memory is made anew from the log: what stands there is still known.
    world.stop().await;
    std::fs::remove_dir_all(world.state_dir().join("memory")).unwrap();
    world.begin().await.unwrap();
    world.pass().await;
    assert_eq!(send(&world, SURVEYS, "msg_6", answers).await, taken(2, 0));
    assert_eq!(folded(&world, deal).await.2, 4);
    world.assert_balanced();
    assert!(world.verify_audit() > 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_feeds_tell_of_accounts_reaches_the_numbers_once_in_salesforce() {
    facts_reach_the_numbers_once(SALESFORCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_feeds_tell_of_accounts_reaches_the_numbers_once_in_hubspot() {
    facts_reach_the_numbers_once(HUBSPOT).await;
}

fn facts(kind: Kind, object: &str) -> Facts {
    Facts {
        connection: kind.connection().into(),
        object: object.into(),
        account: None,
        survey: None,
        matching: BTreeMap::new(),
        of: None,
        of_related: None,
        account_object: None,
    }
}

fn columns(arr: &str, left: &str) -> AccountColumns {
    AccountColumns {
        arr: Some(arr.to_owned()),
        currency: Some("USD".to_owned()),
        churned_at: Some(left.to_owned()),
        ..AccountColumns::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_salesforce_knows_of_accounts_is_logged_when_it_changes() {
    let mut world = Governed::prepare(Options { crms: SALESFORCE, ..Options::default() }).await;
    let left = FieldSpec::new("Churned_On__c", FieldType::Date);
    world.org().add_fields("Account", vec![left]).unwrap();
    let kind = SALESFORCE.first().copied().unwrap();
    let told = Facts { account: Some(columns("AnnualRevenue", "Churned_On__c")), ..facts(kind, "Account") };
    world.config(|config| config.facts = vec![told]);
    world.begin().await.unwrap();
    let deal = world.full_deal("Sold");
    world.pass().await;
    world.accept(deal);
    world.pass().await;
    assert!(world.handle().facts_now().await.unwrap());
    let (_, accounts, told) = folded(&world, deal).await;
    let streams = |key: &AccountKey| accounts.streams(key).len();
    let key = accounts.keys().into_iter().find(|key| streams(key) > 0).cloned().unwrap();
    assert!(told > 0 && accounts.is_told(&key));
    assert!(accounts.worth(&key).is_none_or(|(worth, _)| worth.currency.as_deref() == Some("USD")));

    // Nothing changed: nothing is logged. One account left: one entry.
    assert!(world.handle().facts_now().await.unwrap());
    assert_eq!(folded(&world, deal).await.2, told);
    let day = world.now().strftime("%Y-%m-%d").to_string();
    let id = handoff_sandbox_salesforce::Id::parse(&key.record).unwrap();
    let act = handoff_sandbox_salesforce::Act::update(AVA, "Account", id, &json!({"Churned_On__c": day}));
    world.org().act(&act).unwrap();
    assert!(world.handle().facts_now().await.unwrap());
    let (_, accounts, after) = folded(&world, deal).await;
    assert_eq!(after, told + 1);
    assert!(accounts.churned(&key, world.now()).is_some());

    // A memory that was lost is made anew from the log: nothing is told twice.
    world.stop().await;
    std::fs::remove_dir_all(world.state_dir().join("memory")).unwrap();
    world.begin().await.unwrap();
    assert!(world.handle().facts_now().await.unwrap());
    assert_eq!(folded(&world, deal).await.2, after);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hubspot_knows_of_companies_and_their_answers_is_logged_once() {
    let mut world = Governed::prepare(Options { crms: HUBSPOT, ..Options::default() }).await;
    for (name, kind, field) in [("arr", "number", "number"), ("churned_on", "date", "date")] {
        let property = json!({"name": name, "label": name, "type": kind, "fieldType": field, "groupName": "companyinformation"});
        world.portal().put_property("companies", serde_json::from_value(property).unwrap()).unwrap();
    }
    let kind = HUBSPOT.first().copied().unwrap();
    let companies = Facts { account: Some(columns("arr", "churned_on")), ..facts(kind, "companies") };
    let answers = Facts {
        survey: Some(SurveyColumns {
            score: "hs_value".to_owned(),
            answered_at: "hs_submission_timestamp".to_owned(),
        }),
        matching: BTreeMap::from([("hs_survey_type".to_owned(), "NPS".to_owned())]),
        of_related: Some("companies".to_owned()),
        account_object: Some("companies".into()),
        ..facts(kind, "feedback_submissions")
    };
    world.config(|config| config.facts = vec![companies, answers]);
    world.begin().await.unwrap();
    let deal = world.full_deal("Sold");
    world.pass().await;
    world.accept(deal);
    world.pass().await;
    assert!(world.handle().facts_now().await.unwrap());
    let (_, accounts, before) = folded(&world, deal).await;
    let key = accounts.keys().into_iter().find(|key| !accounts.streams(key).is_empty()).cloned().unwrap();
    let company: u64 = key.record.parse().unwrap();
    let act = handoff_sandbox_hubspot::Act::update(AVA, "companies", company, json!({"arr": "12000"}));
    world.portal().act(&act).unwrap();
    for (survey, score) in [("NPS", "4"), ("CSAT", "1")] {
        let said = json!({"hs_survey_type": survey, "hs_value": score, "hs_submission_timestamp": world.now().to_string()});
        // Only a survey makes such records, no person and no program.
        let act = handoff_sandbox_hubspot::Act::create("", "feedback_submissions", said).by(ActorKind::Load);
        let answer = world.portal().act(&act).unwrap();
        world
            .portal()
            .associate(AVA, ("feedback_submissions", answer), ("companies", company), None)
            .unwrap();
    }
    assert!(world.handle().facts_now().await.unwrap());
    assert!(world.handle().facts_now().await.unwrap());
    let (_, accounts, after) = folded(&world, deal).await;
    assert_eq!(after, before + 2, "one ARR and one answer");
    assert_eq!(accounts.worth(&key).unwrap().0.amount, Decimal::from(12_000));
    let scores: Vec<u8> = accounts.answers(&key).into_iter().map(|(_, score)| score).collect();
    assert_eq!(scores, [4]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_names_what_an_entry_of_facts_cannot_read() {
    for (crms, object, field, there) in
        [(SALESFORCE, "Account", "Nowhere__c", "AnnualRevenue"), (HUBSPOT, "companies", "nowhere", "domain")]
    {
        let mut world = Governed::prepare(Options { crms, ..Options::default() }).await;
        let kind = crms.first().copied().unwrap();
        let of = |object: &str, arr: &str| Facts {
            account: Some(AccountColumns { arr: Some(arr.to_owned()), ..AccountColumns::default() }),
            ..facts(kind, object)
        };
        let wrong = vec![of(object, field), of(object, there), of("Nothing__c", there)];
        world.config(|config| config.facts = wrong);
        let (registry, options) = (world.registry().unwrap(), handoffd::app::Options::default());
        let asked = App::check_once(world.configured(), &registry, world.clock().clone(), options).await;
        let report = asked.unwrap().remove(&kind.connection().into()).unwrap().unwrap();
        let told: Vec<&str> = report.findings.iter().map(|finding| finding.place.as_str()).collect();
        let place = format!("[[facts]] {object}.{field}");
        assert!(told.contains(&place.as_str()), "{told:?}");
        assert!(told.iter().any(|place| place.starts_with("[[facts]] Nothing__c")), "{told:?}");
        assert!(!told.contains(&format!("[[facts]] {object}.{there}").as_str()), "{told:?}");
    }
}
