//! Connections: hosts, logins, paces.

use handoff_core::registry::{quoted, suggestion};
use url::{Host, Url};

use super::{Found, secret};
use crate::config::{Auth, Config, Connection};

/// Connectors that this program has.
pub(crate) const CONNECTORS: &[&str] = &["salesforce"];

pub(super) fn all(config: &Config, found: &mut Found) {
    if config.connection.is_empty() {
        found.wrong(&["connection"], "there is no connection", "add [connection.NAME] for your CRM");
    }
    for (id, connection) in &config.connection {
        let name = id.as_str();
        let plain = name.chars().all(|each| each.is_ascii_alphanumeric() || "-_".contains(each));
        if name.is_empty() || name.len() > 40 || !plain {
            found.wrong(
                &["connection", name],
                "a connection's name is part of addresses",
                "use 1 to 40 letters, digits, - and _",
            );
        }
        one(name, connection, found);
    }
}

fn one(name: &str, connection: &Connection, found: &mut Found) {
    let at = |key: &'static str| ["connection", name, key];
    if !CONNECTORS.contains(&connection.connector.as_str()) {
        let message = format!("there is no connector {}", quoted(&connection.connector));
        found.wrong(&at("connector"), message, suggestion(&connection.connector, CONNECTORS));
    }
    host(&connection.login_url, &at("login_url"), found);
    auth(name, &connection.auth, found);
    for (index, each) in connection.webhook_secrets.iter().enumerate() {
        secret(each, &["connection", name, "webhook_secrets", &index.to_string()], found);
    }
    if connection.webhook_secrets.len() > 2 {
        found.wrong(
            &at("webhook_secrets"),
            "more than two secrets are accepted at once",
            "keep the current one and, while it is rotated, the old one",
        );
    }
    if connection.webhook_secrets.is_empty() {
        found.advise(
            &at("webhook_secrets"),
            "without a secret every webhook is refused; changes are found by polling only",
            "add a secret and give it to the CRM's outbound message",
        );
    }
    if connection.api_version.as_deref().is_some_and(|version| !is_version(version)) {
        found.wrong(&at("api_version"), "not an API version", "write it like \"62.0\", or leave it out");
    }
    if connection.org_id.is_none() {
        found.wrong(
            &["connection", name],
            "org_id is missing: without it a token of another org could not be refused",
            "copy the Organization ID from Setup, Company Information",
        );
    }
    if connection.org_id.as_deref().is_some_and(|id| !is_org(id)) {
        found.wrong(
            &at("org_id"),
            "not a Salesforce organization id",
            "copy the 15 or 18 characters that begin with 00D from Setup, Company Information",
        );
    }
    if !(5..=86_400).contains(&connection.poll_seconds) {
        found.wrong(&at("poll_seconds"), "poll_seconds is out of range", "write 5 to 86400 seconds");
    }
    if !(1..=100).contains(&connection.daily_share_percent) {
        found.wrong(
            &at("daily_share_percent"),
            "daily_share_percent is out of range",
            "write 1 to 100 percent",
        );
    }
    if !(30..=86_400).contains(&connection.overlap_seconds) {
        found.wrong(
            &at("overlap_seconds"),
            "overlap_seconds is out of range: a shorter look back misses rows that became visible late",
            "write 30 to 86400 seconds",
        );
    }
}

fn auth(name: &str, auth: &Auth, found: &mut Found) {
    let mut check = |key: &str, each: &crate::config::SecretRef| {
        secret(each, &["connection", name, "auth", key], found);
    };
    match auth {
        Auth::ClientCredentials { client_id, client_secret } => {
            check("client_id", client_id);
            check("client_secret", client_secret);
        }
        Auth::JwtBearer { client_id, username, audience, private_key } => {
            check("client_id", client_id);
            check("private_key", private_key);
            host(audience, &["connection", name, "auth", "audience"], found);
            if username.trim().is_empty() {
                found.wrong(
                    &["connection", name, "auth", "username"],
                    "is empty",
                    "write the user to act as",
                );
            }
        }
        Auth::RefreshToken { client_id, client_secret, refresh_token } => {
            check("client_id", client_id);
            check("refresh_token", refresh_token);
            if let Some(client_secret) = client_secret {
                check("client_secret", client_secret);
            }
        }
    }
}

/// A host over https; http only on loopback, where the sandbox listens.
fn host(text: &str, at: &[&str], found: &mut Found) {
    let remedy = "write it like \"https://acme.my.salesforce.com\"";
    let Ok(url) = Url::parse(text) else {
        found.wrong(at, "not a web address", remedy);
        return;
    };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
        found.wrong(at, "only https is spoken", remedy);
    }
    if !url.username().is_empty() || url.password().is_some() {
        found.wrong(at, "an address carries no user name or password", remedy);
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        found.wrong(at, "only the host is needed", remedy);
    }
}

fn is_version(text: &str) -> bool {
    text.split_once('.').is_some_and(|(major, minor)| {
        minor == "0" && (2..=3).contains(&major.len()) && major.bytes().all(|each| each.is_ascii_digit())
    })
}

fn is_org(text: &str) -> bool {
    matches!(text.len(), 15 | 18)
        && text.starts_with("00D")
        && text.bytes().all(|each| each.is_ascii_alphanumeric())
}
