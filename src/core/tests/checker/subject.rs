//! What is checked: the five functions of the core, so that a planted defect can stand in for any of them.

use handoff_core::break_glass::{Denied, ask, confirm};
use handoff_core::contract::Contract;
use handoff_core::decide::{Case, decide};
use handoff_core::event::Event;
use handoff_core::gate::{Verdict, evaluate};
use handoff_core::handoff::{Handoff, Stamp};
use handoff_core::id::GateName;
use handoff_core::observation::{Actor, Observation};
use handoff_core::plan::{Inputs, Plan, plan};
use jiff::Timestamp;

pub(crate) trait Core {
    fn decide(
        &self,
        case: Case<'_>,
        before: Option<&Handoff>,
        seen: &Observation,
        now: Timestamp,
    ) -> Vec<Event> {
        decide(case, before, seen, now)
    }

    fn apply(&self, before: Option<Handoff>, stamp: Stamp, events: &[Event]) -> Option<Handoff> {
        Handoff::apply(before, stamp, events)
    }

    fn evaluate(&self, contract: &Contract, handoff: &Handoff, now: Timestamp) -> Verdict {
        evaluate(contract, handoff, now)
    }

    fn plan(&self, inputs: Inputs<'_>) -> Plan {
        plan(inputs)
    }

    /// Both people's words on one gate, one after the other.
    fn break_glass(
        &self,
        (contract, handoff): (&Contract, &Handoff),
        gate: &GateName,
        (first, second): (&Actor, &Actor),
        (now, until): (Timestamp, Timestamp),
    ) -> Result<Vec<Event>, Denied> {
        let asked = ask(contract, handoff, first, (gate, "the receiver is in hospital", until), now)?;
        let stamp = Stamp { position: u64::MAX, time: now };
        let known = Handoff::apply(Some(handoff.clone()), stamp, std::slice::from_ref(&asked));
        let confirmed = confirm(contract, known.as_ref().unwrap_or(handoff), second, gate, now)?;
        Ok(vec![asked, confirmed])
    }
}

/// The core as it is.
pub(crate) struct Real;

impl Core for Real {}
