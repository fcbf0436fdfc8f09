//! The parts of the page, each from the audit alone.

use handoff_measure::audit::{Audit, Basis, Row, about, money, range, references};
use handoff_measure::metric::Figure;
use handoff_measure::metric::churn::{Comparison, Finding, Proportion};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::super::chart;
use super::super::html::{Page, escape, table};
use super::{good, short, told};

/// Longest scale of risks.
const MOST_TIMES: u32 = 12;
/// Most accounts that are listed.
const MOST: usize = 40;

fn ranked(audit: &Audit) -> impl Iterator<Item = &Row> {
    audit.rows.iter().filter(|row| row.rank.is_some())
}

fn name(row: &Row) -> String {
    format!("{}<small>{}</small>", escape(&row.title), escape(&short(row)))
}

pub(super) fn ranking(page: &mut Page, audit: &Audit) {
    let weighed = ranked(audit).any(|row| row.leak.leaked.is_some());
    let says = if weighed {
        "ARR of accounts that went through with less than 70 % of the mandatory fields, times how much more often such accounts churn here. \
         The line is the range."
    } else {
        "ARR of accounts that went through with less than 70 % of the mandatory fields. What of it is lost cannot be measured yet."
    };
    page.section("The leaks, worst first", says);
    let currency = audit.currency.as_deref();
    let top = |row: &Row| row.leak.leaked.map_or(row.leak.exposed.amount, |leaked| leaked.high);
    let end = ranked(audit).map(top).max().unwrap_or_default();
    if end <= Decimal::ZERO {
        page.add("<p class=\"none\">Nothing leaked, or nobody knows what the accounts pay.</p>");
    }
    page.add("<div class=\"bars\">");
    for row in ranked(audit) {
        let leak = &row.leak;
        let first = row.rank == Some(1) && leak.accounts.share.met > 0;
        let (value, limits, words) = match leak.leaked {
            Some(leaked) => {
                let words = format!(
                    "{}<small>{} to {}</small>",
                    escape(&about(leaked.value, currency)),
                    escape(&about(leaked.low, None)),
                    escape(&about(leaked.high, None))
                );
                (leaked.value, Some((leaked.low, leaked.high)), words)
            }
            None => (leak.exposed.amount, None, escape(&about(leak.exposed.amount, currency))),
        };
        let spoken = format!("{}: {}", row.title, about(value, currency));
        let share = leak.accounts.share;
        let basis = match leak.basis {
            Basis::Pooled => "; excess churn of all handoffs together",
            Basis::Own | Basis::Exposure => "",
        };
        let under = format!(
            "{}<small>{} of {} accounts leaked, {} of ARR{basis}</small>",
            escape(&row.title),
            share.met,
            share.n,
            escape(&about(leak.exposed.amount, currency))
        );
        page.add(&chart::row(&under, &chart::bar(&spoken, value, limits, end, first), &words, first));
    }
    page.add(&chart::scale(&["0", &about(end, currency)]));
    page.add("</div>");
}

fn cell(figure: &Figure) -> String {
    let (value, under) = told(figure);
    let class = match good(figure) {
        Some(true) => "good",
        Some(false) => "low",
        None => "none",
    };
    if figure.value.is_none() {
        return format!("<span class=\"none\">–<small>{}</small></span>", escape(&under));
    }
    format!("<span class=\"{class}\"><b>{}</b></span><small>{}</small>", escape(&value), escape(&under))
}

pub(super) fn six(page: &mut Page, audit: &Audit) {
    page.section(
        "The six numbers of each handoff",
        "Targets: completion 90 %, acceptance on the first submission 85 %, median to acceptance under 48 hours, re-discovery under 10 %, NPS \
         not falling. Under every number stand how many it is made of and its 95 % interval.",
    );
    let heads = [
        "Handoff",
        "Completion",
        "Acceptance",
        "To acceptance",
        "Re-discovery",
        "NPS change",
        "Leak to churn",
    ];
    page.add(&table(
        "● meets its target, ▼ does not",
        heads,
        audit.rows.iter().map(|row| {
            [
                name(row),
                cell(&row.completion),
                cell(&row.acceptance),
                cell(&row.time_to_acceptance),
                cell(&row.rediscovery),
                cell(&row.nps),
                cell(&row.leak_to_churn),
            ]
        }),
    ));
}

fn proportion(part: &Proportion) -> String {
    let Some(percent) = part.percent else { return "<span class=\"none\">–</span>".to_owned() };
    let interval = part.interval.map(|each| format!(", 95 % {} to {}", each.low, each.high));
    format!(
        "{percent} %<small>{} of {}{}</small>",
        part.share.met,
        part.share.n,
        interval.unwrap_or_default()
    )
}

pub(super) fn churn(page: &mut Page, audit: &Audit) {
    page.section(
        "Do leaks and churn go together?",
        "How many times as often accounts churn whose handoff leaked, compared with the others. Left of the dashed line they churn less often, \
         right of it more often; a line that crosses it shows no effect.",
    );
    let end = times_shown(audit);
    page.add("<div class=\"bars\">");
    let pooled = ("All handoffs together".to_owned(), &audit.pooled);
    let rows = ranked(audit).map(|row| (row.title.clone(), &row.churn_detail.all));
    for (title, all) in rows.chain([pooled]) {
        page.add(&risk(&title, all, Decimal::from(end)));
    }
    let marks: Vec<String> = (0..=end)
        .step_by(if end > 8 { 2 } else { 1 })
        .map(|mark| if mark == 0 || mark == end { format!("{mark} ×") } else { mark.to_string() })
        .collect();
    page.add(&chart::scale(&marks.iter().map(String::as_str).collect::<Vec<&str>>()));
    page.add("</div>");
    let groups = ranked(audit).filter(|row| row.churn_detail.all.churned_leaked.share.n > 0);
    page.add(&table(
        "The share of churned accounts whose handoff leaked says nothing without the same share among those who stayed",
        ["Handoff", "Leaked, of churned", "Leaked, of retained", "Churned, of leaked", "Churned, of the others", "In the first year"],
        groups.map(|row| {
            let (all, year) = (&row.churn_detail.all, &row.churn_detail.first_year);
            let first = format!("{} vs {}", plainly(&year.leaked_churned), plainly(&year.sound_churned));
            [
                name(row),
                proportion(&all.churned_leaked),
                proportion(&all.retained_leaked),
                proportion(&all.leaked_churned),
                proportion(&all.sound_churned),
                format!("{first}<small>churned within a year: leaked vs the others</small>"),
            ]
        }),
    ));
    let own = &audit.churn;
    page.add(&table(
        "Churn of all accounts that are told of",
        ["", "Share", "Reference of the sources"],
        [
            ["Overall".to_owned(), proportion(&own.overall), "8 %".to_owned()],
            [
                "Within the first year".to_owned(),
                proportion(&own.first_year),
                "14 % where handoffs are broken".to_owned(),
            ],
        ],
    ));
}

/// The end of the scale of risks: every value has room, and an interval may go on beyond it.
fn times_shown(audit: &Audit) -> u32 {
    let risks = ranked(audit).map(|row| &row.churn_detail.all).chain([&audit.pooled]);
    let values = risks.filter_map(|all| all.relative_risk?.value);
    let highest = values.max().unwrap_or_default().ceil().to_u32().unwrap_or(MOST_TIMES);
    // Even, so that every second mark is its end too.
    (highest + 1).clamp(4, MOST_TIMES).next_multiple_of(2)
}

fn plainly(part: &Proportion) -> String {
    part.percent.map_or_else(|| "–".to_owned(), |percent| format!("{percent} %"))
}

fn risk(title: &str, all: &Comparison, end: Decimal) -> String {
    let finding = escape(all.finding.words());
    let name = format!("{}<small>{finding}</small>", escape(title));
    let Some(risk) = all.relative_risk else {
        let counts = format!(
            "<span class=\"none\">–<small>{} leaked, {} did not</small></span>",
            all.leaked_churned.share.n, all.sound_churned.share.n
        );
        return chart::row(&name, "<div></div>", &counts, false);
    };
    let value = risk.value.map_or_else(|| "–".to_owned(), |value| format!("{value} ×"));
    let about = format!("{title}: {value}, 95 % interval {}", range(&risk.interval));
    let drawing =
        chart::interval(&about, risk.value, (risk.interval.low, risk.interval.high), (Decimal::ONE, end));
    let words = format!("{}<small>95 % {}</small>", escape(&value), escape(&range(&risk.interval)));
    chart::row(&name, &drawing, &words, all.finding == Finding::MoreChurn)
}

pub(super) fn shape(page: &mut Page, audit: &Audit) {
    let leaking: Vec<&Row> = ranked(audit).filter(|row| row.shape.transitions > 0).collect();
    if leaking.is_empty() {
        return;
    }
    page.section(
        "Is it the fields, or the gate?",
        "Every transition, by how it went. What passed without anybody's acceptance is not mended by a better template.",
    );
    page.add(
        "<p class=\"key\"><i style=\"background:#a93a26\"></i>leaked past the gate<i style=\"background:#e7b9ae\"></i>leaked, accepted as it \
         was<i style=\"background:#b9c0cb\"></i>past the gate, filled<i style=\"background:#256b45\"></i>accepted and filled</p><div class=\"bars\">",
    );
    for row in leaking {
        let shape = row.shape;
        let past = shape.leaked_past_the_gate;
        let filled_past = shape.past_the_gate.saturating_sub(past);
        let accepted = shape.leaked.saturating_sub(past);
        let sound = shape.transitions.saturating_sub(past + filled_past + accepted);
        let about = format!("{}: {} of {} transitions leaked", row.title, shape.leaked, shape.transitions);
        let parts = [(past, "#a93a26"), (accepted, "#e7b9ae"), (filled_past, "#b9c0cb"), (sound, "#256b45")];
        let value =
            format!("{} of {}<small>leaked, {past} past the gate</small>", shape.leaked, shape.transitions);
        page.add(&chart::row(&name(row), &chart::parts(&about, &parts), &value, false));
    }
    page.add("</div>");
}

pub(super) fn satisfaction(page: &mut Page, audit: &Audit) {
    let measured: Vec<&Row> = audit.rows.iter().filter(|row| row.nps_detail.n > 0).collect();
    if measured.is_empty() {
        return;
    }
    page.section(
        "What customers say around it",
        "NPS of accounts in the 14 days before the handoff (grey) and in the 14 days from it on, on a scale from −100 to 100. Only accounts that \
         answered on both sides count.",
    );
    page.add("<div class=\"bars\">");
    for row in measured {
        let nps = &row.nps_detail;
        let (before, after) = (nps.before.unwrap_or_default(), nps.after.unwrap_or_default());
        let about = format!("{}: from {before} to {after}", row.title);
        let scale = (-Decimal::ONE_HUNDRED, Decimal::ONE_HUNDRED);
        let missing = nps.missing.before + nps.missing.after + nps.missing.both;
        let interval = nps.interval.map(|each| format!("95 % {}; ", range(&each))).unwrap_or_default();
        let value = format!(
            "{}<small>{}{} accounts, {missing} not measurable</small>",
            escape(&row.nps.words()),
            escape(&interval),
            nps.n
        );
        page.add(&chart::row(&name(row), &chart::change(&about, before, after, scale), &value, false));
    }
    page.add(&chart::scale(&["−100", "0", "100"]));
    page.add("</div>");
}

pub(super) fn preserved(page: &mut Page, audit: &Audit) {
    let currency = audit.currency.as_deref();
    page.section("What a repair would keep", "");
    if let (Some(preserved), Some(first)) = (&audit.preserved, &audit.first) {
        let excess = preserved.excess.value.unwrap_or_default();
        page.add(&format!(
            "<p>Of {} of ARR that went through “{}”, {} % leaked. Accounts that leaked churn {excess} percentage points more often. If only {} % \
             still leaked, churn of these accounts would fall by {} points, and <strong>{}</strong> of ARR would stay ({} to {}). These are \
             your own figures, under the assumptions below.</p>",
            escape(&money(preserved.passed, currency)),
            escape(&first.title),
            preserved.leaking_percent,
            preserved.target_percent,
            preserved.churn_points,
            escape(&about(preserved.amount.value, currency)),
            escape(&about(preserved.amount.low, currency)),
            escape(&about(preserved.amount.high, currency)),
        ));
    } else {
        page.add(
            "<p>It cannot be estimated from your own figures: excess churn was not measured, or less leaks than the assumed target.</p>",
        );
    }
    let rows = references()
        .map(|each| format!("<tr><td>{}</td><td>{}</td></tr>", escape(each.about), escape(each.figure)));
    page.add(&format!(
        "<aside><p class=\"label\">Reference figures of the sources, not yours; none of them is in any calculation</p><table>{}</table></aside>",
        rows.concat()
    ));
}

/// The record of a stream, without contract and motion.
fn record(stream: &str) -> &str {
    stream.splitn(3, '/').nth(2).unwrap_or(stream)
}

pub(super) fn records(page: &mut Page, audit: &Audit) {
    let Some(row) = audit.first.as_ref().and_then(|first| audit.row(first.contract.as_str())) else { return };
    let mut leaked: Vec<_> = row.churn_detail.records.iter().filter(|each| each.leaked).collect();
    if leaked.is_empty() {
        return;
    }
    leaked.sort_by_key(|each| (each.churned_at.is_none(), each.churned_at, each.account.clone()));
    let rest = leaked.len().saturating_sub(MOST);
    page.section(
        "Accounts behind the first one",
        "Those that leaked, churned ones first. Read one with handoffd dossier ACCOUNT.",
    );
    page.add(&table(
        "All of them are in the JSON of this audit",
        ["Account", "Fields at the transition", "Left on", "Record"],
        leaked.into_iter().take(MOST).map(|each| {
            let left = each.churned_at.map_or_else(|| "stayed".to_owned(), |day| day.to_string());
            [
                escape(&each.account),
                format!("{} of {}", each.filled, each.required),
                format!("<time>{}</time>", escape(&left)),
                format!("<code>{}</code>", escape(record(&each.stream))),
            ]
        }),
    ));
    if rest > 0 {
        page.add(&format!("<p class=\"none\">and {rest} more</p>"));
    }
}
