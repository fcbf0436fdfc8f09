//! Tree × save → value.
//!
//! Blank text and null are one. A checkbox is never null. Arithmetic with null is null. A comparison with null is
//! false, except that null equals null.

use std::cmp::Ordering;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

use super::tree::{Comparison, Expr, Search, Step, Type, Unary};
use super::{Context, EvalError};
use crate::value::{Cell, Value};

const NANOS_PER_DAY: i64 = 86_400_000_000_000;

type Evaluated<T> = Result<T, EvalError>;

pub(super) fn evaluate(expr: &Expr, save: &dyn Context) -> Evaluated<Value> {
    match expr {
        Expr::Constant(value) => Ok(value.clone()),
        Expr::Field(name, kind) => read(save.value(name), *kind),
        Expr::Prior(name, kind) => prior(save, name, *kind),
        Expr::Changed(name, kind) => {
            Ok(Value::Bool(!save.is_new() && read(save.value(name), *kind)? != prior(save, name, *kind)?))
        }
        Expr::IsNew => Ok(Value::Bool(save.is_new())),
        Expr::UserId => Ok(Value::Text(save.user_id().to_owned())),
        Expr::ProfileName => Ok(Value::Text(save.profile_name().to_owned())),
        Expr::Permission(name) => Ok(Value::Bool(save.has_permission(name))),
        Expr::Now => Ok(Value::DateTime(save.now())),
        Expr::Today => Ok(Value::Date(day(save.now()))),
        Expr::And(parts) => all(parts, save, true),
        Expr::Or(parts) => all(parts, save, false),
        Expr::Not(inner) => Ok(Value::Bool(!truth(inner, save)?)),
        Expr::If(parts) => {
            let [test, yes, no] = parts.as_ref();
            evaluate(if truth(test, save)? { yes } else { no }, save)
        }
        Expr::Case(subject, pairs, otherwise) => {
            let subject = evaluate(subject, save)?;
            for (value, result) in pairs {
                if equal(&subject, &evaluate(value, save)?) {
                    return evaluate(result, save);
                }
            }
            evaluate(otherwise, save)
        }
        Expr::Compare(comparison, sides) => {
            let [left, right] = sides.as_ref();
            Ok(Value::Bool(compare(*comparison, &evaluate(left, save)?, &evaluate(right, save)?)))
        }
        Expr::Chain(first, rest) => {
            let mut result = evaluate(first, save)?;
            for (operation, right) in rest {
                result = step(*operation, result, evaluate(right, save)?)?;
            }
            Ok(result)
        }
        Expr::Negative(inner) => Ok(match evaluate(inner, save)? {
            Value::Number(n) => Value::Number(-n),
            Value::Null | Value::Bool(_) | Value::Text(_) | Value::Date(_) | Value::DateTime(_) => {
                Value::Null
            }
        }),
        Expr::IsBlank(inner) => Ok(Value::Bool(evaluate(inner, save)?.cell().is_blank())),
        Expr::BlankValue(sides) => {
            let [value, other] = sides.as_ref();
            let value = evaluate(value, save)?;
            if value.cell().is_blank() { evaluate(other, save) } else { Ok(value) }
        }
        Expr::Unary(function, inner) => unary(*function, evaluate(inner, save)?),
        Expr::Search(function, sides) => {
            let [text, part] = sides.as_ref();
            let (text, part) = (text_of(evaluate(text, save)?), text_of(evaluate(part, save)?));
            Ok(Value::Bool(match function {
                Search::Contains => text.contains(&part),
                Search::Begins => text.starts_with(&part),
                Search::Includes => text.split(';').any(|held| held == part),
                Search::IsPickVal => text == part,
            }))
        }
    }
}

fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

fn read(cell: Cell<'_>, kind: Type) -> Evaluated<Value> {
    match (kind, cell) {
        (Type::Bool, Cell::Null) => Ok(Value::Bool(false)),
        (_, Cell::Null | Cell::Text("")) => Ok(Value::Null),
        (Type::Bool, Cell::Bool(_))
        | (Type::Number, Cell::Number(_))
        | (Type::Text | Type::Picklist | Type::MultiPicklist, Cell::Text(_))
        | (Type::Date, Cell::Date(_))
        | (Type::DateTime, Cell::DateTime(_)) => Ok(cell.to_value()),
        (_, _) => Err(EvalError::WrongType),
    }
}

/// On create the vendor answers with the current value, not with null.
fn prior(save: &dyn Context, name: &str, kind: Type) -> Evaluated<Value> {
    let cell = if save.is_new() { None } else { save.prior(name) };
    read(cell.unwrap_or_else(|| save.value(name)), kind)
}

fn truth(expr: &Expr, save: &dyn Context) -> Evaluated<bool> {
    Ok(evaluate(expr, save)? == Value::Bool(true))
}

/// AND when `wanted` is true, OR when it is false: stops at the first part that decides.
fn all(parts: &[Expr], save: &dyn Context, wanted: bool) -> Evaluated<Value> {
    for part in parts {
        if truth(part, save)? != wanted {
            return Ok(Value::Bool(!wanted));
        }
    }
    Ok(Value::Bool(wanted))
}

fn equal(left: &Value, right: &Value) -> bool {
    (left.cell().is_blank() && right.cell().is_blank()) || left == right
}

fn compare(comparison: Comparison, left: &Value, right: &Value) -> bool {
    let order = match (left, right) {
        (Value::Number(a), Value::Number(b)) => Some(a.cmp(b)),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        (Value::DateTime(a), Value::DateTime(b)) => Some(a.cmp(b)),
        (_, _) => None,
    };
    match comparison {
        Comparison::Eq => equal(left, right),
        Comparison::Ne => !equal(left, right),
        Comparison::Lt => order.is_some_and(Ordering::is_lt),
        Comparison::Le => order.is_some_and(Ordering::is_le),
        Comparison::Gt => order.is_some_and(Ordering::is_gt),
        Comparison::Ge => order.is_some_and(Ordering::is_ge),
    }
}

fn step(step: Step, left: Value, right: Value) -> Evaluated<Value> {
    match (step, left, right) {
        (Step::Concat, left, right) => Ok(Value::Text(text_of(left) + &text_of(right))),
        (_, Value::Null, _) | (_, _, Value::Null) => Ok(Value::Null),
        (_, Value::Number(a), Value::Number(b)) => arithmetic(step, a, b).map(Value::Number),
        (Step::Add, Value::Date(d), Value::Number(n)) | (Step::Add, Value::Number(n), Value::Date(d)) => {
            shift_date(d, n)
        }
        (Step::Subtract, Value::Date(d), Value::Number(n)) => shift_date(d, -n),
        (Step::Add, Value::DateTime(t), Value::Number(n))
        | (Step::Add, Value::Number(n), Value::DateTime(t)) => shift_instant(t, n),
        (Step::Subtract, Value::DateTime(t), Value::Number(n)) => shift_instant(t, -n),
        (Step::Subtract, Value::Date(a), Value::Date(b)) => {
            Ok(Value::Number(a.duration_since(b).as_hours().saturating_div(24).into()))
        }
        (Step::Subtract, Value::DateTime(a), Value::DateTime(b)) => {
            let nanos = a.duration_since(b).as_nanos();
            let nanos = Decimal::from_i128(nanos).ok_or(EvalError::OutOfRange)?;
            Ok(Value::Number(nanos / Decimal::from(NANOS_PER_DAY)))
        }
        (
            Step::Add | Step::Subtract | Step::Multiply | Step::Divide | Step::Power,
            Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Date(_) | Value::DateTime(_),
            _,
        ) => Err(EvalError::WrongType),
    }
}

fn arithmetic(step: Step, a: Decimal, b: Decimal) -> Evaluated<Decimal> {
    let result = match step {
        Step::Add => a.checked_add(b),
        Step::Subtract => a.checked_sub(b),
        Step::Multiply => a.checked_mul(b),
        Step::Divide if b.is_zero() => return Err(EvalError::DivisionByZero),
        Step::Divide => a.checked_div(b),
        Step::Power => power(a, b),
        Step::Concat => None,
    };
    result.ok_or(EvalError::OutOfRange)
}

fn power(base: Decimal, exponent: Decimal) -> Option<Decimal> {
    if exponent.fract().is_zero() && exponent.abs() <= Decimal::from(1_000) {
        let times = exponent.abs().to_u32()?;
        let result = (0..times).try_fold(Decimal::ONE, |product, _| product.checked_mul(base))?;
        return if exponent.is_sign_negative() { Decimal::ONE.checked_div(result) } else { Some(result) };
    }
    Decimal::from_f64(base.to_f64()?.powf(exponent.to_f64()?))
}

/// Days of fractions are cut off for dates.
fn shift_date(date: Date, days: Decimal) -> Evaluated<Value> {
    let days = days.trunc().to_i64().ok_or(EvalError::OutOfRange)?;
    let hours = days.checked_mul(24).ok_or(EvalError::OutOfRange)?;
    let by = SignedDuration::try_from_hours(hours).ok_or(EvalError::OutOfRange)?;
    date.checked_add(by).map(Value::Date).map_err(|_| EvalError::OutOfRange)
}

fn shift_instant(at: Timestamp, days: Decimal) -> Evaluated<Value> {
    let nanos = days.checked_mul(Decimal::from(NANOS_PER_DAY)).and_then(|n| n.trunc().to_i64());
    let by = SignedDuration::from_nanos(nanos.ok_or(EvalError::OutOfRange)?);
    at.checked_add(by).map(Value::DateTime).map_err(|_| EvalError::OutOfRange)
}

fn text_of(value: Value) -> String {
    match value {
        Value::Text(text) => text,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Date(_) | Value::DateTime(_) => {
            String::new()
        }
    }
}

fn unary(function: Unary, value: Value) -> Evaluated<Value> {
    Ok(match function {
        Unary::Text => Value::Text(match value {
            Value::Number(n) => n.normalize().to_string(),
            Value::Date(d) => d.to_string(),
            Value::DateTime(t) => t.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
            Value::Text(text) => text,
            Value::Null | Value::Bool(_) => String::new(),
        }),
        Unary::Len => Value::Number(Decimal::from(text_of(value).chars().count())),
        Unary::Trim => Value::Text(text_of(value).trim().to_owned()),
        Unary::Upper => Value::Text(text_of(value).to_uppercase()),
        Unary::Lower => Value::Text(text_of(value).to_lowercase()),
        Unary::Value => {
            let text = text_of(value);
            if text.trim().is_empty() {
                return Ok(Value::Null);
            }
            Value::Number(text.trim().parse().map_err(|_| EvalError::BadConversion)?)
        }
        Unary::DateValue => match value {
            Value::DateTime(t) => Value::Date(day(t)),
            Value::Text(text) if !text.is_empty() => {
                Value::Date(text.parse().map_err(|_| EvalError::BadConversion)?)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Date(_) => Value::Null,
        },
    })
}
