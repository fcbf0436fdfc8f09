//! The running sandboxes, on one clock.

use handoff_sandbox_gong as gong;
use handoff_sandbox_hubspot as hubspot;
use handoff_sandbox_salesforce as salesforce;

use super::super::exit::{Exit, Failure};
use super::{Holds, Serve, Which};

/// What one needs to know of a sandbox, by the names that the configuration has for it.
type Facts = Vec<(&'static str, String)>;

/// Those that were asked for.
pub(super) struct Serving {
    salesforce: Option<salesforce::Sandbox>,
    hubspot: Option<hubspot::Sandbox>,
    gong: Option<gong::Sandbox>,
}

fn failed(error: &(impl std::error::Error + 'static)) -> Failure {
    Failure::because(Exit::Config, error)
}

impl Serving {
    pub(super) async fn start(serve: &Serve) -> Result<Self, Failure> {
        let clock = salesforce::Clock::REAL.shared();
        let mut serving = Self { salesforce: None, hubspot: None, gong: None };
        if serve.has(Which::Salesforce) {
            let package = &serve.package;
            let options = salesforce::SandboxOptions {
                clock: clock.clone(),
                port: serve.salesforce_port,
                seed: match serve.seed {
                    Holds::Company => salesforce::Seed::Company,
                    Holds::Empty => salesforce::Seed::Empty,
                },
                package: package.clone().map_or_else(Default::default, salesforce::PackageSource::Folder),
                ..salesforce::SandboxOptions::default()
            };
            let started = salesforce::Sandbox::start(options).await;
            serving.salesforce = Some(started.map_err(|error| failed(&error))?);
        }
        if serve.has(Which::Hubspot) {
            let options = hubspot::SandboxOptions {
                clock: clock.clone(),
                port: serve.hubspot_port,
                seed: match serve.seed {
                    Holds::Company => hubspot::Seed::Company,
                    Holds::Empty => hubspot::Seed::Empty,
                },
                ..hubspot::SandboxOptions::default()
            };
            serving.hubspot = Some(hubspot::Sandbox::start(options).await.map_err(|error| failed(&error))?);
        }
        if serve.has(Which::Gong) {
            let options = gong::SandboxOptions {
                clock,
                port: serve.gong_port,
                seed: match serve.seed {
                    Holds::Company => gong::Seed::Company,
                    Holds::Empty => gong::Seed::Empty,
                },
                ..gong::SandboxOptions::default()
            };
            serving.gong = Some(gong::Sandbox::start(options).await.map_err(|error| failed(&error))?);
        }
        Ok(serving)
    }

    /// Each vendor with what one needs to know of its sandbox.
    pub(super) fn told(&self) -> Vec<(&'static str, Facts)> {
        let salesforce = self.salesforce.iter().map(|sandbox| ("salesforce", salesforce_facts(sandbox)));
        let hubspot = self.hubspot.iter().map(|sandbox| ("hubspot", hubspot_facts(sandbox)));
        let gong = self.gong.iter().map(|sandbox| ("gong", gong_facts(sandbox)));
        salesforce.chain(hubspot).chain(gong).collect()
    }

    pub(super) async fn stop(self) {
        if let Some(sandbox) = self.salesforce {
            sandbox.stop().await;
        }
        if let Some(sandbox) = self.hubspot {
            sandbox.stop().await;
        }
        if let Some(sandbox) = self.gong {
            sandbox.stop().await;
        }
    }
}

fn control(base: &str) -> (&'static str, String) {
    ("control", format!("{base}/_sandbox"))
}

fn salesforce_facts(sandbox: &salesforce::Sandbox) -> Facts {
    use salesforce::seed;
    let base = sandbox.base_url();
    vec![
        ("login_url", base.clone()),
        ("org_id", sandbox.org().id().to_string()),
        ("client_id", seed::CLIENT_ID.to_owned()),
        ("client_secret", seed::CLIENT_SECRET.to_owned()),
        ("admin", seed::ADMIN_USER.to_owned()),
        ("password", seed::PASSWORD.to_owned()),
        control(&base),
    ]
}

fn hubspot_facts(sandbox: &hubspot::Sandbox) -> Facts {
    use hubspot::seed;
    let base = sandbox.base_url();
    vec![
        ("login_url", base.clone()),
        ("org_id", sandbox.portal().id().to_string()),
        ("token", seed::SERVICE_KEY.to_owned()),
        ("client_id", seed::CLIENT_ID.to_owned()),
        ("client_secret", seed::CLIENT_SECRET.to_owned()),
        ("admin", seed::ADMIN_USER.to_owned()),
        control(&base),
    ]
}

fn gong_facts(sandbox: &gong::Sandbox) -> Facts {
    use gong::seed;
    let base = sandbox.base_url();
    vec![
        ("login_url", base.clone()),
        ("workspace", sandbox.workspace().id()),
        ("key", seed::ACCESS_KEY.to_owned()),
        ("secret", seed::ACCESS_KEY_SECRET.to_owned()),
        ("client_id", seed::CLIENT_ID.to_owned()),
        ("client_secret", seed::CLIENT_SECRET.to_owned()),
        control(&base),
    ]
}
