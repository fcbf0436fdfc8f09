//! `handoffd check`: configuration, contracts, mappings; with `--online` what the CRM offers for them.

use std::path::Path;

use handoff_core::registry::Problem;
use serde_json::{Value, json};

use crate::app::{App, Options};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{Output, bad, good, plain};
use crate::clock::SystemClock;
use crate::config::{ConfigError, Loaded, load};
use crate::secret;

/// Judges, and tells all findings.
pub(crate) async fn check(path: &Path, online: bool, output: Output) -> Result<Exit, Failure> {
    let loaded = match load(path) {
        Ok(loaded) => loaded,
        Err(ConfigError::Refused(problems)) => {
            tell_refused(&problems, output);
            return Ok(Exit::Config);
        }
        Err(error) => return Err(error.into()),
    };
    let secrets = secrets(&loaded);
    let (findings, unreachable) = if online { ask(&loaded).await? } else { (Vec::new(), false) };
    let wrong = findings.iter().filter(|finding| finding.error).count();
    if output.is_json() {
        let rows: Vec<Value> = findings
            .iter()
            .map(|each| json!({"connection": each.connection, "error": each.error, "place": each.place, "problem": each.problem, "remedy": each.remedy}))
            .collect();
        let advice: Vec<String> = loaded.advice.iter().map(ToString::to_string).collect();
        output.json(&json!({"ok": wrong == 0 && secrets.is_empty(), "problems": secrets, "advice": advice, "online": rows}));
    } else {
        for advice in &loaded.advice {
            output.line(&format!("advice: {}", plain(&advice.to_string())));
        }
        for problem in &secrets {
            output.line(&format!("{} {}", bad("wrong:"), plain(problem)));
        }
        for each in &findings {
            let kind = if each.error { bad("wrong:") } else { "advice:".to_owned() };
            let line = format!("{} {}: {}; {}", each.connection, each.place, each.problem, each.remedy);
            output.line(&format!("{kind} {}", plain(&line)));
        }
        if wrong == 0 && secrets.is_empty() {
            let contracts = loaded.registry.contracts().count();
            let what = if online {
                "configuration, contracts, mappings and CRM fit"
            } else {
                "configuration, contracts and mappings fit"
            };
            output.line(&format!(
                "{}: {what} ({contracts} contracts, {} governed)",
                good("ok"),
                loaded.config.govern.len()
            ));
        }
    }
    Ok(match (unreachable, wrong == 0, secrets.is_empty()) {
        (_, _, false) => Exit::Config,
        (true, _, true) => Exit::Crm,
        (false, false, true) => Exit::Findings,
        (false, true, true) => Exit::Ok,
    })
}

fn tell_refused(problems: &[Problem], output: Output) {
    if output.is_json() {
        let rows: Vec<Value> = problems
            .iter()
            .map(|each| json!({"file": each.file, "line": each.line, "column": each.column, "message": each.message, "remedy": each.remedy}))
            .collect();
        output.json(&json!({"ok": false, "problems": rows}));
        return;
    }
    for problem in problems {
        output.line(&plain(&problem.to_string()));
    }
    output.line(&format!("{}: {} findings", bad("refused"), problems.len()));
}

/// Secrets that cannot be read here. The token and webhook secrets too: a daemon that starts without them would refuse everybody.
fn secrets(loaded: &Loaded) -> Vec<String> {
    let config = &loaded.config;
    let mut places: Vec<(String, &crate::config::SecretRef)> = Vec::new();
    if let Some(token) = &config.http.token {
        places.push(("http.token".to_owned(), token));
    }
    for (name, connection) in &config.connection {
        let auth = connection.auth.secrets();
        places
            .extend(auth.into_iter().map(|(key, secret)| (format!("connection.{name}.auth.{key}"), secret)));
        places.extend(
            connection
                .webhook_secrets
                .iter()
                .map(|secret| (format!("connection.{name}.webhook_secrets"), secret)),
        );
    }
    places
        .into_iter()
        .filter_map(|(place, from)| secret::read(from).err().map(|error| format!("{place}: {error}")))
        .collect()
}

/// One finding of a CRM.
struct Finding {
    connection: String,
    error: bool,
    place: String,
    problem: String,
    remedy: String,
}

/// Asks every connection; true = one of them did not answer.
async fn ask(loaded: &Loaded) -> Result<(Vec<Finding>, bool), Failure> {
    let options = Options { autopilot: false, ..Options::default() };
    let reports =
        App::check_once(&loaded.config, &loaded.registry, std::sync::Arc::new(SystemClock), options).await?;
    let (mut findings, mut unreachable) = (Vec::new(), false);
    for (connection, report) in reports {
        match report {
            Ok(report) => findings.extend(report.findings.into_iter().map(|each| Finding {
                connection: connection.to_string(),
                error: each.error,
                place: each.place,
                problem: each.problem,
                remedy: each.remedy,
            })),
            Err(fault) => {
                unreachable = true;
                findings.push(Finding {
                    connection: connection.to_string(),
                    error: true,
                    place: "the connection".to_owned(),
                    problem: fault.to_string(),
                    remedy: "nothing else could be checked".to_owned(),
                });
            }
        }
    }
    Ok((findings, unreachable))
}
