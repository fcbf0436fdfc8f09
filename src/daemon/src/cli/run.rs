//! `handoffd run` and `handoffd rebuild`.

use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Arc;

use super::exit::{Exit, Failure};
use super::output::Output;
use super::remote::{ADDRESS, is_running};
use crate::api::Surface;
use crate::app::{App, Handle, Options};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, load};
use crate::metrics::Metrics;
use crate::{failpoint, secret, shutdown};

pub(super) async fn run(path: &Path) -> Result<Exit, Failure> {
    log_to_stderr();
    let loaded = load(path)?;
    for advice in &loaded.advice {
        tracing::warn!(%advice, "advice");
    }
    let token = loaded.config.http.token.as_ref().map(secret::read).transpose();
    let token = token.map_err(|error| Failure::because(Exit::Config, &error))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let metrics = Arc::new(Metrics::default());
    let (routed, ticking) = (Arc::clone(&metrics), Arc::clone(&clock));
    let options = Options {
        routes: Some(Box::new(move |handle: Handle| Surface::new(handle, routed, ticking, token).router())),
        observer: metrics,
        failpoint: failpoint::from_environment(),
        ..Options::default()
    };
    let state_dir = loaded.config.state_dir.clone();
    let signals = shutdown::Signals::catch()?;
    let app = App::start(loaded.config, loaded.registry, clock, options).await?;
    let address = app.local_addr();
    std::fs::write(state_dir.join(ADDRESS), format!("{address}\n"))?;
    tracing::info!(%address, "governing");
    let code = shutdown::run_until_stopped(app, signals).await?;
    Ok(if code == 0 { Exit::Ok } else { Exit::Store })
}

fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("HANDOFFD_LOG")
        .unwrap_or_else(|_unset| tracing_subscriber::EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber in one process is refused; the first one is as good.
    let _ = if std::io::stderr().is_terminal() { builder.try_init() } else { builder.json().try_init() };
}

/// Refuses while a daemon holds the state directory.
pub(super) fn must_be_stopped(config: &Config) -> Result<(), Failure> {
    if is_running(&config.state_dir) {
        let message = format!("a daemon runs on {}: stop it first", config.state_dir.display());
        return Err(Failure::new(Exit::State, message));
    }
    Ok(())
}

pub(super) async fn rebuild(path: &Path, output: Output) -> Result<Exit, Failure> {
    let loaded = load(path)?;
    must_be_stopped(&loaded.config)?;
    let dir = &loaded.config.state_dir;
    if !dir.join("log").is_dir() {
        return Err(Failure::new(
            Exit::State,
            format!("{} is no state directory: there is no log", dir.display()),
        ));
    }
    let (memory, aside) = (dir.join("memory"), dir.join("memory.before-rebuild"));
    if aside.exists() {
        std::fs::remove_dir_all(&aside)?;
    }
    if memory.exists() {
        std::fs::rename(&memory, &aside)?;
    }
    let options = Options { autopilot: false, ..Options::default() };
    let view = App::rebuild(loaded.config.clone(), loaded.registry, Arc::new(SystemClock), options).await?;
    let (entries, handoffs) = (view.head().entries, view.handoffs(&crate::view::Filter::default()).len());
    drop(view);
    if aside.exists() {
        std::fs::remove_dir_all(&aside)?;
    }
    if output.is_json() {
        output.json(&serde_json::json!({"entries": entries, "handoffs": handoffs}));
    } else {
        output.line(&format!("rebuilt from {entries} log entries: {handoffs} handoffs"));
    }
    Ok(Exit::Ok)
}
