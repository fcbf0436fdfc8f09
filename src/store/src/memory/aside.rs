//! Rows that cannot be used are moved aside, and a flag says so until they are rebuilt.

use std::fs;
use std::path::{Path, PathBuf};

use crate::durable::{self, FileError, OnFile};

/// How many damaged directories are kept for inspection.
const KEPT: usize = 2;

/// Notes durably that the rows are incomplete.
pub(super) fn raise(flag: &Path) -> Result<(), FileError> {
    durable::create_dir(parent(flag))?;
    durable::replace(flag, b"the rows are incomplete until they are rebuilt\n", 0o644)
}

/// Renames the directory to `memory.damaged-<n>`, keeping only the newest few; `None` where there is no directory.
pub(super) fn move_aside(dir: &Path) -> Result<Option<PathBuf>, FileError> {
    if !dir.exists() {
        return Ok(None);
    }
    let mut earlier = damaged(dir)?;
    let number = earlier.last().map_or(1, |(number, _)| number.saturating_add(1));
    let target = dir.with_extension(format!("damaged-{number}"));
    fs::rename(dir, &target).on("move aside", dir)?;
    durable::sync_dir(parent(dir))?;
    while earlier.len() >= KEPT {
        let (_, oldest) = earlier.remove(0);
        fs::remove_dir_all(&oldest).on("remove", &oldest)?;
    }
    Ok(Some(target))
}

fn damaged(dir: &Path) -> Result<Vec<(u64, PathBuf)>, FileError> {
    let stem = format!("{}.damaged-", dir.file_name().unwrap_or_default().to_string_lossy());
    let mut found = Vec::new();
    for entry in fs::read_dir(parent(dir)).on("list", parent(dir))? {
        let path = entry.on("list", parent(dir))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Some(number) = name.strip_prefix(&stem).and_then(|number| number.parse().ok()) {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found)
}

/// The directory that holds `path`.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
