//! What the org tells of the past: field history of all fields, stage history beyond it, and since when both are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use handoff_connector::{Exchange, Fault, Lane, Reply, Request, Step};
use handoff_core::extract::{Existence, FieldChange, RawRecord, ReadPlan};
use handoff_core::id::RecordRef;
use handoff_core::past::{Kept, PastRecord};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::id::SfId;
use crate::read::Read;
use crate::spec::ONE_CALL;
use crate::{Api, close_dates, composite, error, row, soql, stamp};

/// How long rows of field history are kept for the API (facts/salesforce §9: 18 months in the pages, 24 by the API). Stage history is kept for
/// good.
const RETENTION: SignedDuration = SignedDuration::from_hours(24 * 730);

/// Fields whose history is on, by object; asked for once per process. Absent = the org does not tell.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tracked(Arc<RwLock<BTreeMap<String, Option<BTreeSet<String>>>>>);

impl Tracked {
    fn is_known(&self, object: &str) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains_key(object)
    }

    fn of(&self, object: &str) -> Option<BTreeSet<String>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(object).cloned().flatten()
    }

    fn learn(&self, object: &str, fields: Option<BTreeSet<String>>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(object.to_owned(), fields);
    }
}

/// The plan that reads history of every field.
fn wide(plan: &ReadPlan) -> ReadPlan {
    let mut wide = plan.clone();
    wide.history.extend(plan.fields.iter().filter(|field| soql::is_name(field)).cloned());
    if plan.object.as_str() == "Opportunity" {
        wide.history.insert(close_dates::FIELD.to_owned());
        wide.fields.insert(close_dates::FIELD.to_owned());
    }
    wide
}

/// The walk over everything that anything may have happened to since then.
pub(crate) fn all(api: &Api, plan: &ReadPlan, since: Option<Timestamp>) -> (Api, ReadPlan) {
    (Api { since, ..api.clone() }, ReadPlan { interesting_stages: BTreeSet::new(), ..plan.clone() })
}

/// The conversation behind [`handoff_connector::Source::history`].
pub(crate) struct Past {
    api: Api,
    plan: ReadPlan,
    read: Read,
    /// The server's time at the first answer: what is older than its retention is deleted.
    now: Option<Timestamp>,
}

impl Past {
    pub(crate) fn new(api: &Api, plan: &ReadPlan, records: &[RecordRef]) -> Self {
        let plan = wide(plan);
        let read = Read::of_the_past(api.clone(), plan.clone(), records);
        Self { api: api.clone(), plan, read, now: None }
    }

    /// Whether no record that was asked for can exist.
    pub(crate) fn asks_nothing(&self) -> bool {
        self.read.asks_nothing()
    }

    fn tracking(&self) -> Request {
        let soql = format!(
            "SELECT QualifiedApiName, IsFieldHistoryTracked FROM FieldDefinition \
             WHERE EntityDefinition.QualifiedApiName = {} AND QualifiedApiName IN {}",
            soql::quote(self.plan.object.as_str()),
            soql::list(self.plan.history.iter().map(String::as_str))
        );
        composite::get(
            soql::url(&self.api.base, "tooling/query", &soql),
            Lane::Backfill,
            ONE_CALL,
            "field_tracking",
        )
    }

    fn learn(&self, reply: &Reply) -> Result<(), Fault> {
        let fields = match error::body(reply) {
            Ok(body) => {
                let rows = row::page(body)?.rows;
                let tracked = rows.iter().filter(|one| row::flag(one, "IsFieldHistoryTracked"));
                Some(tracked.filter_map(|one| row::text(one, "QualifiedApiName")).collect())
            }
            // Whoever may not look into the setup still sees which fields have rows.
            Err(Fault::Denied { .. } | Fault::Refused { .. } | Fault::Gone) => None,
            Err(fault) => return Err(fault),
        };
        self.api.tracked.learn(self.plan.object.as_str(), fields);
        Ok(())
    }

    fn assemble(&mut self, raws: Vec<Option<RawRecord>>) -> Vec<Option<PastRecord>> {
        let tracked = self.api.tracked.of(self.plan.object.as_str()).unwrap_or_else(|| seen(&raws));
        let born = self.read.born();
        let horizon = self.now.and_then(|now| now.checked_sub(RETENTION).ok());
        let one = |raw: RawRecord| {
            let kept = kept(&self.plan, &tracked, &raw, horizon);
            let children = raw.related.values().flatten().map(|row| &row.record);
            let born = children.filter_map(|record| Some((record.clone(), *born.get(record)?))).collect();
            let lost = raw.existence != Existence::Present;
            let ended = raw.version.as_ref().map(|version| version.stamp).filter(|_| lost);
            PastRecord { kept, born, ended, now: raw }
        };
        raws.into_iter().map(|raw| raw.map(one)).collect()
    }
}

/// Fields that any row of history tells of.
fn seen(raws: &[Option<RawRecord>]) -> BTreeSet<String> {
    raws.iter().flatten().flat_map(|raw| raw.history.iter().flatten()).map(|row| row.field.clone()).collect()
}

fn kept(
    plan: &ReadPlan,
    tracked: &BTreeSet<String>,
    raw: &RawRecord,
    horizon: Option<Timestamp>,
) -> BTreeMap<String, Kept> {
    let is_tracked = |field: &&String| tracked.iter().any(|name| name.eq_ignore_ascii_case(field));
    let cut = horizon.filter(|horizon| raw.created_at.is_none_or(|created| created < *horizon));
    let how = |field: &String| match cut {
        _ if is_staged(plan, field) => Kept::Whole,
        Some(at) => Kept::Since { at },
        None => Kept::Whole,
    };
    let wanted = plan
        .history
        .iter()
        .filter(|field| is_staged(plan, field) || (raw.history.is_some() && is_tracked(field)));
    wanted.map(|field| (field.clone(), how(field))).collect()
}

/// Whether the stage history, which is always on, tells of a field.
fn is_staged(plan: &ReadPlan, field: &str) -> bool {
    plan.object.as_str() == "Opportunity" && matches!(field, close_dates::STAGE | close_dates::FIELD)
}

/// Adds the stages that the stage history tells and field history does not: where it is off, and before its oldest row.
pub(crate) fn older_stages(rows: &[Value], found: &mut BTreeMap<SfId, RawRecord>) -> Result<(), Fault> {
    let mut told: BTreeMap<SfId, RawRecord> =
        found.iter().map(|(id, raw)| (id.clone(), RawRecord { history: None, ..raw.clone() })).collect();
    close_dates::take(close_dates::STAGE, rows, &mut told)?;
    for (id, record) in told {
        let Some(raw) = found.get_mut(&id) else { continue };
        let history = raw.history.get_or_insert_default();
        let oldest = history.iter().filter(|row| row.field == close_dates::STAGE).map(|row| row.at).min();
        let older = |row: &FieldChange| oldest.is_none_or(|oldest| row.at < oldest);
        history.extend(record.history.into_iter().flatten().filter(older));
        history.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    }
    Ok(())
}

/// Changes that are told by id: record, field and time.
pub(crate) fn by_id(rows: &[Value], key: &str) -> BTreeSet<(SfId, String, String)> {
    let ids = rows.iter().filter(|one| row::text(one, "DataType").as_deref() == Some("EntityId"));
    ids.filter_map(|one| place(one, key)).collect()
}

/// Whether a row names what another one of the same change tells by id.
pub(crate) fn is_a_name(one: &Value, key: &str, by_id: &BTreeSet<(SfId, String, String)>) -> bool {
    !by_id.is_empty()
        && row::text(one, "DataType").is_some_and(|kind| kind != "EntityId")
        && place(one, key).is_some_and(|place| by_id.contains(&place))
}

fn place(one: &Value, key: &str) -> Option<(SfId, String, String)> {
    Some((row::id(one, key)?, row::text(one, "Field")?, row::text(one, "CreatedDate")?))
}

impl Exchange for Past {
    type Output = Vec<Option<PastRecord>>;

    fn request(&mut self) -> Request {
        if self.api.tracked.is_known(self.plan.object.as_str()) {
            self.read.request()
        } else {
            self.tracking()
        }
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<Self::Output>, Fault> {
        self.now = self.now.or_else(|| stamp::server_clock(reply));
        if !self.api.tracked.is_known(self.plan.object.as_str()) {
            self.learn(reply)?;
            return Ok(Step::Continue);
        }
        Ok(match self.read.reply(reply)? {
            Step::Continue => Step::Continue,
            Step::Done(raws) => Step::Done(self.assemble(raws)),
        })
    }
}

/// The conversation behind [`handoff_connector::Source::history_size`].
pub(crate) struct Size {
    path: String,
}

impl Size {
    pub(crate) fn new(api: &Api, plan: &ReadPlan, since: Option<Timestamp>) -> Self {
        let mut text = format!("SELECT COUNT() FROM {}", plan.object);
        if let Some(since) = since {
            text.push_str(" WHERE SystemModstamp >= ");
            text.push_str(&stamp::soql(since));
        }
        Self { path: soql::url(&api.base, "queryAll", &text) }
    }
}

impl Exchange for Size {
    type Output = Option<u64>;

    fn request(&mut self) -> Request {
        composite::get(self.path.clone(), Lane::Backfill, ONE_CALL, "count")
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<Self::Output>, Fault> {
        let size = error::body(reply)?.get("totalSize").and_then(Value::as_u64);
        let none = || Fault::Protocol { detail: "a count without a number".to_owned() };
        size.ok_or_else(none).map(|size| Step::Done(Some(size)))
    }
}
