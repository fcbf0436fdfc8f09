//! Salesforce on the stage.

use handoff_core::id::RecordRef;
use handoff_sandbox_salesforce::{Act, ActorKind, Conversion, Error, Id, NewUser, seed};
use serde_json::{Value, json};

use super::face::{Face, Fields, Talk, Way};
use super::people::{MONA, SUNIL};
use super::table::Made;
use crate::crm::Kind;
use crate::governed::Governed;

pub mod h01;
pub mod h02;
pub mod h03;
pub mod h04;
pub mod h05;
pub mod h06;

/// An org.
#[derive(Debug, Clone, Copy)]
pub struct Org;

fn id(record: &RecordRef) -> Id {
    Id::parse(record.record.as_str()).unwrap()
}

/// The org's words of refusal, as its page shows them.
fn words(error: &Error) -> String {
    if let Error::Refused(errors) = error {
        errors.first().map(|error| error.message.clone()).unwrap_or_default()
    } else {
        error.to_string()
    }
}

impl Face for Org {
    fn kind(&self) -> Kind {
        Kind::Salesforce
    }

    fn prepare(&self, world: &Governed) {
        for (login, set) in [(MONA, "Handoff_Marketing"), (SUNIL, "Handoff_Support")] {
            let sets = vec![set.to_owned(), "Handoff_Reader".to_owned()];
            let user = NewUser { permission_sets: sets, ..NewUser::new(login, "", login) };
            world.org().create_user(&user).unwrap();
        }
    }

    fn user(&self, world: &Governed, login: &str) -> Value {
        world.org().user(login).unwrap().to_string().into()
    }

    fn ids(&self, world: &Governed, login: &str) -> Vec<String> {
        world.org().user(login).map(|id| id.to_string()).into_iter().collect()
    }

    fn add(
        &self,
        world: &Governed,
        made: &Made,
        fields: Fields,
        _: &[(String, &'static str)],
    ) -> Result<String, String> {
        let act = Act::create(made.by, made.object, &Value::Object(fields));
        world.org().act(&act).map(|id| id.to_string()).map_err(|error| format!("{}: {error}", made.name))
    }

    fn field(&self, world: &Governed, _: &str, id: &str, field: &str) -> Value {
        world.org().field(Id::parse(id).unwrap(), field)
    }

    fn save(
        &self,
        world: &Governed,
        who: &str,
        way: Way,
        record: &RecordRef,
        fields: &Fields,
    ) -> Result<(), String> {
        let act = Act::update(who, record.object.as_str(), id(record), &Value::Object(fields.clone()));
        let act = match way {
            Way::Page => act,
            Way::Forced => act.by(ActorKind::Workflow),
            Way::App => Act { user: seed::INTEGRATION_USER.to_owned(), ..act }.by(ActorKind::Workflow),
        };
        world.org().act(&act).map(drop).map_err(|error| words(&error))
    }

    fn link(&self, _: &Governed, _: &str, _: &RecordRef, _: &RecordRef, _: &str) -> Result<(), String> {
        Ok(())
    }

    fn delete(&self, world: &Governed, who: &str, record: &RecordRef) -> Result<(), String> {
        world.org().delete(who, id(record)).map_err(|error| words(&error))
    }

    fn undelete(&self, world: &Governed, who: &str, record: &RecordRef) -> Result<(), String> {
        world.org().undelete(who, id(record)).map_err(|error| words(&error))
    }

    fn merge(
        &self,
        world: &Governed,
        who: &str,
        into: &RecordRef,
        loser: &RecordRef,
    ) -> Result<String, String> {
        world.org().merge(who, id(into), &[id(loser)]).map_err(|error| words(&error))?;
        Ok(into.record.to_string())
    }

    fn copy(&self, world: &Governed, who: &str, record: &RecordRef, name: &str) -> Result<String, String> {
        let copied = world.org().clone_record(who, id(record), &json!({ "Name": name }));
        copied.map(|id| id.to_string()).map_err(|error| words(&error))
    }

    fn convert(&self, world: &Governed, who: &str, lead: &RecordRef) -> Result<(), String> {
        let wish =
            Conversion { lead: id(lead), account: None, no_opportunity: false, opportunity: Value::Null };
        world.org().convert_lead(who, &wish).map(drop).map_err(|error| words(&error))
    }

    fn talk(&self, world: &Governed, who: &str, record: &RecordRef, talk: Talk) -> Result<(), String> {
        let on = record.record.as_str();
        let comment = |public: bool| json!({ "ParentId": on, "CommentBody": "We are looking into it", "IsPublished": public });
        let (object, fields) = match talk {
            Talk::Inside => ("CaseComment", comment(false)),
            Talk::ToCustomer => ("CaseComment", comment(true)),
            Talk::Call => {
                let owner = self.user(world, who);
                // People are named apart from things.
                let what = if record.object.as_str() == "Lead" { "WhoId" } else { "WhatId" };
                ("Task", json!({ "Subject": "Call", "Status": "Completed", what: on, "OwnerId": owner }))
            }
        };
        world.org().act(&Act::create(who, object, &fields)).map(drop).map_err(|error| words(&error))
    }

    fn set_active(&self, world: &Governed, login: &str, active: bool) {
        let user = world.org().user(login).unwrap();
        let act = Act::update(seed::ADMIN_USER, "User", user, &json!({ "IsActive": active }));
        world.org().act(&act.by(ActorKind::Load)).unwrap();
    }
}
