//! What configuration needs to know of each vendor.

use handoff_connector::AuthKind;
use handoff_core::id::RecordId;

/// One vendor.
#[derive(Debug)]
pub(crate) struct Vendor {
    /// The connector's name.
    pub(crate) name: &'static str,
    /// Where to call unless configured; `None` = every company has its own address.
    pub(crate) address: Option<&'static str>,
    /// Example of an address, for remedies.
    pub(crate) example: &'static str,
    /// Hosts of the vendor's own that may be spoken to beside the configured ones.
    pub(crate) hosts: &'static [&'static str],
    /// Ways to log in; the same as in the connector's description.
    pub(crate) auth: &'static [AuthKind],
    /// Seconds between polls unless configured.
    pub(crate) poll_seconds: u32,
    /// Share of the daily calls unless configured.
    pub(crate) daily_share_percent: u8,
    /// Daily calls of the whole company, where the connector's own limit is only a share of them.
    pub(crate) daily_calls: Option<u32>,
    /// Whether it has recorded calls.
    pub(crate) calls: bool,
    /// A record's id as people write it, in the vendor's canonical form; `None` = it cannot be one of this vendor's.
    pub(crate) record: fn(&str) -> Option<RecordId>,
}

/// All that this program has.
pub(crate) const VENDORS: &[Vendor] = &[
    Vendor {
        name: "salesforce",
        address: None,
        example: "https://acme.my.salesforce.com",
        hosts: &["*.my.salesforce.com", "*.salesforce.com"],
        auth: &[AuthKind::ClientCredentials, AuthKind::JwtBearer, AuthKind::RefreshToken],
        poll_seconds: 60,
        daily_share_percent: 10,
        daily_calls: None,
        calls: false,
        record: |written| handoff_salesforce::SfId::parse(written).ok().map(|id| id.record()),
    },
    Vendor {
        name: "hubspot",
        address: Some("https://api.hubapi.com"),
        example: "https://api.hubapi.com",
        hosts: &["api.hubapi.com"],
        auth: &[AuthKind::StaticToken, AuthKind::RefreshToken],
        poll_seconds: 60,
        daily_share_percent: 10,
        daily_calls: None,
        calls: false,
        record: |written| handoff_hubspot::HsId::parse(written).map(handoff_hubspot::HsId::record),
    },
    Vendor {
        name: "gong",
        address: None,
        example: "https://us-12345.api.gong.io",
        hosts: &["api.gong.io", "*.api.gong.io", "app.gong.io"],
        auth: &[AuthKind::AccessKey, AuthKind::RefreshToken],
        // A pass reads the whole look-back window, and a call takes minutes to appear.
        poll_seconds: 900,
        daily_share_percent: 50,
        daily_calls: Some(10_000),
        calls: true,
        record: |_written| None,
    },
];

/// The vendor of a connector's name.
pub(crate) fn find(name: &str) -> Option<&'static Vendor> {
    VENDORS.iter().find(|vendor| vendor.name == name)
}

/// All names.
pub(crate) fn names() -> Vec<&'static str> {
    VENDORS.iter().map(|vendor| vendor.name).collect()
}

/// Whether a connector of this name reads recorded calls.
pub(crate) fn has_calls(name: &str) -> bool {
    find(name).is_some_and(|vendor| vendor.calls)
}
