//! Budgets against simulated vendors that count.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use handoff_connector::{Lane, Scope};
use jiff::Timestamp;
use proptest::prelude::*;

use super::admission::Budgets;
use super::day::DayPool;
use super::ledger::DayCount;
use super::short::{Short, ShortPool, Ticks};
use crate::tests::support::{BUDGETS, ManualClock, MemoryLedger, start};
use crate::{Clock, Note};

const ONE: NonZeroU32 = NonZeroU32::MIN;
const LANES: [Lane; 4] = [Lane::Backfill, Lane::Read, Lane::GateOpen, Lane::GateClose];

/// Most admissions in any half-open window, which is what a vendor's sliding window counts.
fn most_in_a_window(at: &[Duration], window: Duration) -> usize {
    at.iter()
        .enumerate()
        .map(|(i, from)| at[i..].iter().take_while(|t| **t < *from + window).count())
        .max()
        .unwrap_or(0)
}

proptest! {
    #[test]
    fn d01_no_window_ever_holds_more_than_the_limit(
        limit in 1_u32..200,
        window in 1_u64..60,
        reserve in 0_u8..=100,
        asks in prop::collection::vec((0_u64..4_000, 0_usize..4, 1_u32..4), 1..600),
    ) {
        let window = Duration::from_secs(window);
        let ticks = Ticks::default();
        let pool = ShortPool::new(limit, window, reserve, &ticks);
        let (mut now, mut admitted) = (Duration::ZERO, Vec::new());
        for (pause, lane, calls) in asks {
            // every fourth ask comes after a pause; the others come in bursts
            now += Duration::from_millis(if pause % 4 == 0 { pause } else { 0 });
            ticks.advance_to(now);
            if pool.take(LANES[lane], NonZeroU32::new(calls).unwrap()).is_ok() {
                admitted.extend((0..calls).map(|_| now));
            }
        }
        prop_assert!(most_in_a_window(&admitted, window) <= usize::try_from(limit).unwrap());
    }

    #[test]
    fn d01_whoever_waits_exactly_as_told_is_admitted_then(limit in 2_u32..200, lane in 0_usize..4) {
        let ticks = Ticks::default();
        let pool = ShortPool::new(limit, Duration::from_secs(10), 20, &ticks);
        let (mut now, mut admitted) = (Duration::ZERO, Vec::new());
        while now < Duration::from_mins(1) {
            match pool.take(LANES[lane], ONE) {
                Ok(()) => admitted.push(now),
                Err(Short::After(wait)) => {
                    now += wait;
                    ticks.advance_to(now);
                    prop_assert!(pool.take(LANES[lane], ONE).is_ok());
                    admitted.push(now);
                }
                Err(Short::Never) => prop_assert!(false, "a single call fits every pool"),
            }
        }
        let limit = usize::try_from(limit).unwrap();
        prop_assert!(most_in_a_window(&admitted, Duration::from_secs(10)) <= limit);
        prop_assert!(admitted.len() * 10 >= limit * 6 * 5, "half of the limit at least is really used");
    }

    #[test]
    fn d02_readers_never_take_the_gates_share(
        limit in 10_u32..500,
        asks in prop::collection::vec((0_u64..100, 0_usize..2), 1..400),
    ) {
        let ticks = Ticks::default();
        let pool = ShortPool::new(limit, Duration::from_secs(10), 20, &ticks);
        let mut now = Duration::ZERO;
        for (pause, lane) in asks {
            now += Duration::from_millis(pause);
            ticks.advance_to(now);
            let _whatever = pool.take(LANES[lane], ONE);
        }
        prop_assert_eq!(pool.take(Lane::GateClose, ONE), Ok(()));
        prop_assert!(pool.take(Lane::GateOpen, ONE) != Err(Short::Never));
    }

    #[test]
    fn d02_no_rolling_day_holds_more_than_the_limit(
        limit in 1_u32..60,
        asks in prop::collection::vec((0_i64..10_000, 0_usize..4, 1_u64..5), 1..300),
    ) {
        let mut day = DayPool::new(limit, 20, Scope::Org, DayCount::default());
        let (mut now, mut admitted) = (start(), Vec::new());
        for (pause, lane, calls) in asks {
            now += Duration::from_secs(u64::try_from(pause).unwrap());
            if day.allows(LANES[lane], calls, now) {
                day.charge(LANES[lane], calls, now);
                let at = crate::clock::until(start(), now);
                admitted.extend((0..calls).map(|_| at));
            }
        }
        let most = most_in_a_window(&admitted, Duration::from_hours(24));
        prop_assert!(most <= usize::try_from(limit).unwrap());
    }

    #[test]
    fn d02_with_a_meter_everybody_together_stays_within_the_vendors_limit(
        others in prop::collection::vec(0_u64..30, 1..100),
    ) {
        let (vendor_limit, mut used) = (500_u64, 0_u64);
        let mut day = DayPool::new(10_000, 20, Scope::Org, DayCount::default());
        let now: Timestamp = start();
        day.read_meter(0, vendor_limit, now);
        for more in others {
            let others = more.min(vendor_limit - used);
            used += others;
            day.read_meter(used, vendor_limit, now);
            while day.allows(Lane::Read, 1, now) && used < vendor_limit && more % 3 == 0 {
                day.charge(Lane::Read, 1, now);
                used += 1;
                prop_assert!(used <= vendor_limit - vendor_limit / 5, "readers leave the reserve");
            }
        }
        prop_assert_eq!(day.allows(Lane::GateClose, 1, now), used < vendor_limit);
    }
}

#[test]
fn the_meter_corrects_our_own_count() {
    let mut day = DayPool::new(100, 0, Scope::App, DayCount::default());
    day.charge(Lane::Read, 50, start());
    day.read_meter(10, 100, start());
    assert_eq!(day.own_used(start()), 10);
    day.read_meter(70, 100, start());
    assert_eq!(day.own_used(start()), 70);
    let mut org = DayPool::new(100, 0, Scope::Org, DayCount::default());
    org.charge(Lane::Read, 5, start());
    org.read_meter(70, 100, start());
    assert_eq!(org.own_used(start()), 5, "others' calls are not ours");
}

#[test]
fn a_stored_count_is_read_back_as_it_was() {
    let mut day = DayPool::new(100, 0, Scope::Org, DayCount::default());
    day.charge(Lane::Read, 7, start());
    day.read_meter(9, 100, start());
    let text = serde_json::to_string(day.count()).unwrap();
    let read: DayCount = serde_json::from_str(&text).unwrap();
    assert_eq!(&read, day.count());
}

fn budgets(clock: &Arc<ManualClock>) -> Arc<Budgets> {
    let observer = Arc::new(|_: Note| {});
    let ledger = Arc::new(MemoryLedger::default());
    let clock: Arc<dyn Clock> = clock.clone();
    Arc::new(Budgets::new(&BUDGETS, &BTreeMap::new(), clock, ledger, observer).unwrap())
}

#[tokio::test]
async fn a_request_that_never_fits_is_told_so() {
    let budgets = budgets(&ManualClock::auto());
    let mut kinds = Vec::new();
    let costs: [&'static [(&'static str, u32)]; 3] =
        [&[("short", 90)], &[("slots", 6)], &[("unheard of", 1)]];
    for cost in costs {
        kinds.push(budgets.admit(Lane::GateClose, cost).await.err().map(|fault| fault.kind()));
    }
    assert_eq!(kinds, [Some("protocol"); 3]);
    assert!(budgets.status().iter().all(|budget| budget.waiting == 0));
}

#[tokio::test]
async fn d01_a_thousand_readers_stay_within_the_limit_while_gates_pass() {
    let clock = ManualClock::auto();
    let budgets = budgets(&clock);
    let mut admitted = Vec::new();
    for number in 0..700 {
        let lane = if number % 50 == 49 { Lane::GateClose } else { Lane::Backfill };
        let permit = budgets.admit(lane, &[("short", 1), ("slots", 1)]).await;
        assert!(permit.is_ok());
        admitted.push(crate::clock::until(start(), clock.now()));
    }
    assert!(most_in_a_window(&admitted, Duration::from_secs(10)) <= 100);
}
