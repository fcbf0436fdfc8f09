//! Webhooks: verified, on disk before they are acknowledged, and only ever hints.

use handoff_core::handoff::Phase;
use handoff_core::id::ConnectionId;
use handoff_sandbox_salesforce::{Id, OutboundMode};
use handoffd::books::{Account, Channel, Source};
use serde_json::json;

use crate::world::{AVA, COMMISSION, DECISION, INGRID, QUEUE, World, post};

const PATH: &str = "/webhooks/sf?key=hook-secret";

impl World {
    fn hook(&self) {
        let address = self.app.as_ref().unwrap().local_addr();
        self.org().set_outbound(vec![format!("http://{address}{PATH}")], Vec::new());
    }

    fn webhooks(&self) -> Account {
        let source = Source { connection: ConnectionId::from("sf"), channel: Channel::Webhook };
        self.handle().view().books().get(&source).copied().unwrap_or_default()
    }

    fn message(&self, notification: &str, record: &str) -> String {
        format!(
            "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>\
             <notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\"><OrganizationId>{}</OrganizationId>\
             <ActionId>04kxx0000000001AAA</ActionId><SessionId xsi:nil=\"true\"/><Notification><Id>{notification}</Id>\
             <sObject xsi:type=\"sf:Opportunity\" xmlns:sf=\"urn:sobject.enterprise.soap.sforce.com\">\
             <sf:Id>{record}</sf:Id></sObject></Notification></notifications></soapenv:Body></soapenv:Envelope>",
            self.org().id()
        )
    }
}

/// What a deal looks like in the end, however it was learnt of.
#[derive(Debug, PartialEq)]
struct End {
    phase: Option<Phase>,
    open: [bool; 2],
    events: Vec<&'static str>,
}

async fn live(mode: OutboundMode) -> End {
    let world = World::start().await;
    world.handle().idle().await.unwrap();
    world.hook();
    world.org().set_outbound_mode(mode);
    let deal = world.deal("Negotiation/Review");
    world.settle().await;
    world.complete(deal);
    world.settle().await;
    world.edit(INGRID, deal, &json!({DECISION: "Accept"}));
    world.settle().await;
    world.org().outbound_settled().await;
    world.settle().await;
    world.assert_balanced();
    let open = [world.flag(deal, COMMISSION), world.flag(deal, QUEUE)];
    End { phase: world.phase(deal), open, events: world.events(deal).await }
}

#[tokio::test(flavor = "multi_thread")]
async fn c06_dropped_or_repeated_deliveries_change_nothing() {
    let dropped = live(OutboundMode::Drop).await;
    assert_eq!((dropped.phase, dropped.open), (Some(Phase::Accepted), [true, true]));
    let delivered = live(OutboundMode::Duplicate { times: 3 }).await;
    assert_eq!((delivered.phase, delivered.open), (dropped.phase, dropped.open));
    let count = |end: &End, name| end.events.iter().filter(|event| **event == name).count();
    for name in ["opened", "completed", "accepted", "commission_released", "tampered", "reopened"] {
        assert_eq!(count(&delivered, name), count(&dropped, name), "{name}: {delivered:?} {dropped:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_alone_reaches_the_same_state_without_polling() {
    let world = World::start().await;
    world.handle().idle().await.unwrap();
    world.hook();
    let deal = world.deal("Negotiation/Review");
    world.org().outbound_settled().await;
    world.handle().drained().await;
    assert_eq!(world.phase(deal), Some(Phase::Draft));
    world.edit(AVA, deal, &json!({"Signing_Authority__c": "CFO signs up to 250,000 EUR alone"}));
    world.org().outbound_settled().await;
    world.handle().drained().await;
    assert!(world.webhooks().applied >= 2, "{:?}", world.webhooks());
    assert!(world.detail(deal).await.state.unwrap().package.contains_key(&"economic_buyer".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn c01_the_same_delivery_many_times_at_once_has_one_outcome() {
    let world = World::start().await;
    let deal = world.deal("Negotiation/Review");
    let address = world.app.as_ref().unwrap().local_addr();
    let body = world.message("04lxx0000000001AAA", deal.as_str());
    let posts = (0..100).map(|_| post(address, PATH, "", body.as_bytes()));
    let statuses = futures::future::join_all(posts).await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    world.handle().drained().await;
    let books = world.webhooks();
    assert_eq!((books.received, books.pending), (1, 0), "{books:?}");
    assert_eq!(world.phase(deal), Some(Phase::Draft));
    let again = world.message("04lxx0000000001AAA", Id::numbered("006", 999_999).as_str());
    assert_eq!(post(address, PATH, "", again.as_bytes()).await, 200);
    let refusals = world.handle().view().refusals();
    let conflicting = refusals.get(&(ConnectionId::from("sf"), "conflicting"));
    assert_eq!(conflicting, Some(&1), "c02: the first stands, {refusals:?}");
    assert_eq!(world.webhooks().received, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn c07_c15_c19_what_is_not_ours_leaves_no_trace() {
    let world = World::start().await;
    let deal = world.deal("Negotiation/Review");
    let address = world.app.as_ref().unwrap().local_addr();
    let body = world.message("04lxx0000000001AAA", deal.as_str());
    let other_org = body.replace(world.org().id().as_str(), Id::numbered("00D", 2).as_str());
    let big = vec![b'x'; 1_100_000];
    let bytes = body.as_bytes();
    assert_eq!(post(address, "/webhooks/sf?key=hook-secreT", "", bytes).await, 401);
    assert_eq!(post(address, "/webhooks/sf", "", bytes).await, 401);
    assert_eq!(post(address, PATH, "", other_org.as_bytes()).await, 401);
    assert_eq!(post(address, "/webhooks/other?key=hook-secret", "", bytes).await, 404);
    assert_eq!(post(address, PATH, "", b"<not xml").await, 400);
    assert_eq!(post(address, PATH, "", &big).await, 413);
    assert_eq!(post(address, PATH, "Content-Encoding: gzip\r\n", bytes).await, 415);
    assert_eq!(world.webhooks(), Account::default());
    assert_eq!(post(address, "/webhooks/sf/hook-secret", "", bytes).await, 200);
    world.handle().drained().await;
    assert_eq!(world.webhooks().applied, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn c19_an_object_that_nobody_governs_is_ignored_and_counted() {
    let world = World::start().await;
    let address = world.app.as_ref().unwrap().local_addr();
    let body =
        world.message("04lxx0000000001AAA", "001xx0000000001AAA").replace("sf:Opportunity", "sf:Account");
    assert_eq!(post(address, PATH, "", body.as_bytes()).await, 200);
    let books = world.webhooks();
    assert_eq!((books.received, books.ignored), (1, 1), "{books:?}");
}
