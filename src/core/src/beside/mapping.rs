//! Where a CRM holds what happens beside the package.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{ObjectName, StageName};

/// The table `[beside]` of a mapping. Everything in it is optional; what is not named is not judged.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BesideMapping {
    /// The user who created the record, e.g. `CreatedById`: the author of what it was created with.
    pub created_by: Option<String>,
    /// The receiving team's status, and which of its values mean that the cause is gone.
    pub status: Option<ResolvedStatus>,
    /// Messages that the customer can see.
    pub messages: Vec<RowsOf>,
    /// Contacts of our people with the customer: calls, meetings, e-mails.
    pub activities: Vec<RowsOf>,
    /// Signs of life of the receiving team, e.g. internal comments.
    pub updates: Vec<RowsOf>,
    /// Notes of meetings: what only repeats them answers nothing.
    pub notes: Vec<TextRows>,
    /// Moments by our name, e.g. `go_live`; re-unification triggers name them.
    pub moments: BTreeMap<String, Moment>,
    /// Numbers by our name, e.g. `health`.
    pub measures: BTreeMap<String, Place>,
    /// Who claims to be the primary owner, by motion or team.
    pub claims: BTreeMap<String, ClaimPath>,
    /// The user field with the primary owner of the relationship: written when the relationship is re-united, if the policy says so.
    pub primary: Option<String>,
    /// The lead's score.
    pub score: Option<String>,
    /// Values of the stage field with which a lead goes back to be nurtured.
    pub recycled: Vec<String>,
    /// Signals by our name: a field and the values with which it fires.
    pub signals: BTreeMap<String, SignalPath>,
    /// The field that gets the status echo.
    pub echo: Option<EchoWrite>,
    /// Text field that gets the one-screen brief, from values that count only.
    pub brief: Option<String>,
}

/// Every name of the CRM's in the table, with the key that it stands under. They go into queries.
pub(crate) fn names(beside: &BesideMapping) -> Vec<(&'static str, &str)> {
    let mut names: Vec<(&'static str, &str)> = Vec::new();
    let single = [
        ("created_by", &beside.created_by),
        ("primary", &beside.primary),
        ("score", &beside.score),
        ("brief", &beside.brief),
    ];
    names.extend(single.into_iter().filter_map(|(at, name)| Some((at, name.as_deref()?))));
    names.extend(beside.status.iter().map(|status| ("status", status.field.as_str())));
    for (at, kinds) in
        [("messages", &beside.messages), ("activities", &beside.activities), ("updates", &beside.updates)]
    {
        for kind in kinds {
            let columns = kind.matching.keys().chain(&kind.empty);
            names.extend(columns.chain([&kind.related, &kind.by, &kind.at]).map(|name| (at, name.as_str())));
        }
    }
    for notes in &beside.notes {
        names.extend(notes.text.iter().chain([&notes.related]).map(|name| ("notes", name.as_str())));
    }
    names.extend(beside.moments.values().filter_map(|moment| Some(("moments", moment.field.as_deref()?))));
    names.extend(beside.claims.values().map(|claim| ("claims", claim.field.as_str())));
    names.extend(beside.measures.values().flat_map(|place| place.names().map(|name| ("measures", name))));
    let signals = beside.signals.values();
    names.extend(signals.flat_map(|signal| signal.field.names().map(|name| ("signals", name))));
    if let Some(echo) = &beside.echo {
        names.push(("echo", &echo.field));
        let on = echo.on.iter().flat_map(|on| [on.field.as_str(), on.object.as_str(), on.stands.as_str()]);
        names.extend(on.map(|name| ("echo", name)));
    }
    names
}

impl Place {
    fn names(&self) -> impl Iterator<Item = &str> {
        let (own, related) = match self {
            Self::Own(field) => (Some(field.as_str()), None),
            Self::Related(place) => (None, Some(place)),
        };
        let related = related
            .into_iter()
            .flat_map(|place| place.matching.keys().chain([&place.related, &place.take]).map(String::as_str));
        own.into_iter().chain(related)
    }
}

/// The receiving team's status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolvedStatus {
    /// The field.
    pub field: String,
    /// Its values that mean that the cause is gone.
    pub resolved: Vec<String>,
}

/// Child rows, each the doing of a user at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowsOf {
    /// The child relationship, e.g. `CaseComments`.
    pub related: String,
    /// Field = value that a row must have, e.g. `IsPublished = "true"`.
    #[serde(default, rename = "where")]
    pub matching: BTreeMap<String, String>,
    /// Columns that must be empty, e.g. the one that tells tasks of ours: what we wrote is nobody's doing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub empty: Vec<String>,
    /// The column with the user.
    pub by: String,
    /// The column with the moment.
    pub at: String,
}

/// Where one value stands: a field of the record, or of the first related record by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Place {
    /// A field of the record itself; a dotted path follows lookups where the CRM has them.
    Own(String),
    /// A field of a related record.
    Related(RelatedPlace),
}

/// A field of the first related record by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RelatedPlace {
    /// The child relationship, or the associated objects, e.g. `companies`.
    pub related: String,
    /// Field = value that the row must have, e.g. `label = "Primary"`.
    #[serde(default, rename = "where", skip_serializing_if = "BTreeMap::is_empty")]
    pub matching: BTreeMap<String, String>,
    /// The row's field.
    pub take: String,
}

/// Child rows with text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextRows {
    /// The child relationship, e.g. `Events`.
    pub related: String,
    /// The columns with text.
    pub text: Vec<String>,
}

/// When something of our name happened: exactly one of `field` or `stage`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    /// A date or date-time field.
    #[serde(default)]
    pub field: Option<String>,
    /// Our name of a stage: the moment is its last entry.
    #[serde(default)]
    pub stage: Option<StageName>,
}

/// A user field that claims the relationship.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimPath {
    /// The user field; empty = no claim.
    pub field: String,
}

/// When a signal fires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalPath {
    /// The field, or where it stands.
    pub field: Place,
    /// The values with which it fires.
    pub is: Vec<String>,
}

/// Where the status echo is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EchoWrite {
    /// The text field.
    pub field: String,
    /// The record that the CSM owns; absent = the escalation's own record.
    #[serde(default)]
    pub on: Option<EchoRecord>,
}

/// The record that the CSM owns, reached from the escalation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EchoRecord {
    /// The escalation's field with that record's id, e.g. `AccountId`.
    pub field: String,
    /// Its object, e.g. `Account`.
    pub object: ObjectName,
    /// The read path of the echo field as it stands there, e.g. `Account.Handoff_05_Echo__c`.
    pub stands: String,
}
