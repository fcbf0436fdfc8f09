//! Concrete tests, self-assessment and rollout of an installation: what the configuration says beside what the log says.

use std::collections::BTreeMap;

use handoff_core::contract::{Contract, GateKind, Mode};
use handoff_core::decide::Terms;
use handoff_measure::assessment::{Declared, GovernedNow, Inputs, WINDOW};
use handoff_measure::audit as leak;
use handoff_measure::concrete::audit::{Audit, AuditKind, Share, audit};
use handoff_measure::concrete::tally::{BlindTally, tally};
use handoff_measure::practice::{Practice, strength, strongest};
use handoff_measure::rollout::Plan;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::Handle;
use crate::config::{Assessment, Config, Rollout};
use crate::govern::{Governed, Rule};
use crate::numbers::Standing;

/// All concrete tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TestsView {
    /// Those that the log answers, over as many records as the sources look at.
    pub automatic: Vec<Audit>,
    /// Those that people answer.
    pub blind: Vec<BlindTally>,
}

/// All concrete tests, as the log tells them.
pub fn tests(practice: &Practice) -> TestsView {
    TestsView {
        automatic: AuditKind::ALL.into_iter().map(|kind| audit(practice, kind, kind.last())).collect(),
        blind: tally(&practice.tests),
    }
}

/// What the configuration says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    governed: BTreeMap<String, GovernedNow>,
    assessment: Assessment,
    rollout: Rollout,
    weight_percent: Decimal,
}

impl Said {
    /// Of a configuration and what it governs.
    pub(crate) fn of(config: &Config, objects: &[Governed]) -> Self {
        Self {
            governed: governed(objects.iter().flat_map(|object| &object.rules)),
            assessment: config.assessment.clone(),
            rollout: config.rollout.clone(),
            weight_percent: config.commission.quality_weight_percent.into(),
        }
    }

    /// Of a running daemon.
    pub(crate) fn by(handle: &Handle) -> Self {
        Self {
            governed: governed(handle.0.objects.iter().flat_map(|object| &object.rules)),
            assessment: handle.1.assessment.clone(),
            rollout: handle.1.rollout.clone(),
            weight_percent: handle.1.weight_percent,
        }
    }

    /// What the self-assessment needs; `log` = entries, and how many a signed head covers.
    pub(crate) fn inputs(&self, standing: &Standing, log: (u64, u64), now: Timestamp) -> Inputs {
        let declared = self.assessment.declared.iter().map(|(key, declared)| {
            let (yes, by, because) = (declared.yes, declared.by.clone(), declared.because.clone());
            (key.clone(), Declared { yes, by, because })
        });
        let history = leaks(standing, None, now);
        Inputs {
            governed: self.governed.clone(),
            declared: declared.collect(),
            re_asked: re_asked(standing, now),
            month: standing.scorecard.last_frozen(),
            leak_to_churn: leak_to_churn(&history),
            log: Some(log),
            weight_percent: self.weight_percent,
            leaks: worst_first(&history),
        }
    }

    /// What the rollout needs.
    pub(crate) fn plan(&self, standing: &Standing, now: Timestamp) -> Plan {
        Plan {
            started: self.rollout.started,
            order: self.rollout.order.clone(),
            leaks: worst_first(&leaks(standing, None, now)),
            parallel: self.rollout.parallel.clone(),
            modes: self.governed.iter().map(|(contract, now)| (contract.clone(), now.mode)).collect(),
            weight_percent: self.weight_percent,
        }
    }
}

/// The leak audit of what happened since then; `None` = of all history.
fn leaks(standing: &Standing, since: Option<Timestamp>, now: Timestamp) -> leak::Audit {
    let question = leak::Question { since, ..leak::Question::new(now) };
    leak::audit(&standing.scorecard, standing.scorecard.accounts(), &question)
}

/// Contracts at which accounts leaked, worst first.
fn worst_first(audit: &leak::Audit) -> Vec<String> {
    let leaking = audit.rows.iter().filter(|row| row.rank.is_some() && row.leak.accounts.share.met > 0);
    leaking.map(|row| row.contract.0.clone()).collect()
}

/// The sources' share, where enough accounts churned to tell one.
fn leak_to_churn(audit: &leak::Audit) -> Option<Share> {
    let of = audit.leak_to_churn()?;
    let share = of.all.churned_leaked.share;
    of.figure().value.map(|_| Share::of(share.met, share.n))
}

/// Accounts that were asked again in the time that the self-assessment looks back at, by contract, where anything tells of it.
fn re_asked(standing: &Standing, now: Timestamp) -> BTreeMap<String, Share> {
    let recent = leaks(standing, now.checked_sub(WINDOW).ok(), now);
    let told = recent.rows.iter().filter_map(|row| {
        let met = row.rediscovery.value.and(row.rediscovery.met)?;
        Some((row.contract.0.clone(), Share::of(met, row.rediscovery.n)))
    });
    told.collect()
}

/// How contracts are governed, over all connections: the strongest mode, and of pay the weakest.
fn governed<'r>(rules: impl Iterator<Item = &'r Rule>) -> BTreeMap<String, GovernedNow> {
    let mut all: BTreeMap<String, GovernedNow> = BTreeMap::new();
    for rule in rules {
        let now = one(&rule.current.contract, &rule.terms);
        let id = rule.mapping.contract.0.clone();
        let merged = match all.remove(&id) {
            None => now,
            Some(before) => GovernedNow {
                mode: std::cmp::max_by_key(before.mode, now.mode, |mode| strength(*mode)),
                pay: before
                    .pay
                    .zip(now.pay)
                    .map(|(one, other)| std::cmp::min_by_key(one, other, |mode| strength(*mode))),
                sender_may_accept: before.sender_may_accept || now.sender_may_accept,
                has_receiver: before.has_receiver && now.has_receiver,
            },
        };
        all.insert(id, merged);
    }
    all
}

fn one(contract: &Contract, terms: &Terms) -> GovernedNow {
    let is_pay = |kind| matches!(kind, GateKind::Commission);
    let pays = contract.gates.values().any(|gate| is_pay(gate.kind));
    let pay: Option<Mode> = pays.then(|| strongest(contract, terms, is_pay));
    GovernedNow {
        mode: strongest(contract, terms, |_| true),
        pay,
        sender_may_accept: contract.roles.sender_may_accept,
        has_receiver: !contract.roles.receiver.trim().is_empty(),
    }
}

#[cfg(test)]
mod tests;
