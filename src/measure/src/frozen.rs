//! Months that change no more: what was said of them stands in the log with its digest, and a restatement is a version of its own beside it.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::digest::Digest;
use handoff_core::journal::LogEntry;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::metric::{Metric, Slice};
use crate::period::Period;
use crate::report::{PROVISIONAL, Row, Shown, row};
use crate::scorecard::Scorecard;

/// Rows of more bytes do not fit into a log entry: their digest alone is kept.
const FITS: usize = 200_000;
/// Most words about one restatement.
const MOST: usize = 100;

/// One version of a frozen month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Frozen {
    /// The month, e.g. `2026-02`.
    pub period: String,
    /// The version, from 1.
    pub version: u32,
    /// SHA-256 of the JSON of its rows, as it stands in the log.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// It is made of so many entries from the beginning of the log.
    pub entries: u64,
    /// Position of the log entry that says so.
    pub position: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What is otherwise than in the version before, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
}

/// A frozen version and its rows.
#[derive(Debug, Clone, PartialEq)]
struct Kept {
    frozen: Frozen,
    rows: Vec<Row>,
}

/// What touched a frozen month since.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Touch {
    first: u64,
    last: u64,
    events: BTreeMap<&'static str, usize>,
}

/// All frozen months of a log.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct FrozenMonths {
    months: BTreeMap<Slice, Vec<Kept>>,
    seen: BTreeSet<Slice>,
    touched: BTreeMap<Slice, Touch>,
}

impl FrozenMonths {
    /// Notes that a number of the month that holds `at` changed.
    pub(crate) fn touch(&mut self, at: Timestamp, position: u64, why: &'static str) {
        let month = Slice::of(Period::Month, at);
        if !self.seen.contains(&month) {
            self.seen.insert(month);
        }
        if self.months.contains_key(&month) {
            let fresh = Touch { first: position, last: position, events: BTreeMap::new() };
            let touch = self.touched.entry(month).or_insert(fresh);
            touch.last = touch.last.max(position);
            *touch.events.entry(why).or_default() += 1;
        }
    }

    /// Takes up what the log says of a month.
    pub(crate) fn apply(&mut self, position: u64, entry: &LogEntry) {
        let LogEntry::MetricsFrozen { period, version, digest, rows, entries, changed, because, at } = entry
        else {
            return;
        };
        let Some(month @ Slice::Month(_)) = Slice::named(period) else { return };
        let frozen = Frozen {
            period: period.clone(),
            version: *version,
            digest: digest.clone(),
            entries: *entries,
            position,
            at: *at,
            changed: changed.clone(),
            because: because.clone(),
        };
        let rows = frozen_rows(rows);
        self.months.entry(month).or_default().push(Kept { frozen, rows });
        self.seen.insert(month);
        self.touched.remove(&month);
    }

    /// Every version, by month.
    pub(crate) fn versions(&self) -> impl Iterator<Item = &Frozen> {
        self.months.values().flatten().map(|kept| &kept.frozen)
    }

    /// The last month that is frozen, e.g. `2026-02`.
    pub(crate) fn last(&self) -> Option<String> {
        self.months.last_key_value().and_then(|(month, _)| month.name())
    }

    /// Puts frozen rows in the place of live ones.
    pub(crate) fn show(&self, rows: &mut Vec<Row>, shown: Shown) {
        for versions in self.months.values() {
            let named = |kept: &&Kept| shown == Shown::Version(kept.frozen.version);
            let Some(kept) = versions.iter().find(named).or(versions.last()) else { continue };
            if shown == Shown::Live || kept.rows.is_empty() {
                continue;
            }
            let (own, others): (Vec<Row>, Vec<Row>) =
                rows.drain(..).partition(|row| row.period.as_ref() == Some(&kept.frozen.period));
            *rows = others;
            rows.extend(kept.rows.iter().map(|row| told(row, &own, kept.frozen.version)));
        }
        rows.sort_by(|a, b| order(a).cmp(&order(b)));
    }
}

/// The rows as they stand in the log; none where they did not fit.
pub(crate) fn frozen_rows(text: &str) -> Vec<Row> {
    serde_json::from_str(text).unwrap_or_default()
}

/// What customers do later is not frozen: who left and what was answered stands in a frozen row as it is now.
fn is_frozen(metric: Metric) -> bool {
    match metric {
        Metric::Completion | Metric::Acceptance | Metric::TimeToAcceptance | Metric::ReDiscovery => true,
        Metric::NpsDelta | Metric::LeakToChurn => false,
    }
}

/// A frozen row as it is told, with what is not frozen of it from the live one.
fn told(frozen: &Row, live: &[Row], version: u32) -> Row {
    let live = live.iter().find(|row| (&row.contract, &row.motion) == (&frozen.contract, &frozen.motion));
    let mut row = Row { version: Some(version), ..frozen.clone() };
    row.figures.retain(|figure| is_frozen(figure.metric));
    let others = live.into_iter().flat_map(|row| &row.figures).filter(|figure| !is_frozen(figure.metric));
    row.figures.extend(others.cloned());
    row
}

/// By contract, motion, period; all periods last.
fn order(row: &Row) -> (&str, &str, bool, Option<&str>) {
    (&row.contract, &row.motion, row.period.is_none(), row.period.as_deref())
}

impl Scorecard {
    /// The last month whose numbers are frozen, e.g. `2026-02`; `None` = none is.
    pub fn last_frozen(&self) -> Option<String> {
        self.frozen.last()
    }

    /// What has to be appended so that every month that ended 30 days ago or earlier stands in the log as it is: its first version, or a
    /// restatement. Nothing is owed twice: once the entries are folded, this is empty.
    pub fn to_freeze(&self, now: Timestamp) -> Vec<LogEntry> {
        let months = self.frozen.seen.iter();
        months.filter_map(|month| self.freeze(*month, now)).collect()
    }

    fn freeze(&self, month: Slice, now: Timestamp) -> Option<LogEntry> {
        let end = month.end()?;
        // What lies before the log's beginning was reconstructed, and may be read again better.
        let watched = self.began.is_some_and(|began| began < end);
        if !watched || now.duration_since(end) < PROVISIONAL {
            return None;
        }
        let rows = self.month(month, end.checked_add(PROVISIONAL).ok()?);
        let last = self.frozen.months.get(&month).and_then(|versions| versions.last());
        let text = serde_json::to_string(&rows).ok()?;
        let digest = Digest::of_bytes(text.as_bytes());
        if last.is_some_and(|last| last.frozen.digest == digest) {
            return None;
        }
        let (version, changed, because) = match last {
            None => (1, Vec::new(), Vec::new()),
            Some(last) => {
                let changed = differences(&last.rows, &rows);
                (last.frozen.version.saturating_add(1), changed, self.because(month))
            }
        };
        Some(LogEntry::MetricsFrozen {
            period: month.name()?,
            version,
            digest,
            rows: if text.len() > FITS { String::new() } else { text },
            entries: self.next_position(),
            changed,
            because,
            at: now,
        })
    }

    /// All rows of a month, with what is frozen of them.
    fn month(&self, month: Slice, as_of: Timestamp) -> Vec<Row> {
        let rows = self.lines().filter_map(|line| row(self, line, month, as_of));
        let rows = rows.map(|mut row| {
            row.figures.retain(|figure| is_frozen(figure.metric));
            row
        });
        rows.collect()
    }

    fn because(&self, month: Slice) -> Vec<String> {
        let Some(touch) = self.frozen.touched.get(&month) else {
            return vec![
                "records were erased, or this version of handoffd counts otherwise than the one that froze it"
                    .to_owned(),
            ];
        };
        let events: Vec<String> =
            touch.events.iter().map(|(name, times)| format!("{name} ×{times}")).collect();
        vec![format!("logged since, at positions {} to {}: {}", touch.first, touch.last, events.join(", "))]
    }
}

/// What is otherwise, figure by figure.
fn differences(before: &[Row], after: &[Row]) -> Vec<String> {
    let key = |row: &Row| (row.contract.clone(), row.motion.clone());
    let keys: BTreeSet<(String, String)> = before.iter().chain(after).map(key).collect();
    let mut words = Vec::new();
    for known in &keys {
        let find = |rows: &'_ [Row]| rows.iter().position(|row| key(row) == *known);
        let (old, new) =
            (find(before).and_then(|at| before.get(at)), find(after).and_then(|at| after.get(at)));
        let figure = |row: Option<&Row>, metric| {
            let figure = row.and_then(|row| row.figure(metric));
            figure.map_or_else(|| "-".to_owned(), |figure| format!("{} (n {})", figure.words(), figure.n))
        };
        let name = format!("{} / {}", known.0, known.1);
        let mut told = false;
        for metric in Metric::ALL {
            let (was, is) = (figure(old, metric), figure(new, metric));
            if was != is {
                told = true;
                words.push(format!("{name} {}: {was} → {is}", metric.title()));
            }
        }
        if !told && old != new {
            words.push(format!("{name}: what is counted beside the six metrics"));
        }
    }
    words.truncate(MOST);
    words
}

#[cfg(test)]
mod tests;
