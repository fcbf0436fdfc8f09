//! Webhooks: signed, and only ever a hint that a record is to be read again.
//!
//! `contact.privacyDeletion` is accepted and hints at nothing: the contact is gone, and which deals it belonged to is not said. Those deals lose
//! an association, which has an event of its own; whatever is lost there, the daily walk reads.

use handoff_connector::{Delivery, DeliveryId, InboundReply, Rejected};
use handoff_core::id::RecordRef;
use jiff::Timestamp;

use crate::{Api, event, row, signature};

/// Checks the signature first; nothing is parsed for somebody who cannot sign.
pub(crate) fn verify(
    api: &Api,
    delivery: Delivery<'_>,
    secrets: &[&[u8]],
    now: Timestamp,
) -> Result<DeliveryId, Rejected> {
    let url = api.webhook_url.as_deref().ok_or(Rejected::Unauthenticated)?;
    signature::verify(url, api.accept_v1, delivery, secrets, now)?;
    let events = event::list(delivery.body).ok_or(Rejected::Malformed)?;
    Ok(DeliveryId(format!("{}:{}", api.connection, event::digest(&events))))
}

/// The records that the events of this portal speak of. An event that cannot be read costs nobody else his hint.
pub(crate) fn hints(api: &Api, delivery: Delivery<'_>) -> Result<Vec<RecordRef>, Rejected> {
    let events = event::list(delivery.body).ok_or(Rejected::Malformed)?;
    let found = events.iter().flat_map(|one| event::records(one, api.portal, &api.types));
    let mut records: Vec<RecordRef> = found.map(|(object, id)| row::reference(api, &object, id)).collect();
    records.sort();
    records.dedup();
    Ok(records)
}

/// Any 200 keeps HubSpot from sending it again.
pub(crate) fn acknowledgement() -> InboundReply {
    InboundReply { content_type: "text/plain; charset=utf-8", body: String::new() }
}
