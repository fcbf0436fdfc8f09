//! Break-glass: what two people say is logged, then the record is looked at at once.

use std::sync::Arc;

use handoff_core::break_glass::{Denied, ask, confirm};
use handoff_core::gate::evaluate;
use handoff_core::id::GateName;
use handoff_core::journal::LogEntry;
use jiff::Timestamp;
use thiserror::Error;

use crate::due::Item;
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::journal::Refused;
use crate::memory::Change;
use crate::snapshots::fold;

/// What one person says about opening a gate without what it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The handoff: `contract/motion/connection/object/record`.
    pub stream: String,
    /// The gate.
    pub gate: GateName,
    /// Who says so, by login.
    pub by: String,
    /// What he says.
    pub word: Word,
}

/// The first person's word, or the second's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Asks for it.
    Ask {
        /// Why.
        reason: String,
        /// Until when.
        expires: Timestamp,
    },
    /// Agrees.
    Confirm,
}

/// Why nothing was taken down.
#[derive(Debug, Error)]
pub enum NotSaid {
    /// No such handoff.
    #[error("there is no such handoff")]
    NoHandoff,
    /// It may not be.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The record was erased.
    #[error("the record was erased: nothing is recorded about it any more")]
    Erased,
    /// It was decided on at the same moment.
    #[error("the handoff changed meanwhile: look at it and say it again")]
    Conflict,
    /// The store failed.
    #[error(transparent)]
    Fatal(#[from] Fatal),
}

impl From<Refused> for NotSaid {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Fatal(fatal) => Self::Fatal(fatal),
            Refused::Conflict => Self::Conflict,
            Refused::Erased | Refused::TooLarge(_) => Self::Erased,
        }
    }
}

/// Logs what was said and has the record looked at.
pub(crate) async fn say(engine: &Arc<Engine>, said: Said) -> Result<(), NotSaid> {
    let saved = engine.snapshots.load(&said.stream).await?.ok_or(NotSaid::NoHandoff)?;
    let contract = engine.contracts.get(&saved.state.contract).ok_or(Denied::NotPinned)?;
    let subject = saved.state.id.subject.clone();
    let link = engine.links.get(&subject.connection).ok_or(NotSaid::NoHandoff)?;
    let by = link.directory.by_login(&said.by);
    let now = engine.clock.now();
    let event = match &said.word {
        Word::Ask { reason, expires } => {
            ask(&contract, &saved.state, &by, (&said.gate, reason, *expires), now)?
        }
        Word::Confirm => confirm(&contract, &saved.state, &by, &said.gate, now)?,
    };
    let name = event.name();
    let entry = LogEntry::Overridden { handoff: saved.state.id.clone(), at: now, events: vec![event] };
    let sealed = engine.journal.seal(&entry, saved.state.version)?;
    let position = engine.journal.append(sealed).await?;
    tracing::warn!(handoff = %saved.state.id, gate = %said.gate, position, "break-glass: {name}");
    let mut change = Change::default();
    if let Some(saved) = fold(Some(saved), position, &entry) {
        let verdict = evaluate(&contract, &saved.state, now);
        engine.snapshots.note(&mut change, &saved, &verdict, &[position])?;
    }
    engine.memory.commit(change).await.map_err(Fatal::from)?;
    if let Some(object) = engine.object_of(&subject) {
        let item = Item { record: subject, tickets: Vec::new(), attempt: 0, force: false };
        if object.due.put(item, now).is_err() {
            tracing::error!(object = %object.object, "the due queue is full; the sweep finds the record");
        }
    }
    Ok(())
}
