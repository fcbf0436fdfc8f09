//! Requests taken apart and answers put together, in the vendor's shapes.

pub(crate) use handoff_sandbox_host::{Call, Reply};
use http::Method;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::record::SaveError;

/// Reading a request's body in the vendor's way.
pub(crate) trait JsonBody {
    /// The body as JSON, or the vendor's complaint.
    fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ApiError>;
}

impl JsonBody for Call {
    fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ApiError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            ApiError::new(
                400,
                "JSON_PARSER_ERROR",
                format!("{} at [line:{}, column:{}]", plain_reason(&error), error.line(), error.column()),
            )
        })
    }
}

fn plain_reason(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Eof => "Unexpected end-of-input",
        serde_json::error::Category::Data => {
            "Unexpected parameter or type encountered during deserialization"
        }
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "Unexpected character",
    }
}

/// The 414 of the vendor's edge.
pub(crate) fn uri_too_long() -> Reply {
    Reply::html(414, "<h1>Bad Message 414</h1><pre>reason: URI Too Long</pre>")
}

/// The 503 of a maintenance window.
pub(crate) fn maintenance() -> Reply {
    Reply::html(
        503,
        "<html><head><title>Service Not Available</title></head><body><h1>Down for maintenance</h1>\
         <p>Sorry for the inconvenience. We'll be back shortly.</p></body></html>",
    )
}

/// A refused request: the REST error array.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) errors: Vec<SaveError>,
}

impl ApiError {
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, errors: vec![SaveError::new(code, message)] }
    }

    pub(crate) fn session() -> Self {
        Self::new(401, "INVALID_SESSION_ID", "Session expired or invalid")
    }

    pub(crate) fn not_found() -> Self {
        Self::new(404, "NOT_FOUND", "The requested resource does not exist")
    }

    pub(crate) fn method(method: &Method) -> Self {
        Self::new(
            405,
            "METHOD_NOT_ALLOWED",
            format!("HTTP Method '{method}' not allowed. Allowed are GET,POST,PATCH,DELETE"),
        )
    }

    /// Single-row refusals: gone rows are 404, everything else 400.
    pub(crate) fn save(errors: Vec<SaveError>) -> Self {
        let gone = errors.iter().any(|error| error.code == "NOT_FOUND" || error.code == "ENTITY_IS_DELETED");
        Self { status: if gone { 404 } else { 400 }, errors }
    }

    pub(crate) fn reply(&self) -> Reply {
        let entries: Vec<Json> = self.errors.iter().map(error_entry).collect();
        let reply = Reply::json(self.status, &Json::from(entries));
        if self.status == 401 { reply.with("WWW-Authenticate", "Token") } else { reply }
    }
}

fn error_entry(error: &SaveError) -> Json {
    let with_fields = !error.fields.is_empty()
        || matches!(error.code.as_str(), "FIELD_CUSTOM_VALIDATION_EXCEPTION" | "UNABLE_TO_LOCK_ROW");
    let mut entry = json!({"message": error.message, "errorCode": error.code});
    if with_fields && let Some(entry) = entry.as_object_mut() {
        entry.insert("fields".to_owned(), json!(error.fields));
    }
    entry
}

/// Collections call the code `statusCode` and always list fields.
pub(crate) fn row_errors(errors: &[SaveError]) -> Json {
    errors
        .iter()
        .map(|error| {
            // A collection reports a row it cannot find as a bad reference.
            let (code, message) = if error.code == "NOT_FOUND" {
                ("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
            } else {
                (error.code.as_str(), error.message.as_str())
            };
            json!({"statusCode": code, "message": message, "fields": error.fields})
        })
        .collect()
}
