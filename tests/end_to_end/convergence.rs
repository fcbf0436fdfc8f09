//! However the daemon learns of the same changes, it ends in the same place.

use std::collections::BTreeMap;

use handoffd_tests::crm::{Carriage, Kind, Vendor};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::on_every_crm;
use handoffd_tests::play::{PLOTS, Play};
use serde_json::{Value, json};

/// How messages travel.
#[derive(Clone, Copy)]
enum Way {
    None,
    Plain,
    Lost,
    Tenfold,
    Backwards,
    WeekLate,
}

/// Plays every plot twice; by deal, what the CRM shows and what we know, a week after the last act.
async fn end(crms: &'static [Kind], way: Way) -> BTreeMap<String, Value> {
    let world =
        Governed::start(Options { crms, webhooks: !matches!(way, Way::None), ..Options::default() }).await;
    let company = world.company();
    let carry = |carriage| company.vendors().for_each(|vendor| vendor.carry(carriage));
    let release = || company.vendors().for_each(Vendor::release);
    carry(match way {
        Way::None => Carriage::Off,
        Way::Plain => Carriage::Plain,
        Way::Lost => Carriage::Lost,
        Way::Tenfold => Carriage::Repeated(10),
        Way::Backwards | Way::WeekLate => Carriage::Held,
    });
    let mut play = Play::default();
    for plot in PLOTS.into_iter().chain(PLOTS) {
        play.enter(company, plot);
    }
    for _ in 0..12 {
        world.advance(30);
        play.act(company);
        if matches!(way, Way::Backwards) {
            release();
        }
        world.settle().await;
        if matches!(way, Way::Backwards) {
            carry(Carriage::Held);
        }
    }
    assert_eq!(play.unfinished(world.company()), Vec::<String>::new());
    world.advance(7 * 24 * 3600);
    world.settle().await;
    release();
    world.settle().await;
    if !matches!(way, Way::None | Way::Lost) {
        for vendor in company.vendors() {
            let attempts = vendor.attempts();
            assert!(attempts.len() > 60 && attempts.iter().all(|one| one.acknowledged));
        }
    }
    world.assert_balanced();
    world.verify_audit();
    let outcome = play.outcome(company);
    let mut ends = BTreeMap::new();
    for (name, deal) in play.deals() {
        let summary = world.summary(deal).unwrap();
        // A message may let the daemon look while somebody is still writing: one change is seen in two parts then.
        let mut events = world.events(deal).await;
        events.dedup();
        let state = json!({"phase": summary.phase, "cycle": summary.handoff.cycle, "round": summary.round,
            "gates": summary.gates, "missing": summary.missing, "overdue": summary.overdue, "bypasses": summary.bypasses,
            "events": events});
        ends.insert(name.to_owned(), json!([outcome.get(name), state]));
    }
    ends
}

async fn ends_as_without_webhooks(crms: &'static [Kind], way: Way) {
    let (polled, other) = tokio::join!(end(crms, Way::None), end(crms, way));
    for (name, end) in &polled {
        assert_eq!(other.get(name), Some(end), "{name}");
    }
    assert_eq!(polled.len(), other.len());
}

on_every_crm!(webhooks_change_nothing_but_the_time_it_takes, |crms| ends_as_without_webhooks(
    crms,
    Way::Plain
));

on_every_crm!(c06_with_all_webhooks_lost_the_end_is_the_same, |crms| ends_as_without_webhooks(
    crms,
    Way::Lost
));

on_every_crm!(c01_with_every_webhook_ten_times_the_end_is_the_same, |crms| ends_as_without_webhooks(
    crms,
    Way::Tenfold
));

on_every_crm!(c03_with_webhooks_in_reverse_the_end_is_the_same, |crms| ends_as_without_webhooks(
    crms,
    Way::Backwards
));

on_every_crm!(c04_with_webhooks_a_week_late_the_end_is_the_same, |crms| ends_as_without_webhooks(
    crms,
    Way::WeekLate
));
