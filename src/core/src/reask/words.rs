//! What people read of re-asks on the record: fields and minutes, never words of a call.

use super::{Open, Reasks};
use crate::contract::Contract;
use crate::evidence::Standing;
use crate::words::{clock, in_whole_lines};

/// What waits for a person first, then what was confirmed; a line each, whole lines, at most 4,000 characters.
pub fn note(contract: &Contract, reasks: &Reasks) -> String {
    let mut all: Vec<Open<'_>> =
        reasks.all().into_iter().filter(|open| open.suggested.standing() != Standing::Dismissed).collect();
    all.sort_by_key(|open| open.suggested.standing() == Standing::Confirmed);
    in_whole_lines(all.into_iter().map(|open| line(contract, open)))
}

/// One of them on one line.
pub(super) fn line(contract: &Contract, open: Open<'_>) -> String {
    let reask = &open.suggested.reask;
    let field = contract.field(&reask.field).map_or(reask.field.as_str(), |field| &field.label);
    let standing = match open.suggested.standing() {
        Standing::Suggested => "asked again? confirm or dismiss",
        Standing::Confirmed => "asked again",
        Standing::Dismissed => "not asked again",
    };
    let complaint = if reask.complaint { ", the customer said so" } else { "" };
    let (from, to) = (clock(reask.from_ms), clock(reask.to_ms));
    let day = open.call.started.strftime("%Y-%m-%d");
    let address = open.call.url.as_deref().map(|url| format!(" {url}")).unwrap_or_default();
    format!("{field} ({standing}{complaint}): call of {day}, {from}–{to}{address}")
}
