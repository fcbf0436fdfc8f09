//! What a call means for one handoff: entries that are appended only where they change something.

use std::collections::BTreeSet;
use std::sync::Arc;

use handoff_core::evidence::{Call, CallRef, Spot, Transcript, Withdrawal, suggest};
use handoff_core::id::RecordRef;
use handoff_core::journal::LogEntry;

use super::Listener;
use crate::books::{Channel, Source};
use crate::due::{Ticket, Waits};
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::memory::Change;

/// Longest address of a call in bytes; a longer one is left out.
const LONGEST_URL: usize = 500;

/// What becomes durable together, and the records whose notes say something else then.
#[derive(Default)]
pub(super) struct News {
    pub(super) change: Change,
    pub(super) look: BTreeSet<RecordRef>,
}

impl News {
    /// Makes it durable, then has the records looked at.
    pub(super) async fn publish(mut self, engine: &Arc<Engine>) -> Result<(), Fatal> {
        let source =
            |record: &RecordRef| Source { connection: record.connection.clone(), channel: Channel::Sweep };
        self.look.retain(|record| engine.object_of(record).is_some());
        for record in &self.look {
            self.change.books.received(source(record), 1);
        }
        engine.memory.commit(self.change).await?;
        for record in self.look {
            let Some(object) = engine.object_of(&record) else { continue };
            let ticket = Ticket { source: source(&record), inbox: None, waits: Waits::Nobody };
            if object.due.mark(record, engine.clock.now(), Some(ticket)).is_err() {
                tracing::error!(object = %object.object, "the due queue is full; the sweep finds the record");
            }
        }
        Ok(())
    }
}

/// Holds a transcript against a handoff's fields and appends the places if they are news; true = they were. The caller holds the book.
pub(super) async fn suggested(
    engine: &Arc<Engine>,
    listener: &Listener,
    news: &mut News,
    stream: &str,
    call: &Call,
    transcript: &Transcript,
) -> Result<bool, Fatal> {
    let Some(summary) = engine.snapshots.summary(stream) else { return Ok(false) };
    let Some(contract) = engine.contracts.get(&summary.contract) else { return Ok(false) };
    let mappings = listener.mappings.iter().filter(|mapping| mapping.contract == summary.handoff.contract);
    let mut spots: Vec<Spot> = mappings
        .flat_map(|mapping| suggest(mapping, call, transcript))
        .map(|suggestion| suggestion.spot)
        .filter(|spot| contract.field(&spot.field).is_some())
        .collect();
    spots.sort();
    spots.dedup_by(|left, right| left.field == right.field && left.from_ms == right.from_ms);
    let reference = CallRef { connection: listener.connection.clone(), id: call.id.clone() };
    let url = address(call);
    let mut evidence = engine.evidence.load(stream).await?;
    if !evidence.is_news(&reference, url.as_deref(), call.started, &spots) {
        return Ok(false);
    }
    let places = spots.len();
    let entry = LogEntry::EvidenceSuggested {
        handoff: summary.handoff.clone(),
        contract: summary.contract.clone(),
        call: reference,
        url,
        started: call.started,
        spots,
        at: engine.clock.now(),
    };
    if !engine.evidence.append(&mut news.change, &mut evidence, entry).await? {
        return Ok(false);
    }
    tracing::info!(stream, places, "a call suggests evidence");
    engine.reached("evidence_appended");
    news.look.insert(summary.handoff.subject.clone());
    Ok(true)
}

/// Withdraws a call from a handoff; true = it stood as evidence there.
pub(super) async fn withdraw(
    engine: &Arc<Engine>,
    news: &mut News,
    stream: &str,
    call: &CallRef,
    because: Withdrawal,
) -> Result<bool, Fatal> {
    let Some(summary) = engine.snapshots.summary(stream) else { return Ok(false) };
    let mut evidence = engine.evidence.load(stream).await?;
    if !evidence.holds(call) {
        return Ok(false);
    }
    let (handoff, at) = (summary.handoff.clone(), engine.clock.now());
    let entry = LogEntry::EvidenceWithdrawn { handoff, call: call.clone(), because, at };
    let appended = engine.evidence.append(&mut news.change, &mut evidence, entry).await?;
    if appended {
        news.look.insert(summary.handoff.subject.clone());
    }
    Ok(appended)
}

/// Where a person can listen to a call, if it can stand on a record.
pub(super) fn address(call: &Call) -> Option<String> {
    call.url.as_deref().filter(|url| is_address(url)).map(str::to_owned)
}

/// A web address that can stand on a record: https, one line, not too long.
fn is_address(url: &str) -> bool {
    url.len() <= LONGEST_URL
        && url.starts_with("https://")
        && url.chars().all(|each| each.is_ascii_graphic() && !matches!(each, '<' | '>' | '"' | '\'' | '`'))
}
