use http::{HeaderMap, HeaderValue, Uri, header};

use super::guard::{Refusal, admit};

fn ask(token: Option<&str>, uri: &str, headers: &[(header::HeaderName, &str)]) -> Result<(), Refusal> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name.clone(), HeaderValue::from_str(value).unwrap());
    }
    admit(token, &uri.parse::<Uri>().unwrap(), &map)
}

#[test]
fn h07_the_token_decides_and_never_stands_in_an_address() {
    let bearer = |value| [(header::AUTHORIZATION, value)];
    assert_eq!(ask(Some("s3cret"), "/metrics", &[]), Err(Refusal::Unauthenticated));
    for wrong in ["Bearer s3cre", "Bearer s3cret2", "Bearer ", "Bearer", "Basic s3cret", "s3cret", "Bearer  s3cret"] {
        assert_eq!(ask(Some("s3cret"), "/metrics", &bearer(wrong)), Err(Refusal::Unauthenticated), "{wrong}");
    }
    assert_eq!(ask(Some("s3cret"), "/metrics", &bearer("Bearer s3cret")), Ok(()));
    assert_eq!(ask(Some("s3cret"), "/metrics", &bearer("bearer s3cret")), Ok(()));
    let twice = [(header::AUTHORIZATION, "Bearer s3cret"), (header::AUTHORIZATION, "Bearer s3cret")];
    assert_eq!(ask(Some("s3cret"), "/metrics", &twice), Err(Refusal::Unauthenticated));
    assert_eq!(ask(Some(""), "/metrics", &bearer("Bearer ")), Err(Refusal::Unauthenticated));
    for query in ["token=s3cret", "a=b&access_token=s3cret", "TOKEN=x"] {
        let uri = format!("/api/v1/status?{query}");
        assert_eq!(ask(Some("s3cret"), &uri, &bearer("Bearer s3cret")), Err(Refusal::TokenInAddress));
    }
}

#[test]
fn h07_without_a_token_only_this_machine_is_answered() {
    let host = |value| [(header::HOST, value)];
    for local in ["127.0.0.1:8642", "localhost:8642", "[::1]:8642", "LOCALHOST"] {
        assert_eq!(ask(None, "/", &host(local)), Ok(()), "{local}");
    }
    for foreign in ["evil.example", "localhost.evil.example:8642", "10.0.0.1", "169.254.169.254", ""] {
        assert_eq!(ask(None, "/", &host(foreign)), Err(Refusal::Foreign), "{foreign}");
    }
    let page = [(header::HOST, "127.0.0.1"), (header::ORIGIN, "https://evil.example")];
    assert_eq!(ask(None, "/api/v1/pause", &page), Err(Refusal::Foreign));
}

#[test]
fn the_committed_openapi_document_is_current() {
    let path = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../deploy/openapi.json");
    let now = super::openapi();
    if std::env::var_os("HANDOFFD_BLESS").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), now, "deploy/openapi.json is out of date");
    for route in ["/healthz", "/metrics", "/api/v1/handoffs/{stream}", "/api/v1/scorecard", "/api/v1/pause"] {
        assert!(now.contains(&format!("\"{route}\"")), "{route}");
    }
}

#[tokio::test]
async fn c15_a_slow_sender_of_a_head_loses_its_place() {
    use std::time::Duration;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let router = axum::Router::new().route("/", axum::routing::get(|| async { "here" }));
    let server = tokio::spawn(super::serve::serve(listener, router, Duration::from_millis(50), async {
        let _ = stopped.await;
    }));
    let mut slow = tokio::net::TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nX: ").await.unwrap();
    let mut answer = Vec::new();
    // Ends because the server closes; a server that waited for the head would never let this return.
    slow.read_to_end(&mut answer).await.unwrap();
    assert!(!answer.windows(4).any(|four| four == b"here"));
    let mut quick = tokio::net::TcpStream::connect(address).await.unwrap();
    quick.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    quick.read_to_end(&mut answer).await.unwrap();
    assert!(answer.ends_with(b"here"));
    stop.send(()).unwrap();
    server.await.unwrap();
}
