//! Rows into Arrow's columns.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use handoff_measure::export::{Cell, Kind, Row, SCALE, Table, VERSION};
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::json;

/// Digits of a number.
const PRECISION: u8 = 38;

/// What a file says of itself: shape and table.
pub(super) fn about(table: Table) -> String {
    json!({ "export": VERSION, "table": table.name(), "row": table.says() }).to_string()
}

/// A table's shape. Each map holds one key, so that the order of keys decides no byte.
pub(super) fn schema(table: Table) -> SchemaRef {
    let field = |column: &handoff_measure::export::Column| {
        let says = HashMap::from([("says".to_owned(), column.says.to_owned())]);
        Field::new(column.name, data_type(column.kind), true).with_metadata(says)
    };
    let fields: Vec<Field> = table.columns().iter().map(field).collect();
    let about = HashMap::from([("handoffd".to_owned(), about(table))]);
    Arc::new(Schema::new_with_metadata(fields, about))
}

fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Text => DataType::Utf8,
        Kind::Integer => DataType::Int64,
        Kind::Number => DataType::Decimal128(PRECISION, scale()),
        Kind::Moment => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Kind::Day => DataType::Date32,
        Kind::Flag => DataType::Boolean,
    }
}

fn scale() -> i8 {
    i8::try_from(SCALE).unwrap_or(i8::MAX)
}

/// One column in the making.
enum Builder {
    Text(StringBuilder),
    Integer(Int64Builder),
    Number(Decimal128Builder),
    Moment(TimestampMicrosecondBuilder),
    Day(Date32Builder),
    Flag(BooleanBuilder),
}

/// The columns of some rows in the making.
pub(super) struct Batch {
    schema: SchemaRef,
    columns: Vec<Builder>,
    rows: usize,
}

impl Batch {
    pub(super) fn new(table: Table) -> Result<Self, ArrowError> {
        let columns =
            table.columns().iter().map(|column| Builder::of(column.kind)).collect::<Result<_, _>>()?;
        Ok(Self { schema: schema(table), columns, rows: 0 })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Adds a row; false = it does not fit.
    pub(super) fn put(&mut self, row: Row) -> bool {
        self.rows += 1;
        row.cells.len() == self.columns.len()
            && self.columns.iter_mut().zip(row.cells).all(|(column, cell)| column.put(cell))
    }

    /// The rows so far; the next ones begin anew.
    pub(super) fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        self.rows = 0;
        let columns = self.columns.iter_mut().map(Builder::finish).collect();
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}

impl Builder {
    fn of(kind: Kind) -> Result<Self, ArrowError> {
        Ok(match kind {
            Kind::Text => Self::Text(StringBuilder::new()),
            Kind::Integer => Self::Integer(Int64Builder::new()),
            Kind::Number => {
                Self::Number(Decimal128Builder::new().with_precision_and_scale(PRECISION, scale())?)
            }
            Kind::Moment => Self::Moment(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            Kind::Day => Self::Day(Date32Builder::new()),
            Kind::Flag => Self::Flag(BooleanBuilder::new()),
        })
    }

    fn put(&mut self, cell: Cell) -> bool {
        match (self, cell) {
            (Self::Text(column), Cell::Nothing) => column.append_null(),
            (Self::Text(column), Cell::Text(text)) => column.append_value(text),
            (Self::Integer(column), Cell::Nothing) => column.append_null(),
            (Self::Integer(column), Cell::Integer(number)) => column.append_value(number),
            (Self::Number(column), Cell::Nothing) => column.append_null(),
            (Self::Number(column), Cell::Number(number)) => match scaled(number) {
                Some(scaled) => column.append_value(scaled),
                None => return false,
            },
            (Self::Moment(column), Cell::Nothing) => column.append_null(),
            (Self::Moment(column), Cell::Moment(at)) => column.append_value(at),
            (Self::Day(column), Cell::Nothing) => column.append_null(),
            (Self::Day(column), Cell::Day(day)) => column.append_value(since_1970(day)),
            (Self::Flag(column), Cell::Nothing) => column.append_null(),
            (Self::Flag(column), Cell::Flag(flag)) => column.append_value(flag),
            (
                Self::Text(_)
                | Self::Integer(_)
                | Self::Number(_)
                | Self::Moment(_)
                | Self::Day(_)
                | Self::Flag(_),
                Cell::Text(_)
                | Cell::Integer(_)
                | Cell::Number(_)
                | Cell::Moment(_)
                | Cell::Day(_)
                | Cell::Flag(_),
            ) => return false,
        }
        true
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(column) => ArrayBuilder::finish(column),
            Self::Integer(column) => ArrayBuilder::finish(column),
            Self::Number(column) => ArrayBuilder::finish(column),
            Self::Moment(column) => ArrayBuilder::finish(column),
            Self::Day(column) => ArrayBuilder::finish(column),
            Self::Flag(column) => ArrayBuilder::finish(column),
        }
    }
}

/// Days from 1970-01-01.
fn since_1970(day: Date) -> i32 {
    day.duration_since(Date::constant(1970, 1, 1)).as_hours().div_euclid(24).try_into().unwrap_or_default()
}

/// In units of the last digit; `None` = it has more digits than a column holds.
fn scaled(number: Decimal) -> Option<i128> {
    let mut exact = number.normalize();
    exact.rescale(SCALE);
    (exact.scale() == SCALE && exact == number).then(|| exact.mantissa())
}
