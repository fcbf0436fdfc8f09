//! Outbound messages: SOAP pushed by a flow or workflow, and only ever a hint.
//!
//! Salesforce does not sign them. Origin is proven by a secret in the address, compared in constant time, and by the org's id in the message.
//! There is no time stamp either, so a replay cannot be told from a repetition; it does not matter, because all that follows is that records
//! are read again.

use handoff_connector::{Delivery, DeliveryId, InboundReply, Rejected, address_carries};
use handoff_core::digest::Digest;
use handoff_core::id::{ObjectName, RecordRef};

use crate::Api;
use crate::id::SfId;
use crate::outbound_message::{self, Message};

/// Checks the secret first; nothing is parsed for somebody who does not know it.
pub(crate) fn verify(
    api: &Api,
    org: &SfId,
    delivery: Delivery<'_>,
    secrets: &[&[u8]],
) -> Result<DeliveryId, Rejected> {
    if !address_carries(delivery.path_and_query, secrets) {
        return Err(Rejected::Unauthenticated);
    }
    let message = message(org, delivery.body)?;
    let mut ids: Vec<&str> = message.notifications.iter().map(|one| one.id.as_str()).collect();
    ids.sort_unstable();
    let digest = Digest::of_bytes(ids.join(",").as_bytes());
    Ok(DeliveryId(format!("{}:{digest}", api.connection)))
}

/// The records that the message speaks of.
pub(crate) fn hints(api: &Api, org: &SfId, delivery: Delivery<'_>) -> Result<Vec<RecordRef>, Rejected> {
    let message = message(org, delivery.body)?;
    let mut records: Vec<RecordRef> = message
        .notifications
        .into_iter()
        .map(|one| RecordRef {
            connection: api.connection.clone(),
            object: ObjectName(one.object),
            record: one.record.record(),
        })
        .collect();
    records.sort();
    records.dedup();
    Ok(records)
}

/// What stops Salesforce from sending it again for a day.
pub(crate) fn acknowledgement() -> InboundReply {
    InboundReply {
        content_type: "text/xml; charset=utf-8",
        body: concat!(
            r#"<?xml version="1.0" encoding="UTF-8"?>"#,
            r#"<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>"#,
            r#"<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>"#,
            "</notificationsResponse></soapenv:Body></soapenv:Envelope>",
        )
        .to_owned(),
    }
}

fn message(org: &SfId, body: &[u8]) -> Result<Message, Rejected> {
    let message = outbound_message::parse(body).ok_or(Rejected::Malformed)?;
    if message.org == *org { Ok(message) } else { Err(Rejected::Unauthenticated) }
}

#[cfg(test)]
mod tests {
    use handoff_connector::Inbound as _;
    use handoff_connector::conformance;
    use http::HeaderMap;
    use jiff::Timestamp;

    use super::*;
    use crate::outbound_message::tests::message;
    use crate::{Salesforce, SalesforceConfig};

    const ORG: &str = "00Dxx0000000001";

    fn connector() -> Salesforce {
        Salesforce::new(SalesforceConfig::new("sf".into(), ORG)).expect("valid")
    }

    fn verify(path: &str, body: &str, secrets: &[&[u8]]) -> Result<DeliveryId, Rejected> {
        let headers = HeaderMap::new();
        let delivery = Delivery { path_and_query: path, headers: &headers, body: body.as_bytes() };
        connector().verify(delivery, secrets, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn c07_the_secret_decides_before_anything_is_parsed() {
        let body = message(ORG, 1);
        assert!(verify("/webhooks/sf?key=s3cret", &body, &[b"s3cret"]).is_ok());
        assert!(verify("/webhooks/sf/s3cret", &body, &[b"s3cret"]).is_ok());
        for path in
            ["/webhooks/sf", "/webhooks/sf?key=", "/webhooks/sf?key=s3creT", "/webhooks/sf?KEY=s3cret", "/"]
        {
            assert_eq!(verify(path, &body, &[b"s3cret"]), Err(Rejected::Unauthenticated), "{path}");
            assert_eq!(verify(path, "<", &[b"s3cret"]), Err(Rejected::Unauthenticated), "{path}");
        }
        assert_eq!(verify("/webhooks/sf?key=s3cret", "<", &[b"s3cret"]), Err(Rejected::Malformed));
    }

    #[test]
    fn c07_a_message_of_another_org_is_401() {
        let body = message("00Dxx0000000002", 1);
        assert_eq!(verify("/webhooks/sf?key=s3cret", &body, &[b"s3cret"]), Err(Rejected::Unauthenticated));
    }

    #[test]
    fn c08_no_secret_in_force_lets_nobody_in() {
        let body = message(ORG, 1);
        for path in ["/webhooks/sf", "/webhooks/sf?key=", "/webhooks/sf/", "?key="] {
            assert_eq!(verify(path, &body, &[]), Err(Rejected::Unauthenticated));
            assert_eq!(verify(path, &body, &[b""]), Err(Rejected::Unauthenticated));
        }
        let many = format!("/webhooks/sf?{}", "key=x&".repeat(10_000));
        assert_eq!(verify(&many, &body, &[b"s3cret"]), Err(Rejected::Unauthenticated));
    }

    #[test]
    fn c09_both_secrets_hold_while_one_is_rotated() {
        let body = message(ORG, 1);
        let headers = HeaderMap::new();
        let path = "/webhooks/sf?key=s3cret%2F2";
        let delivery = Delivery { path_and_query: path, headers: &headers, body: body.as_bytes() };
        let outcome = conformance::inbound(&connector(), delivery, b"s3cret/2", Timestamp::UNIX_EPOCH);
        assert_eq!(outcome, Ok(()));
    }

    #[test]
    fn c10_a_repetition_has_the_same_id_whatever_else_differs() {
        let id = |body: &str| verify("/w?key=k", body, &[b"k"]).expect("let in");
        let body = message(ORG, 3);
        assert_eq!(id(&body), id(&body.replace("Fish", "Cod")));
        assert_ne!(id(&body), id(&message(ORG, 2)));
    }

    #[test]
    fn c11_no_time_that_a_message_claims_is_believed_or_breaks_anything() {
        for time in ["", "-1", "9223372036854775808", " 12 ", "not a number", "1970-01-01T00:00:00Z"] {
            let mut headers = HeaderMap::new();
            headers.insert("x-timestamp", time.parse().expect("a header"));
            let body = message(ORG, 1)
                .replace("<sf:Id>", &format!("<sf:SystemModstamp>{time}</sf:SystemModstamp><sf:Id>"));
            let delivery = Delivery { path_and_query: "/w?key=k", headers: &headers, body: body.as_bytes() };
            for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
                assert!(connector().verify(delivery, &[b"k"], now).is_ok(), "{time}");
            }
            assert_eq!(connector().hints(delivery).expect("hints").len(), 1, "{time}");
        }
    }

    #[test]
    fn hints_name_each_record_once() {
        let body = message(ORG, 2).replace("006xx0000000001", "006xx0000000000");
        let headers = HeaderMap::new();
        let delivery = Delivery { path_and_query: "/", headers: &headers, body: body.as_bytes() };
        let hints: Vec<String> =
            connector().hints(delivery).expect("hints").iter().map(ToString::to_string).collect();
        assert_eq!(hints, ["sf/Opportunity/006xx0000000000AAA"]);
    }
}
