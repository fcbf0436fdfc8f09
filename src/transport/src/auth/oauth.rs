//! OAuth 2.0 client credentials (RFC 6749 §4.4) and refresh token (§6).

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use handoff_connector::{Fault, Reply};
use jiff::Timestamp;
use oauth2::basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse};
use oauth2::{
    AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    RequestTokenError, Scope, StandardRevocableToken, TokenResponse, TokenUrl,
};
use thiserror::Error;
use tokio::sync::Mutex;
use url::Url;

use super::kept::{self, Kept};
use super::reply::{self, TokenReply};
use super::{Grant, TokenSource, TokenVault, VaultError};
use crate::redact::Secret;
use crate::wire::{Wire, WireRequest};

/// Where the client's id and secret go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientStyle {
    /// `Authorization: Basic`.
    Basic,
    /// In the form.
    Form,
    /// `Authorization: Basic`, and the grant's parameters in the address instead of a form (Gong).
    BasicAndQuery,
}

/// A client at a token endpoint.
#[derive(Debug, Clone)]
pub struct OauthConfig {
    /// Token endpoint.
    pub token_url: Url,
    /// Client id (Salesforce: consumer key).
    pub client_id: String,
    /// Client secret; `None` for public clients, which only the refresh flow knows.
    pub client_secret: Option<Secret<String>>,
    /// Where id and secret go.
    pub style: ClientStyle,
    /// Scopes to ask for; empty = as granted to the app.
    pub scopes: Vec<String>,
    /// Time for one token call.
    pub timeout: Duration,
}

type TokenClient = oauth2::Client<
    BasicErrorResponse,
    TokenReply,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

impl OauthConfig {
    fn client(&self) -> TokenClient {
        let client = oauth2::Client::new(ClientId::new(self.client_id.clone()))
            .set_token_uri(TokenUrl::from_url(self.token_url.clone()))
            .set_auth_type(match self.style {
                ClientStyle::Basic | ClientStyle::BasicAndQuery => AuthType::BasicAuth,
                ClientStyle::Form => AuthType::RequestBody,
            });
        match &self.client_secret {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose().clone())),
            None => client,
        }
    }

    fn scopes(&self) -> Vec<Scope> {
        self.scopes.iter().cloned().map(Scope::new).collect()
    }
}

/// A failed token call, already classified.
#[derive(Debug, Error)]
#[error("{0}")]
struct CallFault(Fault);

/// Our wire as `oauth2`'s client. A failure is classified here, because `oauth2` would keep the answer's body in its error.
fn caller(
    wire: Arc<dyn Wire>,
    config: &OauthConfig,
) -> impl Fn(HttpRequest) -> BoxFuture<'static, Result<HttpResponse, CallFault>> + Send + Sync {
    let (timeout, style) = (config.timeout, config.style);
    move |request| call(Arc::clone(&wire), timeout, style, request).boxed()
}

async fn call(
    wire: Arc<dyn Wire>,
    timeout: Duration,
    style: ClientStyle,
    request: HttpRequest,
) -> Result<HttpResponse, CallFault> {
    let (parts, mut body) = request.into_parts();
    let mut url = Url::parse(&parts.uri.to_string()).map_err(|_not_a_url| CallFault(reply::malformed()))?;
    let mut headers = parts.headers;
    if style == ClientStyle::BasicAndQuery {
        let form = String::from_utf8(std::mem::take(&mut body));
        url.set_query(Some(&form.map_err(|_not_text| CallFault(reply::malformed()))?));
        headers.remove(http::header::CONTENT_TYPE);
    }
    for value in headers.values_mut() {
        value.set_sensitive(true);
    }
    let request = WireRequest { method: parts.method, url, headers, body: body.into(), timeout };
    // asking for a token twice costs nothing, so an unclear outcome is merely temporary
    let reply = wire.send(request).await.map_err(|fault| CallFault(fault.into_fault(true)))?;
    if reply.status != http::StatusCode::OK {
        return Err(CallFault(reply::refusal(&reply)));
    }
    let Reply { status, headers, body } = reply;
    let mut response = HttpResponse::new(body.to_vec());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

type TokenError = RequestTokenError<CallFault, BasicErrorResponse>;

/// Parse errors of `oauth2` hold the whole answer, so only the kind of error passes.
async fn answer(call: impl Future<Output = Result<TokenReply, TokenError>>) -> Result<TokenReply, Fault> {
    call.await.map_err(|error| match error {
        RequestTokenError::Request(CallFault(fault)) => fault,
        RequestTokenError::ServerResponse(_)
        | RequestTokenError::Parse(_, _)
        | RequestTokenError::Other(_) => reply::malformed(),
    })
}

/// Client credentials: asks anew each time; there is no refresh token.
pub struct ClientCredentials {
    config: OauthConfig,
}

impl ClientCredentials {
    /// A source of tokens for this client.
    pub fn new(config: OauthConfig) -> Self {
        Self { config }
    }
}

impl TokenSource for ClientCredentials {
    fn fetch(&self, wire: Arc<dyn Wire>, _now: Timestamp) -> BoxFuture<'_, Result<Grant, Fault>> {
        async move {
            let client = self.config.client();
            let http = caller(wire, &self.config);
            let call =
                client.exchange_client_credentials().add_scopes(self.config.scopes()).request_async(&http);
            reply::grant(&answer(call).await?)
        }
        .boxed()
    }
}

/// Refresh token, possibly rotating: a new refresh token is durable in the vault before the access token that came with it is
/// used. Where each refresh token lives once ([`ClientStyle::BasicAndQuery`]) the vault keeps the access token, its address and its end with
/// it, in one row.
pub struct RefreshToken {
    config: OauthConfig,
    vault: Arc<dyn TokenVault>,
    first: Option<Secret<String>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// A rotated token that the vault has not taken yet: its row, and what came with it.
    unsaved: Option<(Secret<String>, Grant)>,
    /// Whether this process has handed out a token before; then being asked means that the last one serves no more.
    begun: bool,
    /// Whether it is the configured token's turn, because the vault's was refused.
    configured: bool,
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshToken").field("config", &self.config).finish_non_exhaustive()
    }
}

impl RefreshToken {
    /// A source that begins with the vault's token, or with `first` while the vault is empty.
    pub fn new(config: OauthConfig, vault: Arc<dyn TokenVault>, first: Option<Secret<String>>) -> Self {
        Self { config, vault, first, state: Mutex::default() }
    }

    /// The vault's token; the configured one while the vault is empty, or in its turn after the vault's was refused.
    async fn current(&self, configured: bool, now: Timestamp) -> Result<Kept, Fault> {
        let vault = Arc::clone(&self.vault);
        let stored = on_disk(move || vault.load()).await?.map(|row| Kept::read(row, now));
        let first = || self.first.clone().map(|refresh| Kept { refresh, grant: None });
        let kept = if configured { first().or(stored) } else { stored.or_else(first) };
        kept.ok_or_else(|| Fault::Denied {
            detail: "there is no refresh token".to_owned(),
            remedy: "Authorise this connection".to_owned(),
        })
    }

    async fn save(&self, row: Secret<String>) -> Result<(), Fault> {
        let vault = Arc::clone(&self.vault);
        on_disk(move || vault.store(&row)).await
    }

    async fn fetch_rotating(&self, wire: Arc<dyn Wire>, now: Timestamp) -> Result<Grant, Fault> {
        let mut state = self.state.lock().await;
        if let Some((row, grant)) = state.unsaved.clone() {
            self.save(row).await?;
            state.unsaved = None;
            return Ok(grant);
        }
        let began = std::mem::replace(&mut state.begun, true);
        let configured = state.configured;
        let Kept { refresh: current, grant } = self.current(configured, now).await?;
        if let Some(grant) = grant.filter(|_| !began) {
            return Ok(grant);
        }
        if self.config.style == ClientStyle::BasicAndQuery && !self.vault.keeps() {
            return Err(Fault::Denied {
                detail: "the refresh token lives once, and nothing here keeps its successor".to_owned(),
                remedy: "Let the daemon run and see its status; a command spends no refresh token".to_owned(),
            });
        }
        let refresh = oauth2::RefreshToken::new(current.expose().clone());
        let client = self.config.client();
        let http = caller(wire, &self.config);
        let call =
            client.exchange_refresh_token(&refresh).add_scopes(self.config.scopes()).request_async(&http);
        let reply = answer(call).await.inspect_err(|fault| {
            // somebody may have authorised the connection anew and configured what he was given
            state.configured ^= matches!(fault, Fault::Denied { .. });
        })?;
        let rotated = reply.refresh_token().map(|token| Secret::new(token.secret().clone()));
        let grant = reply::grant(&reply);
        let rotated = rotated.filter(|token| token.expose() != current.expose());
        let rotated = rotated.or_else(|| configured.then(|| current.clone()));
        let Some(token) = rotated else { return grant };
        // the vendor has already ended the old token: keep the new one whatever else is wrong with the answer
        let row = match &grant {
            Ok(grant) if self.config.style == ClientStyle::BasicAndQuery => kept::row(&token, grant, now),
            Ok(_) | Err(_) => token,
        };
        if let Ok(grant) = &grant {
            state.unsaved = Some((row.clone(), grant.clone()));
        }
        self.save(row).await?;
        state.unsaved = None;
        state.configured = false;
        grant
    }
}

impl TokenSource for RefreshToken {
    fn fetch(&self, wire: Arc<dyn Wire>, now: Timestamp) -> BoxFuture<'_, Result<Grant, Fault>> {
        self.fetch_rotating(wire, now).boxed()
    }
}

/// Runs a blocking vault call off the async workers.
async fn on_disk<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
) -> Result<T, Fault> {
    match tokio::task::spawn_blocking(call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Fault::Transient { detail: error.to_string() }),
        Err(_stopped) => Err(Fault::Transient { detail: "the token vault stopped".to_owned() }),
    }
}
