//! WHERE.

use super::{Resolved, Resolver};
use crate::id::to_18;
use crate::schema::FieldType;
use crate::soql::SoqlErrorCode;
use crate::soql::filter::{Filter, Set, Test};
use crate::soql::lexer::{Op, like_pattern, unescape};
use crate::soql::plan::Path;
use crate::soql::syntax::{Condition, FieldRef, Literal};

impl Resolver<'_> {
    pub(super) fn condition(&self, condition: &Condition<'_>) -> Resolved<Filter> {
        let all = |cs: &[Condition<'_>]| cs.iter().map(|c| self.condition(c)).collect::<Resolved<Vec<_>>>();
        Ok(match condition {
            Condition::And(cs) => Filter::And(all(cs)?),
            Condition::Or(cs) => Filter::Or(all(cs)?),
            Condition::Not(c) => Filter::Not(Box::new(self.condition(c)?)),
            Condition::Compare(field, op, literal) => {
                let path = self.usable(field, "filtered")?;
                let test = self.compare(field, &path, *op, *literal)?;
                Filter::Test(path, test)
            }
            Condition::Like(field, raw) => {
                let path = self.usable(field, "filtered")?;
                if !is_text(path.field_type()) {
                    return self.bad_operator(field, "like");
                }
                Filter::Test(path, Test::Like(like_pattern(raw)))
            }
            Condition::In { field, negated, values } => {
                let path = self.usable(field, "filtered")?;
                if path.field_type() == FieldType::MultiPicklist {
                    return self.bad_operator(field, "in");
                }
                let set = self.set(field, &path, values)?;
                Filter::Test(path, Test::In { negated: *negated, set })
            }
            Condition::Includes { field, negated, values } => {
                let path = self.usable(field, "filtered")?;
                if path.field_type() != FieldType::MultiPicklist {
                    return self.bad_operator(field, if *negated { "excludes" } else { "includes" });
                }
                let choice = |raw: &&str| unescape(raw).split(';').map(|v| v.trim().to_owned()).collect();
                let choices = values.iter().map(choice).collect();
                Filter::Test(path, Test::Includes { negated: *negated, choices })
            }
        })
    }

    fn bad_operator<T>(&self, field: &FieldRef<'_>, operator: &str) -> Resolved<T> {
        let name = field.parts.join(".");
        let detail = format!("invalid operator on field '{name}': '{operator}' does not fit its type");
        self.invalid(field.at, &detail)
    }

    fn compare(&self, field: &FieldRef<'_>, path: &Path, op: Op, literal: Literal<'_>) -> Resolved<Test> {
        let kind = path.field_type();
        let range = matches!(op, Op::Lt | Op::Le | Op::Gt | Op::Ge);
        if range && matches!(kind, FieldType::Boolean | FieldType::MultiPicklist) {
            return self.bad_operator(field, "range comparison");
        }
        if let Literal::Null = literal {
            if kind == FieldType::Boolean {
                // a checkbox is never null
                return Ok(Test::In { negated: op == Op::Ne, set: Set::default() });
            }
            return Ok(Test::Blank(op == Op::Eq));
        }
        Ok(match (kind, literal) {
            (FieldType::Id | FieldType::Reference, Literal::Quoted("")) => Test::Blank(op != Op::Ne),
            (FieldType::Id | FieldType::Reference, Literal::Quoted(raw)) => {
                Test::Id(op, self.id(field, raw)?)
            }
            (FieldType::Boolean, Literal::Bool(b)) => Test::Bool(op, b),
            (_, Literal::Number(n)) if kind.is_number() => Test::Number(op, n),
            (FieldType::Date, Literal::Date(d)) => Test::Date(op, d, d),
            (FieldType::Date, Literal::Days(first, last)) => Test::Date(op, first, last),
            (FieldType::DateTime, Literal::DateTime(t)) => Test::DateTime(op, t, t),
            (FieldType::DateTime, Literal::Days(first, last)) => {
                let Some((first, last)) = instants(first, last) else { return self.wrong_type(field, kind) };
                Test::DateTime(op, first, last)
            }
            (_, Literal::Quoted(raw)) if is_text(kind) || kind == FieldType::MultiPicklist => {
                let text = unescape(raw);
                if text.is_empty() && !range { Test::Blank(op == Op::Eq) } else { Test::Text(op, text) }
            }
            (_, _) => return self.wrong_type(field, kind),
        })
    }

    fn set(&self, field: &FieldRef<'_>, path: &Path, values: &[Literal<'_>]) -> Resolved<Set> {
        let mut set = Set::default();
        for value in values {
            match self.compare(field, path, Op::Eq, *value)? {
                Test::Blank(_) => set.blank = true,
                Test::Id(_, id) => {
                    set.ids.insert(id);
                }
                Test::Text(_, text) => {
                    set.texts.insert(text.to_lowercase());
                }
                Test::Number(_, n) => {
                    set.numbers.insert(n);
                }
                Test::Bool(_, b) => {
                    set.bools.insert(b);
                }
                Test::Date(_, first, last) => set.dates.push((first, last)),
                Test::DateTime(_, first, last) => set.instants.push((first, last)),
                Test::In { .. } | Test::Like(_) | Test::Includes { .. } => {}
            }
        }
        Ok(set)
    }

    fn id(&self, field: &FieldRef<'_>, raw: &str) -> Resolved<String> {
        match to_18(raw) {
            Some(id) => Ok(id),
            None => self.fail(
                SoqlErrorCode::InvalidQueryFilterOperator,
                field.at,
                &format!("invalid ID field: '{}' is compared with text that is no id", field.parts.join(".")),
            ),
        }
    }

    fn wrong_type<T>(&self, field: &FieldRef<'_>, kind: FieldType) -> Resolved<T> {
        let quotes = if is_text(kind) || kind.is_id() { "should be" } else { "should not be" };
        let kind = if kind == FieldType::DateTime { "dateTime" } else { kind.api_name() };
        let name = field.parts.join(".");
        let detail = format!(
            "value of filter criterion for field '{name}' must be of type {kind} and {quotes} enclosed in quotes"
        );
        self.invalid(field.at, &detail)
    }
}

fn is_text(kind: FieldType) -> bool {
    match kind {
        FieldType::String
        | FieldType::TextArea
        | FieldType::Picklist
        | FieldType::Email
        | FieldType::Phone
        | FieldType::Url => true,
        FieldType::Id
        | FieldType::Reference
        | FieldType::MultiPicklist
        | FieldType::Boolean
        | FieldType::Int
        | FieldType::Double
        | FieldType::Currency
        | FieldType::Percent
        | FieldType::Date
        | FieldType::DateTime => false,
    }
}

/// First and last instant of a stretch of UTC days.
fn instants(first: jiff::civil::Date, last: jiff::civil::Date) -> Option<(jiff::Timestamp, jiff::Timestamp)> {
    let utc = jiff::tz::TimeZone::UTC;
    let start = first.to_zoned(utc.clone()).ok()?.timestamp();
    let end = last.tomorrow().ok()?.to_zoned(utc).ok()?.timestamp();
    Some((start, end.checked_sub(jiff::SignedDuration::from_nanos(1)).ok()?))
}
