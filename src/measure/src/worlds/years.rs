//! Two years of a company as large as asked for, entry by entry: everything that any number is made of, in the order in which a daemon would have
//! logged it. Unlike a world, its decisions are laid down, not decided: a million handoff cycles come quickly.

use std::collections::{BTreeMap, VecDeque};

use handoff_core::account::{AccountFacts, Amount, SurveyAnswer};
use handoff_core::contract::{Contract, ContractRef};
use handoff_core::decide::Terms;
use handoff_core::digest::Digest;
use handoff_core::event::{Event, ReopenCause};
use handoff_core::evidence::CallRef;
use handoff_core::id::{ActorId, HandoffId, MotionId, PersonId, RecordRef};
use handoff_core::journal::LogEntry;
use handoff_core::observation::{Actor, Observation};
use handoff_core::reask::{Reask, ReportedBy};
use handoff_core::registry::{parse_contract, shipped};
use handoff_core::value::{Package, Sourced};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use rust_decimal::Decimal;

use super::chance::Chance;
use super::deal::value;
use super::{BEGINS, Rule};

/// Motions of each contract.
pub const MOTIONS: [&str; 2] = ["main", "expansion"];
/// Months that the cycles are spread over.
pub const MONTHS: i64 = 24;
/// Senders, and as many receivers.
const PEOPLE: usize = 120;
/// Cycles of one account.
const PER_ACCOUNT: usize = 5;
/// How long after its acceptance a handoff begins again at the earliest.
const REST: SignedDuration = SignedDuration::from_hours(10 * 24);

/// The log of such a company, oldest entry first.
pub struct Years {
    chance: Chance,
    rules: Vec<Rule>,
    packages: Vec<Package>,
    cycles: usize,
    begun: usize,
    frontier: Timestamp,
    serial: u64,
    pending: BTreeMap<(Timestamp, u64), LogEntry>,
    /// Accepted handoffs, oldest first; some of them begin again.
    accepted: VecDeque<(Timestamp, Deal)>,
}

/// A handoff while its cycle is laid down.
#[derive(Debug, Clone)]
struct Deal {
    rule: usize,
    handoff: HandoffId,
    account: usize,
    sender: usize,
    receiver: usize,
}

impl Years {
    /// With so many handoff cycles.
    pub fn new(cycles: usize) -> Self {
        Self::seeded(42, cycles)
    }

    /// With so many handoff cycles, drawn from a seed.
    pub fn seeded(seed: u64, cycles: usize) -> Self {
        let start = Self::start();
        let texts = shipped().filter(|(path, _)| path.starts_with("contracts/"));
        let rules: Vec<Rule> = texts.filter_map(|(path, text)| rule(path, text)).collect();
        let packages = rules.iter().map(|rule| filled(&rule.contract)).collect();
        let mut years = Self {
            chance: Chance::new(seed),
            rules,
            packages,
            cycles,
            begun: 0,
            frontier: start,
            serial: 0,
            pending: BTreeMap::new(),
            accepted: VecDeque::new(),
        };
        let texts: Vec<LogEntry> = years.rules.iter().map(|rule| published(rule, start)).collect();
        for text in texts {
            years.put(start, text);
        }
        years
    }

    /// When they begin: 2025-01-01 in UTC.
    pub fn start() -> Timestamp {
        Timestamp::from_second(BEGINS).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// When everything is over.
    pub fn end() -> Timestamp {
        Self::start() + SignedDuration::from_hours(31 * 24 * MONTHS)
    }

    /// The contracts.
    pub fn contracts(&self) -> impl Iterator<Item = &ContractRef> {
        self.rules.iter().map(|rule| &rule.pin)
    }

    fn put(&mut self, at: Timestamp, entry: LogEntry) {
        self.serial += 1;
        self.pending.insert((at, self.serial), entry);
    }

    /// When the next cycle opens.
    fn opens(&self) -> Timestamp {
        let seconds = u128::try_from(MONTHS * 30 * 86_400).unwrap_or_default();
        let share = |count: usize| u128::try_from(count).unwrap_or_default();
        let since = share(self.begun) * seconds / share(self.cycles).max(1);
        Self::start() + SignedDuration::from_secs(i64::try_from(since).unwrap_or_default())
    }

    fn cycle(&mut self) {
        let opened = self.opens();
        self.frontier = opened;
        let rested = self.accepted.front().is_some_and(|(at, _)| opened.duration_since(*at) > REST);
        let again = if rested { self.accepted.pop_front() } else { None };
        let again = again.filter(|_| self.chance.one_in(15)).map(|(_, deal)| deal);
        let (deal, begins) = match again {
            Some(deal) => {
                let handoff = HandoffId { cycle: deal.handoff.cycle + 1, ..deal.handoff };
                let cause = ReopenCause::People;
                let begins = Event::Reopened { cycle: handoff.cycle, cause };
                (Deal { handoff, ..deal }, begins)
            }
            None => self.fresh(opened),
        };
        self.begun += 1;
        self.around(opened, &deal);
        self.course(opened, &deal, begins);
    }

    fn fresh(&mut self, opened: Timestamp) -> (Deal, Event) {
        let rule = self.chance.below(self.rules.len());
        let motion = MOTIONS.get(self.chance.below(MOTIONS.len())).copied().unwrap_or_default();
        let pin = self.rules.get(rule).map(|rule| rule.pin.clone());
        let pin = pin.unwrap_or_else(|| ContractRef {
            id: "none".into(),
            version: 1,
            digest: Digest::of_bytes(b""),
        });
        let record = format!("006{:012}AAA", self.begun);
        let subject = RecordRef {
            connection: "sf".into(),
            object: "Opportunity".into(),
            record: record.as_str().into(),
        };
        let handoff =
            HandoffId { contract: pin.id.clone(), motion: MotionId::from(motion), subject, cycle: 1 };
        let stage = "commit".into();
        let begins = Event::Opened { handoff: handoff.clone(), contract: pin, stage, at: Some(opened) };
        let account = self.chance.below(self.cycles / PER_ACCOUNT + 1);
        let (sender, receiver) = (self.chance.below(PEOPLE), self.chance.below(PEOPLE));
        (Deal { rule, handoff, account, sender, receiver }, begins)
    }

    /// Opened and complete; then passed by, or answered, one in four sent back first.
    fn course(&mut self, opened: Timestamp, deal: &Deal, begins: Event) {
        let complete = |round, at| Event::Completed { round, at };
        let full = !self.chance.one_in(8);
        let mut at = opened + minutes(60);
        let first = if full { vec![begins, complete(1, at)] } else { vec![begins] };
        self.decided(deal, at, first, full);
        at += minutes(60 * self.chance.below(120));
        if !full {
            let event = Event::Bypassed {
                gate: "closed_won".into(),
                stage: "closed_won".into(),
                from: None,
                by: None,
                at: Some(at),
                entry: format!("{}-{}", deal.handoff.subject.record, deal.handoff.cycle),
                ever_accepted: deal.handoff.cycle > 1,
            };
            self.decided(deal, at, vec![event], false);
            return;
        }
        let (by, act) = (actor("on", deal.receiver), format!("a{}", self.serial));
        let mut round = 1;
        if self.chance.one_in(4) {
            let (act, by) = (format!("r{}", self.serial), by.clone());
            let (fields, reason, reasons) = Default::default();
            let event = Event::Rejected { act, by, at, round, fields, reason, reasons };
            self.decided(deal, at, vec![event], true);
            round = 2;
            at += minutes(90);
            self.decided(deal, at, vec![complete(round, at)], true);
        }
        at += minutes(1 + self.chance.below(300));
        self.decided(deal, at, vec![Event::Accepted { act, by, at, round, behalf: None }], true);
        self.accepted.push_back((at, deal.clone()));
        let written = Event::GateWritten { gate: "commission".into(), open: true, clearance: None };
        let (handoff, logged) = (deal.handoff.clone(), at + SignedDuration::from_secs(2));
        self.put(logged, LogEntry::Confirmed { handoff, at: logged, events: vec![written] });
        self.asked(deal, at);
    }

    fn decided(&mut self, deal: &Deal, at: Timestamp, events: Vec<Event>, full: bool) {
        let Some(rule) = self.rules.get(deal.rule) else { return };
        let mut package = self.packages.get(deal.rule).cloned().unwrap_or_default();
        if !full {
            let keep = self.chance.below(package.len() + 1);
            package = package.into_iter().take(keep).collect();
        }
        // Now and then a record names no account, or another one.
        let account = match self.chance.below(100) {
            0 => None,
            1 => Some(account_id(deal.account + 1)),
            _ => Some(account_id(deal.account)),
        };
        let seen = Observation {
            account,
            package,
            sender: Some(actor("ae", deal.sender)),
            receiver: Some(actor("on", deal.receiver)),
            ..Observation::gone(deal.handoff.subject.clone())
        };
        let entry = LogEntry::Decided {
            handoff: deal.handoff.clone(),
            contract: rule.pin.clone(),
            terms: Terms::default(),
            at,
            seen: Box::new(seen),
            events,
        };
        self.put(at, entry);
    }

    /// What is told of the account, and what its people answer.
    fn around(&mut self, opened: Timestamp, deal: &Deal) {
        if self.chance.one_in(3) {
            let facts = facts(deal.account);
            let account = account(deal.account);
            self.put(opened, LogEntry::AccountSeen { account, source: "crm".to_owned(), facts, at: opened });
        }
        if self.chance.one_in(3) {
            for days in [1, 8, 12] {
                let hours = 24 * days + self.chance.below(72);
                let answered_at = opened + minutes(60 * hours);
                let score = u8::try_from(self.chance.below(11)).unwrap_or_default();
                let id = Digest::of_bytes(&self.serial.to_be_bytes());
                let (account, at) = (account(deal.account), answered_at + minutes(30));
                let answer = SurveyAnswer { id, score, answered_at };
                self.put(at, LogEntry::SurveyAnswered { account, answer, at });
            }
        }
    }

    /// Calls after the acceptance, and what people say of them.
    fn asked(&mut self, deal: &Deal, accepted: Timestamp) {
        let handoff = deal.handoff.clone();
        if self.chance.one_in(40) {
            let (at, source) = (accepted + minutes(4_000), ReportedBy::Receiver);
            let entry = LogEntry::ReaskReported {
                handoff: handoff.clone(),
                source,
                stands: true,
                by: None,
                asked: None,
                at,
            };
            self.put(at, entry);
        }
        let Some(rule) = self.rules.get(deal.rule).filter(|_| self.chance.one_in(6)) else { return };
        let field = rule.contract.fields.first().map(|field| field.key.clone());
        let Some(field) = field.filter(|_| self.chance.one_in(2)) else { return };
        let call = CallRef { connection: "gong".into(), id: format!("call{}", self.serial) };
        let started = accepted + minutes(7_000);
        let found = vec![found(&field)];
        let (contract, at) = (rule.pin.clone(), started + minutes(60));
        let entry = LogEntry::ReaskSuggested {
            handoff: handoff.clone(),
            contract,
            call: call.clone(),
            url: None,
            started,
            accepted,
            lexicon: "lexicon".to_owned(),
            found,
            at,
        };
        self.put(at, entry);
        let (confirmed, at) = (self.chance.one_in(2), at + minutes(2_000));
        let (by, act, from_ms) = ("rita".to_owned(), None, 1_000);
        self.put(at, LogEntry::ReaskAnswered { handoff, call, field, from_ms, confirmed, by, act, at });
    }
}

impl Iterator for Years {
    type Item = LogEntry;

    fn next(&mut self) -> Option<LogEntry> {
        while self.begun < self.cycles
            && self.pending.first_key_value().is_none_or(|((at, _), _)| *at > self.frontier)
        {
            self.cycle();
        }
        self.pending.pop_first().map(|(_, entry)| entry)
    }
}

fn minutes(minutes: usize) -> SignedDuration {
    SignedDuration::from_mins(i64::try_from(minutes).unwrap_or_default())
}

fn rule(path: &str, text: &str) -> Option<Rule> {
    let name = path.rsplit('/').next()?.split('.').next()?;
    let contract = parse_contract(name, text).ok()?;
    let digest = Digest::of_bytes(text.as_bytes());
    let pin = ContractRef { id: contract.contract.clone(), version: contract.version, digest };
    Some(Rule { contract, pin, text: text.to_owned() })
}

fn published(rule: &Rule, at: Timestamp) -> LogEntry {
    LogEntry::ContractPublished { contract: rule.pin.clone(), text: rule.text.clone(), at }
}

/// A package with every field.
fn filled(contract: &Contract) -> Package {
    let from = || RecordRef { connection: "sf".into(), object: "Opportunity".into(), record: "006".into() };
    let sourced = |part, kind| Sourced { value: value(kind, 3), from: from(), field: format!("{part}__c") };
    let fields = contract.fields.iter().map(|field| {
        let parts = field.parts.iter().map(|(part, kind)| (part.clone(), sourced(part, kind)));
        (field.key.clone(), parts.collect())
    });
    fields.collect()
}

fn found(field: &handoff_core::id::FieldKey) -> Reask {
    Reask {
        field: field.clone(),
        from_ms: 1_000,
        to_ms: 4_000,
        automatic: true,
        strict: true,
        complaint: false,
        question: 900,
        answer: 2_000,
        why: "asks for what the package holds".to_owned(),
    }
}

fn account_id(number: usize) -> String {
    format!("001{number:012}AAA")
}

fn account(number: usize) -> RecordRef {
    let record = account_id(number);
    RecordRef { connection: "sf".into(), object: "Account".into(), record: record.as_str().into() }
}

/// One account in eight leaves, some of them not yet.
fn facts(number: usize) -> AccountFacts {
    let mut chance = Chance::new(u64::try_from(number).unwrap_or_default());
    let since = Years::start().to_zoned(TimeZone::UTC).date();
    let days = i64::try_from(chance.below(800)).unwrap_or_default();
    let left = chance.one_in(8).then(|| since.checked_add(Span::new().days(days)).ok());
    let amount = Decimal::from(1_000 * (1 + chance.below(90)));
    AccountFacts {
        arr: Some(Amount { amount, currency: Some("EUR".to_owned()) }),
        customer_since: Some(since),
        churned_at: left.flatten(),
    }
}

fn actor(team: &str, number: usize) -> Actor {
    let name = format!("{team}{number}@example.com");
    Actor {
        id: ActorId::from(name.as_str()),
        person: PersonId::from(name.as_str()),
        machine: false,
        active: true,
        roles: std::collections::BTreeSet::new(),
    }
}
