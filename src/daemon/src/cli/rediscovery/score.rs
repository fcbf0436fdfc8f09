//! `handoffd rediscovery score`: calls of a file, one per line, each scored on its own; needs no configuration and no daemon.

use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use handoff_rediscovery::{Accuracy, Events, Lexicon, Options, Window, accounts, estimate, score};
use serde_json::json;

use super::super::exit::{Exit, Failure};
use super::super::output::Output;
use crate::lexicon;

/// Longest line in bytes; a longer one is an error of that line.
const LONGEST: u64 = 64 * 1024 * 1024;

/// Which calls, and what to tell of them.
#[derive(Debug, Args)]
pub(in crate::cli) struct Score {
    /// The file, one call per line; `-` reads standard input.
    file: PathBuf,
    /// Folder of a lexicon of one's own; absent = the one inside the program.
    #[arg(long, value_name = "DIR")]
    lexicon: Option<PathBuf>,
    /// Also tell the question, at most 200 characters, and the terms that matched. Otherwise no word of a call or a record is told.
    #[arg(long)]
    quote: bool,
    /// Goes into the hashes of terms, so that they cannot be looked up.
    #[arg(long, default_value = "")]
    salt: String,
    /// At the end one more line: accounts with an incident among those with a scored call, with interval and correction.
    #[arg(long)]
    summary: bool,
    /// For the correction in the summary: share of accounts with an incident that is found, in percent.
    #[arg(long, default_value_t = crate::config::SENSITIVITY)]
    sensitivity: u8,
    /// For the correction in the summary: share of accounts without one that is left alone, in percent.
    #[arg(long, default_value_t = crate::config::SPECIFICITY)]
    specificity: u8,
}

/// Prints one JSON object per call in the order of the lines; a line that cannot be scored gives `{"line", "error"}` and exit code 1.
pub(super) fn run(wanted: &Score, output: Output) -> Result<Exit, Failure> {
    let lexicon = match &wanted.lexicon {
        Some(dir) => lexicon::from(dir).map_err(|error| Failure::because(Exit::Config, &error))?,
        None => Lexicon::shipped().map_err(|error| Failure::because(Exit::Config, &error))?,
    };
    if wanted.file == Path::new("-") {
        return lines(std::io::stdin().lock(), &lexicon, wanted, output);
    }
    let file = std::fs::File::open(&wanted.file).map_err(|error| {
        Failure::new(Exit::Usage, format!("cannot read {}: {error}", wanted.file.display()))
    })?;
    lines(BufReader::new(file), &lexicon, wanted, output)
}

fn lines(
    mut input: impl BufRead,
    lexicon: &Lexicon,
    wanted: &Score,
    output: Output,
) -> Result<Exit, Failure> {
    let options = Options { quote: wanted.quote, salt: wanted.salt.clone() };
    let mut calls: Vec<Events> = Vec::new();
    let mut wrong = 0_u64;
    let mut number = 0_u64;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = input.by_ref().take(LONGEST).read_until(b'\n', &mut line);
        let read = read.map_err(|error| Failure::new(Exit::Usage, format!("cannot read on: {error}")))?;
        if read == 0 {
            break;
        }
        number += 1;
        let cut = u64::try_from(read).unwrap_or(LONGEST) >= LONGEST && !line.ends_with(b"\n");
        if cut {
            pass_over(&mut input)?;
        }
        match one(&line, number, cut, lexicon, &options) {
            None => {}
            Some(Ok(events)) => {
                output.json_line(&events);
                if wanted.summary {
                    calls.push(events);
                }
            }
            Some(Err(error)) => {
                wrong += 1;
                output.json_line(&json!({ "line": number, "error": error }));
            }
        }
    }
    if wanted.summary {
        let told = accounts(&calls, Window::default());
        let accuracy = Accuracy {
            sensitivity: f64::from(wanted.sensitivity.min(100)) / 100.0,
            specificity: f64::from(wanted.specificity.min(100)) / 100.0,
        };
        let figure = estimate(told.incidents, told.scored, accuracy);
        output
            .json_line(&json!({ "summary": { "accounts": told, "estimate": figure, "wrong_lines": wrong } }));
    }
    Ok(if wrong == 0 { Exit::Ok } else { Exit::Findings })
}

/// What one line gives; `None` = nothing stands in it.
fn one(
    line: &[u8],
    number: u64,
    cut: bool,
    lexicon: &Lexicon,
    options: &Options,
) -> Option<Result<Events, String>> {
    if cut {
        return Some(Err(format!("the line has more than {LONGEST} bytes")));
    }
    let Ok(text) = std::str::from_utf8(line) else {
        return Some(Err("the line is not UTF-8".to_owned()));
    };
    // Some programs begin a file with a mark of its encoding.
    let text = if number == 1 { text.trim_start_matches('\u{feff}') } else { text }.trim();
    (!text.is_empty()).then(|| score(text, lexicon, options).map_err(|error| error.to_string()))
}

/// Reads on to the end of the line.
fn pass_over(input: &mut impl BufRead) -> Result<(), Failure> {
    let mut rest = Vec::new();
    loop {
        rest.clear();
        let read = input.by_ref().take(LONGEST).read_until(b'\n', &mut rest);
        let read = read.map_err(|error| Failure::new(Exit::Usage, format!("cannot read on: {error}")))?;
        if read == 0 || rest.ends_with(b"\n") {
            return Ok(());
        }
    }
}
