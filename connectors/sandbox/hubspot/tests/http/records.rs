use handoff_sandbox_hubspot::{Act, ActorKind};
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::support::{AE, Site};

const OLD: &str = "/crm/v3/objects/deals";
const NEW: &str = "/crm/objects/2026-09/deals";

#[tokio::test]
async fn a_record_is_made_read_changed_and_archived_in_both_dialects() {
    let site = Site::start().await;
    for base in [OLD, NEW, "/crm/v3/objects/0-3"] {
        let made = site.post(base, &json!({"properties": {"dealname": "x", "amount": 5}})).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let id = made.json()["id"].as_str().unwrap().to_owned();
        assert!(made.header("location").ends_with(&format!("{base}/{id}")));
        let read = site
            .get(&format!(
                "{base}/{id}?properties=amount,dealstage&properties=nosuch&properties=hs_next_step"
            ))
            .await;
        let properties = &read.json()["properties"];
        assert_eq!((&properties["amount"], &properties["hs_next_step"]), (&json!("5"), &Json::Null));
        assert_eq!(
            (&properties["dealstage"], properties.get("nosuch")),
            (&json!("appointmentscheduled"), None)
        );
        site.portal().advance(1);
        let changed =
            site.patch(&format!("{base}/{id}"), &json!({"properties": {"amount": ""}})).await.json();
        assert_eq!(
            (&changed["properties"]["amount"], changed["updatedAt"] == read.json()["updatedAt"]),
            (&Json::Null, false)
        );
        assert_eq!(site.call(Method::DELETE, &format!("{base}/{id}"), &Json::Null).await.status, 204);
        assert_eq!(site.get(&format!("{base}/{id}")).await.status, 404);
        let bin = site.get(&format!("{base}/{id}?archived=true")).await.json();
        assert_eq!((&bin["archived"], bin["archivedAt"].is_string()), (&json!(true), true));
        site.portal().restore(AE, "deals", id.parse().unwrap()).unwrap();
        assert_eq!(site.get(&format!("{base}/{id}")).await.status, 200);
    }
    let missing = site.get(&format!("{OLD}/77")).await;
    assert_eq!((missing.status, missing.category().as_str()), (404, ""));
    assert_eq!(missing.json()["message"], "resource not found");
    let odd = site.get(&format!("{OLD}/abc")).await;
    assert_eq!((odd.status, odd.category().as_str()), (404, "OBJECT_NOT_FOUND"));
    assert_eq!(odd.json()["context"]["id"], json!(["abc"]));
}

#[tokio::test]
async fn lists_page_by_an_absolute_link_and_take_every_spelling() {
    let site = Site::start().await;
    let mut url = format!(
        "{}{OLD}?limit=15&properties=dealname&properties=amount&archived=False",
        site.sandbox.base_url()
    );
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let page: Json =
            crate::support::Reply::of(site.http.get(&url).bearer_auth(&site.token).send().await.unwrap())
                .await
                .json();
        pages += 1;
        for row in page["results"].as_array().unwrap() {
            assert!(row["properties"]["amount"].is_string());
            seen.push(row["id"].as_str().unwrap().parse::<u64>().unwrap());
        }
        let Some(link) = page["paging"]["next"]["link"].as_str() else { break };
        url = link.to_owned();
    }
    assert_eq!((pages, seen), (3, site.portal().ids("deals")));
    assert_eq!(site.get(&format!("{OLD}?limit=101")).await.category(), "VALIDATION_ERROR");
    assert_eq!(site.get(&format!("{OLD}?limit=51&propertiesWithHistory=amount")).await.status, 400);
    assert_eq!(site.get(&format!("{OLD}?limit=50&propertiesWithHistory=amount")).await.status, 200);
}

#[tokio::test]
async fn wrong_values_are_refused_by_type() {
    let site = Site::start().await;
    let deal = site.deal("x").await;
    let path = format!("{OLD}/{deal}");
    for (name, value, code) in [
        ("nosuch", json!("1"), "PROPERTY_DOESNT_EXIST"),
        ("hs_is_closed_won", json!("true"), "READ_ONLY_VALUE"),
        ("hs_lastmodifieddate", json!("2026-01-01"), "READ_ONLY_VALUE"),
        ("amount", json!("many"), "INVALID_LONG"),
        ("dealtype", json!("New Business"), "INVALID_OPTION"),
        ("dealstage", json!("Closed Won"), "INVALID_OPTION"),
        ("closedate", json!("soon"), "INVALID_DATE"),
        ("handoff_desired_go_live", json!("1795165200000"), "INVALID_DATE"),
        ("handoff_no_known_risks", json!("yes"), "INVALID_OPTION"),
        ("hubspot_owner_id", json!("7100001"), "INVALID_OWNER_ID"),
        ("dealname", json!(["a"]), "INVALID_VALUE"),
    ] {
        let refused = site.patch(&path, &json!({"properties": {name: value}})).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, code), "{name}");
        let message = refused.json()["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with("Property values were not valid: [{"), "{message}");
        assert!(message.contains(&format!("\"error\":\"{code}\"")));
    }
    let write = site.portal().writes().pop().unwrap();
    assert_eq!(
        (write.status.as_str(), write.app),
        ("INVALID_VALUE", Some(handoff_sandbox_hubspot::seed::SERVICE_KEY_APP))
    );
    let odd_day = json!({"properties": {"handoff_desired_go_live": "1795165200000"}});
    let normalised = site.patch(&format!("{NEW}/{deal}"), &odd_day).await.json();
    assert_eq!(normalised["warnings"][0]["category"], "PROPERTY_VALUE_NORMALIZED");
    assert_eq!(normalised["properties"]["handoff_desired_go_live"], "2026-11-20");
    let midnight = json!({"properties": {"handoff_desired_go_live": "1795132800000"}});
    assert_eq!(site.patch(&path, &midnight).await.status, 200);
}

#[tokio::test]
async fn history_tells_who_when_and_what_newest_first() {
    let site = Site::start().await;
    let deal = site.deal("x").await;
    let user = site.portal().user_id(AE).unwrap();
    site.portal().advance(10);
    site.portal().act(&Act::update(AE, "deals", deal, json!({"dealstage": "qualifiedtobuy"}))).unwrap();
    site.portal().advance(10);
    let flow = Act::update("", "deals", deal, json!({"dealstage": "closedwon"})).by(ActorKind::Workflow);
    site.portal().act(&flow).unwrap();
    let read = json!({"inputs": [{"id": deal}], "propertiesWithHistory": ["dealstage", "hs_is_closed_won"], "properties": ["closedate"]});
    let found = site.post(&format!("{NEW}/batch/read"), &read).await.json();
    let record = &found["results"][0];
    let stages = record["propertiesWithHistory"]["dealstage"].as_array().unwrap();
    let told: Vec<(&str, &str)> = stages
        .iter()
        .map(|entry| (entry["value"].as_str().unwrap(), entry["sourceType"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("closedwon", "AUTOMATION_PLATFORM"),
            ("qualifiedtobuy", "CRM_UI"),
            ("appointmentscheduled", "INTEGRATION"),
        ]
    );
    assert_eq!(
        (&stages[1]["sourceId"], &stages[1]["updatedByUserId"]),
        (&json!(format!("userId:{user}")), &json!(user))
    );
    assert_eq!(stages[2]["sourceId"], handoff_sandbox_hubspot::seed::SERVICE_KEY_APP.to_string());
    assert_eq!(stages[0]["timestamp"], "2026-11-20T09:00:20Z");
    assert_eq!(record["propertiesWithHistory"]["hs_is_closed_won"][0]["sourceType"], "CALCULATED");
    assert_eq!(record["properties"]["closedate"], "2026-11-20T09:00:20Z", "won now: the close date follows");
    let facts = site
        .get(&format!("{OLD}/{deal}?properties=hs_is_closed,hs_v2_date_entered_closedwon,hs_v2_date_exited_qualifiedtobuy,hs_v2_latest_time_in_qualifiedtobuy,hs_closed_amount"))
        .await
        .json()["properties"]
        .clone();
    assert_eq!(facts["hs_is_closed"], "true");
    assert_eq!(facts["hs_v2_date_entered_closedwon"], "2026-11-20T09:00:20Z");
    assert_eq!(facts["hs_v2_latest_time_in_qualifiedtobuy"], "10000");
    assert_eq!(facts["hs_closed_amount"], "1000");
    site.portal().set_history_depth(Some(1));
    let one = site.post(&format!("{NEW}/batch/read"), &read).await.json();
    assert_eq!(one["results"][0]["propertiesWithHistory"]["dealstage"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn batches_are_capped_and_read_gives_what_is_there() {
    let site = Site::start().await;
    let ids = site.portal().ids("deals");
    let ask = |count: usize, history: bool| {
        let inputs: Vec<Json> = (0..count).map(|at| json!({"id": ids[at % 40].to_string()})).collect();
        let mut body = json!({"inputs": inputs, "properties": ["dealname"]});
        if history {
            body["propertiesWithHistory"] = json!(["dealstage"]);
        }
        body
    };
    let path = format!("{OLD}/batch/read");
    assert_eq!(site.post(&path, &ask(100, false)).await.status, 200);
    assert_eq!(site.post(&path, &ask(101, false)).await.category(), "VALIDATION_ERROR");
    let too_many = site.post(&path, &ask(51, true)).await;
    assert!(
        too_many.json()["message"].as_str().unwrap().contains("property histories is 50"),
        "{}",
        too_many.text
    );
    let partial = json!({"inputs": [{"id": ids[0]}, {"id": "42"}, {"id": "x"}], "properties": []});
    let found = site.post(&path, &partial).await;
    let body = found.json();
    assert_eq!((found.status, &body["numErrors"]), (207, &json!(1)));
    assert_eq!(
        (&body["errors"][0]["category"], &body["errors"][0]["context"]["ids"]),
        (&json!("OBJECT_NOT_FOUND"), &json!(["42", "x"]))
    );
}

#[tokio::test]
async fn d07_a_batch_update_names_what_failed() {
    let site = Site::start().await;
    let (a, b, c) = (site.deal("a").await, site.deal("b").await, site.deal("c").await);
    let path = format!("{OLD}/batch/update");
    let input = |id: u64, amount: &str| json!({"id": id.to_string(), "properties": {"amount": amount}});
    let whole = site.post(&path, &json!({"inputs": [input(a, "1"), input(b, "2")]})).await;
    assert_eq!((whole.status, whole.json()["status"].as_str()), (200, Some("COMPLETE")));
    let twice = site.post(&path, &json!({"inputs": [input(a, "3"), input(a, "4")]})).await;
    assert_eq!((twice.status, site.portal().property("deals", a, "amount").as_deref()), (400, Some("1")));
    let d08 = site.post(&path, &json!({"inputs": [input(a, "5"), input(b, "bad")]})).await;
    assert_eq!(
        (d08.status, site.portal().property("deals", a, "amount").as_deref()),
        (400, Some("1")),
        "one bad input fails all"
    );
    let gone = site.post(&path, &json!({"inputs": [input(a, "6"), input(41, "7")]})).await;
    assert_eq!((gone.status, &gone.json()["errors"][0]["context"]["ids"]), (207, &json!(["41"])));
    assert_eq!(site.portal().property("deals", a, "amount").as_deref(), Some("6"));
    let traced = |id: u64, amount: &str, trace: &str| json!({"id": id, "objectWriteTraceId": trace, "properties": {"amount": amount}});
    let mixed = site
        .post(&path, &json!({"inputs": [traced(a, "8", "t1"), traced(b, "bad", "t2"), traced(9, "1", "t3")]}))
        .await;
    let body = mixed.json();
    assert_eq!((mixed.status, &body["numErrors"]), (207, &json!(2)));
    assert_eq!(body["results"][0]["objectWriteTraceId"], "t1");
    assert_eq!(body["errors"][0]["context"]["objectWriteTraceId"], json!(["t2"]));
    site.portal().plant(handoff_sandbox_hubspot::Fault::on_kind(
        "batch_update",
        handoff_sandbox_hubspot::Action::PartialFailure { ids: vec![b] },
    ));
    let chosen = site.post(&path, &json!({"inputs": [input(a, "10"), input(b, "11"), input(c, "12")]})).await;
    let failed = chosen.json()["errors"][0]["context"]["ids"].clone();
    assert_eq!((chosen.status, failed), (207, json!([b.to_string()])));
    assert_eq!(site.portal().property("deals", b, "amount").as_deref(), Some("2"));
    assert_eq!(site.portal().property("deals", c, "amount").as_deref(), Some("12"));
    let by_id = json!({"inputs": [{"id": a.to_string(), "idProperty": "hs_object_id", "properties": {}}]});
    let refused = site.post(&path, &by_id).await.json();
    assert!(refused["message"].as_str().unwrap().contains("by non-unique 0-3 property hs_object_id"));
}

#[tokio::test]
async fn contacts_are_made_upserted_and_unique_by_email() {
    let site = Site::start().await;
    let path = "/crm/objects/2026-09/contacts";
    let person = |email: &str| json!({"properties": {"email": email, "firstname": "N"}});
    let made = site.post(path, &person("n@new.example")).await.json();
    let id = made["id"].as_str().unwrap().to_owned();
    let again = site.post(path, &person("N@new.example")).await;
    assert_eq!((again.status, again.category().as_str()), (409, "CONFLICT"));
    assert_eq!(again.json()["message"], format!("Contact already exists. Existing ID: {id}"));
    let by_email = site.get(&format!("{path}/n@new.example?idProperty=email")).await.json();
    assert_eq!(by_email["id"], json!(id));
    let upsert = json!({"inputs": [
        {"id": "n@new.example", "idProperty": "email", "properties": {"firstname": "M"}},
        {"id": "o@new.example", "idProperty": "email", "properties": {"firstname": "O"}},
    ]});
    let done = site.post(&format!("{path}/batch/upsert"), &upsert).await.json();
    assert_eq!((&done["results"][0]["new"], &done["results"][1]["new"]), (&json!(false), &json!(true)));
    let create = |trace: bool| {
        let input = |email: &str, trace_id: &str| {
            let mut input = person(email);
            if trace {
                input["objectWriteTraceId"] = json!(trace_id);
            }
            input
        };
        json!({"inputs": [input("p@new.example", "1"), input("bad", "2")]})
    };
    let before = site.portal().count("contacts");
    assert_eq!(site.post(&format!("{path}/batch/create"), &create(false)).await.status, 400);
    assert_eq!(site.portal().count("contacts"), before);
    let partial = site.post(&format!("{path}/batch/create"), &create(true)).await;
    assert_eq!((partial.status, site.portal().count("contacts")), (207, before + 1));
    assert_eq!(partial.json()["errors"][0]["errors"][0]["code"], "INVALID_EMAIL");
    assert_eq!(
        site.post("/crm/v3/objects/feedback_submissions", &json!({"properties": {}})).await.status,
        405
    );
}

#[tokio::test]
async fn d17_merged_ids_lead_to_the_survivor() {
    let site = Site::start().await;
    let (a, b) = (site.deal("a").await, site.deal("b").await);
    site.portal().act(&Act::update(AE, "deals", b, json!({"description": "of b"}))).unwrap();
    let merge = json!({"primaryObjectId": a.to_string(), "objectIdToMerge": b.to_string()});
    assert_eq!(site.post(&format!("{OLD}/merge"), &merge).await.status, 200);
    let read =
        site.get(&format!("{OLD}/{b}?properties=hs_merged_object_ids,description,dealname")).await.json();
    assert_eq!(
        (&read["id"], &read["properties"]["hs_merged_object_ids"]),
        (&json!(a.to_string()), &json!(b.to_string()))
    );
    assert_eq!(
        (&read["properties"]["description"], &read["properties"]["dealname"]),
        (&json!("of b"), &json!("a"))
    );
    let batch = site
        .post(&format!("{OLD}/batch/read"), &json!({"inputs": [{"id": b}], "properties": []}))
        .await
        .json();
    assert_eq!(batch["results"][0]["id"], json!(a.to_string()));
    assert_eq!(site.post(&format!("{OLD}/merge"), &merge).await.status, 400, "both are one now");
}

#[tokio::test]
async fn a_won_deal_makes_customers_of_its_people() {
    let site = Site::start().await;
    let deal = site.deal("x").await;
    let (contact, company) = (site.portal().ids("contacts")[0], site.portal().ids("companies")[0]);
    for to in [("contacts", contact), ("companies", company)] {
        site.portal().associate(AE, ("deals", deal), to, None).unwrap();
    }
    let stage = |portal: &handoff_sandbox_hubspot::Portal| {
        portal.property("contacts", contact, "lifecyclestage").unwrap()
    };
    assert_eq!(stage(site.portal()), "opportunity");
    site.portal().act(&Act::update(AE, "deals", deal, json!({"dealstage": "closedwon"}))).unwrap();
    assert_eq!(stage(site.portal()), "customer");
    site.portal().act(&Act::update(AE, "deals", deal, json!({"dealstage": "contractsent"}))).unwrap();
    assert_eq!(stage(site.portal()), "customer", "nobody moves back by itself");
    assert_eq!(site.portal().property("companies", company, "lifecyclestage").as_deref(), Some("customer"));
}
