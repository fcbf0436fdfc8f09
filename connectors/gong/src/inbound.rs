//! Deliveries of automation rules: verified on raw bytes, and only ever a hint that a call is there.

use handoff_connector::{Delivery, DeliveryId, Rejected, address_carries};
use handoff_core::digest::Digest;
use handoff_core::id::{ConnectionId, ObjectName, RecordId, RecordRef};
use jiff::Timestamp;
use serde_json::Value;

use crate::page::id;
use crate::spec::OBJECT;
use crate::{Gong, Proof, proof};

/// Gong names no delivery, so its body does.
pub(crate) fn verify(
    gong: &Gong,
    delivery: Delivery<'_>,
    secrets: &[&[u8]],
    now: Timestamp,
) -> Result<DeliveryId, Rejected> {
    match gong.proof {
        Proof::Signature => proof::check(delivery, gong.address.as_ref(), secrets, now)?,
        // There is no time in it, so a replay cannot be told from a repetition; all that follows is that a call is read again.
        Proof::KeyInAddress if address_carries(delivery.path_and_query, secrets) => {}
        Proof::KeyInAddress => return Err(Rejected::Unauthenticated),
    }
    Ok(DeliveryId(format!("{}:{}", gong.connection, Digest::of_bytes(delivery.body))))
}

/// The call that was processed. A rule's test delivery names an invented one.
pub(crate) fn hints(connection: &ConnectionId, delivery: Delivery<'_>) -> Result<Vec<RecordRef>, Rejected> {
    let body: Value = serde_json::from_slice(delivery.body).map_err(|_not_json| Rejected::Malformed)?;
    if !body.is_object() {
        return Err(Rejected::Malformed);
    }
    if !matches!(body.get("isTest"), None | Some(Value::Null | Value::Bool(false))) {
        return Ok(Vec::new());
    }
    // the vendor's own sample shows the inner object alone
    let call = body.get("callData").filter(|data| data.is_object()).unwrap_or(&body);
    let call = id(call.get("metaData").and_then(|data| data.get("id")));
    let record = |call| RecordRef {
        connection: connection.clone(),
        object: ObjectName(OBJECT.to_owned()),
        record: RecordId(call),
    };
    Ok(call.map(record).into_iter().collect())
}
