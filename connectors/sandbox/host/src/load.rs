//! Loading real data: CSV and JSONL files through a small TOML mapping, one row at a time.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
};

use jiff::civil;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value as Json};

/// A sandbox that files are loaded into.
pub trait Loading {
    /// How rows may be saved.
    type Kind: DeserializeOwned + Clone;
    /// A field that a mapping adds to its object.
    type Field: DeserializeOwned + Clone;

    /// Adds fields to an object.
    fn add_fields(&self, object: &str, fields: Vec<Self::Field>) -> Result<(), String>;

    /// Saves one row; its id, or what the vendor's refusal says without values.
    fn save(
        &self,
        mapping: &Mapping<Self::Kind, Self::Field>,
        fields: Map<String, Json>,
    ) -> Result<String, SaveFailure>;

    /// The value as its field wants it.
    fn typed(&self, object: &str, field: &str, text: String) -> Json;

    /// Whether the field holds days, not instants.
    fn is_day(&self, object: &str, field: &str) -> bool;

    /// The id of the loaded row with that key.
    fn key(&self, space: &str, name: &str) -> Option<String>;

    /// Remembers the id of the row with that key.
    fn remember(&self, space: &str, name: &str, id: &str);
}

/// Why a row was not saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SaveFailure {
    /// The vendor refused it; its codes.
    Refused(String),
    /// It could not even be tried: an object or user that does not exist.
    Impossible(String),
}

/// Why a file was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file cannot be read.
    #[error("{path}: cannot be read")]
    Read {
        /// The file.
        path: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A line of the file, or of its mapping, is wrong.
    #[error("{path}, line {line}: {detail}")]
    Line {
        /// The file.
        path: String,
        /// Line number, from 1.
        line: u64,
        /// What is wrong.
        detail: String,
    },
    /// The mapping asks for what the sandbox cannot do.
    #[error("{detail}")]
    Bad {
        /// What is wrong and what is expected.
        detail: String,
    },
}

/// How a file's columns become an object's fields.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping<K, F> {
    /// Name of the object.
    pub object: String,
    /// `csv` or `jsonl`; by the file's ending when absent.
    #[serde(default)]
    format: Option<String>,
    /// User name or id in whose name rows are saved; the sandbox itself when absent.
    #[serde(default)]
    pub act_as: Option<String>,
    /// How rows are saved; `load` when absent.
    #[serde(default = "none")]
    pub kind: Option<K>,
    /// Field -> column, or a template with `{column}`.
    #[serde(default)]
    fields: BTreeMap<String, String>,
    /// Field -> the same value for every row.
    #[serde(default)]
    constants: BTreeMap<String, Json>,
    /// Field -> (file value -> stored value); values not listed stay.
    #[serde(default)]
    translate: BTreeMap<String, BTreeMap<String, String>>,
    /// Reference field -> name of a key space: the file's key of another loaded row.
    #[serde(default)]
    references: BTreeMap<String, Reference>,
    /// Template whose text names this row for later files.
    #[serde(default)]
    key: Option<Key>,
    /// Field -> strptime pattern of its dates.
    #[serde(default)]
    dates: BTreeMap<String, String>,
    /// Fields to add to the object first.
    #[serde(default = "Vec::new")]
    add_fields: Vec<F>,
    /// Stop after this many rows.
    #[serde(default)]
    limit: Option<usize>,
    /// Count rows that the vendor refuses instead of stopping at the first.
    #[serde(default)]
    skip_refused: bool,
}

const fn none<K>() -> Option<K> {
    None
}

/// A key of another file's rows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reference {
    space: String,
    column: String,
}

/// The key this file's rows get.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    space: String,
    column: String,
}

/// What a load came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Loaded {
    /// Rows saved.
    pub saved: usize,
    /// Rows the vendor refused (only with `skip_refused`).
    pub refused: usize,
}

type Record = BTreeMap<String, String>;

/// Reads `file` row by row and saves each by the mapping.
pub fn load<T: Loading>(target: &T, file: &Path, mapping: &Path) -> Result<Loaded, LoadError> {
    let shown = |path: &Path| path.display().to_string();
    let text = std::fs::read_to_string(mapping)
        .map_err(|source| LoadError::Read { path: shown(mapping), source })?;
    let plan: Mapping<T::Kind, T::Field> = toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = u64::try_from(before.matches('\n').count()).unwrap_or(0) + 1;
        LoadError::Line { path: shown(mapping), line, detail: error.message().to_owned() }
    })?;
    let open = File::open(file).map_err(|source| LoadError::Read { path: shown(file), source })?;
    if !plan.add_fields.is_empty() {
        target
            .add_fields(&plan.object, plan.add_fields.clone())
            .map_err(|detail| LoadError::Bad { detail })?;
    }
    let format = plan
        .format
        .clone()
        .unwrap_or_else(|| shown(file).rsplit('.').next().unwrap_or_default().to_lowercase());
    let mut loader = Loader { target, plan: &plan, path: shown(file), done: Loaded::default() };
    match format.as_str() {
        "csv" => loader.csv(open)?,
        "jsonl" | "ndjson" => loader.jsonl(open)?,
        other => return Err(LoadError::Bad { detail: format!("format {other} is neither csv nor jsonl") }),
    }
    Ok(loader.done)
}

struct Loader<'a, T: Loading> {
    target: &'a T,
    plan: &'a Mapping<T::Kind, T::Field>,
    path: String,
    done: Loaded,
}

impl<T: Loading> Loader<'_, T> {
    fn is_full(&self) -> bool {
        self.plan.limit.is_some_and(|limit| self.done.saved + self.done.refused >= limit)
    }

    fn wrong(&self, line: u64, detail: impl Into<String>) -> LoadError {
        LoadError::Line { path: self.path.clone(), line, detail: detail.into() }
    }

    fn csv(&mut self, file: File) -> Result<(), LoadError> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(BufReader::new(file));
        let headers: Vec<String> = reader
            .headers()
            .map_err(|error| self.wrong(1, error.to_string()))?
            .iter()
            .map(|header| header.trim_start_matches('\u{feff}').to_owned())
            .collect();
        let mut row = csv::StringRecord::new();
        loop {
            let line = reader.position().line();
            let more = reader.read_record(&mut row).map_err(|error| self.wrong(line, error.to_string()))?;
            if !more || self.is_full() {
                return Ok(());
            }
            let record = headers.iter().cloned().zip(row.iter().map(str::to_owned)).collect();
            self.save(line, &record)?;
        }
    }

    fn jsonl(&mut self, file: File) -> Result<(), LoadError> {
        for (line, text) in (1_u64..).zip(BufReader::new(file).lines()) {
            let text = text.map_err(|error| self.wrong(line, error.to_string()))?;
            if self.is_full() {
                return Ok(());
            }
            if text.trim().is_empty() {
                continue;
            }
            let map: Map<String, Json> =
                serde_json::from_str(&text).map_err(|error| self.wrong(line, error.to_string()))?;
            let plain = |value: Json| match value {
                Json::String(text) => text,
                Json::Null => String::new(),
                Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => value.to_string(),
            };
            self.save(line, &map.into_iter().map(|(name, value)| (name, plain(value))).collect())?;
        }
        Ok(())
    }

    fn save(&mut self, line: u64, record: &Record) -> Result<(), LoadError> {
        let fields = self.fields(line, record)?;
        match self.target.save(self.plan, fields) {
            Ok(id) => {
                if let Some(key) = &self.plan.key {
                    let name = self.fill(line, &key.column, record)?;
                    self.target.remember(&key.space, &name, &id);
                }
                self.done.saved += 1;
                Ok(())
            }
            Err(SaveFailure::Refused(_)) if self.plan.skip_refused => {
                self.done.refused += 1;
                Ok(())
            }
            Err(SaveFailure::Refused(codes)) => Err(self.wrong(line, format!("refused with {codes}"))),
            Err(SaveFailure::Impossible(detail)) => Err(LoadError::Bad { detail }),
        }
    }

    fn fields(&self, line: u64, record: &Record) -> Result<Map<String, Json>, LoadError> {
        let mut fields: Map<String, Json> = Map::new();
        for (field, value) in &self.plan.constants {
            fields.insert(field.clone(), value.clone());
        }
        for (field, source) in &self.plan.fields {
            let text = self.fill(line, source, record)?;
            let text = match self.plan.translate.get(field).and_then(|table| table.get(&text)) {
                Some(translated) => translated.clone(),
                None => text,
            };
            if text.is_empty() {
                continue;
            }
            let text = match self.plan.dates.get(field) {
                Some(pattern) => self.dated(line, field, pattern, &text)?,
                None => text,
            };
            fields.insert(field.clone(), self.target.typed(&self.plan.object, field, text));
        }
        for (field, reference) in &self.plan.references {
            let name = self.fill(line, &reference.column, record)?;
            if name.is_empty() {
                continue;
            }
            let id = self.target.key(&reference.space, &name);
            let id = id.ok_or_else(|| {
                self.wrong(line, format!("{field}: no loaded row of {} has this key", reference.space))
            })?;
            fields.insert(field.clone(), Json::from(id));
        }
        Ok(fields)
    }

    fn dated(&self, line: u64, field: &str, pattern: &str, text: &str) -> Result<String, LoadError> {
        let wrong = || self.wrong(line, format!("{field}: not a date of the form {pattern}"));
        if let Ok(at) = civil::DateTime::strptime(pattern, text) {
            let day = self.target.is_day(&self.plan.object, field);
            return Ok(if day { at.date().to_string() } else { format!("{at}Z") });
        }
        civil::Date::strptime(pattern, text).map(|day| day.to_string()).map_err(|_| wrong())
    }

    /// The column's text; or the template with every `{column}` filled in.
    fn fill(&self, line: u64, source: &str, record: &Record) -> Result<String, LoadError> {
        let column = |name: &str| {
            record.get(name).cloned().ok_or_else(|| self.wrong(line, format!("no column named {name}")))
        };
        if !source.contains('{') {
            return column(source);
        }
        let mut out = String::new();
        let mut rest = source;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, tail) = after
                .split_once('}')
                .ok_or_else(|| self.wrong(line, format!("template {source}: no closing brace")))?;
            out.push_str(before);
            out.push_str(&column(name)?);
            rest = tail;
        }
        out.push_str(rest);
        Ok(out)
    }
}
