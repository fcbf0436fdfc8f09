use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::contract::{Returned, Sla};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn hours(text: &str) -> Hours {
    Hours::try_from(text.to_owned()).unwrap()
}

fn calendar(zone: &str, week: &[(Day, &str)], holidays: &[Date]) -> Calendar {
    Calendar {
        zone: zone.to_owned(),
        hours: week.iter().map(|(day, text)| (*day, hours(text))).collect(),
        holidays: holidays.iter().copied().collect(),
    }
}

const WEEK: [Day; 7] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];

fn office(zone: &str, holidays: &[Date]) -> Calendar {
    let week: Vec<_> = WEEK.into_iter().take(5).map(|day| (day, "09:00-17:00")).collect();
    calendar(zone, &week, holidays)
}

fn h(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

#[test]
fn every_hour_of_every_day_is_plain_elapsed_time() {
    let from = at("2024-02-28T10:00:00.25Z");
    assert_eq!(due_at(&Calendar::always(), from, h(48), &[]), at("2024-03-01T10:00:00.25Z"));
    assert_eq!(worked(&Calendar::always(), from, at("2024-03-01T10:00:00.25Z"), &[]), h(48));
}

#[test]
fn b04_office_hours_go_on_the_wall_clock_over_the_change_to_summer_time() {
    // Friday 27 March 2026, 15:00 in Berlin (UTC+1); the clocks change on Sunday.
    let due = due_at(&office("Europe/Berlin", &[]), at("2026-03-27T14:00:00Z"), h(3), &[]);
    assert_eq!(due, at("2026-03-30T08:00:00Z"), "Monday 10:00 in Berlin (UTC+2)");
}

#[test]
fn b04_an_hour_that_is_skipped_does_not_exist_and_one_that_comes_twice_counts_twice() {
    let night: Vec<_> = WEEK.into_iter().map(|day| (day, "01:00-04:00")).collect();
    let night = calendar("Europe/Berlin", &night, &[]);
    let day = |text: &str| (at(text), at(text) + h(24));
    let (from, to) = day("2026-03-28T23:00:00Z");
    assert_eq!(worked(&night, from, to, &[]), h(2), "02:00 to 03:00 is skipped");
    let (from, to) = day("2026-10-24T22:00:00Z");
    assert_eq!(worked(&night, from, to, &[]), h(4), "02:00 to 03:00 comes twice");
}

#[test]
fn b04_a_leap_day_is_a_day_and_a_holiday_is_none() {
    let leap = office("UTC", &[]);
    // Wednesday 28 February 2024, 16:00, ten working hours: one that day, eight on the 29th, one on Friday.
    assert_eq!(due_at(&leap, at("2024-02-28T16:00:00Z"), h(10), &[]), at("2024-03-01T10:00:00Z"));
    let holiday = office("UTC", &[date(2024, 2, 29)]);
    assert_eq!(due_at(&holiday, at("2024-02-28T16:00:00Z"), h(10), &[]), at("2024-03-04T10:00:00Z"));
}

#[test]
fn pauses_are_not_counted_however_they_overlap() {
    let pause = |from: &str, to: &str| Interval { from: at(from), to: at(to) };
    let pauses = [
        pause("2026-06-01T12:00:00Z", "2026-06-01T14:00:00Z"),
        pause("2026-06-01T10:00:00Z", "2026-06-01T13:00:00Z"),
        pause("2026-06-01T16:00:00Z", "2026-06-01T15:00:00Z"),
    ];
    let office = office("UTC", &[]);
    assert_eq!(due_at(&office, at("2026-06-01T09:00:00Z"), h(3), &pauses), at("2026-06-01T16:00:00Z"));
    assert_eq!(worked(&office, at("2026-06-01T09:00:00Z"), at("2026-06-01T20:00:00Z"), &pauses), h(4));
}

#[test]
fn a_zone_that_skips_a_whole_day_skips_it() {
    // Samoa went from 29 December 2011 straight to the 31st.
    let all: Vec<_> = WEEK.into_iter().map(|day| (day, "00:00-24:00")).collect();
    let samoa = calendar("Pacific/Apia", &all, &[date(2011, 12, 30)]);
    assert_eq!(worked(&samoa, at("2011-12-29T10:00:00Z"), at("2011-12-31T10:00:00Z"), &[]), h(48));
}

#[test]
fn what_never_comes_is_not_a_panic() {
    let never = calendar("UTC", &[(Day::Mon, "09:00-09:01")], &[]);
    let far = due_at(&never, Timestamp::MIN, SignedDuration::MAX, &[]);
    assert_eq!(far, Timestamp::MAX);
    assert_eq!(due_at(&never, Timestamp::MAX, h(1), &[]), Timestamp::MAX);
    assert_eq!(worked(&never, Timestamp::MAX, Timestamp::MIN, &[]), SignedDuration::ZERO);
}

#[test]
fn an_unusable_calendar_counts_every_hour_so_that_it_never_prolongs() {
    let from = at("2026-06-06T09:00:00Z");
    for broken in [office("Europe/Atlantis", &[]), calendar("UTC", &[], &[])] {
        assert_eq!(due_at(&broken, from, h(2), &[]), at("2026-06-06T11:00:00Z"));
    }
}

#[test]
fn a_hundred_rounds_of_returns_keep_the_clock_exact_for_the_last_ones_and_its_pauses_few() {
    let sla = Sla { accept_within_hours: Some(1_000), when_returned: Returned::Pause, ..Sla::default() };
    let begin = at("2026-01-01T00:00:00Z");
    let set = |before: Option<&Clock>, completed| sla.settings(&BTreeMap::new(), before, completed);
    let mut clock = Clock::set(&set(None, begin), None);
    // An hour with the receiver, an hour with the sender, again and again.
    let mut last = clock.set.due.unwrap();
    for round in 0..100 {
        let returned = begin + h(2 * round + 1);
        clock.pause(returned);
        clock.pause(returned + h(9));
        let settings = set(Some(&clock), returned + h(1));
        clock = Clock::set(&settings, Some(&clock));
        assert_eq!(clock.set.started, begin);
        assert_eq!(clock.set.pauses.last().unwrap().to, returned + h(1), "round {round}");
        assert!(clock.set.due.unwrap() >= last + h(1), "what was with the sender is not counted");
        last = clock.set.due.unwrap();
    }
    assert!(clock.set.pauses.len() <= 64);
    // A package that is complete before it was sent back adds no pause.
    let pauses = clock.set.pauses.len();
    clock.pause(begin + h(300));
    assert_eq!(set(Some(&clock), begin + h(299)).pauses.len(), pauses);
}

#[test]
fn hours_and_allowances_that_make_no_sense_are_refused() {
    for text in [
        "",
        "9-17",
        "09:00",
        "17:00-09:00",
        "09:00-09:00",
        "09:00-25:00",
        "09:60-10:00",
        "10:00-12:00,11:00-13:00",
        "١٢:00-13:00",
    ] {
        assert!(Hours::try_from(text.to_owned()).is_err(), "{text:?}");
    }
    for text in ["", "0h", "24", "h", "-1h", "1.5h", "9000h", "9999999999999h", "2d"] {
        assert!(Allowance::try_from(text.to_owned()).is_err(), "{text:?}");
    }
    assert_eq!(hours("09:00-12:00,13:00-24:00").to_string(), "09:00-12:00, 13:00-24:00");
    assert_eq!(Allowance::try_from("90m".to_owned()).unwrap().duration(), SignedDuration::from_mins(90));
}

#[test]
fn lint_refuses_an_empty_calendar_and_an_unknown_zone() {
    assert!(lint_calendar("ok", &office("Europe/Berlin", &[])).is_empty());
    let found = lint_calendar("bad", &calendar("Mars/Olympus", &[], &[]));
    let places: Vec<String> = found.iter().map(|one| one.at.join(".")).collect();
    assert_eq!(places, ["calendar.bad.zone", "calendar.bad.hours"]);
}

const ZONES: [&str; 7] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Africa/Casablanca",
    "Pacific/Apia",
];

fn calendars() -> impl Strategy<Value = Calendar> {
    let spans = prop::sample::select(vec![
        "09:00-17:00",
        "00:00-24:00",
        "09:00-12:00, 13:00-17:30",
        "01:30-02:30",
        "02:15-02:45, 23:00-24:00",
        "00:00-00:01",
    ]);
    let week = prop::collection::btree_map(prop::sample::select(WEEK.to_vec()), spans, 1..7);
    let day = (2023_i16..2028, 1_i8..13, 1_i8..29).prop_map(|(year, month, day)| date(year, month, day));
    let holidays = prop::collection::btree_set(day, 0..20);
    (prop::sample::select(ZONES.to_vec()), week, holidays).prop_map(|(zone, week, holidays)| Calendar {
        zone: zone.to_owned(),
        hours: week.into_iter().map(|(day, text)| (day, hours(text))).collect(),
        holidays,
    })
}

fn instants() -> impl Strategy<Value = Timestamp> {
    // 2023 to 2028, to the millisecond.
    (1_672_531_200_000_i64..1_830_297_600_000).prop_map(|ms| Timestamp::from_millisecond(ms).unwrap())
}

fn pauses() -> impl Strategy<Value = Vec<Interval>> {
    let pause = (instants(), -3_600_i64..2_000_000)
        .prop_map(|(from, seconds)| Interval { from, to: from + SignedDuration::from_secs(seconds) });
    prop::collection::vec(pause, 0..5)
}

/// Whether an instant is working time, said in the plainest words there are.
fn is_open(calendar: &Calendar, pauses: &[Interval], at: Timestamp) -> bool {
    let local = at.to_zoned(calendar.zone().unwrap()).datetime();
    let day = WEEK[usize::try_from(local.weekday().to_monday_zero_offset()).unwrap()];
    let second = u32::try_from(
        i64::from(local.hour()) * 3_600 + i64::from(local.minute()) * 60 + i64::from(local.second()),
    );
    let second = second.unwrap();
    let inside = |hours: &Hours| hours.spans().iter().any(|span| span.contains(&second));
    calendar.hours.get(&day).is_some_and(inside)
        && !calendar.holidays.contains(&local.date())
        && !pauses.iter().any(|pause| pause.from <= at && at < pause.to)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn worked_until_due_is_what_was_allowed(
        calendar in calendars(), from in instants(), minutes in 1_i64..20_000, millis in 0_i64..60_000, pauses in pauses()
    ) {
        let allowed = SignedDuration::from_millis(minutes * 60_000 + millis);
        let due = due_at(&calendar, from, allowed, &pauses);
        prop_assume!(due < Timestamp::MAX);
        prop_assert_eq!(worked(&calendar, from, due, &pauses), allowed);
        let just_before = due - SignedDuration::from_nanos(1);
        prop_assert!(worked(&calendar, from, just_before, &pauses) < allowed, "it is the first such instant");
    }

    #[test]
    fn worked_is_additive_and_monotone(calendar in calendars(), mut cuts in [instants(), instants(), instants()], pauses in pauses()) {
        cuts.sort();
        let [a, b, c] = cuts;
        let worked = |from, to| worked(&calendar, from, to, &pauses);
        prop_assert_eq!(worked(a, b) + worked(b, c), worked(a, c));
        prop_assert!(worked(a, b) <= worked(a, c));
        prop_assert!(worked(a, c) <= c.duration_since(a));
    }

    #[test]
    fn due_grows_with_what_is_allowed_and_with_when_it_begins(
        calendar in calendars(), from in instants(), later in 0_i64..10_000_000, less in 0_i64..100_000, more in 0_i64..100_000,
        pauses in pauses()
    ) {
        let allowed = SignedDuration::from_secs;
        prop_assert!(due_at(&calendar, from, allowed(less), &pauses) <= due_at(&calendar, from, allowed(less + more), &pauses));
        let after = from + allowed(later);
        // Nothing allowed is due at once, even outside working hours; from one second on the order holds.
        prop_assert!(due_at(&calendar, from, allowed(less + 1), &pauses) <= due_at(&calendar, after, allowed(less + 1), &pauses));
    }

    #[test]
    fn worked_equals_a_count_of_minutes_on_the_wall_clock(calendar in calendars(), from in instants(), minutes in 0_i64..6_000, pauses in pauses()) {
        // Everything that begins and ends does so on a whole minute: then a minute is open as its first instant is.
        let whole = |at: Timestamp| Timestamp::from_second(at.as_second().div_euclid(60) * 60).unwrap();
        let pauses: Vec<Interval> =
            pauses.iter().map(|pause| Interval { from: whole(pause.from), to: whole(pause.to) }).collect();
        let from = whole(from);
        let step = |minute: i64| from + SignedDuration::from_mins(minute);
        let open = (0..minutes).filter(|minute| is_open(&calendar, &pauses, step(*minute))).count();
        let counted = SignedDuration::from_mins(i64::try_from(open).unwrap());
        prop_assert_eq!(worked(&calendar, from, step(minutes), &pauses), counted);
    }

    #[test]
    fn no_text_and_no_calendar_panics(
        zone in ".{0,12}", text in ".{0,24}", from in any::<i64>(), to in any::<i64>(), seconds in any::<i64>()
    ) {
        let week: BTreeMap<Day, Hours> =
            Hours::try_from(text.clone()).ok().into_iter().map(|hours| (Day::Wed, hours)).collect();
        let _ = Allowance::try_from(text);
        let calendar = Calendar { zone, hours: week, holidays: BTreeSet::from([Date::MIN, Date::MAX]) };
        let instant = |number: i64| Timestamp::from_second(number % 300_000_000_000).unwrap_or(Timestamp::MIN);
        let pause = Interval { from: instant(to), to: instant(seconds) };
        let _ = due_at(&calendar, instant(from), SignedDuration::from_secs(seconds), &[pause]);
        let _ = worked(&calendar, instant(from), instant(to), &[pause]);
    }
}
