//! `handoffd test`, `handoffd self-assessment`, `handoffd rollout`.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Args, Subcommand};
use handoff_measure::assessment::{self, Answer, Assessment, Basis};
use handoff_measure::concrete::audit::{Audit, AuditKind, Verdict, audit};
use handoff_measure::concrete::tally::{BlindTally, verdict};
use handoff_measure::practice::Practice;
use handoff_measure::rollout::{self, Rollout, Standing};
use serde_json::json;

use super::archive::Archive;
use super::exit::{Exit, Failure};
use super::output::{Output, bad, good, plain};
use super::remote::Remote;
use crate::api::Standing as Numbers;
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, Loaded, load};
use crate::govern::governed;
use crate::practice::{Said, TestsView, tests};

/// Concrete tests.
#[derive(Debug, Args)]
pub(super) struct Test {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// All tests and how they went.
    List,
    /// Mandatory fields that were filled when the last deals were won; under 80 % exits 1.
    #[command(after_help = "Example:\n  handoffd test h03 --last 3")]
    H03(Back),
    /// Of the last resolved escalations, those whose loop the CSM closed in person; under 70 % exits 1.
    #[command(after_help = "Example:\n  handoffd test h05 --last 10")]
    H05(Back),
    /// Overrule how the answers of a test were scored; needs a running daemon and stands in the log.
    #[command(after_help = "Example:\n  handoffd test mark h01-0123abcd --passed --by olga@acme.example")]
    Mark {
        /// The test's id, as `test list` names it.
        test: String,
        /// The answers match after all; absent = they do not.
        #[arg(long)]
        passed: bool,
        /// Who says so.
        #[arg(long)]
        by: String,
    },
}

/// How far to look back.
#[derive(Debug, Args)]
struct Back {
    /// How many records; absent = 3 deals, 10 escalations.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    last: Option<u16>,
}

/// The log's practice, read without a daemon.
fn practice(config: &Config) -> Result<Practice, Failure> {
    let mut practice = Practice::default();
    Archive::open(config)?.read("reading the log", |position, entry| {
        if let Some(entry) = entry {
            practice.apply(position, &entry);
        }
        true
    })?;
    Ok(practice)
}

/// All that the log amounts to, read without a daemon; entries, and how many a signed head covers.
fn standing(config: &Config) -> Result<(Numbers, (u64, u64)), Failure> {
    let archive = Archive::open(config)?;
    let mut standing = Numbers::new(&config.scorecard);
    archive.read("reading the log", |position, entry| {
        if let Some(entry) = entry {
            standing.apply(position, &entry);
        }
        true
    })?;
    let (entries, signed, _) = archive.head();
    Ok((standing, (entries, signed)))
}

fn said(loaded: &Loaded) -> Result<Said, Failure> {
    let objects =
        governed(&loaded.config, &loaded.registry).map_err(|error| Failure::because(Exit::Config, &error))?;
    Ok(Said::of(&loaded.config, &objects))
}

pub(super) async fn test(path: &Path, wanted: Test, output: Output) -> Result<Exit, Failure> {
    let loaded = load(path)?;
    let remote = Remote::find(&loaded.config)?;
    match wanted.what {
        What::List => {
            let view: TestsView = match remote {
                Some(remote) => remote.get("api/v1/tests").await?,
                None => tests(&practice(&loaded.config)?),
            };
            show(output, &view, list);
            Ok(Exit::Ok)
        }
        What::H03(back) => automatic(&loaded, remote, AuditKind::H03, &back, output).await,
        What::H05(back) => automatic(&loaded, remote, AuditKind::H05, &back, output).await,
        What::Mark { test, passed, by } => {
            let Some(remote) = remote else {
                return Err(Failure::new(
                    Exit::Daemon,
                    "no daemon runs with this configuration: start it first",
                ));
            };
            if !test.chars().all(|each| each.is_ascii_alphanumeric() || each == '-') {
                return Err(Failure::new(Exit::Usage, "this is no id of a test: see `handoffd test list`"));
            }
            let body = json!({ "by": by, "passed": passed });
            let view: TestsView = remote.post(&format!("api/v1/tests/{test}/mark"), &body).await?;
            show(output, &view, list);
            Ok(Exit::Ok)
        }
    }
}

async fn automatic(
    loaded: &Loaded,
    remote: Option<Remote>,
    kind: AuditKind,
    back: &Back,
    output: Output,
) -> Result<Exit, Failure> {
    let last = back.last.map_or_else(|| kind.last(), usize::from);
    let audit = match remote {
        Some(remote) => remote.get(&format!("api/v1/tests/{}?last={last}", kind.as_str())).await?,
        None => audit(&practice(&loaded.config)?, kind, last),
    };
    show(output, &audit, |audit| looked(audit, true));
    Ok(match audit.verdict {
        Verdict::Passed | Verdict::NotMeasurable => Exit::Ok,
        Verdict::Failed => Exit::Findings,
    })
}

pub(super) async fn self_assessment(path: &Path, output: Output) -> Result<Exit, Failure> {
    let loaded = load(path)?;
    let made: Assessment = if let Some(remote) = Remote::find(&loaded.config)? {
        remote.get("api/v1/self-assessment").await?
    } else {
        let ((standing, log), now) = (standing(&loaded.config)?, SystemClock.now());
        assessment::assess(&standing.practice, &said(&loaded)?.inputs(&standing, log, now), now)
    };
    show(output, &made, assessed);
    Ok(Exit::Ok)
}

pub(super) async fn rollout(path: &Path, output: Output) -> Result<Exit, Failure> {
    let loaded = load(path)?;
    let made: Rollout = if let Some(remote) = Remote::find(&loaded.config)? {
        remote.get("api/v1/rollout").await?
    } else {
        let ((standing, _), now) = (standing(&loaded.config)?, SystemClock.now());
        rollout::rollout(&standing.practice, &said(&loaded)?.plan(&standing, now), now)
    };
    show(output, &made, rolled);
    Ok(Exit::Ok)
}

fn show<T: serde::Serialize>(output: Output, value: &T, words: impl FnOnce(&T) -> String) {
    if output.is_json() {
        output.json(value);
    } else {
        output.text(&words(value));
    }
}

fn list(view: &TestsView) -> String {
    let mut text: String = view.automatic.iter().map(|audit| looked(audit, false)).collect();
    for tally in &view.blind {
        text.push_str(&asked(tally));
    }
    text
}

fn looked(audit: &Audit, records: bool) -> String {
    let word = verdict(audit.verdict);
    let word = match audit.verdict {
        Verdict::Passed => good(word),
        Verdict::Failed => bad(word),
        Verdict::NotMeasurable => word.to_owned(),
    };
    let fewer = if audit.fewer && !audit.records.is_empty() {
        format!(", there are only {}", audit.records.len())
    } else {
        String::new()
    };
    let mut text = format!(
        "{}  {word}  {}: {} (target {} %), last {}{fewer}\n",
        audit.test,
        plain(&audit.counts),
        audit.share.words(),
        audit.threshold_percent,
        audit.last
    );
    for record in audit.records.iter().filter(|_| records) {
        let missing = if record.missing.is_empty() {
            String::new()
        } else {
            format!("  missing: {}", record.missing.join(", "))
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "  {}  {}  {}{}",
            record.at,
            plain(&record.stream),
            record.share.words(),
            plain(&missing)
        );
    }
    text
}

fn asked(tally: &BlindTally) -> String {
    let mut text = format!(
        "{}  passed {}, open {}, unanswered {}, withdrawn {}\n",
        tally.test,
        tally.passed.words(),
        tally.open,
        tally.unanswered,
        tally.withdrawn
    );
    for run in tally.runs.iter().take(20) {
        let outcome =
            run.outcome.clone().unwrap_or_else(|| format!("waits for {}", run.waits_for.join(" and ")));
        let _ = writeln!(
            text,
            "  {}  {}  {}  1 of {}  {outcome}{}",
            run.id,
            run.week,
            plain(&run.stream),
            run.population,
            if run.contradicts { ", began again" } else { "" }
        );
        for point in run.points.iter().filter(|point| !point.right) {
            let side = point.side.as_deref().map(|side| format!(" ({side})")).unwrap_or_default();
            let _ = writeln!(text, "    {}{side}: {}", point.question, point.why);
        }
    }
    text
}

fn assessed(made: &Assessment) -> String {
    let mut text = String::new();
    for row in &made.rows {
        let answer = match row.answer {
            Answer::Yes => good("yes"),
            Answer::No => bad("no"),
            Answer::Unknown => "unknown".to_owned(),
        };
        let basis = match row.basis {
            Basis::Measured => "measured",
            Basis::Declared => "declared",
            Basis::Unknown => "nobody can tell",
        };
        let contradicted = if row.contradicted { "; declared otherwise" } else { "" };
        let _ = writeln!(
            text,
            "{:>2}  {answer}  {} ({}, {basis}{contradicted})\n    {}\n    {}",
            row.number,
            row.question,
            row.about,
            plain(&row.evidence),
            row.link
        );
    }
    let _ = writeln!(text, "\n{} of 12 are no. Rebuild in this order:", made.noes);
    for (number, one) in (1..).zip(&made.priority) {
        let _ = writeln!(text, "{number:>2}  {}  no {}, unknown {}", one.about, one.noes, one.unknown);
    }
    text
}

fn rolled(made: &Rollout) -> String {
    let mut text = match made.week {
        Some(week) => format!("week {week} of the rollout; {}\n", made.phase),
        None => "the rollout has not begun\n".to_owned(),
    };
    for track in &made.tracks {
        let standing = match track.standing {
            Standing::Off => "off",
            Standing::Observed => "observed",
            Standing::Enforced => "enforced",
            Standing::Proven => "proven",
        };
        let focus = if made.focus.as_ref() == Some(&track.contract) { "  <- now" } else { "" };
        let _ = writeln!(text, "\n{}  {standing}, next: {}{focus}", plain(&track.contract), track.next);
        for condition in &track.conditions {
            let mark = if condition.met { good("met ") } else { bad("open") };
            let _ = writeln!(text, "  {mark}  {} ({})", condition.what, plain(&condition.evidence));
        }
        for window in &track.windows {
            let hours = window.median_hours.map_or_else(|| "-".to_owned(), |hours| format!("{hours} h"));
            let clean = if window.clean { "clean" } else { "not clean" };
            let _ = writeln!(
                text,
                "  {}  {clean}: completion {}, acceptance {}, median {hours}",
                window.week,
                window.completion.words(),
                window.acceptance.words()
            );
        }
    }
    for warning in &made.warnings {
        let _ = writeln!(text, "\n{}", bad(&plain(warning)));
    }
    text.push_str("\nthis week\n");
    for (number, todo) in (1..).zip(&made.this_week) {
        let _ = writeln!(text, "{number:>2}  {}", plain(todo));
    }
    text
}
