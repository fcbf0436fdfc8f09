//! What people say about re-asks: on the record, on the command line, over the API.

use std::sync::Arc;

use handoff_core::evidence::CallRef;
use handoff_core::extract::{Existence, RawRecord};
use handoff_core::handoff::Handoff;
use handoff_core::id::HandoffId;
use handoff_core::journal::LogEntry;
use handoff_core::reask::{Said, said};

use super::answer::{Answered, NotAnswered};
use super::hear::News;
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::govern::Rule;

/// What one record says about the re-asks of one of its handoffs.
pub(crate) struct Heard {
    handoff: HandoffId,
    said: Vec<Said>,
}

/// What the record says that is not known yet; `None` = nothing. Blocks.
pub(crate) fn heard(
    engine: &Engine,
    rule: &Rule,
    contract: &handoff_core::contract::Contract,
    state: &Handoff,
    raw: &RawRecord,
) -> Result<Option<Heard>, Fatal> {
    let Some(mapping) = rule.mapping.reask.as_ref().filter(|_| state.ever_accepted) else { return Ok(None) };
    let Some(link) = engine.links.get(&state.id.subject.connection) else { return Ok(None) };
    if raw.existence != Existence::Present {
        return Ok(None);
    }
    let evidence = engine.evidence.load_now(&state.id.stream())?;
    let said = said(mapping, contract, raw, &link.directory, &evidence.reasks);
    Ok((!said.is_empty()).then(|| Heard { handoff: state.id.clone(), said }))
}

/// Logs what records say, and has them looked at again: their notes say something else then.
pub(crate) async fn take(engine: &Arc<Engine>, heard: Vec<Heard>) -> Result<(), Fatal> {
    if heard.is_empty() {
        return Ok(());
    }
    let mut news = News::default();
    let _alone = engine.evidence.alone.lock().await;
    for Heard { handoff, said } in heard {
        let mut evidence = engine.evidence.load(&handoff.stream()).await?;
        let mut acts = Vec::new();
        for said in said {
            let at = engine.clock.now();
            let entry = match said {
                Said::Answer { call, field, from_ms, confirmed, by, act } => {
                    // Somebody else may have answered meanwhile; an act may be about several at once.
                    let open = evidence.reasks.suggested(&call, &field, from_ms);
                    let open = open.is_some_and(|one| one.answer.is_none());
                    if !open || (evidence.reasks.acts.contains(&act) && !acts.contains(&act)) {
                        continue;
                    }
                    acts.push(act.clone());
                    let (handoff, act) = (handoff.clone(), Some(act));
                    LogEntry::ReaskAnswered { handoff, call, field, from_ms, confirmed, by, act, at }
                }
                Said::Report { source, stands, by, asked } => {
                    if evidence.reasks.reports.get(&source).is_some_and(|one| one.stands) == stands {
                        continue;
                    }
                    LogEntry::ReaskReported { handoff: handoff.clone(), source, stands, by, asked, at }
                }
            };
            if engine.evidence.append(&mut news.change, &mut evidence, entry).await? {
                news.look.insert(handoff.subject.clone());
            }
        }
    }
    engine.reached("reask_said");
    news.publish(engine).await
}

/// Records what a person says about a suggested re-ask; the same answer of the same person again changes nothing.
pub(crate) async fn answer_reask(engine: &Arc<Engine>, answered: Answered) -> Result<(), NotAnswered> {
    let Answered { stream, call, field, from_ms, confirmed, by } = answered;
    let summary = engine.snapshots.summary(&stream).ok_or(NotAnswered::NoHandoff)?;
    let _alone = engine.evidence.alone.lock().await;
    let mut evidence = engine.evidence.load(&stream).await?;
    let known = evidence.reasks.suggested(&call, &field, from_ms).ok_or(NotAnswered::NoPlace)?;
    if known.answer.as_ref().is_some_and(|given| given.confirmed == confirmed && given.by == by) {
        return Ok(());
    }
    let handoff = of_call(&evidence.reasks, &call, summary.handoff);
    let (subject, at) = (handoff.subject.clone(), engine.clock.now());
    let entry = LogEntry::ReaskAnswered { handoff, call, field, from_ms, confirmed, by, act: None, at };
    let mut news = News::default();
    if !engine.evidence.append(&mut news.change, &mut evidence, entry).await? {
        return Err(NotAnswered::Erased);
    }
    news.look.insert(subject);
    Ok(news.publish(engine).await?)
}

/// The handoff in the cycle that a call was scored against.
fn of_call(reasks: &handoff_core::reask::Reasks, call: &CallRef, now: HandoffId) -> HandoffId {
    let cycle = reasks.calls.get(&call.to_string()).map_or(now.cycle, |scored| scored.cycle);
    HandoffId { cycle, ..now }
}
