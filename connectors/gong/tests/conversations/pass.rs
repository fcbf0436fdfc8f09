use std::time::Duration;

use handoff_connector::{Calls as _, Connector as _, Cursor, Exchange as _, Fault, conformance};
use handoff_core::evidence::{CallLink, CallParty, LinkKind, TrackerHit};
use http::header;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::company::{Company, at, call, error, gong, id, now, ok, reply};

fn link(number: u32, created: &str) -> Value {
    json!({ "callId": id(number), "userId": "7", "created": created, "associatedCrmObjects": [{ "accountCrmId": null, "dealCrmId": "1" }] })
}

#[test]
fn the_request_asks_for_links_parties_and_trackers_and_never_for_recordings() {
    let mut company = Company::new();
    company.pass(Cursor::beginning(), now()).unwrap();
    let (method, path, body) = &company.asked[0];
    assert_eq!((method.as_str(), path.as_str()), ("POST", "/v2/calls/extensive"));
    insta::assert_snapshot!(serde_json::to_string_pretty(body).unwrap());
    assert_eq!(company.asked[1].1, "/v2/calls/manual-crm-associations?fromDateTime=2026-11-13T12%3A00%3A00Z");
}

#[test]
fn a_call_is_read_with_everything_that_may_be_missing_missing() {
    let mut company = Company::new();
    company.calls = vec![
        call(1, "2026-11-20T09:00:00-08:00"),
        json!({ "metaData": { "id": id(2), "started": "2026-11-19T10:00:00.123Z", "isPrivate": true, "duration": null, "url": "javascript:alert(1)" },
            "context": null, "parties": null, "content": null, "interaction": null }),
        json!({ "metaData": { "id": 123, "started": null, "scheduled": "2026-11-18T10:00:00Z", "isPrivate": "yes", "duration": -3 },
            "context": [{ "system": "HubSpot", "objects": [
                { "objectType": "Opportunity", "objectId": "4711" }, { "objectType": "Deal", "objectId": 4712 },
                { "objectType": "Company", "objectId": "9" }, { "objectType": "Contact", "objectId": "1" },
                { "objectType": "Account", "objectId": "8", "timing": "TimeOfCall" }, null, { "objectType": "Account", "objectId": null } ] },
                { "system": "Generic", "objects": [{ "objectType": "Account", "objectId": "3" }] }, { "system": null } ],
            "parties": [null, {}],
            "content": { "trackers": [{ "name": "X", "count": 3, "occurrences": null }, { "name": null, "occurrences": [{ "startTime": 1 }] },
                { "name": "Y", "occurrences": [{ "startTime": -1 }, { "startTime": "1" }, { "startTime": 2, "speakerId": 77 }] }] } }),
    ];
    let mut read = company.talk(gong().read_calls(&[id(1), id(2)])).unwrap().into_iter().flatten();
    let first = read.next().unwrap();
    assert_eq!((first.started, first.seconds, first.private), (at("2026-11-20T17:00:00Z"), 1_834, false));
    assert_eq!(first.url.as_deref(), Some("https://app.gong.io/call?id=1"));
    let link = |connector: &str, kind, id: &str| CallLink {
        connector: connector.to_owned(),
        kind,
        id: id.to_owned(),
    };
    assert_eq!(
        first.links,
        [
            link("salesforce", LinkKind::Deal, "0065e00000Aa1Bb"),
            link("salesforce", LinkKind::Account, "0015e00000Cc2Dd")
        ]
    );
    let party = |speaker: Option<&str>, name: Option<&str>, email: Option<&str>, ours| CallParty {
        speaker: speaker.map(str::to_owned),
        name: name.map(str::to_owned),
        email: email.map(str::to_owned),
        ours,
    };
    assert_eq!(
        first.parties,
        [
            party(Some("s1"), Some("Rita Reyes"), Some("rita.reyes@northwind-peak.example"), Some(true)),
            party(None, None, Some("ceo@customer.example"), Some(false)),
            party(None, None, None, None)
        ]
    );
    let hit = |tracker: &str, at_ms, speaker: Option<&str>| TrackerHit {
        tracker: tracker.to_owned(),
        at_ms,
        speaker: speaker.map(str::to_owned),
    };
    assert_eq!(first.trackers, [hit("Pricing", 61_500, Some("s1")), hit("Pricing", 3_001, None)]);
    let second = read.next().unwrap();
    assert!(second.private && second.url.is_none() && second.links.is_empty() && second.parties.is_empty());
    assert_eq!((second.seconds, second.trackers.len()), (0, 0));

    let page = |_: &_| ok(&json!({ "calls": [company.calls[2].clone()] }));
    let mut exchange = gong().calls(&Cursor::beginning(), now());
    let third = conformance::drive(&mut *exchange, gong().spec(), page).unwrap().unwrap().calls.remove(0);
    assert_eq!((third.id.as_str(), third.private, third.started), ("123", true, at("2026-11-18T10:00:00Z")));
    assert_eq!(
        third.links,
        [
            link("hubspot", LinkKind::Deal, "4711"),
            link("hubspot", LinkKind::Deal, "4712"),
            link("hubspot", LinkKind::Account, "9")
        ]
    );
    assert_eq!(third.parties, [party(None, None, None, None), party(None, None, None, None)]);
    assert_eq!(third.trackers, [hit("Y", 2_000, Some("77"))]);
}

#[test]
fn d19_every_pass_reads_the_whole_window_again_and_finds_what_appeared_late() {
    let mut company = Company::new();
    company.page = 10;
    for number in 0..35 {
        company.calls.push(call(number, "2026-11-19T10:00:00Z"));
    }
    company.calls.push(call(90, "2026-11-13T11:59:59Z"));
    let (seen, cursor) = company.pass(Cursor::beginning(), now()).unwrap();
    assert_eq!(seen, (0..35).map(id).collect::<Vec<_>>(), "the one before the window is not asked for");
    // processed days later, with its old start
    company.calls.insert(0, call(50, "2026-11-14T08:00:00Z"));
    let (seen, _) = company.pass(cursor, now() + SignedDuration::from_mins(15)).unwrap();
    assert_eq!(seen.len(), 36);
    assert!(seen.contains(&id(50)));
}

#[test]
fn an_empty_window_is_a_pass_without_calls() {
    let mut company = Company::new();
    let (seen, cursor) = company.pass(Cursor::beginning(), now()).unwrap();
    assert!(seen.is_empty());
    let (seen, again) = company.pass(cursor.clone(), now()).unwrap();
    assert!(seen.is_empty());
    assert_eq!(cursor, again);
}

#[test]
fn d19_an_expired_cursor_restarts_the_window_once() {
    let mut company = Company::new();
    company.page = 10;
    for number in 0..25 {
        company.calls.push(call(number, "2026-11-19T10:00:00Z"));
    }
    let first = company.talk(gong().calls(&Cursor::beginning(), now())).unwrap();
    assert_eq!(first.calls.len(), 10);
    company.expired_before = 2;
    let (seen, _) = company.pass(first.next, now() + SignedDuration::from_mins(5)).unwrap();
    assert_eq!(seen, (0..25).map(id).collect::<Vec<_>>(), "the whole window, from its start");

    company.impatient = true;
    let fault = company.pass(Cursor::beginning(), now()).unwrap_err();
    assert!(matches!(&fault, Fault::Protocol { detail } if detail.contains("expired")), "{fault:?}");
    let asked = company.asked.len();
    assert!(asked < 20, "no storm");
}

#[test]
fn d19_a_pass_that_rested_begins_anew_without_asking_for_its_old_page() {
    let mut company = Company::new();
    company.page = 10;
    for number in 0..25 {
        company.calls.push(call(number, "2026-11-19T10:00:00Z"));
    }
    let first = company.talk(gong().calls(&Cursor::beginning(), now())).unwrap();
    company.asked.clear();
    let (seen, _) = company.pass(first.next, now() + SignedDuration::from_hours(2)).unwrap();
    assert_eq!(seen.len(), 25);
    assert_eq!(company.asked[0].2.get("cursor"), None);
}

#[test]
fn d19_a_page_that_repeats_itself_ends_the_conversation() {
    let mut same =
        |_: &_| ok(&json!({ "calls": [call(1, "2026-11-19T10:00:00Z")], "records": { "cursor": "again" } }));
    let mut exchange = gong().calls(&Cursor::beginning(), now());
    let first = conformance::drive(&mut *exchange, gong().spec(), &mut same).unwrap().unwrap();
    assert!(first.more);
    let mut exchange = gong().calls(&first.next, now());
    let fault = conformance::drive(&mut *exchange, gong().spec(), same).unwrap().unwrap_err();
    assert!(matches!(&fault, Fault::Protocol { detail } if detail.contains("for ever")), "{fault:?}");
    assert!(!format!("{fault:?}").contains("again"));
}

#[test]
fn a_stored_cursor_that_is_nonsense_begins_a_pass() {
    let mut company = Company::new();
    company.calls = vec![call(1, "2026-11-19T10:00:00Z")];
    for stored in [json!(7), json!("x"), json!({ "running": 1 }), json!({ "linked": "never" }), json!([])] {
        assert_eq!(company.pass(Cursor(stored), now()).unwrap().0, [id(1)]);
    }
}

#[test]
fn a_call_that_was_linked_to_another_deal_is_read_again_however_old_it_is() {
    let mut company = Company::new();
    company.page = 2;
    company.calls = (0..5).map(|number| call(number, "2026-03-01T10:00:00Z")).collect();
    company.links = vec![
        link(0, "2026-11-01T00:00:00Z"),
        link(1, "2026-11-20T08:00:00Z"),
        link(2, "2026-11-20T09:00:00Z"),
        link(3, "2026-11-20T09:30:00Z"),
        link(3, "2026-11-20T09:40:00Z"),
        link(9, "2026-11-20T09:50:00Z"),
    ];
    let (seen, cursor) = company.pass(Cursor::beginning(), now()).unwrap();
    assert_eq!(seen, [id(1), id(2), id(3)], "in the window; one that is gone is no reason to stop");
    // the next pass asks only for what was linked since, an hour overlapping
    company.links.push(link(4, "2026-11-20T12:10:00Z"));
    company.asked.clear();
    let (seen, _) = company.pass(cursor, now() + SignedDuration::from_mins(15)).unwrap();
    assert_eq!(seen, [id(2), id(3), id(3), id(4)]);
    let links = company.asked.iter().find(|(_, path, _)| path.contains("manual")).unwrap();
    assert!(links.1.contains("fromDateTime=2026-11-20T08%3A50%3A00Z"), "{}", links.1);
}

#[test]
fn without_the_scope_for_links_the_pass_goes_on() {
    for status in [401, 403] {
        let mut company = Company::new();
        company.calls = vec![call(1, "2026-11-19T10:00:00Z")];
        company.forbidden = vec![("/v2/calls/manual-crm-associations", status)];
        let (seen, cursor) = company.pass(Cursor::beginning(), now()).unwrap();
        assert_eq!(seen, [id(1)]);
        assert_eq!(cursor.0, json!({}), "nothing counts as known");
    }
}

#[test]
fn d01_the_length_of_the_wait_tells_which_limit_was_reached() {
    let throttled = |wait: Option<&str>| {
        let mut reply = error(429, "Too many requests");
        if let Some(wait) = wait {
            reply.headers.insert(header::RETRY_AFTER, wait.parse().unwrap());
        }
        let mut exchange = gong().calls(&Cursor::beginning(), now());
        conformance::drive(&mut *exchange, gong().spec(), |_| reply.clone()).unwrap().unwrap_err()
    };
    let fault = |seconds: Option<u64>, budget| Fault::Throttled {
        retry_after: seconds.map(Duration::from_secs),
        budget,
    };
    assert_eq!(throttled(Some("2")), fault(Some(2), "per_second"));
    assert_eq!(throttled(None), fault(None, "per_second"));
    assert_eq!(throttled(Some("41000")), fault(Some(41_000), "daily"));
    assert_eq!(throttled(Some("-5")), fault(Some(0), "per_second"));
    assert_eq!(throttled(Some("Fri, 20 Nov 2026 18:00:00 GMT")), fault(Some(21_600), "daily"));
}

#[test]
fn errors_are_known_or_unknown_and_never_repeated() {
    let fault = |status, text: &str| {
        let mut exchange = gong().calls(&Cursor::beginning(), now());
        let reply = error(status, &format!("{text} {}", conformance::CANARY));
        let fault =
            conformance::drive(&mut *exchange, gong().spec(), |_| reply.clone()).unwrap().unwrap_err();
        assert!(!format!("{fault} {fault:?}").contains(conformance::CANARY));
        fault
    };
    assert_eq!(fault(401, "no").kind(), "expired");
    let denied = fault(403, "no");
    assert!(
        matches!(&denied, Fault::Denied { remedy, .. } if remedy.contains("trusted IPs") && remedy.contains("scopes"))
    );
    assert_eq!(fault(404, "something else").kind(), "protocol");
    assert_eq!(fault(400, "something else").kind(), "protocol");
    let known = fault(400, "filter.fromDateTime: must be before toDateTime");
    assert!(known.to_string().contains("must be before"), "{known}");
    assert_eq!(fault(500, "x").kind(), "transient");
    assert_eq!(fault(409, "x").kind(), "protocol");
    let mut exchange = gong().calls(&Cursor::beginning(), now());
    let wrong_host = reply(404, &json!({ "message": "no route" }));
    let fault =
        conformance::drive(&mut *exchange, gong().spec(), |_| wrong_host.clone()).unwrap().unwrap_err();
    assert!(matches!(&fault, Fault::Denied { remedy, .. } if remedy.contains("login_url")), "{fault:?}");
}

#[test]
fn a_workspace_is_part_of_every_filter() {
    let mut config = handoff_gong::GongConfig::new("calls".into());
    config.workspace = Some("42".to_owned());
    let gong = handoff_gong::Gong::new(config).unwrap();
    let mut exchange = gong.calls(&Cursor::beginning(), now());
    let handoff_connector::Body::Json(body) = exchange.request().body else { panic!("a POST has a body") };
    assert_eq!(body["filter"]["workspaceId"], "42");
}

#[test]
fn what_cannot_work_is_refused_at_start() {
    use handoff_gong::{ConfigError, Gong, GongConfig};
    let made = |change: fn(&mut GongConfig)| {
        let mut config = GongConfig::new("calls".into());
        change(&mut config);
        Gong::new(config).err()
    };
    let connection = || "calls".into();
    assert_eq!(made(|_| {}), None);
    assert_eq!(
        made(|c| c.workspace = Some("main".into())),
        Some(ConfigError::Workspace { connection: connection() })
    );
    assert_eq!(
        made(|c| c.workspace = Some(String::new())),
        Some(ConfigError::Workspace { connection: connection() })
    );
    assert_eq!(
        made(|c| c.lookback = Duration::ZERO),
        Some(ConfigError::Lookback { connection: connection() })
    );
    assert_eq!(
        made(|c| c.lookback = Duration::MAX),
        Some(ConfigError::Lookback { connection: connection() })
    );
    assert_eq!(
        made(|c| c.webhook_url = Some("ftp://x/".into())),
        Some(ConfigError::WebhookUrl { connection: connection() })
    );
}
