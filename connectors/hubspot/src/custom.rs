//! Objects that a portal defined itself: mappings name them `p_<name>`, events by a type id, `2-<number>`. The schema tells which is which.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use handoff_connector::{Fault, Lane, Reply, Request};
use serde_json::Value;

use crate::spec::ONE_CALL;
use crate::{Api, ask, error};

/// Names whose schema was asked for, each with its type id; `None` = it could not be told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Types(Arc<RwLock<BTreeMap<String, Option<String>>>>);

/// Whether an object is known by a name of its own and not by its type id: `p_onboarding`, `p4711_onboarding`.
pub(crate) fn is_named(object: &str) -> bool {
    let portal = object.strip_prefix('p').and_then(|rest| rest.split_once('_'));
    portal.is_some_and(|(portal, name)| !name.is_empty() && portal.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a text is the type id of a custom object.
pub(crate) fn is_type(text: &str) -> bool {
    let number = text.strip_prefix("2-").unwrap_or_default();
    (1..=12).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
}

impl Types {
    /// Whether the schema of an object still has to be asked for.
    pub(crate) fn lacks(&self, object: &str) -> bool {
        is_named(object) && !self.0.read().unwrap_or_else(PoisonError::into_inner).contains_key(object)
    }

    /// The name under which mappings know a type; the type id itself where none was told.
    pub(crate) fn name(&self, type_id: &str) -> String {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let named = known.iter().find(|(_, id)| id.as_deref() == Some(type_id));
        named.map_or_else(|| type_id.to_owned(), |(name, _)| name.clone())
    }

    fn put(&self, object: &str, type_id: Option<String>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(object.to_owned(), type_id);
    }
}

/// The question for an object's schema.
pub(crate) fn request(api: &Api, object: &str, lane: Lane) -> Request {
    ask::get(api.dialect.schema(object), lane, ONE_CALL, "schema")
}

/// Learns an object's type id from the answer.
///
/// An answer that the token may not have, or that no such object is there, is remembered as well and returned: the object's events are then no
/// hints, and polling finds what changed.
pub(crate) fn learn(api: &Api, object: &str, reply: &Reply) -> Result<(), Fault> {
    let body = match error::body(reply) {
        Ok(body) => body,
        Err(fault @ (Fault::Denied { .. } | Fault::Gone | Fault::Refused { .. })) => {
            api.types.put(object, None);
            return Err(fault);
        }
        Err(
            fault @ (Fault::Transient { .. }
            | Fault::Throttled { .. }
            | Fault::Expired
            | Fault::Stale
            | Fault::Protocol { .. }),
        ) => return Err(fault),
    };
    let told = body.get("objectTypeId").and_then(Value::as_str).filter(|id| is_type(id)).map(str::to_owned);
    // An older answer tells the number only.
    let number = body.get("id").and_then(Value::as_str).map(|id| format!("2-{id}")).filter(|id| is_type(id));
    api.types.put(object, told.or(number));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_types_are_told_apart() {
        for name in ["p_onboarding", "p4711_onboarding"] {
            assert!(is_named(name), "{name}");
        }
        for name in ["pets", "p_", "products", "p47x_onboarding", "2-17", "deals", ""] {
            assert!(!is_named(name), "{name}");
        }
        assert!(is_type("2-1234567") && !is_type("0-1") && !is_type("2-") && !is_type("2-x"));
    }

    #[test]
    fn a_type_has_the_name_that_its_schema_told() {
        let types = Types::default();
        assert!(types.lacks("p_onboarding") && !types.lacks("deals") && !types.lacks("2-17"));
        types.put("p_onboarding", Some("2-17".to_owned()));
        types.put("p_other", None);
        assert!(!types.lacks("p_onboarding") && !types.lacks("p_other"));
        assert_eq!((types.name("2-17").as_str(), types.name("2-18").as_str()), ("p_onboarding", "2-18"));
    }
}
