//! Waits for a reason to stop.

use crate::app::App;
use crate::fatal::{EXIT_STORE, Fatal};

/// Runs until SIGTERM, SIGINT or a failure, then stops; the exit code is 0 after a clean stop and [`EXIT_STORE`] after a failure of the
/// store.
pub async fn run_until_stopped(app: App) -> Result<u8, Fatal> {
    let failed = tokio::select! {
        () = signalled() => false,
        _ = app.failed() => true,
    };
    app.stop().await?;
    Ok(if failed { EXIT_STORE } else { 0 })
}

/// Resolves on SIGTERM or SIGINT.
async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be received; stop handoffd by killing it, which loses nothing");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM"),
        _ = interrupt.recv() => tracing::info!("SIGINT"),
    }
}
