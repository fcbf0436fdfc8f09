//! Commands typed beside a running daemon.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use crate::governed::Governed;

/// What a command came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    /// The exit code.
    pub code: i32,
    /// What it printed.
    pub out: String,
    /// What it complained about.
    pub err: String,
}

/// Writes the configuration as a file, and the running daemon's address where commands look for it.
pub fn written(world: &Governed) -> PathBuf {
    let path = world.dir().join("handoffd.toml");
    std::fs::write(&path, toml::to_string(world.configured()).unwrap()).unwrap();
    let address = world.app().local_addr().to_string();
    std::fs::write(world.state_dir().join("address"), address).unwrap();
    path
}

/// Types a command; `input` stands on its standard input.
pub async fn typed(binary: &str, config: &Path, arguments: &[&str], input: &str) -> Typed {
    let mut command = std::process::Command::new(binary);
    command.arg("--config").arg(config).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let input = input.to_owned();
    let run = move || {
        let mut child = command.spawn().unwrap();
        // A command that does not read its input may be gone already.
        drop(std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()));
        child.wait_with_output().unwrap()
    };
    let Output { status, stdout, stderr } = tokio::task::spawn_blocking(run).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Typed { code: status.code().unwrap(), out: text(&stdout), err: text(&stderr) }
}
