//! The client that deliveries to configured endpoints go out with.

use std::time::Duration;

/// An HTTP client that follows no redirect, uses no proxy and waits at most `timeout` for an answer.
#[expect(
    clippy::disallowed_methods,
    reason = "a sandbox plays the vendor: it must not share the daemon's transport"
)]
pub fn outbound_client(timeout: Duration) -> reqwest::Client {
    // Already installed is fine: the process then has a provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let built = reqwest::Client::builder()
        .no_proxy()
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .build();
    built.unwrap_or_else(|_| reqwest::Client::new())
}
