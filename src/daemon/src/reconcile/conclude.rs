//! After the entry is durable: the new state, what holds, and what to write.

use handoff_core::beside::words::echo_plan;
use handoff_core::contract::Contract;
use handoff_core::event::Event;
use handoff_core::extract::Existence;
use handoff_core::gate::evaluate;
use handoff_core::handoff::Handoff;
use handoff_core::journal::LogEntry;
use handoff_core::plan::{Inputs, Plan, plan};
use jiff::Timestamp;

use super::judge::{Judged, Step};
use crate::engine::Engine;
use crate::execute::Job;
use crate::fatal::Fatal;
use crate::govern::{Governed, Rule};
use crate::memory::Change;
use crate::snapshots::fold;
use crate::{accounts, twins};

/// Concludes one record: notes new states, and adds a job where the CRM does not match. Blocks.
pub(super) fn conclude(
    engine: &Engine,
    object: &Governed,
    of: usize,
    judged: &mut Judged,
    change: &mut Change,
    jobs: &mut Vec<Job>,
) -> Result<(), Fatal> {
    let now = engine.clock.now();
    for case in &mut judged.cases {
        let Some(rule) = object.rules.get(case.rule) else { continue };
        let before = case.before.take();
        // Whom it named so far has to look, too: it may name another one now.
        let looked_on =
            before.as_ref().map(|before| twins::onlookers(engine, &before.state)).unwrap_or_default();
        let (saved, news) = match &case.step {
            Step::Known => (before, Vec::new()),
            // Not logged, so nothing follows from it.
            Step::Decided { position: None, .. } => continue,
            Step::Decided { entry, position: Some(position), .. } => {
                (fold(before, *position, entry), vec![*position])
            }
        };
        let Some(mut saved) = saved else {
            change.reflected.extend(news);
            continue;
        };
        let known = engine.snapshots.summary(&saved.state.id.stream()).and_then(|summary| summary.account);
        if judged.raw.is_some() && case.seen.existence == Existence::Present {
            saved.account.clone_from(&case.seen.account);
        }
        let moved = saved.account != known;
        let verdict = evaluate(&case.contract, &saved.state, now);
        if let Step::Decided { entry, .. } = &case.step {
            let events = entry.handoff().map(|(_, events)| events).unwrap_or_default();
            let names: Vec<&str> = events.iter().map(handoff_core::event::Event::name).collect();
            tracing::info!(handoff = %saved.state.id, position = saved.last.position, events = names.join(","), "decided");
        }
        tasks(engine, rule, &case.contract, &saved.state, now);
        if moved || matches!(&case.step, Step::Decided { entry, .. } if opens(entry)) {
            // Calls of the account that it left concern it no more.
            judged.recall = Some(known.into_iter().chain(saved.account.clone()).collect());
        }
        if moved || !news.is_empty() {
            engine.snapshots.note(change, &saved, &verdict, &news)?;
            judged.onlookers.extend(looked_on);
            judged.onlookers.extend(twins::onlookers(engine, &saved.state));
            if let Step::Decided { entry, .. } = &case.step {
                judged.onlookers.extend(accounts::onlookers(engine, &saved, entry));
            }
        }
        judged.look_again_at = [judged.look_again_at, verdict.look_again_at].into_iter().flatten().min();
        let Some(raw) = &judged.raw else { continue };
        let evidence = rule.mapping.write.note.evidence.as_ref();
        let evidence = evidence.map(|_| engine.evidence.load_now(&saved.state.id.stream())).transpose()?;
        let inputs = Inputs {
            contract: &case.contract,
            mapping: &rule.mapping,
            terms: &rule.terms,
            handoff: &saved.state,
            verdict: &verdict,
            raw,
            seen: &case.seen,
            key: &engine.key,
            evidence: evidence.as_ref(),
            numbers: None,
        };
        let main = with_numbers(engine, inputs, plan(inputs))?;
        for plan in [Some(main), echo_plan(inputs)].into_iter().flatten().filter(|plan| !plan.is_empty())
        {
            let (contract, version) = (std::sync::Arc::clone(&case.contract), raw.version.clone());
            jobs.push(Job {
                of,
                rule: case.rule,
                contract,
                saved: saved.clone(),
                plan,
                version,
                attempt: judged.item.attempt,
                force: judged.item.force,
                written: false,
                parked: None,
                still_parked: false,
                again: None,
            });
        }
    }
    Ok(())
}

/// The plan with the live numbers, if anything is written at all and the mapping has a field for them. Blocks.
pub(super) fn with_numbers(engine: &Engine, inputs: Inputs<'_>, planned: Plan) -> Result<Plan, Fatal> {
    if planned.is_empty() || inputs.mapping.write.note.numbers.is_none() {
        return Ok(planned);
    }
    let (id, now) = (&inputs.handoff.id, engine.clock.now());
    let live = engine.numbers.ask(&engine.journal, |standing| {
        standing.scorecard.live_of(id.contract.as_str(), id.motion.as_str(), now)
    })?;
    let text = live.map(|live| live.to_string());
    Ok(plan(Inputs { numbers: text.as_deref(), ..inputs }))
}

/// What people owe this handoff now, for the stage that writes tasks.
fn tasks(engine: &Engine, rule: &Rule, contract: &Contract, state: &Handoff, now: Timestamp) {
    let connection = &state.id.subject.connection;
    if engine.tasks.is_on(connection) && rule.mapping.write.task.is_some() {
        let owed = engine.tasks.owed(engine, contract, state, now);
        engine.tasks.look(connection, &state.id.stream(), owed);
    }
}

/// Whether a handoff begins, so that calls which were heard of before concern it now.
fn opens(entry: &LogEntry) -> bool {
    let events = entry.handoff().map(|(_, events)| events).unwrap_or_default();
    events.iter().any(|event| matches!(event, Event::Opened { .. }))
}
