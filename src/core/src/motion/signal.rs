//! What a signal means in each motion. One signal, one action per motion: there is no default, and never another motion's action.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::MotionId;
use crate::lint::Complaint;
use crate::registry::{Problem, place, quoted, read_strict, suggestion};
use crate::schema;

/// The file `signals.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalTable {
    /// The motions that every signal has to answer for.
    pub motions: Vec<MotionId>,
    /// The signals by name.
    pub signal: BTreeMap<String, Signal>,
}

/// One signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// One line for people.
    pub title: String,
    /// What each motion does; an empty list is a decision to do nothing there.
    pub action: BTreeMap<MotionId, Vec<Action>>,
}

/// Something that a role has to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// The role that does it.
    pub role: String,
    /// The task's title.
    pub title: String,
    /// The task's text.
    #[serde(default)]
    pub text: String,
    /// Hours from the signal; absent = no date.
    #[serde(default)]
    pub due_hours: Option<u32>,
}

/// Why a signal has no action.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignalError {
    /// No such signal.
    #[error("there is no signal {signal}; known: {known}")]
    UnknownSignal {
        /// The name asked for.
        signal: String,
        /// The names there are.
        known: String,
    },
    /// Nobody says what the signal means in this motion. No other motion's action is taken for it.
    #[error(
        "signal {signal} has no action for motion {motion}: write [[signal.{signal}.action.{motion}]], or action.{motion} = [] to do nothing"
    )]
    MissingCell {
        /// The signal.
        signal: String,
        /// The motion.
        motion: MotionId,
    },
}

/// What this signal fires in this motion.
pub fn actions<'t>(
    table: &'t SignalTable,
    signal: &str,
    motion: &MotionId,
) -> Result<&'t [Action], SignalError> {
    let Some(found) = table.signal.get(signal) else {
        let known: Vec<&str> = table.signal.keys().map(String::as_str).collect();
        return Err(SignalError::UnknownSignal { signal: signal.to_owned(), known: known.join(", ") });
    };
    let cell = found.action.get(motion).map(Vec::as_slice);
    cell.ok_or_else(|| SignalError::MissingCell { signal: signal.to_owned(), motion: motion.clone() })
}

impl SignalTable {
    /// Reads the file, strictly: all findings at once, each with line, column and remedy. Every signal must answer for every motion.
    pub fn read(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let table: Self = read_strict(file, text, schema::signals())?;
        let complaints = table.complaints();
        if complaints.is_empty() { Ok(table) } else { Err(place(file, text, complaints)) }
    }

    fn complaints(&self) -> Vec<Complaint> {
        let mut found = Vec::new();
        let motions: Vec<&str> = self.motions.iter().map(MotionId::as_str).collect();
        if motions.is_empty() {
            found.push(Complaint::new(&["motions"], "no motion is named", "write motions = [\"a\", \"b\"]"));
        }
        if motions.contains(&super::UNKNOWN) {
            let message = format!(
                "{} is no motion: it stands for records whose motion nobody knows",
                quoted(super::UNKNOWN)
            );
            found.push(Complaint::new(&["motions"], message, "remove it"));
        }
        for (name, signal) in &self.signal {
            let at = ["signal", name.as_str(), "action"];
            for motion in self.motions.iter().filter(|motion| !signal.action.contains_key(*motion)) {
                let message =
                    format!("signal {} has no action for motion {}", quoted(name), quoted(motion.as_str()));
                let remedy = format!("say what motion {motion} does; action.{motion} = [] does nothing");
                found.push(Complaint::new(&at, message, remedy));
            }
            for (motion, actions) in &signal.action {
                let at = ["signal", name.as_str(), "action", motion.as_str()];
                if !self.motions.contains(motion) {
                    let message = format!("there is no motion {}", quoted(motion.as_str()));
                    found.push(Complaint::new(&at, message, suggestion(motion.as_str(), &motions)));
                }
                for action in actions {
                    if action.role.trim().is_empty() || action.title.trim().is_empty() {
                        let message = "an action needs a role and a title";
                        found.push(Complaint::new(&at, message, "say who does what"));
                    }
                }
            }
        }
        found
    }
}
