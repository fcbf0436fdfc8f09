//! Which addresses may be spoken to: https, a host on the list, and never an address inside our own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use thiserror::Error;
use url::{Host, Url};

/// Why an address is refused. Carries no address: it came from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Forbidden {
    /// Not https (http only for loopback, and only when the connection allows loopback).
    #[error("only https is spoken")]
    Scheme,
    /// The URL carries a user name or a password.
    #[error("the address carries credentials")]
    Credentials,
    /// The host is not on the list.
    #[error("the host is not on the connection's list of allowed hosts")]
    Host,
    /// The host is, or resolves to, an address that is not on the public internet.
    #[error("the host leads to an address that is not public")]
    Address,
}

/// Hosts that a connection may speak to, its token endpoint's included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHosts {
    /// Lower-case host names; `*.example.com` stands for every name below `example.com`.
    pub names: Vec<String>,
    /// Whether loopback addresses may be spoken to, also over http: for the sandbox only.
    pub allow_loopback: bool,
}

impl AllowedHosts {
    /// Checks scheme, credentials and host of a URL; names are checked again by address at connect time.
    pub fn check(&self, url: &Url) -> Result<(), Forbidden> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Forbidden::Credentials);
        }
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => return Err(Forbidden::Host),
        };
        let by_loopback = loopback && self.allow_loopback;
        match url.scheme() {
            "https" => {}
            "http" if by_loopback => {}
            _ => return Err(Forbidden::Scheme),
        }
        match url.host() {
            Some(Host::Domain(name)) if by_loopback || self.listed(name) => Ok(()),
            Some(Host::Ipv4(_) | Host::Ipv6(_)) if by_loopback => Ok(()),
            Some(Host::Ipv4(_) | Host::Ipv6(_)) => Err(Forbidden::Address),
            Some(Host::Domain(_)) | None => Err(Forbidden::Host),
        }
    }

    /// Checks an address that a name resolved to, right before connecting.
    pub fn check_address(&self, address: IpAddr) -> Result<(), Forbidden> {
        let loopback = address.to_canonical().is_loopback();
        if (loopback && self.allow_loopback) || is_public(address) { Ok(()) } else { Err(Forbidden::Address) }
    }

    fn listed(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        self.names.iter().any(|name| match name.strip_prefix('*') {
            Some(suffix) => suffix.starts_with('.') && host.len() > suffix.len() && host.ends_with(suffix),
            None => host == name,
        })
    }
}

/// Whether an address is on the public internet, also when it is an IPv4 address in IPv6 clothes.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match embedded_v4(ip) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(ip),
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let reserved = match (a, b, c) {
        (0 | 10 | 127 | 224..=255, _, _)
        | (100, 64..=127, _)
        | (169, 254, _)
        | (172, 16..=31, _)
        | (192, 168, _)
        | (192, 0, 0 | 2)
        | (192, 88, 99)
        | (198, 18 | 19, _)
        | (198, 51, 100)
        | (203, 0, 113) => true,
        (_, _, _) => false,
    };
    !reserved
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [first, second, ..] = ip.segments();
    let global = first & 0xe000 == 0x2000;
    let documentation = first == 0x2001 && second == 0x0db8;
    let teredo_and_special = first == 0x2001 && second < 0x0200;
    global && !documentation && !teredo_and_special
}

/// IPv4-mapped, IPv4-compatible, IPv4-translated, NAT64 (RFC 6052) and 6to4 addresses carry the IPv4 address that is really spoken
/// to.
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let number = ip.to_bits();
    let (last, upper) = (number & 0xffff_ffff, number >> 32);
    let nat64 = 0x0064_ff9b_u128 << 64;
    let bits = match upper {
        0 | 0xffff | 0xffff_0000 => last,
        prefix if prefix == nat64 => last,
        prefix if prefix >> 80 == 0x2002 => (number >> 80) & 0xffff_ffff,
        _ => return None,
    };
    u32::try_from(bits).ok().map(Ipv4Addr::from_bits)
}
