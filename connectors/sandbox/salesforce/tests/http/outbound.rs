use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use axum::{Router, extract::State, routing::post};
use handoff_sandbox_salesforce::{Act, OutboundMode, seed};
use serde_json::json;

use crate::support::Site;

#[derive(Clone, Default)]
struct Inbox {
    bodies: Arc<Mutex<Vec<String>>>,
    refusals: Arc<AtomicU32>,
}

async fn take(State(inbox): State<Inbox>, body: String) -> String {
    if inbox.refusals.load(Ordering::SeqCst) > 0 {
        inbox.refusals.fetch_sub(1, Ordering::SeqCst);
        return "<Ack>false</Ack>".into();
    }
    inbox.bodies.lock().unwrap().push(body);
    "<soapenv:Envelope><notificationsResponse><Ack>true</Ack></notificationsResponse></soapenv:Envelope>"
        .into()
}

async fn listen(site: &Site) -> Inbox {
    let inbox = Inbox::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/om", listener.local_addr().unwrap());
    let app = Router::new().route("/om", post(take)).with_state(inbox.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    site.org().set_outbound(vec![url], vec!["StageName".into()]);
    inbox
}

fn ids(inbox: &Inbox) -> Vec<String> {
    let id = |body: &String| body.split("<sf:Id>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    inbox.bodies.lock().unwrap().iter().map(id).collect()
}

#[tokio::test]
async fn every_change_of_a_deal_is_told_until_acknowledged() {
    let site = Site::start().await;
    let inbox = listen(&site).await;
    inbox.refusals.store(1, Ordering::SeqCst);
    let deal = site.deal("told").await;
    site.org().outbound_settled().await;
    assert_eq!(ids(&inbox), [deal.to_string()]);
    let body = inbox.bodies.lock().unwrap()[0].clone();
    assert!(body.contains(&format!("<OrganizationId>{}</OrganizationId>", site.org().id())));
    assert!(body.contains("<sf:StageName>Prospecting</sf:StageName>"));
    let log = site.org().deliveries();
    assert_eq!(log.iter().map(|entry| entry.acknowledged).collect::<Vec<_>>(), [false, true]);
    assert_eq!(log[0].notification, log[1].notification, "a repeat keeps its notification id");
}

#[tokio::test]
async fn messages_are_lost_repeated_and_held_on_demand() {
    let site = Site::start().await;
    let inbox = listen(&site).await;
    let (a, b) = (site.deal("a").await, site.deal("b").await);
    site.org().outbound_settled().await;
    inbox.bodies.lock().unwrap().clear();
    let touch = |id| {
        let act = Act::update(seed::ADMIN_USER, "Opportunity", id, &json!({"NextStep": "n"}));
        site.org().act(&act).unwrap();
    };
    site.org().set_outbound_mode(OutboundMode::Drop);
    touch(a);
    site.org().set_outbound_mode(OutboundMode::Duplicate { times: 3 });
    touch(a);
    site.org().outbound_settled().await;
    assert_eq!(ids(&inbox), [a.to_string(), a.to_string(), a.to_string()]);
    inbox.bodies.lock().unwrap().clear();
    site.org().set_outbound_mode(OutboundMode::Hold);
    touch(a);
    touch(b);
    site.org().release_outbound();
    site.org().outbound_settled().await;
    assert_eq!(ids(&inbox), [b.to_string(), a.to_string()], "released newest first");
}
