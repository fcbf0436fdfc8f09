//! Rate limits: ten seconds by app, a day and searches by account.

use std::collections::{BTreeMap, VecDeque};

use handoff_sandbox_host::Reply;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::{
    Refusal,
    when::{self, DAY},
};

const INTERVAL: i64 = 10_000;

/// What the account may do; counted by the sandbox's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitOptions {
    /// Calls of one private app or service key in ten seconds.
    pub burst: u32,
    /// Calls of one OAuth app in ten seconds.
    #[serde(default = "oauth_burst")]
    pub oauth_burst: u32,
    /// Calls of all private apps in a day; none for OAuth apps.
    pub daily: u64,
    /// Searches of the account in a second.
    pub searches: u32,
    /// Whether more is refused; headers are sent either way.
    pub enforced: bool,
}

const fn oauth_burst() -> u32 {
    110
}

impl Default for LimitOptions {
    /// Professional, not enforced.
    fn default() -> Self {
        Self { burst: 190, oauth_burst: oauth_burst(), daily: 625_000, searches: 5, enforced: false }
    }
}

impl LimitOptions {
    /// Professional, enforced: 190 in ten seconds, 625,000 a day, 5 searches a second.
    pub fn enforced() -> Self {
        Self { enforced: true, ..Self::default() }
    }

    fn burst_of(&self, private: bool) -> u32 {
        if private { self.burst } else { self.oauth_burst }
    }
}

/// Calls counted so far.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    pub(crate) options: LimitOptions,
    recent: BTreeMap<u64, VecDeque<i64>>,
    searches: VecDeque<i64>,
    day: i64,
    pub(crate) used: u64,
}

impl Limits {
    pub(crate) fn new(options: LimitOptions) -> Self {
        Self { options, ..Self::default() }
    }

    /// Charges one call of an app at `now`; what is left of its ten seconds.
    pub(crate) fn charge(&mut self, app: u64, private: bool, search: bool, now: i64) -> Result<u32, Refusal> {
        let day = now.div_euclid(DAY);
        if day != self.day {
            self.day = day;
            self.used = 0;
        }
        let recent = self.recent.entry(app).or_default();
        let size = |list: &VecDeque<i64>| u32::try_from(list.len()).unwrap_or(u32::MAX);
        // A clock that was set back leaves stamps of the future: they count until their time has passed.
        while recent.front().is_some_and(|at| *at <= now - INTERVAL) {
            recent.pop_front();
        }
        while self.searches.front().is_some_and(|at| *at <= now - 1000) {
            self.searches.pop_front();
        }
        let burst = self.options.burst_of(private);
        if self.options.enforced {
            if private && self.used >= self.options.daily {
                return Err(Refusal::limit("DAILY"));
            }
            if size(recent) >= burst {
                return Err(Refusal::limit("TEN_SECONDLY_ROLLING"));
            }
            if search && size(&self.searches) >= self.options.searches {
                return Err(Refusal::limit("SECONDLY"));
            }
        }
        if private {
            self.used += 1;
        }
        recent.push_back(now);
        if search {
            self.searches.push_back(now);
        }
        Ok(burst.saturating_sub(size(recent)))
    }

    /// The headers of every call but searches.
    pub(crate) fn dress(&self, reply: Reply, left: u32, private: bool) -> Reply {
        let reply = reply
            .with("x-hubspot-ratelimit-max", self.options.burst_of(private).to_string())
            .with("x-hubspot-ratelimit-remaining", left.to_string())
            .with("x-hubspot-ratelimit-interval-milliseconds", INTERVAL.to_string());
        if !private {
            return reply;
        }
        let daily = self.options.daily;
        reply
            .with("x-hubspot-ratelimit-daily", daily.to_string())
            .with("x-hubspot-ratelimit-daily-remaining", daily.saturating_sub(self.used).to_string())
    }

    /// The answer of the usage address.
    pub(crate) fn json(&self, now: i64) -> Json {
        let resets = (now.div_euclid(DAY) + 1) * DAY;
        json!({"results": [{
            "name": "private-apps-api-calls-daily", "usageLimit": self.options.daily, "currentUsage": self.used,
            "collectedAt": when::iso(now), "fetchStatus": "SUCCESS", "resetsAt": when::iso(resets),
        }]})
    }
}
