use proptest::prelude::*;

use super::*;

pub(crate) fn message(org: &str, notifications: usize) -> String {
    let one = |at: usize| {
        format!(
            r#"<Notification><Id>04lxx000000{at:04}</Id>
   <sObject xsi:type="sf:Opportunity" xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>006xx000000{at:04}</sf:Id><sf:Name>Fish &amp; Chips</sf:Name></sObject>
  </Notification>"#
        )
    };
    let all: String = (0..notifications).map(one).collect();
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound">
  <OrganizationId>{org}</OrganizationId><ActionId>04kxx0000000001AAA</ActionId>
  <SessionId xsi:nil="true"/><EnterpriseUrl>https://x.example</EnterpriseUrl><PartnerUrl>https://x.example</PartnerUrl>
  {all}</notifications></soapenv:Body></soapenv:Envelope>"#
    )
}

const ORG: &str = "00Dxx0000000001";

#[test]
fn the_vendors_example_is_read() {
    let read = parse(message(ORG, 2).as_bytes()).expect("a message");
    assert_eq!(read.org, SfId::parse(ORG).expect("valid"));
    let objects: Vec<&str> = read.notifications.iter().map(|one| one.object.as_str()).collect();
    assert_eq!(objects, ["Opportunity", "Opportunity"]);
    assert_eq!(read.notifications[1].record, SfId::parse("006xx0000000001").expect("valid"));
}

#[test]
fn c13_document_types_and_entities_are_refused() {
    let plain = message(ORG, 1);
    assert!(parse(plain.as_bytes()).is_some());
    let after = "?>\n";
    for evil in [
        r#"<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>"#,
        r#"<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">"#,
        r#"<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>"#,
        r"<?xml-stylesheet href='http://127.0.0.1:9/'?>",
    ] {
        let text = plain.replacen(after, &format!("{after}{evil}"), 1);
        assert_ne!(text, plain);
        assert_eq!(parse(text.as_bytes()), None, "{evil}");
    }
    assert_eq!(parse(plain.replace("&amp;", "&xxe;").as_bytes()), None);
    assert_eq!(parse(plain.replace("006xx0000000000", "006xx000000000&#48;").as_bytes()), None);
}

#[test]
fn c15_size_depth_and_count_are_capped() {
    assert!(parse(message(ORG, 100).as_bytes()).is_some());
    assert_eq!(parse(message(ORG, 101).as_bytes()), None);
    assert_eq!(parse(message(ORG, 0).as_bytes()), None);
    let deep = message(ORG, 1).replace("Fish", &format!("{}{}", "<a>".repeat(2_000), "</a>".repeat(2_000)));
    assert_eq!(parse(deep.as_bytes()), None);
    let large = message(ORG, 1).replace("Fish", &"x".repeat(BYTES));
    assert_eq!(parse(large.as_bytes()), None);
}

#[test]
fn what_is_told_twice_is_refused() {
    let plain = message(ORG, 1);
    let second = "<OrganizationId>00Dxx0000000002</OrganizationId><ActionId>";
    assert_eq!(parse(plain.replace("<ActionId>", second).as_bytes()), None);
    assert_eq!(parse(plain.replace("<sf:Name>", "<sf:Id>006xx0000000009</sf:Id><sf:Name>").as_bytes()), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&body);
    }

    #[test]
    fn a_damaged_message_never_speaks_of_something_else(at in 0_usize..1_200, byte in any::<u8>()) {
        let mut body = message(ORG, 1).into_bytes();
        let place = at % body.len();
        body[place] = byte;
        if let Some(read) = parse(&body) {
            prop_assert_eq!(read.notifications.len(), 1);
        }
    }

    #[test]
    fn any_xml_like_text_is_read_or_refused(text in "(<[/!?]?[a-zA-Z:]{0,8}( [a-z]{1,3}=\"[a-z&;]{0,4}\")?/?>|[a-z&;]{0,5}){0,40}") {
        let _ = parse(text.as_bytes());
    }
}
