//! The words of the echo, and their place in a field that several escalations share.

use crate::beside::ReturnPathState;
use crate::words::instant;

/// Most characters of one escalation's block.
const BLOCK: usize = 400;
/// Most characters of the whole field.
const FIELD: usize = 4_000;
/// Opens every block; no status of a CRM begins a line like this.
const MARK: &str = "▸ ";

/// How an escalation stands, in two lines: for the sender to read, and to answer the customer with. The same words as long as nothing changes.
/// `status` is the receiving team's as people see it.
pub fn block(name: &str, path: &ReturnPathState, status: &str) -> String {
    let mut lines = vec![format!("{MARK}{name}: {}", one_line(status))];
    let mut told = Vec::new();
    if path.acknowledged.is_none() {
        told.push(
            if path.ack_missed { "not acknowledged: overdue" } else { "not acknowledged yet" }.to_owned(),
        );
    }
    if let Some(eta) = path.eta {
        told.push(format!("answer promised by {eta}{}", if path.eta_passed { ": passed" } else { "" }));
    }
    if let Some(heard) = path.heard {
        told.push(format!("last heard of {}", instant(heard)));
    }
    if path.silent {
        told.push("no news when news was due".to_owned());
    }
    match (&path.closed, path.resolved) {
        (Some(closed), _) => told.push(format!("customer told {}", instant(closed.at))),
        (None, Some(resolved)) => {
            let late = if path.loop_missed { ": overdue" } else { "" };
            told.push(format!("resolved {}; tell the customer yourself{late}", instant(resolved)));
        }
        (None, None) => {}
    }
    if let Some(echoed) = path.echoed {
        told.push(format!("echo {} of {}", path.echoes, instant(echoed)));
    }
    lines.push(told.join("; "));
    lines.join("\n").chars().take(BLOCK).collect()
}

/// The field's text with this escalation's block in its place: replaced where it stood, added at the end where it did not, taken out for
/// `None`. Other blocks stay as they are. `None` = it does not fit any more; the field is left alone.
pub fn in_place(stands: &str, name: &str, block: Option<&str>) -> Option<String> {
    let own = format!("{MARK}{name}:");
    let mut blocks: Vec<String> = Vec::new();
    for line in stands.lines() {
        if line.starts_with(MARK) || blocks.is_empty() {
            blocks.push(line.to_owned());
        } else if let Some(last) = blocks.last_mut() {
            last.push('\n');
            last.push_str(line);
        }
    }
    let place = blocks.iter().position(|block| block.starts_with(&own));
    match (place, block) {
        (Some(place), Some(block)) => {
            if let Some(stood) = blocks.get_mut(place) {
                block.clone_into(stood);
            }
        }
        (Some(place), None) => drop(blocks.remove(place)),
        (None, Some(block)) => blocks.push(block.to_owned()),
        (None, None) => {}
    }
    let text = blocks.join("\n");
    (text.chars().count() <= FIELD).then_some(text)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
