//! Entries about something beside handoffs, e.g. rows of a feed or an account: sealed whole under the name that stands in the leaf.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Encoded, JournalError, LogEntry, VERSION};
use crate::feed;

/// Encodes such an entry; `None` = it is of another kind.
pub(super) fn encode(entry: &LogEntry) -> Result<Option<Encoded>, JournalError> {
    let (subject, leaf) = if let LogEntry::FeedTaken { feed, key, rows, at } = entry {
        let subject = feed::subject(feed, key).to_string();
        let leaf =
            json!({ "v": VERSION, "entry": "feed_taken", "at": at, "about": subject, "rows": rows.len() });
        (subject, leaf)
    } else if let LogEntry::AccountSeen { account, at, .. } = entry {
        let subject = account.to_string();
        let leaf = json!({ "v": VERSION, "entry": "account_seen", "at": at, "about": subject });
        (subject, leaf)
    } else if let LogEntry::SurveyAnswered { account, at, .. } = entry {
        let subject = account.to_string();
        let leaf = json!({ "v": VERSION, "entry": "survey_answered", "at": at, "about": subject });
        (subject, leaf)
    } else if let LogEntry::Test { handoff, test, step, at } = entry {
        let leaf = json!({
            "v": VERSION, "entry": step.name(), "at": at, "stream": handoff.stream(), "cycle": handoff.cycle, "test": test,
        });
        (handoff.subject.to_string(), leaf)
    } else {
        return Ok(None);
    };
    let parts = BTreeMap::from([(subject, serde_json::to_vec(entry)?)]);
    Ok(Some(Encoded { leaf: serde_json::to_vec(&leaf)?, parts }))
}
