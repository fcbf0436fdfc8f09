//! Splits of deals over HTTP.

use handoff_sandbox_host::Call;
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};

use super::{Answer, batched, body, id_text, inputs, object_of};
use crate::{Refusal, state::State};

const MOST: usize = 100;

pub(super) fn answer(state: &mut State, call: &Call, rest: &[&str]) -> Answer {
    let upsert = match rest {
        ["batch", "read"] => false,
        ["batch", "upsert"] => true,
        _ => return Err(Refusal::no_such_address()),
    };
    if call.method != http::Method::POST {
        return Err(Refusal::method());
    }
    let body: Json = body(call)?;
    let deals = object_of(state, "deals")?;
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for input in inputs(&body, MOST)? {
        let id = input.get("id").and_then(id_text).and_then(|id| id.parse::<u64>().ok());
        let id = id.ok_or_else(|| Refusal::validation("Invalid input JSON: id is missing"))?;
        let Some(record) = state.record(deals, id).filter(|record| record.archived_at.is_none()) else {
            let refusal = Refusal::new(207, "OBJECT_NOT_FOUND", "resource not found");
            errors.push(refusal.with("ids", vec![id.to_string()]).json());
            continue;
        };
        found.push((record.id, input));
    }
    if upsert {
        // One deal that cannot be shared like this fails the whole batch.
        let mut wishes = Vec::new();
        for (id, input) in &found {
            let shares = shares(input)?;
            state.may_split(*id, &shares)?;
            wishes.push((*id, shares));
        }
        for (id, shares) in wishes {
            state.split(id, &shares)?;
        }
    }
    let shown = |(id, _): &(u64, &Json)| json!({"id": id.to_string(), "splits": state.shown_splits(*id)});
    let results: Vec<Json> = found.iter().map(shown).collect();
    Ok(batched(state, 200, &results, &errors))
}

/// Owner id and fraction of each wish.
fn shares(input: &Json) -> Result<Vec<(u64, Decimal)>, Refusal> {
    let splits = input.get("splits").and_then(Json::as_array).into_iter().flatten();
    splits
        .map(|split| {
            let owner = split.get("ownerId").and_then(Json::as_u64);
            let owner = owner.ok_or_else(|| Refusal::validation("Invalid ownerId"))?;
            let part = split.get("percentage").and_then(id_text).unwrap_or_default();
            let part: Decimal = part.parse().map_err(|_| Refusal::validation("Invalid percentage"))?;
            Ok((owner, part))
        })
        .collect()
}
