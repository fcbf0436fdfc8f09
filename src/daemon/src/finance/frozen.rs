//! The files of closed periods: written once, held against the digests in the log whenever they are read.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use handoff_core::digest::Digest;
use handoff_measure::ledger::{ExportError, Format};
use thiserror::Error;

use super::commission::Commission;

/// Folder in the state directory with a folder per closed period.
const FOLDER: &str = "commission";

/// A frozen file that cannot be kept or given.
#[derive(Debug, Error)]
pub enum FrozenError {
    /// It cannot be written.
    #[error("{} cannot be written: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is gone or altered, and the log does not make the same bytes any more.
    #[error(
        "{} is missing or altered, and the log cannot make the same bytes again: restore it from a backup; its SHA-256 is {digest}", path.display()
    )]
    Lost {
        /// Which.
        path: PathBuf,
        /// What it must be.
        digest: Digest,
    },
    /// The log names no such file.
    #[error("this period was closed without a file of this format")]
    NoFormat,
    /// A statement that is not closed cannot be written.
    #[error(transparent)]
    Export(#[from] ExportError),
}

fn file(state_dir: &Path, period: &str, format: &str) -> PathBuf {
    state_dir.join(FOLDER).join(period).join(format!("commission-{period}.{format}"))
}

/// Writes the files of a period, readable by their owner alone, and makes them durable. What an attempt before that never reached the log left is
/// replaced.
pub(super) fn keep(
    state_dir: &Path,
    period: &str,
    files: &BTreeMap<String, Vec<u8>>,
) -> Result<(), FrozenError> {
    let folder = state_dir.join(FOLDER).join(period);
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| FrozenError::Write { path, source }
    };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed(&folder))?;
    for (format, bytes) in files {
        let path = file(state_dir, period, format);
        let fresh = path.with_extension("new");
        let write = || -> std::io::Result<()> {
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&fresh, &path)
        };
        write().map_err(failed(&path))?;
    }
    for folder in [folder.as_path(), &state_dir.join(FOLDER), state_dir] {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed(folder))?;
    }
    Ok(())
}

/// The bytes of a period in a format. A closed period's are the frozen ones, held against the log; a file that is gone is made again from the
/// log if that gives the same bytes.
pub fn bytes(state_dir: &Path, commission: &Commission, format: Format) -> Result<Vec<u8>, FrozenError> {
    let Some(closed) = &commission.closed else { return Ok(format.write(&commission.statement)?) };
    let digest = closed.files.get(format.name()).ok_or(FrozenError::NoFormat)?;
    let path = file(state_dir, &closed.period, format.name());
    let is_it = |bytes: &Vec<u8>| Digest::of_bytes(bytes) == *digest;
    if let Some(bytes) = fs::read(&path).ok().filter(is_it) {
        return Ok(bytes);
    }
    let again = format.write(&commission.statement)?;
    if is_it(&again) { Ok(again) } else { Err(FrozenError::Lost { path, digest: digest.clone() }) }
}

#[cfg(test)]
mod tests {
    use handoff_measure::incentive::Rules;
    use handoff_measure::ledger::{Ledger, Standing};
    use jiff::Timestamp;
    use rust_decimal::Decimal;

    use super::super::commission::Closed;
    use super::*;

    fn closed() -> (Commission, BTreeMap<String, Vec<u8>>) {
        let statement =
            Ledger::new("2026-10".parse().unwrap()).finish(Standing::Closed, Decimal::from(5), Rules::NEWEST);
        let files: BTreeMap<String, Vec<u8>> = Format::ALL
            .iter()
            .map(|format| (format.name().to_owned(), format.write(&statement).unwrap()))
            .collect();
        let closed = Closed {
            period: "2026-10".to_owned(),
            files: files.iter().map(|(name, bytes)| (name.clone(), Digest::of_bytes(bytes))).collect(),
            entries: 0,
            weight_percent: Decimal::from(5),
            rules: Rules::NEWEST.number(),
            position: 7,
            checkpoint: String::new(),
            at: Timestamp::UNIX_EPOCH,
        };
        (Commission { statement, closed: Some(closed) }, files)
    }

    #[test]
    fn a_frozen_file_is_given_as_it_was_and_an_altered_one_never() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (mut commission, files) = closed();
        keep(folder.path(), "2026-10", &files).unwrap();
        let path = file(folder.path(), "2026-10", "csv");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        // A later program may write statements in another way: the frozen bytes stay.
        commission.statement.entries = 99;
        assert_eq!(bytes(folder.path(), &commission, Format::Csv).unwrap(), files["csv"]);
        assert_eq!(bytes(folder.path(), &commission, Format::Json).unwrap(), files["json"]);
        fs::write(file(folder.path(), "2026-10", "json"), "{}").unwrap();
        let lost = bytes(folder.path(), &commission, Format::Json);
        assert!(matches!(lost, Err(FrozenError::Lost { .. })));
        commission.statement.entries = 0;
        assert_eq!(
            bytes(folder.path(), &commission, Format::Json).unwrap(),
            files["json"],
            "made again from the log"
        );
    }

    #[test]
    fn an_attempt_that_never_reached_the_log_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (commission, files) = closed();
        keep(folder.path(), "2026-10", &BTreeMap::from([("csv".to_owned(), b"older".to_vec())])).unwrap();
        keep(folder.path(), "2026-10", &files).unwrap();
        assert_eq!(bytes(folder.path(), &commission, Format::Csv).unwrap(), files["csv"]);
    }
}
