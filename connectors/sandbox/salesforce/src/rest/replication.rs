//! `/updated` and `/deleted`.

use serde_json::json;

use super::{Answer, object_position};
use crate::{
    ids::Id,
    state::State,
    value::{datetime_text, parse_datetime},
    wire::{ApiError, Call, Reply},
};

const DAY: i64 = 24 * 3600;
const CAP: usize = 600_000;

struct Window {
    start: i64,
    end: i64,
}

fn window(state: &State, call: &Call, days: i64) -> Result<Window, ApiError> {
    let bad = |message: &str| ApiError::new(400, "INVALID_REPLICATION_DATE", message);
    let read = |name: &str| -> Result<i64, ApiError> {
        // A plus sign that a client failed to encode arrives as a space.
        let text =
            call.param(name).ok_or_else(|| ApiError::new(400, "MISSING_ARGUMENT", name))?.replace(' ', "+");
        parse_datetime(&text)
            .ok_or_else(|| ApiError::new(400, "INVALID_ARGUMENT_TYPE", format!("{name} is no date-time")))
    };
    let minute = |second: i64| second - second.rem_euclid(60);
    let (start, end, now) = (minute(read("start")?), minute(read("end")?), state.second());
    if start > now || end > now + 60 {
        return Err(bad("startDate or endDate cannot be in the future"));
    }
    if end - start < 60 {
        return Err(bad("endDate must be at least one minute greater than startDate"));
    }
    if start < now - days * DAY {
        return Err(bad(&format!("startDate cannot be more than {days} days ago")));
    }
    Ok(Window { start, end })
}

fn covered(state: &State, end: i64) -> String {
    datetime_text(end.min(state.covered_until()))
}

pub(super) fn updated(state: &State, call: &Call, object: &str) -> Answer {
    let position = object_position(state, object)?;
    let window = window(state, call, 30)?;
    let table = state.tables.get(position).ok_or_else(ApiError::not_found)?;
    let range = (
        std::ops::Bound::Included((window.start, Id::LOWEST)),
        std::ops::Bound::Excluded((window.end, Id::LOWEST)),
    );
    let ids: Vec<Id> = table
        .by_stamp(range.0, range.1)
        .map(|(_, id)| *id)
        .filter(|id| table.get(*id).is_some_and(|row| !row.deleted))
        .take(CAP + 1)
        .collect();
    if ids.len() > CAP {
        return Err(ApiError::new(400, "EXCEEDED_ID_LIMIT", "too many ids; narrow the window"));
    }
    Ok(Reply::json(200, &json!({"ids": ids, "latestDateCovered": covered(state, window.end)})))
}

pub(super) fn deleted(state: &State, call: &Call, object: &str) -> Answer {
    let position = object_position(state, object)?;
    let window = window(state, call, 15)?;
    let table = state.tables.get(position).ok_or_else(ApiError::not_found)?;
    let rows: Vec<_> = table
        .deletions
        .iter()
        .filter(|(at, _)| (window.start..window.end).contains(at))
        .filter(|(_, id)| table.get(*id).is_none_or(|row| row.deleted))
        .map(|(at, id)| json!({"id": id, "deletedDate": datetime_text(*at)}))
        .collect();
    if rows.len() > CAP {
        return Err(ApiError::new(400, "EXCEEDED_ID_LIMIT", "too many ids; narrow the window"));
    }
    Ok(Reply::json(
        200,
        &json!({
            "deletedRecords": rows, "earliestDateAvailable": datetime_text(state.second() - 15 * DAY),
            "latestDateCovered": covered(state, window.end),
        }),
    ))
}
