//! Makes the CRM match: closings first and unconditionally, openings only under a signed checkpoint; every write read back and logged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use handoff_connector::{Applied, Fault, Lane, Sink};
use handoff_core::contract::Contract;
use handoff_core::decide::confirm;
use handoff_core::event::Event;
use handoff_core::extract::RecordVersion;
use handoff_core::gate::evaluate;
use handoff_core::handoff::Handoff;
use handoff_core::id::GateName;
use handoff_core::journal::LogEntry;
use handoff_core::mapping::Mapping;
use handoff_core::observation::FlagSeen;
use handoff_core::plan::{Plan, same};
use handoff_transport::Policy;
use jiff::Timestamp;
use serde_json::Value;

use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::govern::Governed;
use crate::journal::Refused;
use crate::link::Link;
use crate::memory::{Change, SWITCH, blocking};
use crate::parked::{self, Parked};
use crate::snapshots::{Saved, fold};
use crate::twins;

/// Rest of a record whose connection is denied.
const REST: Duration = Duration::from_mins(1);

/// One record under one rule whose CRM fields do not match.
pub(crate) struct Job {
    /// Which record of the batch.
    pub(crate) of: usize,
    pub(crate) rule: usize,
    pub(crate) contract: Arc<Contract>,
    pub(crate) saved: Saved,
    pub(crate) plan: Plan,
    pub(crate) version: Option<RecordVersion>,
    pub(crate) attempt: u32,
    pub(crate) force: bool,
    pub(crate) written: bool,
    pub(crate) parked: Option<Parked>,
    /// The same writes were refused before; not tried again.
    pub(crate) still_parked: bool,
    /// When to look at the record again.
    pub(crate) again: Option<Timestamp>,
}

/// Carries out the plans of one batch.
pub(crate) async fn execute(
    engine: &Arc<Engine>,
    link: &Link,
    object: &Governed,
    jobs: &mut [Job],
    change: &mut Change,
) -> Result<(), Fatal> {
    let Some(sink) = link.purpose.sink() else { return Ok(()) };
    let admitted = admit(engine, object, jobs);
    if admitted.is_empty() {
        return Ok(());
    }
    let (mut closings, mut reverts, mut openings) = (Vec::new(), Vec::new(), Vec::new());
    for at in admitted {
        let Some(job) = jobs.get(at) else { continue };
        let parts = job.plan.clone().split();
        closings.extend(parts.closing.map(|plan| (at, plan)));
        reverts.extend(parts.revert.map(|plan| (at, plan)));
        openings.extend(parts.opening.map(|plan| (at, plan)));
    }
    carry_out(engine, link, sink, object, jobs, change, closings, Lane::GateClose).await?;
    if !reverts.is_empty() {
        put_back(engine, link, sink, object, jobs, change, reverts).await?;
    }
    // What was just written has another version now, so its opening is decided anew.
    let now = engine.clock.now();
    openings.retain(|(at, _)| {
        let Some(job) = jobs.get_mut(*at) else { return false };
        if job.written {
            job.again.get_or_insert(now);
        }
        job.again.is_none() && job.parked.is_none()
    });
    put_off_what_twins_changed(engine, jobs, &mut openings).await?;
    if openings.is_empty() {
        return Ok(());
    }
    let covering =
        openings.iter().filter_map(|(at, _)| jobs.get(*at)).map(|job| job.saved.last.position).max();
    engine.journal.checkpoint(covering.unwrap_or(u64::MAX)).await?;
    carry_out(engine, link, sink, object, jobs, change, openings, Lane::GateOpen).await
}

/// An opening that was decided on what other authorities said is decided anew if they say something else by now.
async fn put_off_what_twins_changed(
    engine: &Arc<Engine>,
    jobs: &mut [Job],
    openings: &mut Vec<(usize, Plan)>,
) -> Result<(), Fatal> {
    let asked: Vec<(usize, Handoff)> = openings
        .iter()
        .filter_map(|(at, _)| Some((*at, jobs.get(*at)?.saved.state.clone())))
        .filter(|(_, state)| state.link.is_some() || !state.twins.is_empty())
        .collect();
    if asked.is_empty() {
        return Ok(());
    }
    let shared = Arc::clone(engine);
    let changed = blocking(move || {
        let mut changed = Vec::new();
        for (at, state) in asked {
            let (id, link) = (&state.id, state.link.as_ref());
            let now = twins::seen(&shared, &id.contract, &id.subject, link, &state.package)?;
            if now != state.twins {
                changed.push(at);
            }
        }
        Ok(changed)
    })
    .await?;
    for at in &changed {
        if let Some(job) = jobs.get_mut(*at) {
            job.again = Some(engine.clock.now());
        }
    }
    openings.retain(|(at, _)| !changed.contains(at));
    Ok(())
}

/// Puts stages back. What the CRM refuses by a rule of its own is in the log too, so that the words on the record say so.
async fn put_back(
    engine: &Arc<Engine>,
    link: &Link,
    sink: &Arc<dyn Sink>,
    object: &Governed,
    jobs: &mut [Job],
    change: &mut Change,
    mut reverts: Vec<(usize, Plan)>,
) -> Result<(), Fatal> {
    let free = |jobs: &[Job], at: usize| jobs.get(at).is_some_and(|job| job.parked.is_none());
    reverts.retain(|(at, _)| free(jobs, *at));
    let tried: Vec<usize> = reverts.iter().map(|(at, _)| *at).collect();
    let now = engine.clock.now();
    carry_out(engine, link, sink, object, jobs, change, reverts, Lane::GateClose).await?;
    let mut refused = Vec::new();
    for at in tried {
        let Some(job) = jobs.get_mut(at) else { continue };
        if job.parked.is_none() {
            // The stage has a new entry now, and words that fit it.
            job.again.get_or_insert(now);
            continue;
        }
        let bypass = job.saved.state.bypass.as_ref();
        let order = bypass.and_then(|bypass| Some((bypass.gate.clone(), bypass.order.as_ref()?)));
        let Some((gate, order)) = order.filter(|(_, order)| !order.refused) else { continue };
        refused.push((at, vec![Event::RevertRefused { gate, entry: order.entry.clone() }]));
        job.again = Some(now);
    }
    log(engine, jobs, change, refused).await
}

/// Which jobs may write now: not while paused, not what was refused already, not beyond the cap of their mapping.
fn admit(engine: &Engine, object: &Governed, jobs: &mut [Job]) -> Vec<usize> {
    if engine.switch.is_paused() {
        return Vec::new();
    }
    let mut wanted: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, job) in jobs.iter_mut().enumerate() {
        if !job.force
            && engine.parked.refused_before(&job.saved.state.id.subject, &job.plan, job.version.as_ref())
        {
            job.still_parked = true;
        } else {
            wanted.entry(job.rule).or_default().push(at);
        }
    }
    let mut admitted = Vec::new();
    for (rule, of_rule) in wanted {
        let Some(rule) = object.rules.get(rule) else { continue };
        let granted = engine.switch.admit(&rule.mapping.mapping, rule.cap, of_rule.len(), engine.clock.now());
        if granted < of_rule.len() {
            let row = serde_json::to_vec(&engine.switch.view()).unwrap_or_default();
            engine.memory.note(SWITCH.to_owned(), row);
        }
        admitted.extend(of_rule.into_iter().take(granted));
    }
    admitted
}

#[expect(clippy::too_many_arguments, reason = "one step of `execute`, split off for its length only")]
async fn carry_out(
    engine: &Arc<Engine>,
    link: &Link,
    sink: &Arc<dyn Sink>,
    object: &Governed,
    jobs: &mut [Job],
    change: &mut Change,
    plans: Vec<(usize, Plan)>,
    lane: Lane,
) -> Result<(), Fatal> {
    let most = sink.spec().write_batch.max(1);
    let mut plans = plans.into_iter().peekable();
    let mut applied = Vec::new();
    while plans.peek().is_some() {
        let chunk: Vec<(usize, Plan)> = plans.by_ref().take(most).collect();
        // Looked at right before every call: the switch acts at once.
        if engine.switch.is_paused() || engine.is_stopping() {
            break;
        }
        engine.reached("before_write");
        let outcomes = apply(link, sink, chunk, lane).await;
        engine.reached("after_write");
        for (at, outcome) in outcomes {
            let Some(job) = jobs.get_mut(at) else { continue };
            match outcome {
                Ok(read) => {
                    job.written = true;
                    if read.withdrawn {
                        job.again = Some(engine.clock.now());
                    }
                    applied.push((at, read));
                }
                Err(fault) => follow(engine, link, object, job, &fault),
            }
        }
    }
    record(engine, object, jobs, change, applied).await
}

/// Applies plans of one lane; a call that fails whole is halved until the bad one stands alone.
fn apply<'a>(
    link: &'a Link,
    sink: &'a Arc<dyn Sink>,
    mut plans: Vec<(usize, Plan)>,
    lane: Lane,
) -> BoxFuture<'a, Vec<(usize, Result<Applied, Fault>)>> {
    Box::pin(async move {
        let only: Vec<Plan> = plans.iter().map(|(_, plan)| plan.clone()).collect();
        match link.transport.run(sink.apply(&only, lane)).await {
            Ok(outcomes) if outcomes.len() == plans.len() => {
                plans.into_iter().map(|(at, _)| at).zip(outcomes).collect()
            }
            Ok(_) => {
                let fault = Fault::Protocol {
                    detail: "the answer names another number of records than written".to_owned(),
                };
                plans.into_iter().map(|(at, _)| (at, Err(fault.clone()))).collect()
            }
            Err(Fault::Refused { .. } | Fault::Protocol { .. } | Fault::Gone) if plans.len() > 1 => {
                let rest = plans.split_off(plans.len() / 2);
                let mut outcomes = apply(link, sink, plans, lane).await;
                outcomes.extend(apply(link, sink, rest, lane).await);
                outcomes
            }
            Err(fault) => plans.into_iter().map(|(at, _)| (at, Err(fault.clone()))).collect(),
        }
    })
}

/// What follows for one record whose write failed: read again now, read again later, or park.
fn follow(engine: &Engine, link: &Link, object: &Governed, job: &mut Job, fault: &Fault) {
    let now = engine.clock.now();
    let wait = match link.transport.policy(fault, job.attempt.saturating_add(1)) {
        Policy::RetryAfter(wait) => wait,
        Policy::RefreshAndReplay | Policy::ReadAgain | Policy::Void => Duration::ZERO,
        Policy::OpenCircuit { .. } => REST,
        Policy::Park | Policy::ParkAndAlert => {
            job.parked = Some(Parked {
                record: job.saved.state.id.subject.clone(),
                mapping: object.rules.get(job.rule).map(|rule| rule.mapping.mapping.clone()),
                kind: fault.kind().to_owned(),
                why: fault.to_string(),
                since: now,
                tries: 1,
                version: job.version.clone(),
                writes: Some(parked::writes(&job.plan)),
            });
            return;
        }
    };
    tracing::warn!(record = %job.plan.target, fault = fault.kind(), ?wait, "cannot write; the record is read again");
    // Zero would spin where the CRM never settles: every further attempt waits a little longer.
    let wait = wait.max(Duration::from_secs(u64::from(job.attempt.min(60))));
    job.again = Some(now.checked_add(wait).unwrap_or(Timestamp::MAX));
}

/// Logs what was read back.
async fn record(
    engine: &Engine,
    object: &Governed,
    jobs: &mut [Job],
    change: &mut Change,
    applied: Vec<(usize, Applied)>,
) -> Result<(), Fatal> {
    let mut confirmed = Vec::new();
    for (at, read) in applied {
        let Some(job) = jobs.get(at) else { continue };
        let Some(rule) = object.rules.get(job.rule) else { continue };
        let events = confirm(&job.saved.state.gates, &flags(&rule.mapping, &read.read_back));
        if !events.is_empty() {
            confirmed.push((at, events));
        }
    }
    log(engine, jobs, change, confirmed).await
}

/// Logs what became of writes.
async fn log(
    engine: &Engine,
    jobs: &mut [Job],
    change: &mut Change,
    became: Vec<(usize, Vec<Event>)>,
) -> Result<(), Fatal> {
    let now = engine.clock.now();
    let mut entries = Vec::new();
    for (at, events) in became {
        let Some(job) = jobs.get(at) else { continue };
        let entry = LogEntry::Confirmed { handoff: job.saved.state.id.clone(), at: now, events };
        match engine.journal.seal(&entry, job.saved.state.version) {
            Ok(sealed) => entries.push((at, entry, sealed)),
            Err(Refused::Fatal(fatal)) => return Err(fatal),
            Err(refused @ (Refused::Conflict | Refused::Erased | Refused::TooLarge(_))) => {
                tracing::error!(record = %job.plan.target, %refused, "a read-back cannot be logged");
            }
        }
    }
    let appends = entries
        .into_iter()
        .map(|(at, entry, sealed)| async move { (at, entry, engine.journal.append(sealed).await) });
    for (at, entry, outcome) in join_all(appends).await {
        let Some(job) = jobs.get_mut(at) else { continue };
        match outcome {
            Ok(position) => {
                let Some(saved) = fold(Some(job.saved.clone()), position, &entry) else { continue };
                let verdict = evaluate(&job.contract, &saved.state, now);
                engine.snapshots.note(change, &saved, &verdict, &[position])?;
                job.saved = saved;
            }
            Err(Refused::Fatal(fatal)) => return Err(fatal),
            // The next look at the record finds the flag as ordered and logs it then.
            Err(Refused::Conflict | Refused::Erased | Refused::TooLarge(_)) => job.again = Some(now),
        }
    }
    Ok(())
}

/// The flags among the fields that were read back.
fn flags(mapping: &Mapping, read_back: &BTreeMap<String, Value>) -> BTreeMap<GateName, FlagSeen> {
    let mut flags = BTreeMap::new();
    for (gate, write) in &mapping.write.gate {
        let Some(value) = read_back.get(&write.field) else { continue };
        let open = if same(value, &write.open) {
            Some(true)
        } else if same(value, &write.closed) {
            Some(false)
        } else {
            None
        };
        let clearance = write.clearance_id.as_ref().and_then(|field| read_back.get(field));
        let clearance =
            clearance.and_then(Value::as_str).filter(|id| !id.trim().is_empty()).map(str::to_owned);
        flags.insert(gate.clone(), FlagSeen { open, clearance, moved: None });
    }
    flags
}
