//! What is associated with an associated record.

use handoff_connector::Source as _;
use handoff_core::extract::{RawRecord, ReadPlan};
use serde_json::json;

use crate::portal::{Portal, connector, deal, plan};

fn of_company() -> ReadPlan {
    let columns = ["createdate", "hs_object_id", "hs_ticket_priority"].map(str::to_owned);
    ReadPlan { related: [("companies/tickets".to_owned(), columns.into())].into(), ..plan() }
}

/// Deal 1 has two companies, the second of which is the primary one; deal 2 has the second too; deal 3 has none; deal 4 one without tickets.
fn portal() -> Portal {
    let mut portal = Portal::default();
    (1..=4).for_each(|id| portal.put("deals", id, "2026-11-20T09:00:00Z", &[]));
    for id in [71, 72, 73] {
        let fields = [("hs_ticket_priority", "HIGH"), ("createdate", "2026-11-01T08:00:00Z")];
        portal.put("tickets", id, "2026-11-20T09:00:00Z", &fields);
    }
    portal.legs = vec![
        ("deals", 1, "companies", 51, 341, ""),
        ("deals", 1, "companies", 52, 5, "Primary"),
        ("deals", 2, "companies", 52, 341, ""),
        ("deals", 4, "companies", 53, 341, ""),
        ("companies", 51, "tickets", 73, 340, ""),
        ("companies", 52, "tickets", 72, 340, ""),
        ("companies", 52, "tickets", 71, 340, ""),
    ];
    portal
}

fn read(portal: &mut Portal, plan: &ReadPlan, ids: &[u64]) -> Vec<RawRecord> {
    let records: Vec<_> = ids.iter().map(|id| deal(*id)).collect();
    let found = portal.talk(&mut *connector().read(plan, &records)).expect("records");
    found.into_iter().flatten().collect()
}

fn tickets(record: &RawRecord) -> Option<Vec<&str>> {
    let rows = record.related.get("companies/tickets")?;
    Some(rows.iter().map(|row| row.record.record.as_str()).collect())
}

#[test]
fn each_deal_has_the_tickets_of_its_primary_company() {
    let mut portal = portal();
    let found = read(&mut portal, &of_company(), &[1, 2, 3, 4]);
    let calls =
        ["properties", "properties", "read", "associations", "pipelines", "associations", "read_related"];
    assert_eq!(portal.calls, calls, "the company itself is not read");
    let seen: Vec<_> = found.iter().map(tickets).collect();
    assert_eq!(
        seen,
        [Some(vec!["71", "72"]), Some(vec!["71", "72"]), None, Some(Vec::new())],
        "without a company nothing is told"
    );
    let row = &found[0].related["companies/tickets"][0];
    assert_eq!(row.record.object.as_str(), "tickets");
    assert_eq!(row.fields["hs_ticket_priority"], json!("HIGH"));
    assert_eq!(row.fields["createdate"], json!("2026-11-01T08:00:00Z"));
    assert_eq!(row.fields["hs_object_id"], json!("71"));
}

#[test]
fn the_company_is_read_too_if_the_plan_asks_for_it() {
    let mut portal = portal();
    portal.put("companies", 51, "2026-11-20T09:00:00Z", &[("email", "a@acme.example")]);
    portal.put("companies", 52, "2026-11-20T09:00:00Z", &[("email", "b@acme.example")]);
    portal.legs.push(("deals", 1, "tickets", 73, 27, ""));
    let mut plan = of_company();
    let columns = ["email", "hs_object_id", "label"].map(str::to_owned);
    plan.related.insert("companies".to_owned(), columns.into());
    plan.related.insert("tickets".to_owned(), ["subject".to_owned()].into());
    let found = read(&mut portal, &plan, &[1]);
    let record = &found[0];
    let emails: Vec<_> = record.related["companies"].iter().map(|row| &row.fields["email"]).collect();
    assert_eq!(emails, [&json!("a@acme.example"), &json!("b@acme.example")]);
    assert_eq!(record.related["companies"][1].fields["label"], json!("Primary"));
    assert_eq!(tickets(record), Some(vec!["71", "72"]));
    let own: Vec<_> = record.related["tickets"].iter().map(|row| row.record.record.as_str()).collect();
    assert_eq!(own, ["73"], "the deal's own tickets are another list");
}

#[test]
fn a_hundred_companies_and_more_are_asked_for_in_hundreds() {
    let mut portal = Portal::default();
    for id in 1..=100 {
        portal.put("deals", id, "2026-11-20T09:00:00Z", &[]);
        portal.legs.push(("deals", id, "companies", 1_000 + id, 5, "Primary"));
        for ticket in [2_000 + id, 3_000 + id] {
            portal.put("tickets", ticket, "2026-11-20T09:00:00Z", &[]);
            portal.legs.push(("companies", 1_000 + id, "tickets", ticket, 340, ""));
        }
    }
    let ids: Vec<u64> = (1..=100).collect();
    let found = read(&mut portal, &of_company(), &ids);
    assert!(found.iter().all(|record| tickets(record).is_some_and(|tickets| tickets.len() == 2)));
    let calls: Vec<&str> = portal
        .calls
        .iter()
        .map(String::as_str)
        .filter(|call| !matches!(*call, "properties" | "pipelines"))
        .collect();
    assert_eq!(calls, ["read", "read", "associations", "associations", "read_related", "read_related"]);
}

#[test]
fn h03_a_name_that_is_no_object_is_not_asked_for() {
    for key in ["companies/../x", "companies/", "/tickets", "a b/tickets"] {
        let mut portal = portal();
        let mut plan = of_company();
        plan.related = [(key.to_owned(), ["subject".to_owned()].into())].into();
        let answer = portal.talk(&mut *connector().read(&plan, &[deal(1)]));
        assert!(
            answer.is_err() || portal.calls.iter().all(|call| call == "account"),
            "{key}: {:?}",
            portal.calls
        );
    }
}
