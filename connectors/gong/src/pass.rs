//! One pass over the look-back window: every call that began in it, then every call that was linked to another record since the last pass.

use std::collections::BTreeSet;

use handoff_connector::{CallPage, Cursor, Exchange, Fault, Reply, Request, Step};
use handoff_core::evidence::Call;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{self, Unanswered, protocol};
use crate::ask::{self, Which};
use crate::page::{Page, id};
use crate::{Api, call};

/// Our clock and Gong's need not agree.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// How far the feed of re-linked calls is read again.
const OVERLAP: SignedDuration = SignedDuration::from_hours(1);
/// A pass that rested longer begins anew: a cursor lives about an hour from its first page.
const REST: SignedDuration = SignedDuration::from_mins(10);

/// Where reading stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// The running pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    running: Option<Running>,
    /// Links that were made before are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    linked: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Running {
    from: Timestamp,
    to: Timestamp,
    /// When its last page was asked for.
    at: Timestamp,
    stage: Stage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    /// Whether a cursor expired in this pass.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    restarted: bool,
    /// The newest link seen in this pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    newest: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    /// Calls by their start.
    Calls,
    /// Calls that were linked by hand.
    Links,
}

/// Calls of a page of links, being read again.
struct Again {
    ids: Vec<String>,
    page: Option<String>,
    calls: Vec<Call>,
    /// The next page of links.
    next: Option<String>,
}

/// The conversation behind [`handoff_connector::Calls::calls`]: one page of calls, or one page of links with the calls they name.
pub(crate) struct Pass {
    api: Api,
    now: Timestamp,
    linked: Option<Timestamp>,
    running: Running,
    again: Option<Again>,
}

impl Pass {
    /// A cursor that cannot be read, or of a pass that rested too long, begins a new pass.
    pub(crate) fn new(api: Api, cursor: &Cursor, now: Timestamp) -> Self {
        let place: Place = serde_json::from_value(cursor.0.clone()).unwrap_or_default();
        let fresh = |at: Timestamp| (at.duration_since(now)).abs() <= REST;
        let running = place.running.filter(|running| fresh(running.at));
        let running = running.map(|running| Running { at: now, ..running });
        let running = running.unwrap_or_else(|| begin(&api, now));
        Self { api, now, linked: place.linked, running, again: None }
    }

    /// Reads the window once more after a cursor expired; twice in one pass means that it always does.
    fn restart(&mut self) -> Result<Step<CallPage>, Fault> {
        if self.running.restarted || self.running.page.is_none() {
            return Err(Unanswered::CursorExpired.fault());
        }
        let stage = self.running.stage;
        self.running = Running { restarted: true, stage, ..begin(&self.api, self.now) };
        Ok(Step::Continue)
    }

    fn calls(&mut self, page: Page) -> Result<Step<CallPage>, Fault> {
        let calls: Result<Vec<Call>, Fault> = page.rows.iter().map(call::call).collect();
        self.running.stage = if page.cursor.is_some() { Stage::Calls } else { Stage::Links };
        self.running.page = page.cursor;
        let next = Place { running: Some(self.running.clone()), linked: self.linked };
        Ok(Step::Done(CallPage { calls: calls?, next: next.cursor(), more: true }))
    }

    fn links(&mut self, page: &Page) -> Result<Step<CallPage>, Fault> {
        let mut ids = BTreeSet::new();
        for row in &page.rows {
            ids.insert(id(row.get("callId")).ok_or_else(|| protocol("a link without a call"))?);
            let created = call::time(row, "created").filter(|created| *created <= self.now);
            self.running.newest = self.running.newest.max(created);
        }
        let next = page.cursor.clone();
        if ids.is_empty() {
            return Ok(Step::Done(self.linked(Vec::new(), next)));
        }
        let ids = ids.into_iter().collect();
        self.again = Some(Again { ids, page: None, calls: Vec::new(), next });
        Ok(Step::Continue)
    }

    fn again(&mut self, mut again: Again, page: Page) -> Result<Step<CallPage>, Fault> {
        let calls: Result<Vec<Call>, Fault> = page.rows.iter().map(call::call).collect();
        again.calls.extend(calls?);
        again.page = page.cursor;
        if again.page.is_some() {
            self.again = Some(again);
            return Ok(Step::Continue);
        }
        Ok(Step::Done(self.linked(again.calls, again.next)))
    }

    /// A page of links is done; the last one ends the pass.
    fn linked(&mut self, calls: Vec<Call>, next: Option<String>) -> CallPage {
        let more = next.is_some();
        let place = if more {
            self.running.page = next;
            Place { running: Some(self.running.clone()), linked: self.linked }
        } else {
            // no link so far: those of before this pass are known all the same
            let known = self.linked.max(self.running.newest).or(self.running.to.checked_sub(AHEAD).ok());
            Place { running: None, linked: known }
        };
        CallPage { calls, next: place.cursor(), more }
    }

    fn list(&self) -> &'static str {
        match (&self.again, self.running.stage) {
            (Some(_), _) | (None, Stage::Calls) => "calls",
            (None, Stage::Links) => "associations",
        }
    }
}

fn begin(api: &Api, now: Timestamp) -> Running {
    let lookback = SignedDuration::try_from(api.lookback).unwrap_or(SignedDuration::ZERO);
    Running {
        from: now.saturating_sub(lookback).unwrap_or(now),
        to: now.saturating_add(AHEAD).unwrap_or(now),
        at: now,
        stage: Stage::Calls,
        page: None,
        restarted: false,
        newest: None,
    }
}

impl Place {
    fn cursor(&self) -> Cursor {
        // Times and texts only: encoding cannot fail, and `null` would merely begin anew.
        Cursor(serde_json::to_value(self).unwrap_or(Value::Null))
    }
}

impl Exchange for Pass {
    type Output = CallPage;

    fn request(&mut self) -> Request {
        let Running { from, to, stage, page, .. } = &self.running;
        match (&self.again, stage) {
            (Some(again), _) => {
                ask::extensive(&self.api, &Which::Ids(&again.ids), again.page.as_deref(), "read_calls")
            }
            (None, Stage::Calls) => {
                let which = Which::Began { from: *from, to: *to };
                ask::extensive(&self.api, &which, page.as_deref(), "calls")
            }
            (None, Stage::Links) => {
                let known = self.linked.and_then(|at| at.saturating_sub(OVERLAP).ok());
                // also from before the window: links are made while nobody reads
                ask::links(known.unwrap_or(*from), page.as_deref())
            }
        }
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<CallPage>, Fault> {
        let asked = self.again.as_ref().map_or(self.running.page.as_deref(), |again| again.page.as_deref());
        let page = match answer::body(reply) {
            Ok(body) => Page::read(body, self.list(), asked)?,
            Err(Unanswered::Nothing) => Page::empty(),
            Err(Unanswered::CursorExpired) => {
                self.again = None;
                return self.restart();
            }
            // Re-linked calls are still found while they are in the window; the rest of the work does not depend on this scope.
            Err(Unanswered::NotAllowed(_)) if self.again.is_none() && self.running.stage == Stage::Links => {
                let place = Place { running: None, linked: self.linked };
                return Ok(Step::Done(CallPage { calls: Vec::new(), next: place.cursor(), more: false }));
            }
            Err(other) => return Err(other.fault()),
        };
        match (self.again.take(), self.running.stage) {
            (Some(again), _) => self.again(again, page),
            (None, Stage::Calls) => self.calls(page),
            (None, Stage::Links) => self.links(&page),
        }
    }
}
