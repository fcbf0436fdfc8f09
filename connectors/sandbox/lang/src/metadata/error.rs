//! What is wrong with a package.

/// A package that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// A folder or file could not be read.
    #[error("{path}: cannot be read; check that it is an sfdx source folder")]
    Io {
        /// The path.
        path: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A file is not the XML that its name promises.
    #[error("{path}: not valid metadata XML: {detail}")]
    Xml {
        /// The path.
        path: String,
        /// The parser's words.
        detail: String,
    },
    /// A file or the package is larger than this reader accepts.
    #[error("{path}: larger than the {limit} this reader accepts")]
    TooLarge {
        /// The path.
        path: String,
        /// The limit, with its unit.
        limit: &'static str,
    },
}

/// One defect that the vendor would refuse at deployment, or that would leave a gate open.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{path}: {detail}")]
pub struct LintFinding {
    /// The file, relative to the package.
    pub path: String,
    /// What is wrong and what to do.
    pub detail: String,
}
