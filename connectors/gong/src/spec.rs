//! Gong as data.

use std::time::Duration;

use handoff_connector::{AuthKind, Budget, Scope, Spec, Window};

/// Calls per second: Gong allows three to the whole company, one is left to others.
pub(crate) const PER_SECOND: &str = "per_second";
/// Calls per day: Gong allows 10,000 to the whole company, half are left to others.
pub(crate) const DAILY: &str = "daily";

/// One API call.
pub(crate) const ONE_CALL: &[(&str, u32)] = &[(PER_SECOND, 1), (DAILY, 1)];

/// Most ids in one request, the size of Gong's pages.
pub(crate) const BATCH: usize = 100;

/// How hints name a call's kind of record.
pub const OBJECT: &str = "call";

/// How far back a pass reads by default: calls have been seen to appear days after they were held.
pub const DEFAULT_LOOKBACK: Duration = Duration::from_hours(7 * 24);
/// The longest window of a pass.
pub const LONGEST_LOOKBACK: Duration = Duration::from_hours(90 * 24);

/// The connector as data.
pub(crate) static SPEC: Spec = Spec {
    name: "gong",
    api_version: "v2",
    auth: &[AuthKind::AccessKey, AuthKind::RefreshToken],
    budgets: &[
        Budget {
            name: PER_SECOND,
            limit: 2,
            window: Window::Short(Duration::from_secs(1)),
            scope: Scope::Org,
            reserve_percent: 0,
        },
        Budget {
            name: DAILY,
            limit: 5_000,
            window: Window::Rolling24h,
            scope: Scope::Org,
            reserve_percent: 0,
        },
    ],
    read_batch: BATCH,
    write_batch: 1,
};
