//! JSON Schemas of the files that admins write: editors complete and check by them, and so do we.

use std::sync::OnceLock;

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::Value;

use crate::contract::Contract;
use crate::evidence::EvidenceMapping;
use crate::mapping::Mapping;
use crate::motion::SignalTable;

/// The schema of a contract file.
pub fn contract() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(of::<Contract>)
}

/// The schema of a mapping file.
pub fn mapping() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(of::<Mapping>)
}

/// The schema of an evidence mapping file.
pub fn evidence() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(of::<EvidenceMapping>)
}

/// The schema of the signal table.
pub fn signals() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(of::<SignalTable>)
}

/// A schema as it is committed under `mappings/schema/`: indented, with a newline at the end.
pub fn text(schema: &Value) -> String {
    format!("{schema:#}\n")
}

fn of<T: JsonSchema>() -> Value {
    SchemaGenerator::default().into_root_schema_for::<T>().to_value()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    fn committed(name: &str) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../mappings/schema").join(name)
    }

    // `HANDOFFD_BLESS=1 cargo test -p handoff-core schema` writes them anew.
    fn is_current(name: &str, schema: &serde_json::Value) {
        let (path, now) = (committed(name), super::text(schema));
        if std::env::var_os("HANDOFFD_BLESS").is_some() {
            std::fs::write(&path, &now).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), now, "{name} is out of date");
    }

    #[test]
    fn committed_contract_schema_is_current() {
        is_current("contract.json", super::contract());
    }

    #[test]
    fn committed_mapping_schema_is_current() {
        is_current("mapping.json", super::mapping());
    }

    #[test]
    fn committed_signals_schema_is_current() {
        is_current("signals.json", super::signals());
    }

    #[test]
    fn committed_evidence_schema_is_current() {
        is_current("evidence.json", super::evidence());
    }
}
