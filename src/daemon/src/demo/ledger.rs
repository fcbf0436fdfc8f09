//! The last step: the log proves itself, and a copy with one byte changed does not.

use std::io;
use std::path::{Path, PathBuf};

use handoff_store::tlog::verify;

/// What a verification says, in one line.
pub(super) fn verdict(dir: &Path, vkey: &str) -> Result<String, String> {
    verify(dir, vkey, None)
        .map(|report| format!("{} entries verify against the signed checkpoint", report.checkpoint.size))
        .map_err(|error| error.to_string())
}

/// Copies the audit directory and changes one letter in the middle of its first entry bundle.
pub(super) fn tampered_copy(audit: &Path, to: &Path) -> io::Result<()> {
    copy(audit, to)?;
    let bundle = first_bundle(&to.join("tile/entries"))?;
    let mut bytes = std::fs::read(&bundle)?;
    let middle = bytes.len() / 2;
    // A letter, so that the bundle keeps its form and only what it says is another.
    let offset = bytes.iter().skip(middle).position(u8::is_ascii_lowercase).unwrap_or(0);
    if let Some(byte) = bytes.get_mut(middle.saturating_add(offset)) {
        *byte = if *byte == b'x' { b'y' } else { b'x' };
    }
    std::fs::write(&bundle, bytes)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The newest state of the first bundle: full, or the widest partial one.
fn first_bundle(entries: &Path) -> io::Result<PathBuf> {
    let full = entries.join("000");
    if full.is_file() {
        return Ok(full);
    }
    let mut widest: Option<(u32, PathBuf)> = None;
    for entry in std::fs::read_dir(entries.join("000.p"))? {
        let entry = entry?;
        let Some(width) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if widest.as_ref().is_none_or(|(other, _)| width > *other) {
            widest = Some((width, entry.path()));
        }
    }
    widest.map(|(_, path)| path).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
}
