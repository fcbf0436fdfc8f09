//! The files of `deploy/salesforce`, compiled in, so that the demo enforces what is shipped.

/// Path below `deploy/salesforce` and text of every file of the package, sorted by path.
pub fn embedded() -> &'static [(&'static str, &'static str)] {
    &[]
}
