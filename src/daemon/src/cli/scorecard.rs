//! `handoffd scorecard`.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Args, ValueEnum};
use handoff_measure::answers::Receiver;
use handoff_measure::period::Period;
use handoff_measure::report::{Band, Rate, Report, Row};

use super::archive::Archive;
use super::exit::{Exit, Failure};
use super::output::{Output, bad, plain};
use super::past;
use super::remote::Remote;
use super::why::span;
use crate::api::Standing;
use crate::clock::{Clock as _, SystemClock};
use crate::config::load;

/// How it is cut.
#[derive(Debug, Args)]
pub(super) struct Cut {
    /// Periods, in UTC.
    #[arg(long, value_enum, default_value_t = By::Month)]
    by: By,
}

/// Periods.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum By {
    /// ISO weeks.
    Week,
    /// Calendar months.
    Month,
}

pub(super) async fn scorecard(path: &Path, cut: &Cut, output: Output) -> Result<Exit, Failure> {
    let loaded = load(path)?;
    let (name, period) = match cut.by {
        By::Week => ("week", Period::Week),
        By::Month => ("month", Period::Month),
    };
    let report: Report = if let Some(remote) = Remote::find(&loaded.config)? {
        remote.get(&format!("api/v1/scorecard?by={name}")).await?
    } else {
        let mut standing = Standing::default();
        Archive::open(&loaded.config)?.read("reading the log", |position, entry| {
            if let Some(entry) = entry {
                standing.apply(position, &entry);
            }
            true
        })?;
        standing.scorecard.report(period, SystemClock.now())
    };
    if output.is_json() {
        output.json(&report);
    } else {
        output.text(&render(&report));
    }
    Ok(Exit::Ok)
}

fn render(report: &Report) -> String {
    let weakened = weakened(report);
    if report.rows.is_empty() {
        return format!("no handoff was decided or passed yet\n{weakened}");
    }
    let names: Vec<String> = report.rows.iter().map(named).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(HEAD.len());
    let mut text = format!(
        "{HEAD:<width$}  {:<8}  {:<24}  {:<24}  {:<17}  {:>9}  {:>7}  {:>9}\n",
        "period", "completion", "acceptance", "to acceptance", "by-passes", "tampers", "overrides"
    );
    for (name, row) in names.iter().zip(&report.rows) {
        text.push_str(&line(name, width, row));
    }
    text.push_str(&held(report));
    text.push_str(&past::words(report));
    text.push_str(&receivers(&report.receivers));
    text.push_str(
        "\ntargets: completion 90 %, acceptance on the first submission 85 %, median to acceptance under 48 h\n\
         completion under 70 % = aspirational: the contract is not yet lived; * = provisional for 30 days; - = nothing to measure yet\n",
    );
    text.push_str(&weakened);
    text
}

/// Contracts that demand less than those before them, aloud.
fn weakened(report: &Report) -> String {
    let mut text = String::new();
    for weakening in &report.weakened {
        let contract = plain(&weakening.contract);
        let line = format!("{contract}@{} DEMANDS LESS from {} on:", weakening.version, weakening.effective);
        text.extend(["\n", &bad(&line), "\n"]);
        for words in &weakening.weaker {
            text.extend(["  ", &plain(words), "\n"]);
        }
    }
    text
}

/// Who held the handoffs that were accepted, over all periods, in percent of the time.
fn held(report: &Report) -> String {
    let mut text = String::new();
    for row in report.rows.iter().filter(|row| row.period.is_none() && row.held.n > 0) {
        let shares = &row.held.shares;
        let share = |ms: i64| if shares.total_ms == 0 { 0 } else { ms.saturating_mul(100) / shares.total_ms };
        let _ = writeln!(
            text,
            "{}  held {} (n {}): sender {} ({} %), receiver {} ({} %), customer {} ({} %), system {} ({} %)",
            named(row),
            span(shares.total_ms),
            row.held.n,
            span(shares.sender_ms),
            share(shares.sender_ms),
            span(shares.receiver_ms),
            share(shares.receiver_ms),
            span(shares.customer_ms),
            share(shares.customer_ms),
            span(shares.system_ms),
            share(shares.system_ms)
        );
    }
    if text.is_empty() { text } else { format!("\nwho held it, hours:minutes:seconds\n{text}") }
}

/// How the receivers answer.
fn receivers(receivers: &[Receiver]) -> String {
    let mut text = String::new();
    for receiver in receivers {
        let mut signs = Vec::new();
        if receiver.rubber_stamp {
            signs.push(format!("accepts unread? {} in a row within a minute", receiver.longest_quick_run));
        }
        if receiver.rejects_most {
            signs.push("rejects more than half".to_owned());
        }
        let rate =
            receiver.rejections.percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent} %"));
        let _ = writeln!(
            text,
            "{}  rejects {rate} (n {}), accepts within a minute {}  {}",
            plain(&format!("{} / {} / {}", receiver.contract, receiver.motion, receiver.person)),
            receiver.rejections.n,
            receiver.quick,
            signs.join("; ")
        );
    }
    if text.is_empty() { text } else { format!("\nreceivers\n{}", text.replace("  \n", "\n")) }
}

const HEAD: &str = "contract / motion";

fn named(row: &Row) -> String {
    plain(&format!("{} / {}", row.contract, row.motion))
}

fn line(name: &str, width: usize, row: &Row) -> String {
    let time = row
        .time_to_acceptance
        .map_or_else(|| "-".to_owned(), |spread| format!("{} h (n {})", spread.median_hours, spread.n));
    let provisional = if row.provisional { "*" } else { "" };
    format!(
        "{name:<width$}  {:<8}  {:<24}  {:<24}  {time:<17}  {:>9}  {:>7}  {:>9}\n",
        row.period.as_deref().unwrap_or("all"),
        rate(&row.completion),
        format!("{}{provisional}", rate(&row.acceptance)),
        row.counts.bypasses,
        row.counts.tampers,
        row.counts.overrides
    )
}

fn rate(rate: &Rate) -> String {
    let Some(percent) = rate.percent else { return "-".to_owned() };
    let band = match rate.band {
        Band::NotMeasurable | Band::OnTarget => "",
        Band::Below => " low",
        Band::Aspirational => " aspirational",
    };
    format!("{percent} % (n {}){band}", rate.n)
}
