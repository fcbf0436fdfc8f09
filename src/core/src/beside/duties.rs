//! What people owe because of what happened beside the package. Names no value of a record.

use jiff::{SignedDuration, Timestamp};

use super::terms::Reunify;
use crate::contract::Contract;
use crate::handoff::{Handoff, Phase};
use crate::motion::{SignalTable, actions};
use crate::observation::Actor;
use crate::{escalation, first_touch};

/// Who owes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owed {
    /// Somebody.
    By(Actor),
    /// Whoever holds a role.
    ByRole(String),
}

/// Something that is owed: the kind and the key tell it apart from everything else that this cycle of the handoff owes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owes {
    /// The kind, e.g. `ack`.
    pub kind: &'static str,
    /// Tells several of one kind apart.
    pub key: String,
    /// Who.
    pub owner: Owed,
    /// Until when.
    pub due: Option<Timestamp>,
    /// One line.
    pub title: String,
    /// Plain words.
    pub text: String,
}

/// What people owe this handoff now, beside the package. The same state: the same duties with the same keys and dates.
pub fn duties(contract: &Contract, handoff: &Handoff, signals: Option<&SignalTable>) -> Vec<Owes> {
    if handoff.phase == Phase::Voided {
        return Vec::new();
    }
    let mut list = List { handoff, owed: Vec::new() };
    list.return_path(contract);
    list.shared(contract);
    list.touch(contract);
    list.signals(signals);
    list.owed
}

struct List<'a> {
    handoff: &'a Handoff,
    owed: Vec<Owes>,
}

impl List<'_> {
    fn add(
        &mut self,
        kind: &'static str,
        key: &str,
        owner: Option<Owed>,
        due: Option<Timestamp>,
        words: (&str, &str),
    ) {
        // Nobody named: the handoff itself says so, as a concern.
        let Some(owner) = owner else { return };
        let (title, text) = (words.0.to_owned(), words.1.to_owned());
        self.owed.push(Owes { kind, key: key.to_owned(), owner, due, title, text });
    }

    fn sender(&self) -> Option<Owed> {
        self.handoff.sender.clone().map(Owed::By)
    }

    fn receiver(&self) -> Option<Owed> {
        self.handoff.receiver.clone().map(Owed::By)
    }

    fn return_path(&mut self, contract: &Contract) {
        let handoff = self.handoff;
        let (Some(terms), Some(path)) = (&contract.return_path, handoff.beside.return_path.as_deref()) else {
            return;
        };
        let above = || terms.escalate_to.clone().map(Owed::ByRole);
        if path.acknowledged.is_none() {
            let due = escalation::acknowledge_by(terms, path);
            let words =
                ("Acknowledge the escalation", "Name who has it and by when there will be an answer.");
            self.add("ack", "", self.receiver(), due, words);
            if path.ack_missed {
                let words =
                    ("An escalation is not acknowledged", "The receiving team did not take it in time.");
                self.add("escalation", "ack", above(), due, words);
            }
        }
        if let Some(eta) = path.eta.filter(|_| path.eta_passed && path.resolved.is_none()) {
            let key = eta.to_string();
            let words = ("Give a new date", "The date promised to the customer passed without a resolution.");
            self.add("eta", &key, self.receiver(), None, words);
            self.add("escalation", &format!("eta-{key}"), above(), None, ("A promised date passed", words.1));
        }
        if path.silent && path.resolved.is_none() {
            let key = path.echoes_missed.to_string();
            let words = ("Say how the escalation stands", "Nothing was heard when news was due.");
            self.add("echo", &key, self.receiver(), None, words);
            self.add(
                "escalation",
                &format!("echo-{key}"),
                above(),
                None,
                ("An escalation is silent", words.1),
            );
        }
        if let Some(resolved) = path.resolved.filter(|_| path.closed.is_none()) {
            let due = escalation::close_by(terms, &handoff.package, path);
            let words = (
                "Tell the customer yourself that it is fixed",
                "Call, meet or write, and record it on the escalation; nobody else closes the loop.",
            );
            let key = resolved.as_second().to_string();
            self.add("close-loop", &key, self.sender(), due, words);
            if path.loop_missed {
                self.add(
                    "escalation",
                    &format!("loop-{key}"),
                    above(),
                    due,
                    ("The customer was not told in time", words.1),
                );
            }
        }
    }

    fn shared(&mut self, contract: &Contract) {
        let handoff = self.handoff;
        let Some(terms) = &contract.cross_motion else { return };
        let Some(shared) = handoff.beside.shared.as_deref() else { return };
        if shared.primary.is_none() {
            let words =
                ("Name exactly one primary owner", "Nobody, or more than one, owns the relationship now.");
            self.add("primary-owner", "", self.sender(), None, words);
        }
        if let Some(due) = shared.due.as_ref().filter(|_| shared.reunified.is_none()) {
            let words = match due.policy {
                Reunify::Propose => {
                    ("Take the relationship back: change its owner", "The agreed trigger fired.")
                }
                Reunify::Write => (
                    "The relationship comes back to you",
                    "The agreed trigger fired; the owner is being changed.",
                ),
            };
            let key = due.at.as_second().to_string();
            self.add("reunify", &key, due.to.clone().map(Owed::By), Some(due.at), words);
        }
        if shared.low {
            let words = (
                "Motion A is below its line: stop the cross-sell",
                "It goes on when motion A's health recovers.",
            );
            self.add("health", "", self.receiver(), None, words);
        }
        let signs = handoff.stage.as_ref().is_some_and(|stage| terms.paperwork_at.contains(stage));
        if signs && handoff.is_accepted() {
            let words = (
                "Route the papers as agreed",
                "The package says which entity signs and who has to see them.",
            );
            self.add("paperwork", "", self.receiver(), None, words);
        }
    }

    fn touch(&mut self, contract: &Contract) {
        let handoff = self.handoff;
        let Some(terms) = &contract.first_touch else { return };
        let touched = handoff.beside.touch.as_ref().is_some_and(|touch| touch.touched.is_some());
        if let Some(due) = first_touch::due(terms, handoff).filter(|_| !touched) {
            let words = ("Touch the lead for the first time", "The clock runs since it was handed over.");
            self.add("first-touch", "", self.receiver(), Some(due), words);
        }
    }

    /// The actions of the record's own motion, and of no other.
    fn signals(&mut self, table: Option<&SignalTable>) {
        let Some(table) = table else { return };
        let handoff = self.handoff;
        for (signal, since) in &handoff.beside.signals {
            match actions(table, signal, &handoff.id.motion) {
                Ok(found) => {
                    for (number, action) in found.iter().enumerate() {
                        let hours =
                            action.due_hours.map(|hours| SignedDuration::from_hours(i64::from(hours)));
                        let due = hours.and_then(|hours| since.checked_add(hours).ok());
                        let (key, role) = (format!("{signal}-{number}"), Owed::ByRole(action.role.clone()));
                        self.add("signal", &key, Some(role), due, (&action.title, &action.text));
                    }
                }
                Err(why) => {
                    let words = ("A signal has no action in this motion", why.to_string());
                    let admin = Owed::ByRole("admin".to_owned());
                    self.add("review", signal, Some(admin), None, (words.0, &words.1));
                }
            }
        }
    }
}
