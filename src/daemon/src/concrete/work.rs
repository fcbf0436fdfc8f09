//! The walk of a pass: draw what is due, read what was answered, score what is whole or too late.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use handoff_connector::TaskSeen;
use handoff_core::concrete::{
    Side, TestKind, TestOutcome, TestRun, TestScore, TestStep, question_id, test_id,
};
use handoff_core::extract::Directory as _;
use handoff_core::handoff::{Handoff, Phase};
use handoff_core::id::{ActorId, ConnectionId, HandoffId, PersonId};
use handoff_core::journal::LogEntry;
use handoff_core::observation::Actor;
use handoff_core::value::Value;
use handoff_measure::concrete::draw::{Week, draw};
use handoff_measure::concrete::score::{Sheet, score};
use handoff_measure::concrete::{ask, draw::delay};
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use crate::config::Tests;
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::journal::Refused;
use crate::memory::{Change, blocking};
use crate::reconcile;

/// Between passes.
const EVERY: Duration = Duration::from_mins(10);
/// How long after its week a week's handoffs are drawn: what was decided in its last moment is in the log by then.
const GRACE: SignedDuration = SignedDuration::from_mins(10);
/// Most tasks that are looked for at once.
const BATCH: usize = 100;

/// Starts the worker.
pub(crate) fn spawn(engine: &Arc<Engine>, tasks: &mut JoinSet<()>, autopilot: bool) {
    if engine.tests.settings.is_none() || !autopilot {
        return;
    }
    let engine = Arc::clone(engine);
    tasks.spawn(async move {
        while !engine.is_stopping() {
            if let Err(fatal) = pass(&engine).await {
                engine.fail(fatal);
                return;
            }
            tokio::select! {
                () = engine.clock.sleep(EVERY) => {}
                () = engine.stopped() => {}
            }
        }
    });
}

/// Everything that is due now.
pub(crate) async fn pass(engine: &Arc<Engine>) -> Result<(), Fatal> {
    let Some(settings) = engine.tests.settings.clone() else { return Ok(()) };
    let _alone = engine.tests.alone.lock().await;
    let now = engine.clock.now();
    for kind in &settings.ask {
        if let Some(week) = Week::asked_at(*kind, now) {
            draw_week(engine, &settings, *kind, &week, now).await?;
        }
    }
    for (id, run) in engine.tests.open_runs() {
        // A handoff that began again has nothing left to be asked about.
        if !engine.tests.owed(&run.handoff).is_empty() {
            offer(engine, &run.handoff).await?;
        }
        settle(engine, &id, run, now).await?;
    }
    Ok(())
}

/// Draws a week of one test, once.
async fn draw_week(
    engine: &Arc<Engine>,
    settings: &Tests,
    kind: TestKind,
    week: &Week,
    now: Timestamp,
) -> Result<(), Fatal> {
    let name = format!("{}/{}", kind.as_str(), week.name);
    let from = week.end.checked_add(delay(kind)).and_then(|end| end.checked_add(GRACE));
    if engine.tests.is_drawn(&name) || from.is_ok_and(|from| now < from) {
        return Ok(());
    }
    let (shared, of) = (Arc::clone(engine), week.clone());
    let population = blocking(move || population(&shared, kind, &of)).await?;
    let handoffs: Vec<HandoffId> = population.iter().map(|(handoff, _)| handoff.clone()).collect();
    let wanted = usize::try_from(settings.sample).unwrap_or(1);
    let (drawn, sample) = draw(kind, week, settings.seed, &handoffs, wanted);
    let known = engine.tests.drawn_for(kind, &week.name);
    let due = now
        .checked_add(SignedDuration::from_hours(i64::from(settings.answer_within_hours)))
        .unwrap_or(Timestamp::MAX);
    for handoff in sample {
        // What a crash cut off is taken up where it stood.
        if known.contains(&(handoff.stream(), handoff.cycle)) {
            continue;
        }
        let asked = population.iter().find(|(other, _)| *other == handoff).map(|(_, asked)| asked.clone());
        let test = test_id(kind, &week.name, &handoff);
        let step = TestStep::Drawn { draw: drawn.clone(), asked: asked.unwrap_or_default(), due };
        if keep(engine, &handoff, &test, step).await? {
            engine.reached("test_drawn");
            offer(engine, &handoff).await?;
        }
    }
    let mut change = Change::default();
    engine.tests.close_week(&name, &mut change);
    engine.memory.commit(change).await?;
    Ok(())
}

/// A handoff that can be drawn, with who would be asked.
type Candidate = (HandoffId, BTreeMap<Side, Actor>);

/// The handoffs of a week that somebody can be asked about. Blocks.
fn population(engine: &Engine, kind: TestKind, week: &Week) -> Result<Vec<Candidate>, Fatal> {
    let of_kind = engine.snapshots.list(|summary| {
        kind.is_for(summary.contract.id.as_str())
            && summary.last.time >= week.start
            && engine.tasks.is_on(&summary.handoff.subject.connection)
    });
    let mut found = Vec::new();
    for summary in of_kind {
        let Some(saved) = engine.snapshots.load_now(&summary.stream)? else { continue };
        let state = saved.state;
        let at = match (kind, state.phase) {
            // Who got the lead is asked, whether he has taken it yet or not.
            (TestKind::H01, Phase::Complete | Phase::Accepted) => state.completed,
            (TestKind::H02 | TestKind::H04 | TestKind::H06, Phase::Accepted) => {
                state.accepted.as_ref().map(|accepted| accepted.at)
            }
            (TestKind::H01, Phase::Draft | Phase::Rejected | Phase::Voided)
            | (
                TestKind::H02 | TestKind::H04 | TestKind::H06,
                Phase::Draft | Phase::Complete | Phase::Rejected | Phase::Voided,
            ) => None,
        };
        if let Some(asked) = at.filter(|at| week.holds(*at)).and_then(|_| asked(kind, &state)) {
            found.push((state.id, asked));
        }
    }
    Ok(found)
}

/// Who is asked; `None` = a side has nobody who can answer.
fn asked(kind: TestKind, state: &Handoff) -> Option<BTreeMap<Side, Actor>> {
    let of = |side: &Side| {
        let actor = match side {
            Side::Sender => state.sender.clone(),
            Side::Receiver => state.receiver.clone(),
        };
        actor.filter(|actor| actor.active && !actor.machine).map(|actor| (*side, actor))
    };
    kind.sides().iter().map(of).collect()
}

/// Appends a step and folds it. False = the record was erased meanwhile.
async fn keep(engine: &Engine, handoff: &HandoffId, test: &str, step: TestStep) -> Result<bool, Fatal> {
    let at = engine.clock.now();
    let entry = LogEntry::Test { handoff: handoff.clone(), test: test.to_owned(), step, at };
    let appended = match engine.journal.seal(&entry, 0) {
        Ok(sealed) => engine.journal.append(sealed).await,
        Err(refused) => Err(refused),
    };
    match appended {
        Ok(position) => {
            let mut change = Change::default();
            engine.tests.caught(position, &entry, &mut change);
            change.reflected.push(position);
            engine.memory.commit(change).await?;
            engine.activity.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Ok(true)
        }
        Err(Refused::Fatal(fatal)) => Err(fatal),
        Err(refused @ (Refused::Conflict | Refused::Erased | Refused::TooLarge(_))) => {
            tracing::warn!(test, %refused, "a step of a concrete test is not kept");
            Ok(false)
        }
    }
}

/// Lets the stage that writes tasks know what is owed now.
async fn offer(engine: &Arc<Engine>, handoff: &HandoffId) -> Result<(), Fatal> {
    let (shared, stream) = (Arc::clone(engine), handoff.stream());
    let owed = blocking(move || {
        let Some(saved) = shared.snapshots.load_now(&stream)? else { return Ok(None) };
        let evidence = shared.evidence.load_now(&stream)?;
        let contract = shared.contracts.get(&saved.state.contract);
        let owed = contract.map(|contract| {
            shared.tasks.owed(&shared, &contract, &saved.state, &evidence, shared.clock.now())
        });
        Ok(owed)
    })
    .await?;
    if let Some(owed) = owed {
        engine.tasks.look(&handoff.subject.connection, &handoff.stream(), owed);
    }
    Ok(())
}

/// Reads what one test's people wrote, and scores it when all have or their time is over.
async fn settle(engine: &Arc<Engine>, id: &str, run: TestRun, now: Timestamp) -> Result<(), Fatal> {
    let state = {
        let (shared, stream) = (Arc::clone(engine), run.handoff.stream());
        blocking(move || shared.snapshots.load_now(&stream)).await?.map(|saved| saved.state)
    };
    let Some(state) = state.filter(|state| still_stands(&run, state)) else {
        return conclude(engine, id, &run, only(TestOutcome::Withdrawn), None).await;
    };
    let late = now >= run.due;
    let Some(seen) = look(engine, &run, id).await else { return Ok(()) };
    for (side, task) in seen {
        // Who completed his task has answered; what stands there when the time is over counts as well.
        if task.open && !late {
            continue;
        }
        let answers = ask::answers(run.draw.kind, &run.handoff.subject.record.0, &task.text);
        if !answers.is_empty() {
            let step = TestStep::Answered { side, by: task.by, answers };
            keep(engine, &run.handoff, id, step).await?;
            engine.reached("test_answered");
        }
    }
    let Some(run) = engine.tests.run(id) else { return Ok(()) };
    if !run.waits_for().is_empty() {
        return if late {
            conclude(engine, id, &run, only(TestOutcome::Unanswered), None).await
        } else {
            Ok(())
        };
    }
    let answers = written(engine, &run).await?;
    let owner = owner(engine, &state).await;
    let Some(contract) = engine.contracts.get(&state.contract) else { return Ok(()) };
    let sheet = Sheet {
        kind: run.draw.kind,
        contract: &contract,
        package: &state.package,
        asked: &run.asked,
        owner: owner.as_ref(),
        answers: &answers,
    };
    let score = score(sheet);
    let contradicts = score.contradicts;
    conclude(engine, id, &run, score, None).await?;
    if contradicts {
        reconcile::now(engine, &run.handoff.subject).await?;
    }
    Ok(())
}

fn only(outcome: TestOutcome) -> TestScore {
    TestScore { outcome, points: Vec::new(), contradicts: false }
}

/// Whether the handoff is what it was when the test was drawn.
fn still_stands(run: &TestRun, state: &Handoff) -> bool {
    let phase = match run.draw.kind {
        TestKind::H01 => matches!(state.phase, Phase::Complete | Phase::Accepted),
        TestKind::H02 | TestKind::H04 | TestKind::H06 => state.phase == Phase::Accepted,
    };
    phase && state.id.cycle == run.handoff.cycle
}

async fn conclude(
    engine: &Arc<Engine>,
    id: &str,
    run: &TestRun,
    score: TestScore,
    by: Option<String>,
) -> Result<(), Fatal> {
    if keep(engine, &run.handoff, id, TestStep::Scored { score, by }).await? {
        engine.reached("test_scored");
        offer(engine, &run.handoff).await?;
    }
    Ok(())
}

/// The tasks of the sides that have not answered; `None` = the CRM cannot be asked now.
async fn look(engine: &Engine, run: &TestRun, id: &str) -> Option<Vec<(Side, TaskSeen)>> {
    let connection: &ConnectionId = &run.handoff.subject.connection;
    let link = engine.links.get(connection)?;
    let tasks = link.purpose.sink().and_then(|sink| sink.tasks())?;
    let key = engine.tasks.keys.get(connection)?;
    let sides: Vec<Side> = run.waits_for().into_iter().take(BATCH).collect();
    let ids: Vec<String> = sides.iter().map(|side| question_id(id, *side)).collect();
    if ids.is_empty() {
        return Some(Vec::new());
    }
    match link.transport.run(tasks.find(key, &ids)).await {
        Ok(found) => {
            Some(sides.into_iter().zip(found).filter_map(|(side, seen)| Some((side, seen?))).collect())
        }
        Err(fault) => {
            tracing::warn!(%connection, fault = fault.kind(), "cannot read the answers to concrete tests; later");
            None
        }
    }
}

/// What everybody wrote, from the log.
async fn written(
    engine: &Arc<Engine>,
    run: &TestRun,
) -> Result<BTreeMap<Side, BTreeMap<String, String>>, Fatal> {
    let (journal, positions) = (Arc::clone(&engine.journal), run.answered.clone());
    blocking(move || {
        let mut all = BTreeMap::new();
        for (side, position) in positions {
            let Some(record) = journal.records(position)?.next() else { continue };
            let entry = journal.open(&record?)?;
            if let Some(LogEntry::Test { step: TestStep::Answered { answers, .. }, .. }) = entry {
                all.insert(side, answers);
            }
        }
        Ok(all)
    })
    .await
}

/// The person that the package names as the relationship's owner, where the contract has one.
async fn owner(engine: &Engine, state: &Handoff) -> Option<PersonId> {
    let contract = engine.contracts.get(&state.contract)?;
    let (field, part) = contract.cross_motion.as_ref()?.owner.split();
    let value = &state.package.get(&field)?.get(&part)?.value;
    let Value::Person(id) = value else { return None };
    let link = engine.links.get(&state.id.subject.connection)?;
    let source = link.purpose.source()?;
    let (ids, nobody) = (BTreeSet::from([id.clone()]), BTreeMap::new());
    let met = link.directory.meet(source.as_ref(), &link.transport, ids, &nobody, engine.clock.now()).await;
    met.ok().map(|()| link.directory.actor(&ActorId(id.clone())).person)
}

/// A person overrules a result. What contradicted an acceptance is taken back by a pass; what is said to fail re-opens nothing by itself.
pub(crate) async fn mark(engine: &Arc<Engine>, test: &str, passed: bool, by: &str) -> Result<bool, Fatal> {
    let _alone = engine.tests.alone.lock().await;
    let Some(run) = engine.tests.run(test) else { return Ok(false) };
    let Some((_, score)) = run.scored.clone().filter(|(_, score)| !score.points.is_empty()) else {
        return Ok(false);
    };
    let outcome = if passed { TestOutcome::Passed } else { TestOutcome::Failed };
    let score = TestScore { outcome, contradicts: score.contradicts && !passed, ..score };
    conclude(engine, test, &run, score, Some(by.to_owned())).await?;
    Ok(true)
}
