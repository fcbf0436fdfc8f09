//! Checks of the ways in which parts are read: each must be one way, and fit the kind of its part.

use std::collections::BTreeMap;

use crate::contract::{Contract, Kind, Part};
use crate::extract::split;
use crate::lint::Complaint;
use crate::lint::mapping::paths_of;
use crate::mapping::{COUNT_COLUMN, Mapping, ReadPath, Way};
use crate::registry::{quoted, suggestion};

type Found = Vec<Complaint>;

/// Longest window, in days.
const MAX_DAYS: u32 = 3_660;

pub(super) fn ways(mapping: &Mapping, _: &Contract, found: &mut Found) {
    for (field, part, path) in paths_of(mapping) {
        let at = ["read", field.as_str(), part.as_str()];
        one(&at, &quoted(&format!("{field}.{part}")), path, found);
        if path.carried.as_ref().is_some_and(|carried| carried.contract == mapping.contract) {
            let message = format!("{} is carried from its own contract", quoted(&format!("{field}.{part}")));
            found.push(Complaint::new(&at, message, "name the contract of the earlier handoff"));
        }
    }
    let Some(path) = &mapping.account else { return };
    let at = ["account"];
    one(&at, "\"account\"", path, found);
    if path.way().is_ok_and(|way| !matches!(way, Way::Field(_) | Way::Take(..))) {
        let remedy = "write { field = \"AccountId\" } or { related = \"…\", where = { … }, take = \"…\" }";
        found.push(Complaint::new(&at, "\"account\" must be the id of one record", remedy));
    }
}

fn one(at: &[&str], name: &str, path: &ReadPath, found: &mut Found) {
    if let Err(astray) = path.way() {
        found.push(Complaint::new(at, format!("{name} {astray}"), astray.remedy()));
    }
    if path.window.is_some_and(|window| !(1..=MAX_DAYS).contains(&window.days)) {
        let at: Vec<&str> = at.iter().copied().chain(["window"]).collect();
        let message = format!("{name} looks at a window of no days, or of more than {MAX_DAYS}");
        found.push(Complaint::new(&at, message, "write window = { days = 90, before = \"opening\" }"));
    }
}

/// The kind of a part must be what its way can give.
pub(super) fn kinds(mapping: &Mapping, contract: &Contract, found: &mut Found) {
    for (field, part, path) in paths_of(mapping) {
        let none = part.as_str() == "none";
        let typed = contract.field(field).and_then(|field| field.parts.get(part));
        let flag = Part::of(Kind::Flag);
        let (Some(typed), Ok(way)) = (typed.or(none.then_some(&flag)), path.way()) else { continue };
        let at = ["read", field.as_str(), part.as_str()];
        if let Some((message, remedy)) = misfit(typed, &way) {
            let name = quoted(&format!("{field}.{part}"));
            found.push(Complaint::new(&at, format!("{name} {message}"), remedy));
        }
        if let Way::Rows(_, columns) = way {
            rows(&at, typed, columns, found);
        }
    }
}

/// Why a way cannot give a part of this kind.
fn misfit(part: &Part, way: &Way<'_>) -> Option<(String, &'static str)> {
    let kind = part.kind;
    let is = |only: Kind, key: &str, gives: &str, remedy: &'static str| {
        (kind != only).then(|| (format!("is of kind {}, but {key} gives {gives}", word(kind)), remedy))
    };
    match way {
        Way::Field(_) | Way::Take(..) => match kind {
            Kind::Series => Some((
                "is of kind series, but one field holds one value".to_owned(),
                "write { related = \"…\", series = { at = \"F\", value = \"G\", by = \"week\" } }",
            )),
            Kind::List if part.columns.len() > 1 => Some((
                "is a list of several columns, but one field holds one".to_owned(),
                "write { related = \"…\", rows = { column = \"F\", … } }",
            )),
            Kind::Text
            | Kind::Name
            | Kind::Number
            | Kind::Money
            | Kind::Date
            | Kind::Choice
            | Kind::Person
            | Kind::Record
            | Kind::Flag
            | Kind::List => None,
        },
        Way::Count(_) => {
            is(Kind::Number, "count", "a number", "take a field instead, or make the part a number")
        }
        Way::Newest(..) => {
            is(Kind::Date, "newest", "a date", "take a field instead, or make the part a date")
        }
        Way::Oldest(..) => {
            is(Kind::Date, "oldest", "a date", "take a field instead, or make the part a date")
        }
        Way::Rows(..) => is(Kind::List, "rows", "a list", "take a field instead, or make the part a list"),
        Way::Series(_, series) if series.per.is_some() => split(part).is_none().then(|| {
            (
                "is read as one series per value, which needs a list of two columns: a name and a series"
                    .to_owned(),
                "write columns = { name = \"name\", uses = \"series\" } in the contract, or remove per",
            )
        }),
        Way::Series(..) => is(
            Kind::Series,
            "series",
            "points over time",
            "make the part a series, or add per for a list of them",
        ),
        Way::Feed { .. } | Way::Carried { .. } => None,
    }
}

/// A row must have exactly the contract's columns.
fn rows(at: &[&str], part: &Part, columns: &BTreeMap<String, String>, found: &mut Found) {
    let at: Vec<&str> = at.iter().copied().chain(["rows"]).collect();
    let known: Vec<&str> = part.columns.keys().map(String::as_str).collect();
    for (column, from) in columns {
        match part.columns.get(column) {
            None => {
                let message = format!("the list has no column {}", quoted(column));
                found.push(Complaint::new(&at, message, suggestion(column, &known)));
            }
            Some(kind) if from == COUNT_COLUMN && *kind != Kind::Number => {
                let message =
                    format!("column {} counts rows, but is of kind {}", quoted(column), word(*kind));
                found.push(Complaint::new(&at, message, "make the column a number, or name the row's field"));
            }
            Some(Kind::List | Kind::Series) => {
                let message =
                    format!("column {} holds a series, which no field of a row does", quoted(column));
                found.push(Complaint::new(&at, message, "read the list with series = { …, per = \"F\" }"));
            }
            Some(_) => {}
        }
    }
    for column in part.columns.keys().filter(|column| !columns.contains_key(*column)) {
        let message = format!("column {} of the list is not read", quoted(column));
        found.push(Complaint::new(&at, message, format!("add {column} = \"…\"")));
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Name => "name",
        Kind::Number => "number",
        Kind::Money => "money",
        Kind::Date => "date",
        Kind::Choice => "choice",
        Kind::Person => "person",
        Kind::Record => "record",
        Kind::Flag => "flag",
        Kind::List => "list",
        Kind::Series => "series",
    }
}

#[cfg(test)]
mod tests;
