use super::*;
use crate::sample::{answered, at};

fn card() -> Scorecard {
    let mut card = Scorecard::new();
    let mut day = 0;
    let mut add = |sender, receiver, accepts| {
        day += 1;
        let completed = format!("2026-02-{day:02}T08:00:00Z");
        card.apply(&answered(&day.to_string(), &completed, i64::from(day), (sender, receiver), accepts));
    };
    for accepts in [true, true, false, true, true] {
        add("ava", "rita", accepts);
    }
    for _ in 0..4 {
        add("ben", "rita", true);
    }
    for _ in 0..2 {
        add("cleo", "rolf", false);
    }
    card
}

fn told(people: &People) -> Vec<(Side, &str, usize)> {
    let row = |row: &'_ PersonRow| row.figures.iter().map(|figure| figure.n).max().unwrap_or(0);
    people.rows.iter().map(|each| (each.side, each.who.as_str(), row(each))).collect()
}

#[test]
fn nobody_is_told_under_the_minimum_and_who_is_withheld_is_counted() {
    let people = card().people(Slice::All, &Teams::new(), at("2026-05-01T00:00:00Z"));
    assert_eq!(told(&people), [(Side::Sender, "ava", 5), (Side::Receiver, "rita", 9)]);
    assert_eq!((people.withheld, people.minimum_n), (3, 5), "ben, cleo, rolf");
    let ava = &people.rows[0];
    assert_eq!(ava.throughput.decided, 5);
    let acceptance = ava.figures.iter().find(|figure| figure.metric == crate::metric::Metric::Acceptance);
    assert_eq!(acceptance.unwrap().words(), "80 %");
    // Four of the five were accepted: too few for a median.
    let time = ava.figures.last().unwrap();
    assert_eq!((time.n, time.value, time.why.as_deref()), (0, None, Some("fewer than 5 cycles")));
}

#[test]
fn a_team_is_the_sum_of_its_people_and_is_held_to_the_same_minimum() {
    let teams = Teams::from([
        ("north".to_owned(), BTreeSet::from(["ben".into(), "cleo".into()])),
        ("south".to_owned(), BTreeSet::from(["cleo".into()])),
    ]);
    let people = card().people(Slice::All, &teams, at("2026-05-01T00:00:00Z"));
    let teams: Vec<_> = told(&people).into_iter().filter(|row| row.0 == Side::SendingTeam).collect();
    assert_eq!(teams, [(Side::SendingTeam, "north", 6)]);
    let north = people.rows.iter().find(|row| row.side == Side::SendingTeam).unwrap();
    assert_eq!(north.figures[1].met, Some(4));
}

#[test]
fn another_minimum_can_be_set() {
    let people = card().with_minimum_n(1).people(Slice::All, &Teams::new(), at("2026-05-01T00:00:00Z"));
    assert_eq!((people.rows.len(), people.withheld), (5, 0));
}

#[test]
fn a_months_people_are_those_of_the_month() {
    let card = card();
    let month = |name| card.people(Slice::named(name).unwrap(), &Teams::new(), at("2026-05-01T00:00:00Z"));
    assert_eq!(told(&month("2026-02")).len(), 2);
    assert!(month("2026-03").rows.is_empty());
}
