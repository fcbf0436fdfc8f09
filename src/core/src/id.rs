//! Names of things. Each is a distinct type, so that a record id cannot be passed for a contract id.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $type(pub String);

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $type {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

name!(
    /// A configured connection to one CRM org, e.g. `sf`.
    ConnectionId
);
name!(
    /// An object of a CRM, e.g. `Opportunity`.
    ObjectName
);
name!(
    /// A record's id in its CRM, in the vendor's canonical form (Salesforce: 18 characters).
    RecordId
);
name!(
    /// A contract, e.g. `h03-ae-to-onboarding`.
    ContractId
);
name!(
    /// A go-to-market motion, e.g. `main`.
    MotionId
);
name!(
    /// One of a contract's mandatory fields, e.g. `economic_buyer`.
    FieldKey
);
name!(
    /// A typed part of a field, e.g. `authority`.
    PartKey
);
name!(
    /// A gate of a contract, e.g. `commission`.
    GateName
);
name!(
    /// Our name of a stage, e.g. `closed_won`; each CRM's own names are in its mapping.
    StageName
);
name!(
    /// A user id in one CRM.
    ActorId
);
name!(
    /// A human being or a machine, over all logins.
    PersonId
);

/// A record in a CRM.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordRef {
    /// Connection it lives behind.
    pub connection: ConnectionId,
    /// Its object.
    pub object: ObjectName,
    /// Its id.
    pub record: RecordId,
}

impl fmt::Display for RecordRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.connection, self.object, self.record)
    }
}

/// One handoff of one record under one contract; derived, never random. A re-open starts the next cycle.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HandoffId {
    /// The contract.
    pub contract: ContractId,
    /// The motion.
    pub motion: MotionId,
    /// The record that carries the package.
    pub subject: RecordRef,
    /// From 1; each re-open adds one.
    pub cycle: u32,
}

impl HandoffId {
    /// The stream that all cycles of this handoff share, as text: `contract/motion/connection/object/record`.
    pub fn stream(&self) -> String {
        format!("{}/{}/{}", self.contract, self.motion, self.subject)
    }
}

impl fmt::Display for HandoffId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.stream(), self.cycle)
    }
}
