//! Finds calls without being told: passes over the look-back window, and a daily look at everything that stands as evidence.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use handoff_connector::{CallPage, Cursor};
use handoff_core::evidence::{Call, CallRef};
use handoff_core::id::RecordRef;
use jiff::{SignedDuration, Timestamp};

use super::{Listener, known, mark};
use crate::books::Channel;
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::memory::{CURSOR, Change};
use crate::poll::{mark_and_wait_on, marked};

/// Between two looks at everything that stands as evidence.
const DAY: Duration = Duration::from_hours(24);
/// How long a call that is evidence for nothing is remembered: deals are won months after their first calls.
const KEPT: SignedDuration = SignedDuration::from_hours(2 * 366 * 24);
/// Calls forgotten in one batch.
const BATCH: usize = 1_000;

impl Listener {
    /// When a pass over the window last ended.
    pub(super) fn polled_at(&self) -> Option<Timestamp> {
        *self.polled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a call is just as it was when it was worked on last, so that nothing can follow from it.
    fn is_settled(&self, call: &Call) -> bool {
        self.shelf.get(&call.id).is_some_and(|known| {
            known.listed
                && known.missing.is_none_or(|missing| missing.what == known::What::Transcript)
                && known.matters.as_ref() == Some(&known::matters(call, &self.digest))
        })
    }
}

/// Polls one connection for ever.
pub(crate) async fn poll(engine: &Arc<Engine>, listener: &Arc<Listener>) -> Result<(), Fatal> {
    let every = engine.links.get(&listener.connection).map_or(DAY, |link| link.poll_every);
    loop {
        pass_over(engine, listener).await?;
        engine.clock.sleep(every).await;
    }
}

/// One pass over the window of one connection. The cursor is stored only after every call of a page has its outcome on disk.
pub(crate) async fn pass_over(engine: &Arc<Engine>, listener: &Arc<Listener>) -> Result<(), Fatal> {
    let Some(link) = engine.links.get(&listener.connection) else { return Ok(()) };
    let Some(calls) = link.purpose.calls() else { return Ok(()) };
    let _alone = listener.pass.lock().await;
    let key = format!("{CURSOR}{}/calls", listener.connection);
    let stored: Option<Cursor> = engine.memory.get_json(key.clone()).await?;
    // Only a pass that saw the whole window can tell what is no longer in it.
    let mut whole = true;
    let mut cursor = stored.unwrap_or_else(Cursor::beginning);
    let mut seen = BTreeSet::new();
    loop {
        if engine.is_stopping() {
            return Ok(());
        }
        let page = match link.transport.run(calls.calls(&cursor, engine.clock.now())).await {
            Ok(page) => page,
            Err(fault) => {
                tracing::warn!(connection = %link.id, %fault, "cannot ask for calls; at the next pass");
                return Ok(());
            }
        };
        let CallPage { calls, next, more } = page;
        seen.extend(calls.iter().map(|call| call.id.clone()));
        if !work_on(engine, listener, calls).await? {
            return Ok(());
        }
        engine.reached("calls_page");
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
            tracing::error!(connection = %link.id, "the vendor repeats a page for ever; the pass ends here");
            whole = false;
            break;
        }
    }
    if whole {
        unlisted(engine, listener, &seen).await?;
    }
    *listener.polled.lock().unwrap_or_else(PoisonError::into_inner) = Some(engine.clock.now());
    Ok(())
}

/// Works on those calls of a page that say something new; false = some wait for a later time, or a stop cut it off.
async fn work_on(engine: &Arc<Engine>, listener: &Arc<Listener>, calls: Vec<Call>) -> Result<bool, Fatal> {
    let mut records: Vec<RecordRef> = Vec::new();
    for call in calls {
        if !listener.is_settled(&call) {
            records.push(listener.record(&call.id));
            listener.offer(call);
        }
    }
    records.sort();
    records.dedup();
    mark_and_wait_on(engine, &marked(&listener.connection, &listener.due), &records, Channel::Poll).await
}

/// Calls that stood in the window and do not any more are read once: they left it by age, or they are gone.
async fn unlisted(
    engine: &Arc<Engine>,
    listener: &Arc<Listener>,
    seen: &BTreeSet<String>,
) -> Result<(), Fatal> {
    let gone = listener.shelf.list(|known| known.listed && !seen.contains(&known.id));
    if gone.is_empty() {
        return Ok(());
    }
    let ids: BTreeSet<String> = gone.iter().map(|known| known.id.clone()).collect();
    let records: Vec<RecordRef> = ids.iter().map(|id| listener.record(id)).collect();
    let read =
        mark_and_wait_on(engine, &marked(&listener.connection, &listener.due), &records, Channel::Sweep)
            .await?;
    if !read {
        return Ok(());
    }
    let mut change = Change::default();
    for id in ids {
        if let Some(known) = listener.shelf.get(&id) {
            let known = known::Known { listed: false, ..known };
            listener.shelf.put(&mut change, &engine.journal, &listener.connection, known)?;
        }
    }
    Ok(engine.memory.commit(change).await?)
}

/// Reads every call that stands as evidence once a day: it may have been deleted, made private or linked elsewhere long after it left the
/// window. Forgets calls that are too old to matter.
pub(crate) async fn every_day(engine: &Arc<Engine>) -> Result<(), Fatal> {
    loop {
        engine.clock.sleep(DAY).await;
        look_at_all(engine).await?;
    }
}

/// See [`every_day`].
pub(crate) async fn look_at_all(engine: &Arc<Engine>) -> Result<(), Fatal> {
    let now = engine.clock.now();
    let evidence: BTreeSet<CallRef> = engine.evidence.calls();
    for listener in &engine.listeners {
        let own = evidence.iter().filter(|call| call.connection == listener.connection);
        let ids: BTreeSet<String> = own.map(|call| call.id.clone()).collect();
        let old = listener.shelf.list(|known| {
            let age = known.started.or(known.missing.as_ref().map(|missing| missing.since));
            !ids.contains(&known.id) && age.is_none_or(|age| now.duration_since(age) > KEPT)
        });
        for some in old.chunks(BATCH) {
            let mut change = Change::default();
            for known in some {
                listener.shelf.remove(&mut change, &listener.connection, &known.id);
            }
            engine.memory.commit(change).await?;
        }
        mark(engine, listener, ids, Channel::Sweep, false).await?;
    }
    Ok(())
}
