//! Salesforce.

use handoff_core::handoff::Phase;
use handoff_sandbox_salesforce::{Act, Id};
use handoffd_tests::crm::{Kind, SALESFORCE};
use handoffd_tests::governed::Governed;
use handoffd_tests::story::INGRID;
use serde_json::{Map, Value, json};

use crate::face::Face;
use crate::face::{Cast, perform};
use crate::proof::{detail, set, show, show_in};
use crate::table::{Made, ROOT};

mod conduct;
mod h01;
mod h02;
mod h03;
mod h04;
mod h05;
mod h06;
mod people;
mod together;

/// An org.
pub(crate) struct Org;

impl Face for Org {
    fn kind(&self) -> Kind {
        Kind::Salesforce
    }

    fn prepare(&self, world: &Governed) {
        people::hire(world);
    }

    fn user(&self, world: &Governed, login: &str) -> Value {
        world.org().user(login).unwrap().to_string().into()
    }

    fn add(
        &self,
        world: &Governed,
        made: &Made,
        fields: Map<String, Value>,
        _: &[(String, &'static str)],
    ) -> Result<String, String> {
        let act = Act::create(made.by, made.object, &Value::Object(fields));
        world.org().act(&act).map(|id| id.to_string()).map_err(|error| format!("{}: {error}", made.name))
    }

    fn field(&self, world: &Governed, _: &str, id: &str, field: &str) -> Value {
        world.org().field(Id::parse(id).unwrap(), field)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_01() {
    show(&Org, SALESFORCE, h01::scene()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_02() {
    show(&Org, SALESFORCE, h02::scene()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_03() {
    show(&Org, SALESFORCE, h03::scene()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_04() {
    let (sale, onboarding) = (h03::scene(), h04::scene());
    let mut world = set(&Org, SALESFORCE, &[&sale, &onboarding]).await;
    // Of two deals one was accepted, so that only its promises are carried on.
    let deals = ["deal", "other"].map(|name| {
        let cast = perform(&Org, &world, &sale.made, &Cast::new()).unwrap();
        (name, cast.get(ROOT).unwrap().clone())
    });
    world.pass().await;
    let given = Cast::from(deals);
    let deal = given.get("deal").unwrap();
    world.advance(30);
    let accept = json!({"Handoff_03_Decision__c": "Accept"});
    let id = Id::parse(deal.record.as_str()).unwrap();
    world.org().act(&Act::update(INGRID, "Opportunity", id, &accept)).unwrap();
    world.pass().await;
    assert_eq!(detail(&world, sale.contract, deal).await.summary.phase, Phase::Accepted);
    show_in(&Org, &world, &onboarding, &given).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_05() {
    show(&Org, SALESFORCE, h05::scene()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_06() {
    show(&Org, SALESFORCE, h06::scene()).await;
}
