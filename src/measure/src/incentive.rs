//! The incentive weight: a small part of credit that follows how senders hand over, and the scoreboard that shows it.
//!
//! The factor is `1 - w + w * q`, with a weight `w` of 5 to 10 %. `q` is the mean of what is measured of a sender (completeness, first pass, and where
//! something listens the share of accepted handoffs whose customer was not asked again), and is shrunk towards the mean of
//! all senders, so that a few handoffs move little: `(n * q + 10 * mean) / (n + 10)`, `n` being his decided handoffs. Under five decided handoffs
//! the factor is exactly 1, and nobody's own number is shown.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ledger::{MIN_N, Sender, Statement};

/// How many handoffs of an average sender everybody is given beside his own.
pub const PRIOR: u32 = 10;
/// The smallest weight in percent.
pub const LEAST_WEIGHT: u8 = 5;
/// The largest weight in percent.
pub const MOST_WEIGHT: u8 = 10;

/// Which definition a factor was made with; closed months keep theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rules {
    /// `q` as measured.
    Raw,
    /// `q` shrunk towards the mean of all senders.
    Shrunk,
    /// The same, with re-discovery as part of `q` where something tells of it.
    Heard,
}

impl Rules {
    /// The rules that new months are closed with.
    pub const NEWEST: Self = Self::Heard;

    /// By the number in the log.
    pub fn numbered(number: u32) -> Self {
        match number {
            0 | 1 => Self::Raw,
            2 => Self::Shrunk,
            3.. => Self::Heard,
        }
    }

    /// Their number in the log.
    pub fn number(self) -> u32 {
        match self {
            Self::Raw => 1,
            Self::Shrunk => 2,
            Self::Heard => 3,
        }
    }
}

/// The quality that counts: towards the mean the more, the fewer handoffs are behind it. To four digits, half away from zero.
pub fn shrunk(q: Decimal, n: usize, mean: Decimal) -> Decimal {
    let (own, prior) = (Decimal::from(n), Decimal::from(PRIOR));
    rounded((own * q + prior * mean) / (own + prior))
}

/// `1 - w + w * q`, to four digits, half away from zero; the weight is in percent.
pub fn factor(weight_percent: Decimal, q: Decimal) -> Decimal {
    let weight = weight_percent / Decimal::ONE_HUNDRED;
    rounded(Decimal::ONE - weight + weight * q)
}

/// To four digits, half away from zero.
pub(crate) fn rounded(number: Decimal) -> Decimal {
    number.round_dp_with_strategy(4, RoundingStrategy::MidpointAwayFromZero).normalize()
}

/// The scoreboard of a month: quality beside throughput.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Scoreboard {
    /// The month, e.g. `2026-10`; it and the two months before count.
    pub period: String,
    /// The quality weight in percent.
    #[schema(value_type = String, example = "5")]
    pub weight_percent: Decimal,
    /// How a factor is made.
    pub rule: String,
    /// The mean quality of all senders, weighted by their decided handoffs; absent = there is none.
    #[schema(value_type = Option<String>)]
    pub mean: Option<Decimal>,
    /// Senders with at least five decided handoffs, best first; equal ones by name.
    pub places: Vec<Place>,
    /// Senders with fewer: how many, never who.
    pub too_few: usize,
}

/// One sender's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Place {
    /// From 1; equal quality is an equal place.
    pub place: usize,
    /// The person, over all logins.
    pub person: String,
    /// Handoffs that were decided: throughput, beside quality.
    pub handoffs: usize,
    /// Mean share of mandatory fields filled at the first hand-over.
    #[schema(value_type = Option<String>)]
    pub completeness: Option<Decimal>,
    /// Share of handoffs accepted on the first submission.
    #[schema(value_type = Option<String>)]
    pub first_pass: Option<Decimal>,
    /// Share of accepted handoffs without a confirmed re-asked question; absent = fewer than five were listened to.
    #[schema(value_type = Option<String>)]
    pub re_discovery: Option<Decimal>,
    /// The quality that counts, shrunk.
    #[schema(value_type = String)]
    pub quality: Decimal,
    /// The factor that finance gets.
    #[schema(value_type = String)]
    pub factor: Decimal,
}

/// The scoreboard of a statement.
pub fn scoreboard(statement: &Statement) -> Scoreboard {
    let enough: Vec<&Sender> = statement.senders.iter().filter(|sender| sender.n >= MIN_N).collect();
    let mut places: Vec<Place> = enough.iter().filter_map(|sender| place(sender)).collect();
    places
        .sort_by(|left, right| right.quality.cmp(&left.quality).then_with(|| left.person.cmp(&right.person)));
    let mut before: Option<(Decimal, usize)> = None;
    for (number, place) in (1..).zip(&mut places) {
        let shared = before.filter(|(quality, _)| *quality == place.quality).map(|(_, number)| number);
        place.place = shared.unwrap_or(number);
        before = Some((place.quality, place.place));
    }
    Scoreboard {
        period: statement.period.clone(),
        weight_percent: statement.weight_percent,
        rule: format!(
            "factor = 1 - w + w * q; q = (n * own + {PRIOR} * mean) / (n + {PRIOR}), own = mean of completeness, first pass and re-discovery where \
             measured; under {MIN_N} decided handoffs the factor is 1"
        ),
        mean: mean(&statement.senders),
        places,
        too_few: statement.senders.len().saturating_sub(enough.len()),
    }
}

fn place(sender: &Sender) -> Option<Place> {
    let own = sender.q?;
    Some(Place {
        place: 0,
        person: sender.person.clone(),
        handoffs: sender.n,
        completeness: sender.completeness,
        first_pass: sender.first_pass,
        re_discovery: sender.re_discovery,
        quality: sender.q_shrunk.unwrap_or(own),
        factor: sender.factor,
    })
}

/// The mean quality of senders, weighted by their decided handoffs, to four digits.
fn mean(senders: &[Sender]) -> Option<Decimal> {
    pooled(senders.iter().filter_map(|sender| Some((sender.q?, sender.n))))
}

/// The mean of qualities, each weighted by its n, to four digits; `None` = nothing was decided.
pub(crate) fn pooled(of: impl Iterator<Item = (Decimal, usize)>) -> Option<Decimal> {
    let (sum, n) =
        of.fold((Decimal::ZERO, 0_usize), |(sum, total), (q, n)| (sum + q * Decimal::from(n), total + n));
    (n > 0).then(|| rounded(sum / Decimal::from(n)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_known_cohort_is_shrunk_as_by_hand() {
        // Own 0.6 over 10 handoffs, mean 0.9: (10 * 0.6 + 10 * 0.9) / 20 = 0.75; factor 1 - 0.1 + 0.075.
        let q = shrunk(decimal("0.6"), 10, decimal("0.9"));
        assert_eq!((q, factor(decimal("10"), q)), (decimal("0.75"), decimal("0.975")));
        assert_eq!(shrunk(decimal("0"), 0, decimal("0.9")), decimal("0.9"), "nothing is behind it: the mean");
        assert_eq!(pooled([(decimal("1"), 30), (decimal("0.5"), 10)].into_iter()), Some(decimal("0.875")));
        assert_eq!(pooled(std::iter::empty()), None);
        assert_eq!(Rules::numbered(Rules::NEWEST.number()), Rules::NEWEST);
        assert_eq!(Rules::numbered(0), Rules::Raw);
    }

    proptest! {
        #[test]
        fn a_factor_never_leaves_its_weight_and_more_handoffs_move_it_more(
            own in 0..=10_000_u32, mean in 0..=10_000_u32, n in 0..500_usize, weight in 5..=10_u32,
        ) {
            let part = |of: u32| Decimal::from(of) / Decimal::from(10_000);
            let (own, mean, weight) = (part(own), part(mean), Decimal::from(weight));
            let q = shrunk(own, n, mean);
            prop_assert!(q >= own.min(mean) - decimal("0.0001") && q <= own.max(mean) + decimal("0.0001"));
            let factor = factor(weight, q);
            prop_assert!(factor <= Decimal::ONE && factor >= Decimal::ONE - weight / Decimal::ONE_HUNDRED);
            let more = shrunk(own, n + 100, mean);
            prop_assert!((more - own).abs() <= (q - own).abs() + decimal("0.0001"));
        }
    }
}
