//! `handoffd signals`.

use std::path::Path;

use clap::{Args, Subcommand};
use handoff_core::id::MotionId;
use handoff_core::motion::actions;
use handoff_core::registry::{Registry, shipped};
use serde_json::json;

use super::exit::{Exit, Failure};
use super::output::{Output, plain};
use crate::config::load;

/// What signals mean.
#[derive(Debug, Args)]
pub(super) struct Signals {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// What a signal would fire in a motion; fires nothing.
    #[command(
        after_help = "Example:\n  handoffd signals test champion_departed --motion b\n\nExits 1 when nobody says what the signal means there."
    )]
    Test {
        /// The signal.
        signal: String,
        /// The motion.
        #[arg(long)]
        motion: String,
    },
}

pub(super) fn signals(path: &Path, signals: &Signals, output: Output) -> Result<Exit, Failure> {
    let What::Test { signal, motion } = &signals.what;
    // Without a configuration the shipped table is shown.
    let registry = if path.exists() {
        load(path)?.registry
    } else {
        Registry::load(shipped())
            .map_err(|_problems| Failure::new(Exit::Config, "the shipped files cannot be read"))?
    };
    let Some(table) = registry.signals() else {
        return Err(Failure::new(
            Exit::Config,
            "there is no signals.toml in the folder of mappings: add one",
        ));
    };
    let found = match actions(table, signal, &MotionId::from(motion.as_str())) {
        Ok(found) => found,
        Err(why) => return Err(Failure::new(Exit::Findings, why.to_string())),
    };
    if output.is_json() {
        output.json(&json!({ "signal": signal, "motion": motion, "actions": found }));
        return Ok(Exit::Ok);
    }
    if found.is_empty() {
        output.line(&format!("{} does nothing in motion {}, by decision", plain(signal), plain(motion)));
    }
    for action in found {
        let due = action.due_hours.map(|hours| format!(" within {hours} h")).unwrap_or_default();
        output.line(&format!("{}{due}: {}", plain(&action.role), plain(&action.title)));
        if !action.text.is_empty() {
            output.line(&format!("  {}", plain(&action.text)));
        }
    }
    Ok(Exit::Ok)
}
