//! One path for every mention of a call: read it, find its handoffs, hear it if it concerns one, append what is new.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::BoxFuture;
use handoff_connector::{Calls, Fault};
use handoff_core::evidence::{Call, CallRef, Withdrawal};
use handoff_core::id::RecordRef;
use handoff_transport::Policy;
use jiff::Timestamp;
use tokio::task::JoinSet;
use tracing::Instrument as _;

use super::hear::News;
use super::known::{Known, What};
use super::{Listener, hear, known, links, mark, retry, score};
use crate::books::{Channel, Outcome, Source};
use crate::due::{Item, Ticket, Waits};
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::link::Link;
use crate::memory::Change;

/// Rest of a call whose connection is denied or down.
const REST: Duration = Duration::from_secs(30);
/// Most calls of one batch; a vendor may take fewer.
const BATCH: usize = 100;

/// Starts one dispatcher per connection with calls.
pub(crate) fn spawn(engine: &Arc<Engine>, tasks: &mut JoinSet<()>) {
    for listener in &engine.listeners {
        let (engine, listener) = (Arc::clone(engine), Arc::clone(listener));
        tasks.spawn(async move { dispatch(&engine, &listener).await });
    }
}

async fn dispatch(engine: &Arc<Engine>, listener: &Arc<Listener>) {
    let Some(link) = engine.links.get(&listener.connection) else { return };
    let Some(calls) = link.purpose.calls() else { return };
    let most = calls.spec().read_batch.clamp(1, BATCH);
    let mut changed = listener.due.watch();
    while !engine.is_stopping() {
        changed.borrow_and_update();
        let items = listener.due.take(engine.clock.now(), most);
        if !items.is_empty() {
            let records: Vec<RecordRef> = items.iter().map(|item| item.record.clone()).collect();
            let span = tracing::info_span!("calls", connection = %listener.connection, calls = records.len());
            let work = Work { engine, listener, link, calls: calls.as_ref() };
            if let Err(fatal) = work.batch(items).instrument(span).await {
                engine.fail(fatal);
            }
            listener.due.release(&records);
            continue;
        }
        let wake = async {
            match listener.due.next() {
                Some(at) => engine.clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = wake => {}
            _ = changed.changed() => {}
            () = engine.stopped() => {}
        }
    }
}

/// What a batch works with.
struct Work<'a> {
    engine: &'a Arc<Engine>,
    listener: &'a Arc<Listener>,
    link: &'a Link,
    calls: &'a dyn Calls,
}

/// A call as the vendor tells it.
struct Told {
    call: Call,
    /// Whether it stood in the look-back window just now.
    listed: bool,
}

/// A call on its way.
struct Matter {
    item: Item,
    /// What is remembered of it from now on; `None` = nothing.
    known: Known,
    forget: bool,
    /// Handoffs that its transcript has to be held against.
    wanted: BTreeSet<String>,
    call: Option<Call>,
    outcome: Outcome,
}

impl Work<'_> {
    /// Boxed because a batch that fails whole is halved.
    fn batch(&self, items: Vec<Item>) -> BoxFuture<'_, Result<(), Fatal>> {
        Box::pin(async move {
            let details = match self.details(&items).await {
                Ok(details) => details,
                Err(fault) => return self.cannot_read(items, &fault).await,
            };
            let mut news = News::default();
            let mut matters = Vec::with_capacity(items.len());
            {
                let _alone = self.engine.evidence.alone.lock().await;
                for (item, told) in items.into_iter().zip(details) {
                    matters.push(self.judge(&mut news, item, told).await?);
                }
            }
            let (matters, put_back) = self.hear(&mut news, matters).await?;
            self.settle(news, matters).await?;
            if let Some((items, fault)) = put_back {
                return self.cannot_read(items, &fault).await;
            }
            Ok(())
        })
    }

    /// The details of each call: what the page just brought, or read now.
    async fn details(&self, items: &[Item]) -> Result<Vec<Option<Told>>, Fault> {
        let mut details: Vec<Option<Told>> = items
            .iter()
            .map(|item| self.listener.take_fresh(item.record.record.as_str()))
            .map(|call| call.map(|call| Told { call, listed: true }))
            .collect();
        let absent: Vec<usize> =
            details.iter().enumerate().filter(|(_, call)| call.is_none()).map(|(at, _)| at).collect();
        let ids: Vec<String> =
            absent.iter().filter_map(|at| items.get(*at)).map(|item| item.record.record.0.clone()).collect();
        if ids.is_empty() {
            return Ok(details);
        }
        let read = match self.link.transport.run(self.calls.read_calls(&ids)).await {
            Ok(read) if read.len() == ids.len() => read,
            outcome => {
                // What the page brought is not lost with what could not be read.
                details.into_iter().flatten().for_each(|told| self.listener.offer(told.call));
                return Err(outcome.err().unwrap_or_else(other_number));
            }
        };
        for ((at, call), id) in absent.into_iter().zip(read).zip(ids) {
            if let Some(place) = details.get_mut(at) {
                *place = call.filter(|call| call.id == id).map(|call| Told { call, listed: false });
            }
        }
        Ok(details)
    }

    /// What is to be done about one call; withdrawals are appended at once.
    async fn judge(&self, news: &mut News, item: Item, told: Option<Told>) -> Result<Matter, Fatal> {
        let id = item.record.record.0.clone();
        let digest = self.listener.digest.clone();
        let known = self.listener.shelf.get(&id).unwrap_or_else(|| Known::of(&id, digest));
        let mut matter = Matter {
            item,
            known,
            forget: false,
            wanted: BTreeSet::new(),
            call: None,
            outcome: Outcome::Ignored,
        };
        let Some(Told { call, listed }) = told else {
            self.absent(news, &mut matter).await?;
            return Ok(matter);
        };
        let now_matters = known::matters(&call, &self.listener.digest);
        let same = matter.known.matters.as_ref() == Some(&now_matters);
        matter.known.mappings.clone_from(&self.listener.digest);
        matter.known.started = Some(call.started);
        matter.known.listed |= listed;
        if !same {
            matter.known.heard.clear();
            matter.known.scored.clear();
            matter.known.missing = None;
        }
        matter.known.matters = Some(now_matters);
        if matter.known.missing.as_ref().is_some_and(|missing| missing.what == What::Details) {
            matter.known.missing = None;
        }
        if call.private {
            matter.known.links.clear();
            matter.known.heard.clear();
            matter.known.scored.clear();
            matter.known.missing = None;
            let withdrawn = self.withdraw(news, &id, Withdrawal::Private, &BTreeSet::new()).await?;
            matter.outcome = if withdrawn { Outcome::Applied } else { Outcome::Ignored };
            return Ok(matter);
        }
        matter.known.links = links::known_links(self.engine, &call);
        let streams = links::streams(self.engine, self.listener, &matter.known.links);
        let withdrawn = self.withdraw(news, &id, Withdrawal::Relinked, &streams).await?;
        let targets = links::targets(self.engine, self.listener, &matter.known.links);
        matter.known.heard.retain(|stream| streams.contains(stream));
        let due = score::due(self.engine, self.listener, &targets, matter.known.started);
        let unheard = !targets.is_subset(&matter.known.heard) || !due.is_subset(&matter.known.scored);
        let waits = matter.known.missing.as_ref().is_some_and(|missing| {
            !matter.item.force && missing.next.is_none_or(|next| next > self.engine.clock.now())
        });
        if unheard && !waits {
            matter.wanted.clone_from(&targets);
            matter.call = Some(call);
        } else if targets.is_empty() {
            matter.known.missing = None;
        } else if let Some(at) = matter.known.missing.as_ref().and_then(|missing| missing.next) {
            // This mention took the place of the one that stood in the queue for then.
            retry::later(self.listener, &id, at);
        }
        matter.outcome = match (withdrawn, targets.is_empty(), waits && unheard) {
            (true, _, _) => Outcome::Applied,
            (false, true, _) => Outcome::Ignored,
            (false, false, true) => Outcome::Parked,
            (false, false, false) => Outcome::NoChange,
        };
        Ok(matter)
    }

    /// A call that the vendor does not show: deleted if it was there once, not there yet otherwise.
    async fn absent(&self, news: &mut News, matter: &mut Matter) -> Result<(), Fatal> {
        let id = matter.known.id.clone();
        let withdrawn = self.withdraw(news, &id, Withdrawal::Deleted, &BTreeSet::new()).await?;
        if matter.known.matters.is_some() || withdrawn {
            matter.forget = true;
            matter.outcome = if withdrawn { Outcome::Applied } else { Outcome::NoChange };
            return Ok(());
        }
        self.missing(matter, What::Details, false);
        Ok(())
    }

    fn missing(&self, matter: &mut Matter, what: What, fresh: bool) {
        let now = self.engine.clock.now();
        let waits = matter.known.missing.as_ref().and_then(|missing| missing.next).filter(|next| *next > now);
        let next = match waits {
            // Mentioned before its time: the schedule stands.
            Some(next) if !fresh => Some(next),
            Some(_) | None => retry::missing(&mut matter.known, what, now, fresh),
        };
        if let Some(at) = next {
            retry::later(self.listener, &matter.known.id, at);
        } else {
            tracing::warn!(connection = %self.listener.connection, ?what, "a call stays unresolved");
        }
        matter.outcome = Outcome::Parked;
    }

    /// Withdraws a call from every handoff that it is no evidence for any more; true = from at least one.
    async fn withdraw(
        &self,
        news: &mut News,
        id: &str,
        because: Withdrawal,
        keep: &BTreeSet<String>,
    ) -> Result<bool, Fatal> {
        let call = CallRef { connection: self.listener.connection.clone(), id: id.to_owned() };
        let mut withdrawn = false;
        for stream in self.engine.evidence.streams_of(&call).difference(keep) {
            withdrawn |= hear::withdraw(self.engine, news, stream, &call, because).await?;
        }
        Ok(withdrawn)
    }

    /// Asks for the transcripts that are wanted and appends what they suggest. What could not be asked for comes back with its fault.
    async fn hear(
        &self,
        news: &mut News,
        mut matters: Vec<Matter>,
    ) -> Result<(Vec<Matter>, Option<(Vec<Item>, Fault)>), Fatal> {
        let wanted: Vec<usize> = matters
            .iter()
            .enumerate()
            .filter(|(_, matter)| matter.call.is_some())
            .map(|(at, _)| at)
            .collect();
        let ids: Vec<String> =
            wanted.iter().filter_map(|at| matters.get(*at)).map(|matter| matter.known.id.clone()).collect();
        if ids.is_empty() {
            return Ok((matters, None));
        }
        let transcripts = match self.link.transport.run(self.calls.transcripts(&ids)).await {
            Ok(transcripts) if transcripts.len() == ids.len() => transcripts,
            outcome => {
                let fault = outcome.err().unwrap_or_else(other_number);
                let (back, kept): (Vec<Matter>, Vec<Matter>) =
                    matters.into_iter().partition(|matter| matter.call.is_some());
                let items = back.into_iter().map(|matter| {
                    // Its details need not be read again.
                    matter.call.into_iter().for_each(|call| self.listener.offer(call));
                    matter.item
                });
                return Ok((kept, Some((items.collect(), fault))));
            }
        };
        let _alone = self.engine.evidence.alone.lock().await;
        let mut found: BTreeMap<usize, _> = wanted.into_iter().zip(transcripts).collect();
        for (at, matter) in matters.iter_mut().enumerate() {
            let (Some(transcript), Some(call)) = (found.remove(&at), matter.call.take()) else { continue };
            let Some(transcript) = transcript.filter(|transcript| transcript.call == call.id) else {
                let fresh = matter.item.force;
                self.missing(matter, What::Transcript, fresh);
                continue;
            };
            matter.known.missing = None;
            for stream in &matter.wanted {
                let is_news =
                    hear::suggested(self.engine, self.listener, news, stream, &call, &transcript).await?;
                if is_news {
                    matter.outcome = Outcome::Applied;
                }
                matter.known.heard.insert(stream.clone());
            }
            // Before it is read, so that an acceptance of this moment is looked at again.
            let due = score::due(self.engine, self.listener, &matter.wanted, matter.known.started);
            let scored =
                score::scored(self.engine, self.listener, news, &matter.wanted, &call, &transcript).await?;
            if scored {
                matter.outcome = Outcome::Applied;
            }
            matter.known.scored.extend(due);
        }
        Ok((matters, None))
    }

    /// Makes it all durable together, gives every mention its outcome, and has the records with news looked at.
    async fn settle(&self, mut news: News, matters: Vec<Matter>) -> Result<(), Fatal> {
        let mut answers = Vec::new();
        let mut kept = Vec::new();
        for matter in matters {
            if matter.outcome == Outcome::Applied {
                self.engine.activity.fetch_add(1, Ordering::SeqCst);
            }
            if matter.forget {
                self.listener.shelf.remove(&mut news.change, &self.listener.connection, &matter.known.id);
            } else {
                kept.push(matter.known.id.clone());
                let journal = &self.engine.journal;
                self.listener.shelf.put(
                    &mut news.change,
                    journal,
                    &self.listener.connection,
                    matter.known,
                )?;
            }
            answers.extend(self.enter(&mut news.change, matter.item.tickets, matter.outcome));
        }
        let journal = Arc::clone(&self.engine.journal);
        crate::memory::blocking(move || Ok(journal.keys_durable()?)).await?;
        news.publish(self.engine).await?;
        self.engine.reached("calls_settled");
        answer(answers);
        self.overtaken(kept).await
    }

    /// Marks those calls again for which a handoff opened while they were worked on: it looked for them before they were remembered.
    async fn overtaken(&self, ids: Vec<String>) -> Result<(), Fatal> {
        let overtaken = ids.into_iter().filter(|id| {
            self.listener.shelf.get(id).is_some_and(|known| {
                let targets = links::targets(self.engine, self.listener, &known.links);
                let due = score::due(self.engine, self.listener, &targets, known.started);
                known.missing.is_none() && !(targets.is_subset(&known.heard) && due.is_subset(&known.scored))
            })
        });
        mark(self.engine, self.listener, overtaken.collect(), Channel::Sweep, false).await
    }

    /// The first mention has the outcome, the others were superseded by it. A retry that nobody mentioned is a look of ours.
    fn enter(&self, change: &mut Change, tickets: Vec<Ticket>, outcome: Outcome) -> Vec<(Waits, Outcome)> {
        if tickets.is_empty() {
            let source = Source { connection: self.listener.connection.clone(), channel: Channel::Sweep };
            change.books.received(source.clone(), 1);
            change.books.settled(source, outcome);
        }
        let mut entered = outcome;
        let mut answers = Vec::with_capacity(tickets.len());
        for ticket in tickets {
            change.books.settled(ticket.source, entered);
            entered = Outcome::Superseded;
            if let Some(row) = ticket.inbox {
                change.batch.delete(row);
            }
            answers.push((ticket.waits, outcome));
        }
        answers
    }

    /// Halves a batch that one call may have spoilt, puts back what may work later, and leaves what will not to the daily look.
    async fn cannot_read(&self, mut items: Vec<Item>, fault: &Fault) -> Result<(), Fatal> {
        let now = self.engine.clock.now();
        let attempt = items.iter().map(|item| item.attempt).max().unwrap_or(0).saturating_add(1);
        let wait = match self.link.transport.policy(fault, attempt) {
            Policy::RetryAfter(wait) => wait,
            Policy::RefreshAndReplay | Policy::ReadAgain => Duration::from_secs(1),
            Policy::OpenCircuit { .. } => REST,
            Policy::Void | Policy::Park | Policy::ParkAndAlert if items.len() > 1 => {
                let rest = items.split_off(items.len() / 2);
                self.batch(items).await?;
                return self.batch(rest).await;
            }
            Policy::Void | Policy::Park | Policy::ParkAndAlert => return self.give_up(items).await,
        };
        tracing::warn!(connection = %self.link.id, calls = items.len(), fault = fault.kind(), ?wait, "cannot read calls; later");
        let at = now.checked_add(wait).unwrap_or(Timestamp::MAX);
        for item in items {
            if self.listener.due.put(Item { attempt, ..item }, at).is_err() {
                tracing::error!(connection = %self.listener.connection, "the queue of calls is full");
            }
        }
        Ok(())
    }

    /// A call that the vendor refuses to tell about waits like one that is not there yet.
    async fn give_up(&self, items: Vec<Item>) -> Result<(), Fatal> {
        let mut matters = Vec::with_capacity(items.len());
        for item in items {
            let id = item.record.record.0.clone();
            let known = self.listener.shelf.get(&id);
            let known = known.unwrap_or_else(|| Known::of(&id, self.listener.digest.clone()));
            let what = if known.matters.is_some() { What::Transcript } else { What::Details };
            let mut matter = Matter {
                item,
                known,
                forget: false,
                wanted: BTreeSet::new(),
                call: None,
                outcome: Outcome::Parked,
            };
            self.missing(&mut matter, what, false);
            matters.push(matter);
        }
        self.settle(News::default(), matters).await
    }
}

fn other_number() -> Fault {
    Fault::Protocol { detail: "the answer names another number of calls than asked for".to_owned() }
}

fn answer(answers: Vec<(Waits, Outcome)>) {
    for (waits, outcome) in answers {
        match waits {
            Waits::Nobody => {}
            // Whoever stopped waiting does not need the answer.
            Waits::Page(page) => drop(page.send(())),
            Waits::Caller(caller) => drop(caller.send(outcome)),
        }
    }
}
