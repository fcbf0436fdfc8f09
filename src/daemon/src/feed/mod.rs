//! Feeds: signed data from outside the CRM, e.g. product telemetry. A delivery is taken whole or not at all; its rows are logged before they are
//! acknowledged, and handoffs whose record has the rows' key are looked at again.

mod facts;
mod parse;
pub(crate) mod signature;
mod take;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use handoff_core::extract::RawRecord;
use handoff_core::feed::{self, FeedRow, FeedSchema};
use handoff_core::id::{ConnectionId, RecordRef};
use handoff_core::journal::LogEntry;
use handoff_core::mapping::Mapping;
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::api::model::Problem;
use crate::config::{About, Config};
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::ingress;
use crate::journal::Journal;
use crate::memory::{Change, FEED, Rows};
use crate::secret::{self, SecretError};
pub(crate) use parse::{Format, rows};
use take::NotTaken;
pub use take::Taken;
use thiserror::Error;

/// Most rows of one key: at least ten years of a daily figure for several features.
pub(crate) const MOST_PER_KEY: usize = 20_000;

/// Rows that a command sends at once.
pub(crate) const PARTS_OF: usize = 1_000;

/// A feed that cannot be set up.
#[derive(Debug, Error)]
pub enum FeedError {
    /// Its secret cannot be read.
    #[error("a secret of feed {feed} cannot be read")]
    Secret {
        /// The feed.
        feed: String,
        /// Why.
        source: SecretError,
    },
    /// Its secret is no signing key.
    #[error("a secret of feed {feed} is no signing key: it is `whsec_` and base64 of 24 to 64 bytes")]
    Key {
        /// The feed.
        feed: String,
    },
}

/// One feed, ready to be taken.
pub(crate) struct Feed {
    pub(crate) name: String,
    pub(crate) schema: FeedSchema,
    about: Option<About>,
    keys: Vec<Zeroizing<Vec<u8>>>,
    /// One delivery at a time: what a row replaces is read before it is written.
    alone: tokio::sync::Mutex<()>,
}

/// All feeds, and which records look at which keys.
#[derive(Default)]
pub(crate) struct Feeds {
    by_name: BTreeMap<String, Feed>,
    /// Feed and key → records that were read with it. Not durable: every open record is read at the start.
    lookers: Mutex<BTreeMap<(String, String), BTreeSet<RecordRef>>>,
}

impl Feeds {
    pub(crate) fn new(config: &Config) -> Result<Self, FeedError> {
        let mut by_name = BTreeMap::new();
        for (name, told) in &config.feed {
            let keys = keys(name, told)?;
            let (schema, alone) = (told.schema(), tokio::sync::Mutex::default());
            let about = told.about.clone();
            by_name.insert(name.clone(), Feed { name: name.clone(), schema, about, keys, alone });
        }
        Ok(Self { by_name, lookers: Mutex::default() })
    }

    fn lookers(&self, feed: &str, keys: &BTreeSet<String>) -> BTreeSet<RecordRef> {
        let lookers = self.lookers.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |key: &String| lookers.get(&(feed.to_owned(), key.clone())).cloned().unwrap_or_default();
        keys.iter().flat_map(of).collect()
    }

    fn note(&self, feed: &str, key: &str, record: &RecordRef) {
        let mut lookers = self.lookers.lock().unwrap_or_else(PoisonError::into_inner);
        lookers.entry((feed.to_owned(), key.to_owned())).or_default().insert(record.clone());
    }
}

/// The signing keys of a feed.
pub(crate) fn keys(name: &str, told: &crate::config::Feed) -> Result<Vec<Zeroizing<Vec<u8>>>, FeedError> {
    let key = |from| {
        let secret =
            secret::read(from).map_err(|source| FeedError::Secret { feed: name.to_owned(), source })?;
        signature::key(secret.expose()).ok_or_else(|| FeedError::Key { feed: name.to_owned() })
    };
    told.secrets.iter().map(key).collect()
}

/// The route `POST /feeds/{feed}`.
pub(crate) fn router(engine: Arc<Engine>) -> Router {
    Router::new().route("/feeds/{feed}", post(receive)).with_state(engine)
}

async fn receive(
    State(engine): State<Arc<Engine>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some(feed) = engine.feeds.by_name.get(&name) else { return StatusCode::NOT_FOUND.into_response() };
    match deliver(&engine, feed, &headers, body).await {
        Ok(taken) => (StatusCode::OK, axum::Json(taken)).into_response(),
        Err(why) => {
            engine.ingress.count(&ConnectionId(format!("{}:{name}", feed::CONNECTION)), why.name());
            tracing::info!(feed = name, why = why.name(), "a feed's delivery was turned away");
            turn_away(&why)
        }
    }
}

fn turn_away(why: &NotTaken) -> Response {
    let status = why.status();
    if status == StatusCode::UNAUTHORIZED {
        return status.into_response();
    }
    let problem = Problem { error: why.to_string(), remedy: why.remedy().to_owned() };
    let mut answer = (status, axum::Json(problem)).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("5"));
    }
    answer
}

async fn deliver(
    engine: &Arc<Engine>,
    feed: &Feed,
    headers: &HeaderMap,
    body: Body,
) -> Result<Taken, NotTaken> {
    let _place = engine.ingress.enter().ok_or(NotTaken::Busy)?;
    if engine.is_stopping() {
        return Err(NotTaken::Busy);
    }
    let body = ingress::body(headers, body, engine.max_body).await.map_err(NotTaken::Body)?;
    let id = signature::verify(headers, &body, &feed.keys, engine.clock.now()).map_err(NotTaken::Unproven)?;
    let told = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let format = told.and_then(Format::of).ok_or(NotTaken::ContentType)?;
    take::take(engine, feed, id, format, &body).await
}

/// The record with the rows of the feeds that a mapping reads, as if they were its children. Blocks.
pub(crate) fn with_feeds<'a>(
    engine: &Engine,
    mapping: &Mapping,
    raw: &'a RawRecord,
) -> Result<Cow<'a, RawRecord>, Fatal> {
    let paths: BTreeSet<(String, String)> = handoff_core::extract::feeds(mapping).collect();
    let mut raw = Cow::Borrowed(raw);
    for (name, field) in paths {
        let Some(key) = raw.fields.get(&field).and_then(feed::key_text) else { continue };
        engine.feeds.note(&name, &key, &raw.record);
        let rows = stored(&engine.memory, &engine.journal, &name, &key)?;
        let relation = handoff_core::extract::feed_relation(&name, &field);
        raw.to_mut().related.insert(relation, feed::related(&name, &key, rows.into_values()));
    }
    Ok(raw)
}

/// The rows of one key, by their ids. Blocks.
fn stored(
    memory: &Rows,
    journal: &Journal,
    feed: &str,
    key: &str,
) -> Result<BTreeMap<String, (FeedRow, Timestamp)>, Fatal> {
    let subject = feed::subject(feed, key).to_string();
    let mut rows = BTreeMap::new();
    for (id, sealed) in memory.scan_now(&place(feed, key))? {
        let row = journal.open_row(&subject, &sealed).and_then(|plain| serde_json::from_slice(&plain).ok());
        rows.extend(row.map(|row| (id, row)));
    }
    Ok(rows)
}

/// Where the rows of one key lie in the memory.
fn place(feed: &str, key: &str) -> String {
    format!("{FEED}{feed}/{}/", handoff_core::digest::Digest::of_bytes(key.as_bytes()))
}

/// What an entry of the log leaves in the memory.
pub(crate) fn caught(journal: &Journal, entry: &LogEntry, change: &mut Change) {
    let LogEntry::FeedTaken { feed, key, rows, at } = entry else { return };
    put(journal, (feed, key), rows, *at, change);
}

/// Rows of an erased key are not kept.
fn put(journal: &Journal, (feed, key): (&str, &str), rows: &[FeedRow], at: Timestamp, change: &mut Change) {
    let (subject, place) = (feed::subject(feed, key).to_string(), place(feed, key));
    for row in rows {
        let Ok(plain) = serde_json::to_vec(&(row, at)) else { continue };
        if let Ok(sealed) = journal.seal_row(&subject, &plain) {
            change.batch.put(format!("{place}{}", row.id), sealed);
        }
    }
}
