//! The same numbers per sender, receiver and team: only where they are made of enough cycles that they say something, and never without how much
//! went through.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::id::PersonId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::cube::{Cell, Group, Key};
use crate::metric::{Figure, Slice};
use crate::report::{Throughput, three, throughput};
use crate::scorecard::Scorecard;
use crate::unit::Person;

/// The fewest cycles that a person's or team's number is made of, where nothing else is configured.
pub const MINIMUM_N: usize = 5;

/// The fewest cycles that a person's or team's number is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MinimumN(pub(crate) usize);

impl Default for MinimumN {
    fn default() -> Self {
        Self(MINIMUM_N)
    }
}

/// Team → the people in it.
pub type Teams = BTreeMap<String, BTreeSet<PersonId>>;

/// People by number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Names {
    numbers: BTreeMap<PersonId, Person>,
    list: Vec<PersonId>,
}

impl Names {
    /// The number of a person, a new one if need be.
    pub(crate) fn number(&mut self, person: &PersonId) -> Person {
        if let Some(known) = self.numbers.get(person) {
            return *known;
        }
        let number = Person(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        self.list.push(person.clone());
        self.numbers.insert(person.clone(), number);
        number
    }

    fn name(&self, person: Person) -> Option<&PersonId> {
        self.list.get(usize::try_from(person.0).ok()?)
    }
}

/// On which side of a handoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// A person who handed over.
    Sender,
    /// A person who answered.
    Receiver,
    /// A team whose people handed over.
    SendingTeam,
    /// A team whose people answered.
    ReceivingTeam,
}

/// The numbers of a person or team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonRow {
    /// The contract.
    pub contract: String,
    /// The motion.
    pub motion: String,
    /// On which side.
    pub side: Side,
    /// The person or team.
    pub who: String,
    /// Completion (of senders), acceptance, time to acceptance; one that is made of too few is told without its value.
    pub figures: Vec<Figure>,
    /// How much went through.
    pub throughput: Throughput,
}

/// The numbers of people and teams.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct People {
    /// The moment up to which they count.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
    /// The month; absent = all time.
    pub period: Option<String>,
    /// The fewest cycles that a number is made of.
    pub minimum_n: usize,
    /// By contract, motion, side and name.
    pub rows: Vec<PersonRow>,
    /// How many more there are of whom no number is made of enough.
    pub withheld: usize,
}

impl Scorecard {
    /// Senders, receivers and teams in a month or over all time; weeks are not kept of people.
    pub fn people(&self, slice: Slice, teams: &Teams, as_of: Timestamp) -> People {
        let mut cells: BTreeMap<(&str, &str, Side, String), Cell> = BTreeMap::new();
        for line in self.lines() {
            let Some(named) = self.line(line) else { continue };
            for (group, cell) in self.cube.people(line, slice) {
                let (person, single, team) = match group {
                    Group::Sender(person) => (person, Side::Sender, Side::SendingTeam),
                    Group::Receiver(person) => (person, Side::Receiver, Side::ReceivingTeam),
                    Group::All => continue,
                };
                let Some(person) = self.names.name(person) else { continue };
                let (contract, motion) = (named.contract.as_str(), named.motion.as_str());
                cells.insert((contract, motion, single, person.0.clone()), cell.clone());
                for (name, _) in teams.iter().filter(|(_, people)| people.contains(person)) {
                    cells.entry((contract, motion, team, name.clone())).or_default().merge(cell);
                }
            }
        }
        let (mut rows, mut withheld) = (Vec::new(), 0);
        for ((contract, motion, side, who), cell) in cells {
            let figures = self.enough(side, &cell, slice, as_of);
            if figures.iter().all(|figure| figure.value.is_none()) {
                withheld += 1;
                continue;
            }
            rows.push(PersonRow {
                contract: contract.to_owned(),
                motion: motion.to_owned(),
                side,
                who,
                figures,
                throughput: throughput(&cell),
            });
        }
        People { as_of, period: slice.name(), minimum_n: self.minimum.0, rows, withheld }
    }

    /// The figures of a group; completion is the sender's doing alone.
    fn enough(&self, side: Side, cell: &Cell, slice: Slice, as_of: Timestamp) -> Vec<Figure> {
        let sends = matches!(side, Side::Sender | Side::SendingTeam);
        let [completion, acceptance, time] = three(cell, slice, as_of);
        let figures = sends.then_some(completion).into_iter().chain([acceptance, time]);
        let withhold = |figure: Figure| {
            if figure.value.is_none() || figure.n >= self.minimum.0 {
                return figure;
            }
            let why = format!("fewer than {} cycles", self.minimum.0);
            Figure::not_measurable(figure.metric, figure.window, &why)
        };
        figures.map(withhold).collect()
    }
}

impl Cell {
    /// Adds another cell's counts and times.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.opened += other.opened;
        self.transitions += other.transitions;
        self.complete += other.complete;
        self.untold += other.untold;
        self.decided += other.decided;
        self.first_pass += other.first_pass;
        self.newest = self.newest.max(other.newest);
        self.unmeasurable += other.unmeasurable;
        self.counts.accepted += other.counts.accepted;
        self.counts.rejections += other.counts.rejections;
        self.counts.voided += other.counts.voided;
        self.past.transitions += other.past.transitions;
        self.past.decided += other.past.decided;
        self.past.accepted += other.past.accepted;
        other.waited.iter().for_each(|value| self.waited.insert(value));
    }
}

impl Scorecard {
    /// Every month that anything is in.
    pub(crate) fn months(&self) -> BTreeSet<Slice> {
        let cells = self.lines().flat_map(|line| self.cube.slices(line, Group::All));
        cells.map(|(slice, _)| slice).filter(|slice| matches!(slice, Slice::Month(_))).collect()
    }

    /// The cell of everybody.
    pub(crate) fn cell(&self, line: usize, slice: Slice) -> Option<&Cell> {
        self.cube.get(Key { line, group: Group::All, slice })
    }
}

#[cfg(test)]
mod tests;
