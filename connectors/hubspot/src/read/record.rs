//! What was answered, put together as records.

use std::collections::{BTreeMap, BTreeSet};

use handoff_connector::Fault;
use handoff_core::extract::{Existence, FieldChange, RawRecord, RecordVersion, RelatedRow, relation_parts};
use handoff_core::id::RecordRef;
use serde_json::Value;

use super::{Found, LABEL, OWN_ID, Read, columns};
use crate::associations;
use crate::history;
use crate::id::HsId;
use crate::property::Definitions;
use crate::row::{self, Row};
use crate::splits;

impl Read {
    pub(super) fn assemble(&self) -> Result<Vec<Option<RawRecord>>, Fault> {
        let known = self.api.known.find(self.plan.object.as_str()).unwrap_or_default();
        let one = |asked: &RecordRef| {
            let Some(id) = HsId::parse(asked.record.as_str()) else { return Ok(None) };
            let Some(found) = self.found.get(&id) else { return Ok(None) };
            self.record(id, found, &known).map(Some)
        };
        self.asked.iter().map(one).collect()
    }

    fn record(&self, id: HsId, found: &Found, known: &Definitions) -> Result<RawRecord, Fault> {
        let object = self.plan.object.as_str();
        let record = row::reference(&self.api, object, id);
        let (row, existence) = match found {
            Found::Merged(into) => {
                let existence = Existence::Merged { into: into.to_string() };
                return Ok(RawRecord {
                    record,
                    version: None,
                    existence,
                    created_at: None,
                    last_modified: None,
                    fields: BTreeMap::new(),
                    found_on: BTreeMap::new(),
                    shown: BTreeMap::new(),
                    related: BTreeMap::new(),
                    history: Some(Vec::new()),
                });
            }
            Found::Archived(row) => (row, Existence::Deleted),
            Found::Here(row) => (row, Existence::Present),
        };
        let related = self.related_rows(id, row, &existence)?;
        let fields = fields(row, &self.plan.fields, known);
        let history = changes(row, &self.plan.history, known)?;
        Ok(RawRecord {
            record,
            version: row.stamp(object).map(|stamp| RecordVersion { stamp }),
            existence,
            created_at: row.created_at,
            // HubSpot names the last user, not whether a user made the last change: it may not stand for an answer.
            last_modified: None,
            shown: self.api.stages.of(&self.plan, &fields, &history),
            fields,
            // HubSpot has no lookups: what another record holds is read as its associated record's.
            found_on: BTreeMap::new(),
            related,
            history: Some(history),
        })
    }

    /// Associated records by their name in the plan. Those of a record between are told only if there is one.
    fn related_rows(
        &self,
        id: HsId,
        row: &Row,
        existence: &Existence,
    ) -> Result<BTreeMap<String, Vec<RelatedRow>>, Fault> {
        let own = self.plan.object.as_str();
        let of = |key: &String| {
            let (of, related) = relation_parts(key);
            let (leg, from) = match of {
                None => (self.leg(own, related)?, id),
                Some(of) => {
                    let between = self.leg(own, of)?.found.get(&id)?;
                    (self.leg(of, related)?, associations::primary(between)?)
                }
            };
            let links = leg.found.get(&from).into_iter().flatten();
            let rows = links.map(|(other, label)| self.related_row(related, *other, label.as_ref()));
            Some((key.clone(), rows.collect()))
        };
        let (shared, others): (Vec<_>, Vec<_>) =
            self.plan.related.iter().partition(|(key, _)| splits::is_meant(&self.plan, key));
        let mut related: BTreeMap<String, Vec<RelatedRow>> =
            others.into_iter().filter_map(|(key, _)| of(key)).collect();
        for (key, columns) in shared {
            let rows = self.splits.get(&id).map(Vec::as_slice).unwrap_or_default();
            // Nobody can be asked about a deal that is gone.
            if rows.is_empty() && *existence == Existence::Present && says_shared(row) {
                let detail = "HubSpot says that several people share this deal, but not who".to_owned();
                return Err(Fault::Protocol { detail });
            }
            related.insert(key.clone(), splits::related(&self.api, columns, rows));
        }
        Ok(related)
    }

    fn related_row(&self, object: &str, id: HsId, label: Option<&String>) -> RelatedRow {
        let known = self.api.known.find(object).unwrap_or_default();
        let names: BTreeSet<String> =
            columns(&self.plan).filter(|(of, _)| *of == object).map(|(_, name)| name.clone()).collect();
        let row = self.others.get(&(object.to_owned(), id));
        let mut cells = row.map(|row| fields(row, &names, &known)).unwrap_or_default();
        cells.insert(LABEL.to_owned(), label.map_or(Value::Null, |label| Value::String(label.clone())));
        cells.insert(OWN_ID.to_owned(), Value::String(id.to_string()));
        // HubSpot does not tell when an association was made, and a change of the contact itself is none of the deal.
        RelatedRow { record: row::reference(&self.api, object, id), stamp: None, fields: cells }
    }
}

/// Whether the deal itself says that it is shared.
fn says_shared(row: &Row) -> bool {
    let said = row.properties.get(splits::SHARED).and_then(Value::as_str);
    said.is_some_and(|said| said.eq_ignore_ascii_case("true"))
}

/// The properties that the record holds, converted; one that HubSpot does not know is absent.
pub(crate) fn fields(row: &Row, names: &BTreeSet<String>, known: &Definitions) -> BTreeMap<String, Value> {
    let one = |name: &String| Some((name.clone(), known.read(name, row.properties.get(name)?)));
    names.iter().filter_map(one).collect()
}

/// The changes of these properties, oldest first.
pub(crate) fn changes(
    row: &Row,
    names: &BTreeSet<String>,
    known: &Definitions,
) -> Result<Vec<FieldChange>, Fault> {
    let mut all = Vec::new();
    for name in names {
        let Some(entries) = row.history.get(name).filter(|entries| !entries.is_null()) else { continue };
        let read = history::changes(name, entries, known).ok_or_else(|| Fault::Protocol {
            detail: format!("the history of {name} holds an entry without a time"),
        })?;
        all.extend(read);
    }
    all.sort_by_key(|change| change.at);
    Ok(all)
}
