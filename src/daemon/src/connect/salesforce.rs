//! A Salesforce org.

use std::sync::Arc;
use std::time::Duration;

use handoff_connector::Sink;
use handoff_salesforce::{Salesforce, SalesforceConfig};
use handoff_transport::{ClientStyle, SessionConfig};

use super::{Asked, ConnectError, tokens};
use crate::link::{Connected, Equipment, Purpose};

pub(super) fn connect(asked: Asked<'_>, equipment: &Equipment) -> Result<Connected, ConnectError> {
    let (id, config) = (asked.id, asked.config);
    let org = config.org_id.clone().ok_or_else(|| ConnectError::NoOrg { connection: id.clone() })?;
    let mut own = SalesforceConfig::new(id.clone(), org.clone());
    if let Some(version) = &config.api_version {
        own.api_version.clone_from(version);
    }
    own.overlap = Duration::from_secs(u64::from(config.overlap_seconds));
    let connector = Salesforce::new(own).map_err(|source| ConnectError::Salesforce { source })?;
    let connector = Arc::new(connector);
    let token_url = asked.token_url("/services/oauth2/token")?;
    let tokens = tokens::source(asked, &token_url, ClientStyle::Form, Arc::clone(&equipment.vault))?;
    let session = SessionConfig { org_id: Some(org), assumed_lifetime: Some(Duration::from_hours(1)) };
    let transport = asked.transport(connector.clone(), (tokens, &token_url), session, equipment)?;
    let sink: Option<Arc<dyn Sink>> = if equipment.writes { Some(connector.clone()) } else { None };
    let purpose = Purpose::Crm { source: connector.clone(), sink };
    Ok(Connected { purpose, inbound: Some(connector), transport })
}
