//! `handoffd sandbox`.

mod serve;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value};

use super::exit::{Exit, Failure};
use super::output::Output;
use serve::Serving;

/// How the sandboxes start.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Only this vendor's; may stand more than once.
    #[arg(long, value_enum, value_name = "VENDOR")]
    only: Vec<Which>,
    /// Salesforce's port on 127.0.0.1; 0 = any.
    #[arg(long, default_value_t = 0, visible_alias = "port")]
    salesforce_port: u16,
    /// HubSpot's port on 127.0.0.1; 0 = any.
    #[arg(long, default_value_t = 0)]
    hubspot_port: u16,
    /// Gong's port on 127.0.0.1; 0 = any.
    #[arg(long, default_value_t = 0)]
    gong_port: u16,
    /// What they hold at first.
    #[arg(long, value_enum, default_value_t = Holds::Company)]
    seed: Holds,
    /// An sfdx source folder to deploy to Salesforce; absent = the shipped package.
    #[arg(long)]
    package: Option<PathBuf>,
}

/// Whose sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// A Salesforce org.
    Salesforce,
    /// A HubSpot portal.
    Hubspot,
    /// A company in Gong.
    Gong,
}

/// What the sandboxes hold at first.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Holds {
    /// Customers, people, deals in every stage, and calls about them.
    Company,
    /// People, as far as the vendor needs some, and what it takes to log in.
    Empty,
}

impl Serve {
    fn has(&self, which: Which) -> bool {
        self.only.is_empty() || self.only.contains(&which)
    }
}

pub(super) async fn serve(serve: &Serve, output: Output) -> Result<Exit, Failure> {
    let mut signals = crate::shutdown::Signals::catch()?;
    let serving = Serving::start(serve).await?;
    let vendors = serving.told();
    if output.is_json() {
        let all = vendors.into_iter().map(|(vendor, facts)| (vendor.to_owned(), object(facts)));
        output.json_line(&Value::Object(all.collect()));
    } else {
        for (vendor, facts) in vendors {
            output.line(vendor);
            for (name, value) in facts {
                output.line(&format!("  {name:<14} {value}"));
            }
            output.line("");
        }
        output.line("Ctrl-C ends it.");
    }
    signals.received().await;
    serving.stop().await;
    Ok(Exit::Ok)
}

fn object(facts: Vec<(&'static str, String)>) -> Value {
    Value::Object(
        facts.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect::<Map<_, _>>(),
    )
}
