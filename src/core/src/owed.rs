//! What people owe a handoff in its return loop: the sender the rejected fields and exceptions, the receiver a confirmation.

use jiff::Timestamp;

use crate::contract::Contract;
use crate::handoff::{Handoff, Phase};
use crate::id::FieldKey;
use crate::observation::Actor;

/// One thing that somebody owes. It is done when it is no longer told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// `mend`, `confirm` or `exception`.
    pub kind: &'static str,
    /// What tells it from others of its kind in one cycle: the round, or the field.
    pub key: String,
    /// Who owes it.
    pub owner: Actor,
    /// Until when, if there is a day.
    pub due: Option<Timestamp>,
    /// One line.
    pub title: String,
    /// Exactly what is to be done, a line each; holds the receiver's words.
    pub text: String,
}

/// What is owed now, in a fixed order.
pub fn return_obligations(contract: &Contract, handoff: &Handoff) -> Vec<Owed> {
    let mut owed = Vec::new();
    owed.extend(mend(contract, handoff));
    owed.extend(confirm(contract, handoff));
    owed.extend(exceptions(contract, handoff));
    owed
}

fn label<'a>(contract: &'a Contract, key: &'a FieldKey) -> &'a str {
    contract.field(key).map_or(key.as_str(), |field| field.label.as_str())
}

fn mend(contract: &Contract, handoff: &Handoff) -> Option<Owed> {
    let owner = handoff.sender.clone().filter(|_| handoff.phase == Phase::Rejected)?;
    let line = |key: &FieldKey| match handoff.returns.reasons.get(key) {
        Some(why) => format!("{}: {why}", label(contract, key)),
        None => label(contract, key).to_owned(),
    };
    let open = handoff.still_rejected();
    let text: Vec<String> = handoff.reason.iter().cloned().chain(open.iter().map(line)).collect();
    let count = open.len();
    let title = if count == 0 {
        "Mend what was sent back".to_owned()
    } else {
        format!("Mend {count} field{} that the receiver sent back", if count == 1 { "" } else { "s" })
    };
    let key = format!("round-{}", handoff.round);
    Some(Owed { kind: "mend", key, owner, due: None, title, text: text.join("\n") })
}

fn confirm(contract: &Contract, handoff: &Handoff) -> Option<Owed> {
    let owner = handoff.receiver.clone().filter(|_| handoff.awaits_confirmation())?;
    let fields: Vec<&str> = handoff.returns.unconfirmed.keys().map(|key| label(contract, key)).collect();
    let number = handoff.returns.version.as_ref().map_or(0, |version| version.number);
    Some(Owed {
        kind: "confirm",
        key: format!("after-version-{number}"),
        owner,
        due: None,
        title: "Confirm what was edited after you accepted".to_owned(),
        text: fields.join("\n"),
    })
}

fn exceptions<'a>(contract: &'a Contract, handoff: &'a Handoff) -> impl Iterator<Item = Owed> + 'a {
    let owner = handoff.sender.clone().filter(|_| handoff.phase == Phase::Accepted);
    let exceptions = owner.into_iter().flat_map(|owner| {
        handoff.returns.exceptions.iter().map(move |(key, granted)| (owner.clone(), key, granted))
    });
    exceptions.map(|(owner, key, granted)| Owed {
        kind: "exception",
        key: key.0.clone(),
        owner,
        due: Some(granted.exception.due),
        title: format!("Fill {}", label(contract, key)),
        text: granted.exception.reason.clone(),
    })
}
