//! Asks the daemon that runs on a state directory, over its HTTP surface on this machine.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use handoff_transport::{AllowedHosts, HttpConfig, HttpWire, Secret, Wire as _, WireRequest};
use http::{HeaderMap, HeaderValue, Method, header};
use serde::de::DeserializeOwned;
use url::Url;

use super::exit::{Exit, Failure};
use crate::api::model::Problem;
use crate::config::Config;
use crate::secret;

/// File in the state directory with the address of the daemon that runs on it.
pub(crate) const ADDRESS: &str = "address";
/// Longest answer read.
const ANSWER: usize = 64 * 1024 * 1024;

/// A running daemon.
pub(crate) struct Remote {
    base: Url,
    token: Option<Secret<String>>,
    wire: HttpWire,
}

/// Whether a daemon holds the state directory.
pub(crate) fn is_running(state_dir: &Path) -> bool {
    let Ok(file) = File::open(state_dir.join("lock")) else { return false };
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

impl Remote {
    /// The daemon that runs on the configured state directory; `None` = none does.
    pub(crate) fn find(config: &Config) -> Result<Option<Self>, Failure> {
        if !is_running(&config.state_dir) {
            return Ok(None);
        }
        let told = std::fs::read_to_string(config.state_dir.join(ADDRESS)).ok();
        let address = told.map_or_else(|| config.http.listen.clone(), |told| told.trim().to_owned());
        let token = config.http.token.as_ref().map(secret::read).transpose();
        let token = token.map_err(|error| Failure::because(Exit::Config, &error))?;
        Self::at(&address, token).map(Some)
    }

    /// The daemon at this address.
    pub(crate) fn at(address: &str, token: Option<Secret<String>>) -> Result<Self, Failure> {
        let address = address.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]");
        let wrong = |_not_a_url| {
            Failure::new(Exit::Daemon, "the running daemon's address cannot be read: restart it")
        };
        let base = Url::parse(&format!("http://{address}/")).map_err(wrong)?;
        let wire = HttpWire::new(HttpConfig {
            hosts: AllowedHosts { names: Vec::new(), allow_loopback: true },
            connect_timeout: Duration::from_secs(5),
            body_cap: ANSWER,
            extra_roots: Vec::new(),
        })
        .map_err(|error| Failure::because(Exit::Daemon, &error))?;
        Ok(Self { base, token, wire })
    }

    /// Asks.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.send(Method::GET, path, Vec::new()).await
    }

    /// Tells.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<T, Failure> {
        self.send(Method::POST, path, body.to_string().into_bytes()).await
    }

    /// Delivers, with headers of its own.
    pub(crate) async fn deliver<T: DeserializeOwned>(
        &self,
        path: &str,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<T, Failure> {
        self.send_with(Method::POST, path, headers, body).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<T, Failure> {
        self.send_with(method, path, HeaderMap::new(), body).await
    }

    async fn send_with<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        mut headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<T, Failure> {
        let daemon = |message: &str| Failure::new(Exit::Daemon, message);
        let url =
            self.base.join(path).map_err(|_not_a_path| daemon("the record cannot be part of an address"))?;
        if let Some(token) = &self.token {
            let mut value =
                HeaderValue::try_from(format!("Bearer {}", token.expose())).map_err(|_not_a_header| {
                    Failure::new(Exit::Config, "http.token holds characters that no header can carry")
                })?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let request =
            WireRequest { method, url, headers, body: body.into(), timeout: Duration::from_mins(1) };
        let reply = self.wire.send(request).await.map_err(|fault| {
            Failure::new(
                Exit::Daemon,
                format!("a daemon holds the state directory but does not answer: {fault}"),
            )
        })?;
        if reply.status.is_success() {
            return serde_json::from_slice(&reply.body).map_err(|_other_shape| {
                daemon("the running daemon answers in another shape: is it the same version?")
            });
        }
        let told = serde_json::from_slice::<Problem>(&reply.body).ok();
        let words = told.map_or_else(
            || format!("the running daemon answers {}", reply.status.as_u16()),
            |problem| format!("{}; {}", problem.error, problem.remedy),
        );
        let exit = match reply.status {
            http::StatusCode::BAD_GATEWAY => Exit::Crm,
            http::StatusCode::NOT_FOUND
            | http::StatusCode::CONFLICT
            | http::StatusCode::UNPROCESSABLE_ENTITY => Exit::Findings,
            _other => Exit::Daemon,
        };
        Err(Failure::new(exit, words))
    }
}
