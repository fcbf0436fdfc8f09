//! `handoffd scorecard`.

mod drill;
mod groups;

use std::fmt::Write as _;
use std::path::Path;

use clap::{Args, ValueEnum};
use handoff_measure::answers::Receiver;
use handoff_measure::metric::{Band, Figure, Metric};
use handoff_measure::period::Period;
use handoff_measure::report::{Report, Row, Standing as Stands};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::archive::Archive;
use super::exit::{Exit, Failure};
use super::output::{Output, bad, plain};
use super::past;
use super::remote::Remote;
use super::why::span;
use crate::api::{Standing, shown};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, load};

/// How it is cut, or what is asked instead.
#[derive(Debug, Args)]
pub(super) struct Cut {
    /// Periods, in UTC.
    #[arg(long, value_enum, default_value_t = By::Month)]
    by: By,
    /// Of frozen months: a version's number, or `live` for what the log amounts to now; the newest version by default.
    #[arg(long)]
    version: Option<String>,
    /// Instead: the records behind a figure of --contract.
    #[arg(long, value_enum, requires = "contract")]
    drill: Option<drill::Behind>,
    /// Only this contract.
    #[arg(long)]
    contract: Option<String>,
    /// Only this motion.
    #[arg(long)]
    motion: Option<String>,
    /// Only this period, e.g. 2026-10 or 2026-W43; of --drill and --people all time by default.
    #[arg(long)]
    period: Option<String>,
    /// Instead: senders, receivers and teams; never under the minimum of [scorecard] `minimum_n`.
    #[arg(long, conflicts_with = "drill")]
    people: bool,
    /// Instead: the running month, as the page, the metrics and the records show it.
    #[arg(long, conflicts_with_all = ["drill", "people"])]
    live: bool,
    /// Instead: whether what nothing enforces decays: its two last whole quarters.
    #[arg(long, conflicts_with_all = ["drill", "people", "live"])]
    decay: bool,
}

/// Periods.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum By {
    /// ISO weeks.
    Week,
    /// Calendar months.
    Month,
}

impl Cut {
    /// Leaves what was asked for.
    fn only(&self, report: &mut Report) {
        let is = |asked: &Option<String>, has: &str| asked.as_deref().is_none_or(|asked| asked == has);
        report.rows.retain(|row| {
            let of = row.period.as_deref().unwrap_or("all");
            is(&self.contract, &row.contract) && is(&self.motion, &row.motion) && is(&self.period, of)
        });
        report
            .receivers
            .retain(|receiver| is(&self.contract, &receiver.contract) && is(&self.motion, &receiver.motion));
        report.frozen.retain(|frozen| is(&self.period, &frozen.period));
    }
}

pub(super) async fn scorecard(path: &Path, cut: &Cut, output: Output) -> Result<Exit, Failure> {
    let config = load(path)?.config;
    if let Some(behind) = cut.drill {
        return drill::drill(&config, cut, behind, output).await;
    }
    if cut.people {
        return groups::people(&config, cut.period.as_deref(), output).await;
    }
    if cut.live {
        return groups::live(&config, output).await;
    }
    if cut.decay {
        return groups::decay(&config, output).await;
    }
    let (name, period) = match cut.by {
        By::Week => ("week", Period::Week),
        By::Month => ("month", Period::Month),
    };
    let Some(of) = shown(cut.version.as_deref()) else {
        return Err(Failure::new(Exit::Usage, "--version is a number, or live".to_owned()));
    };
    let version = cut.version.as_ref().map_or_else(String::new, |version| format!("&version={version}"));
    let path = format!("api/v1/scorecard?by={name}{version}");
    let now = SystemClock.now();
    let mut report: Report =
        ask(&config, &path, |standing| standing.scorecard.report_of(period, now, of)).await?;
    cut.only(&mut report);
    Ok(tell(&report, render, output))
}

/// Asks the daemon, or the log while none runs.
async fn ask<T: DeserializeOwned>(
    config: &Config,
    path: &str,
    local: impl FnOnce(&Standing) -> T,
) -> Result<T, Failure> {
    if let Some(remote) = Remote::find(config)? {
        return remote.get(path).await;
    }
    let mut standing = Standing::new(&config.scorecard);
    Archive::open(config)?.read("reading the log", |position, entry| {
        if let Some(entry) = entry {
            standing.apply(position, &entry);
        }
        true
    })?;
    Ok(local(&standing))
}

fn tell<T: Serialize>(answer: &T, words: impl Fn(&T) -> String, output: Output) -> Exit {
    if output.is_json() {
        output.json(answer);
    } else {
        output.text(&words(answer));
    }
    Exit::Ok
}

fn render(report: &Report) -> String {
    let weakened = weakened(report);
    if report.rows.is_empty() {
        return format!("no handoff was decided or passed yet\n{weakened}");
    }
    let mut text = columns(report);
    text.push_str(&held(report));
    text.push_str(&past::words(report));
    text.push_str(&receivers(&report.receivers));
    text.push_str(
        "\ntargets: completion 90 %, acceptance on the first submission 85 %, median to acceptance under 48 h\n\
         completion under 70 % = aspirational: the contract is not yet lived; * = provisional for 30 days; - = nothing to measure yet\n\
         in brackets: the 95 % interval; v1 = the frozen version that is shown, provisional = not final before 30 days after its end\n",
    );
    text.push_str(&more(report));
    text.push_str(&versions(report));
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

const HEADS: [&str; 10] = [
    "contract / motion",
    "period",
    "shown",
    "completion",
    "acceptance",
    "to acceptance",
    "accepted",
    "by-passes",
    "tampers",
    "overrides",
];
/// Columns of counts stand to the right.
const COUNTS: usize = 6;

/// The rows as wide as they are. Periods in which nothing moved on are left out.
fn columns(report: &Report) -> String {
    let shown: Vec<&Row> = report.rows.iter().filter(|row| row.period.is_none() || moved(row)).collect();
    let lines: Vec<[String; 10]> =
        std::iter::once(HEADS.map(str::to_owned)).chain(shown.iter().map(|row| cells(row))).collect();
    let mut widths = [0_usize; 10];
    for cells in &lines {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for cells in &lines {
        let padded = cells.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            if column < COUNTS { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        text.push_str(padded.collect::<Vec<String>>().join("  ").trim_end());
        text.push('\n');
    }
    if shown.len() < report.rows.len() {
        text.push_str("periods in which nothing moved on are left out\n");
    }
    text
}

/// Whether anything happened that a number counts.
fn moved(row: &Row) -> bool {
    let (through, counts) = (&row.throughput, &row.counts);
    through.transitions + through.decided + through.accepted > 0
        || counts.bypasses + counts.tampers + counts.overrides > 0
}

fn named(row: &Row) -> String {
    plain(&format!("{} / {}", row.contract, row.motion))
}

fn cells(row: &Row) -> [String; 10] {
    let provisional = if row.provisional { "*" } else { "" };
    [
        named(row),
        row.period.clone().unwrap_or_else(|| "all".to_owned()),
        stands(row),
        figure(row.figure(Metric::Completion)),
        format!("{}{provisional}", figure(row.figure(Metric::Acceptance))),
        brief(row.figure(Metric::TimeToAcceptance)),
        row.throughput.accepted.to_string(),
        row.counts.bypasses.to_string(),
        row.counts.tampers.to_string(),
        row.counts.overrides.to_string(),
    ]
}

/// Which numbers stand there.
fn stands(row: &Row) -> String {
    row.version.map_or_else(
        || {
            let words = match row.standing {
                Stands::Running => "live",
                Stands::Provisional => "provisional",
                Stands::Final => "final",
            };
            words.to_owned()
        },
        |version| format!("v{version}"),
    )
}

/// A figure with its n, interval and band.
fn figure(figure: Option<&Figure>) -> String {
    let Some(figure) = figure.filter(|figure| figure.value.is_some()) else { return "-".to_owned() };
    let band = match figure.band {
        Band::NotMeasurable | Band::OnTarget => "",
        Band::Below => " low",
        Band::Aspirational => " aspirational",
    };
    let interval = figure
        .interval
        .map_or_else(String::new, |interval| format!(" [{}..{}]", interval.low, interval.high));
    format!("{}{interval} (n {}{}){band}", figure.words(), figure.n, left_out(figure))
}

/// What is in no figure because it cannot be told.
fn left_out(figure: &Figure) -> String {
    if figure.unmeasurable == 0 { String::new() } else { format!(", {} not told", figure.unmeasurable) }
}

/// A figure with its n.
fn brief(figure: Option<&Figure>) -> String {
    let value = figure.filter(|figure| figure.value.is_some());
    value.map_or_else(
        || "-".to_owned(),
        |figure| format!("{} (n {}{})", figure.words(), figure.n, left_out(figure)),
    )
}

/// The metrics that come from elsewhere than the handoffs themselves, over all periods.
fn more(report: &Report) -> String {
    let mut text = String::new();
    for row in report.rows.iter().filter(|row| row.period.is_none()) {
        for metric in [Metric::ReDiscovery, Metric::NpsDelta, Metric::LeakToChurn] {
            if let Some(found) = row.figure(metric).filter(|figure| figure.value.is_some()) {
                let _ = writeln!(text, "{}  {}: {}", named(row), metric.title(), figure(Some(found)));
            }
        }
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

/// Frozen months that were restated, aloud.
fn versions(report: &Report) -> String {
    let mut text = String::new();
    for frozen in report.frozen.iter().filter(|frozen| frozen.version > 1) {
        let _ = writeln!(
            text,
            "\n{} was restated as version {} at {} (log position {})",
            plain(&frozen.period),
            frozen.version,
            frozen.at,
            frozen.position
        );
        for words in frozen.changed.iter().chain(&frozen.because) {
            text.extend(["  ", &plain(words), "\n"]);
        }
    }
    text
}
