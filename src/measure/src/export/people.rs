//! The same figures per sender and receiver, by month and over all time; never one that is made of too few cycles. Teams are the
//! configuration's, which is not in the log.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::figures::{named, of_figure, plain};
use super::table::{Cell, Row, Table};
use crate::answers::Receiver;
use crate::metric::Slice;
use crate::people::{People, PersonRow, Side, Teams};
use crate::report::Throughput;
use crate::scorecard::Scorecard;

/// Every figure of every person of whom any is told.
pub(super) fn rows(scorecard: &Scorecard, as_of: Timestamp) -> Vec<Row> {
    let slices: BTreeSet<Slice> = scorecard.months().into_iter().chain([Slice::All]).collect();
    let mut rows = Vec::new();
    for slice in slices {
        let people = scorecard.people(slice, &Teams::new(), as_of);
        for one in &people.rows {
            Page::of(&people, one, &mut rows).figures(one);
        }
    }
    let minimum = scorecard.minimum.0;
    for one in scorecard.answers.receivers(minimum) {
        let line = (one.contract.as_str(), one.motion.as_str());
        let of =
            Page { as_of, line, period: None, side: "receiver", who: &one.person, minimum, rows: &mut rows };
        of.answers(&one);
    }
    rows
}

/// One person's rows.
struct Page<'a> {
    as_of: Timestamp,
    line: (&'a str, &'a str),
    period: Option<&'a String>,
    side: &'static str,
    who: &'a str,
    minimum: usize,
    rows: &'a mut Vec<Row>,
}

impl<'a> Page<'a> {
    fn of(people: &'a People, one: &'a PersonRow, rows: &'a mut Vec<Row>) -> Self {
        Self {
            as_of: people.as_of,
            line: (&one.contract, &one.motion),
            period: people.period.as_ref(),
            side: match one.side {
                Side::Sender => "sender",
                Side::Receiver => "receiver",
                Side::SendingTeam => "sending_team",
                Side::ReceivingTeam => "receiving_team",
            },
            who: &one.who,
            minimum: people.minimum_n,
            rows,
        }
    }

    fn figures(mut self, one: &PersonRow) {
        for figure in &one.figures {
            self.line(named(figure.metric), of_figure(figure));
        }
        let Throughput { opened, transitions, decided, accepted, voided } = one.throughput;
        for (name, count) in [
            ("opened", opened),
            ("transitions", transitions),
            ("decided", decided),
            ("accepted", accepted),
            ("voided", voided),
        ] {
            self.line(name, plain(Some(Decimal::from(count)), "count", count));
        }
    }

    fn answers(mut self, one: &Receiver) {
        let share = one.rejections;
        let mut cells = plain(share.percent, "percent", share.n);
        if let Some(met) = cells.get_mut(2) {
            *met = Cell::count(share.met);
        }
        self.line("rejections", cells);
        for (name, count) in [("quick_acceptances", one.quick), ("longest_quick_run", one.longest_quick_run)]
        {
            self.line(name, plain(Some(Decimal::from(count)), "count", count));
        }
        for (name, sign) in [("rubber_stamp", one.rubber_stamp), ("rejects_most", one.rejects_most)] {
            self.line(name, plain(Some(Decimal::from(u8::from(sign))), "flag", share.n));
        }
    }

    fn line(&mut self, name: &str, cells: Vec<Cell>) {
        let mut all = vec![
            Cell::moment(Some(self.as_of)),
            Cell::text(self.line.0),
            Cell::text(self.line.1),
            Cell::maybe(self.period),
            Cell::text(self.side),
            Cell::text(self.who),
            Cell::count(self.minimum),
            Cell::text(name),
        ];
        all.extend(cells);
        self.rows.push(Row { table: Table::People, cells: all });
    }
}
