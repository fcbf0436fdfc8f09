//! What a scorecard says about the part of it that nobody watched.

use std::fmt::Write as _;

use handoff_measure::report::Report;

use super::output::plain;

/// Which rows rest on reconstructed cycles, and how many transitions cannot be scored; empty = everything was watched.
pub(super) fn words(report: &Report) -> String {
    let mut text = String::new();
    for row in report.rows.iter().filter(|row| row.period.is_none() && row.reconstructed > 0) {
        let name = plain(&format!("{} / {}", row.contract, row.motion));
        let _ = write!(text, "{name}  {} cycles", row.reconstructed);
        if row.untold > 0 {
            let _ = write!(
                text,
                "; completeness of {} transitions unknown: the CRM keeps no history of a mandatory field that goes so far back",
                row.untold
            );
        }
        text.push('\n');
    }
    if text.is_empty() { text } else { format!("\nworked out afterwards from the CRM's history\n{text}") }
}
