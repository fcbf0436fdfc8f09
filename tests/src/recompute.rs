//! The scorecard computed again, from exported tables, by a program that shares no code with handoffd (`tests/recompute`).

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use handoff_core::journal::LogEntry;
use handoff_measure::export::Since;
use handoffd::export::{Export, Format, Manifest};

use crate::governed::Governed;

/// This test folder's programs.
fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("recompute")
}

fn run(command: &mut Command) -> Result<Output, String> {
    match command.output() {
        Ok(output) if output.status.success() => Ok(output),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// A Python that has DuckDB; installed from PyPI into `HANDOFFD_RECOMPUTE_DIR` (default: `.venv` beside the program) if it is not there.
fn interpreter() -> Result<PathBuf, String> {
    let dir = std::env::var_os("HANDOFFD_RECOMPUTE_DIR").map_or_else(|| here().join(".venv"), PathBuf::from);
    let python = dir.join("bin/python");
    let has = |python: &Path| run(Command::new(python).args(["-c", "import duckdb"])).is_ok();
    if has(&python) {
        return Ok(python);
    }
    // Test programs that run side by side share the folder.
    std::fs::create_dir_all(&dir).map_err(|error| error.to_string())?;
    let lock = std::fs::File::create(dir.join("lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    if has(&python) {
        return Ok(python);
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&dir))?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    run(Command::new(&python).args(install).arg(here().join("requirements.txt")))?;
    if has(&python) { Ok(python) } else { Err("DuckDB is installed and cannot be imported".to_owned()) }
}

/// Such a Python; says aloud that a test is skipped if there is none.
pub fn python() -> Option<&'static Path> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match FOUND.get_or_init(interpreter) {
        Ok(python) => Some(python),
        Err(error) => {
            eprintln!("SKIPPED: no Python with DuckDB, and none can be installed: {error}");
            None
        }
    }
}

/// Exports a log from position 0.
pub fn export<'a>(
    entries: impl Iterator<Item = Option<&'a LogEntry>>,
    out: &Path,
    format: Format,
    since: Since,
) -> Manifest {
    let mut export = Export::begin(out, format, since).unwrap();
    for (position, entry) in (0..).zip(entries) {
        export.take(position, entry).unwrap();
    }
    export.finish(None).unwrap()
}

/// Computes the exported figures again: whether all agree, and what was said.
pub fn recompute(python: &Path, out: &Path, format: Format) -> (bool, String) {
    let mut command = Command::new(python);
    command.arg("-B").arg(here().join("recompute.py")).arg(out).args(["--format", format.ending()]);
    let Output { status, stdout, stderr } = command.output().unwrap();
    let said = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    (status.success(), said)
}

/// Exports a world's log and checks that every number of its scorecard comes out again.
pub async fn numbers_agree(world: &Governed) {
    let Some(python) = python() else { return };
    let entries = world.log().await;
    let out = tempfile::tempdir().unwrap();
    let log = entries.iter().map(|entry| entry.entry.as_ref());
    let manifest = export(log, out.path(), Format::Parquet, Since::Position(0));
    let (agree, said) = recompute(python, out.path(), Format::Parquet);
    assert!(agree, "{said}");
    assert!(manifest.tables["handoffs"].rows > 0, "there is something to compute");
    eprintln!("{}", said.trim());
}
