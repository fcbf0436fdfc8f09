//! What changed: one page of every stream in one call.

use std::collections::BTreeSet;

use handoff_connector::{ChangePage, Changed, Cursor, Exchange, Fault, Lane, Reply, Request, Step};
use handoff_core::extract::ReadPlan;
use handoff_core::id::{ObjectName, RecordRef};
use jiff::{SignedDuration, Timestamp};

use crate::composite::{self, Sub, SubReply};
use crate::cursor::{Key, Place};
use crate::relations::history_of;
use crate::resolve::Resolve;
use crate::spec::HEAVY_SUBREQUESTS;
use crate::{Api, row, soql, stamp};

/// Name of the stream of field history.
const HISTORY: &str = "#history";

/// How one stream is asked for.
#[derive(Debug, Clone)]
struct Source {
    name: String,
    object: String,
    /// Field with the stamp.
    stamp: &'static str,
    /// Field with the record's id.
    subject: String,
    /// Further condition.
    also: Option<String>,
}

/// The conversation behind [`handoff_connector::Source::changes`].
pub(crate) struct Changes {
    api: Api,
    plan: ReadPlan,
    cursor: Cursor,
    resolve: Option<Resolve>,
    running: Option<Running>,
}

/// The page in hand.
struct Running {
    place: Place,
    /// Sources of the page that are still to be asked, in order.
    left: Vec<Source>,
    changed: Vec<Changed>,
    seen: BTreeSet<(RecordRef, Option<Timestamp>)>,
}

impl Changes {
    pub(crate) fn new(api: Api, plan: ReadPlan, cursor: Cursor) -> Self {
        let resolve = Resolve::needed(&api, &plan);
        Self { api, plan, cursor, resolve, running: None }
    }

    fn running(&mut self) -> &mut Running {
        let (api, plan, cursor) = (&self.api, &self.plan, &self.cursor);
        self.running.get_or_insert_with(|| Running::start(api, plan, cursor))
    }
}

fn sources(api: &Api, plan: &ReadPlan) -> Vec<Source> {
    let object = plan.object.as_str();
    let mut all = vec![Source {
        name: String::new(),
        object: object.to_owned(),
        stamp: "SystemModstamp",
        subject: "Id".to_owned(),
        also: None,
    }];
    for relationship in plan.related.keys() {
        // A row of a parent names no record of ours; it is read with the record's next change, or at the daemon's sweep.
        if let Some((None, child)) = api.relations.planned(object, relationship) {
            let also = child.type_path.map(|path| format!("{path} = {}", soql::quote(object)));
            all.push(Source {
                name: relationship.clone(),
                object: child.object,
                stamp: "SystemModstamp",
                subject: child.key,
                also,
            });
        }
    }
    if !plan.history.is_empty() {
        let (table, key) = history_of(object);
        let fields = soql::list(plan.history.iter().map(String::as_str));
        all.push(Source {
            name: HISTORY.to_owned(),
            object: table,
            // History rows are never changed, so they carry no modification stamp.
            stamp: "CreatedDate",
            subject: key,
            also: Some(format!("Field IN {fields}")),
        });
    }
    all
}

fn question(api: &Api, source: &Source, from: Option<&Key>) -> String {
    let mut text = soql::select(["Id", source.stamp, &source.subject], &source.object);
    let since = api.since.map(Key::before);
    let after = from.or(since.as_ref()).map(|key| key.condition(source.stamp));
    let conditions: Vec<String> = after.into_iter().chain(source.also.clone()).collect();
    if !conditions.is_empty() {
        text.push_str(" WHERE ");
        text.push_str(&conditions.join(" AND "));
    }
    format!("{text} ORDER BY {}, Id LIMIT {}", source.stamp, api.page_size)
}

impl Running {
    fn start(api: &Api, plan: &ReadPlan, cursor: &Cursor) -> Self {
        let sources = sources(api, plan);
        let names: Vec<String> = sources.iter().map(|source| source.name.clone()).collect();
        let place = Place::of(cursor, &names);
        // A stream that has reached its newest row waits for the next sweep.
        let waits = |source: &Source| place.streams.get(&source.name).is_some_and(|stream| stream.done);
        let left = sources.into_iter().filter(|source| !waits(source)).collect();
        Self { left, place, changed: Vec::new(), seen: BTreeSet::new() }
    }

    fn batch(&self) -> &[Source] {
        self.left.get(..HEAVY_SUBREQUESTS).unwrap_or(&self.left)
    }

    fn subs(&self, api: &Api) -> Vec<Sub> {
        let ask = |(place, source): (usize, &Source)| {
            let from = self.place.streams.get(&source.name).and_then(|stream| stream.from());
            // queryAll, because a deleted or merged row is a change like any other.
            let url = soql::url(&api.base, "queryAll", &question(api, source, from));
            Sub::get(format!("changes{place}"), url)
        };
        self.batch().iter().enumerate().map(ask).collect()
    }

    fn take(&mut self, api: &Api, object: &ObjectName, answers: &[SubReply]) -> Result<(), Fault> {
        let asked: Vec<Source> = self.batch().to_vec();
        // All answers are read before anything moves: a fault leaves the conversation as it was.
        let mut pages = Vec::with_capacity(asked.len());
        for (source, answer) in asked.iter().zip(answers) {
            pages.push(self.read(api, object, source, answer)?);
        }
        for (source, (rows, last, full)) in asked.iter().zip(pages) {
            for change in rows {
                if self.seen.insert((change.record.clone(), change.stamp)) {
                    self.changed.push(change);
                }
            }
            if let Some(stream) = self.place.streams.get_mut(&source.name) {
                if last.is_some() {
                    stream.at = last;
                }
                stream.done = !full;
            }
        }
        self.left.drain(..asked.len());
        Ok(())
    }

    /// The page's changes, its last place, and whether more rows wait behind it.
    fn read(
        &self,
        api: &Api,
        object: &ObjectName,
        source: &Source,
        answer: &SubReply,
    ) -> Result<(Vec<Changed>, Option<Key>, bool), Fault> {
        if source.name == HISTORY && offers_no_history(answer) {
            return Ok((Vec::new(), None, false));
        }
        let page = row::page(answer.ok()?.clone())?;
        let full = page.next.is_some() || page.rows.len() >= api.page_size;
        let mut changes = Vec::with_capacity(page.rows.len());
        let mut last = None;
        for found in &page.rows {
            let id = row::own_id(found)?;
            let stamp = row::time(found, source.stamp).ok_or_else(|| Fault::Protocol {
                detail: format!("a row of {} without a valid {}", source.object, source.stamp),
            })?;
            last = Some(Key { stamp, id: id.as_str().to_owned() });
            // A child row without a parent changes no record of ours.
            let Some(subject) = row::id(found, &source.subject) else { continue };
            let record = RecordRef {
                connection: api.connection.clone(),
                object: object.clone(),
                record: subject.record(),
            };
            changes.push(Changed { record, stamp: Some(stamp) });
        }
        let before = self.place.streams.get(&source.name).and_then(|stream| stream.from());
        if full && last.as_ref().is_none_or(|last| before.is_some_and(|before| last <= before)) {
            return Err(Fault::Protocol {
                detail: format!("the pages of {} do not advance: the server repeats itself", source.object),
            });
        }
        Ok((changes, last, full))
    }
}

/// An object without field history has no such table.
pub(crate) fn offers_no_history(answer: &SubReply) -> bool {
    !answer.status.is_success()
        && crate::error::errors(&answer.body).iter().any(|error| error.code == "INVALID_TYPE")
}

impl Exchange for Changes {
    type Output = ChangePage;

    fn request(&mut self) -> Request {
        if let Some(resolve) = &self.resolve {
            return resolve.request(&self.api, Lane::Read);
        }
        let api = self.api.clone();
        composite::request(&api.base, &self.running().subs(&api), Lane::Read, "changes")
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<ChangePage>, Fault> {
        if let Some(resolve) = &self.resolve {
            self.resolve = resolve.reply(&self.api, &self.plan, reply)?;
            return Ok(Step::Continue);
        }
        let (api, object) = (self.api.clone(), self.plan.object.clone());
        let overlap = SignedDuration::try_from(api.overlap).unwrap_or(SignedDuration::MAX);
        let running = self.running();
        let answers = composite::replies(reply, &running.subs(&api))?;
        let fresh = running.place.fresh();
        running.take(&api, &object, &answers)?;
        if fresh && running.place.began.is_none() {
            running.place.began = stamp::server_clock(reply);
        }
        if !running.left.is_empty() {
            return Ok(Step::Continue);
        }
        let more = !running.place.finished();
        if !more {
            running.place.settle(overlap);
        }
        Ok(Step::Done(ChangePage {
            changed: std::mem::take(&mut running.changed),
            next: running.place.cursor(),
            more,
        }))
    }
}
