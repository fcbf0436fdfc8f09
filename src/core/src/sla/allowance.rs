//! A length of working time, as people write it: `24h`, `90m`.

use std::fmt;

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Longest allowance: a year of hours.
const MOST_MINUTES: i64 = 8_760 * 60;

/// A length of working time in whole minutes, from one minute to 8,760 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Allowance(i64);

/// An allowance that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a length of time is written in hours or minutes, like \"24h\" or \"90m\", from \"1m\" to \"8760h\"")]
pub struct BadAllowance;

impl Allowance {
    /// As a duration.
    pub fn duration(self) -> SignedDuration {
        SignedDuration::from_mins(self.0)
    }
}

impl TryFrom<String> for Allowance {
    type Error = BadAllowance;

    fn try_from(text: String) -> Result<Self, BadAllowance> {
        let text = text.trim();
        let (number, unit) = match (text.strip_suffix('h'), text.strip_suffix('m')) {
            (Some(number), _) => (number, 60),
            (None, Some(number)) => (number, 1),
            (None, None) => return Err(BadAllowance),
        };
        let digits =
            !number.is_empty() && number.len() <= 6 && number.bytes().all(|byte| byte.is_ascii_digit());
        let minutes = number.parse::<i64>().ok().filter(|_| digits).map(|number| number * unit);
        minutes.filter(|minutes| (1..=MOST_MINUTES).contains(minutes)).map(Self).ok_or(BadAllowance)
    }
}

impl From<Allowance> for String {
    fn from(allowance: Allowance) -> Self {
        allowance.to_string()
    }
}

impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 % 60 == 0 { write!(f, "{}h", self.0 / 60) } else { write!(f, "{}m", self.0) }
    }
}
