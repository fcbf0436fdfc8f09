//! From a delivery's bytes to raw rows: a JSON array of flat objects, an object with `rows`, or CSV with a header line.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value as Json;
use thiserror::Error;

/// Most rows of one delivery.
pub(crate) const MOST_ROWS: usize = 20_000;
/// Most columns of one row.
const MOST_COLUMNS: usize = 256;

/// Rows as they came.
pub(crate) type Raw = Vec<BTreeMap<String, Json>>;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// `application/json`.
    Json,
    /// `text/csv`, with a header line.
    Csv,
}

impl Format {
    /// As a content type names it.
    pub(crate) fn of(content_type: &str) -> Option<Self> {
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "application/json" => Some(Self::Json),
            "text/csv" => Some(Self::Csv),
            _ => None,
        }
    }

    /// Its content type.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }
}

/// A body that is not rows. Names places, never values.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum NotRows {
    /// Not the format.
    #[error("the body is no {0}")]
    Malformed(String),
    /// Too much at once.
    #[error("the delivery has more than {MOST_ROWS} rows: send it in parts")]
    TooMany,
    /// A header names a column twice, or none.
    #[error("the header line names a column twice or leaves one without a name")]
    Header,
}

/// The rows of a body, at most `most`.
pub(crate) fn rows(format: Format, body: &[u8], most: usize) -> Result<Raw, NotRows> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    match format {
        Format::Json => json(body, most),
        Format::Csv => csv(body, most),
    }
}

fn json(body: &[u8], most: usize) -> Result<Raw, NotRows> {
    let is_list = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let told = if is_list {
        serde_json::from_slice(body)
    } else {
        serde_json::from_slice(body).map(|named: Named| named.rows)
    };
    let rows: Vec<Flat> = told.map_err(|error| {
        NotRows::Malformed(format!(
            "list of flat JSON objects (line {}, column {})",
            error.line(),
            error.column()
        ))
    })?;
    if rows.len() > most {
        return Err(NotRows::TooMany);
    }
    Ok(rows.into_iter().map(|row| row.0).collect())
}

fn csv(body: &[u8], most: usize) -> Result<Raw, NotRows> {
    let malformed = |error: &csv::Error| {
        let line = error.position().map_or(0, csv::Position::line);
        NotRows::Malformed(format!("CSV in UTF-8 with as many cells as columns (line {line})"))
    };
    let mut reader = csv::ReaderBuilder::new().from_reader(body);
    let header = reader.headers().map_err(|error| malformed(&error))?.clone();
    let columns: std::collections::BTreeSet<&str> = header.iter().map(str::trim).collect();
    if columns.len() != header.len() || columns.contains("") || columns.len() > MOST_COLUMNS {
        return Err(NotRows::Header);
    }
    let mut rows = Raw::new();
    for record in reader.records() {
        let record = record.map_err(|error| malformed(&error))?;
        if rows.len() == most {
            return Err(NotRows::TooMany);
        }
        let cells = header.iter().zip(&record);
        rows.push(
            cells.map(|(column, cell)| (column.trim().to_owned(), Json::String(cell.to_owned()))).collect(),
        );
    }
    Ok(rows)
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    rows: Vec<Flat>,
}

/// A JSON object whose keys are told apart: one that names a key twice is none.
struct Flat(BTreeMap<String, Json>);

impl<'de> Deserialize<'de> for Flat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Flat;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object that names every column once")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Flat, A::Error> {
                let mut cells = BTreeMap::new();
                while let Some((key, cell)) = map.next_entry::<String, Json>()? {
                    if cells.len() == MOST_COLUMNS || cells.insert(key, cell).is_some() {
                        return Err(de::Error::custom("a column twice, or too many of them"));
                    }
                }
                Ok(Flat(cells))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(format: Format, body: &str) -> Result<Raw, NotRows> {
        rows(format, body.as_bytes(), MOST_ROWS)
    }

    #[test]
    fn csv_and_json_tell_the_same_rows() {
        let csv = told(Format::Csv, "\u{feff}account, uses\nA,9\n\"B,b\",\n").unwrap();
        let json = told(Format::Json, r#"[{"account":"A","uses":"9"},{"account":"B,b","uses":""}]"#).unwrap();
        assert_eq!(csv, json);
        let named = told(Format::Json, r#"{"rows":[{"account":"A","uses":9}]}"#).unwrap();
        assert_eq!(named[0].get("uses"), Some(&json!(9)));
        assert!(told(Format::Csv, "account,uses\n").unwrap().is_empty());
    }

    #[test]
    fn c14_what_is_no_list_of_flat_objects_is_refused() {
        for body in [
            "",
            "[",
            "{}",
            "[1]",
            "[{\"a\":1,\"a\":2}]",
            "[{\"a\":NaN}]",
            "[{\"a\":1e400}]",
            "\u{0}",
            "[{\"a\":\"\\ud800\"}]",
        ] {
            assert!(told(Format::Json, body).is_err(), "{body:?}");
        }
        let deep = format!("[{{\"a\":{}1{}}}]", "[".repeat(10_000), "]".repeat(10_000));
        assert!(told(Format::Json, &deep).is_err());
        assert!(rows(Format::Json, b"[{\"a\":\"\xff\"}]", MOST_ROWS).is_err());
    }

    #[test]
    fn c14_a_csv_that_is_ragged_doubled_or_not_utf8_is_refused() {
        assert_eq!(told(Format::Csv, "a,a\n1,2\n"), Err(NotRows::Header));
        assert_eq!(told(Format::Csv, "a,\n1,2\n"), Err(NotRows::Header));
        assert!(matches!(told(Format::Csv, "a,b\n1\n"), Err(NotRows::Malformed(_))));
        assert!(matches!(rows(Format::Csv, b"a\n\xff\n", MOST_ROWS), Err(NotRows::Malformed(_))));
        let many = format!("a\n{}", "1\n".repeat(MOST_ROWS + 1));
        assert_eq!(told(Format::Csv, &many), Err(NotRows::TooMany));
    }

    #[test]
    fn content_types_are_told_apart() {
        assert_eq!(Format::of("Application/JSON; charset=utf-8"), Some(Format::Json));
        assert_eq!(Format::of("text/csv"), Some(Format::Csv));
        assert_eq!(Format::of("text/plain"), None);
        assert_eq!(Format::of(Format::Csv.content_type()), Some(Format::Csv));
    }
}
