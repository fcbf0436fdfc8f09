//! HubSpot on the stage.

use handoff_core::id::RecordRef;
use handoff_sandbox_hubspot::{Act, ActorKind, Error, NewUser};
use serde_json::{Map, Value, json};

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

/// Begins the names of properties that HubSpot counts by itself.
const COUNTED: &str = "hs_analytics_";

/// Properties that a clone of a deal takes along, besides our own.
const COPIED: [&str; 6] = ["dealname", "pipeline", "dealstage", "amount", "closedate", "hubspot_owner_id"];

/// A portal.
#[derive(Debug, Clone, Copy)]
pub struct Hub;

fn id(record: &RecordRef) -> u64 {
    record.record.as_str().parse().unwrap()
}

/// The portal's words of refusal.
fn words(error: &Error) -> String {
    if let Error::Refused(refusal) = error { refusal.message.clone() } else { error.to_string() }
}

/// A value as HubSpot takes it: nothing is the empty text.
fn told(fields: &Fields) -> Value {
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    };
    Value::Object(fields.iter().map(|(name, value)| (name.clone(), Value::from(text(value)))).collect())
}

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

    fn ids(&self, world: &Governed, login: &str) -> Vec<String> {
        let portal = world.portal();
        let (owner, user) = (portal.owner_id(login), portal.user_id(login));
        owner.into_iter().chain(user).map(|id| id.to_string()).collect()
    }

    /// People save in the user interface; what HubSpot counts by itself is put there by nobody.
    fn add(
        &self,
        world: &Governed,
        made: &Made,
        fields: Fields,
        links: &[(String, &'static str)],
    ) -> Result<String, String> {
        let portal = world.portal();
        let (counted, written): (Map<_, _>, Map<_, _>) =
            fields.into_iter().partition(|(name, _)| name.starts_with(COUNTED));
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

    fn save(
        &self,
        world: &Governed,
        who: &str,
        way: Way,
        record: &RecordRef,
        fields: &Fields,
    ) -> Result<(), String> {
        let (counted, written): (Fields, Fields) =
            fields.clone().into_iter().partition(|(name, _)| name.starts_with(COUNTED));
        let save = |fields: &Fields, by: Option<ActorKind>| {
            let act = Act::update(who, record.object.as_str(), id(record), told(fields));
            let act = match by {
                None => act,
                Some(kind) => Act { user: String::new(), ..act }.by(kind),
            };
            world.portal().act(&act).map(drop).map_err(|error| words(&error))
        };
        if !counted.is_empty() {
            save(&counted, Some(ActorKind::Load))?;
        }
        if written.is_empty() {
            return Ok(());
        }
        match way {
            // Nobody who may edit the record is stopped from editing any of its properties.
            Way::Page | Way::Forced => save(&written, None),
            Way::App => save(&written, Some(ActorKind::Api)),
        }
    }

    fn link(
        &self,
        world: &Governed,
        who: &str,
        from: &RecordRef,
        to: &RecordRef,
        label: &str,
    ) -> Result<(), String> {
        let label = Some(label).filter(|label| !label.is_empty());
        let (from, to) = ((from.object.as_str(), id(from)), (to.object.as_str(), id(to)));
        world.portal().associate(who, from, to, label).map(drop).map_err(|error| words(&error))
    }

    fn delete(&self, world: &Governed, who: &str, record: &RecordRef) -> Result<(), String> {
        world.portal().archive(who, record.object.as_str(), id(record)).map_err(|error| words(&error))
    }

    fn undelete(&self, world: &Governed, who: &str, record: &RecordRef) -> Result<(), String> {
        world.portal().restore(who, record.object.as_str(), id(record)).map_err(|error| words(&error))
    }

    fn merge(
        &self,
        world: &Governed,
        who: &str,
        into: &RecordRef,
        loser: &RecordRef,
    ) -> Result<String, String> {
        let left = world.portal().merge(who, into.object.as_str(), id(into), id(loser));
        left.map(|id| id.to_string()).map_err(|error| words(&error))
    }

    fn copy(&self, world: &Governed, who: &str, record: &RecordRef, name: &str) -> Result<String, String> {
        let portal = world.portal();
        let from = portal.get(record.object.as_str(), id(record)).unwrap();
        let from = from.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let taken = |name: &String| COPIED.contains(&name.as_str()) || name.starts_with("handoff_");
        let mut fields: Fields =
            from.into_iter().filter(|(name, value)| taken(name) && !value.is_null()).collect();
        fields.insert("dealname".to_owned(), Value::from(name));
        let copied = portal.act(&Act::create(who, record.object.as_str(), Value::Object(fields)));
        let copied = copied.map_err(|error| words(&error))?;
        Ok(copied.to_string())
    }

    fn convert(&self, world: &Governed, who: &str, lead: &RecordRef) -> Result<(), String> {
        let stage = Fields::from_iter([("lifecyclestage".to_owned(), Value::from("opportunity"))]);
        self.save(world, who, Way::Page, lead, &stage)
    }

    fn talk(&self, world: &Governed, who: &str, record: &RecordRef, talk: Talk) -> Result<(), String> {
        let owner = self.user(world, who);
        let (object, fields) = match talk {
            Talk::Inside => ("notes", json!({ "hs_note_body": "We are looking into it" })),
            Talk::ToCustomer => (
                "emails",
                json!({ "hs_email_direction": "EMAIL", "hs_email_subject": "We are on it", "hs_email_status": "SENT" }),
            ),
            Talk::Call => ("calls", json!({ "hs_call_title": "Call", "hs_call_status": "COMPLETED" })),
        };
        let mut fields = fields.as_object().cloned().unwrap_or_default();
        fields.insert("hubspot_owner_id".to_owned(), owner);
        let portal = world.portal();
        let said = portal.act(&Act::create(who, object, Value::Object(fields)));
        let said = said.map_err(|error| words(&error))?;
        portal
            .associate(who, (object, said), (record.object.as_str(), id(record)), None)
            .map(drop)
            .map_err(|error| words(&error))
    }

    fn set_active(&self, world: &Governed, login: &str, active: bool) {
        world.portal().set_active(login, active).unwrap();
    }
}
