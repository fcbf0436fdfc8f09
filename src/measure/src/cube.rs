//! Aggregates per contract, motion, person and slice of the calendar, kept up to date unit by unit, so that no question reads the units again.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::hold::Shares;
use crate::metric::Slice;
use crate::period::Period;
use crate::ranks::Ranks;
use crate::report::{Counts, Held};
use crate::unit::{Acceptance, Decision, Person, Transition, Unit};

/// Of whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    /// Of everybody.
    All,
    /// Of what one person handed over.
    Sender(Person),
    /// Of what one person answered.
    Receiver(Person),
}

/// A line by its number, of whom, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) line: usize,
    pub(crate) group: Group,
    pub(crate) slice: Slice,
}

/// What one cell adds up to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Cell {
    pub(crate) opened: usize,
    pub(crate) transitions: usize,
    pub(crate) complete: usize,
    pub(crate) decided: usize,
    pub(crate) first_pass: usize,
    /// The newest first answer that is an acceptance.
    pub(crate) newest: Option<Timestamp>,
    /// The newest acceptance.
    pub(crate) accepted: Option<Timestamp>,
    /// Account → its accepted cycles, and those of them that were asked again; everybody's cells alone.
    pub(crate) accounts: BTreeMap<u32, (u32, u32)>,
    /// Accounts that were asked again.
    pub(crate) asked: usize,
    pub(crate) unmeasurable: usize,
    pub(crate) waited: Ranks,
    pub(crate) total: Ranks,
    pub(crate) held: Held,
    pub(crate) counts: Counts,
}

/// What a unit adds to cells; compared before and after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Facts {
    opened: Option<Timestamp>,
    transition: Option<Transition>,
    decision: Option<Decided>,
    acceptance: Option<Accepted>,
}

/// What a first answer adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Decided {
    decision: Decision,
    rejections: u32,
    first_pass: bool,
}

/// What an acceptance adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Accepted {
    acceptance: Acceptance,
    account: Option<u32>,
    rediscovered: bool,
}

impl Facts {
    pub(crate) fn of(unit: &Unit) -> Self {
        Self {
            opened: unit.opened,
            transition: unit.transition,
            decision: unit.decision.map(|decision| Decided {
                decision,
                rejections: unit.rejections,
                first_pass: unit.is_first_pass(),
            }),
            acceptance: unit.acceptance.map(|acceptance| Accepted {
                acceptance,
                account: unit.account,
                rediscovered: unit.rediscovered,
            }),
        }
    }

    /// The moments whose periods a change from `self` to `after` touches.
    pub(crate) fn moments(&self, after: &Self) -> impl Iterator<Item = Timestamp> {
        let differ = |before: Option<Timestamp>, after: Option<Timestamp>, same: bool| {
            [before, after].into_iter().flatten().filter(move |_| !same)
        };
        let decided = |facts: &Self| facts.decision.map(|each| each.decision.at);
        differ(self.opened, after.opened, self.opened == after.opened)
            .chain(differ(
                self.transition.map(|each| each.at),
                after.transition.map(|each| each.at),
                self.transition == after.transition,
            ))
            .chain(differ(decided(self), decided(after), self.decision == after.decision))
            .chain(differ(
                self.acceptance.map(|each| each.acceptance.at),
                after.acceptance.map(|each| each.acceptance.at),
                self.acceptance == after.acceptance,
            ))
    }
}

/// All cells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Cube {
    cells: BTreeMap<Key, Cell>,
}

/// Whether something is added or taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Plus,
    Minus,
}

impl Sign {
    fn count(self, number: &mut usize, by: usize) {
        *number = match self {
            Self::Plus => number.saturating_add(by),
            Self::Minus => number.saturating_sub(by),
        };
    }

    fn put(self, ranks: &mut Ranks, value: Option<i64>) {
        match (self, value) {
            (Self::Plus, Some(value)) => ranks.insert(value),
            (Self::Minus, Some(value)) => ranks.remove(value),
            (Self::Plus | Self::Minus, None) => {}
        }
    }
}

impl Cube {
    pub(crate) fn get(&self, key: Key) -> Option<&Cell> {
        self.cells.get(&key)
    }

    /// Cells of a line and group, weeks first, then months, then all time.
    pub(crate) fn slices(&self, line: usize, group: Group) -> impl Iterator<Item = (Slice, &Cell)> {
        let first = Key { line, group, slice: Slice::Week(i32::MIN) };
        let last = Key { line, group, slice: Slice::All };
        self.cells.range(first..=last).map(|(key, cell)| (key.slice, cell))
    }

    /// Cells of one slice for every person of a line.
    pub(crate) fn people(&self, line: usize, slice: Slice) -> impl Iterator<Item = (Group, &Cell)> {
        let first = Key { line, group: Group::Sender(Person(0)), slice: Slice::Week(i32::MIN) };
        let last = Key { line, group: Group::Receiver(Person(u32::MAX)), slice: Slice::All };
        let cells = self.cells.range(first..=last).filter(move |(key, _)| key.slice == slice);
        cells.map(|(key, cell)| (key.group, cell))
    }

    /// Counts something that is no unit.
    pub(crate) fn count(&mut self, line: usize, at: Timestamp, change: impl Fn(&mut Counts)) {
        for slice in slices(at, Group::All) {
            change(&mut self.cell(line, Group::All, slice).counts);
        }
    }

    /// Takes what a unit added before, and adds what it adds now.
    pub(crate) fn shift(&mut self, line: usize, before: &Facts, after: &Facts) {
        if before.opened != after.opened {
            self.opened(line, Sign::Minus, before.opened);
            self.opened(line, Sign::Plus, after.opened);
        }
        if before.transition != after.transition {
            self.transition(line, Sign::Minus, before.transition);
            self.transition(line, Sign::Plus, after.transition);
        }
        if before.decision != after.decision {
            self.decision(line, Sign::Minus, before.decision);
            self.decision(line, Sign::Plus, after.decision);
        }
        if before.acceptance != after.acceptance {
            self.acceptance(line, Sign::Minus, before.acceptance);
            self.acceptance(line, Sign::Plus, after.acceptance);
        }
    }

    fn cell(&mut self, line: usize, group: Group, slice: Slice) -> &mut Cell {
        self.cells.entry(Key { line, group, slice }).or_default()
    }

    fn each(
        &mut self,
        line: usize,
        at: Timestamp,
        sender: Option<Person>,
        receiver: Option<Person>,
        change: impl Fn(Group, &mut Cell),
    ) {
        let groups = [Some(Group::All), sender.map(Group::Sender), receiver.map(Group::Receiver)]
            .into_iter()
            .flatten();
        for group in groups {
            for slice in slices(at, group) {
                change(group, self.cell(line, group, slice));
            }
        }
    }

    fn opened(&mut self, line: usize, sign: Sign, at: Option<Timestamp>) {
        let Some(at) = at else { return };
        self.each(line, at, None, None, |_, cell| sign.count(&mut cell.opened, 1));
    }

    fn transition(&mut self, line: usize, sign: Sign, transition: Option<Transition>) {
        let Some(transition) = transition else { return };
        self.each(line, transition.at, transition.sender, None, |_, cell| {
            sign.count(&mut cell.transitions, 1);
            sign.count(&mut cell.complete, usize::from(transition.is_complete()));
        });
    }

    fn decision(&mut self, line: usize, sign: Sign, decided: Option<Decided>) {
        let Some(Decided { decision, rejections, first_pass }) = decided else { return };
        let rejections = usize::try_from(rejections).unwrap_or(usize::MAX);
        self.each(line, decision.at, decision.sender, decision.receiver, |_, cell| {
            sign.count(&mut cell.decided, 1);
            sign.count(&mut cell.first_pass, usize::from(first_pass));
            sign.count(&mut cell.counts.rejections, rejections);
            if decision.accepted {
                cell.newest = cell.newest.max(Some(decision.at));
            }
        });
    }

    fn acceptance(&mut self, line: usize, sign: Sign, accepted: Option<Accepted>) {
        let Some(Accepted { acceptance, account, rediscovered }) = accepted else { return };
        self.each(line, acceptance.at, acceptance.sender, acceptance.receiver, |group, cell| {
            sign.count(&mut cell.counts.accepted, 1);
            sign.count(&mut cell.unmeasurable, usize::from(acceptance.waited.is_none()));
            sign.put(&mut cell.waited, acceptance.waited);
            if group != Group::All {
                return;
            }
            cell.accepted = cell.accepted.max(Some(acceptance.at));
            if let Some(account) = account {
                cell.account(sign, account, rediscovered);
            }
            sign.put(&mut cell.total, acceptance.total);
            if let Some(shares) = acceptance.shares {
                sign.count(&mut cell.held.n, 1);
                held(&mut cell.held.shares, sign, shares);
            }
        });
    }
}

impl Cell {
    /// Counts an accepted cycle of an account.
    fn account(&mut self, sign: Sign, account: u32, rediscovered: bool) {
        let (cycles, asked) = self.accounts.entry(account).or_default();
        let was = *asked > 0;
        let again = u32::from(rediscovered);
        (*cycles, *asked) = match sign {
            Sign::Plus => (cycles.saturating_add(1), asked.saturating_add(again)),
            Sign::Minus => (cycles.saturating_sub(1), asked.saturating_sub(again)),
        };
        let is = *asked > 0;
        if *cycles == 0 {
            self.accounts.remove(&account);
        }
        self.asked = (self.asked + usize::from(is)).saturating_sub(usize::from(was));
    }
}

fn held(sum: &mut Shares, sign: Sign, shares: Shares) {
    let each = [
        (&mut sum.total_ms, shares.total_ms),
        (&mut sum.sender_ms, shares.sender_ms),
        (&mut sum.receiver_ms, shares.receiver_ms),
        (&mut sum.customer_ms, shares.customer_ms),
        (&mut sum.system_ms, shares.system_ms),
    ];
    for (sum, share) in each {
        *sum = match sign {
            Sign::Plus => sum.saturating_add(share),
            Sign::Minus => sum.saturating_sub(share),
        };
    }
}

/// The slices that hold a moment; a person's weeks are too few cycles to say anything.
fn slices(at: Timestamp, group: Group) -> impl Iterator<Item = Slice> {
    let week = (group == Group::All).then(|| Slice::of(Period::Week, at));
    week.into_iter().chain([Slice::of(Period::Month, at), Slice::All])
}
