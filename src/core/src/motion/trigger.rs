//! Re-unification triggers as people write them: an event, a span after one, or a condition.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use rust_decimal::Decimal;
use thiserror::Error;

/// Longest trigger in characters.
const MAX_CHARS: usize = 200;
/// Longest span in days, weeks or months.
const MAX_COUNT: u32 = 3_660;

/// What brings a relationship back into one hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// At an event, or a span after it.
    After {
        /// How long after; nothing = at once.
        span: Option<Span>,
        /// The event's name in the mapping's `[beside.moments]`.
        event: String,
    },
    /// While a measure compares, without a break, for so many days.
    While {
        /// The measure's name in the mapping's `[beside.measures]`.
        measure: String,
        /// How it compares.
        comparison: Comparison,
        /// With what.
        bound: Decimal,
        /// For how many days; 0 = at once.
        days: u32,
    },
}

/// A span of the calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// Days.
    Days(u32),
    /// Weeks.
    Weeks(u32),
    /// Calendar months: from the last day of a long month to the last day of a shorter one.
    Months(u32),
}

/// How a measure compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `>=`
    AtLeast,
    /// `>`
    Above,
    /// `<=`
    AtMost,
    /// `<`
    Below,
}

/// A text that is no trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "this is no re-unification trigger: write an event (go_live), a span after one (6 months after go_live), or a condition (health >= 80 for 30 days)"
)]
pub struct TriggerError;

impl FromStr for Trigger {
    type Err = TriggerError;

    fn from_str(text: &str) -> Result<Self, TriggerError> {
        if text.chars().count() > MAX_CHARS {
            return Err(TriggerError);
        }
        let lower = text.trim().trim_end_matches('.').to_lowercase();
        if let Some((span, event)) = lower.split_once(" after ") {
            return Ok(Self::After { span: Some(parse_span(span)?), event: event_name(event)? });
        }
        for (sign, comparison) in [
            (">=", Comparison::AtLeast),
            ("<=", Comparison::AtMost),
            (">", Comparison::Above),
            ("<", Comparison::Below),
        ] {
            if let Some((measure, rest)) = lower.split_once(sign) {
                let (bound, days) = match rest.split_once(" for ") {
                    Some((bound, span)) => (bound, parse_days(span)?),
                    None => (rest, 0),
                };
                let bound = bound.trim().parse().map_err(|_not_a_number| TriggerError)?;
                return Ok(Self::While { measure: event_name(measure)?, comparison, bound, days });
            }
        }
        Ok(Self::After { span: None, event: event_name(&lower)? })
    }
}

/// A name as the mapping spells it: spaces and hyphens are underscores.
fn event_name(text: &str) -> Result<String, TriggerError> {
    let text = text.trim().trim_start_matches("the ").trim();
    let name: String =
        text.split([' ', '-', '_']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_");
    let plain = name.chars().all(|each| each.is_ascii_alphanumeric() || each == '_');
    let starts = name.starts_with(|first: char| first.is_ascii_alphabetic());
    if plain && starts && name.len() <= 64 { Ok(name) } else { Err(TriggerError) }
}

fn parse_span(text: &str) -> Result<Span, TriggerError> {
    let mut words = text.split_whitespace();
    let (Some(count), Some(unit), None) = (words.next(), words.next(), words.next()) else {
        return Err(TriggerError);
    };
    let count = parse_count(count)?;
    match unit {
        "day" | "days" => Ok(Span::Days(count)),
        "week" | "weeks" => Ok(Span::Weeks(count)),
        "month" | "months" => Ok(Span::Months(count)),
        "year" | "years" => Ok(Span::Months(count.checked_mul(12).ok_or(TriggerError)?)),
        _ => Err(TriggerError),
    }
}

fn parse_count(text: &str) -> Result<u32, TriggerError> {
    let words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    let spelled = (0_u32..).zip(words).find(|(_, word)| *word == text).map(|(count, _)| count);
    let count = spelled.map_or_else(|| text.parse().map_err(|_not_a_number| TriggerError), Ok)?;
    if (1..=MAX_COUNT).contains(&count) { Ok(count) } else { Err(TriggerError) }
}

fn parse_days(text: &str) -> Result<u32, TriggerError> {
    match parse_span(text)? {
        Span::Days(days) => Ok(days),
        Span::Weeks(weeks) => weeks.checked_mul(7).ok_or(TriggerError),
        Span::Months(_) => Err(TriggerError),
    }
}

impl Span {
    /// The moment this long after another, by the calendar in UTC.
    pub fn after(self, from: Timestamp) -> Option<Timestamp> {
        let span = match self {
            Self::Days(days) => i64::from(days).days(),
            Self::Weeks(weeks) => i64::from(weeks).weeks(),
            Self::Months(months) => i64::from(months).months(),
        };
        Some(from.to_zoned(TimeZone::UTC).checked_add(span).ok()?.timestamp())
    }
}

impl Comparison {
    /// Whether a value compares.
    pub fn holds(self, value: Decimal, bound: Decimal) -> bool {
        match self {
            Self::AtLeast => value >= bound,
            Self::Above => value > bound,
            Self::AtMost => value <= bound,
            Self::Below => value < bound,
        }
    }
}

impl Trigger {
    /// When it fires for an event at this moment; `None` for conditions and for what is beyond the calendar.
    pub fn fires_after(&self, event: Timestamp) -> Option<Timestamp> {
        match self {
            Self::After { span: None, .. } => Some(event),
            Self::After { span: Some(span), .. } => span.after(event),
            Self::While { .. } => None,
        }
    }

    /// When a condition that holds since this moment has held long enough.
    pub fn fires_when_steady(&self, since: Timestamp) -> Option<Timestamp> {
        match self {
            Self::While { days, .. } => {
                since.checked_add(SignedDuration::from_hours(i64::from(*days) * 24)).ok()
            }
            Self::After { .. } => None,
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = match self {
            Self::Days(count) => (count, "day"),
            Self::Weeks(count) => (count, "week"),
            Self::Months(count) => (count, "month"),
        };
        write!(f, "{count} {unit}{}", if *count == 1 { "" } else { "s" })
    }
}

/// As people write it; parsing it again gives the same trigger.
impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After { span: None, event } => f.write_str(event),
            Self::After { span: Some(span), event } => write!(f, "{span} after {event}"),
            Self::While { measure, comparison, bound, days } => {
                let sign = match comparison {
                    Comparison::AtLeast => ">=",
                    Comparison::Above => ">",
                    Comparison::AtMost => "<=",
                    Comparison::Below => "<",
                };
                write!(f, "{measure} {sign} {bound}")?;
                if *days > 0 { write!(f, " for {}", Span::Days(*days)) } else { Ok(()) }
            }
        }
    }
}
