//! The vendor's error bodies.

use std::collections::BTreeMap;

use handoff_sandbox_host::Reply;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// One entry of an error's list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Detail {
    /// What a person reads.
    #[serde(default)]
    pub message: String,
    /// `INVALID_OPTION`, `MISSING_CONDITIONAL_REQUIRED_PROPERTY`, …
    #[serde(default)]
    pub code: String,
    /// `propertyName` and so on.
    #[serde(default)]
    pub context: BTreeMap<String, Vec<String>>,
}

/// A refused call, in the vendor's terms; a person in the user interface is refused with the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{category} ({status}): {message}")]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// `VALIDATION_ERROR`, `OBJECT_NOT_FOUND`, …; empty where the vendor gives none.
    #[serde(default)]
    pub category: Box<str>,
    /// What a person reads.
    pub message: String,
    /// Ids and names concerned.
    #[serde(default)]
    pub context: BTreeMap<String, Vec<String>>,
    /// One entry for each thing wrong.
    #[serde(default)]
    pub errors: Vec<Detail>,
    /// Further fields of the body, `subCategory` among them.
    #[serde(default)]
    pub extra: BTreeMap<String, Json>,
}

impl Refusal {
    /// A refusal without details.
    pub fn new(status: u16, category: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            category: category.into(),
            message: message.into(),
            context: BTreeMap::new(),
            errors: Vec::new(),
            extra: BTreeMap::new(),
        }
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "VALIDATION_ERROR", message)
    }

    pub(crate) fn with(mut self, key: &str, values: Vec<String>) -> Self {
        self.context.insert(key.to_owned(), values);
        self
    }

    pub(crate) fn sub(mut self, category: &str) -> Self {
        self.extra.insert("subCategory".to_owned(), Json::from(category));
        self
    }

    pub(crate) fn and(mut self, key: &str, value: impl Into<Json>) -> Self {
        self.extra.insert(key.to_owned(), value.into());
        self
    }

    pub(crate) fn detail(mut self, code: &str, message: &str, property: &str) -> Self {
        let context = BTreeMap::from([("propertyName".to_owned(), vec![property.to_owned()])]);
        self.errors.push(Detail { message: message.to_owned(), code: code.to_owned(), context });
        self
    }

    /// `code` of the first entry, else the category.
    pub fn code(&self) -> &str {
        self.errors.first().map_or(&*self.category, |detail| &*detail.code)
    }

    pub(crate) fn no_record() -> Self {
        Self::new(404, "", "resource not found")
    }

    pub(crate) fn not_an_id(id: &str) -> Self {
        Self::new(404, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric.")
            .with("id", vec![id.to_owned()])
    }

    pub(crate) fn no_object(name: &str) -> Self {
        Self::validation(format!("Unable to infer object type from: {name}"))
    }

    pub(crate) fn no_such_address() -> Self {
        Self::new(404, "", "resource not found")
    }

    pub(crate) fn method() -> Self {
        Self::new(405, "", "HTTP 405 Method Not Allowed")
    }

    pub(crate) fn bad_json() -> Self {
        Self::validation("Invalid input JSON on line 1, column 1: Unexpected character")
    }

    pub(crate) fn no_token() -> Self {
        Self::new(
            401,
            "INVALID_AUTHENTICATION",
            "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more \
             details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
        )
    }

    pub(crate) fn expired(seconds: i64, at: &str) -> Self {
        Self::new(
            401,
            "EXPIRED_AUTHENTICATION",
            format!("The OAuth token used to make this call expired {seconds} second(s) ago."),
        )
        .with("expire time", vec![at.to_owned()])
    }

    pub(crate) fn scopes(wanted: &[String]) -> Self {
        let mut out = Self::new(
            403,
            "MISSING_SCOPES",
            "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: \
             https://developers.hubspot.com/scopes.",
        );
        out.errors.push(Detail {
            message: "One or more of the following scopes are required.".to_owned(),
            code: String::new(),
            context: BTreeMap::from([("requiredGranularScopes".to_owned(), wanted.to_vec())]),
        });
        out.and("links", json!({"scopes": "https://developers.hubspot.com/scopes"}))
    }

    /// The 429 of a policy: `TEN_SECONDLY_ROLLING`, `SECONDLY` or `DAILY`. It has no category.
    pub(crate) fn limit(policy: &str) -> Self {
        let message = format!("You have reached your {} limit.", policy.to_lowercase());
        Self::new(429, "", message)
            .and("errorType", "RATE_LIMIT")
            .and("policyName", policy)
            .and("groupName", "publicapi:private-apps:api-calls-sandbox")
    }

    pub(crate) fn locked() -> Self {
        Self::new(423, "", "The resource is locked, please try again.")
    }

    /// The error as an entry of a batch answer or as a whole body.
    pub(crate) fn json(&self) -> Json {
        let mut body = json!({"status": "error", "message": self.message});
        if let Some(map) = body.as_object_mut() {
            if !self.category.is_empty() {
                map.insert("category".to_owned(), json!(self.category));
            }
            if !self.context.is_empty() {
                map.insert("context".to_owned(), json!(self.context));
            }
            if !self.errors.is_empty() {
                let errors: Vec<Json> = self.errors.iter().map(Detail::json).collect();
                map.insert("errors".to_owned(), Json::from(errors));
            }
            for (key, value) in &self.extra {
                map.insert(key.clone(), value.clone());
            }
        }
        body
    }

    /// The whole answer to request `number`.
    pub(crate) fn reply(&self, number: u64) -> Reply {
        let mut body = self.json();
        let plain = self.extra.contains_key("error");
        if let Some(map) = body.as_object_mut() {
            if plain {
                // Token errors carry their own status word and no correlation id.
                if let Some(word) = map.remove("status_word") {
                    map.insert("status".to_owned(), word);
                }
            } else {
                map.insert("correlationId".to_owned(), json!(correlation(number)));
                if self.status == 429 {
                    map.insert("requestId".to_owned(), json!(correlation(number).replace('-', "")));
                }
            }
        }
        Reply::json(self.status, &body)
    }
}

impl Detail {
    fn json(&self) -> Json {
        let mut body = json!({"message": self.message});
        if let Some(map) = body.as_object_mut() {
            if !self.code.is_empty() {
                map.insert("code".to_owned(), json!(self.code));
            }
            if !self.context.is_empty() {
                map.insert("context".to_owned(), json!(self.context));
            }
        }
        body
    }
}

/// The correlation id of a request.
pub(crate) fn correlation(number: u64) -> String {
    format!("5a4db0a5-0000-4000-8000-{number:012x}")
}
