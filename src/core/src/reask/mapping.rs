//! Where people answer and report on the record.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Questions that the customer had answered before: where a person confirms what calls suggest, and where people report it themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReaskMapping {
    /// The pick-list in which a person answers; may be that of `[decision]`. It is emptied once the answer was taken. Who and when comes from its
    /// history: where none is kept, people answer by command.
    pub field: String,
    /// Its value for "it was asked again".
    pub confirm: String,
    /// Its value for "it was not".
    pub dismiss: String,
    /// Multi-select field with the fields that the answer is about, by contract key; absent or empty = everything that waits.
    #[serde(default)]
    pub fields: Option<String>,
    /// The mark that somebody of ours sets himself.
    #[serde(default)]
    pub reported: Option<TagField>,
    /// The tag of a complaint: the customer says that he had to say it again.
    #[serde(default)]
    pub complaint: Option<TagField>,
}

/// A field that says yes by its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TagField {
    /// A check-box, pick-list, multi-select or text field.
    pub field: String,
    /// Values that say yes; of a multi-select one of them is enough.
    #[serde(default = "ticked")]
    pub is: Vec<String>,
    /// Whether the CRM keeps its history, so that who set it and when is known.
    #[serde(default)]
    pub tracked: bool,
}

fn ticked() -> Vec<String> {
    vec!["true".to_owned()]
}

impl TagField {
    /// Whether a value of the field says yes.
    pub fn says(&self, value: &serde_json::Value) -> bool {
        let Some(text) = crate::extract::plain_text(value) else { return false };
        let mut values = text.split(';').map(str::trim).filter(|value| !value.is_empty());
        values.any(|value| self.is.iter().any(|yes| yes.trim().eq_ignore_ascii_case(value)))
    }
}

impl ReaskMapping {
    /// Fields whose history tells who said it and when.
    pub fn history(&self) -> impl Iterator<Item = &String> {
        let tracked = self.tags().filter(|tag| tag.tracked).map(|tag| &tag.field);
        std::iter::once(&self.field).chain(tracked)
    }

    /// Every field that is read.
    pub fn read(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.field).chain(self.tags().map(|tag| &tag.field)).chain(&self.fields)
    }

    fn tags(&self) -> impl Iterator<Item = &TagField> {
        [&self.reported, &self.complaint].into_iter().flatten()
    }
}
