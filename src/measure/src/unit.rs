//! One handoff cycle, reduced to what the numbers need.

use std::collections::BTreeMap;
use std::sync::Arc;

use handoff_core::beside::disputes;
use handoff_core::completeness::{Situation, assess, required};
use handoff_core::contract::Contract;
use handoff_core::event::Event;
use handoff_core::handoff::day;
use handoff_core::id::{ContractId, FieldKey, MotionId};
use handoff_core::journal::LogEntry;
use handoff_core::observation::Observation;
use jiff::{SignedDuration, Timestamp};

use crate::crossing::leaked;
use crate::hold::Shares;

/// How far a CRM's clock may run ahead of ours before its claim is not believed.
const SKEW: SignedDuration = SignedDuration::from_mins(10);
/// No CRM of ours existed before this second (2000-01-01): an older claim is a default, not a time.
const OLDEST: i64 = 946_684_800;

/// A time that an elapsed time can be made of, or the log's time with the doubt said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// The CRM's claim where it can be believed, else the log's time.
    pub at: Timestamp,
    /// Whether a claim was made and not believed.
    pub doubtful: bool,
}

impl When {
    /// Weighs a claim against the log's own time.
    pub fn weigh(claim: Option<Timestamp>, logged: Timestamp) -> Self {
        let latest = logged.checked_add(SKEW).unwrap_or(Timestamp::MAX);
        match claim {
            Some(at) if at <= latest && at.as_second() >= OLDEST => Self { at, doubtful: false },
            Some(_) => Self { at: logged, doubtful: true },
            None => Self { at: logged, doubtful: false },
        }
    }

    /// Milliseconds from `self` to `later`; `None` = a doubtful time or a negative span.
    pub fn until(self, later: Self) -> Option<i64> {
        if self.doubtful || later.doubtful {
            return None;
        }
        i64::try_from(later.at.duration_since(self.at).as_millis()).ok().filter(|span| *span >= 0)
    }
}

/// The stream that an entry is about, as a name that everything which is kept of it can share.
pub(crate) fn stream_of(entry: &LogEntry) -> Option<Arc<str>> {
    let handoff = entry.evidence().or_else(|| entry.handoff().map(|(handoff, _)| handoff))?;
    Some(handoff.stream().into())
}

/// A contract and a motion: the line of the scorecard that a cycle belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// The contract.
    pub contract: ContractId,
    /// The motion.
    pub motion: MotionId,
}

/// A person's number within one scorecard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Person(pub(crate) u32);

/// What the deal passed by: an acceptance, or a guarded stage without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// The receiver accepted.
    Accepted,
    /// The business event came without an acceptance in force.
    Bypassed,
}

/// The first moment at which the deal moved on in this cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// When.
    pub at: Timestamp,
    /// How.
    pub passage: Passage,
    /// Mandatory fields that were filled at that moment.
    pub filled: usize,
    /// Mandatory fields at that moment.
    pub required: usize,
    /// Who handed over, as seen at that moment.
    pub sender: Option<Person>,
    /// Mandatory fields whose values at that moment the CRM does not tell; only where the past was reconstructed. They are scored as they are
    /// told nearest to it, which is a guess.
    pub untold: usize,
    /// Of the filled ones, those that are told: they were filled for certain.
    pub certain: usize,
}

impl Transition {
    /// Whether all that it is scored by is known.
    pub fn is_told(&self) -> bool {
        self.untold == 0
    }

    /// Whether less than 70 % of the mandatory fields were filled; `None` = that hangs on fields which are not told.
    pub fn leaked(&self) -> Option<bool> {
        let at_worst = leaked(self.certain, self.required);
        (at_worst == leaked(self.certain.saturating_add(self.untold), self.required)).then_some(at_worst)
    }

    /// Whether every mandatory field was filled before it.
    pub fn is_complete(&self) -> bool {
        self.required > 0 && self.filled == self.required
    }
}

/// The receiver's first answer in this cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// When.
    pub at: Timestamp,
    /// Whether it was an acceptance.
    pub accepted: bool,
    /// Who had handed over.
    pub sender: Option<Person>,
    /// Who answered.
    pub receiver: Option<Person>,
}

/// The acceptance of this cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acceptance {
    /// When.
    pub at: Timestamp,
    /// The round that was accepted, from 1.
    pub round: u32,
    /// Milliseconds from the accepted round's completion; `None` = cannot be told.
    pub waited: Option<i64>,
    /// Milliseconds from the first round's completion; `None` = cannot be told.
    pub total: Option<i64>,
    /// Who held it until then.
    pub shares: Option<Shares>,
    /// Who had handed over.
    pub sender: Option<Person>,
    /// Who accepted.
    pub receiver: Option<Person>,
}

/// One handoff cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its contract and motion.
    pub line: Arc<Line>,
    /// `contract/motion/connection/object/record`.
    pub stream: Arc<str>,
    /// The cycle, from 1.
    pub cycle: u32,
    /// When it opened, as weighed.
    pub opened: Option<Timestamp>,
    /// Log positions of its first and its newest entry.
    pub positions: (u64, u64),
    /// The cycle of this stream before it, by its place in the list of units.
    pub(crate) before: Option<usize>,
    /// Its transition, if it had one.
    pub transition: Option<Transition>,
    /// The receiver's first answer.
    pub decision: Option<Decision>,
    /// The acceptance.
    pub acceptance: Option<Acceptance>,
    /// Rejections.
    pub rejections: u32,
    /// Whether the customer was asked again, within 30 days of the acceptance, what this handoff had told.
    pub rediscovered: bool,
    /// Whether any of it was worked out afterwards from what the CRM tells of its past.
    pub reconstructed: bool,
    /// The running round's completion.
    completed: Option<When>,
    /// The first round's completion.
    first_completed: Option<When>,
    /// Fields that were sent back and not changed since, with the moment.
    rejected: BTreeMap<FieldKey, Timestamp>,
    /// The acceptance covers fields that were missing: they do not count as filled.
    excepted: bool,
}

/// Fields whose values at a moment of the past are not told, with the moment from which on they are.
pub type Untold = BTreeMap<FieldKey, Timestamp>;

/// What a unit is told an event with.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The daemon's time.
    pub logged: Timestamp,
    /// The observation that was decided on; `None` for confirmations.
    pub seen: Option<&'a Observation>,
    /// The pinned contract, if the log published it and it can be read.
    pub contract: Option<&'a Contract>,
    /// Who hands over.
    pub sender: Option<Person>,
    /// Who answered, if the event is an answer.
    pub by: Option<Person>,
    /// Who held the cycle, if it just ended.
    pub shares: Option<Shares>,
    /// The decision was reconstructed, and these values of its observation are not told.
    pub unknown: Option<&'a Untold>,
}

impl Unit {
    /// A cycle that nothing happened to yet.
    pub fn new(line: Arc<Line>, stream: Arc<str>, cycle: u32, position: u64) -> Self {
        Self {
            line,
            stream,
            cycle,
            opened: None,
            positions: (position, position),
            before: None,
            transition: None,
            decision: None,
            acceptance: None,
            rejections: 0,
            rediscovered: false,
            reconstructed: false,
            completed: None,
            first_completed: None,
            rejected: BTreeMap::new(),
            excepted: false,
        }
    }

    /// Whether the first answer was an acceptance that nobody had to rework or ask again for.
    pub fn is_first_pass(&self) -> bool {
        self.decision.is_some_and(|decision| decision.accepted) && !self.rediscovered
    }

    /// Folds one event of this cycle.
    pub fn apply(&mut self, scene: Scene<'_>, event: &Event) {
        self.reconstructed |= scene.unknown.is_some();
        match event {
            Event::PackageChanged { set, cleared, edits, .. } => self.rejected.retain(|key, since| {
                let edited = edits.get(key).is_some_and(|(at, _)| at > since);
                !(edited || set.contains_key(key) || cleared.contains(key))
            }),
            Event::Completed { at, .. } => {
                let when = When::weigh(Some(*at), scene.logged);
                self.completed = Some(when);
                self.first_completed.get_or_insert(when);
            }
            Event::FellIncomplete { .. } => self.completed = None,
            Event::Opened { at, .. } => self.opened = Some(When::weigh(*at, scene.logged).at),
            Event::Reopened { .. } => self.opened = Some(scene.logged),
            Event::Accepted { at, round, .. } => self.accept(scene, *at, *round),
            Event::Rejected { at, fields, .. } => self.reject(scene, *at, fields),
            Event::ExceptionsGranted { .. } => self.excepted = true,
            Event::Bypassed { at, .. } => {
                let at = When::weigh(*at, scene.logged).at;
                self.pass(scene, at, Passage::Bypassed);
            }
            Event::PeopleChanged { .. }
            | Event::StageChanged { .. }
            | Event::Submitted { .. }
            | Event::ExceptionsMet { .. }
            | Event::ConfirmationNeeded { .. }
            | Event::Confirmed { .. }
            | Event::OverrideAsked { .. }
            | Event::OverrideEnded { .. }
            | Event::Absorbed { .. }
            | Event::ExceptionsLapsed { .. }
            | Event::Overridden { .. }
            | Event::ConcernsChanged { .. }
            | Event::AnswerRefused { .. }
            | Event::SlaBreached { .. }
            | Event::ClockSet { .. }
            | Event::Reminded { .. }
            | Event::Escalated { .. }
            | Event::Reassigned { .. }
            | Event::GraceGranted { .. }
            | Event::GraceEnded { .. }
            | Event::Tampered { .. }
            | Event::GateWritten { .. }
            | Event::CommissionReleased { .. }
            | Event::CommissionHeld { .. }
            | Event::Voided { .. }
            | Event::Healed { .. }
            | Event::TwinsChanged { .. }
            | Event::CarriedChanged { .. }
            | Event::RevertOrdered { .. }
            | Event::StageReverted { .. }
            | Event::RevertGivenUp { .. }
            | Event::RevertRefused { .. }
            | Event::Beside { .. }
            | Event::PayChanged { .. }
            | Event::Repinned { .. }
            | Event::GateOrdered { .. } => {}
        }
    }

    fn accept(&mut self, scene: Scene<'_>, at: Timestamp, round: u32) {
        let when = When::weigh(Some(at), scene.logged);
        self.decide(scene, when.at, true);
        let acceptance = Acceptance {
            at: when.at,
            round,
            waited: self.completed.and_then(|completed| completed.until(when)),
            total: self.first_completed.and_then(|completed| completed.until(when)),
            shares: scene.shares,
            sender: scene.sender,
            receiver: scene.by,
        };
        // Of two in one cycle, one told of the past and one watched, the first counts, as it does for decision and transition.
        self.acceptance.get_or_insert(acceptance);
        self.rejected.clear();
        self.pass(scene, when.at, Passage::Accepted);
    }

    fn decide(&mut self, scene: Scene<'_>, at: Timestamp, accepted: bool) {
        let (sender, receiver) = (scene.sender, scene.by);
        let decision = Decision { at, accepted, sender, receiver };
        self.decision.get_or_insert(decision);
    }

    fn reject(&mut self, scene: Scene<'_>, at: Timestamp, fields: &std::collections::BTreeSet<FieldKey>) {
        let when = When::weigh(Some(at), scene.logged);
        self.decide(scene, when.at, false);
        self.rejections += 1;
        self.completed = None;
        for key in fields {
            let edited = scene.seen.and_then(|seen| seen.edits.get(key)).is_some_and(|edit| edit.at > at);
            if !edited {
                self.rejected.insert(key.clone(), at);
            }
        }
    }

    fn pass(&mut self, scene: Scene<'_>, at: Timestamp, passage: Passage) {
        if self.transition.is_some() {
            return;
        }
        let Score { filled, required, untold, certain } = self.score(scene, passage);
        let sender = scene.sender;
        self.transition = Some(Transition { at, passage, filled, required, sender, untold, certain });
    }

    /// What counts of the package. An acceptance without exceptions is only ever given to a complete package.
    fn score(&self, scene: Scene<'_>, passage: Passage) -> Score {
        let complete = !self.excepted && (passage == Passage::Accepted || self.completed.is_some());
        let (Some(contract), Some(seen)) = (scene.contract, scene.seen) else {
            let filled = usize::from(complete);
            return Score { filled, required: 1, untold: 0, certain: filled };
        };
        let rejected = self.rejected.keys().cloned().collect();
        let disputed = disputes(contract, seen);
        let situation = Situation {
            stage: seen.stage.name.as_ref(),
            motion: &self.line.motion,
            still_rejected: &rejected,
            disputed: &disputed,
            as_of: seen.stage.opening_since.map(day),
        };
        // Of what is known to be complete nothing has to be judged again.
        let (filled, keys) = if complete {
            (None, required(contract, &seen.package, &situation))
        } else {
            let found = assess(contract, &seen.package, &situation);
            (Some(found.filled), found.required)
        };
        let is_untold = |key: &FieldKey| scene.unknown.is_some_and(|unknown| unknown.contains_key(key));
        let is_filled = |key: &FieldKey| filled.as_ref().is_none_or(|filled| filled.contains(key));
        let count = |counts: &dyn Fn(&FieldKey) -> bool| keys.iter().filter(|key| counts(key)).count();
        Score {
            filled: count(&is_filled),
            required: keys.len(),
            untold: count(&is_untold),
            certain: count(&|key| is_filled(key) && !is_untold(key)),
        }
    }
}

/// Counts of mandatory fields.
struct Score {
    filled: usize,
    required: usize,
    untold: usize,
    certain: usize,
}
