//! The real line: reqwest with rustls on ring, time-outs, a body cap, no redirects, no proxies, addresses checked at connect time.

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use futures::FutureExt;
use futures::future::BoxFuture;
use handoff_connector::Reply;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;

use crate::allow::{AllowedHosts, Forbidden};
use crate::wire::{Wire, WireFault, WireRequest};

/// How to reach a vendor.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Hosts that may be spoken to.
    pub hosts: AllowedHosts,
    /// Time for TCP and TLS; 5 s is usual.
    pub connect_timeout: Duration,
    /// Longest answer read, in bytes after decompression.
    pub body_cap: usize,
    /// Root certificates (PEM) trusted besides the system's.
    pub extra_roots: Vec<Vec<u8>>,
}

/// The client could not be built.
#[derive(Debug, Error)]
pub enum HttpSetupError {
    /// A root certificate is not PEM.
    #[error("extra root certificate {index} cannot be read; it must be one PEM certificate")]
    Root {
        /// Which one, from 0.
        index: usize,
        /// What was wrong with it.
        source: reqwest::Error,
    },
    /// TLS could not be set up.
    #[error("TLS cannot be set up; are the system's root certificates installed?")]
    Tls {
        /// What was wrong.
        source: reqwest::Error,
    },
}

/// Looks names up.
pub trait Lookup: Send + Sync {
    /// All addresses of a host name.
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// Looks names up as the operating system does.
#[derive(Debug, Clone, Copy)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        async move { Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect()) }
            .boxed()
    }
}

/// The real [`Wire`].
pub struct HttpWire {
    client: reqwest::Client,
    hosts: AllowedHosts,
    body_cap: usize,
}

impl HttpWire {
    /// A client with names looked up by the operating system.
    pub fn new(config: HttpConfig) -> Result<Self, HttpSetupError> {
        Self::with_lookup(config, Arc::new(SystemLookup))
    }

    /// A client with names looked up by `lookup`; addresses are checked all the same.
    pub fn with_lookup(config: HttpConfig, lookup: Arc<dyn Lookup>) -> Result<Self, HttpSetupError> {
        // an earlier installation by the daemon is as good as ours
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .connect_timeout(config.connect_timeout)
            .pool_idle_timeout(Duration::from_secs(50))
            .https_only(!config.hosts.allow_loopback)
            .user_agent(concat!("handoffd/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Guarded { hosts: config.hosts.clone(), lookup });
        for (index, pem) in config.extra_roots.iter().enumerate() {
            let root = reqwest::Certificate::from_pem(pem)
                .map_err(|source| HttpSetupError::Root { index, source })?;
            builder = builder.tls_certs_merge([root]);
        }
        let client = builder.build().map_err(|source| HttpSetupError::Tls { source })?;
        Ok(Self { client, hosts: config.hosts, body_cap: config.body_cap })
    }

    async fn exchange(&self, request: WireRequest) -> Result<Reply, WireFault> {
        self.hosts.check(&request.url)?;
        let mut answer = self
            .client
            .request(request.method, request.url)
            .headers(request.headers)
            .body(request.body)
            .timeout(request.timeout)
            .send()
            .await
            .map_err(|error| read_error(&error))?;
        let too_large = WireFault::TooLarge(self.body_cap);
        let announced = answer.content_length().unwrap_or(0);
        if usize::try_from(announced).map_or(true, |length| length > self.body_cap) {
            return Err(too_large);
        }
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| read_error(&error))? {
            if body.len().saturating_add(chunk.len()) > self.body_cap {
                return Err(too_large);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, headers, body: body.freeze() })
    }
}

impl Wire for HttpWire {
    fn send(&self, request: WireRequest) -> BoxFuture<'_, Result<Reply, WireFault>> {
        self.exchange(request).boxed()
    }
}

/// Resolves names and refuses all addresses of a name if one of them is not public: a name that re-binds has no honest answer.
struct Guarded {
    hosts: AllowedHosts,
    lookup: Arc<dyn Lookup>,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.lookup.lookup(name.as_str().to_owned());
        let hosts = self.hosts.clone();
        async move {
            let addresses = found.await?;
            for address in &addresses {
                hosts.check_address(*address)?;
            }
            let addrs: Addrs = Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addrs)
        }
        .boxed()
    }
}

/// Says what went wrong in our own words: reqwest's would carry the URL.
fn read_error(error: &reqwest::Error) -> WireFault {
    if let Some(forbidden) = find::<Forbidden>(error) {
        return WireFault::Forbidden(*forbidden);
    }
    if let Some(rustls::Error::InvalidCertificate(reason)) = find::<rustls::Error>(error) {
        return WireFault::Untrusted(certificate(reason));
    }
    if error.is_connect() {
        return WireFault::NotSent(
            match (error.is_timeout(), find::<io::Error>(error).map(io::Error::kind)) {
                (true, _) => "connecting took too long",
                (false, Some(io::ErrorKind::ConnectionRefused)) => "connection refused",
                (false, _) => "no connection",
            },
        );
    }
    if error.is_builder() {
        return WireFault::NotSent("the request cannot be expressed in HTTP");
    }
    WireFault::Unclear(if error.is_timeout() {
        "the answer took too long"
    } else if error.is_decode() {
        "the answer broke off or cannot be decompressed"
    } else {
        "the connection broke"
    })
}

fn certificate(reason: &rustls::CertificateError) -> &'static str {
    use rustls::CertificateError as E;
    if matches!(reason, E::Expired | E::ExpiredContext { .. }) {
        "expired"
    } else if matches!(reason, E::NotValidForName | E::NotValidForNameContext { .. }) {
        "issued for another host"
    } else if matches!(reason, E::UnknownIssuer) {
        "unknown issuer"
    } else {
        "not valid"
    }
}

/// The first error of a type in the chain, also inside `io::Error`, whose `source` skips what it wraps.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
