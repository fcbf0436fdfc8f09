//! Bulk API 2.0 query jobs.

use http::Method;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::{
    ids::Id,
    rest::{Answer, Caller},
    state::State,
    value::datetime_text,
    wire::{ApiError, Call, JsonBody as _, Reply},
};

/// A job and its finished result.
#[derive(Debug)]
pub(crate) struct Job {
    operation: String,
    object: String,
    created: i64,
    user: Id,
    version: String,
    state: &'static str,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

#[derive(Deserialize)]
struct NewQuery {
    operation: String,
    query: String,
}

/// `/jobs/{family}/…`.
pub(crate) fn answer(state: &mut State, call: &Call, caller: &Caller, family: &str, rest: &[&str]) -> Answer {
    match (family, call.method.as_str(), rest) {
        ("query", "POST", []) => create(state, call, caller),
        ("query", "GET", [id]) => Ok(Reply::json(200, &job_json(find(state, id)?))),
        ("query", "PATCH", [id]) => {
            let (id, _) = find(state, id)?;
            if let Some(job) = state.jobs.get_mut(&id) {
                job.state = "Aborted";
            }
            Ok(Reply::json(200, &job_json(find(state, id.as_str())?)))
        }
        ("query", "DELETE", [id]) => {
            let (id, _) = find(state, id)?;
            state.jobs.remove(&id);
            Ok(Reply::empty(204))
        }
        ("query", "GET", [id, "results"]) => results(call, find(state, id)?.1),
        _ => Err(if call.method == Method::GET {
            ApiError::not_found()
        } else {
            ApiError::method(&call.method)
        }),
    }
}

fn find<'a>(state: &'a State, id: &str) -> Result<(Id, &'a Job), ApiError> {
    let id = Id::parse(id).ok_or_else(ApiError::not_found)?;
    state.jobs.get(&id).map(|job| (id, job)).ok_or_else(ApiError::not_found)
}

fn create(state: &mut State, call: &Call, caller: &Caller) -> Answer {
    let wish: NewQuery = call.json()?;
    let deleted = match wish.operation.as_str() {
        "query" => false,
        "queryAll" => true,
        _ => return Err(ApiError::new(400, "INVALIDJOB", "operation must be query or queryAll")),
    };
    let records = state.query_all_rows(caller.user, &wish.query, deleted)?;
    let columns = columns_of(&wish.query);
    let rows =
        records.iter().map(|record| columns.iter().map(|column| cell(record, column)).collect()).collect();
    let object = records
        .first()
        .and_then(|record| record.get("attributes")?.get("type")?.as_str())
        .unwrap_or_default()
        .to_owned();
    let id = state.next_of_prefix("750");
    let job = Job {
        operation: wish.operation,
        object,
        created: state.second(),
        user: caller.user,
        version: caller.version.clone(),
        state: "JobComplete",
        columns,
        rows,
    };
    let mut body = job_json((id, &job));
    if let Some(body) = body.as_object_mut() {
        body.insert("state".to_owned(), json!("UploadComplete"));
    }
    state.jobs.insert(id, job);
    Ok(Reply::json(200, &body))
}

fn job_json((id, job): (Id, &Job)) -> Json {
    json!({
        "id": id, "operation": job.operation, "object": job.object, "createdById": job.user,
        "createdDate": datetime_text(job.created), "systemModstamp": datetime_text(job.created), "state": job.state,
        "concurrencyMode": "Parallel", "contentType": "CSV", "lineEnding": "LF", "columnDelimiter": "COMMA",
        "apiVersion": job.version.parse::<f64>().unwrap_or(62.0), "jobType": "V2Query", "retries": 0,
        "numberRecordsProcessed": job.rows.len(), "totalProcessingTime": 1, "isPkChunkingSupported": true,
    })
}

/// The selected paths, as the query spells them.
fn columns_of(soql: &str) -> Vec<String> {
    let lower = soql.to_ascii_lowercase();
    let start = lower.find("select").map_or(0, |at| at + 6);
    let end = lower.find(" from ").unwrap_or(lower.len());
    soql.get(start..end).unwrap_or_default().split(',').map(|part| part.trim().to_owned()).collect()
}

fn cell(record: &Json, path: &str) -> String {
    let mut at = record;
    for step in path.split('.') {
        let found =
            at.as_object().and_then(|map| map.iter().find(|(name, _)| name.eq_ignore_ascii_case(step)));
        let Some((_, next)) = found else { return String::new() };
        at = next;
    }
    match at {
        // A bulk instant ends in Z where REST writes an offset.
        Json::String(text) => {
            text.strip_suffix("+0000").map_or_else(|| text.clone(), |stem| format!("{stem}Z"))
        }
        Json::Null => String::new(),
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => at.to_string(),
    }
}

fn results(call: &Call, job: &Job) -> Answer {
    let page: usize = call.param("maxRecords").and_then(|text| text.parse().ok()).unwrap_or(50_000).max(1);
    let start: usize = call.param("locator").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
    let refused = |_| ApiError::new(500, "UNKNOWN_EXCEPTION", "result cannot be written");
    writer.write_record(&job.columns).map_err(refused)?;
    let rows: Vec<_> = job.rows.iter().skip(start).take(page).collect();
    for row in &rows {
        writer.write_record(*row).map_err(refused)?;
    }
    let end = start.saturating_add(rows.len());
    let locator = if end < job.rows.len() { end.to_string() } else { "null".to_owned() };
    let body = writer
        .into_inner()
        .map_err(|_| ApiError::new(500, "UNKNOWN_EXCEPTION", "result cannot be written"))?;
    Ok(Reply::text(200, "text/csv", body)
        .with("Sforce-Locator", locator)
        .with("Sforce-NumberOfRecords", rows.len().to_string()))
}
