//! From files to a judged configuration: all findings at once, each with its place and what to do.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use handoff_core::registry::{self, MAX_FILE_BYTES, MAX_FILES, Problem, Registry};
use schemars::SchemaGenerator;
use serde_json::Value;
use thiserror::Error;

use super::{Config, lint};

/// A configuration that may be run.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// What it says, relative paths resolved against its folder.
    pub config: Config,
    /// The contracts and mappings in force.
    pub registry: Registry,
    /// What does no harm but should be looked at.
    pub advice: Vec<Problem>,
}

/// A configuration that may not be run. The one that was in force stays in force.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A file or folder cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Findings that must be mended first, in file and line order.
    #[error("{}", list(.0))]
    Refused(Vec<Problem>),
}

impl ConfigError {
    /// The findings, if the files could be read.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Unreadable { .. } => &[],
            Self::Refused(problems) => problems,
        }
    }
}

fn list(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// The schema of a configuration file.
pub fn schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| SchemaGenerator::default().into_root_schema_for::<Config>().to_value())
}

/// Loads a configuration with its contracts and mappings.
pub fn load(path: &Path) -> Result<Loaded, ConfigError> {
    let text = text_of(path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.display().to_string();
    // Which mappings there are follows from the configuration, so a file that cannot be read ends here.
    let config = read(&name, &text).map_err(ConfigError::Refused)?;
    let config = resolved(config, folder);
    let files = mapping_files(config.mappings_dir.as_deref())?;
    let registry = Registry::load(files).map_err(ConfigError::Refused)?;
    judge(&name, &text, config, registry)
}

/// Reads a configuration, strictly, without judging it.
pub fn read(name: &str, text: &str) -> Result<Config, Vec<Problem>> {
    registry::read_strict(name, text, schema())
}

/// Judges a configuration against its contracts and mappings.
pub(super) fn judge(
    name: &str,
    text: &str,
    config: Config,
    registry: Registry,
) -> Result<Loaded, ConfigError> {
    let found = lint::config(&config, &registry);
    let mut problems = registry::place(name, text, found.complaints);
    if !problems.is_empty() {
        problems.sort();
        problems.dedup();
        return Err(ConfigError::Refused(problems));
    }
    let advice = registry::place(name, text, found.advice);
    Ok(Loaded { config, registry, advice })
}

fn resolved(mut config: Config, folder: &Path) -> Config {
    config.state_dir = folder.join(&config.state_dir);
    config.mappings_dir = config.mappings_dir.map(|dir| folder.join(dir));
    if let Some(settings) = &mut config.rediscovery {
        settings.lexicon = settings.lexicon.take().map(|dir| folder.join(dir));
    }
    config
}

/// Path and text of every mapping and contract; the shipped ones if no folder is named.
fn mapping_files(dir: Option<&Path>) -> Result<Vec<(String, String)>, ConfigError> {
    let Some(dir) = dir else {
        return Ok(registry::shipped().map(|(path, text)| (path.to_owned(), text.to_owned())).collect());
    };
    let root = std::fs::canonicalize(dir).map_err(|source| unreadable(dir, source))?;
    let mut files = Vec::new();
    walk(&root, &root, 0, &mut files)?;
    files.sort();
    files.into_iter().map(|path| Ok((path.display().to_string(), text_of(&path)?))).collect()
}

/// TOML files below `dir`; links that lead out of `root` are left alone.
fn walk(root: &Path, dir: &Path, depth: u8, files: &mut Vec<PathBuf>) -> Result<(), ConfigError> {
    for entry in std::fs::read_dir(dir).map_err(|source| unreadable(dir, source))? {
        let entry = entry.map_err(|source| unreadable(dir, source))?;
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        let Some(real) = std::fs::canonicalize(&path).ok().filter(|real| real.starts_with(root) && !hidden)
        else {
            continue;
        };
        if real.is_dir() && depth < 4 && !path.is_symlink() {
            walk(root, &path, depth + 1, files)?;
        } else if real.is_file()
            && path.extension().is_some_and(|end| end == "toml")
            && files.len() <= MAX_FILES
        {
            files.push(path);
        }
    }
    Ok(())
}

fn text_of(path: &Path) -> Result<String, ConfigError> {
    use std::io::Read as _;
    let file = std::fs::File::open(path).map_err(|source| unreadable(path, source))?;
    let cap = u64::try_from(MAX_FILE_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut text = String::new();
    file.take(cap).read_to_string(&mut text).map_err(|source| unreadable(path, source))?;
    Ok(text)
}

fn unreadable(path: &Path, source: std::io::Error) -> ConfigError {
    ConfigError::Unreadable { path: path.to_owned(), source }
}
