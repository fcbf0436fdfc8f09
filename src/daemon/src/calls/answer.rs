//! A person says whether a suggested place speaks of its field.

use std::sync::Arc;

use handoff_core::evidence::CallRef;
use handoff_core::id::FieldKey;
use handoff_core::journal::LogEntry;
use thiserror::Error;

use super::hear::News;
use crate::engine::Engine;
use crate::fatal::Fatal;

/// An answer about one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The handoff: `contract/motion/connection/object/record`.
    pub stream: String,
    /// The call.
    pub call: CallRef,
    /// The field.
    pub field: FieldKey,
    /// Where the place begins.
    pub from_ms: u64,
    /// Whether it speaks of the field.
    pub confirmed: bool,
    /// Who says so.
    pub by: String,
}

/// An answer that is not recorded.
#[derive(Debug, Error)]
pub enum NotAnswered {
    /// No such handoff.
    #[error("there is no such handoff")]
    NoHandoff,
    /// No such place, or its call was withdrawn.
    #[error("no call suggests this place any more")]
    NoPlace,
    /// The record was erased.
    #[error("the record was erased: nothing is recorded about it any more")]
    Erased,
    /// The store failed.
    #[error(transparent)]
    Fatal(#[from] Fatal),
}

/// Records the answer; the same answer of the same person again changes nothing.
pub(crate) async fn answer(engine: &Arc<Engine>, answered: Answered) -> Result<(), NotAnswered> {
    let Answered { stream, call, field, from_ms, confirmed, by } = answered;
    let summary = engine.snapshots.summary(&stream).ok_or(NotAnswered::NoHandoff)?;
    let _alone = engine.evidence.alone.lock().await;
    let mut evidence = engine.evidence.load(&stream).await?;
    let place = evidence.place(&call, &field, from_ms).ok_or(NotAnswered::NoPlace)?;
    if place.answer.as_ref().is_some_and(|given| given.confirmed == confirmed && given.by == by) {
        return Ok(());
    }
    let at = engine.clock.now();
    let handoff = summary.handoff.clone();
    let entry = LogEntry::EvidenceAnswered { handoff, call, field, from_ms, confirmed, by, at };
    let mut news = News::default();
    if !engine.evidence.append(&mut news.change, &mut evidence, entry).await? {
        return Err(NotAnswered::Erased);
    }
    news.look.insert(summary.handoff.subject);
    Ok(news.publish(engine).await?)
}
