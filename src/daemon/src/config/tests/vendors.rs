//! What each vendor needs of its connection.

use super::judged;

const CRM: &str = r#"state_dir = "state"

[connection.sf]
connector = "salesforce"
login_url = "https://acme.my.salesforce.com"
org_id = "00D000000000001AAA"
webhook_secrets = [{ env = "HOOK" }]
auth = { kind = "client_credentials", client_id = { env = "A" }, client_secret = { env = "B" } }

[[govern]]
contract = "h03-ae-to-onboarding"
mapping = "salesforce/h03-ae-to-onboarding"
connection = "sf"
governed_since = "2026-01-01T00:00:00Z"

[people.roles]
onboarding_lead = ["*"]

[audit]
origin = "acme.example/handoffd"

[connection.other]
"#;

const GONG: &str = r#"connector = "gong"
login_url = "https://us-12345.api.gong.io"
auth = { kind = "access_key", key = { env = "A" }, secret = { env = "B" } }
webhook_secrets = [{ env = "KEY" }]
webhook_url = "https://handoffd.acme.example/webhooks/other"
"#;

const HUBSPOT: &str = r#"connector = "hubspot"
org_id = "4711042"
auth = { kind = "static_token", token = { env = "A" } }
webhook_secrets = [{ env = "KEY" }]
webhook_url = "https://handoffd.acme.example/webhooks/other"
"#;

/// The connector, what is replaced, by what, and what an admin then reads.
const CORPUS: &[(&str, &str, &str, &str)] = &[
    (
        "gong",
        "login_url = \"https://us-12345.api.gong.io\"\n",
        "",
        "handoffd.toml:22:13: login_url is missing; write it like \"https://us-12345.api.gong.io\"",
    ),
    ("gong", "us-12345.api.gong.io", "us-12345.api.gong.io/v2", "only the host is needed"),
    (
        "gong",
        "access_key\", key = { env = \"A\" }, secret",
        "static_token\", token",
        "handoffd.toml:25:1: gong does not know this way to log in; write kind = \"access_key\" or \"refresh_token\"",
    ),
    ("gong", "secret = { env = \"B\" }", "secret = {}", "the secret's place is missing"),
    (
        "gong",
        "access_key\", key = { env = \"A\" }, secret",
        "refresh_token\", client_id = { env = \"C\" }, refresh_token",
        "client_secret is missing: gong refreshes for confidential clients only",
    ),
    (
        "gong",
        "webhook_url = \"https://handoffd.acme.example/webhooks/other\"\n",
        "",
        "webhook_url is missing: gong signs the address that it calls; write webhook_url = \"https://YOUR.HOST/webhooks/other\"",
    ),
    (
        "gong",
        "https://handoffd.acme.example/webhooks/other",
        "handoffd.acme.example",
        "handoffd.toml:27:1: not a web address",
    ),
    ("gong", "webhook_url", "org_id = \"7\"\nwebhook_url", "gong does not say which company a token is for"),
    ("gong", "webhook_url", "api_version = \"v2\"\nwebhook_url", "not an API version; leave it out"),
    ("gong", "webhook_url", "workspace = \"main\"\nwebhook_url", "not a workspace id"),
    (
        "gong",
        "webhook_url",
        "lookback_days = 0\nwebhook_url",
        "out of range: a shorter look back misses calls",
    ),
    (
        "gong",
        "webhook_url",
        "webhook_proof = \"hope\"\nwebhook_url",
        "unknown value \"hope\" for \"webhook_proof\"",
    ),
    (
        "gong",
        "[{ env = \"KEY\" }]",
        "[{env=\"1\"},{env=\"2\"},{env=\"3\"},{env=\"4\"},{env=\"5\"},{env=\"6\"},{env=\"7\"},{env=\"8\"},{env=\"9\"}]",
        "more than eight keys",
    ),
    ("hubspot", "org_id = \"4711042\"\n", "", "org_id is missing"),
    ("hubspot", "4711042", "00D000000000001EAA", "not a HubSpot Hub ID; copy the Hub ID"),
    ("hubspot", "org_id", "api_version = \"62.0\"\norg_id", "write it like \"2026-09\" or \"v3\""),
    ("hubspot", "org_id", "workspace = \"1\"\norg_id", "hubspot has no workspace: only Gong does"),
    ("hubspot", "org_id", "app_id = \"mine\"\norg_id", "not an app id"),
    ("hubspot", "org_id", "login_url = \"http://api.hubapi.com\"\norg_id", "only https is spoken"),
    (
        "hubspot",
        "static_token\", token",
        "access_key\", secret = { env = \"B\" }, key",
        "write kind = \"static_token\" or \"refresh_token\"",
    ),
    (
        "hubspot",
        "webhook_url = \"https://handoffd.acme.example/webhooks/other\"\n",
        "",
        "webhook_url is missing: hubspot signs the address",
    ),
    ("gong", "webhook_url", "app_id = \"1\"\nwebhook_url", "gong has no app_id: only HubSpot does"),
];

fn told(connection: &str) -> Vec<String> {
    judged(&format!("{CRM}{connection}")).err().unwrap_or_default()
}

#[test]
fn what_is_wrong_with_a_vendors_connection_is_named_with_line_and_remedy() {
    for (vendor, from, to, expected) in CORPUS {
        let good = good(vendor);
        assert!(good.contains(from), "the corpus replaces {from:?}, which is not there");
        let told = told(&good.replacen(from, to, 1));
        assert!(told.iter().any(|line| line.contains(expected)), "expected {expected}\ngot {told:#?}");
    }
}

fn good(vendor: &str) -> &'static str {
    match vendor {
        "gong" => GONG,
        "hubspot" => HUBSPOT,
        other => panic!("no example of {other}"),
    }
}

#[test]
fn a_good_connection_of_each_vendor_is_accepted_without_advice() {
    for vendor in ["gong", "hubspot"] {
        let loaded = judged(&format!("{CRM}{}", good(vendor))).unwrap();
        assert_eq!(loaded.advice, [], "{vendor}");
    }
}

#[test]
fn defaults_are_the_vendors() {
    let config = judged(&format!("{CRM}{GONG}")).unwrap().config;
    let (sf, gong) = (&config.connection[&"sf".into()], &config.connection[&"other".into()]);
    assert_eq!((sf.poll_every().as_secs(), sf.daily_share()), (60, 10));
    assert_eq!((gong.poll_every().as_secs(), gong.daily_share()), (900, 50));
    assert_eq!(sf.address(), Some("https://acme.my.salesforce.com"));
}

#[test]
fn a_key_in_the_address_needs_no_public_address() {
    let text = GONG.replace(
        "webhook_url = \"https://handoffd.acme.example/webhooks/other\"",
        "webhook_proof = \"key_in_address\"",
    );
    assert_eq!(told(&text), [""; 0]);
}

#[test]
fn what_only_one_vendor_has_is_refused_elsewhere() {
    for key in ["workspace = \"1\"", "lookback_days = 3", "webhook_proof = \"key_in_address\""] {
        let text = format!("{CRM}{GONG}").replace("org_id =", &format!("{key}\norg_id ="));
        let told = judged(&text).unwrap_err();
        assert!(told.iter().any(|line| line.contains("only Gong does")), "{told:#?}");
    }
}

#[test]
fn nothing_is_governed_over_recorded_calls() {
    let told =
        judged(&format!("{CRM}{GONG}").replace("connection = \"sf\"", "connection = \"other\"")).unwrap_err();
    assert!(
        told.iter().any(|line| line.contains("this mapping is for salesforce, but connection other is gong")),
        "{told:#?}"
    );
}
