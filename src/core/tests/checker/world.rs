//! The record as it truly is, and a faithful little loop around it.

use std::collections::BTreeMap;
use std::rc::Rc;

use handoff_core::clearance::ClearanceKey;
use handoff_core::contract::{Contract, ContractRef};
use handoff_core::decide::{Case, Terms, confirm};
use handoff_core::digest::Digest;
use handoff_core::event::Event;
use handoff_core::exception::Asked;
use handoff_core::extract::{Existence, RawRecord, RecordVersion};
use handoff_core::handoff::{Handoff, Stamp};
use handoff_core::id::{FieldKey, GateName, MotionId, PartKey, PersonId, RecordRef};
use handoff_core::mapping::Mapping;
use handoff_core::observation::{Act, Actor, Answer, Edit, FlagMove, FlagSeen, Observation, StageSeen};
use handoff_core::plan::{Inputs, Plan};
use handoff_core::value::{Package, Sourced, Value};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};

use crate::setting::{FIELDS, contract, mapping};
use crate::subject::Core;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub(crate) enum Person {
    Sam,
    /// Sam's other login.
    SamToo,
    Rita,
    Rolf,
    /// Holds no role but that of break-glass.
    Olga,
    Ines,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub(crate) enum Said {
    Accept,
    /// Accepts what is missing until two days later.
    AcceptWith,
    Reject(Option<usize>),
}

/// An act as it truly happened, with the values that stood there.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct TrueAct {
    pub(crate) by: Person,
    pub(crate) at: i64,
    pub(crate) said: Said,
    pub(crate) values: [u8; 3],
    pub(crate) role: bool,
}

/// An override as it was truly said.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct TrueOverride {
    pub(crate) people: (Person, Person),
    pub(crate) from: i64,
    pub(crate) until: i64,
}

/// The record. Values: 0 = empty, 3 = junk, others = texts.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Truth {
    pub(crate) now: i64,
    pub(crate) exists: bool,
    pub(crate) stage: (&'static str, i64, usize),
    pub(crate) values: [u8; 3],
    pub(crate) edited: [i64; 3],
    pub(crate) sender: Option<Person>,
    pub(crate) receiver: Option<Person>,
    pub(crate) acts: Vec<TrueAct>,
    pub(crate) decision: Option<&'static str>,
    /// Gate → open, clearance, and whether our own last write put it there.
    pub(crate) flags: BTreeMap<&'static str, (bool, Option<String>, bool)>,
    pub(crate) words: BTreeMap<String, Json>,
    pub(crate) overrides: Vec<TrueOverride>,
}

/// One log entry.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) stamp: Stamp,
    pub(crate) seen: Option<Observation>,
    pub(crate) before: Option<Handoff>,
    pub(crate) events: Vec<Event>,
}

/// What never changes.
pub(crate) struct Frame {
    pub(crate) contract: Contract,
    pub(crate) pin: ContractRef,
    pub(crate) mapping: Mapping,
    pub(crate) terms: Terms,
    pub(crate) motion: MotionId,
    key: ClearanceKey,
}

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) frame: Rc<Frame>,
    pub(crate) truth: Truth,
    pub(crate) state: Option<Handoff>,
    pub(crate) log: Vec<Rc<Entry>>,
}

pub(crate) const GATES: [(&str, &str); 3] =
    [("commission", "Commission_Open__c"), ("queue", "Queue__c"), ("closed_won", "Stage_Open__c")];

pub(crate) fn time(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("in range")
}

pub(crate) fn actor(who: Person) -> Actor {
    let (id, person, roles): (_, _, &[&str]) = match who {
        Person::Sam => ("005S", "sam", &["onboarding_lead", "break_glass"]),
        Person::SamToo => ("005T", "sam", &["onboarding_lead", "break_glass"]),
        Person::Rita => ("005R", "rita", &["onboarding_lead"]),
        Person::Rolf => ("005Q", "rolf", &["onboarding_lead"]),
        Person::Olga => ("005O", "olga", &["break_glass"]),
        Person::Ines => ("005I", "ines", &["break_glass"]),
    };
    Actor {
        id: id.into(),
        person: PersonId::from(person),
        machine: false,
        active: true,
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
    }
}

fn subject() -> RecordRef {
    RecordRef { connection: "sf".into(), object: "Opportunity".into(), record: "006000000000001AAA".into() }
}

impl World {
    pub(crate) fn new() -> Self {
        let contract = contract();
        let pin = ContractRef { id: contract.contract.clone(), version: 1, digest: Digest::of(&contract) };
        let frame = Frame {
            contract,
            pin,
            mapping: mapping(),
            terms: Terms::default(),
            motion: MotionId::from("main"),
            key: ClearanceKey::new(vec![7; 32]).expect("long enough"),
        };
        let truth = Truth {
            now: 0,
            exists: true,
            stage: ("Negotiation", 0, 0),
            values: [0; 3],
            edited: [0; 3],
            sender: Some(Person::Sam),
            receiver: Some(Person::Rita),
            acts: Vec::new(),
            decision: None,
            flags: GATES.iter().map(|(gate, _)| (*gate, (false, None, false))).collect(),
            words: BTreeMap::new(),
            overrides: Vec::new(),
        };
        Self { frame: Rc::new(frame), truth, state: None, log: Vec::new() }
    }

    pub(crate) fn package(&self) -> Package {
        let filled = FIELDS.iter().zip(self.truth.values).filter(|(_, value)| *value > 0);
        let sourced = |key: &str, value: u8| {
            let text = if value == 3 { "tbd".to_owned() } else { format!("The customer expects {value}") };
            Sourced { value: Value::Text(text), from: subject(), field: format!("{key}__c") }
        };
        let parts = filled.map(|(key, value)| {
            (FieldKey::from(*key), BTreeMap::from([(PartKey::from("text"), sourced(key, value))]))
        });
        parts.collect()
    }

    fn acts(&self) -> Vec<Act> {
        let exceptions = |at: i64| {
            let asked = Asked { reason: "the board decides".to_owned(), due: Some(time(at + 2 * 86_400)) };
            FIELDS.iter().map(|key| (FieldKey::from(*key), asked.clone())).collect()
        };
        let answer = |act: &TrueAct| match act.said {
            Said::Accept => Answer::Accept,
            Said::AcceptWith => Answer::AcceptWith { exceptions: exceptions(act.at) },
            Said::Reject(field) => Answer::Reject {
                fields: field.map(|field| FieldKey::from(FIELDS[field])).into_iter().collect(),
                reason: "the target has no date".to_owned(),
                reasons: BTreeMap::new(),
            },
        };
        let acts = self.truth.acts.iter().enumerate();
        acts.map(|(number, act)| Act {
            id: format!("017{number:04}"),
            by: actor(act.by),
            at: time(act.at),
            answer: answer(act),
        })
        .collect()
    }

    pub(crate) fn look(&self) -> Observation {
        let truth = &self.truth;
        if !truth.exists {
            return Observation { existence: Existence::Deleted, ..Observation::gone(subject()) };
        }
        let names = &self.frame.mapping.stage.names;
        let name = names.iter().find(|(_, raw)| raw.iter().any(|raw| raw == truth.stage.0));
        let edits = FIELDS.iter().zip(truth.edited).filter(|(_, at)| *at > 0);
        let flags = truth.flags.iter().map(|(gate, (open, clearance, ours))| {
            let who = if *ours { Person::Ines } else { Person::Sam };
            let moved = FlagMove { id: format!("{gate}{open}{ours}"), by: actor(who), at: time(0) };
            let seen = FlagSeen { open: Some(*open), clearance: clearance.clone(), moved: Some(moved) };
            (GateName::from(*gate), seen)
        });
        Observation {
            version: Some(RecordVersion { stamp: time(truth.now) }),
            existence: Existence::Present,
            stage: StageSeen {
                name: name.map(|(name, _)| name.clone()),
                raw: truth.stage.0.to_owned(),
                since: Some(time(truth.stage.1)),
                entry: truth.stage.2.to_string(),
                ..Observation::gone(subject()).stage
            },
            package: self.package(),
            edits: edits
                .map(|(key, at)| (FieldKey::from(*key), Edit::placed(time(at), truth.sender.map(actor))))
                .collect(),
            sender: truth.sender.map(actor),
            receiver: truth.receiver.map(actor),
            acts: self.acts(),
            flags: flags.collect(),
            ..Observation::gone(subject())
        }
    }

    fn raw(&self) -> RawRecord {
        let mut fields = self.truth.words.clone();
        for (gate, field) in GATES {
            let (open, clearance, _) = &self.truth.flags[gate];
            fields.insert(field.to_owned(), json!(open));
            if gate == "commission" {
                fields.insert("Clearance__c".to_owned(), json!(clearance));
            }
        }
        fields.insert("StageName".to_owned(), json!(self.truth.stage.0));
        fields.insert("Decision__c".to_owned(), json!(self.truth.decision));
        RawRecord {
            record: subject(),
            version: Some(RecordVersion { stamp: time(self.truth.now) }),
            existence: if self.truth.exists { Existence::Present } else { Existence::Deleted },
            created_at: None,
            last_modified: None,
            fields,
            found_on: std::collections::BTreeMap::new(),
            shown: std::collections::BTreeMap::new(),
            related: BTreeMap::new(),
            history: None,
        }
    }

    pub(crate) fn case(&self) -> Case<'_> {
        let Frame { contract, pin, terms, motion, .. } = &*self.frame;
        Case { contract, pin, motion, terms }
    }

    pub(crate) fn decide(&self, core: &dyn Core, seen: &Observation) -> Vec<Event> {
        core.decide(self.case(), self.state.as_ref(), seen, time(self.truth.now))
    }

    pub(crate) fn append(&mut self, core: &dyn Core, seen: Option<Observation>, events: Vec<Event>) {
        let position = u64::try_from(self.log.len()).expect("small");
        let stamp = Stamp { position, time: time(self.truth.now) };
        let before = self.state.clone();
        self.state = core.apply(self.state.take(), stamp, &events);
        self.log.push(Rc::new(Entry { stamp, seen, before, events }));
    }

    pub(crate) fn plan(&self, core: &dyn Core, seen: &Observation) -> Option<Plan> {
        let handoff = self.state.as_ref()?;
        let Frame { contract, mapping, terms, key, .. } = &*self.frame;
        let verdict = core.evaluate(contract, handoff, time(self.truth.now));
        let raw = self.raw();
        let verdict = &verdict;
        Some(core.plan(Inputs {
            contract,
            mapping,
            terms,
            handoff,
            verdict,
            raw: &raw,
            seen,
            key,
            evidence: None,
            numbers: None,
        }))
    }

    /// Reads, decides, logs, writes, reads back: one pass.
    pub(crate) fn pass(&mut self, core: &dyn Core) {
        let seen = self.look();
        let events = self.decide(core, &seen);
        if !events.is_empty() {
            self.append(core, Some(seen.clone()), events);
        }
        let Some(plan) = self.plan(core, &seen).filter(|_| self.truth.exists) else { return };
        for write in plan.writes {
            self.take(&write.field, write.to);
        }
        let known = self.state.as_ref().map(|state| state.gates.clone()).unwrap_or_default();
        let events = confirm(&known, &self.look().flags);
        if !events.is_empty() {
            self.append(core, None, events);
        }
    }

    fn take(&mut self, field: &str, to: Json) {
        let gate = GATES.iter().find(|(_, flag)| *flag == field);
        if let Some(flag) = gate.and_then(|(gate, _)| self.truth.flags.get_mut(gate)) {
            (flag.0, flag.2) = (to == json!(true), true);
        } else if field == "Clearance__c" {
            let flag = self.truth.flags.get_mut("commission").expect("a gate");
            flag.1 = to.as_str().map(str::to_owned);
        } else if field == "Decision__c" {
            self.truth.decision = None;
        } else {
            self.truth.words.insert(field.to_owned(), to);
        }
    }

    /// What two worlds have in common that behave the same from here on.
    pub(crate) fn print(&self) -> Vec<u8> {
        let mut state = self.state.clone();
        if let Some(state) = &mut state {
            state.version = 0;
        }
        serde_json::to_vec(&(&self.truth, state)).expect("encodes")
    }

    pub(crate) fn after(&mut self, span: SignedDuration) {
        self.truth.now += span.as_secs();
    }
}
