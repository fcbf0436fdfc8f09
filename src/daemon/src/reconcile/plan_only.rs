//! What would happen to a record, without logging and without writing.

use std::sync::Arc;

use handoff_connector::Fault;
use handoff_core::event::Event;
use handoff_core::gate::{Verdict, evaluate};
use handoff_core::handoff::{Handoff, Phase, Stamp};
use handoff_core::id::{ContractId, MotionId, RecordRef};
use handoff_core::plan::{Inputs, Plan, plan};
use serde::Serialize;

use super::conclude::with_numbers;
use super::judge::{NotJudged, decided};
use crate::due::Item;
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::govern::{Governed, Rule};
use crate::memory::blocking;

/// What one contract would make of a record now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordPlan {
    /// The contract.
    pub contract: ContractId,
    /// The mapping.
    pub mapping: String,
    /// The handoff's stream.
    pub stream: String,
    /// Where the handoff would stand; `None` = no handoff is open and none would open.
    pub phase: Option<Phase>,
    /// What would be logged.
    pub events: Vec<Event>,
    /// What would hold.
    pub verdict: Option<Verdict>,
    /// What would be written. A clearance id in it is a specimen: the real one is bound to the log position of the acceptance.
    pub plan: Option<Plan>,
    /// Why nothing can be said, e.g. that the pinned contract is not known.
    pub problem: Option<String>,
}

/// Reads one record and says what would happen to it; the inner error is the CRM's.
pub(crate) async fn plan_record(
    engine: &Arc<Engine>,
    record: &RecordRef,
) -> Result<Result<Vec<RecordPlan>, Fault>, Fatal> {
    let object = engine.object_of(record).cloned();
    let link = engine.links.get(&record.connection);
    let (Some(object), Some(link)) = (object, link) else { return Ok(Ok(Vec::new())) };
    let item = Item { record: record.clone(), tickets: Vec::new(), attempt: 0, force: false };
    let items = vec![item];
    let raw = match super::read(engine, link, &object, &items).await {
        Ok(mut raws) => raws.pop().flatten(),
        Err(fault) => return Ok(Err(fault)),
    };
    let engine = Arc::clone(engine);
    blocking(move || {
        let mut plans = Vec::new();
        for (item, rule) in items.iter().flat_map(|item| object.rules.iter().map(move |rule| (item, rule))) {
            let motions = rule.mapping.motion.candidates();
            for motion in &motions {
                let plan = one(&engine, &object, rule, motion, item, raw.as_ref())?;
                // Of the motions that a record could belong to, only those where it has or would get a handoff.
                if motions.len() == 1 || plan.phase.is_some() || plan.problem.is_some() {
                    plans.push(plan);
                }
            }
        }
        Ok(Ok(plans))
    })
    .await
}

fn one(
    engine: &Engine,
    _object: &Governed,
    rule: &Rule,
    motion: &MotionId,
    item: &Item,
    raw: Option<&handoff_core::extract::RawRecord>,
) -> Result<RecordPlan, Fatal> {
    let stream = rule.stream(motion, &item.record);
    let mut outcome = RecordPlan {
        contract: rule.mapping.contract.clone(),
        mapping: rule.mapping.mapping.clone(),
        stream: stream.clone(),
        phase: None,
        events: Vec::new(),
        verdict: None,
        plan: None,
        problem: None,
    };
    let before = engine.snapshots.load_now(&stream)?;
    if raw.is_none() {
        let absent =
            "the CRM does not show this record to our user: it is not there, was deleted, or may not be read";
        outcome.problem = Some(absent.to_owned());
    }
    let (contract, _, seen, events, now) = match decided(engine, rule, motion, item, raw, before.as_ref()) {
        Ok(Some(decided)) => decided,
        Ok(None) => return Ok(outcome),
        Err(NotJudged::Parked(_, problem)) => {
            outcome.problem = Some(problem);
            return Ok(outcome);
        }
        Err(NotJudged::Fatal(fatal)) => return Err(fatal),
    };
    let stamp = Stamp { position: engine.journal.head(), time: now };
    let before = before.map(|saved| saved.state);
    let state = if events.is_empty() { before } else { Handoff::apply(before, stamp, &events) };
    outcome.events = events;
    if let Some(state) = state {
        let verdict = evaluate(&contract, &state, now);
        let evidence = rule.mapping.write.note.evidence.as_ref();
        let evidence = evidence.map(|_| engine.evidence.load_now(&stream)).transpose()?;
        let planned = raw.map(|raw| {
            let inputs = Inputs {
                contract: &contract,
                mapping: &rule.mapping,
                terms: &rule.terms,
                handoff: &state,
                verdict: &verdict,
                raw,
                seen: &seen,
                key: &engine.key,
                evidence: evidence.as_ref(),
                numbers: None,
            };
            with_numbers(engine, inputs, plan(inputs))
        });
        outcome.plan = planned.transpose()?;
        outcome.phase = Some(state.phase);
        outcome.verdict = Some(verdict);
    }
    Ok(outcome)
}
