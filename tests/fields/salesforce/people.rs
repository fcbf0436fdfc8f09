//! Who plays in Salesforce besides the company's own people.

use handoff_sandbox_salesforce::NewUser;
use handoffd_tests::governed::Governed;

/// An SDR.
pub(crate) const NIA: &str = "nia.mensah@northwind-peak.example";
/// A CSM.
pub(crate) const GRACE: &str = "grace.adeyemi@northwind-peak.example";
/// Marketing; hired by [`hire`].
pub(crate) const MONA: &str = "mona.keller@northwind-peak.example";
/// The support lead; hired by [`hire`].
pub(crate) const SUNIL: &str = "sunil.rao@northwind-peak.example";

/// Hires Mona and Sunil.
pub(crate) fn hire(world: &Governed) {
    for (login, set) in [(MONA, "Handoff_Marketing"), (SUNIL, "Handoff_Support")] {
        let sets = vec![set.to_owned(), "Handoff_Reader".to_owned()];
        world
            .org()
            .create_user(&NewUser { permission_sets: sets, ..NewUser::new(login, "", login) })
            .unwrap();
    }
}
