//! Why the sandbox could not do what its operator asked (the vendor's own refusals are [`crate::SaveError`]).

use handoff_sandbox_host::{ListenError, load::LoadError};

/// A refusal of the sandbox itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is not a loopback address.
    #[error("refusing to listen on {address}: the sandbox is loopback only; use 127.0.0.1 or ::1")]
    NotLoopback {
        /// The address asked for.
        address: std::net::IpAddr,
    },
    /// The port cannot be bound.
    #[error("cannot listen on {address}; choose another port, or 0 for any")]
    Bind {
        /// The address asked for.
        address: std::net::SocketAddr,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The built-in object description is broken.
    #[error("built-in objects cannot be read: {detail}")]
    Schema {
        /// The parser's words.
        detail: String,
    },
    /// The metadata package cannot be read.
    #[error("metadata package cannot be read")]
    Package(#[from] handoff_sandbox_lang::metadata::MetadataError),
    /// A validation rule of the package does not compile.
    #[error("validation rule {rule} on {object} does not compile: {detail}")]
    Rule {
        /// API name of the rule.
        rule: String,
        /// API name of the object.
        object: String,
        /// Where and why.
        detail: String,
    },
    /// An object, field, user, permission set or transaction that does not exist.
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
    /// A row that the org refused.
    #[error("refused: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Refused(Vec<crate::SaveError>),
    /// A file to load cannot be read.
    #[error("{path}: cannot be read")]
    Read {
        /// The file.
        path: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A line of a file to load, or its mapping, is wrong.
    #[error("{path}, line {line}: {detail}")]
    Load {
        /// The file.
        path: String,
        /// Line number, from 1.
        line: u64,
        /// What is wrong.
        detail: String,
    },
}

impl Error {
    pub(crate) fn unknown(what: &'static str, name: impl Into<String>) -> Self {
        Self::Unknown { what, name: name.into() }
    }

    pub(crate) fn bad(detail: impl Into<String>) -> Self {
        Self::BadRequest { detail: detail.into() }
    }
}

impl From<ListenError> for Error {
    fn from(error: ListenError) -> Self {
        match error {
            ListenError::NotLoopback { address } => Self::NotLoopback { address },
            ListenError::Bind { address, source } => Self::Bind { address, source },
        }
    }
}

impl From<LoadError> for Error {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Read { path, source } => Self::Read { path, source },
            LoadError::Line { path, line, detail } => Self::Load { path, line, detail },
            LoadError::Bad { detail } => Self::BadRequest { detail },
        }
    }
}

impl From<Vec<crate::SaveError>> for Error {
    fn from(errors: Vec<crate::SaveError>) -> Self {
        Self::Refused(errors)
    }
}
