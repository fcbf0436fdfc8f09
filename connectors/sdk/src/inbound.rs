//! Deliveries pushed by a vendor: verified first, parsed later, and only ever hints.

use handoff_core::id::RecordRef;
use http::HeaderMap;
use jiff::Timestamp;
use subtle::ConstantTimeEq as _;
use thiserror::Error;

/// Identifies a delivery for deduplication; at most 256 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(pub String);

/// A delivery as received: raw bytes, nothing parsed.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// Path and query as requested, e.g. `/webhooks/sf?key=…`.
    pub path_and_query: &'a str,
    /// Request headers.
    pub headers: &'a HeaderMap,
    /// Raw body.
    pub body: &'a [u8],
}

/// Why a delivery was turned away. Counted by kind; nothing of the delivery is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Error)]
pub enum Rejected {
    /// No or wrong proof of origin: 401.
    #[error("the delivery does not prove where it comes from")]
    Unauthenticated,
    /// Too old or from the future: 401.
    #[error("the delivery's time stamp is outside the tolerance")]
    OutsideTolerance,
    /// Not what the vendor documents: 400.
    #[error("the delivery is not well-formed")]
    Malformed,
}

/// What a vendor expects as acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundReply {
    /// `Content-Type` of the body.
    pub content_type: &'static str,
    /// Body of the 200.
    pub body: String,
}

/// Whether the offered bytes are one of the secrets. All are compared, each in time that depends on its length only; an empty secret
/// matches nothing.
pub fn matches_any(offered: &[u8], secrets: &[&[u8]]) -> bool {
    secrets
        .iter()
        .filter(|secret| !secret.is_empty())
        .fold(false, |known, secret| bool::from(secret.ct_eq(offered)) | known)
}

/// Most parameters of an address that are looked at.
const OFFERED: usize = 8;

/// Whether an address carries one of the secrets, for vendors that cannot sign: as the last part of its path, or as `key` in its query.
/// Every place is compared, so that the time does not tell which one was right.
pub fn address_carries(path_and_query: &str, secrets: &[&[u8]]) -> bool {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let last = path.rsplit('/').next().unwrap_or_default();
    let last = percent_encoding::percent_decode_str(last).decode_utf8_lossy().into_owned();
    let keys = form_urlencoded::parse(query.as_bytes())
        .take(OFFERED)
        .filter(|(name, _)| name == "key")
        .map(|(_, value)| value.into_owned());
    std::iter::once(last).chain(keys).fold(false, |known, text| matches_any(text.as_bytes(), secrets) | known)
}

/// A connector that is told about changes. There are no defaults: forgetting verification does not compile.
pub trait Inbound: Send + Sync {
    /// Checks origin and freshness on the raw bytes, in constant time where a secret is compared. `secrets` are all secrets in force (two
    /// while one is rotated).
    fn verify(
        &self,
        delivery: Delivery<'_>,
        secrets: &[&[u8]],
        now: Timestamp,
    ) -> Result<DeliveryId, Rejected>;

    /// The records that the verified delivery speaks of; unknown objects and event types are simply not in the list.
    fn hints(&self, delivery: Delivery<'_>) -> Result<Vec<RecordRef>, Rejected>;

    /// What to answer once the delivery is on disk.
    fn acknowledgement(&self) -> InboundReply;
}
