use std::collections::BTreeMap;

use super::*;

fn people() -> People {
    let roles = BTreeMap::from([
        ("onboarding_lead".to_owned(), vec!["Rosa@acme.example".to_owned()]),
        ("account_executive".to_owned(), vec!["*".to_owned()]),
    ]);
    let logins = ["rosa@acme.example", "rosa.admin@acme.example"].map(str::to_owned).to_vec();
    People { roles, same_person: BTreeMap::from([("rosa".to_owned(), logins)]), ..People::default() }
}

#[test]
fn f02_a_person_has_the_roles_of_all_his_logins_and_a_star_names_nobody() {
    let rosa = who(&people(), " rosa.admin@ACME.example ");
    assert_eq!((rosa.person.as_str(), rosa.roles.len()), ("rosa", 1));
    assert!(rosa.roles.contains("onboarding_lead"));
    let sam = who(&people(), "Sam@acme.example");
    assert_eq!((sam.person.as_str(), sam.roles.len()), ("sam@acme.example", 0));
    assert!(who(&people(), "*").roles.is_empty());
}

#[test]
fn requests_read_back_as_they_were_sent() {
    let (contract, version) = ("h03".to_owned(), 2);
    for act in [
        ContractAct::Propose { text: "version = 2\n".to_owned() },
        ContractAct::Comment { contract: contract.clone(), version },
        ContractAct::Approve { contract: contract.clone(), version },
        ContractAct::Publish { contract: contract.clone(), version, effective: None },
        ContractAct::Publish { contract, version, effective: Some(Timestamp::UNIX_EPOCH) },
    ] {
        let request = Request { act, by: "rosa".to_owned(), comment: "thin".to_owned() };
        let sent = serde_json::to_vec(&request).unwrap();
        assert_eq!(serde_json::from_slice::<Request>(&sent).unwrap(), request);
    }
    assert!(serde_json::from_str::<Request>(r#"{"act": "seize", "by": "x"}"#).is_err());
}

#[test]
fn what_a_text_demands_less_of_is_told_within_the_room_of_the_log() {
    let shipped =
        handoff_core::registry::shipped().find(|(path, _)| path.ends_with("h03-ae-to-onboarding.v1.toml"));
    let before = parse_contract("h03", shipped.unwrap().1).unwrap();
    let mut after = before.clone();
    after.fields.truncate(1);
    after.gates.clear();
    after.quality.filler.clear();
    let told = weaker(&before, &after);
    assert!(told.first().unwrap().starts_with("WEAKER"), "{told:?}");
    assert!(told.iter().map(String::len).sum::<usize>() <= WEAKER + 20);
    assert!(weaker(&before, &before).is_empty());
}
