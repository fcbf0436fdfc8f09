//! The contracts and mappings in force, each with its exact text; loaded all or not at all.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::de::DeserializeOwned;
use serde_json::Value;
use toml::Spanned;
use toml::de::DeTable;

use crate::contract::{Contract, ContractRef};
use crate::digest::Digest;
use crate::evidence::EvidenceMapping;
use crate::id::ContractId;
use crate::lint::{self, Complaint};
use crate::mapping::Mapping;
use crate::motion::SignalTable;
use crate::schema;

mod problem;
mod shipped;
#[cfg(test)]
mod shipped_tests;
mod strict;
#[cfg(test)]
mod tests;

pub use problem::Problem;
pub use shipped::shipped;
pub use strict::{quoted, suggestion};

/// Most files of one load.
pub const MAX_FILES: usize = 500;
/// Most bytes of one file.
pub const MAX_FILE_BYTES: usize = 256 * 1024;

/// A contract with the text it was written as.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// What the text says.
    pub contract: Contract,
    /// The file's text; its digest is the pin.
    pub text: String,
    /// Id, version and digest of the text.
    pub reference: ContractRef,
}

/// The contracts and mappings in force.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Registry {
    contracts: BTreeMap<ContractId, BTreeMap<u32, Held>>,
    mappings: BTreeMap<String, Mapping>,
    evidence: BTreeMap<String, EvidenceMapping>,
    signals: Option<SignalTable>,
}

impl Registry {
    /// Reads files of `(path, text)`; which kind a file is follows from its keys. One finding refuses the whole load, so that what was
    /// in force before stays in force; all findings of all files are told, in file and line order.
    pub fn load<P, T>(files: impl IntoIterator<Item = (P, T)>) -> Result<Self, Vec<Problem>>
    where
        P: Into<String>,
        T: Into<String>,
    {
        let mut files = files.into_iter();
        let mut loading = Loading::default();
        for (path, text) in files.by_ref().take(MAX_FILES) {
            loading.file(path.into(), text.into());
        }
        if let Some((path, _)) = files.next() {
            let file: String = path.into();
            let remedy = format!("keep at most {MAX_FILES} files");
            let message = "too many files; this one and those after it were not read".to_owned();
            loading.problems.push(Problem { file, line: 1, column: 1, message, remedy });
        }
        loading.finish()
    }

    /// A contract at a version.
    pub fn contract(&self, id: &ContractId, version: u32) -> Option<&Held> {
        self.contracts.get(id)?.get(&version)
    }

    /// The newest version of a contract.
    pub fn latest(&self, id: &ContractId) -> Option<&Held> {
        self.contracts.get(id)?.values().next_back()
    }

    /// The contract that a pin names, if its text is exactly the pinned one.
    pub fn pinned(&self, pin: &ContractRef) -> Option<&Held> {
        self.contract(&pin.id, pin.version).filter(|held| &held.reference == pin)
    }

    /// All contracts, by id and version.
    pub fn contracts(&self) -> impl Iterator<Item = &Held> {
        self.contracts.values().flat_map(BTreeMap::values)
    }

    /// A mapping by its name.
    pub fn mapping(&self, name: &str) -> Option<&Mapping> {
        self.mappings.get(name)
    }

    /// All mappings, by name.
    pub fn mappings(&self) -> impl Iterator<Item = &Mapping> {
        self.mappings.values()
    }

    /// An evidence mapping by its name.
    pub fn evidence(&self, name: &str) -> Option<&EvidenceMapping> {
        self.evidence.get(name)
    }

    /// All evidence mappings, by name.
    pub fn evidence_mappings(&self) -> impl Iterator<Item = &EvidenceMapping> {
        self.evidence.values()
    }

    /// What signals mean, if a file says it.
    pub fn signals(&self) -> Option<&SignalTable> {
        self.signals.as_ref()
    }

    /// The contract that a loaded mapping fits. `None` only for a mapping of another registry.
    pub fn contract_of(&self, mapping: &Mapping) -> Option<&Held> {
        self.contract(&mapping.contract, mapping.version)
    }
}

/// Reads one contract, strictly, without judging it: what a log pinned must stay readable when a later program judges harder.
pub fn parse_contract(file: &str, text: &str) -> Result<Contract, Vec<Problem>> {
    parse(file, text, schema::contract())
}

/// Reads one mapping, strictly, without judging it against its contract.
pub fn parse_mapping(file: &str, text: &str) -> Result<Mapping, Vec<Problem>> {
    parse(file, text, schema::mapping())
}

/// Reads one evidence mapping, strictly, without judging it against its contract.
pub fn parse_evidence(file: &str, text: &str) -> Result<EvidenceMapping, Vec<Problem>> {
    parse(file, text, schema::evidence())
}

/// Reads any file of ours, strictly, by its schema: all findings at once, each with file, line, column and remedy.
pub fn read_strict<T: DeserializeOwned>(
    file: &str,
    text: &str,
    schema: &'static Value,
) -> Result<T, Vec<Problem>> {
    parse(file, text, schema)
}

/// Finds the places that complaints about a file are about.
pub fn place(file: &str, text: &str, complaints: Vec<Complaint>) -> Vec<Problem> {
    Source { file, text }.complaints(complaints)
}

type Tree<'t> = Spanned<DeTable<'t>>;

fn parse<T: DeserializeOwned>(file: &str, text: &str, schema: &'static Value) -> Result<T, Vec<Problem>> {
    let source = Source { file, text };
    let tree = source.tree()?;
    let findings = strict::check(&tree, schema);
    if findings.is_empty() {
        toml::from_str(text).map_err(|error| vec![source.syntax(&error)])
    } else {
        Err(findings
            .into_iter()
            .map(|found| source.problem(&found.span, found.message, found.remedy))
            .collect())
    }
}

#[derive(Clone, Copy)]
struct Source<'t> {
    file: &'t str,
    text: &'t str,
}

impl<'t> Source<'t> {
    fn tree(self) -> Result<Tree<'t>, Vec<Problem>> {
        if self.text.len() > MAX_FILE_BYTES {
            let message = format!("the file has {} bytes", self.text.len());
            return Err(vec![self.problem(
                &(0..0),
                message,
                format!("keep it under {MAX_FILE_BYTES} bytes"),
            )]);
        }
        let (tree, errors) = DeTable::parse_recoverable(self.text);
        if errors.is_empty() {
            Ok(tree)
        } else {
            Err(errors.iter().take(100).map(|error| self.syntax(error)).collect())
        }
    }

    fn syntax(self, error: &toml::de::Error) -> Problem {
        let message = format!("not valid TOML: {}", error.message().replace('\n', ", "));
        self.problem(&error.span().unwrap_or(0..0), message, String::new())
    }

    fn problem(self, span: &Range<usize>, message: String, remedy: String) -> Problem {
        let (line, column) = problem::position(self.text, span.start);
        Problem { file: self.file.to_owned(), line, column, message, remedy }
    }

    fn complaint(self, tree: &Tree<'_>, complaint: Complaint) -> Problem {
        self.problem(&strict::locate(tree, &complaint.at), complaint.message, complaint.remedy)
    }

    fn complaints(self, complaints: Vec<Complaint>) -> Vec<Problem> {
        let (tree, _) = DeTable::parse_recoverable(self.text);
        complaints.into_iter().map(|complaint| self.complaint(&tree, complaint)).collect()
    }
}

#[derive(Default)]
struct Loading {
    contracts: Vec<(String, Held)>,
    mappings: Vec<(String, String, Mapping)>,
    evidence: Vec<(String, String, EvidenceMapping)>,
    signals: Option<SignalTable>,
    problems: Vec<Problem>,
}

impl Loading {
    fn file(&mut self, file: String, text: String) {
        // The lexicon of re-discovery lies beside the mappings and is read by who needs it.
        if has_key(&text, "lexicon") {
            return;
        }
        if is_signals(&text) {
            match SignalTable::read(&file, &text) {
                Ok(table) if self.signals.is_none() => self.signals = Some(table),
                Ok(_second) => {
                    let source = Source { file: &file, text: &text };
                    let message = "there are two tables of signals".to_owned();
                    self.problems.push(source.problem(&(0..0), message, "keep one".to_owned()));
                }
                Err(problems) => self.problems.extend(problems),
            }
            return;
        }
        if is_evidence(&text) {
            match parse_evidence(&file, &text) {
                Ok(mapping) => self.evidence.push((file, text, mapping)),
                Err(problems) => self.problems.extend(problems),
            }
            return;
        }
        if is_mapping(&file, &text) {
            match parse_mapping(&file, &text) {
                Ok(mapping) => self.mappings.push((file, text, mapping)),
                Err(problems) => self.problems.extend(problems),
            }
            return;
        }
        match parse_contract(&file, &text) {
            Ok(contract) => {
                let digest = Digest::of_bytes(text.as_bytes());
                let reference =
                    ContractRef { id: contract.contract.clone(), version: contract.version, digest };
                self.contracts.push((file, Held { contract, text, reference }));
            }
            Err(problems) => self.problems.extend(problems),
        }
    }

    fn finish(mut self) -> Result<Registry, Vec<Problem>> {
        let mut registry = Registry { signals: self.signals.take(), ..Registry::default() };
        let unread = !self.problems.is_empty();
        for (file, held) in std::mem::take(&mut self.contracts) {
            self.contract(&mut registry, &file, held);
        }
        for (file, text, mapping) in std::mem::take(&mut self.mappings) {
            self.mapping(&mut registry, &file, &text, mapping, unread);
        }
        for (file, text, mapping) in std::mem::take(&mut self.evidence) {
            self.evidence(&mut registry, &file, &text, mapping, unread);
        }
        if self.problems.is_empty() {
            return Ok(registry);
        }
        self.problems.sort();
        self.problems.dedup();
        Err(self.problems)
    }

    fn contract(&mut self, registry: &mut Registry, file: &str, held: Held) {
        let mut complaints = lint::contract(&held.contract);
        let versions = registry.contracts.entry(held.reference.id.clone()).or_default();
        if versions.contains_key(&held.reference.version) {
            complaints.push(Complaint::new(
                &["version"],
                format!("contract {} has version {} twice", held.reference.id, held.reference.version),
                "give each version its own number",
            ));
        }
        self.problems.extend(Source { file, text: &held.text }.complaints(complaints));
        versions.insert(held.reference.version, held);
    }

    fn mapping(&mut self, registry: &mut Registry, file: &str, text: &str, mapping: Mapping, unread: bool) {
        let mut complaints = match registry.contract(&mapping.contract, mapping.version) {
            Some(held) => lint::mapping(&mapping, &held.contract),
            // A contract that could not be read is told already; that its mapping misses it is no news.
            None if unread => Vec::new(),
            None => vec![missing_contract(registry, &mapping.contract, mapping.version)],
        };
        complaints.extend(lint::among(&mapping, registry.mappings()));
        self.problems.extend(Source { file, text }.complaints(complaints));
        registry.mappings.entry(mapping.mapping.clone()).or_insert(mapping);
    }

    fn evidence(
        &mut self,
        registry: &mut Registry,
        file: &str,
        text: &str,
        mapping: EvidenceMapping,
        unread: bool,
    ) {
        let mut complaints = match registry.contract(&mapping.contract, mapping.version) {
            Some(held) => lint::evidence(&mapping, &held.contract),
            None if unread => Vec::new(),
            None => vec![missing_contract(registry, &mapping.contract, mapping.version)],
        };
        if registry.evidence.contains_key(&mapping.evidence) {
            let message = format!("there are two evidence mappings {}", quoted(&mapping.evidence));
            complaints.push(Complaint::new(&["evidence"], message, "give each its own name"));
        }
        self.problems.extend(Source { file, text }.complaints(complaints));
        registry.evidence.entry(mapping.evidence.clone()).or_insert(mapping);
    }
}

fn missing_contract(registry: &Registry, contract: &ContractId, version: u32) -> Complaint {
    if let Some(versions) = registry.contracts.get(contract) {
        let known: Vec<String> = versions.keys().map(u32::to_string).collect();
        let message = format!("contract {contract} has no version {version}");
        return Complaint::new(&["version"], message, format!("loaded: {}", known.join(", ")));
    }
    let known: Vec<&str> = registry.contracts.keys().map(ContractId::as_str).collect();
    let message = format!("there is no contract {}", quoted(contract.as_str()));
    Complaint::new(&["contract"], message, suggestion(contract.as_str(), &known))
}

/// A table of signals lists its motions.
fn is_signals(text: &str) -> bool {
    if text.len() > MAX_FILE_BYTES {
        return false;
    }
    let (tree, _) = DeTable::parse_recoverable(text);
    ["motions", "signal"].into_iter().all(|key| tree.get_ref().contains_key(key))
}

/// An evidence mapping names itself.
fn is_evidence(text: &str) -> bool {
    has_key(text, "evidence")
}

fn has_key(text: &str, key: &str) -> bool {
    if text.len() > MAX_FILE_BYTES {
        return false;
    }
    let (tree, _) = DeTable::parse_recoverable(text);
    tree.get_ref().contains_key(key)
}

/// A mapping names itself; otherwise the folder and the keys that only mappings have decide.
fn is_mapping(file: &str, text: &str) -> bool {
    if text.len() > MAX_FILE_BYTES {
        return false;
    }
    let (tree, _) = DeTable::parse_recoverable(text);
    let has = |key: &str| tree.get_ref().contains_key(key);
    let in_contracts = file.split(['/', '\\']).any(|part| part == "contracts");
    has("mapping") || (!in_contracts && ["connector", "object", "read", "write"].into_iter().any(has))
}
