//! An open handoff is put onto another version of its contract: an explicit act of a person, and logged.

use std::sync::Arc;

use handoff_core::event::Event;
use handoff_core::gate::evaluate;
use handoff_core::handoff::Phase;
use handoff_core::journal::LogEntry;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::journal::Refused;
use crate::memory::Change;
use crate::snapshots::fold;

/// What was put onto which version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Repinned {
    /// The handoff: `contract/motion/connection/object/record`.
    pub stream: String,
    /// The version it was on.
    pub before: u32,
    /// The version it is on.
    pub after: u32,
}

/// Why a handoff stays on its version.
#[derive(Debug, Error)]
pub enum NotRepinned {
    /// No such handoff.
    #[error("there is no such handoff")]
    NoHandoff,
    /// What was accepted stays judged by what it was accepted under.
    #[error("the handoff is not open: what was accepted, or is off, stays on its version")]
    NotOpen,
    /// It is there already.
    #[error("the handoff is on the version in force already")]
    Already,
    /// Something else happened at the same moment.
    #[error("the handoff changed at the same moment: try again")]
    Conflict,
    /// The record was erased.
    #[error("the record was erased: nothing is recorded about it any more")]
    Erased,
    /// The store failed.
    #[error(transparent)]
    Fatal(#[from] Fatal),
}

/// Puts an open handoff onto the version in force, and looks at it at once.
pub(crate) async fn repin(
    engine: &Arc<Engine>,
    stream: &str,
    by: &str,
    reason: &str,
) -> Result<Repinned, NotRepinned> {
    let saved = engine.snapshots.load(stream).await?.ok_or(NotRepinned::NoHandoff)?;
    if matches!(saved.state.phase, Phase::Accepted | Phase::Voided) {
        return Err(NotRepinned::NotOpen);
    }
    let record = saved.state.id.subject.clone();
    let object = engine.object_of(&record).ok_or(NotRepinned::NoHandoff)?;
    let rule =
        object.rules.iter().find(|rule| rule.stream(&record) == stream).ok_or(NotRepinned::NoHandoff)?;
    let contract = engine.in_force(rule);
    let before = saved.state.contract.version;
    if saved.state.contract == contract {
        return Err(NotRepinned::Already);
    }
    let now = engine.clock.now();
    let after = contract.version;
    let events = vec![Event::Repinned { contract, by: by.to_owned(), reason: reason.to_owned() }];
    let entry = LogEntry::Confirmed { handoff: saved.state.id.clone(), at: now, events };
    let refused = |refused: Refused| match refused {
        Refused::Conflict | Refused::TooLarge(_) => NotRepinned::Conflict,
        Refused::Erased => NotRepinned::Erased,
        Refused::Fatal(fatal) => NotRepinned::Fatal(fatal),
    };
    let sealed = engine.journal.seal(&entry, saved.state.version).map_err(refused)?;
    let position = engine.journal.append(sealed).await.map_err(refused)?;
    if let Some(saved) = fold(Some(saved), position, &entry)
        && let Some(contract) = engine.contracts.get(&saved.state.contract)
    {
        let mut change = Change::default();
        engine.snapshots.note(&mut change, &saved, &evaluate(&contract, &saved.state, now), &[position])?;
        engine.memory.commit(change).await.map_err(Fatal::from)?;
    }
    if object.due.mark(record, now, None).is_err() {
        tracing::warn!("the due queue is full; the next sweep looks at the handoff");
    }
    Ok(Repinned { stream: stream.to_owned(), before, after })
}
