//! New records that enter at once, webhooks off, until every one is decided, logged and written.

use std::time::{Duration, Instant};

use super::crm::Crm;
use super::limits::Lifted;
use super::{Figure, counted, cpu_seconds, figure, per_second};
use crate::demo::{DemoError, Stage};

/// Pace, CPU and calls, without waits for the vendor's limits.
pub(super) async fn measure(
    stage: &Stage,
    crm: &dyn Crm,
    count: u32,
    figures: &mut Vec<Figure>,
) -> Result<(), DemoError> {
    let name = crm.vendor();
    let cpu = enter(stage, crm, count).map(|()| cpu_seconds())?;
    let took = decided(stage).await?;
    let used = cpu.zip(cpu_seconds()).map(|(before, after)| after - before);
    crm.webhooks(true);
    let what = "records read, decided, logged, written";
    figures.push(figure(format!("{name} backfill: {what}"), per_second(count, took), "/s"));
    if let Some(used) = used {
        let per = used * 100_000.0 / f64::from(count.max(1));
        figures.push(figure(format!("{name}: CPU per 100,000 records, sandbox included"), per, "s"));
    }
    let calls = crm.calls();
    figures.push(counted(format!("{name}: API calls of the backfill"), calls.values().sum()));
    let least = crm.least(count);
    figures.push(counted(format!("  theoretical minimum ({})", least.counts), least.calls));
    figures.extend(calls.iter().map(|(kind, made)| counted(format!("  of these, {kind}"), *made)));
    Ok(())
}

/// The pace that the connector's own limits leave, which stay below what the vendor allows the whole company.
pub(super) async fn limited(
    stage: &Stage,
    limits: &Lifted,
    crm: &dyn Crm,
    count: u32,
    figures: &mut Vec<Figure>,
) -> Result<(), DemoError> {
    enter(stage, crm, count)?;
    limits.wait(crm.connection(), true);
    let took = decided(stage).await?;
    limits.wait(crm.connection(), false);
    crm.webhooks(true);
    let name = format!("{} backfill of {count}, the connector's limits in force", crm.vendor());
    figures.push(figure(name, per_second(count, took), "/s"));
    Ok(())
}

fn enter(stage: &Stage, crm: &dyn Crm, count: u32) -> Result<(), DemoError> {
    crm.webhooks(false);
    crm.fill(count)?;
    stage.advance(60);
    crm.forget();
    Ok(())
}

async fn decided(stage: &Stage) -> Result<Duration, DemoError> {
    let start = Instant::now();
    stage.app.handle().idle().await?;
    Ok(start.elapsed())
}
