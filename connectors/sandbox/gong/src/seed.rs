//! What the company holds when it starts: its key, its app, its people, its trackers, and calls about its deals.

mod company;

use handoff_sandbox_host::fiction::{ADMIN, PEOPLE};
use jiff::Timestamp;

use crate::{AccessKey, App, Error, Tracker, User, WorkspaceInfo, ids::Kind, sandbox::Seed, state::State};

pub use company::company_calls;

/// The access key that every sandbox has.
pub const ACCESS_KEY: &str = "SANDBOXACCESSKEY";
/// Its secret. It protects nothing: the sandbox listens on loopback only.
pub const ACCESS_KEY_SECRET: &str = "sandbox-access-key-secret";
/// Client id of the OAuth app that every sandbox has.
pub const CLIENT_ID: &str = "sandbox-client-id";
/// Its secret. It protects nothing either.
pub const CLIENT_SECRET: &str = "sandbox-client-secret";

/// Names of the seeded trackers, and what they listen for.
pub const TRACKERS: [(&str, &[&str]); 6] = [
    ("Economic buyer", &["who signs", "signing authority", "board approval"]),
    ("Champion", &["champion", "on our side"]),
    ("Commitments", &["I promise", "at no extra charge", "throw in"]),
    ("Go-live", &["go live", "go-live", "launch date"]),
    ("Competitors", &["legacy planner", "spreadsheets"]),
    ("Expansion", &["roll out", "other depots"]),
];

/// Plants what `seed` asks for.
pub(crate) fn plant(state: &mut State, seed: Seed) -> Result<(), Error> {
    let key = AccessKey {
        key: ACCESS_KEY.to_owned(),
        secret: ACCESS_KEY_SECRET.to_owned(),
        sees_calls: true,
        expires_at: None,
    };
    state.access.keys.insert(key.key.clone(), key);
    let app = App {
        client_id: CLIENT_ID.to_owned(),
        client_secret: CLIENT_SECRET.to_owned(),
        redirect_uris: Vec::new(),
    };
    state.access.apps.insert(app.client_id.clone(), app);
    let workspace = WorkspaceInfo {
        id: state.next_id(Kind::Workspace),
        name: "Northwind Peak".to_owned(),
        description: Some("All calls".to_owned()),
    };
    state.workspaces.push(workspace);
    if seed == Seed::Empty {
        return Ok(());
    }
    people(state);
    for (name, keywords) in TRACKERS {
        state.add_tracker(Tracker::new(name, keywords));
    }
    if seed == Seed::Company {
        for call in company_calls(state.now(), &company::salesforce_links) {
            state.add_call(call)?;
        }
        state.journal.clear();
    }
    Ok(())
}

/// The people of the fiction, made two years before the fact sheets' day; one of them has a second address.
fn people(state: &mut State) {
    let made = Some(Timestamp::constant(1_732_093_200, 0));
    state.add_user(User {
        title: Some("Gong tech admin".to_owned()),
        created: made,
        ..User::new(ADMIN, "Sam", "Okafor")
    });
    for person in PEOPLE {
        let mut user = User::new(person.username, person.first, person.last);
        user.title = Some(person.title.to_owned());
        user.created = made;
        if person.last == "Moen" {
            user.aliases.push("ingrid@northwind-peak.example".to_owned());
        }
        state.add_user(user);
    }
}
