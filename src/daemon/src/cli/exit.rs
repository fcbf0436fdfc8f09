//! Exit codes, in one place.

use std::process::ExitCode;

use crate::app::StartError;
use crate::config::ConfigError;
use crate::demo::DemoError;
use crate::fatal::{EXIT_STORE, Fatal};

/// The table that `--help` prints.
pub const TABLE: &str = "\
Exit codes:
   0  done, nothing found
   1  findings, or the outcome is not what was asked for
   2  the command line is wrong
   3  the configuration is wrong
   4  the state directory cannot be used
   5  the CRM does not answer or denies
   6  the running daemon does not answer or refuses
  74  the store failed while running";

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok,
    /// Findings, or the outcome is not what was asked for.
    Findings,
    /// The command line is wrong.
    Usage,
    /// The configuration is wrong.
    Config,
    /// The state directory cannot be used.
    State,
    /// The CRM does not answer or denies.
    Crm,
    /// The running daemon does not answer or refuses.
    Daemon,
    /// The store failed while running.
    Store,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Config => 3,
            Self::State => 4,
            Self::Crm => 5,
            Self::Daemon => 6,
            Self::Store => EXIT_STORE,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub struct Failure {
    /// How it ends.
    pub exit: Exit,
    /// What happened and what to do.
    pub message: String,
}

impl Failure {
    /// A failure with its words.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// A failure told by an error with all its causes.
    pub fn because(exit: Exit, error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            let words = next.to_string();
            if !message.contains(&words) {
                message.push_str(": ");
                message.push_str(&words);
            }
            cause = next.source();
        }
        Self { exit, message }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::because(Exit::Config, &error)
    }
}

impl From<Fatal> for Failure {
    fn from(error: Fatal) -> Self {
        Self::because(Exit::Store, &error)
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let exit = match &error {
            StartError::State(_) | StartError::Clearance { .. } => Exit::State,
            StartError::Govern(_)
            | StartError::Feed(_)
            | StartError::Connect(_)
            | StartError::Listen { .. } => Exit::Config,
            StartError::Fatal(_) => Exit::Store,
        };
        Self::because(exit, &error)
    }
}

impl From<DemoError> for Failure {
    fn from(error: DemoError) -> Self {
        Self::because(Exit::Findings, &error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::because(Exit::State, &error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_every_code_once() {
        let all = [
            Exit::Ok,
            Exit::Findings,
            Exit::Usage,
            Exit::Config,
            Exit::State,
            Exit::Crm,
            Exit::Daemon,
            Exit::Store,
        ];
        let told: Vec<u8> = TABLE
            .lines()
            .skip(1)
            .map(|line| line.split_whitespace().next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(told, all.map(Exit::code));
    }
}
