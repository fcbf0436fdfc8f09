//! The real line against real servers.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::FutureExt;
use futures::future::BoxFuture;
use handoff_connector::Fault;
use http::Method;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use url::Url;

use super::support::{Rig, Tokens, hosts, http_config, http_wire, read, serve, write};
use crate::{Forbidden, HttpWire, Lookup, Wire, WireFault, WireRequest};

fn get_request(url: &str) -> WireRequest {
    WireRequest {
        method: Method::GET,
        url: Url::parse(url).unwrap(),
        headers: HeaderMap::new(),
        body: bytes::Bytes::new(),
        timeout: Duration::from_secs(10),
    }
}

#[tokio::test]
async fn a_call_arrives_with_its_token() {
    let router = Router::new().route(
        "/query",
        get(|headers: HeaderMap| async move { headers["authorization"].to_str().unwrap().to_owned() }),
    );
    let rig = Rig::real(&serve(router).await, Tokens::numbered());
    assert_eq!(rig.build().run(read()).await.as_deref(), Ok("Bearer token-1"));
}

#[tokio::test]
async fn d06_an_endless_body_is_cut_off() {
    async fn endless() -> Response {
        let chunks = futures::stream::repeat_with(|| Ok::<_, io::Error>(vec![b'x'; 1_024]));
        Body::from_stream(chunks).into_response()
    }
    let router = Router::new().route("/query", get(endless)).route("/write", get(endless));
    let base = serve(router).await;
    let transport = Rig::real(&base, Tokens::numbered()).build();
    assert_eq!(transport.run(read()).await.unwrap_err().kind(), "protocol");
    assert_eq!(transport.run(write()).await.unwrap_err().kind(), "transient", "the write may have happened");
}

#[tokio::test]
async fn d06_a_body_announced_too_long_is_not_read() {
    let router = Router::new().route("/query", get(|| async { vec![b'x'; 5_000] }));
    let base = serve(router).await;
    let sent = http_wire(true, 4_096).send(get_request(base.join("/query").unwrap().as_str())).await;
    assert_eq!(sent.unwrap_err(), WireFault::TooLarge(4_096));
}

/// Answers every connection with these bytes after the request's head, then closes it.
async fn raw_server(bytes: &'static [u8]) -> (Url, Arc<AtomicU64>) {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let seen = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 4_096];
            let _read = stream.read(&mut head).await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            stream.write_all(bytes).await.unwrap();
        }
    });
    (url, seen)
}

#[tokio::test]
async fn d05_broken_answers_are_temporary_and_writes_are_not_repeated() {
    let broken: [&[u8]; 4] = [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\":",
        b"\x00\x01\x02 not http at all\r\n\r\n",
    ];
    for bytes in broken {
        let (base, seen) = raw_server(bytes).await;
        assert_eq!(
            Rig::real(&base, Tokens::numbered()).build().run(write()).await.unwrap_err().kind(),
            "transient"
        );
        assert_eq!(seen.load(Ordering::SeqCst), 1, "a write whose outcome is unclear is sent once");
        assert_eq!(
            Rig::real(&base, Tokens::numbered()).build().run(read()).await.unwrap_err().kind(),
            "transient"
        );
        assert_eq!(seen.load(Ordering::SeqCst), 5, "a read is tried four times");
    }
}

#[tokio::test]
async fn d04_a_server_that_never_answers_times_out_as_unclear() {
    let router = Router::new().route("/query", get(std::future::pending::<&'static str>));
    let base = serve(router).await;
    let mut request = get_request(base.join("/query").unwrap().as_str());
    request.timeout = Duration::from_millis(50);
    let sent = http_wire(true, 4_096).send(request).await;
    assert_eq!(sent.unwrap_err(), WireFault::Unclear("the answer took too long"));
}

#[tokio::test]
async fn d03_a_closed_port_is_known_not_to_have_heard_us() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let sent = http_wire(true, 4_096).send(get_request(&url)).await;
    assert_eq!(sent.unwrap_err(), WireFault::NotSent("connection refused"));
}

#[tokio::test]
async fn h01_addresses_inside_are_refused_in_every_spelling() {
    let wire = http_wire(false, 4_096);
    for host in [
        "127.0.0.1",
        "169.254.169.254",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:169.254.169.254]",
        "0x7f.1",
        "2130706433",
        "0177.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "100.64.0.1",
        "0.0.0.0",
        "[::]",
        "[fe80::1]",
        "[fd00::1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "localhost",
        "93.184.216.34",
    ] {
        let sent = wire.send(get_request(&format!("https://{host}/"))).await;
        assert!(matches!(sent, Err(WireFault::Forbidden(_))), "{host}: {sent:?}");
        let sent = wire.send(get_request(&format!("http://{host}/"))).await;
        assert!(matches!(sent, Err(WireFault::Forbidden(_))), "{host}: {sent:?}");
    }
    let loose = http_wire(true, 4_096);
    for place in
        ["http://169.254.169.254/", "http://10.0.0.1/", "http://acme.my.example.com/", "https://[fd00::1]/"]
    {
        assert!(matches!(loose.send(get_request(place)).await, Err(WireFault::Forbidden(_))), "{place}");
    }
}

/// Answers public first and inside from then on.
struct Rebinding {
    asked: AtomicU64,
    then: IpAddr,
}

impl Lookup for Rebinding {
    fn lookup(&self, _host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let first = self.asked.fetch_add(1, Ordering::SeqCst) == 0;
        // 192.0.2.1 would be refused too; an unroutable public address stands for the honest answer
        let public: IpAddr = "2606:4700::1".parse().unwrap();
        let answer = if first { vec![public, self.then] } else { vec![self.then] };
        async move { Ok(answer) }.boxed()
    }
}

#[tokio::test]
async fn h01_a_name_that_re_binds_is_refused_when_connecting() {
    for inside in ["127.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "10.1.2.3", "64:ff9b::a00:1"] {
        let lookup = Arc::new(Rebinding { asked: AtomicU64::new(0), then: inside.parse().unwrap() });
        let wire = HttpWire::with_lookup(http_config(false, 4_096), lookup.clone()).unwrap();
        for _ in 0..2 {
            let sent = wire.send(get_request("https://acme.my.example.com/")).await;
            assert_eq!(sent.unwrap_err(), WireFault::Forbidden(Forbidden::Address), "{inside}");
        }
        assert_eq!(lookup.asked.load(Ordering::SeqCst), 2);
    }
}

#[tokio::test]
async fn h01_redirects_are_not_followed_and_take_no_token_along() {
    let hits = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&hits);
    let other = serve(Router::new().fallback(move || {
        count.fetch_add(1, Ordering::SeqCst);
        async { "secret sink" }
    }))
    .await;
    for target in [other.to_string(), "file:///etc/passwd".to_owned(), "http://169.254.169.254/".to_owned()] {
        let router = Router::new()
            .route("/query", get(move || async move { (http::StatusCode::FOUND, [("location", target)]) }));
        let base = serve(router).await;
        let fault = Rig::real(&base, Tokens::numbered()).build().run(read()).await.unwrap_err();
        assert!(matches!(fault, Fault::Denied { .. }), "{fault:?}");
    }
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_connector_cannot_leave_its_instance() {
    let (wire, calls) = super::support::scripted(|_, _| Ok(super::support::answer(200, &[], "")));
    let transport = Rig::new(wire, Tokens::numbered()).build();
    for path in ["", "query", "@evil.example.net/", ".evil.example.net/", ":8443/"] {
        let call = super::support::Call { path, ..read() };
        assert_eq!(transport.run(call).await.unwrap_err().kind(), "protocol", "{path}");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

proptest! {
    #[test]
    fn h01_no_url_with_an_inside_address_passes(bits in any::<u32>(), mapped in any::<bool>()) {
        let inside = std::net::Ipv4Addr::from_bits(0x0a00_0000 | (bits & 0x00ff_ffff));
        let ip: IpAddr = if mapped { inside.to_ipv6_mapped().into() } else { inside.into() };
        prop_assert_eq!(hosts(true).check_address(ip), Err(Forbidden::Address));
        let host = if mapped { format!("[{ip}]") } else { format!("{bits}") };
        if let Ok(url) = Url::parse(&format!("https://{host}/")) {
            prop_assert!(hosts(false).check(&url).is_err());
        }
    }
}

#[test]
fn public_addresses_pass() {
    for ip in ["13.110.0.1", "2606:4700::1111", "::ffff:13.110.0.1", "64:ff9b::d6e:1"] {
        assert_eq!(hosts(false).check_address(ip.parse().unwrap()), Ok(()), "{ip}");
    }
    for place in ["https://acme.my.example.com/", "https://a.b.my.example.com", "https://login.example.com/x"]
    {
        assert_eq!(hosts(false).check(&Url::parse(place).unwrap()), Ok(()), "{place}");
    }
}
