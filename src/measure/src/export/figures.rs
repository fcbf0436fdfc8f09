//! Handoff cycles as they stand at the end, and the scorecard's figures one by one: at the end, and of every version of a frozen month.

use handoff_core::id::RecordRef;
use handoff_core::journal::LogEntry;
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::Cycle;
use super::table::{Cell, Row, Table};
use crate::frozen::frozen_rows;
use crate::hold::Hold;
use crate::metric::{Band, Figure, Method, Metric, Unit as Counted};
use crate::period::Period;
use crate::report::{self, Shown, Standing};
use crate::scorecard::Scorecard;
use crate::unit::{Passage, Unit};

pub(super) fn handoff(unit: &Unit, hold: Option<&Hold>, subject: &RecordRef, known: &Cycle) -> Row {
    let (transition, decision, acceptance) = (unit.transition, unit.decision, unit.acceptance);
    let whole = |number: Option<i64>| number.map_or(Cell::Nothing, Cell::Integer);
    let shares = hold.map(|hold| hold.shares);
    Row {
        table: Table::Handoffs,
        cells: vec![
            Cell::text(&*unit.stream),
            Cell::count(unit.cycle),
            Cell::text(&unit.line.contract.0),
            Cell::text(&unit.line.motion.0),
            Cell::text(&subject.connection.0),
            Cell::text(&subject.object.0),
            Cell::text(&subject.record.0),
            Cell::count(known.last),
            Cell::maybe(known.parties.account.as_ref()),
            Cell::maybe(known.parties.sender.as_ref()),
            Cell::maybe(known.parties.receiver.as_ref()),
            Cell::moment(transition.map(|transition| transition.at)),
            Cell::flag(transition.map(|transition| transition.passage == Passage::Bypassed)),
            transition.map_or(Cell::Nothing, |transition| Cell::count(transition.filled)),
            transition.map_or(Cell::Nothing, |transition| Cell::count(transition.required)),
            Cell::moment(decision.map(|decision| decision.at)),
            Cell::flag(decision.map(|decision| decision.accepted)),
            Cell::count(unit.rejections),
            Cell::moment(acceptance.map(|acceptance| acceptance.at)),
            acceptance.map_or(Cell::Nothing, |acceptance| Cell::count(acceptance.round)),
            whole(acceptance.and_then(|acceptance| acceptance.waited)),
            whole(acceptance.and_then(|acceptance| acceptance.total)),
            Cell::moment(hold.map(|hold| hold.until)),
            whole(shares.map(|shares| shares.total_ms)),
            whole(shares.map(|shares| shares.sender_ms)),
            whole(shares.map(|shares| shares.receiver_ms)),
            whole(shares.map(|shares| shares.customer_ms)),
            whole(shares.map(|shares| shares.system_ms)),
            Cell::Flag(unit.rediscovered),
            Cell::Flag(unit.reconstructed),
            transition.map_or(Cell::Nothing, |transition| Cell::count(transition.untold)),
        ],
    }
}

/// Every figure of the scorecard as the log amounts to it, by week and by month.
pub(super) fn rows(scorecard: &Scorecard, as_of: Timestamp) -> Vec<Row> {
    let mut rows = Vec::new();
    for (by, period) in [("week", Period::Week), ("month", Period::Month)] {
        for row in &scorecard.report_of(period, as_of, Shown::Live).rows {
            let before = vec![Cell::moment(Some(as_of)), Cell::text(by)];
            Page { table: Table::Metrics, before, row, rows: &mut rows }.row();
        }
    }
    rows
}

/// Every figure of a version of a frozen month, as the log says it; of rows that did not fit into the log there are none.
pub(super) fn frozen(position: u64, entry: &LogEntry, rows: &mut Vec<Row>) {
    let LogEntry::MetricsFrozen { version, rows: text, entries, at, .. } = entry else { return };
    for row in &frozen_rows(text) {
        let before = vec![
            Cell::count(position),
            Cell::moment(Some(*at)),
            Cell::count(*version),
            Cell::count(*entries),
        ];
        Page { table: Table::Frozen, before, row, rows }.row();
    }
}

/// One row of the scorecard, laid out.
struct Page<'a> {
    table: Table,
    /// The cells before the contract.
    before: Vec<Cell>,
    row: &'a report::Row,
    rows: &'a mut Vec<Row>,
}

impl Page<'_> {
    fn row(&mut self) {
        let row = self.row;
        for figure in &row.figures {
            self.figure(figure);
        }
        for (name, spread) in
            [("time_to_acceptance", row.time_to_acceptance), ("total_elapsed", row.total_elapsed)]
        {
            let n = spread.map_or(0, |spread| spread.n);
            let value = |of: fn(crate::spread::Spread) -> Decimal| spread.map(of);
            self.put(&format!("{name}_median"), value(|s| s.median_hours), "hours", n);
            self.put(&format!("{name}_median"), value(|s| s.median_seconds), "seconds", n);
            self.put(&format!("{name}_p90"), value(|s| s.p90_hours), "hours", n);
            self.put(&format!("{name}_p90"), value(|s| s.p90_seconds), "seconds", n);
        }
        let (shares, n) = (row.held.shares, row.held.n);
        for (name, sum) in [
            ("held", shares.total_ms),
            ("held_by_sender", shares.sender_ms),
            ("held_by_receiver", shares.receiver_ms),
            ("held_by_customer", shares.customer_ms),
            ("held_by_system", shares.system_ms),
        ] {
            self.put(name, Some(Decimal::from(sum)), "milliseconds", n);
        }
        let counts = &row.counts;
        for (name, count) in [
            ("opened", row.throughput.opened),
            ("transitions", row.throughput.transitions),
            ("decided", row.throughput.decided),
            ("accepted", counts.accepted),
            ("rejections", counts.rejections),
            ("bypasses", counts.bypasses),
            ("bypasses_before_any_acceptance", counts.bypasses_before_any_acceptance),
            ("bypasses_never_accepted", counts.bypasses_never_accepted),
            ("graces", counts.graces),
            ("tampers", counts.tampers),
            ("adjustments", counts.adjustments),
            ("reopened", counts.reopened),
            ("voided", counts.voided),
            ("overdue", counts.overdue),
            ("overrides", counts.overrides),
            ("exceptions_lapsed", counts.exceptions_lapsed),
            ("unmeasurable", row.unmeasurable),
            ("untold", row.untold),
            ("reconstructed", row.reconstructed),
        ] {
            self.count(name, count);
        }
        for (why, count) in &counts.refused {
            self.count(&format!("refused_{why}"), *count);
        }
    }

    fn figure(&mut self, figure: &Figure) {
        let mut cells = of_figure(figure);
        cells.push(Cell::count(figure.reconstructed));
        self.line(named(figure.metric), cells);
    }

    fn put(&mut self, name: &str, value: Option<Decimal>, unit: &str, n: usize) {
        let mut cells = plain(value, unit, n);
        cells.push(Cell::Nothing);
        self.line(name, cells);
    }

    fn count(&mut self, name: &str, count: usize) {
        self.put(name, Some(Decimal::from(count)), "count", count);
    }

    fn line(&mut self, name: &str, cells: Vec<Cell>) {
        let mut all = self.before.clone();
        all.extend([
            Cell::text(&self.row.contract),
            Cell::text(&self.row.motion),
            Cell::maybe(self.row.period.as_ref()),
            Cell::text(name),
        ]);
        all.extend(cells);
        all.push(Cell::text(standing(self.row.standing)));
        self.rows.push(Row { table: self.table, cells: all });
    }
}

/// From the value to how many were left out, as the columns of a figure are ordered.
pub(super) fn of_figure(figure: &Figure) -> Vec<Cell> {
    let interval = figure.interval;
    vec![
        Cell::number(figure.value),
        Cell::text(counted(figure.unit)),
        figure.met.map_or(Cell::Nothing, Cell::count),
        Cell::count(figure.n),
        Cell::text(band(figure.band)),
        Cell::Flag(figure.provisional),
        Cell::number(interval.map(|interval| interval.low)),
        Cell::number(interval.map(|interval| interval.high)),
        Cell::maybe(interval.map(|interval| method(interval.method))),
        Cell::count(figure.unmeasurable),
    ]
}

/// The same columns of what is merely counted or added up.
pub(super) fn plain(value: Option<Decimal>, unit: &str, n: usize) -> Vec<Cell> {
    let [nothing, low, high, method, band, left] = [const { Cell::Nothing }; 6];
    vec![
        Cell::number(value),
        Cell::text(unit),
        nothing,
        Cell::count(n),
        band,
        Cell::Flag(false),
        low,
        high,
        method,
        left,
    ]
}

fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Running => "running",
        Standing::Provisional => "provisional",
        Standing::Final => "final",
    }
}

fn band(band: Band) -> &'static str {
    match band {
        Band::NotMeasurable => "not_measurable",
        Band::OnTarget => "on_target",
        Band::Below => "below",
        Band::Aspirational => "aspirational",
    }
}

pub(super) fn named(metric: Metric) -> &'static str {
    match metric {
        Metric::Completion => "completion",
        Metric::Acceptance => "acceptance",
        Metric::TimeToAcceptance => "time_to_acceptance",
        Metric::ReDiscovery => "re_discovery",
        Metric::NpsDelta => "nps_delta",
        Metric::LeakToChurn => "leak_to_churn",
    }
}

fn counted(unit: Counted) -> &'static str {
    match unit {
        Counted::Percent => "percent",
        Counted::Hours => "hours",
        Counted::Points => "points",
    }
}

fn method(method: Method) -> &'static str {
    match method {
        Method::Wilson => "wilson",
        Method::OrderStatistics => "order_statistics",
        Method::StudentT => "student_t",
        Method::RoganGladen => "rogan_gladen",
        Method::KatzLog => "katz_log",
    }
}
