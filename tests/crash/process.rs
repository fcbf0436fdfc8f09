//! A daemon in a process of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use handoffd_tests::governed::WAIT;
use jiff::Timestamp;
use tokio::sync::mpsc;

/// The process; killed when dropped.
pub(crate) struct Process {
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
}

/// How a process began.
pub(crate) enum Began {
    /// It listens there; its audit log verifies with this key.
    Ready(SocketAddr, String),
    /// It ended before it was ready.
    Ended,
}

impl Process {
    /// Starts it with its clock at `now`; `failpoint` is `name:n`.
    pub(crate) fn spawn(config: &Path, now: Timestamp, failpoint: Option<&str>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_governed-child"));
        command.env_remove(handoffd::failpoint::VARIABLE);
        if let Some(failpoint) = failpoint {
            command.env(handoffd::failpoint::VARIABLE, failpoint);
        }
        Self::of(command, config, now)
    }

    /// Starts it by a command of the caller's.
    pub(crate) fn of(mut command: Command, config: &Path, now: Timestamp) -> Self {
        command.arg(config).arg(now.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (out, lines) = mpsc::unbounded_channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if out.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, lines }
    }

    /// Its next line; `None` = it ended.
    pub(crate) async fn line(&mut self) -> Option<String> {
        tokio::time::timeout(WAIT, self.lines.recv()).await.unwrap_or_else(|_| panic!("the daemon hangs"))
    }

    /// Waits until it listens.
    pub(crate) async fn began(&mut self) -> Began {
        let Some(line) = self.line().await else { return Began::Ended };
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some("ready"), Some(address), Some(vkey)) => {
                Began::Ready(address.parse().unwrap(), vkey.to_owned())
            }
            _ => panic!("{line}"),
        }
    }

    /// Says something to it; nobody may be left to hear it.
    pub(crate) fn say(&mut self, line: &str) {
        drop(writeln!(self.child.stdin.as_mut().unwrap(), "{line}"));
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; how it ended.
    pub(crate) async fn terminate(self) -> ExitStatus {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.ended().await
    }

    /// Waits for its own end; how it ended.
    pub(crate) async fn ended(mut self) -> ExitStatus {
        while self.line().await.is_some() {}
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Ended already is what most tests want.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
