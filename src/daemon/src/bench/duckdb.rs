//! The scorecard's question asked of `DuckDB`, over the same cycles as exported tables.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use handoff_measure::export::Since;
use serde::Deserialize;

use super::{Figure, figure, scorecard};
use crate::demo::DemoError;
use crate::export::{Export, Format};

/// The program that asks; it reads exported tables and nothing else.
const PROGRAM: &str = include_str!("../../../../tests/recompute/speed.py");

/// One way of asking.
#[derive(Deserialize)]
struct Way {
    name: String,
    p99_ms: f64,
}

/// Exports so many cycles, and lets a Python that has `DuckDB` answer the question over them.
pub(super) fn measure(python: &Path, cycles: u32, figures: &mut Vec<Figure>) -> Result<(), DemoError> {
    let folder = tempfile::tempdir()?;
    let start = Instant::now();
    let mut export = Export::begin(folder.path(), Format::Parquet, Since::Position(0))?;
    let mut position = 0;
    scorecard::each(cycles, |entry| {
        export.take(position, Some(entry))?;
        position += 1;
        Ok(())
    })?;
    export.finish(None)?;
    let name = |what: &str| format!("scorecard of {cycles} cycles: {what}");
    figures.push(figure(name("making and exporting them as Parquet"), start.elapsed().as_secs_f64(), "s"));
    let run = Command::new(python).args(["-c", PROGRAM]).arg(folder.path()).arg("--json").output()?;
    if !run.status.success() {
        return Err(DemoError::DuckDb(String::from_utf8_lossy(&run.stderr).trim().to_owned()));
    }
    let ways: Vec<Way> =
        serde_json::from_slice(&run.stdout).map_err(|error| DemoError::DuckDb(error.to_string()))?;
    for way in ways {
        let what = format!("p99 of one contract, motion and month in DuckDB, {}", way.name);
        figures.push(figure(name(&what), way.p99_ms, "ms"));
    }
    Ok(())
}
