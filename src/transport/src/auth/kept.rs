//! What the vault keeps of a grant whose refresh token lives once: everything, so that a restart spends no refresh token.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Grant, Scheme};
use crate::clock::{later, until};
use crate::redact::Secret;

/// A stored access token that lives shorter is not taken up again.
const WORTH_IT: Duration = Duration::from_mins(10);

/// One row of the vault: either this as JSON, or a bare refresh token.
#[derive(Serialize, Deserialize)]
struct Row {
    refresh_token: String,
    access_token: String,
    base_url: Option<Url>,
    org_id: Option<String>,
    expires_at: Timestamp,
}

/// What the vault held.
pub(super) struct Kept {
    pub(super) refresh: Secret<String>,
    /// The access token that came with it, while it still serves.
    pub(super) grant: Option<Grant>,
}

impl Kept {
    /// Reads a row; a bare token is what it is.
    pub(super) fn read(row: Secret<String>, now: Timestamp) -> Self {
        let Ok(Row { refresh_token, access_token, base_url, org_id, expires_at }) =
            serde_json::from_str(row.expose())
        else {
            return Self { refresh: row, grant: None };
        };
        let left = until(now, expires_at);
        let grant = (left > WORTH_IT).then(|| Grant {
            access_token: Secret::new(access_token),
            scheme: Scheme::Bearer,
            instance_url: base_url,
            org_id,
            lifetime: Some(left),
        });
        Self { refresh: Secret::new(refresh_token), grant }
    }
}

/// The row for a grant; without a lifetime, only its refresh token is worth keeping.
pub(super) fn row(refresh: &Secret<String>, grant: &Grant, now: Timestamp) -> Secret<String> {
    let Some(lifetime) = grant.lifetime else { return refresh.clone() };
    let row = Row {
        refresh_token: refresh.expose().clone(),
        access_token: grant.access_token.expose().clone(),
        base_url: grant.instance_url.clone(),
        org_id: grant.org_id.clone(),
        expires_at: later(now, lifetime),
    };
    serde_json::to_string(&row).map_or_else(|_unreachable| refresh.clone(), Secret::new)
}
