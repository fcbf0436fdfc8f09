//! Durable appends, and the disk's own pace beside them.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use handoff_store::log::{Entry, Log, LogOptions};
use serde_json::json;

use super::{Figure, figure, per_second};
use crate::demo::DemoError;

/// One group commit per append, as a lone decision has; then all at once.
pub(super) async fn measure(count: u32, figures: &mut Vec<Figure>) -> Result<(), DemoError> {
    let folder = tempfile::tempdir()?;
    let opened = Log::open(&folder.path().join("log"), LogOptions::default());
    let (log, _) = opened.map_err(crate::fatal::Fatal::from)?;
    let leaf = json!({"bench": "x".repeat(400)}).to_string().into_bytes();
    let start = Instant::now();
    for _ in 0..count {
        let entry = Entry { leaf: leaf.clone(), sealed: Vec::new() };
        log.append(vec![entry], None).await.map_err(crate::fatal::Fatal::from)?;
    }
    figures.push(figure("durable appends, one after the other", per_second(count, start.elapsed()), "/s"));
    let start = Instant::now();
    let together =
        (0..count).map(|_| log.append(vec![Entry { leaf: leaf.clone(), sealed: Vec::new() }], None));
    for done in futures::future::join_all(together).await {
        done.map_err(crate::fatal::Fatal::from)?;
    }
    figures.push(figure(
        "durable appends, all at once (group commit)",
        per_second(count, start.elapsed()),
        "/s",
    ));
    let raw = raw_syncs(folder.path(), count, &leaf)?;
    figures.push(figure("raw write + fdatasync of the same bytes", per_second(count, raw), "/s"));
    Ok(())
}

fn raw_syncs(folder: &Path, count: u32, bytes: &[u8]) -> std::io::Result<Duration> {
    let mut file = std::fs::File::create(folder.join("raw"))?;
    let start = Instant::now();
    for _ in 0..count {
        file.write_all(bytes)?;
        file.sync_data()?;
    }
    Ok(start.elapsed())
}
