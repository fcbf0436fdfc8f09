//! The receiver's clock in working hours, over a holiday, a leap day and a change of time; who answers for whom; who held what.

#![expect(clippy::wildcard_enum_match_arm, reason = "tests pick single events")]

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::event::Event;
use handoff_core::handoff::Phase;
use handoff_core::registry::shipped;
use handoff_core::sla::{Calendar, Day, Hours};
use handoff_measure::period::Period;
use handoff_measure::scorecard::Scorecard;
use handoffd::config::{Delegation, Queue};
use handoffd_tests::crm::Deal;
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::{AVA, COMMISSION, INGRID, LUIS, MARCO};
use jiff::Timestamp;
use jiff::civil::date;

const PATH: &str = "contracts/h03-ae-to-onboarding.v1.toml";
const MANAGER: &str = MARCO;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The shipped contract with another clock and other roles.
fn contract(sla: &str, roles: &str) -> (String, String) {
    let text = shipped().find(|(path, _)| *path == PATH).unwrap().1;
    let text = text.replace("accept_within_hours = 48", sla).replace("sender_may_accept = false", roles);
    (PATH.to_owned(), text)
}

/// Sixteen working hours in Berlin, with reminders after four and eight and an escalation after twenty-four.
const OFFICE: &str = "accept_within_hours = 16\ncalendar = \"office\"\nremind_after = [\"4h\", \"8h\"]\n\
                      escalate_after = \"24h\"\nescalate_to = \"onboarding_manager\"";

fn office(holidays: &[jiff::civil::Date]) -> Calendar {
    let week = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri];
    let hours = || Hours::try_from("09:00-17:00".to_owned()).unwrap();
    Calendar {
        zone: "Europe/Berlin".to_owned(),
        hours: week.into_iter().map(|day| (day, hours())).collect(),
        holidays: holidays.iter().copied().collect::<BTreeSet<_>>(),
    }
}

/// A company whose clocks stand at `now`.
async fn company(now: &str, sla: &str, roles: &str, holidays: &[jiff::civil::Date]) -> Governed {
    let options = Options { now: Some(at(now)), files: vec![contract(sla, roles)], ..Options::default() };
    let mut world = Governed::prepare(options).await;
    world.config(|config| {
        config.calendar = BTreeMap::from([("office".to_owned(), office(holidays))]);
        config.people.roles.insert("onboarding_manager".to_owned(), vec![MANAGER.to_owned()]);
    });
    world
}

/// The clock's events so far, with the daemon's time of each.
async fn told(world: &Governed, deal: Deal) -> Vec<String> {
    let detail = world.detail(deal).await;
    let mut told = Vec::new();
    for entry in detail.entries.iter().filter_map(|entry| entry.entry.as_ref()) {
        let Some((_, events)) = entry.handoff() else { continue };
        for event in events {
            let what = match event {
                Event::Reminded { step, .. } => format!("reminder {step}"),
                Event::SlaBreached { .. } => "overdue".to_owned(),
                Event::Escalated { to, .. } => format!("escalated to {to}"),
                Event::Reassigned { to, .. } => {
                    format!("falls to {}", to.as_deref().unwrap_or("the receiver"))
                }
                Event::Accepted { behalf, .. } => {
                    let of = behalf.as_ref().and_then(|behalf| behalf.of.as_ref());
                    format!("accepted for {}", of.map_or("himself", |of| of.as_str()))
                }
                _ => continue,
            };
            told.push(what);
        }
    }
    told
}

async fn due(world: &Governed, deal: Deal) -> Timestamp {
    world.detail(deal).await.state.unwrap().clock.unwrap().set.due.unwrap()
}

/// Moves every clock to a moment and does what can be done then.
async fn go_to(world: &Governed, when: &str) {
    world.set_time(at(when));
    world.settle().await;
}

/// A full deal whose package is complete at exactly this moment.
async fn complete_at(world: &Governed, when: &str) -> Deal {
    let deal = world.deal("By the clock");
    world.set_time(at(when));
    world.company().fill(deal, "By the clock");
    world.settle().await;
    assert_eq!(world.phase(deal), Some(Phase::Complete));
    deal
}

#[tokio::test(flavor = "multi_thread")]
async fn b04_a_holiday_and_a_leap_day_in_working_hours() {
    // Friday 25 February 2028; Monday is a holiday, Tuesday the 29th.
    let mut world = company("2028-02-25T13:00:00Z", OFFICE, "", &[date(2028, 2, 28)]).await;
    world.begin().await.unwrap();
    let deal = complete_at(&world, "2028-02-25T14:00:00Z").await;
    assert_eq!(due(&world, deal).await, at("2028-03-01T14:00:00Z"), "Wednesday 15:00 in Berlin");
    go_to(&world, "2028-02-28T16:00:00Z").await;
    assert!(told(&world, deal).await.is_empty(), "nobody works on a holiday");
    go_to(&world, "2028-02-29T09:59:59Z").await;
    assert!(told(&world, deal).await.is_empty());
    go_to(&world, "2028-02-29T10:00:00Z").await;
    assert_eq!(told(&world, deal).await, ["reminder 1"], "four hours: two on Friday, two on the leap day");
    world.restart().await;
    world.settle().await;
    assert_eq!(told(&world, deal).await, ["reminder 1"], "a restart tells nobody twice");
    go_to(&world, "2028-02-29T14:00:00Z").await;
    go_to(&world, "2028-03-01T14:00:00Z").await;
    assert_eq!(told(&world, deal).await[1..], ["reminder 2", "overdue"]);
    go_to(&world, "2028-03-02T14:00:00Z").await;
    assert_eq!(told(&world, deal).await[3..], ["escalated to onboarding_manager"]);
    let status = world.company().status(deal);
    assert!(
        status.contains("overdue since 2028-03-01 14:00Z, escalated to onboarding manager"),
        "on the record: {status}"
    );
    world.accept(deal);
    world.pass().await;
    assert!(world.flag(deal, COMMISSION), "late is not never");
    world.assert_balanced();
    world.verify_audit();
}

#[tokio::test(flavor = "multi_thread")]
async fn b04_the_change_to_summer_time_moves_no_office_hour() {
    let mut world = company("2026-03-27T13:00:00Z", OFFICE, "", &[]).await;
    world.begin().await.unwrap();
    let deal = complete_at(&world, "2026-03-27T14:00:00Z").await;
    // Friday 15:00 to 17:00, Monday, Tuesday to 15:00, which is an hour earlier in UTC than it was on Friday.
    assert_eq!(due(&world, deal).await, at("2026-03-31T13:00:00Z"));
    go_to(&world, "2026-03-31T12:59:59Z").await;
    assert_eq!(told(&world, deal).await, ["reminder 2"], "of what was slept through only the newest");
    go_to(&world, "2026-03-31T13:00:00Z").await;
    assert_eq!(told(&world, deal).await, ["reminder 2", "overdue"]);
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_stands_while_the_package_is_with_the_sender_and_every_second_has_an_owner() {
    let sla = format!("{OFFICE}\nwhen_returned = \"pause\"");
    let mut world = company("2026-06-01T05:00:00Z", &sla, "", &[]).await;
    world.begin().await.unwrap();
    // Monday; Berlin is two hours ahead of UTC.
    let deal = complete_at(&world, "2026-06-01T08:00:00Z").await;
    assert_eq!(due(&world, deal).await, at("2026-06-03T08:00:00Z"));
    world.set_time(at("2026-06-01T10:00:00Z"));
    world.company().reject(deal, "risks", "Which risk is the largest?");
    world.settle().await;
    assert_eq!(world.phase(deal), Some(Phase::Rejected));
    // The daemon is down for two hours, in which the sender mends it.
    world.set_time(at("2026-06-01T11:00:00Z"));
    world.stop().await;
    world.set_time(at("2026-06-01T12:00:00Z"));
    world.company().say(
        AVA,
        deal,
        &[("risks", "risks", "The customer's only administrator leaves in August, before the roll-out ends")],
    );
    world.set_time(at("2026-06-01T13:00:00Z"));
    world.begin().await.unwrap();
    world.settle().await;
    assert_eq!(world.phase(deal), Some(Phase::Complete));
    assert_eq!(
        due(&world, deal).await,
        at("2026-06-03T10:00:00Z"),
        "the two hours with the sender are not counted"
    );
    world.set_time(at("2026-06-01T14:00:00Z"));
    world.company().accept(deal);
    world.settle().await;
    let mut scorecard = Scorecard::new();
    for entry in world.log().await {
        scorecard.apply(&entry.entry.unwrap());
    }
    let stream = world.summary(deal).unwrap().stream;
    let holds = scorecard.holds(&stream, world.now());
    let [hold] = &holds[..] else { panic!("one cycle: {holds:?}") };
    let hour = 3_600_000;
    let shares = hold.shares;
    assert!(hold.accepted);
    // The sender until 08:00 and from 10:00 to 11:00; the receiver from 08:00 to 10:00 and from 13:00 to 14:00.
    assert_eq!((shares.receiver_ms, shares.system_ms, shares.customer_ms), (3 * hour, 2 * hour, 0));
    assert_eq!(shares.sender_ms, shares.total_ms - 5 * hour);
    assert_eq!(hold.until, at("2026-06-01T14:00:00Z"));
    let report = scorecard.report(Period::Month, world.now());
    let row = report.rows.iter().find(|row| row.period.is_none()).unwrap();
    assert_eq!((row.held.n, row.held.shares), (1, shares));
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn f02_a_delegate_accepts_for_a_time_and_the_sender_never() {
    let mut world = company("2026-06-01T05:00:00Z", OFFICE, "", &[]).await;
    world.config(|config| {
        let delegation = |to: &str| Delegation {
            of: INGRID.to_owned(),
            to: to.to_owned(),
            from: Some(at("2026-06-01T00:00:00Z")),
            until: Some(at("2026-06-02T00:00:00Z")),
        };
        config.people.delegate = vec![delegation(LUIS), delegation(AVA)];
    });
    world.begin().await.unwrap();
    let deal = complete_at(&world, "2026-06-01T08:00:00Z").await;
    let late = world.full_deal("After the holiday");
    world.pass().await;
    for who in [AVA, LUIS] {
        world.advance(5);
        // Even if the CRM let the sender write the answer.
        world.company().force(who, deal, &world.company().acceptance(deal));
        world.pass().await;
        assert_eq!(world.flag(deal, COMMISSION), who == LUIS, "{who}");
    }
    assert_eq!(told(&world, deal).await, [format!("accepted for {INGRID}")]);
    go_to(&world, "2026-06-02T00:00:00Z").await;
    world.company().save(LUIS, late, &world.company().acceptance(late));
    world.pass().await;
    assert!(!world.flag(late, COMMISSION), "she is back");
}

#[tokio::test(flavor = "multi_thread")]
async fn f11_where_nobody_is_named_the_fallback_role_answers() {
    let roles = "fallback = \"onboarding_manager\"";
    let mut world = company("2026-06-01T05:00:00Z", OFFICE, roles, &[]).await;
    world.config(|config| {
        config.people.roles.insert("onboarding_manager".to_owned(), vec![LUIS.to_owned()]);
    });
    world.begin().await.unwrap();
    let deal = complete_at(&world, "2026-06-01T08:00:00Z").await;
    let receiver = world.company().first().crm().mapping().people.receiver.field.clone();
    world.edit(AVA, deal, &serde_json::json!({ receiver: null }));
    world.pass().await;
    assert_eq!(told(&world, deal).await, ["falls to onboarding_manager"]);
    world.company().save(LUIS, deal, &world.company().acceptance(deal));
    world.pass().await;
    assert!(world.flag(deal, COMMISSION));
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_is_answered_by_its_members() {
    let mut world = company("2026-06-01T05:00:00Z", OFFICE, "", &[]).await;
    // The record names a user; the configuration says that this is the inbox of a team.
    let inbox = world.org().user(INGRID).unwrap().to_string();
    world.config(|config| {
        let queue = Queue { id: inbox, members: Some(vec![LUIS.to_owned()]) };
        config.people.queue = BTreeMap::from([("onboarding".to_owned(), queue)]);
    });
    world.begin().await.unwrap();
    let deal = complete_at(&world, "2026-06-01T08:00:00Z").await;
    world.advance(5);
    world.company().save(LUIS, deal, &world.company().acceptance(deal));
    world.pass().await;
    assert_eq!(told(&world, deal).await, ["accepted for queue onboarding"]);
    assert!(world.flag(deal, COMMISSION));
}
