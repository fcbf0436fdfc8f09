//! One read-only page: what waits for whom, which gates are open, what went past them. No scripts, nothing from elsewhere.

use std::fmt::Write as _;

use handoff_measure::concrete::audit::Verdict;
use handoff_measure::concrete::tally::verdict;
use handoff_measure::live::Live;
use handoff_measure::metric::{Band, Figure, Metric};

use super::model::{Bypass, HandoffRow, OwedRow, Status};
use crate::practice::TestsView;

/// Most things owed that are shown.
pub(super) const MOST_OWED: usize = 200;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:80rem;padding:0 1rem;color:#111;background:#fff}\
h1{margin:0 0 .5rem}.wide{overflow-x:auto;margin:1.5rem 0}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.4rem 1.2rem .4rem 0;border-bottom:1px solid #ccc;vertical-align:top}th{white-space:nowrap}\
caption{text-align:left;font-weight:600;font-size:1.15rem;padding:.3rem 0}.bad{color:#8a0000;font-weight:600}.good{color:#005c1f;font-weight:600}\
code,time{white-space:nowrap;font-size:.9em}.gate{white-space:nowrap;margin-right:1rem}small{color:#555;display:block}\
@media screen and (max-width:46rem){body{margin:1rem auto}thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}\
table,caption,tbody,tr,td{display:block}tr{border-top:2px solid #555;padding:.4rem 0}td{border:0;padding:.15rem 0}\
td[data-label]{display:grid;grid-template-columns:8rem 1fr;gap:.6rem;overflow-wrap:anywhere}td.empty{display:none!important}\
td[data-label]::before{content:attr(data-label);color:#555;font-size:.9em}code,time{white-space:normal}}\
@media print{body{font-size:9pt;margin:0;max-width:none}tr{break-inside:avoid}th,td{padding:.2rem .7rem .2rem 0}}\
@media(prefers-color-scheme:dark){body{color:#eee;background:#111}th,td{border-color:#444}small{color:#aaa}a{color:#9cf}.bad{color:#ff9a9a}.good{color:#8fe0a8}}";

/// The page as HTML.
pub(super) fn render(
    status: &Status,
    live: &[Live],
    handoffs: &[HandoffRow],
    owed: &[OwedRow],
    bypasses: &[Bypass],
    tests: &TestsView,
) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>handoffd</title><style>{STYLE}</style></head><body><main><h1>handoffd</h1>\n"
    );
    // Writing to a String cannot fail.
    let _ = writeln!(
        html,
        "<p>{} {} {} log entries, {} signed.</p>",
        state(status),
        writing(status),
        status.log.entries,
        status.log.signed
    );
    for (contract, phases) in &status.handoffs {
        let counts: Vec<String> =
            phases.iter().map(|(phase, count)| format!("{count} {}", escape(phase))).collect();
        let _ = writeln!(html, "<p><strong>{}</strong>: {}</p>", escape(contract), counts.join(" · "));
    }
    table(
        &mut html,
        "This month",
        &["Handoff", "Completion", "Acceptance", "Time to acceptance", "Through", "As of"],
        live.iter().map(|row| {
            let through = &row.throughput;
            [
                format!("{}<small>{}</small>", escape(&row.contract), escape(&row.motion)),
                number(row.figure(Metric::Completion)),
                number(row.figure(Metric::Acceptance)),
                number(row.figure(Metric::TimeToAcceptance)),
                format!(
                    "{} accepted<small>{} opened, {} decided</small>",
                    through.accepted, through.opened, through.decided
                ),
                row.changed_at.map_or_else(String::new, moment),
            ]
        }),
    );
    table(
        &mut html,
        "Handoffs",
        &["Record", "State", "Who acts", "Gates", "Calls", "Asked again", "Since"],
        handoffs.iter().map(|row| {
            let gates: Vec<String> = row
                .gates
                .iter()
                .map(|(gate, open)| {
                    let (class, word) = if *open { ("good", "open") } else { ("bad", "shut") };
                    format!(
                        "<span class=\"gate\">{} <span class=\"{class}\">{word}</span></span>",
                        escape(gate)
                    )
                })
                .collect();
            [
                record(&row.stream),
                escape(&row.status),
                escape(&row.turn),
                gates.join(" "),
                calls(row),
                asked_again(row),
                moment(row.changed_at),
            ]
        }),
    );
    if !status.tasks.is_empty() {
        table(
            &mut html,
            "Open tasks",
            &["Record", "What", "Who", "Until", "Task"],
            owed.iter().map(|row| {
                let due = row.due.map_or_else(|| "no date".to_owned(), moment);
                [record(&row.stream), escape(&row.title), who(row), due, task(row)]
            }),
        );
    }
    table(
        &mut html,
        "By-passes",
        &["Record", "Gate", "Stage", "By", "When"],
        bypasses.iter().rev().take(200).map(|row| {
            let at = row.at.unwrap_or(row.recorded_at);
            let by = row.by.as_deref().unwrap_or("not told");
            [
                record(&row.stream),
                escape(&row.gate),
                escape(&row.stage),
                format!("<code>{}</code>", escape(by)),
                moment(at),
            ]
        }),
    );
    concrete(&mut html, tests);
    html.push_str("<p><a href=\"/metrics\">Metrics</a> · <a href=\"/api/v1/openapi.json\">API</a></p></main></body></html>\n");
    html
}

/// A figure with its n, its interval, and how it is judged.
fn number(figure: Option<&Figure>) -> String {
    let Some(figure) = figure else { return String::new() };
    let class = match figure.band {
        Band::OnTarget => "good",
        Band::Below | Band::Aspirational => "bad",
        Band::NotMeasurable => "none",
    };
    let interval = figure
        .interval
        .map_or_else(String::new, |interval| format!(", 95 % of {} to {}", interval.low, interval.high));
    let provisional = if figure.provisional { ", provisional" } else { "" };
    format!(
        "<span class=\"{class}\">{}</span><small>n {}{interval}{provisional}</small>",
        escape(&figure.words()),
        figure.n
    )
}

/// Concrete tests, and how they stand.
fn concrete(html: &mut String, tests: &TestsView) {
    let automatic = tests.automatic.iter().map(|audit| {
        let class = match audit.verdict {
            Verdict::Passed => "good",
            Verdict::Failed => "bad",
            Verdict::NotMeasurable => "",
        };
        let word = format!("<span class=\"{class}\">{}</span>", verdict(audit.verdict));
        let what = format!("{}, the last {}", audit.counts, audit.last);
        [escape(&audit.test), escape(&what), word, escape(&audit.share.words())]
    });
    let blind = tests.blind.iter().filter(|tally| !tally.runs.is_empty()).map(|tally| {
        let stands = format!("{} open, {} unanswered", tally.open, tally.unanswered);
        [escape(&tally.test), escape(&tally.questions.join(" ")), stands, escape(&tally.passed.words())]
    });
    table(html, "Concrete tests", &["Test", "What", "Stands", "Share"], automatic.chain(blind));
}

/// Who owes it; nobody who can act is said aloud.
fn who(row: &OwedRow) -> String {
    let role = row.role.as_deref().map(|role| format!("<small>{}</small>", escape(&role.replace('_', " "))));
    let owner = row.owner.as_deref().map_or_else(
        || "<span class=\"bad\">nobody holds the role</span>".to_owned(),
        |owner| format!("<code>{}</code>", escape(owner)),
    );
    format!("{owner}{}", role.unwrap_or_default())
}

/// How its task stands.
fn task(row: &OwedRow) -> String {
    match row.task.as_str() {
        "open" | "on a list" => format!("<span class=\"good\">{}</span>", escape(&row.task)),
        "nobody" | "refused" => format!("<span class=\"bad\">{}</span>", escape(&row.task)),
        other => escape(other),
    }
}

fn state(status: &Status) -> &'static str {
    match (status.healthy, status.ready) {
        (false, _) => "<span class=\"bad\">The store failed.</span>",
        (true, false) => "Reading the CRM for the first time.",
        (true, true) => "<span class=\"good\">Working.</span>",
    }
}

fn writing(status: &Status) -> String {
    if !status.writing.paused {
        return "Gates are written.".to_owned();
    }
    let by = status.writing.by.as_deref().unwrap_or("somebody");
    format!("<span class=\"bad\">Writing is paused by {}.</span>", escape(by))
}

fn table<const N: usize>(
    html: &mut String,
    caption: &str,
    head: &[&str; N],
    rows: impl Iterator<Item = [String; N]>,
) {
    let _ = write!(html, "<div class=\"wide\"><table><caption>{caption}</caption><thead><tr>");
    for name in head {
        let _ = write!(html, "<th scope=\"col\">{name}</th>");
    }
    html.push_str("</tr></thead><tbody>\n");
    let mut any = false;
    for row in rows {
        any = true;
        html.push_str("<tr>");
        for (name, cell) in head.iter().zip(row) {
            let empty = if cell.is_empty() { " class=\"empty\"" } else { "" };
            let _ = write!(html, "<td data-label=\"{name}\"{empty}><span>{cell}</span></td>");
        }
        html.push_str("</tr>\n");
    }
    if !any {
        let _ = writeln!(html, "<tr><td colspan=\"{N}\">None.</td></tr>");
    }
    html.push_str("</tbody></table></div>\n");
}

/// The record's id, below it what it is and under which contract.
fn record(stream: &str) -> String {
    let contract = stream.split('/').next().unwrap_or_default();
    let record = stream.splitn(3, '/').nth(2).unwrap_or_default();
    let (place, id) = record.rsplit_once('/').unwrap_or(("", record));
    let address: String = stream.split('/').map(part).collect::<Vec<_>>().join("/");
    format!(
        "<a href=\"/api/v1/handoffs/{address}\"><code>{}</code></a><small>{}<br>{}</small>",
        escape(id),
        escape(place),
        escape(contract)
    )
}

/// One part of a path, percent-encoded.
fn part(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            safe.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(safe, "%{byte:02X}");
        }
    }
    safe
}

/// Places of calls: how many wait for an answer, how many a person confirmed.
fn calls(row: &HandoffRow) -> String {
    match (row.evidence_suggested, row.evidence_confirmed) {
        (0, 0) => String::new(),
        (suggested, 0) => format!("{suggested} suggested"),
        (0, confirmed) => format!("{confirmed} confirmed"),
        (suggested, confirmed) => format!("{suggested} suggested, {confirmed} confirmed"),
    }
}

/// Questions for what the accepted package holds: what waits for an answer is nobody's word yet.
fn asked_again(row: &HandoffRow) -> String {
    let mut told = Vec::new();
    if row.reasks_confirmed > 0 {
        told.push(format!("<span class=\"bad\">{} confirmed</span>", row.reasks_confirmed));
    }
    if row.reasks_reported > 0 {
        told.push("<span class=\"bad\">reported</span>".to_owned());
    }
    if row.reasks_waiting > 0 {
        told.push(format!("{} to answer", row.reasks_waiting));
    }
    told.join(", ")
}

fn moment(at: jiff::Timestamp) -> String {
    format!("<time datetime=\"{at}\">{}</time>", at.strftime("%Y-%m-%d %H:%M:%SZ"))
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for each in text.chars() {
        match each {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn e12_markup_of_a_record_stays_text() {
        assert_eq!(
            escape("<script>'x'&\"y\"</script>"),
            "&lt;script&gt;&#39;x&#39;&amp;&quot;y&quot;&lt;/script&gt;"
        );
    }
}
