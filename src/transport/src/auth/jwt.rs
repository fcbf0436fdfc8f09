//! JWT bearer (RFC 7523), signed RS256.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::FutureExt;
use futures::future::BoxFuture;
use handoff_connector::Fault;
use http::{HeaderMap, HeaderValue, Method, header};
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use thiserror::Error;
use url::{Url, form_urlencoded};

use super::reply::{self, TokenReply};
use super::{Grant, TokenSource};
use crate::redact::Secret;
use crate::wire::{Wire, WireRequest};

/// Salesforce takes at most a few minutes; libraries in the field use 180 s.
const ASSERTION_SECONDS: i64 = 180;
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Who signs, for whom.
#[derive(Debug, Clone)]
pub struct JwtConfig {
    /// Token endpoint that the assertion is posted to.
    pub token_url: Url,
    /// `iss`: client id (Salesforce: consumer key).
    pub client_id: String,
    /// `sub`: user name of the integration user.
    pub subject: String,
    /// `aud`: the login host, e.g. `https://login.salesforce.com`.
    pub audience: String,
    /// RSA private key, PEM (PKCS#8 or PKCS#1).
    pub private_key: Secret<String>,
    /// Time for one token call.
    pub timeout: Duration,
}

/// The private key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not PEM, or no private key in it.
    #[error("the private key cannot be read; it must be PEM, PKCS#8 or PKCS#1")]
    Unreadable,
    /// Not an RSA key of at least 2048 bits.
    #[error("the private key must be RSA with at least 2048 bits")]
    NotRsa,
}

/// Signs an assertion for each token.
pub struct JwtBearer {
    config: JwtConfig,
    key: RsaKeyPair,
    random: SystemRandom,
}

impl fmt::Debug for JwtBearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtBearer").field("config", &self.config).finish_non_exhaustive()
    }
}

impl JwtBearer {
    /// Reads the key.
    pub fn new(config: JwtConfig) -> Result<Self, KeyError> {
        let der = PrivateKeyDer::from_pem_slice(config.private_key.expose().as_bytes())
            .map_err(|_unreadable| KeyError::Unreadable)?;
        let key = match &der {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            PrivateKeyDer::Sec1(_) | _ => return Err(KeyError::NotRsa),
        };
        Ok(Self { config, key: key.map_err(|_rejected| KeyError::NotRsa)?, random: SystemRandom::new() })
    }

    /// The signed assertion, valid from now for three minutes.
    fn assertion(&self, now: Timestamp) -> Result<Secret<String>, Fault> {
        let claims = json!({
            "iss": self.config.client_id,
            "sub": self.config.subject,
            "aud": self.config.audience,
            "exp": now.as_second().saturating_add(ASSERTION_SECONDS),
        });
        let head = URL_SAFE_NO_PAD.encode(br#"{"alg":"RS256","typ":"JWT"}"#);
        let mut token = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &self.random, token.as_bytes(), &mut signature).map_err(
            |_ring_says_no_more| Fault::Transient { detail: "the assertion could not be signed".to_owned() },
        )?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(Secret::new(token))
    }

    async fn ask(&self, wire: Arc<dyn Wire>, now: Timestamp) -> Result<Grant, Fault> {
        let assertion = self.assertion(now)?;
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", GRANT_TYPE)
            .append_pair("assertion", assertion.expose())
            .finish();
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let request = WireRequest {
            method: Method::POST,
            url: self.config.token_url.clone(),
            headers,
            body: form.into(),
            timeout: self.config.timeout,
        };
        // asking for a token twice costs nothing, so an unclear outcome is merely temporary
        let reply = wire.send(request).await.map_err(|fault| fault.into_fault(true))?;
        if reply.status != http::StatusCode::OK {
            return Err(reply::refusal(&reply));
        }
        let token: TokenReply =
            serde_json::from_slice(&reply.body).map_err(|_would_quote_the_token| reply::malformed())?;
        reply::grant(&token)
    }
}

impl TokenSource for JwtBearer {
    fn fetch(&self, wire: Arc<dyn Wire>, now: Timestamp) -> BoxFuture<'_, Result<Grant, Fault>> {
        self.ask(wire, now).boxed()
    }
}
