//! Canaries: secrets are written down nowhere.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use tracing_subscriber::fmt::MakeWriter;
use url::Url;

use super::support::{MemoryVault, Rig, read, serve, write};
use crate::{ClientCredentials, ClientStyle, OauthConfig, RefreshToken, Secret, TokenSource};

const CANARIES: [&str; 5] = [
    "canary-client-secret",
    "canary-access-token",
    "canary-refresh-token",
    "canary-rotated",
    "canary-record-value",
];

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Written {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn config(base: &Url, path: &str) -> OauthConfig {
    OauthConfig {
        token_url: base.join(path).unwrap(),
        client_id: "client".to_owned(),
        client_secret: Some("canary-client-secret".into()),
        style: ClientStyle::Form,
        scopes: Vec::new(),
        timeout: Duration::from_secs(10),
    }
}

#[tokio::test]
async fn h05_no_secret_reaches_logs_errors_or_debug() {
    let written = Written::default();
    // for the whole process, `log` records of libraries included: what other tests log must not carry these canaries either
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(written.clone())
        .init();

    let good =
        r#"{"access_token":"canary-access-token","token_type":"Bearer","refresh_token":"canary-rotated"}"#;
    let bodies = [
        ("/good", 200, good.to_owned()),
        ("/strange", 200, r#"{"access_token":"canary-access-token","token_type":7}"#.to_owned()),
        ("/cut", 200, r#"{"access_token":"canary-access-token"#.to_owned()),
        (
            "/echo",
            400,
            r#"{"error":"canary-client-secret and text","error_description":"canary-refresh-token"}"#
                .to_owned(),
        ),
        (
            "/echo2",
            401,
            r#"{"error":"invalid_client","error_description":"canary-client-secret"}"#.to_owned(),
        ),
        ("/html", 500, "<html>canary-client-secret</html>".to_owned()),
    ];
    let mut router = Router::new()
        .route("/query", get(|| async { ([("x-request-id", "req-4711")], "canary-record-value") }))
        .route(
            "/write",
            get(|| async { (http::StatusCode::FORBIDDEN, "canary-record-value canary-access-token") }),
        );
    for (path, status, body) in bodies.clone() {
        let status = http::StatusCode::from_u16(status).unwrap();
        router = router
            .route(path, post(move || async move { (status, [("content-type", "application/json")], body) }));
    }
    let base = serve(router).await;

    let mut shown = String::new();
    let mut show = |thing: &dyn std::fmt::Debug| writeln!(shown, "{thing:?} {thing:#?}").unwrap();
    for (path, _, _) in bodies {
        let vault = Arc::new(MemoryVault::default());
        let refresh = RefreshToken::new(config(&base, path), vault, Some("canary-refresh-token".into()));
        show(&refresh);
        let client = ClientCredentials::new(config(&base, path));
        let sources: [Arc<dyn TokenSource>; 2] = [Arc::new(refresh), Arc::new(client)];
        for source in sources {
            let rig = Rig::real(&base, source);
            let transport = rig.build();
            let call = super::support::Call { path: "/query?q=canary-record-value", ..read() };
            let result = transport.run(call).await;
            assert_eq!(result.is_ok(), path == "/good", "{path}: {:?}", result.err());
            if let Err(fault) = result {
                show(&fault);
                show(&fault.to_string());
            }
            if let Err(fault) = transport.run(write()).await {
                show(&fault);
            }
            show(&transport.status());
        }
        show(&config(&base, path));
    }
    show(&Secret::<String>::from("canary-access-token"));
    let request = crate::WireRequest {
        method: http::Method::GET,
        url: base.join("/x?q=canary-record-value").unwrap(),
        headers: [(http::header::AUTHORIZATION, "canary-access-token".parse().unwrap())]
            .into_iter()
            .collect(),
        body: "canary-record-value".into(),
        timeout: Duration::ZERO,
    };
    show(&request);

    let log = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("req-4711"), "calls are logged with the vendor's id");
    assert!(log.contains("no new token"));
    for canary in CANARIES {
        assert!(!log.contains(canary), "{canary} in the log");
        assert!(!shown.contains(canary), "{canary} shown");
    }
}

#[test]
fn h05_codes_and_ids_carry_no_free_text() {
    assert_eq!(crate::code("invalid_grant"), "invalid_grant");
    for text in ["", "two words", "canary\nline", &"x".repeat(65), "\u{1b}[31m"] {
        assert_eq!(crate::code(text), "unreadable code");
    }
}
