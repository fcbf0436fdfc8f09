use handoff_connector::{Connector as _, Cursor, Exchange as _, Fault, Lane, Source as _, conformance};
use handoff_core::id::RecordId;
use handoff_salesforce::{Salesforce, SalesforceConfig};
use serde_json::json;

use crate::org::{ORG, Org, at, connector, id, opportunity, plan, readable};

fn org(records: usize) -> Org {
    let mut org = Org::new("2026-11-20T12:00:00Z");
    for n in 0..records {
        let fields = json!({ "IsDeleted": n % 7 == 0, "StageName": if n % 2 == 0 { "Closed Won" } else { "Qualification" } });
        org.put("Opportunity", &id(n), "2026-11-20T09:00:00Z", &fields);
    }
    org
}

#[test]
fn d16_the_census_lists_every_record_once_and_deleted_ones_too() {
    for (records, page, calls) in [(0, 100, 1), (1, 100, 1), (450, 100, 5), (400, 100, 5), (250, 1, 251)] {
        let mut org = org(records);
        let listed =
            conformance::census(&connector(page), &plan(), |request| org.answer(request)).expect("given");
        let expected: Vec<_> = (0..records).map(opportunity).collect();
        assert_eq!(listed, expected, "{records} in pages of {page}");
        assert_eq!(org.calls.len(), calls);
    }
}

#[test]
fn a_census_asks_in_id_order_for_what_is_of_interest() {
    let mut plan = plan();
    plan.interesting_stages = ["Closed Won".to_owned()].into();
    let config = SalesforceConfig {
        since: Some(at("2026-01-01T00:00:00Z")),
        ..SalesforceConfig::new("sf".into(), ORG)
    };
    let connector = Salesforce::new(config).expect("given");
    let request = connector.census(&plan, &Cursor(json!({ "after": id(7) }))).request();
    assert_eq!(request.lane, Lane::Backfill);
    let text = crate::org::soql(&request.path);
    assert_eq!(
        text,
        format!(
            "SELECT Id, SystemModstamp FROM Opportunity WHERE Id > '{}' AND SystemModstamp >= 2026-01-01T00:00:00.000Z \
             AND StageName IN ('Closed Won') ORDER BY Id LIMIT 2000",
            id(7)
        ),
        "{}",
        readable(&request)
    );
    let mut org = org(10);
    let listed = conformance::census(&connector, &plan, |request| org.answer(request)).expect("given");
    assert_eq!(listed.len(), 5);
}

#[test]
fn d19_a_census_that_does_not_advance_is_found_out() {
    let org = org(3);
    let connector = connector(3);
    let first = connector.census(&plan(), &Cursor::beginning()).request();
    let reply = org.reply(200, &org.query(&crate::org::soql(&first.path)));
    let walked = conformance::census(&connector, &plan(), |_| reply.clone());
    assert!(matches!(walked, Err(conformance::Breach::Broken(Fault::Protocol { .. }))), "{walked:?}");
}

#[test]
fn d05_no_nonsense_is_taken_for_a_census() {
    let connector = connector(10);
    let plan = plan();
    conformance::survives(|| connector.census(&plan, &Cursor::beginning()), connector.spec(), |_| None)
        .expect("given");
    let (mut broken, cursor) = (org(2), Cursor(json!({ "after": "' OR Id != '" })));
    let page = broken.talk(&mut *connector.census(&plan, &cursor)).expect("given");
    assert_eq!(page.changed.len(), 2, "a cursor that cannot be read starts again");
}

#[test]
fn an_id_is_known_in_every_spelling() {
    let canonical = RecordId(id(1));
    let (short, lower) = (id(1)[..15].to_owned(), format!("{}{}", &id(1)[..15], id(1)[15..].to_lowercase()));
    let spaced = format!(" {short}\n");
    conformance::record_id(&connector(10), &[&short, &lower, &spaced], &canonical).expect("given");
}
