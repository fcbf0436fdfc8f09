//! From a save in the CRM over webhook, re-read, decision and log to the flag's write that the CRM received; beside it the same without what
//! the CRM spent on the save and on its own calls.

use std::time::{Duration, Instant};

use super::crm::Crm;
use super::{Figure, figure};
use crate::demo::{DemoError, Stage};

/// Longest wait for one flag.
const LONGEST: Duration = Duration::from_secs(30);

pub(super) async fn measure(
    stage: &Stage,
    crm: &dyn Crm,
    count: u32,
    figures: &mut Vec<Figure>,
) -> Result<(), DemoError> {
    let Some(deal) = crm.waiting()? else { return Ok(()) };
    let mut written = crm.flag_writes(&deal)?;
    let (mut whole, mut own) = (Vec::new(), Vec::new());
    for round in 0..count {
        while written.try_recv().is_ok() {}
        let (start, before) = (Instant::now(), crm.handling());
        // Every other save empties a part of the package, so that the flag shuts and opens by turns.
        crm.change(&deal, round % 2 == 1)?;
        let saving = start.elapsed();
        if let Ok(Some(at)) = tokio::time::timeout(LONGEST, written.recv()).await {
            let took = at.duration_since(start);
            let theirs = saving + crm.handling().saturating_sub(before);
            whole.push(took);
            own.push(took.saturating_sub(theirs));
        }
        crm.settled().await;
        stage.app.handle().drained().await;
        stage.advance(2);
    }
    let timed = whole.len();
    for (what, mut times) in [("", whole), (", without the CRM's own time", own)] {
        times.sort_unstable();
        for (rank, percent) in [("median", 50), ("99th percentile", 99)] {
            let index = (times.len() * percent).div_ceil(100).saturating_sub(1);
            let time = times.get(index).map_or(f64::NAN, |time| time.as_secs_f64() * 1_000.0);
            figures.push(figure(
                format!("{} webhook -> flag written{what}, {rank}", crm.vendor()),
                time,
                "ms",
            ));
        }
    }
    figures.push(figure("  webhooks timed", f64::from(u32::try_from(timed).unwrap_or(u32::MAX)), "rounds"));
    Ok(())
}
