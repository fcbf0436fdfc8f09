//! Raw Salesforce records through the shipped mapping.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::date;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};

use super::*;
use crate::contract::{Contract, Kind, Part};
use crate::id::{FieldKey, GateName, PartKey, RecordId};
use crate::mapping::{Mapping, SubmitMapping, Who};
use crate::observation::{Answer, Observation};
use crate::registry::{Registry, shipped};
use crate::value::Value;

mod answers;
mod back;
mod pay;
mod ways;

struct Book;

impl Directory for Book {
    fn actor(&self, id: &ActorId) -> Actor {
        match id.as_str() {
            "005AE" | "005LEAD" => {
                Actor { active: true, roles: BTreeSet::from(["known".to_owned()]), ..stranger(id) }
            }
            _ => stranger(id),
        }
    }
}

fn pair() -> (Mapping, Contract) {
    let registry = Registry::load(shipped()).unwrap();
    let mapping = registry.mapping("salesforce/h03-ae-to-onboarding").unwrap().clone();
    let contract = registry.contract_of(&mapping).unwrap().contract.clone();
    (mapping, contract)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn reference(object: &str, id: &str) -> RecordRef {
    RecordRef { connection: "sf".into(), object: object.into(), record: RecordId::from(id) }
}

fn role(id: &str, role: &str, contact: &str, stamp: &str) -> RelatedRow {
    RelatedRow {
        record: reference("OpportunityContactRole", id),
        stamp: Some(at(stamp)),
        fields: BTreeMap::from([("Role".to_owned(), json!(role)), ("ContactId".to_owned(), json!(contact))]),
    }
}

fn change(id: &str, field: &str, old: Json, new: Json, by: &str, when: &str) -> FieldChange {
    FieldChange {
        id: id.to_owned(),
        field: field.to_owned(),
        old: Some(old),
        new: Some(new),
        by: by.into(),
        at: at(when),
    }
}

fn raw() -> RawRecord {
    let fields = json!({
        "StageName": "Negotiation/Review", "OwnerId": "005AE", "Onboarding_Lead__c": "005LEAD",
        "Signing_Authority__c": "CFO signs alone up to 50k", "Champion_Strength__c": "Strong", "Political_Dynamics__c": null,
        "Verbal_Commitments__c": "", "No_Side_Letters__c": true, "Success_Target_Date__c": "2027-03-01",
        "Desired_Go_Live__c": "spring", "Incumbent_Tool__c": "SAP", "No_Known_Risks__c": false,
        "Handoff_03_Decision__c": "Accept", "Handoff_03_Reject_Reason__c": " No target ",
        "Handoff_03_Reject_Fields__c": "success_criteria;risks",
        "Handoff_03_Commission_Open__c": true, "Handoff_03_Clearance_Id__c": "abc", "Handoff_03_In_Queue__c": false,
    });
    RawRecord {
        record: reference("Opportunity", "006A"),
        version: Some(RecordVersion { stamp: at("2026-11-20T10:00:00Z") }),
        existence: Existence::Present,
        created_at: Some(at("2026-10-01T08:00:00Z")),
        last_modified: Some((at("2026-11-20T10:00:00Z"), "005LEAD".into())),
        fields: serde_json::from_value(fields).unwrap(),
        found_on: BTreeMap::new(),
        shown: BTreeMap::new(),
        related: BTreeMap::from([(
            "OpportunityContactRoles".to_owned(),
            vec![
                role("00K3", "Champion", "003C", "2026-11-03T00:00:00Z"),
                role("00K2", "Economic Buyer", "003B", "2026-11-02T00:00:00Z"),
                role("00K1", "Economic Buyer", "003A", "2026-11-01T00:00:00Z"),
            ],
        )]),
        history: Some(Vec::new()),
    }
}

fn see(raw: &RawRecord) -> Observation {
    let (mapping, contract) = pair();
    extract(&mapping, &contract, raw, &Book)
}

fn part(seen: &Observation, field: &str, part: &str) -> Option<Value> {
    seen.package.get(&FieldKey::from(field))?.get(&PartKey::from(part)).map(|sourced| sourced.value.clone())
}

#[test]
fn parts_are_typed_and_know_their_record() {
    let seen = see(&raw());
    assert_eq!(
        part(&seen, "economic_buyer", "authority"),
        Some(Value::Text("CFO signs alone up to 50k".to_owned()))
    );
    assert_eq!(
        part(&seen, "economic_buyer", "person"),
        Some(Value::Person("003A".to_owned())),
        "the first match by id"
    );
    assert_eq!(part(&seen, "sponsor_map", "champion"), Some(Value::Person("003C".to_owned())));
    assert_eq!(part(&seen, "sponsor_map", "strength"), Some(Value::Choice("Strong".to_owned())));
    assert_eq!(part(&seen, "sponsor_map", "dynamics"), None);
    assert_eq!(part(&seen, "commitments", "promises"), None, "an empty text is absent");
    assert_eq!(part(&seen, "commitments", "none"), Some(Value::Flag(true)));
    assert_eq!(part(&seen, "success_criteria", "by"), Some(Value::Date(date(2027, 3, 1))));
    assert_eq!(
        part(&seen, "go_live", "date"),
        Some(Value::Text("spring".to_owned())),
        "what does not fit stays text"
    );
    assert!(!seen.package.contains_key(&FieldKey::from("expansion")));
    let from =
        &seen.package.get(&FieldKey::from("economic_buyer")).unwrap().get(&PartKey::from("person")).unwrap();
    assert_eq!(
        (from.from.to_string().as_str(), from.field.as_str()),
        ("sf/OpportunityContactRole/00K1", "ContactId")
    );
}

#[test]
fn people_are_asked_from_the_directory_and_nobody_is_nobody() {
    let mut raw = raw();
    let seen = see(&raw);
    assert!(seen.sender.as_ref().unwrap().active);
    assert_eq!(seen.receiver.unwrap().id.as_str(), "005LEAD");
    raw.fields.insert("Onboarding_Lead__c".to_owned(), json!("005NOBODY"));
    raw.fields.insert("OwnerId".to_owned(), json!("  "));
    let seen = see(&raw);
    let stranger = seen.receiver.unwrap();
    assert!(!stranger.active && stranger.roles.is_empty(), "an unknown user cannot accept");
    assert_eq!(seen.sender, None);
}

#[test]
fn e14_unknown_stage_has_no_name() {
    let mut raw = raw();
    assert_eq!(see(&raw).stage.name, Some("commit".into()));
    for stage in [json!("Negotiation"), json!("negotiation/review"), json!(""), Json::Null, json!(7)] {
        raw.fields.insert("StageName".to_owned(), stage);
        assert_eq!(see(&raw).stage.name, None);
    }
    raw.fields.remove("StageName");
    assert_eq!(see(&raw).stage.name, None);
}

#[test]
fn the_entry_into_a_stage_is_its_newest_history_row() {
    let mut raw = raw();
    let seen = see(&raw).stage;
    assert_eq!((seen.entry.as_str(), seen.since, seen.by), ("created", raw.created_at, None));
    let (early, here) = (json!("Prospecting"), json!("Negotiation/Review"));
    raw.history = Some(vec![
        change("017c", "StageName", early.clone(), here.clone(), "005LEAD", "2026-11-05T00:00:00Z"),
        change("017a", "StageName", early.clone(), here.clone(), "005AE", "2026-11-01T00:00:00Z"),
        change("017b", "StageName", here, early, "005AE", "2026-11-03T00:00:00Z"),
    ]);
    let seen = see(&raw).stage;
    assert_eq!((seen.entry.as_str(), seen.since), ("017c", Some(at("2026-11-05T00:00:00Z"))));
    assert_eq!((seen.before.as_deref(), seen.by.unwrap().id.as_str()), (Some("Prospecting"), "005LEAD"));
}

#[test]
fn edits_are_the_newest_of_history_and_child_rows() {
    let mut raw = raw();
    let buyer = FieldKey::from("economic_buyer");
    let edit = see(&raw).edits.get(&buyer).cloned().unwrap();
    assert_eq!((edit.at, edit.by), (at("2026-11-01T00:00:00Z"), None));
    let blind = FieldChange {
        old: None,
        new: None,
        ..change("017a", "Signing_Authority__c", Json::Null, Json::Null, "005BOT", "2026-11-09T00:00:00Z")
    };
    raw.history = Some(vec![blind]);
    let edit = see(&raw).edits.get(&buyer).cloned().unwrap();
    assert_eq!(
        (edit.at, edit.by.unwrap().id.as_str()),
        (at("2026-11-09T00:00:00Z"), "005BOT"),
        "anybody's edit counts"
    );
    assert!(!see(&raw).edits.contains_key(&FieldKey::from("expansion")));
}

#[test]
fn without_history_an_edit_may_be_as_late_as_the_last_change() {
    let mut raw = raw();
    assert_eq!(see(&raw).edited_by_latest, None);
    raw.history = None;
    assert_eq!(see(&raw).edited_by_latest, Some(at("2026-11-20T10:00:00Z")));
    raw.last_modified = None;
    raw.version = Some(RecordVersion { stamp: at("2026-11-21T10:00:00Z") });
    assert_eq!(see(&raw).edited_by_latest, Some(at("2026-11-21T10:00:00Z")));
    raw.version = None;
    assert_eq!(see(&raw).edited_by_latest, Some(Timestamp::MAX), "unknown is never early");
}

#[test]
fn answers_come_from_history_in_order() {
    let mut raw = raw();
    let decision = |id: &str, new: Json, when: &str| {
        change(id, "Handoff_03_Decision__c", Json::Null, new, "005LEAD", when)
    };
    assert_eq!(see(&raw).acts, [], "a value without a history row is nobody's word");
    raw.history = Some(vec![
        decision("017d", json!("Accept"), "2026-11-04T00:00:00Z"),
        decision("017a", json!("Reject"), "2026-11-01T00:00:00Z"),
        decision("017b", Json::Null, "2026-11-02T00:00:00Z"),
        decision("017c", json!("Reject"), "2026-11-04T00:00:00Z"),
        decision("017e", json!("accept"), "2026-11-05T00:00:00Z"),
    ]);
    let acts: Vec<(String, Answer)> = see(&raw).acts.into_iter().map(|act| (act.id, act.answer)).collect();
    let fields = BTreeSet::from([FieldKey::from("risks"), FieldKey::from("success_criteria")]);
    assert_eq!(
        acts,
        [
            (
                "017a".to_owned(),
                Answer::Reject {
                    fields: BTreeSet::new(),
                    reason: "(superseded)".to_owned(),
                    reasons: BTreeMap::new()
                }
            ),
            (
                "017c".to_owned(),
                Answer::Reject { fields, reason: "No target".to_owned(), reasons: BTreeMap::new() }
            ),
            ("017d".to_owned(), Answer::Accept),
        ]
    );
}

#[test]
fn a_rejection_of_something_unknown_rejects_everything() {
    let mut raw = raw();
    raw.history = Some(vec![change(
        "1",
        "Handoff_03_Decision__c",
        Json::Null,
        json!("Reject"),
        "005LEAD",
        "2026-11-01T00:00:00Z",
    )]);
    raw.fields.insert("Handoff_03_Reject_Fields__c".to_owned(), json!("risks;the moon"));
    raw.fields.insert("Handoff_03_Reject_Reason__c".to_owned(), json!("  "));
    let answer = see(&raw).acts.first().unwrap().answer.clone();
    assert_eq!(
        answer,
        Answer::Reject { fields: BTreeSet::new(), reason: String::new(), reasons: BTreeMap::new() }
    );
}

#[test]
fn the_last_modifier_speaks_when_the_mapping_says_so() {
    let (mut mapping, contract) = pair();
    mapping.decision.who = Who::LastModifiedBy;
    let mut raw = raw();
    let acts = extract(&mapping, &contract, &raw, &Book).acts;
    let act = acts.first().unwrap();
    assert_eq!(
        (act.id.as_str(), act.by.id.as_str(), &act.answer),
        ("lm:2026-11-20T10:00:00Z:005LEAD:Accept", "005LEAD", &Answer::Accept)
    );
    raw.fields.insert("Handoff_03_Decision__c".to_owned(), json!("Reject"));
    let changed_mind = extract(&mapping, &contract, &raw, &Book).acts;
    assert_ne!(changed_mind.first().unwrap().id, act.id, "in the same second");
    raw.fields.insert("Handoff_03_Decision__c".to_owned(), Json::Null);
    assert_eq!(extract(&mapping, &contract, &raw, &Book).acts, []);
    raw.fields.insert("Handoff_03_Decision__c".to_owned(), json!("Accept"));
    raw.last_modified = None;
    assert_eq!(extract(&mapping, &contract, &raw, &Book).acts, []);
}

#[test]
fn a_ticked_box_submits() {
    let (mut mapping, contract) = pair();
    mapping.submit = Some(SubmitMapping { field: "Submit__c".to_owned(), value: "true".to_owned() });
    let mut raw = raw();
    raw.history = Some(vec![
        change("2", "Submit__c", json!(true), json!(false), "005AE", "2026-11-02T00:00:00Z"),
        change("1", "Submit__c", json!(false), json!(true), "005AE", "2026-11-01T00:00:00Z"),
    ]);
    let acts = extract(&mapping, &contract, &raw, &Book).acts;
    assert_eq!(
        acts.iter().map(|act| (act.id.as_str(), &act.answer)).collect::<Vec<_>>(),
        [("1", &Answer::Submit)]
    );
    assert!(read_plan(&mapping).history.contains("Submit__c"));
}

#[test]
fn flags_are_one_of_two_values_or_unknown() {
    let mut raw = raw();
    raw.history = Some(vec![
        change(
            "1",
            "Handoff_03_Commission_Open__c",
            json!(true),
            json!(false),
            "005AE",
            "2026-11-01T00:00:00Z",
        ),
        change(
            "2",
            "Handoff_03_Commission_Open__c",
            json!(false),
            json!(true),
            "005AE",
            "2026-11-02T00:00:00Z",
        ),
    ]);
    let flags = see(&raw).flags;
    let flag = |name: &str| flags.get(&GateName::from(name)).unwrap();
    assert_eq!((flag("commission").open, flag("commission").clearance.as_deref()), (Some(true), Some("abc")));
    assert_eq!(flag("commission").moved.as_ref().unwrap().id, "2");
    assert_eq!((flag("receiver_queue").open, flag("receiver_queue").moved.clone()), (Some(false), None));
    assert_eq!(flag("closed_won").open, None, "an unreadable flag is unknown");
    raw.fields.insert("Handoff_03_Commission_Open__c".to_owned(), json!("true"));
    assert_eq!(see(&raw).flags.get(&GateName::from("commission")).unwrap().open, None);
}

#[test]
fn the_read_plan_asks_for_all_of_it() {
    let (mapping, contract) = pair();
    let plan = read_plan(&mapping);
    let lines = format!(
        "fields: {:#?}\nrelated: {:#?}\nhistory: {:#?}\nstages: {:?}",
        plan.fields, plan.related, plan.history, plan.interesting_stages
    );
    insta::assert_snapshot!("read_plan", lines);
    let stages = plan.narrowed(&mapping, &contract).interesting_stages;
    let expected = ["Closed Lost", "Closed Won", "Negotiation/Review"].map(str::to_owned);
    assert_eq!(stages, BTreeSet::from(expected));
}

#[test]
fn b04_times_as_crms_write_them() {
    let expected = at("2026-11-20T09:15:27Z");
    for text in [
        "2026-11-20T09:15:27Z",
        "2026-11-20T09:15:27.000Z",
        "2026-11-20T09:15:27.000+0000",
        "2026-11-20T09:15:27+00:00",
        "2026-11-20T10:15:27+01:00",
        "2026-11-20T04:15:27.000-0500",
        "2026-11-20 09:15:27Z",
        "1795166127000",
        "2026-11-20T09:15:27",
        " 2026-11-20T09:15:27Z ",
    ] {
        assert_eq!(parse_timestamp(text), Some(expected), "{text}");
    }
    assert_eq!(timestamp_of(&json!(1_795_166_127_000_i64)), Some(expected));
    assert_eq!(parse_timestamp("2026-11-20"), Some(at("2026-11-20T00:00:00Z")));
    assert_eq!(parse_timestamp("2038-01-19T03:14:08.000+0000"), Some(at("2038-01-19T03:14:08Z")));
    assert_eq!(parse_timestamp("2106-02-07T06:28:16Z"), Some(at("2106-02-07T06:28:16Z")));
    assert_eq!(parse_timestamp("2016-12-31T23:59:60Z"), Some(at("2016-12-31T23:59:59Z")), "leap second");
    assert_eq!(
        parse_timestamp("2026-03-29T02:30:00+01:00"),
        Some(at("2026-03-29T01:30:00Z")),
        "no clock change in UTC"
    );
    assert_eq!(parse_timestamp("0"), Some(Timestamp::UNIX_EPOCH));
    for junk in [
        "",
        "   ",
        "tomorrow",
        "2026-13-01",
        "2026-02-30T00:00:00Z",
        "99999999999999999999",
        "2026",
        &"9".repeat(500),
    ] {
        assert_eq!(parse_timestamp(junk), None, "{junk}");
    }
    for junk in [json!(null), json!(true), json!([]), json!({}), json!(1.5), json!(i64::MAX)] {
        assert_eq!(timestamp_of(&junk), None);
    }
}

#[test]
fn b04_dates_as_crms_write_them() {
    for text in [
        "2026-11-20",
        "2026-11-20T23:59:59Z",
        "2026-11-20T00:00:00.000+0000",
        "1795132800000",
        "2026-11-21T00:30:00+01:00",
    ] {
        assert_eq!(parse_date(text), Some(date(2026, 11, 20)), "{text}");
    }
    assert_eq!(parse_date("2028-02-29"), Some(date(2028, 2, 29)));
    for junk in ["", "2027-02-29", "20.11.2026", "11/20/2026", "Q3", "0000-00-00"] {
        assert_eq!(parse_date(junk), None, "{junk}");
    }
}

#[test]
fn e15_amounts_are_exact_or_stay_text() {
    let money = Part::of(Kind::Money);
    let amount = |raw: Json| match convert::value(&money, &raw) {
        Some(Value::Money { amount, .. }) => Some(amount),
        _ => None,
    };
    assert_eq!(amount(json!(0.1)), Some(Decimal::new(1, 1)));
    assert_eq!(
        amount(json!("1000000000000000000.01")),
        Some(Decimal::from_i128_with_scale(100_000_000_000_000_000_001, 2))
    );
    assert_eq!(amount(json!(-5)), Some(Decimal::from(-5)));
    assert_eq!(amount(json!(1e18)), Some(Decimal::from(1_000_000_000_000_000_000_i64)));
    for text in [json!("NaN"), json!("1e99"), json!("about 5"), json!([1])] {
        assert!(matches!(convert::value(&money, &text), Some(Value::Text(_))));
    }
}

#[test]
fn e03_a_long_text_is_cut_but_its_tail_still_counts() {
    let text = Part::of(Kind::Text);
    let long = |tail: &str| convert::value(&text, &json!("ä".repeat(600_000) + tail)).unwrap();
    assert_ne!(long("a"), long("b"));
    let Value::Text(kept) = long("a") else { panic!("text stays text") };
    assert!(kept.len() < 140_000);
}

#[test]
fn lists_come_from_rows_and_multi_selects() {
    let part = Part { columns: BTreeMap::from([("tool".to_owned(), Kind::Name)]), ..Part::of(Kind::List) };
    let row = |name: &str| BTreeMap::from([("tool".to_owned(), Value::Name(name.to_owned()))]);
    let expected = Some(Value::List(vec![row("SAP"), row("Excel")]));
    assert_eq!(convert::value(&part, &json!("SAP; Excel;")), expected);
    assert_eq!(convert::value(&part, &json!(["SAP", "Excel"])), expected);
    assert_eq!(convert::value(&part, &json!([{ "tool": "SAP", "other": 1 }, { "tool": "Excel" }])), expected);
    assert_eq!(convert::value(&part, &json!([])), None);
    let series = convert::value(
        &Part::of(Kind::Series),
        &json!([["2026-02-01", 2], { "date": "2026-01-01", "value": "1.5" }]),
    );
    let points = vec![(date(2026, 1, 1), Decimal::new(15, 1)), (date(2026, 2, 1), Decimal::from(2))];
    assert_eq!(series, Some(Value::Series(points)));
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        "(?s).{0,20}".prop_map(Json::from),
        "(Accept|Reject|Closed Won|Champion|true|2026-01-01|005AE)".prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map("[a-z]{1,5}", inner, 0..4)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn e01_any_record_is_observed_and_opens_nothing_by_itself(
        values in prop::collection::vec(any_json(), 60),
        news in prop::collection::vec((any_json(), 0_usize..60, any::<i32>()), 0..20),
        cells in prop::collection::vec(any_json(), 4),
    ) {
        let (mapping, contract) = pair();
        let plan = read_plan(&mapping);
        let names: Vec<&String> = plan.fields.iter().collect();
        let mut raw = raw();
        raw.fields = names.iter().map(|name| (*name).clone()).zip(values).collect();
        raw.history = Some(news.iter().enumerate().map(|(id, (value, field, second))| FieldChange {
            id: id.to_string(),
            field: (*names.get(field % names.len()).unwrap()).clone(),
            old: None,
            new: Some(value.clone()),
            by: "005AE".into(),
            at: Timestamp::from_second(i64::from(*second)).unwrap(),
        }).collect());
        for (row, cell) in raw.related.values_mut().flatten().zip(cells) {
            row.fields.insert("ContactId".to_owned(), cell);
        }
        let seen = extract(&mapping, &contract, &raw, &Book);
        prop_assert_eq!(&seen, &extract(&mapping, &contract, &raw, &Book), "the same record is the same observation");
        prop_assert!(seen.acts.is_sorted_by_key(|act| act.at));
    }

    #[test]
    fn b04_any_text_is_a_time_or_none(text in "[0-9TZ:+. -]{0,40}|.{0,30}") {
        let _ = (parse_timestamp(&text), parse_date(&text));
    }
}

#[test]
fn a_deal_that_was_won_before_anybody_looked_opened_when_it_entered_the_first_opening_stage() {
    let (mapping, contract) = pair();
    let moved = |id: &str, old: &str, new: &str, when: &str| {
        change(id, "StageName", json!(old), json!(new), "005AE", when)
    };
    let mut raw = raw();
    raw.fields.insert("StageName".to_owned(), json!("Closed Won"));
    raw.history = Some(vec![
        moved("1", "Proposal/Price Quote", "Negotiation/Review", "2026-10-02T08:00:00Z"),
        moved("2", "Negotiation/Review", "Proposal/Price Quote", "2026-10-03T08:00:00Z"),
        moved("3", "Proposal/Price Quote", "Negotiation/Review", "2026-10-04T08:00:00Z"),
        moved("4", "Negotiation/Review", "Closed Won", "2026-10-05T08:00:00Z"),
    ]);
    let seen = extract(&mapping, &contract, &raw, &Book).stage;
    assert_eq!(
        (seen.since, seen.opening_since),
        (Some(at("2026-10-05T08:00:00Z")), Some(at("2026-10-04T08:00:00Z")))
    );
}
