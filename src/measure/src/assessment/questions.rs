//! The questions, and how the log answers each.

use handoff_core::concrete::TestKind;
use handoff_core::contract::Mode;
use rust_decimal::Decimal;

use super::{Case, Measured, said};
use crate::concrete::audit::{AuditKind, Share, Verdict};

/// One question.
pub(super) struct Question {
    pub(super) key: &'static str,
    pub(super) about: &'static str,
    pub(super) words: &'static str,
    pub(super) link: &'static str,
    /// What is missing where nothing is measured and nobody declared anything.
    pub(super) unknown: &'static str,
    pub(super) measure: fn(&Case<'_>) -> Option<Measured>,
}

/// All twelve, in the sources' order.
pub(super) const ALL: &[Question] = &[
    Question {
        key: "h01_trigger",
        about: "h01",
        words: "Every MQL arrives with a documented buying-trigger hypothesis, not just a score.",
        link: "/api/v1/scorecard",
        unknown: "no H01 handoff was handed over in the last 90 days",
        measure: h01_trigger,
    },
    Question {
        key: "h02_no_reask",
        about: "h02",
        words: "AEs never re-ask a prospect a qualification question the SDR already captured.",
        link: "/api/v1/scorecard",
        unknown: "re-discovery of H02 is not measured: connect recorded calls, or let receivers flag it",
        measure: h02_no_reask,
    },
    Question {
        key: "h03_accepted_before_pay",
        about: "h03",
        words: "A deal cannot move to Closed-Won for comp purposes until the handoff is accepted by onboarding.",
        link: "/api/v1/bypasses",
        unknown: "no H03 contract is governed",
        measure: h03_pay,
    },
    Question {
        key: "h03_commitments",
        about: "h03",
        words: "Verbal or side-letter commitments are documented at handoff, not discovered later.",
        link: "/api/v1/scorecard",
        unknown: "no H03 handoff was handed over in the last 90 days",
        measure: h03_commitments,
    },
    Question {
        key: "h04_telemetry",
        about: "h04",
        words: "CSMs inherit adoption telemetry from onboarding, not just a status summary.",
        link: "/api/v1/scorecard",
        unknown: "no H04 handoff was handed over in the last 90 days",
        measure: h04_telemetry,
    },
    Question {
        key: "h05_return",
        about: "h05",
        words: "When CS escalates to Support or Product, the CSM subscribes to resolution and updates the customer directly, not through the ticketing system.",
        link: "/api/v1/tests/h05",
        unknown: "no governed escalation was resolved yet",
        measure: h05_return,
    },
    Question {
        key: "h06_primary",
        about: "h06",
        words: "Cross-motion handoffs specify who holds the primary relationship during and after the cross-sell motion.",
        link: "/api/v1/tests",
        unknown: "no H06 handoff was handed over in the last 90 days",
        measure: h06_primary,
    },
    Question {
        key: "governance_veto",
        about: "governance",
        words: "The receiving team has veto authority. A handoff cannot complete on the sender's assertion alone.",
        link: "/api/v1/contracts",
        unknown: "nothing is governed",
        measure: veto,
    },
    Question {
        key: "governance_audit",
        about: "governance",
        words: "Handoff audit trails are immutable. You can replay who handed off what, when, and what was in the package.",
        link: "/api/v1/status",
        unknown: "the log was not looked at",
        measure: trail,
    },
    Question {
        key: "measurement_monthly",
        about: "measurement",
        words: "Handoff completion rate, receiver acceptance, and re-discovery incidence are numbers you report monthly.",
        link: "/api/v1/scorecard",
        unknown: "no month is over and frozen yet",
        measure: monthly,
    },
    Question {
        key: "measurement_churn",
        about: "measurement",
        words: "Leak-to-churn correlation is quantified. You can state the percentage of churn that traces to handoff failures.",
        link: "/api/v1/scorecard",
        unknown: "churn of accounts with a handoff is not known: map the account's churn, or send it by a feed",
        measure: churn,
    },
    Question {
        key: "incentive_quality",
        about: "incentives",
        words: "Senders' compensation or credit includes a handoff-quality component, not just throughput.",
        link: "/api/v1/scoreboard",
        unknown: "no quality weight is configured",
        measure: incentive,
    },
];

/// Yes only if every one is.
fn all(share: Share, what: &str) -> Option<Measured> {
    (share.of > 0)
        .then(|| Measured { yes: share.met == share.of, evidence: format!("{} {what}", share.words()) })
}

fn h01_trigger(case: &Case<'_>) -> Option<Measured> {
    let handed_over = case.filled("h01", "buying_trigger");
    // A lead that still waits after a week arrived without what it needs.
    let waiting = case.opened_before_a_week("h01").saturating_sub(handed_over.of);
    all(
        Share::of(handed_over.met, handed_over.of + waiting),
        "leads of the last 90 days were handed over with a buying trigger; those that still wait after a week count as without",
    )
}

fn h02_no_reask(case: &Case<'_>) -> Option<Measured> {
    let of = case.inputs.re_asked.iter().filter(|(contract, _)| super::is_of(contract, "h02"));
    let (met, n) = of.fold((0, 0), |(met, n), (_, share)| (met + share.met, n + share.of));
    let share = Share::of(met, n);
    (n > 0).then(|| Measured {
        yes: met == 0,
        evidence: format!("{} accounts were asked again what was known", share.words()),
    })
}

fn h03_pay(case: &Case<'_>) -> Option<Measured> {
    let governed: Vec<_> = case.governed("h03").collect();
    if governed.is_empty() {
        return None;
    }
    let enforced = governed.iter().all(|now| now.pay == Some(Mode::Enforce));
    let overridden = case.recent("h03", |of| &of.overridden);
    let tampered = case.recent("h03", |of| &of.tampered);
    let gate = if enforced {
        "the commission gate is enforced"
    } else {
        "the commission gate is not enforced everywhere"
    };
    Some(said(
        enforced && overridden == 0,
        format!(
            "{gate}; opened without an acceptance in the last 90 days: {overridden}; flags set by hand and taken back: {tampered}"
        ),
    ))
}

fn h03_commitments(case: &Case<'_>) -> Option<Measured> {
    let filled = case.filled("h03", "commitments");
    let late = case.types("h03").flat_map(|of| &of.late);
    let late = late.filter(|(at, key)| case.is_recent(*at) && key.as_str() == "commitments").count();
    (filled.of > 0).then(|| Measured {
        yes: filled.met == filled.of && late == 0,
        evidence: format!(
            "{} deals had their commitments documented; found only after the acceptance: {late}",
            filled.words()
        ),
    })
}

fn h04_telemetry(case: &Case<'_>) -> Option<Measured> {
    all(
        case.filled("h04", "adoption"),
        "accounts were handed over with their adoption curves in the last 90 days",
    )
}

fn h05_return(case: &Case<'_>) -> Option<Measured> {
    let (verdict, share) = case.audited(AuditKind::H05)?;
    let foreign = case.recent("h05", |of| &of.foreign);
    Some(said(
        verdict == Verdict::Passed && foreign == 0,
        format!(
            "the CSM closed {} of the last escalations himself; messages to the customer by others in the last 90 days: {foreign}",
            share.words()
        ),
    ))
}

fn h06_primary(case: &Case<'_>) -> Option<Measured> {
    let during = case.filled("h06", "primary_owner");
    let after = case.filled("h06", "reunification");
    let (failed, asked) = case.failed_tests(TestKind::H06);
    (during.of > 0).then(|| Measured {
        yes: during.met == during.of && after.met == after.of && failed == 0,
        evidence: format!(
            "owner during: {}; after: {}; asked apart, the two sides disagreed in {failed} of {asked} tests",
            during.words(),
            after.words()
        ),
    })
}

fn veto(case: &Case<'_>) -> Option<Measured> {
    let governed = &case.inputs.governed;
    if governed.is_empty() {
        return None;
    }
    let held = governed.values().all(|now| !now.sender_may_accept && now.has_receiver);
    let rejected: usize = case.practice.types.values().map(|of| of.rejected.len()).sum();
    Some(said(
        held,
        format!(
            "{} contracts are governed, {}; rejections so far: {rejected}",
            governed.len(),
            if held {
                "each with a receiver who alone can accept"
            } else {
                "not each with a receiver who alone can accept"
            }
        ),
    ))
}

fn trail(case: &Case<'_>) -> Option<Measured> {
    let (entries, signed) = case.inputs.log?;
    Some(said(
        signed > 0,
        format!(
            "{entries} log entries, {signed} under a signed head; prove them with `handoffd audit verify` and `audit replay`"
        ),
    ))
}

fn monthly(case: &Case<'_>) -> Option<Measured> {
    let month = case.inputs.month.as_ref()?;
    Some(said(true, format!("{month} is the last month whose numbers are frozen")))
}

fn churn(case: &Case<'_>) -> Option<Measured> {
    let share = case.inputs.leak_to_churn?;
    (share.of > 0).then(|| Measured {
        yes: true,
        evidence: format!("{} churned accounts had a handoff that scored under 70 %", share.words()),
    })
}

fn incentive(case: &Case<'_>) -> Option<Measured> {
    let weight = case.inputs.weight_percent;
    if weight <= Decimal::ZERO {
        return None;
    }
    let mut exported =
        case.practice.closed.iter().filter(|(_, weight, at)| *weight > Decimal::ZERO && case.is_recent(*at));
    let told = match exported.next_back() {
        Some((month, weight, _)) => said(
            true,
            format!("the statement of {month} carries a quality factor with a weight of {weight} %"),
        ),
        None => said(
            false,
            format!(
                "a weight of {weight} % is configured, but no commission statement was closed with it in the last 90 days"
            ),
        ),
    };
    Some(told)
}
