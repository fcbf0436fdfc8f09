use handoff_sandbox_hubspot::{Act, BulkDeal, SandboxOptions, Seed};
use serde_json::{Value as Json, json};

use crate::support::{AE, Site};

const PATH: &str = "/crm/v3/objects/deals/search";

fn ids(found: &Json) -> Vec<u64> {
    let rows = found["results"].as_array().unwrap();
    rows.iter().map(|row| row["id"].as_str().unwrap().parse().unwrap()).collect()
}

fn filter(property: &str, operator: &str, value: Json) -> Json {
    let mut filter = json!({"propertyName": property, "operator": operator});
    if value.is_array() {
        filter["values"] = value;
    } else if !value.is_null() {
        filter["value"] = value;
    }
    json!({"filterGroups": [{"filters": [filter]}], "limit": 200})
}

#[tokio::test]
async fn every_operator_finds_what_it_says() {
    let site = Site::with(SandboxOptions { seed: Seed::Empty, ..SandboxOptions::manual() }).await;
    let make = |name: &str, amount: &str, stage: &str| {
        let act = Act::create(AE, "deals", json!({"dealname": name, "amount": amount, "dealstage": stage}));
        site.portal().act(&act).unwrap()
    };
    let a = make("Alder Field Service", "100", "qualifiedtobuy");
    let b = make("Birch dispatch", "20", "closedwon");
    let c = make("Cedar", "", "closedlost");
    for (property, operator, value, wanted) in [
        ("amount", "EQ", json!("100"), vec![a]),
        ("amount", "NEQ", json!("100"), vec![b]),
        ("amount", "LT", json!("100"), vec![b]),
        ("amount", "GTE", json!("20"), vec![a, b]),
        ("amount", "HAS_PROPERTY", Json::Null, vec![a, b]),
        ("amount", "NOT_HAS_PROPERTY", Json::Null, vec![c]),
        ("dealstage", "IN", json!(["closedwon", "closedlost"]), vec![b, c]),
        ("dealstage", "IN", json!(["ClosedWon"]), vec![]),
        ("dealstage", "NOT_IN", json!(["closedwon"]), vec![a, c]),
        ("dealname", "EQ", json!("cedar"), vec![c]),
        ("dealname", "IN", json!(["cedar"]), vec![c]),
        ("dealname", "IN", json!(["Cedar"]), vec![]),
        ("dealname", "CONTAINS_TOKEN", json!("field"), vec![a]),
        ("dealname", "CONTAINS_TOKEN", json!("dis*"), vec![b]),
        ("dealname", "NOT_CONTAINS_TOKEN", json!("service"), vec![b, c]),
        ("hs_object_id", "GT", json!(a.to_string()), vec![b, c]),
        ("hs_lastmodifieddate", "LTE", json!("1795165200000"), vec![a, b, c]),
        ("hs_lastmodifieddate", "GT", json!("1795165200000"), vec![]),
    ] {
        let found = site.post(PATH, &filter(property, operator, value.clone())).await;
        assert_eq!(found.status, 200, "{}", found.text);
        assert_eq!(ids(&found.json()), wanted, "{property} {operator} {value}");
    }
    let between = json!({"filterGroups": [{"filters": [
        {"propertyName": "amount", "operator": "BETWEEN", "value": "20", "highValue": "99"}]}]});
    assert_eq!(ids(&site.post(PATH, &between).await.json()), [b]);
    let either = json!({"filterGroups": [
        {"filters": [{"propertyName": "amount", "operator": "EQ", "value": "20"}]},
        {"filters": [{"propertyName": "dealname", "operator": "EQ", "value": "Cedar"}]},
    ], "sorts": ["-hs_object_id"]});
    assert_eq!(ids(&site.post(PATH, &either).await.json()), [c, b]);
    let words = site.post(PATH, &json!({"query": "birch"})).await.json();
    assert_eq!((ids(&words), &words["total"]), (vec![b], &json!(1)));
    assert_eq!(words["results"][0]["properties"]["dealname"], "Birch dispatch");
    assert!(words["results"][0].get("associations").is_none());
}

#[tokio::test]
async fn search_has_its_caps() {
    let site = Site::start().await;
    let one = json!({"propertyName": "amount", "operator": "GT", "value": "0"});
    let group = |count: usize| json!({"filters": vec![one.clone(); count]});
    for (body, why) in [
        (json!({"filterGroups": vec![group(1); 6]}), "groups"),
        (json!({"filterGroups": [group(7)]}), "filters in a group"),
        (json!({"filterGroups": vec![group(4); 5]}), "filters"),
        (json!({"limit": 201}), "limit"),
        (json!({"sorts": ["amount", "dealname"]}), "sorts"),
        (json!({"query": "x".repeat(3000)}), "length"),
        (json!({"after": "10000", "limit": 1}), "total"),
        (json!({"after": "abc"}), "cursor"),
        (
            json!({"filterGroups": [{"filters": [{"propertyName": "nosuch", "operator": "EQ", "value": "1"}]}]}),
            "name",
        ),
        (
            json!({"filterGroups": [{"filters": [{"propertyName": "amount", "operator": "LIKE", "value": "1"}]}]}),
            "operator",
        ),
    ] {
        let refused = site.post(PATH, &body).await;
        assert_eq!((refused.status, refused.category().as_str()), (400, "VALIDATION_ERROR"), "{why}");
    }
    let reply = site.post(PATH, &json!({})).await;
    assert_eq!(
        (reply.status, reply.header("x-hubspot-ratelimit-max")),
        (200, ""),
        "search has no rate headers"
    );
    assert_eq!((reply.json()["results"].as_array().unwrap().len(), &reply.json()["total"]), (10, &json!(42)));
}

#[tokio::test]
async fn the_index_lags_and_forgets_archived_records() {
    let site = Site::with(SandboxOptions { search_lag: 20_000, ..SandboxOptions::manual() }).await;
    site.portal().advance(60);
    let deal = site.deal("late").await;
    let ask = filter("dealname", "EQ", json!("late"));
    assert_eq!(site.post(PATH, &ask).await.json()["total"], 0);
    site.portal().advance(19);
    assert_eq!(site.post(PATH, &ask).await.json()["total"], 0);
    site.portal().act(&Act::update(AE, "deals", deal, json!({"amount": "7"}))).unwrap();
    site.portal().advance(1);
    let seen = site.post(PATH, &ask).await.json();
    assert_eq!(
        (&seen["total"], &seen["results"][0]["properties"]["amount"]),
        (&json!(1), &json!("1000")),
        "as it was"
    );
    site.portal().archive(AE, "deals", deal).unwrap();
    site.portal().advance(19);
    assert_eq!(site.post(PATH, &ask).await.json()["results"][0]["properties"]["amount"], "7");
    site.portal().advance(1);
    assert_eq!(site.post(PATH, &ask).await.json()["total"], 0);
}

#[tokio::test]
async fn b07_equal_stamps_are_paged_without_loss_and_mis_sorted_on_demand() {
    let site = Site::with(SandboxOptions { seed: Seed::Empty, ..SandboxOptions::manual() }).await;
    let at = site.portal().now();
    let made =
        site.portal().bulk_deals(450, |_| BulkDeal { modified: Some(at), ..BulkDeal::default() }).unwrap();
    let mut found = Vec::new();
    let mut after = json!(null);
    loop {
        let body = json!({"sorts": [{"propertyName": "hs_lastmodifieddate", "direction": "ASCENDING"}], "limit": 200, "after": after});
        let page = site.post(PATH, &body).await.json();
        found.extend(ids(&page));
        after = page["paging"]["next"]["after"].clone();
        if after.is_null() {
            break;
        }
    }
    assert_eq!(found, made);
    site.portal().set_mis_sort(true);
    let body = json!({"sorts": ["hs_lastmodifieddate"], "limit": 200});
    let page = ids(&site.post(PATH, &body).await.json());
    assert_eq!(page[0], *made.last().unwrap());
}

#[tokio::test]
async fn a_hundred_thousand_deals_are_made_and_searched() {
    let site = Site::with(SandboxOptions { seed: Seed::Empty, ..SandboxOptions::manual() }).await;
    let start = site.portal().now();
    site.portal()
        .bulk_deals(100_000, |number| {
            let seconds = i64::try_from(number).unwrap();
            BulkDeal {
                properties: vec![("dealname", format!("Deal {number}")), ("amount", number.to_string())],
                modified: Some(start.checked_sub(jiff::SignedDuration::from_secs(seconds)).unwrap()),
                created: None,
            }
        })
        .unwrap();
    assert_eq!(site.portal().count("deals"), 100_000);
    let from = start.as_millisecond() - 9_999_000;
    let mut body = json!({
        "filterGroups": [{"filters": [{"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": from.to_string()}]}],
        "sorts": [{"propertyName": "hs_lastmodifieddate", "direction": "ASCENDING"}], "limit": 200, "properties": ["amount"],
    });
    let first = site.post(PATH, &body).await.json();
    assert_eq!(
        (&first["total"], &first["results"][0]["properties"]["amount"]),
        (&json!(10_000), &json!("9999"))
    );
    body["after"] = json!("9800");
    let last = site.post(PATH, &body).await.json();
    assert_eq!((ids(&last).len(), last.get("paging")), (200, None));
    body["after"] = json!("9801");
    assert_eq!(site.post(PATH, &body).await.status, 400);
    let everything = site.post(PATH, &json!({"limit": 1})).await.json();
    assert_eq!(everything["total"], 100_000);
}
