use std::path::{Path, PathBuf};

use handoff_core::registry::{Registry, shipped};

use super::load::judge;
use super::*;

mod clock;
mod concrete;
mod facts;
mod vendors;

const GOOD: &str = r#"state_dir = "state"

[http]
listen = "127.0.0.1:8642"

[connection.sf]
connector = "salesforce"
login_url = "https://acme.my.salesforce.com"
org_id = "00D000000000001AAA"
webhook_secrets = [{ env = "HOOK" }]

[connection.sf.auth]
kind = "client_credentials"
client_id = { env = "SF_ID" }
client_secret = { file = "/run/secrets/sf" }

[[govern]]
contract = "h03-ae-to-onboarding"
mapping = "salesforce/h03-ae-to-onboarding"
connection = "sf"
governed_since = "2026-01-01T00:00:00Z"

[govern.mode]
closed_won = "enforce"

[people.roles]
onboarding_lead = ["*"]

[people.same_person]
rita = ["rita@acme.example", "rita.admin@acme.example"]

[audit]
origin = "acme.example/handoffd"
"#;

fn judged(text: &str) -> Result<Loaded, Vec<String>> {
    let told =
        |problems: &[handoff_core::registry::Problem]| problems.iter().map(ToString::to_string).collect();
    let config = read("handoffd.toml", text).map_err(|problems| told(&problems))?;
    let registry = Registry::load(shipped()).unwrap();
    judge("handoffd.toml", text, config, registry).map_err(|error| told(error.problems()))
}

#[test]
fn the_example_is_accepted_without_advice() {
    assert_eq!(judged(GOOD).unwrap().advice, []);
}

/// What is replaced, by what, and what an admin then reads, each on the line named.
const CORPUS: &[(&str, &str, &str)] = &[
    (
        "state_dir = \"state\"",
        "stat_dir = \"state\"",
        "handoffd.toml:1:1: unknown key \"stat_dir\" in the file; did you mean \"state_dir\"?",
    ),
    ("state_dir = \"state\"\n", "", "missing key \"state_dir\""),
    ("state_dir = \"state\"", "state_dir = 7", "handoffd.toml:1:13: wrong type for \"state_dir\""),
    (
        "listen = \"127.0.0.1:8642\"",
        "listen = \"127.0.0.1\"",
        "handoffd.toml:4:1: not an address with a port",
    ),
    (
        "listen = \"127.0.0.1:8642\"",
        "listen = \"0.0.0.0:8642\"",
        "handoffd.toml:4:1: everybody who reaches this address could read the handoffs; add http.token",
    ),
    (
        "listen = \"127.0.0.1:8642\"",
        "liste = \"127.0.0.1:8642\"",
        "handoffd.toml:4:1: unknown key \"liste\" in [http]; did you mean \"listen\"?",
    ),
    (
        "listen = \"127.0.0.1:8642\"",
        "max_body_bytes = 10",
        "handoffd.toml:4:1: max_body_bytes is out of range; write 1024",
    ),
    (
        "listen = \"127.0.0.1:8642\"",
        "max_body_bytes = -1",
        "handoffd.toml:4:18: \"max_body_bytes\" in [http] is out of range",
    ),
    (
        "listen = \"127.0.0.1:8642\"",
        "token = { env = \"A\", file = \"/b\" }",
        "handoffd.toml:4:1: the secret has two places",
    ),
    ("listen = \"127.0.0.1:8642\"", "token = {}", "handoffd.toml:4:1: the secret's place is missing"),
    ("listen = \"127.0.0.1:8642\"", "token = \"hunter2\"", "handoffd.toml:4:9: wrong type for \"token\""),
    (
        "\"salesforce\"\nlogin",
        "\"salesfroce\"\nlogin",
        "handoffd.toml:7:1: there is no connector \"salesfroce\"; did you mean \"salesforce\"?",
    ),
    (
        "https://acme.my.salesforce.com",
        "http://acme.my.salesforce.com",
        "handoffd.toml:8:1: only https is spoken",
    ),
    (
        "https://acme.my.salesforce.com",
        "https://acme.my.salesforce.com/services?x=1",
        "handoffd.toml:8:1: only the host is needed",
    ),
    (
        "https://acme.my.salesforce.com",
        "https://me:pw@acme.my.salesforce.com",
        "handoffd.toml:8:1: an address carries no user name or password",
    ),
    ("https://acme.my.salesforce.com", "acme", "handoffd.toml:8:1: not a web address"),
    (
        "[{ env = \"HOOK\" }]",
        "[{ env = \"A\" }, { env = \"B\" }, { env = \"C\" }]",
        "handoffd.toml:10:1: more than two secrets",
    ),
    ("[{ env = \"HOOK\" }]", "[{ envv = \"HOOK\" }]", "unknown key \"envv\""),
    ("[{ env = \"HOOK\" }]", "[]\napi_version = \"sixty\"", "handoffd.toml:11:1: not an API version"),
    ("00D000000000001AAA", "006000000000001", "handoffd.toml:9:1: not a Salesforce organization id"),
    (
        "[{ env = \"HOOK\" }]",
        "[]\npoll_seconds = 1",
        "handoffd.toml:11:1: poll_seconds is out of range; write 5",
    ),
    (
        "[{ env = \"HOOK\" }]",
        "[]\ndaily_share_percent = 101",
        "handoffd.toml:11:1: daily_share_percent is out of range; write 1 to 100",
    ),
    (
        "[{ env = \"HOOK\" }]",
        "[]\ndaily_share_percent = 300",
        "handoffd.toml:11:23: \"daily_share_percent\" in [connection.sf] is out of range; write a whole number from 0 to 255",
    ),
    (
        "[{ env = \"HOOK\" }]",
        "[]\noverlap_seconds = 0",
        "handoffd.toml:11:1: overlap_seconds is out of range: a shorter look back",
    ),
    ("org_id = \"00D000000000001AAA\"\n", "", "handoffd.toml:6:13: org_id is missing"),
    (
        "kind = \"client_credentials\"",
        "kind = \"client_credential\"",
        "handoffd.toml:13:8: unknown value \"client_credential\" for \"kind\" in [connection.sf.auth]; did you mean \"client_credentials\"?",
    ),
    (
        "kind = \"client_credentials\"\n",
        "",
        "missing key \"kind\" in [connection.sf.auth]; add one of \"client_credentials\", \"jwt_bearer\", \"refresh_token\", \"static_token\", \"access_key\"",
    ),
    (
        "kind = \"client_credentials\"",
        "kind = \"refresh_token\"",
        "missing key \"refresh_token\" in [connection.sf.auth]",
    ),
    (
        "client_id = { env = \"SF_ID\" }",
        "client_id = { env = \"SF_ID\" }\npassword = \"x\"",
        "handoffd.toml:15:1: unknown key \"password\" in [connection.sf.auth]",
    ),
    (
        "contract = \"h03-ae-to-onboarding\"",
        "contract = \"h03-ae-to-onbording\"",
        "handoffd.toml:18:1: there is no contract \"h03-ae-to-onbording\"; did you mean \"h03-ae-to-onboarding\"?",
    ),
    (
        "contract = \"h03-ae-to-onboarding\"",
        "contract = \"h01-marketing-to-sdr\"",
        "handoffd.toml:19:1: this mapping serves contract h03-ae-to-onboarding, not h01-marketing-to-sdr",
    ),
    (
        "mapping = \"salesforce/h03-ae-to-onboarding\"",
        "mapping = \"salesforce/h3-ae-to-onboarding\"",
        "handoffd.toml:19:1: there is no mapping \"salesforce/h3-ae-to-onboarding\"; did you mean",
    ),
    (
        "connection = \"sf\"",
        "connection = \"sff\"",
        "handoffd.toml:20:1: there is no connection \"sff\"; did you mean \"sf\"?",
    ),
    ("2026-01-01T00:00:00Z", "yesterday", "handoffd.toml:21:18"),
    (
        "closed_won = \"enforce\"",
        "closed_one = \"enforce\"",
        "handoffd.toml:24:1: contract h03-ae-to-onboarding has no gate \"closed_one\"; did you mean \"closed_won\"?",
    ),
    (
        "closed_won = \"enforce\"",
        "closed_won = \"on\"",
        "handoffd.toml:24:14: unknown value \"on\" for \"closed_won\"",
    ),
    (
        "[govern.mode]",
        "[govern.on_bypass]\ncommission = \"notify\"\n[govern.mode]",
        "handoffd.toml:24:1: only a stage gate can be passed by",
    ),
    (
        "governed_since = \"2026-01-01T00:00:00Z\"",
        "max_writes_per_hour = 0",
        "handoffd.toml:21:1: nothing could ever be written",
    ),
    (
        "onboarding_lead = [\"*\"]",
        "onboarding_led = [\"*\"]",
        "handoffd.toml:27:1: no contract knows the role \"onboarding_led\"; did you mean \"onboarding_lead\"?",
    ),
    ("onboarding_lead = [\"*\"]", "onboarding_lead = []", "handoffd.toml:27:1: nobody holds this role"),
    (
        "onboarding_lead = [\"*\"]",
        "onboarding_lead = [\"*\", \"a@b.example\"]",
        "handoffd.toml:27:1: \"*\" already means",
    ),
    ("rita = [", "max = [\"RITA@acme.example\"]\nrita = [", "belongs to \"max\""),
    ("\"acme.example/handoffd\"", "\"acme example\"", "handoffd.toml:33:1: an origin is"),
    ("[audit]", "[audit", "handoffd.toml:32"),
    ("state_dir = \"state\"", "state_dir = \"a\"\nstate_dir = \"b\"", "handoffd.toml:2:1: not valid TOML"),
];

#[test]
fn every_broken_configuration_is_named_with_line_and_remedy() {
    for (from, to, expected) in CORPUS {
        assert!(GOOD.contains(from), "the corpus replaces {from:?}, which is not there");
        let told = judged(&GOOD.replacen(from, to, 1)).expect_err(expected);
        assert!(told.iter().any(|line| line.contains(expected)), "expected {expected}\ngot {told:#?}");
        assert!(!told.iter().any(|line| line.contains("hunter2")), "a value was repeated");
    }
}

#[test]
fn all_findings_are_told_at_once() {
    let text = GOOD
        .replace("listen", "liste")
        .replace("connection = \"sf\"", "conection = \"sf\"")
        .replace("\"enforce\"", "1");
    let told = judged(&text).unwrap_err();
    assert_eq!(told.len(), 3, "{told:#?}");
}

#[test]
fn e07_an_empty_file_and_an_empty_govern_list_are_refused() {
    assert!(judged("").unwrap_err().iter().any(|line| line.contains("missing key \"connection\"")));
    let head = GOOD.split("[[govern]]").next().unwrap();
    let told = judged(&format!("govern = []\n{head}")).unwrap_err();
    assert!(told.iter().any(|line| line.contains("nothing is governed")), "{told:#?}");
}

#[test]
fn two_entries_may_not_write_the_same_field() {
    let again = GOOD.split("[people.roles]").next().unwrap();
    let again = again.split("[[govern]]").nth(1).unwrap();
    let told =
        judged(&GOOD.replace("[people.roles]", &format!("[[govern]]{again}\n[people.roles]"))).unwrap_err();
    assert!(told.iter().any(|line| line.contains("which [[govern]] 1 writes too")), "{told:#?}");
}

#[test]
fn a_commission_gate_without_its_clause_cannot_be_enforced() {
    let files = shipped().map(|(path, text)| {
        let text =
            text.replace("mode       = \"enforce\"\n# The clause", "mode       = \"observe\"\n# The clause");
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("plan_clause")).collect();
        (path.to_owned(), lines.join("\n"))
    });
    let registry = Registry::load(files).unwrap();
    let text = GOOD.replace("closed_won = \"enforce\"", "commission = \"enforce\"");
    let config = read("c.toml", &text).unwrap();
    let error = judge("c.toml", &text, config, registry).unwrap_err();
    assert!(error.to_string().contains("c.toml:24:1: gate commission holds pay"), "{error}");
}

#[test]
fn a_receiving_role_that_nobody_is_named_for_is_advised_not_refused() {
    let text = GOOD.replace("[people.roles]\nonboarding_lead = [\"*\"]\n", "");
    let advice = judged(&text).unwrap().advice;
    assert!(advice.iter().any(|each| each.message.contains("onboarding_lead")), "{advice:#?}");
}

#[test]
fn relative_paths_belong_to_the_configuration_and_links_out_of_the_folder_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret.toml"), "not = [valid").unwrap();
    for (path, text) in shipped() {
        let path = dir.path().join("maps").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    std::os::unix::fs::symlink(outside.path().join("secret.toml"), dir.path().join("maps/out.toml")).unwrap();
    let path = dir.path().join("handoffd.toml");
    std::fs::write(&path, GOOD.replace("state_dir", "mappings_dir = \"maps\"\nstate_dir")).unwrap();
    let loaded = load(&path).unwrap();
    assert_eq!(loaded.config.state_dir, dir.path().join("state"));
    assert!(loaded.registry.mapping("salesforce/h03-ae-to-onboarding").is_some());
    std::fs::write(dir.path().join("maps/contracts/x.toml"), "contract = 3").unwrap();
    let error = load(&path).unwrap_err();
    assert!(error.to_string().contains("x.toml:1:12"), "{error}");
}

#[test]
fn a_missing_file_is_named() {
    let error = load(Path::new("/nowhere/handoffd.toml")).unwrap_err();
    assert!(error.to_string().starts_with("/nowhere/handoffd.toml cannot be read"), "{error}");
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

// `HANDOFFD_BLESS=1 cargo test -p handoffd config` writes schema and reference anew.
fn is_current(path: &Path, now: &str) {
    if std::env::var_os("HANDOFFD_BLESS").is_some() {
        std::fs::write(path, now).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), now, "{} is out of date", path.display());
}

#[test]
fn the_committed_schema_is_current() {
    is_current(&root().join("mappings/schema/config.json"), &handoff_core::schema::text(schema()));
}

#[test]
fn the_reference_is_current_wherever_it_is_printed() {
    let mut places = 0;
    for name in ["README.md", "deploy/CONFIGURATION.md"] {
        let path = root().join(name);
        let Some(now) = std::fs::read_to_string(&path).ok().and_then(|text| reference::renewed(&text)) else {
            continue;
        };
        is_current(&path, &now);
        places += 1;
    }
    assert!(places > 0, "no document holds the reference");
}

const GONG: &str = r#"
[connection.gong]
connector = "gong"
login_url = "https://us-12345.api.gong.io"
webhook_url = "https://handoffd.acme.example/webhooks/gong"
webhook_secrets = [{ env = "RULE" }]

[connection.gong.auth]
kind = "access_key"
key = { env = "KEY" }
secret = { env = "KEY_SECRET" }

[[evidence]]
connection = "gong"
mapping = "gong/h03-ae-to-onboarding"
"#;

#[test]
fn whose_calls_are_evidence_has_to_fit_together() {
    let good = format!("{GOOD}{GONG}");
    assert_eq!(judged(&good).unwrap().advice, []);
    let wrong = |old: &str, new: &str| {
        assert!(good.contains(old), "{old}");
        judged(&good.replacen(old, new, 1)).unwrap_err().join("\n")
    };
    for (old, new, wanted) in [
        (
            "[[evidence]]\nconnection = \"gong\"",
            "[[evidence]]\nconnection = \"gonk\"",
            "there is no connection \"gonk\"; did you mean \"gong\"?",
        ),
        (
            "mapping = \"gong/h03-ae-to-onboarding\"",
            "mapping = \"gong/h03\"",
            "there is no evidence mapping \"gong/h03\"; known: \"gong/h03-ae-to-onboarding\"",
        ),
        (
            "[[evidence]]\nconnection = \"gong\"",
            "[[evidence]]\nconnection = \"sf\"",
            "this mapping is for calls of gong, but connection sf is salesforce; name a connection with recorded calls",
        ),
        (
            "[[evidence]]\n",
            "[[evidence]]\nconnection = \"gong\"\nmapping = \"gong/h03-ae-to-onboarding\"\n[[evidence]]\n",
            "this entry stands there twice; remove one",
        ),
        ("[[evidence]]\n", "[[evidence]]\nword = 1\n", "unknown key \"word\""),
    ] {
        let told = wrong(old, new);
        assert!(told.contains(wanted) && told.starts_with("handoffd.toml:"), "{told}");
    }
}

#[test]
fn hours_zone_and_caps_of_tasks_have_to_be_sound() {
    let tasks = "[tasks]\nzone = \"Europe/Berlin\"\nquiet = [\"18:00-08:00\"]\n";
    let told = judged(&format!("{GOOD}\n{tasks}")).unwrap().advice;
    assert!(
        told.iter().any(|one| one.message.contains("nobody in particular holds the role \"csm\"")),
        "{told:?}"
    );
    let ours = ["account_executive", "admin", "csm"]
        .map(|role| format!("{role} = [\"ines@acme.example\"]\n"))
        .concat();
    let held = GOOD.replacen("[people.roles]\n", &format!("[people.roles]\n{ours}"), 1);
    let good = format!("{held}\n{tasks}");
    let loaded = judged(&good).unwrap();
    assert_eq!(loaded.advice, []);
    let rules = loaded.config.tasks.and_then(|tasks| tasks.rules()).unwrap();
    assert_eq!((rules.digest_above, rules.most_per_day), (Some(5), Some(20)));
    for (old, new, wanted) in [
        ("Europe/Berlin", "Europe/Bonn", "not a time zone that is known here"),
        ("18:00-08:00", "18-8", "not hours of a day"),
        (
            "\"18:00-08:00\"",
            "\"18:00-08:00\", \"08:00-18:00\"",
            "it is always quiet: no task could ever be written",
        ),
        ("zone =", "max_per_person_and_day = 0\nzone =", "no task could ever be written"),
        ("zone =", "zones =", "unknown key"),
    ] {
        assert!(good.contains(old), "{old}");
        let told = judged(&good.replacen(old, new, 1)).unwrap_err().join("\n");
        assert!(told.contains(wanted) && told.starts_with("handoffd.toml:"), "{told}");
    }
}
