//! What a request selects: windows, ids, workspaces.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::{envelope::Refusal, state::Recorded};

/// `filter` of the two POST endpoints on calls.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct FilterBody {
    from_date_time: Option<String>,
    to_date_time: Option<String>,
    workspace_id: Option<String>,
    pub(crate) call_ids: Option<Vec<String>>,
    primary_user_ids: Option<Vec<String>>,
    #[serde(flatten)]
    pub(crate) other: Map<String, Json>,
}

/// What is selected; parts that are absent select everything.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
    pub(crate) workspace: Option<String>,
    pub(crate) ids: Option<BTreeSet<String>>,
    pub(crate) users: Option<BTreeSet<String>>,
}

/// A moment with offset or Z; `name` is the field, for the complaint.
pub(crate) fn moment(text: &str, name: &str) -> Result<Timestamp, Refusal> {
    text.parse().map_err(|_| Refusal::bad(format!("{name}: must be a date-time in ISO-8601 format")))
}

impl Filter {
    /// A window under these field names.
    pub(crate) fn window(from: Option<&str>, to: Option<&str>, prefix: &str) -> Result<Self, Refusal> {
        let read = |text: Option<&str>, name: &str| {
            text.map(|text| moment(text, &format!("{prefix}{name}"))).transpose()
        };
        let (from, to) = (read(from, "fromDateTime")?, read(to, "toDateTime")?);
        if let (Some(first), Some(end)) = (from, to)
            && first >= end
        {
            return Err(Refusal::bad(format!("{prefix}fromDateTime: must be before toDateTime")));
        }
        Ok(Self { from, to, ..Self::default() })
    }

    /// The filter of a POST body.
    pub(crate) fn of(body: &FilterBody) -> Result<Self, Refusal> {
        let window = Self::window(body.from_date_time.as_deref(), body.to_date_time.as_deref(), "filter.")?;
        let set = |ids: &Option<Vec<String>>, name: &str| match ids {
            Some(ids) if ids.is_empty() => Err(Refusal::bad(format!(
                "filter.{name}: must not be empty but can be null or can be omitted"
            ))),
            Some(ids) => Ok(Some(ids.iter().cloned().collect::<BTreeSet<String>>())),
            None => Ok(None),
        };
        Ok(Self {
            workspace: body.workspace_id.clone(),
            ids: set(&body.call_ids, "callIds")?,
            users: set(&body.primary_user_ids, "primaryUserIds")?,
            ..window
        })
    }

    /// Whether a call is selected, `at` being the moment that the endpoint filters on: from the first moment on, up to but not
    /// including the last.
    pub(crate) fn takes(&self, call: &Recorded, at: Timestamp) -> bool {
        let listed = |set: &Option<BTreeSet<String>>, id: Option<&String>| {
            set.as_ref().is_none_or(|set| id.is_some_and(|id| set.contains(id)))
        };
        self.from.is_none_or(|from| from <= at)
            && self.to.is_none_or(|to| at < to)
            && self.workspace.as_ref().is_none_or(|wanted| *wanted == call.workspace)
            && listed(&self.ids, Some(&call.id))
            && listed(&self.users, call.primary_user.as_ref())
    }
}
