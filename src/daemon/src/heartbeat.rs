//! When handoffd was last known to work, so that a start can tell how long it was down.

use std::sync::Arc;

use handoff_core::sla::Interval;
use jiff::{SignedDuration, Timestamp};

use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::memory::{ALIVE, Change, OUTAGES, Rows};

/// Outages are forgotten after this time.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Most outages that are remembered.
const MOST: usize = 32;
/// Between heartbeats that are written.
const EVERY: SignedDuration = SignedDuration::from_secs(60);

/// The last heartbeat; `None` = there was none.
pub(crate) async fn last(memory: &Arc<Rows>) -> Result<Option<Timestamp>, Fatal> {
    memory.get_json(ALIVE.to_owned()).await
}

/// When handoffd was down lately, oldest first, with the time up to this start.
pub(crate) async fn outages(memory: &Arc<Rows>, now: Timestamp) -> Result<Vec<Interval>, Fatal> {
    let mut outages: Vec<Interval> = memory.get_json(OUTAGES.to_owned()).await?.unwrap_or_default();
    if let Some(from) = last(memory).await?.filter(|from| *from < now) {
        outages.push(Interval { from, to: now });
    }
    outages.retain(|outage| now.duration_since(outage.to) < REMEMBERED);
    let forgotten = outages.len().saturating_sub(MOST);
    outages.drain(..forgotten);
    Ok(outages)
}

/// A heartbeat to be made durable.
pub(crate) fn beat(at: Timestamp) -> Change {
    let mut change = Change::default();
    change.put_json(ALIVE.to_owned(), &at);
    change
}

/// After a pass that reached the CRM: a heartbeat, if the last one is a minute old.
pub(crate) async fn passed(engine: &Engine) -> Result<(), Fatal> {
    let now = engine.clock.now();
    let known = last(&engine.memory).await?;
    if known.is_none_or(|known| now.duration_since(known) >= EVERY || known > now) {
        engine.memory.commit(beat(now)).await?;
    }
    Ok(())
}

/// The last heartbeat of a stop in good order.
pub(crate) async fn stopped(engine: &Engine) -> Result<(), Fatal> {
    Ok(engine.memory.commit(beat(engine.clock.now())).await?)
}
