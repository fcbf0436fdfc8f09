//! JSON and text into typed values, with the vendor's errors.

use std::str::FromStr;

use jiff::civil::Date;
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde_json::Value as Json;

use crate::{
    ids::Id,
    record::SaveError,
    schema::{FieldSpec, FieldType},
    value::{Value, parse_datetime},
};

/// The typed form of a JSON field value.
pub(crate) fn from_json(field: &FieldSpec, json: &Json) -> Result<Value, SaveError> {
    let wrong = || mistyped(field, json);
    match (field.kind, json) {
        (FieldType::Boolean | FieldType::AnyType, Json::Bool(yes)) => Ok(Value::Bool(*yes)),
        (FieldType::Boolean, _) => Err(wrong()),
        (_, Json::Null) => Ok(Value::Null),
        (_, Json::String(text)) => from_text(field, text).map_err(|error| error.unwrap_or_else(wrong)),
        (FieldType::Int, Json::Number(number)) => {
            let whole = number.as_i64().or_else(|| {
                number.as_f64().filter(|float| float.fract() == 0.0).and_then(|float| float.to_i64())
            });
            whole.map(Value::Int).ok_or_else(wrong)
        }
        (FieldType::Double | FieldType::Currency | FieldType::Percent, Json::Number(number)) => {
            decimal(&number.to_string()).map(Value::Num).ok_or_else(wrong)
        }
        (FieldType::AnyType, Json::Number(number)) => {
            Ok(decimal(&number.to_string()).map_or(Value::Null, Value::Num))
        }
        (kind, Json::Number(number)) if kind.is_text() => Ok(bounded(field, &number.to_string())?),
        (kind, Json::Bool(yes)) if kind.is_text() => Ok(bounded(field, &yes.to_string())?),
        _ => Err(wrong()),
    }
}

/// The typed form of a text; `Err(None)` when the text is not of the field's type.
pub(crate) fn from_text(field: &FieldSpec, text: &str) -> Result<Value, Option<SaveError>> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Ok(Value::Null);
    }
    match field.kind {
        FieldType::Boolean => match trimmed.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Ok(Value::Bool(true)),
            "false" | "0" | "no" => Ok(Value::Bool(false)),
            _ => Err(None),
        },
        FieldType::Int => trimmed.parse().map(Value::Int).map_err(|_| None),
        FieldType::Double | FieldType::Currency | FieldType::Percent => {
            decimal(trimmed).map(Value::Num).ok_or(None)
        }
        FieldType::Date => trimmed.parse::<Date>().map(Value::Date).map_err(|_| None),
        FieldType::Datetime => {
            parse_datetime(trimmed).or_else(|| day_start(trimmed)).map(Value::Time).ok_or(None)
        }
        FieldType::Id | FieldType::Reference => Id::parse(trimmed).map(Value::Id).ok_or_else(|| {
            let message = format!("{}: id value of incorrect type: {trimmed}", field.label());
            Some(SaveError::on("MALFORMED_ID", message, &field.name))
        }),
        FieldType::String
        | FieldType::Textarea
        | FieldType::Picklist
        | FieldType::Multipicklist
        | FieldType::Combobox
        | FieldType::Email
        | FieldType::Phone
        | FieldType::Url
        | FieldType::AnyType => Ok(bounded(field, text)?),
    }
}

fn day_start(text: &str) -> Option<i64> {
    parse_datetime(&format!("{}T00:00:00Z", text.parse::<Date>().ok()?))
}

fn decimal(text: &str) -> Option<Decimal> {
    Decimal::from_str(text).or_else(|_| Decimal::from_scientific(text)).ok()
}

fn bounded(field: &FieldSpec, text: &str) -> Result<Value, SaveError> {
    let limit = field.length.unwrap_or(255);
    if text.len() > limit && text.chars().count() > limit {
        let start: String = text.chars().take(20).collect();
        let message = format!("{}: data value too large: {start}... (max length={limit})", field.label());
        return Err(SaveError::on("STRING_TOO_LONG", message, &field.name));
    }
    if field.kind == FieldType::Email && !text.contains('@') {
        let message = format!("{}: invalid email address: {text}", field.label());
        return Err(SaveError::on("INVALID_EMAIL_ADDRESS", message, &field.name));
    }
    let known = |word: &str| field.values.iter().any(|value| value == word);
    let all_known =
        if field.kind == FieldType::Multipicklist { text.split(';').all(known) } else { known(text) };
    if field.restricted && !all_known {
        let message = format!("{}: bad value for restricted picklist field: {text}", field.label());
        return Err(SaveError::on("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, &field.name));
    }
    Ok(Value::text(text))
}

fn mistyped(field: &FieldSpec, json: &Json) -> SaveError {
    let (token, shown) = match json {
        Json::Null => ("VALUE_NULL", "null".to_owned()),
        Json::Bool(yes) => (if *yes { "VALUE_TRUE" } else { "VALUE_FALSE" }, yes.to_string()),
        Json::Number(number) => ("VALUE_NUMBER", number.to_string()),
        Json::String(text) => ("VALUE_STRING", text.chars().take(40).collect()),
        Json::Array(_) => ("START_ARRAY", "[".to_owned()),
        Json::Object(_) => ("START_OBJECT", "{".to_owned()),
    };
    let message = format!(
        "Cannot deserialize instance of {} from {token} value {shown} or request may be missing a required field at \
         [line:1, column:2]",
        field.kind.name()
    );
    SaveError::on("JSON_PARSER_ERROR", message, &field.name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn field(kind: FieldType) -> FieldSpec {
        FieldSpec::new("F__c", kind)
    }

    #[test]
    fn wrong_types_get_the_vendors_codes() {
        let code = |kind, value: Json| from_json(&field(kind), &value).unwrap_err().code;
        assert_eq!(code(FieldType::Boolean, json!(null)), "JSON_PARSER_ERROR");
        assert_eq!(code(FieldType::Date, json!("20.11.2026")), "JSON_PARSER_ERROR");
        assert_eq!(code(FieldType::Reference, json!("x")), "MALFORMED_ID");
        assert_eq!(code(FieldType::String, json!("x".repeat(256))), "STRING_TOO_LONG");
        assert_eq!(code(FieldType::Currency, json!({})), "JSON_PARSER_ERROR");
        let mut picklist = field(FieldType::Picklist);
        picklist.restricted = true;
        picklist.values = vec!["Accept".into()];
        let refused = from_json(&picklist, &json!("accept")).unwrap_err();
        assert_eq!(refused.code, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST");
        assert_eq!(refused.message, "F__c: bad value for restricted picklist field: accept");
    }

    #[test]
    fn money_stays_exact() {
        assert_eq!(
            from_json(&field(FieldType::Currency), &json!(0.1)).unwrap(),
            Value::Num(Decimal::new(1, 1))
        );
        assert_eq!(from_json(&field(FieldType::Int), &json!(3.0)).unwrap(), Value::Int(3));
    }

    proptest! {
        #[test]
        fn any_text_is_converted_without_panic(text in "\\PC{0,40}") {
            for kind in [FieldType::Date, FieldType::Datetime, FieldType::Currency, FieldType::Id, FieldType::Email] {
                let _ = from_json(&field(kind), &Json::from(text.clone()));
            }
        }
    }
}
