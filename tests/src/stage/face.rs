//! A CRM in which people make, change and lose records of every kind.

use std::collections::BTreeMap;

use handoff_core::id::{ConnectionId, RecordId, RecordRef};
use serde_json::{Map, Value};

use super::table::Made;
use crate::crm::Kind;
use crate::governed::Governed;

/// Fields of a record by the CRM's own names.
pub type Fields = Map<String, Value>;

/// By what way somebody saves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// On the record's page, under every rule.
    Page,
    /// Past every rule and field permission, as an automation that somebody starts saves.
    Forced,
    /// By an app or integration user, over the API.
    App,
}

/// What somebody says beside the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Talk {
    /// A comment that only colleagues see.
    Inside,
    /// A message that the customer sees.
    ToCustomer,
    /// A call with the customer, logged when it was over.
    Call,
}

/// A CRM whose records are made by hand.
pub trait Face: Send + Sync {
    /// Which vendor's.
    fn kind(&self) -> Kind;

    /// Users, rights and settings that the scenes need, before the daemon starts.
    fn prepare(&self, world: &Governed);

    /// A user's id as fields hold it.
    fn user(&self, world: &Governed, login: &str) -> Value;

    /// Every id that the CRM knows a user by.
    fn ids(&self, world: &Governed, login: &str) -> Vec<String>;

    /// A new record, associated as told (id, label); its id, or the CRM's words of refusal.
    fn add(
        &self,
        world: &Governed,
        made: &Made,
        fields: Fields,
        links: &[(String, &'static str)],
    ) -> Result<String, String>;

    /// What stands in a field of a record.
    fn field(&self, world: &Governed, object: &str, id: &str, field: &str) -> Value;

    /// Somebody saves fields of a record, or the CRM's words of refusal.
    fn save(
        &self,
        world: &Governed,
        who: &str,
        way: Way,
        record: &RecordRef,
        fields: &Fields,
    ) -> Result<(), String>;

    /// Somebody associates two records, where the CRM associates (HubSpot); the label may be empty.
    fn link(
        &self,
        world: &Governed,
        who: &str,
        from: &RecordRef,
        to: &RecordRef,
        label: &str,
    ) -> Result<(), String>;

    /// Somebody deletes a record; it can be brought back.
    fn delete(&self, world: &Governed, who: &str, record: &RecordRef) -> Result<(), String>;

    /// Somebody brings a deleted record back.
    fn undelete(&self, world: &Governed, who: &str, record: &RecordRef) -> Result<(), String>;

    /// Somebody merges a record into another; the id of what is left.
    fn merge(
        &self,
        world: &Governed,
        who: &str,
        into: &RecordRef,
        loser: &RecordRef,
    ) -> Result<String, String>;

    /// Somebody clones a record on its page, under another name; the clone's id.
    fn copy(&self, world: &Governed, who: &str, record: &RecordRef, name: &str) -> Result<String, String>;

    /// Somebody makes a deal of a lead.
    fn convert(&self, world: &Governed, who: &str, lead: &RecordRef) -> Result<(), String>;

    /// Somebody says something beside the record.
    fn talk(&self, world: &Governed, who: &str, record: &RecordRef, talk: Talk) -> Result<(), String>;

    /// A user is switched off, or on again.
    fn set_active(&self, world: &Governed, login: &str, active: bool);
}

/// The records of one performance of a scene, by name.
pub type Cast = BTreeMap<&'static str, RecordRef>;

/// What `@name` and `@user:login` stand for; `None` = a record that is not there.
pub fn refer(face: &dyn Face, world: &Governed, cast: &Cast, value: &Value) -> Option<Value> {
    let Some(name) = value.as_str().and_then(|text| text.strip_prefix('@')) else {
        return Some(value.clone());
    };
    match name.strip_prefix("user:") {
        Some(login) => Some(face.user(world, login)),
        None => cast.get(name).map(|record| Value::from(record.record.to_string())),
    }
}

/// Makes all records of a scene beside those that are given.
pub fn perform(face: &dyn Face, world: &Governed, made: &[Made], given: &Cast) -> Result<Cast, String> {
    let mut cast = given.clone();
    for one in made {
        // What refers to a record that is left out is left out too.
        let fields = one
            .fields
            .iter()
            .filter_map(|(name, value)| Some(((*name).to_owned(), refer(face, world, &cast, value)?)))
            .collect();
        let id = |name: &str| cast.get(name).map(|record| record.record.to_string());
        let links: Vec<_> =
            one.links.iter().filter_map(|(other, label)| Some((id(other)?, *label))).collect();
        let made = face.add(world, one, fields, &links)?;
        let connection = ConnectionId::from(face.kind().connection());
        let record = RecordRef { connection, object: one.object.into(), record: RecordId(made) };
        cast.insert(one.name, record);
    }
    Ok(cast)
}
