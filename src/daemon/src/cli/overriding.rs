//! `handoffd override`: two people open a gate for a while without what it waits for.

use std::path::Path;
use std::sync::Arc;

use clap::Args;
use handoff_core::id::GateName;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::exit::{Exit, Failure};
use super::output::{Output, plain};
use super::record::{ask, dig, records};
use super::remote::Remote;
use crate::api::model::OverrideAnswer;
use crate::app::{App, Options};
use crate::clock::{Clock as _, SystemClock};
use crate::config::load;
use crate::overrides::{NotSaid, Said, Word};

/// Which gate of which record, and who says so.
#[derive(Debug, Args)]
pub(super) struct Override {
    /// `connection/object/record`, or the record's id alone.
    record: String,
    /// The gate, as `why` shows it.
    #[arg(long)]
    gate: String,
    /// Who says so, by login; needs the role `break_glass` in [people.roles]. Stands in the log.
    #[arg(long)]
    by: String,
    /// Agree as the second person.
    #[arg(long, conflicts_with_all = ["reason", "expires"])]
    confirm: bool,
    /// Why, in 10 to 500 characters.
    #[arg(long, required_unless_present = "confirm")]
    reason: Option<String>,
    /// Until when: an instant like 2026-03-31T18:00:00Z, or hours from now like 8h; at most 30 days.
    #[arg(long, required_unless_present = "confirm")]
    expires: Option<String>,
}

/// An instant, or a span from now.
fn expiry(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    now.checked_add(text.parse::<SignedDuration>().ok()?).ok()
}

pub(super) async fn overriding(path: &Path, wanted: Override, output: Output) -> Result<Exit, Failure> {
    let loaded = load(path)?;
    let remote = Remote::find(&loaded.config)?;
    let known = records(&loaded, &wanted.record)?;
    let told = match &remote {
        Some(remote) => ask(remote, &known).await?,
        None => dig(&loaded, &known)?,
    };
    let gate = GateName(wanted.gate.clone());
    let has_gate = |verdict: &handoff_core::gate::Verdict| verdict.gates.contains_key(&gate);
    let mut streams = told
        .iter()
        .filter(|told| told.verdict.as_ref().is_some_and(has_gate))
        .map(|told| told.stream.clone());
    let stream = streams.next().ok_or_else(|| {
        Failure::new(Exit::Findings, "no handoff of this record has such a gate: see `handoffd why`")
    })?;
    if streams.next().is_some() {
        return Err(Failure::new(
            Exit::Usage,
            "several handoffs have a gate of this name: write connection/object/record",
        ));
    }
    let word = if wanted.confirm {
        Word::Confirm
    } else {
        let expires = wanted.expires.as_deref().and_then(|text| expiry(text, SystemClock.now()));
        let expires = expires.ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                "--expires is neither an instant like 2026-03-31T18:00:00Z nor a span like 8h",
            )
        })?;
        Word::Ask { reason: wanted.reason.unwrap_or_default(), expires }
    };
    let said = Said { stream: stream.clone(), gate, by: wanted.by, word };
    if let Some(remote) = &remote {
        let body = serde_json::to_value(OverrideAnswer::from(&said)).unwrap_or_default();
        remote.post::<serde_json::Value>(&format!("api/v1/override/{stream}"), &body).await?;
    } else {
        let options = Options { autopilot: false, ..Options::default() };
        let (config, registry) = (loaded.config.clone(), loaded.registry.clone());
        let done = App::override_at_rest(config, registry, Arc::new(SystemClock), options, said).await?;
        done.map_err(|error| match error {
            NotSaid::Fatal(fatal) => Failure::from(fatal),
            NotSaid::NoHandoff | NotSaid::Denied(_) | NotSaid::Erased | NotSaid::Conflict => {
                Failure::because(Exit::Findings, &error)
            }
        })?;
    }
    let words = if wanted.confirm {
        "the gate stands open until its time is over; it is no acceptance, and status and scorecard say so"
    } else {
        "asked for: nothing opens until another person says the same with --confirm within 24 hours"
    };
    if output.is_json() {
        output.json(&json!({"stream": stream, "gate": wanted.gate, "confirmed": wanted.confirm}));
    } else {
        output.line(&format!("{}: {words}", plain(&stream)));
    }
    Ok(Exit::Ok)
}
