//! Rolling 24 hours: our own calls per hour, and the vendor's meter for everybody's.

use std::time::Duration;

use handoff_connector::{Lane, Scope};
use jiff::Timestamp;

use super::ledger::{DayCount, VendorCount};
use super::percent_of;
use crate::clock::until;

const HOUR_SECONDS: i64 = 3_600;
const HOURS: i64 = 24;
/// How often one call asks for the meter while the vendor's meter, not our own count, says that nothing is left.
const ASK_METER_EVERY: Duration = Duration::from_mins(15);

/// One budget over a rolling day.
#[derive(Debug)]
pub(super) struct DayPool {
    limit: u64,
    reserve_percent: u8,
    scope: Scope,
    count: DayCount,
    asked_meter: Option<Timestamp>,
}

impl DayPool {
    pub(super) fn new(limit: u32, reserve_percent: u8, scope: Scope, count: DayCount) -> Self {
        Self { limit: u64::from(limit), reserve_percent, scope, count, asked_meter: None }
    }

    pub(super) fn count(&self) -> &DayCount {
        &self.count
    }

    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    /// Our own calls in the window. The oldest hour counts whole, so this is never too small.
    pub(super) fn own_used(&self, now: Timestamp) -> u64 {
        let oldest = hour(now) - HOURS;
        self.count.own.range(oldest..).map(|(_, calls)| *calls).fold(0, u64::saturating_add)
    }

    /// Whether `calls` more may be made now.
    pub(super) fn allows(&self, lane: Lane, calls: u64, now: Timestamp) -> bool {
        let own = self.own_used(now).saturating_add(calls);
        if own > self.share(self.limit, lane) {
            return false;
        }
        let Some(vendor) = self.vendor(now) else { return true };
        let everybody = vendor.used.saturating_add(vendor.own_since).saturating_add(calls);
        everybody <= self.share(vendor.limit, lane) || self.may_ask_meter(vendor, now)
    }

    /// Charges admitted calls.
    pub(super) fn charge(&mut self, lane: Lane, calls: u64, now: Timestamp) {
        if let Some(vendor) = self.vendor(now) {
            let everybody = vendor.used.saturating_add(vendor.own_since).saturating_add(calls);
            if everybody > self.share(vendor.limit, lane) {
                self.asked_meter = Some(now);
            }
        }
        let oldest = hour(now) - HOURS;
        self.count.own = self.count.own.split_off(&oldest);
        let bucket = self.count.own.entry(hour(now)).or_default();
        *bucket = bucket.saturating_add(calls);
        if let Some(vendor) = &mut self.count.vendor {
            vendor.own_since = vendor.own_since.saturating_add(calls);
        }
    }

    /// Takes the vendor's word: for everybody's use as it is; for our own count where it shows that we counted wrong.
    pub(super) fn read_meter(&mut self, used: u64, limit: u64, now: Timestamp) {
        self.count.vendor = Some(VendorCount { at: now, used, limit, own_since: 0 });
        let own = self.own_used(now);
        if used < own {
            self.forget(own - used);
        } else if used > own && self.scope == Scope::App {
            let bucket = self.count.own.entry(hour(now)).or_default();
            *bucket = bucket.saturating_add(used - own);
        }
    }

    /// Takes calls that the vendor does not know of off the oldest hours.
    fn forget(&mut self, mut calls: u64) {
        for bucket in self.count.own.values_mut() {
            let gone = calls.min(*bucket);
            *bucket -= gone;
            calls -= gone;
        }
    }

    fn vendor(&self, now: Timestamp) -> Option<VendorCount> {
        let day = Duration::from_hours(24);
        self.count.vendor.filter(|vendor| until(vendor.at, now) < day)
    }

    fn may_ask_meter(&self, vendor: VendorCount, now: Timestamp) -> bool {
        let last = self.asked_meter.map_or(vendor.at, |asked| asked.max(vendor.at));
        until(last, now) >= ASK_METER_EVERY
    }

    /// What a lane may use up: everything for shutting gates, all but a quarter of the reserve for opening them, all but the
    /// reserve for the rest.
    fn share(&self, limit: u64, lane: Lane) -> u64 {
        let reserve = percent_of(limit, self.reserve_percent);
        match lane {
            Lane::GateClose => limit,
            Lane::GateOpen => limit - reserve / 4,
            Lane::Read | Lane::Backfill => limit - reserve,
        }
    }
}

fn hour(now: Timestamp) -> i64 {
    now.as_second().div_euclid(HOUR_SECONDS)
}
