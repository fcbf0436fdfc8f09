//! Records with everything a mapping names: properties and history in fifties, associations and associated records in hundreds. What is
//! associated with an associated record is asked for once that one is known.

mod record;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use handoff_connector::{Exchange, Fault, Lane, Reply, Request, Step};
use handoff_core::extract::{RawRecord, ReadPlan, relation_parts};
use handoff_core::id::RecordRef;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::associations::{self, Associations};
use crate::id::{HsId, is_property};
use crate::property;
use crate::row::{Batch, MERGED, Row, modified_property};
use crate::spec::{BATCH, HISTORY_BATCH, ONE_CALL};
use crate::{Api, ask, splits, stages};

pub(crate) use record::{changes, fields};

/// Column of a related row that holds the association's label.
pub(crate) const LABEL: &str = "label";
/// Property that holds a record's own id.
pub(crate) const OWN_ID: &str = "hs_object_id";

/// What is asked next.
#[derive(Debug, Clone)]
enum Ask {
    /// Definitions of an object's properties.
    Definitions(String),
    /// These records, with history; archived ones only where it says so.
    Records { ids: Vec<HsId>, archived: bool },
    /// The next batch of associations of this place.
    Associated(usize),
    /// Properties of associated records.
    Others { object: String, ids: Vec<HsId> },
    /// Who shares these deals.
    Splits(Vec<HsId>),
    /// What people call the stages.
    Stages,
}

/// What became of an id that was asked for.
#[derive(Debug, Clone)]
enum Found {
    Here(Row),
    Archived(Row),
    Merged(HsId),
}

/// The conversation behind [`handoff_connector::Source::read`].
pub(crate) struct Read {
    api: Api,
    plan: ReadPlan,
    asked: Vec<RecordRef>,
    queue: VecDeque<Ask>,
    found: BTreeMap<HsId, Found>,
    associations: Vec<Associations>,
    others: BTreeMap<(String, HsId), Row>,
    splits: splits::Found,
    /// Whether the records are all there and their associations were asked for.
    related: bool,
    lane: Lane,
}

impl Read {
    /// Ids that are no HubSpot ids are answered `None` without asking.
    pub(crate) fn new(api: Api, plan: ReadPlan, records: &[RecordRef]) -> Self {
        let ids: BTreeSet<HsId> = records.iter().filter_map(|one| HsId::parse(one.record.as_str())).collect();
        let ids: Vec<HsId> = ids.into_iter().collect();
        let objects = std::iter::once(plan.object.as_str()).chain(columns(&plan).map(|(object, _)| object));
        let unknown: BTreeSet<&str> = objects.filter(|object| api.known.find(object).is_none()).collect();
        let mut queue: VecDeque<Ask> =
            unknown.into_iter().map(|object| Ask::Definitions(object.to_owned())).collect();
        let size = if plan.history.is_empty() { BATCH } else { HISTORY_BATCH };
        queue.extend(ids.chunks(size).map(|ids| Ask::Records { ids: ids.to_vec(), archived: false }));
        Self {
            api,
            plan,
            asked: records.to_vec(),
            queue,
            found: BTreeMap::new(),
            associations: Vec::new(),
            others: BTreeMap::new(),
            splits: splits::Found::new(),
            related: false,
            lane: Lane::Read,
        }
    }

    /// The same, for the past.
    pub(crate) fn of_the_past(api: Api, plan: ReadPlan, records: &[RecordRef]) -> Self {
        Self { lane: Lane::Backfill, ..Self::new(api, plan, records) }
    }

    /// When a record was archived, if it was and HubSpot tells.
    pub(crate) fn archived_at(&self, id: HsId) -> Option<Timestamp> {
        match self.found.get(&id)? {
            Found::Archived(row) => row.archived_at,
            Found::Here(_) | Found::Merged(_) => None,
        }
    }

    /// When an associated record came to be and when it last changed, if more than its id was read.
    pub(crate) fn other(&self, object: &str, id: HsId) -> Option<(Option<Timestamp>, Option<Timestamp>)> {
        let row = self.others.get(&(object.to_owned(), id))?;
        Some((row.created_at, row.stamp(object)))
    }

    /// Whether no record that was asked for can exist.
    pub(crate) fn asks_nothing(&self) -> bool {
        !self.queue.iter().any(|ask| matches!(ask, Ask::Records { .. }))
    }

    fn records(&mut self, ids: &[HsId], archived: bool, batch: Batch) -> Result<(), Fault> {
        if let Some(fault) = batch.trouble() {
            return Err(fault);
        }
        let rows = batch.by_id();
        let (mut missing, mut survivors) = (Vec::new(), BTreeMap::new());
        for (id, row) in &rows {
            survivors.extend(row.merged().into_iter().map(|merged| (merged, *id)));
        }
        for id in ids {
            match (rows.get(id), survivors.get(id)) {
                (Some(row), _) if archived || row.archived => {
                    self.found.insert(*id, Found::Archived(row.clone()));
                }
                (Some(row), _) => {
                    self.found.insert(*id, Found::Here(row.clone()));
                }
                (None, Some(into)) => {
                    self.found.insert(*id, Found::Merged(*into));
                }
                (None, None) => missing.push(*id),
            }
        }
        let strangers: Vec<HsId> = rows.keys().filter(|id| !ids.contains(id)).copied().collect();
        match (missing.as_slice(), strangers.as_slice()) {
            ([], _) => {}
            // Asked for one, answered with another: HubSpot leads old ids of merged records to the survivor.
            ([one], [into]) if ids.len() == 1 => {
                self.found.insert(*one, Found::Merged(*into));
            }
            (_, []) if archived => {}
            (_, []) => self.queue.push_front(Ask::Records { ids: missing, archived: true }),
            _ => {
                let alone = missing.iter().rev().map(|id| Ask::Records { ids: vec![*id], archived });
                for ask in alone {
                    self.queue.push_front(ask);
                }
            }
        }
        Ok(())
    }

    /// Once all records are known, what is associated with those that are there is asked for.
    fn ask_related(&mut self) {
        self.related = true;
        let here: Vec<HsId> = self
            .found
            .iter()
            .filter(|(_, found)| matches!(found, Found::Here(_)))
            .map(|(id, _)| *id)
            .collect();
        if here.is_empty() {
            return;
        }
        let object = self.plan.object.as_str();
        let first = |key: &String| {
            let (of, related) = relation_parts(key);
            of.unwrap_or(related).to_owned()
        };
        let others = self.plan.related.keys().filter(|key| !splits::is_meant(&self.plan, key));
        let others: BTreeSet<String> = others.map(first).collect();
        let of = |name: &String| Associations::new(object, name, here.iter().copied());
        self.associations = others.iter().map(of).collect();
        self.queue.extend((0..self.associations.len()).map(Ask::Associated));
        if splits::are_wanted(&self.plan) {
            self.queue.extend(here.chunks(BATCH).map(|ids| Ask::Splits(ids.to_vec())));
        }
        if self.api.stages.lacks(&self.plan) {
            self.queue.push_back(Ask::Stages);
        }
    }

    /// Once it is known which record stands between, what is associated with that one is asked for.
    fn ask_beyond(&mut self, place: usize) {
        let object = self.plan.object.as_str();
        let Some(between) = self.associations.get(place).filter(|one| one.from == object) else { return };
        let between = between.clone();
        let ids: BTreeSet<HsId> = between.found.values().filter_map(associations::primary).collect();
        if ids.is_empty() {
            return;
        }
        for key in self.plan.related.keys() {
            let (Some(of), related) = relation_parts(key) else { continue };
            if of == between.to {
                self.queue.push_back(Ask::Associated(self.associations.len()));
                self.associations.push(Associations::new(of, related, ids.iter().copied()));
            }
        }
    }

    /// The associations from one object to another.
    fn leg(&self, from: &str, to: &str) -> Option<&Associations> {
        self.associations.iter().find(|one| one.from == from && one.to == to)
    }

    /// Once all associations of an object are known, its records are asked for, if more than their ids is wanted.
    fn ask_others(&mut self, place: usize) {
        let Some(associations) = self.associations.get(place) else { return };
        if !associations.is_finished() {
            self.queue.push_front(Ask::Associated(place));
            return;
        }
        self.ask_beyond(place);
        let Some(associations) = self.associations.get(place) else { return };
        let (beyond, own) = (associations.from != self.plan.object.as_str(), &associations.to);
        // A record that only stands between is known by its id.
        if !beyond && !self.plan.related.contains_key(own) {
            return;
        }
        let wanted = columns(&self.plan).any(|(object, _)| object == associations.to);
        if !wanted {
            return;
        }
        let ids: BTreeSet<HsId> = associations.found.values().flatten().map(|(id, _)| *id).collect();
        let ids: Vec<HsId> = ids.into_iter().collect();
        let object = associations.to.clone();
        self.queue
            .extend(ids.chunks(BATCH).map(|ids| Ask::Others { object: object.clone(), ids: ids.to_vec() }));
    }

    fn question(&self, ask: &Ask) -> Request {
        match ask {
            Ask::Definitions(object) => property::request(&self.api, object, self.lane),
            Ask::Records { ids, archived } => {
                let object = self.plan.object.as_str();
                let shared = splits::are_wanted(&self.plan).then_some(splits::SHARED);
                let own = [modified_property(object), MERGED].into_iter().chain(shared).map(str::to_owned);
                let names: BTreeSet<String> = self.plan.fields.iter().cloned().chain(own).collect();
                let mut body = json!({ "inputs": inputs(ids), "properties": plain(&names) });
                if !self.plan.history.is_empty() {
                    body["propertiesWithHistory"] = json!(plain(&self.plan.history));
                }
                let archived = if *archived { "?archived=true" } else { "" };
                let path = format!("{}/batch/read{archived}", self.api.dialect.objects(object));
                ask::post(path, body, self.lane, ONE_CALL, "read")
            }
            Ask::Associated(place) => match self.associations.get(*place) {
                Some(associations) => associations.request(&self.api, self.lane),
                None => property::request(&self.api, self.plan.object.as_str(), self.lane),
            },
            Ask::Others { object, ids } => {
                let names: BTreeSet<String> = columns(&self.plan)
                    .filter(|(of, _)| of == object)
                    .map(|(_, name)| name.clone())
                    .collect();
                let path = format!("{}/batch/read", self.api.dialect.objects(object));
                let body = json!({ "inputs": inputs(ids), "properties": plain(&names) });
                ask::post(path, body, self.lane, ONE_CALL, "read_related")
            }
            Ask::Splits(ids) => splits::request(&self.api, ids, self.lane),
            Ask::Stages => stages::request(&self.api, self.plan.object.as_str(), self.lane),
        }
    }

    fn take(&mut self, ask: &Ask, reply: &Reply) -> Result<(), Fault> {
        match ask {
            Ask::Definitions(object) => property::learn(&self.api, object, reply)?,
            Ask::Records { ids, archived } => {
                let batch = Batch::parse(reply)?;
                self.queue.pop_front();
                return match self.records(ids, *archived, batch) {
                    Ok(()) => Ok(()),
                    Err(fault) => {
                        self.queue.push_front(ask.clone());
                        Err(fault)
                    }
                };
            }
            Ask::Associated(place) => {
                if let Some(associations) = self.associations.get_mut(*place) {
                    associations.reply(reply)?;
                }
                self.queue.pop_front();
                self.ask_others(*place);
                return Ok(());
            }
            Ask::Others { object, .. } => {
                let batch = Batch::parse(reply)?;
                if let Some(fault) = batch.trouble() {
                    return Err(fault);
                }
                self.others.extend(batch.by_id().into_iter().map(|(id, row)| ((object.clone(), id), row)));
            }
            Ask::Splits(ids) => self.splits.extend(splits::parse(reply, ids)?),
            Ask::Stages => stages::learn(&self.api, self.plan.object.as_str(), reply)?,
        }
        self.queue.pop_front();
        Ok(())
    }
}

/// Properties of associated records that are more than label and id.
fn columns(plan: &ReadPlan) -> impl Iterator<Item = (&str, &String)> {
    let associated = plan.related.iter().filter(|(key, _)| !splits::is_meant(plan, key));
    associated.flat_map(|(key, names)| {
        let (_, object) = relation_parts(key);
        let more = names.iter().filter(|name| !matches!(name.as_str(), LABEL | OWN_ID));
        more.map(move |name| (object, name))
    })
}

pub(crate) fn inputs(ids: &[HsId]) -> Vec<Value> {
    ids.iter().map(|id| json!({ "id": id.to_string() })).collect()
}

fn plain(names: &BTreeSet<String>) -> Vec<&String> {
    names.iter().filter(|name| is_property(name)).collect()
}

impl Exchange for Read {
    type Output = Vec<Option<RawRecord>>;

    fn request(&mut self) -> Request {
        match self.queue.front().cloned() {
            Some(ask) => self.question(&ask),
            None => property::request(&self.api, self.plan.object.as_str(), self.lane),
        }
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<Self::Output>, Fault> {
        if let Some(ask) = self.queue.front().cloned() {
            self.take(&ask, reply)?;
        }
        if self.queue.is_empty() && !self.related {
            self.ask_related();
        }
        if self.queue.is_empty() { self.assemble().map(Step::Done) } else { Ok(Step::Continue) }
    }
}
