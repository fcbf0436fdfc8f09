//! A connector described as data: versions, authentication, budgets, batch sizes.

use std::time::Duration;

/// How a connection proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthKind {
    /// OAuth 2.0 client credentials (RFC 6749 §4.4).
    ClientCredentials,
    /// OAuth 2.0 JWT bearer (RFC 7523).
    JwtBearer,
    /// OAuth 2.0 refresh token (RFC 6749 §6), possibly rotating.
    RefreshToken,
    /// A token that the vendor issued once and that does not expire, sent as `Bearer` (HubSpot service key or private app).
    StaticToken,
    /// A key and its secret, sent as `Basic` (RFC 7617; Gong).
    AccessKey,
}

/// The span over which a budget counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Smoothed by the transport's limiter; nothing is kept over a restart.
    Short(Duration),
    /// Counted durably and corrected by the vendor's own meter.
    Rolling24h,
    /// At most this many calls at once.
    Concurrent,
}

/// Who shares a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everything that talks to this org or portal.
    Org,
    /// Only this app.
    App,
}

/// A named limit on calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Name used by [`crate::Request::cost`] and in metrics.
    pub name: &'static str,
    /// Default number of calls allowed per window; configuration may lower it.
    pub limit: u32,
    /// The window.
    pub window: Window,
    /// Who shares it.
    pub scope: Scope,
    /// Percent kept for [`crate::Lane::GateOpen`] and [`crate::Lane::GateClose`].
    pub reserve_percent: u8,
}

/// What a vendor's own meter says about a budget, read from any reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeterReading {
    /// Budget it speaks of.
    pub budget: &'static str,
    /// Calls used in the current window.
    pub used: u64,
    /// The vendor's limit.
    pub limit: u64,
}

/// Meters found in one reply.
pub type Meter = Vec<MeterReading>;

/// A connector as data.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Connector name as configuration writes it, e.g. `salesforce`.
    pub name: &'static str,
    /// API version spoken by default.
    pub api_version: &'static str,
    /// Ways to authenticate.
    pub auth: &'static [AuthKind],
    /// Call budgets.
    pub budgets: &'static [Budget],
    /// Most records in one [`crate::Source::read`].
    pub read_batch: usize,
    /// Most plans in one [`crate::Sink::apply`].
    pub write_batch: usize,
}
