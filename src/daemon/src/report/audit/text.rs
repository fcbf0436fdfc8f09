//! The audit for a terminal.

use std::fmt::Write as _;

use handoff_measure::audit::{Audit, about, money, range, references};

use super::{good, short, told, when};
use crate::cli::output::{bad, good as green, plain};

/// The audit as text.
pub fn text(audit: &Audit) -> String {
    let mut text = format!("Leak audit. {}.\n", when(audit));
    let currency = audit.currency.as_deref();
    // Writing to a String cannot fail.
    if let Some(first) = &audit.first {
        let _ = writeln!(text, "\n{} {}", bad("fix first:"), plain(&first.title));
        for reason in &first.reasons {
            let _ = writeln!(text, "  - {}", plain(reason));
        }
    } else {
        let _ = writeln!(text, "\n{}", green("no leak is known"));
    }
    let _ = writeln!(
        text,
        "\n{:<4} {:<6} {:>22} {:>18} {:>20}  range",
        "rank", "", "leaked accounts", "their ARR", "ARR leaked"
    );
    for row in &audit.rows {
        let share = row.leak.accounts.share;
        let percent = share.percent().map(|percent| format!(" ({percent} %)")).unwrap_or_default();
        let (leaked, limits) = row.leak.leaked.filter(|_| row.rank.is_some()).map_or_else(
            || ("-".to_owned(), "-".to_owned()),
            |leaked| {
                (
                    about(leaked.value, currency),
                    format!("{} to {}", about(leaked.low, None), about(leaked.high, None)),
                )
            },
        );
        let _ = writeln!(
            text,
            "{:<4} {:<6} {:>22} {:>18} {:>20}  {limits}",
            row.rank.map_or_else(|| "-".to_owned(), |rank| rank.to_string()),
            plain(&short(row)),
            format!("{} of {}{percent}", share.met, share.n),
            plain(&money(row.leak.exposed.amount, currency)),
            plain(&leaked),
        );
    }
    six(&mut text, audit);
    churn(&mut text, audit);
    if let Some(preserved) = &audit.preserved {
        let amount = preserved.amount;
        let _ = writeln!(
            text,
            "\na repair of the first one would keep {} of ARR ({} to {}), if {} % still leaked",
            plain(&about(amount.value, currency)),
            about(amount.low, None),
            about(amount.high, None),
            preserved.target_percent
        );
    }
    let list = |text: &mut String, title: &str, sentences: &[String]| {
        if !sentences.is_empty() {
            let _ = writeln!(text, "\n{title}");
            for sentence in sentences {
                let _ = writeln!(text, "  - {}", plain(sentence));
            }
        }
    };
    list(&mut text, "what this rests on", &audit.assumptions);
    list(&mut text, "what could not be said", &audit.gaps);
    let _ =
        writeln!(text, "\nreference figures of the sources, not yours; none of them is in any calculation");
    for reference in references() {
        let _ = writeln!(text, "  {:<70} {}", reference.about, reference.figure);
    }
    text
}

fn six(text: &mut String, audit: &Audit) {
    let _ = writeln!(text, "\nthe six numbers");
    for row in &audit.rows {
        let _ = writeln!(text, "  {} {}", plain(&short(row)), plain(&row.title));
        let figures = [
            &row.completion,
            &row.acceptance,
            &row.time_to_acceptance,
            &row.rediscovery,
            &row.nps,
            &row.leak_to_churn,
        ];
        for figure in figures {
            let (value, under) = told(figure);
            let value = match good(figure) {
                Some(true) => green(&value),
                Some(false) => bad(&value),
                None => value,
            };
            let _ = writeln!(text, "    {:<20} {value} ({})", figure.metric.title(), plain(&under));
        }
    }
}

fn churn(text: &mut String, audit: &Audit) {
    let _ = writeln!(text, "\nleaks and churn");
    let rows = audit.rows.iter().filter(|row| row.rank.is_some());
    let rows = rows.map(|row| (short(row), &row.churn_detail.all)).chain([("all".to_owned(), &audit.pooled)]);
    for (name, all) in rows {
        let risk = all.relative_risk.map(|risk| {
            let value =
                risk.value.map_or_else(|| "only then".to_owned(), |value| format!("{value} times as often"));
            format!(": {value} (95 % {})", range(&risk.interval))
        });
        let _ = writeln!(
            text,
            "  {:<5} {}{}; churned {} of {} that leaked, {} of {} others",
            plain(&name),
            all.finding.words(),
            risk.unwrap_or_default(),
            all.leaked_churned.share.met,
            all.leaked_churned.share.n,
            all.sound_churned.share.met,
            all.sound_churned.share.n
        );
    }
}
