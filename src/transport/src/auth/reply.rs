//! Reading a token endpoint's answer.

use handoff_connector::{Fault, Reply, classify_common};
use oauth2::basic::{BasicErrorResponse, BasicTokenType};
use oauth2::{ExtraTokenFields, StandardTokenResponse, TokenResponse};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Grant, Scheme};
use crate::redact::{self, Secret};

/// What vendors add to RFC 6749's answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Extra {
    instance_url: Option<String>,
    /// Gong's name for the same.
    api_base_url_for_customer: Option<String>,
    id: Option<String>,
    /// HubSpot's portal, a number.
    hub_id: Option<u64>,
}

impl ExtraTokenFields for Extra {}

pub(super) type TokenReply = StandardTokenResponse<Extra, BasicTokenType>;

const SHAPE: &str = "the token endpoint's answer is not what OAuth 2.0 describes";

/// Reads a grant; nothing of the answer gets into a fault.
pub(super) fn grant(reply: &TokenReply) -> Result<Grant, Fault> {
    if !matches!(reply.token_type(), BasicTokenType::Bearer) || reply.access_token().secret().is_empty() {
        return Err(malformed());
    }
    let extra = reply.extra_fields();
    let base = extra.instance_url.as_deref().or(extra.api_base_url_for_customer.as_deref());
    let instance_url = base.map(Url::parse).transpose().map_err(|_not_a_url| malformed())?;
    let hub = extra.hub_id.map(|hub| hub.to_string());
    Ok(Grant {
        access_token: Secret::new(reply.access_token().secret().clone()),
        scheme: Scheme::Bearer,
        instance_url,
        org_id: hub.or_else(|| extra.id.as_deref().and_then(org_of)),
        lifetime: reply.expires_in(),
    })
}

/// The fault of a refused or failed token call.
pub(super) fn refusal(reply: &Reply) -> Fault {
    if let Some(fault) = classify_common(reply) {
        return fault;
    }
    let status = reply.status.as_u16();
    match serde_json::from_slice::<BasicErrorResponse>(&reply.body) {
        // HubSpot's words for an account that is locked or being moved
        Ok(_) | Err(_) if matches!(status, 423 | 477) => {
            Fault::Transient { detail: format!("the token endpoint answered with status {status}") }
        }
        Ok(error) => refused(&error),
        // Gong answers in its own words, which are not repeated
        Err(_no_oauth_error) if matches!(status, 401 | 403) || (status == 400 && in_own_words(&reply.body)) => {
            Fault::Denied {
                detail: format!("the token endpoint answered with status {status}"),
                remedy: "Check the client id, the client secret and the trusted IPs for refreshing, and authorise this connection again"
                    .to_owned(),
            }
        }
        Err(_no_oauth_error) => {
            Fault::Protocol { detail: format!("{SHAPE} (status {})", reply.status.as_u16()) }
        }
    }
}

/// Whether a refusal is JSON with a list of errors, though not OAuth's.
fn in_own_words(body: &[u8]) -> bool {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    body.get("errors").is_some_and(serde_json::Value::is_array)
}

pub(super) fn malformed() -> Fault {
    Fault::Protocol { detail: SHAPE.to_owned() }
}

/// The description is only searched, never repeated: an endpoint may echo what it was sent.
fn refused(error: &BasicErrorResponse) -> Fault {
    let said = error.error_description().map(|text| text.to_lowercase()).unwrap_or_default();
    let says = |words: &str| said.contains(words);
    let name = error.error().as_ref();
    if matches!(name, "temporarily_unavailable" | "server_error") || says("retry your request") {
        return Fault::Transient { detail: format!("the token endpoint answered {}", redact::code(name)) };
    }
    if says("rate exceeded") {
        return Fault::Throttled { retry_after: None, budget: "login" };
    }
    let remedy = if says("not supported on this domain") {
        "Set the token URL to the org's My Domain (https://….my.salesforce.com)"
    } else if says("approved this consumer") {
        "Pre-authorise the app for the user's profile or permission set"
    } else if says("audience") {
        "Set the audience to the login host (https://login.salesforce.com or https://test.salesforce.com)"
    } else if says("expired access/refresh token")
        || says("expired refresh token")
        || says("refresh token is invalid")
        || name == "access_denied"
    {
        "Authorise this connection again; the refresh token is no longer valid"
    } else if says("expired authorization code") || says("invalid assertion") {
        "Check this machine's clock, the certificate uploaded to the app, the consumer key and the user name"
    } else if says("inactive user") || name == "inactive_user" {
        "Activate the integration user, or name another one"
    } else if name == "invalid_client"
        || name == "invalid_client_id"
        || says("client identifier")
        || says("client credentials")
    {
        "Check the client id and the client secret of this connection"
    } else {
        "Check the app's settings and authorise this connection again"
    };
    Fault::Denied {
        detail: format!("the token endpoint answered {}", redact::code(name)),
        remedy: remedy.to_owned(),
    }
}

/// Salesforce's identity URL: `https://login.salesforce.com/id/<org id>/<user id>`.
fn org_of(id: &str) -> Option<String> {
    let url = Url::parse(id).ok()?;
    let mut segments = url.path_segments()?;
    let (first, org) = (segments.next()?, segments.next()?);
    (first == "id" && matches!(org.len(), 15 | 18) && org.bytes().all(|b| b.is_ascii_alphanumeric()))
        .then(|| org.to_owned())
}
