//! WHERE over borrowed rows: no row and no value is copied while filtering.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::lexer::{LikePiece, Op};
use super::plan::Path;
use super::rows::Rows;
use crate::value::Cell;

#[derive(Debug, Clone)]
pub(super) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Test(Path, Test),
}

#[derive(Debug, Clone)]
pub(super) enum Test {
    /// Blank (`= null`) or, when false, not blank.
    Blank(bool),
    Text(Op, String),
    Id(Op, String),
    Number(Op, Decimal),
    Bool(Op, bool),
    /// A stretch of days, first and last.
    Date(Op, Date, Date),
    /// A stretch of time, first and last instant.
    DateTime(Op, Timestamp, Timestamp),
    Like(Vec<LikePiece>),
    In {
        negated: bool,
        set: Set,
    },
    Includes {
        negated: bool,
        choices: Vec<Vec<String>>,
    },
}

/// The values of IN.
#[derive(Debug, Clone, Default)]
pub(super) struct Set {
    pub(super) blank: bool,
    pub(super) ids: BTreeSet<String>,
    /// Lower-cased.
    pub(super) texts: BTreeSet<String>,
    pub(super) numbers: BTreeSet<Decimal>,
    pub(super) dates: Vec<(Date, Date)>,
    pub(super) instants: Vec<(Timestamp, Timestamp)>,
    pub(super) bools: BTreeSet<bool>,
}

impl Filter {
    pub(super) fn matches<S: Rows>(&self, rows: &S, row: &S::Row) -> bool {
        match self {
            Self::And(all) => all.iter().all(|f| f.matches(rows, row)),
            Self::Or(any) => any.iter().any(|f| f.matches(rows, row)),
            Self::Not(inner) => !inner.matches(rows, row),
            Self::Test(path, test) => test.holds(path.cell(rows, row)),
        }
    }
}

impl Test {
    fn holds(&self, cell: Cell<'_>) -> bool {
        match self {
            Self::Blank(wanted) => cell.is_blank() == *wanted,
            Self::Text(op, value) => compared(*op, text_of(cell).map(|t| compare_text(t, value))),
            Self::Id(op, value) => compared(*op, text_of(cell).map(|t| t.cmp(value.as_str()))),
            Self::Number(op, value) => compared(*op, number_of(cell).map(|n| n.cmp(value))),
            Self::Bool(op, value) => compared(*op, Some((cell == Cell::Bool(true)).cmp(value))),
            Self::Date(op, first, last) => compared(*op, date_of(cell).map(|d| within(&d, first, last))),
            Self::DateTime(op, first, last) => {
                compared(*op, instant_of(cell).map(|t| within(&t, first, last)))
            }
            Self::Like(pattern) => text_of(cell).is_some_and(|t| like(t, pattern)),
            Self::In { negated, set } => set.holds(cell) != *negated,
            Self::Includes { negated, choices } => includes(cell, choices) != *negated,
        }
    }
}

/// Null is unequal to everything, and neither before nor after anything.
fn compared(op: Op, order: Option<Ordering>) -> bool {
    let Some(order) = order else { return op == Op::Ne };
    match op {
        Op::Eq => order.is_eq(),
        Op::Ne => order.is_ne(),
        Op::Lt => order.is_lt(),
        Op::Le => order.is_le(),
        Op::Gt => order.is_gt(),
        Op::Ge => order.is_ge(),
    }
}

fn within<T: Ord>(value: &T, first: &T, last: &T) -> Ordering {
    if value < first {
        Ordering::Less
    } else if value > last {
        Ordering::Greater
    } else {
        Ordering::Equal
    }
}

fn text_of(cell: Cell<'_>) -> Option<&str> {
    if let Cell::Text(text) = cell
        && !text.is_empty()
    {
        return Some(text);
    }
    None
}

fn number_of(cell: Cell<'_>) -> Option<Decimal> {
    if let Cell::Number(number) = cell { Some(number) } else { None }
}

fn date_of(cell: Cell<'_>) -> Option<Date> {
    if let Cell::Date(date) = cell { Some(date) } else { None }
}

fn instant_of(cell: Cell<'_>) -> Option<Timestamp> {
    if let Cell::DateTime(instant) = cell { Some(instant) } else { None }
}

/// Order of text without regard to case.
pub(super) fn compare_text(left: &str, right: &str) -> Ordering {
    if left.is_ascii() && right.is_ascii() {
        for (l, r) in left.bytes().zip(right.bytes()) {
            let order = l.to_ascii_lowercase().cmp(&r.to_ascii_lowercase());
            if order.is_ne() {
                return order;
            }
        }
        return left.len().cmp(&right.len());
    }
    left.chars().flat_map(char::to_lowercase).cmp(right.chars().flat_map(char::to_lowercase))
}

fn lowered(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.to_lowercase())
    }
}

impl Set {
    fn holds(&self, cell: Cell<'_>) -> bool {
        match cell {
            Cell::Null | Cell::Text("") => self.blank,
            Cell::Bool(b) => self.bools.contains(&b),
            Cell::Number(n) => self.numbers.contains(&n),
            Cell::Text(t) if !self.ids.is_empty() => self.ids.contains(t),
            Cell::Text(t) => !self.texts.is_empty() && self.texts.contains(lowered(t).as_ref()),
            Cell::Date(d) => self.dates.iter().any(|(first, last)| (first..=last).contains(&&d)),
            Cell::DateTime(t) => self.instants.iter().any(|(first, last)| (first..=last).contains(&&t)),
        }
    }
}

/// LIKE with the usual two-pointer walk: linear in the text for one `%`, never exponential.
fn like(text: &str, pattern: &[LikePiece]) -> bool {
    let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    let (mut t, mut p) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while let Some(&c) = text.get(t) {
        match pattern.get(p) {
            Some(LikePiece::Any) => {
                retry = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some(LikePiece::One) => {
                (t, p) = (t + 1, p + 1);
                continue;
            }
            Some(LikePiece::Char(wanted)) if *wanted == c => {
                (t, p) = (t + 1, p + 1);
                continue;
            }
            Some(LikePiece::Char(_)) | None => {}
        }
        let Some((after, from)) = retry else { return false };
        retry = Some((after, from + 1));
        (t, p) = (from + 1, after);
    }
    pattern.iter().skip(p).all(|piece| *piece == LikePiece::Any)
}

/// Whether a multi-select value holds all parts of at least one choice.
fn includes(cell: Cell<'_>, choices: &[Vec<String>]) -> bool {
    let Cell::Text(text) = cell else { return false };
    let has = |wanted: &String| text.split(';').any(|held| compare_text(held, wanted).is_eq());
    choices.iter().any(|parts| parts.iter().all(has))
}

#[cfg(test)]
mod tests {
    use super::super::lexer::like_pattern;
    use super::*;

    #[test]
    fn like_knows_its_wildcards() {
        for (text, pattern, expected) in [
            ("Acme GmbH", "acme%", true),
            ("Acme", "%c_e", true),
            ("Acme", "a_me%", true),
            ("Acme", "acm", false),
            ("100%", r"100\%", true),
            ("1000", r"100\%", false),
            ("a_b", r"a\_b", true),
            ("axb", r"a\_b", false),
            ("", "%", true),
            ("aaaaaaaaaaaaaaaaaaaaaaaab", "%a%a%a%a%a%c", false),
            ("Ärger", "äR%", true),
        ] {
            assert_eq!(like(text, &like_pattern(pattern)), expected, "{text} LIKE {pattern}");
        }
    }
}
