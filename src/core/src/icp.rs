//! The ideal customer profile as a versioned rule: criteria over fields, and what a record makes of them. The version that judged is stamped
//! beside the judgement, with a digest of the criteria: a profile that was changed under its old name is another one.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::mapping::ReadPath;

#[cfg(test)]
mod tests;

/// The profile in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Icp {
    /// Its version, e.g. `2026-Q4`.
    pub version: String,
    /// What the contract calls the three outcomes.
    pub names: Names,
    /// The criteria, by name.
    pub criteria: BTreeMap<String, Criterion>,
}

/// What the contract calls the outcomes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// Every criterion holds.
    pub full: String,
    /// Some hold, and all that must.
    pub partial: String,
    /// One that must hold does not, or none does.
    pub none: String,
}

/// One criterion: a value, and what it has to be. All that is said has to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Criterion {
    /// Where the value is found: `field`, `take` or `count`.
    pub read: ReadPath,
    /// The value is one of these, without regard to case.
    #[serde(default)]
    pub any: Vec<String>,
    /// The value is none of these, without regard to case.
    #[serde(default)]
    pub not: Vec<String>,
    /// The value is a number of at least this.
    #[serde(default)]
    pub at_least: Option<u64>,
    /// The value is a number of at most this.
    #[serde(default)]
    pub at_most: Option<u64>,
    /// Without it there is no match at all.
    #[serde(default)]
    pub must: bool,
}

/// What of the judgement a part takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IcpTake {
    /// How well the record fits, in the contract's words.
    Match,
    /// The version that says so.
    Version,
}

/// How well a record fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// Not at all.
    None,
    /// In part.
    Partial,
    /// In everything.
    Full,
}

impl Criterion {
    /// Whether a value meets it; a number that is asked for and is none does not.
    pub fn holds(&self, value: &str) -> bool {
        let value = value.trim();
        let among =
            |list: &[String]| list.iter().any(|each| each.trim().to_lowercase() == value.to_lowercase());
        let number = value.parse::<Decimal>().ok().or_else(|| Decimal::from_scientific(value).ok());
        let fits = |bound: Option<u64>, keeps: fn(Decimal, Decimal) -> bool| {
            bound.is_none_or(|bound| number.is_some_and(|number| keeps(number, Decimal::from(bound))))
        };
        (self.any.is_empty() || among(&self.any))
            && !among(&self.not)
            && fits(self.at_least, |number, bound| number >= bound)
            && fits(self.at_most, |number, bound| number <= bound)
    }
}

impl Icp {
    /// How well a record with these values fits; an empty value is unknown. `None` = nobody can tell: nothing is known, or not whether
    /// something holds that must.
    pub fn fit(&self, value: impl Fn(&ReadPath) -> Option<String>) -> Option<Fit> {
        let (mut known, mut held) = (0_usize, 0_usize);
        let (mut broken, mut open) = (false, false);
        for criterion in self.criteria.values() {
            let holds = value(&criterion.read)
                .filter(|value| !value.trim().is_empty())
                .map(|value| criterion.holds(&value));
            known += usize::from(holds.is_some());
            held += usize::from(holds == Some(true));
            broken |= criterion.must && holds == Some(false);
            open |= criterion.must && holds.is_none();
        }
        match () {
            () if broken => Some(Fit::None),
            () if open || known == 0 => None,
            () if held == self.criteria.len() => Some(Fit::Full),
            () if held == 0 => Some(Fit::None),
            () => Some(Fit::Partial),
        }
    }

    /// What the contract calls this outcome.
    pub fn name(&self, fit: Fit) -> &str {
        match fit {
            Fit::Full => &self.names.full,
            Fit::Partial => &self.names.partial,
            Fit::None => &self.names.none,
        }
    }

    /// The version with the first eight digits of the digest of its criteria, e.g. `2026-Q4#1a2b3c4d`.
    pub fn stamp(&self) -> String {
        let digest: String = Digest::of(&self.criteria).to_string().chars().take(8).collect();
        format!("{}#{digest}", self.version)
    }
}
