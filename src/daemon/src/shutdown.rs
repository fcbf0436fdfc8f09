//! Waits for a reason to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::App;
use crate::fatal::{EXIT_STORE, Fatal};

/// SIGTERM and SIGINT from the moment of [`Signals::catch`] on: one that comes while the daemon starts is not lost and does not kill it.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Catches both from now on. Must be called inside a tokio runtime.
    pub fn catch() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Resolves when one has come.
    pub async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => tracing::info!("SIGTERM"),
            _ = self.interrupt.recv() => tracing::info!("SIGINT"),
        }
    }
}

/// Runs until a signal or a failure, then stops; the exit code is 0 after a clean stop and [`EXIT_STORE`] after a failure of the store.
pub async fn run_until_stopped(app: App, mut signals: Signals) -> Result<u8, Fatal> {
    let failed = tokio::select! {
        () = signals.received() => false,
        _ = app.failed() => true,
    };
    app.stop().await?;
    Ok(if failed { EXIT_STORE } else { 0 })
}
