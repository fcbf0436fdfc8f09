//! Who shares a deal's credit.

use handoff_connector::{Fault, Source as _};
use handoff_core::extract::{RawRecord, ReadPlan};
use handoff_hubspot::{Dialect, HubSpot, HubSpotConfig};
use serde_json::{Value, json};

use crate::portal::{Portal, config, connector, deal, plan};

fn of_splits() -> ReadPlan {
    let columns = ["hubspot_owner_id", "hs_deal_split_percentage"].map(str::to_owned);
    ReadPlan { related: [("deal_splits".to_owned(), columns.into())].into(), ..plan() }
}

/// Deal 1 is shared by three, deal 2 by nobody.
fn portal() -> Portal {
    let mut portal = Portal::default();
    portal.put("deals", 1, "2026-11-20T09:00:00Z", &[("hs_is_deal_split", "true")]);
    portal.put("deals", 2, "2026-11-20T09:00:00Z", &[("hs_is_deal_split", "false")]);
    portal.splits.insert(1, vec![(51, "0.33333333"), (52, "0.33333333"), (53, "0.33333334")]);
    portal
}

fn read(portal: &mut Portal, ids: &[u64]) -> Result<Vec<RawRecord>, Fault> {
    let records: Vec<_> = ids.iter().map(|id| deal(*id)).collect();
    let found = portal.talk(&mut *connector().read(&of_splits(), &records))?;
    Ok(found.into_iter().flatten().collect())
}

fn shares(record: &RawRecord) -> Vec<[&str; 2]> {
    let rows = record.related["deal_splits"].iter();
    rows.map(|row| {
        ["hubspot_owner_id", "hs_deal_split_percentage"].map(|name| row.fields[name].as_str().expect("text"))
    })
    .collect()
}

/// From now on the portal answers whoever asks for splits with this.
fn answering(portal: &mut Portal, status: u16, body: Value) {
    portal.no_splits = Some((status, body));
}

#[test]
fn each_deal_has_its_own_splits_in_percent_with_every_digit() {
    let mut portal = portal();
    let found = read(&mut portal, &[1, 2]).expect("records");
    assert_eq!(portal.calls, ["properties", "read", "splits", "pipelines"], "splits are no associations");
    let three = [["owner:51", "33.333333"], ["owner:52", "33.333333"], ["owner:53", "33.333334"]];
    assert_eq!(shares(&found[0]), three);
    assert!(found[1].related["deal_splits"].is_empty(), "nobody shares it");
    let row = &found[0].related["deal_splits"][0];
    assert_eq!((row.record.object.as_str(), row.record.record.as_str()), ("deal_splits", "101"));
}

#[test]
fn who_does_not_ask_for_splits_needs_nothing_for_them() {
    let mut portal = portal();
    answering(&mut portal, 403, json!({ "category": "MISSING_SCOPES" }));
    let found = portal.talk(&mut *connector().read(&plan(), &[deal(1)])).expect("records");
    assert_eq!(found.len(), 1);
    assert!(!portal.calls.contains(&"splits".to_owned()));
}

#[test]
fn the_older_version_has_its_own_address() {
    let mut portal = portal();
    let config = HubSpotConfig { dialect: Dialect::V3, ..config() };
    let older = HubSpot::new(config).expect("a sound configuration");
    let found = portal.talk(&mut *older.read(&of_splits(), &[deal(1)])).expect("records");
    assert_eq!(shares(found[0].as_ref().expect("there")).len(), 3);
}

#[test]
fn a_hundred_deals_and_more_are_asked_for_in_hundreds() {
    let mut portal = Portal::default();
    for id in 1..=130 {
        portal.put("deals", id, "2026-11-20T09:00:00Z", &[]);
        portal.splits.insert(id, vec![(51, "0.6"), (52, "0.4")]);
    }
    let ids: Vec<u64> = (1..=130).collect();
    let found = read(&mut portal, &ids).expect("records");
    assert!(found.iter().all(|record| shares(record) == [["owner:51", "60"], ["owner:52", "40"]]));
    assert_eq!(portal.calls.iter().filter(|call| *call == "splits").count(), 2);
}

#[test]
fn h03_a_share_that_cannot_be_read_is_never_the_owners() {
    let scopes = json!({ "category": "MISSING_SCOPES", "errors": [{ "context": { "requiredGranularScopes": ["crm.dealsplits.read_write"] } }] });
    let mut portal = portal();
    answering(&mut portal, 403, scopes);
    let Err(Fault::Denied { detail, remedy }) = read(&mut portal, &[1, 2]) else { panic!("not denied") };
    assert_eq!(detail, "deal splits: MISSING_SCOPES: crm.dealsplits.read_write");
    assert!(
        remedy.contains("crm.dealsplits.read_write") && remedy.contains("Sales Hub Enterprise"),
        "{remedy}"
    );
    // HubSpot says that the deal is shared, and tells no shares: by no row, by no answer for it, by an answer without a list.
    for results in [json!([{ "id": "1", "splits": [] }]), json!([]), json!([{ "id": "1" }])] {
        answering(&mut portal, 200, json!({ "status": "COMPLETE", "results": results }));
        let answer = read(&mut portal, &[1]);
        assert!(matches!(answer, Err(Fault::Protocol { .. })), "{results}: {answer:?}");
    }
    // What it says of one deal is not said of another, and what is archived counts no more.
    let row = |archived: bool| json!({ "id": "7", "archived": archived, "properties": { "hubspot_owner_id": "51" } });
    let of_others = json!([{ "id": "2", "splits": [row(true)] }, { "id": "3", "splits": [row(false)] }]);
    answering(&mut portal, 200, json!({ "status": "COMPLETE", "results": of_others }));
    assert!(read(&mut portal, &[2]).expect("a record")[0].related["deal_splits"].is_empty());
    answering(
        &mut portal,
        207,
        json!({ "status": "COMPLETE", "results": [], "numErrors": 1, "errors": [{ "category": "INTERNAL_ERROR" }] }),
    );
    assert!(matches!(read(&mut portal, &[2]), Err(Fault::Transient { .. })));
}

#[test]
fn a_deal_that_is_gone_meanwhile_is_not_asked_about() {
    let mut portal = portal();
    portal.record(1).archived = true;
    let found = read(&mut portal, &[1]).expect("records");
    assert!(!portal.calls.contains(&"splits".to_owned()));
    assert!(found[0].related["deal_splits"].is_empty());
}
