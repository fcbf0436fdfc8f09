//! `handoffd plan` and `handoffd why`.

use std::path::Path;
use std::sync::Arc;

use handoff_core::id::RecordRef;
use handoff_core::obligation::{Posts, obligations};
use handoff_measure::hold::Holds;

use super::archive::Archive;
use super::exit::{Exit, Failure};
use super::output::{Output, plain};
use super::remote::Remote;
use super::why::{Told, explain};
use crate::api::model::{EvidenceRow, HandoffDetail, HandoffPage, OwedRow, PlanRow};
use crate::api::rediscovery::ReaskRow;
use crate::api::{plan_row, record_named};
use crate::app::{App, Options};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Loaded, load, vendor};
use crate::tasks::OwedView;

/// The records that an argument may mean: written out, or an id alone on every governed object of the CRMs whose id it can be.
pub(super) fn records(loaded: &Loaded, argument: &str) -> Result<Vec<RecordRef>, Failure> {
    let unknown = || {
        Failure::new(Exit::Usage, "not a record: write connection/object/record, or the record's id alone")
    };
    if argument.contains('/') {
        return record_named(argument).map(|record| vec![record]).ok_or_else(unknown);
    }
    let mut found: Vec<RecordRef> = loaded
        .config
        .govern
        .iter()
        .filter_map(|entry| {
            let mapping = loaded.registry.mapping(&entry.mapping)?;
            let record = (vendor::find(&mapping.connector)?.record)(argument.trim())?;
            let (connection, object) = (entry.connection.clone(), mapping.object.clone());
            Some(RecordRef { connection, object, record })
        })
        .collect();
    found.sort();
    found.dedup();
    if found.is_empty() { Err(unknown()) } else { Ok(found) }
}

pub(super) async fn plan(path: &Path, argument: &str, output: Output) -> Result<Exit, Failure> {
    let loaded = load(path)?;
    let records = records(&loaded, argument)?;
    let remote = Remote::find(&loaded.config)?;
    let mut rows: Vec<PlanRow> = Vec::new();
    let mut config = loaded.config.clone();
    // Before the first start there is no state, and a rehearsal must not leave any.
    let rehearsal = if config.state_dir.exists() { None } else { Some(tempfile::tempdir()?) };
    if let Some(folder) = &rehearsal {
        config.state_dir = folder.path().join("state");
    }
    for record in records {
        if let Some(remote) = &remote {
            rows.extend(remote.get::<Vec<PlanRow>>(&format!("api/v1/plan/{record}")).await?);
            continue;
        }
        let options = Options { autopilot: false, ..Options::default() };
        let clock = Arc::new(SystemClock);
        let plans = App::plan_once(config.clone(), loaded.registry.clone(), clock, options, &record).await?;
        let plans = plans.map_err(|fault| Failure::new(Exit::Crm, fault.to_string()))?;
        rows.extend(plans.iter().map(plan_row));
    }
    if output.is_json() {
        output.json(&rows);
    } else if rows.is_empty() {
        output.line(&format!("nothing governs {}: see [[govern]] in the configuration", plain(argument)));
    } else {
        for row in &rows {
            output.text(&planned(row));
        }
    }
    let failed = rows.is_empty() || rows.iter().any(|row| row.problem.is_some());
    Ok(if failed { Exit::Findings } else { Exit::Ok })
}

fn planned(row: &PlanRow) -> String {
    let mut lines = vec![format!("{} by {}", plain(&row.stream), plain(&row.mapping))];
    lines.extend(row.problem.iter().map(|problem| format!("  {}", plain(problem))));
    lines.extend(row.status.iter().map(|status| format!("  would stand at: {}", plain(status))));
    if row.problem.is_none() && row.status.is_none() && row.events.is_empty() {
        lines.push(
            "  no handoff is open for it and none would open: it is in no opening stage, or is older than governed_since"
                .to_owned(),
        );
    } else {
        let names: Vec<&str> = row.events.iter().filter_map(|event| event.get("event")?.as_str()).collect();
        let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        lines.push(format!("  would be logged: {names}"));
        match &row.writes {
            Some(writes) => lines.extend(writes.lines().skip(1).map(plain)),
            None => lines.push("  nothing to write".to_owned()),
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

pub(super) async fn why(path: &Path, argument: &str, output: Output) -> Result<Exit, Failure> {
    let loaded = load(path)?;
    let records = records(&loaded, argument)?;
    let told = match Remote::find(&loaded.config)? {
        Some(remote) => ask(&remote, &records).await?,
        None => dig(&loaded, &records)?,
    };
    if told.is_empty() {
        let names: Vec<String> = records.iter().map(ToString::to_string).collect();
        output.line(&format!("no handoff is known for {}", plain(&names.join(", "))));
        return Ok(Exit::Findings);
    }
    if output.is_json() {
        output.json(&told);
    } else {
        for each in &told {
            let pin = each.state.as_ref().map(|state| &state.contract);
            let contract = pin.and_then(|pin| loaded.registry.pinned(pin)).map(|held| &held.contract);
            output.text(&explain(each, contract));
        }
    }
    Ok(Exit::Ok)
}

pub(super) async fn ask(remote: &Remote, records: &[RecordRef]) -> Result<Vec<Told>, Failure> {
    let mut told = Vec::new();
    for record in records {
        let page: HandoffPage = remote.get(&format!("api/v1/handoffs?record={record}")).await?;
        for row in page.handoffs {
            let detail: HandoffDetail = remote.get(&format!("api/v1/handoffs/{}", row.stream)).await?;
            told.push(Told::from(detail));
        }
    }
    Ok(told)
}

pub(super) fn dig(loaded: &Loaded, records: &[RecordRef]) -> Result<Vec<Told>, Failure> {
    let archive = Archive::open(&loaded.config)?;
    let mut folded = super::archive::Folded::default();
    let mut entries = std::collections::BTreeMap::new();
    let mut holds = Holds::default();
    archive.read("reading the log", |position, entry| {
        if let Some(entry) = entry {
            folded.apply(position, &entry);
            holds.apply(&entry);
            if let Some((handoff, _)) =
                entry.handoff().filter(|(handoff, _)| records.contains(&handoff.subject))
            {
                entries.entry(handoff.stream()).or_insert_with(Vec::new).push((position, entry));
            }
        }
        true
    })?;
    let now = SystemClock.now();
    Ok(entries
        .into_iter()
        .map(|(stream, entries)| {
            let state = folded.states.get(&stream).cloned();
            let verdict = state.as_ref().and_then(|state| {
                Some(handoff_core::gate::evaluate(folded.contracts.get(&state.contract)?, state, now))
            });
            let places = folded.evidence.get(&stream).map(crate::calls::places).unwrap_or_default();
            let evidence = places.iter().map(EvidenceRow::from).collect();
            let reasks = folded.evidence.get(&stream).map(|known| crate::calls::reasks(&known.reasks));
            let reasks = reasks.unwrap_or_default().iter().map(ReaskRow::from).collect();
            let (versions, holds) = (super::why::versions(&entries), holds.of(&stream, now));
            let owed = state.as_ref().and_then(|state| {
                let contract = folded.contracts.get(&state.contract)?;
                // Who holds a role, and how tasks stand, only the running daemon knows.
                let owed = obligations(contract, state, Posts::none(), now).into_iter();
                Some(owed.map(|one| OwedRow::from(OwedView::untold(&stream, one))).collect())
            });
            let owed = owed.unwrap_or_default();
            Told { stream, state, verdict, entries, evidence, reasks, versions, holds, owed }
        })
        .collect())
}
