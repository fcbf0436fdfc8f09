//! The leak audit as a page for a board, and as text for a terminal.

mod page;
mod sections;
#[cfg(test)]
mod tests;
mod text;

pub use page::html;
pub use text::text;

use handoff_measure::audit::{Audit, Row};
use handoff_measure::metric::{Band, Figure};

/// A contract's short name, e.g. `H03`, where it is named like ours.
fn short(row: &Row) -> String {
    let head = row.contract.as_str().split('-').next().unwrap_or_default();
    head.to_ascii_uppercase()
}

/// A figure in one line: value, n, interval.
fn told(figure: &Figure) -> (String, String) {
    if figure.value.is_none() {
        let why = figure.why.clone().unwrap_or_else(|| "not measurable".to_owned());
        return ("not measurable".to_owned(), why);
    }
    let interval = figure.interval.map(|each| format!(", 95 % {} to {}", each.low, each.high));
    let open = if figure.provisional { ", provisional" } else { "" };
    let left_out = if figure.unmeasurable == 0 {
        String::new()
    } else {
        format!(", {} more not told", figure.unmeasurable)
    };
    (figure.words(), format!("n {}{left_out}{}{open}", figure.n, interval.unwrap_or_default()))
}

/// Whether a figure meets its target; `None` = it has none, or there is nothing to judge.
fn good(figure: &Figure) -> Option<bool> {
    match figure.band {
        Band::NotMeasurable => None,
        Band::OnTarget => Some(true),
        Band::Below | Band::Aspirational => Some(false),
    }
}

/// From when to when.
fn when(audit: &Audit) -> String {
    let until = audit.scope.as_of.strftime("%Y-%m-%d");
    match audit.scope.window.from {
        Some(from) => format!("Handoffs from {} to {until}", from.strftime("%Y-%m-%d")),
        None => format!("All recorded history up to {until}"),
    }
}
