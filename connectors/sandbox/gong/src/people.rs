//! Users and workspaces.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::state::State;

/// A user of the company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Id of 19 or 20 digits; a fresh one when empty.
    #[serde(default)]
    pub id: String,
    /// E-mail address.
    pub email: String,
    /// Other addresses of the same person.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// First name.
    #[serde(default)]
    pub first_name: String,
    /// Last name.
    #[serde(default)]
    pub last_name: String,
    /// Job title, free text.
    #[serde(default)]
    pub title: Option<String>,
    /// Whether the account is in use.
    #[serde(default = "yes")]
    pub active: bool,
    /// When the account was made; now when absent.
    #[serde(default)]
    pub created: Option<Timestamp>,
}

const fn yes() -> bool {
    true
}

impl User {
    /// An active user.
    pub fn new(email: &str, first_name: &str, last_name: &str) -> Self {
        Self {
            id: String::new(),
            email: email.to_owned(),
            aliases: Vec::new(),
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            title: None,
            active: true,
            created: None,
        }
    }

    /// Whether the name is this user's id, address or alias.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.id == name
            || self.email.eq_ignore_ascii_case(name)
            || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
    }
}

/// A workspace of the company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkspaceInfo {
    /// Id of 19 or 20 digits; a fresh one when empty.
    #[serde(default)]
    pub id: String,
    /// Name.
    pub name: String,
    /// Description.
    #[serde(default)]
    pub description: Option<String>,
}

/// A user as the answers show him.
pub(crate) fn user_json(state: &State, user: &User) -> Json {
    json!({
        "id": user.id, "emailAddress": user.email, "created": user.created.map(|at| state.time(at)),
        "active": user.active, "emailAliases": user.aliases, "trustedEmailAddress": null,
        "firstName": user.first_name, "lastName": user.last_name, "title": user.title, "phoneNumber": null,
        "extension": null, "personalMeetingUrls": [], "managerId": null, "meetingConsentPageUrl": null,
        "settings": {
            "webConferencesRecorded": true, "preventWebConferenceRecording": false, "telephonyCallsImported": false,
            "emailsImported": true, "preventEmailImport": false, "nonRecordedMeetingsImported": true,
            "gongConnectEnabled": true,
        },
        "spokenLanguages": [{"language": "en-US", "primary": true}],
    })
}

/// A workspace as the answers show it.
pub(crate) fn workspace_json(workspace: &WorkspaceInfo) -> Json {
    json!({"id": workspace.id, "name": workspace.name, "description": workspace.description})
}
