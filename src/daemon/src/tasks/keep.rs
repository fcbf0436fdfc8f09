//! Orders and outcomes: first into the log, then into the book and the memory.

use std::collections::BTreeMap;

use futures::future::join_all;
use handoff_core::id::{ConnectionId, HandoffId};
use handoff_core::journal::LogEntry;
use handoff_core::task::TaskChange;

use super::desk::row;
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::journal::Refused;
use crate::memory::Change;

/// Logs changes of one connection's tasks, each with the streams that it covers, and folds them. Those of records that were erased meanwhile
/// are not kept: their ids are told.
pub(super) async fn keep(
    engine: &Engine,
    connection: &ConnectionId,
    changes: Vec<(TaskChange, BTreeMap<String, String>)>,
) -> Result<Vec<String>, Fatal> {
    let at = engine.clock.now();
    let mut lost = Vec::new();
    let mut entries = Vec::new();
    for (what, covers) in changes {
        let handoff = handoff(engine, what.id(), &covers);
        let entry = LogEntry::Task { handoff, connection: connection.clone(), change: what.clone(), at };
        match engine.journal.seal(&entry, 0) {
            Ok(sealed) => entries.push((what, sealed)),
            Err(Refused::Fatal(fatal)) => return Err(fatal),
            Err(refused @ (Refused::Conflict | Refused::Erased | Refused::TooLarge(_))) => {
                tracing::warn!(%connection, task = what.id(), %refused, "a task is not kept");
                lost.push(what.id().to_owned());
            }
        }
    }
    let appends =
        entries.into_iter().map(|(what, sealed)| async move { (what, engine.journal.append(sealed).await) });
    let mut change = Change::default();
    for (what, outcome) in join_all(appends).await {
        match outcome {
            Ok(position) => {
                change.reflected.push(position);
                let mut states = engine.tasks.states();
                let state = states.entry(connection.clone()).or_default();
                state.book.apply(at, &what);
                if let Some(known) = state.book.tasks.get(what.id()) {
                    change.put_json(row(connection, what.id()), known);
                }
            }
            Err(Refused::Fatal(fatal)) => return Err(fatal),
            Err(refused @ (Refused::Conflict | Refused::Erased | Refused::TooLarge(_))) => {
                tracing::warn!(%connection, task = what.id(), %refused, "a task is not kept");
                lost.push(what.id().to_owned());
            }
        }
    }
    engine.memory.commit(change).await?;
    Ok(lost)
}

/// The handoff that a task stands for, if it stands for itself alone.
fn handoff(engine: &Engine, id: &str, covers: &BTreeMap<String, String>) -> Option<HandoffId> {
    let stream = covers.get(id).filter(|_| covers.len() == 1)?;
    engine.snapshots.summary(stream).map(|summary| summary.handoff)
}
