//! Who plays besides those of [`crate::story`].

/// An SDR.
pub const NIA: &str = "nia.mensah@northwind-peak.example";
/// A CSM.
pub const GRACE: &str = "grace.adeyemi@northwind-peak.example";
/// Marketing; hired by [`super::face::Face::prepare`].
pub const MONA: &str = "mona.keller@northwind-peak.example";
/// The support lead; hired by [`super::face::Face::prepare`].
pub const SUNIL: &str = "sunil.rao@northwind-peak.example";
