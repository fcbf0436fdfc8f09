//! From calls to accounts: the unit of the metric is the account.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::events::{Decision, Events};
use crate::roles::NotScored;

/// Which calls of an account count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Days after the acceptance.
    pub days: i64,
    /// The first so many scored calls.
    pub calls: usize,
}

impl Default for Window {
    fn default() -> Self {
        Self { days: 30, calls: 3 }
    }
}

/// What the calls say of their accounts. A call whose line names no account stands for an account of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Accounts {
    /// Accounts with at least one scored call in the window: the denominator.
    pub scored: u64,
    /// Accounts with an automatic event.
    pub incidents: u64,
    /// Accounts with an automatic event or an open suggestion: the upper bound.
    pub incidents_if_confirmed: u64,
    /// Accounts of which no call could be scored, by the reason of their first such call; never in the denominator.
    pub not_scored: BTreeMap<NotScored, u64>,
}

/// Counts accounts. Calls may come in any order.
pub fn accounts<'a>(calls: impl IntoIterator<Item = &'a Events>, window: Window) -> Accounts {
    let mut of: BTreeMap<(bool, &str), Vec<&Events>> = BTreeMap::new();
    for call in calls {
        let key = call.account.as_deref().map_or((false, call.call.as_str()), |account| (true, account));
        of.entry(key).or_default().push(call);
    }
    let mut out = Accounts::default();
    for mut calls in of.into_values() {
        calls.sort_by_key(|call| (call.started, call.call.clone()));
        let mut seen = BTreeSet::new();
        calls.retain(|call| seen.insert(call.call.clone()));
        let counted: Vec<&&Events> =
            calls.iter().filter(|call| call.scored && is_within(call, window)).take(window.calls).collect();
        if counted.is_empty() {
            if let Some(reason) = calls.iter().find_map(|call| call.not_scored) {
                *out.not_scored.entry(reason).or_default() += 1;
            }
            continue;
        }
        let has = |wanted: fn(Decision) -> bool| {
            counted.iter().any(|call| call.events.iter().any(|event| wanted(event.decision)))
        };
        out.scored += 1;
        out.incidents += u64::from(has(|decision| decision == Decision::Auto));
        out.incidents_if_confirmed += u64::from(has(|_| true));
    }
    out
}

fn is_within(call: &Events, window: Window) -> bool {
    let last = |accepted: Timestamp| {
        accepted.checked_add(SignedDuration::from_hours(window.days.saturating_mul(24)))
    };
    match (call.started, call.accepted) {
        (Some(started), Some(accepted)) => last(accepted).is_ok_and(|last| started <= last),
        _ => false,
    }
}
