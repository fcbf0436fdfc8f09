//! Starts a sandbox and prints its address: `cargo run -p handoff-sandbox-hubspot --example serve_hubspot -- --port 0 [--manual] [--empty] [--limits]`.

use handoff_sandbox_hubspot::{Clock, LimitOptions, Sandbox, SandboxOptions, Seed};

#[tokio::main]
async fn main() -> Result<(), handoff_sandbox_hubspot::Error> {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let port = arguments
        .iter()
        .position(|argument| argument == "--port")
        .and_then(|at| arguments.get(at + 1))
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let options = SandboxOptions {
        seed: if has("--empty") { Seed::Empty } else { Seed::Company },
        clock: if has("--manual") { Clock::manual() } else { Clock::REAL },
        limits: if has("--limits") { LimitOptions::enforced() } else { LimitOptions::default() },
        port,
        ..SandboxOptions::default()
    };
    let sandbox = Sandbox::start(options).await?;
    println!("{}", sandbox.base_url());
    std::future::pending::<()>().await;
    Ok(())
}
