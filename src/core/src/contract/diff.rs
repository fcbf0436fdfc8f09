//! What differs between two texts of a contract, and which of it demands less.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AfterAcceptance, Condition, Contract, Kind, Mode, OnBypass, Part, Submit};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Change {
    /// Where, e.g. `field go_live` or `gate commission: mode`.
    pub at: String,
    /// What stood there; absent = nothing.
    pub before: Option<String>,
    /// What stands there; absent = nothing.
    pub after: Option<String>,
    /// What it means.
    pub weight: Weight,
}

/// What a difference means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// The new text demands less.
    Weaker,
    /// Nobody can tell by rule whether it demands less: read it as if it did.
    Unclear,
    /// The new text demands more.
    Stronger,
    /// Words for people, or a number that counts up.
    Neutral,
}

impl Weight {
    fn of(demand: Ordering) -> Self {
        match demand {
            Ordering::Less => Self::Weaker,
            Ordering::Equal => Self::Neutral,
            Ordering::Greater => Self::Stronger,
        }
    }

    /// The same difference seen from the other side.
    pub fn reversed(self) -> Self {
        match self {
            Self::Weaker => Self::Stronger,
            Self::Stronger => Self::Weaker,
            Self::Unclear => Self::Unclear,
            Self::Neutral => Self::Neutral,
        }
    }

    /// Whether somebody has to look at it before it takes effect.
    pub fn is_loud(self) -> bool {
        matches!(self, Self::Weaker | Self::Unclear)
    }
}

impl Change {
    /// The same difference seen from the other side.
    pub fn reversed(self) -> Self {
        Self { at: self.at, before: self.after, after: self.before, weight: self.weight.reversed() }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.weight {
            Weight::Weaker => "WEAKER  ",
            Weight::Unclear => "UNCLEAR ",
            Weight::Stronger => "stronger",
            Weight::Neutral => "        ",
        };
        write!(f, "{mark} {}: ", self.at)?;
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, "{before} -> {after}"),
            (Some(before), None) => write!(f, "{before} removed"),
            (None, Some(after)) => write!(f, "{after} added"),
            (None, None) => f.write_str("changed"),
        }
    }
}

/// What differs, weakest first. Comparing a text with itself yields nothing, and turning the comparison round turns every weight round.
pub fn diff(before: &Contract, after: &Contract) -> Vec<Change> {
    let (old, new) = (leaves(before), leaves(after));
    let places: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut changes: Vec<Change> = places
        .into_iter()
        .filter_map(|place| {
            let (was, is) = (old.get(place), new.get(place));
            if was == is || is_part_of_another(place, &old, &new) {
                return None;
            }
            let weight = weigh(place, was, is);
            Some(Change {
                at: place.clone(),
                before: was.map(Leaf::shown),
                after: is.map(Leaf::shown),
                weight,
            })
        })
        .collect();
    changes.sort_by(|a, b| (a.weight, &a.at).cmp(&(b.weight, &b.at)));
    changes
}

/// Whether the thing that this belongs to was added or removed as a whole: that is told once.
fn is_part_of_another(place: &str, old: &BTreeMap<String, Leaf>, new: &BTreeMap<String, Leaf>) -> bool {
    let wholes = place.match_indices(": ").filter_map(|(at, _)| place.get(..at));
    wholes.into_iter().any(|whole| old.contains_key(whole) != new.contains_key(whole))
}

/// One comparable thing: how it reads, and how much it demands if that can be counted.
#[derive(Debug, Clone, PartialEq)]
struct Leaf {
    words: String,
    demand: Demand,
}

/// How demands compare.
#[derive(Debug, Clone, PartialEq)]
enum Demand {
    /// More is stronger; a thing that is not there demands less than any number.
    Rank(u64),
    /// Being there at all is the demand.
    There,
    /// Being there loosens.
    Loosens,
    /// Words for people.
    Words,
    /// Any change has to be read.
    Read,
}

impl Leaf {
    fn shown(&self) -> String {
        self.words.clone()
    }
}

fn weigh(_: &str, was: Option<&Leaf>, is: Option<&Leaf>) -> Weight {
    let Some(sample) = was.or(is) else { return Weight::Neutral };
    let there = is.is_some().cmp(&was.is_some());
    match (&sample.demand, was.map(|leaf| &leaf.demand), is.map(|leaf| &leaf.demand)) {
        (Demand::Words, _, _) => Weight::Neutral,
        (Demand::Rank(_), Some(Demand::Rank(was)), Some(Demand::Rank(is))) if was != is => {
            Weight::of(is.cmp(was))
        }
        (Demand::Rank(_) | Demand::There, _, _) if there != Ordering::Equal => Weight::of(there),
        (Demand::Loosens, _, _) if there != Ordering::Equal => Weight::of(there.reverse()),
        (Demand::Rank(_) | Demand::There | Demand::Loosens | Demand::Read, _, _) => Weight::Unclear,
    }
}

struct Leaves(BTreeMap<String, Leaf>);

impl Leaves {
    fn put(&mut self, at: String, words: impl Into<String>, demand: Demand) {
        self.0.insert(at, Leaf { words: words.into(), demand });
    }

    /// Where a yes demands more.
    fn demands(&mut self, at: String, yes: bool) {
        self.put(at, if yes { "yes" } else { "no" }, Demand::Rank(u64::from(yes)));
    }

    /// Where a yes demands less.
    fn loosens(&mut self, at: String, yes: bool) {
        self.put(at, if yes { "yes" } else { "no" }, Demand::Rank(u64::from(!yes)));
    }
}

fn leaves(contract: &Contract) -> BTreeMap<String, Leaf> {
    let mut all = Leaves(BTreeMap::new());
    let own = str::to_owned;
    all.put(own("version"), contract.version.to_string(), Demand::Words);
    all.put(own("title"), &contract.title, Demand::Words);
    for stage in &contract.opens.when_stage_becomes {
        all.put(format!("opens in stage {stage}"), "the handoff", Demand::There);
    }
    for stage in &contract.opens.void_when_stage_becomes {
        all.put(format!("is off in stage {stage}"), "the handoff", Demand::Loosens);
    }
    all.put(own("role of the sender"), &contract.roles.sender, Demand::Read);
    all.put(own("role of the receiver"), &contract.roles.receiver, Demand::Read);
    all.loosens(own("the sender may accept"), contract.roles.sender_may_accept);
    let explicit = contract.submit == Submit::Explicit;
    all.demands(own("the sender has to submit"), explicit);
    for word in &contract.quality.filler {
        all.put(format!("filler word {word:?}"), "counts as empty", Demand::There);
    }
    let least = u64::from(contract.quality.min_chars);
    all.put(own("fewest characters"), least.to_string(), Demand::Rank(least));
    if let Some(hours) = contract.sla.accept_within_hours {
        let demand = Demand::Rank(u64::from(u32::MAX - hours) + 1);
        all.put(own("time to accept"), format!("{hours} h"), demand);
    }
    gates(contract, &mut all);
    fields(contract, &mut all);
    others(contract, &mut all);
    all.0
}

fn gates(contract: &Contract, all: &mut Leaves) {
    for (name, gate) in &contract.gates {
        let at = |what: &str| format!("gate {name}: {what}");
        all.put(format!("gate {name}"), "the gate", Demand::There);
        all.put(at("kind"), format!("{:?}", gate.kind).to_lowercase(), Demand::Read);
        let (words, rank) = match gate.opens_when {
            Condition::Complete => ("complete", 1),
            Condition::Accepted => ("accepted", 2),
        };
        all.put(at("opens when"), words, Demand::Rank(rank));
        let (words, rank) = match gate.mode {
            Mode::Off => ("off", 1),
            Mode::Observe => ("observe", 2),
            Mode::Enforce => ("enforce", 3),
        };
        all.put(at("mode"), words, Demand::Rank(rank));
        let (words, rank) = match gate.on_bypass {
            OnBypass::Record => ("record", 1),
            OnBypass::Notify => ("notify", 2),
            OnBypass::Revert => ("revert", 3),
        };
        all.put(at("on bypass"), words, Demand::Rank(rank));
        for stage in &gate.stages {
            all.put(at(&format!("guards stage {stage}")), "the stage", Demand::There);
        }
        if let Some(clause) = &gate.plan_clause {
            all.put(at("plan clause"), clause, Demand::There);
        }
    }
}

fn fields(contract: &Contract, all: &mut Leaves) {
    for field in &contract.fields {
        let key = &field.key;
        let at = |what: &str| format!("field {key}: {what}");
        all.put(format!("field {key}"), &field.label, Demand::There);
        all.put(at("label"), &field.label, Demand::Words);
        all.put(at("question"), &field.ask, Demand::Words);
        all.loosens(at("\"there are none\" is an answer"), field.none_is_an_answer);
        all.demands(at("must be written by a person"), field.human_authored);
        let reopens = field.after_acceptance == AfterAcceptance::Reopen;
        all.demands(at("an edit after acceptance re-opens"), reopens);
        if let Some(condition) = &field.required_when {
            all.put(at("required only when"), condition, Demand::Loosens);
        }
        for (name, part) in &field.parts {
            self::part(contract, &format!("field {key}: part {name}"), part, all);
        }
    }
}

fn part(contract: &Contract, at: &str, part: &Part, all: &mut Leaves) {
    all.put(at.to_owned(), "the part", Demand::There);
    all.put(format!("{at}: kind"), format!("{:?}", part.kind).to_lowercase(), Demand::Read);
    if let Some(label) = &part.label {
        all.put(format!("{at}: label"), label, Demand::Words);
    }
    if !part.choices.is_empty() {
        all.put(format!("{at}: one of its choices"), "the limit", Demand::There);
    }
    for choice in &part.choices {
        all.put(format!("{at}: one of its choices: may be {choice:?}"), "the choice", Demand::Loosens);
    }
    for (column, kind) in &part.columns {
        all.put(format!("{at}: column {column}"), "the column", Demand::There);
        let kind = format!("{kind:?}").to_lowercase();
        all.put(format!("{at}: column {column}: kind"), kind, Demand::Read);
    }
    all.demands(format!("{at}: needs a number"), part.needs_number);
    if part.kind == Kind::Text {
        let least = u64::from(part.min_chars.unwrap_or(contract.quality.min_chars));
        all.put(format!("{at}: fewest characters"), least.to_string(), Demand::Rank(least));
    }
}

/// Keys of the top level that are compared above.
const KNOWN: [&str; 9] =
    ["contract", "version", "title", "opens", "roles", "submit", "quality", "gates", "field"];

/// Everything that no rule above knows has to be read, so that no new key of the language slips through.
fn others(contract: &Contract, all: &mut Leaves) {
    let Ok(Value::Object(mut whole)) = serde_json::to_value(contract) else { return };
    whole.retain(|key, _| !KNOWN.contains(&key.as_str()));
    if let Some(Value::Object(sla)) = whole.get_mut("sla") {
        sla.remove("accept_within_hours");
    }
    let keys: [(&str, &[&str]); 2] = [
        (
            "field",
            &[
                "key",
                "label",
                "ask",
                "parts",
                "none_is_an_answer",
                "human_authored",
                "required_when",
                "after_acceptance",
            ],
        ),
        ("gates", &["kind", "opens_when", "mode", "stages", "on_bypass", "plan_clause"]),
    ];
    if let Ok(Value::Object(mut again)) = serde_json::to_value(contract) {
        for (table, known) in keys {
            let rows = match again.remove(table) {
                Some(Value::Array(rows)) => rows
                    .into_iter()
                    .map(|row| (row.get("key").and_then(Value::as_str).unwrap_or_default().to_owned(), row))
                    .collect(),
                Some(Value::Object(rows)) => rows.into_iter().collect::<Vec<_>>(),
                Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => Vec::new(),
            };
            for (name, row) in rows {
                let Value::Object(mut row) = row else { continue };
                row.retain(|key, _| !known.contains(&key.as_str()));
                flatten(&format!("{table} {name}"), &Value::Object(row), all);
            }
        }
    }
    flatten("", &Value::Object(whole), all);
}

fn flatten(at: &str, value: &Value, all: &mut Leaves) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let at = if at.is_empty() { key.clone() } else { format!("{at}: {key}") };
                flatten(&at, value, all);
            }
        }
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            all.put(at.to_owned(), value.to_string(), Demand::Read);
        }
    }
}

#[cfg(test)]
mod tests;
