//! What a CRM tells of accounts: read at the start and once a day, logged where it differs from what was told before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use handoff_connector::{Changed, Cursor, Source};
use handoff_core::digest::Digest;
use handoff_core::extract::{Existence, RawRecord, ReadPlan};
use handoff_core::feed::key_text;
use handoff_core::id::{RecordId, RecordRef};
use handoff_core::journal::LogEntry;
use handoff_measure::account::AccountKey;
use jiff::Timestamp;

use crate::config::Facts;
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::journal::Refused;
use crate::link::Link;
use crate::memory::{Change, FACT, blocking};
use crate::numbers::Standing;

/// Between two walks.
const DAY: std::time::Duration = std::time::Duration::from_hours(24);
/// Rest of a walk that the CRM does not answer.
const REST: std::time::Duration = std::time::Duration::from_mins(15);

/// Walks over all of them at the start and once a day.
pub(crate) async fn every_day(engine: &Arc<Engine>) -> Result<(), Fatal> {
    if engine.facts.is_empty() {
        return Ok(());
    }
    loop {
        let done = now(engine).await?;
        engine.clock.sleep(if done { DAY } else { REST }).await;
    }
}

/// Walks over all of them now; false = a CRM did not answer to the end, and the rest follows at the next try.
pub(crate) async fn now(engine: &Arc<Engine>) -> Result<bool, Fatal> {
    let mut done = true;
    for facts in &engine.facts {
        let Some(link) = engine.links.get(&facts.connection) else { continue };
        let Some(source) = link.purpose.source() else { continue };
        done &= walk(engine, facts, link, source.as_ref()).await?;
    }
    Ok(done)
}

async fn walk(engine: &Arc<Engine>, facts: &Facts, link: &Link, source: &dyn Source) -> Result<bool, Fatal> {
    let plan = plan(facts);
    let mut here = Cursor::beginning();
    let mut unlisted = known(engine, facts).await?;
    loop {
        let page = match link.transport.run(source.census(&plan, &here)).await {
            Ok(page) => page,
            Err(fault) => {
                tracing::warn!(connection = %link.id, object = %facts.object, %fault, "cannot list what tells of accounts; later");
                return Ok(false);
            }
        };
        let records: Vec<RecordRef> = page.changed.into_iter().map(|Changed { record, .. }| record).collect();
        for record in &records {
            unlisted.remove(record);
        }
        if !read(engine, facts, link, &plan, &records).await? {
            return Ok(false);
        }
        if !page.more || page.next == here {
            break;
        }
        here = page.next;
    }
    // What did not change since the connection reads is not listed, and its handoffs are governed all the same.
    let unlisted: Vec<RecordRef> = unlisted.into_iter().collect();
    read(engine, facts, link, &plan, &unlisted).await
}

/// Reads records and logs what they tell; false = the CRM did not answer, or a stop cut it off.
async fn read(
    engine: &Arc<Engine>,
    facts: &Facts,
    link: &Link,
    plan: &ReadPlan,
    records: &[RecordRef],
) -> Result<bool, Fatal> {
    let Some(source) = link.purpose.source() else { return Ok(true) };
    for some in records.chunks(source.spec().read_batch.max(1)) {
        let read = match link.transport.run(source.read(plan, some)).await {
            Ok(read) => read,
            Err(fault) => {
                tracing::warn!(connection = %link.id, object = %facts.object, %fault, "cannot read what tells of accounts; later");
                return Ok(false);
            }
        };
        for raw in read.into_iter().flatten() {
            take(engine, facts, source.as_ref(), &raw).await?;
        }
        if engine.is_stopping() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Accounts that the log knows of, those of reconstructed handoffs too.
async fn known(engine: &Arc<Engine>, facts: &Facts) -> Result<BTreeSet<RecordRef>, Fatal> {
    if facts.account.is_none() {
        return Ok(BTreeSet::new());
    }
    let (asked, facts) = (Arc::clone(engine), facts.clone());
    let named = move |standing: &Standing| {
        let keys = standing.scorecard.accounts().keys().into_iter();
        let own = keys.filter(|key| key.connection == facts.connection.as_str());
        let record = |key: &AccountKey| RecordRef {
            connection: facts.connection.clone(),
            object: facts.object.clone(),
            record: RecordId(key.record.clone()),
        };
        own.map(record).collect()
    };
    blocking(move || asked.numbers.ask(&asked.journal, named)).await
}

/// What is read of a record that tells of accounts.
pub(crate) fn plan(facts: &Facts) -> ReadPlan {
    let fields: BTreeSet<String> = facts.fields().into_iter().collect();
    ReadPlan {
        object: facts.object.clone(),
        // Nothing here has a stage; a connector asks for some field by this name.
        stage_field: fields.first().cloned().unwrap_or_default(),
        fields,
        related: facts
            .of_related
            .iter()
            .map(|name| (name.clone(), BTreeSet::new()))
            .collect::<BTreeMap<_, _>>(),
        history: BTreeSet::new(),
        interesting_stages: BTreeSet::new(),
    }
}

async fn take(
    engine: &Arc<Engine>,
    facts: &Facts,
    source: &dyn Source,
    raw: &RawRecord,
) -> Result<(), Fatal> {
    let spells = |(name, value): (&String, &String)| {
        raw.fields.get(name).and_then(key_text).is_some_and(|told| told == *value)
    };
    if raw.existence != Existence::Present || !facts.matching.iter().all(spells) {
        return Ok(());
    }
    let entry = match entry(facts, source, raw, engine.clock.now()) {
        Ok(Some(entry)) => entry,
        Ok(None) => return Ok(()),
        Err(fault) => {
            tracing::warn!(record = %raw.record, %fault, "a record that tells of an account cannot be read");
            return Ok(());
        }
    };
    let Some((key, told)) = place(&entry) else { return Ok(()) };
    if engine.memory.get_json::<Digest>(key.clone()).await? == Some(told.clone()) {
        return Ok(());
    }
    let appended = match engine.journal.seal(&entry, 0) {
        Ok(sealed) => engine.journal.append(sealed).await,
        Err(refused) => Err(refused),
    };
    let mut change = Change::default();
    match appended {
        Ok(position) => change.reflected.push(position),
        // Of what was erased nothing is recorded any more.
        Err(Refused::Erased) => {}
        Err(Refused::Fatal(fatal)) => return Err(fatal),
        Err(refused @ (Refused::Conflict | Refused::TooLarge(_))) => {
            return Err(Fatal::Unreadable {
                position: 0,
                detail: format!("facts of an account were refused: {refused}"),
            });
        }
    }
    change.put_json(key, &told);
    Ok(engine.memory.commit(change).await?)
}

/// What a record tells; `None` = of an answer nobody says whose it is.
fn entry(
    facts: &Facts,
    source: &dyn Source,
    raw: &RawRecord,
    at: Timestamp,
) -> Result<Option<LogEntry>, handoff_core::account::CellFault> {
    if let Some(columns) = &facts.account {
        let told = columns.read(&raw.fields)?;
        let source = format!("{}/{}", facts.connection, facts.object);
        return Ok(Some(LogEntry::AccountSeen { account: raw.record.clone(), source, facts: told, at }));
    }
    let (Some(survey), Some(object)) = (&facts.survey, &facts.account_object) else { return Ok(None) };
    let Some(record) = whose(facts, source, raw) else { return Ok(None) };
    let account = RecordRef { connection: facts.connection.clone(), object: object.clone(), record };
    let answer = survey.read(Digest::of(&raw.record), &raw.fields)?;
    Ok(Some(LogEntry::SurveyAnswered { account, answer, at }))
}

fn whose(facts: &Facts, source: &dyn Source, raw: &RawRecord) -> Option<RecordId> {
    if let Some(name) = &facts.of_related {
        return raw.related.get(name)?.first().map(|row| row.record.record.clone());
    }
    source.record_id(raw.fields.get(facts.of.as_ref()?)?.as_str()?)
}

/// Where the memory holds what was told last, and its digest.
fn place(entry: &LogEntry) -> Option<(String, Digest)> {
    if let LogEntry::AccountSeen { account, source, facts, .. } = entry {
        let of = Digest::of_bytes(format!("{source} {account}").as_bytes());
        return Some((format!("{FACT}{of}"), Digest::of(facts)));
    }
    if let LogEntry::SurveyAnswered { account, answer, .. } = entry {
        return Some((format!("{FACT}{}", answer.id), Digest::of(&(account, answer))));
    }
    None
}

/// What an entry of the log leaves in the memory.
pub(crate) fn caught(entry: &LogEntry, change: &mut Change) {
    if let Some((key, told)) = place(entry) {
        change.put_json(key, &told);
    }
}
