//! `handoffd feed`: sends a file's rows to the running daemon, signed as any sender would sign them.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use handoff_core::digest::Digest;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::json;

use super::exit::{Exit, Failure};
use super::output::{Output, plain};
use super::remote::Remote;
use crate::clock::{Clock as _, SystemClock};
use crate::config::load;
use crate::feed::{Format, PARTS_OF, Taken, keys, rows, signature};

/// Data from outside the CRM.
#[derive(Debug, Args)]
pub(super) struct Feed {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Send a file to the running daemon; the same file again changes nothing.
    #[command(
        after_help = "Examples:\n  handoffd feed send usage usage-2026-11.csv\n  handoffd feed send usage - --format json < usage.json\n\nCSV needs a header line; JSON is a list of flat objects. Columns and secrets: [feed.NAME] in the configuration."
    )]
    Send(Send),
}

#[derive(Debug, Args)]
struct Send {
    /// The feed's name in the configuration.
    feed: String,
    /// The file; `-` reads standard input.
    file: PathBuf,
    /// How rows are written; absent = by the file's ending.
    #[arg(long, value_parser = ["csv", "json"])]
    format: Option<String>,
}

pub(super) async fn feed(path: &Path, feed: Feed, output: Output) -> Result<Exit, Failure> {
    match feed.what {
        What::Send(send) => self::send(path, &send, output).await,
    }
}

fn format(send: &Send) -> Result<Format, Failure> {
    let ending = send.file.extension().and_then(std::ffi::OsStr::to_str);
    let told = send.format.as_deref().or(ending).unwrap_or_default();
    match told.to_ascii_lowercase().as_str() {
        "csv" => Ok(Format::Csv),
        "json" => Ok(Format::Json),
        _ => Err(Failure::new(Exit::Usage, "say how the rows are written: --format csv or --format json")),
    }
}

fn body(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let read = if file == Path::new("-") {
        std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut body).map(|_read| body)
    } else {
        std::fs::read(file)
    };
    let name = file.display();
    read.map_err(|error| Failure::new(Exit::Usage, format!("cannot read {name}: {error}")))
}

async fn send(path: &Path, send: &Send, output: Output) -> Result<Exit, Failure> {
    let format = format(send)?;
    let loaded = load(path)?;
    let name = send.feed.as_str();
    let told = loaded.config.feed.get(name).ok_or_else(|| {
        Failure::new(
            Exit::Config,
            format!("the configuration has no [feed.{}]: add it, or mend the name", plain(name)),
        )
    })?;
    let keys = keys(name, told).map_err(|error| Failure::because(Exit::Config, &error))?;
    let key = keys.first().ok_or_else(|| Failure::new(Exit::Config, "the feed has no secret"))?;
    let rows = rows(format, &body(&send.file)?, usize::MAX)
        .map_err(|error| Failure::new(Exit::Findings, format!("{}: {error}", send.file.display())))?;
    let Some(remote) = Remote::find(&loaded.config)? else {
        return Err(Failure::new(
            Exit::Daemon,
            "no daemon runs on the state directory: start it, then send again",
        ));
    };
    let mut all = Taken::default();
    for part in rows.chunks(PARTS_OF) {
        let body = json!({ "rows": part }).to_string().into_bytes();
        // The id says what is in it, so that a part that was taken is not taken again.
        let id = format!("msg_{}", Digest::of_bytes(&body));
        let time = SystemClock.now().as_second().to_string();
        let signed = signature::sign(key, &id, &time, &body).unwrap_or_default();
        let headers = headers(&[
            (signature::ID, &id),
            (signature::TIME, &time),
            (signature::SIGNATURE, &signed),
            (header::CONTENT_TYPE.as_str(), Format::Json.content_type()),
        ])?;
        let taken: Taken = remote.deliver(&format!("feeds/{name}"), headers, body).await?;
        all.add(taken);
    }
    if output.is_json() {
        output.json(&all);
    } else {
        output.line(&format!(
            "{} rows: {} taken, {} known already, {} about what was erased",
            all.rows, all.taken, all.known, all.erased
        ));
    }
    Ok(Exit::Ok)
}

fn headers(pairs: &[(&'static str, &str)]) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let value = HeaderValue::try_from(*value)
            .map_err(|_not_a_header| Failure::new(Exit::Daemon, "a header cannot be written"))?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}
