//! How answers are held against the package: one exact rule per question.
//!
//! | test | question | right when |
//! |---|---|---|
//! | H01 | trigger | it is not one of the contract's filler texts, does not say only that the lead scored, and speaks of `buying_trigger.hypothesis` |
//! | H02 | pain | it speaks of `pain.pain` |
//! | H02 | timeline | it names the month or the quarter of `timeline.by`, or speaks of `timeline.trigger` |
//! | H02 | competition | it names one of `competition.competitors`; where they are attested as none, it says so |
//! | H04 | features | it names three features of `adoption.features` (all, if there are fewer), all among those with the highest last value of their series |
//! | H04 | trainings | it names every session of `training.sessions` that somebody skipped and no other; none skipped: it says so |
//! | H04 | stakeholders | it names, by role, two of `sponsors.people` whose heat went down (all, if there are fewer), and nobody else; nobody's: it says so |
//! | H06 | owner | both sides name one and the same person, and the package names him too |
//!
//! "Speaks of" is [`speaks_of`]. A test is passed when every question is right. What the package does not
//! say is not asked about: a test without any such question is withdrawn. Of H06, both sides naming one person each and not both the same, or
//! the same but not the package's, contradicts what was accepted.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::concrete::{Point, Side, TestKind, TestOutcome, TestScore};
use handoff_core::contract::Contract;
use handoff_core::id::{FieldKey, PartKey, PersonId};
use handoff_core::observation::Actor;
use handoff_core::value::{Package, Value};
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::words::{is_a_score, names, says_none, speaks_of, tokens};

/// Everything that a test is scored from.
#[derive(Debug, Clone, Copy)]
pub struct Sheet<'a> {
    /// Which test.
    pub kind: TestKind,
    /// The pinned contract.
    pub contract: &'a Contract,
    /// The package as it was accepted.
    pub package: &'a Package,
    /// Who was asked.
    pub asked: &'a BTreeMap<Side, Actor>,
    /// H06: who owns the relationship, as the package says.
    pub owner: Option<&'a PersonId>,
    /// Side → question → answer.
    pub answers: &'a BTreeMap<Side, BTreeMap<String, String>>,
}

/// Scores a test whose every side has answered.
pub fn score(sheet: Sheet<'_>) -> TestScore {
    let (points, contradicts) = match sheet.kind {
        TestKind::H01 => (h01(sheet), false),
        TestKind::H02 => (h02(sheet), false),
        TestKind::H04 => (h04(sheet), false),
        TestKind::H06 => h06(sheet),
    };
    let outcome = if points.is_empty() {
        TestOutcome::Withdrawn
    } else if points.iter().all(|point| point.right) {
        TestOutcome::Passed
    } else {
        TestOutcome::Failed
    };
    TestScore { outcome, points, contradicts }
}

/// What stands in one part.
fn part<'a>(package: &'a Package, field: &str, part: &str) -> Option<&'a Value> {
    package.get(&FieldKey::from(field))?.get(&PartKey::from(part)).map(|sourced| &sourced.value)
}

fn words<'a>(package: &'a Package, field: &str, key: &str) -> Option<&'a str> {
    part(package, field, key).and_then(Value::words).filter(|words| !words.trim().is_empty())
}

fn rows<'a>(package: &'a Package, field: &str, key: &str) -> &'a [BTreeMap<String, Value>] {
    if let Some(Value::List(rows)) = part(package, field, key) { rows } else { &[] }
}

impl<'a> Sheet<'a> {
    fn answer(&self, side: Side, question: &str) -> &'a str {
        self.answers.get(&side).and_then(|answers| answers.get(question)).map_or("", String::as_str)
    }
}

fn point(question: &str, right: bool, why: &str) -> Point {
    Point { question: question.to_owned(), side: None, right, why: why.to_owned() }
}

/// No answer at all is a wrong one.
fn unless_empty(question: &str, answer: &str, judge: impl FnOnce() -> (bool, &'static str)) -> Point {
    if answer.trim().is_empty() {
        return point(question, false, "no answer");
    }
    let (right, why) = judge();
    point(question, right, why)
}

fn h01(sheet: Sheet<'_>) -> Vec<Point> {
    let Some(hypothesis) = words(sheet.package, "buying_trigger", "hypothesis") else { return Vec::new() };
    let answer = sheet.answer(Side::Receiver, "trigger");
    let filler = sheet.contract.quality.filler.iter().any(|filler| tokens(filler) == tokens(answer));
    vec![unless_empty("trigger", answer, || {
        if filler || is_a_score(answer) {
            (false, "a score is no trigger")
        } else if speaks_of(answer, hypothesis) {
            (true, "speaks of the trigger that was handed over")
        } else {
            (false, "speaks of something else")
        }
    })]
}

fn h02(sheet: Sheet<'_>) -> Vec<Point> {
    let package = sheet.package;
    let answer = |question| sheet.answer(Side::Receiver, question);
    let mut points = Vec::new();
    if let Some(pain) = words(package, "pain", "pain") {
        let said = answer("pain");
        points.push(unless_empty("pain", said, || {
            if speaks_of(said, pain) {
                (true, "speaks of the pain that was handed over")
            } else {
                (false, "speaks of something else")
            }
        }));
    }
    let by = part(package, "timeline", "by").and_then(Value::date);
    let trigger = words(package, "timeline", "trigger");
    if by.is_some() || trigger.is_some() {
        let said = answer("timeline");
        points.push(unless_empty("timeline", said, || {
            if by.is_some_and(|by| says_when(said, by)) {
                (true, "names the month or the quarter")
            } else if trigger.is_some_and(|trigger| speaks_of(said, trigger)) {
                (true, "speaks of the event behind the date")
            } else {
                (false, "names another time and another event")
            }
        }));
    }
    let competitors = rows(package, "competition", "competitors");
    let attested = package.get(&FieldKey::from("competition")).is_some_and(|parts| !parts.is_empty());
    if !competitors.is_empty() || attested {
        let said = answer("competition");
        points.push(unless_empty("competition", said, || {
            if competitors.is_empty() {
                return if says_none(said) {
                    (true, "says that there is none")
                } else {
                    (false, "names a competitor where there is none")
                };
            }
            let named = competitors.iter().filter_map(|row| row.get("name").and_then(Value::words));
            if named.into_iter().any(|name| names(said, name)) {
                (true, "names one that is in play")
            } else {
                (false, "names none of those in play")
            }
        }));
    }
    points
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Whether an answer names the month of a date (`June`, `Jun`, `2026-06`) or its quarter (`Q2`); a year beside it must be the right one.
fn says_when(answer: &str, date: Date) -> bool {
    let words = tokens(answer);
    let years: Vec<i16> = words
        .iter()
        .filter(|word| word.chars().count() == 4)
        .filter_map(|word| word.parse().ok())
        .filter(|year| (1990..=2100).contains(year))
        .collect();
    if !years.is_empty() && !years.contains(&date.year()) {
        return false;
    }
    let index = usize::try_from(date.month()).unwrap_or(0).saturating_sub(1);
    let name = MONTHS.get(index).copied().unwrap_or_default();
    let short = name.get(..3).unwrap_or_default();
    let quarter = format!("q{}", index / 3 + 1);
    let number = format!("{:02}", date.month());
    let numbered = words.windows(2).any(|pair| {
        pair.first().is_some_and(|year| *year == date.year().to_string())
            && pair.get(1).is_some_and(|month| *month == number || *month == date.month().to_string())
    });
    numbered || words.iter().any(|word| *word == name || *word == short || *word == quarter)
}

fn h04(sheet: Sheet<'_>) -> Vec<Point> {
    let package = sheet.package;
    let answer = |question| sheet.answer(Side::Receiver, question);
    let mut points = Vec::new();
    let used = usage(rows(package, "adoption", "features"));
    if !used.is_empty() {
        let said = answer("features");
        points.push(unless_empty("features", said, || features(said, &used)));
    }
    let sessions = marked(rows(package, "training", "sessions"), "session", "completed", &SKIPPED);
    if !sessions.is_empty() {
        let said = answer("trainings");
        points.push(unless_empty("trainings", said, || exactly(said, &sessions, usize::MAX)));
    }
    let people = marked(rows(package, "sponsors", "people"), "role", "heat", &DROPPED);
    if !people.is_empty() {
        let said = answer("stakeholders");
        points.push(unless_empty("stakeholders", said, || exactly(said, &people, 2)));
    }
    points
}

/// How a CRM says that somebody was not there.
const SKIPPED: [&str; 10] = [
    "no",
    "false",
    "missed",
    "skipped",
    "absent",
    "no show",
    "not attended",
    "did not attend",
    "not completed",
    "cancelled",
];
/// How a CRM says that a relationship went down.
const DROPPED: [&str; 11] =
    ["cold", "cool", "cooling", "quiet", "went quiet", "dropped", "low", "red", "lost", "inactive", "dark"];

/// Features with their last value, most used first.
fn usage(rows: &[BTreeMap<String, Value>]) -> Vec<(&str, Decimal)> {
    let one = |row: &'_ BTreeMap<String, Value>| -> Option<Decimal> {
        let Some(Value::Series(points)) = row.get("weekly_users") else { return None };
        points.last().map(|(_, users)| *users)
    };
    let mut used: Vec<(&str, Decimal)> =
        rows.iter().filter_map(|row| Some((row.get("feature")?.words()?, one(row)?))).collect();
    used.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(right.0)));
    used
}

fn features(answer: &str, used: &[(&str, Decimal)]) -> (bool, &'static str) {
    let wanted = used.len().min(3);
    let Some((_, line)) = wanted.checked_sub(1).and_then(|last| used.get(last)) else {
        return (false, "nothing to name");
    };
    let named: BTreeSet<(&str, Decimal)> =
        used.iter().filter(|(feature, _)| names(answer, feature)).copied().collect();
    if named.iter().any(|(_, users)| users < line) {
        (false, "names one that is used less")
    } else if named.len() >= wanted {
        (true, "names those that are used most")
    } else {
        (false, "does not name all that are used most")
    }
}

/// Names with whether any of their rows is marked by one of these words.
fn marked<'a>(
    rows: &'a [BTreeMap<String, Value>],
    name: &str,
    mark: &str,
    marks: &[&str],
) -> BTreeMap<&'a str, bool> {
    let mut all: BTreeMap<&str, bool> = BTreeMap::new();
    for row in rows {
        let Some(name) = row.get(name).and_then(Value::words) else { continue };
        let is_marked = match row.get(mark) {
            Some(Value::Flag(flag)) => !flag,
            Some(value) => value.words().is_some_and(|words| {
                let words = tokens(words).join(" ");
                marks.contains(&words.as_str())
            }),
            None => false,
        };
        *all.entry(name).or_default() |= is_marked;
    }
    all
}

/// The answer names all that are marked, `most` at least where there are more, and none that is not.
fn exactly(answer: &str, all: &BTreeMap<&str, bool>, most: usize) -> (bool, &'static str) {
    let marked = all.values().filter(|marked| **marked).count();
    if marked == 0 {
        return if says_none(answer) {
            (true, "says that there is none")
        } else {
            (false, "names some where there is none")
        };
    }
    let named =
        |wanted: bool| all.iter().filter(|(name, marked)| **marked == wanted && names(answer, name)).count();
    if named(false) > 0 {
        (false, "names one that does not belong there")
    } else if named(true) >= marked.min(most) {
        (true, "names them")
    } else {
        (false, "does not name them")
    }
}

/// Whom an answer names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Named {
    /// A person that the handoff knows.
    Person(PersonId),
    /// Somebody else, in these words.
    Other(Vec<String>),
    /// More than one, or nobody.
    Unclear,
}

/// "me" is who answers; a person is named by any part of his login before the at sign that has three letters or more.
fn named(answer: &str, own: Option<&Actor>, known: &BTreeSet<&PersonId>) -> Named {
    let words = tokens(answer);
    let parts = |person: &PersonId| {
        let local = person.0.split('@').next().unwrap_or_default();
        let mut parts = tokens(local);
        parts.retain(|part| part.chars().count() >= 3);
        parts
    };
    let mut people: BTreeSet<&PersonId> = known
        .iter()
        .filter(|person| parts(person).iter().any(|part| words.contains(part)))
        .copied()
        .collect();
    let is_own = words.iter().any(|word| matches!(word.as_str(), "me" | "i" | "myself" | "mine"));
    people.extend(own.filter(|_| is_own).map(|own| &own.person));
    match (people.pop_first(), people.is_empty(), words.is_empty()) {
        (Some(person), true, _) => Named::Person(person.clone()),
        (None, _, false) => Named::Other(words),
        (Some(_), false, _) | (None, _, true) => Named::Unclear,
    }
}

fn h06(sheet: Sheet<'_>) -> (Vec<Point>, bool) {
    let people: BTreeSet<&PersonId> =
        sheet.asked.values().map(|actor| &actor.person).chain(sheet.owner).collect();
    let of = |side| named(sheet.answer(side, "owner"), sheet.asked.get(&side), &people);
    let (sender, receiver) = (of(Side::Sender), of(Side::Receiver));
    let unclear = sender == Named::Unclear || receiver == Named::Unclear;
    let differ = !unclear && sender != receiver;
    let is_owner = |named: &Named| sheet.owner.is_none_or(|owner| *named == Named::Person(owner.clone()));
    let judge = |side, own: &Named| {
        let (right, why) = if *own == Named::Unclear {
            (false, "names nobody, or more than one")
        } else if differ {
            (false, "the other side names somebody else")
        } else if !is_owner(own) {
            (false, "the package names somebody else")
        } else if unclear {
            (true, "names the one in the package")
        } else {
            (true, "both name one, as the package does")
        };
        Point { question: "owner".to_owned(), side: Some(side), right, why: why.to_owned() }
    };
    let points = vec![judge(Side::Sender, &sender), judge(Side::Receiver, &receiver)];
    let contradicts = !unclear && (differ || !is_owner(&sender));
    (points, contradicts)
}

#[cfg(test)]
#[path = "score_tests.rs"]
mod tests;
