use std::collections::BTreeSet;

use handoff_sandbox_gong::{Clock, SandboxOptions};
use handoff_sandbox_salesforce as salesforce;
use serde_json::json;

use crate::support::Site;

#[tokio::test]
async fn the_seeded_calls_are_about_the_deals_and_people_of_the_salesforce_sandbox() {
    let clock = Clock::manual().shared();
    let options = SandboxOptions { clock: clock.clone(), ..SandboxOptions::default() };
    let site = Site::with(options).await;
    let crm = salesforce::Sandbox::start(salesforce::SandboxOptions {
        clock,
        ..salesforce::SandboxOptions::default()
    })
    .await
    .unwrap();
    let month = 40 * 24 * 3_600;
    let listed = site.list(-month, 0).await;
    assert_eq!(listed.ids().len(), 24);
    let mut deals = BTreeSet::new();
    for id in listed.ids() {
        let selector = json!({"context": "Basic", "exposedFields": {"parties": true}});
        let call = site.details(&[&id], &selector).await.json()["calls"][0].clone();
        let objects = call["context"][0]["objects"].clone();
        let (account, deal) =
            (objects[0]["objectId"].as_str().unwrap(), objects[1]["objectId"].as_str().unwrap());
        let record = crm.org().get(salesforce::Id::parse(deal).unwrap()).unwrap();
        assert_eq!(record["AccountId"], account);
        let customer = crm.org().get(salesforce::Id::parse(account).unwrap()).unwrap();
        assert!(call["metaData"]["title"].as_str().unwrap().starts_with(customer["Name"].as_str().unwrap()));
        let owner =
            crm.org().get(salesforce::Id::parse(record["OwnerId"].as_str().unwrap()).unwrap()).unwrap();
        assert_eq!(call["parties"][0]["emailAddress"], owner["Username"], "the seller owns the deal");
        deals.insert(deal.to_owned());
    }
    assert_eq!(deals.len(), 12);
    let before = crm.org().now();
    site.workspace().advance(60);
    assert_eq!(crm.org().now().as_second(), before.as_second() + 60, "one clock for both");
}
