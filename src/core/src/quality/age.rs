//! Whether what is dated is too old to tell anything.

use jiff::Span;
use jiff::civil::Date;

use crate::completeness::Problem;
use crate::contract::Part;
use crate::value::Value;

/// What is wrong with the age of a value on this day; a value without dates has none.
pub(crate) fn problem(part: &Part, value: &Value, as_of: Date) -> Option<Problem> {
    let days = part.max_age_days?;
    let newest = newest(value)?;
    let oldest_allowed = as_of.checked_sub(Span::new().days(i64::from(days))).unwrap_or(Date::MIN);
    (newest < oldest_allowed).then_some(Problem::Stale { days })
}

/// The newest date in a value. Of a point it is the first day.
fn newest(value: &Value) -> Option<Date> {
    match value {
        Value::Date(date) => Some(*date),
        Value::Series(points) => points.iter().map(|(date, _)| *date).max(),
        Value::List(rows) => {
            rows.iter().flat_map(std::collections::BTreeMap::values).filter_map(newest).max()
        }
        Value::Text(_)
        | Value::Name(_)
        | Value::Number(_)
        | Value::Money { .. }
        | Value::Choice(_)
        | Value::Person(_)
        | Value::Record(_)
        | Value::Flag(_)
        | Value::Erased => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::civil::date;
    use rust_decimal::Decimal;

    use super::*;
    use crate::contract::Kind;

    #[test]
    fn a_series_whose_newest_point_is_too_old_says_nothing_any_more() {
        let part = |kind: Kind| Part { max_age_days: Some(14), ..Part::of(kind) };
        let series = |day: i8| {
            Value::Series(vec![(date(2026, 10, 1), Decimal::ONE), (date(2026, 11, day), Decimal::ONE)])
        };
        let today = date(2026, 11, 20);
        let stale = Some(Problem::Stale { days: 14 });
        assert_eq!(problem(&part(Kind::Series), &series(6), today), None, "exactly 14 days");
        assert_eq!(problem(&part(Kind::Series), &series(5), today), stale);
        assert_eq!(problem(&Part::of(Kind::Series), &series(5), today), None, "no age was asked for");
        let list = |day: i8| {
            Value::List(vec![
                BTreeMap::from([("uses".to_owned(), series(1))]),
                BTreeMap::from([
                    ("uses".to_owned(), series(day)),
                    ("feature".to_owned(), Value::Name("x".to_owned())),
                ]),
            ])
        };
        assert_eq!(problem(&part(Kind::List), &list(6), today), None, "one that is alive is enough");
        assert_eq!(problem(&part(Kind::List), &list(5), today), stale);
        assert_eq!(problem(&part(Kind::Date), &Value::Date(date(2027, 1, 1)), today), None);
        assert_eq!(
            problem(&part(Kind::Series), &Value::Series(Vec::new()), today),
            None,
            "empty is another problem"
        );
        assert_eq!(problem(&part(Kind::Series), &series(5), Date::MIN), None);
    }
}
