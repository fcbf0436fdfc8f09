//! How things stand at the end: handoff cycles, and the scorecard's figures one by one.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::Cycle;
use super::table::{Cell, Row, Table};
use crate::hold::Hold;
use crate::period::Period;
use crate::report::{self, Band, Rate};
use crate::scorecard::Scorecard;
use crate::unit::{Passage, Unit};

pub(super) fn handoff(unit: &Unit, hold: Option<&Hold>, known: &Cycle) -> Row {
    let (line, subject) = (&*unit.line, known.subject.as_ref());
    let (transition, decision, acceptance) = (unit.transition, unit.decision, unit.acceptance);
    let whole = |number: Option<i64>| number.map_or(Cell::Nothing, Cell::Integer);
    let shares = hold.map(|hold| hold.shares);
    Row {
        table: Table::Handoffs,
        cells: vec![
            Cell::text(&*unit.stream),
            Cell::count(unit.cycle),
            Cell::text(&line.contract.0),
            Cell::text(&line.motion.0),
            Cell::maybe(subject.map(|subject| &subject.connection.0)),
            Cell::maybe(subject.map(|subject| &subject.object.0)),
            Cell::maybe(subject.map(|subject| &subject.record.0)),
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
        ],
    }
}

/// Every figure of the scorecard, by week and by month.
pub(super) fn rows(scorecard: &Scorecard, as_of: Timestamp) -> Vec<Row> {
    let mut rows = Vec::new();
    for (by, period) in [("week", Period::Week), ("month", Period::Month)] {
        for row in &scorecard.report(period, as_of).rows {
            let mut page = Page { by, as_of, row, rows: &mut rows };
            page.row();
        }
    }
    rows
}

/// One row of the scorecard, laid out.
struct Page<'a> {
    by: &'static str,
    as_of: Timestamp,
    row: &'a report::Row,
    rows: &'a mut Vec<Row>,
}

impl Page<'_> {
    fn row(&mut self) {
        let row = self.row;
        self.rate("completion_rate", row.completion, false);
        self.rate("receiver_acceptance", row.acceptance, row.provisional);
        for (name, spread, band) in [
            ("time_to_acceptance", row.time_to_acceptance, row.time_band),
            ("total_elapsed", row.total_elapsed, Band::NotMeasurable),
        ] {
            let n = spread.map_or(0, |spread| spread.n);
            let value = |of: fn(crate::spread::Spread) -> Decimal| spread.map(of);
            self.put(&format!("{name}_median"), value(|s| s.median_hours), "hours", n, Some(band));
            self.put(&format!("{name}_median"), value(|s| s.median_seconds), "seconds", n, Some(band));
            self.put(&format!("{name}_p90"), value(|s| s.p90_hours), "hours", n, None);
            self.put(&format!("{name}_p90"), value(|s| s.p90_seconds), "seconds", n, None);
        }
        let (shares, n) = (row.held.shares, row.held.n);
        for (name, sum) in [
            ("held", shares.total_ms),
            ("held_by_sender", shares.sender_ms),
            ("held_by_receiver", shares.receiver_ms),
            ("held_by_customer", shares.customer_ms),
            ("held_by_system", shares.system_ms),
        ] {
            self.put(name, Some(Decimal::from(sum)), "milliseconds", n, None);
        }
        let counts = &row.counts;
        for (name, count) in [
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
        ] {
            self.count(name, count);
        }
        for (why, count) in &counts.refused {
            self.count(&format!("refused_{why}"), *count);
        }
    }

    fn rate(&mut self, name: &str, rate: Rate, provisional: bool) {
        let cells = [
            Cell::number(rate.percent),
            Cell::text("percent"),
            Cell::count(rate.met),
            Cell::count(rate.n),
            Cell::text(band(rate.band)),
            Cell::Flag(provisional),
        ];
        self.line(name, cells);
    }

    fn put(&mut self, name: &str, value: Option<Decimal>, unit: &str, n: usize, judged: Option<Band>) {
        let judged = judged.filter(|band| *band != Band::NotMeasurable);
        let cells = [
            Cell::number(value),
            Cell::text(unit),
            Cell::Nothing,
            Cell::count(n),
            Cell::maybe(judged.map(band)),
            Cell::Flag(false),
        ];
        self.line(name, cells);
    }

    fn count(&mut self, name: &str, count: usize) {
        let cells = [
            Cell::Number(Decimal::from(count)),
            Cell::text("count"),
            Cell::Nothing,
            Cell::count(count),
            Cell::Nothing,
            Cell::Flag(false),
        ];
        self.line(name, cells);
    }

    fn line(&mut self, name: &str, cells: [Cell; 6]) {
        let mut all = vec![
            Cell::moment(Some(self.as_of)),
            Cell::text(self.by),
            Cell::text(&self.row.contract),
            Cell::text(&self.row.motion),
            Cell::maybe(self.row.period.as_ref()),
            Cell::text(name),
        ];
        all.extend(cells);
        all.extend([Cell::Nothing, Cell::Nothing, Cell::Nothing]);
        self.rows.push(Row { table: Table::Metrics, cells: all });
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
