//! First transitions as the log is folded, and what metrics 5 and 6 of the scorecard add up to over them: an entry changes what its own account adds
//! to its cells, and a question reads one cell.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use handoff_core::id::ContractId;
use jiff::Timestamp;

use super::{Crossing, Scope, leaked};
use crate::account::{Accounts, Voices};
use crate::metric::churn::{self, Fate};
use crate::metric::{Figure, Slice, nps};
use crate::period::Period;
use crate::unit::{Line, Passage, Unit};

/// A contract and an account, each by its number.
type Pair = (u32, u32);

/// All first transitions.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Firsts {
    contracts: BTreeMap<ContractId, u32>,
    /// Every transition of every account, by its moment and the number of its unit.
    passed: BTreeSet<(Pair, Timestamp, usize)>,
    /// Transitions of records that name no account, by contract.
    nobodys: BTreeMap<u32, usize>,
    /// What the first transition of each account adds to its cells.
    counted: BTreeMap<Pair, Counted>,
    cells: BTreeMap<(usize, Slice), Cell>,
    /// First transitions by line and moment.
    moments: BTreeSet<(usize, Timestamp, Pair)>,
}

/// A first transition and what it adds.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Counted {
    unit: usize,
    line: usize,
    at: Timestamp,
    fate: Fate,
    /// Answers before and after; `None` = there are none.
    voices: Option<Box<(Voices, Voices)>>,
}

/// What the first transitions of a line and slice add up to.
#[derive(Debug, Clone, PartialEq, Default)]
struct Cell {
    nps: nps::Tally,
    churn: churn::Tally,
}

/// With what transitions are told.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) units: &'a [Unit],
    pub(crate) lines: &'a BTreeMap<Arc<Line>, usize>,
    pub(crate) accounts: &'a Accounts,
}

impl Firsts {
    /// A unit passed; its account, if its record names one.
    pub(crate) fn pass(&mut self, unit: usize, account: Option<u32>, known: Known<'_>) {
        let Some((contract, at)) = self.place(unit, known) else { return };
        if let Some(account) = account {
            self.passed.insert(((contract, account), at, unit));
            self.count((contract, account), known);
        } else {
            *self.nobodys.entry(contract).or_default() += 1;
        }
    }

    /// A unit belongs to another account than before.
    pub(crate) fn moves(&mut self, unit: usize, from: Option<u32>, to: u32, known: Known<'_>) {
        let Some((contract, at)) = self.place(unit, known) else { return };
        if let Some(from) = from {
            self.passed.remove(&((contract, from), at, unit));
            self.count((contract, from), known);
        } else if let Some(nobodys) = self.nobodys.get_mut(&contract) {
            *nobodys = nobodys.saturating_sub(1);
        }
        self.passed.insert(((contract, to), at, unit));
        self.count((contract, to), known);
    }

    /// Something new is told of an account.
    pub(crate) fn told(&mut self, account: u32, known: Known<'_>) {
        let contracts: Vec<u32> = self.contracts.values().copied().collect();
        for contract in contracts {
            if self.counted.contains_key(&(contract, account)) {
                self.count((contract, account), known);
            }
        }
    }

    /// Metrics 5 and 6 of a line and slice; of nobody while nobody told anything of any account.
    pub(crate) fn figures(
        &self,
        contract: &str,
        (line, slice): (usize, Slice),
        scope: Scope,
        known: Known<'_>,
    ) -> [Figure; 2] {
        let nothing = Cell::default();
        let cell = self.cells.get(&(line, slice)).filter(|_| !known.accounts.is_silent());
        let newest = cell.and_then(|_| self.newest(line, slice, scope));
        let cell = cell.unwrap_or(&nothing);
        [nps::figure(contract, &cell.nps, newest, scope), cell.churn.figure(scope)]
    }

    /// Every first transition with its contract.
    pub(super) fn all<'a>(&'a self, known: Known<'a>) -> impl Iterator<Item = (&'a ContractId, Crossing)> {
        let names: BTreeMap<u32, &ContractId> =
            self.contracts.iter().map(|(name, number)| (*number, name)).collect();
        self.counted.iter().filter_map(move |((contract, account), counted)| {
            let unit = known.units.get(counted.unit)?;
            let transition = unit.transition?;
            let crossing = Crossing {
                account: known.accounts.key(*account)?.clone(),
                stream: unit.stream.to_string(),
                cycle: unit.cycle,
                at: transition.at,
                filled: transition.filled,
                required: transition.required,
                bypassed: transition.passage == Passage::Bypassed,
                guessed: transition.leaked().is_none(),
                untold: transition.untold,
            };
            Some((*names.get(contract)?, crossing))
        })
    }

    /// Transitions of records that name no account, by contract.
    pub(super) fn nobodys(&self) -> BTreeMap<ContractId, usize> {
        let count = |number: &u32| self.nobodys.get(number).copied().filter(|count| *count > 0);
        self.contracts.iter().filter_map(|(name, number)| Some((name.clone(), count(number)?))).collect()
    }

    /// The moment of the newest first transition.
    fn newest(&self, line: usize, slice: Slice, scope: Scope) -> Option<Timestamp> {
        let (first, last) = ((0, 0), (u32::MAX, u32::MAX));
        let from = (line, scope.window.from.unwrap_or(Timestamp::MIN), first);
        let newest = match slice {
            Slice::All => self.moments.range(from..=(line, Timestamp::MAX, last)).next_back(),
            Slice::Week(_) | Slice::Month(_) => {
                self.moments.range(from..(line, scope.window.until, first)).next_back()
            }
        };
        newest.map(|(_, at, _)| *at)
    }

    /// The contract of a unit that passed, and when it did.
    fn place(&mut self, unit: usize, known: Known<'_>) -> Option<(u32, Timestamp)> {
        let unit = known.units.get(unit)?;
        let at = unit.transition?.at;
        if let Some(number) = self.contracts.get(&unit.line.contract) {
            return Some((*number, at));
        }
        let number = u32::try_from(self.contracts.len()).unwrap_or(u32::MAX);
        self.contracts.insert(unit.line.contract.clone(), number);
        Some((number, at))
    }

    /// Counts an account anew.
    fn count(&mut self, pair: Pair, known: Known<'_>) {
        let fresh = self.first(pair, known).and_then(|unit| counted(unit, pair.1, known));
        if self.counted.get(&pair) == fresh.as_ref() {
            return;
        }
        if let Some(before) = self.counted.remove(&pair) {
            self.add(pair, &before, false);
        }
        if let Some(fresh) = fresh {
            self.add(pair, &fresh, true);
            self.counted.insert(pair, fresh);
        }
    }

    /// The unit with which an account first passed; of several at the same moment that of the stream whose name comes first.
    fn first(&self, pair: Pair, known: Known<'_>) -> Option<usize> {
        let all = self.passed.range((pair, Timestamp::MIN, 0)..=(pair, Timestamp::MAX, usize::MAX));
        let mut all = all.map(|(_, at, unit)| (*at, *unit)).peekable();
        let (earliest, _) = *all.peek()?;
        let name = |unit: usize| known.units.get(unit).map(|unit| &*unit.stream);
        let same = all.take_while(|(at, _)| *at == earliest).map(|(_, unit)| unit);
        same.min_by(|a, b| (name(*a), a).cmp(&(name(*b), b)))
    }

    fn add(&mut self, pair: Pair, counted: &Counted, comes: bool) {
        let Counted { line, at, fate, voices, .. } = counted;
        for slice in [Slice::of(Period::Week, *at), Slice::of(Period::Month, *at), Slice::All] {
            let cell = self.cells.entry((*line, slice)).or_default();
            cell.nps.count(voices.as_deref().copied().unwrap_or_default(), comes);
            cell.churn.count(*fate, comes);
        }
        if comes {
            self.moments.insert((*line, *at, pair));
        } else {
            self.moments.remove(&(*line, *at, pair));
        }
    }
}

/// What a first transition adds; `None` = its unit or account is not known.
fn counted(unit: usize, account: u32, known: Known<'_>) -> Option<Counted> {
    let account = known.accounts.key(account)?;
    let passed = known.units.get(unit)?;
    let transition = passed.transition?;
    let at = transition.at;
    let leaked = (transition.untold == 0).then(|| leaked(transition.filled, transition.required));
    let voices = known.accounts.voices(account, at);
    Some(Counted {
        unit,
        line: *known.lines.get(&*passed.line)?,
        at,
        fate: Fate::of(account, at, leaked, known.accounts),
        voices: (voices != Default::default()).then(|| Box::new(voices)),
    })
}
