//! `handoffd backfill`.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use handoff_core::extract::parse_timestamp;
use jiff::{SignedDuration, Timestamp};

use super::exit::{Exit, Failure};
use super::output::{Output, bad, plain};
use super::run::must_be_stopped;
use crate::app::{App, Options};
use crate::backfill::{BackfillError, Backfilled, Progress, Wanted, Watch};
use crate::clock::{Clock as _, SystemClock};
use crate::config::load;
use crate::{failpoint, progress};

/// How often a line is printed where no terminal is.
const BETWEEN: SignedDuration = SignedDuration::from_secs(10);

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

/// How far one object has come, for whoever watches.
struct Shown {
    name: String,
    bar: indicatif::ProgressBar,
    began: Timestamp,
    from: u64,
    told: Timestamp,
}

/// A bar with the time that is left, one per object; where no terminal is, a line every now and then.
fn watch() -> Watch {
    let shown: Mutex<Option<Shown>> = Mutex::new(None);
    let terminal = std::io::stderr().is_terminal();
    Arc::new(move |seen: &Progress| {
        let now = SystemClock.now();
        let name = format!("{}/{}", seen.connection, seen.object);
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.as_ref().is_none_or(|shown| shown.name != name) {
            if let Some(ended) = shown.take() {
                ended.bar.finish_and_clear();
            }
            let bar = progress::bar(seen.total.unwrap_or(0), "reading the past");
            *shown = Some(Shown { name, bar, began: now, from: seen.done, told: Timestamp::MIN });
        }
        let Some(shown) = shown.as_mut() else { return };
        let over = Some(seen.done) == seen.total;
        shown.bar.set_length(seen.total.unwrap_or(seen.done));
        shown.bar.set_position(seen.done);
        if !terminal && (over || now.duration_since(shown.told) >= BETWEEN) {
            shown.told = now;
            let left = left(now.duration_since(shown.began), seen.done.saturating_sub(shown.from), seen);
            let words = spoken(&shown.name, seen, left);
            let _ = writeln!(std::io::stderr().lock(), "{words}");
        }
        if over {
            shown.bar.finish_and_clear();
        }
    })
}

/// Whole seconds that the rest takes at the pace so far; `None` = nobody can say.
fn left(elapsed: SignedDuration, read: u64, seen: &Progress) -> Option<i64> {
    let rest = i64::try_from(seen.total?.checked_sub(seen.done)?).ok()?;
    let read = i64::try_from(read).ok().filter(|read| *read > 0)?;
    elapsed.as_secs().checked_mul(rest).map(|seconds| seconds / read)
}

fn spoken(name: &str, seen: &Progress, left: Option<i64>) -> String {
    let of = seen.total.map_or_else(String::new, |total| format!(" of {total}"));
    let left = left.map_or_else(String::new, |seconds| format!(", about {seconds} s left"));
    plain(&format!("reading the past of {name}: {}{of} records{left}", seen.done))
}

fn render(told: &Backfilled) -> String {
    let mut text = format!(
        "{} records read; {} decisions of {} handoffs reconstructed; nothing was written to any CRM\n",
        told.records, told.decisions, told.handoffs
    );
    if told.facts > 0 {
        let _ = writeln!(text, "{} facts of accounts and answers to surveys read ([[facts]])", told.facts);
    }
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
        let from = one.told_from.strftime("%Y-%m-%d");
        let _ = writeln!(text, "  {name}  {} decisions; told from {from} at the latest", one.decisions);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(done: u64, total: Option<u64>) -> Progress {
        Progress { connection: "sf".into(), object: "Opportunity".into(), done, total }
    }

    #[test]
    fn the_time_that_is_left_follows_from_the_pace_so_far() {
        let seconds = SignedDuration::from_secs;
        assert_eq!(
            left(seconds(30), 100, &seen(300, Some(1_000))),
            Some(210),
            "200 were read before this run"
        );
        assert_eq!(left(seconds(30), 0, &seen(0, Some(1_000))), None);
        assert_eq!(left(seconds(30), 100, &seen(100, None)), None);
        let words = spoken("sf/Opportunity", &seen(300, Some(1_000)), Some(210));
        assert_eq!(words, "reading the past of sf/Opportunity: 300 of 1000 records, about 210 s left");
    }

    #[test]
    fn a_date_is_its_first_moment_and_nonsense_is_refused() {
        assert_eq!(moment("2025-11-01"), "2025-11-01T00:00:00Z".parse().map_err(|_| String::new()));
        assert!(moment("last year").is_err());
    }
}
