//! Salesforce.

use handoff_sandbox_salesforce::{Act, Id};
use handoffd_tests::crm::{Kind, SALESFORCE};
use handoffd_tests::governed::Governed;
use serde_json::{Map, Value};

use crate::face::Face;
use crate::proof::show;
use crate::table::{Made, Scene};

mod conduct;
mod h01;
mod h02;
mod h03;
mod h04;
mod h05;
mod h06;
mod people;

/// An org.
pub(crate) struct Org;

impl Face for Org {
    fn kind(&self) -> Kind {
        Kind::Salesforce
    }

    fn prepare(&self, world: &Governed, _: &Scene) {
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
    show(&Org, SALESFORCE, h04::scene()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_05() {
    show(&Org, SALESFORCE, h05::scene()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_06() {
    show(&Org, SALESFORCE, h06::scene()).await;
}
