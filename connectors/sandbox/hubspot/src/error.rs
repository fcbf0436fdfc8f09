//! Why the sandbox could not do what its operator asked (the vendor's own refusals are [`crate::Refusal`]).

use handoff_sandbox_host::{ListenError, load::LoadError};

/// A refusal of the sandbox itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The properties to install cannot be read.
    #[error("{path}: cannot be read")]
    Read {
        /// The file.
        path: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The properties to install are no list of property definitions.
    #[error("property definitions cannot be understood: {detail}")]
    Definitions {
        /// The parser's words.
        detail: String,
    },
    /// An object, property, user, pipeline or stage that does not exist.
    #[error("no {what} named {name}")]
    Unknown {
        /// The kind of thing.
        what: &'static str,
        /// The name or id given.
        name: String,
    },
    /// A request to the control interface that makes no sense.
    #[error("{detail}")]
    BadRequest {
        /// What is wrong and what is expected.
        detail: String,
    },
    /// The portal refused.
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
    /// A file to load, or its mapping, is wrong.
    #[error(transparent)]
    Load(#[from] LoadError),
}

use crate::Refusal;

impl Error {
    pub(crate) fn unknown(what: &'static str, name: impl Into<String>) -> Self {
        Self::Unknown { what, name: name.into() }
    }

    pub(crate) fn bad(detail: impl Into<String>) -> Self {
        Self::BadRequest { detail: detail.into() }
    }
}
