//! Calls as evidence: found by polling and by hints, read once they concern a handoff, held against the contract's fields, suggested.

mod answer;
mod book;
mod hear;
mod known;
mod links;
mod pass;
mod retry;
mod said;
mod score;
mod view;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use handoff_core::digest::Digest;
use handoff_core::evidence::{Call, EvidenceMapping, LinkKind};
use handoff_core::id::{ConnectionId, ObjectName, RecordId, RecordRef};
use handoff_core::registry::Registry;
use jiff::Timestamp;

pub use answer::{Answered, NotAnswered};
pub(crate) use book::Book;
pub use book::Count;
pub use view::{CallsView, PlaceView, ReaskView};

use crate::books::{Channel, Source};
use crate::config::Config;
use crate::due::{Due, Item, Ticket, Waits};
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::govern::GovernError;
use crate::journal::Journal;
use crate::memory::{Change, Rows};
pub(crate) use answer::answer;
use known::{Link, Shelf};
pub(crate) use pass::{every_day, look_at_all, pass_over, poll};
pub(crate) use said::{Heard, answer_reask, heard, take};
pub(crate) use score::Ears;
pub(crate) use view::{places, reasks};
pub(crate) use work::spawn;

/// What a hint calls a call.
const OBJECT: &str = "call";

/// One connection with recorded calls and everything that is looked for in them.
pub(crate) struct Listener {
    pub(crate) connection: ConnectionId,
    mappings: Vec<EvidenceMapping>,
    /// What calls are scored with; `None` = they are not.
    ears: Option<Arc<Ears>>,
    /// Digest of the mappings and of what is scored with.
    digest: Digest,
    pub(crate) due: Due,
    /// One pass over the window at a time.
    pass: tokio::sync::Mutex<()>,
    polled: Mutex<Option<Timestamp>>,
    /// Details that a page brought, until the call is worked on.
    fresh: Mutex<BTreeMap<String, Call>>,
    shelf: Shelf,
}

impl Listener {
    pub(crate) fn is_no_connection_with_calls(&self) -> GovernError {
        let mapping = self.mappings.first().map(|mapping| mapping.evidence.clone()).unwrap_or_default();
        GovernError::NoCalls { connection: self.connection.clone(), mapping }
    }

    /// SHA-256 of the lexicon that its calls are scored with.
    pub(crate) fn lexicon(&self) -> Option<&str> {
        self.ears.as_ref().map(|ears| ears.lexicon.digest())
    }

    /// Whether its calls are held against accepted packages.
    pub(crate) fn scores(&self) -> bool {
        self.ears.is_some()
    }

    pub(crate) fn mappings(&self) -> &[EvidenceMapping] {
        &self.mappings
    }

    pub(crate) fn record(&self, id: &str) -> RecordRef {
        RecordRef {
            connection: self.connection.clone(),
            object: ObjectName::from(OBJECT),
            record: RecordId(id.to_owned()),
        }
    }

    pub(crate) fn hears(&self, record: &RecordRef) -> bool {
        record.connection == self.connection && record.object.as_str() == OBJECT
    }

    /// Takes up what the memory knows. Blocks.
    pub(crate) fn open(&self, rows: &Rows, journal: &Journal) -> Result<(), Fatal> {
        self.shelf.open(rows, journal, &self.connection)
    }

    fn offer(&self, call: Call) {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner).insert(call.id.clone(), call);
    }

    fn take_fresh(&self, id: &str) -> Option<Call> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }
}

/// What calls are scored with, if the configuration wants it.
pub(crate) fn ears(config: &Config) -> Result<Option<Arc<Ears>>, GovernError> {
    let Some(settings) = config.rediscovery.as_ref().filter(|settings| !settings.calls.is_empty()) else {
        return Ok(None);
    };
    let lexicon = crate::lexicon::of(config).map_err(|error| GovernError::Lexicon(Box::new(error)))?;
    Ok(Some(Arc::new(Ears { lexicon, our_domains: settings.our_domains.clone() })))
}

/// Groups what is listened to by connection.
pub(crate) fn listeners(config: &Config, registry: &Registry) -> Result<Vec<Listener>, GovernError> {
    let mut by_connection: BTreeMap<ConnectionId, Vec<EvidenceMapping>> = BTreeMap::new();
    let ears = ears(config)?;
    let scored = config.rediscovery.iter().flat_map(|settings| &settings.calls);
    by_connection.extend(scored.map(|connection| (connection.clone(), Vec::new())));
    for entry in &config.evidence {
        let Some(mapping) = registry.evidence(&entry.mapping) else {
            let (connection, mapping) = (entry.connection.clone(), entry.mapping.clone());
            return Err(GovernError::NoEvidence { connection, mapping });
        };
        let Some(connection) = config.connection.get(&entry.connection) else {
            let (connection, mapping) = (entry.connection.clone(), entry.mapping.clone());
            return Err(GovernError::NoCalls { connection, mapping });
        };
        if connection.connector != mapping.connector {
            let (connection, mapping) = (entry.connection.clone(), entry.mapping.clone());
            return Err(GovernError::NoCalls { connection, mapping });
        }
        by_connection.entry(entry.connection.clone()).or_default().push(mapping.clone());
    }
    Ok(by_connection
        .into_iter()
        .map(|(connection, mut mappings)| {
            mappings.sort_by(|a, b| a.evidence.cmp(&b.evidence));
            mappings.dedup();
            let scores = config.rediscovery.as_ref().is_some_and(|own| own.calls.contains(&connection));
            let own = ears.clone().filter(|_| scores);
            Listener {
                connection,
                digest: digest(&mappings, own.as_deref()),
                ears: own,
                mappings,
                due: Due::new(),
                pass: tokio::sync::Mutex::new(()),
                polled: Mutex::new(None),
                fresh: Mutex::new(BTreeMap::new()),
                shelf: Shelf::default(),
            }
        })
        .collect())
}

/// Digest of everything of ours that is asked of a call; as it always was where calls are not scored.
fn digest(mappings: &[EvidenceMapping], ears: Option<&Ears>) -> Digest {
    match ears {
        None => Digest::of(&mappings),
        Some(ears) => Digest::of(&(mappings, ears.lexicon.digest(), &ears.our_domains)),
    }
}

/// Marks calls due that may concern a record which has a handoff now, or belongs to another account now; `accounts` = the one that it left
/// and the one that it belongs to.
pub(crate) async fn reconsider(
    engine: &Arc<Engine>,
    record: &RecordRef,
    accounts: &BTreeSet<String>,
) -> Result<(), Fatal> {
    for listener in &engine.listeners {
        let own = |kind: LinkKind, id: &str| Link {
            connection: record.connection.clone(),
            kind,
            record: RecordId(id.to_owned()),
        };
        let mut calls = listener.shelf.linked(&own(LinkKind::Deal, record.record.as_str()));
        for account in accounts {
            calls.extend(listener.shelf.linked(&own(LinkKind::Account, account)));
        }
        // The words may be there by now, however often they were not.
        mark(engine, listener, calls, Channel::Sweep, true).await?;
    }
    Ok(())
}

/// Marks calls due without waiting for them; `force` = what was missing is asked for at once.
async fn mark(
    engine: &Arc<Engine>,
    listener: &Listener,
    calls: BTreeSet<String>,
    channel: Channel,
    force: bool,
) -> Result<(), Fatal> {
    if calls.is_empty() {
        return Ok(());
    }
    let source = Source { connection: listener.connection.clone(), channel };
    let mut change = Change::default();
    change.books.received(source.clone(), u64::try_from(calls.len()).unwrap_or(u64::MAX));
    engine.memory.commit(change).await?;
    let now = engine.clock.now();
    for id in calls {
        let ticket = Ticket { source: source.clone(), inbox: None, waits: Waits::Nobody };
        let item = Item { record: listener.record(&id), tickets: vec![ticket], attempt: 0, force };
        if listener.due.put(item, now).is_err() {
            tracing::error!(connection = %listener.connection, "the queue of calls is full; the daily look finds them");
        }
    }
    Ok(())
}

/// Marks what a stop cut off: calls that concern handoffs they were not held against, and those that wait for the vendor.
pub(crate) async fn recover(engine: &Arc<Engine>) -> Result<(), Fatal> {
    for listener in &engine.listeners {
        let mut undone = BTreeSet::new();
        for known in listener.shelf.list(|_| true) {
            if let Some(at) = known.missing.as_ref().and_then(|missing| missing.next) {
                retry::later(listener, &known.id, at);
                continue;
            }
            let targets = links::targets(engine, listener, &known.links);
            let unscored = !score::due(engine, listener, &targets, known.started).is_subset(&known.scored);
            let is_news = known.mappings != listener.digest || !targets.is_subset(&known.heard) || unscored;
            if is_news && !targets.is_empty() && known.missing.is_none() {
                undone.insert(known.id);
            }
        }
        mark(engine, listener, undone, Channel::Sweep, false).await?;
    }
    Ok(())
}
