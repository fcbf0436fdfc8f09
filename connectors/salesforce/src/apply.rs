//! Writing gates and words: closings in bulk and without condition, openings one by one and only for the version that was read.
//!
//! Nothing is assumed: every outcome is made from values read back in the same call. A write that is sent twice writes the same values, so
//! every request here may be re-sent after an unclear outcome.

mod job;
mod outcome;
mod revert;

use std::collections::VecDeque;

use handoff_connector::{Applied, Exchange, Fault, Lane, Reply, Request, Step};
use handoff_core::plan::Plan;

use crate::Api;
use crate::composite::{self, Sub, SubReply};
use crate::error;
use crate::id::SfId;
use crate::spec::{HEAVY_SUBREQUESTS, SUBREQUESTS};
use job::{Job, Row};
use revert::Revert;

/// How often the withdrawal of an opening is tried in the same conversation when the record is locked.
const WITHDRAWALS: u8 = 3;

/// What became of each plan.
pub(crate) type Outcomes = Vec<Result<Applied, Fault>>;

/// The conversation behind [`handoff_connector::Sink::apply`].
pub(crate) struct Apply {
    api: Api,
    lane: Lane,
    plans: Vec<Plan>,
    outcomes: Vec<Option<Result<Applied, Fault>>>,
    queue: VecDeque<Job>,
    /// Stages to put back, after everything else and one by one.
    reverts: VecDeque<Revert>,
}

impl Apply {
    pub(crate) fn new(api: Api, plans: &[Plan], lane: Lane) -> Self {
        let (mut closings, mut openings, mut reverts) = (Vec::new(), Vec::new(), VecDeque::new());
        let mut outcomes = Vec::with_capacity(plans.len());
        for (at, plan) in plans.iter().enumerate() {
            let row = row_of(at, plan);
            outcomes.push(match &row {
                Ok(Some(_)) => None,
                Ok(None) => Some(Ok(outcome::nothing(plan))),
                Err(fault) => Some(Err(fault.clone())),
            });
            let Some(row) = row.ok().flatten() else { continue };
            if plan.only_if.is_some() {
                reverts.push_back(Revert::new(row, plan));
            } else if plan.guard.is_some() {
                openings.push(row);
            } else {
                closings.push(row);
            }
        }
        let mut apply = Self { api, lane, plans: plans.to_vec(), outcomes, queue: VecDeque::new(), reverts };
        apply.queue.extend(job::batches(closings, &apply.plans));
        apply.queue.extend(job::guarded(openings, &apply.plans, SUBREQUESTS - 1));
        apply
    }

    /// The outcomes, once nothing is left to send.
    pub(crate) fn finished(&self) -> Option<Outcomes> {
        if !self.queue.is_empty() || !self.reverts.is_empty() {
            return None;
        }
        let lost = || Fault::Protocol { detail: "a write without an answer".to_owned() };
        Some(self.outcomes.iter().map(|one| one.clone().unwrap_or_else(|| Err(lost()))).collect())
    }

    /// The jobs of the next call: one list of openings, or as many collections as fit with their read-backs.
    fn round(&self) -> Vec<Job> {
        let mut round: Vec<Job> = Vec::new();
        let mut objects: Vec<&str> = Vec::new();
        for job in &self.queue {
            if job.guarded {
                if round.is_empty() {
                    round.push(job.clone());
                }
                break;
            }
            let known = objects.contains(&job.object.as_str());
            if round.len() + 1 + objects.len() + usize::from(!known) > HEAVY_SUBREQUESTS {
                break;
            }
            if job.alone && !round.is_empty() {
                break;
            }
            if !known {
                objects.push(&job.object);
            }
            round.push(job.clone());
            if job.alone {
                break;
            }
        }
        round
    }

    fn subs(&self, round: &[Job]) -> Vec<Sub> {
        let mut subs = Vec::new();
        for (at, job) in round.iter().enumerate() {
            if job.guarded {
                subs.extend(job.openings(&self.api, &self.plans));
                subs.push(job.read_back_query(&self.api, &self.plans));
            } else {
                subs.push(job.collection(&self.api, at));
            }
        }
        if round.iter().all(|job| !job.guarded) {
            subs.extend(job::read_backs(&self.api, round, &self.plans));
        }
        subs
    }

    /// The next question or write of the stage to put back, once nothing else is left to send.
    fn revert_subs(&self) -> Option<Vec<Sub>> {
        let revert = self.reverts.front().filter(|_| self.queue.is_empty())?;
        Some(revert.subs(&self.api, self.plans.get(revert.row.at)?))
    }

    fn reverted(&mut self, answers: &[SubReply]) {
        let Some(mut revert) = self.reverts.pop_front() else { return };
        let outcome = self.plans.get(revert.row.at).map(|plan| revert.take(plan, answers));
        match outcome {
            Some(Some(outcome)) => self.settle(&revert.row, outcome),
            Some(None) => self.reverts.push_front(revert),
            None => {}
        }
    }

    fn settle(&mut self, row: &Row, outcome: Result<Applied, Fault>) {
        if let Some(slot) = self.outcomes.get_mut(row.at) {
            *slot = Some(outcome);
        }
    }

    /// A job that the CRM refused as a whole: the rows that it names fail, a single row fails, anything else is halved.
    fn whole_failure(&mut self, job: Job, answer: &SubReply) {
        let fault = answer.fault();
        if matches!(fault, Fault::Transient { .. }) || job.rows.len() == 1 {
            for row in &job.rows {
                self.failed(row, &job.object, fault.clone());
            }
            return;
        }
        let columns: Vec<String> =
            error::errors(&answer.body).iter().filter_map(error::missing_column).collect();
        let named = |row: &Row| {
            row.fields.keys().any(|field| columns.iter().any(|column| column.eq_ignore_ascii_case(field)))
        };
        let (bad, good): (Vec<Row>, Vec<Row>) = job.rows.iter().cloned().partition(named);
        if bad.is_empty() {
            self.halve(job);
            return;
        }
        for row in &bad {
            self.failed(row, &job.object, fault.clone());
        }
        if !good.is_empty() {
            self.queue.push_front(Job { rows: good, ..job });
        }
    }

    fn halve(&mut self, mut job: Job) {
        let second = job.rows.split_off(job.rows.len() / 2);
        self.queue.push_front(Job { rows: second, ..job.clone() });
        self.queue.push_front(job);
    }

    /// A row that failed. A withdrawal is tried again, because an opening that should not stand still stands.
    fn failed(&mut self, row: &Row, object: &str, fault: Fault) {
        if row.withdrawing && row.tries < WITHDRAWALS && matches!(fault, Fault::Transient { .. }) {
            let again = Row { tries: row.tries + 1, ..row.clone() };
            self.queue.push_front(Job {
                object: object.to_owned(),
                guarded: false,
                alone: true,
                rows: vec![again],
            });
        } else {
            self.settle(row, Err(fault));
        }
    }

    fn closed(&mut self, job: Job, answer: &SubReply, back: &SubReply) {
        if !answer.status.is_success() {
            self.whole_failure(job, answer);
            return;
        }
        let results = answer.body.as_array().filter(|results| results.len() == job.rows.len());
        let Some(results) = results else {
            let detail = "a collection answered with another number of rows".to_owned();
            for row in &job.rows {
                self.failed(row, &job.object, Fault::Protocol { detail: detail.clone() });
            }
            return;
        };
        for (row, result) in job.rows.iter().zip(results) {
            if let Err(fault) = outcome::of_row(result) {
                self.failed(row, &job.object, fault);
                continue;
            }
            let read = outcome::retrieved(back, &row.id).and_then(|found| {
                let plan = self.plans.get(row.at).ok_or(Fault::Gone)?;
                Ok(outcome::applied(plan, &found, row.withdrawing))
            });
            self.settle(row, read);
        }
    }

    fn opened(&mut self, job: &Job, answers: &[SubReply]) {
        let Some((back, answers)) = answers.split_last() else { return };
        let mut withdrawals = Vec::new();
        for (row, answer) in job.rows.iter().zip(answers) {
            let Some(plan) = self.plans.get(row.at) else { continue };
            match outcome::opening(plan, &row.id, answer, back) {
                outcome::Opening::Stands(applied) => self.settle(row, Ok(applied)),
                outcome::Opening::Failed(fault) => self.settle(row, Err(fault)),
                outcome::Opening::MustGo => withdrawals.push(row.withdrawal(plan)),
            }
        }
        for job in job::batches(withdrawals, &self.plans).into_iter().rev() {
            self.queue.push_front(job);
        }
    }
}

/// What to send for a plan; `None` = nothing.
fn row_of(at: usize, plan: &Plan) -> Result<Option<Row>, Fault> {
    if plan.writes.is_empty() {
        return Ok(None);
    }
    let id = SfId::parse(plan.target.record.as_str())
        .map_err(|error| Fault::Refused { detail: error.to_string() })?;
    let named = plan.writes.iter().chain(&plan.withdraw).map(|write| write.field.as_str());
    let named = named.chain(plan.only_if.iter().map(|only_if| only_if.field.as_str()));
    if !named.chain([plan.target.object.as_str()]).all(crate::soql::is_name) {
        return Err(Fault::Refused {
            detail: "a field or object of the mapping is not an API name".to_owned(),
        });
    }
    let expressible = |guard: &handoff_core::extract::RecordVersion| crate::stamp::http_date(guard.stamp);
    if plan.guard.as_ref().is_some_and(|guard| expressible(guard).is_none()) {
        return Err(Fault::Stale);
    }
    Ok(Some(Row { at, id, fields: job::values(&plan.writes), withdrawing: false, tries: 0 }))
}

impl Exchange for Apply {
    type Output = Outcomes;

    fn request(&mut self) -> Request {
        if let Some(subs) = self.revert_subs() {
            return composite::request(&self.api.base, &subs, self.lane, "revert");
        }
        let round = self.round();
        let withdrawing = round.iter().flat_map(|job| &job.rows).any(|row| row.withdrawing);
        let lane = if withdrawing { Lane::GateClose } else { self.lane };
        composite::request(&self.api.base, &self.subs(&round), lane, "apply")
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<Outcomes>, Fault> {
        if let Some(subs) = self.revert_subs() {
            let answers = composite::replies(reply, &subs)?;
            self.reverted(&answers);
            return Ok(self.finished().map_or(Step::Continue, Step::Done));
        }
        let round = self.round();
        let answers = match composite::replies(reply, &self.subs(&round)) {
            Ok(answers) => answers,
            Err(_) if reply.status.as_u16() == 400 => {
                // The call as a whole is not understood: send its jobs in smaller pieces until the bad row stands alone.
                let body = serde_json::from_slice(&reply.body).unwrap_or_default();
                let whole = SubReply { status: reply.status, body };
                self.queue.drain(..round.len());
                let together = round.len() > 1;
                for job in round.into_iter().rev() {
                    if together {
                        self.queue.push_front(Job { alone: true, ..job });
                    } else {
                        self.whole_failure(job, &whole);
                    }
                }
                return Ok(self.finished().map_or(Step::Continue, Step::Done));
            }
            Err(fault) => return Err(fault),
        };
        self.queue.drain(..round.len());
        if let [job] = round.as_slice()
            && job.guarded
        {
            self.opened(job, &answers);
        } else {
            let (writes, backs) = answers.split_at(round.len().min(answers.len()));
            let objects = job::objects(&round);
            let mut jobs: Vec<(Job, &SubReply, &SubReply)> = Vec::new();
            for (job, answer) in round.iter().zip(writes) {
                let back =
                    objects.iter().position(|object| *object == job.object).and_then(|at| backs.get(at));
                let Some(back) = back else { continue };
                jobs.push((job.clone(), answer, back));
            }
            for (job, answer, back) in jobs.into_iter().rev() {
                self.closed(job, answer, back);
            }
        }
        Ok(self.finished().map_or(Step::Continue, Step::Done))
    }
}
