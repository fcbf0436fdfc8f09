//! The other side has to prove that it is the vendor before it hears a token.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use handoff_connector::Fault;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::support::{Rig, Tokens, http_config, read};
use crate::{HttpWire, Lookup};

const KEY: &str = include_str!("tls/key.pem");
const ROOT: &str = include_str!("tls/root.pem");

/// Every name is this machine.
struct Here;

impl Lookup for Here {
    fn lookup(&self, _host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        async { Ok(vec![IpAddr::from([127, 0, 0, 1])]) }.boxed()
    }
}

/// Serves one answer per connection behind a certificate; counts the requests that were heard.
async fn server(certificate: &str) -> (u16, Arc<AtomicU64>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&heard);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = [0; 4_096];
            if stream.read(&mut head).await.is_ok_and(|read| read > 0) {
                count.fetch_add(1, Ordering::SeqCst);
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\ndone";
                stream.write_all(answer).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        }
    });
    (port, heard)
}

async fn call(certificate: &str, trusted: bool) -> (Result<String, Fault>, u64) {
    let (port, heard) = server(certificate).await;
    let mut config = http_config(true, 4_096);
    if trusted {
        config.extra_roots.push(ROOT.into());
    }
    let mut rig = Rig::real(&Url::parse(&format!("https://localhost:{port}")).unwrap(), Tokens::numbered());
    rig.wire = Arc::new(HttpWire::with_lookup(config, Arc::new(Here)).unwrap());
    let result = rig.build().run(read()).await;
    (result, heard.load(Ordering::SeqCst))
}

#[tokio::test]
async fn d21_only_a_proven_host_hears_a_token() {
    let good = include_str!("tls/good.pem");
    assert_eq!(call(good, true).await, (Ok("done".to_owned()), 1));
    for (certificate, trusted, says) in [
        (good, false, "unknown issuer"),
        (include_str!("tls/self_signed.pem"), true, "certificate is not accepted"),
        (include_str!("tls/expired.pem"), true, "expired"),
        (include_str!("tls/other.pem"), true, "issued for another host"),
    ] {
        let (result, heard) = call(certificate, trusted).await;
        let fault = result.unwrap_err();
        assert!(matches!(&fault, Fault::Denied { detail, .. } if detail.contains(says)), "{says}: {fault:?}");
        assert_eq!(heard, 0);
    }
}

#[test]
fn d21_a_base_url_without_tls_is_refused_at_start() {
    let mut rig = Rig::new(super::support::http_wire(true, 4_096), Tokens::numbered());
    for place in ["http://acme.my.example.com", "http://13.110.0.1", "ftp://acme.my.example.com"] {
        rig.config.base_url = Url::parse(place).unwrap();
        assert!(matches!(rig.try_build(), Err(crate::SetupError::BaseUrl { .. })), "{place}");
    }
}

#[test]
fn a_root_that_is_not_a_certificate_is_refused_at_start() {
    let mut config = http_config(false, 4_096);
    config.extra_roots.push(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec());
    assert!(HttpWire::new(config).is_err());
}
