//! Planted defects: each wraps the core's functions and spoils one of them, without a change to the core itself.

use std::cell::Cell;
use std::collections::BTreeSet;

use handoff_core::break_glass::Denied;
use handoff_core::contract::{Condition, Contract};
use handoff_core::decide::{Case, decide};
use handoff_core::event::Event;
use handoff_core::exception::OnLapse;
use handoff_core::gate::{Verdict, evaluate};
use handoff_core::handoff::{Consumed, Handoff, Phase, Stamp};
use handoff_core::id::{GateName, PersonId};
use handoff_core::observation::{Actor, Answer, Observation};
use handoff_core::plan::{Inputs, Plan, plan};
use jiff::Timestamp;

use crate::subject::{Core, Real};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutant {
    ForgetsEdits,
    TellsByLogin,
    TakesAnybodysAnswer,
    ForgetsAnswers,
    OpensOnComplete,
    IgnoresTheStage,
    OpensUnguarded,
    WritesTheObserved,
    IsNeverQuiet,
    LetsEditsPass,
    OverridesNeverEnd,
    OnePersonOverrides,
    SenderGrants,
    ExceptionsNeverLapse,
    NeverShuts,
    RemembersOutside,
}

thread_local! {
    static ODD: Cell<bool> = const { Cell::new(false) };
}

impl Mutant {
    fn spoil(self, seen: &mut Observation) {
        let receiver = seen.receiver.clone();
        let by_login = |actor: &mut Actor| actor.person = PersonId(actor.id.0.clone());
        match self {
            Self::ForgetsEdits => {
                for edit in seen.edits.values_mut() {
                    edit.at = Timestamp::UNIX_EPOCH;
                }
            }
            Self::TellsByLogin => {
                seen.acts.iter_mut().for_each(|act| by_login(&mut act.by));
                seen.sender.iter_mut().for_each(by_login);
                seen.receiver.iter_mut().for_each(by_login);
            }
            Self::TakesAnybodysAnswer => {
                let acts = seen.acts.iter_mut().filter(|act| act.answer.takes());
                acts.for_each(|act| act.by = receiver.clone().unwrap_or_else(|| act.by.clone()));
            }
            Self::SenderGrants => {
                let acts = seen.acts.iter_mut();
                let acts = acts.filter(|act| matches!(act.answer, Answer::AcceptWith { .. }));
                acts.for_each(|act| act.by = receiver.clone().unwrap_or_else(|| act.by.clone()));
            }
            _ => {}
        }
    }
}

impl Core for Mutant {
    fn decide(
        &self,
        case: Case<'_>,
        before: Option<&Handoff>,
        seen: &Observation,
        now: Timestamp,
    ) -> Vec<Event> {
        let mut seen = seen.clone();
        self.spoil(&mut seen);
        let mut contract = case.contract.clone();
        if *self == Self::ExceptionsNeverLapse {
            contract.exceptions.on_lapse = OnLapse::Note;
        }
        let mut events = decide(Case { contract: &contract, ..case }, before, &seen, now);
        match self {
            Self::IsNeverQuiet => events.push(Event::ConcernsChanged { concerns: BTreeSet::new() }),
            Self::RemembersOutside if events.iter().any(|event| matches!(event, Event::Completed { .. })) => {
                ODD.with(|odd| odd.set(!odd.get()));
                if ODD.with(Cell::get) {
                    events.push(Event::SlaBreached { round: 1, due: now });
                }
            }
            _ => {}
        }
        events
    }

    fn apply(&self, before: Option<Handoff>, stamp: Stamp, events: &[Event]) -> Option<Handoff> {
        let mut state = Handoff::apply(before, stamp, events)?;
        if *self == Self::ForgetsAnswers {
            state.consumed = Consumed::default();
        }
        Some(state)
    }

    fn evaluate(&self, contract: &Contract, handoff: &Handoff, now: Timestamp) -> Verdict {
        let mut contract = contract.clone();
        let mut handoff = handoff.clone();
        let mut now = now;
        match self {
            Self::OpensOnComplete => {
                contract.gates.values_mut().for_each(|gate| gate.opens_when = Condition::Complete);
            }
            Self::IgnoresTheStage => {
                handoff.stage = handoff.stage.or_else(|| Some("commit".into()));
            }
            Self::LetsEditsPass => {
                handoff.returns.unconfirmed.clear();
                let digest = handoff.package_digest();
                handoff.accepted.iter_mut().for_each(|accepted| accepted.covers = digest.clone());
            }
            Self::OverridesNeverEnd => {
                for known in handoff.overrides.values_mut().filter(|known| known.granted.is_some()) {
                    known.ended = None;
                    known.expires = Timestamp::MAX;
                }
            }
            Self::ExceptionsNeverLapse => {
                contract.exceptions.on_lapse = OnLapse::Note;
                now = now.min(handoff.exception_due().unwrap_or(now));
            }
            _ => {}
        }
        evaluate(&contract, &handoff, now)
    }

    fn plan(&self, inputs: Inputs<'_>) -> Plan {
        let mut plan = plan(inputs);
        match self {
            Self::OpensUnguarded => plan.guard = None,
            Self::WritesTheObserved => plan.writes.append(&mut plan.shadow),
            Self::NeverShuts if inputs.handoff.phase != Phase::Voided => {
                plan.writes.retain(|write| write.gate.as_ref().is_none_or(|(_, open)| *open));
            }
            _ => {}
        }
        plan
    }

    fn break_glass(
        &self,
        known: (&Contract, &Handoff),
        gate: &GateName,
        (first, second): (&Actor, &Actor),
        times: (Timestamp, Timestamp),
    ) -> Result<Vec<Event>, Denied> {
        if *self != Self::OnePersonOverrides || first.person != second.person {
            return Real.break_glass(known, gate, (first, second), times);
        }
        let other = Actor { id: "005Z".into(), person: "somebody else".into(), ..second.clone() };
        let mut events = Real.break_glass(known, gate, (first, &other), times)?;
        if let Some(Event::Overridden { confirmed_by, .. }) = events.last_mut() {
            *confirmed_by = second.clone();
        }
        Ok(events)
    }
}
