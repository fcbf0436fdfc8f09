//! `handoffd export`: tables for a warehouse.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use handoff_measure::export::Since;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::archive::Archive;
use super::exit::{Exit, Failure};
use super::output::{Output, plain};
use super::remote::Remote;
use crate::api::model::LogPage;
use crate::config::load;
use crate::export::{Export, ExportError, Format, Manifest};

/// Which tables, from when on, and where to.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// How the tables are written.
    #[arg(long, value_enum, default_value_t = As::Parquet)]
    format: As,
    /// From this log position on, or from this date or moment on (UTC); `last` continues after the newest export in --out.
    #[arg(long, default_value = "0")]
    since: String,
    /// The folder for the files; made if it is not there.
    #[arg(long)]
    out: PathBuf,
    /// The moment up to which figures count; absent = that of the last log entry, so that the log alone decides the bytes.
    #[arg(long)]
    as_of: Option<Timestamp>,
}

/// How tables are written.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum As {
    /// Apache Parquet.
    Parquet,
    /// A table per file, RFC 4180.
    Csv,
    /// Apache Arrow's IPC file format.
    Arrow,
}

impl From<As> for Format {
    fn from(format: As) -> Self {
        match format {
            As::Parquet => Self::Parquet,
            As::Csv => Self::Csv,
            As::Arrow => Self::Arrow,
        }
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        Self::because(Exit::Findings, &error)
    }
}

pub(super) async fn export(path: &Path, asked: &Asked, output: Output) -> Result<Exit, Failure> {
    let loaded = load(path)?;
    let since = since(&asked.since, &asked.out)?;
    let remote = Remote::find(&loaded.config)?;
    let begin = || {
        let export = Export::begin(&asked.out, asked.format.into(), since);
        export.map(|export| export.with_minimum_n(loaded.config.scorecard.minimum_n.into()))
    };
    let manifest = if let Some(remote) = remote {
        let mut export = begin()?;
        follow(&remote, &mut export).await?;
        export.finish(asked.as_of)?
    } else {
        let archive = Archive::open(&loaded.config)?;
        let mut export = begin()?;
        let mut failed = None;
        archive.read("exporting the log", |position, entry| {
            failed = export.take(position, entry.as_ref()).err();
            failed.is_none()
        })?;
        if let Some(error) = failed {
            return Err(error.into());
        }
        export.finish(asked.as_of)?
    };
    tell(&manifest, &asked.out, output);
    Ok(Exit::Ok)
}

/// Asks the running daemon for its log, page by page, up to where it ended when this began.
async fn follow(remote: &Remote, export: &mut Export) -> Result<(), Failure> {
    let (mut next, mut head) = (0_u64, None);
    loop {
        let page: LogPage = remote.get(&format!("api/v1/log?from={next}")).await?;
        let head = *head.get_or_insert(page.head);
        if next >= head {
            return Ok(());
        }
        if page.entries.is_empty() {
            return Err(Failure::new(Exit::Daemon, "the running daemon does not tell the end of its log"));
        }
        for row in page.entries.into_iter().filter(|row| row.position < head) {
            export.take(row.position, row.entry.as_ref())?;
            next = row.position.saturating_add(1);
        }
    }
}

fn since(text: &str, out: &Path) -> Result<Since, Failure> {
    if text == "last" {
        let newest = Manifest::newest(out)?;
        return Ok(Since::Position(newest.map_or(0, |newest| newest.to)));
    }
    if let Ok(position) = text.parse() {
        return Ok(Since::Position(position));
    }
    let day = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|day| day.timestamp());
    let moment = text.parse::<Timestamp>().ok().or_else(day);
    let words =
        "--since is a log position, a date like 2026-10-01, a moment like 2026-10-01T08:00:00Z, or last";
    moment.map(Since::Moment).ok_or_else(|| Failure::new(Exit::Usage, words))
}

fn tell(manifest: &Manifest, out: &Path, output: Output) {
    if output.is_json() {
        output.json(manifest);
        return;
    }
    if manifest.tables.is_empty() {
        output.line(&format!("nothing was logged since position {}", manifest.from));
        return;
    }
    for (table, written) in &manifest.tables {
        let place = plain(&out.join(&written.file).display().to_string());
        output.line(&format!("{table:<14} {:>10} rows  {place}", written.rows));
    }
    output.line(&format!(
        "log positions {} to {}, figures as of {}; the next export: --since {}",
        manifest.from,
        manifest.to.saturating_sub(1),
        manifest.as_of,
        manifest.to
    ));
}
