//! What an audit says in sentences.

use rust_decimal::Decimal;

use super::{Audit, Basis, Row};
use crate::compare::Range;
use crate::metric::churn::Finding;

/// An amount with thousands apart, e.g. `EUR 1,250,000`; cents only where there are some.
pub fn money(amount: Decimal, currency: Option<&str>) -> String {
    let text = amount.normalize().to_string();
    let (whole, cents) = text.split_once('.').unwrap_or((&text, ""));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let cents = if cents.is_empty() { String::new() } else { format!(".{cents:0<2}") };
    let currency = currency.map(|code| format!("{code} ")).unwrap_or_default();
    format!("{currency}{sign}{grouped}{cents}")
}

/// An amount that is an estimate: without cents.
pub fn about(amount: Decimal, currency: Option<&str>) -> String {
    money(crate::compare::rounded(amount, 0), currency)
}

/// An interval, e.g. `1.62 to 3.50`.
pub fn range(range: &Range) -> String {
    let high = range.high.map_or_else(|| "no upper end".to_owned(), |high| high.to_string());
    format!("{} to {high}", range.low)
}

pub(super) fn reasons(first: &Row, second: Option<&Row>, clear: bool, currency: Option<&str>) -> Vec<String> {
    let leak = &first.leak;
    let mut reasons = Vec::new();
    if let Some(leaked) = leak.leaked {
        let next = second.and_then(|second| second.leak.leaked);
        let next = next.map(|next| format!("; the next one leaks {}", about(next.value, currency)));
        reasons.push(format!(
            "It leaks {} of ARR ({} to {}){}.",
            about(leaked.value, currency),
            about(leaked.low, currency),
            about(leaked.high, currency),
            next.unwrap_or_default()
        ));
    } else {
        let next = second
            .map(|second| format!("; at the next one it is {}", money(second.leak.exposed.amount, currency)));
        reasons.push(format!(
            "Accounts worth {} of ARR went through it with less than 70 % of what the receiver needs{}.",
            money(leak.exposed.amount, currency),
            next.unwrap_or_default()
        ));
    }
    let share = leak.accounts.share;
    let percent = share.percent().unwrap_or_default();
    reasons.push(format!(
        "{} of {} accounts ({percent} %) leaked on their first way through it.",
        share.met, share.n
    ));
    if let Some(risk) = first.churn_detail.all.relative_risk
        && first.churn_detail.all.finding == Finding::MoreChurn
    {
        let times = risk.value.map_or_else(|| "many".to_owned(), |value| value.to_string());
        reasons.push(format!(
            "Accounts that leaked here churn {times} times as often as the others (95 % interval {}).",
            range(&risk.interval)
        ));
    }
    let shape = first.shape;
    if shape.leaked > 0 {
        let past = shape.leaked_past_the_gate;
        reasons.push(if past == shape.leaked {
            format!(
                "All {past} transitions that leaked passed without anybody's acceptance: what is missing is the gate, and a better template \
                 will not mend it."
            )
        } else if past * 2 >= shape.leaked {
            format!(
                "{past} of the {} transitions that leaked passed without anybody's acceptance: what is missing is the gate, and a better \
                 template will not mend it.",
                shape.leaked
            )
        } else {
            format!(
                "{} of the {} transitions that leaked were accepted as they were: what is missing are the fields; begin with what the \
                 receiver demands.",
                shape.leaked - past,
                shape.leaked
            )
        });
    }
    if !clear && second.is_some_and(|second| second.leak.accounts.share.met > 0) {
        reasons.push("The ranges of the first two overlap, or there are none: with other chance the second could be first.".to_owned());
    }
    reasons
}

pub(super) fn assumptions(audit: &Audit) -> Vec<String> {
    let mut said = vec![
        "A transition leaks when less than 70 % of the contract's mandatory fields were filled at that moment.".to_owned(),
        "Of several handoffs of an account under one contract the first counts; an account that leaked at two handoffs counts at both, so \
         rows do not add up."
            .to_owned(),
    ];
    let bases = |basis: Basis| audit.rows.iter().any(|row| row.rank.is_some() && row.leak.basis == basis);
    if bases(Basis::Own) || bases(Basis::Pooled) {
        said.push(
            "Leaked ARR is what accounts that leaked pay a year, times how much more often such accounts churn here than others: an \
             association in your own history over all of its time, not a proof of cause, and not a yearly rate."
                .to_owned(),
        );
        said.push(
            "Its range is the 95 % interval of that excess (Newcombe); less churn counts as no leak."
                .to_owned(),
        );
    }
    if bases(Basis::Pooled) {
        said.push(format!(
            "Where a handoff has fewer than {} accounts on a side, the excess over all handoffs together stands in.",
            audit.minimum
        ));
    }
    if bases(Basis::Exposure) {
        said.push(
            "Excess churn cannot be measured for every handoff that leaks, so all are ranked by the ARR that went through leaking: an upper \
             bound of what is at stake, not a loss."
                .to_owned(),
        );
    }
    let from_deals = audit.rows.iter().map(|row| row.leak.passed.from_deals).max().unwrap_or_default();
    if from_deals > 0 {
        said.push(format!(
            "For up to {from_deals} accounts at a handoff nobody tells an ARR: the amount of their largest deal stands for it."
        ));
    }
    let guessed = audit.rows.iter().map(|row| row.leak.guessed).max().unwrap_or_default();
    if guessed > 0 {
        said.push(format!(
            "Of up to {guessed} accounts at a handoff the CRM keeps no history of fields that decide whether it leaked: those count as they \
             stand nearest to that moment. What was filled in later counts as filled, so leaks are told too low rather than too high."
        ));
    }
    if let Some(preserved) = &audit.preserved {
        said.push(format!(
            "What a repair preserves supposes that {} % of the ARR still leaks after it, and that accounts which then do not leak churn like \
             those that do not leak today.",
            preserved.target_percent
        ));
    }
    said
}

pub(super) fn gaps(audit: &Audit, nobodys: usize) -> Vec<String> {
    let mut gaps = Vec::new();
    let mut gap = |holds: bool, words: String| {
        if holds {
            gaps.push(words);
        }
    };
    gap(
        nobodys > 0,
        format!("{nobodys} transitions are of records that name no account; map `account` to count them."),
    );
    let most = |part: &dyn Fn(&Row) -> usize| audit.rows.iter().map(part).max().unwrap_or_default();
    let unknown = most(&|row: &Row| row.leak.passed.unknown);
    gap(
        unknown > 0,
        format!(
            "For up to {unknown} accounts at a handoff nobody knows what they pay; send `arr` with a feed of accounts."
        ),
    );
    let other = most(&|row: &Row| row.leak.passed.other_currency);
    gap(
        other > 0,
        format!(
            "Up to {other} accounts at a handoff pay in another currency and are in no sum: handoffd converts nothing."
        ),
    );
    let not_told = most(&|row: &Row| row.churn_detail.outside.not_told);
    gap(
        not_told > 0,
        format!(
            "Of up to {not_told} accounts at a handoff nobody tells whether they left; they are in no group."
        ),
    );
    gap(
        audit.pooled.finding == Finding::TooFew,
        format!(
            "Churn cannot be compared: at least {} accounts that leaked and {} that did not are needed, some of them churned.",
            audit.minimum, audit.minimum
        ),
    );
    gap(
        audit.rows.iter().all(|row| row.nps_detail.n == 0),
        "No account answered a survey on both sides of a handoff: NPS delta is not measurable.".to_owned(),
    );
    gap(
        audit.rows.iter().all(|row| row.rediscovery.value.is_none()),
        "Re-discovery is not measured: nobody confirmed or reported a re-asked question.".to_owned(),
    );
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_well() {
        let told = |text: &str| money(text.parse().unwrap(), Some("EUR"));
        assert_eq!(told("1250000.00"), "EUR 1,250,000");
        assert_eq!(told("999.5"), "EUR 999.50");
        assert_eq!(told("-1000"), "EUR -1,000");
        assert_eq!(money(Decimal::ZERO, None), "0");
        assert_eq!(about("123456.78".parse().unwrap(), None), "123,457");
    }
}
