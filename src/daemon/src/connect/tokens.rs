//! From the configured way to log in to a source of tokens.

use std::sync::Arc;

use handoff_transport::{
    AccessKey, ClientCredentials, ClientStyle, JwtBearer, JwtConfig, OauthConfig, RefreshToken, Secret,
    StaticToken, TokenSource, TokenVault,
};
use url::Url;

use super::{Asked, CALL, ConnectError};
use crate::config::{Auth, SecretRef};
use crate::secret;

/// A source of tokens for the configured login.
pub(super) fn source(
    asked: Asked<'_>,
    token_url: &Url,
    style: ClientStyle,
    vault: Arc<dyn TokenVault>,
) -> Result<Arc<dyn TokenSource>, ConnectError> {
    let client = |client_id: &SecretRef, client_secret: Option<&SecretRef>| {
        Ok(OauthConfig {
            token_url: token_url.clone(),
            client_id: read(asked, client_id)?.expose().clone(),
            client_secret: client_secret.map(|secret| read(asked, secret)).transpose()?,
            style,
            scopes: Vec::new(),
            timeout: CALL,
        })
    };
    Ok(match &asked.config.auth {
        Auth::ClientCredentials { client_id, client_secret } => {
            Arc::new(ClientCredentials::new(client(client_id, Some(client_secret))?))
        }
        Auth::JwtBearer { client_id, username, audience, private_key } => {
            let config = JwtConfig {
                token_url: token_url.clone(),
                client_id: read(asked, client_id)?.expose().clone(),
                subject: username.clone(),
                audience: audience.clone(),
                private_key: read(asked, private_key)?,
                timeout: CALL,
            };
            let bearer = JwtBearer::new(config);
            Arc::new(bearer.map_err(|source| ConnectError::Key { connection: asked.id.clone(), source })?)
        }
        Auth::RefreshToken { client_id, client_secret, refresh_token, .. } => {
            let first = read(asked, refresh_token)?;
            Arc::new(RefreshToken::new(client(client_id, client_secret.as_ref())?, vault, Some(first)))
        }
        Auth::StaticToken { token } => Arc::new(StaticToken::new(read(asked, token)?)),
        Auth::AccessKey { key, secret } => {
            Arc::new(AccessKey::new(&read(asked, key)?, &read(asked, secret)?))
        }
    })
}

/// A secret of this connection.
pub(super) fn read(asked: Asked<'_>, from: &SecretRef) -> Result<Secret<String>, ConnectError> {
    secret::read(from).map_err(|source| ConnectError::Secret { connection: asked.id.clone(), source })
}
