//! Every number of the scorecard, computed again from exported tables by a program that shares no code with handoffd.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod command;
mod planted;

use std::path::Path;

use handoff_core::journal::LogEntry;
use handoff_measure::export::Since;
use handoff_measure::worlds;
use handoffd::export::Format;
use handoffd_tests::recompute::{export, python, recompute};
use jiff::SignedDuration;

fn whole(log: &[LogEntry], out: &Path, format: Format) {
    export(log.iter().map(Some), out, format, Since::Position(0));
}

fn comes_out_again(log: &[LogEntry], format: Format, what: &str) {
    let Some(python) = python() else { return };
    let out = tempfile::tempdir().unwrap();
    whole(log, out.path(), format);
    let (agree, said) = recompute(python, out.path(), format);
    assert!(agree, "{what}: {said}");
    eprintln!("{what}: {}", said.trim());
}

#[test]
fn worlds_every_figure_comes_out_again_to_the_last_digit() {
    for (seed, handoffs, format) in [
        (1, 2_500, Format::Parquet),
        (2, 700, Format::Parquet),
        (3, 700, Format::Csv),
        (4, 40, Format::Csv),
        (7, 1_200, Format::Parquet),
        (8, 1, Format::Parquet),
    ] {
        comes_out_again(&worlds::log(seed, handoffs), format, &format!("seed {seed}"));
    }
}

#[test]
fn worlds_where_nobody_tells_of_accounts_and_nobody_listens_come_out_again() {
    for (seed, handoffs, format) in [(1, 700, Format::Parquet), (2, 200, Format::Csv)] {
        comes_out_again(&worlds::quiet(seed, handoffs), format, &format!("quiet seed {seed}"));
    }
}

#[test]
fn exports_one_after_the_other_are_as_good_as_one() {
    let Some(python) = python() else { return };
    let log = worlds::log(5, 300);
    let out = tempfile::tempdir().unwrap();
    let mut next = 0;
    for end in [log.len() / 5, log.len() / 2, log.len()] {
        next = export(log[..end].iter().map(Some), out.path(), Format::Parquet, Since::Position(next)).to;
    }
    let (agree, said) = recompute(python, out.path(), Format::Parquet);
    assert!(agree, "{said}");
}

/// The same log of people who take 50 days more to say whether a customer was asked again.
fn answered_late(log: Vec<LogEntry>) -> Vec<LogEntry> {
    let (mut late, mut rest): (Vec<LogEntry>, Vec<LogEntry>) =
        log.into_iter().partition(|entry| matches!(entry, LogEntry::ReaskAnswered { .. }));
    for entry in &mut late {
        let LogEntry::ReaskAnswered { at, .. } = entry else { continue };
        *at += SignedDuration::from_hours(50 * 24);
    }
    rest.append(&mut late);
    rest.sort_by_key(LogEntry::at);
    rest
}

/// Of what was said when a month was frozen, and of every restatement: made of what the log held then, and of nothing later.
#[test]
fn every_version_of_a_frozen_month_comes_out_again() {
    for (seed, handoffs, format) in [(11, 600, Format::Parquet), (12, 150, Format::Csv)] {
        let log = worlds::with_frozen_months(&answered_late(worlds::log(seed, handoffs)));
        let restated = |entry: &&LogEntry| {
            if let LogEntry::MetricsFrozen { version, .. } = entry { *version > 1 } else { false }
        };
        assert!(log.iter().any(|entry| restated(&entry)), "a month is restated");
        comes_out_again(&log, format, &format!("frozen months of seed {seed}"));
    }
}

/// The check itself is checked: figures of a shorter log, and a log with one event less, are both told apart.
#[test]
fn a_figure_that_is_not_of_this_log_is_found() {
    let Some(python) = python() else { return };
    let log = worlds::log(6, 200);
    let (good, bad) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    whole(&log, good.path(), Format::Csv);
    let decided = |entry: &LogEntry| {
        entry.handoff().is_some_and(|(_, events)| events.iter().any(|event| event.name() == "accepted"))
    };
    let last = log.iter().rposition(decided).unwrap();
    whole(&log[..last], bad.path(), Format::Csv);
    let file = |folder: &Path| {
        let found = std::fs::read_dir(folder.join("metrics")).unwrap().next().unwrap();
        found.unwrap().path()
    };
    std::fs::copy(file(bad.path()), file(good.path())).unwrap();
    let (agree, said) = recompute(python, good.path(), Format::Csv);
    assert!(!agree && said.contains("figure"), "{said}");
    assert!(!said.contains("cycle ("), "the cycles are as they were: {said}");
}
