//! Calendars, delegates and queues: what an admin reads when they make no sense.

use super::*;

const CALENDAR: &str = r#"
[calendar.emea]
zone = "Europe/Berlin"
hours = { mon = "09:00-17:00", fri = "09:00-12:00, 13:00-15:00" }
holidays = ["2026-12-25"]

[[people.delegate]]
of = "rita@acme.example"
to = "rolf@acme.example"
from = "2026-07-01T00:00:00+02:00"
until = "2026-08-01T00:00:00+02:00"

[people.queue.onboarding]
id = "00G000000000001AAA"
members = ["rita@acme.example"]
"#;

#[test]
fn calendars_delegates_and_queues_are_accepted() {
    let loaded = judged(&format!("{GOOD}{CALENDAR}")).unwrap();
    assert_eq!(loaded.advice, []);
    let calendar = &loaded.config.calendar["emea"];
    assert_eq!((calendar.hours.len(), calendar.holidays.len()), (2, 1));
    assert_eq!(loaded.config.people.delegate.len(), 1);
}

#[test]
fn what_makes_no_sense_is_named_with_its_place() {
    for (what, by, said) in [
        ("Europe/Berlin", "Europe/Atlantis", "there is no time zone \"Europe/Atlantis\""),
        (
            "hours = { mon = \"09:00-17:00\", fri = \"09:00-12:00, 13:00-15:00\" }",
            "hours = {}",
            "nobody ever works",
        ),
        ("mon = \"09:00-17:00\"", "mon = \"9 to 5\"", "hours are written like"),
        ("mon = \"09:00-17:00\"", "mon = \"17:00-09:00\"", "spans of hours go forward"),
        ("mon = \"09:00-17:00\"", "monday = \"09:00-17:00\"", "monday"),
        ("2026-12-25", "2026-02-30", "parsed date is not valid"),
        ("to = \"rolf@acme.example\"", "to = \"rita.admin@acme.example\"", "nobody is his own delegate"),
        ("2026-08-01T00:00:00+02:00", "2026-06-01T00:00:00+02:00", "it is over before it begins"),
        ("members = [\"rita@acme.example\"]", "members = []", "no members"),
        ("id = \"00G000000000001AAA\"", "id = \" \"", "no id of a queue"),
    ] {
        let text = format!("{GOOD}{}", CALENDAR.replacen(what, by, 1));
        let problems = judged(&text).unwrap_err();
        assert!(problems.iter().any(|problem| problem.contains(said)), "{said}: {problems:?}");
    }
}

#[test]
fn a_contract_names_only_what_the_configuration_has() {
    let path = "contracts/h03-ae-to-onboarding.v1.toml";
    let mut files: BTreeMap<&str, &str> = shipped().collect();
    let sla =
        "accept_within_hours = 16\ncalendar = \"emea\"\nescalate_after = \"24h\"\nescalate_to = \"boss\"";
    let text = files[path].replace("accept_within_hours = 48", sla);
    let text = text.replace("sender_may_accept = false", "fallback = \"chief\"");
    files.insert(path, &text);
    let judged = |config: &str| {
        let registry = Registry::load(files.clone()).unwrap();
        let parsed = read("handoffd.toml", config).unwrap();
        judge("handoffd.toml", config, parsed, registry)
            .map(drop)
            .map_err(|error| format!("{:?}", error.problems()))
    };
    let problems = judged(GOOD).unwrap_err();
    for said in ["calendar \\\"emea\\\"", "role \\\"boss\\\"", "role \\\"chief\\\""] {
        assert!(problems.contains(said), "{said}: {problems}");
    }
    let roles = "onboarding_lead = [\"*\"]\nboss = [\"rita@acme.example\"]\nchief = [\"rolf@acme.example\"]";
    let good = format!("{GOOD}{CALENDAR}").replace("onboarding_lead = [\"*\"]", roles);
    judged(&good).unwrap();
}
