use handoff_sandbox_hubspot::StaticToken;
use serde_json::{Value as Json, json};

use crate::support::{AE, LEAD, Site};

const PATH: &str = "/deal-splits/2026-09/batch";
const OLDER: &str = "/crm/objects/v3/deals/splits/batch";

fn of(site: &Site, deal: u64, first: f64, second: f64) -> Json {
    let owner = |name| site.portal().owner_id(name).unwrap();
    json!({"id": deal, "splits": [
        {"ownerId": owner(AE), "percentage": first}, {"ownerId": owner(LEAD), "percentage": second}]})
}

async fn upsert(site: &Site, inputs: &[Json]) -> u16 {
    site.post(&format!("{PATH}/upsert"), &json!({"inputs": inputs})).await.status
}

async fn read(site: &Site, path: &str, ids: &[u64]) -> (u16, Json) {
    let inputs: Vec<Json> = ids.iter().map(|id| json!({"id": id.to_string()})).collect();
    let reply = site.post(&format!("{path}/read"), &json!({"inputs": inputs})).await;
    (reply.status, reply.json())
}

#[tokio::test]
async fn splits_sum_to_one() {
    let site = Site::start().await;
    let deal = site.deal("x").await;
    assert_eq!(upsert(&site, &[of(&site, deal, 0.5, 0.4)]).await, 400);
    assert_eq!(upsert(&site, &[of(&site, deal, 1.2, -0.2)]).await, 400);
    assert_eq!(upsert(&site, &[of(&site, deal, 0.123_456_789, 0.876_543_211)]).await, 400, "nine decimals");
    assert_eq!(upsert(&site, &[of(&site, deal, 0.6, 0.4)]).await, 200);
    for path in [PATH, OLDER] {
        let (status, told) = read(&site, path, &[deal]).await;
        let split = &told["results"][0]["splits"][0];
        assert_eq!(
            (status, &split["properties"]["hs_deal_split_percentage"]),
            (200, &json!("0.6")),
            "{path}"
        );
        assert_eq!(split["properties"]["hubspot_owner_id"], site.portal().owner_id(AE).unwrap().to_string());
        assert!(split["id"].is_string() && split["archived"] == false, "{split}");
    }
    // The deal itself tells that it is shared, and is changed by it.
    assert_eq!(site.portal().property("deals", deal, "hs_is_deal_split").as_deref(), Some("true"));
    assert_eq!(upsert(&site, &[of(&site, deal, 0.333_333_33, 0.666_666_67)]).await, 200);
    let (_, told) = read(&site, PATH, &[deal]).await;
    assert_eq!(told["results"][0]["splits"][1]["properties"]["hs_deal_split_percentage"], "0.66666667");
    assert_eq!(told["results"][0]["splits"].as_array().unwrap().len(), 2, "the earlier ones are replaced");
}

#[tokio::test]
async fn the_owner_of_a_deal_is_among_those_who_share_it() {
    let site = Site::start().await;
    let deal = site.deal("x").await;
    let owner = site.portal().owner_id("luis.ortega@northwind-peak.example").unwrap();
    let change = json!({"properties": {"hubspot_owner_id": owner.to_string()}});
    assert_eq!(site.patch(&format!("/crm/v3/objects/deals/{deal}"), &change).await.status, 200);
    assert_eq!(upsert(&site, &[of(&site, deal, 0.5, 0.5)]).await, 400);
    assert!(site.portal().split(deal, &[(AE, "1")]).is_err());
    site.portal().split(deal, &[(AE, "0.5"), (&owner.to_string(), "0.5")]).unwrap();
}

#[tokio::test]
async fn a_batch_of_splits_is_read_for_each_deal_and_written_as_a_whole() {
    let site = Site::start().await;
    let (shared, alone, gone) =
        (site.deal("shared").await, site.deal("alone").await, site.deal("gone").await);
    site.portal().archive(AE, "deals", gone).unwrap();
    assert_eq!(upsert(&site, &[of(&site, shared, 0.5, 0.5), of(&site, alone, 0.5, 0.4)]).await, 400);
    assert_eq!(
        read(&site, PATH, &[shared]).await.1["results"][0]["splits"],
        json!([]),
        "nothing was written"
    );
    assert_eq!(upsert(&site, &[of(&site, shared, 0.5, 0.5)]).await, 200);
    let (status, told) = read(&site, PATH, &[shared, 4_711, alone, gone]).await;
    assert_eq!((status, &told["numErrors"]), (207, &json!(2)));
    assert_eq!(told["errors"][0]["category"], "OBJECT_NOT_FOUND");
    assert_eq!(told["errors"][0]["context"]["ids"], json!(["4711"]));
    let rows = told["results"].as_array().unwrap();
    let count = |row: &Json| (row["id"].clone(), row["splits"].as_array().unwrap().len());
    let told: Vec<_> = rows.iter().map(count).collect();
    assert_eq!(told, [(json!(shared.to_string()), 2), (json!(alone.to_string()), 0)]);
    let many: Vec<u64> = (1..=101).collect();
    assert_eq!(read(&site, PATH, &many).await.0, 400);
    assert_eq!(site.get(&format!("{PATH}/read")).await.status, 405);
}

#[tokio::test]
async fn splits_need_a_scope_of_their_own() {
    let mut site = Site::start().await;
    let deal = site.deal("x").await;
    let narrow = StaticToken {
        token: "pat-narrow".into(),
        app_id: 7,
        name: String::new(),
        scopes: vec!["crm.objects.deals.read".into()],
        user: None,
    };
    site.portal().put_token(&narrow).unwrap();
    site.token = narrow.token;
    let (status, told) = read(&site, PATH, &[deal]).await;
    assert_eq!((status, &told["category"]), (403, &json!("MISSING_SCOPES")));
    assert_eq!(told["errors"][0]["context"]["requiredGranularScopes"], json!(["crm.dealsplits.read_write"]));
}
