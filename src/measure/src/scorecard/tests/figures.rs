//! Figures, what is behind them, and how final they are.

use super::*;
use crate::metric::Metric;
use crate::report::Standing;

#[test]
fn a_rediscovery_takes_the_first_pass_away_while_it_stands() {
    let accept = |record: &str, hour| {
        decided(record, hours(hour), Package::new(), vec![opened(record), completed(1, 1), accepted(hour, 1)])
    };
    let mut card = card(&[accept("1", 2), accept("2", 3)]);
    let never = card.clone();
    card.rediscovered(&handoff("1").stream(), 2, true, hours(30));
    card.rediscovered("of/nobody/sf/Opportunity/9", 1, true, hours(30));
    assert_eq!(card, never, "neither that cycle nor that handoff is known");
    card.rediscovered(&handoff("1").stream(), 1, true, hours(30));
    card.rediscovered(&handoff("1").stream(), 1, true, hours(31));
    let row = total(&card);
    assert_eq!((row.acceptance.met, row.acceptance.n, row.counts.accepted), (1, 2, 2));
    let marked: Vec<bool> = records(&card).iter().map(|record| record.rediscovered).collect();
    assert_eq!(marked, [true, false]);
    card.rediscovered(&handoff("1").stream(), 1, false, hours(32));
    assert_eq!(total(&card).acceptance.met, 2, "it was taken back");
}

#[test]
fn every_figure_drills_down_to_as_many_records_as_its_n() {
    let step = [
        Step::Complete,
        Step::Accept,
        Step::Bypass,
        Step::Complete,
        Step::Reject,
        Step::Complete,
        Step::Accept,
    ];
    let steps: Vec<(u8, Step, u8)> =
        (0_u8..60).map(|index| (index % 7, step[usize::from(index) % step.len()], 39)).collect();
    let card = card(&play(&steps).0);
    let report = card.report(Period::Month, hours(9_999));
    assert!(report.rows.len() > 3, "several months");
    for row in &report.rows {
        let slice = row.period.as_deref().map_or(Slice::All, |name| Slice::named(name).unwrap());
        for figure in row.figures.iter().take(3) {
            let question = Question {
                contract: row.contract.clone(),
                motion: Some(row.motion.clone()),
                slice,
                metric: Some(figure.metric),
                after: None,
                limit: usize::MAX,
            };
            let drill = card.drill(&question);
            assert_eq!(drill.n, figure.n + figure.unmeasurable, "{:?} {:?}", row.period, figure.metric);
            let met = match figure.metric {
                Metric::Completion => drill
                    .records
                    .iter()
                    .filter(|record| record.score.is_some_and(|score| score.filled == score.required))
                    .count(),
                Metric::Acceptance
                | Metric::TimeToAcceptance
                | Metric::ReDiscovery
                | Metric::NpsDelta
                | Metric::LeakToChurn => {
                    drill.records.iter().filter(|record| record.first_pass == Some(true)).count()
                }
            };
            assert!(
                figure.met.is_none_or(|expected| expected == met),
                "{:?} {:?}",
                row.period,
                figure.metric
            );
            let first = drill.records.first().map(|record| (record.stream.clone(), record.cycle));
            let paged = card.drill(&Question { after: first, limit: 2, ..question });
            assert_eq!(paged.records, drill.records.iter().skip(1).take(2).cloned().collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_period_runs_then_is_provisional_for_thirty_days_then_final() {
    let card =
        card(&[decided("1", hours(3), Package::new(), vec![opened("1"), completed(1, 1), accepted(2, 1)])]);
    let standing = |as_of: &str| card.report(Period::Month, at(as_of)).rows[0].standing;
    assert_eq!(standing("2026-03-31T23:59:59Z"), Standing::Running);
    assert_eq!(standing("2026-04-01T00:00:00Z"), Standing::Provisional);
    assert_eq!(standing("2026-04-30T23:59:59Z"), Standing::Provisional);
    assert_eq!(standing("2026-05-01T00:00:00Z"), Standing::Final);
    let row = &card.report(Period::Month, at("2026-05-01T00:00:00Z")).rows[0];
    assert_eq!(
        row.throughput,
        crate::report::Throughput { opened: 1, transitions: 1, decided: 1, accepted: 1, voided: 0 }
    );
    assert_eq!(row.figures.len(), 6);
}

#[test]
fn live_numbers_are_those_of_the_running_month_with_when_they_changed_last() {
    let card =
        card(&[decided("1", hours(3), Package::new(), vec![opened("1"), completed(1, 1), accepted(2, 1)])]);
    let live = card.live_of("h03-ae-to-onboarding", "main", at("2026-03-09T12:00:00Z")).unwrap();
    assert_eq!(
        live.to_string(),
        "2026-03: completion 100 % (n 1), receiver acceptance 100 % (n 1, provisional), time to acceptance 1 h (n 1); as of 2026-03-02 11:00Z"
    );
    let next = card.live(at("2026-04-01T00:00:00Z")).remove(0);
    assert_eq!(
        next.to_string(),
        "2026-04: completion - (n 0), receiver acceptance - (n 0), time to acceptance - (n 0); as of 2026-03-02 11:00Z"
    );
}
