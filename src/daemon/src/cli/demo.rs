//! `handoffd demo`.

use clap::Args;

use super::exit::{Exit, Failure};
use super::output::{Output, bad, good, plain};
use crate::demo::{Setting, Stage, Step, play};

/// How the demo runs.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Play the story and exit: 0 if every step held, else 1.
    #[arg(long)]
    once: bool,
    /// The daemon's port; 0 = any.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Salesforce's port; 0 = any.
    #[arg(long, default_value_t = 0)]
    salesforce_port: u16,
    /// HubSpot's port; 0 = any.
    #[arg(long, default_value_t = 0)]
    hubspot_port: u16,
    /// Gong's port; 0 = any.
    #[arg(long, default_value_t = 0)]
    gong_port: u16,
}

pub(super) async fn demo(demo: &Demo, output: Output) -> Result<Exit, Failure> {
    let setting = Setting {
        daemon: demo.port,
        salesforce: demo.salesforce_port,
        hubspot: demo.hubspot_port,
        gong: demo.gong_port,
        empty: false,
        whole: true,
    };
    let mut signals = crate::shutdown::Signals::catch()?;
    let stage = Stage::start(setting).await?;
    let daemon = stage.app.local_addr();
    if !output.is_json() {
        output.line(&format!(
            "One company: Salesforce on {}, HubSpot on {}, Gong on {}; governed by handoffd on http://{daemon}\n\
             They share one clock. It is moved on where a step says so, between steps, and past waits for the vendors' limits of calls.\n",
            stage.salesforce.base_url(),
            stage.hubspot.base_url(),
            stage.gong.base_url()
        ));
    }
    let mut number = 0;
    let held = play(&stage, &mut |step| {
        number += 1;
        tell(output, number, step);
    })
    .await?;
    if !output.is_json() {
        let verdict = if held { good("Every step held.") } else { bad("Some steps did not hold.") };
        output.line(&verdict);
    }
    if !demo.once {
        if !output.is_json() {
            output.line(&format!(
                "\nLook around:\n  the handoffs      http://{daemon}/\n  the numbers       http://{daemon}/api/v1/scorecard\n  \
                 metrics           http://{daemon}/metrics\n  \
                 Salesforce's control {}/_sandbox\n  HubSpot's control    {}/_sandbox\n  Gong's control       {}/_sandbox\n  \
                 the log              {}\n\nCtrl-C ends it.",
                stage.salesforce.base_url(),
                stage.hubspot.base_url(),
                stage.gong.base_url(),
                stage.state_dir().display()
            ));
        }
        signals.received().await;
    }
    stage.stop().await?;
    Ok(if held { Exit::Ok } else { Exit::Findings })
}

fn tell(output: Output, number: u32, step: &Step) {
    if output.is_json() {
        output.json_line(step);
        return;
    }
    let mark = if step.ok { good("held") } else { bad("DID NOT HOLD") };
    output.line(&format!(
        "{number:>2}. {}: {}\n    expected  {}\n    seen      {}\n    {mark}\n",
        plain(&step.crm),
        plain(&step.step),
        plain(&step.expected),
        plain(&step.seen)
    ));
}
