//! `handoffd leak-audit` and `handoffd dossier`.

use std::path::{Path, PathBuf};

use clap::Args;
use handoff_measure::audit::{Audit, Question, audit};
use handoff_measure::metric::churn::MINIMUM;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::archive::Archive;
use super::exit::{Exit, Failure};
use super::output::{Output, good};
use super::remote::Remote;
use crate::api::Standing;
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Loaded, load};
use crate::report;

/// What the audit is asked.
#[derive(Debug, Args)]
pub(super) struct LeakAudit {
    /// Handoffs from this day or moment on, e.g. 2025-01-01; absent = all history.
    #[arg(long, value_parser = moment)]
    since: Option<Timestamp>,
    /// Write one self-contained HTML page into this file.
    #[arg(long)]
    html: Option<PathBuf>,
    /// Fewest accounts in each of two groups that are compared.
    #[arg(long, default_value_t = MINIMUM)]
    minimum: usize,
    /// Assumed share of ARR (percent) that still leaks after a repair.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=100))]
    target: u8,
}

/// Which account, and what is shown.
#[derive(Debug, Args)]
pub(super) struct Dossier {
    /// The account's id, alone or as `connection/id`.
    account: String,
    /// Write one self-contained HTML page into this file.
    #[arg(long)]
    html: Option<PathBuf>,
    /// Show what stood in the packages.
    #[arg(long)]
    values: bool,
}

/// A day or a moment.
fn moment(text: &str) -> Result<Timestamp, String> {
    let day = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let at = text.parse::<Timestamp>().ok().or_else(day);
    at.ok_or_else(|| "not a day like 2025-01-01 or a moment like 2025-01-01T00:00:00Z".to_owned())
}

fn folded(loaded: &Loaded) -> Result<(Archive, Standing), Failure> {
    let archive = Archive::open(&loaded.config)?;
    let mut standing = Standing::new(&loaded.config.scorecard);
    archive.read("reading the log", |position, entry| {
        if let Some(entry) = entry {
            standing.apply(position, &entry);
        }
        true
    })?;
    Ok((archive, standing))
}

pub(super) async fn leak_audit(path: &Path, asked: &LeakAudit, output: Output) -> Result<Exit, Failure> {
    let loaded = load(path)?;
    let audit: Audit = if let Some(remote) = Remote::find(&loaded.config)? {
        let since = asked.since.map(|since| format!("&since={since}")).unwrap_or_default();
        remote
            .get(&format!("api/v1/leak-audit?minimum={}&target={}{since}", asked.minimum, asked.target))
            .await?
    } else {
        let (_, standing) = folded(&loaded)?;
        let question = Question {
            since: asked.since,
            minimum: asked.minimum,
            target_percent: asked.target,
            ..Question::new(SystemClock.now())
        };
        audit(&standing.scorecard, standing.scorecard.accounts(), &question)
    };
    say(output, asked.html.as_deref(), &audit, report::audit::html, report::audit::text)?;
    Ok(Exit::Ok)
}

pub(super) async fn dossier(path: &Path, asked: &Dossier, output: Output) -> Result<Exit, Failure> {
    let loaded = load(path)?;
    let dossier: report::dossier::Dossier = if let Some(remote) = Remote::find(&loaded.config)? {
        let account = percent(&asked.account);
        remote.get(&format!("api/v1/dossier/{account}?values={}", asked.values)).await?
    } else {
        at_rest(&loaded, asked)?
    };
    say(output, asked.html.as_deref(), &dossier, report::dossier::html, report::dossier::text)?;
    Ok(Exit::Ok)
}

/// Text as part of an address; a slash stays one.
pub(super) fn percent(account: &str) -> String {
    let kept = |each: u8| each.is_ascii_alphanumeric() || b"-_./".contains(&each);
    let spelled = account
        .bytes()
        .map(|each| if kept(each) { char::from(each).to_string() } else { format!("%{each:02X}") });
    spelled.collect::<Vec<String>>().concat()
}

fn at_rest(loaded: &Loaded, asked: &Dossier) -> Result<report::dossier::Dossier, Failure> {
    let (archive, standing) = folded(loaded)?;
    let question = report::dossier::Question {
        account: asked.account.clone(),
        as_of: SystemClock.now(),
        values: asked.values,
    };
    let mut meant = question.meant(standing.scorecard.accounts());
    let (Some(key), true) = (meant.pop(), meant.is_empty()) else {
        let words = if meant.is_empty() {
            "no such account is known: give its id as the CRM knows it"
        } else {
            "several connections know this account: give connection/id"
        };
        return Err(Failure::new(Exit::Findings, words));
    };
    let mut assembly =
        report::dossier::Assembly::new(key, &question, standing.scorecard.accounts(), &standing.scorecard);
    archive.read("replaying the account", |position, entry| {
        if let Some(entry) = entry {
            assembly.apply(position, &entry);
        }
        true
    })?;
    Ok(assembly.finish())
}

/// Prints it, and writes its page where one is asked for.
fn say<T: serde::Serialize>(
    output: Output,
    page: Option<&Path>,
    report: &T,
    html: impl Fn(&T) -> String,
    text: impl Fn(&T) -> String,
) -> Result<(), Failure> {
    if let Some(path) = page {
        std::fs::write(path, html(report)).map_err(|error| {
            Failure::new(Exit::Usage, format!("{} cannot be written: {error}", path.display()))
        })?;
    }
    if output.is_json() {
        output.json(report);
    } else if let Some(path) = page {
        output.line(&format!("{} {}", good("written:"), path.display()));
    } else {
        output.text(&text(report));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_its_midnight_in_utc() {
        assert_eq!(moment("2025-01-01").unwrap(), moment("2025-01-01T00:00:00Z").unwrap());
        assert!(moment("soon").is_err());
        assert_eq!(percent("sf/001 ü?"), "sf/001%20%C3%BC%3F");
    }
}
