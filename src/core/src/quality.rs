//! Whether a value answers its question. Junk counts as missing.

use jiff::civil::Date;

use crate::completeness::Problem;
use crate::contract::{Kind, Part, Quality};
use crate::value::Value;

pub(crate) mod age;
mod filler;
mod normal;
mod quick;
#[cfg(test)]
mod tests;

pub use filler::Fillers;

/// The quality rules of one contract, made ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    fillers: Fillers,
    min_chars: u32,
}

impl Rules {
    /// Of a contract's `[quality]`, on top of the built-in floor of fillers.
    pub fn new(quality: &Quality) -> Self {
        Self { fillers: Fillers::new(&quality.filler), min_chars: quality.min_chars }
    }

    /// What is wrong with a part's value; `None` = it answers the question.
    pub fn problem(&self, part: &Part, value: Option<&Value>) -> Option<Problem> {
        let value = match value {
            None => return Some(Problem::Empty),
            Some(Value::Erased) => return Some(Problem::Erased),
            Some(value) => value,
        };
        if self.answers_at_a_glance(part, value) { None } else { self.looked_at_closely(part, value) }
    }

    /// Whether a short look tells already that the value answers its question.
    fn answers_at_a_glance(&self, part: &Part, value: &Value) -> bool {
        match (part.kind, value) {
            (Kind::Text, Value::Text(text)) => {
                let needs = part.min_chars.unwrap_or(self.min_chars);
                self.fillers.surely_says_something(text, needs, part.needs_number)
            }
            // Which choices there are is not for a short look.
            (Kind::Choice, Value::Choice(_)) if !part.choices.is_empty() => false,
            (Kind::Name, Value::Name(text))
            | (Kind::Person, Value::Person(text))
            | (Kind::Choice, Value::Choice(text))
            | (Kind::Record, Value::Record(text)) => self.fillers.surely_says_something(text, 0, false),
            (
                Kind::Text
                | Kind::Name
                | Kind::Number
                | Kind::Money
                | Kind::Date
                | Kind::Choice
                | Kind::Person
                | Kind::Record
                | Kind::Flag
                | Kind::List
                | Kind::Series,
                _,
            ) => false,
        }
    }

    fn looked_at_closely(&self, part: &Part, value: &Value) -> Option<Problem> {
        let judged_by_words = part.kind != Kind::Choice || part.choices.is_empty();
        let text = words_of(value).filter(|_| judged_by_words);
        if let Some(problem) = text.and_then(|text| self.nothing_said(part.kind, text)) {
            return Some(problem);
        }
        self.by_kind(part, value)
    }

    fn by_kind(&self, part: &Part, value: &Value) -> Option<Problem> {
        match (part.kind, value) {
            (Kind::Text, Value::Text(text)) => self.prose(part, text),
            (Kind::Choice, Value::Choice(text)) => self.choice(part, text),
            (Kind::Name, Value::Name(_))
            | (Kind::Person, Value::Person(_))
            | (Kind::Record, Value::Record(_))
            | (Kind::Number, Value::Number(_))
            | (Kind::Money, Value::Money { .. })
            | (Kind::Flag, Value::Flag(true)) => None,
            (Kind::Flag, Value::Flag(false)) => Some(Problem::Empty),
            (Kind::Date, Value::Date(date)) => (!is_sane(*date)).then_some(Problem::Filler),
            (Kind::List, Value::List(rows)) => self.rows(part, rows),
            (Kind::Series, Value::Series(points)) => match points.len() {
                0 => Some(Problem::Empty),
                1 => Some(Problem::TooShort { needs: 2 }),
                _ => None,
            },
            (
                Kind::Text
                | Kind::Name
                | Kind::Number
                | Kind::Money
                | Kind::Date
                | Kind::Choice
                | Kind::Person
                | Kind::Record
                | Kind::Flag
                | Kind::List
                | Kind::Series,
                _,
            ) => Some(Problem::WrongKind),
        }
    }

    fn nothing_said(&self, kind: Kind, text: &str) -> Option<Problem> {
        let visible = normal::visible(text);
        if visible.is_empty() {
            Some(Problem::Empty)
        } else {
            self.fillers.says_nothing(&visible, kind).then_some(Problem::Filler)
        }
    }

    fn prose(&self, part: &Part, text: &str) -> Option<Problem> {
        let visible = normal::visible(text);
        let needs = part.min_chars.unwrap_or(self.min_chars);
        if part.needs_number && !visible.chars().any(char::is_numeric) {
            return Some(Problem::NoNumber);
        }
        let has = u32::try_from(normal::information(&visible)).unwrap_or(u32::MAX);
        (has < needs).then_some(Problem::TooShort { needs })
    }

    // A multi-select holds several choices with `;` between them; all have to be known.
    fn choice(&self, part: &Part, text: &str) -> Option<Problem> {
        if part.choices.is_empty() {
            return None;
        }
        let known = |chosen: &str| part.choices.iter().any(|choice| choice.trim() == chosen.trim());
        if text.split(';').all(known) {
            return None;
        }
        self.nothing_said(part.kind, text).or(Some(Problem::NotAChoice))
    }

    fn rows(&self, part: &Part, rows: &[std::collections::BTreeMap<String, Value>]) -> Option<Problem> {
        if rows.is_empty() {
            return Some(Problem::Empty);
        }
        for (row, columns) in (1_u32..).zip(rows) {
            for (column, kind) in &part.columns {
                let cell = Part { min_chars: Some(0), ..Part::of(*kind) };
                if self.problem(&cell, columns.get(column)).is_some() {
                    return Some(Problem::RowIncomplete { row, column: column.clone() });
                }
            }
            let says_something = columns.values().any(|value| {
                words_of(value).is_none_or(|text| self.nothing_said(Kind::Text, text).is_none())
            });
            if !says_something {
                return Some(Problem::RowIncomplete {
                    row,
                    column: part.columns.keys().next().cloned().unwrap_or_default(),
                });
            }
        }
        None
    }
}

fn words_of(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text)
        | Value::Name(text)
        | Value::Choice(text)
        | Value::Person(text)
        | Value::Record(text) => Some(text),
        Value::Number(_)
        | Value::Money { .. }
        | Value::Date(_)
        | Value::Flag(_)
        | Value::List(_)
        | Value::Series(_)
        | Value::Erased => None,
    }
}

// 1900-01-01, 1970-01-01 and 9999-12-31 are what forms and imports write for "no date".
fn is_sane(date: Date) -> bool {
    (1990..=2100).contains(&date.year())
}
