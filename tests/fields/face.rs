//! A CRM as the table needs it.

use std::collections::BTreeMap;

use handoff_core::id::RecordRef;
use handoffd_tests::crm::Kind;
use handoffd_tests::governed::Governed;
use serde_json::{Map, Value};

use crate::table::Made;

/// A CRM whose records are made by hand.
pub(crate) trait Face {
    /// Which vendor's.
    fn kind(&self) -> Kind;

    /// Users, rights and settings that the scenes need, before the daemon starts.
    fn prepare(&self, world: &Governed);

    /// A user's id as fields hold it.
    fn user(&self, world: &Governed, login: &str) -> Value;

    /// A new record, associated as told (id, label); its id, or the CRM's words of refusal.
    fn add(
        &self,
        world: &Governed,
        made: &Made,
        fields: Map<String, Value>,
        links: &[(String, &'static str)],
    ) -> Result<String, String>;

    /// What stands in a field of a record.
    fn field(&self, world: &Governed, object: &str, id: &str, field: &str) -> Value;
}

/// The records of one performance of a scene, by name.
pub(crate) type Cast = BTreeMap<&'static str, RecordRef>;

/// Makes all records of a scene beside those that are given.
pub(crate) fn perform(
    face: &dyn Face,
    world: &Governed,
    made: &[Made],
    given: &Cast,
) -> Result<Cast, String> {
    let mut cast = given.clone();
    for one in made {
        let id = |name: &str| cast.get(name).map(|record| record.record.to_string());
        let refer = |value: &Value| -> Option<Value> {
            let Some(name) = value.as_str().and_then(|text| text.strip_prefix('@')) else {
                return Some(value.clone());
            };
            match name.strip_prefix("user:") {
                Some(login) => Some(face.user(world, login)),
                None => id(name).map(Value::from),
            }
        };
        // What refers to a record that is left out is left out too.
        let fields =
            one.fields.iter().filter_map(|(name, value)| Some(((*name).to_owned(), refer(value)?))).collect();
        let links: Vec<_> =
            one.links.iter().filter_map(|(other, label)| Some((id(other)?, *label))).collect();
        let made = face.add(world, one, fields, &links)?;
        let connection = handoff_core::id::ConnectionId::from(face.kind().connection());
        let record =
            RecordRef { connection, object: one.object.into(), record: handoff_core::id::RecordId(made) };
        cast.insert(one.name, record);
    }
    Ok(cast)
}
