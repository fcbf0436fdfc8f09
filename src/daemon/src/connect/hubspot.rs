//! A HubSpot portal.

use std::sync::Arc;
use std::time::Duration;

use handoff_connector::Sink;
use handoff_hubspot::{Dialect, HubSpot, HubSpotConfig};
use handoff_transport::{ClientStyle, SessionConfig};

use super::{Asked, ConnectError, tokens};
use crate::config::Auth;
use crate::link::{Connected, Equipment, Purpose};

pub(super) fn connect(asked: Asked<'_>, equipment: &Equipment) -> Result<Connected, ConnectError> {
    let (id, config) = (asked.id, asked.config);
    let portal = config.org_id.clone().ok_or_else(|| ConnectError::NoOrg { connection: id.clone() })?;
    let mut own = HubSpotConfig::new(id.clone(), portal.clone());
    if let Some(version) = &config.api_version {
        let unknown = || ConnectError::ApiVersion { connection: id.clone() };
        own.dialect = Dialect::parse(version).ok_or_else(unknown)?;
    }
    own.overlap = Duration::from_secs(u64::from(config.overlap_seconds));
    own.webhook_url.clone_from(&config.webhook_url);
    own.app_id.clone_from(&config.app_id);
    let token_path = format!("/oauth/{}/token", own.dialect.as_str());
    let connector = Arc::new(HubSpot::new(own).map_err(|source| ConnectError::HubSpot { source })?);
    let token_url = asked.token_url(&token_path)?;
    let tokens = tokens::source(asked, &token_url, ClientStyle::Form, Arc::clone(&equipment.vault))?;
    // A token that was issued once does not say whose it is: the connector asks, before anything else is read.
    let told = matches!(config.auth, Auth::RefreshToken { .. });
    let session = SessionConfig { org_id: told.then_some(portal), assumed_lifetime: None };
    let transport = asked.transport(connector.clone(), (tokens, &token_url), session, equipment)?;
    let sink: Option<Arc<dyn Sink>> = if equipment.writes { Some(connector.clone()) } else { None };
    let purpose = Purpose::Crm { source: connector.clone(), sink };
    Ok(Connected { purpose, inbound: Some(connector), transport })
}
