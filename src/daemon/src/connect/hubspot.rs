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
        own.dialect = Dialect::parse(version)
            .ok_or_else(|| ConnectError::Version { connection: id.clone(), version: version.clone() })?;
    }
    own.overlap = Duration::from_secs(u64::from(config.overlap_seconds));
    own.webhook_url.clone_from(&config.webhook_url);
    own.app_id.clone_from(&config.app_id);
    let token_path = match own.dialect {
        Dialect::V3 => "/oauth/v3/token",
        Dialect::V2026_09 => "/oauth/2026-09/token",
    };
    let connector = Arc::new(HubSpot::new(own).map_err(|source| ConnectError::HubSpot { source })?);
    let token_url = asked.token_url(token_path)?;
    let tokens = tokens::source(asked, &token_url, ClientStyle::Form, Arc::clone(&equipment.vault))?;
    // A static token does not say which portal it is for: the connector asks before anything is judged.
    let named = matches!(config.auth, Auth::RefreshToken { .. });
    let session = SessionConfig { org_id: named.then_some(portal), assumed_lifetime: None };
    let transport = asked.transport(connector.clone(), (tokens, &token_url), session, equipment)?;
    let sink: Option<Arc<dyn Sink>> = if equipment.writes { Some(connector.clone()) } else { None };
    let purpose = Purpose::Crm { source: connector.clone(), sink };
    Ok(Connected { purpose, inbound: Some(connector), transport })
}
