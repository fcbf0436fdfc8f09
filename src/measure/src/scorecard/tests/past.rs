//! Where what was reconstructed and what was watched meet.

use super::*;
use crate::metric::Figure;

/// The same decision, worked out afterwards; these fields are not told.
fn reconstructed(entry: LogEntry, unknown: &[&str]) -> LogEntry {
    let LogEntry::Decided { handoff, contract, terms, at, seen, events } = entry else {
        panic!("a decision")
    };
    let unknown = unknown.iter().map(|key| (FieldKey::from(*key), hours(1_000))).collect();
    LogEntry::Reconstructed { handoff, contract, terms, at, seen, events, unknown, made: at }
}

fn told(record: &str, hour: i64, events: Vec<Event>) -> LogEntry {
    reconstructed(decided(record, hours(hour), Package::new(), events), &[])
}

/// A row without the word that nobody watched.
fn counted(row: &Row) -> Row {
    let watched = |figure: &Figure| Figure { reconstructed: 0, ..figure.clone() };
    Row { reconstructed: 0, figures: row.figures.iter().map(watched).collect(), ..row.clone() }
}

#[test]
fn the_past_counts_as_if_it_had_been_watched_and_says_that_it_was_not() {
    let events =
        vec![opened("1"), completed(1, 1), rejected(10, 1, &["pain"]), completed(20, 2), accepted(44, 2)];
    let live = total(&card(&[decided("1", hours(50), Package::new(), events.clone())]));
    let card = card(&[told("1", 50, events)]);
    let past = total(&card);
    assert_eq!(counted(&past), live);
    assert_eq!((past.reconstructed, live.reconstructed), (1, 0));
    assert!(past.figures.iter().all(|figure| figure.reconstructed == 1), "every figure says so: {past:?}");
    assert!(records(&card).iter().all(|record| record.reconstructed));
}

#[test]
fn the_first_look_at_a_handoff_whose_past_was_told_counts_nothing_twice() {
    let past = [
        told("1", 1, vec![opened("1"), completed(1, 1)]),
        told("1", 10, vec![rejected(10, 1, &["pain"])]),
        told("1", 20, vec![completed(20, 2), bypassed(21, "e1", false)]),
    ];
    // What the daemon makes of the same record when it looks for the first time, and what happens then.
    let first = vec![
        opened("1"),
        completed(1, 1),
        rejected(10, 1, &["pain"]),
        completed(20, 2),
        bypassed(21, "e1", false),
    ];
    let then = decided("1", hours(60), Package::new(), vec![accepted(44, 2)]);
    let watched: Vec<LogEntry> = past
        .iter()
        .map(|entry| {
            let LogEntry::Reconstructed { at, events, .. } = entry else { panic!("the past") };
            decided("1", *at, Package::new(), events.clone())
        })
        .chain([then.clone()])
        .collect();
    let both: Vec<LogEntry> =
        past.into_iter().chain([decided("1", hours(50), Package::new(), first), then]).collect();
    assert_eq!(counted(&total(&card(&both))), counted(&total(&card(&watched))));
}

#[test]
fn cycles_go_on_where_the_past_left_them() {
    let again = |cycle| Event::Reopened { cycle, cause: ReopenCause::People };
    let card = card(&[
        told("1", 3, vec![opened("1"), completed(1, 1), accepted(2, 1), again(2), completed(3, 1)]),
        decided("1", hours(20), Package::new(), vec![opened("1"), completed(3, 1), accepted(10, 1)]),
        decided("1", hours(40), Package::new(), vec![again(2), completed(30, 1), accepted(31, 1)]),
    ]);
    let row = total(&card);
    assert_eq!(records(&card).iter().map(|record| record.cycle).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((row.counts.accepted, row.counts.reopened), (3, 2));
}

#[test]
fn a_handoff_that_was_off_begins_anew() {
    let card = card(&[
        told("1", 3, vec![opened("1"), Event::Voided { cause: VoidCause::Gone }]),
        decided("1", hours(20), Package::new(), vec![opened("1"), completed(9, 1), accepted(10, 1)]),
    ]);
    let row = total(&card);
    assert_eq!(records(&card).iter().map(|record| record.cycle).collect::<Vec<_>>(), [2]);
    assert_eq!((row.counts.accepted, row.counts.voided), (1, 1));
}

#[test]
fn what_comes_of_the_past_after_watching_began_is_left_out() {
    let watched = decided("1", hours(5), Package::new(), vec![opened("1"), completed(1, 1), accepted(2, 1)]);
    let row = total(&card(&[
        told("1", 1, vec![opened("1"), completed(1, 1)]),
        watched,
        told("1", 2, vec![accepted(2, 1)]),
    ]));
    assert_eq!(row.counts.accepted, 1);
}

#[test]
fn a_score_that_hangs_on_an_untold_field_is_in_no_rate_and_the_row_says_so() {
    let published = LogEntry::ContractPublished { contract: pin(), text: CONTRACT.into(), at: start() };
    let contract = parse_contract("h03", CONTRACT).unwrap();
    let field = contract.fields.first().unwrap().key.to_string();
    let one = |record: &str| {
        decided(record, hours(6), Package::new(), vec![opened(record), bypassed(5, "e1", false)])
    };
    let card =
        card(&[published, reconstructed(one("1"), &[&field, "no such field"]), reconstructed(one("2"), &[])]);
    let row = total(&card);
    assert_eq!((row.untold, row.completion.met, row.completion.n), (1, 0, 1));
    assert_eq!(records(&card).iter().map(|record| record.untold).collect::<Vec<_>>(), [1, 0]);
    assert_eq!(row.counts.bypasses, 2, "that it was passed by is told");
}
