use handoff_sandbox_hubspot::Portal;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::support::{AE, Site};

fn label_type(portal: &Json, label: &str) -> u64 {
    let results = portal["results"].as_array().unwrap();
    results.iter().find(|known| known["label"] == label).unwrap()["typeId"].as_u64().unwrap()
}

fn people(portal: &Portal) -> (u64, u64) {
    let contacts = portal.ids("contacts");
    (contacts[0], contacts[1])
}

#[tokio::test]
async fn labelled_links_are_read_in_batches_from_both_sides() {
    let site = Site::start().await;
    let (deal, (buyer, other)) = (site.deal("x").await, people(site.portal()));
    for (from_to, objects) in [
        ("/crm/associations/2026-09/deals/contacts", "/crm/objects/2026-09"),
        ("/crm/v4/associations/0-3/0-1", "/crm/v4/objects"),
    ] {
        let labels = site.get(&format!("{from_to}/labels")).await.json();
        let champion = label_type(&labels, "Champion");
        let create = json!({"inputs": [{
            "from": {"id": deal.to_string()}, "to": {"id": buyer.to_string()},
            "types": [{"associationCategory": "USER_DEFINED", "associationTypeId": champion}],
        }]});
        assert_eq!(site.post(&format!("{from_to}/batch/create"), &create).await.status, 201);
        let default = format!("{objects}/deals/{deal}/associations/default/contacts/{other}");
        let put = site.call(Method::PUT, &default, &Json::Null).await;
        assert_eq!(put.status, 200);
        let read = json!({"inputs": [{"id": deal.to_string()}, {"id": "5"}]});
        let found = site.post(&format!("{from_to}/batch/read"), &read).await;
        let body = found.json();
        assert_eq!(
            (found.status, &body["errors"][0]["subCategory"]),
            (207, &json!("crm.associations.NO_ASSOCIATIONS_FOUND"))
        );
        let ends = body["results"][0]["to"].as_array().unwrap();
        assert_eq!(ends.len(), 2);
        let buyers = ends.iter().find(|end| end["toObjectId"] == json!(buyer.to_string())).unwrap();
        let types = buyers["associationTypes"].as_array().unwrap();
        assert!(types.contains(&json!({"category": "HUBSPOT_DEFINED", "typeId": 3, "label": null})));
        assert!(
            types.contains(&json!({"category": "USER_DEFINED", "typeId": champion, "label": "Champion"}))
        );
    }
    let back = json!({"inputs": [{"id": buyer.to_string()}]});
    let back = site.post("/crm/v4/associations/contacts/deals/batch/read", &back).await.json();
    let types: Vec<&Json> = back["results"][0]["to"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|end| end["toObjectId"] == json!(deal.to_string()))
        .flat_map(|end| end["associationTypes"].as_array().unwrap())
        .map(|known| &known["label"])
        .collect();
    assert!(types.contains(&&json!("Champion")));
    let count = site
        .get(&format!(
            "/crm/v3/objects/deals/{deal}?properties=num_associated_contacts&associations=contacts,companies"
        ))
        .await
        .json();
    assert_eq!(count["properties"]["num_associated_contacts"], "2");
    let listed = count["associations"]["contacts"]["results"].as_array().unwrap();
    assert!(listed.contains(&json!({"id": buyer.to_string(), "type": "champion"})));
    assert_eq!(site.portal().linked("deals", deal, "contacts"), [buyer, other]);
}

#[tokio::test]
async fn only_the_old_dialect_lists_one_records_links() {
    let site = Site::start().await;
    let deal = site.portal().ids("deals")[0];
    let path = format!("deals/{deal}/associations/companies");
    let listed = site.get(&format!("/crm/v4/objects/{path}")).await.json();
    let types = listed["results"][0]["associationTypes"].as_array().unwrap();
    assert!(
        types.contains(&json!({"category": "HUBSPOT_DEFINED", "typeId": 5, "label": "Primary"})),
        "the first company is primary"
    );
    assert_eq!(site.get(&format!("/crm/objects/2026-09/{path}")).await.status, 404);
}

#[tokio::test]
async fn labels_are_made_renamed_and_removed_and_batches_capped() {
    let site = Site::start().await;
    let base = "/crm/associations/2026-09/deals/contacts";
    let made = site.post(&format!("{base}/labels"), &json!({"name": "cfo", "label": "CFO"})).await.json();
    let id = label_type(&made, "CFO");
    assert_eq!(
        site.post(&format!("{base}/labels"), &json!({"name": "cfo", "label": "CFO"})).await.status,
        409
    );
    let (deal, (buyer, _)) = (site.deal("x").await, people(site.portal()));
    site.portal().associate(AE, ("deals", deal), ("contacts", buyer), Some("CFO")).unwrap();
    let before = site.get(&format!("/crm/v3/objects/deals/{deal}")).await.json()["updatedAt"].clone();
    site.portal().advance(5);
    site.portal().associate(AE, ("deals", deal), ("contacts", buyer), Some("Champion")).unwrap();
    let after = site.get(&format!("/crm/v3/objects/deals/{deal}")).await.json()["updatedAt"].clone();
    assert_eq!(before, after, "a label alone does not move the stamp");
    let archive = json!({"inputs": [{"from": {"id": deal}, "to": {"id": buyer},
        "types": [{"associationCategory": "USER_DEFINED", "associationTypeId": id}]}]});
    assert_eq!(site.post(&format!("{base}/batch/labels/archive"), &archive).await.status, 204);
    assert_eq!(site.portal().linked("deals", deal, "contacts"), [buyer]);
    let gone = site
        .call(
            Method::DELETE,
            &format!("/crm/objects/2026-09/deals/{deal}/associations/contacts/{buyer}"),
            &Json::Null,
        )
        .await;
    assert_eq!((gone.status, site.portal().linked("deals", deal, "contacts").len()), (204, 0));
    let many: Vec<Json> = (0..101).map(|_| json!({"id": deal})).collect();
    assert_eq!(site.post(&format!("{base}/batch/read"), &json!({"inputs": many})).await.status, 400);
    let wrong = json!({"inputs": [{"from": {"id": deal}, "to": {"id": buyer},
        "types": [{"associationCategory": "USER_DEFINED", "associationTypeId": 999}]}]});
    assert_eq!(site.post(&format!("{base}/batch/create"), &wrong).await.status, 207);
}
