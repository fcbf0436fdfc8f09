//! The dossier as a page.

use std::fmt::Write as _;

use super::super::html::{Key, Page, escape, items, keys, moment, table};
use super::{Chapter, Dossier, Story, Weight};

/// The dossier as one self-contained HTML document.
pub fn html(dossier: &Dossier) -> String {
    let state = match dossier.churned_at {
        Some(left) => format!("Customer that left on {left}"),
        None => "Account".to_owned(),
    };
    let under =
        format!("{state}; every handoff of it, as the log tells them up to {} UTC", moment(dossier.as_of));
    let mut page = Page::new(&format!("Account {}", dossier.account.record), &under);
    let class = if dossier.handoffs.iter().flat_map(|story| &story.chapters).any(|each| each.leaked) {
        "verdict"
    } else {
        "verdict calm"
    };
    page.add(&format!(
        "<section class=\"{class}\"><p class=\"label\">What stands out</p>{}<ul>{}</ul></section>",
        keys(&figures(dossier)),
        items(&dossier.findings)
    ));
    for story in &dossier.handoffs {
        tell(&mut page, story);
    }
    if !dossier.answers.is_empty() {
        page.section("What its people answered", "How likely they are to recommend you, from 0 to 10.");
        let rows = dossier.answers.iter().map(|each| [escape(&moment(each.at)), each.score.to_string()]);
        page.add(&table("", ["When", "Score"], rows));
    }
    page.add("<p class=\"none\">Writes of flags and reckoning of clocks are left out; handoffd why RECORD shows all.</p>");
    page.finish(dossier.as_of)
}

fn figures(dossier: &Dossier) -> Vec<Key> {
    let key = |name: &str, figure: Option<String>, under: &str| Key {
        name: name.to_owned(),
        figure: figure.unwrap_or_else(|| "–".to_owned()),
        under: under.to_owned(),
    };
    let chapters = || dossier.handoffs.iter().flat_map(|story| &story.chapters);
    let moved = chapters().filter(|chapter| chapter.score.is_some()).count();
    let leaks = chapters().filter(|chapter| chapter.leaked).count();
    let source = if dossier.arr_from_deal { "its largest deal" } else { "a year" };
    vec![
        key("ARR", dossier.arr.clone(), source),
        key("Customer since", dossier.customer_since.map(|day| day.to_string()), ""),
        key("Left on", dossier.churned_at.map(|day| day.to_string()), ""),
        key("Handoffs that leaked", Some(format!("{leaks} of {moved}")), "that moved on"),
    ]
}

fn tell(page: &mut Page, story: &Story) {
    page.section(&story.title, "");
    page.add(&format!("<p class=\"lead\"><code>{}</code></p>", escape(&story.stream)));
    for chapter in &story.chapters {
        page.add(&chapter_html(chapter, story.chapters.len() > 1));
    }
}

fn chapter_html(chapter: &Chapter, numbered: bool) -> String {
    let class = if chapter.leaked { "chapter leak" } else { "chapter" };
    let mut html = format!("<section class=\"{class}\">");
    if numbered {
        let _ = write!(html, "<h3>Cycle {}</h3>", chapter.cycle);
    }
    let _ = write!(html, "<p>{}</p><ol class=\"days\">", escape(&standing(chapter)));
    for day in &chapter.days {
        let class = match day.weight {
            Weight::Course => "",
            Weight::Turn => " class=\"turn\"",
            Weight::Bad => " class=\"bad\"",
        };
        let _ = write!(
            html,
            "<li><time>{}</time><span{class}>{} <small>log {}</small></span></li>",
            moment(day.at),
            escape(&day.words),
            day.position
        );
    }
    html.push_str("</ol>");
    if !chapter.package.is_empty() {
        let rows = chapter.package.iter().map(|(part, value)| [escape(part), escape(value)]);
        html.push_str(&table("What stood in the package when it moved on", ["Part", "Value"], rows));
    }
    html.push_str("</section>");
    html
}

/// A span as people say it: days from two days on, else hours, else minutes.
fn lasting(ms: i64) -> String {
    let minutes = ms / 60_000;
    match minutes {
        0 => "0 h".to_owned(),
        1..60 => format!("{minutes} min"),
        60..2_880 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1_440),
    }
}

/// Where a cycle stands, in one line.
pub(super) fn standing(chapter: &Chapter) -> String {
    let mut words = match chapter.score {
        None => "It has not moved on.".to_owned(),
        Some(score) => {
            let how =
                if chapter.bypassed { "passed its stage without an acceptance" } else { "was accepted" };
            let leak = if chapter.leaked { ": it leaked" } else { "" };
            format!("It {how} with {} of {} mandatory fields filled{leak}.", score.filled, score.required)
        }
    };
    if chapter.untold > 0 {
        let _ = write!(
            words,
            " What stood in {} of the mandatory fields then the CRM does not tell; they are scored as it tells them later.",
            chapter.untold
        );
    }
    if chapter.leak_unknown {
        words.push_str(" Whether it leaked hangs on them.");
    }
    if chapter.reconstructed {
        words.push_str(" Worked out afterwards from what the CRM tells of its past.");
    }
    if let Some(held) = chapter.held {
        let _ = write!(
            words,
            " Held {} {}: sender {}, receiver {}, customer {}, handoffd {}.",
            lasting(held.total_ms),
            if chapter.accepted { "until it was accepted" } else { "so far, and nobody accepted it" },
            lasting(held.sender_ms),
            lasting(held.receiver_ms),
            lasting(held.customer_ms),
            lasting(held.system_ms)
        );
    }
    words
}
