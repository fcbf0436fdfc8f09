//! The two tests that the log answers by itself: H03 by the last deals that were won, H05 by the last escalations that were resolved.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::practice::{Practice, Type};
use crate::spread::hundredths;

/// Which test the log answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditKind {
    /// Mandatory fields that were filled when the last deals were won: under 80 % the template is not enforced.
    H03,
    /// Of the last escalations, those whose loop the CSM closed himself: under 70 % there is no return path.
    H05,
}

impl AuditKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::H03, Self::H05];

    /// Its name: the first three characters of the ids of its contracts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::H03 => "h03",
            Self::H05 => "h05",
        }
    }

    /// How many records the sources look at.
    pub fn last(self) -> usize {
        match self {
            Self::H03 => 3,
            Self::H05 => 10,
        }
    }

    /// The least percentage that passes.
    pub fn threshold(self) -> usize {
        match self {
            Self::H03 => 80,
            Self::H05 => 70,
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    fn is_for(self, contract: &str) -> bool {
        contract.strip_prefix(self.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}

/// How many of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Share {
    /// How many.
    pub met: usize,
    /// Of how many.
    pub of: usize,
    /// In percent, rounded to hundredths; absent = of none.
    #[schema(value_type = Option<String>, example = "91.67")]
    pub percent: Option<Decimal>,
}

impl Share {
    /// `met` of `of`.
    pub fn of(met: usize, of: usize) -> Self {
        let exact = || Decimal::from(met) * Decimal::ONE_HUNDRED / Decimal::from(of);
        Self { met, of, percent: (of > 0).then(|| hundredths(exact())) }
    }

    /// Whether it is at least this percentage; exact, not as rounded. Of none: never.
    pub fn reaches(&self, percent: usize) -> bool {
        self.of > 0 && self.met.saturating_mul(100) >= self.of.saturating_mul(percent)
    }

    /// As people read it: `11 of 12 (91.67 %)`.
    pub fn words(&self) -> String {
        match self.percent {
            Some(percent) => format!("{} of {} ({percent} %)", self.met, self.of),
            None => "none of none".to_owned(),
        }
    }
}

/// How a test went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// At or over the threshold.
    Passed,
    /// Under it.
    Failed,
    /// There is no record to look at.
    NotMeasurable,
}

/// A test that the log answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Audit {
    /// `h03` or `h05`.
    pub test: String,
    /// What is counted.
    pub counts: String,
    /// How many records were asked for.
    pub last: usize,
    /// H03: filled of mandatory fields over all records together. H05: closed by the CSM of escalations.
    pub share: Share,
    /// The least percentage that passes.
    pub threshold_percent: usize,
    /// How it went.
    pub verdict: Verdict,
    /// Fewer records are there than were asked for.
    pub fewer: bool,
    /// The records, newest first.
    pub records: Vec<AuditRecord>,
}

/// One record that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditRecord {
    /// `contract/motion/connection/object/record`.
    pub stream: String,
    /// The handoff's cycle.
    pub cycle: u32,
    /// When it was won, or resolved.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Filled of mandatory fields then; or 1 of 1 if the CSM closed the loop.
    pub share: Share,
    /// What was missing, by the field's key; or what happened instead.
    pub missing: Vec<String>,
}

/// Looks at the last `last` records over all contracts of the kind. An escalation counts once its loop is closed or its time to do so is over.
pub fn audit(practice: &Practice, kind: AuditKind, last: usize) -> Audit {
    let types = practice.types.iter().filter(|(contract, _)| kind.is_for(contract)).map(|(_, of)| of);
    let (mut records, counts): (Vec<AuditRecord>, _) = match kind {
        AuditKind::H03 => (types.flat_map(won).collect(), "mandatory fields filled when the deal was won"),
        AuditKind::H05 => (
            types.flat_map(returned).collect(),
            "resolved escalations whose loop the CSM closed with the customer in person",
        ),
    };
    records.sort_by(|left, right| right.at.cmp(&left.at).then_with(|| left.stream.cmp(&right.stream)));
    let fewer = records.len() < last;
    records.truncate(last);
    let sum = |of: fn(&Share) -> usize| records.iter().map(|record| of(&record.share)).sum();
    let share = Share::of(sum(|share| share.met), sum(|share| share.of));
    let threshold_percent = kind.threshold();
    let verdict = match (share.of, share.reaches(threshold_percent)) {
        (0, _) => Verdict::NotMeasurable,
        (_, true) => Verdict::Passed,
        (_, false) => Verdict::Failed,
    };
    Audit {
        test: kind.as_str().to_owned(),
        counts: counts.to_owned(),
        last,
        share,
        threshold_percent,
        verdict,
        fewer,
        records,
    }
}

fn won(of: &Type) -> impl Iterator<Item = AuditRecord> + '_ {
    of.won.iter().map(|passage| AuditRecord {
        stream: passage.stream.to_string(),
        cycle: passage.cycle,
        at: passage.at,
        share: Share::of(passage.required.saturating_sub(passage.missing.len()), passage.required),
        missing: passage.missing.iter().map(|field| field.0.clone()).collect(),
    })
}

fn returned(of: &Type) -> impl Iterator<Item = AuditRecord> + '_ {
    of.escalations.iter().filter(|one| one.closed || one.missed).map(|one| AuditRecord {
        stream: one.stream.to_string(),
        cycle: one.cycle,
        at: one.resolved,
        share: Share::of(usize::from(one.closed), 1),
        missing: if one.closed { Vec::new() } else { vec!["not told by the CSM in time".to_owned()] },
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn deals(missing: &[usize]) -> Practice {
        let mut practice = Practice::default();
        let of = practice.types.entry("h03-ae-to-onboarding".to_owned()).or_default();
        for (number, missing) in (0_i64..).zip(missing) {
            of.won.push(crate::practice::Passage {
                stream: format!("h03/main/sf/Opportunity/{number}").into(),
                cycle: 1,
                at: at(number),
                required: 8,
                missing: (0..*missing).map(|each| handoff_core::id::FieldKey(format!("f{each}"))).collect(),
            });
        }
        practice
    }

    fn escalations(closed: &[bool]) -> Practice {
        let mut practice = Practice::default();
        let of = practice.types.entry("h05".to_owned()).or_default();
        for (number, closed) in (0_i64..).zip(closed) {
            of.escalations.push(crate::practice::Escalation {
                stream: format!("h05/main/sf/Case/{number}").into(),
                cycle: 1,
                resolved: at(number),
                closed: *closed,
                missed: !closed,
            });
        }
        practice
    }

    #[test]
    fn h03_the_last_three_deals_pass_at_eighty_percent_exactly_and_no_earlier() {
        // 8 + 6 + 6 of 24 fields are 83.33 %, 7 + 6 + 6 are 79.17 %.
        let passed = audit(&deals(&[8, 0, 2, 2]), AuditKind::H03, 3);
        assert_eq!((passed.share, passed.verdict), (Share::of(20, 24), Verdict::Passed));
        assert_eq!(passed.records.iter().map(|one| one.at).collect::<Vec<_>>(), [at(3), at(2), at(1)]);
        let failed = audit(&deals(&[0, 1, 2, 2]), AuditKind::H03, 3);
        assert_eq!((failed.share, failed.verdict), (Share::of(19, 24), Verdict::Failed));
        assert_eq!(failed.records[0].missing, ["f0", "f1"]);
        let few = audit(&deals(&[0]), AuditKind::H03, 3);
        assert_eq!((few.verdict, few.fewer), (Verdict::Passed, true));
        assert_eq!(audit(&deals(&[]), AuditKind::H03, 3).verdict, Verdict::NotMeasurable);
        assert!(Share::of(4, 5).reaches(80) && !Share::of(79_999, 100_000).reaches(80));
    }

    #[test]
    fn h05_seven_of_the_last_ten_pass_and_what_still_has_time_does_not_count() {
        let mut practice =
            escalations(&[false, true, true, true, true, true, true, true, false, false, false]);
        let ten = audit(&practice, AuditKind::H05, 10);
        assert_eq!((ten.share, ten.verdict), (Share::of(7, 10), Verdict::Passed));
        let pending = crate::practice::Escalation {
            stream: "h05/main/sf/Case/new".into(),
            cycle: 1,
            resolved: at(99),
            closed: false,
            missed: false,
        };
        practice.types.get_mut("h05").unwrap().escalations.push(pending);
        assert_eq!(audit(&practice, AuditKind::H05, 10).share, Share::of(7, 10));
        practice.types.get_mut("h05").unwrap().escalations[11].missed = true;
        let later = audit(&practice, AuditKind::H05, 10);
        assert_eq!((later.share, later.verdict), (Share::of(6, 10), Verdict::Failed));
    }

    proptest! {
        #[test]
        fn the_last_n_are_the_newest_n_and_their_sum(missing in prop::collection::vec(0..=8_usize, 0..20), last in 0..8_usize) {
            let audit = audit(&deals(&missing), AuditKind::H03, last);
            let newest: Vec<usize> = missing.iter().rev().take(last).copied().collect();
            let met: usize = newest.iter().map(|missing| 8 - missing).sum();
            prop_assert_eq!(audit.share, Share::of(met, newest.len() * 8));
            prop_assert_eq!(audit.fewer, missing.len() < last);
        }
    }
}
