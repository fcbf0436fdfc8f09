//! The org's daily API allocation.

use serde_json::{Value as Json, json};

const DAY: i64 = 24 * 3600;

/// API requests used and allowed in 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) used: u64,
    pub(crate) allowed: u64,
    since: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { used: 0, allowed: 100_000, since: i64::MIN }
    }
}

impl Limits {
    /// Charges `calls`; false when the allocation is exhausted, and then nothing is charged.
    pub(crate) fn charge(&mut self, calls: u64, now: i64) -> bool {
        if now.saturating_sub(self.since) >= DAY {
            if self.since != i64::MIN {
                self.used = 0;
            }
            self.since = now;
        }
        if self.used >= self.allowed {
            return false;
        }
        self.used = self.used.saturating_add(calls);
        true
    }

    /// The Sforce-Limit-Info header.
    pub(crate) fn header(self) -> String {
        format!("api-usage={}/{}", self.used, self.allowed)
    }

    /// The answer of `/limits`.
    pub(crate) fn json(self) -> Json {
        let full = |max: u64| json!({"Max": max, "Remaining": max});
        json!({
            "DailyApiRequests": {"Max": self.allowed, "Remaining": self.allowed.saturating_sub(self.used)},
            "DailyBulkApiBatches": full(15_000),
            "DailyBulkV2QueryJobs": full(10_000),
            "DailyBulkV2QueryFileStorageMB": full(976_562),
            "DailyDeliveredPlatformEvents": full(50_000),
            "HourlyPublishedPlatformEvents": full(250_000),
            "DataStorageMB": full(10_240),
            "FileStorageMB": full(10_240),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allocation_is_a_day_long() {
        let mut limits = Limits { allowed: 2, ..Limits::default() };
        assert!(limits.charge(1, 1000) && limits.charge(1, 1001));
        assert!(!limits.charge(1, 1002));
        assert_eq!(limits.header(), "api-usage=2/2");
        assert!(limits.charge(1, 1000 + DAY));
        assert_eq!(limits.used, 1);
    }
}
