//! The dossier for a terminal.

use std::fmt::Write as _;

use super::page::standing;
use super::{Dossier, Weight};
use crate::cli::output::{bad, plain};
use crate::report::html::moment;

/// The dossier as text.
pub fn text(dossier: &Dossier) -> String {
    let mut text = format!("account {}\n", plain(&dossier.account.to_string()));
    // Writing to a String cannot fail.
    let told = |day: Option<jiff::civil::Date>| day.map_or_else(|| "-".to_owned(), |day| day.to_string());
    let _ = writeln!(
        text,
        "  ARR {}{}, customer since {}, left on {}",
        plain(dossier.arr.as_deref().unwrap_or("-")),
        if dossier.arr_from_deal { " (its largest deal)" } else { "" },
        told(dossier.customer_since),
        told(dossier.churned_at)
    );
    for finding in &dossier.findings {
        let _ = writeln!(text, "  - {}", plain(finding));
    }
    for story in &dossier.handoffs {
        let _ = writeln!(text, "\n{}\n  {}", plain(&story.title), plain(&story.stream));
        for chapter in &story.chapters {
            let _ = writeln!(text, "  cycle {}: {}", chapter.cycle, plain(&standing(chapter)));
            for day in &chapter.days {
                let words = plain(&day.words);
                let words = if day.weight == Weight::Bad { bad(&words) } else { words };
                let _ = writeln!(text, "    {}  {words}  [log {}]", moment(day.at), day.position);
            }
            for (part, value) in &chapter.package {
                let _ = writeln!(text, "      {} = {}", plain(part), plain(value));
            }
        }
    }
    if !dossier.answers.is_empty() {
        let answers: Vec<String> = dossier
            .answers
            .iter()
            .map(|each| format!("{} {}", each.at.strftime("%Y-%m-%d"), each.score))
            .collect();
        let _ = writeln!(text, "\nanswers to surveys: {}", answers.join(", "));
    }
    text
}
