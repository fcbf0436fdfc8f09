//! One table being written.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use arrow_ipc::writer::FileWriter;
use arrow_schema::ArrowError;
use handoff_measure::export::{Row, Table};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::batch::{Batch, about, schema};
use super::{ExportError, Format, create};

/// Rows that are turned into columns at once.
const ROWS: usize = 8_192;

/// Rows that lie together in a Parquet file; so many are held in memory, encoded.
const GROUP: usize = 262_144;

pub(super) struct Sheet {
    table: Table,
    to: To,
}

enum To {
    Parquet(Box<(Batch, ArrowWriter<BufWriter<File>>)>),
    Arrow(Box<(Batch, FileWriter<BufWriter<File>>)>),
    Csv(Box<csv::Writer<File>>),
}

impl Sheet {
    pub(super) fn create(table: Table, format: Format, path: &Path) -> Result<Self, ExportError> {
        let file = create(path)?;
        let parquet = |source| ExportError::Parquet { table: table.name(), source };
        let arrow = |source| ExportError::Arrow { table: table.name(), source };
        let to = match format {
            Format::Parquet => {
                let properties = WriterProperties::builder()
                    .set_created_by("handoffd".to_owned())
                    .set_compression(Compression::SNAPPY)
                    .set_max_row_group_row_count(Some(GROUP))
                    .set_key_value_metadata(Some(vec![KeyValue::new("handoffd".to_owned(), about(table))]))
                    .build();
                let writer = ArrowWriter::try_new(BufWriter::new(file), schema(table), Some(properties));
                To::Parquet(Box::new((Batch::new(table).map_err(arrow)?, writer.map_err(parquet)?)))
            }
            Format::Arrow => {
                let writer = FileWriter::try_new(BufWriter::new(file), &schema(table)).map_err(arrow)?;
                To::Arrow(Box::new((Batch::new(table).map_err(arrow)?, writer)))
            }
            Format::Csv => {
                let mut builder = csv::WriterBuilder::new();
                let mut writer = builder.terminator(csv::Terminator::CRLF).from_writer(file);
                let head = writer.write_record(table.columns().iter().map(|column| column.name));
                head.map_err(|source| ExportError::Csv { table: table.name(), source })?;
                To::Csv(Box::new(writer))
            }
        };
        Ok(Self { table, to })
    }

    pub(super) fn put(&mut self, row: Row) -> Result<(), ExportError> {
        let table = self.table.name();
        let (fits, full) = match &mut self.to {
            To::Parquet(held) => (held.0.put(row), held.0.rows() >= ROWS),
            To::Arrow(held) => (held.0.put(row), held.0.rows() >= ROWS),
            To::Csv(writer) => {
                let fits = row.cells.len() == row.table.columns().len();
                let written = writer.write_record(row.cells.iter().map(handoff_measure::export::Cell::csv));
                written.map_err(|source| ExportError::Csv { table, source })?;
                (fits, false)
            }
        };
        if !fits {
            return Err(ExportError::Shape { table });
        }
        if full { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), ExportError> {
        let table = self.table.name();
        let arrow = |source: ArrowError| ExportError::Arrow { table, source };
        let parquet = |source: ParquetError| ExportError::Parquet { table, source };
        match &mut self.to {
            To::Parquet(held) => {
                let batch = held.0.take().map_err(arrow)?;
                held.1.write(&batch).map_err(parquet)
            }
            To::Arrow(held) => {
                let batch = held.0.take().map_err(arrow)?;
                held.1.write(&batch).map_err(arrow)
            }
            To::Csv(_) => Ok(()),
        }
    }

    pub(super) fn close(mut self) -> Result<(), ExportError> {
        self.flush()?;
        let table = self.table.name();
        match self.to {
            To::Parquet(held) => {
                let (_, writer) = *held;
                writer.close().map(drop).map_err(|source| ExportError::Parquet { table, source })
            }
            To::Arrow(held) => {
                let (_, mut writer) = *held;
                let arrow = |source| ExportError::Arrow { table, source };
                writer.finish().map_err(arrow)?;
                let flushed = writer.into_inner().map_err(arrow)?.into_inner().map(drop);
                flushed.map_err(|error| arrow(ArrowError::from(error.into_error())))
            }
            To::Csv(mut writer) => {
                writer.flush().map_err(|error| ExportError::Csv { table, source: error.into() })
            }
        }
    }
}
