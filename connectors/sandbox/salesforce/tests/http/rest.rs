use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::support::{Reply, Site};

#[tokio::test]
async fn a_row_is_made_read_changed_and_removed() {
    let site = Site::start().await;
    let made =
        site.call(Method::POST, "sobjects/Account/", &json!({"Name": "Acme", "AnnualRevenue": 12.5})).await;
    assert_eq!(made.status, 201);
    assert_eq!((made.json()["success"].as_bool(), made.json()["errors"].clone()), (Some(true), json!([])));
    let path = format!("sobjects/Account/{}", made.json()["id"].as_str().unwrap());
    assert_eq!(site.call(Method::PATCH, &path, &json!({"Name": "Acme 2"})).await.status, 204);
    let read = site.get(&format!("{path}?fields=Name,AnnualRevenue")).await;
    assert_eq!(
        (read.json()["Name"].as_str(), read.json()["AnnualRevenue"].as_f64()),
        (Some("Acme 2"), Some(12.5))
    );
    assert_eq!(read.json()["attributes"]["type"], "Account");
    assert!(read.header("sforce-limit-info").starts_with("api-usage="));
    assert_eq!(read.header("date"), "Fri, 20 Nov 2026 09:00:00 GMT");
    assert_eq!(site.call(Method::DELETE, &path, &Json::Null).await.status, 204);
    assert_eq!(site.call(Method::DELETE, &path, &Json::Null).await.status, 404);
}

#[tokio::test]
async fn bad_rows_get_the_vendors_codes() {
    let site = Site::start().await;
    let deal = site.deal("x").await;
    let path = format!("sobjects/Opportunity/{deal}");
    for (body, code) in [
        (json!({"Nope__c": 1}), "INVALID_FIELD"),
        (json!({"CloseDate": "tomorrow"}), "JSON_PARSER_ERROR"),
        (json!({"Name": "x".repeat(121)}), "STRING_TOO_LONG"),
        (json!({"Name": null}), "REQUIRED_FIELD_MISSING"),
        (json!({"AccountId": "nonsense"}), "MALFORMED_ID"),
        (json!({"AccountId": "001SB00000zzzzz"}), "INVALID_CROSS_REFERENCE_KEY"),
        (json!({"Handoff_03_Decision__c": "Maybe"}), "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        (json!({"IsWon": true}), "INVALID_FIELD_FOR_INSERT_UPDATE"),
        (json!({"Id": deal}), "INVALID_FIELD"),
    ] {
        let reply = site.call(Method::PATCH, &path, &body).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, code), "{body}");
    }
    let broken = site.request(Method::PATCH, &path).body("{\"Name\":").send().await.unwrap();
    assert_eq!(Reply::of(broken).await.code(), "JSON_PARSER_ERROR");
    assert_eq!(site.get("sobjects/Nothing__c/describe").await.status, 404);
    assert_eq!(site.call(Method::PUT, &path, &json!({})).await.status, 405);
}

#[tokio::test]
async fn upsert_answers_201_then_200_then_300() {
    let site = Site::start().await;
    let fields =
        json!({"object": "Account", "add": [{"name": "Ext__c", "type": "string", "external_id": true}]});
    assert_eq!(site.control("fields", &fields).await.status, 200);
    let path = "sobjects/Account/Ext__c/key%2F1";
    let only = site.call(Method::PATCH, &format!("{path}?updateOnly=true"), &json!({"Name": "A"})).await;
    assert_eq!(only.status, 404);
    let made = site.call(Method::PATCH, path, &json!({"Name": "A"})).await;
    assert_eq!((made.status, made.json()["created"].as_bool()), (201, Some(true)));
    let changed = site.call(Method::PATCH, path, &json!({"Name": "B"})).await;
    assert_eq!((changed.status, changed.json()["created"].as_bool()), (200, Some(false)));
    assert_eq!(changed.json()["id"], made.json()["id"]);
    site.call(Method::POST, "sobjects/Account", &json!({"Name": "C", "Ext__c": "key/1"})).await;
    let several = site.call(Method::PATCH, path, &json!({"Name": "D"})).await;
    assert_eq!((several.status, several.json().as_array().unwrap().len()), (300, 2));
    assert_eq!(site.call(Method::PATCH, "sobjects/Account/Nope__c/1", &json!({})).await.code(), "NOT_FOUND");
}

#[tokio::test]
async fn conditional_requests_compare_seconds() {
    let site = Site::start().await;
    let deal = site.deal("x").await;
    let send = async |method: Method, header: &str, value: &str| {
        let request = site.request(method, &format!("sobjects/Opportunity/{deal}")).header(header, value);
        let reply = Reply::of(request.body("{\"NextStep\":\"n\"}").send().await.unwrap()).await;
        reply.status
    };
    let (now, before) = ("Fri, 20 Nov 2026 09:00:00 GMT", "Fri, 20 Nov 2026 08:59:59 GMT");
    assert_eq!(send(Method::PATCH, "If-Unmodified-Since", before).await, 412);
    assert_eq!(send(Method::PATCH, "If-Unmodified-Since", now).await, 204);
    assert_eq!(send(Method::PATCH, "If-Unmodified-Since", "soon").await, 400);
    assert_eq!(send(Method::GET, "If-Modified-Since", now).await, 304);
    assert_eq!(send(Method::GET, "If-Modified-Since", before).await, 200);
    let describe =
        site.request(Method::GET, "sobjects/Opportunity/describe").header("If-Modified-Since", now);
    assert_eq!(describe.send().await.unwrap().status(), 304);
}

fn row(id: &impl std::fmt::Display, fields: &Json) -> Json {
    let mut row = json!({"attributes": {"type": "Opportunity"}, "id": id.to_string()});
    row.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    row
}

#[tokio::test]
async fn collections_save_each_row_for_itself_or_all_or_none() {
    let site = Site::start().await;
    let (a, b) = (site.deal("a").await, site.deal("b").await);
    let rows = json!([
        row(&a, &json!({"NextStep": "one"})),
        row(&b, &json!({"CloseDate": "never"})),
        row(&"006SB00000zzzzz", &json!({"NextStep": "x"})),
    ]);
    let each =
        site.call(Method::PATCH, "composite/sobjects", &json!({"allOrNone": false, "records": rows})).await;
    assert_eq!(each.status, 200);
    let body = each.json();
    assert_eq!(body[0], json!({"id": a, "success": true, "errors": []}));
    assert_eq!(body[1]["errors"][0]["statusCode"], "JSON_PARSER_ERROR");
    assert_eq!(body[2]["errors"][0]["statusCode"], "INVALID_CROSS_REFERENCE_KEY");
    assert_eq!(site.org().field(a, "NextStep"), "one");
    let rows = json!([row(&a, &json!({"NextStep": "two"})), row(&b, &json!({"CloseDate": "never"}))]);
    let none = site
        .call(Method::PATCH, "composite/sobjects", &json!({"allOrNone": true, "records": rows}))
        .await
        .json();
    assert_eq!(none[0]["errors"][0]["statusCode"], "ALL_OR_NONE_OPERATION_ROLLED_BACK");
    assert_eq!(site.org().field(a, "NextStep"), "one");
    let last: Vec<String> =
        site.org().writes().iter().rev().take(2).map(|write| write.status.clone()).collect();
    assert_eq!(last, ["JSON_PARSER_ERROR", "ALL_OR_NONE_OPERATION_ROLLED_BACK"]);
    let retrieved = site
        .call(
            Method::POST,
            "composite/sobjects/Opportunity",
            &json!({"ids": [b, "006SB00000zzzzz", a], "fields": ["Name"]}),
        )
        .await
        .json();
    assert_eq!(
        (retrieved[0]["Name"].as_str(), &retrieved[1], retrieved[2]["Name"].as_str()),
        (Some("b"), &Json::Null, Some("a"))
    );
}

#[tokio::test]
async fn collections_have_their_limits() {
    let site = Site::start().await;
    let deal = site.deal("x").await;
    let rows: Vec<Json> = (0..201).map(|_| row(&deal, &json!({"NextStep": "n"}))).collect();
    let many = site.call(Method::PATCH, "composite/sobjects", &json!({"records": rows})).await;
    assert_eq!((many.status, many.code().as_str()), (400, "EXCEEDED_MAX_SIZE_REQUEST"));
    let kinds = ["Account", "Contact"];
    let mixed: Vec<Json> = (0..11)
        .map(|at| json!({"attributes": {"type": kinds[at % 2]}, "Name": "n", "LastName": "l"}))
        .collect();
    let chunks = site.call(Method::POST, "composite/sobjects", &json!({"records": mixed})).await;
    assert_eq!((chunks.status, chunks.code().as_str()), (400, "LIMIT_EXCEEDED"));
    let untyped = site.call(Method::POST, "composite/sobjects", &json!({"records": [{"Name": "n"}]})).await;
    assert_eq!((untyped.status, untyped.code().as_str()), (400, "INVALID_INPUT"));
}

fn sub(method: &str, path: &str, id: &str, body: &Json) -> Json {
    let mut sub = json!({"method": method, "url": format!("/services/data/v62.0/{path}"), "referenceId": id});
    if !body.is_null() {
        sub["body"] = body.clone();
    }
    sub
}

#[tokio::test]
async fn composite_chains_references_and_rolls_back() {
    let site = Site::start().await;
    let requests = json!([
        sub("POST", "sobjects/Account", "acc", &json!({"Name": "Ref"})),
        sub("POST", "sobjects/Contact", "con", &json!({"LastName": "L", "AccountId": "@{acc.id}"})),
        sub("GET", "query?q=SELECT+Id+FROM+Contact+WHERE+AccountId='@{acc.id}'", "found", &Json::Null),
        sub("GET", "sobjects/Contact/@{found.records[0].Id}?fields=LastName", "read", &Json::Null),
        sub("GET", "sobjects/Contact/@{nothing.id}", "lost", &Json::Null),
    ]);
    let reply = site.call(Method::POST, "composite/", &json!({"compositeRequest": requests})).await;
    let parts = reply.json()["compositeResponse"].clone();
    let codes: Vec<u64> =
        parts.as_array().unwrap().iter().map(|part| part["httpStatusCode"].as_u64().unwrap()).collect();
    assert_eq!(codes, [201, 201, 200, 200, 400]);
    assert_eq!(parts[3]["body"]["LastName"], "L");
    assert_eq!(parts[4]["body"][0]["errorCode"], "PROCESSING_HALTED");
    assert_eq!(site.org().calls().charged, 1);
    let failing = json!([
        sub("POST", "sobjects/Account", "acc", &json!({"Name": "Undone"})),
        sub("POST", "sobjects/Contact", "con", &json!({"FirstName": "no last name"})),
    ]);
    let reply =
        site.call(Method::POST, "composite", &json!({"allOrNone": true, "compositeRequest": failing})).await;
    let parts = reply.json()["compositeResponse"].clone();
    assert_eq!(parts[0]["body"][0]["errorCode"], "PROCESSING_HALTED");
    assert_eq!(parts[1]["body"][0]["errorCode"], "REQUIRED_FIELD_MISSING");
    assert_eq!(site.query("SELECT Id FROM Account WHERE Name = 'Undone'").await["totalSize"], 0);
    let heavy: Vec<Json> = (0..6)
        .map(|at| sub("GET", "query?q=SELECT+Id+FROM+Account+LIMIT+1", &format!("q{at}"), &Json::Null))
        .collect();
    assert_eq!(site.call(Method::POST, "composite", &json!({"compositeRequest": heavy})).await.status, 400);
}

#[tokio::test]
async fn batch_counts_each_subrequest_and_tree_is_all_or_nothing() {
    let site = Site::start().await;
    let requests =
        json!([{"method": "GET", "url": "v62.0/limits"}, {"method": "GET", "url": "v62.0/sobjects/Nope"}]);
    let reply = site.call(Method::POST, "composite/batch", &json!({"batchRequests": requests})).await.json();
    assert_eq!(
        (reply["hasErrors"].as_bool(), reply["results"][1]["statusCode"].as_u64()),
        (Some(true), Some(404))
    );
    assert_eq!(site.org().calls().charged, 2);
    let contact =
        |name: &Json| json!({"attributes": {"type": "Contact", "referenceId": "c"}, "LastName": name});
    let tree = |name: &Json| {
        json!({"records": [{"attributes": {"type": "Account", "referenceId": "a"}, "Name": "Tree",
            "Contacts": {"records": [contact(name)]}}]})
    };
    let made = site.call(Method::POST, "composite/tree/Account/", &tree(&json!("L"))).await;
    assert_eq!((made.status, made.json()["results"].as_array().unwrap().len()), (201, 2));
    let bad = site.call(Method::POST, "composite/tree/Account", &tree(&Json::Null)).await;
    assert_eq!((bad.status, bad.json()["results"][0]["referenceId"].as_str()), (400, Some("c")));
    assert_eq!(site.query("SELECT Id FROM Account WHERE Name = 'Tree'").await["totalSize"], 1);
}

#[tokio::test]
async fn deleted_lists_and_replication_windows_are_checked() {
    let site = Site::start().await;
    let deal = site.deal("x").await;
    site.call(Method::DELETE, &format!("composite/sobjects?ids={deal}"), &Json::Null).await;
    site.org().advance(60);
    let list = site
        .get("sobjects/Opportunity/deleted/?start=2026-11-20T08:00:00%2B00:00&end=2026-11-20T09:01:00Z")
        .await;
    assert_eq!(list.json()["deletedRecords"][0]["id"], json!(deal));
    for bad in [
        "start=2026-11-20T09:00:00Z&end=2026-11-20T09:00:30Z",
        "start=2026-09-01T00:00:00Z&end=2026-11-20T09:00:00Z",
    ] {
        assert_eq!(
            site.get(&format!("sobjects/Opportunity/updated?{bad}")).await.code(),
            "INVALID_REPLICATION_DATE"
        );
    }
}

#[tokio::test]
async fn bulk_query_pages_csv() {
    let site = Site::start().await;
    let job = json!({"operation": "query", "query": "SELECT Id, Account.Name, CloseDate FROM Opportunity"});
    let made = site.call(Method::POST, "jobs/query", &job).await.json();
    assert!(made["apiVersion"].is_number() && made["state"] == "UploadComplete");
    let path = format!("jobs/query/{}", made["id"].as_str().unwrap());
    assert_eq!(site.get(&path).await.json()["state"], "JobComplete");
    let first = site.get(&format!("{path}/results?maxRecords=30")).await;
    assert_eq!((first.header("sforce-numberofrecords"), first.header("sforce-locator")), ("30", "30"));
    assert!(first.text.starts_with("\"Id\",\"Account.Name\",\"CloseDate\"\n\"006"));
    let last = site.get(&format!("{path}/results?maxRecords=30&locator=30")).await;
    assert_eq!((last.header("sforce-numberofrecords"), last.header("sforce-locator")), ("10", "null"));
}
