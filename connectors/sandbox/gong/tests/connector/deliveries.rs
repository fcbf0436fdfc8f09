use std::collections::BTreeSet;

use handoff_connector::{Delivery, DeliveryId, Inbound as _, Rejected, conformance};
use handoff_gong::{Gong, Proof, check_key};
use handoff_sandbox_gong::{Firing, Rule, Signed, Variant};
use http::HeaderMap;

use crate::talk::{ADDRESS, Talk, config};

fn headers(letter: &Signed) -> HeaderMap {
    let header = letter.authorization.iter();
    header.map(|text| (http::header::AUTHORIZATION, text.parse().unwrap())).collect()
}

fn verified(talk: &Talk, letter: &Signed, keys: &[&[u8]]) -> Result<DeliveryId, Rejected> {
    let headers = headers(letter);
    let delivery = Delivery { path_and_query: "/webhooks/gong", headers: &headers, body: &letter.body };
    talk.gong.verify(delivery, keys, talk.workspace().now())
}

#[tokio::test]
async fn c07_every_forgery_is_turned_away_and_the_vendor_is_let_in() {
    for rule in [Rule::signed(ADDRESS), Rule::signed(ADDRESS).with_bearer()] {
        let talk = Talk::start().await;
        talk.workspace().add_rule(rule).unwrap();
        let key = talk.workspace().public_key(1).unwrap();
        assert_eq!(check_key(key.as_bytes()), Ok(()));
        let call = talk.add(talk.call(900));
        let letter = |variant: Variant| talk.workspace().signed(&call, Firing::signed(variant)).unwrap();
        for variant in [Variant::Honest, Variant::ReencodedUrl] {
            assert!(verified(&talk, &letter(variant), &[key.as_bytes()]).is_ok(), "{variant:?}");
        }
        for variant in [
            Variant::WrongBodyHash,
            Variant::ChangedBody,
            Variant::AlgNone,
            Variant::PublicKeyAsSecret,
            Variant::WrongUrl,
            Variant::OtherKey,
            Variant::NoHeader,
            Variant::NoToken,
        ] {
            let seen = verified(&talk, &letter(variant), &[key.as_bytes()]);
            assert_eq!(seen, Err(Rejected::Unauthenticated), "{variant:?}");
        }
        let late = verified(&talk, &letter(Variant::Expired), &[key.as_bytes()]);
        assert_eq!(late, Err(Rejected::OutsideTolerance));
        let honest = letter(Variant::Honest);
        talk.workspace().advance(3_600);
        assert_eq!(
            verified(&talk, &honest, &[key.as_bytes()]),
            Err(Rejected::OutsideTolerance),
            "a replay an hour later"
        );
    }
}

#[tokio::test]
async fn each_rule_has_its_key_and_no_other_opens() {
    let talk = Talk::start().await;
    talk.workspace().add_rule(Rule::signed(ADDRESS)).unwrap();
    talk.workspace().add_rule(Rule::signed(ADDRESS)).unwrap();
    let (one, two) = (talk.workspace().public_key(1).unwrap(), talk.workspace().public_key(2).unwrap());
    let call = talk.add(talk.call(900));
    let by_two = talk.workspace().signed(&call, Firing { rule: 2, ..Firing::default() }).unwrap();
    assert_eq!(verified(&talk, &by_two, &[one.as_bytes()]), Err(Rejected::Unauthenticated));
    assert!(verified(&talk, &by_two, &[one.as_bytes(), two.as_bytes()]).is_ok());
    let headers = headers(&by_two);
    let genuine = Delivery { path_and_query: "/webhooks/gong", headers: &headers, body: &by_two.body };
    conformance::inbound(&talk.gong, genuine, two.as_bytes(), talk.workspace().now()).unwrap();
}

#[tokio::test]
async fn a_delivery_names_its_call_and_a_test_names_none() {
    let talk = Talk::start().await;
    talk.workspace().add_rule(Rule::signed(ADDRESS)).unwrap();
    let call = talk.add(talk.call(900));
    let hints = |firing: Firing| {
        let letter = talk.workspace().signed(&call, firing).unwrap();
        let headers = HeaderMap::new();
        let delivery = Delivery { path_and_query: "/", headers: &headers, body: &letter.body };
        let hints = talk.gong.hints(delivery).unwrap();
        hints.into_iter().map(|hint| hint.record.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(hints(Firing::default()), std::slice::from_ref(&call));
    assert!(hints(Firing { is_test: true, ..Firing::default() }).is_empty());
}

#[tokio::test]
async fn a_repetition_has_the_same_id_and_another_call_has_not() {
    let talk = Talk::start().await;
    talk.workspace().add_rule(Rule::signed(ADDRESS)).unwrap();
    let key = talk.workspace().public_key(1).unwrap();
    let seen = |call: &str| {
        let letter = talk.workspace().signed(call, Firing::default()).unwrap();
        verified(&talk, &letter, &[key.as_bytes()]).unwrap()
    };
    let (one, two) = (talk.add(talk.call(900)), talk.add(talk.call(800)));
    let all: BTreeSet<DeliveryId> = [seen(&one), seen(&one), seen(&two)].into();
    assert_eq!(all.len(), 2);
}

#[tokio::test]
async fn a_key_in_the_address_is_the_other_way() {
    let talk = Talk::start().await;
    talk.workspace().add_rule(Rule::key_in_url(&format!("{ADDRESS}?key=k1"))).unwrap();
    let call = talk.add(talk.call(900));
    let letter = talk.workspace().signed(&call, Firing::default()).unwrap();
    let mut config = config();
    config.proof = Proof::KeyInAddress;
    let gong = Gong::new(config).unwrap();
    let headers = headers(&letter);
    let path = letter.url.strip_prefix("https://handoffd.example").unwrap();
    let delivery = Delivery { path_and_query: path, headers: &headers, body: &letter.body };
    let now = talk.workspace().now();
    assert!(gong.verify(delivery, &[b"k1"], now).is_ok());
    assert_eq!(gong.verify(delivery, &[b"k2"], now), Err(Rejected::Unauthenticated));
}
