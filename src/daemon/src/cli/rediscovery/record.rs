//! What calls suggest about a record, and what people say about it.

use std::path::Path;
use std::sync::Arc;

use clap::Args;
use handoff_core::contract::Contract;
use handoff_core::evidence::CallRef;
use handoff_core::id::{ConnectionId, FieldKey};
use handoff_core::words::clock;
use serde_json::json;

use super::super::exit::{Exit, Failure};
use super::super::output::{Output, plain};
use super::super::record::{ask, dig, records};
use super::super::remote::Remote;
use super::super::why::Told;
use crate::api::model::EvidenceAnswer;
use crate::api::rediscovery::ReaskRow;
use crate::app::{App, Options};
use crate::calls::{Answered, NotAnswered};
use crate::clock::SystemClock;
use crate::config::{Loaded, load};

/// Which question, and who says so.
#[derive(Debug, Args)]
pub(in crate::cli) struct Say {
    /// `connection/object/record`, or the record's id alone.
    record: String,
    /// The number in `rediscovery list`, or the call's id and the field.
    #[arg(required = true, num_args = 1..=2)]
    question: Vec<String>,
    /// Who says so; stands in the log.
    #[arg(long)]
    by: String,
}

async fn told(loaded: &Loaded, remote: Option<&Remote>, argument: &str) -> Result<Vec<Told>, Failure> {
    let records = records(loaded, argument)?;
    match remote {
        Some(remote) => ask(remote, &records).await,
        None => dig(loaded, &records),
    }
}

/// All questions with their handoffs and numbers from 1.
fn numbered(told: &[Told]) -> Vec<(usize, &Told, &ReaskRow)> {
    let rows = told.iter().flat_map(|told| told.reasks.iter().map(move |row| (told, row)));
    rows.enumerate().map(|(number, (told, row))| (number + 1, told, row)).collect()
}

pub(super) async fn list(path: &Path, argument: &str, output: Output) -> Result<Exit, Failure> {
    let loaded = load(path)?;
    let remote = Remote::find(&loaded.config)?;
    let told = told(&loaded, remote.as_ref(), argument).await?;
    Ok(show(&loaded, argument, &told, output))
}

fn show(loaded: &Loaded, argument: &str, told: &[Told], output: Output) -> Exit {
    if output.is_json() {
        let rows: Vec<_> = numbered(told)
            .into_iter()
            .map(|(number, told, row)| json!({"n": number, "stream": told.stream, "question": row}))
            .collect();
        output.json(&rows);
    } else if told.is_empty() {
        output.line(&format!("no handoff is known for {}", plain(argument)));
    } else if told.iter().all(|told| told.reasks.is_empty()) {
        output.line("no call suggests that something was asked again");
    } else {
        for (number, told, row) in numbered(told) {
            let pin = told.state.as_ref().map(|state| &state.contract);
            let contract = pin.and_then(|pin| loaded.registry.pinned(pin)).map(|held| &held.contract);
            output.line(&format!("{number:>3}  {}", line(row, contract)));
            output.line(&format!("     {}", plain(&row.why)));
        }
    }
    if told.is_empty() { Exit::Findings } else { Exit::Ok }
}

/// A question on one line; never words of the call.
pub(in crate::cli) fn line(row: &ReaskRow, contract: Option<&Contract>) -> String {
    let field = contract.and_then(|contract| contract.field(&FieldKey::from(row.field.as_str())));
    let field = field.map_or(row.field.as_str(), |field| &field.label);
    let by = row.by.as_deref().map(|by| format!(" by {}", plain(by))).unwrap_or_default();
    let address = row.url.as_deref().map_or_else(|| format!("call {}", plain(&row.call)), plain);
    let complaint = if row.complaint { ", the customer said so" } else { "" };
    format!(
        "{:<9}{by}  {}{complaint}: call of {}, {}–{}  {address}",
        plain(&row.standing),
        plain(field),
        row.started_at.strftime("%Y-%m-%d"),
        clock(row.from_ms),
        clock(row.to_ms)
    )
}

/// The questions that an argument means.
fn meant<'a>(told: &'a [Told], which: &[String]) -> Result<Vec<(&'a Told, &'a ReaskRow)>, Failure> {
    let rows = numbered(told);
    let found: Vec<(&Told, &ReaskRow)> = match which {
        [number] => {
            let number: usize = number.parse().map_err(|_not_a_number| {
                Failure::new(
                    Exit::Usage,
                    "not a question: write its number in `rediscovery list`, or the call's id and the field",
                )
            })?;
            let mut rows = rows.into_iter().filter(|(each, _, _)| *each == number);
            rows.next().map(|(_, told, row)| (told, row)).into_iter().collect()
        }
        [call, field] => rows
            .into_iter()
            .filter(|(_, _, row)| row.call == *call && row.field == *field)
            .map(|(_, told, row)| (told, row))
            .collect(),
        _ => Vec::new(),
    };
    if found.is_empty() {
        return Err(Failure::new(
            Exit::Findings,
            "there is no such question: see `handoffd rediscovery list`",
        ));
    }
    Ok(found)
}

pub(super) async fn answer(path: &Path, say: &Say, confirmed: bool, output: Output) -> Result<Exit, Failure> {
    let by: String = say.by.chars().filter(|each| !each.is_control()).take(100).collect();
    if by.trim().is_empty() {
        return Err(Failure::new(Exit::Usage, "name who says so with --by"));
    }
    let loaded = load(path)?;
    let remote = Remote::find(&loaded.config)?;
    let before = told(&loaded, remote.as_ref(), &say.record).await?;
    let rows = meant(&before, &say.question)?;
    if let Some(remote) = &remote {
        for (told, row) in rows {
            let answer = EvidenceAnswer {
                connection: row.connection.clone(),
                call: row.call.clone(),
                field: row.field.clone(),
                from_ms: row.from_ms,
                confirmed,
                by: by.clone(),
            };
            let body = serde_json::to_value(&answer).unwrap_or_default();
            remote.post::<Vec<ReaskRow>>(&format!("api/v1/rediscovery/{}", told.stream), &body).await?;
        }
    } else {
        let answered = rows.into_iter().map(|(told, row)| Answered {
            stream: told.stream.clone(),
            call: CallRef { connection: ConnectionId(row.connection.clone()), id: row.call.clone() },
            field: FieldKey(row.field.clone()),
            from_ms: row.from_ms,
            confirmed,
            by: by.clone(),
        });
        let answered: Vec<Answered> = answered.collect();
        let options = Options { autopilot: false, ..Options::default() };
        let (config, registry) = (loaded.config.clone(), loaded.registry.clone());
        let handle = App::at_rest(config, registry, Arc::new(SystemClock), options).await?;
        for answered in answered {
            handle.answer_reask(answered).await.map_err(|error| match error {
                NotAnswered::Fatal(fatal) => Failure::from(fatal),
                NotAnswered::NoHandoff | NotAnswered::NoPlace | NotAnswered::Erased => {
                    Failure::because(Exit::Findings, &error)
                }
            })?;
        }
    }
    let after = told(&loaded, remote.as_ref(), &say.record).await?;
    Ok(show(&loaded, &say.record, &after, output))
}
