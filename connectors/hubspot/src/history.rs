//! Property history: who changed what, and when.
//!
//! HubSpot gives the entries of a property newest first and without ids. An id is made from property, millisecond and place among the entries of that
//! millisecond, so that it stays the same when later entries come and when the oldest are dropped.

use std::collections::BTreeMap;

use handoff_core::extract::FieldChange;
use handoff_core::id::ActorId;
use jiff::Timestamp;
use serde_json::Value;

use crate::id::HsId;
use crate::property::Definitions;
use crate::stamp;

/// Most entries of one property that are read.
const MOST: usize = 2_000;
/// Longest source id that is kept.
const SOURCE: usize = 80;

/// Sources behind which no person stands, whatever user they run for: an app acts for the user that installed it.
const APPS: [&str; 5] = ["INTEGRATION", "API", "INTEGRATIONS_SYNC", "INTEGRATIONS_PLATFORM", "BREEZE_AGENT"];
/// Sources that are workflows.
const WORKFLOWS: [&str; 4] = ["AUTOMATION_PLATFORM", "WORKFLOWS", "WORKFLOW", "AUTOMATION"];
/// Sources behind which a person stands whom only `updatedByUserId` may name.
const HANDS: [&str; 6] =
    ["CRM_UI", "CRM_UI_BULK_ACTION", "MOBILE_IOS", "MOBILE_ANDROID", "IMPORT", "SIDEKICK"];

/// Who made a change.
pub(crate) fn actor(entry: &Value) -> ActorId {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    let kind = plain(text("sourceType")).to_ascii_uppercase();
    let source = text("sourceId");
    let of = |class: &str| {
        let source = plain(source);
        ActorId(if source.is_empty() {
            format!("{class}:{}", kind.to_ascii_lowercase())
        } else {
            format!("{class}:{source}")
        })
    };
    if APPS.contains(&kind.as_str()) {
        return of("integration");
    }
    if WORKFLOWS.contains(&kind.as_str()) {
        return of("workflow");
    }
    let by_source = source.strip_prefix("userId:").and_then(HsId::parse);
    let by_user = entry.get("updatedByUserId").and_then(HsId::of).filter(|_| HANDS.contains(&kind.as_str()));
    match by_source.or(by_user) {
        Some(user) => ActorId(format!("user:{user}")),
        None => ActorId(format!("source:{kind}")),
    }
}

fn plain(text: &str) -> String {
    let fits = |each: &char| each.is_ascii_alphanumeric() || matches!(each, '_' | '-' | '.');
    text.chars().filter(fits).take(SOURCE).collect()
}

/// The changes of one property, oldest first. `None` = an entry without a time: not what HubSpot documents.
pub(crate) fn changes(property: &str, entries: &Value, known: &Definitions) -> Option<Vec<FieldChange>> {
    let entries = entries.as_array()?;
    let mut rows: Vec<(Timestamp, &Value)> = Vec::with_capacity(entries.len().min(MOST));
    for entry in entries.iter().take(MOST) {
        rows.push((entry.get("timestamp").and_then(stamp::parse)?, entry));
    }
    // Newest first becomes oldest first; entries of one moment keep their order.
    rows.reverse();
    rows.sort_by_key(|(at, _)| *at);
    let mut changes: Vec<FieldChange> = Vec::with_capacity(rows.len());
    let mut places: BTreeMap<i64, usize> = BTreeMap::new();
    for (at, entry) in rows {
        let place = places.entry(at.as_millisecond()).or_default();
        let value = known.read(property, entry.get("value").unwrap_or(&Value::Null));
        changes.push(FieldChange {
            id: format!("{property}@{}#{place}", at.as_millisecond()),
            field: property.to_owned(),
            // What stood before the oldest entry is not told: the history may have been cut.
            old: changes.last().and_then(|before| before.new.clone()),
            new: Some(value),
            by: actor(entry),
            at,
        });
        *place += 1;
    }
    Some(changes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn actors_are_told_apart() {
        let told = |kind: &str, source: &str, user: Value| {
            actor(&json!({ "sourceType": kind, "sourceId": source, "updatedByUserId": user })).0
        };
        assert_eq!(told("CRM_UI", "userId:17", json!(17)), "user:17");
        assert_eq!(told("CRM_UI", "", json!(17)), "user:17");
        assert_eq!(told("INTEGRATION", "54321", json!(null)), "integration:54321");
        assert_eq!(told("AUTOMATION_PLATFORM", "enrollmentId:9", json!(17)), "workflow:enrollmentId9");
        assert_eq!(told("CALCULATED", "", json!(17)), "source:CALCULATED");
        assert_eq!(told("A_NEW_ONE", "userId:17", json!(null)), "user:17");
        assert_eq!(actor(&json!({})).0, "source:");
    }

    #[test]
    fn an_app_never_answers_for_the_user_that_installed_it() {
        let entry = json!({ "sourceType": "INTEGRATION", "sourceId": "userId:17", "updatedByUserId": 17 });
        assert_eq!(actor(&entry).0, "integration:userId17");
    }

    #[test]
    fn ids_stay_when_later_entries_come() {
        let known = Definitions::default();
        let entry = |at: i64, value: &str| json!({ "value": value, "timestamp": at, "sourceType": "CRM_UI" });
        let old = json!([
            entry(1_700_000_000_001, "b"),
            entry(1_700_000_000_001, "a"),
            entry(1_700_000_000_000, "")
        ]);
        let new = json!([
            entry(1_700_000_000_002, "d"),
            entry(1_700_000_000_001, "c"),
            entry(1_700_000_000_001, "b"),
            entry(1_700_000_000_001, "a"),
            entry(1_700_000_000_000, "")
        ]);
        let (old, new) =
            (changes("dealstage", &old, &known).unwrap(), changes("dealstage", &new, &known).unwrap());
        assert_eq!(old[..], new[..3]);
        assert_eq!(old[2].id, "dealstage@1700000000001#1");
        assert_eq!((&old[0].old, &old[0].new), (&None, &Some(json!(null))));
        assert_eq!((&old[1].old, &old[1].new), (&Some(json!(null)), &Some(json!("a"))));
        assert_eq!(changes("dealstage", &json!([{ "value": "x" }]), &known), None);
    }

    proptest! {
        #[test]
        fn any_history_is_read_or_refused(
            entries in proptest::collection::vec((any::<Option<i64>>(), ".{0,8}", ".{0,12}", ".{0,12}"), 0..30)
        ) {
            let entries: Vec<Value> = entries.into_iter().map(|(at, value, kind, source)| {
                json!({ "timestamp": at, "value": value, "sourceType": kind, "sourceId": source })
            }).collect();
            if let Some(read) = changes("x", &json!(entries), &Definitions::default()) {
                prop_assert!(read.is_sorted_by_key(|change| change.at));
                let ids: std::collections::BTreeSet<&str> = read.iter().map(|change| change.id.as_str()).collect();
                prop_assert_eq!(ids.len(), read.len());
            }
        }
    }
}
