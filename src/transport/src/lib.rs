//! The only sender: HTTP, authentication, budgets, retries, redaction.
//!
//! A [`Transport`] is one connection to one vendor. Connectors hand it conversations; it admits them within the vendor's budgets
//! (gates first), authenticates, sends, meters, and turns every [`handoff_connector::Fault`] into what follows by one function,
//! [`Transport::policy`].

mod allow;
mod auth;
mod budget;
mod circuit;
mod clock;
mod http;
mod message;
mod observe;
mod redact;
mod retry;
#[cfg(test)]
mod tests;
mod transport;
mod wire;

pub use allow::{AllowedHosts, Forbidden};
pub use auth::{
    AccessKey, ClientCredentials, ClientStyle, Grant, JwtBearer, JwtConfig, KeyError, OauthConfig,
    RefreshToken, Scheme, SessionConfig, SessionStatus, StaticToken, TokenSource, TokenVault, VaultError,
};
pub use budget::{BudgetStatus, DayCount, Ledger, LedgerError, VendorCount};
pub use circuit::CircuitStatus;
pub use clock::{Chance, Clock, until};
pub use http::{HttpConfig, HttpSetupError, HttpWire, Lookup, SystemLookup};
pub use observe::{Note, Observer};
pub use redact::{Secret, code, origin, vendor_request_id};
pub use retry::{LONGEST_WAIT, Policy, SHORTEST_WAIT, policy};
pub use transport::{Parts, SetupError, Transport, TransportConfig, TransportStatus};
pub use wire::{Wire, WireFault, WireRequest};
