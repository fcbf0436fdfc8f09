//! Recorded calls: from listed in Gong to places that are suggested, logged and noted in the CRM.

use std::time::Instant;

use handoff_core::id::ConnectionId;
use handoff_sandbox_gong::{CallSpec, Link, OutboundMode, Party};
use jiff::SignedDuration;

use super::{Figure, counted, figure, per_second};
use crate::demo::{DemoError, Stage};
use crate::view::Filter;

const REP: &str = "ava.lindqvist@northwind-peak.example";
const BUYER: &str = "buyer@alderbrook.example";
/// What is said: of two parts of the package.
const SAID: [&str; 3] = [
    "We plan everything in spreadsheets and a legacy planner.",
    "Above a hundred thousand our finance chief signs.",
    "We want to go live before the spring season starts.",
];
/// Passages of small talk around it in each call.
const AROUND: usize = 60;

/// Each call is about another governed deal, has a transcript, and is visible at once.
pub(super) async fn measure(stage: &Stage, count: u32, figures: &mut Vec<Figure>) -> Result<(), DemoError> {
    let gong = stage.gong.workspace();
    let salesforce = Filter { connection: Some(ConnectionId::from("sf")), ..Filter::default() };
    let deals = stage.app.view().handoffs(&salesforce);
    let ids: Vec<String> = deals.iter().map(|one| one.handoff.subject.record.as_str().to_owned()).collect();
    // One pass shall find them all.
    gong.set_outbound_mode(OutboundMode::Off);
    let now = stage.now();
    let started = now.checked_sub(SignedDuration::from_hours(2)).unwrap_or(now);
    for (number, deal) in (0..count).zip(ids.iter().cycle()) {
        let mut call = CallSpec::new(&format!("Bench {number}"), started)
            .processed_at(now)
            .about(Link::deal("Salesforce", deal))
            .with(Party::new(REP, "Ava Lindqvist"))
            .with(Party::new(BUYER, "The buyer"));
        for _ in 0..AROUND {
            call = call.says(REP, "Small talk", &["How was the trip?", "The train was on time, for once."]);
        }
        gong.add_call(call.says(BUYER, "Current situation", &SAID))?;
    }
    stage.advance(60);
    gong.forget();
    let before = suggested(stage);
    let start = Instant::now();
    stage.app.handle().idle().await?;
    let took = start.elapsed();
    figures.push(figure(
        "Gong: calls read, searched, suggested, logged, noted in the CRM",
        per_second(count, took),
        "/s",
    ));
    figures.push(figure("  places suggested", f64::from(suggested(stage).saturating_sub(before)), "places"));
    let made = gong.calls().by_kind;
    figures.push(counted("Gong: API calls", made.values().sum()));
    let least = count.div_ceil(100) * 2;
    figures.push(counted("  theoretical minimum (pages of 100, transcripts of 100)", u64::from(least)));
    figures.extend(made.iter().map(|(kind, made)| counted(format!("  of these, {kind}"), *made)));
    Ok(())
}

fn suggested(stage: &Stage) -> u32 {
    let handoffs = stage.app.view().handoffs(&Filter::default());
    let places = handoffs.iter().map(|one| one.evidence.suggested).sum::<usize>();
    u32::try_from(places).unwrap_or(u32::MAX)
}
