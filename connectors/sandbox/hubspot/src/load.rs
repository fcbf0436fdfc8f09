//! Loading real data: the host's mapping format on this portal's records.

use handoff_sandbox_host::load::{Loading, Mapping, SaveFailure};
use serde_json::{Map, Value as Json, json};

use crate::{
    Error, Portal,
    portal::Act,
    record::ActorKind,
    schema::{PropertySpec, PropertyType},
};

impl Loading for Portal {
    type Kind = ActorKind;
    type Field = PropertySpec;

    fn add_fields(&self, object: &str, fields: Vec<PropertySpec>) -> Result<(), String> {
        fields
            .into_iter()
            .try_for_each(|field| self.put_property(object, field))
            .map_err(|error| error.to_string())
    }

    fn save(
        &self,
        mapping: &Mapping<ActorKind, PropertySpec>,
        fields: Map<String, Json>,
    ) -> Result<String, SaveFailure> {
        let kind = mapping.kind.unwrap_or(ActorKind::Load);
        let user = mapping.act_as.clone().unwrap_or_default();
        let (links, fields): (Vec<_>, Vec<_>) =
            fields.into_iter().partition(|(name, _)| name.starts_with("associations."));
        let fields = Json::Object(fields.into_iter().collect());
        let done = self.act(&Act::create(&user, &mapping.object, fields).by(kind));
        let id = done.map_err(|error| {
            if let Error::Refused(refusal) = error {
                SaveFailure::Refused(refusal.code().to_owned())
            } else {
                SaveFailure::Impossible(error.to_string())
            }
        })?;
        for (name, value) in links {
            // `associations.<object>` or `associations.<object>.<label>`
            let mut parts = name.splitn(3, '.').skip(1);
            let (other, label) = (parts.next().unwrap_or_default(), parts.next());
            let end = crate::values::text(&value).and_then(|text| text.parse().ok()).unwrap_or(0);
            self.associate(crate::seed::ADMIN_USER, (&mapping.object, id), (other, end), label)
                .map_err(|error| SaveFailure::Impossible(error.to_string()))?;
        }
        Ok(id.to_string())
    }

    fn typed(&self, object: &str, field: &str, text: String) -> Json {
        if self.kind_of_property(object, field) == Some(PropertyType::Bool) {
            match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "t" => return json!("true"),
                "false" | "0" | "no" | "f" => return json!("false"),
                _ => {}
            }
        }
        Json::String(text)
    }

    fn is_day(&self, object: &str, field: &str) -> bool {
        self.kind_of_property(object, field) == Some(PropertyType::Date)
    }

    fn key(&self, space: &str, name: &str) -> Option<String> {
        self.lock().keys.get(&(space.to_owned(), name.to_owned())).map(ToString::to_string)
    }

    fn remember(&self, space: &str, name: &str, id: &str) {
        if let Ok(id) = id.parse() {
            self.lock().keys.insert((space.to_owned(), name.to_owned()), id);
        }
    }
}

impl Portal {
    fn kind_of_property(&self, object: &str, name: &str) -> Option<PropertyType> {
        let state = self.lock();
        let object = state.object(object).ok()?;
        state.schema.object(object)?.find(name).map(|(_, spec)| spec.kind)
    }
}
