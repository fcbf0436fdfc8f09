use handoff_sandbox_salesforce::{Action, Fault, SaveError};
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::support::{Reply, Site};

#[tokio::test]
async fn planted_answers_have_the_vendors_bodies() {
    let site = Site::start().await;
    for (action, status, text) in [
        (Action::SessionExpired, 401, "INVALID_SESSION_ID"),
        (Action::DailyLimit, 403, "TotalRequests Limit exceeded."),
        (Action::ConcurrentLimit, 403, "ConcurrentRequests (Concurrent API Requests) Limit exceeded."),
        (Action::ServerError, 500, "UNKNOWN_EXCEPTION"),
        (Action::Maintenance, 503, "<html>"),
        (Action::UriTooLong, 414, "<h1>Bad Message 414</h1>"),
        (Action::HtmlOk, 200, "<html>"),
        (Action::EmptyOk, 200, ""),
    ] {
        site.org().plant(Fault::next(action.clone()));
        let reply = site.get("limits").await;
        assert_eq!(reply.status, status, "{action:?}");
        assert!(reply.text.contains(text), "{action:?}: {}", reply.text);
    }
    assert_eq!(site.get("limits").await.json()["DailyApiRequests"]["Max"], 100_000);
}

#[tokio::test]
async fn a_fault_hits_what_it_names_as_often_as_it_says() {
    let site = Site::start().await;
    let busy = Action::Answer {
        status: 429,
        body: "[]".into(),
        content_type: None,
        retry_after: Some("7".into()),
        apply: false,
    };
    site.org().plant(Fault::on_kind("query", busy).skip(1).times(2));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        assert_eq!(site.get("limits").await.status, 200);
        statuses.push(site.get("query?q=SELECT+Id+FROM+Account+LIMIT+1").await.status);
    }
    assert_eq!(statuses, [200, 429, 429, 200]);
    let by_http = json!({"on": {"kind": "limits"}, "do": "answer", "status": 429, "retry_after": "9"});
    assert_eq!(site.control("faults", &by_http).await.status, 200);
    let reply = site.get("limits").await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, "9"));
}

#[tokio::test]
async fn a_drop_before_leaves_no_trace_and_a_drop_after_has_written() {
    let site = Site::start().await;
    let deal = site.deal("x").await;
    let path = format!("sobjects/Opportunity/{deal}");
    for (action, value) in [(Action::DropBefore, Json::Null), (Action::DropAfter, json!("written"))] {
        site.org().plant(Fault::on_kind("row_update", action));
        let sent = site.request(Method::PATCH, &path).body("{\"NextStep\":\"written\"}").send().await;
        assert!(sent.is_err());
        assert_eq!(site.org().field(deal, "NextStep"), value);
    }
    site.org().plant(Fault::next(Action::Truncate { bytes: 5 }));
    let response = site.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.is_err());
}

#[tokio::test]
async fn a_hanging_request_is_answered_when_released() {
    let site = Site::start().await;
    let number = site.org().plant(Fault::next(Action::Hang));
    assert_eq!(number, 1);
    let waiting = tokio::spawn(site.request(Method::GET, "limits").send());
    while !site.org().faults().is_empty() {
        tokio::task::yield_now().await;
    }
    // The first request is held by now; another passes it.
    assert_eq!(site.get("limits").await.status, 200);
    assert!(!waiting.is_finished());
    site.org().release();
    assert_eq!(waiting.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn locks_and_rejections_are_per_row() {
    let site = Site::start().await;
    let (a, b) = (site.deal("a").await, site.deal("b").await);
    site.org().lock_row(a);
    site.org().reject_row(
        b,
        1,
        SaveError {
            code: "CANNOT_EXECUTE_FLOW_TRIGGER".into(),
            message: "flow failed".into(),
            fields: vec![],
        },
    );
    let record = |id| json!({"attributes": {"type": "Opportunity"}, "Id": id, "NextStep": "n"});
    let body = json!({"records": [record(a), record(b)]});
    let first = site.call(Method::PATCH, "composite/sobjects", &body).await.json();
    let locked = &first[0]["errors"][0];
    assert_eq!(
        locked["message"],
        format!("unable to obtain exclusive access to this record or 1 records: {a}")
    );
    assert_eq!((locked["statusCode"].as_str(), &locked["fields"]), (Some("UNABLE_TO_LOCK_ROW"), &json!([])));
    assert_eq!(first[1]["errors"][0]["statusCode"], "CANNOT_EXECUTE_FLOW_TRIGGER");
    site.org().unlock_row(a);
    let second = site.call(Method::PATCH, "composite/sobjects", &body).await.json();
    assert!(second.as_array().unwrap().iter().all(|row| row["success"] == true));
}

#[tokio::test]
async fn the_daily_allocation_runs_out_and_comes_back() {
    let mut site = Site::start().await;
    site.org().set_limit(9, 10);
    assert_eq!(site.get("limits").await.header("sforce-limit-info"), "api-usage=10/10");
    let refused = site.get("limits").await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "REQUEST_LIMIT_EXCEEDED"));
    assert_eq!(refused.header("sforce-limit-info"), "api-usage=10/10");
    site.org().advance(24 * 3600);
    site.token = site.org().token_for(handoff_sandbox_salesforce::seed::INTEGRATION_USER).unwrap();
    assert_eq!(site.get("limits").await.status, 200);
}

#[tokio::test]
async fn fields_vanish_change_names_and_become_read_only() {
    let site = Site::start().await;
    let deal = site.deal("x").await;
    let path = format!("sobjects/Opportunity/{deal}");
    site.org().set_read_only("Opportunity", "Handoff_03_Status__c", true).unwrap();
    let frozen = site.call(Method::PATCH, &path, &json!({"Handoff_03_Status__c": "s"})).await;
    assert_eq!(frozen.code(), "INVALID_FIELD_FOR_INSERT_UPDATE");
    site.org().remove_field("Opportunity", "Sticky_Points__c").unwrap();
    let gone = site.get("query?q=SELECT+Sticky_Points__c+FROM+Opportunity").await;
    assert_eq!(gone.code(), "INVALID_FIELD");
    site.org().rename_stage("Closed Won", "Won").unwrap();
    let stages =
        site.query("SELECT ApiName FROM OpportunityStage WHERE IsWon = true ORDER BY SortOrder").await;
    assert_eq!(stages["records"][0]["ApiName"], "Won");
    assert_eq!(site.query("SELECT Id FROM Opportunity WHERE StageName = 'Closed Won'").await["totalSize"], 0);
    let passes = site.call(Method::PATCH, &path, &json!({"StageName": "Won"})).await;
    assert_eq!(passes.status, 204, "the rule still asks for the old name");
}

#[tokio::test]
async fn an_address_longer_than_the_edge_takes_is_414_html() {
    let site = Site::start().await;
    let reply: Reply = site.get(&format!("query?q={}", "x".repeat(17_000))).await;
    assert_eq!((reply.status, reply.header("content-type")), (414, "text/html;charset=UTF-8"));
}
