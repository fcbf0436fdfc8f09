//! What this machine does: figures of the whole daemon against the sandboxes on loopback.

mod appends;
mod backfill;
mod calls;
mod crm;
mod duckdb;
mod evaluations;
mod latency;
mod limits;
mod scorecard;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::demo::{DemoError, Setting, Stage};
use crate::link::Connect;
use crm::{Crm, HubSpotCrm, SalesforceCrm};
use limits::Lifted;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Records of each CRM's backfill.
    pub records: u32,
    /// Records of HubSpot's backfill under the connector's own limits.
    pub limited: u32,
    /// Webhooks of each CRM whose way to the written flag is timed.
    pub webhooks: u32,
    /// Recorded calls that are read and searched.
    pub calls: u32,
    /// Durable appends.
    pub appends: u32,
    /// Gate evaluations.
    pub evaluations: u32,
    /// Handoff cycles of the scorecard.
    pub cycles: u32,
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// How much.
    pub value: String,
    /// Of what.
    pub unit: &'static str,
}

/// The unit of what is counted.
const COUNT: &str = "calls";

fn figure(name: impl Into<String>, value: f64, unit: &'static str) -> Figure {
    let digits = if value >= 100.0 || unit == COUNT { 0 } else { 2 };
    Figure { name: name.into(), value: format!("{value:.digits$}"), unit }
}

fn counted(name: impl Into<String>, count: u64) -> Figure {
    figure(name, f64::from(u32::try_from(count).unwrap_or(u32::MAX)), COUNT)
}

fn per_second(count: u32, took: Duration) -> f64 {
    f64::from(count) / took.as_secs_f64().max(f64::EPSILON)
}

/// Measures everything.
pub async fn run(sizes: Sizes, duckdb: Option<&Path>) -> Result<Vec<Figure>, DemoError> {
    let mut figures = Vec::new();
    daemon(sizes, &mut figures).await?;
    figures.extend(numbers(sizes.cycles, duckdb)?);
    Ok(figures)
}

/// Measures the scorecard; with a Python that has `DuckDB` also how fast that answers what the scorecard answers.
pub fn numbers(cycles: u32, duckdb: Option<&Path>) -> Result<Vec<Figure>, DemoError> {
    let mut figures = Vec::new();
    scorecard::measure(cycles, &mut figures);
    if let Some(python) = duckdb {
        duckdb::measure(python, cycles, &mut figures)?;
    }
    Ok(figures)
}

async fn daemon(sizes: Sizes, figures: &mut Vec<Figure>) -> Result<(), DemoError> {
    appends::measure(sizes.appends, figures).await?;
    let limits = Arc::new(Lifted::default());
    let connect: Arc<dyn Connect> = Arc::<Lifted>::clone(&limits);
    let stage = Stage::start_with(Setting::default(), Some(connect)).await?;
    stage.settle().await?;
    let salesforce = SalesforceCrm(stage.salesforce.org().clone());
    let hubspot = HubSpotCrm(stage.hubspot.portal().clone());
    let crms: [&dyn Crm; 2] = [&salesforce, &hubspot];
    for crm in crms {
        backfill::measure(&stage, crm, sizes.records, figures).await?;
        latency::measure(&stage, crm, sizes.webhooks, figures).await?;
    }
    // Salesforce counts calls by the day only: there is nothing to wait for.
    backfill::limited(&stage, &limits, &hubspot, sizes.limited, figures).await?;
    calls::measure(&stage, sizes.calls, figures).await?;
    evaluations::measure(&stage, sizes.evaluations, figures).await?;
    if let Some(bytes) = crate::metrics::peak_resident() {
        let mib = u32::try_from(bytes / 1_048_576).unwrap_or(u32::MAX);
        figures.push(figure("peak resident memory, sandboxes included", f64::from(mib), "MiB"));
    }
    stage.stop().await?;
    Ok(())
}

/// CPU seconds of this process, as Linux tells (100 ticks a second).
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u32>().ok();
    Some(f64::from(ticks(11)?.saturating_add(ticks(12)?)) / 100.0)
}
