//! The twelve questions of the self-assessment, answered from evidence where there is any: measured, declared, or unknown.
//!
//! What is measured counts. What cannot be measured is answered by what somebody declared in the configuration, and marked so; else it is unknown,
//! which is neither yes nor no. The no's are counted per handoff: that is the order in which to rebuild.

use std::collections::BTreeMap;

use handoff_core::concrete::{TestKind, TestOutcome};
use handoff_core::contract::Mode;
use handoff_core::id::FieldKey;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::concrete::audit::{AuditKind, Share, Verdict, audit};
use crate::practice::{Passage, Practice, Type};

mod questions;
#[cfg(test)]
mod tests;

/// What is looked back at.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(90 * 24);

/// A contract as it is governed now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GovernedNow {
    /// The strongest mode of its gates, over all connections.
    pub mode: Mode,
    /// The weakest of the pay gates' modes over all connections; `None` = it has no such gate.
    pub pay: Option<Mode>,
    /// Whether the text lets the sender accept.
    pub sender_may_accept: bool,
    /// Every gate that needs a receiver's word has a receiving role.
    pub has_receiver: bool,
}

/// What somebody declares about a question that nothing measures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Yes or no.
    pub yes: bool,
    /// Who says so.
    pub by: String,
    /// Why.
    pub because: String,
}

/// What the answers are made of beside [`Practice`].
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// By contract.
    pub governed: BTreeMap<String, GovernedNow>,
    /// By question.
    pub declared: BTreeMap<String, Declared>,
    /// Contract → accounts with a confirmed re-asked question, of accounts with an accepted handoff; absent = not measured.
    pub re_asked: BTreeMap<String, Share>,
    /// The last month whose numbers were frozen.
    pub month: Option<String>,
    /// Churned accounts whose handoff scored under 70 %, of churned accounts with a handoff; absent = not measured.
    pub leak_to_churn: Option<Share>,
    /// Log entries, and how many of them a signed head covers.
    pub log: Option<(u64, u64)>,
    /// The quality weight that is configured, in percent.
    pub weight_percent: Decimal,
    /// Contracts by ARR leaked, worst first; breaks ties of the rebuild order.
    pub leaks: Vec<String>,
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Yes.
    Yes,
    /// No.
    No,
    /// Nobody can tell.
    Unknown,
}

/// What an answer rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The log.
    Measured,
    /// Somebody's word in the configuration.
    Declared,
    /// Nothing.
    Unknown,
}

/// One question, answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AssessmentRow)]
pub struct Row {
    /// From 1 to 12.
    pub number: usize,
    /// Its key, as `[assessment.declared]` names it.
    pub key: String,
    /// `h01` to `h06`, `governance`, `measurement` or `incentives`.
    pub about: String,
    /// As it is asked.
    pub question: String,
    /// The answer.
    pub answer: Answer,
    /// What it rests on.
    pub basis: Basis,
    /// The evidence, in words.
    pub evidence: String,
    /// Where it can be looked at: a path of the API.
    pub link: String,
    /// Somebody declared otherwise than what is measured.
    pub contradicted: bool,
}

/// A place in the order of rebuilding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Priority {
    /// `h01` to `h06`, `governance`, `measurement` or `incentives`.
    pub about: String,
    /// No's.
    pub noes: usize,
    /// Unknowns.
    pub unknown: usize,
}

/// The assessment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Assessment {
    /// The moment up to which it counts.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
    /// Days that are looked back at.
    pub days: i64,
    /// The twelve.
    pub rows: Vec<Row>,
    /// No's.
    pub noes: usize,
    /// What to rebuild first: by no's, then by unknowns, then by ARR leaked where that is known, then in their own order. Without a no and an
    /// unknown it is left out.
    pub priority: Vec<Priority>,
}

/// What the log says to one question.
struct Measured {
    yes: bool,
    evidence: String,
}

fn said(yes: bool, evidence: String) -> Measured {
    Measured { yes, evidence }
}

/// The keys of the questions, in their order.
pub fn keys() -> impl Iterator<Item = &'static str> {
    questions::ALL.iter().map(|question| question.key)
}

/// Answers the twelve questions.
pub fn assess(practice: &Practice, inputs: &Inputs, as_of: Timestamp) -> Assessment {
    let since = as_of.checked_sub(WINDOW).unwrap_or(Timestamp::MIN);
    let case = Case { practice, inputs, since, as_of };
    let rows: Vec<Row> =
        (1..).zip(questions::ALL).map(|(number, question)| row(&case, number, question)).collect();
    let noes = rows.iter().filter(|row| row.answer == Answer::No).count();
    let priority = priority(&rows, &inputs.leaks);
    Assessment { as_of, days: WINDOW.as_hours() / 24, rows, noes, priority }
}

fn row(case: &Case<'_>, number: usize, question: &questions::Question) -> Row {
    let measured = (question.measure)(case);
    let declared = case.inputs.declared.get(question.key);
    let contradicted =
        measured.as_ref().zip(declared).is_some_and(|(measured, declared)| measured.yes != declared.yes);
    let yes_no = |yes: bool| if yes { Answer::Yes } else { Answer::No };
    let (answer, basis, evidence) = match (measured, declared) {
        (Some(measured), _) => (yes_no(measured.yes), Basis::Measured, measured.evidence),
        (None, Some(declared)) => {
            let evidence = format!("{} declares it: {}", declared.by, declared.because);
            (yes_no(declared.yes), Basis::Declared, evidence)
        }
        (None, None) => (Answer::Unknown, Basis::Unknown, question.unknown.to_owned()),
    };
    Row {
        number,
        key: question.key.to_owned(),
        about: question.about.to_owned(),
        question: question.words.to_owned(),
        answer,
        basis,
        evidence,
        link: question.link.to_owned(),
        contradicted,
    }
}

fn priority(rows: &[Row], leaks: &[String]) -> Vec<Priority> {
    let mut all: Vec<Priority> = Vec::new();
    for row in rows {
        let index = all.iter().position(|one| one.about == row.about).unwrap_or_else(|| {
            all.push(Priority { about: row.about.clone(), noes: 0, unknown: 0 });
            all.len() - 1
        });
        if let Some(one) = all.get_mut(index) {
            one.noes += usize::from(row.answer == Answer::No);
            one.unknown += usize::from(row.answer == Answer::Unknown);
        }
    }
    all.retain(|one| one.noes + one.unknown > 0);
    let leak = |about: &str| leaks.iter().position(|contract| is_of(contract, about)).unwrap_or(leaks.len());
    // The sort is stable: what is equal stays in its own order.
    all.sort_by(|left, right| {
        let by =
            |one: &Priority| (std::cmp::Reverse(one.noes), std::cmp::Reverse(one.unknown), leak(&one.about));
        by(left).cmp(&by(right))
    });
    all
}

/// Whether the contract is one of this handoff: its id is the name, or begins with it and a hyphen.
pub(crate) fn is_of(contract: &str, about: &str) -> bool {
    contract.strip_prefix(about).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// What a question is answered from.
struct Case<'a> {
    practice: &'a Practice,
    inputs: &'a Inputs,
    since: Timestamp,
    as_of: Timestamp,
}

impl<'a> Case<'a> {
    fn types(&self, about: &'static str) -> impl Iterator<Item = &'a Type> + use<'a> {
        self.practice.types.iter().filter(move |(contract, _)| is_of(contract, about)).map(|(_, of)| of)
    }

    fn governed(&self, about: &'static str) -> impl Iterator<Item = &'a GovernedNow> + use<'a> {
        self.inputs.governed.iter().filter(move |(contract, _)| is_of(contract, about)).map(|(_, now)| now)
    }

    fn is_recent(&self, at: Timestamp) -> bool {
        self.since <= at && at <= self.as_of
    }

    /// Transitions in the window with this field filled.
    fn filled(&self, about: &'static str, field: &str) -> Share {
        let key = FieldKey::from(field);
        let recent: Vec<&Passage> =
            self.types(about).flat_map(|of| &of.passed).filter(|one| self.is_recent(one.at)).collect();
        let filled = recent.iter().filter(|one| !one.missing.contains(&key)).count();
        Share::of(filled, recent.len())
    }

    fn recent(&self, about: &'static str, of: fn(&Type) -> &Vec<Timestamp>) -> usize {
        self.types(about).flat_map(of).filter(|at| self.is_recent(**at)).count()
    }

    /// Handoffs that began in the window and more than a week ago.
    fn opened_before_a_week(&self, about: &'static str) -> usize {
        let week_ago = self.as_of.checked_sub(SignedDuration::from_hours(7 * 24)).unwrap_or(Timestamp::MIN);
        let opened = self.types(about).flat_map(|of| &of.opened);
        opened.filter(|at| self.since <= **at && **at <= week_ago).count()
    }

    fn failed_tests(&self, kind: TestKind) -> (usize, usize) {
        let recent =
            self.practice.tests.values().filter(|run| run.draw.kind == kind && self.is_recent(run.drawn));
        let outcomes: Vec<TestOutcome> = recent.filter_map(crate::concrete::tally::counts).collect();
        let failed = outcomes.iter().filter(|outcome| **outcome == TestOutcome::Failed).count();
        (failed, outcomes.len())
    }

    fn audited(&self, kind: AuditKind) -> Option<(Verdict, Share)> {
        let audit = audit(self.practice, kind, kind.last());
        (audit.verdict != Verdict::NotMeasurable).then_some((audit.verdict, audit.share))
    }
}
