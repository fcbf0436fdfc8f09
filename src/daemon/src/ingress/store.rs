//! The inbox: what a delivery hinted at, on disk until each record has its outcome.

use std::collections::BTreeMap;
use std::sync::Arc;

use handoff_connector::DeliveryId;
use handoff_core::digest::Digest;
use handoff_core::id::{ConnectionId, RecordRef};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::books::{Channel, Outcome, Source};
use crate::due::{Ticket, Waits};
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::memory::{Change, DELIVERY, INBOX};

/// How long a delivery's id is remembered: vendors repeat for a day or three.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(8 * 24);
/// Ids forgotten in one batch.
const BATCH: usize = 10_000;

/// What became of a delivery.
pub(super) enum Stored {
    /// It is on disk and its records are due.
    New,
    /// It was on disk already.
    Duplicate,
    /// There is no room; nothing was stored.
    Full,
}

/// A delivery that was taken, for as long as it may come again.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) at: Timestamp,
    /// Digest of what it told: of the records that it named, because vendors count their repetitions within the body, or of a feed's body.
    pub(crate) told: Digest,
}

/// Puts a delivery on disk, then marks its records due.
pub(super) async fn store(
    engine: &Arc<Engine>,
    connection: &ConnectionId,
    id: &DeliveryId,
    hints: Vec<RecordRef>,
) -> Result<Stored, Fatal> {
    let name = Digest::of_bytes(id.0.as_bytes());
    let told = Digest::of(&hints);
    let key = format!("{DELIVERY}{connection}/{name}");
    let place = usize::from_str_radix(name.0.get(..2).unwrap_or("0"), 16).unwrap_or(0);
    let stripe = engine.ingress.stripes.get(place).or_else(|| engine.ingress.stripes.first());
    let Some(stripe) = stripe else { return Ok(Stored::Full) };
    let _alone = stripe.lock().await;
    if let Some(seen) = engine.memory.get_json::<Seen>(key.clone()).await? {
        let same = seen.told == told;
        engine.ingress.count(connection, if same { "duplicate" } else { "conflicting" });
        if !same {
            tracing::warn!(%connection, "a delivery came again and tells of other records; the first one stands");
        }
        return Ok(Stored::Duplicate);
    }
    let now = engine.clock.now();
    let source = Source { connection: connection.clone(), channel: Channel::Webhook };
    let mut change = Change::default();
    change.put_json(key, &Seen { at: now, told });
    let mut marks = Vec::new();
    for (number, record) in hints.into_iter().enumerate() {
        change.books.received(source.clone(), 1);
        let Some(object) = engine.queue_of(&record).filter(|_| record.connection == *connection) else {
            change.books.settled(source.clone(), Outcome::Ignored);
            continue;
        };
        if !object.due().has_room() {
            return Ok(Stored::Full);
        }
        let row = format!("{INBOX}{connection}/{:020}/{name}/{number:06}", now.as_millisecond().max(0));
        change.put_json(row.clone(), &record);
        marks.push((object, record, row));
    }
    if marks.is_empty() && change.books.is_empty() {
        change.books.received(source.clone(), 1);
        change.books.settled(source.clone(), Outcome::Ignored);
    }
    engine.memory.commit(change).await?;
    engine.reached("inbox_flushed");
    for (object, record, row) in marks {
        let ticket = Ticket { source: source.clone(), inbox: Some(row), waits: Waits::Nobody };
        if object.due().mark(record, now, Some(ticket)).is_err() {
            tracing::error!(%connection, "the due queue is full; the delivery is taken up at the next start");
        }
    }
    Ok(Stored::New)
}

/// Marks what the inbox still holds; at start.
pub(crate) async fn recover(engine: &Arc<Engine>) -> Result<(), Fatal> {
    let now = engine.clock.now();
    for (key, row) in engine.memory.scan(INBOX).await? {
        let Ok(record) = serde_json::from_slice::<RecordRef>(&row) else { continue };
        let source = Source { connection: record.connection.clone(), channel: Channel::Webhook };
        let row = format!("{INBOX}{key}");
        let Some(object) = engine.queue_of(&record) else {
            // No longer governed since the configuration changed.
            let mut change = Change::default();
            change.books.settled(source, Outcome::Ignored);
            change.batch.delete(row);
            engine.memory.commit(change).await?;
            continue;
        };
        let ticket = Ticket { source, inbox: Some(row), waits: Waits::Nobody };
        if object.due().mark(record, now, Some(ticket)).is_err() {
            tracing::error!("the due queue is full; the delivery is taken up at the next start");
        }
    }
    Ok(())
}

/// How many hints of each connection the inbox still holds. Blocks.
pub(crate) fn held(rows: &crate::memory::Rows) -> Result<BTreeMap<Source, u64>, Fatal> {
    let mut held = BTreeMap::new();
    for (_, row) in rows.scan_now(INBOX)? {
        let Ok(record) = serde_json::from_slice::<RecordRef>(&row) else { continue };
        *held.entry(Source { connection: record.connection, channel: Channel::Webhook }).or_default() += 1;
    }
    Ok(held)
}

/// Forgets the ids of deliveries that no vendor repeats any more.
pub(crate) async fn forget_old_deliveries(engine: &Arc<Engine>) -> Result<(), Fatal> {
    let now = engine.clock.now();
    let mut old = Vec::new();
    for (key, row) in engine.memory.scan(DELIVERY).await? {
        let seen = serde_json::from_slice::<Seen>(&row);
        if seen.map_or(true, |seen| now.duration_since(seen.at) > REMEMBERED) {
            old.push(key);
        }
    }
    for keys in old.chunks(BATCH) {
        let mut change = Change::default();
        for key in keys {
            change.batch.delete(format!("{DELIVERY}{key}"));
        }
        engine.memory.commit(change).await?;
    }
    Ok(())
}
