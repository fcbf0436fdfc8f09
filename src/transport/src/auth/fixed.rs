//! Credentials that the vendor issued once: nothing is asked for, and nothing can be renewed.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt;
use futures::future::BoxFuture;
use handoff_connector::Fault;
use jiff::Timestamp;

use super::{Grant, Scheme, TokenSource};
use crate::redact::Secret;
use crate::wire::Wire;

/// Hands out what it holds, unless the vendor has just refused it.
struct Fixed {
    value: Secret<String>,
    scheme: Scheme,
    /// Whether it was handed out and not yet refused.
    out: AtomicBool,
    remedy: &'static str,
}

impl Fixed {
    fn new(value: Secret<String>, scheme: Scheme, remedy: &'static str) -> Self {
        Self { value, scheme, out: AtomicBool::new(false), remedy }
    }

    /// Being asked again means that the vendor refused it. The session lets a refusal rest for a minute; then it is tried once more,
    /// for somebody may have given the credentials their rights back.
    fn grant(&self) -> Result<Grant, Fault> {
        if self.out.fetch_xor(true, Ordering::AcqRel) {
            return Err(Fault::Denied {
                detail: "needs re-authorisation: the vendor refuses the configured credentials".to_owned(),
                remedy: self.remedy.to_owned(),
            });
        }
        Ok(Grant {
            access_token: self.value.clone(),
            scheme: self.scheme,
            instance_url: None,
            org_id: None,
            lifetime: None,
        })
    }
}

/// A token that the vendor issued once and that does not expire, sent as `Bearer` (HubSpot: service key, private app).
pub struct StaticToken(Fixed);

impl StaticToken {
    /// A source of this one token.
    pub fn new(token: Secret<String>) -> Self {
        let remedy = "Create a new token in the vendor's settings, or give this one its scopes back, and restart the daemon where the token changed";
        Self(Fixed::new(token, Scheme::Bearer, remedy))
    }
}

/// A key and its secret, sent as `Basic` (RFC 7617; Gong).
pub struct AccessKey(Fixed);

impl AccessKey {
    /// A source of this one pair; a key holds no colon.
    pub fn new(key: &Secret<String>, secret: &Secret<String>) -> Self {
        let pair = zeroize::Zeroizing::new(format!("{}:{}", key.expose(), secret.expose()));
        let remedy = "Check that the access key still exists, that it has not passed its time to live and that it has the scopes it needs; \
                      create a new one where it is gone, and restart the daemon";
        Self(Fixed::new(Secret::new(STANDARD.encode(pair.as_bytes())), Scheme::Basic, remedy))
    }
}

impl fmt::Debug for StaticToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticToken").finish_non_exhaustive()
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").finish_non_exhaustive()
    }
}

impl TokenSource for StaticToken {
    fn fetch(&self, _wire: Arc<dyn Wire>, _now: Timestamp) -> BoxFuture<'_, Result<Grant, Fault>> {
        futures::future::ready(self.0.grant()).boxed()
    }
}

impl TokenSource for AccessKey {
    fn fetch(&self, _wire: Arc<dyn Wire>, _now: Timestamp) -> BoxFuture<'_, Result<Grant, Fault>> {
        futures::future::ready(self.0.grant()).boxed()
    }
}
