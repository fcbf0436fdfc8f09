//! What this machine does: figures of the whole daemon against the sandbox on loopback.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use handoff_core::gate::evaluate;
use handoff_core::handoff::Handoff;
use handoff_core::registry::{Registry, shipped};
use handoff_sandbox_salesforce::{Act, ActorKind, Id, seed};
use handoff_store::log::{Entry, Log, LogOptions};
use serde::Serialize;
use serde_json::json;

use crate::demo::{DemoError, Setting, Stage};

/// The flag whose way is timed.
const FLAG: &str = "Handoff_03_In_Queue__c";

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Records of the backfill.
    pub records: u32,
    /// Webhooks whose way to the written flag is timed.
    pub webhooks: u32,
    /// Durable appends.
    pub appends: u32,
    /// Gate evaluations.
    pub evaluations: u32,
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// How much.
    pub value: String,
    /// Of what.
    pub unit: &'static str,
}

fn figure(name: impl Into<String>, value: f64, unit: &'static str) -> Figure {
    let digits = if value >= 100.0 || unit == COUNT { 0 } else { 2 };
    Figure { name: name.into(), value: format!("{value:.digits$}"), unit }
}

/// The unit of what is counted.
const COUNT: &str = "calls";

fn counted(name: impl Into<String>, count: u64) -> Figure {
    figure(name, f64::from(u32::try_from(count).unwrap_or(u32::MAX)), COUNT)
}

fn per_second(count: u32, took: Duration) -> f64 {
    f64::from(count) / took.as_secs_f64().max(f64::EPSILON)
}

/// Measures everything.
pub async fn run(sizes: Sizes) -> Result<Vec<Figure>, DemoError> {
    let mut figures = Vec::new();
    appends(sizes.appends, &mut figures).await?;
    let stage = Stage::start(Setting::default()).await?;
    stage.settle().await?;
    backfill(&stage, sizes.records, &mut figures).await?;
    latency(&stage, sizes.webhooks, &mut figures).await?;
    evaluations(&stage, sizes.evaluations, &mut figures).await?;
    if let Some(bytes) = crate::metrics::peak_resident() {
        let mib = u32::try_from(bytes / 1_048_576).unwrap_or(u32::MAX);
        figures.push(figure("peak resident memory, sandbox included", f64::from(mib), "MiB"));
    }
    stage.stop().await?;
    Ok(figures)
}

/// One group commit per append, as a lone decision has; beside it the disk's own pace.
async fn appends(count: u32, figures: &mut Vec<Figure>) -> Result<(), DemoError> {
    let folder = tempfile::tempdir()?;
    let opened = Log::open(&folder.path().join("log"), LogOptions::default());
    let (log, _) = opened.map_err(crate::fatal::Fatal::from)?;
    let leaf = json!({"bench": "x".repeat(400)}).to_string().into_bytes();
    let start = Instant::now();
    for _ in 0..count {
        let entry = Entry { leaf: leaf.clone(), sealed: Vec::new() };
        log.append(vec![entry], None).await.map_err(crate::fatal::Fatal::from)?;
    }
    figures.push(figure("durable appends, one after the other", per_second(count, start.elapsed()), "/s"));
    let start = Instant::now();
    let together =
        (0..count).map(|_| log.append(vec![Entry { leaf: leaf.clone(), sealed: Vec::new() }], None));
    for done in futures::future::join_all(together).await {
        done.map_err(crate::fatal::Fatal::from)?;
    }
    figures.push(figure(
        "durable appends, all at once (group commit)",
        per_second(count, start.elapsed()),
        "/s",
    ));
    let raw = raw_syncs(folder.path(), count, &leaf)?;
    figures.push(figure("raw write + fdatasync of the same bytes", per_second(count, raw), "/s"));
    Ok(())
}

fn raw_syncs(folder: &Path, count: u32, bytes: &[u8]) -> std::io::Result<Duration> {
    let mut file = std::fs::File::create(folder.join("raw"))?;
    let start = Instant::now();
    for _ in 0..count {
        file.write_all(bytes)?;
        file.sync_data()?;
    }
    Ok(start.elapsed())
}

fn deal(stage: &Stage, account: &serde_json::Value, number: u32) -> Result<Id, DemoError> {
    let rep = stage.salesforce.org().user("ava.lindqvist@northwind-peak.example")?.to_string();
    let receiver = stage.salesforce.org().user("ingrid.moen@northwind-peak.example")?.to_string();
    let fields = json!({
        "Name": format!("Bench {number}"), "StageName": "Negotiation/Review", "CloseDate": "2030-01-01",
        "AccountId": account, "OwnerId": rep, "Onboarding_Lead__c": receiver,
        "Signing_Authority__c": "The CFO signs up to 250,000 EUR alone",
    });
    Ok(stage
        .salesforce
        .org()
        .act(&Act::create(seed::ADMIN_USER, "Opportunity", &fields).by(ActorKind::Load))?)
}

fn account(stage: &Stage) -> Result<serde_json::Value, DemoError> {
    let found = stage.salesforce.org().query("SELECT Id FROM Account ORDER BY Id LIMIT 1")?;
    Ok(found.first().and_then(|row| row.get("Id")).cloned().unwrap_or_default())
}

/// New records enter at once with webhooks off; until every one is decided, logged and written.
async fn backfill(stage: &Stage, count: u32, figures: &mut Vec<Figure>) -> Result<(), DemoError> {
    let org = stage.salesforce.org();
    org.set_outbound_mode(handoff_sandbox_salesforce::OutboundMode::Off);
    let account = account(stage)?;
    for number in 0..count {
        deal(stage, &account, number)?;
    }
    org.advance(60);
    org.forget();
    let (cpu, start) = (cpu_seconds(), Instant::now());
    stage.app.handle().idle().await?;
    let took = start.elapsed();
    let calls = org.calls().by_kind;
    figures.push(figure("backfill: records read, decided, logged, written", per_second(count, took), "/s"));
    if let (Some(before), Some(after)) = (cpu, cpu_seconds()) {
        let per = (after - before) * 100_000.0 / f64::from(count.max(1));
        figures.push(figure("CPU per 100,000 records, sandbox included", per, "s"));
    }
    figures.push(counted("API calls of the backfill", calls.values().sum()));
    // Read in pages of 2,000; write in composites of 1,000: facts of the vendor's own caps.
    let least = 1 + count.div_ceil(2_000) - 1 + count.div_ceil(1_000);
    figures.push(counted("  theoretical minimum", u64::from(least)));
    figures.extend(calls.iter().map(|(kind, made)| counted(format!("  of these, {kind}"), *made)));
    org.set_outbound_mode(handoff_sandbox_salesforce::OutboundMode::Deliver);
    Ok(())
}

/// A deal of the seed whose package is complete and waits for its receiver: one part less shuts its queue flag.
fn waiting(stage: &Stage) -> Result<Option<Id>, DemoError> {
    let soql = format!(
        "SELECT Id FROM Opportunity WHERE StageName = 'Negotiation/Review' AND {FLAG} = true ORDER BY Id LIMIT 1"
    );
    let found = stage.salesforce.org().query(&soql)?;
    Ok(found.first().and_then(|row| row.get("Id")?.as_str()).and_then(Id::parse))
}

/// From the save in the CRM over webhook, re-read, decision and log to the flag's write that the CRM received; beside it the same without
/// what the CRM spent on the save and on its own calls.
async fn latency(stage: &Stage, count: u32, figures: &mut Vec<Figure>) -> Result<(), DemoError> {
    let org = stage.salesforce.org();
    let Some(id) = waiting(stage)? else { return Ok(()) };
    let (sender, mut written) = tokio::sync::mpsc::unbounded_channel();
    org.on_write(std::sync::Arc::new(move |write| {
        let flag = write.fields.iter().any(|change| change.field == FLAG && change.old != change.new);
        if write.request > 0 && write.id == Some(id) && flag {
            let _ = sender.send(Instant::now());
        }
    }));
    let (mut whole, mut own) = (Vec::new(), Vec::new());
    for round in 0..count {
        // Every other save empties a part of the package, so that the flag shuts and opens by turns.
        let text = if round % 2 == 0 {
            json!(null)
        } else {
            json!("Operations wants it; IT fears another integration")
        };
        let fields = json!({"Political_Dynamics__c": text});
        while written.try_recv().is_ok() {}
        let (start, before) = (Instant::now(), org.handling());
        org.act(&Act::update(seed::ADMIN_USER, "Opportunity", id, &fields).by(ActorKind::Apex))?;
        let saving = start.elapsed();
        if let Ok(Some(at)) = tokio::time::timeout(Duration::from_secs(30), written.recv()).await {
            let took = at.duration_since(start);
            let theirs = saving + org.handling().saturating_sub(before);
            whole.push(took);
            own.push(took.saturating_sub(theirs));
        }
        org.outbound_settled().await;
        stage.app.handle().drained().await;
        org.advance(2);
    }
    for (what, mut times) in [("", whole), (", without the CRM's own time", own)] {
        times.sort_unstable();
        for (rank, percent) in [("median", 50), ("99th percentile", 99)] {
            let index = (times.len() * percent).div_ceil(100).saturating_sub(1);
            let time = times.get(index).map_or(f64::NAN, |time| time.as_secs_f64() * 1_000.0);
            figures.push(figure(format!("webhook -> flag written{what}, {rank}"), time, "ms"));
        }
    }
    figures.push(figure("  webhooks timed", f64::from(count), "rounds"));
    Ok(())
}

/// `evaluate` over a real handoff of this run, on one core.
async fn evaluations(stage: &Stage, count: u32, figures: &mut Vec<Figure>) -> Result<(), DemoError> {
    let registry =
        Registry::load(shipped()).map_err(|_refused| DemoError::Contracts("refused".to_owned()))?;
    let view = stage.app.view();
    let Some(summary) = view.handoffs(&crate::view::Filter::default()).into_iter().next() else {
        return Ok(());
    };
    let state: Option<Handoff> = view.handoff(&summary.stream).await?.and_then(|detail| detail.state);
    let (Some(state), Some(held)) = (state, registry.pinned(&summary.contract)) else { return Ok(()) };
    let (now, start) = (stage.salesforce.org().now(), Instant::now());
    for _ in 0..count {
        std::hint::black_box(evaluate(&held.contract, std::hint::black_box(&state), now));
    }
    figures.push(figure("gate evaluations on one core", per_second(count, start.elapsed()), "/s"));
    Ok(())
}

/// CPU seconds of this process, as Linux tells (100 ticks a second).
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u32>().ok();
    Some(f64::from(ticks(11)?.saturating_add(ticks(12)?)) / 100.0)
}
