//! The commands.

mod archive;
pub(crate) mod audit;
mod backfill;
mod bench;
mod commission;
mod concrete;
mod contract;
mod demo;
mod evidence;
pub mod exit;
mod export;
mod feed;
mod leaks;
pub(crate) mod output;
mod overriding;
mod past;
mod record;
mod rediscovery;
mod remote;
mod run;
mod sandbox;
mod scorecard;
mod signals;
mod status;
#[cfg(test)]
mod tests;
pub mod why;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use exit::{Exit, Failure};
use output::Output;

/// Governs revenue handoffs: a deal counts only when its package is complete and the receiving team accepted it.
#[derive(Debug, Parser)]
#[command(name = "handoffd", version, max_term_width = 110, after_help = exit::TABLE)]
pub struct Cli {
    /// The configuration.
    #[arg(long, short, global = true, env = "HANDOFFD_CONFIG", default_value = "handoffd.toml")]
    config: PathBuf,
    /// Print JSON for machines.
    #[arg(long, global = true)]
    json: bool,
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Govern: receive webhooks, poll, decide, write gates.
    #[command(
        after_help = "Example:\n  handoffd --config /etc/handoffd/handoffd.toml run\n\nStops cleanly on SIGTERM and SIGINT; gates stay as they are."
    )]
    Run,
    /// Watch a CRM being governed: starts a sandbox company and plays one story through it.
    #[command(
        after_help = "Examples:\n  handoffd demo              plays the story and stays up, to look around\n  handoffd demo --once       plays it and exits 0 if every step held, else 1\n  handoffd demo --once --json | jq .ok"
    )]
    Demo(demo::Demo),
    /// Serve sandboxes of Salesforce, HubSpot and Gong on loopback, to rehearse against.
    #[command(
        after_help = "Examples:\n  handoffd sandbox --salesforce-port 8643 --hubspot-port 8644 --gong-port 8645\n  handoffd sandbox --only hubspot --json | jq -r .hubspot.login_url\n\nPoint login_url at them. They share one clock; the control interface of each is under /_sandbox."
    )]
    Sandbox(sandbox::Serve),
    /// Judge configuration, contracts and mappings; with --online also what the CRM offers.
    #[command(
        after_help = "Examples:\n  handoffd check             reads files only; exits 3 with all findings\n  handoffd check --online    also asks the CRM for fields, access, stages and rules; exits 1 with findings"
    )]
    Check {
        /// Also ask the CRM.
        #[arg(long)]
        online: bool,
    },
    /// What would be logged and written for one record now; changes nothing.
    #[command(
        after_help = "Example:\n  handoffd plan sf/Opportunity/006000000000001AAA\n\nReads like a diff:\n  Handoff_03_In_Queue__c: false -> true   [gate receiver_queue opens]"
    )]
    Plan(Which),
    /// Why a record's gates stand as they do: contract, values and their origin, rule, actors, clock, writes.
    #[command(after_help = "Example:\n  handoffd why 006000000000001AAA")]
    Why(Which),
    /// Places of recorded calls that may speak of a record's fields: list, confirm, dismiss.
    Evidence(evidence::Evidence),
    /// Questions that the customer had answered before: score calls, how often, list, confirm, dismiss.
    Rediscovery(rediscovery::Rediscovery),
    /// Data from outside the CRM: send a file of rows.
    Feed(feed::Feed),
    /// Open a gate for a while without what it waits for: one person asks, another one confirms. It is no acceptance.
    #[command(
        after_help = "Examples:\n  handoffd override 006000000000001AAA --gate commission --by olga@acme.example --reason 'Quarter end, receiver in hospital' --expires 8h\n  handoffd override 006000000000001AAA --gate commission --by ines@acme.example --confirm\n\nBoth need the role break_glass in [people.roles]. The gate is shut again at its time."
    )]
    Override(overriding::Override),
    /// What the daemon is doing: health, switch, log, handoffs, connections.
    Status,
    /// Stop writing to the CRM, at once and logged; deciding and recording go on.
    #[command(after_help = "Example:\n  handoffd pause --by 'Sam, data migration'")]
    Pause(By),
    /// Write again, and look at every open handoff.
    Resume(By),
    /// The six metrics by contract, motion and period; the records behind a figure; people and teams; the running month.
    #[command(
        after_help = "Examples:\n  handoffd scorecard --by week\n  handoffd scorecard --drill acceptance --contract h03-ae-to-onboarding --period 2026-10\n  handoffd scorecard --people --period 2026-10\n\nA month is frozen 30 days after its end; a restatement is a new version, and --version shows an older one."
    )]
    Scorecard(scorecard::Cut),
    /// Where revenue leaks between teams, from history alone, and which handoff to fix first; writes nothing to any CRM.
    #[command(
        after_help = "Examples:\n  handoffd leak-audit --since 2025-01-01 --html leaks.html\n  handoffd leak-audit --json | jq -r .first.contract"
    )]
    LeakAudit(leaks::LeakAudit),
    /// Every handoff of one account, replayed: what to read after a customer left.
    #[command(
        after_help = "Example:\n  handoffd dossier sf/001000000000001AAA --html dossier.html\n\nThe page prints to A4. Values of packages are shown with --values alone."
    )]
    Dossier(leaks::Dossier),
    /// Write handoffs, events and metrics as tables for a warehouse: Parquet, Arrow or CSV, incremental by log position.
    #[command(
        after_help = "Examples:\n  handoffd export --out /var/lib/warehouse/handoffd\n  handoffd export --since last --out /var/lib/warehouse/handoffd\n  handoffd export --format csv --since 2026-10-01 --out october\n\nThe daemon may run. The same log gives the same bytes. Tables and columns: deploy/EXPORT.md."
    )]
    Export(export::Asked),
    /// Read the past from the CRMs, so that every number exists for it; writes to the log only, to no CRM.
    #[command(
        after_help = "Examples:\n  handoffd backfill --since 2025-11-01\n  handoffd backfill --since 2025-11-01 --resume\n\nRun it before the first start, or while the daemon is stopped: what a daemon has watched already is left as it is. Decisions are marked as\nreconstructed; a number says where the CRM keeps no history. A second run adds only what is new. Exits 0; 1 if some records could not be read; 5 if\na CRM did not answer, and then --resume goes on."
    )]
    Backfill(backfill::Backfill),
    /// Concrete tests: two that the log answers, four that people answer from memory.
    #[command(
        after_help = "Examples:\n  handoffd test list\n  handoffd test h03 --last 3     exits 1 under 80 %\n  handoffd test h05 --last 10    exits 1 under 70 %"
    )]
    Test(concrete::Test),
    /// The twelve questions, each measured, declared or unknown, and what to rebuild first.
    SelfAssessment,
    /// The ninety days: where each handoff stands, what its next step waits for, what to do this week.
    Rollout,
    /// What pay depends on, for finance: export, close and reconcile months.
    Commission(commission::Statements),
    /// Contract texts: diff, propose, approve, publish, repin, simulate.
    Contract(contract::Contracts),
    /// What a signal fires in a motion.
    Signals(signals::Signals),
    /// Prove the log: verify, replay, export.
    Audit(audit::Audit),
    /// Build the memory anew from the log; the log is the truth.
    #[command(
        after_help = "Example:\n  systemctl stop handoffd && handoffd rebuild && systemctl start handoffd"
    )]
    Rebuild,
    /// Measure this machine: backfill, gates, latency, durable appends, memory.
    Bench(bench::Bench),
    /// Print the OpenAPI document.
    Openapi,
}

/// Which record.
#[derive(Debug, Args)]
struct Which {
    /// `connection/object/record`, or the record's id alone.
    record: String,
}

/// Who asks.
#[derive(Debug, Args)]
struct By {
    /// Who asks and why; stands in the log.
    #[arg(long)]
    by: Option<String>,
}

/// Parses the command line, does what it says, and tells how it went.
pub fn main() -> ExitCode {
    execute(std::env::args_os()).into()
}

fn execute(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Exit {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Ok };
        }
    };
    let output = Output::new(cli.json);
    let done = runtime().and_then(|runtime| runtime.block_on(dispatch(cli, output)));
    match done {
        Ok(exit) => exit,
        Err(failure) => {
            output.failure(&failure);
            failure.exit
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::State, format!("the async runtime cannot start: {error}")))
}

async fn dispatch(cli: Cli, output: Output) -> Result<Exit, Failure> {
    let config = cli.config.as_path();
    match cli.command {
        Command::Run => run::run(config).await,
        Command::Demo(demo) => demo::demo(&demo, output).await,
        Command::Sandbox(serve) => sandbox::serve(&serve, output).await,
        Command::Check { online } => crate::check::check(config, online, output).await,
        Command::Plan(which) => record::plan(config, &which.record, output).await,
        Command::Why(which) => record::why(config, &which.record, output).await,
        Command::Evidence(what) => evidence::evidence(config, what, output).await,
        Command::Rediscovery(what) => rediscovery::rediscovery(config, what, output).await,
        Command::Feed(what) => feed::feed(config, what, output).await,
        Command::Override(wanted) => overriding::overriding(config, wanted, output).await,
        Command::Status => status::status(config, output).await,
        Command::Pause(by) => status::switch(config, by.by, false, output).await,
        Command::Resume(by) => status::switch(config, by.by, true, output).await,
        Command::Scorecard(cut) => scorecard::scorecard(config, &cut, output).await,
        Command::LeakAudit(asked) => leaks::leak_audit(config, &asked, output).await,
        Command::Dossier(asked) => leaks::dossier(config, &asked, output).await,
        Command::Export(asked) => export::export(config, &asked, output).await,
        Command::Backfill(wanted) => backfill::backfill(config, &wanted, output).await,
        Command::Test(wanted) => concrete::test(config, wanted, output).await,
        Command::SelfAssessment => concrete::self_assessment(config, output).await,
        Command::Rollout => concrete::rollout(config, output).await,
        Command::Commission(statements) => commission::commission(config, statements, output).await,
        Command::Contract(contracts) => contract::contract(config, contracts, output).await,
        Command::Signals(what) => signals::signals(config, &what, output),
        Command::Audit(audit) => audit::audit(config, audit, output).await,
        Command::Rebuild => run::rebuild(config, output).await,
        Command::Bench(bench) => bench::bench(&bench, output).await,
        Command::Openapi => {
            output.text(&crate::api::openapi());
            Ok(Exit::Ok)
        }
    }
}
