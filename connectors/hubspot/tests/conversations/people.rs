use handoff_connector::{Fault, Source as _};
use serde_json::json;

use crate::portal::{PORTAL, Portal, config, connector};

fn portal() -> Portal {
    let owner = |id: u64, user: Option<u64>, email: &str, archived: bool| {
        json!({ "id": id.to_string(), "userId": user, "userIdIncludingInactive": user.or(Some(id + 1_000)), "email": email,
            "firstName": "Omar", "lastName": "K.", "type": "PERSON", "archived": archived })
    };
    let mut queue = owner(5, Some(15), "queue@acme.example", false);
    queue["type"] = json!("QUEUE");
    Portal {
        owners: vec![
            owner(1, Some(11), "Sam@Acme.example", false),
            owner(2, Some(12), "omar@acme.example", false),
            owner(3, None, "left@acme.example", true),
            owner(4, Some(14), "", false),
            queue,
        ],
        ..Portal::default()
    }
}

#[test]
fn owners_and_users_are_one_person() {
    let ids = [
        "owner:2",
        "user:12",
        "user:1003",
        "owner:3",
        "owner:4",
        "owner:5",
        "user:999",
        "integration:54321",
        "nonsense",
    ];
    let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
    let found = portal().talk(&mut *connector().users(&ids)).expect("people");
    let told: Vec<(&str, &str, bool, bool)> =
        found.iter().map(|user| (user.id.as_str(), user.login.as_str(), user.active, user.machine)).collect();
    assert_eq!(
        told,
        [
            ("integration:54321", "integration:54321", true, true),
            ("owner:2", "omar@acme.example", true, false),
            ("owner:3", "left@acme.example", false, false),
            ("owner:4", "owner:4", true, false),
            ("owner:5", "queue@acme.example", true, true),
            ("user:1003", "left@acme.example", false, false),
            ("user:12", "omar@acme.example", true, false),
        ]
    );
}

#[test]
fn whoever_is_found_early_costs_no_further_page() {
    let mut portal = portal();
    let ids = ["owner:1".to_owned()];
    portal.talk(&mut *connector().users(&ids)).expect("people");
    assert_eq!(portal.calls, ["owners"]);
}

#[test]
fn d11_a_token_of_another_portal_is_refused() {
    assert_eq!(Portal::default().talk(&mut *connector().whoami()), Ok("integration:54321".to_owned()));
    let other =
        handoff_hubspot::HubSpotConfig { portal_id: (PORTAL + 1).to_string(), app_id: None, ..config() };
    let other = handoff_hubspot::HubSpot::new(other).expect("sound");
    let fault = Portal::default().talk(&mut *other.whoami()).expect_err("refused");
    assert!(matches!(fault, Fault::Denied { .. }), "{fault}");
}

#[test]
fn a_configuration_that_cannot_be_right_is_refused() {
    let with = |change: &dyn Fn(&mut handoff_hubspot::HubSpotConfig)| {
        let mut own = config();
        change(&mut own);
        handoff_hubspot::HubSpot::new(own).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(with(&|_| ()), Ok(()));
    assert!(with(&|own| own.portal_id = "00D".to_owned()).is_err());
    assert!(with(&|own| own.app_id = Some("x".to_owned())).is_err());
    for url in ["http://example.com/x", "example.com", "https://example.com/a b", "https://example.com/#x"] {
        assert!(with(&|own| own.webhook_url = Some(url.to_owned())).is_err(), "{url}");
    }
}
