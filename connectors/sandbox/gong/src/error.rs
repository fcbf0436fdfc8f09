//! Why the sandbox could not do what its operator asked.

/// A refusal of the sandbox itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error("the sandbox cannot listen")]
    Listen(#[from] handoff_sandbox_host::ListenError),
    /// A call, user, rule, workspace or tracker that does not exist.
    #[error("no {what} named {name}")]
    Unknown {
        /// The kind of thing.
        what: &'static str,
        /// The name or id given.
        name: String,
    },
    /// A request to the control interface, or an act on the handle, that makes no sense.
    #[error("{detail}")]
    BadRequest {
        /// What is wrong and what is expected.
        detail: String,
    },
    /// A key that cannot sign.
    #[error("the RSA key cannot be used: {detail}; give a PKCS#8 key of 2048 bits or more")]
    Key {
        /// The parser's words.
        detail: String,
    },
    /// A file to load cannot be read.
    #[error("{path}: cannot be read")]
    Read {
        /// The file.
        path: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A line of a file to load is wrong.
    #[error("{path}, line {line}: {detail}")]
    Load {
        /// The file.
        path: String,
        /// Line number, from 1.
        line: usize,
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
