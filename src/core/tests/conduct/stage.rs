//! A record under one of the shipped contracts, looked at whenever a story says so.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::beside::{BesideSeen, Doing, Happening, StatusSeen};
use handoff_core::contract::Contract;
use handoff_core::decide::{Case, Terms, decide};
use handoff_core::event::{Concern, Event};
use handoff_core::gate::{Verdict, evaluate};
use handoff_core::handoff::{Handoff, Stamp};
use handoff_core::id::{ActorId, FieldKey, GateName, MotionId, PartKey, PersonId, RecordRef};
use handoff_core::observation::{Act, Actor, Answer, Edit, Observation, StageSeen};
use handoff_core::registry::{Held, Registry, shipped};
use handoff_core::value::{Sourced, Value};
use jiff::{SignedDuration, Timestamp};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

pub(crate) fn date(text: &str) -> Value {
    Value::Date(text.parse().expect("a date"))
}

pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

pub(crate) fn choice(text: &str) -> Value {
    Value::Choice(text.to_owned())
}

pub(crate) fn number(number: i64) -> Value {
    Value::Number(number.into())
}

/// Somebody with every role.
pub(crate) fn person(name: &str) -> Actor {
    let roles = ["csm", "support_lead", "account_executive", "sdr", "marketing"];
    Actor {
        id: ActorId::from(format!("005{name}").as_str()),
        person: PersonId::from(name),
        machine: name == "robot",
        active: true,
        roles: roles.map(str::to_owned).into(),
    }
}

fn held(contract: &str) -> Held {
    let registry = Registry::load(shipped()).expect("what is shipped loads");
    registry.latest(&contract.into()).expect("a shipped contract").clone()
}

/// One record over time.
pub(crate) struct Stage {
    pub(crate) held: Held,
    pub(crate) motion: MotionId,
    pub(crate) terms: Terms,
    pub(crate) now: Timestamp,
    pub(crate) seen: Observation,
    pub(crate) state: Option<Handoff>,
    log: Vec<(Stamp, Observation, Vec<Event>)>,
}

impl Stage {
    pub(crate) fn new(contract: &str, stage: &str, sender: &str, receiver: &str) -> Self {
        let now = at("2026-03-02T09:00:00Z");
        let record = RecordRef { connection: "sf".into(), object: "Case".into(), record: "500A".into() };
        let seen = Observation {
            existence: handoff_core::extract::Existence::Present,
            stage: StageSeen {
                name: Some(stage.into()),
                raw: stage.to_owned(),
                before: None,
                since: Some(now),
                opening_since: Some(now),
                by: None,
                entry: "created".to_owned(),
                back: None,
                close_date: None,
            },
            sender: Some(person(sender)),
            receiver: Some(person(receiver)),
            beside: Some(Box::default()),
            ..Observation::gone(record)
        };
        let terms = Terms::default();
        Self { held: held(contract), motion: "main".into(), terms, now, seen, state: None, log: Vec::new() }
    }

    pub(crate) fn beside(&mut self) -> &mut BesideSeen {
        self.seen.beside.get_or_insert_default()
    }

    /// Somebody says something in a part, `field.part`.
    pub(crate) fn say(&mut self, who: &str, part: &str, value: Value) {
        let (field, part) = part.split_once('.').expect("field.part");
        let sourced = Sourced { value, from: self.seen.subject.clone(), field: format!("{part}__c") };
        self.seen.package.entry(FieldKey::from(field)).or_default().insert(PartKey::from(part), sourced);
        self.seen.edits.insert(FieldKey::from(field), Edit::placed(self.now, Some(person(who))));
    }

    pub(crate) fn accept(&mut self, who: &str) {
        let id = format!("act{}", self.seen.acts.len());
        self.seen.acts.push(Act { id, by: person(who), at: self.now, answer: Answer::Accept });
    }

    pub(crate) fn status(&mut self, who: &str, value: &str, resolved: bool) {
        let status = StatusSeen {
            value: value.to_owned(),
            entry: format!("{value}@{}", self.now),
            since: Some(self.now),
            by: Some(person(who)),
            resolved,
        };
        self.beside().status = Some(status);
    }

    pub(crate) fn doing(&self, who: &str) -> Doing {
        Doing { id: format!("{who}@{}", self.now), by: person(who), at: self.now }
    }

    pub(crate) fn wait(&mut self, hours: i64) {
        self.now += SignedDuration::from_hours(hours);
    }

    /// Looks at the record: what happened. Looking again at the same time, nothing has.
    pub(crate) fn look(&mut self) -> Vec<Event> {
        let events = self.decide(self.state.as_ref());
        if !events.is_empty() {
            let position = u64::try_from(self.log.len()).expect("small");
            let stamp = Stamp { position, time: self.now };
            self.state = Handoff::apply(self.state.take(), stamp, &events);
            self.log.push((stamp, self.seen.clone(), events.clone()));
        }
        let again = self.decide(self.state.as_ref());
        assert!(again.is_empty(), "seen twice, happened twice: {again:?}");
        events
    }

    fn decide(&self, before: Option<&Handoff>) -> Vec<Event> {
        self.decide_on(before, &self.seen, self.now)
    }

    fn decide_on(&self, before: Option<&Handoff>, seen: &Observation, now: Timestamp) -> Vec<Event> {
        let case = Case {
            contract: &self.held.contract,
            pin: &self.held.reference,
            motion: &self.motion,
            terms: &self.terms,
        };
        decide(case, before, seen, now)
    }

    /// Names of what happened beside the package when looking.
    pub(crate) fn happens(&mut self) -> Vec<&'static str> {
        let events = self.look();
        let beside = events.iter().filter_map(|event| Some(happening(event)?.name()));
        beside.collect()
    }

    /// Everything that happened beside the package so far.
    pub(crate) fn history(&self) -> Vec<Happening> {
        let events = self.log.iter().flat_map(|(_, _, events)| events);
        let beside = events.filter_map(|event| happening(event).cloned());
        beside.collect()
    }

    pub(crate) fn contract(&self) -> &Contract {
        &self.held.contract
    }

    pub(crate) fn handoff(&self) -> &Handoff {
        self.state.as_ref().expect("open")
    }

    pub(crate) fn verdict(&self) -> Verdict {
        evaluate(self.contract(), self.handoff(), self.now)
    }

    pub(crate) fn is_open(&self, gate: &str) -> bool {
        self.verdict().gates.get(&GateName::from(gate)).copied().expect("a gate")
    }

    pub(crate) fn concerns(&self) -> BTreeSet<Concern> {
        self.handoff().concerns.clone()
    }

    pub(crate) fn missing(&self) -> Vec<String> {
        self.verdict().missing.iter().map(ToString::to_string).collect()
    }

    /// Waits until time alone changes something, and looks.
    pub(crate) fn until_due(&mut self) -> Vec<&'static str> {
        self.now = self.verdict().look_again_at.expect("something is due");
        self.happens()
    }

    /// Folding the log again gives the same state; deciding again gives the logged events.
    pub(crate) fn replays(&self) {
        let mut state = None;
        for (stamp, seen, events) in &self.log {
            assert_eq!(&self.decide_on(state.as_ref(), seen, stamp.time), events);
            state = Handoff::apply(state, *stamp, events);
        }
        assert_eq!(state, self.state);
        let text = serde_json::to_string(&self.state).expect("encodes");
        assert_eq!(serde_json::from_str::<Option<Handoff>>(&text).expect("decodes"), self.state);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.replays();
        }
    }
}

/// Says many things at once.
pub(crate) fn say_all(stage: &mut Stage, who: &str, said: BTreeMap<&str, Value>) {
    for (part, value) in said {
        stage.say(who, part, value);
    }
}

fn happening(event: &Event) -> Option<&Happening> {
    if let Event::Beside { what } = event { Some(what) } else { None }
}
