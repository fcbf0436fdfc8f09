//! What people owe because of what happened beside the package. Names no value of a record.

use jiff::{SignedDuration, Timestamp};

use super::terms::Reunify;
use crate::contract::Contract;
use crate::event::Concern;
use crate::handoff::{Handoff, Phase};
use crate::motion::{SignalTable, actions};
use crate::obligation::{ADMIN, Duty, ObligationKind as Kind, Owner};
use crate::seat::falls_to;
use crate::{escalation, first_touch};

/// What people owe this handoff now, beside the package. The same state: the same duties with the same keys and dates.
pub fn duties(contract: &Contract, handoff: &Handoff, signals: Option<&SignalTable>) -> Vec<Duty> {
    if handoff.phase == Phase::Voided {
        return Vec::new();
    }
    let mut list = List { contract, handoff, owed: Vec::new() };
    list.return_path(contract);
    list.shared(contract);
    list.touch(contract);
    list.signals(signals);
    list.owed
}

struct List<'a> {
    contract: &'a Contract,
    handoff: &'a Handoff,
    owed: Vec<Duty>,
}

impl List<'_> {
    fn add(
        &mut self,
        kind: Kind,
        key: &str,
        owner: Option<Owner>,
        due: Option<Timestamp>,
        words: (&str, &str),
    ) {
        // Nobody named: the handoff itself says so, as a concern.
        let Some(owner) = owner else { return };
        let (title, text) = (words.0.to_owned(), words.1.to_owned());
        self.owed.push(Duty { kind, key: key.to_owned(), owner, due, title, text });
    }

    fn sender(&self) -> Option<Owner> {
        self.handoff.sender.clone().map(Owner::By)
    }

    /// The receiver, or the role that stands in while the record names nobody who could act.
    fn receiver(&self) -> Option<Owner> {
        let receiver = self.handoff.receiver.as_ref();
        match falls_to(self.contract, self.handoff.sender.as_ref(), receiver) {
            Some(role) => Some(Owner::ByRole(role.to_owned())),
            None => receiver.cloned().map(Owner::By),
        }
    }

    fn return_path(&mut self, contract: &Contract) {
        let handoff = self.handoff;
        let (Some(terms), Some(path)) = (&contract.return_path, handoff.beside.return_path.as_deref()) else {
            return;
        };
        let above = || terms.escalate_to.clone().map(Owner::ByRole);
        if path.acknowledged.is_none() {
            let due = escalation::acknowledge_by(terms, path);
            let words =
                ("Acknowledge the escalation", "Name who has it and by when there will be an answer.");
            self.add(Kind::Ack, "", self.receiver(), due, words);
            if path.ack_missed {
                let words =
                    ("An escalation is not acknowledged", "The receiving team did not take it in time.");
                self.add(Kind::Escalation, "ack", above(), due, words);
            }
        }
        if let Some(eta) = path.eta.filter(|_| path.eta_passed && path.resolved.is_none()) {
            let key = eta.to_string();
            let words = ("Give a new date", "The date promised to the customer passed without a resolution.");
            self.add(Kind::Eta, &key, self.receiver(), None, words);
            self.add(
                Kind::Escalation,
                &format!("eta-{key}"),
                above(),
                None,
                ("A promised date passed", words.1),
            );
        }
        if path.silent && path.resolved.is_none() {
            let key = path.echoes_missed.to_string();
            let words = ("Say how the escalation stands", "Nothing was heard when news was due.");
            self.add(Kind::Echo, &key, self.receiver(), None, words);
            self.add(
                Kind::Escalation,
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
            self.add(Kind::CloseLoop, &key, self.sender(), due, words);
            if path.loop_missed {
                self.add(
                    Kind::Escalation,
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
        if handoff.concerns.contains(&Concern::NotOnePrimaryOwner) {
            let words =
                ("Name exactly one primary owner", "Nobody, or more than one, owns the relationship now.");
            self.add(Kind::PrimaryOwner, "", self.sender(), None, words);
        }
        let Some(shared) = handoff.beside.shared.as_deref() else { return };
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
            self.add(
                Kind::Reunify,
                &key,
                due.to.clone().map(Owner::By).or_else(|| self.sender()),
                Some(due.at),
                words,
            );
        }
        if shared.low {
            let words = (
                "Motion A is below its line: stop the cross-sell",
                "It goes on when motion A's health recovers.",
            );
            self.add(Kind::Health, "", self.receiver(), None, words);
        }
        let signs = handoff.stage.as_ref().is_some_and(|stage| terms.paperwork_at.contains(stage));
        if signs && handoff.is_accepted() {
            let words = (
                "Route the papers as agreed",
                "The package says which entity signs and who has to see them.",
            );
            self.add(Kind::Paperwork, "", self.receiver(), None, words);
        }
    }

    fn touch(&mut self, contract: &Contract) {
        let handoff = self.handoff;
        let Some(terms) = &contract.first_touch else { return };
        let touched = handoff.beside.touch.as_ref().is_some_and(|touch| touch.touched.is_some());
        if let Some(due) = first_touch::due(terms, handoff).filter(|_| !touched) {
            let words = ("Touch the lead for the first time", "The clock runs since it was handed over.");
            self.add(Kind::FirstTouch, "", self.receiver(), Some(due), words);
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
                        let (key, role) = (format!("{signal}-{number}"), Owner::ByRole(action.role.clone()));
                        self.add(Kind::Signal, &key, Some(role), due, (&action.title, &action.text));
                    }
                }
                Err(why) => {
                    let words = ("A signal has no action in this motion", why.to_string());
                    let admin = Owner::ByRole(ADMIN.to_owned());
                    self.add(Kind::Review, signal, Some(admin), None, (words.0, &words.1));
                }
            }
        }
    }
}
