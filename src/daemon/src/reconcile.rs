//! The loop: read what is due, decide, log, then let the CRM match. One path for webhooks, polls, sweeps, timers and commands (L7).

mod conclude;
mod judge;
mod patient;
mod plan_only;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use handoff_connector::Fault;
use handoff_core::beside::users_named;
use handoff_core::extract::{Existence, RawRecord};
use handoff_core::id::{RecordId, RecordRef};
use handoff_transport::Policy;
use jiff::Timestamp;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tracing::Instrument as _;

use crate::books::{Channel, Outcome, Source};
use crate::due::{Item, Ticket, Waits};
use crate::engine::Engine;
use crate::execute;
use crate::fatal::Fatal;
use crate::govern::Governed;
use crate::journal::Refused;
use crate::link::Link;
use crate::memory::{Change, blocking};
use crate::parked::Parked;
use crate::{calls, directory};
use judge::{Case, Judged, Step};
pub use plan_only::RecordPlan;
pub(crate) use plan_only::plan_record;

/// Batches of one object in progress at once.
const ABREAST: usize = 4;
/// Rest of a record whose connection is denied or down.
const REST: Duration = Duration::from_secs(30);
/// How often an answer that nobody understands is asked for before its record is parked.
const TRIES: u32 = 3;

/// Starts one dispatcher per object.
pub(crate) fn spawn(engine: &Arc<Engine>, tasks: &mut JoinSet<()>) {
    for object in &engine.objects {
        let (engine, object) = (Arc::clone(engine), Arc::clone(object));
        tasks.spawn(async move { dispatch(&engine, &object).await });
    }
}

/// Reads and decides one record now.
pub(crate) async fn now(engine: &Arc<Engine>, record: &RecordRef) -> Result<Outcome, Fatal> {
    let Some(object) = engine.object_of(record) else { return Ok(Outcome::Ignored) };
    let source = Source { connection: record.connection.clone(), channel: Channel::Command };
    let mut change = Change::default();
    change.books.received(source.clone(), 1);
    engine.memory.commit(change).await?;
    let (answer, outcome) = oneshot::channel();
    let ticket = Ticket { source, inbox: None, waits: Waits::Caller(answer) };
    let item = Item { record: record.clone(), tickets: vec![ticket], attempt: 0, force: true };
    if object.due.put(item, engine.clock.now()).is_err() {
        return Err(Fatal::Worker { what: "a due queue that is full" });
    }
    tokio::select! {
        outcome = outcome => outcome.map_err(|_gone| Fatal::Worker { what: "a reconciliation" }),
        () = engine.stopped() => Err(Fatal::Worker { what: "a reconciliation that the stop cut off" }),
    }
}

async fn dispatch(engine: &Arc<Engine>, object: &Arc<Governed>) {
    let Some(link) = engine.links.get(&object.connection) else { return };
    let most = link.purpose.connector().spec().read_batch.max(1);
    let abreast = Arc::new(Semaphore::new(ABREAST));
    let mut batches: JoinSet<()> = JoinSet::new();
    let mut changed = object.due.watch();
    while !engine.is_stopping() {
        changed.borrow_and_update();
        while let Some(ended) = batches.try_join_next() {
            notice(engine, &ended);
        }
        let Ok(permit) = Arc::clone(&abreast).acquire_owned().await else { break };
        let items = object.due.take(engine.clock.now(), most);
        if !items.is_empty() && !engine.is_stopping() {
            let (engine, object) = (Arc::clone(engine), Arc::clone(object));
            batches.spawn(async move {
                work(&engine, &object, items).await;
                drop(permit);
            });
            continue;
        }
        drop(permit);
        let wake = async {
            match object.due.next() {
                Some(at) => engine.clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = wake => {}
            _ = changed.changed() => {}
            () = engine.stopped() => {}
            Some(ended) = batches.join_next() => notice(engine, &ended),
        }
    }
    while batches.join_next().await.is_some() {}
}

/// A batch that ended by itself left its records marked as being worked on: nothing can go on.
fn notice(engine: &Engine, ended: &Result<(), tokio::task::JoinError>) {
    if ended.is_err() {
        engine.fail(Fatal::Worker { what: "a reconciliation" });
    }
}

async fn work(engine: &Arc<Engine>, object: &Arc<Governed>, items: Vec<Item>) {
    let records: Vec<RecordRef> = items.iter().map(|item| item.record.clone()).collect();
    let span = tracing::info_span!("batch", connection = %object.connection, object = %object.object, records = records.len());
    if let Err(fatal) = batch(engine, object, items).instrument(span).await {
        engine.fail(fatal);
    }
    object.due.release(&records);
}

/// One batch through the whole walk. Boxed because a batch that fails whole is halved.
fn batch<'a>(
    engine: &'a Arc<Engine>,
    object: &'a Arc<Governed>,
    items: Vec<Item>,
) -> BoxFuture<'a, Result<(), Fatal>> {
    Box::pin(async move {
        let Some(link) = engine.links.get(&object.connection) else { return Ok(()) };
        let raws = match read(engine, link, object, &items).await {
            Ok(raws) => raws,
            Err(fault) => return cannot_read(engine, link, object, items, fault).await,
        };
        let judged = judge(engine, object, items, raws).await?;
        let judged = append(engine, judged).await?;
        let (judged, mut change, mut jobs) = conclude(engine, object, judged).await?;
        execute::execute(engine, link, object, &mut jobs, &mut change).await?;
        settle(engine, object, judged, jobs, change).await
    })
}

async fn read(
    engine: &Engine,
    link: &Link,
    object: &Governed,
    items: &[Item],
) -> Result<Vec<Option<RawRecord>>, Fault> {
    let records: Vec<RecordRef> = items.iter().map(|item| item.record.clone()).collect();
    let source = link.purpose.source().ok_or_else(|| Fault::Protocol {
        detail: "records are asked for where there is no CRM".to_owned(),
    })?;
    let asked = source.read(&object.plan, &records);
    let asked = if items.iter().all(patient::can_wait) { patient::patiently(asked) } else { asked };
    let raws = link.transport.run(asked).await?;
    if raws.len() != records.len() {
        return Err(Fault::Protocol {
            detail: "the answer names another number of records than asked for".to_owned(),
        });
    }
    let mappings = || object.rules.iter().map(|rule| &rule.mapping);
    let users: BTreeSet<String> =
        raws.iter().flatten().flat_map(|raw| directory::named(raw, mappings())).collect();
    let beside = raws.iter().flatten().flat_map(|raw| {
        object.rules.iter().flat_map(|rule| users_named(&rule.mapping, &rule.current.contract, raw))
    });
    let users = users.into_iter().chain(beside).collect();
    let answers = directory::answers(raws.iter().flatten(), &mappings().collect::<Vec<_>>());
    link.directory.meet(source.as_ref(), &link.transport, users, &answers, engine.clock.now()).await?;
    if engine.tasks.is_on(&link.id) {
        link.directory.meet_posts(source.as_ref(), &link.transport, engine.clock.now()).await;
    }
    Ok(raws)
}

/// Halves a batch that one record may have spoilt, puts back what may work later, parks what will not.
async fn cannot_read(
    engine: &Arc<Engine>,
    link: &Link,
    object: &Arc<Governed>,
    mut items: Vec<Item>,
    fault: Fault,
) -> Result<(), Fatal> {
    let now = engine.clock.now();
    let attempt = items.iter().map(|item| item.attempt).max().unwrap_or(0).saturating_add(1);
    let wait = match link.transport.policy(&fault, attempt) {
        Policy::RetryAfter(wait) => wait,
        Policy::RefreshAndReplay | Policy::ReadAgain => Duration::from_secs(1),
        Policy::OpenCircuit { .. } => REST,
        Policy::Void | Policy::Park | Policy::ParkAndAlert if items.len() > 1 => {
            let rest = items.split_off(items.len() / 2);
            batch(engine, object, items).await?;
            return batch(engine, object, rest).await;
        }
        Policy::ParkAndAlert if attempt < TRIES => Duration::from_secs(5),
        Policy::Void | Policy::Park | Policy::ParkAndAlert => return park(engine, items, &fault, now).await,
    };
    tracing::warn!(connection = %link.id, records = items.len(), fault = fault.kind(), ?wait, "cannot read; later");
    let at = now.checked_add(wait).unwrap_or(Timestamp::MAX);
    for item in items {
        put_back(object, Item { attempt, ..item }, at);
    }
    Ok(())
}

async fn park(engine: &Engine, items: Vec<Item>, fault: &Fault, now: Timestamp) -> Result<(), Fatal> {
    let mut change = Change::default();
    let mut answers = Vec::new();
    for item in items {
        engine.parked.park(&mut change, parked(&item.record, fault.kind(), fault.to_string(), now));
        answers.extend(enter(&mut change, item.tickets, Outcome::Parked));
    }
    engine.memory.commit(change).await?;
    answer(answers);
    Ok(())
}

fn parked(record: &RecordRef, kind: &str, why: String, since: Timestamp) -> Parked {
    Parked {
        record: record.clone(),
        mapping: None,
        kind: kind.to_owned(),
        why,
        since,
        tries: 1,
        version: None,
        writes: None,
    }
}

fn put_back(object: &Governed, item: Item, at: Timestamp) {
    if object.due.put(item, at).is_err() {
        // Cannot be: the record was taken from this very queue. Its handoff is found again by the sweep.
        tracing::error!(object = %object.object, "the due queue is full");
    }
}

async fn judge(
    engine: &Arc<Engine>,
    object: &Arc<Governed>,
    items: Vec<Item>,
    raws: Vec<Option<RawRecord>>,
) -> Result<Vec<Judged>, Fatal> {
    let (engine, object) = (Arc::clone(engine), Arc::clone(object));
    blocking(move || {
        items.into_iter().zip(raws).map(|(item, raw)| judge::judge(&engine, &object, item, raw)).collect()
    })
    .await
}

/// Appends all decisions of the batch; they share flushes. After this the entries are durable.
async fn append(engine: &Engine, mut judged: Vec<Judged>) -> Result<Vec<Judged>, Fatal> {
    let mut appends = Vec::new();
    for (at, one) in judged.iter_mut().enumerate() {
        for (number, case) in one.cases.iter_mut().enumerate() {
            if let Step::Decided { sealed, .. } = &mut case.step
                && let Some(sealed) = sealed.take()
            {
                let append = engine.journal.append(sealed);
                appends.push(async move { (at, number, append.await) });
            }
        }
    }
    if appends.is_empty() {
        return Ok(judged);
    }
    for (at, number, outcome) in join_all(appends).await {
        let Some(one) = judged.get_mut(at) else { continue };
        match outcome {
            Ok(logged) => {
                if let Some(Case { step: Step::Decided { position, .. }, .. }) = one.cases.get_mut(number) {
                    *position = Some(logged);
                }
            }
            Err(Refused::Conflict) => one.conflict = true,
            Err(Refused::Fatal(fatal)) => return Err(fatal),
            Err(refused @ (Refused::Erased | Refused::TooLarge(_))) => {
                one.problem = Some(judge::problem(&refused));
            }
        }
    }
    engine.reached("appended");
    Ok(judged)
}

async fn conclude(
    engine: &Arc<Engine>,
    object: &Arc<Governed>,
    judged: Vec<Judged>,
) -> Result<(Vec<Judged>, Change, Vec<execute::Job>), Fatal> {
    let (engine, object) = (Arc::clone(engine), Arc::clone(object));
    blocking(move || {
        let mut judged = judged;
        let mut change = Change::default();
        let mut jobs = Vec::new();
        for (at, one) in judged.iter_mut().enumerate() {
            conclude::conclude(&engine, &object, at, one, &mut change, &mut jobs)?;
        }
        // Keys that seal snapshots only are made durable with the rows that need them.
        engine.journal.keys_durable()?;
        Ok((judged, change, jobs))
    })
    .await
}

/// Gives every mention its outcome, schedules what comes later, and makes it all durable together.
async fn settle(
    engine: &Arc<Engine>,
    object: &Arc<Governed>,
    judged: Vec<Judged>,
    jobs: Vec<execute::Job>,
    mut change: Change,
) -> Result<(), Fatal> {
    let now = engine.clock.now();
    let mut again: Vec<(RecordRef, Timestamp, u32)> = Vec::new();
    let mut refused: BTreeSet<usize> = BTreeSet::new();
    let mut written: BTreeSet<usize> = BTreeSet::new();
    for job in jobs {
        if let Some(at) = job.again {
            // The echo is written elsewhere, but by what this record says.
            again.push((job.saved.state.id.subject.clone(), at, job.attempt.saturating_add(1)));
        }
        if job.written {
            written.insert(job.of);
        }
        if let Some(parked) = job.parked {
            refused.insert(job.of);
            engine.parked.park(&mut change, parked);
        } else if job.still_parked {
            refused.insert(job.of);
        }
    }
    let mut answers = Vec::new();
    let mut recalls = Vec::new();
    let mut reasks = Vec::new();
    let mut onlookers: BTreeSet<RecordRef> = BTreeSet::new();
    for (at, mut one) in judged.into_iter().enumerate() {
        onlookers.append(&mut one.onlookers);
        reasks.append(&mut one.reasks);
        if let Some(accounts) = &one.recall {
            recalls.push((one.item.record.clone(), accounts.clone()));
        }
        if one.conflict {
            put_back(object, one.item, now);
            continue;
        }
        let outcome = if let Some((kind, why)) = &one.problem {
            engine.parked.park(&mut change, parked(&one.item.record, kind, why.clone(), now));
            Outcome::Parked
        } else if refused.contains(&at) {
            Outcome::Parked
        } else {
            engine.parked.clear(&mut change, &one.item.record);
            one.outcome()
        };
        if written.contains(&at) || outcome == Outcome::Applied {
            engine.activity.fetch_add(1, Ordering::SeqCst);
        }
        if let Some(Existence::Merged { into }) = one.raw.as_ref().map(|raw| &raw.existence) {
            let survivor = RecordRef { record: RecordId(into.clone()), ..one.item.record.clone() };
            again.push((survivor, now, 0));
        }
        if let Some(at) = one.look_again_at {
            again.push((one.item.record.clone(), at, 0));
        }
        answers.extend(enter(&mut change, one.item.tickets, outcome));
    }
    engine.memory.commit(change).await?;
    calls::take(engine, reasks).await?;
    for (record, accounts) in recalls {
        calls::reconsider(engine, &record, &accounts).await?;
    }
    answer(answers);
    for record in onlookers {
        // Also where a fault makes it wait: what was decided here may shut a gate there.
        if let Some(object) = engine.object_of(&record) {
            put_back(object, Item { record, tickets: Vec::new(), attempt: 0, force: false }, now);
        }
    }
    for (record, at, attempt) in again {
        put_back(object, Item { record, tickets: Vec::new(), attempt, force: false }, at);
    }
    Ok(())
}

/// Enters the outcome of every mention: the first had it, the others were superseded by it.
fn enter(change: &mut Change, tickets: Vec<Ticket>, outcome: Outcome) -> Vec<(Waits, Outcome)> {
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
