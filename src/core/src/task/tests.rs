//! The planner over random days: quiet, convergent, never two tasks for one thing, nothing lost, caps and quiet hours kept.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::id::{ConnectionId, ObjectName, PersonId};
use crate::obligation::{Obligation, ObligationKind};

fn actor(name: &str) -> Actor {
    Actor {
        id: ActorId::from(name),
        person: PersonId(name.to_owned()),
        machine: false,
        active: true,
        roles: BTreeSet::new(),
    }
}

fn owed(stream: &str, owner: &str, text: &str) -> Obligation {
    let record = RecordId(stream.to_owned());
    Obligation {
        id: crate::obligation::id(stream, 1, ObligationKind::Fill, ""),
        kind: ObligationKind::Fill,
        owner: actor(owner),
        role: None,
        due: None,
        title: format!("Fill {stream}"),
        text: text.to_owned(),
        about: RecordRef { connection: ConnectionId::from("crm"), object: ObjectName::from("deals"), record },
        apart: false,
    }
}

/// A CRM that takes everything, and the book of what we know of it.
#[derive(Default)]
struct Crm {
    /// Id → open, title, how often it was created.
    tasks: BTreeMap<String, (bool, String, u32)>,
    book: Book,
    created: BTreeMap<(Digest, jiff::civil::Date), u32>,
}

impl Crm {
    fn order(&mut self, write: &TaskWrite, now: Timestamp) {
        if let Some(order) = self.book.order(write) {
            if matches!(order, TaskChange::Ordered { .. }) {
                *self.created.entry((write.person.clone(), write.day)).or_default() += 1;
            }
            self.book.apply(now, &order);
        }
    }

    /// As a CRM with an unique key does: opening twice is opening once.
    fn take(&mut self, write: &TaskWrite) -> bool {
        match &write.act {
            Act::Open(shape) => {
                let task = self.tasks.entry(write.id.clone()).or_insert((true, String::new(), 0));
                *task = (true, shape.title.clone(), task.2 + 1);
                true
            }
            Act::Change(shape) => {
                self.tasks.get_mut(&write.id).map(|task| task.1.clone_from(&shape.title)).is_some()
            }
            Act::Close => self.tasks.get_mut(&write.id).map(|task| task.0 = false).is_some(),
        }
    }

    fn write(&mut self, plan: &TaskPlan, now: Timestamp) {
        for write in &plan.writes {
            self.order(write, now);
            let id = write.id.clone();
            let change = if self.take(write) {
                TaskChange::Written { record: RecordId(id.clone()), id }
            } else {
                TaskChange::Gone { id }
            };
            self.book.apply(now, &change);
        }
    }

    /// Writes until nothing is left to write; at most so often.
    fn settle(&mut self, rules: &Rules, owed: &BTreeMap<String, Vec<Obligation>>, now: Timestamp) -> u32 {
        for round in 0..5 {
            let plan = plan(rules, &self.book, owed, now);
            if plan.writes.is_empty() {
                return round;
            }
            self.write(&plan, now);
        }
        5
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn only(stream: &str, owed: Vec<Obligation>) -> BTreeMap<String, Vec<Obligation>> {
    BTreeMap::from([(stream.to_owned(), owed)])
}

#[test]
fn a_task_is_opened_once_reworded_when_its_words_change_and_closed_when_nothing_is_owed() {
    let (rules, now) = (Rules::default(), at("2026-03-02T10:00:00Z"));
    let mut crm = Crm::default();
    let wanted = only("s", vec![owed("s", "ada", "three")]);
    assert_eq!(crm.settle(&rules, &wanted, now), 1);
    assert_eq!(crm.settle(&rules, &wanted, now), 0);
    let reworded = plan(&rules, &crm.book, &only("s", vec![owed("s", "ada", "two")]), now);
    assert!(matches!(reworded.writes.as_slice(), [TaskWrite { act: Act::Change(_), task: Some(_), .. }]));
    crm.write(&reworded, now);
    assert_eq!(crm.settle(&rules, &only("s", Vec::new()), now), 1);
    assert!(crm.tasks.values().all(|(open, _, created)| !open && *created == 1));
    // What is not looked at stays as it is.
    assert_eq!(plan(&rules, &crm.book, &BTreeMap::new(), now), TaskPlan::default());
}

#[test]
fn an_order_whose_outcome_is_not_known_is_given_again_and_not_logged_again() {
    let (rules, now) = (Rules::default(), at("2026-03-02T10:00:00Z"));
    let mut crm = Crm::default();
    let wanted = only("s", vec![owed("s", "ada", "three")]);
    let first = plan(&rules, &crm.book, &wanted, now);
    crm.order(&first.writes[0], now);
    assert!(crm.take(&first.writes[0]));
    // Killed here: the task is there, and nobody knows.
    let again = plan(&rules, &crm.book, &wanted, now);
    assert!(matches!(again.writes[0].act, Act::Open(_)));
    assert_eq!(crm.book.order(&again.writes[0]), None);
    crm.write(&again, now);
    assert_eq!(crm.tasks.len(), 1);
    assert!(plan(&rules, &crm.book, &wanted, now).writes.is_empty());
}

#[test]
fn a_task_that_its_owner_deleted_is_not_given_to_him_again_until_it_is_owed_anew() {
    let (rules, now) = (Rules::default(), at("2026-03-02T10:00:00Z"));
    let mut crm = Crm::default();
    crm.settle(&rules, &only("s", vec![owed("s", "ada", "three")]), now);
    crm.tasks.clear();
    crm.settle(&rules, &only("s", vec![owed("s", "ada", "two")]), now);
    assert!(crm.tasks.is_empty());
    assert_eq!(crm.settle(&rules, &only("s", vec![owed("s", "ada", "one")]), now), 0);
    crm.settle(&rules, &only("s", Vec::new()), now);
    crm.settle(&rules, &only("s", vec![owed("s", "ada", "four")]), now);
    assert_eq!(crm.tasks.len(), 1);
}

#[test]
fn above_the_threshold_a_person_gets_one_list_that_shortens_itself() {
    let rules = Rules { digest_above: Some(2), ..Rules::default() };
    let now = at("2026-03-02T10:00:00Z");
    let mut wanted: BTreeMap<String, Vec<Obligation>> = BTreeMap::new();
    for stream in ["a", "b", "c"] {
        wanted.insert(stream.to_owned(), vec![owed(stream, "ada", "x")]);
    }
    wanted.insert("d".to_owned(), vec![owed("d", "bob", "x")]);
    let mut crm = Crm::default();
    crm.settle(&rules, &wanted, now);
    let titles: BTreeSet<&str> = crm.tasks.values().map(|task| task.1.as_str()).collect();
    assert_eq!(titles, BTreeSet::from(["Fill d", "Handoffs: 3 things wait for you"]));
    wanted.insert("b".to_owned(), Vec::new());
    crm.settle(&rules, &wanted, now);
    assert!(crm.tasks.values().any(|task| task.1 == "Handoffs: 2 things wait for you"));
    for stream in ["a", "c"] {
        wanted.insert(stream.to_owned(), Vec::new());
    }
    crm.settle(&rules, &wanted, now);
    assert_eq!(crm.tasks.values().filter(|task| task.0).count(), 1);
}

#[test]
fn a_cap_delays_to_the_next_day_and_is_seen_and_loses_nothing() {
    let rules = Rules { most_per_day: Some(2), ..Rules::default() };
    let now = at("2026-03-02T10:00:00Z");
    let wanted: BTreeMap<String, Vec<Obligation>> =
        ["a", "b", "c"].map(|stream| (stream.to_owned(), vec![owed(stream, "ada", "x")])).into();
    let mut crm = Crm::default();
    crm.settle(&rules, &wanted, now);
    assert_eq!(crm.tasks.len(), 2);
    let capped = plan(&rules, &crm.book, &wanted, now);
    assert_eq!(capped.waiting.iter().map(|one| one.why).collect::<Vec<_>>(), [Wait::Cap]);
    assert_eq!(capped.look_again_at, Some(at("2026-03-03T00:00:00Z")));
    crm.settle(&rules, &wanted, at("2026-03-03T00:00:00Z"));
    assert_eq!(crm.tasks.len(), 3);
}

#[test]
fn quiet_hours_hold_back_what_disturbs_and_close_what_is_done() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let rules = Rules { zone, quiet: vec!["18:00-08:00".parse().unwrap()], ..Rules::default() };
    let mut crm = Crm::default();
    let noon = at("2026-03-27T11:00:00Z");
    crm.settle(&rules, &only("a", vec![owed("a", "ada", "x")]), noon);
    // Saturday evening before the clocks go forward: eight in the morning is six in UTC.
    let night = at("2026-03-28T20:00:00Z");
    let mut wanted = only("a", Vec::new());
    wanted.insert("b".to_owned(), vec![owed("b", "ada", "x")]);
    let quiet = plan(&rules, &crm.book, &wanted, night);
    assert!(matches!(quiet.writes.as_slice(), [TaskWrite { act: Act::Close, .. }]));
    assert_eq!(quiet.waiting.iter().map(|one| one.why).collect::<Vec<_>>(), [Wait::Quiet]);
    assert_eq!(quiet.look_again_at, Some(at("2026-03-29T06:00:00Z")));
    crm.settle(&rules, &wanted, night);
    crm.settle(&rules, &wanted, at("2026-03-29T06:00:00Z"));
    assert_eq!(crm.tasks.values().filter(|task| task.0).count(), 1);
}

#[test]
fn a_refusal_is_taken_for_a_day_or_until_the_words_change() {
    let (rules, now) = (Rules::default(), at("2026-03-02T10:00:00Z"));
    let mut crm = Crm::default();
    let wanted = only("s", vec![owed("s", "ada", "three")]);
    let first = plan(&rules, &crm.book, &wanted, now);
    crm.order(&first.writes[0], now);
    let id = first.writes[0].id.clone();
    crm.book.apply(now, &TaskChange::Refused { id, why: "REQUIRED_FIELD_MISSING".to_owned() });
    let refused = plan(&rules, &crm.book, &wanted, now);
    assert!(refused.writes.is_empty());
    assert_eq!(refused.waiting.iter().map(|one| one.why).collect::<Vec<_>>(), [Wait::Refused]);
    assert_eq!(plan(&rules, &crm.book, &wanted, now + SignedDuration::from_hours(24)).writes.len(), 1);
    assert_eq!(plan(&rules, &crm.book, &only("s", vec![owed("s", "ada", "two")]), now).writes.len(), 1);
}

#[test]
fn nobody_gets_a_task_that_he_cannot_see() {
    let mut gone = owed("s", "ada", "x");
    gone.owner.active = false;
    let plan = plan(&Rules::default(), &Book::default(), &only("s", vec![gone]), at("2026-03-02T10:00:00Z"));
    assert!(plan.writes.is_empty());
    assert_eq!(plan.waiting.iter().map(|one| one.why).collect::<Vec<_>>(), [Wait::Nobody]);
}

#[test]
fn quiet_hours_are_read_strictly() {
    for bad in ["", "18:00", "18-08", "18:00-18:00", "24:00-08:00", "8:00-9:00", "18:60-08:00", "+1:00-08:00"]
    {
        assert_eq!(bad.parse::<Quiet>(), Err(QuietError), "{bad}");
    }
    let quiet: Quiet = "18:00-08:00".parse().unwrap();
    assert_eq!(quiet.to_string(), "18:00-08:00");
    assert!(!covers_the_day(&[quiet]));
    assert!(covers_the_day(&[quiet, "08:00-18:00".parse().unwrap()]));
    assert!(!covers_the_day(&[]));
    assert_eq!(quiet::until(&[quiet], &TimeZone::UTC, at("2026-03-02T08:00:00Z")), None);
    assert_eq!(
        quiet::until(&[quiet, "08:00-09:30".parse().unwrap()], &TimeZone::UTC, at("2026-03-02T23:00:00Z")),
        Some(at("2026-03-03T09:30:00Z"))
    );
}

#[derive(Debug, Clone)]
enum Happens {
    /// A handoff owes this: owner, words; `None` = nothing.
    Owes(u8, Option<(u8, u8)>),
    /// The planner writes; `Some` = it is killed after so many steps of order, write and record.
    Writes(Option<u8>),
    /// Somebody deletes a task.
    Deletes(u8),
    Hours(u8),
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        5 => (0..6_u8, prop::option::weighted(0.7, (0..3_u8, 0..3_u8))).prop_map(|(stream, owes)| Happens::Owes(stream, owes)),
        4 => prop::option::weighted(0.4, 0..12_u8).prop_map(Happens::Writes),
        1 => any::<u8>().prop_map(Happens::Deletes),
        2 => (1..30_u8).prop_map(Happens::Hours),
    ]
}

fn all_rules() -> impl Strategy<Value = Rules> {
    (any::<bool>(), prop::option::of(0..4_u32), prop::option::of(1..5_u32)).prop_map(
        |(quiet, digest_above, most_per_day)| Rules {
            zone: TimeZone::UTC,
            quiet: if quiet { vec!["18:00-08:00".parse().unwrap()] } else { Vec::new() },
            digest_above,
            most_per_day,
        },
    )
}

fn killed(crm: &mut Crm, plan: &TaskPlan, mut steps: u8, now: Timestamp) {
    for write in &plan.writes {
        let id = write.id.clone();
        for step in 0..3 {
            if steps == 0 {
                return;
            }
            steps -= 1;
            match step {
                0 => crm.order(write, now),
                1 => drop(crm.take(write)),
                _ => {
                    let there = crm.tasks.contains_key(&id);
                    let record = RecordId(id.clone());
                    let id = id.clone();
                    let change =
                        if there { TaskChange::Written { id, record } } else { TaskChange::Gone { id } };
                    crm.book.apply(now, &change);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn l1_l3_tasks_settle_stay_quiet_are_never_two_and_lose_nothing(rules in all_rules(), history in prop::collection::vec(happens(), 1..40)) {
        let mut now = date(2026, 3, 2).at(7, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp();
        let mut crm = Crm::default();
        let mut wanted: BTreeMap<String, Vec<Obligation>> = BTreeMap::new();
        let mut deleted = BTreeSet::new();
        for one in history {
            match one {
                Happens::Owes(stream, owes) => {
                    let stream = format!("stream-{stream}");
                    let owes = owes.map(|(owner, text)| owed(&stream, &format!("person-{owner}"), &text.to_string()));
                    wanted.insert(stream, owes.into_iter().collect());
                }
                Happens::Writes(None) => {
                    let plan = plan(&rules, &crm.book, &wanted, now);
                    crm.write(&plan, now);
                }
                Happens::Writes(Some(steps)) => {
                    let plan = plan(&rules, &crm.book, &wanted, now);
                    killed(&mut crm, &plan, steps, now);
                }
                Happens::Deletes(which) => {
                    let id = crm.tasks.keys().nth(usize::from(which) % crm.tasks.len().max(1)).cloned();
                    if let Some(id) = id {
                        crm.tasks.remove(&id);
                        deleted.insert(id);
                    }
                }
                Happens::Hours(hours) => {
                    now += SignedDuration::from_hours(i64::from(hours));
                    crm.book.forget(rules.zone.to_datetime(now).date());
                }
            }
        }
        let before = plan(&rules, &crm.book, &wanted, now);
        if quiet::until(&rules.quiet, &rules.zone, now).is_some() {
            prop_assert!(before.writes.iter().all(|write| write.act == Act::Close));
        }
        prop_assert!(crm.settle(&rules, &wanted, now) < 4, "it does not settle");
        let settled = plan(&rules, &crm.book, &wanted, now);
        prop_assert!(settled.writes.is_empty());
        // By the end of the next working day everything stands.
        for (_, count) in crm.created.iter().filter(|_| deleted.is_empty()) {
            let most = rules.most_per_day.unwrap_or(u32::MAX);
            prop_assert!(*count <= most.saturating_mul(8), "{count}");
        }
        let mut covered: BTreeMap<&str, u32> = BTreeMap::new();
        for (id, known) in &crm.book.tasks {
            for one in known.covers.keys() {
                let owes = wanted.values().flatten().find(|owed| owed.id == *one);
                let his = one == id || owes.is_some_and(|owed| person(&owed.owner) == known.person);
                if known.is_open() || (known.step == Step::Dismissed && his) {
                    *covered.entry(one).or_default() += 1;
                }
            }
            if let Some((open, ..)) = crm.tasks.get(id) {
                prop_assert!(!open || known.is_open() || known.step == Step::Dismissed, "{known:?}");
            }
        }
        let quiet = quiet::until(&rules.quiet, &rules.zone, now).is_some();
        for owed in wanted.values().flatten() {
            let times = covered.get(owed.id.as_str()).copied().unwrap_or(0);
            let waits = settled.waiting.iter().any(|waiting| waiting.id == owed.id);
            // In quiet hours what is on somebody else's list by now is still there.
            prop_assert!(times == 1 || (times <= u32::from(quiet) && waits), "{times} {waits}");
        }
        // No task stands open for nothing.
        for (id, (open, ..)) in &crm.tasks {
            let known = crm.book.tasks.get(id);
            let stands = known.is_some_and(|known| known.covers.keys().any(|one| wanted.values().flatten().any(|owed| owed.id == *one)));
            prop_assert!(!open || stands || known.is_none_or(|known| known.record.is_none()), "{id} {known:?}");
        }
    }
}

#[test]
fn an_entry_about_a_task_says_in_public_only_what_it_stands_for() {
    use crate::id::{ContractId, HandoffId, MotionId};
    use crate::journal::{LISTS, LogEntry};

    let about = owed("deal", "ada", "x").about;
    let id = HandoffId {
        contract: ContractId::from("h03"),
        motion: MotionId::from("main"),
        subject: about.clone(),
        cycle: 2,
    };
    for (handoff, subject) in [(Some(id), about.to_string()), (None, LISTS.to_owned())] {
        let change = TaskChange::Ordered {
            id: "fill-1".to_owned(),
            shape: Digest::of(&"shape"),
            covers: BTreeMap::from([("fill-1".to_owned(), "h03/main/crm/deals/deal".to_owned())]),
            person: person(&actor("ada")),
            day: date(2026, 3, 2),
        };
        let connection = ConnectionId::from("crm");
        let entry = LogEntry::Task { handoff, connection, change, at: at("2026-03-02T10:00:00Z") };
        let encoded = entry.encode().unwrap();
        let leaf = String::from_utf8(encoded.leaf.clone()).unwrap();
        assert!(leaf.contains("fill-1") && leaf.contains("\"v\":2"), "{leaf}");
        assert!(!leaf.contains(&person(&actor("ada")).0), "{leaf}");
        let open = |asked: &str| encoded.parts.get(asked).filter(|_| asked == subject).cloned();
        assert_eq!(LogEntry::decode(&encoded.leaf, open).unwrap(), Some(entry));
        assert_eq!(LogEntry::decode(&encoded.leaf, |_| None).unwrap(), None);
    }
}
