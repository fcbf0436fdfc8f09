//! One deal: a record as it truly is, what people do to it, and how it is read.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::contract::{Contract, Kind, Part};
use handoff_core::decide::{Case, decide};
use handoff_core::exception::Asked;
use handoff_core::extract::{Existence, RecordVersion};
use handoff_core::handoff::{Handoff, Phase, Stamp};
use handoff_core::id::{ActorId, FieldKey, MotionId, PartKey, PersonId, RecordRef, StageName};
use handoff_core::journal::LogEntry;
use handoff_core::observation::{Act, Actor, Answer, Edit, FlagSeen, Observation, StageSeen};
use handoff_core::value::{Package, Sourced, Value};
use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::chance::Chance;
use super::{Flags, WAITS, subject};

/// So many people of each side; one login each.
const PEOPLE: usize = 12;

pub(super) struct Deal {
    pub(super) rule: usize,
    pub(super) motion: MotionId,
    pub(super) state: Option<Handoff>,
    pub(super) flags: Flags,
    /// Nobody watches it yet: what happens to it is worked out afterwards.
    pub(super) past: bool,
    subject: RecordRef,
    account: String,
    sender_role: String,
    receiver_role: String,
    sender: usize,
    receiver: usize,
    exists: bool,
    stage: (StageName, Timestamp, u32),
    opening_since: Option<Timestamp>,
    /// Fields with the wording that stands there; 0 = one that says nothing.
    values: BTreeMap<FieldKey, usize>,
    edits: BTreeMap<FieldKey, Timestamp>,
    acts: Vec<Act>,
    serial: u32,
    left: usize,
    parts: BTreeMap<FieldKey, BTreeMap<PartKey, Part>>,
}

impl Deal {
    pub(super) fn new(
        number: usize,
        rule: usize,
        contract: &Contract,
        motion: MotionId,
        at: Timestamp,
        chance: &mut Chance,
    ) -> Self {
        let parts = contract.fields.iter().map(|field| (field.key.clone(), field.parts.clone()));
        Self {
            rule,
            motion,
            state: None,
            past: false,
            flags: contract.gates.keys().map(|gate| (gate.clone(), false)).collect(),
            subject: subject(number),
            // Some accounts have several deals.
            account: format!("001{:015}", chance.below(number.saturating_add(1))),
            sender_role: contract.roles.sender.clone(),
            receiver_role: contract.roles.receiver.clone(),
            sender: chance.below(PEOPLE),
            receiver: chance.below(PEOPLE),
            exists: true,
            stage: (StageName::from("early"), at, 0),
            opening_since: None,
            values: BTreeMap::new(),
            edits: BTreeMap::new(),
            acts: Vec::new(),
            serial: 0,
            left: 4 + chance.below(22),
            parts: parts.collect(),
        }
    }

    /// The account's id.
    pub(super) fn account(&self) -> &str {
        &self.account
    }

    /// The contract's fields.
    pub(super) fn fields(&self) -> Vec<FieldKey> {
        self.parts.keys().cloned().collect()
    }

    /// What a daemon would have decided at that moment, worked out at `made`; `None` = nothing. Of some the CRM does not tell every value.
    pub(super) fn afterwards(
        &mut self,
        case: Case<'_>,
        at: Timestamp,
        made: Timestamp,
        chance: &mut Chance,
    ) -> Option<LogEntry> {
        let (seen, terms) = (self.seen(), case.terms.of_the_past(case, None));
        let case = Case { terms: &terms, ..case };
        let events = decide(case, self.state.as_ref(), &seen, at);
        let stamp = Stamp { position: u64::MAX, time: at };
        if events.is_empty() {
            return None;
        }
        self.state = Handoff::apply(self.state.take(), stamp, &events);
        let state = self.state.as_ref()?;
        let (handoff, contract) = (state.id.clone(), state.contract.clone());
        let untold = self.parts.keys().filter(|_| chance.one_in(40));
        let unknown = untold.map(|key| (key.clone(), made)).collect();
        Some(LogEntry::Reconstructed {
            handoff,
            contract,
            terms,
            at,
            seen: Box::new(seen),
            events,
            unknown,
            made,
        })
    }

    /// When somebody does something again; `None` = never.
    pub(super) fn next(&mut self, at: Timestamp, chance: &mut Chance) -> Option<Timestamp> {
        self.left = self.left.checked_sub(1)?;
        let most = [90_000, 3_600_000, 30_000_000, 300_000_000];
        let most = most.get(chance.below(most.len())).copied().unwrap_or(90_000);
        let pause = 1 + i64::try_from(chance.below(most)).unwrap_or_default();
        at.checked_add(SignedDuration::from_millis(pause)).ok()
    }

    /// Somebody does something.
    pub(super) fn act(&mut self, contract: &Contract, at: Timestamp, chance: &mut Chance) {
        // The CRM stamps with a resolution of one second.
        let at = Timestamp::from_second(at.as_second()).unwrap_or(at);
        self.serial += 1;
        if self.opening_since.is_none() {
            let opens = &contract.opens.when_stage_becomes;
            if let Some(stage) = opens.get(chance.below(opens.len())).filter(|_| !chance.one_in(5)) {
                self.enter(contract, &stage.clone(), at);
            }
            return;
        }
        let waits = self.state.as_ref().is_some_and(|state| state.phase == Phase::Complete);
        match (waits, chance.below(100)) {
            (true, 0..45) | (false, 3..6) => self.answer(at, chance, Answer::Accept),
            (true, 45..60) => self.reject(at, chance),
            (true, 60..64) | (false, 0..3) => self.accept_with(at, chance),
            (false, 6..40) => self.fill(at, chance, 3),
            (_, 64..72) => self.edit(at, chance),
            (_, 72..80) => self.move_on(contract, at, chance),
            (_, 80..83) => self.receiver = chance.below(PEOPLE),
            (_, 83..86) => self.forge(chance),
            (_, 86..88) => self.exists = !self.exists,
            _ => self.fill(at, chance, 1),
        }
    }

    fn enter(&mut self, contract: &Contract, stage: &StageName, at: Timestamp) {
        if contract.opens.when_stage_becomes.contains(stage) {
            self.opening_since.get_or_insert(at);
        }
        self.stage = (stage.clone(), at, self.serial);
    }

    fn move_on(&mut self, contract: &Contract, at: Timestamp, chance: &mut Chance) {
        let guarded = contract.gates.values().flat_map(|gate| gate.stages.clone());
        let mut stages: Vec<StageName> = guarded.collect();
        stages.extend(contract.opens.when_stage_becomes.clone());
        if self.stage.0.as_str() != WAITS && !contract.sla.customer_stages.is_empty() {
            stages.push(StageName::from(WAITS));
        }
        if chance.one_in(6) {
            stages.clone_from(&contract.opens.void_when_stage_becomes);
        }
        if let Some(stage) = stages.get(chance.below(stages.len())) {
            let claimed = match chance.below(40) {
                0 => Timestamp::UNIX_EPOCH,
                1 => at.checked_add(SignedDuration::from_hours(90 * 24)).unwrap_or(at),
                _ => at,
            };
            self.enter(contract, &stage.clone(), claimed);
        }
    }

    /// Every field that says nothing is filled; of `poor` times one field stays poor.
    fn fill(&mut self, at: Timestamp, chance: &mut Chance, poor: usize) {
        let keys: Vec<FieldKey> = self.parts.keys().cloned().collect();
        let spared = chance.one_in(poor + 1).then(|| chance.below(keys.len()));
        for (index, key) in keys.into_iter().enumerate() {
            if self.values.get(&key).copied().unwrap_or_default() > 0 {
                continue;
            }
            let wording = if spared == Some(index) { 0 } else { 1 + chance.below(5) };
            self.values.insert(key.clone(), wording);
            self.edits.insert(key, at);
        }
    }

    fn edit(&mut self, at: Timestamp, chance: &mut Chance) {
        let keys: Vec<FieldKey> = self.parts.keys().cloned().collect();
        let Some(key) = keys.get(chance.below(keys.len())) else { return };
        if chance.one_in(5) {
            self.values.remove(key);
        } else {
            self.values.insert(key.clone(), chance.below(6));
        }
        self.edits.insert(key.clone(), at);
    }

    fn reject(&mut self, at: Timestamp, chance: &mut Chance) {
        let fields = self.parts.keys().filter(|_| chance.one_in(4)).cloned().collect();
        let reason = "the target has no date".to_owned();
        self.answer(at, chance, Answer::Reject { fields, reason, reasons: BTreeMap::new() });
    }

    fn accept_with(&mut self, at: Timestamp, chance: &mut Chance) {
        let due = at.checked_add(SignedDuration::from_hours(9 * 24)).ok();
        let asked = || Asked { reason: "the board decides later".to_owned(), due };
        let exceptions = self.parts.keys().map(|key| (key.clone(), asked())).collect();
        self.answer(at, chance, Answer::AcceptWith { exceptions });
    }

    /// Mostly the receiver, sometimes the sender or somebody else.
    fn answer(&mut self, at: Timestamp, chance: &mut Chance, answer: Answer) {
        let by = match chance.below(20) {
            0 => self.sender(),
            1 => self.person("stranger", chance.below(PEOPLE), "nobody"),
            _ => self.receiver(),
        };
        let at = if chance.one_in(60) {
            at.checked_add(SignedDuration::from_hours(70 * 24)).unwrap_or(at)
        } else {
            at
        };
        self.acts.push(Act { id: format!("017{:06}", self.serial), by, at, answer });
    }

    fn forge(&mut self, chance: &mut Chance) {
        let gates: Vec<_> = self.flags.keys().cloned().collect();
        if let Some(gate) = gates.get(chance.below(gates.len()))
            && let Some(open) = self.flags.get_mut(gate)
        {
            *open = !*open;
        }
    }

    fn person(&self, side: &str, number: usize, role: &str) -> Actor {
        let name = format!("{side}-{}-{number}", self.rule);
        Actor {
            id: ActorId::from(name.as_str()),
            person: PersonId::from(name.as_str()),
            machine: false,
            active: true,
            roles: BTreeSet::from([role.to_owned()]),
        }
    }

    fn sender(&self) -> Actor {
        self.person("sender", self.sender, &self.sender_role)
    }

    fn receiver(&self) -> Actor {
        self.person("receiver", self.receiver, &self.receiver_role)
    }

    /// The record as it is read.
    pub(super) fn seen(&self) -> Observation {
        if !self.exists {
            return Observation { existence: Existence::Deleted, ..Observation::gone(self.subject.clone()) };
        }
        let (stage, since, entry) = &self.stage;
        let flag = |open: bool| FlagSeen { open: Some(open), clearance: None, moved: None };
        let edit = |at: Timestamp| Edit::placed(at, Some(self.sender()));
        Observation {
            version: Some(RecordVersion { stamp: *since }),
            existence: Existence::Present,
            stage: StageSeen {
                name: Some(stage.clone()),
                raw: stage.0.clone(),
                before: None,
                since: Some(*since),
                opening_since: self.opening_since,
                by: None,
                entry: entry.to_string(),
                back: None,
                close_date: None,
            },
            account: Some(self.account.clone()),
            package: self.package(),
            edits: self.edits.iter().map(|(key, at)| (key.clone(), edit(*at))).collect(),
            sender: Some(self.sender()),
            receiver: Some(self.receiver()),
            acts: self.acts.clone(),
            flags: self.flags.iter().map(|(gate, open)| (gate.clone(), flag(*open))).collect(),
            ..Observation::gone(self.subject.clone())
        }
    }

    fn package(&self) -> Package {
        let field = |(key, wording): (&FieldKey, &usize)| {
            let sourced = |(part, kind): (&PartKey, &Part)| {
                let (from, field) = (self.subject.clone(), format!("{key}_{part}__c"));
                (part.clone(), Sourced { value: value(kind, *wording), from, field })
            };
            (key.clone(), self.parts.get(key).into_iter().flatten().map(sourced).collect())
        };
        self.values.iter().map(field).collect()
    }
}

/// A value of a part; wording 0 says nothing.
pub(super) fn value(part: &Part, wording: usize) -> Value {
    if wording == 0 {
        return Value::Text("tbd".to_owned());
    }
    if part.kind == Kind::List {
        let row = part.columns.iter().map(|(column, kind)| (column.clone(), one(*kind, part, wording)));
        return Value::List(vec![row.collect()]);
    }
    one(part.kind, part, wording)
}

fn one(kind: Kind, part: &Part, wording: usize) -> Value {
    let words = format!("They expect wording {wording} to cut {wording}2 days of waiting");
    let day = date(2025, 6, i8::try_from(1 + wording % 28).unwrap_or(1));
    match kind {
        Kind::Text => Value::Text(words),
        Kind::Name => Value::Name(format!("Ledgerly {wording}")),
        Kind::Number => Value::Number(Decimal::from(wording)),
        Kind::Money => Value::Money { amount: Decimal::from(wording), currency: Some("EUR".to_owned()) },
        Kind::Date => Value::Date(day),
        Kind::Choice => Value::Choice(part.choices.first().cloned().unwrap_or_else(|| "Strong".to_owned())),
        Kind::Person => Value::Person(format!("003{wording:015}")),
        Kind::Record => Value::Record(format!("701{wording:015}")),
        Kind::Flag => Value::Flag(true),
        Kind::List => Value::List(Vec::new()),
        Kind::Series => Value::Series(vec![(day, Decimal::from(wording))]),
    }
}
