//! `handoffd rediscovery rate`.

use std::fmt::Write as _;
use std::path::Path;

use handoff_measure::reask::{RateRow, rates};
use handoff_measure::scorecard::Scorecard;
use rust_decimal::Decimal;

use super::super::archive::Archive;
use super::super::exit::{Exit, Failure};
use super::super::output::{Output, plain};
use super::super::remote::Remote;
use crate::clock::{Clock as _, SystemClock};
use crate::config::load;

pub(super) async fn rate(path: &Path, output: Output) -> Result<Exit, Failure> {
    let loaded = load(path)?;
    let rows: Vec<RateRow> = if let Some(remote) = Remote::find(&loaded.config)? {
        remote.get("api/v1/rediscovery").await?
    } else {
        let mut scorecard = Scorecard::new();
        Archive::open(&loaded.config)?.read("reading the log", |_, entry| {
            if let Some(entry) = entry {
                scorecard.apply(&entry);
            }
            true
        })?;
        rates(&scorecard, SystemClock.now(), crate::config::accuracy(&loaded.config))
    };
    if output.is_json() {
        output.json(&rows);
    } else {
        output.text(&render(&rows));
    }
    Ok(Exit::Ok)
}

fn render(rows: &[RateRow]) -> String {
    let mut text = String::new();
    for row in rows {
        let name = match (&row.contract, &row.motion) {
            (Some(contract), Some(motion)) => format!("{} {}", plain(contract), plain(motion)),
            _ => "all handoffs, each account once".to_owned(),
        };
        let share = told(row.percent, row.low, row.high);
        let mark = if row.provisional && row.percent.is_some() { "*" } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name}");
        let _ = writeln!(
            text,
            "  asked again       {share}{mark}  ({} of {} accounts)",
            row.asked_again, row.accounts
        );
        let _ = writeln!(text, "  waits for a word  {} accounts", row.waiting);
        let calls = &row.calls;
        let corrected = told(calls.percent, calls.low, calls.high);
        let _ = writeln!(
            text,
            "  by calls alone    {corrected}  ({} of {} accounts with scored calls; corrected for a sensitivity of {} % and a specificity of {} %)",
            calls.automatic, calls.accounts, calls.sensitivity_percent, calls.specificity_percent
        );
    }
    text.push_str(
        "\ntarget: under 10 % of accounts; a suggestion counts once a person confirmed it; in brackets the 95 % interval\n\
         * = provisional: the 30 days of some acceptance are not over; - = nothing to measure, or fewer than 20 accounts with scored calls\n",
    );
    text
}

fn told(percent: Option<Decimal>, low: Option<Decimal>, high: Option<Decimal>) -> String {
    match (percent, low, high) {
        (Some(percent), Some(low), Some(high)) => format!("{percent} % [{low}, {high}]"),
        _ => "-".to_owned(),
    }
}
