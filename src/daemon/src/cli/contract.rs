//! `handoffd contract`: what differs, who approved what, and what a proposed text would have held.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use handoff_core::contract::diff::{Weight, diff};
use handoff_core::contract::{Contract, ContractRef};
use handoff_core::digest::Digest;
use handoff_core::id::ContractId;
use handoff_core::registry::{MAX_FILE_BYTES, Registry};
use handoff_measure::simulate::{Outcome, Simulated, Simulation};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;

use super::archive::Archive;
use super::exit::{Exit, Failure};
use super::output::{Output, bad, good, plain};
use super::record::{ask, dig, records};
use super::remote::Remote;
use super::run::must_be_stopped;
use crate::app::{App, Handle, Options};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Loaded, load};
use crate::finance::{ContractAct, ContractRow, NotDone, NotRepinned, Repinned, Request, row};

/// Contract texts.
#[derive(Debug, Args)]
pub(super) struct Contracts {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// All texts that the log knows, and how each stands.
    List,
    /// What differs between two texts, weakest first.
    #[command(
        after_help = "Examples:\n  handoffd contract diff h03-ae-to-onboarding@1 ./h03-ae-to-onboarding.v2.toml\n  handoffd contract diff old.toml new.toml --json\n\nA text is a file, or CONTRACT@VERSION of the configuration. Exits 0 if the second demands as much as the first or more; 1 if anything is weaker or unclear."
    )]
    Diff {
        /// The text before.
        before: String,
        /// The text after.
        after: String,
    },
    /// Register a text, for the receiver to approve.
    #[command(
        after_help = "Example:\n  handoffd contract propose h03-ae-to-onboarding.v2.toml --by sam@acme.example --comment 'one field less'"
    )]
    Propose {
        /// The contract file.
        file: PathBuf,
        #[command(flatten)]
        says: Says,
    },
    /// Write about a proposal; stands in the log.
    Comment {
        /// CONTRACT@VERSION.
        contract: Named,
        #[command(flatten)]
        says: Says,
    },
    /// Approve a proposal: only who holds the contract's receiving role by name, and never his own proposal.
    #[command(
        after_help = "Example:\n  handoffd contract approve h03-ae-to-onboarding@2 --by rosa@acme.example\n\nExits 1 if he may not; the attempt stands in the log."
    )]
    Approve {
        /// CONTRACT@VERSION.
        contract: Named,
        #[command(flatten)]
        says: Says,
    },
    /// Let an approved text take effect; open handoffs stay on their version.
    #[command(
        after_help = "Example:\n  handoffd contract publish h03-ae-to-onboarding@2 --by sam@acme.example --from 2026-11-01\n\nExits 1 if it is not approved; the attempt stands in the log."
    )]
    Publish {
        /// CONTRACT@VERSION.
        contract: Named,
        /// From this day (UTC) or moment on; absent = at once.
        #[arg(long)]
        from: Option<Moment>,
        #[command(flatten)]
        says: Says,
    },
    /// Put an open handoff onto the version in force; logged.
    #[command(
        after_help = "Example:\n  handoffd contract repin 006000000000001AAA --by rosa@acme.example --comment 'agreed with sales'"
    )]
    Repin {
        /// `connection/object/record`, or the record's id alone.
        record: String,
        #[command(flatten)]
        says: Says,
    },
    /// Play a text over the recorded log: which deals it would have held. Reads only; the daemon must be stopped.
    #[command(
        visible_alias = "backtest",
        after_help = "Example:\n  handoffd contract simulate h03-ae-to-onboarding.v2.toml --since 2026-01-01\n\nExits 0 if no deal would have gone another way; 1 otherwise."
    )]
    Simulate {
        /// A file, or CONTRACT@VERSION of the configuration.
        text: String,
        /// Only deals whose handoff opened on this day (UTC) or moment or later.
        #[arg(long)]
        since: Moment,
    },
}

/// Who says what.
#[derive(Debug, Args)]
struct Says {
    /// Who: a login as the configuration names it; stands in the log.
    #[arg(long)]
    by: String,
    /// What he writes about it; stands in the log.
    #[arg(long, default_value = "")]
    comment: String,
}

/// CONTRACT@VERSION.
#[derive(Debug, Clone)]
struct Named {
    contract: String,
    version: u32,
}

impl std::str::FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write CONTRACT@VERSION, like h03-ae-to-onboarding@2".to_owned();
        let (contract, version) = text.rsplit_once('@').ok_or_else(wrong)?;
        let version = version.trim_start_matches('v').parse().map_err(|_not_a_number| wrong())?;
        if contract.is_empty() { Err(wrong()) } else { Ok(Self { contract: contract.to_owned(), version }) }
    }
}

/// A day in UTC, or a moment.
#[derive(Debug, Clone, Copy)]
struct Moment(Timestamp);

impl std::str::FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let day = text.parse::<Date>().ok().filter(|_| text.len() == 10);
        let day = day.and_then(|day| day.to_zoned(TimeZone::UTC).ok()).map(|zoned| zoned.timestamp());
        let moment = day.or_else(|| text.parse().ok());
        moment
            .map(Self)
            .ok_or_else(|| "write a day like 2026-11-01, or a moment like 2026-11-01T08:00:00Z".to_owned())
    }
}

pub(super) async fn contract(path: &Path, contracts: Contracts, output: Output) -> Result<Exit, Failure> {
    match contracts.what {
        What::List => list(&load(path)?, output).await,
        What::Diff { before, after } => differ(path, &before, &after, output),
        What::Propose { file, says } => {
            let text = text_of(&file)?;
            act(load(path)?, says, ContractAct::Propose { text }, output).await
        }
        What::Comment { contract: Named { contract, version }, says } => {
            act(load(path)?, says, ContractAct::Comment { contract, version }, output).await
        }
        What::Approve { contract: Named { contract, version }, says } => {
            act(load(path)?, says, ContractAct::Approve { contract, version }, output).await
        }
        What::Publish { contract: Named { contract, version }, from, says } => {
            let effective = from.map(|moment| moment.0);
            act(load(path)?, says, ContractAct::Publish { contract, version, effective }, output).await
        }
        What::Repin { record, says } => repin(load(path)?, &record, &says, output).await,
        What::Simulate { text, since } => simulate(path, &text, since.0, output),
    }
}

fn text_of(file: &Path) -> Result<String, Failure> {
    use std::io::Read as _;
    let cannot = |error: std::io::Error| {
        Failure::new(Exit::Usage, format!("{} cannot be read: {error}", file.display()))
    };
    let cap = u64::try_from(MAX_FILE_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut text = String::new();
    std::fs::File::open(file).map_err(cannot)?.take(cap).read_to_string(&mut text).map_err(cannot)?;
    Ok(text)
}

/// A contract by file, or by name and version in the configuration; files need no configuration.
fn contract_of(path: &Path, named: &str) -> Result<(Contract, ContractRef), Failure> {
    let file = Path::new(named);
    if let (false, Ok(Named { contract, version })) = (file.exists(), named.parse::<Named>()) {
        let loaded = load(path)?;
        let held = loaded.registry.contract(&ContractId(contract), version);
        let held = held.ok_or_else(|| {
            Failure::new(Exit::Usage, format!("the configuration has no contract {}", plain(named)))
        })?;
        return Ok((held.contract.clone(), held.reference.clone()));
    }
    let text = text_of(file)?;
    let refused = |problems: Vec<handoff_core::registry::Problem>| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failure::new(Exit::Config, lines.join("\n"))
    };
    // In a folder of that name a file is read as a contract, whatever it is called.
    let name = format!("contracts/{named}");
    let registry = Registry::load([(name, text.clone())]).map_err(refused)?;
    let contract = registry.contracts().next().map(|held| held.contract.clone());
    let contract =
        contract.ok_or_else(|| Failure::new(Exit::Usage, format!("{} is no contract", plain(named))))?;
    let digest = Digest::of_bytes(text.as_bytes());
    let reference = ContractRef { id: contract.contract.clone(), version: contract.version, digest };
    Ok((contract, reference))
}

fn differ(path: &Path, before: &str, after: &str, output: Output) -> Result<Exit, Failure> {
    let ((old, _), (new, _)) = (contract_of(path, before)?, contract_of(path, after)?);
    if old.contract != new.contract {
        let words =
            format!("{} and {} are two contracts, not two versions of one", old.contract, new.contract);
        return Err(Failure::new(Exit::Usage, plain(&words)));
    }
    let changes = diff(&old, &new);
    let loud = changes.iter().filter(|change| change.weight.is_loud()).count();
    if output.is_json() {
        output.json(&json!({"contract": old.contract, "weaker": loud, "changes": changes}));
    } else if changes.is_empty() {
        output.line("nothing differs");
    } else {
        for change in &changes {
            let line = plain(&change.to_string());
            output.line(&match change.weight {
                Weight::Weaker | Weight::Unclear => bad(&line),
                Weight::Stronger => good(&line),
                Weight::Neutral => line,
            });
        }
        if loud > 0 {
            output.line(&bad(&format!("{loud} of {} changes demand less, or may", changes.len())));
        }
    }
    Ok(if loud == 0 { Exit::Ok } else { Exit::Findings })
}

async fn list(loaded: &Loaded, output: Output) -> Result<Exit, Failure> {
    let rows: Vec<ContractRow> = if let Some(remote) = Remote::find(&loaded.config)? {
        remote.get("api/v1/contracts").await?
    } else {
        known(loaded)?
    };
    if output.is_json() {
        output.json(&rows);
    } else {
        for row in &rows {
            output.text(&told(row));
        }
    }
    let unapproved = rows.iter().any(|row| row.standing == "unapproved");
    Ok(if unapproved { Exit::Findings } else { Exit::Ok })
}

/// What the log of a stopped daemon knows, and what the files name.
fn known(loaded: &Loaded) -> Result<Vec<ContractRow>, Failure> {
    let life = Archive::open(&loaded.config)?.fold()?.life;
    let now = SystemClock.now();
    let mappings = loaded.config.govern.iter().filter_map(|entry| loaded.registry.mapping(&entry.mapping));
    let mut nominated: Vec<&ContractRef> = mappings
        .filter_map(|mapping| loaded.registry.contract_of(mapping))
        .map(|held| &held.reference)
        .collect();
    nominated.sort();
    nominated.dedup();
    let in_force = |text: &ContractRef| {
        let named = nominated.iter().copied().filter(|named| named.id == text.id);
        named.filter_map(|named| life.in_force(named, now)).find(|force| *force == text)
    };
    let known = life.texts().map(|(text, standing)| row(text, Some(standing), in_force(text), now));
    let unknown = nominated.iter().copied().filter(|text| life.standing(text).is_none());
    Ok(known.chain(unknown.map(|text| row(text, None, None, now))).collect())
}

fn told(row: &ContractRow) -> String {
    let standing = match row.standing.as_str() {
        "in_force" => good("in force"),
        "unapproved" => bad("NOT APPROVED: the files name it, the text in force stays in force"),
        "scheduled" => format!("from {} on", row.effective.map(|at| at.to_string()).unwrap_or_default()),
        other => plain(other),
    };
    let refused = if row.refused > 0 { format!(", {} attempts refused", row.refused) } else { String::new() };
    let mut text = format!("{}@{}  {standing}{refused}\n", plain(&row.contract), row.version);
    for weaker in &row.weaker {
        text.extend(["    ", &bad(&plain(weaker)), "\n"]);
    }
    text
}

/// The state directory at rest, for an act; only one that holds a log.
async fn office(loaded: Loaded) -> Result<Handle, Failure> {
    drop(Archive::open(&loaded.config)?);
    let options = Options { autopilot: false, ..Options::default() };
    Ok(App::at_rest(loaded.config, loaded.registry, Arc::new(SystemClock), options).await?)
}

async fn act(loaded: Loaded, says: Says, act: ContractAct, output: Output) -> Result<Exit, Failure> {
    let request = Request { act, by: says.by, comment: says.comment };
    let row: ContractRow = if let Some(remote) = Remote::find(&loaded.config)? {
        let body = serde_json::to_value(&request).unwrap_or_default();
        remote.post("api/v1/contracts", &body).await?
    } else {
        office(loaded).await?.act_on_contract(request).await.map_err(|error| match error {
            NotDone::Fatal(fatal) => Failure::from(fatal),
            NotDone::Nobody => Failure::because(Exit::Usage, &error),
            NotDone::Invalid(_) => Failure::because(Exit::Config, &error),
            NotDone::TooLong | NotDone::Refused(_) | NotDone::NotNow(_) | NotDone::Unknown { .. } => {
                Failure::because(Exit::Findings, &error)
            }
        })?
    };
    if output.is_json() {
        output.json(&row);
    } else {
        output.text(&told(&row));
    }
    Ok(Exit::Ok)
}

async fn repin(loaded: Loaded, argument: &str, says: &Says, output: Output) -> Result<Exit, Failure> {
    let records = records(&loaded, argument)?;
    let remote = Remote::find(&loaded.config)?;
    let told = match &remote {
        Some(remote) => ask(remote, &records).await?,
        None => dig(&loaded, &records)?,
    };
    if told.is_empty() {
        return Err(Failure::new(Exit::Findings, format!("no handoff is known for {}", plain(argument))));
    }
    let mut done: Vec<Repinned> = Vec::new();
    let handle = if remote.is_none() { Some(office(loaded).await?) } else { None };
    for told in &told {
        if let Some(remote) = &remote {
            let body = json!({"by": says.by, "reason": says.comment});
            done.push(remote.post(&format!("api/v1/repin/{}", told.stream), &body).await?);
        } else if let Some(handle) = &handle {
            let repinned = handle.repin(&told.stream, &says.by, &says.comment).await;
            done.push(repinned.map_err(|error| match error {
                NotRepinned::Fatal(fatal) => Failure::from(fatal),
                NotRepinned::NoHandoff
                | NotRepinned::NotOpen
                | NotRepinned::Already
                | NotRepinned::Conflict
                | NotRepinned::Erased => Failure::because(Exit::Findings, &error),
            })?);
        }
    }
    if output.is_json() {
        output.json(&done);
    } else {
        for repinned in &done {
            let (before, after) = (repinned.before, repinned.after);
            output.line(&format!("{}: version {before} -> {after}", plain(&repinned.stream)));
        }
    }
    Ok(Exit::Ok)
}

fn simulate(path: &Path, text: &str, since: Timestamp, output: Output) -> Result<Exit, Failure> {
    let (contract, reference) = contract_of(path, text)?;
    let loaded = load(path)?;
    must_be_stopped(&loaded.config)?;
    let mut simulation = Simulation::new(contract, reference, since);
    Archive::open(&loaded.config)?.read("deciding again", |position, entry| {
        if let Some(entry) = entry {
            simulation.apply(position, &entry);
        }
        true
    })?;
    let told = simulation.finish();
    if output.is_json() {
        output.json(&told);
    } else {
        output.text(&render(&told));
    }
    Ok(if told.records.is_empty() { Exit::Ok } else { Exit::Findings })
}

fn render(told: &Simulated) -> String {
    let mut lines = vec![format!(
        "{}@{} over {} deals since {}: {} were cleared; {} of them would still wait, {} would have been cleared later; {} that wait would have been cleared",
        plain(&told.contract),
        told.version,
        told.deals,
        told.since,
        told.cleared,
        told.held,
        told.delayed,
        told.freed
    )];
    for amount in &told.held_amounts {
        let currency = amount.currency.as_deref().map(plain).unwrap_or_default();
        lines.push(format!("would wait: {} {currency}", amount.sum));
    }
    if told.held_without_amount > 0 {
        lines.push(format!("would wait without a known amount: {} deals", told.held_without_amount));
    }
    for field in &told.never_recorded {
        lines.push(bad(&format!(
            "field {}: no mapping ever read it, so nobody can tell who would have filled it",
            plain(field)
        )));
    }
    for (field, deals) in &told.missing {
        lines.push(format!("missing {}: {deals} deals", plain(field)));
    }
    for sender in &told.senders {
        let person = if sender.person.is_empty() { "nobody".to_owned() } else { plain(&sender.person) };
        lines.push(format!(
            "sender {person}: {} of {} would wait, {} later",
            sender.held, sender.deals, sender.delayed
        ));
    }
    for record in &told.records {
        let outcome = match record.outcome {
            Outcome::Held => "held",
            Outcome::Delayed => "later",
            Outcome::Freed => "cleared",
        };
        let amount = record
            .amount
            .map(|amount| format!(" {amount} {}", record.currency.as_deref().map(plain).unwrap_or_default()));
        let reason = record.reason.as_deref().map(|reason| format!(": {}", plain(reason)));
        lines.push(format!(
            "  {outcome:<7} {}{}{}",
            plain(&record.stream),
            amount.unwrap_or_default(),
            reason.unwrap_or_default()
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}
