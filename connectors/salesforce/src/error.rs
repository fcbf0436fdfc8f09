//! Every shape of a Salesforce error, read once, and what each code means for us.

use std::time::Duration;

use handoff_connector::{Fault, Reply};
use http::StatusCode;
use serde_json::Value;

use crate::spec::{CONCURRENT, DAILY};

/// Longest part of a vendor's message that is kept.
const MESSAGE_CAP: usize = 300;

/// One error as Salesforce states it, from whichever shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    /// E.g. `FIELD_CUSTOM_VALIDATION_EXCEPTION`.
    pub(crate) code: String,
    /// The vendor's words.
    pub(crate) message: String,
    /// Fields it speaks of.
    pub(crate) fields: Vec<String>,
}

/// Reads the array shape, the object shape, the row shape and the OAuth shape; anything else is no error list.
pub(crate) fn errors(body: &Value) -> Vec<ApiError> {
    match body {
        Value::Array(items) => items.iter().take(50).filter_map(one).collect(),
        Value::Object(object) => match object.get("errors") {
            Some(Value::Array(items)) => items.iter().take(50).filter_map(one).collect(),
            _ => one(body).into_iter().collect(),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

fn one(item: &Value) -> Option<ApiError> {
    let text = |keys: &[&str]| keys.iter().find_map(|key| item.get(key)?.as_str()).map(str::to_owned);
    let code = text(&["errorCode", "statusCode", "exceptionCode", "error"])?;
    let message = text(&["message", "exceptionMessage", "error_description"]).unwrap_or_default();
    let fields = item.get("fields").and_then(Value::as_array).map_or_else(Vec::new, |fields| {
        fields.iter().take(20).filter_map(Value::as_str).map(clean).collect()
    });
    Some(ApiError { code: clean(&code), message, fields })
}

/// The JSON body of a successful reply; otherwise the fault that the reply states.
pub(crate) fn body(reply: &Reply) -> Result<Value, Fault> {
    let parsed = serde_json::from_slice::<Value>(&reply.body);
    if !reply.status.is_success() {
        return Err(of_status(reply.status, &parsed.unwrap_or_default(), retry_after(reply)));
    }
    parsed.map_err(|error| {
        if error.is_eof() || looks_like_markup(&reply.body) {
            // An answer that broke off, or a proxy's page: what was asked for can be asked again.
            Fault::Transient { detail: "the answer broke off or is a web page".to_owned() }
        } else {
            Fault::Protocol { detail: format!("not JSON (line {}, column {})", error.line(), error.column()) }
        }
    })
}

fn looks_like_markup(body: &[u8]) -> bool {
    body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

/// Salesforce sends none itself; proxies in between do, in seconds or as a date. At most a day.
fn retry_after(reply: &Reply) -> Option<Duration> {
    Some(handoff_connector::retry_after(&reply.headers)?.min(Duration::from_hours(24)))
}

/// What a failed reply or subrequest means.
pub(crate) fn of_status(status: StatusCode, body: &Value, wait: Option<Duration>) -> Fault {
    let errors = errors(body);
    if let Some(fault) = errors.iter().find_map(|error| of_limit(error, wait)) {
        return fault;
    }
    match status.as_u16() {
        401 => unauthorised(&errors),
        412 => Fault::Stale,
        429 => Fault::Throttled { retry_after: wait, budget: CONCURRENT },
        406 | 408 | 409 | 420 | 425 | 428 | 500..=599 => Fault::Transient { detail: words(status, &errors) },
        404 | 410 if errors.is_empty() || errors.iter().any(|e| e.code == "UNSUPPORTED_API_VERSION") => {
            Fault::Denied {
                detail: words(status, &errors),
                remedy: "Set api_version of this connection to a version that the org still offers"
                    .to_owned(),
            }
        }
        404 => Fault::Gone,
        403 => worst(&errors).unwrap_or_else(|| denied(words(status, &errors))),
        414 | 431 => Fault::Protocol { detail: words(status, &errors) },
        _ => worst(&errors).unwrap_or_else(|| Fault::Protocol { detail: words(status, &errors) }),
    }
}

fn words(status: StatusCode, errors: &[ApiError]) -> String {
    let said: Vec<String> = errors.iter().map(in_words).collect();
    let said = said.join("; ");
    if said.is_empty() {
        format!("HTTP {}", status.as_u16())
    } else {
        format!("HTTP {}: {said}", status.as_u16())
    }
}

fn of_limit(error: &ApiError, wait: Option<Duration>) -> Option<Fault> {
    if error.code != "REQUEST_LIMIT_EXCEEDED" {
        return None;
    }
    // One code, two meanings: only the message tells the rolling day from the calls that run at once.
    Some(if error.message.contains("Concurrent") {
        Fault::Throttled { retry_after: wait.or(Some(Duration::from_secs(5))), budget: CONCURRENT }
    } else {
        Fault::Throttled { retry_after: wait, budget: DAILY }
    })
}

fn unauthorised(errors: &[ApiError]) -> Fault {
    // These two come with INVALID_SESSION_ID although no new session will help.
    const HOPELESS: [&str; 2] =
        ["not valid for use with the REST API", "Connected app is not attached to Agent"];
    if errors.iter().any(|error| HOPELESS.iter().any(|text| error.message.contains(text))) {
        return Fault::Denied {
            detail: "INVALID_SESSION_ID: this session may not use the REST API".to_owned(),
            remedy: "Give the integration user the permission 'API Enabled' and the app the scope 'api'"
                .to_owned(),
        };
    }
    Fault::Expired
}

fn denied(detail: String) -> Fault {
    Fault::Denied {
        detail,
        remedy:
            "Assign the permission set Handoff_Integration to the integration user and check its object and \
                 field access"
                .to_owned(),
    }
}

/// The fault that stands for several errors of one row: what needs a person comes before what may work again.
pub(crate) fn worst(errors: &[ApiError]) -> Option<Fault> {
    let faults: Vec<Fault> = errors.iter().map(of_code).collect();
    let rank = |fault: &Fault| match fault {
        Fault::Gone => 0,
        Fault::Denied { .. } => 1,
        Fault::Refused { .. } => 2,
        Fault::Stale => 3,
        Fault::Protocol { .. } => 4,
        Fault::Expired => 5,
        Fault::Throttled { .. } => 6,
        Fault::Transient { .. } => 7,
    };
    let first = faults.into_iter().min_by_key(rank)?;
    Some(match first {
        Fault::Refused { .. } => {
            let said: Vec<String> = errors
                .iter()
                .filter(|error| matches!(of_code(error), Fault::Refused { .. }))
                .map(in_words)
                .collect();
            Fault::Refused { detail: said.join("; ") }
        }
        other @ (Fault::Gone
        | Fault::Denied { .. }
        | Fault::Stale
        | Fault::Protocol { .. }
        | Fault::Expired
        | Fault::Throttled { .. }
        | Fault::Transient { .. }) => other,
    })
}

/// What one code means (facts/salesforce §3.5).
pub(crate) fn of_code(error: &ApiError) -> Fault {
    match error.code.as_str() {
        "UNABLE_TO_LOCK_ROW"
        | "QUERY_TIMEOUT"
        | "SERVER_UNAVAILABLE"
        | "UNKNOWN_EXCEPTION"
        | "PROCESSING_HALTED"
        | "ALL_OR_NONE_OPERATION_ROLLED_BACK"
        | "INVALID_QUERY_LOCATOR" => Fault::Transient { detail: in_words(error) },
        "REQUEST_LIMIT_EXCEEDED" => {
            of_limit(error, None).unwrap_or(Fault::Throttled { retry_after: None, budget: DAILY })
        }
        "ENTITY_IS_DELETED" | "NOT_FOUND" | "INVALID_CROSS_REFERENCE_KEY" => Fault::Gone,
        "INVALID_SESSION_ID" | "INVALID_AUTH_HEADER" => Fault::Expired,
        "INVALID_FIELD_FOR_INSERT_UPDATE"
        | "INVALID_FIELD"
        | "INVALID_TYPE"
        | "INSUFFICIENT_ACCESS_OR_READONLY"
        | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
        | "INSUFFICIENT_ACCESS"
        | "TRANSFER_REQUIRES_READ"
        | "FUNCTIONALITY_NOT_ENABLED"
        | "API_DISABLED_FOR_ORG"
        | "API_CURRENTLY_DISABLED"
        | "TXN_SECURITY_METERING_ERROR" => denied(in_words(error)),
        "JSON_PARSER_ERROR" | "MALFORMED_QUERY" | "MALFORMED_ID" => {
            Fault::Protocol { detail: in_words(error) }
        }
        _ => Fault::Refused { detail: in_words(error) },
    }
}

/// Codes whose message speaks of structure or is written by an admin. The messages of all others may repeat a record's values.
const SPEAKS_OF_STRUCTURE: [&str; 12] = [
    "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    "REQUIRED_FIELD_MISSING",
    "INVALID_FIELD",
    "INVALID_FIELD_FOR_INSERT_UPDATE",
    "INVALID_TYPE",
    "INSUFFICIENT_ACCESS_OR_READONLY",
    "UNABLE_TO_LOCK_ROW",
    "ENTITY_IS_LOCKED",
    "REQUEST_LIMIT_EXCEEDED",
    "API_DISABLED_FOR_ORG",
    "FUNCTIONALITY_NOT_ENABLED",
    "CANNOT_EXECUTE_FLOW_TRIGGER",
];

/// Code, fields and, where it cannot hold a record's values, the vendor's message.
pub(crate) fn in_words(error: &ApiError) -> String {
    let mut text = error.code.clone();
    if SPEAKS_OF_STRUCTURE.contains(&error.code.as_str()) && !error.message.is_empty() {
        // A query error repeats the query first; its last lines say what is wrong.
        let tail = error.message.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        text.push_str(": ");
        text.push_str(&clean(if matches!(error.code.as_str(), "INVALID_FIELD" | "INVALID_TYPE") {
            tail
        } else {
            &error.message
        }));
    }
    if !error.fields.is_empty() {
        text.push_str(" (");
        text.push_str(&error.fields.join(", "));
        text.push(')');
    }
    text
}

/// One line, no control characters, capped.
fn clean(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MESSAGE_CAP).collect();
    line.trim().to_owned()
}

/// The column that an `INVALID_FIELD` speaks of, from `No such column 'X' on …` or its list of fields.
pub(crate) fn missing_column(error: &ApiError) -> Option<String> {
    const MARKS: [&str; 2] = ["No such column '", "Didn't understand relationship '"];
    if !matches!(error.code.as_str(), "INVALID_FIELD" | "INVALID_FIELD_FOR_INSERT_UPDATE") {
        return None;
    }
    let quoted = MARKS.iter().find_map(|mark| {
        let (_, rest) = error.message.split_once(mark)?;
        rest.split_once('\'').map(|(name, _)| name.to_owned())
    });
    quoted.or_else(|| error.fields.first().cloned()).filter(|name| crate::soql::is_path(name))
}

#[cfg(test)]
mod tests;
