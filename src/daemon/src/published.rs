//! The contracts that the log published, by their exact text.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use handoff_core::contract::{Contract, ContractRef};
use handoff_core::digest::Digest;
use handoff_store::bodies::{Bodies, BodyDigest};

use crate::fatal::Fatal;
use crate::memory::{CONTRACT, Change, Rows};

/// The contracts that the log knows by their exact text.
pub(crate) struct Contracts {
    bodies: Bodies,
    held: RwLock<BTreeMap<ContractRef, Arc<Contract>>>,
}

impl Contracts {
    pub(crate) fn new(bodies: Bodies) -> Self {
        Self { bodies, held: RwLock::new(BTreeMap::new()) }
    }

    pub(crate) fn get(&self, pin: &ContractRef) -> Option<Arc<Contract>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).get(pin).cloned()
    }

    /// The texts that the log published.
    pub(crate) fn pins(&self) -> Vec<ContractRef> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// Takes up a published text; false = it does not fit its pin or cannot be read, so that nothing is decided by it.
    pub(crate) fn learn(&self, pin: &ContractRef, text: &str) -> bool {
        if Digest::of_bytes(text.as_bytes()) != pin.digest {
            return false;
        }
        let Ok(contract) = handoff_core::registry::parse_contract("the log", text) else { return false };
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.insert(pin.clone(), Arc::new(contract));
        true
    }

    /// Stores a published text beside the log and takes it up. Blocks.
    pub(crate) fn publish(&self, change: &mut Change, pin: &ContractRef, text: &str) -> Result<(), Fatal> {
        self.bodies.put(text.as_bytes())?;
        change.put_json(format!("{CONTRACT}{}", pin.digest), pin);
        if !self.learn(pin, text) {
            tracing::error!(contract = %pin.id, version = pin.version, "a published contract cannot be read; its handoffs rest");
        }
        Ok(())
    }

    /// Takes up what was published earlier. Blocks.
    pub(crate) fn load(&self, rows: &Rows) -> Result<(), Fatal> {
        for (digest, row) in rows.scan_now(CONTRACT)? {
            let Ok(pin) = serde_json::from_slice::<ContractRef>(&row) else { continue };
            let text = match body_digest(&digest) {
                Some(digest) => self.bodies.get(digest)?,
                None => None,
            };
            let known = text
                .and_then(|text| String::from_utf8(text).ok())
                .is_some_and(|text| self.learn(&pin, &text));
            if !known {
                tracing::error!(contract = %pin.id, version = pin.version, "the text of a published contract is missing; its handoffs rest");
            }
        }
        Ok(())
    }
}

fn body_digest(hex: &str) -> Option<BodyDigest> {
    let mut bytes = [0_u8; 32];
    if hex.len() != 64 {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(BodyDigest(bytes))
}
