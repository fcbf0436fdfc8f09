//! The page, from its verdict to its small print.

use handoff_measure::audit::{Audit, Pick, about, money};

use super::super::html::{Key, Page, escape, items, keys};
use super::{sections, when};

/// The audit as one self-contained HTML document.
pub fn html(audit: &Audit) -> String {
    let mut page = Page::new("Where revenue leaks between teams", &when(audit));
    verdict(&mut page, audit);
    sections::ranking(&mut page, audit);
    sections::six(&mut page, audit);
    sections::churn(&mut page, audit);
    sections::shape(&mut page, audit);
    sections::satisfaction(&mut page, audit);
    sections::preserved(&mut page, audit);
    page.section("What this rests on", "");
    page.list(&audit.assumptions);
    if !audit.gaps.is_empty() {
        page.add("<h3>What could not be said</h3>");
        page.list(&audit.gaps);
    }
    sections::records(&mut page, audit);
    page.finish(audit.scope.as_of)
}

fn verdict(page: &mut Page, audit: &Audit) {
    let Some(first) = &audit.first else {
        page.add(&format!(
            "<section class=\"verdict calm\"><p class=\"label\">Result</p><h2>No leak is known</h2><p>{}</p></section>",
            escape(nothing(audit))
        ));
        return;
    };
    page.add(&format!(
        "<section class=\"verdict\"><p class=\"label\">Fix this one first</p><h2>{}</h2>{}<ul>{}</ul></section>",
        escape(&first.title),
        keys(&figures(audit, first)),
        items(&first.reasons)
    ));
}

fn nothing(audit: &Audit) -> &'static str {
    if audit.rows.iter().any(|row| row.leak.accounts.share.n > 0) {
        "Every account went through its handoffs with at least 70 % of what the receiver needs."
    } else {
        "No handoff of a known account moved on in this time, so there is nothing to judge yet."
    }
}

fn figures(audit: &Audit, first: &Pick) -> Vec<Key> {
    let currency = audit.currency.as_deref();
    let Some(row) = audit.row(first.contract.as_str()) else { return Vec::new() };
    let leak = &row.leak;
    let mut figures = Vec::new();
    match leak.leaked {
        Some(leaked) => figures.push(Key {
            name: "ARR leaked".to_owned(),
            figure: about(leaked.value, currency),
            under: format!("{} to {}", about(leaked.low, currency), about(leaked.high, currency)),
        }),
        None => figures.push(Key {
            name: "ARR that went through leaking".to_owned(),
            figure: money(leak.exposed.amount, currency),
            under: "at stake, not lost".to_owned(),
        }),
    }
    let share = leak.accounts;
    figures.push(Key {
        name: "Accounts that leaked".to_owned(),
        figure: share.percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent} %")),
        under: format!("{} of {}", share.share.met, share.share.n),
    });
    let all = &row.churn_detail.all;
    figures.push(match all.relative_risk {
        Some(risk) => Key {
            name: "Churn when it leaked".to_owned(),
            figure: risk.value.map_or_else(|| "only then".to_owned(), |value| format!("{value} ×")),
            under: format!("the others'; 95 % {}", handoff_measure::audit::range(&risk.interval)),
        },
        None => Key {
            name: "Churn when it leaked".to_owned(),
            figure: "-".to_owned(),
            under: format!("needs {} accounts a side", audit.minimum),
        },
    });
    if let Some(preserved) = audit.preserved.as_ref() {
        figures.push(Key {
            name: "A repair would keep".to_owned(),
            figure: about(preserved.amount.value, currency),
            under: format!(
                "{} to {}",
                about(preserved.amount.low, currency),
                about(preserved.amount.high, currency)
            ),
        });
    }
    figures
}
