//! `/v2/users`, `/v2/users/extensive`, `/v2/workspaces`, `/v2/settings/trackers`, `/v2/calls/manual-crm-associations`.

use handoff_sandbox_host::Call;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::{Inputs, filter::moment};
use crate::{
    envelope::{Refusal, body},
    people::{self, User},
    settings,
    state::State,
    tripwire::Wire,
};

/// `GET /v2/users`.
pub(super) fn users(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let all = state.users.clone();
    let page = Inputs::of_query(call, "users").page(state, call, all)?;
    Ok(shown(state, call, &page.items, page.records))
}

fn shown(state: &State, call: &Call, users: &[User], records: Json) -> Json {
    let users: Vec<Json> = users.iter().map(|user| people::user_json(state, user)).collect();
    body(call, vec![("records", records), ("users", json!(users))])
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct UsersBody {
    cursor: Option<String>,
    filter: Option<UsersFilter>,
    #[serde(flatten)]
    other: Map<String, Json>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct UsersFilter {
    user_ids: Option<Vec<String>>,
    created_from_date_time: Option<String>,
    created_to_date_time: Option<String>,
    #[serde(flatten)]
    other: Map<String, Json>,
}

/// `POST /v2/users/extensive`.
pub(super) fn users_extensive(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let (inputs, asked) = Inputs::of_body::<UsersBody>(call, "users_extensive")?;
    let filter = asked.filter.ok_or_else(|| Refusal::bad("filter: must not be null"))?;
    for name in asked.other.keys().chain(filter.other.keys()) {
        state.wires.touch(Wire::UnknownField, call.number, format!("users_extensive: {name}"));
    }
    let read = |text: &Option<String>, name: &str| {
        text.as_deref().map(|text| moment(text, &format!("filter.{name}"))).transpose()
    };
    let from = read(&filter.created_from_date_time, "createdFromDateTime")?;
    let to = read(&filter.created_to_date_time, "createdToDateTime")?;
    let fits = |user: &&User| {
        filter.user_ids.as_ref().is_none_or(|ids| ids.contains(&user.id))
            && from.is_none_or(|from| user.created.is_some_and(|at| from <= at))
            && to.is_none_or(|to| user.created.is_some_and(|at| at < to))
    };
    let found: Vec<User> = state.users.iter().filter(fits).cloned().collect();
    let page = inputs.page(state, call, found)?;
    Ok(shown(state, call, &page.items, page.records))
}

/// `GET /v2/workspaces`; not paged.
pub(super) fn workspaces(state: &State, call: &Call) -> Json {
    let all: Vec<Json> = state.workspaces.iter().map(people::workspace_json).collect();
    body(call, vec![("workspaces", json!(all))])
}

/// `GET /v2/settings/trackers`; not paged.
pub(super) fn trackers(state: &State, call: &Call) -> Json {
    let first = state.workspaces.first().map(|first| first.id.as_str()).unwrap_or_default();
    let wanted = call.param("workspaceId").unwrap_or(first);
    let all: Vec<Json> = if wanted == first {
        state.trackers.iter().map(|tracker| settings::tracker_json(state, first, tracker)).collect()
    } else {
        Vec::new()
    };
    body(call, vec![("keywordTrackers", json!(all))])
}

/// `GET /v2/calls/manual-crm-associations`: the only feed with a real event time, ascending by it.
pub(super) fn associations(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    let from = call.param("fromDateTime").map(|text| moment(text, "fromDateTime")).transpose()?;
    let mut found: Vec<settings::Association> = state
        .associations
        .iter()
        .filter(|one| from.is_none_or(|from| from <= one.created))
        .cloned()
        .collect();
    found.sort_by_key(|one| one.created);
    let page = Inputs::of_query(call, "associations").page(state, call, found)?;
    let all: Vec<Json> = page.items.iter().map(|one| settings::association_json(state, one)).collect();
    Ok(body(call, vec![("records", page.records), ("associations", json!(all))]))
}
