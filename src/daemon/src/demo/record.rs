//! How people of the stories fill a governed record in: in the contract's words. The mapping says where each stands, on the record itself or on
//! one beside it.

use handoff_core::id::{FieldKey, MotionId, PartKey};
use handoff_core::mapping::{COUNT_COLUMN, Mapping, ReadPath, Wanted, Way};
use serde_json::Value;

use super::crm::{Crm, Fields, NewRecord, Saved};
use super::look::{Record, text_of};
use super::wiring::Telemetry;
use super::{DemoError, Stage, fill};

/// The column of a row that dates it, whether or not the contract asks for it.
pub(super) const DAY: &str = "seen_on";

/// A record as it is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opening<'a> {
    /// What it is called.
    pub(super) name: &'a str,
    /// Who makes it.
    pub(super) by: &'a str,
    /// Which motion it belongs to, where a field of the record says so.
    pub(super) motion: &'a str,
    /// Our name of the stage in which it begins.
    pub(super) stage: &'a str,
    /// Who hands over.
    pub(super) sender: &'a str,
    /// Who receives.
    pub(super) receiver: &'a str,
    /// The customer.
    pub(super) customer: Option<&'a str>,
    /// The deal that it follows.
    pub(super) deal: Option<&'a str>,
}

/// A governed record that a story fills.
pub(super) struct Package<'a> {
    pub(super) record: Record<'a>,
    customer: Option<String>,
    /// Records beside it, by the relationship that the mapping names.
    beside: Vec<(String, super::crm::Place)>,
}

/// The columns that a mapping asks of a row.
fn wanted(matching: &std::collections::BTreeMap<String, Wanted>) -> Fields {
    let first = |(name, wanted): (&String, &Wanted)| {
        Some((name.clone(), Value::from(wanted.values().first()?.as_str())))
    };
    matching.iter().filter_map(first).collect()
}

fn path<'m>(mapping: &'m Mapping, field: &str, part: &str) -> Result<&'m ReadPath, DemoError> {
    let found = mapping.read.get(&FieldKey::from(field)).and_then(|parts| parts.get(&PartKey::from(part)));
    found.ok_or_else(|| {
        DemoError::Contracts(format!("{} does not say where {field}.{part} is", mapping.mapping))
    })
}

fn way<'m>(mapping: &'m Mapping, field: &str, part: &str) -> Result<Way<'m>, DemoError> {
    let path = path(mapping, field, part)?;
    path.way()
        .map_err(|astray| DemoError::Contracts(format!("{field}.{part} of {}: {astray}", mapping.mapping)))
}

impl<'a> Package<'a> {
    /// Makes the record.
    pub(super) fn open(
        stage: &'a Stage,
        crm: &'a dyn Crm,
        contract: &str,
        opening: Opening<'_>,
    ) -> Result<Self, DemoError> {
        let mapping = stage.mapping(crm, contract)?;
        let mut fields = fill::to_stage(mapping, opening.stage);
        for (path, login) in
            [(&mapping.people.sender, opening.sender), (&mapping.people.receiver, opening.receiver)]
        {
            fields.insert(path.field.clone(), crm.user(login)?);
        }
        if let Some(field) = &mapping.motion.field {
            let named =
                mapping.motion.names.get(&MotionId::from(opening.motion)).and_then(|values| values.first());
            fields.extend(named.map(|value| (field.clone(), Value::from(value.as_str()))));
        }
        if let Some(telemetry) = Telemetry::of(mapping) {
            fields.insert(telemetry.key, Value::from(opening.name));
        }
        let new = NewRecord {
            name: opening.name,
            by: opening.by,
            object: mapping.object.as_str(),
            fields,
            customer: opening.customer,
            deal: opening.deal,
        };
        let record = Record { stage, crm, mapping, id: crm.enter(&new)? };
        Ok(Self { record, customer: opening.customer.map(str::to_owned), beside: Vec::new() })
    }

    fn put(&mut self, who: &str, relation: &str, fields: &Fields) -> Result<(), DemoError> {
        let Record { crm, id, .. } = &self.record;
        let known = self.beside.iter().find(|(name, _)| name == relation).map(|(_, place)| place.clone());
        if let Some((object, id)) = known {
            // It is tied already.
            let mut fields = fields.clone();
            fields.retain(|name, _| name != "label" && name != "hs_object_id");
            return match crm.edit(who, &object, &id, &fields)? {
                Saved::Done => Ok(()),
                Saved::Refused(words) => Err(DemoError::Refused { crm: crm.vendor(), words }),
            };
        }
        let place = crm.relate(who, (self.record.object(), id), relation, fields)?;
        self.beside.push((relation.to_owned(), place));
        Ok(())
    }

    /// Somebody says something: contract field, part, value. What the CRM works out by itself cannot be said.
    pub(super) fn say(&mut self, who: &str, said: &[(&str, &str, Value)]) -> Result<(), DemoError> {
        let mapping = self.record.mapping;
        let mut own = Fields::new();
        let mut beside: Vec<(&str, Fields)> = Vec::new();
        for (field, part, value) in said {
            match way(mapping, field, part)? {
                Way::Field(name) => drop(own.insert(name.to_owned(), value.clone())),
                Way::Take(rows, column) => {
                    let known = beside.iter().position(|(name, _)| *name == rows.related);
                    let at = known.unwrap_or(beside.len());
                    if known.is_none() {
                        beside.push((rows.related, wanted(rows.matching)));
                    }
                    if let Some((_, place)) = beside.get_mut(at) {
                        place.insert(column.to_owned(), value.clone());
                    }
                }
                Way::Count(..)
                | Way::Newest(..)
                | Way::Oldest(..)
                | Way::Rows(..)
                | Way::Series(..)
                | Way::Carried { .. }
                | Way::Icp(_) => {}
            }
        }
        for (relation, fields) in beside {
            self.put(who, relation, &fields)?;
        }
        if own.is_empty() { Ok(()) } else { self.record.save(who, &own) }
    }

    /// One more page visit, which is a return visit too.
    pub(super) fn visit(&mut self, who: &str, columns: &[(&str, Value)]) -> Result<(), DemoError> {
        self.row(who, ("behaviour", "pages"), columns, &[("behaviour", "return_visits")])
    }

    /// What the customer profile asks for, where the mapping holds one: the first value that meets each criterion.
    pub(super) fn fits(&mut self, who: &str) -> Result<(), DemoError> {
        let mapping = self.record.mapping;
        let Some(icp) = &mapping.icp else { return Ok(()) };
        let mut own = Fields::new();
        for criterion in icp.criteria.values() {
            let bound = criterion.at_least.or(criterion.at_most).map(Value::from);
            let Some(value) = criterion.any.first().map(|any| Value::from(any.as_str())).or(bound) else {
                continue;
            };
            match criterion.read.way() {
                Ok(Way::Field(name)) => drop(own.insert(name.to_owned(), value)),
                Ok(Way::Take(rows, column)) => {
                    let mut fields = wanted(rows.matching);
                    fields.insert(column.to_owned(), value);
                    self.put(who, rows.related, &fields)?;
                }
                Ok(_) | Err(_) => {}
            }
        }
        if own.is_empty() { Ok(()) } else { self.record.save(who, &own) }
    }

    /// One more row of a list, by the contract's columns; `also` are other parts that the same row counts for.
    pub(super) fn row(
        &mut self,
        who: &str,
        (field, part): (&str, &str),
        columns: &[(&str, Value)],
        also: &[(&str, &str)],
    ) -> Result<(), DemoError> {
        let mapping = self.record.mapping;
        let (rows, mut fields, name_of) = match way(mapping, field, part)? {
            Way::Rows(rows, names) => (rows, wanted(rows.matching), names),
            Way::Field(name) => {
                let stands = self.record.text(name);
                let more = columns.first().map(|(_, value)| text_of(value)).unwrap_or_default();
                let all = if stands.is_empty() { more } else { format!("{stands};{more}") };
                return self.record.save(who, &Fields::from_iter([(name.to_owned(), Value::from(all))]));
            }
            Way::Take(..)
            | Way::Count(..)
            | Way::Newest(..)
            | Way::Oldest(..)
            | Way::Series(..)
            | Way::Carried { .. }
            | Way::Icp(_) => {
                let told = format!("{field}.{part} of {} is no list", mapping.mapping);
                return Err(DemoError::Contracts(told));
            }
        };
        for (field, part) in also {
            if let Way::Count(rows) = way(mapping, field, part)? {
                fields.extend(wanted(rows.matching));
            }
        }
        for (column, value) in columns {
            let dated = rows.window.filter(|_| *column == DAY).map(|(name, _)| name.to_owned());
            let name = name_of.get(*column).filter(|name| *name != COUNT_COLUMN).cloned();
            if let Some(name) = name.or(dated) {
                fields.insert(name, value.clone());
            }
        }
        let customer = self.customer.clone().unwrap_or_default();
        let to = if rows.of.is_some() {
            ("companies", customer.as_str())
        } else {
            (self.record.object(), self.record.id.as_str())
        };
        self.record.crm.relate(who, to, rows.related, &fields).map(drop)
    }
}
