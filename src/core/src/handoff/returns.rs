//! What a handoff remembers of sending back and forth: reasons per field, package versions, edits that wait for a confirmation, and what may
//! still be missing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Handoff, Phase};
use crate::completeness::Completeness;
use crate::contract::Contract;
use crate::digest::Digest;
use crate::event::Event;
use crate::exception::{Exception, OnLapse};
use crate::id::FieldKey;
use crate::package_diff::{Outline, PackageDiff, additions};
use crate::value::Package;

/// The return loop's memory.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Returns {
    /// The receiver's reason per field of the last rejection.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub reasons: BTreeMap<FieldKey, String>,
    /// The newest package version; absent = nothing was handed over yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// The package as it stood when the receiver last answered, without its values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered: Option<Answered>,
    /// Fields that were edited after the acceptance and wait for the receiver to confirm them, with the digest of what he accepted.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unconfirmed: BTreeMap<FieldKey, Digest>,
    /// The last confirmation of edits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Confirmed>,
    /// Fields that the receiver accepted as still missing.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub exceptions: BTreeMap<FieldKey, Granted>,
    /// When the exceptions were granted, as the CRM claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excepted_at: Option<Timestamp>,
    /// Things that were added to the package only after it had been accepted, over all cycles.
    #[serde(skip_serializing_if = "is_none")]
    pub late: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_none(count: &u32) -> bool {
    *count == 0
}

/// A package as it was in the receiver's hands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Counts up from 1 over all rounds and cycles; another package is another version.
    pub number: u32,
    /// Digest of the package.
    pub digest: Digest,
}

/// What the receiver last answered to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The version.
    pub number: u32,
    /// The package, without its values.
    pub outline: Outline,
}

/// A confirmation of edits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    /// The first edit that waited for it.
    pub edited: Option<Timestamp>,
    /// When the receiver confirmed.
    pub at: Timestamp,
}

/// An exception in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// Why, and until when.
    #[serde(flatten)]
    pub exception: Exception,
    /// Its day has passed, and that was said.
    #[serde(default)]
    pub lapsed: bool,
}

impl Returns {
    /// Whether there is nothing to remember.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What outlives the end of a cycle.
    pub(super) fn carried(self) -> Self {
        Self { version: self.version, answered: self.answered, late: self.late, ..Self::default() }
    }

    /// The package is in the receiver's hands as it stands.
    pub(super) fn hand_over(&mut self, digest: &Digest) {
        let number = match &self.version {
            Some(version) if version.digest == *digest => return,
            Some(version) => version.number.saturating_add(1),
            None => 1,
        };
        self.version = Some(Version { number, digest: digest.clone() });
    }

    /// The receiver answered to the package as it stands.
    pub(super) fn answer(&mut self, package: &Package) {
        let number = self.version.as_ref().map_or(0, |version| version.number);
        self.answered = Some(Answered { number, outline: Outline::of(package) });
    }

    /// Counts what is added to an accepted package.
    pub(super) fn count_late(&mut self, package: &Package, set: &Package) {
        let expected: Package = set
            .iter()
            .filter(|(key, _)| !self.exceptions.contains_key(*key))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        self.late = self.late.saturating_add(additions(package, &expected));
    }

    /// What changed since the receiver last answered; `None` = he has not answered yet.
    pub fn changed(&self, package: &Package) -> Option<(u32, PackageDiff)> {
        let answered = self.answered.as_ref()?;
        Some((answered.number, answered.outline.diff(&Outline::of(package))))
    }
}

impl Handoff {
    /// Fields that may be missing now: the receiver in force accepted them as exceptions, and their day has not passed where the contract
    /// re-opens on that.
    pub fn excepted(&self, contract: &Contract, now: Timestamp) -> BTreeSet<FieldKey> {
        let reopens = contract.exceptions.on_lapse == OnLapse::Reopen;
        let stands = |granted: &Granted| !(reopens && granted.exception.due <= now);
        let exceptions = self.returns.exceptions.iter().filter(|(_, granted)| stands(granted));
        exceptions.map(|(key, _)| key.clone()).collect()
    }

    /// When the next exception falls due that has not lapsed yet.
    pub fn exception_due(&self) -> Option<Timestamp> {
        let open = self.returns.exceptions.values().filter(|granted| !granted.lapsed);
        open.map(|granted| granted.exception.due).min().filter(|_| self.phase == Phase::Accepted)
    }

    pub(super) fn note_return(&mut self, event: &Event) {
        if let Event::ExceptionsGranted { act, at, exceptions, .. } = event {
            self.consumed.insert(act, *at);
            let granted = exceptions.iter();
            let granted =
                granted.map(|(key, each)| (key.clone(), Granted { exception: each.clone(), lapsed: false }));
            self.returns.exceptions = granted.collect();
            self.returns.excepted_at = Some(*at);
        } else if let Event::ExceptionsMet { fields } = event {
            self.returns.exceptions.retain(|key, _| !fields.contains(key));
        } else if let Event::ExceptionsLapsed { fields, .. } = event {
            let lapsed = self.returns.exceptions.iter_mut().filter(|(key, _)| fields.contains(*key));
            lapsed.for_each(|(_, granted)| granted.lapsed = true);
        } else if let Event::ConfirmationNeeded { fields } = event {
            self.returns.unconfirmed.clone_from(fields);
        } else if let Event::Confirmed { act, at, .. } = event {
            self.confirm(act, *at);
        } else if let Event::Absorbed { records } = event {
            self.absorbed.clone_from(records);
        }
    }

    /// The receiver confirmed what was edited; the acceptance covers it already.
    fn confirm(&mut self, act: &str, at: Timestamp) {
        self.consumed.insert(act, at);
        let edited = self.returns.unconfirmed.keys().filter_map(|key| self.edits.get(key)).min().copied();
        self.returns.confirmed = Some(Confirmed { edited, at });
        self.returns.unconfirmed.clear();
        let package = self.package_digest();
        self.returns.hand_over(&package);
        self.returns.answer(&self.package);
    }

    /// Whether edits wait for the receiver to confirm them.
    pub fn awaits_confirmation(&self) -> bool {
        self.phase == Phase::Accepted && !self.returns.unconfirmed.is_empty()
    }
}

/// Lets fields count as filled that may be missing.
pub(crate) fn waive(completeness: &mut Completeness, excepted: &BTreeSet<FieldKey>) {
    completeness.missing.retain(|finding| !excepted.contains(&finding.field));
    let waived = excepted.iter().filter(|key| completeness.required.contains(*key)).cloned();
    completeness.filled.extend(waived);
}
