//! Lists of trusted addresses: single ones, networks and ranges, of both families.

use std::net::IpAddr;

use crate::Error;

/// Ranges of addresses; none at all admits everyone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Networks(Vec<(IpAddr, IpAddr)>);

impl Networks {
    /// Reads `a.b.c.d`, `a.b.c.d/n` and `a-b`.
    pub(crate) fn read(lines: &[String]) -> Result<Self, Error> {
        let wrong =
            |line: &String| Error::bad(format!("{line}: give an address, a network (a/n) or a range (a-b)"));
        lines
            .iter()
            .map(|line| range(line.trim()).ok_or_else(|| wrong(line)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether the address may call.
    pub(crate) fn admit(&self, address: IpAddr) -> bool {
        self.0.is_empty() || self.0.iter().any(|(first, last)| *first <= address && address <= *last)
    }
}

fn range(line: &str) -> Option<(IpAddr, IpAddr)> {
    if let Some((first, last)) = line.split_once('-') {
        let (first, last) = (first.trim().parse::<IpAddr>().ok()?, last.trim().parse::<IpAddr>().ok()?);
        return (first.is_ipv4() == last.is_ipv4()).then_some((first, last));
    }
    let Some((address, bits)) = line.split_once('/') else {
        let address = line.parse().ok()?;
        return Some((address, address));
    };
    let bits: u32 = bits.parse().ok()?;
    match address.parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => {
            let free = u32::MAX.checked_shr(bits).unwrap_or(0);
            let first = u32::from(address) & !free;
            (bits <= 32).then(|| (IpAddr::V4(first.into()), IpAddr::V4((first | free).into())))
        }
        IpAddr::V6(address) => {
            let free = u128::MAX.checked_shr(bits).unwrap_or(0);
            let first = u128::from(address) & !free;
            (bits <= 128).then(|| (IpAddr::V6(first.into()), IpAddr::V6((first | free).into())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(lines: &[&str]) -> Networks {
        Networks::read(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn networks_and_ranges_of_both_families() {
        let list = networks(&["10.1.0.0/16", "192.0.2.5-192.0.2.9", "2001:db8::/32", "127.0.0.1"]);
        for inside in ["10.1.255.255", "192.0.2.5", "192.0.2.9", "2001:db8:ffff::1", "127.0.0.1"] {
            assert!(list.admit(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["10.2.0.0", "192.0.2.10", "2001:db9::", "127.0.0.2", "::1"] {
            assert!(!list.admit(outside.parse().unwrap()), "{outside}");
        }
        assert!(networks(&["0.0.0.0/0"]).admit("8.8.8.8".parse().unwrap()));
        assert!(networks(&[]).admit("8.8.8.8".parse().unwrap()));
        for wrong in ["10.0.0.0/33", "nonsense", "10.0.0.1-::1", "1.2.3.4/x"] {
            assert!(Networks::read(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
