//! Every version of a package that was in the receiver's hands, told from its handoff's log.

use jiff::Timestamp;

use crate::digest::Digest;
use crate::handoff::{Handoff, Stamp};
use crate::journal::LogEntry;
use crate::package_diff::PackageDiff;
use crate::value::Package;

/// One version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageVersion {
    /// From 1, over all rounds and cycles.
    pub number: u32,
    /// Digest of the package.
    pub digest: Digest,
    /// The cycle it was handed over in.
    pub cycle: u32,
    /// The round it was handed over in.
    pub round: u32,
    /// When, as the log says.
    pub at: Timestamp,
    /// What it says.
    pub package: Package,
    /// What changed since the version before; since nothing for the first.
    pub changes: PackageDiff,
}

/// The versions of one handoff, from the entries of its stream in log order with their positions.
pub fn package_versions<'a>(entries: impl IntoIterator<Item = (u64, &'a LogEntry)>) -> Vec<PackageVersion> {
    let mut state: Option<Handoff> = None;
    let mut versions: Vec<PackageVersion> = Vec::new();
    for (position, entry) in entries {
        let Some((_, events)) = entry.handoff() else { continue };
        let stamp = Stamp { position, time: entry.at() };
        for event in events {
            let round = state.as_ref().map_or(1, |state| state.round);
            state = Handoff::evolve(state.take(), stamp, event);
            let Some((now, version)) = state.as_ref().and_then(|s| Some((s, s.returns.version.as_ref()?)))
            else {
                continue;
            };
            let last = versions.last();
            if last.is_some_and(|last| last.number == version.number) {
                continue;
            }
            let nothing = Package::new();
            let before = last.map_or(&nothing, |last| &last.package);
            let changes = PackageDiff::between(before, &now.package);
            versions.push(PackageVersion {
                number: version.number,
                digest: version.digest.clone(),
                cycle: now.id.cycle,
                round,
                at: stamp.time,
                package: now.package.clone(),
                changes,
            });
        }
    }
    versions
}
