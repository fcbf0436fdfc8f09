//! HubSpot as data.

use std::time::Duration;

use handoff_connector::{AuthKind, Budget, Meter, MeterReading, Reply, Scope, Spec, Window};

/// Calls of this app in ten seconds (facts/hubspot §6: 100 on Free and Starter, 190 above).
pub(crate) const TEN_SECONDS: &str = "ten_seconds";
/// Searches of the whole account in a second; HubSpot allows 5 to everybody together.
pub(crate) const SEARCH: &str = "search";
/// Calls of the account in a day.
pub(crate) const DAILY: &str = "daily";

/// One call.
pub(crate) const ONE_CALL: &[(&str, u32)] = &[(TEN_SECONDS, 1), (DAILY, 1)];
/// One search.
pub(crate) const ONE_SEARCH: &[(&str, u32)] = &[(SEARCH, 1), (TEN_SECONDS, 1), (DAILY, 1)];

/// Most inputs of a batch.
pub(crate) const BATCH: usize = 100;
/// Most inputs of a batch read that asks for history.
pub(crate) const HISTORY_BATCH: usize = 50;
/// Rows of one page of a search; the most that HubSpot gives.
pub(crate) const SEARCH_PAGE: usize = 200;
/// Rows of one page of a list.
pub(crate) const LIST_PAGE: usize = 100;

/// The connector as data.
pub(crate) static SPEC: Spec = Spec {
    name: "hubspot",
    api_version: "2026-09",
    auth: &[AuthKind::StaticToken, AuthKind::RefreshToken],
    budgets: &[
        Budget {
            name: TEN_SECONDS,
            limit: 100,
            window: Window::Short(Duration::from_secs(10)),
            scope: Scope::App,
            reserve_percent: 10,
        },
        Budget {
            name: SEARCH,
            limit: 4,
            window: Window::Short(Duration::from_secs(1)),
            scope: Scope::Org,
            reserve_percent: 0,
        },
        Budget {
            name: DAILY,
            limit: 250_000,
            window: Window::Rolling24h,
            scope: Scope::Org,
            reserve_percent: 20,
        },
    ],
    read_batch: BATCH,
    write_batch: BATCH,
};

/// How far a sweep steps back by default: the search index lags behind the records by up to half a minute.
pub const DEFAULT_OVERLAP: Duration = Duration::from_mins(5);

/// Reads `X-HubSpot-RateLimit-Daily` and `-Max` with what remains of each; a search carries neither.
pub(crate) fn meter(reply: &Reply) -> Meter {
    let number = |name: &str| -> Option<u64> { reply.headers.get(name)?.to_str().ok()?.trim().parse().ok() };
    let pairs = [
        (DAILY, "X-HubSpot-RateLimit-Daily", "X-HubSpot-RateLimit-Daily-Remaining"),
        (TEN_SECONDS, "X-HubSpot-RateLimit-Max", "X-HubSpot-RateLimit-Remaining"),
    ];
    let read = |(budget, limit, remaining): (&'static str, &str, &str)| {
        let (limit, remaining) = (number(limit)?, number(remaining)?);
        Some(MeterReading { budget, used: limit.saturating_sub(remaining), limit })
    };
    pairs.into_iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

    use super::*;

    fn reply(headers: &[(&'static str, &'static str)]) -> Reply {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        Reply { status: StatusCode::OK, headers, body: Vec::new().into() }
    }

    #[test]
    fn d02_the_accounts_meter_is_read_from_any_reply() {
        let all = reply(&[
            ("x-hubspot-ratelimit-daily", "250000"),
            ("x-hubspot-ratelimit-daily-remaining", "249000"),
            ("x-hubspot-ratelimit-max", "190"),
            ("x-hubspot-ratelimit-remaining", "189"),
        ]);
        let expected = vec![
            MeterReading { budget: DAILY, used: 1_000, limit: 250_000 },
            MeterReading { budget: TEN_SECONDS, used: 1, limit: 190 },
        ];
        assert_eq!(meter(&all), expected);
        let oauth = reply(&[("x-hubspot-ratelimit-max", "110"), ("x-hubspot-ratelimit-remaining", "200")]);
        assert_eq!(meter(&oauth), vec![MeterReading { budget: TEN_SECONDS, used: 0, limit: 110 }]);
        assert_eq!(meter(&reply(&[("x-hubspot-ratelimit-daily", "-1")])), vec![]);
        assert_eq!(meter(&reply(&[])), vec![]);
    }
}
