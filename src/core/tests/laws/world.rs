//! A record that people, machines and we ourselves change, and a faithful little loop around it.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::break_glass::{ask, confirm as confirm_override};
use handoff_core::clearance::ClearanceKey;
use handoff_core::contract::{AfterAcceptance, Contract, ContractRef, Mode, OnBypass, Submit};
use handoff_core::decide::{Case, Terms, decide};
use handoff_core::digest::Digest;
use handoff_core::event::Event;
use handoff_core::exception::{Asked, OnLapse};
use handoff_core::gate::{Verdict, evaluate};
use handoff_core::handoff::{Handoff, Stamp};
use handoff_core::id::{ActorId, FieldKey, GateName, MotionId, ObjectName, PartKey, PersonId, RecordRef};
use handoff_core::journal::LogEntry;
use handoff_core::mapping::Mapping;
use handoff_core::observation::{Act, Actor, Answer, Edit, FlagMove, Observation};
use handoff_core::twin::TwinSeen;
use handoff_core::value::{Package, Sourced, Value};
use jiff::{SignedDuration, Timestamp};

use crate::setting::{contract, mapping};

mod look;
mod step;
mod truth;
mod write;

pub(crate) use step::{Person, Step, step};

/// The flag of the gate that is only observed.
pub(crate) const OBSERVED_FLAG: &str = "Stage_Open__c";
pub(crate) const FIELDS: [&str; 3] = ["outcome", "risks", "noted"];

/// How the record is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variant {
    /// With field history; a filled package is handed over by itself.
    History,
    /// With field history; the sender hands over himself.
    Explicit,
    /// With field history; edits of the second field have to be confirmed, and exceptions lapse.
    Reconfirm,
    /// Without field history: only the last change of the record is known.
    NoHistory,
}

/// One log entry.
pub(crate) struct Entry {
    pub(crate) stamp: Stamp,
    pub(crate) seen: Option<Observation>,
    pub(crate) events: Vec<Event>,
}

/// The record as it truly is.
pub(crate) struct Truth {
    now: Timestamp,
    serial: u32,
    exists: bool,
    stage: (&'static str, Timestamp, u32),
    /// Every stage so far, and who moved the record into the last.
    stages: Vec<&'static str>,
    moved_by: Person,
    /// The close date, and what it was before the entry into a stage that moved it.
    pub(crate) close_date: u8,
    date_moved: Option<(u32, u8)>,
    /// Stages that we put back, with whether the handoff was accepted then.
    pub(crate) put_back: Vec<bool>,
    texts: BTreeMap<FieldKey, (u8, Timestamp)>,
    edits: BTreeMap<FieldKey, Edit>,
    sender: Option<Person>,
    receiver: Option<Person>,
    roleless: BTreeSet<PersonId>,
    inactive: BTreeSet<PersonId>,
    last_modified: (Timestamp, Person),
    row_saved: Option<Timestamp>,
    acts: Vec<Act>,
    decision: Option<&'static str>,
    flags: BTreeMap<GateName, (bool, Option<String>, FlagMove)>,
    opened_by_us: BTreeSet<GateName>,
    words: BTreeMap<String, serde_json::Value>,
}

/// What a CRM sets the close date to when a deal is won.
pub(crate) const TODAY: u8 = 99;

impl Truth {
    fn enter(&mut self, stage: &'static str, at: Timestamp, who: Person) {
        self.stage = (stage, at, self.serial);
        self.stages.push(stage);
        self.moved_by = who;
        if stage == "Closed Won" && self.close_date != TODAY {
            self.date_moved = Some((self.serial, self.close_date));
            self.close_date = TODAY;
        }
    }

    /// Gates whose flag our own last write opened, as they stand.
    pub(crate) fn flags_we_opened(&self) -> Vec<(GateName, bool)> {
        // A record that is lost cannot be written; its flags count again when it comes back.
        let ours = |gate: &GateName| self.exists && self.opened_by_us.contains(gate);
        self.flags.iter().filter(|(gate, _)| ours(gate)).map(|(gate, flag)| (gate.clone(), flag.0)).collect()
    }
}

pub(crate) struct World {
    pub(crate) contract: Contract,
    pin: ContractRef,
    mapping: Mapping,
    pub(crate) terms: Terms,
    key: ClearanceKey,
    motion: MotionId,
    variant: Variant,
    pub(crate) truth: Truth,
    pub(crate) log: Vec<Entry>,
    /// What other records say of the same deal.
    pub(crate) twins: Vec<TwinSeen>,
    /// Records that were merged into this one.
    pub(crate) absorbed: BTreeSet<String>,
    /// A concrete test that contradicts what was accepted.
    pub(crate) contradicted: Option<handoff_core::concrete::Contradicted>,
    state: Option<Handoff>,
    last_seen: Option<Observation>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(Variant::History)
    }

    pub(crate) fn of(variant: Variant) -> Self {
        let mut contract = contract();
        if variant == Variant::Explicit {
            contract.submit = Submit::Explicit;
        }
        if variant == Variant::Reconfirm {
            contract.fields[1].after_acceptance = AfterAcceptance::Reconfirm;
            contract.exceptions.on_lapse = OnLapse::Reopen;
        }
        let pin = ContractRef { id: contract.contract.clone(), version: 1, digest: Digest::of(&contract) };
        let now: Timestamp = "2026-03-02T09:00:00Z".parse().expect("a date");
        let truth = Truth {
            now,
            serial: 0,
            exists: true,
            stage: ("Prospecting", now, 0),
            stages: vec!["Prospecting"],
            moved_by: Person::Sender,
            close_date: 1,
            date_moved: None,
            put_back: Vec::new(),
            texts: BTreeMap::new(),
            edits: BTreeMap::new(),
            sender: Some(Person::Sender),
            receiver: Some(Person::Receiver),
            roleless: BTreeSet::new(),
            inactive: BTreeSet::new(),
            last_modified: (now, Person::Sender),
            row_saved: None,
            acts: Vec::new(),
            decision: None,
            flags: BTreeMap::new(),
            opened_by_us: BTreeSet::new(),
            words: BTreeMap::new(),
        };
        Self {
            contract,
            pin,
            mapping: mapping(),
            terms: Terms::default(),
            key: ClearanceKey::new(vec![7; 32]).expect("long enough"),
            motion: MotionId::from("main"),
            variant,
            truth,
            log: Vec::new(),
            twins: Vec::new(),
            absorbed: BTreeSet::new(),
            contradicted: None,
            state: None,
            last_seen: None,
        }
    }

    /// The stage gate is enforced, and deals that pass it by are put back.
    pub(crate) fn reverting(variant: Variant) -> Self {
        let mut world = Self::of(variant);
        let gate = GateName::from("closed_won");
        world.terms.modes.insert(gate.clone(), Mode::Enforce);
        world.terms.on_bypass.insert(gate, OnBypass::Revert);
        world
    }

    /// The stage as it stands in the CRM.
    pub(crate) fn stage(&self) -> &'static str {
        self.truth.stage.0
    }

    pub(crate) fn state(&self) -> Option<Handoff> {
        self.state.clone()
    }

    /// The package as it stands in the CRM.
    pub(crate) fn package(&self) -> Package {
        package(&self.truth.texts)
    }

    /// Everything that happened so far.
    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        self.log.iter().flat_map(|entry| &entry.events)
    }

    /// How a flag stands in the CRM.
    pub(crate) fn flag(&self, gate: &str) -> bool {
        self.truth.flags.get(&GateName::from(gate)).is_some_and(|flag| flag.0)
    }

    /// The clearance id beside a flag.
    pub(crate) fn clearance(&self, gate: &str) -> Option<String> {
        self.truth.flags.get(&GateName::from(gate)).and_then(|flag| flag.1.clone())
    }

    /// What stands in a field for people.
    pub(crate) fn word(&self, field: &str) -> String {
        self.truth.words.get(field).and_then(serde_json::Value::as_str).unwrap_or("-").to_owned()
    }

    /// The answer pick-list.
    pub(crate) fn decision(&self) -> Option<&'static str> {
        self.truth.decision
    }

    /// Somebody writes another clearance id beside a flag.
    pub(crate) fn forge_clearance(&mut self, gate: &str, clearance: &str) {
        if let Some(flag) = self.truth.flags.get_mut(&GateName::from(gate)) {
            flag.1 = Some(clearance.to_owned());
        }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        evaluate(&self.contract, self.state.as_ref().expect("open"), self.truth.now)
    }

    fn hand_over(&mut self, text: u8) {
        let who = self.truth.sender.unwrap_or(Person::Stranger);
        let edits = (0..3).map(|field| Step::Edit { field, text: Some(text), who });
        let receiver = self.truth.receiver.unwrap_or(Person::Stranger);
        let answers = [Step::Wait(5), Step::Submit(who), Step::Wait(5), Step::Accept(receiver)];
        for step in [Step::Stage("Negotiation")].into_iter().chain(edits).chain(answers) {
            self.play(&step);
        }
    }

    pub(crate) fn play(&mut self, step: &Step) {
        if let Step::HandOver(text) = step {
            self.hand_over(*text);
            return;
        }
        let truth = &mut self.truth;
        truth.serial += 1;
        truth.now += SignedDuration::from_millis(700);
        // The CRM stamps with a resolution of one second.
        let at = Timestamp::from_second(truth.now.as_second()).expect("in range");
        let id = format!("017{:04}", truth.serial);
        if let Some(who) = step.author() {
            truth.last_modified = (at, who);
        }
        match step {
            Step::Edit { field, text, who } => {
                let key = FieldKey::from(FIELDS[*field]);
                match text {
                    Some(text) => drop(truth.texts.insert(key.clone(), (*text, at))),
                    None => drop(truth.texts.remove(&key)),
                }
                truth.edits.insert(key, Edit::placed(at, Some(actor(*who))));
            }
            Step::Stage(stage) => truth.enter(stage, at, Person::Stranger),
            Step::CloseDate(date) => (truth.close_date, truth.date_moved) = (*date, None),
            Step::Accept(who) => {
                truth.decision = Some("Accept");
                truth.acts.push(Act { id, by: actor(*who), at, answer: Answer::Accept });
            }
            Step::AcceptWith(who) => {
                truth.decision = Some("Accept with exceptions");
                truth.acts.push(Act { id, by: actor(*who), at, answer: until_later(at) });
            }
            Step::Reject(who, field) => {
                truth.decision = Some("Reject");
                let fields = FIELDS.get(*field).map(|key| FieldKey::from(*key)).into_iter().collect();
                let reason = "the target has no date".to_owned();
                let answer = Answer::Reject { fields, reason, reasons: BTreeMap::new() };
                truth.acts.push(Act { id, by: actor(*who), at, answer });
            }
            Step::Flag { gate, open } => {
                let gate = GateName::from(*gate);
                truth.opened_by_us.remove(&gate);
                let clearance = truth.flags.get(&gate).and_then(|flag| flag.1.clone());
                truth
                    .flags
                    .insert(gate, (*open, clearance, FlagMove { id, by: actor(Person::Stranger), at }));
            }
            Step::Receiver(who) => truth.receiver = *who,
            Step::Sender(who) => truth.sender = *who,
            Step::Role(who, true) => drop(truth.roleless.remove(&actor(*who).person)),
            Step::Role(who, false) => drop(truth.roleless.insert(actor(*who).person)),
            Step::Active(who, true) => drop(truth.inactive.remove(&actor(*who).person)),
            Step::Active(who, false) => drop(truth.inactive.insert(actor(*who).person)),
            Step::Submit(who) => {
                truth.acts.push(Act { id, by: actor(*who), at, answer: Answer::Submit });
            }
            Step::Touch(_) | Step::HandOver(_) => {}
            Step::Row => truth.row_saved = Some(at),
            Step::SameSecond => truth.now = at - SignedDuration::from_millis(700),
            Step::Lose(lost) => truth.exists = !lost,
            Step::Wait(seconds) => truth.now += SignedDuration::from_secs(i64::from(*seconds)),
            Step::Observe => self.observe(),
            Step::Write => self.write(),
            Step::WriteAndDie => drop(self.write_to_crm()),
        }
    }

    /// Reads the record, decides, logs, folds.
    pub(crate) fn observe(&mut self) {
        let seen = self.look();
        self.last_seen = Some(seen.clone());
        let events = self.decide_on(self.state.as_ref(), &seen, self.truth.now);
        if !events.is_empty() {
            self.append(Some(seen), events);
        }
    }

    /// Decides on the last observation without logging.
    pub(crate) fn decide_only(&self) -> Vec<Event> {
        self.last_seen
            .as_ref()
            .map_or_else(Vec::new, |seen| self.decide_on(self.state.as_ref(), seen, self.truth.now))
    }

    pub(crate) fn decide_on(
        &self,
        before: Option<&Handoff>,
        seen: &Observation,
        now: Timestamp,
    ) -> Vec<Event> {
        let case =
            Case { contract: &self.contract, pin: &self.pin, motion: &self.motion, terms: &self.terms };
        decide(case, before, seen, now)
    }

    /// Logs events that no observation led to.
    pub(crate) fn log_events(&mut self, events: Vec<Event>) {
        self.append(None, events);
    }

    /// Two people open a gate.
    pub(crate) fn break_glass(&mut self, first: &Actor, second: &Actor, gate: &GateName, until: Timestamp) {
        let state = self.state.clone().expect("open");
        let asked =
            ask(&self.contract, &state, first, (gate, "the receiver is in hospital", until), self.now());
        self.append(None, vec![asked.expect("he may")]);
        let state = self.state.clone().expect("open");
        let confirmed = confirm_override(&self.contract, &state, second, gate, self.now());
        self.append(None, vec![confirmed.expect("he may")]);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.truth.now
    }

    /// Somebody answers, a little later.
    pub(crate) fn answer(&mut self, who: Person, answer: Answer) {
        self.truth.serial += 1;
        self.truth.now += SignedDuration::from_secs(2);
        let at = Timestamp::from_second(self.truth.now.as_second()).expect("in range");
        let id = format!("017{:04}", self.truth.serial);
        self.truth.acts.push(Act { id, by: actor(who), at, answer });
    }

    /// The log as it would be written, with positions.
    pub(crate) fn journal(&self) -> Vec<(u64, LogEntry)> {
        let handoff = self.state.as_ref().expect("open").id.clone();
        let entry = |entry: &Entry| {
            let (handoff, at, events) = (handoff.clone(), entry.stamp.time, entry.events.clone());
            (entry.stamp.position, LogEntry::Confirmed { handoff, at, events })
        };
        self.log.iter().map(entry).collect()
    }

    pub(crate) fn verdict_at(&self, now: Timestamp) -> Verdict {
        evaluate(&self.contract, self.state.as_ref().expect("open"), now)
    }

    fn append(&mut self, seen: Option<Observation>, events: Vec<Event>) {
        let position = u64::try_from(self.log.len()).expect("small");
        let stamp = Stamp { position, time: self.truth.now };
        self.state = Handoff::apply(self.state.take(), stamp, &events);
        self.log.push(Entry { stamp, seen, events });
    }
}

/// Everything that is missing may be so until two days later.
fn until_later(at: Timestamp) -> Answer {
    let due = Some(at + SignedDuration::from_hours(48));
    let asked = Asked { reason: "the board decides".to_owned(), due };
    Answer::AcceptWith {
        exceptions: FIELDS.iter().map(|key| (FieldKey::from(*key), asked.clone())).collect(),
    }
}

fn subject() -> RecordRef {
    RecordRef {
        connection: "sf".into(),
        object: ObjectName::from("Opportunity"),
        record: "006000000000001AAA".into(),
    }
}

pub(crate) fn actor(who: Person) -> Actor {
    let (id, person, machine, role) = match who {
        Person::Sender => ("005S", "sam", false, true),
        Person::SenderOtherLogin => ("005T", "sam", false, true),
        Person::Receiver => ("005R", "rita", false, true),
        Person::OtherReceiver => ("005Q", "rolf", false, true),
        Person::Stranger => ("005X", "xaver", false, false),
        Person::Machine => ("005M", "robot", true, true),
        Person::Manager => ("005B", "maria", false, false),
    };
    Actor {
        id: ActorId::from(id),
        person: PersonId::from(person),
        machine,
        active: true,
        roles: match who {
            Person::Manager => BTreeSet::from(["onboarding_manager".to_owned()]),
            _ => role.then(|| "onboarding_lead".to_owned()).into_iter().collect(),
        },
    }
}

fn package(texts: &BTreeMap<FieldKey, (u8, Timestamp)>) -> Package {
    texts
        .iter()
        .map(|(key, (text, _))| {
            let value = match text {
                4 => Value::Text("tbd".to_owned()),
                text => Value::Text(format!("The customer expects wording number {text} to hold")),
            };
            let sourced = Sourced { value, from: subject(), field: format!("{key}__c") };
            (key.clone(), BTreeMap::from([(PartKey::from("text"), sourced)]))
        })
        .collect()
}
