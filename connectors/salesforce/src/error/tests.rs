use http::HeaderMap;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::composite::reply_of;

fn fault(status: u16, body: &Value) -> Fault {
    of_status(StatusCode::from_u16(status).expect("a status"), body, None)
}

fn one(code: &str, message: &str, fields: &[&str]) -> Value {
    json!([{ "errorCode": code, "message": message, "fields": fields }])
}

#[test]
fn d02_the_day_and_the_moment_are_two_limits() {
    let day = one("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", &[]);
    let now =
        one("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.", &[]);
    assert_eq!(fault(403, &day), Fault::Throttled { retry_after: None, budget: DAILY });
    assert_eq!(
        fault(403, &now),
        Fault::Throttled { retry_after: Some(Duration::from_secs(5)), budget: CONCURRENT }
    );
}

#[test]
fn d05_what_is_not_json_is_a_fault_of_its_own() {
    let kinds = |status: u16, body: &[u8]| body_kind(&reply_of(status, body));
    assert_eq!(kinds(200, b""), "transient");
    assert_eq!(kinds(200, b"<html>maintenance</html>"), "transient");
    assert_eq!(kinds(200, br#"{"records":[{"#), "transient");
    assert_eq!(kinds(200, b"{]"), "protocol");
    assert_eq!(kinds(503, b"<html>maintenance</html>"), "transient");
    assert_eq!(kinds(414, b"<h1>Bad Message 414</h1><pre>reason: URI Too Long</pre>"), "protocol");
    assert_eq!(kinds(420, b""), "transient");
}

fn body_kind(reply: &Reply) -> &'static str {
    body(reply).expect_err("a fault").kind()
}

#[test]
fn d09_an_expired_session_is_told_from_a_hopeless_one() {
    let expired = one("INVALID_SESSION_ID", "Session expired or invalid", &[]);
    assert_eq!(fault(401, &expired), Fault::Expired);
    let hopeless = one("INVALID_SESSION_ID", "This session is not valid for use with the REST API", &[]);
    assert_eq!(fault(401, &hopeless).kind(), "denied");
}

#[test]
fn d12_a_field_that_we_may_not_write_names_the_permission_set() {
    let body = one(
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "Unable to create/update fields: Handoff_Cleared__c. Please check the security settings of this field and \
         verify that it is read/write for your profile or permission set.",
        &["Handoff_Cleared__c"],
    );
    let text = fault(400, &body).to_string();
    assert!(text.contains("Handoff_Cleared__c") && text.contains("Handoff_Integration"), "{text}");
}

#[test]
fn d12_the_missing_column_is_found_in_the_message() {
    let error = ApiError {
        code: "INVALID_FIELD".to_owned(),
        message:
            "\nSELECT Foo__c FROM Opportunity\n       ^\nERROR at Row:1:Column:8\nNo such column 'Foo__c' on \
                  entity 'Opportunity'. If you are attempting to use a custom field, ..."
                .to_owned(),
        fields: Vec::new(),
    };
    assert_eq!(missing_column(&error).as_deref(), Some("Foo__c"));
    assert!(in_words(&error).starts_with("INVALID_FIELD: No such column 'Foo__c'"), "{}", in_words(&error));
}

#[test]
fn d14_a_rule_speaks_in_its_own_words() {
    let body = one("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Handoff 03 is not accepted yet.", &["StageName"]);
    assert_eq!(
        fault(400, &body),
        Fault::Refused {
            detail: "FIELD_CUSTOM_VALIDATION_EXCEPTION: Handoff 03 is not accepted yet. (StageName)"
                .to_owned()
        }
    );
}

#[test]
fn d16_a_locked_row_may_work_again() {
    let row = json!({ "success": false, "errors": [{
        "statusCode": "UNABLE_TO_LOCK_ROW",
        "message": "unable to obtain exclusive access to this record or 1 records: 001000000000001AAA",
        "fields": [],
    }] });
    assert_eq!(worst(&errors(&row)).expect("a fault").kind(), "transient");
}

#[test]
fn d17_a_deleted_record_is_gone() {
    assert_eq!(fault(404, &one("ENTITY_IS_DELETED", "entity is deleted", &[])), Fault::Gone);
    assert_eq!(fault(404, &one("NOT_FOUND", "The requested resource does not exist", &[])), Fault::Gone);
}

#[test]
fn d24_a_retired_version_says_so() {
    let text = fault(410, &one("UNSUPPORTED_API_VERSION", "", &[])).to_string();
    assert!(text.contains("api_version"), "{text}");
}

#[test]
fn values_in_messages_stay_out() {
    let body =
        one("STRING_TOO_LONG", "Name: data value too large: the customer's secret (max length=5)", &["Name"]);
    assert_eq!(fault(400, &body), Fault::Refused { detail: "STRING_TOO_LONG (Name)".to_owned() });
}

#[test]
fn a_person_comes_before_a_retry() {
    let rows = json!([
        { "errorCode": "UNABLE_TO_LOCK_ROW", "message": "" },
        { "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "no" },
    ]);
    assert_eq!(fault(400, &rows).kind(), "refused");
}

#[test]
fn a_proxy_that_asks_to_wait_is_heard() {
    let mut headers = HeaderMap::new();
    headers.insert(http::header::RETRY_AFTER, http::HeaderValue::from_static("99999999999"));
    let reply = Reply { status: StatusCode::TOO_MANY_REQUESTS, headers, body: Vec::new().into() };
    assert_eq!(
        body(&reply),
        Err(Fault::Throttled { retry_after: Some(Duration::from_hours(24)), budget: CONCURRENT })
    );
}

proptest! {
    #[test]
    fn any_reply_is_read_or_a_fault(status in 100_u16..600, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let reply = reply_of(status, body);
        if let Err(fault) = super::body(&reply) {
            prop_assert!(fault.to_string().len() < 20_000);
        }
    }

    #[test]
    fn any_error_text_is_one_short_line(code in any::<String>(), message in any::<String>()) {
        let text = in_words(&ApiError { code: clean(&code), message, fields: Vec::new() });
        prop_assert!(!text.chars().any(char::is_control));
        prop_assert!(text.chars().count() <= 2 * MESSAGE_CAP + 2);
    }
}
