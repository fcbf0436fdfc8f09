//! Data sets, what was counted in them outside the daemon, and a company that is filled with them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use handoff_core::registry::shipped;
use handoffd_tests::crm::Kind;
use handoffd_tests::governed::{Governed, Options};
use jiff::Timestamp;

/// A data set, if it is there; says aloud that a test is skipped if not.
pub(crate) fn data(set: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(set);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: ../shared/data/{set} is not here");
    None
}

/// Runs one of this folder's Python programs and gives back what it printed.
pub(crate) fn python(script: &str, arguments: &[&Path], flags: &[&str]) -> String {
    let script = here(script);
    let run = Command::new("python3")
        .arg(&script)
        .args(arguments)
        .args(flags)
        .output()
        .expect("python3 is installed");
    assert!(run.status.success(), "{}: {}", script.display(), String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

/// A file of this folder.
pub(crate) fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("real_data").join(name)
}

/// CRMs that hold nothing, on clocks that stand at `now`, with the shipped files, each changed by `edit`; whoever is named in `seniors` receives. Fill
/// them, then begin.
pub(crate) async fn bare(
    crms: &'static [Kind],
    now: Timestamp,
    edit: impl Fn(&str, &str) -> String,
    seniors: &[&str],
) -> Governed {
    let files = shipped().map(|(path, text)| (path.to_owned(), edit(path, text))).collect();
    let options = Options { crms, empty: true, now: Some(now), files, ..Options::default() };
    let mut world = Governed::prepare(options).await;
    let seniors = seniors.iter().map(|login| (*login).to_owned()).collect();
    world.config(|config| {
        config.people.roles = BTreeMap::from([("onboarding_lead".to_owned(), seniors)]);
        for govern in &mut config.govern {
            (govern.governed_since, govern.mode, govern.on_bypass) = Default::default();
        }
    });
    world
}
