//! `handoffd audit`: verify, replay, export.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use handoff_core::decide::{Case, decide};
use handoff_core::event::Event;
use handoff_core::handoff::Handoff;
use handoff_core::journal::LogEntry;
use handoff_store::tlog::{export, verify, verify_against_log};
use serde_json::json;

use super::archive::{Archive, Folded};
use super::exit::{Exit, Failure};
use super::output::{Output, bad, good, plain};
use super::run::must_be_stopped;
use crate::config::{Config, load};

/// Prove the log.
#[derive(Debug, Args)]
pub(super) struct Audit {
    #[command(subcommand)]
    what: What,
}

/// What to prove.
#[derive(Debug, Subcommand)]
enum What {
    /// Recompute the whole tree and compare it with the signed checkpoint; names the first place that does not fit.
    #[command(
        after_help = "Examples:\n  handoffd audit verify\n  handoffd audit verify --dir ./export --older ./checkpoint.last-month\n\nKeep checkpoints outside: an older one shows a rewritten or shortened log."
    )]
    Verify {
        /// The audit directory; absent = that of the configuration, compared with the log beside it.
        #[arg(long)]
        dir: Option<PathBuf>,
        /// The public key, or a file that holds it; absent = `vkey` in the directory.
        #[arg(long)]
        vkey: Option<String>,
        /// A checkpoint that was kept: the log must continue it.
        #[arg(long)]
        older: Option<PathBuf>,
    },
    /// Fold the log and make every decision again: each must come out as logged. The daemon must be stopped.
    Replay,
    /// Copy the audit directory as of its checkpoint, for an auditor who has nothing else.
    Export {
        /// A new directory.
        to: PathBuf,
        /// Also the sealed parts, encrypted as they are, so that their digests can be checked. The daemon must be stopped.
        #[arg(long)]
        sealed: bool,
    },
}

#[expect(clippy::unused_async, reason = "commands share one shape")]
pub(super) async fn audit(config: &Path, audit: Audit, output: Output) -> Result<Exit, Failure> {
    match audit.what {
        What::Verify { dir, vkey, older } => check(config, dir, vkey, older, output),
        What::Replay => replay(config, output),
        What::Export { to, sealed } => copy(config, &to, sealed, output),
    }
}

/// The public key as given, or as a file holds it.
fn key(given: Option<String>, dir: &Path) -> Result<String, Failure> {
    let path = match given {
        Some(text) if text.contains('+') => return Ok(text),
        Some(path) => PathBuf::from(path),
        None => dir.join("vkey"),
    };
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Failure::new(Exit::State, format!("the public key {} cannot be read: {error}", path.display()))
    })?;
    Ok(text.trim().to_owned())
}

fn check(
    config: &Path,
    dir: Option<PathBuf>,
    vkey: Option<String>,
    older: Option<PathBuf>,
    output: Output,
) -> Result<Exit, Failure> {
    let older = older.map(std::fs::read).transpose();
    let older = older.map_err(|error| {
        Failure::new(Exit::State, format!("the older checkpoint cannot be read: {error}"))
    })?;
    let verified = if let Some(dir) = dir {
        verify(&dir, &key(vkey, &dir)?, older.as_deref())
    } else {
        let state = load(config)?.config.state_dir;
        let dir = state.join("audit");
        verify_against_log(&dir, &key(vkey, &dir)?, older.as_deref(), &state.join("log"))
    };
    match verified {
        Ok(report) => {
            if output.is_json() {
                output.json(&json!({
                    "ok": true, "entries": report.checkpoint.size, "continues": report.continues, "sealed": report.sealed,
                }));
            } else {
                output.line(&format!(
                    "{}: {} entries lead to the signed root; {} sealed parts hashed again",
                    good("verified"),
                    report.checkpoint.size,
                    report.sealed
                ));
            }
            Ok(Exit::Ok)
        }
        Err(error) => {
            let failure = Failure::because(Exit::Findings, &error);
            if output.is_json() {
                output.json(&json!({"ok": false, "finding": failure.message}));
            } else {
                output.line(&format!("{}: {}", bad("NOT VERIFIED"), plain(&failure.message)));
            }
            Ok(Exit::Findings)
        }
    }
}

/// The first decision that does not come out as logged.
fn difference(folded: &Folded, entry: &LogEntry) -> Option<String> {
    let (states, decided) = if let LogEntry::Decided { handoff, contract, terms, at, seen, events } = entry {
        (&folded.states, (handoff, contract, terms, at, seen, events))
    } else if let LogEntry::Reconstructed { handoff, contract, terms, at, seen, events, .. } = entry {
        (&folded.past, (handoff, contract, terms, at, seen, events))
    } else {
        return None;
    };
    let (handoff, pin, terms, at, seen, events) = decided;
    let Some(contract) = folded.contracts.get(pin) else {
        return Some(format!(
            "contract {} version {} was not published before it was used",
            pin.id, pin.version
        ));
    };
    let before: Option<&Handoff> = states.get(&handoff.stream());
    let case = Case { contract, pin, motion: &handoff.motion, terms };
    let again = decide(case, before, seen, *at);
    if &again == events {
        return None;
    }
    let names = |events: &[Event]| events.iter().map(Event::name).collect::<Vec<_>>().join(", ");
    Some(format!("logged: {}; decided again: {}", names(events), names(&again)))
}

/// What came of making every decision again.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    /// Decisions made again.
    pub(crate) decisions: u64,
    /// Entries whose records were erased.
    pub(crate) erased: u64,
    /// The first difference: log position and words.
    pub(crate) difference: Option<(u64, String)>,
}

/// Folds the log and makes every decision again.
pub(crate) fn replayed(config: &Config) -> Result<Replayed, Failure> {
    must_be_stopped(config)?;
    let archive = Archive::open(config)?;
    let mut folded = Folded::default();
    let (mut decisions, mut erased) = (0_u64, 0_u64);
    let mut found: Option<(u64, String)> = None;
    archive.read("deciding again", |position, entry| {
        let Some(entry) = entry else {
            erased += 1;
            return true;
        };
        decisions += u64::from(matches!(entry, LogEntry::Decided { .. } | LogEntry::Reconstructed { .. }));
        found = difference(&folded, &entry).map(|words| (position, words));
        folded.apply(position, &entry);
        found.is_none()
    })?;
    Ok(Replayed { decisions, erased, difference: found })
}

fn replay(config: &Path, output: Output) -> Result<Exit, Failure> {
    let Replayed { decisions, erased, difference: found } = replayed(&load(config)?.config)?;
    if output.is_json() {
        output.json(&json!({
            "ok": found.is_none(), "decisions": decisions, "erased": erased,
            "difference": found.as_ref().map(|(position, words)| json!({"position": position, "words": words})),
        }));
    } else {
        match &found {
            None => output.line(&format!(
                "{}: {decisions} decisions made again, 0 differences; {erased} entries erased",
                good("replayed")
            )),
            Some((position, words)) => {
                output.line(&format!("{} at log entry {position}: {}", bad("DIFFERENT"), plain(words)));
            }
        }
    }
    Ok(if found.is_none() { Exit::Ok } else { Exit::Findings })
}

fn copy(config: &Path, to: &Path, sealed: bool, output: Output) -> Result<Exit, Failure> {
    let loaded = load(config)?;
    let dir = loaded.config.state_dir.join("audit");
    let vkey = key(None, &dir)?;
    if to.exists() {
        return Err(Failure::new(
            Exit::Usage,
            format!("{} is there already: name a new directory", to.display()),
        ));
    }
    let done = if sealed {
        must_be_stopped(&loaded.config)?;
        let (log, _) = handoff_store::log::Log::open(
            &loaded.config.state_dir.join("log"),
            handoff_store::log::LogOptions::default(),
        )
        .map_err(|error| Failure::because(Exit::State, &error))?;
        export(&dir, &vkey, to, Some(&log))
    } else {
        export(&dir, &vkey, to, None)
    };
    let checkpoint = done.map_err(|error| Failure::because(Exit::State, &error))?;
    if output.is_json() {
        output.json(&json!({"entries": checkpoint.size, "to": to}));
    } else {
        let place = to.display();
        output.line(&format!(
            "{} entries copied; verify them with: handoffd audit verify --dir {place}",
            checkpoint.size
        ));
    }
    Ok(Exit::Ok)
}
