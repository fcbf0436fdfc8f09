//! Connections: hosts, logins, deliveries, paces.

use handoff_core::registry::{quoted, suggestion};
use url::{Host, Url};

use super::{Found, secret};
use crate::config::connection::word;
use crate::config::vendor::{self, Vendor};
use crate::config::{Auth, Config, Connection, WebhookProof};

/// Most keys in force at once: one per automation rule of Gong's, else the current and the old one.
const GONG_KEYS: usize = 8;

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
        if let Some(vendor) = connection.vendor() {
            one(name, connection, vendor, found);
        } else {
            let message = format!("there is no connector {}", quoted(&connection.connector));
            let remedy = suggestion(&connection.connector, &vendor::names());
            found.wrong(&["connection", name, "connector"], message, remedy);
        }
        common(name, connection, found);
    }
}

/// What is the same for every vendor.
fn common(name: &str, connection: &Connection, found: &mut Found) {
    let at = |key: &'static str| ["connection", name, key];
    for (key, each) in connection.auth.secrets() {
        secret(each, &["connection", name, "auth", key], found);
    }
    for (index, each) in connection.webhook_secrets.iter().enumerate() {
        secret(each, &["connection", name, "webhook_secrets", &index.to_string()], found);
    }
    if connection.poll_seconds.is_some_and(|seconds| !(5..=86_400).contains(&seconds)) {
        found.wrong(&at("poll_seconds"), "poll_seconds is out of range", "write 5 to 86400 seconds");
    }
    if connection.daily_share_percent.is_some_and(|percent| !(1..=100).contains(&percent)) {
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

/// What differs by vendor.
fn one(name: &str, connection: &Connection, vendor: &Vendor, found: &mut Found) {
    let like = format!("write it like \"{}\"", vendor.example);
    match connection.address() {
        Some(address) => host(address, &["connection", name, "login_url"], &like, found),
        None => found.wrong(&["connection", name], "login_url is missing", like.clone()),
    }
    auth(name, connection, vendor, &like, found);
    deliveries(name, connection, vendor, found);
    version(name, connection, vendor, found);
    org(name, connection, vendor, found);
    if vendor.name == "gong" {
        gong(name, connection, found);
    }
    app(name, connection, found);
    elsewhere(name, connection, vendor, found);
}

fn app(name: &str, connection: &Connection, found: &mut Found) {
    if connection.app_id.as_deref().is_some_and(|id| !is_digits(id, 20)) {
        found.wrong(
            &["connection", name, "app_id"],
            "not an app id",
            "copy the digits from the app's settings",
        );
    }
}

fn auth(name: &str, connection: &Connection, vendor: &Vendor, like: &str, found: &mut Found) {
    let at = |key: &'static str| ["connection", name, "auth", key];
    if !vendor.auth.contains(&connection.auth.kind()) {
        let offered: Vec<String> = vendor.auth.iter().map(|kind| quoted(word(*kind))).collect();
        let message = format!("{} does not know this way to log in", vendor.name);
        found.wrong(&["connection", name, "auth"], message, format!("write kind = {}", offered.join(" or ")));
    }
    match &connection.auth {
        Auth::JwtBearer { username, audience, .. } => {
            host(audience, &at("audience"), like, found);
            if username.trim().is_empty() {
                found.wrong(&at("username"), "is empty", "write the user to act as");
            }
        }
        Auth::RefreshToken { client_secret, token_url, .. } => {
            if let Some(token_url) = token_url {
                let remedy = "write the vendor's token endpoint, or leave it out";
                let _ = web(token_url, &at("token_url"), remedy, found);
            }
            if client_secret.is_none() && vendor.name != "salesforce" {
                let message = format!(
                    "client_secret is missing: {} refreshes for confidential clients only",
                    vendor.name
                );
                found.wrong(&["connection", name, "auth"], message, "add client_secret");
            }
        }
        Auth::ClientCredentials { .. } | Auth::StaticToken { .. } | Auth::AccessKey { .. } => {}
    }
}

fn deliveries(name: &str, connection: &Connection, vendor: &Vendor, found: &mut Found) {
    let at = |key: &'static str| ["connection", name, key];
    let (most, many, remedy) = match vendor.name {
        "gong" => (
            GONG_KEYS,
            "more than eight keys are accepted at once",
            "let fewer automation rules call this address",
        ),
        _ => (
            2,
            "more than two secrets are accepted at once",
            "keep the current one and, while it is rotated, the old one",
        ),
    };
    if connection.webhook_secrets.len() > most {
        found.wrong(&at("webhook_secrets"), many, remedy);
    }
    if connection.webhook_secrets.is_empty() {
        let remedy = match vendor.name {
            "hubspot" => "add the app's client secret and webhook_url",
            "gong" => "add the public key of the automation rule and webhook_url",
            _ => "add a secret and give it to the CRM's outbound message",
        };
        found.advise(
            &at("webhook_secrets"),
            "without a secret every webhook is refused; changes are found by polling only",
            remedy,
        );
    }
    if let Some(url) = &connection.webhook_url {
        let _ = web(url, &at("webhook_url"), "write the whole public address as the vendor calls it", found);
    }
    let signed = vendor.name != "salesforce" && connection.webhook_proof == WebhookProof::Signature;
    if signed && !connection.webhook_secrets.is_empty() && connection.webhook_url.is_none() {
        let message = format!("webhook_url is missing: {} signs the address that it calls", vendor.name);
        let remedy =
            format!("write webhook_url = \"https://YOUR.HOST/webhooks/{name}\" as the vendor calls it");
        found.wrong(&["connection", name], message, remedy);
    }
    if !signed && connection.webhook_url.is_some() {
        found.advise(&at("webhook_url"), "nothing here signs an address, so it is not used", "leave it out");
    }
}

fn version(name: &str, connection: &Connection, vendor: &Vendor, found: &mut Found) {
    let Some(version) = connection.api_version.as_deref() else { return };
    let remedy = match vendor.name {
        "salesforce" if !is_numbered(version) => "write it like \"62.0\", or leave it out",
        "hubspot" if version != "v3" && !is_dated(version) => {
            "write it like \"2026-09\" or \"v3\", or leave it out"
        }
        "gong" => "leave it out: Gong has one version",
        _ => return,
    };
    found.wrong(&["connection", name, "api_version"], "not an API version", remedy);
}

fn org(name: &str, connection: &Connection, vendor: &Vendor, found: &mut Found) {
    let (missing, wrong, remedy) = match vendor.name {
        "salesforce" => (
            "copy the Organization ID from Setup, Company Information",
            "not a Salesforce organization id",
            "copy the 15 or 18 characters that begin with 00D from Setup, Company Information",
        ),
        "hubspot" => {
            let remedy = "copy the Hub ID, a number, from the account menu";
            (remedy, "not a HubSpot Hub ID", remedy)
        }
        _ => {
            if connection.org_id.is_some() {
                let message = format!("{} does not say which company a token is for", vendor.name);
                found.wrong(&["connection", name, "org_id"], message, "leave it out");
            }
            return;
        }
    };
    match connection.org_id.as_deref() {
        None => found.wrong(
            &["connection", name],
            "org_id is missing: without it a token of another org could not be refused",
            missing,
        ),
        Some(id)
            if vendor.name == "salesforce" && !is_org(id)
                || vendor.name == "hubspot" && !is_digits(id, 12) =>
        {
            found.wrong(&["connection", name, "org_id"], wrong, remedy);
        }
        Some(_) => {}
    }
}

fn gong(name: &str, connection: &Connection, found: &mut Found) {
    let at = |key: &'static str| ["connection", name, key];
    if connection.workspace.as_deref().is_some_and(|id| !is_digits(id, 20)) {
        found.wrong(
            &at("workspace"),
            "not a workspace id",
            "copy the digits of its id from GET /v2/workspaces",
        );
    }
    if connection.lookback_days.is_some_and(|days| !(1..=90).contains(&days)) {
        found.wrong(
            &at("lookback_days"),
            "out of range: a shorter look back misses calls that were processed late",
            "write 1 to 90 days",
        );
    }
    if connection.poll_seconds.is_some_and(|seconds| (5..300).contains(&seconds)) {
        found.advise(
            &at("poll_seconds"),
            "every pass reads the whole look-back window, and the company has 10,000 calls a day for everybody",
            "write 300 or more: calls take minutes to appear anyway",
        );
    }
}

/// Keys that only another vendor has.
fn elsewhere(name: &str, connection: &Connection, vendor: &Vendor, found: &mut Found) {
    let keys = [
        ("app_id", connection.app_id.is_some(), "hubspot", "HubSpot"),
        ("workspace", connection.workspace.is_some(), "gong", "Gong"),
        ("lookback_days", connection.lookback_days.is_some(), "gong", "Gong"),
        ("webhook_proof", connection.webhook_proof != WebhookProof::default(), "gong", "Gong"),
    ];
    for (key, _, _, only) in keys.into_iter().filter(|(_, written, of, _)| *written && *of != vendor.name) {
        let message = format!("{} has no {key}: only {only} does", vendor.name);
        found.wrong(&["connection", name, key], message, "leave it out");
    }
}

/// An address over https; http only on loopback, where the sandbox listens.
fn web(text: &str, at: &[&str], remedy: &str, found: &mut Found) -> Option<Url> {
    let Ok(url) = Url::parse(text) else {
        found.wrong(at, "not a web address", remedy);
        return None;
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
    Some(url)
}

/// The same without path, query and fragment.
fn host(text: &str, at: &[&str], remedy: &str, found: &mut Found) {
    let Some(url) = web(text, at, remedy, found) else { return };
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        found.wrong(at, "only the host is needed", remedy);
    }
}

fn is_numbered(text: &str) -> bool {
    text.split_once('.').is_some_and(|(major, minor)| minor == "0" && major.len() >= 2 && is_digits(major, 3))
}

fn is_dated(text: &str) -> bool {
    text.split_once('-').is_some_and(|(year, month)| {
        year.len() == 4 && month.len() == 2 && is_digits(year, 4) && is_digits(month, 2)
    })
}

fn is_digits(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|each| each.is_ascii_digit())
}

fn is_org(text: &str) -> bool {
    matches!(text.len(), 15 | 18)
        && text.starts_with("00D")
        && text.bytes().all(|each| each.is_ascii_alphanumeric())
}
