//! HubSpot.

use handoff_core::handoff::Phase;
use handoff_sandbox_hubspot::{Act, ActorKind, NewUser};
use handoffd_tests::crm::{HUBSPOT, Kind};
use handoffd_tests::governed::Governed;
use handoffd_tests::story::INGRID;
use serde_json::{Map, Value, json};

use crate::face::{Cast, Face, perform};
use crate::proof::{detail, set, show, show_in};
use crate::table::{Made, ROOT};

mod conduct;
mod h01;
mod h02;
mod h03;
mod h04;
mod h05;
mod h06;
mod together;

/// An SDR.
const NIA: &str = "nia.mensah@northwind-peak.example";
/// A CSM.
const GRACE: &str = "grace.adeyemi@northwind-peak.example";
/// Marketing; hired before the daemon starts.
const MONA: &str = "mona.keller@northwind-peak.example";
/// The support lead; hired before the daemon starts.
const SUNIL: &str = "sunil.rao@northwind-peak.example";

/// Objects that records of a scene may be of.
const OBJECTS: [&str; 9] = [
    "contacts",
    "companies",
    "deals",
    "tickets",
    "calls",
    "p_onboarding",
    "p_feature_usage",
    "p_training_attendance",
    "p_touchpoint",
];

/// A portal.
pub(crate) struct Hub;

impl Face for Hub {
    fn kind(&self) -> Kind {
        Kind::Hubspot
    }

    fn prepare(&self, world: &Governed) {
        for login in [MONA, SUNIL] {
            let user = NewUser {
                email: login.to_owned(),
                first: String::new(),
                last: login.to_owned(),
                super_admin: false,
            };
            world.portal().create_user(&user).unwrap();
        }
    }

    fn user(&self, world: &Governed, login: &str) -> Value {
        world.portal().owner_id(login).unwrap().to_string().into()
    }

    /// People save in the user interface; what HubSpot counts by itself is put there by nobody.
    fn add(
        &self,
        world: &Governed,
        made: &Made,
        fields: Map<String, Value>,
        links: &[(String, &'static str)],
    ) -> Result<String, String> {
        let portal = world.portal();
        let (counted, written): (Map<_, _>, Map<_, _>) =
            fields.into_iter().partition(|(name, _)| name.starts_with("hs_analytics_"));
        let told = |error: &dyn std::fmt::Display| format!("{}: {error}", made.name);
        let act = Act::create(made.by, made.object, Value::Object(written));
        let id = portal.act(&act).map_err(|error| told(&error))?;
        if !counted.is_empty() {
            let act = Act::update(made.by, made.object, id, Value::Object(counted)).by(ActorKind::Load);
            portal.act(&act).map_err(|error| told(&error))?;
        }
        for (other, label) in links {
            let other: u64 = other.parse().unwrap();
            let object = OBJECTS.iter().find(|object| portal.get(object, other).is_some()).unwrap();
            let label = Some(*label).filter(|label| !label.is_empty());
            portal
                .associate(made.by, (made.object, id), (object, other), label)
                .map_err(|error| told(&error))?;
        }
        Ok(id.to_string())
    }

    fn field(&self, world: &Governed, object: &str, id: &str, field: &str) -> Value {
        match world.portal().property(object, id.parse().unwrap(), field).as_deref() {
            Some("true") => json!(true),
            Some("false") => json!(false),
            Some(text) => json!(text),
            None => Value::Null,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_01() {
    show(&Hub, HUBSPOT, h01::scene()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_02() {
    show(&Hub, HUBSPOT, h02::scene()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_03() {
    show(&Hub, HUBSPOT, h03::scene()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_04() {
    let (sale, onboarding) = (h03::scene(), h04::scene());
    let mut world = set(&Hub, HUBSPOT, &[&sale, &onboarding]).await;
    let cast = perform(&Hub, &world, &sale.made, &Cast::new()).unwrap();
    let deal = cast.get(ROOT).unwrap().clone();
    world.pass().await;
    world.advance(30);
    let accept = Act::update(
        INGRID,
        "deals",
        deal.record.as_str().parse().unwrap(),
        json!({"handoff_decision": "Accept"}),
    );
    world.portal().act(&accept).unwrap();
    world.pass().await;
    assert_eq!(detail(&world, sale.contract, &deal).await.summary.phase, Phase::Accepted);
    show_in(&Hub, &world, &onboarding, &Cast::from([("deal", deal)])).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_05() {
    show(&Hub, HUBSPOT, h05::scene()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_06() {
    show(&Hub, HUBSPOT, h06::scene()).await;
}
