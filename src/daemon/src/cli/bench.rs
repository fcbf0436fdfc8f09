//! `handoffd bench`.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure};
use super::output::Output;
use crate::bench::{Sizes, numbers, run};

/// How much is measured.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  handoffd bench --records 20000 --webhooks 500\n\nEverything runs on loopback against the built-in sandboxes; figures hold for this machine."
)]
pub(super) struct Bench {
    /// Records of each CRM's backfill.
    #[arg(long, default_value_t = 10_000)]
    records: u32,
    /// Records of HubSpot's backfill under the connector's own limits.
    #[arg(long, default_value_t = 1_000)]
    limited: u32,
    /// Webhooks of each CRM whose way to the written flag is timed.
    #[arg(long, default_value_t = 500)]
    webhooks: u32,
    /// Recorded calls that are read and searched.
    #[arg(long, default_value_t = 1_000)]
    calls: u32,
    /// Durable appends.
    #[arg(long, default_value_t = 2_000)]
    appends: u32,
    /// Gate evaluations.
    #[arg(long, default_value_t = 1_000_000)]
    evaluations: u32,
    /// Handoff cycles of the scorecard.
    #[arg(long, default_value_t = 1_000_000)]
    cycles: u32,
    /// Only the scorecard.
    #[arg(long)]
    scorecard: bool,
    /// A Python that has DuckDB: also measures how fast that answers the scorecard's question over the same cycles, exported as Parquet.
    #[arg(long, value_name = "PYTHON")]
    duckdb: Option<PathBuf>,
}

pub(super) async fn bench(bench: &Bench, output: Output) -> Result<Exit, Failure> {
    let sizes = Sizes {
        records: bench.records,
        limited: bench.limited,
        calls: bench.calls,
        webhooks: bench.webhooks,
        appends: bench.appends,
        evaluations: bench.evaluations,
        cycles: bench.cycles,
    };
    let duckdb = bench.duckdb.as_deref();
    let figures = if bench.scorecard { numbers(sizes.cycles, duckdb)? } else { run(sizes, duckdb).await? };
    if output.is_json() {
        output.json(&figures);
    } else {
        for figure in &figures {
            output.line(&format!("{:<88} {:>10} {}", figure.name, figure.value, figure.unit));
        }
    }
    Ok(Exit::Ok)
}
