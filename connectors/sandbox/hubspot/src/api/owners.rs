//! Owners.

use handoff_sandbox_host::{Call, Reply};
use serde_json::{Value as Json, json};

use super::{Answer, flag, objects::next_page};
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
