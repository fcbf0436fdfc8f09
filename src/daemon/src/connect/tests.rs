use std::sync::Arc;

use handoff_connector::Connector;
use handoff_gong::{Gong, GongConfig};
use handoff_hubspot::{HubSpot, HubSpotConfig};
use handoff_salesforce::{Salesforce, SalesforceConfig};
use url::Url;

use super::hosts;
use crate::config::vendor::{VENDORS, find};

#[test]
fn what_configuration_knows_of_a_vendor_is_what_its_connector_says() {
    let connectors: Vec<Arc<dyn Connector>> = vec![
        Arc::new(Salesforce::new(SalesforceConfig::new("a".into(), "00D000000000001EAA")).unwrap()),
        Arc::new(HubSpot::new(HubSpotConfig::new("a".into(), "4711042")).unwrap()),
        Arc::new(Gong::new(GongConfig::new("a".into())).unwrap()),
    ];
    assert_eq!(connectors.len(), VENDORS.len());
    for connector in connectors {
        let spec = connector.spec();
        assert_eq!(find(spec.name).unwrap().auth, spec.auth, "{}", spec.name);
    }
}

#[test]
fn h01_only_the_vendors_own_hosts_may_be_spoken_to() {
    let gong = find("gong").unwrap();
    let base = Url::parse("https://us-12345.api.gong.io").unwrap();
    let hosts = hosts(&[&base, &base], gong.hosts);
    let allowed = |url: &str| hosts.check(&Url::parse(url).unwrap()).is_ok();
    for url in ["https://company-17.api.gong.io/", "https://api.gong.io/", "https://app.gong.io/oauth2/x"] {
        assert!(allowed(url), "{url}");
    }
    for url in [
        "https://gong.io/",
        "https://api.gong.io.evil.example/",
        "https://evilapi.gong.io/",
        "http://api.gong.io/",
        "http://127.0.0.1/",
    ] {
        assert!(!allowed(url), "{url}");
    }
}
