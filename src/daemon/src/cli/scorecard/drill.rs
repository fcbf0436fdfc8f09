//! From a figure to its records.

use std::fmt::Write as _;

use clap::ValueEnum;
use handoff_measure::drill::{Drill, Question, Record};
use handoff_measure::metric::{Metric, Slice};

use super::super::exit::{Exit, Failure};
use super::super::output::{Output, plain};
use super::super::why::span;
use super::{Cut, ask, tell};
use crate::config::Config;

/// Records that are listed at once.
const MOST: usize = 1_000;

/// Which figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Behind {
    /// Handoffs that moved on.
    Completion,
    /// Handoffs that were answered.
    Acceptance,
    /// Handoffs that were accepted.
    TimeToAcceptance,
}

impl Behind {
    fn metric(self) -> (Metric, &'static str) {
        match self {
            Self::Completion => (Metric::Completion, "completion"),
            Self::Acceptance => (Metric::Acceptance, "acceptance"),
            Self::TimeToAcceptance => (Metric::TimeToAcceptance, "time_to_acceptance"),
        }
    }
}

pub(super) async fn drill(
    config: &Config,
    cut: &Cut,
    behind: Behind,
    output: Output,
) -> Result<Exit, Failure> {
    let period = cut.period.as_deref().unwrap_or("all");
    let Some(slice) = Slice::named(period) else {
        return Err(Failure::new(Exit::Usage, "--period is written like 2026-10 or 2026-W07".to_owned()));
    };
    let contract = cut.contract.clone().unwrap_or_default();
    let plain = |text: &str| text.chars().all(|each| each.is_ascii_alphanumeric() || "-_.".contains(each));
    if ![contract.as_str(), cut.motion.as_deref().unwrap_or_default()].into_iter().all(plain) {
        return Err(Failure::new(Exit::Usage, "--contract or --motion is not a name".to_owned()));
    }
    let (metric, name) = behind.metric();
    let motion = cut.motion.as_ref().map_or_else(String::new, |motion| format!("&motion={motion}"));
    let path = format!(
        "api/v1/scorecard/records?contract={contract}{motion}&period={period}&metric={name}&limit={MOST}"
    );
    let question = Question {
        contract,
        motion: cut.motion.clone(),
        slice,
        metric: Some(metric),
        after: None,
        limit: MOST,
    };
    let found: Drill = ask(config, &path, |standing| standing.scorecard.drill(&question)).await?;
    Ok(tell(&found, |found| render(found, behind), output))
}

fn render(found: &Drill, behind: Behind) -> String {
    let mut text = String::new();
    for record in &found.records {
        let _ = writeln!(
            text,
            "{}  cycle {}  {}  log {}..{}",
            plain(&record.stream),
            record.cycle,
            words(record, behind),
            record.positions.0,
            record.positions.1
        );
    }
    let shown = if found.records.len() < found.n {
        format!(", {} shown", found.records.len())
    } else {
        String::new()
    };
    let _ = writeln!(text, "{} handoffs behind it{shown}", found.n);
    text
}

fn words(record: &Record, behind: Behind) -> String {
    match behind {
        Behind::Completion => {
            let score = record
                .score
                .map_or_else(String::new, |score| format!("{} of {} fields", score.filled, score.required));
            format!("{score}{}", if record.bypassed { ", passed by" } else { "" })
        }
        Behind::Acceptance => {
            let first =
                if record.first_pass == Some(true) { "accepted at first" } else { "not accepted at first" };
            let again = if record.rediscovered { ", re-discovered" } else { "" };
            format!("{first}{again}, {} rejections", record.rejections)
        }
        Behind::TimeToAcceptance => {
            record.waited_ms.map_or_else(|| "times that cannot be believed".to_owned(), span)
        }
    }
}
