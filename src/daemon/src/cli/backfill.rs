//! `handoffd backfill`.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use handoff_core::extract::parse_timestamp;
use jiff::Timestamp;

use super::exit::{Exit, Failure};
use super::output::{Output, bad, plain};
use super::run::must_be_stopped;
use crate::app::{App, Options};
use crate::backfill::{BackfillError, Backfilled, Progress, Wanted, Watch};
use crate::clock::SystemClock;
use crate::config::load;
use crate::{failpoint, progress};

/// What of the past.
#[derive(Debug, Args)]
pub(super) struct Backfill {
    /// As if watching had begun then: a date (UTC) or a moment. Absent = with each record, as far back as the CRM tells.
    #[arg(long, value_parser = moment)]
    since: Option<Timestamp>,
    /// Go on where an earlier run was cut off.
    #[arg(long)]
    resume: bool,
}

fn moment(text: &str) -> Result<Timestamp, String> {
    parse_timestamp(text)
        .ok_or_else(|| "neither a date like 2025-11-01 nor a moment like 2025-11-01T08:00:00Z".to_owned())
}

pub(super) async fn backfill(path: &Path, asked: &Backfill, output: Output) -> Result<Exit, Failure> {
    let loaded = load(path)?;
    must_be_stopped(&loaded.config)?;
    let options =
        Options { failpoint: failpoint::from_environment(), autopilot: false, ..Options::default() };
    let wanted = Wanted { since: asked.since, resume: asked.resume };
    let clock = Arc::new(SystemClock);
    let told = App::backfill(loaded.config, loaded.registry, clock, options, wanted, watch()).await?;
    if output.is_json() {
        output.json(&told);
    } else {
        output.text(&render(&told));
    }
    Ok(if told.problems.is_empty() && told.refused == 0 { Exit::Ok } else { Exit::Findings })
}

/// A bar with the time that is left, one per object.
fn watch() -> Watch {
    let bar: Mutex<Option<(String, indicatif::ProgressBar)>> = Mutex::new(None);
    Arc::new(move |seen: &Progress| {
        let name = format!("{}/{}", seen.connection, seen.object);
        let mut bar = bar.lock().unwrap_or_else(PoisonError::into_inner);
        if bar.as_ref().is_none_or(|(shown, _)| *shown != name) {
            if let Some((_, ended)) = bar.take() {
                ended.finish_and_clear();
            }
            let fresh = progress::bar(seen.total.unwrap_or(0), "reading the past");
            *bar = Some((name.clone(), fresh));
        }
        if let Some((_, shown)) = bar.as_ref() {
            shown.set_length(seen.total.unwrap_or(seen.done));
            shown.set_position(seen.done);
            if Some(seen.done) == seen.total {
                shown.finish_and_clear();
            }
        }
        tracing::info!(object = name, done = seen.done, total = seen.total, "reading the past");
    })
}

fn render(told: &Backfilled) -> String {
    let mut text = format!(
        "{} records read; {} decisions of {} handoffs reconstructed; nothing was written to any CRM\n",
        told.records, told.decisions, told.handoffs
    );
    if told.watched > 0 {
        let _ = writeln!(text, "{} handoffs were watched already and are left as they are", told.watched);
    }
    if told.untold > 0 {
        let _ = writeln!(text, "{} records whose past the CRM does not tell", told.untold);
    }
    if told.refused > 0 {
        let _ = writeln!(text, "{} {} were erased or are too large for the log", bad("!"), told.refused);
    }
    if !told.unknown.is_empty() {
        text.push_str("\nfields that the CRM did not tell for some of these decisions\n");
    }
    for one in &told.unknown {
        let name = plain(&format!("{} / {}", one.contract, one.field));
        let _ = writeln!(text, "  {name}  {} decisions  unknown before {}", one.decisions, one.told_from);
    }
    for problem in &told.problems {
        let _ = writeln!(text, "{} {}", bad("not read:"), plain(problem));
    }
    text
}

impl From<BackfillError> for Failure {
    fn from(error: BackfillError) -> Self {
        match error {
            BackfillError::Start(error) => error.into(),
            BackfillError::Fatal(error) => error.into(),
            error @ BackfillError::Crm { .. } => Self::because(Exit::Crm, &error),
            error @ BackfillError::OtherSince { .. } => Self::because(Exit::Usage, &error),
        }
    }
}
