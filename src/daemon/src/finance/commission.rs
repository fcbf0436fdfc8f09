//! Statements of periods, and their closing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use handoff_core::digest::Digest;
use handoff_core::journal::LogEntry;
use handoff_measure::incentive::Rules;
use handoff_measure::ledger::{ExportError, Format, Ledger, Month, Standing, Statement};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use super::frozen::{self, FrozenError};
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::memory::{Change, blocking};

/// How long after its end a period can be closed: what was decided in its last moment is in the log by then.
const GRACE: SignedDuration = SignedDuration::from_mins(10);

/// How a period was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Closed {
    /// The month.
    pub period: String,
    /// Format → SHA-256 of the frozen file.
    #[schema(value_type = Object)]
    pub files: BTreeMap<String, Digest>,
    /// Log entries that the statement is made of.
    pub entries: u64,
    /// The quality weight in percent.
    #[schema(value_type = String)]
    pub weight_percent: Decimal,
    /// Which definition of quality its factors are made with: 1 = as measured, 2 = shrunk towards the mean, 3 = with re-discovery too.
    #[serde(default)]
    pub rules: u32,
    /// Position of the log entry that says so.
    pub position: u64,
    /// The signed checkpoint that covers the statement's entries.
    pub checkpoint: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// A period's statement, and how it was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Commission {
    /// The statement, as the log makes it now.
    pub statement: Statement,
    /// How it was closed; absent = it is not.
    pub closed: Option<Closed>,
}

/// Reads a log for one period.
#[derive(Debug)]
pub struct Gathering {
    period: Month,
    ledger: Ledger,
    over: bool,
    closed: Option<Closed>,
}

impl Gathering {
    /// Of this period.
    pub fn new(period: Month) -> Self {
        Self { period, ledger: Ledger::new(period), over: false, closed: None }
    }

    /// Takes the entry at this position, in log order, to the log's end; `None` = its record was erased.
    pub fn apply(&mut self, position: u64, entry: Option<&LogEntry>) {
        if !self.over {
            self.over = !self.ledger.apply(position, entry);
        }
        let Some(LogEntry::PeriodClosed {
            period,
            files,
            entries,
            weight_percent,
            rules,
            checkpoint,
            at,
            ..
        }) = entry
        else {
            return;
        };
        if *period == self.period.to_string() {
            self.closed.get_or_insert_with(|| Closed {
                period: period.clone(),
                files: files.clone(),
                entries: *entries,
                weight_percent: *weight_percent,
                rules: *rules,
                position,
                checkpoint: checkpoint.clone(),
                at: *at,
            });
        }
    }

    /// The statement; an open period's factors are made with `weight_percent`.
    pub fn finish(self, weight_percent: Decimal) -> Commission {
        let (standing, weight, rules) = match &self.closed {
            Some(closed) => (Standing::Closed, closed.weight_percent, Rules::numbered(closed.rules)),
            None => (Standing::Provisional, weight_percent, Rules::NEWEST),
        };
        Commission { statement: self.ledger.finish(standing, weight, rules), closed: self.closed }
    }
}

/// Why a period is not closed.
#[derive(Debug, Error)]
pub enum NotClosed {
    /// It is not over.
    #[error("{period} is not over: it can be closed from {from} on")]
    NotOver {
        /// The month.
        period: Month,
        /// When it can be closed.
        from: Timestamp,
    },
    /// It is closed.
    #[error("{period} was closed at {at}: what changed since is an adjustment in a later period")]
    AlreadyClosed {
        /// The month.
        period: Month,
        /// When it was closed.
        at: Timestamp,
    },
    /// It cannot be written.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// Its files cannot be kept.
    #[error(transparent)]
    Frozen(#[from] FrozenError),
    /// The store failed.
    #[error(transparent)]
    Fatal(#[from] Fatal),
}

/// The statement of a period.
pub(crate) async fn statement(
    engine: &Arc<Engine>,
    period: Month,
    weight_percent: Decimal,
) -> Result<Commission, Fatal> {
    let journal = Arc::clone(&engine.journal);
    blocking(move || {
        let mut gathering = Gathering::new(period);
        for record in journal.records(0)? {
            let record = record?;
            gathering.apply(record.position, journal.open(&record)?.as_ref());
        }
        Ok(gathering.finish(weight_percent))
    })
    .await
}

/// Freezes a period: its files are durable before the log says so.
pub(crate) async fn close(
    engine: &Arc<Engine>,
    period: Month,
    state_dir: PathBuf,
    weight_percent: Decimal,
    by: &str,
) -> Result<Closed, NotClosed> {
    let _alone = engine.finance.alone.lock().await;
    let now = engine.clock.now();
    let from = period.end().and_then(|end| end.checked_add(GRACE).ok()).unwrap_or(Timestamp::MAX);
    if now < from {
        return Err(NotClosed::NotOver { period, from });
    }
    let Commission { mut statement, closed } = statement(engine, period, weight_percent).await?;
    if let Some(closed) = closed {
        return Err(NotClosed::AlreadyClosed { period, at: closed.at });
    }
    statement.standing = Standing::Closed;
    let mut files = BTreeMap::new();
    for format in Format::ALL {
        files.insert(format.name().to_owned(), format.write(&statement)?);
    }
    let digests: BTreeMap<String, Digest> =
        files.iter().map(|(name, bytes)| (name.clone(), Digest::of_bytes(bytes))).collect();
    let name = period.to_string();
    let kept = blocking(move || Ok(frozen::keep(&state_dir, &name, &files))).await?;
    kept?;
    let signed = engine.journal.checkpoint(statement.entries.saturating_sub(1)).await?;
    let (size, checkpoint) = signed.map_or((0, String::new()), |signed| {
        (signed.size, String::from_utf8_lossy(&signed.note).into_owned())
    });
    let entry = LogEntry::PeriodClosed {
        period: period.to_string(),
        files: digests.clone(),
        entries: statement.entries,
        weight_percent,
        rules: Rules::NEWEST.number(),
        size,
        checkpoint: checkpoint.clone(),
        by: by.to_owned(),
        at: now,
    };
    let position = engine.append_own(entry, Change::default()).await?;
    engine.journal.checkpoint(position).await?;
    let (period, entries) = (period.to_string(), statement.entries);
    let rules = Rules::NEWEST.number();
    Ok(Closed { period, files: digests, entries, weight_percent, rules, position, checkpoint, at: now })
}
