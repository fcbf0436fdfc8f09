//! Accounts by contract, motion and slice of the calendar, kept so that a question costs nothing however long the log is.

use std::collections::BTreeMap;
use std::sync::Arc;

use handoff_core::id::{ContractId, MotionId};
use jiff::Timestamp;

use super::{Account, Incidence, until};
use crate::metric::Slice;
use crate::period::Period;

/// The line of everything.
const ALL: u32 = 0;

/// What one cycle says of its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Flags {
    pub(super) asked_again: bool,
    pub(super) waits: bool,
    pub(super) scored: bool,
    pub(super) automatic: bool,
}

/// Where a cycle was counted last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    account: u32,
    flags: Flags,
}

/// How many cycles of an account say what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Tally {
    cycles: u32,
    asked_again: u32,
    waits: u32,
    scored: u32,
    automatic: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Cell {
    accounts: BTreeMap<u32, Tally>,
    asked_again: u64,
    waiting: u64,
    scored: u64,
    automatic: u64,
    /// The newest acceptance that was counted.
    newest: Option<Timestamp>,
}

/// All cells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Cells {
    accounts: BTreeMap<Arc<Account>, u32>,
    /// Accounts in the order of their numbers.
    by_number: Vec<Arc<Account>>,
    lines: BTreeMap<(ContractId, MotionId), u32>,
    sums: BTreeMap<(u32, Slice), Cell>,
}

impl Cells {
    /// Every contract and motion with an accepted handoff.
    pub(super) fn lines(&self) -> impl Iterator<Item = &(ContractId, MotionId)> {
        self.lines.keys()
    }

    pub(super) fn incidence(&self, line: Option<(&str, &str)>, slice: Slice, as_of: Timestamp) -> Incidence {
        let number = match line {
            None => Some(ALL),
            Some((contract, motion)) => self.line_of(contract, motion),
        };
        let Some(cell) = number.and_then(|number| self.sums.get(&(number, slice))) else {
            return Incidence::default();
        };
        Incidence {
            accounts: u64::try_from(cell.accounts.len()).unwrap_or(u64::MAX),
            asked_again: cell.asked_again,
            waiting: cell.waiting,
            scored: cell.scored,
            automatic: cell.automatic,
            provisional: cell.newest.is_some_and(|newest| until(newest) > as_of),
        }
    }

    /// Counts a cycle anew; `before` = where it was counted last.
    pub(super) fn place(
        &mut self,
        line: u32,
        accepted: Timestamp,
        account: u32,
        flags: Flags,
        before: Option<Placed>,
    ) -> Placed {
        let placed = Placed { account, flags };
        if before == Some(placed) {
            return placed;
        }
        let own = [Slice::of(Period::Week, accepted), Slice::of(Period::Month, accepted), Slice::All];
        for key in own.into_iter().map(|slice| (line, slice)).chain([(ALL, Slice::All)]) {
            let cell = self.sums.entry(key).or_default();
            if let Some(before) = before {
                cell.change(before.account, before.flags, false);
            }
            cell.change(account, flags, true);
            cell.newest = cell.newest.max(Some(accepted));
        }
        placed
    }
}

impl Cells {
    /// The number of an account, a new one if need be.
    pub(super) fn number(&mut self, account: Account) -> u32 {
        if let Some(number) = self.accounts.get(&account) {
            return *number;
        }
        let (number, account) = (u32::try_from(self.by_number.len()).unwrap_or(u32::MAX), Arc::new(account));
        self.by_number.push(Arc::clone(&account));
        self.accounts.insert(account, number);
        number
    }

    /// The account of a number.
    pub(super) fn account(&self, number: u32) -> Option<&Account> {
        self.by_number.get(usize::try_from(number).ok()?).map(|account| &**account)
    }

    /// The number of a line, from 1; a new one if need be.
    pub(super) fn line(&mut self, contract: &ContractId, motion: &MotionId) -> u32 {
        let line = (contract.clone(), motion.clone());
        if let Some(number) = self.lines.get(&line) {
            return *number;
        }
        let number = u32::try_from(self.lines.len()).unwrap_or(u32::MAX).saturating_add(1);
        self.lines.insert(line, number);
        number
    }

    /// The number of a line; `None` = nothing of it was accepted.
    pub(super) fn line_of(&self, contract: &str, motion: &str) -> Option<u32> {
        self.lines.get(&(contract.into(), motion.into())).copied()
    }
}

impl Cell {
    fn change(&mut self, account: u32, flags: Flags, comes: bool) {
        let before = self.accounts.get(&account).copied().unwrap_or_default();
        let count = |count: u32, counts: bool| match (counts, comes) {
            (false, _) => count,
            (true, true) => count.saturating_add(1),
            (true, false) => count.saturating_sub(1),
        };
        let after = Tally {
            cycles: count(before.cycles, true),
            asked_again: count(before.asked_again, flags.asked_again),
            waits: count(before.waits, flags.waits),
            scored: count(before.scored, flags.scored),
            automatic: count(before.automatic, flags.automatic),
        };
        let total = |total: u64, was: bool, is: bool| match (was, is) {
            (false, true) => total.saturating_add(1),
            (true, false) => total.saturating_sub(1),
            (false, false) | (true, true) => total,
        };
        let waits = |tally: Tally| tally.waits > 0 && tally.asked_again == 0;
        self.asked_again = total(self.asked_again, before.asked_again > 0, after.asked_again > 0);
        self.waiting = total(self.waiting, waits(before), waits(after));
        self.scored = total(self.scored, before.scored > 0, after.scored > 0);
        self.automatic = total(self.automatic, before.automatic > 0, after.automatic > 0);
        if after.cycles == 0 {
            self.accounts.remove(&account);
        } else {
            self.accounts.insert(account, after);
        }
    }
}
