//! Gate evaluations.

use std::time::Instant;

use handoff_core::gate::evaluate;
use handoff_core::handoff::Handoff;
use handoff_core::registry::{Registry, shipped};

use super::{Figure, figure, per_second};
use crate::demo::{DemoError, Stage};

/// `evaluate` over a real handoff of this run, on one core.
pub(super) async fn measure(stage: &Stage, count: u32, figures: &mut Vec<Figure>) -> Result<(), DemoError> {
    let registry =
        Registry::load(shipped()).map_err(|_refused| DemoError::Contracts("refused".to_owned()))?;
    let view = stage.app.view();
    let Some(summary) = view.handoffs(&crate::view::Filter::default()).into_iter().next() else {
        return Ok(());
    };
    let state: Option<Handoff> = view.handoff(&summary.stream).await?.and_then(|detail| detail.state);
    let (Some(state), Some(held)) = (state, registry.pinned(&summary.contract)) else { return Ok(()) };
    let (now, start) = (stage.now(), Instant::now());
    for _ in 0..count {
        std::hint::black_box(evaluate(&held.contract, std::hint::black_box(&state), now));
    }
    figures.push(figure("gate evaluations on one core", per_second(count, start.elapsed()), "/s"));
    Ok(())
}
