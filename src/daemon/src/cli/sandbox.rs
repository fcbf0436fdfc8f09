//! `handoffd sandbox`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use handoff_sandbox_salesforce::{PackageSource, Sandbox, SandboxOptions, Seed, seed};

use super::exit::{Exit, Failure};
use super::output::Output;

/// How the sandbox starts.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Port on 127.0.0.1; 0 = any.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// What it holds at first.
    #[arg(long, value_enum, default_value_t = Holds::Company)]
    seed: Holds,
    /// An sfdx source folder to deploy; absent = the shipped package.
    #[arg(long)]
    package: Option<PathBuf>,
}

/// What the sandbox holds at first.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Holds {
    /// Accounts, people and deals in every stage.
    Company,
    /// Only the administrator and the integration user.
    Empty,
}

pub(super) async fn serve(serve: &Serve, output: Output) -> Result<Exit, Failure> {
    let options = SandboxOptions {
        port: serve.port,
        seed: match serve.seed {
            Holds::Company => Seed::Company,
            Holds::Empty => Seed::Empty,
        },
        package: serve.package.clone().map_or(PackageSource::Shipped, PackageSource::Folder),
        ..SandboxOptions::default()
    };
    let mut signals = crate::shutdown::Signals::catch()?;
    let started = Sandbox::start(options).await;
    let sandbox = started.map_err(|error| Failure::because(Exit::Config, &error))?;
    let (base, org) = (sandbox.base_url(), sandbox.org().id());
    if output.is_json() {
        output.json_line(&serde_json::json!({
            "login_url": base, "org_id": org.as_str(), "client_id": seed::CLIENT_ID, "client_secret": seed::CLIENT_SECRET,
            "admin": seed::ADMIN_USER, "password": seed::PASSWORD,
        }));
    } else {
        output.line(&format!(
            "login_url     {base}\norg_id        {org}\nclient_id     {}\nclient_secret {}\nadmin         {} / {}\ncontrol       {base}/_sandbox\n\nCtrl-C ends it.",
            seed::CLIENT_ID,
            seed::CLIENT_SECRET,
            seed::ADMIN_USER,
            seed::PASSWORD
        ));
    }
    signals.received().await;
    sandbox.stop().await;
    Ok(Exit::Ok)
}
