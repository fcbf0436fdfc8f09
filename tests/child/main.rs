//! One daemon in a process of its own, for tests that kill it. The configuration is the JSON file named by the first argument. Its clock
//! stands still until standard input says `time <moment>`; `idle` is answered by `idle` once everything is done. It is otherwise run as
//! `handoffd run` runs it: same start, same signals, same exit code. With `HANDOFFD_CHILD=backfill` it reads the past instead, says `done`, and ends.

#![expect(
    clippy::unwrap_used,
    reason = "part of the tests: a broken expectation ends the process, and the test sees it"
)]

use std::io::{BufRead as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use handoff_core::registry::{Registry, shipped};
use handoffd::app::{App, Options};
use handoffd::backfill::Wanted;
use handoffd::{failpoint, shutdown};
use handoffd_tests::clock::{Hand, Pace};
use jiff::Timestamp;

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run())
}

async fn run() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (config, now) = (arguments.next().unwrap(), arguments.next().unwrap());
    let config = serde_json::from_slice(&std::fs::read(config).unwrap()).unwrap();
    let clock = Arc::new(Hand::new(now.parse::<Timestamp>().unwrap(), Pace::Alone));
    let options = Options { failpoint: failpoint::from_environment(), ..Options::default() };
    if std::env::var("HANDOFFD_CHILD").is_ok_and(|what| what == "backfill") {
        let wanted = Wanted { since: None, resume: true };
        let registry = Registry::load(shipped()).unwrap();
        return match App::backfill(config, registry, clock, options, wanted, Arc::new(|_seen| {})).await {
            Ok(told) => {
                say(&format!("done {}", told.decisions));
                ExitCode::SUCCESS
            }
            Err(error) => {
                say(&format!("refused {error}"));
                ExitCode::from(1)
            }
        };
    }
    let signals = shutdown::Signals::catch().unwrap();
    let app = match App::start(config, Registry::load(shipped()).unwrap(), clock.clone(), options).await {
        Ok(app) => app,
        Err(error) => {
            say(&format!("refused {error}"));
            return ExitCode::from(1);
        }
    };
    let ready = format!("ready {} {}", app.local_addr(), app.view().head().vkey);
    let (handle, runtime) = (app.handle(), tokio::runtime::Handle::current());
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            match line.split_once(' ') {
                Some(("time", moment)) => clock.set(moment.parse().unwrap()),
                _ if line == "idle" => {
                    let handle = handle.clone();
                    runtime.spawn(async move {
                        if handle.idle().await.is_ok() {
                            say("idle");
                        }
                    });
                }
                _ => say("what?"),
            }
        }
    });
    say(&ready);
    let end = shutdown::run_until_stopped(app, signals).await;
    match end {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say(&format!("failed {error}"));
            ExitCode::from(handoffd::fatal::EXIT_STORE)
        }
    }
}

/// A whole line at once, because somebody waits for it; nobody may be left to read it.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{line}"));
    drop(out.flush());
}
