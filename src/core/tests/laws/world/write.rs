//! What a careful executor writes.

use std::collections::BTreeMap;

use handoff_core::decide::confirm;
use handoff_core::gate::evaluate;
use handoff_core::handoff::Handoff;
use handoff_core::id::GateName;
use handoff_core::observation::{FlagMove, FlagSeen};
use handoff_core::plan::{Inputs, Plan, plan};
use jiff::Timestamp;
use serde_json::json;

use super::{Person, World, actor};

impl World {
    /// What it takes to make the record match.
    pub(crate) fn plan(&self) -> Option<Plan> {
        let (handoff, seen) = (self.state.as_ref()?, self.last_seen.as_ref()?);
        let verdict = evaluate(&self.contract, handoff, self.truth.now);
        let raw = self.raw();
        Some(plan(Inputs {
            contract: &self.contract,
            mapping: &self.mapping,
            terms: &self.terms,
            handoff,
            verdict: &verdict,
            raw: &raw,
            seen,
            key: &self.key,
            evidence: None,
            numbers: Some(&format!("as of {}", self.truth.now)),
        }))
    }

    /// Writes what the last observation asks for, as a careful executor does: an opening only if the record is still as it was read.
    pub(crate) fn write(&mut self) {
        let Some(seen) = self.write_to_crm() else { return };
        let Some(state) = &self.state else { return };
        let events = confirm(&state.gates, &seen);
        if !events.is_empty() {
            self.append(None, events);
        }
    }

    pub(super) fn write_to_crm(&mut self) -> Option<BTreeMap<GateName, FlagSeen>> {
        let plan = self.plan()?;
        let unchanged = self.last_seen.as_ref().is_some_and(|seen| {
            let now = self.look();
            (&now.package, &now.stage, &now.sender, &now.receiver, &now.existence)
                == (&seen.package, &seen.stage, &seen.sender, &seen.receiver, &seen.existence)
        });
        if !self.truth.exists {
            return None;
        }
        let parts = plan.split();
        let holds = |plan: &Plan| {
            plan.only_if.as_ref().is_some_and(|only_if| {
                let (stage, _, serial) = self.truth.stage;
                only_if.value == stage && only_if.entry == serial.to_string()
            }) && self.last_seen.as_ref().is_some_and(|seen| seen.acts == self.look().acts)
        };
        let revert = parts.revert.filter(holds);
        for plan in parts.closing.into_iter().chain(revert).chain(parts.opening.filter(|_| unchanged)) {
            for write in plan.writes {
                self.truth_write(&write.field, write.to);
            }
        }
        Some(self.look().flags)
    }

    fn truth_write(&mut self, field: &str, to: serde_json::Value) {
        self.truth.last_modified = (self.truth.now, Person::Machine);
        let serial = self.truth.serial;
        let moved = FlagMove { id: format!("ours{serial}"), by: actor(Person::Machine), at: self.truth.now };
        let by_flag = self.mapping.write.gate.iter().find(|(_, write)| write.field == field);
        let by_clearance =
            self.mapping.write.gate.iter().find(|(_, write)| write.clearance_id.as_deref() == Some(field));
        if let Some((gate, _)) = by_flag {
            let open = to == json!(true);
            let clearance = self.truth.flags.get(gate).and_then(|flag| flag.1.clone());
            self.truth.flags.insert(gate.clone(), (open, clearance, moved));
            if open {
                self.truth.opened_by_us.insert(gate.clone());
            }
        } else if let Some((gate, _)) = by_clearance {
            let open = self.truth.flags.get(gate).is_some_and(|flag| flag.0);
            self.truth.flags.insert(gate.clone(), (open, to.as_str().map(str::to_owned), moved));
        } else if field == self.mapping.decision.field {
            self.truth.decision = None;
        } else if field == self.mapping.stage.field {
            let known = ["Prospecting", "Negotiation", "Closed Won", "Closed Lost", "Renamed by an admin"];
            let stage = known.into_iter().find(|stage| to == json!(stage)).expect("a stage that it had");
            let at = Timestamp::from_second(self.truth.now.as_second()).expect("in range");
            self.truth.serial += 1;
            self.truth.enter(stage, at, Person::Machine);
            let accepted = self.state.as_ref().is_some_and(Handoff::is_accepted);
            self.truth.put_back.push(accepted);
        } else if field == "CloseDate" {
            let date = to.as_str().and_then(|date| date.parse().ok()).expect("a date that stood there");
            (self.truth.close_date, self.truth.date_moved) = (date, None);
        } else {
            self.truth.words.insert(field.to_owned(), to);
        }
    }
}
