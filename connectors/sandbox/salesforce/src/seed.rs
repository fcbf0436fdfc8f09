//! What the org holds when it starts: its people, its connected app, and a believable company.

mod company;

use crate::{Error, auth::App, org::NewUser, server::Seed, state::State};

/// Consumer key of the connected app that every sandbox has.
pub const CLIENT_ID: &str = "sandbox-consumer-key";
/// Its secret. It protects nothing: the sandbox listens on loopback only.
pub const CLIENT_SECRET: &str = "sandbox-consumer-secret";
/// Password of every seeded user.
pub const PASSWORD: &str = "sandbox-password";
/// User name of the integration user that the connected app runs as.
pub const INTEGRATION_USER: &str = "handoffd@northwind-peak.example";
/// User name of the system administrator.
pub const ADMIN_USER: &str = "sysadmin@northwind-peak.example";

pub use company::{PEOPLE, Person, Team};

/// Plants what `seed` asks for.
pub(crate) fn plant(state: &mut State, seed: Seed) -> Result<(), Error> {
    state.create_user(&NewUser {
        password: PASSWORD.to_owned(),
        admin: true,
        title: Some("Salesforce Administrator".to_owned()),
        ..NewUser::new(ADMIN_USER, "Sam", "Okafor")
    })?;
    let integration = state
        .sets
        .0
        .values()
        .filter(|set| set.full_name.to_ascii_lowercase().contains("integration"))
        .map(|set| set.full_name.clone())
        .collect();
    state.create_user(&NewUser {
        password: PASSWORD.to_owned(),
        permission_sets: integration,
        title: Some("Integration".to_owned()),
        ..NewUser::new(INTEGRATION_USER, "Handoff", "Daemon")
    })?;
    state.sessions.apps.insert(
        CLIENT_ID.to_owned(),
        App {
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            run_as: Some(INTEGRATION_USER.to_owned()),
            public_key_pem: None,
            rotate_refresh_tokens: false,
        },
    );
    match seed {
        Seed::Empty => Ok(()),
        Seed::Company => company::plant(state),
    }
}
