//! The quality of those who hand over: completeness at the first hand-over, acceptance on the first submission, and whether the customer was asked
//! again what the accepted package held.

use std::collections::BTreeMap;

use handoff_core::completeness::{Situation, assess};
use handoff_core::contract::Contract;
use handoff_core::event::Event;
use handoff_core::handoff::Handoff;
use handoff_core::id::PersonId;
use handoff_core::journal::LogEntry;
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::month::Month;
use super::statement::Sender;
use crate::incentive::{Rules, factor, pooled, rounded, shrunk};
use crate::reask::{Reasks, until};

/// Fewest decided handoffs that move the factor.
pub const MIN_N: usize = 5;
/// Months that count: the period and those before it.
const MONTHS: i32 = 3;

/// A running cycle.
#[derive(Debug, Clone, Default)]
struct Cycle {
    handed_over: bool,
    decided: bool,
    accepted: bool,
}

/// One thing that is known of a sender.
#[derive(Debug, Clone)]
enum Sample {
    /// Filled of mandatory fields at the first hand-over.
    Score { filled: usize, required: usize },
    /// Whether the first answer was an acceptance.
    Decision { accepted: bool },
    /// A cycle was accepted, so that its customer may be asked again.
    Acceptance { stream: String, cycle: u32, at: Timestamp },
}

/// What is known of questions that were asked again.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard {
    reasks: Reasks,
    /// Since when something tells of them.
    since: Option<Timestamp>,
}

impl Heard {
    /// Takes one entry of the log.
    pub(super) fn apply(&mut self, entry: &LogEntry) {
        let tells = matches!(
            entry,
            LogEntry::ReaskSuggested { .. } | LogEntry::ReaskAnswered { .. } | LogEntry::ReaskReported { .. }
        );
        if tells {
            self.since.get_or_insert(entry.at());
        }
        self.reasks.apply(entry);
    }

    /// Whether the customer was asked again after this acceptance; `None` = nothing listened while it mattered.
    fn asked_again(&self, stream: &str, cycle: u32, accepted: Timestamp) -> Option<bool> {
        let since = self.since?;
        (since < until(accepted)).then(|| self.reasks.standing(stream, cycle).asked_again)
    }
}

/// All samples so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Quality {
    running: BTreeMap<String, Cycle>,
    samples: BTreeMap<PersonId, Vec<(Month, Sample)>>,
    /// CRM user id → person, as the log tells it.
    persons: BTreeMap<String, PersonId>,
}

impl Quality {
    /// Takes one event; `state` is the handoff after it.
    pub(super) fn apply(
        &mut self,
        stream: &str,
        month: Month,
        contract: Option<&Contract>,
        state: &Handoff,
        event: &Event,
    ) {
        if let Some(sender) = &state.sender {
            self.persons.insert(sender.id.0.clone(), sender.person.clone());
        }
        if matches!(event, Event::Opened { .. } | Event::Reopened { .. }) {
            self.running.insert(stream.to_owned(), Cycle::default());
            return;
        }
        let hands_over =
            matches!(event, Event::Submitted { .. } | Event::Completed { .. } | Event::Bypassed { .. });
        let accepted = matches!(event, Event::Accepted { .. });
        let decides = accepted || matches!(event, Event::Rejected { .. });
        if !hands_over && !decides {
            return;
        }
        let Some(person) = state.sender.as_ref().map(|sender| sender.person.clone()) else { return };
        let cycle = self.running.entry(stream.to_owned()).or_default();
        let samples = self.samples.entry(person).or_default();
        if hands_over && !cycle.handed_over {
            cycle.handed_over = true;
            let sample =
                contract.map(|contract| score(contract, state, matches!(event, Event::Completed { .. })));
            samples.extend(sample.map(|sample| (month, sample)));
        }
        if decides && !cycle.decided {
            cycle.decided = true;
            samples.push((month, Sample::Decision { accepted }));
        }
        if let Event::Accepted { at, .. } = event
            && !cycle.accepted
        {
            cycle.accepted = true;
            let (stream, cycle) = (stream.to_owned(), state.id.cycle);
            samples.push((month, Sample::Acceptance { stream, cycle, at: *at }));
        }
    }

    /// The factor and n of a payee, by CRM user id; `None` = never handed over in these months.
    pub(super) fn of_payee<'s>(&self, payee: &str, senders: &'s [Sender]) -> Option<&'s Sender> {
        let person = self.persons.get(payee)?;
        senders.iter().find(|sender| sender.person == person.as_str())
    }

    /// Everybody who handed over in the period or the two months before, by person.
    pub(super) fn senders(
        &self,
        period: Month,
        weight_percent: Decimal,
        rules: Rules,
        heard: &Heard,
    ) -> Vec<Sender> {
        let counts = |month: Month| (0..MONTHS).contains(&period.since(month));
        let senders = self.samples.iter().filter_map(|(person, samples)| {
            let samples: Vec<&Sample> =
                samples.iter().filter(|(month, _)| counts(*month)).map(|(_, sample)| sample).collect();
            (!samples.is_empty()).then(|| judge(person, &samples, rules, heard))
        });
        let mut senders: Vec<Sender> = senders.collect();
        let mean = pooled(senders.iter().filter_map(|sender| Some((sender.q?, sender.n))));
        for sender in &mut senders {
            let Some(own) = sender.q else { continue };
            sender.q_shrunk = match rules {
                Rules::Raw => None,
                Rules::Shrunk | Rules::Heard => mean.map(|mean| shrunk(own, sender.n, mean)),
            };
            if sender.n >= MIN_N {
                sender.factor = factor(weight_percent, sender.q_shrunk.unwrap_or(own));
            }
        }
        senders
    }
}

fn score(contract: &Contract, state: &Handoff, complete: bool) -> Sample {
    let rejected = state.still_rejected();
    let situation = Situation {
        stage: state.stage.as_ref(),
        motion: &state.id.motion,
        still_rejected: &rejected,
        disputed: &state.beside.disputed,
        as_of: state.as_of(),
    };
    let completeness = assess(contract, &state.package, &situation);
    let required = completeness.required.len();
    Sample::Score { filled: if complete { required } else { completeness.filled.len() }, required }
}

fn judge(person: &PersonId, samples: &[&Sample], rules: Rules, heard: &Heard) -> Sender {
    let mut scores = Vec::new();
    let (mut accepted, mut n) = (0_usize, 0_usize);
    let (mut spared, mut listened) = (0_usize, 0_usize);
    for sample in samples {
        match sample {
            Sample::Score { required: 0, .. } => {}
            Sample::Score { filled, required } => {
                scores.push(Decimal::from(*filled) / Decimal::from(*required));
            }
            Sample::Decision { accepted: first } => {
                n += 1;
                accepted += usize::from(*first);
            }
            Sample::Acceptance { stream, cycle, at } => {
                let asked_again = heard.asked_again(stream, *cycle, *at).filter(|_| rules == Rules::Heard);
                listened += usize::from(asked_again.is_some());
                spared += usize::from(asked_again == Some(false));
            }
        }
    }
    let mean = |values: &[Decimal]| {
        (!values.is_empty()).then(|| values.iter().sum::<Decimal>() / Decimal::from(values.len()))
    };
    let completeness = mean(&scores);
    let share = |met: usize, of: usize| (of > 0).then(|| Decimal::from(met) / Decimal::from(of));
    // A single question that was asked again would weigh as much as all that was handed over well.
    let re_discovery = share(spared, listened).filter(|_| listened >= MIN_N);
    let first_pass = share(accepted, n);
    let measured: Vec<Decimal> = completeness.into_iter().chain(first_pass).chain(re_discovery).collect();
    let q = mean(&measured);
    Sender {
        person: person.0.clone(),
        completeness: completeness.map(rounded),
        first_pass: first_pass.map(rounded),
        re_discovery: re_discovery.map(rounded),
        q: q.map(rounded),
        q_shrunk: None,
        n,
        factor: Decimal::ONE,
    }
}
