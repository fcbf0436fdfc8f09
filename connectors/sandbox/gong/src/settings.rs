//! Trackers, and the feed of calls that people linked to CRM records by hand.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::state::State;

/// A tracker of key words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tracker {
    /// Id of 19 or 20 digits; a fresh one when empty.
    #[serde(default)]
    pub id: String,
    /// Name.
    pub name: String,
    /// What it listens for.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// `Anyone`, `Company` or `NonCompany`.
    #[serde(default = "anyone")]
    pub affiliation: String,
    /// Only in questions.
    #[serde(default)]
    pub part_of_question: bool,
}

fn anyone() -> String {
    "Anyone".to_owned()
}

impl Tracker {
    /// A tracker of what anyone says at any time.
    pub fn new(name: &str, keywords: &[&str]) -> Self {
        Self {
            id: String::new(),
            name: name.to_owned(),
            keywords: keywords.iter().map(|word| (*word).to_owned()).collect(),
            affiliation: anyone(),
            part_of_question: false,
        }
    }
}

/// A call that somebody linked to CRM records by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Association {
    /// The call.
    pub call: String,
    /// Id of the user who did it.
    pub user: String,
    /// When.
    pub created: Timestamp,
    /// CRM id of the account.
    pub account: Option<String>,
    /// CRM id of the deal.
    pub deal: Option<String>,
}

/// A tracker as `/v2/settings/trackers` shows it.
pub(crate) fn tracker_json(state: &State, workspace: &str, tracker: &Tracker) -> Json {
    let made = state.time(Timestamp::constant(1_735_689_600, 0));
    json!({
        "trackerId": tracker.id, "trackerName": tracker.name, "workspaceId": workspace,
        "languageKeywords": [{"language": "eng", "keywords": tracker.keywords, "includeRelatedForms": true}],
        "affiliation": tracker.affiliation, "partOfQuestion": tracker.part_of_question, "saidAt": "Anytime",
        "saidAtInterval": null, "saidAtUnit": null, "saidInTopics": [], "saidInCallParts": [], "filterQuery": null,
        "created": made, "creatorUserId": null, "updated": made, "updaterUserId": null,
    })
}

/// An association as the feed shows it.
pub(crate) fn association_json(state: &State, link: &Association) -> Json {
    json!({
        "callId": link.call, "userId": link.user, "created": state.time(link.created),
        "associatedCrmObjects": [{"accountCrmId": link.account, "dealCrmId": link.deal}],
    })
}
