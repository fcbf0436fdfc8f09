//! The tables of `handoff-measure::export` as files for a warehouse: one folder per table, one file per export, and a manifest that names them.
//!
//! The same log gives the same bytes. Files are whole or not there: they are written aside and moved into place, the manifest last.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use arrow_schema::ArrowError;
use handoff_core::journal::LogEntry;
use handoff_measure::export::{Covered, Exporter, Row, Since, Table, VERSION};
use jiff::Timestamp;
use parquet::errors::ParquetError;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

mod batch;
mod sheet;
#[cfg(test)]
mod tests;

use sheet::Sheet;

/// How tables are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Apache Parquet, compressed with Snappy.
    Parquet,
    /// Apache Arrow's IPC file format, uncompressed.
    Arrow,
    /// RFC 4180 with a header; cells that a spreadsheet would run are disarmed by an apostrophe.
    Csv,
}

/// An export that does not come about.
#[derive(Debug, Error)]
pub enum ExportError {
    /// A file or folder.
    #[error("{path} cannot be written")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// As Parquet.
    #[error("the table {table} cannot be written as Parquet")]
    Parquet {
        /// Which.
        table: &'static str,
        /// Why.
        source: ParquetError,
    },
    /// As Arrow.
    #[error("the table {table} cannot be written as Arrow")]
    Arrow {
        /// Which.
        table: &'static str,
        /// Why.
        source: ArrowError,
    },
    /// As CSV.
    #[error("the table {table} cannot be written as CSV")]
    Csv {
        /// Which.
        table: &'static str,
        /// Why.
        source: csv::Error,
    },
    /// A row that does not fit its table: a defect of this program.
    #[error("a row does not fit the table {table}: report this")]
    Shape {
        /// Which.
        table: &'static str,
    },
    /// The manifest that is to be continued.
    #[error("{path} is no manifest of an export: name a position or a date to begin at")]
    Manifest {
        /// Which.
        path: PathBuf,
    },
}

/// What an export wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the tables' shapes.
    pub export: u32,
    /// How they are written.
    pub format: Format,
    /// The first log position that is told.
    pub from: u64,
    /// The first that is not: `--since` of the next export.
    pub to: u64,
    /// The moment up to which figures count.
    pub as_of: Timestamp,
    /// Table → its file; empty = nothing was logged since.
    pub tables: BTreeMap<String, Written>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Its path in the folder.
    pub file: String,
    /// Its rows.
    pub rows: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

impl Format {
    /// The ending of its files.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
            Self::Csv => "csv",
        }
    }
}

/// An export in the making.
pub struct Export {
    out: PathBuf,
    format: Format,
    exporter: Exporter,
    sheets: BTreeMap<Table, (Sheet, u64)>,
}

impl Export {
    /// Into this folder, which is made if it is not there.
    pub fn begin(out: &Path, format: Format, since: Since) -> Result<Self, ExportError> {
        let mut sheets = BTreeMap::new();
        for table in Table::ALL {
            let folder = out.join(table.name());
            let failed = |source| ExportError::File { path: folder.clone(), source };
            std::fs::create_dir_all(&folder).map_err(failed)?;
            sheets.insert(table, (Sheet::create(table, format, &aside(out, table))?, 0));
        }
        Ok(Self { out: out.to_owned(), format, exporter: Exporter::new(since), sheets })
    }

    /// Without the numbers of people that are made of fewer than this many cycles.
    #[must_use]
    pub fn with_minimum_n(self, minimum: usize) -> Self {
        Self { exporter: self.exporter.with_minimum_n(minimum), ..self }
    }

    /// Takes an entry; entries come in log order from position 0. `None` = its record was erased.
    pub fn take(&mut self, position: u64, entry: Option<&LogEntry>) -> Result<(), ExportError> {
        let rows = self.exporter.apply(position, entry);
        put(&mut self.sheets, rows)
    }

    /// Writes how things stand, moves the files into place, and says which they are. `as_of` absent = the last entry's time.
    pub fn finish(self, as_of: Option<Timestamp>) -> Result<Manifest, ExportError> {
        let Self { out, format, exporter, mut sheets } = self;
        let (covered, rows) = exporter.finish(as_of);
        put(&mut sheets, rows)?;
        let Covered { from, to, as_of } = covered;
        let mut manifest = Manifest { export: VERSION, format, from, to, as_of, tables: BTreeMap::new() };
        for (table, (sheet, rows)) in sheets {
            sheet.close()?;
            let aside = aside(&out, table);
            if from == to {
                let gone = std::fs::remove_file(&aside);
                gone.map_err(|source| ExportError::File { path: aside, source })?;
                continue;
            }
            let file = format!("{}/{}.{}", table.name(), span(covered), format.ending());
            let sha256 = settle(&aside, &out.join(&file))?;
            manifest.tables.insert(table.name().to_owned(), Written { file, rows, sha256 });
        }
        if from < to {
            manifest.write(&out)?;
        }
        Ok(manifest)
    }
}

fn put(sheets: &mut BTreeMap<Table, (Sheet, u64)>, rows: Vec<Row>) -> Result<(), ExportError> {
    for row in rows {
        if let Some((sheet, count)) = sheets.get_mut(&row.table) {
            *count += 1;
            sheet.put(row)?;
        }
    }
    Ok(())
}

/// Names sort in log order.
fn span(covered: Covered) -> String {
    format!("{:012}-{:012}", covered.from, covered.to)
}

fn aside(out: &Path, table: Table) -> PathBuf {
    out.join(table.name()).join(".part")
}

/// A new file that only its owner may read.
fn create(path: &Path) -> Result<File, ExportError> {
    let made = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    made.map_err(|source| ExportError::File { path: path.to_owned(), source })
}

/// Makes a file durable under its name; the digest of its bytes.
fn settle(aside: &Path, path: &Path) -> Result<String, ExportError> {
    let failed = |source| ExportError::File { path: path.to_owned(), source };
    let file = File::open(aside).map_err(failed)?;
    let mut reader = BufReader::new(&file);
    let (mut sum, mut buffer) = (Sha256::new(), vec![0; 65_536]);
    loop {
        let read = reader.read(&mut buffer).map_err(failed)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        sum.update(bytes);
    }
    file.sync_all().map_err(failed)?;
    std::fs::rename(aside, path).map_err(failed)?;
    Ok(hex(&sum.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

const MANIFEST: &str = "manifest-";

impl Manifest {
    fn write(&self, out: &Path) -> Result<(), ExportError> {
        let covered = Covered { from: self.from, to: self.to, as_of: self.as_of };
        let path = out.join(format!("{MANIFEST}{}.json", span(covered)));
        let aside = out.join(".manifest.part");
        let failed = |source| ExportError::File { path: path.clone(), source };
        let text = serde_json::to_string_pretty(self).map_err(|error| failed(error.into()))?;
        create(&aside)?.write_all(format!("{text}\n").as_bytes()).map_err(failed)?;
        settle(&aside, &path).map(drop)
    }

    /// Where the newest export in this folder ended; `None` = there is none.
    pub fn newest(out: &Path) -> Result<Option<Self>, ExportError> {
        let Ok(entries) = std::fs::read_dir(out) else { return Ok(None) };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let manifests = names.filter(|name| {
            name.strip_prefix(MANIFEST).is_some_and(|span| span.strip_suffix(".json").is_some())
        });
        let mut newest: Option<Self> = None;
        for name in manifests {
            let path = out.join(name);
            let read =
                std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
            let manifest = read.ok_or(ExportError::Manifest { path })?;
            if newest.as_ref().is_none_or(|newest| newest.to < manifest.to) {
                newest = Some(manifest);
            }
        }
        Ok(newest)
    }
}
