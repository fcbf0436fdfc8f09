//! Loading real data: CSV and JSONL files through a small TOML mapping, one row at a time.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
};

use jiff::civil;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::{
    Error, Org,
    ids::Id,
    record::ActorKind,
    schema::{FieldSpec, FieldType},
};

/// How a file's columns become an object's fields.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mapping {
    /// API name of the object.
    object: String,
    /// `csv` or `jsonl`; by the file's ending when absent.
    #[serde(default)]
    format: Option<String>,
    /// User name or id in whose name rows are saved; the org itself when absent.
    #[serde(default)]
    act_as: Option<String>,
    /// How rows are saved; `load` when absent.
    #[serde(default)]
    kind: Option<ActorKind>,
    /// Field -> column, or a template with `{column}`.
    #[serde(default)]
    fields: BTreeMap<String, String>,
    /// Field -> the same value for every row.
    #[serde(default)]
    constants: BTreeMap<String, Json>,
    /// Field -> (file value -> org value); values not listed stay.
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
    #[serde(default)]
    add_fields: Vec<FieldSpec>,
    /// Stop after this many rows.
    #[serde(default)]
    limit: Option<usize>,
    /// Count rows that the org refuses instead of stopping at the first.
    #[serde(default)]
    skip_refused: bool,
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
    /// Rows the org refused (only with `skip_refused`).
    pub refused: usize,
}

type Record = BTreeMap<String, String>;

/// Reads `file` row by row and saves each by the mapping.
pub(crate) fn load(org: &Org, file: &Path, mapping: &Path) -> Result<Loaded, Error> {
    let shown = |path: &Path| path.display().to_string();
    let text =
        std::fs::read_to_string(mapping).map_err(|source| Error::Read { path: shown(mapping), source })?;
    let plan: Mapping = toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = u64::try_from(before.matches('\n').count()).unwrap_or(0) + 1;
        Error::Load { path: shown(mapping), line, detail: error.message().to_owned() }
    })?;
    let open = File::open(file).map_err(|source| Error::Read { path: shown(file), source })?;
    if !plan.add_fields.is_empty() {
        org.add_fields(&plan.object, plan.add_fields.clone())?;
    }
    let format = plan
        .format
        .clone()
        .unwrap_or_else(|| shown(file).rsplit('.').next().unwrap_or_default().to_lowercase());
    let mut loader = Loader { org, plan: &plan, path: shown(file), done: Loaded::default() };
    match format.as_str() {
        "csv" => loader.csv(open)?,
        "jsonl" | "ndjson" => loader.jsonl(open)?,
        other => return Err(Error::bad(format!("format {other} is neither csv nor jsonl"))),
    }
    Ok(loader.done)
}

struct Loader<'a> {
    org: &'a Org,
    plan: &'a Mapping,
    path: String,
    done: Loaded,
}

impl Loader<'_> {
    fn is_full(&self) -> bool {
        self.plan.limit.is_some_and(|limit| self.done.saved + self.done.refused >= limit)
    }

    fn wrong(&self, line: u64, detail: impl Into<String>) -> Error {
        Error::Load { path: self.path.clone(), line, detail: detail.into() }
    }

    fn csv(&mut self, file: File) -> Result<(), Error> {
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

    fn jsonl(&mut self, file: File) -> Result<(), Error> {
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

    fn save(&mut self, line: u64, record: &Record) -> Result<(), Error> {
        let fields = self.fields(line, record)?;
        let mut state = self.org.lock();
        let kind = self.plan.kind.unwrap_or(ActorKind::Load);
        let user = match &self.plan.act_as {
            Some(name) => state.user(name)?,
            None => state.system_user(),
        };
        let actor = crate::state::Actor { user, kind, client: None, request: 0, transaction: None };
        let position = state
            .schema
            .position(&self.plan.object)
            .ok_or_else(|| Error::unknown("object", &*self.plan.object))?;
        let outcome = state.save(&actor, position, None, &fields);
        drop(state);
        match outcome {
            Ok(id) => {
                if let Some(key) = &self.plan.key {
                    let name = self.fill(line, &key.column, record)?;
                    self.org.lock().keys.insert((key.space.clone(), name), id);
                }
                self.done.saved += 1;
                Ok(())
            }
            Err(_) if self.plan.skip_refused => {
                self.done.refused += 1;
                Ok(())
            }
            Err(errors) => {
                let codes: Vec<&str> = errors.iter().map(|error| error.code.as_str()).collect();
                Err(self.wrong(line, format!("refused with {}", codes.join(", "))))
            }
        }
    }

    fn fields(&self, line: u64, record: &Record) -> Result<Map<String, Json>, Error> {
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
            fields.insert(field.clone(), self.typed(field, text));
        }
        for (field, reference) in &self.plan.references {
            let name = self.fill(line, &reference.column, record)?;
            if name.is_empty() {
                continue;
            }
            let id = self.org.lock().keys.get(&(reference.space.clone(), name)).copied();
            let id = id.ok_or_else(|| {
                self.wrong(line, format!("{field}: no loaded row of {} has this key", reference.space))
            })?;
            fields.insert(field.clone(), Json::from(id.as_str()));
        }
        Ok(fields)
    }

    /// A checkbox travels as JSON true or false; every other type is read from text.
    fn typed(&self, field: &str, text: String) -> Json {
        let state = self.org.lock();
        let known = state.schema.object(&self.plan.object).and_then(|object| object.field(field));
        if known.is_some_and(|known| known.spec.kind == FieldType::Boolean) {
            match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "t" => return Json::Bool(true),
                "false" | "0" | "no" | "f" => return Json::Bool(false),
                _ => {}
            }
        }
        Json::String(text)
    }

    fn dated(&self, line: u64, field: &str, pattern: &str, text: &str) -> Result<String, Error> {
        let wrong = || self.wrong(line, format!("{field}: not a date of the form {pattern}"));
        if let Ok(at) = civil::DateTime::strptime(pattern, text) {
            let state = self.org.lock();
            let known = state.schema.object(&self.plan.object).and_then(|object| object.field(field));
            let day = known.is_some_and(|known| known.spec.kind == FieldType::Date);
            return Ok(if day { at.date().to_string() } else { format!("{at}Z") });
        }
        civil::Date::strptime(pattern, text).map(|day| day.to_string()).map_err(|_| wrong())
    }

    /// The column's text; or the template with every `{column}` filled in.
    fn fill(&self, line: u64, source: &str, record: &Record) -> Result<String, Error> {
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

/// Keys of loaded rows by key space.
pub(crate) type Keys = BTreeMap<(String, String), Id>;
