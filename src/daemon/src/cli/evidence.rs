//! `handoffd evidence`: places of calls that may speak of a record's fields, and what people say about them.

use std::path::Path;
use std::sync::Arc;

use clap::{Args, Subcommand};
use handoff_core::evidence::CallRef;
use handoff_core::id::{ConnectionId, FieldKey};
use serde_json::json;

use super::exit::{Exit, Failure};
use super::output::{Output, plain};
use super::record::{ask, dig, records};
use super::remote::Remote;
use super::why::{Told, place_line};
use crate::api::model::{EvidenceAnswer, EvidenceRow};
use crate::app::{App, Options};
use crate::calls::{Answered, NotAnswered};
use crate::clock::SystemClock;
use crate::config::{Loaded, load};

/// Places of calls that may speak of a record's fields.
#[derive(Debug, Args)]
pub(super) struct Evidence {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The places, numbered, oldest call first.
    #[command(after_help = "Example:\n  handoffd evidence list 006000000000001AAA")]
    List {
        /// `connection/object/record`, or the record's id alone.
        record: String,
    },
    /// This place speaks of its field.
    #[command(
        after_help = "Examples:\n  handoffd evidence confirm 006000000000001AAA 2 --by ingrid@acme.example\n  handoffd evidence confirm 006000000000001AAA 7782342274025937895 displacement --by ingrid@acme.example"
    )]
    Confirm(Say),
    /// This place does not speak of its field.
    #[command(
        after_help = "Example:\n  handoffd evidence dismiss 006000000000001AAA 2 --by ingrid@acme.example"
    )]
    Dismiss(Say),
}

/// Which place, and who says so.
#[derive(Debug, Args)]
struct Say {
    /// `connection/object/record`, or the record's id alone.
    record: String,
    /// The place's number in `evidence list`, or the call's id and the field.
    #[arg(required = true, num_args = 1..=2)]
    place: Vec<String>,
    /// Who says so; stands in the log.
    #[arg(long)]
    by: String,
}

pub(super) async fn evidence(path: &Path, evidence: Evidence, output: Output) -> Result<Exit, Failure> {
    match evidence.what {
        What::List { record } => list(path, &record, output).await,
        What::Confirm(say) => answer(path, &say, true, output).await,
        What::Dismiss(say) => answer(path, &say, false, output).await,
    }
}

async fn told(loaded: &Loaded, remote: Option<&Remote>, argument: &str) -> Result<Vec<Told>, Failure> {
    let records = records(loaded, argument)?;
    match remote {
        Some(remote) => ask(remote, &records).await,
        None => dig(loaded, &records),
    }
}

/// All places with their streams and numbers from 1.
fn numbered(told: &[Told]) -> Vec<(usize, &Told, &EvidenceRow)> {
    let places = told.iter().flat_map(|told| told.evidence.iter().map(move |place| (told, place)));
    places.enumerate().map(|(number, (told, place))| (number + 1, told, place)).collect()
}

async fn list(path: &Path, argument: &str, output: Output) -> Result<Exit, Failure> {
    let loaded = load(path)?;
    let remote = Remote::find(&loaded.config)?;
    let told = told(&loaded, remote.as_ref(), argument).await?;
    Ok(show(&loaded, argument, &told, output))
}

fn show(loaded: &Loaded, argument: &str, told: &[Told], output: Output) -> Exit {
    if output.is_json() {
        let rows: Vec<_> = numbered(told)
            .into_iter()
            .map(|(number, told, place)| json!({"n": number, "stream": told.stream, "place": place}))
            .collect();
        output.json(&rows);
    } else if told.is_empty() {
        output.line(&format!("no handoff is known for {}", plain(argument)));
    } else if told.iter().all(|told| told.evidence.is_empty()) {
        output.line("no call suggests anything for it");
    } else {
        for (number, told, place) in numbered(told) {
            let pin = told.state.as_ref().map(|state| &state.contract);
            let contract = pin.and_then(|pin| loaded.registry.pinned(pin)).map(|held| &held.contract);
            output.line(&format!("{number:>3}  {}", place_line(place, contract)));
        }
    }
    if told.is_empty() { Exit::Findings } else { Exit::Ok }
}

/// The places that an argument means.
fn meant<'a>(told: &'a [Told], which: &[String]) -> Result<Vec<(&'a Told, &'a EvidenceRow)>, Failure> {
    let places = numbered(told);
    let found: Vec<(&Told, &EvidenceRow)> = match which {
        [number] => {
            let number: usize = number.parse().map_err(|_not_a_number| {
                Failure::new(
                    Exit::Usage,
                    "not a place: write its number in `evidence list`, or the call's id and the field",
                )
            })?;
            places
                .into_iter()
                .filter(|(each, _, _)| *each == number)
                .map(|(_, told, place)| (told, place))
                .collect()
        }
        [call, field] => places
            .into_iter()
            .filter(|(_, _, place)| place.call == *call && place.field == *field)
            .map(|(_, told, place)| (told, place))
            .collect(),
        _ => Vec::new(),
    };
    if found.is_empty() {
        return Err(Failure::new(Exit::Findings, "there is no such place: see `handoffd evidence list`"));
    }
    Ok(found)
}

async fn answer(path: &Path, say: &Say, confirmed: bool, output: Output) -> Result<Exit, Failure> {
    let by: String = say.by.chars().filter(|each| !each.is_control()).take(100).collect();
    if by.trim().is_empty() {
        return Err(Failure::new(Exit::Usage, "name who says so with --by"));
    }
    let loaded = load(path)?;
    let remote = Remote::find(&loaded.config)?;
    let before = told(&loaded, remote.as_ref(), &say.record).await?;
    let places = meant(&before, &say.place)?;
    if let Some(remote) = &remote {
        for (told, place) in places {
            let answer = EvidenceAnswer {
                connection: place.connection.clone(),
                call: place.call.clone(),
                field: place.field.clone(),
                from_ms: place.from_ms,
                confirmed,
                by: by.clone(),
            };
            let body = serde_json::to_value(&answer).unwrap_or_default();
            remote.post::<Vec<EvidenceRow>>(&format!("api/v1/evidence/{}", told.stream), &body).await?;
        }
    } else {
        let answered = places.into_iter().map(|(told, place)| Answered {
            stream: told.stream.clone(),
            call: CallRef { connection: ConnectionId(place.connection.clone()), id: place.call.clone() },
            field: FieldKey(place.field.clone()),
            from_ms: place.from_ms,
            confirmed,
            by: by.clone(),
        });
        let answered = answered.collect();
        let options = Options { autopilot: false, ..Options::default() };
        let (config, registry) = (loaded.config.clone(), loaded.registry.clone());
        let done = App::answer_at_rest(config, registry, Arc::new(SystemClock), options, answered).await?;
        done.map_err(|error| match error {
            NotAnswered::Fatal(fatal) => Failure::from(fatal),
            NotAnswered::NoHandoff | NotAnswered::NoPlace | NotAnswered::Erased => {
                Failure::because(Exit::Findings, &error)
            }
        })?;
    }
    let after = told(&loaded, remote.as_ref(), &say.record).await?;
    Ok(show(&loaded, &say.record, &after, output))
}
