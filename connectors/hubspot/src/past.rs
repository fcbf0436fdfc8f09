//! What the portal tells of the past: the history of every property, and how far back each goes.

use std::collections::{BTreeMap, BTreeSet};

use handoff_connector::{Exchange, Fault, Lane, Reply, Request, Step};
use handoff_core::extract::{Existence, RawRecord, ReadPlan};
use handoff_core::id::RecordRef;
use handoff_core::past::{Kept, PastRecord};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::id::{HsId, is_property};
use crate::read::Read;
use crate::row::{self, modified_property};
use crate::spec::ONE_SEARCH;
use crate::{Api, ask, error};

/// Entries of a property that HubSpot keeps at least (facts/hubspot §3: about 20, for contacts 45): with as many or more the oldest may be gone.
const ENTRIES: usize = 20;
/// A value set this soon after the record was made is the one that it was made with.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(60);

/// The plan that reads history of every property. HubSpot keeps none of what is associated.
fn wide(plan: &ReadPlan) -> ReadPlan {
    let mut wide = plan.clone();
    wide.history.extend(plan.fields.iter().filter(|field| is_property(field)).cloned());
    wide
}

/// The walk over everything that anything may have happened to since then.
pub(crate) fn all(api: &Api, plan: &ReadPlan, since: Option<Timestamp>) -> (Api, ReadPlan) {
    (Api { since, ..api.clone() }, ReadPlan { interesting_stages: BTreeSet::new(), ..plan.clone() })
}

/// The conversation behind [`handoff_connector::Source::history`].
pub(crate) struct Past {
    plan: ReadPlan,
    read: Read,
}

impl Past {
    pub(crate) fn new(api: &Api, plan: &ReadPlan, records: &[RecordRef]) -> Self {
        let plan = wide(plan);
        Self { read: Read::of_the_past(api.clone(), plan.clone(), records), plan }
    }

    /// Whether no record that was asked for can exist.
    pub(crate) fn asks_nothing(&self) -> bool {
        self.read.asks_nothing()
    }

    fn record(&self, mut raw: RawRecord) -> Option<PastRecord> {
        // Of a record that lives on in another one HubSpot tells nothing.
        if matches!(raw.existence, Existence::Merged { .. }) {
            return None;
        }
        let mut born = BTreeMap::new();
        for row in raw.related.values_mut().flatten() {
            let id = HsId::parse(row.record.record.as_str());
            let told = id.and_then(|id| self.read.other(row.record.object.as_str(), id));
            let (created, changed) = told.unwrap_or_default();
            born.extend(created.map(|created| (row.record.clone(), created)));
            row.stamp = changed;
        }
        let kept = self.plan.history.iter().map(|name| (name.clone(), kept(&raw, name))).collect();
        let lost = raw.existence != Existence::Present;
        let archived = HsId::parse(raw.record.record.as_str()).and_then(|id| self.read.archived_at(id));
        let stamp = raw.version.as_ref().map(|version| version.stamp);
        let ended = archived.or(stamp).filter(|_| lost);
        Some(PastRecord { kept, born, ended, now: raw })
    }
}

/// How far back the entries of a property go.
fn kept(raw: &RawRecord, name: &str) -> Kept {
    let rows = raw.history.iter().flatten().filter(|row| row.field == name);
    let oldest = rows.clone().map(|row| row.at).min();
    let soon = raw.created_at.and_then(|created| created.checked_add(AT_ONCE).ok());
    match oldest {
        Some(at) if rows.count() >= ENTRIES && soon.is_none_or(|soon| at > soon) => Kept::Since { at },
        // A value without any entry: nothing tells since when it stands.
        None if raw.fields.get(name).is_some_and(|value| !value.is_null()) => Kept::Not,
        Some(_) | None => Kept::Whole,
    }
}

impl Exchange for Past {
    type Output = Vec<Option<PastRecord>>;

    fn request(&mut self) -> Request {
        self.read.request()
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<Self::Output>, Fault> {
        Ok(match self.read.reply(reply)? {
            Step::Continue => Step::Continue,
            Step::Done(raws) => {
                Step::Done(raws.into_iter().map(|raw| raw.and_then(|raw| self.record(raw))).collect())
            }
        })
    }
}

/// The conversation behind [`handoff_connector::Source::history_size`]: a search counts all hits, whatever it shows.
pub(crate) struct Size {
    path: String,
    body: Value,
}

impl Size {
    pub(crate) fn new(api: &Api, plan: &ReadPlan, since: Option<Timestamp>) -> Self {
        let object = plan.object.as_str();
        let from = since.map(|since| since.as_millisecond().to_string());
        let filters: Vec<Value> = from
            .into_iter()
            .map(
                |from| json!({ "propertyName": modified_property(object), "operator": "GTE", "value": from }),
            )
            .collect();
        let groups = if filters.is_empty() { json!([]) } else { json!([{ "filters": filters }]) };
        let body = json!({ "filterGroups": groups, "properties": [modified_property(object)], "limit": 1 });
        Self { path: format!("{}/search", api.dialect.objects(object)), body }
    }
}

impl Exchange for Size {
    type Output = Option<u64>;

    fn request(&mut self) -> Request {
        ask::post(self.path.clone(), self.body.clone(), Lane::Backfill, ONE_SEARCH, "count")
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<Self::Output>, Fault> {
        let size = row::whole(error::body(reply))?.get("total").and_then(Value::as_u64);
        let none = || Fault::Protocol { detail: "a search that does not count its hits".to_owned() };
        size.ok_or_else(none).map(|size| Step::Done(Some(size)))
    }
}
