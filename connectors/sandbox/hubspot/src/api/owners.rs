//! Owners and deal splits.

use handoff_sandbox_host::{Call, Reply};
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};

use super::{Answer, batched, body, flag, id_text, inputs, objects::next_page};
use crate::{
    Refusal,
    state::{State, User},
    when,
};

fn show(user: &User) -> Json {
    let teams: Vec<Json> = user
        .team
        .iter()
        .map(|(id, name)| json!({"id": id.to_string(), "name": name, "primary": true}))
        .collect();
    json!({
        "id": user.owner.to_string(), "email": user.email, "firstName": user.first, "lastName": user.last,
        "userId": user.active.then_some(user.id), "userIdIncludingInactive": user.id, "type": "PERSON",
        "archived": !user.active, "teams": teams, "createdAt": when::iso(user.created),
        "updatedAt": when::iso(user.updated),
    })
}

pub(super) fn answer(state: &State, call: &Call, rest: &[&str]) -> Answer {
    if call.method != http::Method::GET {
        return Err(Refusal::method());
    }
    let archived = flag(call, "archived");
    match rest {
        [] => {
            let limit: usize = call.param("limit").and_then(|text| text.parse().ok()).unwrap_or(100);
            if limit == 0 || limit > 500 {
                return Err(Refusal::validation("limit must be between 1 and 500"));
            }
            let after: u64 = call.param("after").and_then(|text| text.parse().ok()).unwrap_or(0);
            let email = call.param("email").filter(|email| !email.is_empty());
            let mut owners: Vec<&User> = state
                .users
                .values()
                .filter(|user| user.active != archived && user.owner > after)
                .filter(|user| email.is_none_or(|email| user.email.eq_ignore_ascii_case(email)))
                .collect();
            owners.sort_by_key(|user| user.owner);
            let more = owners.len() > limit;
            owners.truncate(limit);
            let mut out = json!({"results": owners.iter().map(|user| show(user)).collect::<Vec<_>>()});
            if let (true, Some(last), Some(map)) = (more, owners.last(), out.as_object_mut()) {
                map.insert(
                    "paging".to_owned(),
                    json!({"next": next_page(state, call, &last.owner.to_string())}),
                );
            }
            Ok(Reply::json(200, &out))
        }
        [id] => {
            let number: u64 = id.parse().map_err(|_| Refusal::not_an_id(id))?;
            let by_user = call.param("idProperty") == Some("userId");
            let user = state.users.values().find(|user| {
                user.active != archived && if by_user { user.id == number } else { user.owner == number }
            });
            Ok(Reply::json(200, &show(user.ok_or_else(Refusal::no_record)?)))
        }
        _ => Err(Refusal::no_such_address()),
    }
}

pub(super) fn splits(state: &mut State, call: &Call, rest: &[&str]) -> Answer {
    let body: Json = body(call)?;
    let deals = super::object_of(state, "deals")?;
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for input in inputs(&body, 100)? {
        let id = input.get("id").and_then(id_text).and_then(|id| id.parse::<u64>().ok());
        let id = id.ok_or_else(|| Refusal::validation("Invalid input JSON: id is missing"))?;
        let Some(record) = state.record(deals, id) else {
            let refusal = Refusal::new(207, "OBJECT_NOT_FOUND", "resource not found");
            errors.push(refusal.with("ids", vec![id.to_string()]).json());
            continue;
        };
        let id = record.id;
        match rest {
            ["batch", "read"] => {}
            ["batch", "upsert"] => {
                let wanted = wanted(state, input)?;
                state.splits.insert(id, wanted);
            }
            _ => return Err(Refusal::no_such_address()),
        }
        results.push(json!({"id": id.to_string(), "splits": split_records(state, id)}));
    }
    Ok(batched(state, 200, &results, &errors))
}

fn wanted(state: &State, input: &Json) -> Result<Vec<(u64, String)>, Refusal> {
    let mut sum = Decimal::ZERO;
    let mut out = Vec::new();
    for split in input.get("splits").and_then(Json::as_array).into_iter().flatten() {
        let owner = split.get("ownerId").and_then(Json::as_u64);
        let share = split.get("percentage").map(ToString::to_string).unwrap_or_default();
        let share = share.trim_matches('"').to_owned();
        let owner = owner.filter(|owner| state.users.values().any(|user| user.owner == *owner));
        let owner = owner.ok_or_else(|| Refusal::validation("Invalid ownerId"))?;
        let part: Decimal = share.parse().map_err(|_| Refusal::validation("Invalid percentage"))?;
        if part.scale() > 8 {
            return Err(Refusal::validation("percentage has more than 8 decimals"));
        }
        sum += part;
        out.push((owner, share));
    }
    if sum != Decimal::ONE {
        return Err(Refusal::validation("The percentages of a deal's splits must sum to 1.0"));
    }
    Ok(out)
}

fn split_records(state: &State, deal: u64) -> Vec<Json> {
    let now = when::iso(state.now());
    (1_u64..)
        .zip(state.splits.get(&deal).into_iter().flatten())
        .map(|(number, (owner, share))| {
            json!({
                "id": (deal * 10 + number).to_string(), "createdAt": now, "updatedAt": now, "archived": false,
                "properties": {
                    "hs_deal_split_percentage": share, "hubspot_owner_id": owner.to_string(),
                    "hs_object_id": (deal * 10 + number).to_string(),
                },
            })
        })
        .collect()
}
