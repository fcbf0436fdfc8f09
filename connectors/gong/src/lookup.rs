//! Calls and transcripts by id, a hundred per request.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use handoff_connector::{Exchange, Fault, Reply, Request, Step};
use handoff_core::evidence::{Call, Transcript};
use serde_json::Value;

use crate::answer::{self, Unanswered};
use crate::ask::{self, Which};
use crate::page::{Page, is_id};
use crate::spec::BATCH;
use crate::{Api, call, transcript};

/// What a row says, and of which call; `None` = nothing yet.
type Row<T> = (String, Option<T>);

/// What is looked up.
pub(crate) struct Kind<T> {
    list: &'static str,
    ask: fn(&Api, &[String], Option<&str>) -> Request,
    read: fn(&Value) -> Result<Row<T>, Fault>,
}

pub(crate) static CALLS: Kind<Call> = Kind {
    list: "calls",
    ask: |api, ids, page| ask::extensive(api, &Which::Ids(ids), page, "read_calls"),
    read: |row| call::call(row).map(|call| (call.id.clone(), Some(call))),
};

pub(crate) static TRANSCRIPTS: Kind<Transcript> = Kind {
    list: "callTranscripts",
    ask: |api, ids, page| ask::transcript(api, &Which::Ids(ids), page),
    read: transcript::transcript,
};

struct Lookup<T: 'static> {
    api: Api,
    kind: &'static Kind<T>,
    wanted: Vec<String>,
    waiting: VecDeque<Vec<String>>,
    page: Option<String>,
    restarted: bool,
    found: BTreeMap<String, T>,
}

/// A conversation that yields one place per id, in their order.
pub(crate) fn of<T: Clone + Send>(
    api: Api,
    kind: &'static Kind<T>,
    ids: &[String],
) -> Box<dyn Exchange<Output = Vec<Option<T>>>> {
    let distinct: BTreeSet<&String> = ids.iter().filter(|id| is_id(id)).collect();
    let distinct: Vec<String> = distinct.into_iter().cloned().collect();
    if distinct.is_empty() {
        return Box::new(Unasked { places: ids.len(), of: std::marker::PhantomData });
    }
    let waiting = distinct.chunks(BATCH).map(<[String]>::to_vec).collect();
    let (page, restarted, found) = (None, false, BTreeMap::new());
    Box::new(Lookup { api, kind, wanted: ids.to_vec(), waiting, page, restarted, found })
}

impl<T: Clone + Send> Exchange for Lookup<T> {
    type Output = Vec<Option<T>>;

    fn request(&mut self) -> Request {
        let ids = self.waiting.front().map_or(&[][..], Vec::as_slice);
        (self.kind.ask)(&self.api, ids, self.page.as_deref())
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<Self::Output>, Fault> {
        let page = match answer::body(reply) {
            Ok(body) => Page::read(body, self.kind.list, self.page.as_deref())?,
            Err(Unanswered::Nothing) => Page::empty(),
            Err(Unanswered::CursorExpired) if self.page.is_some() && !self.restarted => {
                (self.page, self.restarted) = (None, true);
                return Ok(Step::Continue);
            }
            Err(other) => return Err(other.fault()),
        };
        let read: Result<Vec<_>, Fault> = page.rows.iter().map(self.kind.read).collect();
        self.found.extend(read?.into_iter().filter_map(|(id, found)| Some((id, found?))));
        self.page = page.cursor;
        if self.page.is_none() {
            self.waiting.pop_front();
            self.restarted = false;
        }
        if !self.waiting.is_empty() {
            return Ok(Step::Continue);
        }
        Ok(Step::Done(self.wanted.iter().map(|id| self.found.get(id).cloned()).collect()))
    }
}

/// No id that could be asked for. A conversation that asks nothing does not exist, and a request for no calls would be refused, so the
/// list of workspaces is asked for, the smallest answer there is.
struct Unasked<T> {
    places: usize,
    of: std::marker::PhantomData<fn() -> T>,
}

impl<T: Clone + Send> Exchange for Unasked<T> {
    type Output = Vec<Option<T>>;

    fn request(&mut self) -> Request {
        ask::get("/v2/workspaces", &[], "workspaces")
    }

    fn reply(&mut self, _reply: &Reply) -> Result<Step<Self::Output>, Fault> {
        Ok(Step::Done(vec![None; self.places]))
    }
}
