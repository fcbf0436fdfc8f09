//! The hours of one day, as people write them: `09:00-17:00`, or `09:00-12:00, 13:00-17:00`.

use std::fmt;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Most spans of one day.
const MOST: usize = 12;

/// Working hours of one day: spans of the wall clock, in order, apart from each other; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Hours(Vec<Range<u32>>);

/// Hours that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadHours {
    /// Not `HH:MM-HH:MM`.
    #[error("hours are written like \"09:00-17:00\" or \"09:00-12:00, 13:00-17:00\", from 00:00 to 24:00")]
    Form,
    /// A span that does not end after it begins, or begins before the one before it has ended.
    #[error(
        "spans of hours go forward and do not overlap: write the night of one day up to 24:00 and the rest on the next day"
    )]
    Order,
}

impl Hours {
    /// Spans as seconds of the wall clock's day, 0 to 86,400.
    pub(super) fn spans(&self) -> &[Range<u32>] {
        &self.0
    }

    /// Hours from 00:00 to 24:00.
    pub fn whole_day() -> Self {
        Self(std::iter::once(0..86_400).collect())
    }
}

impl TryFrom<String> for Hours {
    type Error = BadHours;

    fn try_from(text: String) -> Result<Self, BadHours> {
        let mut spans: Vec<Range<u32>> = Vec::new();
        for piece in text.split(',') {
            let (from, to) = piece.split_once('-').ok_or(BadHours::Form)?;
            let span = time(from).ok_or(BadHours::Form)?..time(to).ok_or(BadHours::Form)?;
            let after = spans.last().map_or(0, |last| last.end);
            if span.is_empty() || span.start < after {
                return Err(BadHours::Order);
            }
            spans.push(span);
        }
        if spans.len() > MOST { Err(BadHours::Form) } else { Ok(Self(spans)) }
    }
}

fn time(text: &str) -> Option<u32> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let two = |text: &str| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>().ok().filter(|_| digits)
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    let seconds = hours * 3_600 + minutes * 60;
    (minutes < 60 && seconds <= 86_400).then_some(seconds)
}

impl From<Hours> for String {
    fn from(hours: Hours) -> Self {
        hours.to_string()
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, span) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let clock = |seconds: u32| format!("{:02}:{:02}", seconds / 3_600, seconds / 60 % 60);
            write!(f, "{comma}{}-{}", clock(span.start), clock(span.end))?;
        }
        Ok(())
    }
}
