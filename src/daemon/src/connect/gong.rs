//! A company's recorded calls in Gong.

use std::sync::Arc;
use std::time::Duration;

use handoff_gong::{Gong, GongConfig, Proof};
use handoff_transport::{ClientStyle, SessionConfig};

use super::{Asked, ConnectError, tokens};
use crate::config::WebhookProof;
use crate::link::{Connected, Equipment, Purpose};

/// The same for all companies, unlike the address of the API.
const TOKEN_URL: &str = "https://app.gong.io/oauth2/generate-customer-token";

pub(super) fn connect(asked: Asked<'_>, equipment: &Equipment) -> Result<Connected, ConnectError> {
    let (id, config) = (asked.id, asked.config);
    let mut own = GongConfig::new(id.clone());
    own.workspace.clone_from(&config.workspace);
    if let Some(days) = config.lookback_days {
        own.lookback = Duration::from_hours(24).saturating_mul(u32::from(days));
    }
    own.proof = match config.webhook_proof {
        WebhookProof::Signature => Proof::Signature,
        WebhookProof::KeyInAddress => Proof::KeyInAddress,
    };
    own.webhook_url.clone_from(&config.webhook_url);
    let keys = config.webhook_secrets.iter().filter(|_| own.proof == Proof::Signature);
    for key in keys {
        handoff_gong::check_key(tokens::read(asked, key)?.expose().as_bytes())
            .map_err(|source| ConnectError::WebhookKey { connection: id.clone(), source })?;
    }
    let connector = Arc::new(Gong::new(own).map_err(|source| ConnectError::Gong { source })?);
    let token_url = asked.token_url(TOKEN_URL)?;
    let vault = Arc::clone(&equipment.vault);
    let tokens = tokens::source(asked, &token_url, ClientStyle::BasicAndQuery, vault)?;
    let session = SessionConfig::default();
    let transport = asked.transport(connector.clone(), (tokens, &token_url), session, equipment)?;
    Ok(Connected { purpose: Purpose::Calls(connector.clone()), inbound: Some(connector), transport })
}
