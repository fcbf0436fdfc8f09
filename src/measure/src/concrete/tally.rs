//! What the tests that people answered amount to.

use std::collections::BTreeMap;

use handoff_core::concrete::{Point, Side, TestKind, TestOutcome, TestRun};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::audit::{Share, Verdict};

/// All tests of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlindTally {
    /// `h01`, `h02`, `h04` or `h06`.
    pub test: String,
    /// What it asks.
    pub questions: Vec<String>,
    /// Passed, of those that passed or failed. Those that nobody answered are not in it.
    pub passed: Share,
    /// Tests whose answer is waited for.
    pub open: usize,
    /// Tests that nobody answered in time.
    pub unanswered: usize,
    /// Tests of handoffs that were no longer what they were.
    pub withdrawn: usize,
    /// Newest first.
    pub runs: Vec<BlindRun>,
}

/// One test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlindRun {
    /// Its id.
    pub id: String,
    /// `contract/motion/connection/object/record`.
    pub stream: String,
    /// The cycle that is tested.
    pub cycle: u32,
    /// The ISO week that it was drawn of.
    pub week: String,
    /// The seed it was drawn by.
    pub seed: u64,
    /// Handoffs that it was drawn from.
    pub population: usize,
    /// SHA-256 of their names in order.
    pub drawn_from: String,
    /// When it was drawn.
    #[schema(value_type = String, format = DateTime)]
    pub drawn_at: Timestamp,
    /// Until when answers count.
    #[schema(value_type = String, format = DateTime)]
    pub due: Timestamp,
    /// Sides that have not answered: `sender`, `receiver`.
    pub waits_for: Vec<String>,
    /// `passed`, `failed`, `unanswered`, `withdrawn`; absent = it is open.
    pub outcome: Option<String>,
    /// Question by question.
    pub points: Vec<BlindPoint>,
    /// The answers contradict what was accepted, so that the handoff began again.
    pub contradicts: bool,
    /// Who overruled the rules; absent = nobody.
    pub overruled: Option<String>,
}

/// One answer, judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlindPoint {
    /// The question.
    pub question: String,
    /// Whose answer, where both sides are asked.
    pub side: Option<String>,
    /// Whether it matches the package.
    pub right: bool,
    /// Why, in words that tell nothing of either.
    pub why: String,
}

/// The name of an outcome.
pub fn outcome(outcome: TestOutcome) -> &'static str {
    match outcome {
        TestOutcome::Passed => "passed",
        TestOutcome::Failed => "failed",
        TestOutcome::Unanswered => "unanswered",
        TestOutcome::Withdrawn => "withdrawn",
    }
}

/// The tally of every kind, in their order.
pub fn tally(runs: &BTreeMap<String, TestRun>) -> Vec<BlindTally> {
    TestKind::ALL.iter().map(|kind| of_kind(*kind, runs)).collect()
}

fn of_kind(kind: TestKind, runs: &BTreeMap<String, TestRun>) -> BlindTally {
    let of: Vec<(&String, &TestRun)> = runs.iter().filter(|(_, run)| run.draw.kind == kind).collect();
    let count = |wanted| of.iter().filter(|(_, run)| run.outcome() == Some(wanted)).count();
    let (passed, failed) = (count(TestOutcome::Passed), count(TestOutcome::Failed));
    let mut all: Vec<BlindRun> = of.iter().map(|(id, run)| row(id, run)).collect();
    all.sort_by(|left, right| right.drawn_at.cmp(&left.drawn_at).then_with(|| left.id.cmp(&right.id)));
    BlindTally {
        test: kind.as_str().to_owned(),
        questions: super::ask::questions(kind).iter().map(|question| question.words.to_owned()).collect(),
        passed: Share::of(passed, passed + failed),
        open: of.iter().filter(|(_, run)| run.scored.is_none()).count(),
        unanswered: count(TestOutcome::Unanswered),
        withdrawn: count(TestOutcome::Withdrawn),
        runs: all,
    }
}

fn row(id: &str, run: &TestRun) -> BlindRun {
    let score = run.scored.as_ref().map(|(_, score)| score);
    let side = |side: Side| side.as_str().to_owned();
    let point = |point: &Point| BlindPoint {
        question: point.question.clone(),
        side: point.side.map(side),
        right: point.right,
        why: point.why.clone(),
    };
    BlindRun {
        id: id.to_owned(),
        stream: run.handoff.stream(),
        cycle: run.handoff.cycle,
        week: run.draw.week.clone(),
        seed: run.draw.seed,
        population: run.draw.population,
        drawn_from: run.draw.drawn_from.to_string(),
        drawn_at: run.drawn,
        due: run.due,
        waits_for: run.waits_for().into_iter().map(side).collect(),
        outcome: score.map(|score| outcome(score.outcome).to_owned()),
        points: score.into_iter().flat_map(|score| &score.points).map(point).collect(),
        contradicts: score.is_some_and(|score| score.contradicts),
        overruled: run.overruled.clone(),
    }
}

/// A verdict's name.
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::NotMeasurable => "not measurable",
    }
}

/// The outcome of a test that counts: passed or failed.
pub fn counts(run: &TestRun) -> Option<TestOutcome> {
    run.outcome().filter(|outcome| matches!(outcome, TestOutcome::Passed | TestOutcome::Failed))
}
