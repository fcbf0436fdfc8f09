//! Writing gates and words: in batches, each row for itself, every outcome made from values read back.
//!
//! HubSpot has no precondition. A closing needs none. An opening is read back together with the package that it was decided on, and withdrawn in the
//! same conversation when that differs. A stage is put back only after its history was read right before. A write that is sent twice
//! writes the same values, so every request here may be re-sent after an unclear outcome.

mod job;
mod outcome;

use std::collections::VecDeque;

use handoff_connector::{Applied, Exchange, Fault, Lane, Reply, Request, Step};
use handoff_core::plan::Plan;

use crate::Api;
use crate::id::{HsId, is_object, is_property};
use crate::property;
use crate::row::Batch;
use job::{Job, Phase, Row};

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
    /// Objects whose definitions are needed first.
    unknown: Vec<String>,
    queue: VecDeque<Job>,
}

impl Apply {
    pub(crate) fn new(api: Api, plans: &[Plan], lane: Lane) -> Self {
        let mut rows = Vec::new();
        let mut outcomes = Vec::with_capacity(plans.len());
        for (at, plan) in plans.iter().enumerate() {
            let row = row_of(at, plan);
            outcomes.push(match &row {
                Ok(Some(_)) => None,
                Ok(None) => Some(Ok(outcome::nothing(plan))),
                Err(fault) => Some(Err(fault.clone())),
            });
            rows.extend(row.ok().flatten());
        }
        let mut apply =
            Self { api, lane, plans: plans.to_vec(), outcomes, unknown: Vec::new(), queue: VecDeque::new() };
        apply.queue.extend(job::jobs(rows, &apply.plans));
        for job in &apply.queue {
            if apply.api.known.find(&job.object).is_none() && !apply.unknown.contains(&job.object) {
                apply.unknown.push(job.object.clone());
            }
        }
        apply
    }

    /// The outcomes, once nothing is left to send.
    pub(crate) fn finished(&self) -> Option<Outcomes> {
        if !self.queue.is_empty() {
            return None;
        }
        let lost = || Fault::Protocol { detail: "a write without an answer".to_owned() };
        Some(self.outcomes.iter().map(|one| one.clone().unwrap_or_else(|| Err(lost()))).collect())
    }

    fn settle(&mut self, row: &Row, outcome: Result<Applied, Fault>) {
        if let Some(slot) = self.outcomes.get_mut(row.at) {
            *slot = Some(outcome);
        }
    }

    /// A row that failed. A withdrawal is tried again, because an opening that should not stand still stands.
    fn failed(&mut self, row: &Row, object: &str, fault: Fault) {
        if row.withdrawing && row.tries < WITHDRAWALS && matches!(fault, Fault::Transient { .. }) {
            let again = Row { tries: row.tries + 1, ..row.clone() };
            self.queue.push_front(Job::new(object, vec![again]));
        } else {
            self.settle(row, Err(fault));
        }
    }

    /// What a stage revert hangs on, from records and history read right before it.
    fn checked(&mut self, job: Job, reply: &Reply) -> Result<(), Fault> {
        let batch = Batch::parse(reply)?;
        if let Some(fault) = batch.trouble() {
            return Err(fault);
        }
        let found = batch.by_id();
        let known = self.api.known.find(&job.object).unwrap_or_default();
        let (mut sound, mut stale) = (Vec::new(), Vec::new());
        for row in &job.rows {
            let Some(plan) = self.plans.get(row.at) else { continue };
            match outcome::still_stands(plan, found.get(&row.id), &known) {
                Ok(()) => sound.push(row.clone()),
                Err(fault) => stale.push((row.clone(), fault)),
            }
        }
        self.queue.pop_front();
        for (row, fault) in stale {
            self.settle(&row, Err(fault));
        }
        if !sound.is_empty() {
            self.queue.push_front(Job { rows: sound, phase: Phase::Write, ..job });
        }
        Ok(())
    }

    /// A batch that HubSpot refused as a whole: a single row fails, anything else is halved.
    fn whole_failure(&mut self, mut job: Job, fault: &Fault) {
        self.queue.pop_front();
        if let [row] = job.rows.as_slice() {
            self.failed(&row.clone(), &job.object, fault.clone());
            return;
        }
        let second = job.rows.split_off(job.rows.len() / 2);
        // What was checked a moment ago is checked again: the halves are sent later.
        let phase = job.first_phase(&self.plans);
        self.queue.push_front(Job { rows: second, phase, ..job.clone() });
        self.queue.push_front(Job { phase, ..job });
    }

    fn written(&mut self, job: Job, reply: &Reply) -> Result<(), Fault> {
        let batch = match Batch::parse(reply) {
            Ok(batch) => batch,
            Err(fault) if reply.status.as_u16() == 400 => {
                self.whole_failure(job, &fault);
                return Ok(());
            }
            Err(fault) => return Err(fault),
        };
        self.queue.pop_front();
        let mut written = Vec::new();
        for row in &job.rows {
            match outcome::of_row(&batch, row) {
                outcome::Row::Written => written.push(row.clone()),
                outcome::Row::Elsewhere => written.push(Row { elsewhere: true, ..row.clone() }),
                outcome::Row::Failed(fault) => self.failed(row, &job.object, fault),
            }
        }
        if !written.is_empty() {
            self.queue.push_front(Job { rows: written, phase: Phase::ReadBack, ..job });
        }
        Ok(())
    }

    fn read_back(&mut self, job: &Job, reply: &Reply) -> Result<(), Fault> {
        let batch = match Batch::parse(reply) {
            Ok(batch) => batch,
            Err(fault @ (Fault::Transient { .. } | Fault::Throttled { .. } | Fault::Expired)) => {
                return Err(fault);
            }
            // Nobody can tell what stands there: openings go, everything else is reported as it is.
            Err(fault) => {
                self.queue.pop_front();
                self.unreadable(job, &fault);
                return Ok(());
            }
        };
        self.queue.pop_front();
        let found = batch.by_id();
        let known = self.api.known.find(&job.object).unwrap_or_default();
        let mut withdrawals = Vec::new();
        for row in &job.rows {
            let Some(plan) = self.plans.get(row.at) else { continue };
            let here = found.get(&row.id).filter(|_| !row.elsewhere);
            match outcome::judge(plan, row, here, &job.object, &known) {
                outcome::Verdict::Stands(applied) => self.settle(row, Ok(applied)),
                outcome::Verdict::Failed(fault) => self.settle(row, Err(fault)),
                outcome::Verdict::MustGo => withdrawals.push(row.withdrawal(plan)),
            }
        }
        self.withdraw(&job.object, withdrawals);
        Ok(())
    }

    fn unreadable(&mut self, job: &Job, fault: &Fault) {
        let mut withdrawals = Vec::new();
        for row in &job.rows {
            match self.plans.get(row.at) {
                Some(plan) if plan.guard.is_some() && !row.withdrawing => {
                    withdrawals.push(row.withdrawal(plan));
                }
                Some(_) | None => self.settle(row, Err(fault.clone())),
            }
        }
        self.withdraw(&job.object, withdrawals);
    }

    fn withdraw(&mut self, object: &str, rows: Vec<Row>) {
        if !rows.is_empty() {
            self.queue.push_front(Job::new(object, rows));
        }
    }
}

/// What to send for a plan; `None` = nothing.
fn row_of(at: usize, plan: &Plan) -> Result<Option<Row>, Fault> {
    if plan.writes.is_empty() {
        return Ok(None);
    }
    let refused = |detail: &str| Fault::Refused { detail: detail.to_owned() };
    let id = HsId::parse(plan.target.record.as_str()).ok_or_else(|| refused("not a HubSpot id"))?;
    let names = plan.writes.iter().chain(&plan.withdraw).map(|write| write.field.as_str());
    let guarded = plan.only_if.iter().map(|only_if| only_if.field.as_str());
    if !names.chain(guarded).all(is_property) || !is_object(plan.target.object.as_str()) {
        return Err(refused("a property or object of the mapping is not an internal name"));
    }
    let stage = |field: &str| matches!(field, "dealstage" | "pipeline" | "hs_pipeline_stage" | "hs_pipeline");
    if plan.only_if.is_none() && plan.writes.iter().any(|write| stage(&write.field)) {
        // Rules of the portal hang on the stage: a flag that travels with it would be refused with it.
        return Err(refused("a stage is only written when it is put back"));
    }
    Ok(Some(Row {
        at,
        id,
        writes: job::values(&plan.writes),
        withdrawing: false,
        elsewhere: false,
        tries: 0,
    }))
}

impl Exchange for Apply {
    type Output = Outcomes;

    fn request(&mut self) -> Request {
        if let Some(object) = self.unknown.first() {
            return property::request(&self.api, object, self.lane);
        }
        match self.queue.front() {
            Some(job) => job.request(&self.api, &self.plans, self.lane),
            None => property::request(&self.api, "deals", self.lane),
        }
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<Outcomes>, Fault> {
        if let Some(object) = self.unknown.first() {
            property::learn(&self.api, object, reply)?;
            self.unknown.remove(0);
            return Ok(Step::Continue);
        }
        if let Some(job) = self.queue.front().cloned() {
            match job.phase {
                Phase::Check => self.checked(job, reply)?,
                Phase::Write => self.written(job, reply)?,
                Phase::ReadBack => self.read_back(&job, reply)?,
            }
        }
        Ok(self.finished().map_or(Step::Continue, Step::Done))
    }
}
