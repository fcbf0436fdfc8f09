//! Records with everything a mapping names, in one call; one more if it names children of a parent.

mod parents;

use std::collections::{BTreeMap, BTreeSet};

use handoff_connector::{Exchange, Fault, Lane, Reply, Request, Step};
use handoff_core::extract::{
    Existence, FieldChange, RawRecord, ReadPlan, RecordVersion, RelatedRow, relation_parts,
};
use handoff_core::id::{ActorId, ObjectName, RecordRef};
use jiff::Timestamp;
use serde_json::Value;

use crate::changes::offers_no_history;
use crate::close_dates;
use crate::composite::SubReply;
use crate::error;
use crate::id::SfId;
use crate::query::{Queries, Retry};
use crate::relations::{Child, history_names, history_of, merges};
use crate::resolve::Resolve;
use crate::spec::LONG_TEXT_PAGE;
use crate::{Api, past, row, soql};

/// What a query is for.
#[derive(Debug, Clone)]
enum Part {
    /// The records of one of the lists that the ids are cut into.
    Records(Vec<SfId>),
    Child(String, Child),
    /// Children of the records that a lookup of the records names: under this name in the plan, of these parents.
    OfParent {
        key: String,
        child: Child,
        parents: Vec<SfId>,
    },
    History,
    /// The stage history, which keeps the close date in every org and takes none of the twenty fields whose history can be tracked.
    CloseDates,
}

/// The conversation behind [`handoff_connector::Source::read`].
pub(crate) struct Read {
    api: Api,
    plan: ReadPlan,
    asked: Vec<RecordRef>,
    ids: Vec<SfId>,
    resolve: Option<Resolve>,
    running: Option<Running>,
    lane: Lane,
    /// Whether the past is asked for: all history, of lost records too, and when child rows came to be.
    past: bool,
    born: BTreeMap<RecordRef, Timestamp>,
}

struct Running {
    parts: Vec<Part>,
    queries: Queries,
    /// Lookup → record → the record that it names; known once the records are.
    parents: Option<BTreeMap<String, BTreeMap<SfId, SfId>>>,
    /// Columns that the CRM does not know or does not show us, by query.
    unreadable: BTreeSet<(usize, String)>,
}

impl Read {
    /// Ids that are no Salesforce ids are answered `None` without asking.
    pub(crate) fn new(api: Api, plan: ReadPlan, records: &[RecordRef]) -> Self {
        let ids: BTreeSet<SfId> =
            records.iter().filter_map(|r| SfId::parse(r.record.as_str()).ok()).collect();
        let resolve = Resolve::needed(&api, &plan);
        Self {
            api,
            plan,
            asked: records.to_vec(),
            ids: ids.into_iter().collect(),
            resolve,
            running: None,
            lane: Lane::Read,
            past: false,
            born: BTreeMap::new(),
        }
    }

    /// The same, for the past.
    pub(crate) fn of_the_past(api: Api, plan: ReadPlan, records: &[RecordRef]) -> Self {
        Self { lane: Lane::Backfill, past: true, ..Self::new(api, plan, records) }
    }

    /// When the child rows came to be, once all is read.
    pub(crate) fn born(&mut self) -> BTreeMap<RecordRef, Timestamp> {
        std::mem::take(&mut self.born)
    }

    /// Whether no record that was asked for can exist.
    pub(crate) fn asks_nothing(&self) -> bool {
        self.ids.is_empty()
    }

    fn running(&mut self) -> &mut Running {
        let (api, plan, ids, past) = (&self.api, &self.plan, &self.ids, self.past);
        self.running.get_or_insert_with(|| {
            let parts = parts(api, plan, ids);
            let nothing = BTreeSet::new();
            let urls = parts
                .iter()
                .enumerate()
                .map(|(at, part)| url(api, plan, ids, (at, part), &nothing, past))
                .collect();
            Running { parts, queries: Queries::new(urls, "read"), parents: None, unreadable: nothing }
        })
    }

    fn assemble(&mut self) -> Result<Vec<Option<RawRecord>>, Fault> {
        let parts = self.running().parts.clone();
        let mut found: BTreeMap<SfId, RawRecord> = BTreeMap::new();
        for (at, part) in parts.iter().enumerate() {
            let rows = self.running().queries.take(at);
            match part {
                Part::Records(_) => {
                    for one in rows.unwrap_or_default() {
                        let id = row::own_id(&one)?;
                        let record = self.record(&id, &one);
                        found.insert(id, record);
                    }
                }
                Part::Child(name, child) => {
                    for record in found.values_mut() {
                        record.related.insert(name.clone(), Vec::new());
                    }
                    for one in rows.unwrap_or_default() {
                        let related = self.related(name, child, &one)?;
                        self.note_birth(&related, &one);
                        let parent = row::id(&one, &child.key).and_then(|id| found.get_mut(&id));
                        if let Some(rows) = parent.and_then(|parent| parent.related.get_mut(name)) {
                            rows.push(related);
                        }
                    }
                }
                Part::OfParent { key, child, .. } => {
                    self.children_of_parents(key, child, &rows.unwrap_or_default(), &mut found)?;
                }
                Part::History => history(&self.plan, rows, &mut found)?,
                Part::CloseDates => {
                    let rows = rows.unwrap_or_default();
                    close_dates::take(close_dates::FIELD, &rows, &mut found)?;
                    if self.past && self.plan.history.contains(close_dates::STAGE) {
                        past::older_stages(&rows, &mut found)?;
                    }
                }
            }
        }
        let pick = |asked: &RecordRef| found.get(&SfId::parse(asked.record.as_str()).ok()?).cloned();
        Ok(self.asked.iter().map(pick).collect())
    }

    /// Asks for the children of parents, once the records have told which those are; `true` = there is something to ask.
    fn ask_parents(&mut self) -> bool {
        let (api, plan, ids, past) = (&self.api, &self.plan, &self.ids, self.past);
        let Some(running) = self.running.as_mut().filter(|running| running.parents.is_none()) else {
            return false;
        };
        let named = parents::named(plan, &running.parts, &running.queries);
        let first = running.parts.len();
        running.parts.extend(parents::parts(api, plan, &named));
        running.parents = Some(named);
        let new = running.parts.iter().enumerate().skip(first);
        let urls: Vec<(usize, String)> =
            new.map(|(at, part)| (at, url(api, plan, ids, (at, part), &running.unreadable, past))).collect();
        running.queries.ask(urls)
    }

    /// Gives each record the rows of the parent that it names. A record that names none has no such rows told.
    fn children_of_parents(
        &mut self,
        key: &str,
        child: &Child,
        rows: &[Value],
        found: &mut BTreeMap<SfId, RawRecord>,
    ) -> Result<(), Fault> {
        let mut of: BTreeMap<SfId, Vec<RelatedRow>> = BTreeMap::new();
        for one in rows {
            if let Some(parent) = row::id(one, &child.key) {
                let related = self.related(key, child, one)?;
                self.note_birth(&related, one);
                of.entry(parent).or_default().push(related);
            }
        }
        let lookup = relation_parts(key).0.unwrap_or_default();
        let parents = self.running.as_ref().and_then(|running| running.parents.as_ref()?.get(lookup));
        for (id, record) in found {
            if let Some(parent) = parents.and_then(|parents| parents.get(id)) {
                let rows = record.related.entry(key.to_owned()).or_default();
                rows.extend(of.get(parent).cloned().unwrap_or_default());
            }
        }
        Ok(())
    }

    fn note_birth(&mut self, related: &RelatedRow, one: &Value) {
        if let Some(born) = row::time(one, "CreatedDate").filter(|_| self.past) {
            self.born.insert(related.record.clone(), born);
        }
    }

    fn record(&self, id: &SfId, one: &Value) -> RawRecord {
        let existence = match (row::flag(one, "IsDeleted"), row::id(one, "MasterRecordId")) {
            (true, Some(into)) => Existence::Merged { into: into.as_str().to_owned() },
            (true, None) => Existence::Deleted,
            (false, _) => Existence::Present,
        };
        let actor = row::id(one, "LastModifiedById").map(|id| ActorId(id.as_str().to_owned()));
        RawRecord {
            record: self.reference(&self.plan.object, id),
            version: row::time(one, "SystemModstamp").map(|stamp| RecordVersion { stamp }),
            existence,
            created_at: row::time(one, "CreatedDate"),
            last_modified: row::time(one, "LastModifiedDate").zip(actor),
            fields: row::fields(one, &self.plan.fields),
            found_on: self.found_on(one),
            shown: BTreeMap::new(),
            related: BTreeMap::new(),
            history: self.plan.history.is_empty().then(Vec::new),
        }
    }

    /// The records that dotted fields were found on.
    fn found_on(&self, one: &Value) -> BTreeMap<String, RecordRef> {
        let of = |field: &String| {
            let (lookups, _) = field.rsplit_once('.')?;
            let parent = row::at(one, lookups)?;
            let object = row::text(&parent, "attributes.type").filter(|object| soql::is_name(object))?;
            let id = row::id(&parent, "Id")?;
            Some((field.clone(), self.reference(&ObjectName(object), &id)))
        };
        self.plan.fields.iter().filter_map(of).collect()
    }

    fn related(&self, name: &str, child: &Child, one: &Value) -> Result<RelatedRow, Fault> {
        let fields = self.plan.related.get(name).map(|names| row::fields(one, names));
        Ok(RelatedRow {
            record: self.reference(&ObjectName(child.object.clone()), &row::own_id(one)?),
            stamp: row::time(one, "SystemModstamp"),
            fields: fields.unwrap_or_default(),
        })
    }

    fn reference(&self, object: &ObjectName, id: &SfId) -> RecordRef {
        RecordRef { connection: self.api.connection.clone(), object: object.clone(), record: id.record() }
    }
}

fn parts(api: &Api, plan: &ReadPlan, ids: &[SfId]) -> Vec<Part> {
    let own = |name: &String| match api.relations.planned(plan.object.as_str(), name)? {
        (None, child) => Some(Part::Child(name.clone(), child)),
        (Some(_), _) => None,
    };
    let children = plan.related.keys().filter_map(own);
    let history = (!plan.history.is_empty()).then_some(Part::History);
    // Behind the history, which makes the list that these are added to.
    let close_dates = close_dates::wanted(plan).then_some(Part::CloseDates);
    // Before everything that is added to them. One page each, side by side: following one list page by page would take a call a page.
    let records = ids.chunks(LONG_TEXT_PAGE).map(|ids| Part::Records(ids.to_vec()));
    records.chain(children).chain(history).chain(close_dates).collect()
}

fn url(
    api: &Api,
    plan: &ReadPlan,
    ids: &[SfId],
    (at, part): (usize, &Part),
    unreadable: &BTreeSet<(usize, String)>,
    past: bool,
) -> String {
    let readable = |field: &&str| !unreadable.contains(&(at, (*field).to_owned()));
    let list = soql::ids(ids);
    match part {
        Part::Records(ids) => {
            let list = soql::ids(ids);
            let fixed =
                ["Id", "SystemModstamp", "IsDeleted", "CreatedDate", "LastModifiedDate", "LastModifiedById"];
            let merged = merges(plan.object.as_str()).then_some("MasterRecordId");
            let asked = plan.fields.iter().map(String::as_str).chain(parents::lookups(plan));
            let asked: Vec<&str> = asked.filter(readable).collect();
            let found_on = parents::ids_beside(&asked);
            let asked = asked.into_iter().chain(found_on.iter().map(String::as_str));
            let select = soql::select(fixed.into_iter().chain(merged).chain(asked), plan.object.as_str());
            // queryAll, because a deleted record must come back marked, not missing.
            soql::url(&api.base, "queryAll", &format!("{select} WHERE Id IN {list} ORDER BY Id"))
        }
        Part::Child(name, child) | Part::OfParent { key: name, child, .. } => {
            let asked = plan.related.get(name).into_iter().flatten().map(String::as_str).filter(readable);
            let list = match part {
                Part::OfParent { parents, .. } => soql::ids(parents),
                Part::Records(_) | Part::Child(..) | Part::History | Part::CloseDates => list,
            };
            let fixed = ["Id", "SystemModstamp", child.key.as_str()];
            let created = past.then_some("CreatedDate");
            let select = soql::select(fixed.into_iter().chain(created).chain(asked), &child.object);
            // Old activities are archived and only queryAll shows them.
            let (resource, present) = match child.type_path {
                Some(_) => ("queryAll", " AND IsDeleted = false"),
                None => ("query", ""),
            };
            let soql = format!("{select} WHERE {} IN {list}{present} ORDER BY Id", child.key);
            soql::url(&api.base, resource, &soql)
        }
        Part::CloseDates => soql::url(&api.base, "query", &close_dates::question(&list, past)),
        Part::History => {
            let (table, key) = history_of(plan.object.as_str());
            let columns = ["Id", &key, "Field", "OldValue", "NewValue", "CreatedDate", "CreatedById"];
            let select = soql::select(columns.into_iter().chain(past.then_some("DataType")), &table);
            let elsewhere = |field: &&String| close_dates::wanted(plan) && *field == close_dates::FIELD;
            let here = plan.history.iter().filter(|field| !elsewhere(field));
            let names = soql::list(here.flat_map(|field| history_names(field)));
            let soql =
                format!("{select} WHERE {key} IN {list} AND Field IN {names} ORDER BY CreatedDate, Id");
            soql::url(&api.base, if past { "queryAll" } else { "query" }, &soql)
        }
    }
}

fn history(
    plan: &ReadPlan,
    rows: Option<Vec<Value>>,
    found: &mut BTreeMap<SfId, RawRecord>,
) -> Result<(), Fault> {
    let Some(rows) = rows else { return Ok(()) };
    for record in found.values_mut() {
        record.history = Some(Vec::new());
    }
    let (_, key) = history_of(plan.object.as_str());
    let named = past::by_id(&rows, &key);
    for one in rows {
        // A lookup is told twice, by name and by id, where the kind of row is asked for: the id is what stands in the record.
        if past::is_a_name(&one, &key, &named) {
            continue;
        }
        let Some(record) = row::id(&one, &key).and_then(|id| found.get_mut(&id)) else { continue };
        let change = change(plan, &one).ok_or_else(|| Fault::Protocol {
            detail: "a row of field history without field, author or time".to_owned(),
        })?;
        record.history.get_or_insert_default().push(change);
    }
    // Pages come in order; sorting makes it true over page borders and equal seconds too.
    for record in found.values_mut() {
        record.history.get_or_insert_default().sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    }
    Ok(())
}

fn change(plan: &ReadPlan, one: &Value) -> Option<FieldChange> {
    let stored = row::text(one, "Field")?;
    let field = plan
        .history
        .iter()
        .find(|field| history_names(field).any(|name| name.eq_ignore_ascii_case(&stored)))
        .cloned()
        .unwrap_or(stored);
    let value = |name| row::at(one, name).unwrap_or_default();
    let (old, new) = (value("OldValue"), value("NewValue"));
    // Long texts are tracked without their values; then both are empty.
    let told = !(old.is_null() && new.is_null());
    Some(FieldChange {
        id: row::own_id(one).ok()?.as_str().to_owned(),
        field,
        old: told.then_some(old),
        new: told.then_some(new),
        by: ActorId(row::id(one, "CreatedById")?.as_str().to_owned()),
        at: row::time(one, "CreatedDate")?,
    })
}

/// Which of the names asked for a column error speaks of.
fn culprits(plan: &ReadPlan, part: &Part, answer: &SubReply) -> BTreeSet<String> {
    let columns: BTreeSet<String> =
        error::errors(&answer.body).iter().filter_map(error::missing_column).collect();
    let named = |field: &&String| {
        columns.iter().any(|column| {
            field.eq_ignore_ascii_case(column)
                || field.split('.').any(|name| field.contains('.') && name.eq_ignore_ascii_case(column))
        })
    };
    match part {
        Part::Records(_) => {
            let lookups: Vec<String> = parents::lookups(plan).map(str::to_owned).collect();
            plan.fields.iter().chain(&lookups).filter(named).cloned().collect()
        }
        Part::Child(name, _) | Part::OfParent { key: name, .. } => {
            plan.related.get(name).into_iter().flatten().filter(named).cloned().collect()
        }
        Part::History | Part::CloseDates => BTreeSet::new(),
    }
}

impl Exchange for Read {
    type Output = Vec<Option<RawRecord>>;

    fn request(&mut self) -> Request {
        if let Some(resolve) = &self.resolve {
            return resolve.request(&self.api, self.lane);
        }
        let (api, lane) = (self.api.clone(), self.lane);
        self.running().queries.request(&api, lane)
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<Self::Output>, Fault> {
        if let Some(resolve) = &self.resolve {
            self.resolve = resolve.reply(&self.api, &self.plan, reply)?;
            return Ok(Step::Continue);
        }
        self.running();
        let (api, plan, ids, past) = (&self.api, &self.plan, &self.ids, self.past);
        let Some(Running { parts, queries, unreadable, .. }) = self.running.as_mut() else {
            return Ok(Step::Continue);
        };
        let finished = queries.reply(reply, |at, asked, answer| {
            let Some(part) = parts.get(at) else { return Retry::Skip };
            if matches!(part, Part::History) && offers_no_history(answer) {
                return Retry::Skip;
            }
            // A field that we may not see must not stop the others: it is absent, and an absent field is an empty one.
            unreadable.extend(culprits(plan, part, answer).into_iter().map(|field| (at, field)));
            let url = url(api, plan, ids, (at, part), unreadable, past);
            if url == asked { Retry::Fail(answer.fault()) } else { Retry::With(url) }
        })?;
        if !finished || self.ask_parents() {
            return Ok(Step::Continue);
        }
        self.assemble().map(Step::Done)
    }
}
