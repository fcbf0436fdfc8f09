//! Records with questions that nobody answered yet.

use std::path::Path;

use handoff_core::evidence::Standing;
use serde::Serialize;

use super::super::archive::Archive;
use super::super::exit::{Exit, Failure};
use super::super::leaks::percent;
use super::super::output::{Output, plain};
use super::super::remote::Remote;
use crate::api::model::HandoffPage;
use crate::config::{Config, load};

/// How a record's questions stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Row {
    /// `contract/motion/connection/object/record`.
    stream: String,
    /// Nobody answered them.
    waiting: usize,
    /// A person confirmed them.
    confirmed: usize,
}

pub(super) async fn list(path: &Path, output: Output) -> Result<Exit, Failure> {
    let config = load(path)?.config;
    let rows = match Remote::find(&config)? {
        Some(remote) => asked(&remote).await?,
        None => folded(&config)?,
    };
    if output.is_json() {
        output.json(&rows);
        return Ok(Exit::Ok);
    }
    for row in &rows {
        // What comes after contract and motion is the record, as `rediscovery list RECORD` takes it.
        let record = row.stream.splitn(3, '/').nth(2).unwrap_or(&row.stream);
        let contract = row.stream.split('/').next().unwrap_or_default();
        let line = format!("{record}  {contract}  {} to answer, {} confirmed", row.waiting, row.confirmed);
        output.line(&plain(&line));
    }
    output.line(if rows.is_empty() {
        "no question waits for an answer"
    } else {
        "read one with: handoffd rediscovery list RECORD"
    });
    Ok(Exit::Ok)
}

async fn asked(remote: &Remote) -> Result<Vec<Row>, Failure> {
    let (mut rows, mut after) = (Vec::new(), String::new());
    loop {
        let page: HandoffPage = remote.get(&format!("api/v1/handoffs?limit=1000{after}")).await?;
        rows.extend(page.handoffs.into_iter().filter(|row| row.reasks_waiting > 0).map(|row| Row {
            stream: row.stream,
            waiting: row.reasks_waiting,
            confirmed: row.reasks_confirmed,
        }));
        let Some(next) = page.next else { return Ok(rows) };
        after = format!("&after={}", percent(&next));
    }
}

fn folded(config: &Config) -> Result<Vec<Row>, Failure> {
    let folded = Archive::open(config)?.fold()?;
    let rows = folded.evidence.into_iter().map(|(stream, evidence)| {
        let count = |standing: Standing| {
            evidence.reasks.all().into_iter().filter(|open| open.suggested.standing() == standing).count()
        };
        Row { stream, waiting: count(Standing::Suggested), confirmed: count(Standing::Confirmed) }
    });
    Ok(rows.filter(|row| row.waiting > 0).collect())
}
