//! The walk of a pass: plan, order in the log, write, record what the CRM says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use handoff_connector::{Fault, Tasks};
use handoff_core::id::{ConnectionId, RecordId};
use handoff_core::obligation::Obligation;
use handoff_core::task::{Act, Step, TaskChange, TaskPlan, TaskWrite, plan};
use handoff_transport::Policy;
use jiff::Timestamp;
use tokio::task::JoinSet;

use super::keep::keep;
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::link::Link;
use crate::memory::{Change, blocking};

/// Most rounds of one pass: what is still open then is for the next.
const ROUNDS: u32 = 10;
/// Rest after a denial.
const REST: Duration = Duration::from_mins(5);
/// Most tasks in one call, however many the connector takes.
const MOST: usize = 200;

/// Starts the worker.
pub(crate) fn spawn(engine: &Arc<Engine>, tasks: &mut JoinSet<()>) {
    if engine.tasks.keys.is_empty() {
        return;
    }
    let engine = Arc::clone(engine);
    tasks.spawn(async move {
        let mut changed = engine.tasks.watch();
        while !engine.is_stopping() {
            changed.borrow_and_update();
            if let Err(fatal) = pass(&engine).await {
                engine.fail(fatal);
                return;
            }
            let wake = async {
                match engine.tasks.next() {
                    Some(at) => engine.clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = wake => {}
                _ = changed.changed() => {}
                () = engine.stopped() => {}
            }
        }
    });
}

/// Resolves when no task has to be written now.
pub(crate) async fn quiet(engine: &Engine) {
    let mut rested = engine.tasks.watch_rest();
    loop {
        rested.borrow_and_update();
        // Held while a pass is on its way.
        drop(engine.tasks.alone.lock().await);
        if engine.is_stopping() || engine.tasks.due(engine.clock.now()).is_empty() {
            return;
        }
        tokio::select! {
            _ = rested.changed() => {}
            () = engine.stopped() => {}
        }
    }
}

/// Takes up what a stop cut off: handoffs that nobody looks at any more, but whose tasks may stand open. All others come by the sweep.
pub(crate) async fn recover(engine: &Arc<Engine>) -> Result<(), Fatal> {
    let shared = Arc::clone(engine);
    let looked =
        blocking(move || {
            let mut streams: BTreeSet<(ConnectionId, String)> = BTreeSet::new();
            for (connection, state) in shared.tasks.states().iter() {
                let open = state.book.tasks.values().filter(|known| known.step != Step::Done);
                streams.extend(open.flat_map(|known| {
                    known.covers.values().map(|stream| (connection.clone(), stream.clone()))
                }));
            }
            let mut looked = Vec::new();
            for (connection, stream) in streams {
                let saved = shared.snapshots.load_now(&stream)?;
                let evidence = shared.evidence.load_now(&stream)?;
                let owed = saved.map(|saved| {
                    let contract = shared.contracts.get(&saved.state.contract);
                    contract.map(|contract| {
                        shared.tasks.owed(&shared, &contract, &saved.state, &evidence, shared.clock.now())
                    })
                });
                // What cannot be judged stays as it is; so does what a role owes whose holder is not looked up yet.
                let unknown = |owed: &Vec<_>| owed.iter().any(is_vacant);
                if let Some(owed) = owed.unwrap_or_else(|| Some(Vec::new())).filter(|owed| !unknown(owed)) {
                    looked.push((connection, stream, owed));
                }
            }
            Ok(looked)
        })
        .await?;
    for (connection, stream, owed) in looked {
        engine.tasks.take_up(&connection, &stream, owed);
    }
    engine.tasks.look_again();
    Ok(())
}

/// Whether it is owed by a role that nobody is known to hold.
pub(super) fn is_vacant(owed: &Obligation) -> bool {
    owed.role.is_some() && !owed.owner.active
}

/// Everything that can be written now is written.
async fn pass(engine: &Arc<Engine>) -> Result<(), Fatal> {
    let outcome = {
        let _alone = engine.tasks.alone.lock().await;
        let mut outcome = Ok(());
        for connection in engine.tasks.due(engine.clock.now()) {
            outcome = of_connection(engine, &connection).await;
            if outcome.is_err() {
                break;
            }
        }
        outcome
    };
    // Whoever waits for quiet looks again.
    if engine.tasks.due(engine.clock.now()).is_empty() {
        engine.tasks.rested();
    }
    outcome
}

async fn of_connection(engine: &Arc<Engine>, connection: &ConnectionId) -> Result<(), Fatal> {
    for _ in 0..ROUNDS {
        let Some((plan, asked)) = planned(engine, connection).await? else { return Ok(()) };
        if plan.writes.is_empty() {
            if plan.quiet_until.is_none()
                && let Some(state) = engine.tasks.states().get_mut(connection)
            {
                state.matches(&asked);
            }
            return Ok(());
        }
        let Some(link) = engine.links.get(connection) else { return Ok(()) };
        let Some(tasks) = link.purpose.sink().and_then(|sink| sink.tasks()) else { return Ok(()) };
        let Some(key) = engine.tasks.keys.get(connection) else { return Ok(()) };
        let most = tasks.spec().write_batch.clamp(1, MOST);
        for chunk in plan.writes.chunks(most) {
            // Looked at right before every call: the switch acts at once.
            if engine.switch.is_paused() || engine.is_stopping() {
                return Ok(());
            }
            if let Err(fault) = write(engine, link, tasks, key, chunk).await? {
                later(engine, link, &fault);
                return Ok(());
            }
        }
        let mut states = engine.tasks.states();
        if let Some(state) = states.get_mut(connection) {
            state.failed = 0;
        }
    }
    tracing::warn!(%connection, "tasks do not settle; later");
    if let Some(state) = engine.tasks.states().get_mut(connection) {
        state.again = engine.clock.now().checked_add(REST).ok();
    }
    Ok(())
}

/// A plan, and the changes that it was made after.
type Planned = (TaskPlan, BTreeMap<String, u64>);

/// What to write now; `None` = nothing may be written.
async fn planned(engine: &Engine, connection: &ConnectionId) -> Result<Option<Planned>, Fatal> {
    let Some(rules) = &engine.tasks.rules else { return Ok(None) };
    let now = engine.clock.now();
    let (plan, asked, forgotten) = {
        let mut states = engine.tasks.states();
        let Some(state) = states.get_mut(connection) else { return Ok(None) };
        state.dirty = false;
        let forgotten = state.book.forget(rules.zone.to_datetime(now).date());
        let asked = state.touched.clone();
        let plan = plan(rules, &state.book, &state.in_question(), now);
        state.waiting.clone_from(&plan.waiting);
        state.again = plan.look_again_at.filter(|again| *again > now);
        // What owes nothing and has no task is forgotten.
        let covered: BTreeSet<&String> =
            state.book.tasks.values().flat_map(|known| known.covers.values()).collect();
        state.owed.retain(|stream, owed| !owed.is_empty() || covered.contains(stream));
        (plan, asked, forgotten)
    };
    if !forgotten.is_empty() {
        let mut change = Change::default();
        for id in forgotten {
            change.batch.delete(super::desk::row(connection, &id));
        }
        engine.memory.commit(change).await?;
    }
    Ok(Some((plan, asked)).filter(|_| !engine.switch.is_paused()))
}

/// One call: orders in the log, the call, outcomes in the log.
async fn write(
    engine: &Engine,
    link: &Link,
    tasks: &dyn Tasks,
    key: &str,
    writes: &[TaskWrite],
) -> Result<Result<(), Fault>, Fatal> {
    let orders = {
        let states = engine.tasks.states();
        let book = states.get(&link.id).map(|state| &state.book);
        let order = |write: &TaskWrite| Some((book?.order(write)?, write.covers.clone()));
        writes.iter().filter_map(order).collect::<Vec<_>>()
    };
    let lost = keep(engine, &link.id, orders).await?;
    forget(engine, &link.id, writes, &lost);
    engine.reached("task_ordered");
    let mut writes: Vec<TaskWrite> =
        writes.iter().filter(|write| !lost.contains(&write.id)).cloned().collect();
    if let Err(fault) = resolve(link, tasks, key, &mut writes).await {
        return Ok(Err(fault));
    }
    let outcomes = if writes.is_empty() {
        Vec::new()
    } else {
        match link.transport.run(tasks.put(key, &writes)).await {
            Ok(outcomes) if outcomes.len() == writes.len() => outcomes,
            Ok(_) => {
                let detail = "the answer names another number of tasks than written".to_owned();
                return Ok(Err(Fault::Protocol { detail }));
            }
            Err(fault) => return Ok(Err(fault)),
        }
    };
    engine.reached("task_written");
    let mut became = Vec::new();
    let mut again = None;
    for (write, outcome) in writes.iter().zip(outcomes) {
        match became_of(write, outcome) {
            Ok(change) => became.push((change, write.covers.clone())),
            Err(fault) => again = Some(fault),
        }
    }
    count(engine, &link.id, &writes, &became);
    keep(engine, &link.id, became).await?;
    engine.activity.fetch_add(1, Ordering::SeqCst);
    Ok(again.map_or(Ok(()), Err))
}

/// What is to be changed or closed and has no id of the CRM's is looked for: its order may have been carried out.
async fn resolve(link: &Link, tasks: &dyn Tasks, key: &str, writes: &mut [TaskWrite]) -> Result<(), Fault> {
    let nameless = |write: &&mut TaskWrite| write.task.is_none() && !matches!(write.act, Act::Open(_));
    let ids: Vec<String> = writes.iter_mut().filter(nameless).map(|write| write.id.clone()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let found = link.transport.run(tasks.find(key, &ids)).await?;
    let found: BTreeMap<String, RecordId> =
        ids.into_iter().zip(found).filter_map(|(id, seen)| Some((id, seen?.record))).collect();
    for write in writes.iter_mut().filter(nameless) {
        write.task = found.get(&write.id).cloned();
    }
    Ok(())
}

fn became_of(write: &TaskWrite, outcome: Result<RecordId, Fault>) -> Result<TaskChange, Fault> {
    let id = write.id.clone();
    match outcome {
        Ok(record) => Ok(TaskChange::Written { id, record }),
        Err(Fault::Gone) => Ok(TaskChange::Gone { id }),
        Err(fault @ (Fault::Refused { .. } | Fault::Protocol { .. } | Fault::Denied { .. })) => {
            Ok(TaskChange::Refused { id, why: fault.to_string() })
        }
        Err(fault @ (Fault::Transient { .. } | Fault::Throttled { .. } | Fault::Expired | Fault::Stale)) => {
            Err(fault)
        }
    }
}

fn count(
    engine: &Engine,
    connection: &ConnectionId,
    writes: &[TaskWrite],
    became: &[(TaskChange, BTreeMap<String, String>)],
) {
    let mut states = engine.tasks.states();
    let Some(state) = states.get_mut(connection) else { return };
    for (change, _) in became {
        let act = writes.iter().find(|write| write.id == change.id()).map(|write| &write.act);
        let counts = &mut state.counts;
        let counter = match (change, act) {
            (TaskChange::Refused { .. }, _) => &mut counts.refused,
            (TaskChange::Written { .. }, Some(Act::Open(_))) => &mut counts.created,
            (TaskChange::Written { .. }, Some(Act::Change(_))) => &mut counts.changed,
            (TaskChange::Written { .. } | TaskChange::Gone { .. }, Some(Act::Close)) => &mut counts.closed,
            (TaskChange::Written { .. }, None)
            | (TaskChange::Gone { .. }, Some(Act::Open(_) | Act::Change(_)) | None)
            | (
                TaskChange::Ordered { .. } | TaskChange::Reworded { .. } | TaskChange::Closing { .. },
                Some(_) | None,
            ) => continue,
        };
        *counter = counter.saturating_add(1);
    }
}

/// What cannot be kept is not owed as far as tasks go: its record was erased.
fn forget(engine: &Engine, connection: &ConnectionId, writes: &[TaskWrite], lost: &[String]) {
    if lost.is_empty() {
        return;
    }
    let mut states = engine.tasks.states();
    let Some(state) = states.get_mut(connection) else { return };
    for write in writes.iter().filter(|write| lost.contains(&write.id)) {
        for stream in write.covers.values() {
            state.owed.remove(stream);
        }
    }
}

/// Looks again when the fault allows it.
fn later(engine: &Engine, link: &Link, fault: &Fault) {
    let mut states = engine.tasks.states();
    let Some(state) = states.get_mut(&link.id) else { return };
    state.failed = state.failed.saturating_add(1);
    let wait = match link.transport.policy(fault, state.failed) {
        Policy::RetryAfter(wait) => wait,
        Policy::RefreshAndReplay | Policy::ReadAgain | Policy::Void => Duration::from_secs(5),
        Policy::OpenCircuit { .. } | Policy::Park | Policy::ParkAndAlert => REST,
    };
    // Every further attempt waits a little longer.
    let wait = wait.max(Duration::from_secs(u64::from(state.failed.min(60))));
    let at = engine.clock.now().checked_add(wait).unwrap_or(Timestamp::MAX);
    state.again = Some(state.again.map_or(at, |again| again.min(at)));
    tracing::warn!(connection = %link.id, fault = fault.kind(), ?wait, "cannot write tasks; later");
}
