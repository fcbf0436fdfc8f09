//! `handoffd status`, `pause` and `resume`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::archive::Archive;
use super::exit::{Exit, Failure};
use super::output::{Output, bad, good, plain};
use super::remote::Remote;
use crate::api::model::{Status, TasksRow, Writing, phase};
use crate::app::{App, Options};
use crate::clock::SystemClock;
use crate::config::load;
use crate::finance::ContractRow;

pub(super) async fn status(path: &Path, output: Output) -> Result<Exit, Failure> {
    let loaded = load(path)?;
    let Some(remote) = Remote::find(&loaded.config)? else { return at_rest(&loaded.config, output) };
    let status: Status = remote.get("api/v1/status").await?;
    if output.is_json() {
        output.json(&status);
    } else {
        output.text(&render(&status));
    }
    let unapproved = status.contracts.iter().any(|row| row.standing == "unapproved");
    Ok(if status.healthy && !unapproved && !status.writing.paused && status.writing.tripped.is_empty() {
        Exit::Ok
    } else {
        Exit::Findings
    })
}

/// What can be said while no daemon runs.
fn at_rest(config: &crate::config::Config, output: Output) -> Result<Exit, Failure> {
    let archive = Archive::open(config)?;
    let folded = archive.fold()?;
    let (entries, signed, vkey) = archive.head();
    let mut counts: BTreeMap<String, BTreeMap<&str, u64>> = BTreeMap::new();
    for state in folded.states.values() {
        *counts.entry(state.id.contract.0.clone()).or_default().entry(phase(state.phase)).or_default() += 1;
    }
    let paused = folded.switch.as_ref().is_some_and(|(on, _, _)| !on);
    if output.is_json() {
        output.json(&json!({
            "running": false, "paused": paused, "handoffs": counts,
            "log": {"entries": entries, "signed": signed, "vkey": vkey},
        }));
    } else {
        output.line(&format!("handoffd   {}: gates stay as they are", bad("not running")));
        output.line(&format!(
            "writing    {}",
            if paused { bad("paused") } else { "on once it runs".to_owned() }
        ));
        output.line(&format!("log        {entries} entries, {signed} signed"));
        for (contract, phases) in counts {
            output.line(&format!(
                "handoffs   {}: {}",
                plain(&contract),
                listed(phases.iter().map(|(name, count)| (*name, *count)))
            ));
        }
    }
    Ok(Exit::Findings)
}

fn render(status: &Status) -> String {
    let mut lines = Vec::new();
    let state = match (status.healthy, status.ready) {
        (false, _) => bad("the store failed"),
        (true, false) => "reading the CRM for the first time".to_owned(),
        (true, true) => good("working"),
    };
    lines.push(format!("handoffd   {} {state}", status.version));
    let by = status.writing.by.as_deref().map(plain).unwrap_or_default();
    let writing = if status.writing.paused { bad(&format!("paused by {by}")) } else { good("on") };
    lines.push(format!("writing    {writing}"));
    for mapping in &status.writing.tripped {
        lines.push(format!(
            "           {}",
            bad(&format!("{}: cap of writes per hour reached; resume lets it go on", plain(mapping)))
        ));
    }
    lines.push(format!("log        {} entries, {} signed", status.log.entries, status.log.signed));
    for (contract, phases) in &status.handoffs {
        lines.push(format!(
            "handoffs   {}: {}",
            plain(contract),
            listed(phases.iter().map(|(name, count)| (name.as_str(), *count)))
        ));
    }
    if status.overridden > 0 {
        let open = format!("{} gates stand open by break-glass, nobody accepted them", status.overridden);
        lines.push(format!("override   {}", bad(&open)));
    }
    lines.extend(status.contracts.iter().map(contract));
    lines.push(format!("parked     {}", status.parked));
    for (source, account) in &status.books {
        lines.push(format!(
            "{:<10} {}: {} received = {} applied, {} no change, {} superseded, {} ignored, {} parked, {} pending",
            "changes",
            plain(source),
            account.received,
            account.applied,
            account.no_change,
            account.superseded,
            account.ignored,
            account.parked,
            account.pending
        ));
    }
    lines.extend(status.connections.iter().map(connection));
    for calls in &status.calls {
        lines.push(format!(
            "calls {}: {} known, {} are evidence, {} waited for",
            plain(&calls.connection),
            calls.known,
            calls.evidence,
            calls.waiting
        ));
        if !calls.unresolved.is_empty() {
            let ids: Vec<String> = calls.unresolved.iter().take(20).map(|id| plain(id)).collect();
            let few = format!(
                "{} unresolved, their transcripts never came: {}",
                calls.unresolved.len(),
                ids.join(", ")
            );
            lines.push(format!("           {}", bad(&few)));
        }
    }
    lines.extend(status.tasks.iter().flat_map(tasks));
    lines.push(String::new());
    lines.join("\n")
}

/// Tasks of one connection, and what waits for one.
fn tasks(tasks: &TasksRow) -> Vec<String> {
    let waiting: usize = tasks.waiting.values().sum();
    let ordered =
        if tasks.ordered == 0 { String::new() } else { format!(", {} on their way", tasks.ordered) };
    let mut line = format!("tasks {}: {} open{ordered}", plain(&tasks.connection), tasks.open);
    if waiting > 0 {
        let words = |why: &str| match why {
            "quiet" => "until the quiet hours end",
            "cap" => "for the next day: their owners have enough",
            "nobody" => "for an owner who can see them",
            _ => "because the CRM refuses them",
        };
        let each: Vec<String> =
            tasks.waiting.iter().map(|(why, count)| format!("{count} {}", words(why))).collect();
        line = format!("{line}, {waiting} wait: {}", each.join(", "));
    }
    let refusals = tasks.refusals.iter().map(|why| format!("           {}", bad(&plain(why))));
    let vacant = tasks.vacant.iter().map(|role| {
        format!(
            "           {}",
            bad(&format!(
                "nobody can be found for the role {}: name somebody in [people.roles]",
                plain(role)
            ))
        )
    });
    std::iter::once(line).chain(vacant).chain(refusals).collect()
}

/// A contract text that needs a look.
fn contract(row: &ContractRow) -> String {
    let words = if row.weaker.is_empty() {
        "the files name it, but nobody approved it: the text in force stays in force".to_owned()
    } else {
        format!("DEMANDS LESS than the text before: {}", plain(&row.weaker.join("; ")))
    };
    format!("contract   {}", bad(&format!("{}@{} {words}", plain(&row.contract), row.version)))
}

fn connection(connection: &serde_json::Value) -> String {
    let field = |pointer: &str| {
        plain(connection.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or("unknown"))
    };
    let budgets = connection.pointer("/transport/budgets").and_then(serde_json::Value::as_array);
    let daily =
        budgets.into_iter().flatten().find(|budget| budget.get("name").is_some_and(|name| name == "daily"));
    let number = |name: &str| daily.and_then(|budget| budget.get(name)).and_then(serde_json::Value::as_u64);
    let calls = match (number("used"), number("limit")) {
        (Some(used), Some(limit)) => format!(", {used} of {limit} calls today"),
        (Some(_), None) | (None, Some(_) | None) => String::new(),
    };
    let circuit = match field("/transport/circuit/state").as_str() {
        "closed" => good("working"),
        other => bad(&format!("circuit {other}")),
    };
    format!(
        "connection {}: {circuit}, session {}{calls}",
        field("/connection"),
        field("/transport/session/state")
    )
}

fn listed<'a>(counts: impl Iterator<Item = (&'a str, u64)>) -> String {
    counts.map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
}

pub(super) async fn switch(
    path: &Path,
    by: Option<String>,
    on: bool,
    output: Output,
) -> Result<Exit, Failure> {
    let loaded = load(path)?;
    let by = by.or_else(|| std::env::var("USER").ok()).unwrap_or_else(|| "command line".to_owned());
    let writing = if let Some(remote) = Remote::find(&loaded.config)? {
        let path = if on { "api/v1/resume" } else { "api/v1/pause" };
        remote.post::<Writing>(path, &json!({ "by": by })).await?
    } else {
        let options = Options { autopilot: false, ..Options::default() };
        let clock = Arc::new(SystemClock);
        App::switch_at_rest(loaded.config, loaded.registry, clock, options, on, &by).await?.into()
    };
    if output.is_json() {
        output.json(&writing);
    } else {
        output.line(if writing.paused {
            "writing is paused; deciding and recording go on"
        } else {
            "writing is on"
        });
    }
    Ok(Exit::Ok)
}
