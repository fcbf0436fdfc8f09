//! HubSpot's errors, read once, and what each means for us (facts/hubspot §2, §3, §6).
//!
//! HubSpot's messages often repeat a record's values. Only codes, property names and scopes are ever taken from them.

use std::collections::BTreeSet;
use std::time::Duration;

use handoff_connector::{ANY_BUDGET, Fault, Reply, classify_common, retry_after};
use http::StatusCode;
use serde_json::Value;

use crate::id::is_property;
use crate::spec::{DAILY, SEARCH, TEN_SECONDS};

/// How long a locked record rests.
const LOCKED: Duration = Duration::from_secs(2);
/// Most errors, codes and names that are read from one answer.
const MOST: usize = 50;

/// One error as HubSpot states it. Every field is optional.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ApiError {
    /// E.g. `VALIDATION_ERROR`.
    pub(crate) category: String,
    /// Codes of the error and its details, e.g. `MISSING_CONDITIONAL_REQUIRED_PROPERTY`.
    pub(crate) codes: BTreeSet<String>,
    /// Properties it speaks of.
    pub(crate) properties: BTreeSet<String>,
    /// Scopes that are missing.
    pub(crate) scopes: BTreeSet<String>,
    /// Records it speaks of.
    pub(crate) ids: BTreeSet<String>,
    /// Our marks of the inputs that it speaks of.
    pub(crate) traces: BTreeSet<String>,
}

/// A code is one word of letters, digits and separators; anything else could be a value.
fn code(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let fits = (1..=80).contains(&text.len()) && text.bytes().all(plain);
    let upper = text.bytes().any(|byte| byte.is_ascii_uppercase());
    (fits && upper).then(|| text.to_owned())
}

fn scope(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.".contains(&byte);
    ((1..=80).contains(&text.len()) && text.bytes().all(plain)).then(|| text.to_owned())
}

fn property(text: &str) -> Option<String> {
    is_property(text).then(|| text.to_owned())
}

fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    let one = value.and_then(Value::as_str);
    list.take(MOST * 4).filter_map(Value::as_str).chain(one)
}

impl ApiError {
    /// Reads an error body or an entry of a batch's `errors`; anything else has no category and no codes.
    pub(crate) fn parse(body: &Value) -> Self {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let mut error =
            Self { category: text("category").and_then(code).unwrap_or_default(), ..Self::default() };
        error.learn(body);
        for detail in body.get("errors").and_then(Value::as_array).into_iter().flatten().take(MOST) {
            error.learn(detail);
        }
        if let Some(message) = text("message") {
            error.listed(message);
        }
        error
    }

    fn learn(&mut self, body: &Value) {
        let named = ["subCategory", "code", "errorType"].into_iter();
        self.codes.extend(named.filter_map(|name| code(body.get(name)?.as_str()?)));
        let Some(context) = body.get("context") else { return };
        for name in ["propertyName", "propertyNames", "properties"] {
            self.properties.extend(texts(context.get(name)).filter_map(property));
        }
        for name in ["requiredGranularScopes", "requiredScopes"] {
            self.scopes.extend(texts(context.get(name)).filter_map(scope));
        }
        for name in ["ids", "id", "objectId"] {
            self.ids.extend(texts(context.get(name)).map(str::to_owned));
        }
        self.traces.extend(texts(context.get("objectWriteTraceId")).map(str::to_owned));
    }

    /// `Property values were not valid: [{"error":"READ_ONLY_VALUE","name":"x",…}]`: only code and name are taken.
    fn listed(&mut self, message: &str) {
        let Some(start) = message.find("[{") else { return };
        let Some(list) = message.get(start..) else { return };
        let mut rows = serde_json::Deserializer::from_str(list).into_iter::<Value>();
        let Some(Ok(Value::Array(rows))) = rows.next() else { return };
        for row in rows.iter().take(MOST) {
            self.codes.extend(row.get("error").and_then(Value::as_str).and_then(code));
            self.properties.extend(row.get("name").and_then(Value::as_str).and_then(property));
        }
    }

    /// Codes and names; `None` = the answer held none.
    fn in_words(&self) -> Option<String> {
        let codes: Vec<&str> = Some(self.category.as_str())
            .filter(|category| !category.is_empty())
            .into_iter()
            .chain(self.codes.iter().map(String::as_str))
            .take(MOST)
            .collect();
        if codes.is_empty() && self.properties.is_empty() {
            return None;
        }
        let names: Vec<&str> = self.properties.iter().map(String::as_str).take(MOST).collect();
        let codes = codes.join(" ");
        Some(if names.is_empty() { codes } else { format!("{codes} ({})", names.join(", ")) })
    }

    fn has(&self, wanted: &str) -> bool {
        self.category == wanted || self.codes.contains(wanted)
    }

    /// Whether it says that the records are not there.
    pub(crate) fn is_absence(&self) -> bool {
        self.has("OBJECT_NOT_FOUND")
            || self
                .codes
                .iter()
                .any(|code| code.ends_with("NO_ASSOCIATIONS_FOUND") || code.ends_with("NOT_FOUND"))
    }

    /// What the error of one row of a batch means.
    pub(crate) fn of_row(&self) -> Fault {
        if self.is_absence() {
            return Fault::Gone;
        }
        if self.has("MISSING_SCOPES") {
            return self.scopes_missing();
        }
        let temporary = [
            "CONFLICT",
            "RATE_LIMITS",
            "RATE_LIMIT",
            "INTERNAL_ERROR",
            "TRANSIENT_ERROR",
            "TIMEOUT",
            "LOCKED",
        ];
        let detail = self.in_words();
        match detail {
            Some(detail) if temporary.iter().any(|one| self.has(one)) => Fault::Transient { detail },
            Some(detail) => Fault::Refused { detail },
            None => Fault::Protocol { detail: "a row failed without a code".to_owned() },
        }
    }

    fn scopes_missing(&self) -> Fault {
        let scopes: Vec<&str> = self.scopes.iter().map(String::as_str).collect();
        let scopes =
            if scopes.is_empty() { "HubSpot does not say which".to_owned() } else { scopes.join(", ") };
        Fault::Denied {
            detail: format!("MISSING_SCOPES: {scopes}"),
            remedy: "Add the scope to the app or service key, and install it again where it is an OAuth app"
                .to_owned(),
        }
    }
}

/// The JSON body of a successful reply; otherwise the fault that the reply states.
pub(crate) fn body(reply: &Reply) -> Result<Value, Fault> {
    if !reply.status.is_success() {
        return Err(of_reply(reply));
    }
    if let Some(fault) = classify_common(reply) {
        return Err(fault);
    }
    serde_json::from_slice::<Value>(&reply.body).map_err(|error| {
        if error.is_eof() {
            Fault::Transient { detail: "the answer broke off".to_owned() }
        } else {
            Fault::Protocol { detail: format!("not JSON (line {}, column {})", error.line(), error.column()) }
        }
    })
}

/// What a failed reply means.
pub(crate) fn of_reply(reply: &Reply) -> Fault {
    let body = serde_json::from_slice::<Value>(&reply.body).unwrap_or_default();
    let error = ApiError::parse(&body);
    let status = reply.status;
    let words = || {
        let said = error.in_words().map(|said| format!(": {said}")).unwrap_or_default();
        format!("HTTP {}{said}", status.as_u16())
    };
    match status.as_u16() {
        401 => unauthorised(&error),
        403 if error.has("MISSING_SCOPES") || !error.scopes.is_empty() => error.scopes_missing(),
        403 => Fault::Denied {
            detail: words(),
            remedy: "Check what the app or service key, and the user it belongs to, may do in this portal"
                .to_owned(),
        },
        404 => Fault::Gone,
        409 => Fault::Transient { detail: words() },
        423 => Fault::Throttled {
            retry_after: Some(wait(reply).unwrap_or(LOCKED).max(LOCKED)),
            budget: ANY_BUDGET,
        },
        429 => throttled(reply, &body),
        // The portal moves to another data centre; HubSpot says for how long.
        477 => Fault::Throttled { retry_after: wait(reply), budget: ANY_BUDGET },
        _ => classify_common(reply).unwrap_or_else(|| by_code(status, &error, words())),
    }
}

fn by_code(status: StatusCode, error: &ApiError, words: String) -> Fault {
    if status != StatusCode::BAD_REQUEST {
        return Fault::Protocol { detail: words };
    }
    if error.category.is_empty() && error.codes.is_empty() {
        return Fault::Protocol { detail: words };
    }
    match error.of_row() {
        // A request that is wrong as a whole concerns no single record.
        Fault::Gone => Fault::Refused { detail: words },
        other @ (Fault::Transient { .. }
        | Fault::Throttled { .. }
        | Fault::Expired
        | Fault::Denied { .. }
        | Fault::Stale
        | Fault::Refused { .. }
        | Fault::Protocol { .. }) => other,
    }
}

fn unauthorised(error: &ApiError) -> Fault {
    if !error.has("INVALID_AUTHENTICATION") {
        return Fault::Expired;
    }
    Fault::Denied {
        detail: "INVALID_AUTHENTICATION: HubSpot does not know this token".to_owned(),
        remedy: "Rotate the service key or token, or install the app again".to_owned(),
    }
}

/// Which limit, and for how long: HubSpot names the policy and sends no `Retry-After` of its own.
fn throttled(reply: &Reply, body: &Value) -> Fault {
    let said = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_uppercase();
    let (policy, message) = (said("policyName"), said("message"));
    let is = |name: &str| policy == name || (policy.is_empty() && message.contains(name));
    let (budget, rest) = if is("TEN_SECONDLY_ROLLING") {
        (TEN_SECONDS, Some(Duration::from_secs(10)))
    } else if is("SECONDLY") {
        (SEARCH, Some(Duration::from_secs(1)))
    } else if is("DAILY") {
        (DAILY, None)
    } else {
        (TEN_SECONDS, Some(Duration::from_secs(10)))
    };
    Fault::Throttled { retry_after: wait(reply).or(rest), budget }
}

/// At most a day.
fn wait(reply: &Reply) -> Option<Duration> {
    Some(retry_after(&reply.headers)?.min(Duration::from_hours(24)))
}

#[cfg(test)]
mod tests;
