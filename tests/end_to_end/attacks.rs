//! Attacks on what acts by HTTP beside the CRM: break-glass, contracts, statements, feeds. Nothing of it leaves a trace in state or gates.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use handoff_core::break_glass::ROLE;
use handoff_core::feed::ColumnKind;
use handoffd::config::Feed;
use handoffd_tests::governed::{Governed, Options, secret};
use handoffd_tests::story::{AVA, COMMISSION, INGRID, LUIS};
use serde_json::json;

use crate::steps::{assert_never_open, complete};
use crate::wire::client;

const FEED_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

async fn world() -> Governed {
    let mut world = Governed::prepare(Options { surface: true, ..Options::default() }).await;
    let key = secret(world.dir(), "feed_usage", FEED_SECRET);
    world.config(|config| {
        let columns = BTreeMap::from([
            ("account".to_owned(), ColumnKind::Text),
            ("uses".to_owned(), ColumnKind::Number),
        ]);
        let feed = Feed {
            secrets: vec![key],
            key: "account".to_owned(),
            identity: Vec::new(),
            columns,
            about: None,
        };
        config.feed.insert("usage".to_owned(), feed);
        config.people.roles.insert(ROLE.to_owned(), [INGRID, LUIS].map(str::to_owned).to_vec());
    });
    world.begin().await.unwrap();
    world
}

struct Answer {
    status: u16,
    text: String,
}

async fn ask(world: &Governed, method: &str, path: &str, body: impl Into<reqwest::Body>) -> Answer {
    let url = format!("http://{}{path}", world.app().local_addr());
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let request = client().request(method, url).header("Content-Type", "application/json").body(body);
    let answer = request.send().await.unwrap();
    Answer { status: answer.status().as_u16(), text: answer.text().await.unwrap() }
}

/// Every file below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Files outside the store's own folders, whose number is its own affair.
fn loose(world: &Governed) -> Vec<PathBuf> {
    let own = ["memory", "log", "audit", "bodies"];
    let mut files = files(world.dir());
    files.retain(|path| {
        let inside = path.strip_prefix(world.state_dir()).ok();
        !inside.is_some_and(|path| own.iter().any(|folder| path.starts_with(folder)))
    });
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn h02_no_period_stream_or_feed_name_leads_out_of_its_place() {
    let world = world().await;
    let deal = complete(&world, "In its place").await;
    let (before, entries) = (loose(&world), world.handle().view().head().entries);
    let names = [
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e%2f2026-10",
        "2026-10%00.csv",
        "2026-10%2f..%2f..%2fkeys",
        "%2fetc%2fpasswd",
        "2026-1",
        "2026-013",
        "2026-00",
        "2026-13",
        "+026-10",
        "2026-1%30%0d%0aX:%20y",
        "２０２６-10",
    ];
    for name in names {
        let answer = ask(&world, "GET", &format!("/api/v1/commission/{name}"), "").await;
        assert!([400, 404].contains(&answer.status), "{name}: {}", answer.status);
        let body = json!({ "by": "fiona" }).to_string();
        let answer = ask(&world, "POST", &format!("/api/v1/commission/{name}/close"), body).await;
        assert!([400, 404].contains(&answer.status), "{name}: {}", answer.status);
        let answer = ask(&world, "POST", &format!("/feeds/{name}"), "[]").await;
        assert_eq!(answer.status, 404, "{name}");
        let body = json!({ "gate": COMMISSION, "by": INGRID }).to_string();
        let answer = ask(&world, "POST", &format!("/api/v1/override/{name}"), body).await;
        assert!([400, 404].contains(&answer.status), "{name}: {}", answer.status);
        let answer = ask(&world, "POST", &format!("/api/v1/repin/{name}"), "{\"by\":\"x\"}").await;
        assert!([400, 404, 409].contains(&answer.status), "{name}: {}", answer.status);
        assert!(!answer.text.contains("root:"), "{name}");
    }
    assert_eq!(loose(&world), before, "nothing was written");
    assert_eq!(world.handle().view().head().entries, entries, "nothing was logged");
    assert_never_open(&world, deal);
}

#[tokio::test(flavor = "multi_thread")]
async fn c14_a_key_that_stands_twice_or_is_of_another_kind_decides_nothing() {
    let world = world().await;
    let deal = complete(&world, "Twice").await;
    let stream = world.summary(deal).unwrap().stream;
    let entries = world.handle().view().head().entries;
    let bodies = [
        (
            "override",
            format!("/api/v1/override/{stream}"),
            format!(r#"{{"gate":"{COMMISSION}","by":"{AVA}","by":"{INGRID}"}}"#),
        ),
        (
            "override",
            format!("/api/v1/override/{stream}"),
            format!(r#"{{"gate":"receiver_queue","gate":"{COMMISSION}","by":"{INGRID}"}}"#),
        ),
        (
            "override",
            format!("/api/v1/override/{stream}"),
            format!(r#"{{"gate":"{COMMISSION}","by":"{INGRID}","reason":"quarter end, all agree"}}"#),
        ),
        (
            "override",
            format!("/api/v1/override/{stream}"),
            format!(r#"{{"gate":"{COMMISSION}","by":"{INGRID}","accepted":true}}"#),
        ),
        ("close", "/api/v1/commission/2026-01/close".to_owned(), r#"{"by":"a","by":"fiona"}"#.to_owned()),
        ("close", "/api/v1/commission/2026-01/close".to_owned(), r#"{"by":"fiona","force":true}"#.to_owned()),
        ("close", "/api/v1/commission/2026-01/close".to_owned(), r#"{"by":" \u0007 "}"#.to_owned()),
        ("repin", format!("/api/v1/repin/{stream}"), r#"{"by":"a","by":"b"}"#.to_owned()),
        (
            "contracts",
            "/api/v1/contracts".to_owned(),
            r#"{"act":"comment","act":"publish","contract":"h03-ae-to-onboarding","version":1,"by":"x"}"#
                .to_owned(),
        ),
        (
            "contracts",
            "/api/v1/contracts".to_owned(),
            r#"{"act":"approve","contract":"h03-ae-to-onboarding","version":1,"version":2,"by":"x"}"#
                .to_owned(),
        ),
        (
            "contracts",
            "/api/v1/contracts".to_owned(),
            r#"{"act":"approve","contract":"h03-ae-to-onboarding","version":1,"by":"x","by":"y"}"#.to_owned(),
        ),
        (
            "contracts",
            "/api/v1/contracts".to_owned(),
            r#"{"act":"accept","contract":"h03-ae-to-onboarding","version":1,"by":"x"}"#.to_owned(),
        ),
    ];
    for (what, path, body) in bodies {
        let answer = ask(&world, "POST", &path, body.clone()).await;
        assert_eq!(answer.status, 400, "{what} {body}: {}", answer.text);
    }
    for body in ["", "null", "[]", "{\"by\":1}", "\u{feff}{}", "{\"by\":\"\\ud800\"}", "{\"by\":NaN}"] {
        for path in [
            format!("/api/v1/override/{stream}"),
            format!("/api/v1/repin/{stream}"),
            "/api/v1/contracts".to_owned(),
        ] {
            assert_eq!(ask(&world, "POST", &path, body).await.status, 400, "{path} {body}");
        }
    }
    let deep = format!("{{\"by\":{}1{}}}", "[".repeat(1_500), "]".repeat(1_500));
    assert_eq!(ask(&world, "POST", &format!("/api/v1/override/{stream}"), deep).await.status, 400);
    assert_eq!(world.handle().view().head().entries, entries, "nothing was logged");
    assert_never_open(&world, deal);
}

#[tokio::test(flavor = "multi_thread")]
async fn c15_what_acts_takes_no_body_beyond_its_size() {
    let world = world().await;
    let deal = complete(&world, "Large").await;
    let stream = world.summary(deal).unwrap().stream;
    let entries = world.handle().view().head().entries;
    let long = "x".repeat(5_000);
    let paths = [
        format!("/api/v1/override/{stream}"),
        format!("/api/v1/repin/{stream}"),
        "/api/v1/commission/2026-01/close".to_owned(),
    ];
    for path in paths {
        let body = json!({ "gate": COMMISSION, "by": INGRID, "reason": long }).to_string();
        assert_eq!(ask(&world, "POST", &path, body).await.status, 413, "{path}");
    }
    let text = "#".repeat(4 * handoff_core::registry::MAX_FILE_BYTES);
    let body = json!({ "act": "propose", "text": text, "by": INGRID }).to_string();
    assert_eq!(ask(&world, "POST", "/api/v1/contracts", body).await.status, 413);
    // A body without an end is cut off where its size ends, not where its sender likes.
    let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 64 * 1024]));
    let url = format!("http://{}/feeds/usage", world.app().local_addr());
    let body = reqwest::Body::wrap_stream(futures::StreamExt::take(endless, 4_096));
    let request = client().post(url).header("Content-Type", "application/json").body(body);
    if let Ok(answer) = request.send().await {
        assert_eq!(answer.status().as_u16(), 413);
    }
    assert_eq!(world.handle().view().head().entries, entries);
}

#[tokio::test(flavor = "multi_thread")]
async fn h05_a_feeds_secret_and_what_was_sent_unproven_are_found_nowhere() {
    let world = world().await;
    complete(&world, "Secret").await;
    let canary = "canary-7f3a-unproven-value";
    let url = format!("http://{}/feeds/usage", world.app().local_addr());
    for signature in ["v1,AAAA", FEED_SECRET, "v1,whsec", ""] {
        let request = client()
            .post(&url)
            .header("Content-Type", "application/json")
            .header("webhook-id", "msg_1")
            .header("webhook-timestamp", world.now().as_second().to_string())
            .header("webhook-signature", signature)
            .body(json!([{ "account": canary, "uses": 1 }]).to_string());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 401, "{signature}");
        let text = answer.text().await.unwrap();
        assert!(!text.contains(canary) && !text.contains("MfKQ9"), "{text}");
    }
    let raw = FEED_SECRET.trim_start_matches("whsec_");
    for path in ["/", "/metrics", "/api/v1/status", "/api/v1/openapi.json", "/api/v1/parked"] {
        let answer = ask(&world, "GET", path, "").await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.text.contains(raw) && !answer.text.contains(canary), "{path}");
    }
    assert_eq!(world.refused("unauthenticated"), 4, "it is counted");
    let mut world = world;
    world.stop().await;
    for path in files(&world.state_dir()) {
        let bytes = std::fs::read(&path).unwrap();
        for word in [raw, canary] {
            let found = bytes.windows(word.len()).any(|window| window == word.as_bytes());
            assert!(!found, "{word} in {}", path.display());
        }
    }
    assert_eq!(format!("{:?}", world.configured()).matches(raw).count(), 0, "the configuration names a file");
}
