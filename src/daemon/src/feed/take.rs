//! Takes a proven delivery: every row fits or none is taken; new and changed rows are in the log before anything is acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::join_all;
use handoff_connector::Rejected;
use handoff_core::digest::Digest;
use handoff_core::feed::FeedRow;
use handoff_core::id::ConnectionId;
use handoff_core::journal::LogEntry;
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::parse::{self, Format, NotRows};
use super::{Feed, MOST_PER_KEY, facts, put, stored};
use crate::books::{Channel, Outcome, Source};
use crate::due::{Ticket, Waits};
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::ingress::Seen;
use crate::journal::Refused;
use crate::memory::{Change, DELIVERY, blocking};

/// Bytes of rows in one log entry; a sealed part takes 256 KiB at most.
const PER_ENTRY: usize = 128 * 1024;
/// Entries that share a flush of the log: a delivery may be about thousands of keys.
const TOGETHER: usize = 256;
/// Faulty rows that are told of.
const TOLD: usize = 20;

/// What became of a delivery's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Taken {
    /// Rows in the delivery.
    pub rows: u64,
    /// Rows that were not there or were otherwise before.
    pub taken: u64,
    /// Rows that were there already, or that a later row of the delivery replaces.
    pub known: u64,
    /// Rows about what was erased: they are not kept.
    pub erased: u64,
}

impl Taken {
    /// Both together.
    pub(crate) fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.taken += other.taken;
        self.known += other.known;
        self.erased += other.erased;
    }
}

/// Why a delivery is not taken.
#[derive(Debug, Error)]
pub(crate) enum NotTaken {
    #[error("the feed has no room for more deliveries now")]
    Busy,
    #[error("the delivery proves nothing")]
    Unproven(Rejected),
    #[error("the body cannot be read")]
    Body((StatusCode, &'static str)),
    #[error("the content type is neither application/json nor text/csv")]
    ContentType,
    #[error(transparent)]
    NotRows(#[from] NotRows),
    #[error("{count} of the rows do not fit the feed's schema, so none was taken: {told}")]
    Faulty { count: usize, told: String },
    #[error("a key would have more than {MOST_PER_KEY} rows")]
    TooMany,
    #[error("another delivery came under this id")]
    Conflicting,
    #[error("the store failed")]
    Fatal,
}

impl NotTaken {
    /// Under which it is counted.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Busy | Self::Fatal => "busy",
            Self::Unproven(Rejected::OutsideTolerance) => "outside_tolerance",
            Self::Unproven(Rejected::Unauthenticated | Rejected::Malformed) => "unauthenticated",
            Self::Body((_, why)) => why,
            Self::ContentType | Self::NotRows(_) | Self::Faulty { .. } => "malformed",
            Self::TooMany => "too_large",
            Self::Conflicting => "conflicting",
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Busy | Self::Fatal => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unproven(_) => StatusCode::UNAUTHORIZED,
            Self::Body((status, _)) => *status,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotRows(_) | Self::Faulty { .. } => StatusCode::BAD_REQUEST,
            Self::TooMany => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Conflicting => StatusCode::CONFLICT,
        }
    }

    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Self::Busy | Self::Fatal => "send it again later",
            Self::Unproven(_) => "sign it with the feed's secret, just before it is sent",
            Self::Body(_) => "send it in parts, without a content encoding",
            Self::ContentType => "send a JSON list of flat objects, or CSV with a header line",
            Self::NotRows(_) | Self::Faulty { .. } => {
                "mend the rows, or the feed's columns in the configuration"
            }
            Self::TooMany => "send fewer rows per key, e.g. sums per day",
            Self::Conflicting => "give every delivery an id of its own; the first one stands",
        }
    }
}

/// Rows by key, without those that a later row replaces; and how many there were.
struct Sorted {
    by_key: BTreeMap<String, BTreeMap<Digest, FeedRow>>,
    rows: usize,
}

fn sorted(engine: &Engine, feed: &Feed, format: Format, body: &[u8]) -> Result<Sorted, NotTaken> {
    let raw = parse::rows(format, body, parse::MOST_ROWS)?;
    let mut sorted = Sorted { by_key: BTreeMap::new(), rows: raw.len() };
    let (mut count, mut told) = (0_usize, Vec::new());
    for (number, raw) in raw.iter().enumerate() {
        let row = feed.schema.row(raw).map_err(|faults| {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            faults.join(", ")
        });
        match row.and_then(|(key, row)| facts::check(engine, feed, &key, &row).map(|()| (key, row))) {
            Ok((key, row)) => {
                sorted.by_key.entry(key).or_default().insert(row.id.clone(), row);
            }
            Err(faults) => {
                count += 1;
                if told.len() < TOLD {
                    told.push(format!("row {}: {faults}", number + 1));
                }
            }
        }
    }
    if count > 0 {
        return Err(NotTaken::Faulty { count, told: told.join("; ") });
    }
    Ok(sorted)
}

/// Takes a delivery that is proven.
pub(super) async fn take(
    engine: &Arc<Engine>,
    feed: &Feed,
    id: &str,
    format: Format,
    body: &[u8],
) -> Result<Taken, NotTaken> {
    let sorted = sorted(engine, feed, format, body)?;
    let told = Digest::of_bytes(body);
    let _alone = feed.alone.lock().await;
    taken(engine, feed, id, &told, sorted).await.unwrap_or_else(|fatal| {
        engine.fail(fatal);
        Err(NotTaken::Fatal)
    })
}

async fn taken(
    engine: &Arc<Engine>,
    feed: &Feed,
    id: &str,
    told: &Digest,
    sorted: Sorted,
) -> Result<Result<Taken, NotTaken>, Fatal> {
    let connection = ConnectionId(format!("{}:{}", handoff_core::feed::CONNECTION, feed.name));
    let seen_at = format!("{DELIVERY}{connection}/{}", Digest::of_bytes(id.as_bytes()));
    let rows = u64::try_from(sorted.rows).unwrap_or(u64::MAX);
    if let Some(seen) = engine.memory.get_json::<Seen>(seen_at.clone()).await? {
        if seen.told != *told {
            tracing::warn!(feed = feed.name, "a delivery came again with other rows; the first one stands");
            return Ok(Err(NotTaken::Conflicting));
        }
        engine.ingress.count(&connection, "duplicate");
        return Ok(Ok(Taken { rows, known: rows, ..Taken::default() }));
    }
    let now = engine.clock.now();
    let (looked, name) = (Arc::clone(engine), feed.name.clone());
    let fresh = blocking(move || fresh(&looked, &name, sorted)).await?;
    let Some(fresh) = fresh else { return Ok(Err(NotTaken::TooMany)) };
    let mut change = Change::default();
    change.put_json(seen_at, &Seen { at: now, told: told.clone() });
    let mut taken = Taken { rows, ..Taken::default() };
    let mut touched = BTreeSet::new();
    // What rows tell of accounts comes first: rows that stand in the log are known, and are not read again.
    for wave in facts::entries(engine, feed, &fresh, now).chunks(TOGETHER) {
        for appended in join_all(wave.iter().map(|entry| append(engine, entry))).await {
            change.reflected.extend(appended?);
        }
    }
    let entries = fresh.iter().flat_map(|(key, rows)| parts(rows).into_iter().map(move |part| (key, part)));
    let entries: Vec<(&String, &[FeedRow])> = entries.collect();
    for wave in entries.chunks(TOGETHER) {
        let appends = wave.iter().map(|(key, part)| {
            let (feed, key, rows) = (feed.name.clone(), (*key).clone(), part.to_vec());
            let entry = LogEntry::FeedTaken { feed, key, rows, at: now };
            async move { append(engine, &entry).await }
        });
        for ((key, part), appended) in wave.iter().zip(join_all(appends).await) {
            let count = u64::try_from(part.len()).unwrap_or(u64::MAX);
            match appended? {
                Some(position) => {
                    change.reflected.push(position);
                    put(&engine.journal, (&feed.name, key), part, now, &mut change);
                    taken.taken += count;
                    touched.insert((*key).clone());
                }
                None => taken.erased += count,
            }
        }
    }
    taken.known = taken.rows.saturating_sub(taken.taken).saturating_sub(taken.erased);
    let source = Source { connection, channel: Channel::Webhook };
    change.books.received(source.clone(), taken.rows);
    for (outcome, count) in
        [(Outcome::Applied, taken.taken), (Outcome::NoChange, taken.known), (Outcome::Ignored, taken.erased)]
    {
        change.books.settled_many(source.clone(), outcome, count);
    }
    engine.reached("feed_logged");
    engine.memory.commit(change).await?;
    mark(engine, feed, &touched).await?;
    Ok(Ok(taken))
}

/// Rows by key.
type Fresh = Vec<(String, Vec<FeedRow>)>;

/// Rows that are not there or are otherwise; `None` = a key would have too many. Blocks.
fn fresh(engine: &Engine, feed: &str, sorted: Sorted) -> Result<Option<Fresh>, Fatal> {
    let mut fresh = Vec::new();
    for (key, rows) in sorted.by_key {
        let known = stored(&engine.memory, &engine.journal, feed, &key)?;
        let before = known.len();
        let rows: Vec<FeedRow> = rows
            .into_values()
            .filter(|row| known.get(&row.id.0).map(|(known, _)| known) != Some(row))
            .collect();
        let added = rows.iter().filter(|row| !known.contains_key(&row.id.0)).count();
        if before.saturating_add(added) > MOST_PER_KEY {
            return Ok(None);
        }
        fresh.push((key, rows));
    }
    Ok(Some(fresh))
}

/// Rows in pieces that fit into a log entry.
fn parts(rows: &[FeedRow]) -> Vec<&[FeedRow]> {
    let (mut parts, mut from, mut size) = (Vec::new(), 0, 0);
    for (at, row) in rows.iter().enumerate() {
        let row = serde_json::to_vec(row).map_or(0, |row| row.len());
        if size > 0 && size + row > PER_ENTRY {
            parts.extend(rows.get(from..at));
            (from, size) = (at, 0);
        }
        size += row;
    }
    parts.extend(rows.get(from..).filter(|rest| !rest.is_empty()));
    parts
}

/// Where the entry stands in the log; `None` = what it is about was erased.
async fn append(engine: &Engine, entry: &LogEntry) -> Result<Option<u64>, Fatal> {
    let appended = match engine.journal.seal(entry, 0) {
        Ok(sealed) => engine.journal.append(sealed).await,
        Err(refused) => Err(refused),
    };
    match appended {
        Ok(position) => Ok(Some(position)),
        Err(Refused::Erased) => Ok(None),
        Err(Refused::Fatal(fatal)) => Err(fatal),
        Err(refused @ (Refused::Conflict | Refused::TooLarge(_))) => {
            Err(Fatal::Unreadable { position: 0, detail: format!("a feed's entry was refused: {refused}") })
        }
    }
}

/// Records that look at these keys are looked at again.
async fn mark(engine: &Arc<Engine>, feed: &Feed, keys: &BTreeSet<String>) -> Result<(), Fatal> {
    let now = engine.clock.now();
    for record in engine.feeds.lookers(&feed.name, keys) {
        let Some(object) = engine.object_of(&record) else { continue };
        let source = Source { connection: record.connection.clone(), channel: Channel::Feed };
        let mut change = Change::default();
        change.books.received(source.clone(), 1);
        engine.memory.commit(change).await?;
        let ticket = Ticket { source, inbox: None, waits: Waits::Nobody };
        if object.due.mark(record, now, Some(ticket)).is_err() {
            tracing::error!(object = %object.object, "the due queue is full; the sweep will find the record");
        }
    }
    Ok(())
}
