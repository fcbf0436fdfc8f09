//! `handoffd rediscovery`: questions that the customer had answered before, in files of calls and on records.

mod rate;
mod record;
mod score;
mod waiting;

pub(super) use record::line;

use std::path::Path;

use clap::{Args, Subcommand};

use super::exit::{Exit, Failure};
use super::output::Output;

/// Questions that the customer had answered before.
#[derive(Debug, Args)]
pub(super) struct Rediscovery {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Score calls of a file, one per line with the package; needs no configuration. One line of JSON per call.
    #[command(
        after_help = "Examples:\n  handoffd rediscovery score calls.jsonl\n  handoffd rediscovery score - --lexicon ./lexicon --summary < calls.jsonl\n\nA line: {\"call\": Gong's call, \"transcript\": Gong's callTranscript, \"package\": {contract: {field: {part: value}}},\n\"accepted_at\": time, \"sender_team\": [e-mail addresses], \"account\": id}. All of it: src/rediscovery/README.md.\nA line that cannot be scored gives {\"line\": n, \"error\": \"...\"}, and the command ends with 1."
    )]
    Score(score::Score),
    /// How often accounts were asked again: confirmed, waiting, and what calls alone say with their correction.
    Rate,
    /// What calls suggest about a record, numbered, oldest call first; without one, the records with questions that nobody answered.
    #[command(
        after_help = "Examples:\n  handoffd rediscovery list\n  handoffd rediscovery list 006000000000001AAA"
    )]
    List {
        /// `connection/object/record`, or the record's id alone.
        record: Option<String>,
    },
    /// The customer was asked again.
    #[command(
        after_help = "Examples:\n  handoffd rediscovery confirm 006000000000001AAA 1 --by ines@acme.example\n  handoffd rediscovery confirm 006000000000001AAA 7782342274025937895 go_live --by ines@acme.example"
    )]
    Confirm(record::Say),
    /// The customer was not asked again.
    #[command(
        after_help = "Example:\n  handoffd rediscovery dismiss 006000000000001AAA 1 --by ines@acme.example"
    )]
    Dismiss(record::Say),
}

pub(super) async fn rediscovery(path: &Path, wanted: Rediscovery, output: Output) -> Result<Exit, Failure> {
    match wanted.what {
        What::Score(wanted) => score::run(&wanted, output),
        What::Rate => rate::rate(path, output).await,
        What::List { record: Some(record) } => record::list(path, &record, output).await,
        What::List { record: None } => waiting::list(path, output).await,
        What::Confirm(say) => record::answer(path, &say, true, output).await,
        What::Dismiss(say) => record::answer(path, &say, false, output).await,
    }
}
