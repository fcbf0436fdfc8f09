//! `handoffd commission`: finance's statements of periods.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use handoff_measure::incentive::scoreboard;
use handoff_measure::ledger::{Columns, Finding, Format, Month, payouts, reconcile};
use rust_decimal::Decimal;
use serde_json::json;

use super::archive::Archive;
use super::exit::{Exit, Failure};
use super::output::{Output, bad, good, plain};
use super::remote::Remote;
use crate::app::{App, Options};
use crate::clock::SystemClock;
use crate::config::{Loaded, load};
use crate::finance::{Closed, Commission, Gathering, NotClosed, bytes};

/// Largest payout file.
const FILE: u64 = 64 * 1024 * 1024;

/// Statements of what pay depends on.
#[derive(Debug, Args)]
pub(super) struct Statements {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write a month's statement: by deal and payee what was released, what waits, and what changed since earlier months.
    #[command(
        after_help = "Examples:\n  handoffd commission export --period 2026-10 --format csv > october.csv\n  handoffd commission export --period 2026-10 --format xlsx --to october.xlsx\n\nA closed month gives the same bytes for ever. Exits 0; 1 if a closed month's file is lost."
    )]
    Export {
        /// The month, in UTC.
        #[arg(long)]
        period: Month,
        /// How it is written.
        #[arg(long, value_enum, default_value_t = As::Csv)]
        format: As,
        /// Into this file; absent = standard output.
        #[arg(long)]
        to: Option<PathBuf>,
    },
    /// Freeze a month: its files never change after it, and later changes are numbered adjustments in later months.
    #[command(
        after_help = "Example:\n  handoffd commission close --period 2026-10 --by fiona@acme.example\n\nExits 0; 1 if the month is not over or closed already."
    )]
    Close {
        /// The month, in UTC.
        #[arg(long)]
        period: Month,
        /// Who closes it; stands in the log.
        #[arg(long)]
        by: String,
    },
    /// The senders' quality beside their throughput, best first; nobody under five decided handoffs is named.
    #[command(after_help = "Example:\n  handoffd commission scoreboard --period 2026-10")]
    Scoreboard {
        /// The month, in UTC; it and the two months before count.
        #[arg(long)]
        period: Month,
    },
    /// Compare a payout file with a month's statement.
    #[command(
        after_help = "Example:\n  handoffd commission reconcile payouts.csv --period 2026-10 --deal 'Opportunity ID' --amount 'Credited amount'\n\nThe file is CSV with a header. Amounts are the credited amounts of deals, not the commission made of them.\nExits 0 if all agrees; 1 with what differs: paid but shut, open but unpaid, amount differs, unknown deal, unreadable row."
    )]
    Reconcile {
        /// The payout file.
        file: PathBuf,
        /// The month, in UTC.
        #[arg(long)]
        period: Month,
        /// Column with the deal.
        #[arg(long, default_value = "deal")]
        deal: String,
        /// Column with the payee's CRM user id, if there is one.
        #[arg(long, default_value = "payee")]
        payee: String,
        /// Column with the credited amount, if there is one.
        #[arg(long, default_value = "amount")]
        amount: String,
        /// Column with the currency, if there is one.
        #[arg(long, default_value = "currency")]
        currency: String,
    },
}

/// How a statement is written.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum As {
    /// A table.
    Csv,
    /// Everything.
    Json,
    /// A workbook.
    Xlsx,
}

impl From<As> for Format {
    fn from(format: As) -> Self {
        match format {
            As::Csv => Self::Csv,
            As::Json => Self::Json,
            As::Xlsx => Self::Xlsx,
        }
    }
}

pub(super) async fn commission(path: &Path, statements: Statements, output: Output) -> Result<Exit, Failure> {
    let loaded = load(path)?;
    match statements.what {
        What::Export { period, format, to } => export(&loaded, period, format.into(), to.as_deref()).await,
        What::Scoreboard { period } => board(&loaded, period, output).await,
        What::Close { period, by } => close(loaded, period, &by, output).await,
        What::Reconcile { file, period, deal, payee, amount, currency } => {
            let columns = Columns { deal, payee, amount, currency };
            compare(&loaded, period, &file, &columns, output).await
        }
    }
}

async fn statement(loaded: &Loaded, period: Month) -> Result<Commission, Failure> {
    if let Some(remote) = Remote::find(&loaded.config)? {
        return remote.get(&format!("api/v1/commission/{period}")).await;
    }
    let mut gathering = Gathering::new(period);
    Archive::open(&loaded.config)?.read("reading the log", |position, entry| {
        gathering.apply(position, entry.as_ref());
        true
    })?;
    Ok(gathering.finish(Decimal::from(loaded.config.commission.quality_weight_percent)))
}

async fn board(loaded: &Loaded, period: Month, output: Output) -> Result<Exit, Failure> {
    let board = scoreboard(&statement(loaded, period).await?.statement);
    if output.is_json() {
        output.json(&board);
        return Ok(Exit::Ok);
    }
    let told = |share: Option<Decimal>| share.map_or_else(|| "-".to_owned(), |share| share.to_string());
    for place in &board.places {
        output.line(&format!(
            "{:>3}  {}  handoffs {}, complete {}, first pass {}, not asked again {}, quality {}, factor {}",
            place.place,
            plain(&place.person),
            place.handoffs,
            told(place.completeness),
            told(place.first_pass),
            told(place.re_discovery),
            place.quality,
            place.factor
        ));
    }
    output.line(&format!(
        "{} to the two months before; weight {} %; mean quality {}; {} more with too few handoffs to show",
        board.period,
        board.weight_percent,
        told(board.mean),
        board.too_few
    ));
    output.line(&board.rule);
    Ok(Exit::Ok)
}

async fn export(loaded: &Loaded, period: Month, format: Format, to: Option<&Path>) -> Result<Exit, Failure> {
    let commission = statement(loaded, period).await?;
    let bytes = bytes(&loaded.config.state_dir, &commission, format)
        .map_err(|error| Failure::because(Exit::Findings, &error))?;
    if let Some(path) = to {
        std::fs::write(path, bytes)?;
    } else if format == Format::Xlsx && std::io::stdout().is_terminal() {
        return Err(Failure::new(Exit::Usage, "a workbook is no text: name a file with --to"));
    } else {
        std::io::stdout().lock().write_all(&bytes)?;
    }
    Ok(Exit::Ok)
}

async fn close(loaded: Loaded, period: Month, by: &str, output: Output) -> Result<Exit, Failure> {
    let by: String = by.chars().filter(|each| !each.is_control()).take(100).collect();
    if by.trim().is_empty() {
        return Err(Failure::new(Exit::Usage, "name who closes it with --by"));
    }
    let closed: Closed = if let Some(remote) = Remote::find(&loaded.config)? {
        remote.post(&format!("api/v1/commission/{period}/close"), &json!({ "by": by })).await?
    } else {
        // Only a directory that holds a log can be closed; nothing is created by asking.
        drop(Archive::open(&loaded.config)?);
        let options = Options { autopilot: false, ..Options::default() };
        let handle = App::at_rest(loaded.config, loaded.registry, Arc::new(SystemClock), options).await?;
        handle.close_period(period, &by).await.map_err(|error| match error {
            NotClosed::Fatal(fatal) => Failure::from(fatal),
            NotClosed::NotOver { .. } | NotClosed::AlreadyClosed { .. } => {
                Failure::because(Exit::Findings, &error)
            }
            NotClosed::Export(_) | NotClosed::Frozen(_) => Failure::because(Exit::State, &error),
        })?
    };
    if output.is_json() {
        output.json(&closed);
    } else {
        let (entries, position) = (closed.entries, closed.position);
        output.line(&format!(
            "{}: {period}, made of {entries} log entries; log entry {position}",
            good("closed")
        ));
        for (format, digest) in &closed.files {
            output.line(&format!("  {format:<4} SHA-256 {digest}"));
        }
    }
    Ok(Exit::Ok)
}

async fn compare(
    loaded: &Loaded,
    period: Month,
    file: &Path,
    columns: &Columns,
    output: Output,
) -> Result<Exit, Failure> {
    use std::io::Read as _;
    let cannot = |error: std::io::Error| {
        Failure::new(Exit::Usage, format!("{} cannot be read: {error}", file.display()))
    };
    let mut content = Vec::new();
    let opened = std::fs::File::open(file).map_err(cannot)?;
    opened.take(FILE + 1).read_to_end(&mut content).map_err(cannot)?;
    if u64::try_from(content.len()).unwrap_or(u64::MAX) > FILE {
        return Err(Failure::new(Exit::Usage, "the payout file is larger than 64 MiB: split it"));
    }
    let payouts = payouts(&content, columns).map_err(|error| Failure::because(Exit::Usage, &error))?;
    let commission = statement(loaded, period).await?;
    let found = reconcile(&commission.statement, &payouts);
    if output.is_json() {
        output.json(&found);
    } else if found.is_empty() {
        output.line(&format!("{}: {} payouts, nothing differs", good("agrees"), payouts.len()));
    } else {
        for finding in &found {
            output.line(&told(finding));
        }
        output.line(&bad(&format!("{} differences", found.len())));
    }
    Ok(if found.is_empty() { Exit::Ok } else { Exit::Findings })
}

fn told(finding: &Finding) -> String {
    let number = |number: Option<Decimal>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let payee = finding.payee.as_deref().map(|payee| format!(" payee {}", plain(payee))).unwrap_or_default();
    let currency = finding.currency.as_deref().map(|code| format!(" {}", plain(code))).unwrap_or_default();
    let line = finding.line.map(|line| format!(" (line {line})")).unwrap_or_default();
    let detail = finding.detail.as_deref().map(|detail| format!(": {}", plain(detail))).unwrap_or_default();
    format!(
        "{:<15} {}{payee} paid {} owed {}{currency}{line}{detail}",
        finding.kind.words(),
        plain(&finding.deal),
        number(finding.paid),
        number(finding.owed),
    )
}
