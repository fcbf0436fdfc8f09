//! Loading real data: CSV and JSONL files through a small TOML mapping, one row at a time.

use std::collections::BTreeMap;

use handoff_sandbox_host::load::{Loading, Mapping, SaveFailure};
use serde_json::{Map, Value as Json};

use crate::{
    Error, Org,
    ids::Id,
    record::ActorKind,
    schema::{FieldSpec, FieldType},
};

impl Loading for Org {
    type Kind = ActorKind;
    type Field = FieldSpec;

    fn add_fields(&self, object: &str, fields: Vec<FieldSpec>) -> Result<(), String> {
        Org::add_fields(self, object, fields).map_err(|error| error.to_string())
    }

    fn save(
        &self,
        mapping: &Mapping<ActorKind, FieldSpec>,
        fields: Map<String, Json>,
    ) -> Result<String, SaveFailure> {
        let impossible = |error: Error| SaveFailure::Impossible(error.to_string());
        let mut state = self.lock();
        let kind = mapping.kind.unwrap_or(ActorKind::Load);
        let user = match &mapping.act_as {
            Some(name) => state.user(name).map_err(impossible)?,
            None => state.system_user(),
        };
        let actor = crate::state::Actor { user, kind, client: None, request: 0, transaction: None };
        let position = state.schema.position(&mapping.object);
        let position = position.ok_or_else(|| impossible(Error::unknown("object", &*mapping.object)))?;
        state.save(&actor, position, None, &fields).map(|id| id.to_string()).map_err(|errors| {
            let codes: Vec<&str> = errors.iter().map(|error| error.code.as_str()).collect();
            SaveFailure::Refused(codes.join(", "))
        })
    }

    /// A checkbox travels as JSON true or false; every other type is read from text.
    fn typed(&self, object: &str, field: &str, text: String) -> Json {
        let state = self.lock();
        let known = state.schema.object(object).and_then(|object| object.field(field));
        if known.is_some_and(|known| known.spec.kind == FieldType::Boolean) {
            match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "t" => return Json::Bool(true),
                "false" | "0" | "no" | "f" => return Json::Bool(false),
                _ => {}
            }
        }
        Json::String(text)
    }

    fn is_day(&self, object: &str, field: &str) -> bool {
        let state = self.lock();
        let known = state.schema.object(object).and_then(|object| object.field(field));
        known.is_some_and(|known| known.spec.kind == FieldType::Date)
    }

    fn key(&self, space: &str, name: &str) -> Option<String> {
        self.lock().keys.get(&(space.to_owned(), name.to_owned())).map(ToString::to_string)
    }

    fn remember(&self, space: &str, name: &str, id: &str) {
        if let Some(id) = Id::parse(id) {
            self.lock().keys.insert((space.to_owned(), name.to_owned()), id);
        }
    }
}

/// Keys of loaded rows by key space.
pub(crate) type Keys = BTreeMap<(String, String), Id>;
