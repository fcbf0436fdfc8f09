//! A raw record's `[beside]` in our vocabulary, and what has to be asked for to see it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value as Json;

use super::mapping::{BesideMapping, Place, RelatedPlace, RowsOf};
use super::seen::{BesideSeen, Copied, Doing, MotionSeen, StatusSeen};
use super::terms::PartRef;
use crate::contract::Contract;
use crate::escalation::resembles;
use crate::extract::{Directory, FieldChange, RawRecord, RelatedRow, timestamp_of};
use crate::id::{ActorId, FieldKey};
use crate::mapping::Mapping;
use crate::observation::Actor;
use crate::value::{Package, Value};

/// Most rows of one kind that are looked at; the newest count.
const ROWS: usize = 50;

/// What is seen beside the package; `None` = the mapping names nothing beside it.
pub(crate) fn look(
    mapping: &Mapping,
    contract: &Contract,
    raw: &RawRecord,
    package: &Package,
    who: &dyn Directory,
) -> Option<Box<BesideSeen>> {
    let motion = motion(mapping, raw, who);
    let Some(beside) = &mapping.beside else {
        return motion.map(|motion| Box::new(BesideSeen { motion: Some(motion), ..BesideSeen::default() }));
    };
    let view = View { mapping, beside, raw, who };
    Some(Box::new(BesideSeen {
        motion,
        status: view.status(),
        messages: view.doings(&beside.messages),
        activities: view.doings(&beside.activities),
        updates: view.doings(&beside.updates),
        created_by: beside.created_by.as_ref().and_then(|field| view.person(field)),
        copied: view.copied(contract, package),
        persons: view.persons(contract, package),
        claims: beside
            .claims
            .iter()
            .filter_map(|(name, claim)| Some((name.clone(), view.person(&claim.field)?)))
            .collect(),
        primary: beside.primary.as_ref().and_then(|field| view.person(field)),
        moments: view.moments(),
        known_moments: beside.moments.keys().cloned().collect(),
        measures: beside
            .measures
            .iter()
            .filter_map(|(name, place)| Some((name.clone(), number(view.place(place))?)))
            .collect(),
        known_measures: beside.measures.keys().cloned().collect(),
        scored: beside.score.as_ref().is_some_and(|field| text(view.field(field)).is_some()),
        recycled: view.recycled(),
        signals: view.signals(),
        unguarded: false,
    }))
}

/// The record's motion, where a rule says it.
fn motion(mapping: &Mapping, raw: &RawRecord, who: &dyn Directory) -> Option<MotionSeen> {
    let field = mapping.motion.field.as_ref()?;
    let value = text(raw.fields.get(field).unwrap_or(&Json::Null));
    let row = history(raw, field).into_iter().next_back();
    let before = row.and_then(|row| row.old.as_ref()).and_then(text);
    let motion = value.as_deref().and_then(|value| mapping.motion.named(value)).cloned();
    let before = before.as_deref().and_then(|value| mapping.motion.named(value)).cloned();
    let reason = mapping.motion.reason.as_ref().and_then(|field| raw.fields.get(field)).and_then(text);
    Some(MotionSeen {
        before: before.filter(|before| Some(before) != motion.as_ref()),
        motion,
        since: row.map(|row| row.at).or(raw.created_at.filter(|_| raw.history.is_some())),
        by: row.map(|row| who.actor(&row.by)),
        reasoned: reason.is_some(),
    })
}

struct View<'a> {
    mapping: &'a Mapping,
    beside: &'a BesideMapping,
    raw: &'a RawRecord,
    who: &'a dyn Directory,
}

impl<'a> View<'a> {
    fn field(&self, name: &str) -> &'a Json {
        self.raw.fields.get(name).unwrap_or(&Json::Null)
    }

    fn place(&self, place: &Place) -> &'a Json {
        match place {
            Place::Own(field) => self.field(field),
            Place::Related(RelatedPlace { related, matching, take }) => {
                let rows = self.raw.related.get(related).into_iter().flatten();
                let first = rows.filter(|row| fits(row, matching)).min_by(|a, b| a.record.cmp(&b.record));
                first.and_then(|row| row.fields.get(take)).unwrap_or(&Json::Null)
            }
        }
    }

    fn person(&self, field: &str) -> Option<Actor> {
        text(self.field(field)).map(|id| self.who.actor(&ActorId(id)))
    }

    fn status(&self) -> Option<StatusSeen> {
        let status = self.beside.status.as_ref()?;
        let value = text(self.field(&status.field)).unwrap_or_default();
        let rows = history(self.raw, &status.field);
        let row =
            rows.into_iter().rev().find(|row| row.new.as_ref().and_then(text).unwrap_or_default() == value);
        Some(StatusSeen {
            resolved: status.resolved.contains(&value),
            entry: row.map_or_else(|| "created".to_owned(), |row| row.id.clone()),
            since: row.map(|row| row.at).or(self.raw.created_at),
            by: row.map(|row| self.who.actor(&row.by)),
            value,
        })
    }

    /// The newest rows of all kinds, newest first. A row without user or moment says nothing.
    fn doings(&self, kinds: &[RowsOf]) -> Vec<Doing> {
        let mut found: Vec<Doing> = kinds.iter().flat_map(|kind| self.of_kind(kind)).collect();
        found.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
        found.truncate(ROWS);
        found
    }

    fn of_kind(&self, kind: &'a RowsOf) -> impl Iterator<Item = Doing> {
        let rows = self.raw.related.get(&kind.related).into_iter().flatten();
        rows.filter(|row| counts(row, kind)).filter_map(|row| {
            let by = row.fields.get(&kind.by).and_then(text)?;
            let at = row.fields.get(&kind.at).and_then(timestamp_of)?;
            Some(Doing { id: row.record.to_string(), by: self.who.actor(&ActorId(by)), at })
        })
    }

    /// Text fields that only repeat our own words, the contract's, or a meeting's notes.
    fn copied(&self, contract: &Contract, package: &Package) -> BTreeMap<FieldKey, Copied> {
        let own: Vec<String> = own_fields(self.mapping).filter_map(|field| text(self.field(field))).collect();
        let notes: Vec<String> = self
            .beside
            .notes
            .iter()
            .flat_map(|notes| {
                let rows = self.raw.related.get(&notes.related).into_iter().flatten();
                rows.flat_map(|row| {
                    notes.text.iter().filter_map(|column| row.fields.get(column).and_then(text))
                })
            })
            .take(ROWS)
            .collect();
        let mut copied = BTreeMap::new();
        for field in &contract.fields {
            let texts: Vec<&str> = package
                .get(&field.key)
                .into_iter()
                .flatten()
                .filter_map(|(_, sourced)| sourced.value.prose())
                .collect();
            let repeats = |other: &str| texts.iter().any(|text| resembles(text, other));
            let ours = field.human_authored
                && (own.iter().any(|own| repeats(own)) || repeats(&field.ask) || repeats(&field.label));
            if ours {
                copied.insert(field.key.clone(), Copied::OwnWords);
            } else if notes.iter().any(|notes| repeats(notes)) {
                copied.insert(field.key.clone(), Copied::MeetingNotes);
            }
        }
        copied
    }

    fn persons(&self, contract: &Contract, package: &Package) -> BTreeMap<String, Actor> {
        let named = |part: &PartRef| {
            let id = person_id(part.value(package)?)?;
            Some((part.0.clone(), self.who.actor(&ActorId(id.to_owned()))))
        };
        person_parts(contract).into_iter().filter_map(named).collect()
    }

    fn moments(&self) -> BTreeMap<String, Timestamp> {
        let moments = self.beside.moments.iter().filter_map(|(name, moment)| {
            let by_field = moment.field.as_ref().and_then(|field| timestamp_of(self.field(field)));
            let by_stage = moment.stage.as_ref().and_then(|stage| {
                let values = self.mapping.stage.names.get(stage)?;
                self.entered(&self.mapping.stage.field, values)
            });
            Some((name.clone(), by_field.or(by_stage)?))
        });
        moments.collect()
    }

    /// When a field last got one of these values, if history tells it.
    fn entered(&self, field: &str, values: &[String]) -> Option<Timestamp> {
        let rows = history(self.raw, field);
        let is = |value: Option<&Json>| value.and_then(text).is_some_and(|value| values.contains(&value));
        let row = rows.into_iter().rev().find(|row| is(row.new.as_ref()));
        let created = is(Some(self.field(field))).then_some(self.raw.created_at).flatten();
        row.map(|row| row.at).or(created)
    }

    fn recycled(&self) -> Option<Timestamp> {
        let field = &self.mapping.stage.field;
        let value = text(self.field(field))?;
        let stands = self.beside.recycled.contains(&value);
        stands.then(|| self.entered(field, &self.beside.recycled)).flatten()
    }

    fn signals(&self) -> BTreeSet<String> {
        let fires =
            |place: &Place, is: &[String]| text(self.place(place)).is_some_and(|value| is.contains(&value));
        let signals = self.beside.signals.iter().filter(|(_, signal)| fires(&signal.field, &signal.is));
        signals.map(|(name, _)| name.clone()).collect()
    }
}

/// History rows of a field, oldest first.
fn history<'a>(raw: &'a RawRecord, field: &str) -> Vec<&'a FieldChange> {
    let rows = raw.history.iter().flatten();
    let mut rows: Vec<&FieldChange> = rows.filter(|row| row.field == field).collect();
    rows.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    rows
}

/// Whether a row is the doing of one of our people.
fn counts(row: &RelatedRow, kind: &RowsOf) -> bool {
    let is_empty = |name: &String| row.fields.get(name).and_then(text).is_none();
    fits(row, &kind.matching) && kind.empty.iter().all(is_empty)
}

fn fits(row: &RelatedRow, matching: &BTreeMap<String, String>) -> bool {
    matching.iter().all(|(name, value)| row.fields.get(name).and_then(text).as_ref() == Some(value))
}

fn text(value: &Json) -> Option<String> {
    match value {
        Json::Null | Json::Array(_) | Json::Object(_) => None,
        Json::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Json::Bool(_) | Json::Number(_) => Some(value.to_string()),
    }
}

fn number(value: &Json) -> Option<Decimal> {
    let text = text(value)?;
    text.trim().parse().ok().or_else(|| Decimal::from_scientific(text.trim()).ok())
}

fn person_id(value: &Value) -> Option<&str> {
    match value {
        Value::Person(id) | Value::Record(id) | Value::Text(id) | Value::Name(id) => Some(id),
        Value::Number(_)
        | Value::Money { .. }
        | Value::Date(_)
        | Value::Choice(_)
        | Value::Flag(_)
        | Value::List(_)
        | Value::Series(_)
        | Value::Erased => None,
    }
}

/// The parts whose person has to be one of our users.
fn person_parts(contract: &Contract) -> Vec<&PartRef> {
    let path = contract.return_path.iter().map(|path| &path.communication_owner);
    let cross = contract.cross_motion.iter().flat_map(|cross| [&cross.owner, &cross.owner_after]);
    path.chain(cross).collect()
}

/// Fields of the record that hold words of ours.
fn own_fields(mapping: &Mapping) -> impl Iterator<Item = &str> {
    let note = &mapping.write.note;
    let notes = [&note.status, &note.missing, &note.changes, &note.evidence].into_iter().flatten();
    let holds = mapping.write.gate.values().filter_map(|gate| gate.hold_reason.as_ref());
    let echo = mapping.beside.iter().filter_map(|beside| beside.echo.as_ref());
    let echo = echo.map(|echo| echo.on.as_ref().map_or(&echo.field, |on| &on.stands));
    let brief = mapping.beside.iter().filter_map(|beside| beside.brief.as_ref());
    notes.chain(holds).chain(echo).chain(brief).map(String::as_str)
}

/// Fields that have to be read besides the package.
pub(crate) fn fields(mapping: &Mapping) -> BTreeSet<String> {
    let mut fields: BTreeSet<String> = mapping.motion.reason.iter().cloned().collect();
    fields.extend(history_of(mapping));
    let Some(beside) = &mapping.beside else { return fields };
    fields.extend(
        [&beside.created_by, &beside.primary, &beside.score, &beside.brief].into_iter().flatten().cloned(),
    );
    fields.extend(beside.moments.values().filter_map(|moment| moment.field.clone()));
    fields.extend(places(beside).filter_map(|place| match place {
        Place::Own(field) => Some(field.clone()),
        Place::Related(_) => None,
    }));
    fields.extend(beside.claims.values().map(|claim| claim.field.clone()));
    if let Some(echo) = &beside.echo {
        match &echo.on {
            Some(on) => fields.extend([on.field.clone(), on.stands.clone()]),
            None => drop(fields.insert(echo.field.clone())),
        }
    }
    fields
}

/// Fields whose history has to be read besides the package's.
pub(crate) fn history_of(mapping: &Mapping) -> BTreeSet<String> {
    let status = mapping.beside.iter().filter_map(|beside| beside.status.as_ref());
    status.map(|status| status.field.clone()).chain(mapping.motion.field.clone()).collect()
}

/// Child relationships with the columns that are needed.
pub(crate) fn columns(mapping: &Mapping) -> Vec<(&str, Vec<&str>)> {
    let Some(beside) = &mapping.beside else { return Vec::new() };
    let kinds = beside.messages.iter().chain(&beside.activities).chain(&beside.updates);
    let kinds = kinds.map(|kind| {
        let columns = kind.matching.keys().chain(&kind.empty).chain([&kind.by, &kind.at]);
        (kind.related.as_str(), columns.map(String::as_str).collect())
    });
    let notes = beside.notes.iter();
    let notes = notes.map(|notes| (notes.related.as_str(), notes.text.iter().map(String::as_str).collect()));
    let places = places(beside).filter_map(|place| match place {
        Place::Own(_) => None,
        Place::Related(RelatedPlace { related, matching, take }) => {
            let columns = matching.keys().chain([take]).map(String::as_str).collect();
            Some((related.as_str(), columns))
        }
    });
    kinds.chain(notes).chain(places).collect()
}

/// Where measures and signals stand.
fn places(beside: &BesideMapping) -> impl Iterator<Item = &Place> {
    beside.measures.values().chain(beside.signals.values().map(|signal| &signal.field))
}

/// The ids of all users that a record names beside its package, and in the parts that have to name one of us.
pub fn users_named(mapping: &Mapping, contract: &Contract, raw: &RawRecord) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let Some(beside) = &mapping.beside else { return ids };
    let claims = beside.claims.values().map(|claim| &claim.field);
    let own = [&beside.created_by, &beside.primary].into_iter().flatten().chain(claims);
    ids.extend(own.filter_map(|field| raw.fields.get(field).and_then(id_like)));
    for part in person_parts(contract) {
        let (field, part) = part.split();
        let Some(path) = mapping.read.get(&field).and_then(|parts| parts.get(&part)) else { continue };
        ids.extend(path.field.as_ref().and_then(|field| raw.fields.get(field)).and_then(id_like));
        let rows = path.related.iter().filter_map(|related| raw.related.get(related)).flatten();
        ids.extend(rows.filter_map(|row| row.fields.get(path.take.as_ref()?)).filter_map(id_like));
    }
    for kind in beside.messages.iter().chain(&beside.activities).chain(&beside.updates) {
        let rows = raw.related.get(&kind.related).into_iter().flatten().filter(|row| counts(row, kind));
        ids.extend(rows.filter_map(|row| row.fields.get(&kind.by).and_then(id_like)));
    }
    ids
}

/// Something that can be a user's id, as `005…` or `owner:17`; a CRM refuses to look for anything else.
fn id_like(value: &Json) -> Option<String> {
    let text = text(value)?;
    let plain = |part: &str| !part.is_empty() && part.chars().all(|each| each.is_ascii_alphanumeric());
    let fits = text.split_once(':').map_or_else(|| plain(&text), |(class, id)| plain(class) && plain(id));
    (text.len() <= 40 && fits).then_some(text)
}
