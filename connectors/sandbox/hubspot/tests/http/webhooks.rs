use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use handoff_sandbox_hubspot::{Act, ActorKind, WebhookMode, WebhookTarget, seed, signature_v3};
use serde_json::{Value as Json, json};

use crate::support::{AE, Site};

#[derive(Clone, Default)]
struct Inbox {
    taken: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    refusals: Arc<AtomicU32>,
}

async fn take(State(inbox): State<Inbox>, headers: HeaderMap, body: String) -> StatusCode {
    if inbox.refusals.load(Ordering::SeqCst) > 0 {
        inbox.refusals.fetch_sub(1, Ordering::SeqCst);
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    inbox.taken.lock().unwrap().push((headers, body));
    StatusCode::OK
}

const PUBLIC: &str = "https://handoff.example.com/webhooks/hs?tenant=1";

async fn listen(site: &Site) -> Inbox {
    let inbox = Inbox::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let app = Router::new().route("/hook", post(take)).with_state(inbox.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    site.portal().set_webhook(Some(WebhookTarget {
        url,
        public_url: Some(PUBLIC.into()),
        secret: seed::CLIENT_SECRET.into(),
        app_id: seed::OAUTH_APP,
        v1_only: false,
    }));
    inbox
}

fn events(inbox: &Inbox) -> Vec<Json> {
    let taken = inbox.taken.lock().unwrap();
    taken.iter().flat_map(|(_, body)| serde_json::from_str::<Vec<Json>>(body).unwrap()).collect()
}

fn touch(site: &Site, deal: u64, value: &str) {
    site.portal().act(&Act::update(AE, "deals", deal, json!({"hs_next_step": value}))).unwrap();
}

#[tokio::test]
async fn c12_every_attempt_is_signed_anew_for_the_public_address() {
    let site = Site::start().await;
    let inbox = listen(&site).await;
    let subscription = site.portal().subscribe("deal.propertyChange", Some("dealstage"));
    let deal = site.portal().ids("deals")[0];
    inbox.refusals.store(1, Ordering::SeqCst);
    let user = site.portal().user_id(AE).unwrap();
    site.portal()
        .act(&Act::update(AE, "deals", deal, json!({"dealstage": "closedwon", "amount": "1"})))
        .unwrap();
    site.portal().outbound_settled().await;
    let log = site.portal().deliveries();
    assert_eq!(
        log.iter().map(|entry| (entry.attempt, entry.status)).collect::<Vec<_>>(),
        [(0, Some(503)), (1, Some(200))]
    );
    let (headers, body) = inbox.taken.lock().unwrap()[0].clone();
    let header = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
    let at = header("x-hubspot-request-timestamp").parse().unwrap();
    assert_eq!(
        header("x-hubspot-signature-v3"),
        signature_v3(seed::CLIENT_SECRET, "POST", PUBLIC, &body, at)
    );
    assert_eq!(
        (header("x-hubspot-signature-version"), header("x-hubspot-signature").len()),
        ("v1".into(), 64)
    );
    assert_eq!(
        (&log[1].body, log[1].headers["X-HubSpot-Signature-v3"].clone()),
        (&body, header("x-hubspot-signature-v3"))
    );
    let event = events(&inbox)[0].clone();
    assert_eq!(events(&inbox).len(), 1, "one subscription, one event");
    assert_eq!((&event["subscriptionId"], &event["attemptNumber"]), (&json!(subscription), &json!(1)));
    assert_eq!((&event["propertyName"], &event["propertyValue"]), (&json!("dealstage"), &json!("closedwon")));
    assert_eq!((&event["objectId"], &event["portalId"]), (&json!(deal), &json!(seed::PORTAL_ID)));
    assert_eq!(
        (&event["changeSource"], &event["sourceId"]),
        (&json!("CRM_UI"), &json!(format!("userId:{user}")))
    );
    assert_eq!(event["occurredAt"], json!(site.portal().now().as_millisecond()));
}

#[tokio::test]
async fn each_kind_of_event_has_its_fields() {
    let site = Site::start().await;
    let inbox = listen(&site).await;
    for kind in ["creation", "deletion", "merge", "restore", "associationChange"] {
        site.portal().subscribe(&format!("deal.{kind}"), None);
    }
    site.portal().subscribe("contact.privacyDeletion", None);
    let (a, b) = (site.deal("a").await, site.deal("b").await);
    let contact = site.portal().ids("contacts")[0];
    site.portal().associate(AE, ("deals", a), ("contacts", contact), Some("Champion")).unwrap();
    site.portal().merge(AE, "deals", a, b).unwrap();
    site.portal().archive(AE, "deals", a).unwrap();
    site.portal().restore(AE, "deals", a).unwrap();
    site.portal().privacy_delete(AE, "contacts", contact).unwrap();
    site.portal().outbound_settled().await;
    let all = events(&inbox);
    let of = |kind: &str| {
        all.iter().find(|event| event["subscriptionType"].as_str().unwrap().ends_with(kind)).unwrap()
    };
    assert_eq!(
        (&of("creation")["changeFlag"], &of("deletion")["changeFlag"]),
        (&json!("CREATED"), &json!("DELETED"))
    );
    assert_eq!((&of("merge")["primaryObjectId"], &of("merge")["mergedObjectIds"]), (&json!(a), &json!([b])));
    let link = of("associationChange");
    assert_eq!(
        (&link["associationType"], &link["toObjectId"], &link["associationRemoved"]),
        (&json!("DEAL_TO_CONTACT"), &json!(contact), &json!(false))
    );
    assert_eq!(
        (&of("restore")["objectId"], &of("privacyDeletion")["objectId"]),
        (&json!(a), &json!(contact))
    );
    assert_eq!(site.portal().get("contacts", contact), None);
}

#[tokio::test]
async fn generic_subscriptions_name_the_object_and_calculated_values_are_silent() {
    let site = Site::start().await;
    let inbox = listen(&site).await;
    let wish = |property: &str| json!({"subscriptionType": "object.propertyChange", "objectType": "deal", "propertyName": property});
    let body =
        json!({"subscriptions": [wish("amount"), wish("hs_is_closed_won"), wish("hs_lastmodifieddate")]});
    assert_eq!(site.control("webhooks", &body).await.status, 200);
    let deal = site.portal().ids("deals")[0];
    let act = Act::update("", "deals", deal, json!({"dealstage": "closedlost", "amount": ""}))
        .by(ActorKind::Workflow);
    site.portal().act(&act).unwrap();
    site.portal().outbound_settled().await;
    let all = events(&inbox);
    assert_eq!(
        (all.len(), &all[0]["objectTypeId"], &all[0]["propertyValue"]),
        (1, &json!("0-3"), &json!(""))
    );
    assert_eq!(
        (&all[0]["changeSource"], &all[0]["sourceId"]),
        (&json!("AUTOMATION_PLATFORM"), &json!(seed::WORKFLOW.to_string()))
    );
}

#[tokio::test]
async fn events_are_lost_repeated_shuffled_and_held_on_demand() {
    let site = Site::start().await;
    let inbox = listen(&site).await;
    site.portal().subscribe("deal.propertyChange", Some("hs_next_step"));
    let deals = site.portal().ids("deals");
    let told = |inbox: &Inbox| -> Vec<u64> {
        events(inbox).iter().map(|event| event["objectId"].as_u64().unwrap()).collect()
    };
    site.portal().set_webhook_mode(WebhookMode::Drop);
    touch(&site, deals[0], "lost");
    site.portal().outbound_settled().await;
    site.portal().set_webhook_mode(WebhookMode::Duplicate { times: 3 });
    touch(&site, deals[1], "thrice");
    site.portal().outbound_settled().await;
    assert_eq!(told(&inbox), [deals[1]; 3]);
    inbox.taken.lock().unwrap().clear();
    site.portal().set_webhook_mode(WebhookMode::Hold);
    touch(&site, deals[0], "held");
    touch(&site, deals[1], "held");
    site.portal().outbound_settled().await;
    assert!(told(&inbox).is_empty());
    site.portal().release_webhooks();
    site.portal().outbound_settled().await;
    assert_eq!(told(&inbox), [deals[1], deals[0]], "released newest first");
    inbox.taken.lock().unwrap().clear();
    site.portal().set_webhook_mode(WebhookMode::Shuffle);
    for deal in &deals[..5] {
        touch(&site, *deal, "apart");
    }
    site.portal().outbound_settled().await;
    assert_eq!(told(&inbox).into_iter().collect::<BTreeSet<_>>(), deals[..5].iter().copied().collect());
    assert_eq!(inbox.taken.lock().unwrap().len(), 5, "each travels alone");
}

#[tokio::test]
async fn a_request_carries_a_hundred_events_at_most() {
    let site = Site::start().await;
    let inbox = listen(&site).await;
    site.portal().subscribe("deal.creation", None);
    site.portal().set_webhook_mode(WebhookMode::Hold);
    let inputs: Vec<Json> =
        (0..100).map(|at| json!({"properties": {"dealname": format!("d{at}")}})).collect();
    for _ in 0..2 {
        let made = site.post("/crm/v3/objects/deals/batch/create", &json!({"inputs": inputs})).await;
        assert_eq!(made.status, 201);
    }
    site.deal("one more").await;
    site.portal().release_webhooks();
    site.portal().outbound_settled().await;
    let mut sizes: Vec<usize> = inbox
        .taken
        .lock()
        .unwrap()
        .iter()
        .map(|(_, body)| serde_json::from_str::<Vec<Json>>(body).unwrap().len())
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 100, 100]);
}

#[tokio::test]
async fn a_delivery_is_given_up_after_ten_repeats() {
    let site = Site::start().await;
    let inbox = listen(&site).await;
    inbox.refusals.store(u32::MAX, Ordering::SeqCst);
    site.portal().set_retry_pause(1);
    site.portal().subscribe("deal.creation", None);
    site.deal("unheard").await;
    site.portal().outbound_settled().await;
    let attempts: Vec<u32> = site.portal().deliveries().iter().map(|entry| entry.attempt).collect();
    assert_eq!(attempts, (0..=10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_change_of_mode_is_for_later_events_only() {
    let site = Site::start().await;
    let inbox = listen(&site).await;
    site.portal().subscribe("deal.propertyChange", Some("hs_next_step"));
    let deals = site.portal().ids("deals");
    for (mode, deal) in
        [(WebhookMode::Drop, 0), (WebhookMode::Deliver, 1), (WebhookMode::Hold, 2), (WebhookMode::Off, 3)]
    {
        site.portal().set_webhook_mode(mode);
        touch(&site, deals[deal], "x");
    }
    site.portal().outbound_settled().await;
    let told: Vec<Json> = events(&inbox).iter().map(|event| event["objectId"].clone()).collect();
    assert_eq!(told, [json!(deals[1])]);
    site.portal().release_webhooks();
    site.portal().outbound_settled().await;
    assert_eq!(events(&inbox)[1]["objectId"], json!(deals[2]));
}

#[tokio::test]
async fn tickets_and_custom_objects_have_events_too() {
    let site = Site::start().await;
    let inbox = listen(&site).await;
    let portal = site.portal();
    portal.subscribe("ticket.propertyChange", Some("subject"));
    portal.subscribe("contact.propertyChange", Some("lastname"));
    for what in ["creation", "propertyChange", "associationChange"] {
        portal.add_subscription(handoff_sandbox_hubspot::Subscription {
            id: 0,
            subscription_type: format!("object.{what}"),
            object_type: Some("p_onboarding".to_owned()),
            property_name: (what == "propertyChange").then(|| "csm".to_owned()),
            active: true,
        });
    }
    let record = portal.act(&Act::create(AE, "p_onboarding", json!({"onboarding_name": "One"}))).unwrap();
    let csm = portal.owner_id(AE).unwrap();
    portal.act(&Act::update(AE, "p_onboarding", record, json!({"csm": csm.to_string()}))).unwrap();
    let company = portal.ids("companies")[0];
    portal.associate(AE, ("p_onboarding", record), ("companies", company), None).unwrap();
    let ticket = portal.ids("tickets")[0];
    portal.act(&Act::update(AE, "tickets", ticket, json!({"subject": "Other words"}))).unwrap();
    portal.outbound_settled().await;
    let schema = site.get("/crm/v3/schemas/p_onboarding").await.json();
    let told: Vec<(Json, Json, Json)> = events(&inbox)
        .into_iter()
        .map(|event| {
            (event["subscriptionType"].clone(), event["objectTypeId"].clone(), event["objectId"].clone())
        })
        .collect();
    let of_record = |what: &str| (json!(what), schema["objectTypeId"].clone(), json!(record));
    assert_eq!(
        told,
        [
            of_record("object.creation"),
            of_record("object.propertyChange"),
            of_record("object.associationChange"),
            (json!("ticket.propertyChange"), Json::Null, json!(ticket)),
        ]
    );
}
