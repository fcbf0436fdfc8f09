//! Records and batches as HubSpot answers them.

use std::collections::BTreeMap;

use handoff_connector::{Fault, Reply};
use handoff_core::id::{ObjectName, RecordRef};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::id::HsId;
use crate::{Api, error, stamp};

/// One record of an answer.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) id: HsId,
    pub(crate) properties: Map<String, Value>,
    pub(crate) history: Map<String, Value>,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) archived: bool,
    pub(crate) archived_at: Option<Timestamp>,
    /// Our mark of the input that it answers.
    pub(crate) trace: Option<String>,
}

fn shape(detail: &str) -> Fault {
    Fault::Protocol { detail: detail.to_owned() }
}

impl Row {
    /// Reads one record; without a valid id it is none.
    pub(crate) fn parse(value: &Value) -> Result<Self, Fault> {
        let id = value.get("id").and_then(HsId::of).ok_or_else(|| shape("a record without a valid id"))?;
        let map = |name: &str| value.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
        Ok(Self {
            id,
            properties: map("properties"),
            history: map("propertiesWithHistory"),
            created_at: value.get("createdAt").and_then(stamp::parse),
            archived_at: value.get("archivedAt").and_then(stamp::parse),
            archived: value.get("archived").and_then(Value::as_bool).unwrap_or(false),
            trace: value.get("objectWriteTraceId").and_then(Value::as_str).map(str::to_owned),
        })
    }

    /// The time of the last change.
    pub(crate) fn stamp(&self, object: &str) -> Option<Timestamp> {
        self.properties.get(modified_property(object)).and_then(stamp::parse)
    }

    /// Ids that were merged into this record.
    pub(crate) fn merged(&self) -> Vec<HsId> {
        let text = self.properties.get(MERGED).and_then(Value::as_str).unwrap_or_default();
        text.split(';').take(1_000).filter_map(|id| HsId::parse(id.trim())).collect()
    }
}

/// The property that lists what was merged into a record.
pub(crate) const MERGED: &str = "hs_merged_object_ids";

/// The property that holds the time of the last change; contacts keep an older name.
pub(crate) fn modified_property(object: &str) -> &'static str {
    if matches!(object, "contacts" | "0-1") { "lastmodifieddate" } else { "hs_lastmodifieddate" }
}

/// Rows of an answer with `results`.
pub(crate) fn results(body: &Value) -> Result<&Vec<Value>, Fault> {
    body.get("results").and_then(Value::as_array).ok_or_else(|| shape("an answer without results"))
}

/// A 404 to a request about an object as a whole is not about a record.
pub(crate) fn whole<T>(answer: Result<T, Fault>) -> Result<T, Fault> {
    answer.map_err(|fault| match fault {
        Fault::Gone => shape("HTTP 404: HubSpot knows no such object, or no such API version"),
        other @ (Fault::Transient { .. }
        | Fault::Throttled { .. }
        | Fault::Expired
        | Fault::Denied { .. }
        | Fault::Stale
        | Fault::Refused { .. }
        | Fault::Protocol { .. }) => other,
    })
}

/// The body of an answer to a batch, and what failed in it. One that is still being worked on is not an answer.
pub(crate) fn batch(reply: &Reply) -> Result<(Value, Vec<ApiError>), Fault> {
    let body = whole(error::body(reply))?;
    match body.get("status").and_then(Value::as_str) {
        Some("COMPLETE") | None => {}
        Some("PENDING" | "PROCESSING") => {
            return Err(Fault::Transient { detail: "the batch is still being worked on".to_owned() });
        }
        Some(_) => return Err(shape("a batch that was not completed")),
    }
    let errors = body.get("errors").and_then(Value::as_array).into_iter().flatten();
    let errors: Vec<ApiError> = errors.take(1_000).map(ApiError::parse).collect();
    let told = body.get("numErrors").and_then(Value::as_u64).unwrap_or(0);
    if told > 0 && errors.is_empty() {
        return Err(shape("a batch with errors that it does not name"));
    }
    Ok((body, errors))
}

/// The error that says more than that records are not there.
pub(crate) fn trouble(errors: &[ApiError]) -> Option<Fault> {
    errors.iter().map(ApiError::of_row).find(|fault| *fault != Fault::Gone)
}

/// The answer to a batch: 200 and 207 alike.
#[derive(Debug, Clone, Default)]
pub(crate) struct Batch {
    pub(crate) rows: Vec<Row>,
    pub(crate) errors: Vec<ApiError>,
}

impl Batch {
    /// Reads the answer to a batch.
    pub(crate) fn parse(reply: &Reply) -> Result<Self, Fault> {
        let (body, errors) = batch(reply)?;
        let rows = results(&body)?.iter().map(Row::parse).collect::<Result<Vec<Row>, Fault>>()?;
        Ok(Self { rows, errors })
    }

    /// The error that says more about a batch of reads than that records are not there.
    pub(crate) fn trouble(&self) -> Option<Fault> {
        trouble(&self.errors)
    }

    /// Rows by id; the first of several counts.
    pub(crate) fn by_id(self) -> BTreeMap<HsId, Row> {
        let mut rows = BTreeMap::new();
        for row in self.rows {
            rows.entry(row.id).or_insert(row);
        }
        rows
    }
}

/// A record as the core names it.
pub(crate) fn reference(api: &Api, object: &str, id: HsId) -> RecordRef {
    RecordRef {
        connection: api.connection.clone(),
        object: ObjectName(object.to_owned()),
        record: id.record(),
    }
}
