//! Concrete tests that people answer without looking: what the log says of them, and the fold over it.
//!
//! A test is drawn at random for one handoff and asks one or both of its sides what the package says. Whom it asks does not see the package in
//! the task. The answers are words of a person: they are sealed with the record and stand in the log alone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::id::{ActorId, HandoffId};
use crate::observation::Actor;

/// Which test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TestKind {
    /// The SDR says the buying trigger in his own words.
    H01,
    /// The AE says pain, timeline and competition before the first call.
    H02,
    /// The CSM says, a month after acceptance, what is used most, which trainings were skipped and whose engagement dropped.
    H04,
    /// Both sides say, each for himself, who owns the relationship.
    H06,
}

impl TestKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::H01, Self::H02, Self::H04, Self::H06];

    /// Its name: the first three characters of the ids of its contracts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::H01 => "h01",
            Self::H02 => "h02",
            Self::H04 => "h04",
            Self::H06 => "h06",
        }
    }

    /// The sides that are asked.
    pub fn sides(self) -> &'static [Side] {
        match self {
            Self::H01 | Self::H02 | Self::H04 => &[Side::Receiver],
            Self::H06 => &[Side::Sender, Side::Receiver],
        }
    }

    /// Whether the contract is one that it tests: its id is the name, or begins with it and a hyphen.
    pub fn is_for(self, contract: &str) -> bool {
        contract.strip_prefix(self.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}

/// A side of a handoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Who handed over.
    Sender,
    /// Who took it.
    Receiver,
}

impl Side {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sender => "sender",
            Self::Receiver => "receiver",
        }
    }
}

/// How a test was drawn: enough to draw it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draw {
    /// Which test.
    pub kind: TestKind,
    /// The ISO week that the handoffs are of, e.g. `2026-W07`.
    pub week: String,
    /// The configuration's seed.
    pub seed: u64,
    /// Handoffs that it was drawn from.
    pub population: usize,
    /// Digest of their names in order: it shows that none was left out afterwards.
    pub drawn_from: Digest,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestOutcome {
    /// Every answer matches.
    Passed,
    /// An answer does not match.
    Failed,
    /// Nobody answered in time; counts for nothing.
    Unanswered,
    /// The handoff is not what it was when the test was drawn; counts for nothing.
    Withdrawn,
}

/// What an answer is held against, and how that went; never the words themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// The question's key, e.g. `pain`.
    pub question: String,
    /// Whose answer, where both sides are asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// Whether it matches.
    pub right: bool,
    /// Why, in words that tell nothing of either.
    pub why: String,
}

/// A test's result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestScore {
    /// How it ended.
    pub outcome: TestOutcome,
    /// Question by question.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<Point>,
    /// The answers contradict each other or what stands in the package, so that the handoff begins again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub contradicts: bool,
}

/// A test whose answers contradict what was accepted: the handoff's cycle that it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contradicted {
    /// The test.
    pub test: String,
    /// The cycle that was tested.
    pub cycle: u32,
}

/// One step of a test, as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum TestStep {
    /// It was drawn.
    Drawn {
        /// How.
        draw: Draw,
        /// Who is asked.
        asked: BTreeMap<Side, Actor>,
        /// Until when answers count.
        due: Timestamp,
    },
    /// Somebody answered.
    Answered {
        /// For which side.
        side: Side,
        /// Who completed the task, if the CRM tells it.
        by: Option<ActorId>,
        /// Question → his words.
        answers: BTreeMap<String, String>,
    },
    /// It was scored; a later score replaces an earlier one.
    Scored {
        /// The result.
        score: TestScore,
        /// Who overruled the rules; `None` = the rules' own result.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
}

impl TestStep {
    /// Its name in the log's header.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Drawn { .. } => "test_drawn",
            Self::Answered { .. } => "test_answered",
            Self::Scored { .. } => "test_scored",
        }
    }
}

/// One test: a fold over its steps. Holds no words of anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestRun {
    /// The handoff and the cycle that is tested.
    pub handoff: HandoffId,
    /// How it was drawn.
    pub draw: Draw,
    /// Who is asked.
    pub asked: BTreeMap<Side, Actor>,
    /// When it was drawn.
    pub drawn: Timestamp,
    /// Until when answers count.
    pub due: Timestamp,
    /// Side → where in the log its answer stands.
    #[serde(default)]
    pub answered: BTreeMap<Side, u64>,
    /// The result, and when it was found.
    #[serde(default)]
    pub scored: Option<(Timestamp, TestScore)>,
    /// Who overruled the rules.
    #[serde(default)]
    pub overruled: Option<String>,
}

impl TestRun {
    /// Folds one step at a log position; a step of a test that was never drawn is nothing.
    pub fn apply(
        before: Option<Self>,
        handoff: &HandoffId,
        position: u64,
        at: Timestamp,
        step: &TestStep,
    ) -> Option<Self> {
        match step {
            TestStep::Drawn { draw, asked, due } => before.or_else(|| {
                Some(Self {
                    handoff: handoff.clone(),
                    draw: draw.clone(),
                    asked: asked.clone(),
                    drawn: at,
                    due: *due,
                    answered: BTreeMap::new(),
                    scored: None,
                    overruled: None,
                })
            }),
            TestStep::Answered { side, .. } => before.map(|mut run| {
                run.answered.entry(*side).or_insert(position);
                run
            }),
            TestStep::Scored { score, by } => before.map(|mut run| {
                run.scored = Some((at, score.clone()));
                run.overruled.clone_from(by);
                run
            }),
        }
    }

    /// The sides whose answer is still waited for.
    pub fn waits_for(&self) -> BTreeSet<Side> {
        if self.scored.is_some() {
            return BTreeSet::new();
        }
        self.asked.keys().filter(|side| !self.answered.contains_key(side)).copied().collect()
    }

    /// The result.
    pub fn outcome(&self) -> Option<TestOutcome> {
        self.scored.as_ref().map(|(_, score)| score.outcome)
    }

    /// What the handoff's next decision has to know of it.
    pub fn contradiction(&self, test: &str) -> Option<Contradicted> {
        let (_, score) = self.scored.as_ref()?;
        score.contradicts.then(|| Contradicted { test: test.to_owned(), cycle: self.handoff.cycle })
    }
}

/// The id of a test: the same draw of the same cycle is the same test.
pub fn test_id(kind: TestKind, week: &str, handoff: &HandoffId) -> String {
    let digest = Digest::of(&("test", kind.as_str(), week, handoff.stream(), handoff.cycle));
    format!("{}-{}", kind.as_str(), digest.0.get(..24).unwrap_or_default())
}

/// The id of the task that asks one side: 64 characters at most.
pub fn question_id(test: &str, side: Side) -> String {
    format!("test-{}-{}", side.as_str(), test)
}

#[cfg(test)]
mod tests;
