//! Salesforce as data.

use std::time::Duration;

use handoff_connector::{AuthKind, Budget, Meter, MeterReading, Reply, Scope, Spec, Window};

/// Calls of the org in a rolling day (facts/salesforce §8: 100,000 in Enterprise before licences).
pub(crate) const DAILY: &str = "daily";
/// Calls at once; Salesforce caps only those that run 20 s or longer, a small number keeps us from ever being the reason.
pub(crate) const CONCURRENT: &str = "concurrent";

/// One API call.
pub(crate) const ONE_CALL: &[(&str, u32)] = &[(DAILY, 1), (CONCURRENT, 1)];
/// A call that is not charged to the org's allocation, such as OAuth's.
pub(crate) const UNCHARGED: &[(&str, u32)] = &[(CONCURRENT, 1)];

/// Rows of one page where two or more long texts are selected (facts/salesforce §2).
pub(crate) const LONG_TEXT_PAGE: usize = 200;
/// Most records in one read, and as many as one call writes. Their ids stay far below the 100,000 characters of a query.
pub(crate) const READ_BATCH: usize = 4 * LONG_TEXT_PAGE;
/// Most rows of one collection.
pub(crate) const COLLECTION: usize = 200;
/// Most queries and collections in one composite request.
pub(crate) const HEAVY_SUBREQUESTS: usize = 5;
/// Most subrequests in one composite request.
pub(crate) const SUBREQUESTS: usize = 25;

/// API version spoken when configuration names none.
pub const DEFAULT_API_VERSION: &str = "62.0";

/// The connector as data.
pub(crate) static SPEC: Spec = Spec {
    name: "salesforce",
    api_version: DEFAULT_API_VERSION,
    auth: &[AuthKind::ClientCredentials, AuthKind::JwtBearer, AuthKind::RefreshToken],
    budgets: &[
        Budget {
            name: DAILY,
            limit: 100_000,
            window: Window::Rolling24h,
            scope: Scope::Org,
            reserve_percent: 20,
        },
        Budget {
            name: CONCURRENT,
            limit: 4,
            window: Window::Concurrent,
            scope: Scope::Org,
            reserve_percent: 0,
        },
    ],
    read_batch: READ_BATCH,
    // Four collections of 200 and one read-back of all of them.
    write_batch: 4 * COLLECTION,
};

/// How far a sweep steps back by default.
pub const DEFAULT_OVERLAP: Duration = Duration::from_mins(10);

/// Reads `Sforce-Limit-Info: api-usage=25/15000; per-app-api-usage=17/250(appName=handoffd)`; only the org's own number counts.
pub(crate) fn meter(reply: &Reply) -> Meter {
    reply
        .headers
        .get("Sforce-Limit-Info")
        .and_then(|value| value.to_str().ok())
        .and_then(|text| {
            let usage = text.split([';', ',']).find_map(|part| part.trim().strip_prefix("api-usage="))?;
            let (used, limit) = usage.split_once('/')?;
            Some(MeterReading {
                budget: DAILY,
                used: used.trim().parse().ok()?,
                limit: limit.trim().parse().ok()?,
            })
        })
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::*;

    fn reply(header: &'static str) -> Reply {
        let mut headers = HeaderMap::new();
        headers.insert("sforce-limit-info", HeaderValue::from_static(header));
        Reply { status: StatusCode::OK, headers, body: Vec::new().into() }
    }

    #[test]
    fn d02_the_orgs_meter_is_read_from_any_reply() {
        let expected = vec![MeterReading { budget: DAILY, used: 25, limit: 15_000 }];
        assert_eq!(meter(&reply("api-usage=25/15000")), expected);
        assert_eq!(meter(&reply("api-usage=25/15000; per-app-api-usage=17/250(appName=handoffd)")), expected);
        assert_eq!(meter(&reply("per-app-api-usage=17/250(appName=x)")), vec![]);
        assert_eq!(meter(&reply("api-usage=-1/none")), vec![]);
    }
}
