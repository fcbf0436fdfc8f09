//! A CRM as the figures need it.

mod hubspot;
mod salesforce;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::demo::DemoError;

pub(super) use hubspot::HubSpotCrm;
pub(super) use salesforce::SalesforceCrm;

/// The login that owns what is entered.
const REP: &str = "ava.lindqvist@northwind-peak.example";
/// The login that receives it.
const RECEIVER: &str = "ingrid.moen@northwind-peak.example";
/// A part of the package that is filled from the start.
const AUTHORITY: &str = "The CFO signs up to 250,000 EUR alone";
/// The part of the package that is emptied and filled by turns.
const DYNAMICS: &str = "Operations wants it; IT fears another integration";

/// The fewest calls that the vendor's own caps allow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Least {
    /// How many.
    pub(super) calls: u64,
    /// What they are.
    pub(super) counts: &'static str,
}

/// One vendor's sandbox.
pub(super) trait Crm: Send + Sync {
    /// The vendor's name.
    fn vendor(&self) -> &'static str;

    /// How the daemon calls the connection.
    fn connection(&self) -> &'static str;

    /// Enters so many deals at a governed stage, each with one part of its package.
    fn fill(&self, count: u32) -> Result<(), DemoError>;

    /// Switches webhooks off or on.
    fn webhooks(&self, on: bool);

    /// Forgets the calls counted so far.
    fn forget(&self);

    /// Calls since then, by endpoint.
    fn calls(&self) -> BTreeMap<String, u64>;

    /// The fewest calls for so many new records that are each read and written once.
    fn least(&self, records: u32) -> Least;

    /// Time that the sandbox spent on calls.
    fn handling(&self) -> Duration;

    /// A deal whose package is complete and waits for its receiver.
    fn waiting(&self) -> Result<Option<String>, DemoError>;

    /// Moments at which the daemon's write of the deal's queue flag arrives.
    fn flag_writes(&self, deal: &str) -> Result<UnboundedReceiver<Instant>, DemoError>;

    /// Fills or empties a part of the deal's package, as automation does.
    fn change(&self, deal: &str, filled: bool) -> Result<(), DemoError>;

    /// Resolves when every delivery is made.
    fn settled(&self) -> BoxFuture<'_, ()>;
}
