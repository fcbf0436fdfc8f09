use super::*;
use crate::sample::{answered, at};

fn card(entries: &[LogEntry]) -> Scorecard {
    let mut card = Scorecard::new();
    for entry in entries {
        card.apply(entry);
    }
    card
}

fn february() -> Vec<LogEntry> {
    vec![
        answered("1", "2026-02-03T08:00:00Z", 5, ("ava", "rita"), true),
        answered("2", "2026-02-04T08:00:00Z", 7, ("ava", "rita"), false),
    ]
}

/// The versions, digests and rows that a report shows of a month.
fn shown(card: &Scorecard, shown: Shown) -> Vec<(Option<u32>, usize)> {
    let report = card.report_of(Period::Month, at("2026-06-01T00:00:00Z"), shown);
    let rows = report.rows.iter().filter(|row| row.period.as_deref() == Some("2026-02"));
    rows.map(|row| (row.version, row.acceptance.n)).collect()
}

#[test]
fn a_month_freezes_thirty_days_after_its_end_once_with_the_digest_of_what_is_shown() {
    let mut card = card(&february());
    assert!(card.to_freeze(at("2026-03-30T23:59:59Z")).is_empty());
    let owed = card.to_freeze(at("2026-03-31T00:00:00Z"));
    let [LogEntry::MetricsFrozen { period, version, digest, rows, entries, changed, because, .. }] =
        &owed[..]
    else {
        panic!("one month: {owed:?}")
    };
    assert_eq!((period.as_str(), *version, *entries), ("2026-02", 1, 2));
    assert_eq!(*digest, Digest::of_bytes(rows.as_bytes()));
    assert!(changed.is_empty() && because.is_empty());
    card.apply(&owed[0]);
    assert!(card.to_freeze(at("2026-12-01T00:00:00Z")).is_empty(), "nothing is owed twice");
    assert_eq!(shown(&card, Shown::Newest), [(Some(1), 2)]);
}

#[test]
fn what_is_asked_for_late_is_frozen_as_it_would_have_been_in_time() {
    let card = card(&february());
    let (LogEntry::MetricsFrozen { digest: early, .. }, LogEntry::MetricsFrozen { digest: late, .. }) =
        (&card.to_freeze(at("2026-03-31T00:00:00Z"))[0], &card.to_freeze(at("2027-03-31T00:00:00Z"))[0])
    else {
        panic!("frozen")
    };
    assert_eq!(early, late);
}

#[test]
fn a_late_claim_restates_visibly_with_what_changed_and_why_and_old_versions_stay() {
    let mut card = card(&february());
    card.apply(&card.to_freeze(at("2026-04-01T00:00:00Z"))[0].clone());
    card.apply(&answered("3", "2026-02-20T08:00:00Z", 9, ("ava", "rita"), true));
    assert_eq!(shown(&card, Shown::Newest), [(Some(1), 2)], "a frozen month does not move by itself");
    assert_eq!(shown(&card, Shown::Live), [(None, 3)]);
    let owed = card.to_freeze(at("2026-04-02T00:00:00Z"));
    let [LogEntry::MetricsFrozen { version, changed, because, entries, .. }] = &owed[..] else {
        panic!("one restatement: {owed:?}")
    };
    assert_eq!((*version, *entries), (2, 4));
    let line = "h03-ae-to-onboarding / main receiver acceptance: 50 % (n 2) → 66.67 % (n 3)";
    assert!(changed.iter().any(|words| words == line), "{changed:?}");
    assert_eq!(because.len(), 1);
    assert!(
        because[0].starts_with("logged since, at positions 3 to 3: ") && because[0].contains("accepted"),
        "{because:?}"
    );
    card.apply(&owed[0]);
    assert!(card.to_freeze(at("2026-04-03T00:00:00Z")).is_empty());
    assert_eq!(shown(&card, Shown::Newest), [(Some(2), 3)]);
    assert_eq!(shown(&card, Shown::Version(1)), [(Some(1), 2)]);
    let report = card.report(Period::Month, at("2026-06-01T00:00:00Z"));
    let versions: Vec<(u32, u64)> = report.frozen.iter().map(|each| (each.version, each.position)).collect();
    assert_eq!(versions, [(1, 2), (2, 4)]);
}

#[test]
fn erased_records_restate_and_say_so() {
    let all = february();
    let frozen = card(&all).to_freeze(at("2026-04-01T00:00:00Z"))[0].clone();
    // After a restart the log no longer tells of the erased record.
    let mut again = Scorecard::new();
    again.apply_at(0, &all[0]);
    again.apply_at(2, &frozen);
    let owed = again.to_freeze(at("2026-05-01T00:00:00Z"));
    let [LogEntry::MetricsFrozen { version: 2, because, .. }] = &owed[..] else { panic!("{owed:?}") };
    assert!(because[0].starts_with("records were erased"), "{because:?}");
}

#[test]
fn a_week_is_never_frozen_and_the_running_month_is_live() {
    let mut card = card(&february());
    card.apply(&card.to_freeze(at("2026-04-01T00:00:00Z"))[0].clone());
    let weeks = card.report(Period::Week, at("2026-06-01T00:00:00Z"));
    assert!(weeks.rows.iter().all(|row| row.version.is_none()));
    card.apply(&answered("3", "2026-06-01T08:00:00Z", 9, ("ava", "rita"), true));
    let report = card.report(Period::Month, at("2026-06-02T00:00:00Z"));
    let versions: Vec<_> = report.rows.iter().map(|row| (row.period.as_deref(), row.version)).collect();
    assert_eq!(versions, [(Some("2026-02"), Some(1)), (Some("2026-06"), None), (None, None)]);
}

#[test]
fn a_month_before_the_log_began_is_never_frozen() {
    let mut card = Scorecard::new();
    card.apply(&LogEntry::Started {
        version: String::new(),
        down_since: None,
        at: at("2026-03-01T00:00:00Z"),
    });
    for entry in february() {
        card.apply(&entry);
    }
    card.apply(&answered("3", "2026-03-20T08:00:00Z", 9, ("ava", "rita"), true));
    let owed = card.to_freeze(at("2027-01-01T00:00:00Z"));
    assert!(matches!(&owed[..], [LogEntry::MetricsFrozen { period, .. }] if period == "2026-03"), "{owed:?}");
}
