//! What a feed's rows tell of accounts: an entry of its own beside the row, so that the numbers need neither feed nor configuration.

use handoff_core::feed::FeedRow;
use handoff_core::id::{RecordId, RecordRef};
use handoff_core::journal::LogEntry;
use jiff::Timestamp;

use super::Feed;
use crate::config::About;
use crate::engine::Engine;

/// Whether a row tells what its feed is about; else what is wrong with it, without values.
pub(super) fn check(engine: &Engine, feed: &Feed, key: &str, row: &FeedRow) -> Result<(), String> {
    let Some(about) = &feed.about else { return Ok(()) };
    entry(engine, about, &feed.name, key, row, Timestamp::UNIX_EPOCH).map(drop)
}

/// What these rows tell.
pub(super) fn entries(
    engine: &Engine,
    feed: &Feed,
    rows: &[(String, Vec<FeedRow>)],
    now: Timestamp,
) -> Vec<LogEntry> {
    let Some(about) = &feed.about else { return Vec::new() };
    let rows = rows.iter().flat_map(|(key, rows)| rows.iter().map(move |row| (key, row)));
    // Every row was checked on its way in.
    rows.filter_map(|(key, row)| entry(engine, about, &feed.name, key, row, now).ok()).collect()
}

fn entry(
    engine: &Engine,
    about: &About,
    feed: &str,
    key: &str,
    row: &FeedRow,
    at: Timestamp,
) -> Result<LogEntry, String> {
    let record = canonical(engine, about, key)
        .ok_or_else(|| format!("the key is no id of a record of connection {}", about.connection))?;
    let account = RecordRef { connection: about.connection.clone(), object: about.object.clone(), record };
    if let Some(survey) = &about.survey {
        let answer = survey.read(row.id.clone(), &row.fields).map_err(|fault| fault.to_string())?;
        return Ok(LogEntry::SurveyAnswered { account, answer, at });
    }
    let columns = about.account.clone().unwrap_or_default();
    let facts = columns.read(&row.fields).map_err(|fault| fault.to_string())?;
    Ok(LogEntry::AccountSeen { account, source: format!("feed/{feed}"), facts, at })
}

/// The account's id as the CRM's own records name it.
fn canonical(engine: &Engine, about: &About, key: &str) -> Option<RecordId> {
    engine.links.get(&about.connection)?.purpose.source()?.record_id(key)
}
