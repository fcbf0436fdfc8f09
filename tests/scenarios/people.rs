//! People by their first names.

use std::collections::BTreeMap;

use handoff_sandbox_host::fiction;
use handoff_sandbox_salesforce::seed;
use handoffd_tests::governed::Governed;
use handoffd_tests::stage::face::Face;

/// First name → login, of everybody who may play.
pub(crate) struct People(BTreeMap<String, String>);

impl People {
    /// The company's own people, and those whom every story hires.
    pub(crate) fn new() -> Self {
        let seeded = fiction::PEOPLE.iter().map(|person| (person.first, person.username));
        let more = [
            ("Sam", fiction::ADMIN),
            ("app", seed::INTEGRATION_USER),
            ("Mona", handoffd_tests::stage::people::MONA),
            ("Sunil", handoffd_tests::stage::people::SUNIL),
        ];
        Self(seeded.chain(more).map(|(name, login)| (name.to_owned(), login.to_owned())).collect())
    }

    /// One more; his login is made of his name.
    pub(crate) fn hire(&mut self, name: &str) -> String {
        let login = format!("{}@northwind-peak.example", name.to_lowercase());
        self.0.insert(name.to_owned(), login.clone());
        login
    }

    /// The login of somebody who plays.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The login of somebody who must play.
    pub(crate) fn login(&self, name: &str) -> String {
        self.find(name).unwrap_or_else(|| panic!("nobody is called {name}")).to_owned()
    }

    /// Everything that stands for a person in a CRM or a ledger, and his name.
    pub(crate) fn ids(&self, face: &dyn Face, world: &Governed) -> Vec<(String, String)> {
        let of = |(name, login): (&String, &String)| {
            let ids = face.ids(world, login).into_iter().chain([login.clone()]);
            ids.map(|id| (id, name.clone())).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of).collect()
    }
}
