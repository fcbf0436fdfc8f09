//! What is right, what is wrong, and what a wrong answer to H06 means.

use handoff_core::id::{ActorId, ConnectionId, ObjectName, RecordId, RecordRef};
use handoff_core::registry::{Registry, shipped};
use handoff_core::value::Sourced;
use jiff::civil::date;

use super::*;

fn contract(name: &str) -> Contract {
    let registry = Registry::load(shipped()).unwrap();
    registry.contracts().find(|held| held.contract.contract.0.starts_with(name)).unwrap().contract.clone()
}

fn package(fields: &[(&str, &str, Value)]) -> Package {
    let from = RecordRef {
        connection: ConnectionId::from("sf"),
        object: ObjectName::from("X"),
        record: RecordId("1".to_owned()),
    };
    let mut package = Package::new();
    for (field, part, value) in fields {
        let sourced = Sourced { value: value.clone(), from: from.clone(), field: "F".to_owned() };
        package.entry(FieldKey::from(*field)).or_default().insert(PartKey::from(*part), sourced);
    }
    package
}

fn actor(person: &str) -> Actor {
    Actor {
        id: ActorId::from(person),
        person: PersonId(person.to_owned()),
        machine: false,
        active: true,
        roles: BTreeSet::new(),
    }
}

fn run(kind: TestKind, package: &Package, answers: &[(Side, &str, &str)], owner: Option<&str>) -> TestScore {
    let contract = contract(kind.as_str());
    let asked = BTreeMap::from([
        (Side::Sender, actor("grace@acme.example")),
        (Side::Receiver, actor("ava.lind@acme.example")),
    ]);
    let mut all: BTreeMap<Side, BTreeMap<String, String>> = BTreeMap::new();
    for (side, question, answer) in answers {
        all.entry(*side).or_default().insert((*question).to_owned(), (*answer).to_owned());
    }
    let owner = owner.map(|owner| PersonId(owner.to_owned()));
    score(Sheet { kind, contract: &contract, package, asked: &asked, owner: owner.as_ref(), answers: &all })
}

fn receiver(
    kind: TestKind,
    package: &Package,
    answers: &[(&str, &str)],
) -> (TestOutcome, Vec<(String, bool)>) {
    let answers: Vec<_> = answers.iter().map(|(key, answer)| (Side::Receiver, *key, *answer)).collect();
    let score = run(kind, package, &answers, None);
    assert!(!score.contradicts);
    (score.outcome, score.points.into_iter().map(|point| (point.question, point.right)).collect())
}

#[test]
fn h01_a_score_is_no_trigger() {
    let hypothesis = "Their district audit found duplicate enrolment records, so the board wants one system";
    let package = package(&[("buying_trigger", "hypothesis", Value::Text(hypothesis.to_owned()))]);
    let outcome = |answer| receiver(TestKind::H01, &package, &[("trigger", answer)]).0;
    assert_eq!(outcome("The audit found duplicates in enrolment"), TestOutcome::Passed);
    for wrong in ["The score was high", "hot lead", "They liked our webinar", "82"] {
        assert_eq!(outcome(wrong), TestOutcome::Failed, "{wrong}");
    }
    assert_eq!(receiver(TestKind::H01, &package, &[]).0, TestOutcome::Failed, "no answer is a wrong one");
    assert_eq!(receiver(TestKind::H01, &Package::new(), &[("trigger", "x")]).0, TestOutcome::Withdrawn);
}

#[test]
fn h02_all_three_have_to_be_right() {
    let row = BTreeMap::from([("name".to_owned(), Value::Name("Rival Cloud".to_owned()))]);
    let package = package(&[
        ("pain", "pain", Value::Text("Invoices are typed by hand and go out two weeks late".to_owned())),
        ("timeline", "by", Value::Date(date(2026, 6, 30))),
        ("timeline", "trigger", Value::Text("Their fiscal year closes and the old contract ends".to_owned())),
        ("competition", "competitors", Value::List(vec![row])),
    ]);
    let right = [
        ("pain", "typed invoices, late"),
        ("timeline", "end of June"),
        ("competition", "rival cloud and us"),
    ];
    assert_eq!(receiver(TestKind::H02, &package, &right).0, TestOutcome::Passed);
    for (at, wrong) in [(0, "too expensive"), (1, "next March"), (2, "nobody")] {
        let mut answers = right;
        answers[at].1 = wrong;
        let (outcome, points) = receiver(TestKind::H02, &package, &answers);
        assert_eq!(outcome, TestOutcome::Failed);
        let expected: Vec<bool> = (0..3).map(|other| other != at).collect();
        assert_eq!(points.iter().map(|(_, right)| *right).collect::<Vec<_>>(), expected, "{points:?}");
    }
    for (when, right) in [
        ("2026-06", true),
        ("jun 2026", true),
        ("Q2", true),
        ("June 2027", false),
        ("Q3 2026", false),
        ("when the fiscal year closes", true),
    ] {
        let (_, points) = receiver(TestKind::H02, &package, &[("timeline", when)]);
        assert_eq!(points[1], ("timeline".to_owned(), right), "{when}");
    }
}

fn telemetry() -> Package {
    let feature = |name: &str, users: i64| {
        BTreeMap::from([
            ("feature".to_owned(), Value::Name(name.to_owned())),
            (
                "weekly_users".to_owned(),
                Value::Series(vec![
                    (date(2026, 1, 1), Decimal::from(500)),
                    (date(2026, 2, 1), Decimal::from(users)),
                ]),
            ),
        ])
    };
    let session = |name: &str, completed: &str| {
        BTreeMap::from([
            ("session".to_owned(), Value::Name(name.to_owned())),
            ("completed".to_owned(), Value::Choice(completed.to_owned())),
        ])
    };
    let person = |role: &str, heat: &str| {
        BTreeMap::from([
            ("role".to_owned(), Value::Name(role.to_owned())),
            ("heat".to_owned(), Value::Choice(heat.to_owned())),
        ])
    };
    let features =
        vec![feature("Rosters", 40), feature("Reports", 30), feature("Chat", 20), feature("Forms", 2)];
    let sessions = vec![session("Admin basics", "Yes"), session("Data import", "No")];
    let people =
        vec![person("Sponsor", "Cold"), person("Key user", "Went quiet"), person("Project lead", "Hot")];
    package(&[
        ("adoption", "features", Value::List(features)),
        ("training", "sessions", Value::List(sessions)),
        ("sponsors", "people", Value::List(people)),
    ])
}

#[test]
fn h04_names_exactly_what_the_telemetry_says() {
    let right = [
        ("features", "rosters, chat, reports"),
        ("trainings", "Data import"),
        ("stakeholders", "the sponsor and the key user"),
    ];
    assert_eq!(receiver(TestKind::H04, &telemetry(), &right).0, TestOutcome::Passed);
    for (at, wrong) in [
        (0, "rosters, reports, chat, forms"),
        (0, "rosters"),
        (1, "none"),
        (1, "data import, admin basics"),
        (2, "sponsor"),
        (2, "sponsor, key user, project lead"),
    ] {
        let mut answers = right;
        answers[at].1 = wrong;
        assert_eq!(receiver(TestKind::H04, &telemetry(), &answers).0, TestOutcome::Failed, "{wrong}");
    }
    let mut calm = telemetry();
    calm.remove(&FieldKey::from("adoption"));
    let rows = vec![BTreeMap::from([
        ("role".to_owned(), Value::Name("Sponsor".to_owned())),
        ("heat".to_owned(), Value::Choice("Warm".to_owned())),
    ])];
    let sourced = calm.get_mut(&FieldKey::from("sponsors")).unwrap();
    sourced.get_mut(&PartKey::from("people")).unwrap().value = Value::List(rows);
    let answers = [("trainings", "data import"), ("stakeholders", "none")];
    assert_eq!(receiver(TestKind::H04, &calm, &answers).0, TestOutcome::Passed, "nothing to ask of features");
}

#[test]
fn h06_two_answers_that_differ_contradict_what_was_accepted() {
    let package = Package::new();
    let owner = Some("grace@acme.example");
    let run = |sender: &str, receiver: &str, owner| {
        let answers = [(Side::Sender, "owner", sender), (Side::Receiver, "owner", receiver)];
        let score = run(TestKind::H06, &package, &answers, owner);
        (score.outcome, score.contradicts)
    };
    assert_eq!(run("me", "Grace", owner), (TestOutcome::Passed, false));
    assert_eq!(run("Grace H.", "grace@acme.example", owner), (TestOutcome::Passed, false));
    assert_eq!(run("me", "me", owner), (TestOutcome::Failed, true));
    assert_eq!(
        run("Ava Lind", "I do", owner),
        (TestOutcome::Failed, true),
        "agreed, but not what is written"
    );
    assert_eq!(run("me", "Bob", owner), (TestOutcome::Failed, true));
    assert_eq!(
        run("me", "Grace and me", owner),
        (TestOutcome::Failed, false),
        "unclear is wrong, and re-opens nothing"
    );
    assert_eq!(run("Bob", "bob", None), (TestOutcome::Passed, false), "the package says nothing of it");
}

#[test]
fn points_tell_nothing_of_what_anybody_wrote() {
    let secret = "Zebrafish migration budget";
    let package = package(&[("pain", "pain", Value::Text(secret.to_owned()))]);
    let score = run(TestKind::H02, &package, &[(Side::Receiver, "pain", "Walrus secret words")], None);
    let told = serde_json::to_string(&score).unwrap().to_lowercase();
    for word in tokens(secret).iter().chain(&tokens("walrus secret words")) {
        assert!(!told.contains(word), "{told}");
    }
}
