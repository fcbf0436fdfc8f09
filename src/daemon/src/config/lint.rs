//! What a well-formed configuration may still get wrong. All checks run.

mod clock;
mod concrete;
mod connection;
mod evidence;
mod facts;
mod feed;
mod govern;
mod people;
mod rediscovery;
mod tasks;

use std::net::SocketAddr;

use handoff_core::lint::Complaint;
use handoff_core::registry::Registry;

use super::{Config, SecretRef};
pub(super) use govern::written;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Must be mended.
    pub(super) complaints: Vec<Complaint>,
    /// Should be looked at.
    pub(super) advice: Vec<Complaint>,
}

impl Found {
    fn wrong(&mut self, at: &[&str], message: impl Into<String>, remedy: impl Into<String>) {
        self.complaints.push(Complaint::new(at, message, remedy));
    }

    fn advise(&mut self, at: &[&str], message: impl Into<String>, remedy: impl Into<String>) {
        self.advice.push(Complaint::new(at, message, remedy));
    }
}

/// Judges a configuration.
pub(super) fn config(config: &Config, registry: &Registry) -> Found {
    let mut found = Found::default();
    http(config, &mut found);
    audit(config, &mut found);
    commission(config, &mut found);
    connection::all(config, &mut found);
    govern::all(config, registry, &mut found);
    evidence::all(config, registry, &mut found);
    rediscovery::all(config, registry, &mut found);
    feed::all(config, registry, &mut found);
    facts::all(config, &mut found);
    people::all(config, registry, &mut found);
    clock::all(config, registry, &mut found);
    tasks::all(config, registry, &mut found);
    concrete::all(config, &mut found);
    found
}

fn commission(config: &Config, found: &mut Found) {
    if !(5..=10).contains(&config.commission.quality_weight_percent) {
        found.wrong(
            &["commission", "quality_weight_percent"],
            "the quality weight is out of bounds: less is no signal, more is a pay plan",
            "write 5 to 10",
        );
    }
}

fn http(config: &Config, found: &mut Found) {
    let http = &config.http;
    let at = ["http", "listen"];
    match http.listen.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() || http.token.is_some() => {}
        Ok(_) => found.wrong(
            &at,
            "everybody who reaches this address could read the handoffs",
            "add http.token, or listen on 127.0.0.1",
        ),
        Err(_) => found.wrong(
            &at,
            "not an address with a port",
            "write it like \"127.0.0.1:8642\" or \"[::1]:8642\"",
        ),
    }
    if let Some(token) = &http.token {
        secret(token, &["http", "token"], found);
    }
    if !(1_024..=67_108_864).contains(&http.max_body_bytes) {
        found.wrong(
            &["http", "max_body_bytes"],
            "max_body_bytes is out of range",
            "write 1024 to 67108864 bytes",
        );
    }
}

fn audit(config: &Config, found: &mut Found) {
    let origin = config.audit.origin.as_str();
    let at = ["audit", "origin"];
    let plain = origin.chars().all(|each| each.is_ascii_graphic() && each != '+');
    if origin.is_empty() || origin.len() > 200 || !plain {
        found.wrong(
            &at,
            "an origin is 1 to 200 visible characters without spaces and plus signs",
            "write a name that only you use, like \"acme.example/handoffd\"",
        );
    } else if origin == super::Audit::default().origin {
        found.advise(
            &at,
            "the origin is the example's, so that your checkpoints look like those of others",
            "write a name that only you use, like \"acme.example/handoffd\"",
        );
    }
}

/// A secret lies in exactly one place.
fn secret(secret: &SecretRef, at: &[&str], found: &mut Found) {
    let remedy = "write { env = \"NAME\" } or { file = \"/path\" }";
    match (&secret.env, &secret.file) {
        (Some(name), None) if name.is_empty() || name.contains('=') => {
            found.wrong(at, "not the name of an environment variable", remedy);
        }
        (Some(_), None) | (None, Some(_)) => {}
        (None, None) => found.wrong(at, "the secret's place is missing", remedy),
        (Some(_), Some(_)) => found.wrong(at, "the secret has two places", remedy),
    }
}
