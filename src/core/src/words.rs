//! What people read on the record: what is missing and who has to act.

use jiff::Timestamp;

use crate::completeness::Finding;
use crate::contract::{Contract, OnBypass};
use crate::event::NotReverted;
use crate::evidence::{Evidence, Heard, Place, Standing};
use crate::gate::Verdict;
use crate::handoff::{Handoff, Phase};
use crate::plan::Inputs;
use crate::seat::falls_to;
use crate::twin::TwinWord;

mod returned;

pub use returned::override_reason;

/// Longest text of a short CRM field (Salesforce Text).
const SHORT: usize = 255;
/// Longest text of the "what is missing" field.
const LONG: usize = 4_000;

/// An instant as ISO 8601 in UTC with seconds, which every CRM reads.
pub fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Why a gate is shut again that was being opened.
pub const CHANGED_MEANWHILE: &str = "The record changed while its gate was being opened";

/// Where a handoff stands and who has to act, in one line; `overdue` = the receiver's time is up.
pub fn standing(contract: &Contract, handoff: &Handoff, missing: &[Finding], overdue: bool) -> String {
    if handoff.stage.is_none() && handoff.phase != Phase::Voided {
        return "Held: this stage is not known to the handoff mapping. An admin has to name it.".to_owned();
    }
    if let Some(held) = crate::beside::words::held(contract, handoff) {
        return held.to_owned();
    }
    match handoff.phase {
        Phase::Draft if missing.is_empty() => {
            if handoff.is_unchanged_since_sent_back() {
                "With the sender: not changed since it was sent back".to_owned()
            } else {
                "With the sender: filled, but not handed over yet".to_owned()
            }
        }
        Phase::Draft => format!("With the sender: {} to fill", count(missing.len())),
        Phase::Rejected if missing.is_empty() => {
            if handoff.is_unchanged_since_sent_back() {
                "Sent back to the sender: not changed since".to_owned()
            } else {
                "Sent back to the sender: changed, but not handed over again yet".to_owned()
            }
        }
        Phase::Rejected => format!("Sent back to the sender: {} to mend", count(missing.len())),
        Phase::Complete => match nobody_can_accept(contract, handoff) {
            Some(why) => format!("Nobody can accept: {why}"),
            None if overdue => late(handoff),
            None if let Some(role) =
                falls_to(contract, handoff.sender.as_ref(), handoff.receiver.as_ref()) =>
            {
                format!(
                    "Waiting for the {} to accept or reject: no receiver is there",
                    role.replace('_', " ")
                )
            }
            None => "Waiting for the receiver to accept or reject".to_owned(),
        },
        Phase::Accepted
            if (missing.is_empty() || handoff.awaits_confirmation())
                && returned::accepted(contract, handoff).is_some() =>
        {
            returned::accepted(contract, handoff).unwrap_or_default()
        }
        Phase::Accepted => match no_longer(handoff) {
            Some(why) => format!("Accepted, but {why}"),
            None if missing.is_empty() => "Accepted by the receiver".to_owned(),
            None => format!("Accepted, but no longer complete: {} to fill", count(missing.len())),
        },
        Phase::Voided => "Not open: the deal is off or the record is gone".to_owned(),
    }
}

/// Since when the answer is due, and who was told, where the contract keeps a clock.
fn late(handoff: &Handoff) -> String {
    let clock = handoff.clock.as_ref();
    let since = |at: Timestamp| at.strftime("%Y-%m-%d %H:%MZ");
    if let Some((at, to)) = clock.and_then(|clock| clock.escalated.as_ref()) {
        return format!(
            "Waiting for the receiver: overdue since {}, escalated to {}",
            since(*at),
            to.replace('_', " ")
        );
    }
    match clock.and_then(|clock| clock.set.due) {
        Some(due) => format!("Waiting for the receiver: overdue since {}", since(due)),
        None => "Waiting for the receiver: overdue".to_owned(),
    }
}

/// Why nobody can accept as things stand, and what to do.
pub(crate) fn nobody_can_accept(contract: &Contract, handoff: &Handoff) -> Option<String> {
    let Some(sender) = &handoff.sender else { return Some("no sender is named.".to_owned()) };
    if falls_to(contract, handoff.sender.as_ref(), handoff.receiver.as_ref()).is_some() {
        return None;
    }
    let Some(receiver) = &handoff.receiver else {
        return Some("no receiver is named. Name one.".to_owned());
    };
    let role = &contract.roles.receiver;
    let why = if sender.person == receiver.person {
        "sender and receiver are the same person."
    } else if receiver.machine {
        "the receiver is a machine."
    } else if !receiver.active {
        "the receiver's user is switched off."
    } else if !receiver.roles.contains(role) {
        return Some(format!(
            "the receiver does not hold the role {}. Name another receiver.",
            role.replace('_', " ")
        ));
    } else if handoff.handed_over_by.as_ref() == Some(&receiver.person) {
        return Some(
            "the receiver handed it over himself. Name another receiver, or send it back.".to_owned(),
        );
    } else {
        return None;
    };
    Some(format!("{why} Name another receiver."))
}

/// What is wrong with the people of an acceptance that stands.
fn no_longer(handoff: &Handoff) -> Option<&'static str> {
    if handoff.acceptance_holds() {
        None
    } else if handoff.receiver.is_none() {
        Some("no receiver is named now. Name the one who accepted, or another who accepts anew.")
    } else if handoff.sender.is_none() {
        Some("no sender is named now. Name one.")
    } else {
        Some("not as it stands now")
    }
}

/// Why a gate is shut and who has to act; at most 255 characters.
pub fn hold_reason(contract: &Contract, handoff: &Handoff, verdict: &Verdict) -> String {
    let receiver = contract.roles.receiver.replace('_', " ");
    let sender = contract.roles.sender.replace('_', " ");
    if let Some(held) = crate::beside::words::held(contract, handoff) {
        return shorten(held, SHORT);
    }
    let text = match handoff.phase {
        Phase::Voided => "The deal is off or its record is gone".to_owned(),
        Phase::Draft | Phase::Complete | Phase::Accepted | Phase::Rejected if handoff.stage.is_none() => {
            "The stage is not known to the handoff mapping".to_owned()
        }
        Phase::Draft | Phase::Rejected if verdict.missing.is_empty() => {
            format!("Waiting for the {sender} to hand over")
        }
        Phase::Draft | Phase::Rejected => format!("Waiting for the {sender}: {}", labels(&verdict.missing)),
        Phase::Complete => nobody_can_accept(contract, handoff).map_or_else(
            || {
                let role = falls_to(contract, handoff.sender.as_ref(), handoff.receiver.as_ref())
                    .map(|role| role.replace('_', " "));
                format!("Waiting for the {} to accept", role.unwrap_or(receiver))
            },
            |why| format!("Nobody can accept: {why}"),
        ),
        Phase::Accepted if handoff.awaits_confirmation() => {
            returned::accepted(contract, handoff).unwrap_or_default()
        }
        Phase::Accepted => match no_longer(handoff) {
            Some(why) => format!("Accepted, but {why}"),
            None if verdict.missing.is_empty() => {
                disagreement(handoff).unwrap_or_else(|| "Waiting to be written".to_owned())
            }
            None => format!("Accepted, but no longer complete: {}", labels(&verdict.missing)),
        },
    };
    shorten(&text, SHORT)
}

/// Where the handoff stands, with a by-pass and what follows from it said aloud; at most 255 characters.
pub fn status(inputs: Inputs<'_>) -> String {
    let passed = passed(inputs).unwrap_or_default();
    let twin = disagreement(inputs.handoff).map(|words| format!("{words} ")).unwrap_or_default();
    let overridden = returned::overridden(inputs.handoff, inputs.verdict);
    let aside = crate::beside::words::aside(inputs.handoff);
    let drift = drift(inputs.handoff).map(|words| format!("{words} ")).unwrap_or_default();
    shorten(&format!("{overridden}{passed}{twin}{drift}{aside}{}", inputs.verdict.status), SHORT)
}

/// From which other handoff something is carried that was changed there since.
fn drift(handoff: &Handoff) -> Option<String> {
    let drifted = handoff.drifted();
    let seen = drifted.first()?;
    Some(format!("Carried from {}, which changed since this was accepted.", seen.contract))
}

/// Which other record says otherwise, and what follows.
fn disagreement(handoff: &Handoff) -> Option<String> {
    let twin = handoff.disagreeing_twin()?;
    let record = &twin.record;
    Some(match twin.word {
        TwinWord::Accepted => format!("Accepted in {record}, but not here: pay waits for both."),
        TwinWord::AcceptedOther => {
            format!("Another package was accepted in {record}: pay waits until both say the same.")
        }
        TwinWord::NotAccepted => format!("Not accepted in {record}: pay waits for both."),
        TwinWord::Rival => format!("{record} names the same deal: pay waits until only one does."),
    })
}

/// The same words before and after the move, so that they stand there when the card jumps.
fn went_back(inputs: Inputs<'_>, from: &str, to: &str) -> String {
    let [from, to] = [from, to].map(|stage| inputs.raw.in_words(&inputs.mapping.stage.field, stage));
    format!("{from} waits for this handoff: back to {to}. ")
}

/// Why the card jumps back, or why it stays where it should not be. Who has to act follows in the status itself.
fn passed(inputs: Inputs<'_>) -> Option<String> {
    let handoff = inputs.handoff;
    if let Some(grace) = &handoff.grace {
        return Some(format!(
            "Moved past its gate while handoffd was down: to be accepted before {}. ",
            grace.until.strftime("%Y-%m-%d %H:%MZ")
        ));
    }
    let Some(bypass) = &handoff.bypass else {
        let put_back = handoff.put_back.as_ref()?;
        return Some(went_back(inputs, &put_back.from, &handoff.stage_raw));
    };
    if let Some(order) = &bypass.order {
        return Some(if order.refused {
            "Moved past its gate, and the CRM refuses to put it back: an admin has to act. ".to_owned()
        } else {
            went_back(inputs, &order.from, &order.to)
        });
    }
    match bypass.stays {
        Some(NotReverted::TooOften) => Some(
            "Moved past its gate again and again: it stays here, shut; find out who or what moves it. "
                .to_owned(),
        ),
        Some(NotReverted::NoWayBack) => Some(
            "Moved past its gate, and nothing tells where it came from: put it back by hand. ".to_owned(),
        ),
        Some(NotReverted::TooLate) => {
            Some("Moved past its gate more than a day ago: it stays here, shut. ".to_owned())
        }
        None => {
            let notify = inputs.terms.on_bypass(inputs.contract, &bypass.gate) == OnBypass::Notify;
            notify.then(|| "Moved past its gate. ".to_owned())
        }
    }
}

/// What is missing, a line each, with the receiver's words on top when the package was sent back; at most 4,000 characters.
pub fn missing(contract: &Contract, handoff: &Handoff, verdict: &Verdict) -> String {
    let mut lines: Vec<String> = Vec::new();
    if let Some(reason) = handoff.reason.as_ref().filter(|_| handoff.phase == Phase::Rejected) {
        lines.push(format!("Sent back: {reason}"));
        lines.extend(returned::reasons(contract, handoff));
    }
    lines.extend(verdict.missing.iter().map(ToString::to_string));
    lines.extend(returned::unknowns(contract, handoff, verdict));
    lines.extend(returned::exceptions(contract, handoff));
    lines.extend(handoff.words_of_carried());
    shorten(&lines.join("\n"), LONG)
}

/// What changed since the receiver last answered, for him to read; labels only, at most 4,000 characters. Empty while it is not his turn.
pub fn changes(contract: &Contract, handoff: &Handoff) -> String {
    shorten(&returned::changed_since(contract, handoff).join("\n"), LONG)
}

/// Places of calls that may speak of a field, a line each, confirmed ones first; at most 4,000 characters, whole lines. Holds names of
/// fields, times and addresses of calls, never words of a call.
pub fn evidence(contract: &Contract, evidence: &Evidence) -> String {
    let mut places: Vec<(&Heard, &Place)> =
        evidence.places().into_iter().filter(|(_, place)| place.standing() != Standing::Dismissed).collect();
    places.sort_by_key(|(_, place)| place.standing());
    let lines = places.into_iter().map(|(heard, place)| {
        let field = contract.field(&place.spot.field).map_or(place.spot.field.as_str(), |field| &field.label);
        let standing = if place.standing() == Standing::Confirmed { "" } else { " (suggested)" };
        let (from, to) = (clock(place.spot.from_ms), clock(place.spot.to_ms));
        let day = heard.started.strftime("%Y-%m-%d");
        let address = heard.url.as_deref().map(|url| format!(" {url}")).unwrap_or_default();
        format!("{field}{standing}: call of {day}, {from}–{to}{address}")
    });
    in_whole_lines(lines)
}

/// Lines as one text of at most 4,000 characters; a line that does not fit is left out with those after it.
pub(crate) fn in_whole_lines(lines: impl Iterator<Item = String>) -> String {
    let mut text = String::new();
    let mut length = 0;
    for line in lines {
        length += line.chars().count() + 1;
        if length > LONG {
            break;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&line);
    }
    text
}

/// Milliseconds as minutes and seconds, with hours where there are any.
pub fn clock(ms: u64) -> String {
    let seconds = ms / 1_000;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

fn count(things: usize) -> String {
    match things {
        1 => "1 thing".to_owned(),
        many => format!("{many} things"),
    }
}

fn labels(findings: &[Finding]) -> String {
    let labels: Vec<&str> = findings.iter().map(|finding| finding.label.as_str()).collect();
    labels.join("; ")
}

/// Cuts at a character border and says so with an ellipsis.
pub(crate) fn shorten(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(limit.saturating_sub(1)).collect();
    cut.push('…');
    cut
}
