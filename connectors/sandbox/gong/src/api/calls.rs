//! `/v2/calls`, `/v2/calls/{id}`, `/v2/calls/extensive`, `/v2/calls/transcript`.

use handoff_sandbox_host::Call;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::{
    Inputs,
    filter::{Filter, FilterBody},
};
use crate::{
    access::Caller,
    envelope::{PAGE, Refusal, body},
    render::{self, Context, Exposed, Wanted},
    state::{Recorded, State},
    tripwire::Wire,
};

/// `GET /v2/calls`: for web conferences on their scheduled time, for everything else on the start.
pub(super) fn list(state: &mut State, call: &Call, caller: &Caller) -> Result<Json, Refusal> {
    let wanted =
        |name: &str| call.param(name).ok_or_else(|| Refusal::bad(format!("{name}: must not be null")));
    let mut filter = Filter::window(Some(wanted("fromDateTime")?), Some(wanted("toDateTime")?), "")?;
    filter.workspace = call.param("workspaceId").map(str::to_owned);
    let now = state.now();
    let found = found(state, caller, |one| one.is_listed(now) && filter.takes(one, one.listed_under()))?;
    let page = Inputs::of_query(call, "calls").page(state, call, found)?;
    let calls: Vec<Json> = shown(state, &page.items).map(|one| render::basic(state, one)).collect();
    Ok(body(call, vec![("records", page.records), ("calls", json!(calls))]))
}

/// `GET /v2/calls/{id}`.
pub(super) fn one(state: &State, call: &Call, caller: &Caller, id: &str) -> Result<Json, Refusal> {
    let now = state.now();
    let found = state.calls.get(id).filter(|one| caller.sees_calls && one.is_listed(now));
    let found = found.ok_or_else(|| Refusal::new(404, "Call ID was not found"))?;
    Ok(body(call, vec![("call", render::basic(state, found))]))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Body {
    cursor: Option<String>,
    filter: Option<FilterBody>,
    content_selector: Option<Selector>,
    #[serde(flatten)]
    other: Map<String, Json>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Selector {
    context: Option<Context>,
    context_timing: Option<Vec<String>>,
    exposed_fields: Option<Exposed>,
    #[serde(flatten)]
    other: Map<String, Json>,
}

/// `POST /v2/calls/extensive`: filters on the start.
pub(super) fn extensive(state: &mut State, call: &Call, caller: &Caller) -> Result<Json, Refusal> {
    let (inputs, asked) = Inputs::of_body::<Body>(call, "extensive")?;
    let (filter, selector) = checked(state, call, asked, "extensive")?;
    let wanted = wanted(state, call, selector)?;
    let now = state.now();
    let found = found(state, caller, |one| one.has_details(now) && filter.takes(one, one.spec.started))?;
    let page = inputs.page(state, call, found)?;
    let calls: Vec<Json> =
        shown(state, &page.items).map(|one| render::extensive(state, one, &wanted)).collect();
    Ok(body(call, vec![("records", page.records), ("calls", json!(calls))]))
}

/// `POST /v2/calls/transcript`: filters on the start; ids and window intersect.
pub(super) fn transcripts(state: &mut State, call: &Call, caller: &Caller) -> Result<Json, Refusal> {
    let (inputs, asked) = Inputs::of_body::<Body>(call, "transcripts")?;
    let (filter, _) = checked(state, call, asked, "transcripts")?;
    for id in filter.ids.iter().flatten() {
        if state.calls.get(id).is_some_and(|one| one.spec.private) {
            state.wires.touch(Wire::PrivateTranscript, call.number, format!("transcripts: {id}"));
        }
    }
    let now = state.now();
    let found = found(state, caller, |one| one.has_transcript(now) && filter.takes(one, one.spec.started))?;
    let page = inputs.page(state, call, found)?;
    let calls: Vec<Json> = shown(state, &page.items).map(render::transcript).collect();
    Ok(body(call, vec![("records", page.records), ("callTranscripts", json!(calls))]))
}

/// Ids of the calls that fit, in order; none is a 404, and so is a caller who sees none.
fn found(state: &State, caller: &Caller, fits: impl Fn(&Recorded) -> bool) -> Result<Vec<String>, Refusal> {
    let all = state.calls_in_order();
    let ids: Vec<String> = all.into_iter().filter(|one| fits(one)).map(|one| one.id.clone()).collect();
    if ids.is_empty() || !caller.sees_calls { Err(Refusal::no_calls()) } else { Ok(ids) }
}

fn shown<'a>(state: &'a State, ids: &'a [String]) -> impl Iterator<Item = &'a Recorded> {
    ids.iter().filter_map(|id| state.calls.get(id))
}

fn checked(state: &mut State, call: &Call, asked: Body, kind: &str) -> Result<(Filter, Selector), Refusal> {
    let selector = asked.content_selector.unwrap_or_default();
    let filter = asked.filter.ok_or_else(|| Refusal::bad("filter: must not be null"))?;
    let unknown: Vec<&String> =
        asked.other.keys().chain(filter.other.keys()).chain(selector.other.keys()).collect();
    for name in unknown {
        state.wires.touch(Wire::UnknownField, call.number, format!("{kind}: {name}"));
    }
    let ids = filter.call_ids.as_ref().map_or(0, Vec::len);
    if ids > PAGE {
        state.wires.touch(Wire::TooManyIds, call.number, format!("{kind}: {ids} ids"));
    }
    Ok((Filter::of(&filter)?, selector))
}

fn wanted(state: &mut State, call: &Call, selector: Selector) -> Result<Wanted, Refusal> {
    let context = selector.context.unwrap_or_default();
    if selector.context_timing.is_some() && context != Context::Extended {
        return Err(Refusal::bad("contentSelector.contextTiming: allowed only when context is Extended"));
    }
    let timings = selector.context_timing.unwrap_or_else(|| vec!["Now".to_owned()]);
    if timings.is_empty() || timings.iter().any(|timing| timing != "Now" && timing != "TimeOfCall") {
        return Err(Refusal::bad("contentSelector.contextTiming: must be Now or TimeOfCall"));
    }
    let exposed = selector.exposed_fields.unwrap_or_default();
    let unknown = exposed
        .other
        .keys()
        .chain(exposed.content.other.keys())
        .chain(exposed.interaction.other.keys())
        .chain(exposed.collaboration.other.keys());
    for name in unknown {
        state.wires.touch(Wire::UnknownField, call.number, format!("extensive: exposedFields.{name}"));
    }
    if exposed.media {
        state.wires.touch(Wire::Media, call.number, "extensive: exposedFields.media");
    }
    Ok(Wanted { context, timings, exposed })
}
