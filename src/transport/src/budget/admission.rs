//! Admission: one line per set of budgets, gates first, and a reserve that the lower lanes cannot touch.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use handoff_connector::{Budget, Fault, Lane, MeterReading, Window};
use jiff::Timestamp;
use tokio::sync::Notify;

use super::day::DayPool;
use super::ledger::{Ledger, LedgerError};
use super::pause::Pause;
use super::short::{Short, ShortPool, Ticks};
use super::{BudgetStatus, percent_of};
use crate::clock::{Clock, later, until};
use crate::observe::{Note, Observer};
use crate::retry::LONGEST_WAIT;

type Cost = &'static [(&'static str, u32)];

/// All budgets of one connection.
pub(crate) struct Budgets {
    inner: Mutex<Inner>,
    changed: Notify,
    clock: Arc<dyn Clock>,
    ledger: Arc<dyn Ledger>,
    observer: Arc<dyn Observer>,
}

struct Inner {
    pools: BTreeMap<&'static str, Kept>,
    everything: Option<Pause>,
    waiting: BTreeMap<Place, Cost>,
    next: u64,
    ticks: Ticks,
    began: Timestamp,
}

struct Kept {
    pool: Pool,
    pace: Duration,
    pause: Option<Pause>,
}

enum Pool {
    Short { limit: u32, pool: ShortPool },
    Day(DayPool),
    Slots { limit: u32, reserve: u32, taken: u32 },
}

/// A place in the line: higher lanes first, then first come, first served.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    lane: std::cmp::Reverse<Lane>,
    number: u64,
}

enum Refusal {
    /// Ask again after this long, or when something changes.
    After(Duration),
    /// Ask again when something changes.
    Change,
    /// Nothing is left today.
    Exhausted(&'static str),
    /// The request can never be admitted.
    Never(&'static str),
}

impl Budgets {
    /// `limits` lowers (never raises) a budget's limit by name.
    pub(crate) fn new(
        budgets: &'static [Budget],
        limits: &BTreeMap<String, u32>,
        clock: Arc<dyn Clock>,
        ledger: Arc<dyn Ledger>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, LedgerError> {
        let ticks = Ticks::default();
        let mut pools = BTreeMap::new();
        for budget in budgets {
            let limit = limits.get(budget.name).map_or(budget.limit, |own| budget.limit.min(*own));
            let pace = match budget.window {
                Window::Short(window) => window,
                Window::Rolling24h => LONGEST_WAIT,
                Window::Concurrent => Duration::from_secs(5),
            };
            let pool = match budget.window {
                Window::Short(window) => {
                    Pool::Short { limit, pool: ShortPool::new(limit, window, budget.reserve_percent, &ticks) }
                }
                Window::Rolling24h => {
                    let count = ledger.load(budget.name)?.unwrap_or_default();
                    Pool::Day(DayPool::new(limit, budget.reserve_percent, budget.scope, count))
                }
                Window::Concurrent => {
                    let reserve = percent_of(u64::from(limit), budget.reserve_percent);
                    Pool::Slots { limit, reserve: u32::try_from(reserve).unwrap_or(0), taken: 0 }
                }
            };
            pools.insert(budget.name, Kept { pool, pace, pause: None });
        }
        let began = clock.now();
        let inner = Inner { pools, everything: None, waiting: BTreeMap::new(), next: 0, ticks, began };
        Ok(Self { inner: Mutex::new(inner), changed: Notify::new(), clock, ledger, observer })
    }

    /// Waits for this request's turn. Ends with `Throttled` when the day's calls are used up, because nobody should hold a worker
    /// for hours.
    pub(crate) async fn admit(self: &Arc<Self>, lane: Lane, cost: Cost) -> Result<Permit, Fault> {
        let began = self.clock.now();
        let line = self.line_up(lane, cost);
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            let now = self.clock.now();
            match self.try_admit(line.place, cost, now) {
                Ok(probe) => {
                    self.observer.note(Note::Wait { lane, waited: until(began, now) });
                    return Ok(Permit { budgets: Arc::clone(self), cost, probe: probe.then_some(now) });
                }
                Err(Refusal::After(wait)) => {
                    let slept = pin!(self.clock.sleep_until(later(now, wait)));
                    futures::future::select(slept, changed).await;
                }
                Err(Refusal::Change) => changed.await,
                Err(Refusal::Exhausted(budget)) => {
                    return Err(Fault::Throttled { retry_after: Some(LONGEST_WAIT), budget });
                }
                Err(Refusal::Never(budget)) => {
                    return Err(Fault::Protocol {
                        detail: format!(
                            "the request asks for more of budget {budget} than there ever is at once"
                        ),
                    });
                }
            }
        }
    }

    /// Pauses who needs this budget, and nobody else; an unknown budget pauses everybody. A day's calls pause as long as the vendor asks, or
    /// until the next midnight (UTC) where it does not say; meanwhile gates, and without a vendor's word also a single read, find out after
    /// each `wait` whether it is over.
    pub(crate) fn block(&self, budget: &'static str, wait: Duration, asked: Option<Duration>) {
        let now = self.clock.now();
        let mut inner = self.lock();
        let Inner { pools, everything, .. } = &mut *inner;
        let (pause, daily) = match pools.get_mut(budget) {
            Some(kept) => (&mut kept.pause, matches!(kept.pool, Pool::Day(_))),
            None => (everything, false),
        };
        let of = if daily { Pause::of_day } else { Pause::new };
        let new = of(*pause, now, wait, asked);
        *pause = Some(new);
        drop(inner);
        self.observer.note(Note::Throttled { budget, wait: until(now, new.until) });
        self.changed.notify_waiters();
    }

    /// The vendor served a call that was sent to find out: the pauses that it was sent in are over.
    fn served(&self, cost: Cost, began: Timestamp) {
        let mut inner = self.lock();
        for (name, _) in cost {
            if let Some(Kept { pool: Pool::Day(_), pause, .. }) = inner.pools.get_mut(name) {
                *pause = pause.filter(|pause| began < pause.since);
            }
        }
        drop(inner);
        self.changed.notify_waiters();
    }

    /// How long a budget rests when a vendor throttles without saying for how long.
    pub(crate) fn pace(&self, budget: &str) -> Duration {
        self.lock().pools.get(budget).map_or(Duration::from_secs(5), |kept| kept.pace)
    }

    /// Whether a pause of this budget is too long to hold a worker.
    pub(crate) fn is_daily(&self, budget: &str) -> bool {
        self.lock().pools.get(budget).is_some_and(|kept| matches!(kept.pool, Pool::Day(_)))
    }

    /// Takes the vendor's word on a budget.
    pub(crate) fn read_meter(&self, reading: &MeterReading) {
        let now = self.clock.now();
        let mut inner = self.lock();
        if let Some(Kept { pool: Pool::Day(day), .. }) = inner.pools.get_mut(reading.budget) {
            day.read_meter(reading.used, reading.limit, now);
            self.save(reading.budget, day);
        }
    }

    /// All budgets now, by name.
    pub(crate) fn status(&self) -> Vec<BudgetStatus> {
        let now = self.clock.now();
        let inner = self.lock();
        let waiting =
            |name: &str| inner.waiting.values().filter(|cost| cost.iter().any(|(n, _)| *n == name)).count();
        inner
            .pools
            .iter()
            .map(|(name, kept)| {
                let (limit, used, vendor) = match &kept.pool {
                    Pool::Short { limit, .. } => (u64::from(*limit), None, None),
                    Pool::Day(day) => (day.limit(), Some(day.own_used(now)), day.count().vendor),
                    Pool::Slots { limit, taken, .. } => (u64::from(*limit), Some(u64::from(*taken)), None),
                };
                let pauses = kept.pause.into_iter().chain(inner.everything);
                let blocked =
                    pauses.filter(|blocked| blocked.until > now).max_by_key(|blocked| blocked.until);
                BudgetStatus {
                    name,
                    limit,
                    used,
                    vendor_used: vendor.map(|v| v.used.saturating_add(v.own_since)),
                    vendor_limit: vendor.map(|v| v.limit),
                    waiting: waiting(name),
                    blocked_until: blocked.map(|blocked| blocked.until),
                    asked_wait: blocked.and_then(|blocked| blocked.asked),
                }
            })
            .collect()
    }

    fn line_up(self: &Arc<Self>, lane: Lane, cost: Cost) -> InLine {
        let mut inner = self.lock();
        let place = Place { lane: std::cmp::Reverse(lane), number: inner.next };
        inner.next = inner.next.wrapping_add(1);
        inner.waiting.insert(place, cost);
        InLine { budgets: Arc::clone(self), place }
    }

    /// Takes the calls; whether one of them is sent in a pause, to find out.
    fn try_admit(&self, place: Place, cost: Cost, now: Timestamp) -> Result<bool, Refusal> {
        let lane = place.lane.0;
        let mut inner = self.lock();
        if inner.waiting.range(..place).any(|(before, other)| inner.is_before(before, other, cost, now)) {
            return Err(Refusal::Change);
        }
        if let Some(pause) = inner.everything.filter(|pause| pause.until > now) {
            return Err(Refusal::After(until(now, pause.until)));
        }
        inner.ticks.advance_to(until(inner.began, now));
        for (name, calls) in cost {
            let kept = inner.pools.get(name).ok_or(Refusal::Never(name))?;
            kept.peek(name, lane, *calls, now)?;
        }
        for (name, calls) in cost {
            if let (Some(Kept { pool: Pool::Short { pool, .. }, .. }), Some(calls)) =
                (inner.pools.get(name), NonZeroU32::new(*calls))
            {
                pool.take(lane, calls).map_err(|short| match short {
                    Short::After(wait) => Refusal::After(wait),
                    Short::Never => Refusal::Never(name),
                })?;
            }
        }
        let mut probe = false;
        for (name, calls) in cost {
            let Some(Kept { pool, pace, pause }) = inner.pools.get_mut(name) else { continue };
            match pool {
                Pool::Slots { taken, .. } => *taken = taken.saturating_add(*calls),
                Pool::Day(day) => {
                    day.charge(lane, u64::from(*calls), now);
                    self.save(name, day);
                    if let Some(pause) = pause.as_mut().filter(|pause| now < pause.until) {
                        probe = true;
                        if matches!(lane, Lane::Read | Lane::Backfill) {
                            pause.ask_from = later(now, *pace);
                        }
                    }
                }
                Pool::Short { .. } => {}
            }
        }
        Ok(probe)
    }

    fn save(&self, name: &'static str, day: &DayPool) {
        if let Err(error) = self.ledger.save(name, day.count()) {
            tracing::warn!(budget = name, %error, "counting goes on in memory");
            self.observer.note(Note::LedgerFailed { budget: name });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Whether somebody earlier in the line goes first: he needs the same calls and only waits for them to become free. Who is paused over
    /// something else holds nobody up, and nobody waits for a day's calls.
    fn is_before(&self, before: &Place, other: Cost, cost: Cost, now: Timestamp) -> bool {
        let waited_for = |name: &str| {
            let shared = cost.iter().any(|(own, _)| *own == name);
            shared && self.pools.get(name).is_none_or(|kept| !matches!(kept.pool, Pool::Day(_)))
        };
        let paused = |name: &str| {
            let apart = cost.iter().all(|(own, _)| *own != name);
            apart && self.pools.get(name).is_some_and(|kept| kept.is_paused(before.lane.0, now))
        };
        other.iter().any(|(name, _)| waited_for(name)) && !other.iter().any(|(name, _)| paused(name))
    }
}

impl Kept {
    fn is_paused(&self, lane: Lane, now: Timestamp) -> bool {
        let daily = matches!(self.pool, Pool::Day(_));
        self.pause.is_some_and(|pause| if daily { pause.covers_day(lane, now) } else { now < pause.until })
    }

    fn peek(&self, name: &'static str, lane: Lane, calls: u32, now: Timestamp) -> Result<(), Refusal> {
        if let Some(pause) = self.pause.filter(|_| self.is_paused(lane, now)) {
            return match &self.pool {
                Pool::Day(_) => Err(Refusal::Exhausted(name)),
                Pool::Short { .. } | Pool::Slots { .. } => Err(Refusal::After(until(now, pause.until))),
            };
        }
        match &self.pool {
            Pool::Short { .. } => Ok(()),
            Pool::Day(day) if day.allows(lane, u64::from(calls), now) => Ok(()),
            Pool::Day(_) => Err(Refusal::Exhausted(name)),
            Pool::Slots { limit, reserve, taken } => {
                let usable = match lane {
                    Lane::GateOpen | Lane::GateClose => *limit,
                    Lane::Read | Lane::Backfill => limit.saturating_sub(*reserve),
                };
                if calls > usable {
                    Err(Refusal::Never(name))
                } else if taken.saturating_add(calls) > usable {
                    Err(Refusal::Change)
                } else {
                    Ok(())
                }
            }
        }
    }
}

/// A place in the line, given up when dropped.
struct InLine {
    budgets: Arc<Budgets>,
    place: Place,
}

impl Drop for InLine {
    fn drop(&mut self) {
        self.budgets.lock().waiting.remove(&self.place);
        self.budgets.changed.notify_waiters();
    }
}

/// Leave to make one call; dropping it frees what counts calls at once.
pub(crate) struct Permit {
    budgets: Arc<Budgets>,
    cost: Cost,
    /// When it was admitted, if it was sent in a pause, to find out whether that is over.
    probe: Option<Timestamp>,
}

impl Permit {
    /// The vendor served the call.
    pub(crate) fn served(&self) {
        if let Some(began) = self.probe {
            self.budgets.served(self.cost, began);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut inner = self.budgets.lock();
        for (name, calls) in self.cost {
            if let Some(Kept { pool: Pool::Slots { taken, .. }, .. }) = inner.pools.get_mut(name) {
                *taken = taken.saturating_sub(*calls);
            }
        }
        drop(inner);
        self.budgets.changed.notify_waiters();
    }
}
