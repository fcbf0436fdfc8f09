//! Finds what changed without being told: passes over the changes of every object, sweeps over open handoffs, and the signed head.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use handoff_connector::{ChangePage, Cursor};
use handoff_core::id::{ConnectionId, RecordRef};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::books::{Channel, Source};
use crate::calls;
use crate::census;
use crate::due::{Due, Ticket, Waits};
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::govern::Governed;
use crate::heartbeat;
use crate::memory::{CURSOR, Change};
use crate::numbers;
use crate::tasks;

/// Between signed heads while there are new entries.
const SIGN_EVERY: Duration = Duration::from_secs(1);
/// Between passes of a connection that is not there.
const DAY: Duration = Duration::from_hours(24);
/// Most passes of one call of [`idle`]: a CRM that never settles ends here.
const PASSES: u32 = 200;

/// Starts the pollers, the sweep, the daily look and the signing of the head.
pub(crate) fn spawn(engine: &Arc<Engine>, tasks: &mut JoinSet<()>, autopilot: bool) {
    let signing = Arc::clone(engine);
    tasks.spawn(async move { run(&signing, sign(&signing)).await });
    if !autopilot {
        return;
    }
    for object in &engine.objects {
        let (engine, object) = (Arc::clone(engine), Arc::clone(object));
        tasks.spawn(async move { run(&engine, poll(&engine, &object)).await });
    }
    for listener in &engine.listeners {
        let (engine, listener) = (Arc::clone(engine), Arc::clone(listener));
        tasks.spawn(async move { run(&engine, calls::poll(&engine, &listener)).await });
    }
    let looking = Arc::clone(engine);
    tasks.spawn(async move { run(&looking, calls::every_day(&looking)).await });
    let sweeping = Arc::clone(engine);
    tasks.spawn(async move { run(&sweeping, sweep(&sweeping)).await });
    let freezing = Arc::clone(engine);
    tasks.spawn(async move { run(&freezing, numbers::keep_frozen(&freezing)).await });
    let daily = Arc::clone(engine);
    tasks.spawn(async move { run(&daily, census::every_day(&daily)).await });
}

/// Runs until it fails or a stop is asked for.
async fn run(engine: &Engine, work: impl Future<Output = Result<(), Fatal>>) {
    tokio::select! {
        outcome = work => {
            if let Err(fatal) = outcome {
                engine.fail(fatal);
            }
        }
        () = engine.stopped() => {}
    }
}

async fn poll(engine: &Arc<Engine>, object: &Arc<Governed>) -> Result<(), Fatal> {
    let every = engine.links.get(&object.connection).map_or(DAY, |link| link.poll_every);
    loop {
        pass_over(engine, object).await?;
        engine.clock.sleep(every).await;
    }
}

async fn sweep(engine: &Arc<Engine>) -> Result<(), Fatal> {
    loop {
        engine.clock.sleep(engine.sweep_every).await;
        engine.sweep().await?;
    }
}

/// Signs the head a moment after it moved, so that one signature covers many entries.
async fn sign(engine: &Arc<Engine>) -> Result<(), Fatal> {
    let mut tail = engine.journal.tail();
    loop {
        tail.borrow_and_update();
        engine.journal.checkpoint(engine.journal.head().saturating_sub(1)).await?;
        if tail.changed().await.is_err() {
            return Ok(());
        }
        engine.clock.sleep(SIGN_EVERY).await;
    }
}

/// One pass over all changes of all objects.
pub(crate) async fn pass(engine: &Arc<Engine>) -> Result<(), Fatal> {
    let passes = engine.objects.iter().map(|object| pass_over(engine, object));
    join_all(passes).await.into_iter().collect::<Result<(), Fatal>>()?;
    let passes = engine.listeners.iter().map(|listener| calls::pass_over(engine, listener));
    join_all(passes).await.into_iter().collect()
}

/// Resolves when a pass found nothing new and nothing is due.
pub(crate) async fn idle(engine: &Arc<Engine>) -> Result<(), Fatal> {
    for _ in 0..PASSES {
        quiet(engine).await;
        let before = engine.activity.load(Ordering::SeqCst);
        pass(engine).await?;
        quiet(engine).await;
        if engine.is_stopping() || engine.activity.load(Ordering::SeqCst) == before {
            return Ok(());
        }
    }
    tracing::warn!("the CRM does not settle");
    Ok(())
}

/// Resolves when nothing is due and nothing is being worked on.
pub(crate) async fn quiet(engine: &Arc<Engine>) {
    let queues = || {
        let objects = engine.objects.iter().map(|object| &object.due);
        objects.chain(engine.listeners.iter().map(|listener| &listener.due))
    };
    loop {
        // Work on one queue may mark what lies in another: all have to be idle at once.
        let before = engine.activity.load(Ordering::SeqCst);
        for due in queues() {
            let mut changed = due.watch();
            loop {
                changed.borrow_and_update();
                if due.is_idle(engine.clock.now()) || engine.is_stopping() {
                    break;
                }
                tokio::select! {
                    _ = changed.changed() => {}
                    () = engine.stopped() => {}
                }
            }
        }
        let same = engine.activity.load(Ordering::SeqCst) == before;
        tasks::quiet(engine).await;
        let same = same && engine.activity.load(Ordering::SeqCst) == before;
        if engine.is_stopping() || (same && queues().all(|due| due.is_idle(engine.clock.now()))) {
            return;
        }
    }
}

/// One pass over the changes of one object. The cursor is stored only after every record of a page has its outcome on disk.
async fn pass_over(engine: &Arc<Engine>, object: &Arc<Governed>) -> Result<(), Fatal> {
    let Some(link) = engine.links.get(&object.connection) else { return Ok(()) };
    let Some(source) = link.purpose.source() else { return Ok(()) };
    let _alone = object.pass.lock().await;
    let key = format!("{CURSOR}{}/{}", object.connection, object.object);
    let mut cursor = engine.memory.get_json(key.clone()).await?.unwrap_or_else(Cursor::beginning);
    loop {
        if engine.is_stopping() {
            return Ok(());
        }
        let page = match link.transport.run(source.changes(&object.plan, &cursor)).await {
            Ok(page) => page,
            Err(fault) => {
                tracing::warn!(connection = %link.id, object = %object.object, %fault, "cannot ask for changes; at the next pass");
                return Ok(());
            }
        };
        let ChangePage { mut changed, next, more } = page;
        let asked = engine.clock.now();
        changed.retain(|changed| !object.is_repeated(changed));
        let records: BTreeSet<RecordRef> = changed.iter().map(|changed| changed.record.clone()).collect();
        let records: Vec<RecordRef> = records.into_iter().collect();
        if !mark_and_wait(engine, object, &records, Channel::Poll).await? {
            return Ok(());
        }
        if !changed.is_empty() {
            object.remember(changed, asked);
            engine.reached("page_applied");
        }
        let moved = next != cursor;
        if moved {
            let mut change = Change::default();
            change.put_json(key.clone(), &next);
            engine.memory.commit(change).await?;
            cursor = next;
        }
        if !more {
            break;
        }
        if !moved {
            tracing::error!(connection = %link.id, object = %object.object, "the vendor repeats a page for ever; the pass ends here");
            break;
        }
    }
    object.polled(engine.clock.now());
    heartbeat::passed(engine).await
}

/// Marks records due and waits until each has its outcome on disk; false = some wait for a later time, or a stop cut it off.
pub(crate) async fn mark_and_wait(
    engine: &Arc<Engine>,
    object: &Arc<Governed>,
    records: &[RecordRef],
    channel: Channel,
) -> Result<bool, Fatal> {
    mark_and_wait_on(engine, &marked(&object.connection, &object.due), records, channel).await
}

/// A queue and the connection whose books it is entered in.
pub(crate) struct Marked<'a> {
    connection: &'a ConnectionId,
    due: &'a Due,
}

pub(crate) fn marked<'a>(connection: &'a ConnectionId, due: &'a Due) -> Marked<'a> {
    Marked { connection, due }
}

/// See [`mark_and_wait`].
pub(crate) async fn mark_and_wait_on(
    engine: &Arc<Engine>,
    object: &Marked<'_>,
    records: &[RecordRef],
    channel: Channel,
) -> Result<bool, Fatal> {
    let now = engine.clock.now();
    // What waits for a later time is in the books already.
    let fresh: Vec<&RecordRef> =
        records.iter().filter(|record| !object.due.is_backing_off(record, now)).collect();
    let complete = fresh.len() == records.len();
    if fresh.is_empty() {
        return Ok(complete);
    }
    let source = Source { connection: object.connection.clone(), channel };
    let mut change = Change::default();
    change.books.received(source.clone(), u64::try_from(fresh.len()).unwrap_or(u64::MAX));
    engine.memory.commit(change).await?;
    let (done, mut outcomes) = mpsc::unbounded_channel();
    let ticket = |record: &RecordRef| {
        let waits = Waits::Page(done.clone());
        (record.clone(), Ticket { source: source.clone(), inbox: None, waits })
    };
    let mut left = object.due.mark_all(fresh.iter().map(|record| ticket(record)), now);
    while !left.is_empty() {
        tokio::select! {
            () = engine.clock.sleep(Duration::from_secs(1)) => {}
            () = engine.stopped() => return Ok(false),
        }
        left = object.due.mark_all(left, now);
    }
    drop(done);
    let mut changed = object.due.watch();
    let mut open = fresh.len();
    while open > 0 {
        changed.borrow_and_update();
        // Answers are sent before a record is released, so an idle queue has nothing left to answer but what waits for a later time.
        let idle = object.due.is_idle(engine.clock.now());
        while open > 0 && outcomes.try_recv().is_ok() {
            open -= 1;
        }
        if open == 0 {
            break;
        }
        if idle {
            return Ok(false);
        }
        tokio::select! {
            outcome = outcomes.recv() => {
                if outcome.is_none() {
                    return Ok(false);
                }
                open -= 1;
            }
            _ = changed.changed() => {}
            () = engine.stopped() => return Ok(false),
        }
    }
    Ok(complete)
}
