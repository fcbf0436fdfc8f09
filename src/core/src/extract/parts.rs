//! The package of a raw record, and when its fields were edited.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::observe::{View, spells};
use super::{RawRecord, RelatedRow, aggregate, convert, relation_key};
use crate::contract::{Field, Kind, Part};
use crate::exception::UNKNOWN;
use crate::icp::IcpTake;
use crate::id::{FieldKey, PartKey, RecordRef};
use crate::mapping::{ReadPath, Rows, Way};
use crate::observation::Edit;
use crate::value::{Package, Sourced, Value};

impl<'a> View<'a> {
    pub(super) fn package(&self) -> Package {
        let mut package = Package::new();
        for field in &self.contract.fields {
            let parts = self.parts_of(field);
            let parts: BTreeMap<PartKey, Sourced> =
                parts.filter_map(|(key, part, path)| Some((key.clone(), self.part(&part, path)?))).collect();
            if !parts.is_empty() {
                package.insert(field.key.clone(), parts);
            }
        }
        package
    }

    /// The mapped parts of a field: what the contract types, and the check-box `none`.
    fn parts_of(&self, field: &'a Field) -> impl Iterator<Item = (&'a PartKey, Part, &'a ReadPath)> {
        let paths = self.mapping.read.get(&field.key).into_iter().flatten();
        paths.filter_map(|(key, path)| {
            let typed = field.parts.get(key).cloned();
            let none = field.none_is_an_answer && key.as_str() == "none";
            let unknown = key.as_str() == UNKNOWN;
            let extra = || {
                let kind = if none { Some(Kind::Flag) } else { unknown.then_some(Kind::Text) };
                kind.map(Part::of)
            };
            Some((key, typed.or_else(extra)?, path))
        })
    }

    fn part(&self, part: &Part, path: &ReadPath) -> Option<Sourced> {
        let found = |value: Value, from: &RecordRef, field: &str| Sourced {
            value,
            from: from.clone(),
            field: field.to_owned(),
        };
        let own = &self.raw.record;
        match path.way().ok()? {
            Way::Field(field) => {
                let from = self.raw.found_on.get(field).unwrap_or(own);
                Some(found(convert::value(part, self.field(field))?, from, field))
            }
            Way::Take(rows, take) => {
                let rows = self.rows(&rows);
                let value = taken(part, &rows, take)?;
                Some(found(value, &rows.first()?.record, take))
            }
            Way::Count(rows) => {
                // Rows that were not told are not none.
                self.told(&rows)?;
                Some(found(aggregate::count(&self.rows(&rows)), own, rows.related))
            }
            Way::Newest(rows, column) => {
                Some(found(aggregate::extreme(&self.rows(&rows), column, true)?, own, column))
            }
            Way::Oldest(rows, column) => {
                Some(found(aggregate::extreme(&self.rows(&rows), column, false)?, own, column))
            }
            Way::Rows(rows, columns) => {
                let related = rows.related;
                let rows = self.rows(&rows);
                let value = aggregate::list(part, columns, &rows)?;
                Some(found(value, &rows.first()?.record, related))
            }
            Way::Series(rows, path) => {
                let value = aggregate::series(part, path, &self.rows(&rows))?;
                Some(found(value, own, path.value.as_deref().unwrap_or(rows.related)))
            }
            Way::Icp(take) => {
                let icp = self.mapping.icp.as_ref()?;
                let said = match take {
                    IcpTake::Match => icp.name(icp.fit(|path| self.criterion(path))?).to_owned(),
                    IcpTake::Version => icp.stamp(),
                };
                Some(found(convert::value(part, &Json::String(said))?, own, "icp"))
            }
            // What others say is not in this record: whoever knows them adds it.
            Way::Carried { .. } => None,
        }
    }

    /// The value that a criterion looks at, as text.
    fn criterion(&self, path: &ReadPath) -> Option<String> {
        match path.way().ok()? {
            Way::Field(field) => convert::text(self.field(field)),
            Way::Take(rows, take) => convert::text(self.rows(&rows).first()?.fields.get(take)?),
            Way::Count(rows) => {
                self.told(&rows)?;
                Some(aggregate::distinct(&self.rows(&rows)).len().to_string())
            }
            Way::Newest(..)
            | Way::Oldest(..)
            | Way::Rows(..)
            | Way::Series(..)
            | Way::Carried { .. }
            | Way::Icp(_) => None,
        }
    }

    fn told(&self, rows: &Rows<'_>) -> Option<&'a Vec<RelatedRow>> {
        self.raw.related.get(&rows.relation())
    }

    /// The child rows that a path means, by id.
    pub(super) fn rows(&self, meant: &Rows<'_>) -> Vec<&'a RelatedRow> {
        let fitting = self.told(meant).into_iter().flatten().filter(|row| matches(row, meant));
        let mut rows: Vec<&RelatedRow> = fitting.collect();
        if let Some((dated, window)) = meant.window {
            // Without an opening nothing lies before it.
            let until = self.opened();
            rows.retain(|row| until.is_some_and(|until| aggregate::is_within(row, dated, window, until)));
        }
        rows.sort_by(|a, b| a.record.cmp(&b.record));
        rows
    }

    /// When the record entered the opening stages, in which it stands or stood last.
    fn opened(&self) -> Option<Timestamp> {
        let present = convert::text(self.field(&self.mapping.stage.field)).unwrap_or_default();
        self.opening_since(&present).or_else(|| self.last_opening())
    }

    pub(super) fn edits(&self) -> BTreeMap<FieldKey, Edit> {
        let edits =
            self.contract.fields.iter().filter_map(|field| Some((field.key.clone(), self.edit(field)?)));
        edits.collect()
    }

    /// The newest edit of any of a field's parts; anybody's edit counts.
    fn edit(&self, field: &'a Field) -> Option<Edit> {
        let mut newest: Option<Edit> = None;
        let mut consider = |edit: Edit| {
            if newest.as_ref().is_none_or(|known| known.at <= edit.at) {
                newest = Some(edit);
            }
        };
        let parts: Vec<(Part, &ReadPath)> =
            self.parts_of(field).map(|(_, part, path)| (part, path)).collect();
        let judged = parts.iter().any(|(_, path)| path.icp == Some(IcpTake::Match));
        let criteria = self.mapping.icp.iter().filter(|_| judged).flat_map(|icp| icp.criteria.values());
        let criteria = criteria.map(|criterion| (Part::of(Kind::Text), &criterion.read));
        for (part, path) in parts.into_iter().chain(criteria) {
            let Ok(way) = path.way() else { continue };
            if let Some(edit) = way.own_field().and_then(|name| self.own_edit(name)) {
                consider(edit);
            }
            let Some(rows) = way.child_rows() else { continue };
            let one = matches!(way, Way::Take(..) | Way::Carried { .. }) && part.kind != Kind::List;
            let meant = if one { 1 } else { usize::MAX };
            for at in self.rows(rows).into_iter().take(meant).filter_map(|row| row.stamp) {
                consider(Edit::placed(at, None));
            }
        }
        newest
    }

    /// The newest edit of one of the record's own fields. A value that no row explains was there from the start: a CRM writes no history
    /// for the values that a record is created with.
    fn own_edit(&self, name: &str) -> Option<Edit> {
        // Another record's field has its history there.
        if name.contains('.') {
            return None;
        }
        if let Some(row) = self.history(name).into_iter().next_back() {
            return Some(Edit::placed(row.at, Some(self.who.actor(&row.by))));
        }
        let from_the_start = self.raw.history.is_some() && self.text(name).is_some();
        self.raw.created_at.filter(|_| from_the_start).map(|at| Edit { at, by: None, from_the_start })
    }
}

/// The text that a field of the record holds; `None` = nothing.
pub(crate) fn text_of(raw: &RawRecord, name: &str) -> Option<String> {
    let text = convert::text(raw.fields.get(name)?)?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The first child row, by id, of those that are meant, without regard to when it is dated.
pub(crate) fn first_row<'r>(raw: &'r RawRecord, meant: &Rows<'_>) -> Option<&'r RelatedRow> {
    let rows = raw.related.get(&relation_key(meant.of, meant.related))?;
    rows.iter().filter(|row| matches(row, meant)).min_by(|a, b| a.record.cmp(&b.record))
}

fn matches(row: &RelatedRow, meant: &Rows<'_>) -> bool {
    meant.matching.iter().all(|(name, wanted)| {
        let cell = row.fields.get(name);
        wanted.values().iter().any(|value| spells(cell, value))
    })
}

/// A column of the first row, or of all rows where a list is asked for.
fn taken(part: &Part, rows: &[&RelatedRow], take: &str) -> Option<Value> {
    let cell = |row: &RelatedRow| row.fields.get(take).filter(|cell| !cell.is_null()).cloned();
    match part.kind {
        Kind::List => {
            let cells = rows.iter().filter_map(|row| cell(row)).take(aggregate::MAX_LIST);
            convert::value(part, &Json::Array(cells.collect()))
        }
        Kind::Text
        | Kind::Name
        | Kind::Number
        | Kind::Money
        | Kind::Date
        | Kind::Choice
        | Kind::Person
        | Kind::Record
        | Kind::Flag
        | Kind::Series => convert::value(part, &cell(rows.first()?)?),
    }
}
