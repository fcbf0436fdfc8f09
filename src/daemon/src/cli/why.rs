//! Why a record's gates stand as they do, for a person to read.

use std::fmt::Write as _;

use handoff_core::carried::{CarriedSeen, Standing};
use handoff_core::contract::{Condition, Contract};
use handoff_core::event::{Event, NotReverted};
use handoff_core::gate::{Verdict, due};
use handoff_core::handoff::Handoff;
use handoff_core::id::FieldKey;
use handoff_core::journal::LogEntry;
use handoff_core::observation::Actor;
use handoff_core::package_versions::package_versions;
use handoff_core::seat::{Behalf, Right};
use handoff_core::twin::{TwinSeen, TwinWord};
use handoff_core::value::Value;
use handoff_core::words::clock;
use handoff_measure::hold::Hold;
use handoff_measure::scorecard::refusal;
use serde::Serialize;

mod owed;
mod returns;

use super::output::plain;
use crate::api::model::{EvidenceRow, HandoffDetail, OwedRow, VersionRow, phase};
use crate::api::rediscovery::ReaskRow;

/// Everything there is to tell about one handoff.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    /// `contract/motion/connection/object/record`.
    pub stream: String,
    /// The folded state; absent = the record was erased.
    pub state: Option<Handoff>,
    /// What holds now.
    pub verdict: Option<Verdict>,
    /// Its log entries with their positions, oldest first.
    pub entries: Vec<(u64, LogEntry)>,
    /// Places of calls that may speak of its fields.
    pub evidence: Vec<EvidenceRow>,
    /// Questions of calls that seem to ask again for what its accepted package held.
    pub reasks: Vec<ReaskRow>,
    /// Every version of the package that was in the receiver's hands.
    pub versions: Vec<VersionRow>,
    /// Who held each of its cycles, oldest first.
    pub holds: Vec<Hold>,
    /// What people owe it now.
    pub owed: Vec<OwedRow>,
}

/// The versions that these entries tell of.
pub(crate) fn versions(entries: &[(u64, LogEntry)]) -> Vec<VersionRow> {
    let entries = entries.iter().map(|(position, entry)| (*position, entry));
    package_versions(entries).into_iter().map(VersionRow::from).collect()
}

impl From<HandoffDetail> for Told {
    fn from(detail: HandoffDetail) -> Self {
        let read = |entry: serde_json::Value| {
            let position = entry.get("position")?.as_u64()?;
            Some((position, serde_json::from_value(entry.get("entry")?.clone()).ok()?))
        };
        Self {
            stream: detail.handoff.stream,
            state: detail.state.and_then(|state| serde_json::from_value(state).ok()),
            verdict: detail.verdict.and_then(|verdict| serde_json::from_value(verdict).ok()),
            entries: detail.entries.into_iter().filter_map(read).collect(),
            evidence: detail.evidence,
            reasks: detail.reasks,
            versions: detail.versions,
            holds: detail.holds,
            owed: detail.owed,
        }
    }
}

/// Tells it; `contract` is the pinned one where it is at hand.
pub fn explain(told: &Told, contract: Option<&Contract>) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}", plain(&told.stream));
    if let Some(state) = &told.state {
        standing(&mut text, state, told.verdict.as_ref(), contract);
        gates(&mut text, state, told.verdict.as_ref(), contract);
        package(&mut text, state);
    } else {
        let _ = writeln!(text, "  the record was erased: its proofs stand, its content is gone");
    }
    if let Some(verdict) = told.verdict.as_ref().filter(|verdict| !verdict.missing.is_empty()) {
        let _ = writeln!(text, "\n  missing");
        for finding in &verdict.missing {
            let _ = writeln!(text, "    {}", plain(&finding.to_string()));
        }
    }
    returns::returns(&mut text, told, contract);
    owed::owed(&mut text, &told.owed);
    held(&mut text, &told.holds);
    evidence(&mut text, &told.evidence, contract);
    reasks(&mut text, &told.reasks, contract);
    log(&mut text, &told.entries);
    text
}

/// Who held it, to the second.
fn held(text: &mut String, holds: &[Hold]) {
    if holds.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n  held");
    for hold in holds {
        let end = match (hold.running, hold.accepted) {
            (true, _) => "so far",
            (false, true) => "to its acceptance",
            (false, false) => "to its end",
        };
        let shares = &hold.shares;
        let _ = writeln!(
            text,
            "    cycle {}: {} {end}: sender {}, receiver {}, customer {}, system {}",
            hold.cycle,
            span(shares.total_ms),
            span(shares.sender_ms),
            span(shares.receiver_ms),
            span(shares.customer_ms),
            span(shares.system_ms)
        );
    }
}

/// Milliseconds as hours, minutes and seconds.
pub(crate) fn span(ms: i64) -> String {
    let seconds = ms / 1_000;
    format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

fn evidence(text: &mut String, places: &[EvidenceRow], contract: Option<&Contract>) {
    if places.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n  calls");
    for place in places {
        let _ = writeln!(text, "    {}", place_line(place, contract));
    }
}

fn reasks(text: &mut String, rows: &[ReaskRow], contract: Option<&Contract>) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n  asked again");
    for row in rows {
        let _ = writeln!(text, "    {}", super::rediscovery::line(row, contract));
    }
}

/// A place of a call on one line: field, standing, day and minutes, address; never words of the call.
pub(super) fn place_line(place: &EvidenceRow, contract: Option<&Contract>) -> String {
    let field = contract.and_then(|contract| contract.field(&FieldKey::from(place.field.as_str())));
    let field = field.map_or(place.field.as_str(), |field| &field.label);
    let by = place.by.as_deref().map(|by| format!(" by {}", plain(by))).unwrap_or_default();
    let address = place.url.as_deref().map_or_else(|| format!("call {}", plain(&place.call)), plain);
    format!(
        "{:<9}{by}  {}: call of {}, {}–{}  {address}",
        plain(&place.standing),
        plain(field),
        place.started_at.strftime("%Y-%m-%d"),
        clock(place.from_ms),
        clock(place.to_ms)
    )
}

fn log(text: &mut String, entries: &[(u64, LogEntry)]) {
    let _ = writeln!(text, "\n  log");
    for (position, entry) in entries {
        let Some((handoff, events)) = entry.handoff() else { continue };
        for (index, event) in events.iter().enumerate() {
            let head = if index == 0 {
                format!("#{position:<6} {}  cycle {}", moment(entry.at()), handoff.cycle)
            } else {
                String::new()
            };
            let _ = writeln!(text, "    {head:<37}  {}", words(event));
        }
    }
}

/// A moment to the second, as people read it; the JSON holds it exactly.
pub(super) fn moment(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

fn standing(text: &mut String, state: &Handoff, verdict: Option<&Verdict>, contract: Option<&Contract>) {
    let pin = &state.contract;
    let short: String = pin.digest.0.chars().take(12).collect();
    let _ = writeln!(text, "  contract  {} version {}, sha256 {short}…", plain(pin.id.as_str()), pin.version);
    let stage = state
        .stage
        .as_ref()
        .map_or_else(|| "unknown to the mapping".to_owned(), |stage| plain(stage.as_str()));
    let _ = writeln!(text, "  stage     {stage} (\"{}\" in the CRM)", plain(&state.stage_raw));
    let status = verdict.map(|verdict| plain(&verdict.status)).unwrap_or_default();
    let _ = writeln!(
        text,
        "  stands    {}, cycle {}, round {}: {status}",
        phase(state.phase),
        state.id.cycle,
        state.round
    );
    let _ = writeln!(text, "  sender    {}", actor(state.sender.as_ref()));
    let _ = writeln!(text, "  receiver  {}", actor(state.receiver.as_ref()));
    if let Some(acceptance) = &state.accepted {
        let _ = writeln!(
            text,
            "  accepted  by {} at {}, log entry #{}",
            actor(Some(&acceptance.by)),
            moment(acceptance.at),
            acceptance.stamp.position
        );
    }
    if let Some(reason) = &state.reason {
        let _ = writeln!(text, "  sent back \"{}\"", plain(reason));
    }
    if let Some(due) = contract.and_then(|contract| due(contract, state)) {
        let _ = writeln!(text, "  clock     the receiver's answer is due at {}", moment(due));
    }
    if state.bypasses > 0 || state.adjustments > 0 {
        let _ = writeln!(text, "  ledger    {} by-passes, {} adjustments", state.bypasses, state.adjustments);
    }
}

fn gates(text: &mut String, state: &Handoff, verdict: Option<&Verdict>, contract: Option<&Contract>) {
    let Some(verdict) = verdict else { return };
    let _ = writeln!(text, "\n  gates");
    let width = verdict.gates.keys().map(|gate| gate.as_str().len()).max().unwrap_or(0);
    for (gate, open) in &verdict.gates {
        let rule =
            contract.and_then(|contract| contract.gates.get(gate)).map_or("", |gate| match gate.opens_when {
                Condition::Complete => "opens when the package is complete; ",
                Condition::Accepted => "opens when the receiver accepted exactly this package; ",
            });
        let known = state.gates.get(gate);
        let written = match known.and_then(|known| known.confirmed) {
            Some(true) => "written open",
            Some(false) => "written shut",
            None => "never written",
        };
        let clearance = known.and_then(|known| known.clearance.as_deref());
        let clearance = clearance.map(|id| format!(", clearance {}", plain(id))).unwrap_or_default();
        let _ = writeln!(
            text,
            "    {:<width$}  {}  {rule}{written}{clearance}",
            plain(gate.as_str()),
            shut(*open)
        );
    }
}

fn package(text: &mut String, state: &Handoff) {
    let mut rows = Vec::new();
    for (field, parts) in &state.package {
        let edited = state.edits.get(field).map(|at| format!(", edited {}", moment(*at))).unwrap_or_default();
        for (part, sourced) in parts {
            let own = sourced.from == state.id.subject;
            let from = if own { String::new() } else { format!("{}.", plain(&sourced.from.to_string())) };
            let origin = format!("{from}{}{edited}", plain(&sourced.field));
            rows.push((format!("{field}.{part}"), value(&sourced.value), origin));
        }
    }
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n  package");
    let width = rows.iter().map(|(name, _, _)| name.chars().count()).max().unwrap_or(0);
    for (name, value, origin) in rows {
        let _ = writeln!(text, "    {name:<width$}  {value}");
        let _ = writeln!(text, "    {:<width$}    from {origin}", "");
    }
}

/// A value for people.
pub(crate) fn value(value: &Value) -> String {
    let long = match value {
        Value::Text(text) | Value::Name(text) | Value::Choice(text) => format!("\"{}\"", plain(text)),
        Value::Person(id) | Value::Record(id) => plain(id),
        Value::Number(number) => number.to_string(),
        Value::Money { amount, currency } => format!("{amount} {}", plain(currency.as_deref().unwrap_or(""))),
        Value::Date(date) => date.to_string(),
        Value::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        Value::List(rows) => format!("{} rows", rows.len()),
        Value::Series(points) => format!("{} points", points.len()),
        Value::Erased => "(erased)".to_owned(),
    };
    if long.chars().count() <= 160 { long } else { long.chars().take(159).chain(['…']).collect() }
}

fn actor(actor: Option<&Actor>) -> String {
    let Some(actor) = actor else { return "nobody".to_owned() };
    let mut words = plain(actor.person.as_str());
    if actor.person.as_str() != actor.id.as_str() {
        let _ = write!(words, " ({})", plain(actor.id.as_str()));
    }
    if actor.machine {
        words.push_str(", a machine");
    }
    if !actor.active {
        words.push_str(", switched off");
    }
    words
}

/// For whom somebody answered, and by what right.
fn on_behalf(behalf: &Behalf) -> String {
    let of = behalf.of.as_ref().map_or_else(|| "nobody named".to_owned(), |of| plain(of.as_str()));
    let right = match behalf.by {
        Right::Delegate => "delegate",
        Right::Member => "member of the queue",
        Right::Fallback => "the fallback role",
    };
    format!(" for {of} as {right}")
}

fn shut(open: bool) -> &'static str {
    if open { "open" } else { "shut" }
}

/// One event in words.
pub fn words(event: &Event) -> String {
    let who = |by: &Actor| actor(Some(by));
    let fields = |keys: &std::collections::BTreeSet<handoff_core::id::FieldKey>| {
        let names: Vec<String> = keys.iter().map(|key| plain(key.as_str())).collect();
        if names.is_empty() { "the whole package".to_owned() } else { names.join(", ") }
    };
    match event {
        Event::Opened { stage, .. } => format!("opened at stage {}", plain(stage.as_str())),
        Event::PeopleChanged { sender, receiver } => {
            format!("sender {}, receiver {}", actor(sender.as_ref()), actor(receiver.as_ref()))
        }
        Event::StageChanged { raw, .. } => format!("stage is \"{}\"", plain(raw)),
        Event::PackageChanged { set, cleared, edits, .. } => {
            let changed: Vec<String> = set.keys().chain(cleared).map(|key| plain(key.as_str())).collect();
            let by: std::collections::BTreeSet<String> =
                edits.values().filter_map(|(_, by)| by.as_ref()).map(who).collect();
            let by: Vec<String> = by.into_iter().collect();
            let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
            format!("package changed: {}{by}", changed.join(", "))
        }
        Event::Submitted { by, at, .. } => format!("submitted by {} at {}", who(by), moment(*at)),
        Event::Completed { round, at } => {
            format!("complete in round {round} at {}: the receiver's clock starts", moment(*at))
        }
        Event::FellIncomplete { missing } => format!("no longer complete: {} missing", missing.len()),
        Event::Accepted { by, at, round, behalf, .. } => {
            let behalf = behalf.as_ref().map(on_behalf).unwrap_or_default();
            format!("accepted by {}{behalf} at {} in round {round}", who(by), moment(*at))
        }
        Event::Rejected { by, at, fields: keys, reason, .. } => {
            format!("rejected by {} at {}: {}; \"{}\"", who(by), moment(*at), fields(keys), plain(reason))
        }
        Event::ExceptionsGranted { .. }
        | Event::ExceptionsMet { .. }
        | Event::ExceptionsLapsed { .. }
        | Event::ConfirmationNeeded { .. }
        | Event::Confirmed { .. }
        | Event::OverrideAsked { .. }
        | Event::Overridden { .. }
        | Event::OverrideEnded { .. }
        | Event::Absorbed { .. } => returns::words(event),
        Event::AnswerRefused { by, at, why, .. } => {
            format!("answer of {} at {} did not count: {}", who(by), moment(*at), refusal(why))
        }
        Event::Reopened { cycle, .. } => format!("re-opened as cycle {cycle}"),
        Event::SlaBreached { due, .. } => format!("the receiver's time was up at {}", moment(*due)),
        Event::ClockSet { clock, .. } => match clock.due {
            Some(due) => format!("the receiver's clock: due at {}", moment(due)),
            None => "the receiver's clock is set".to_owned(),
        },
        Event::Reminded { step, to, .. } => format!("reminder {step} to {}", actor(to.as_ref())),
        Event::Escalated { since, to, vacant, .. } => {
            let what = if *vacant { "nobody can answer, asked for since" } else { "overdue since" };
            format!("{what} {}, escalated to {}", moment(*since), plain(to))
        }
        Event::Reassigned { from, to } => match to {
            Some(role) => format!("receiver {} cannot answer: {} does", actor(from.as_ref()), plain(role)),
            None => format!("receiver {} answers again", actor(from.as_ref())),
        },
        Event::ConcernsChanged { concerns } => format!("{} concerns stand", concerns.len()),
        Event::Bypassed { gate, stage, by, at, .. } => {
            let at = at.map(|at| format!(" at {}", moment(at))).unwrap_or_default();
            format!(
                "by-passed: gate {} was shut when stage {} was entered by {}{at}",
                plain(gate.as_str()),
                plain(stage.as_str()),
                actor(by.as_ref())
            )
        }
        Event::GraceGranted { grace } => format!(
            "stage {} was entered past gate {} while handoffd was down: grace until {}",
            plain(grace.stage.as_str()),
            plain(grace.gate.as_str()),
            moment(grace.until)
        ),
        Event::GraceEnded { gate, kept, .. } => {
            let how = if *kept { "made good, or the stage was left" } else { "not made good" };
            format!("the grace at gate {} is over: {how}", plain(gate.as_str()))
        }
        Event::Tampered { gate, seen_open, by, at, .. } => {
            let at = at.map(|at| format!(" at {}", moment(at))).unwrap_or_default();
            format!(
                "tampered: gate {} was set {} by {}{at}",
                plain(gate.as_str()),
                shut(*seen_open),
                actor(by.as_ref())
            )
        }
        Event::GateWritten { gate, open, .. } => {
            format!("gate {} written {} and read back", plain(gate.as_str()), shut(*open))
        }
        Event::CommissionReleased { cycle } => format!("commission released in cycle {cycle}"),
        Event::CommissionHeld { adjustment, .. } => format!("commission held again: adjustment {adjustment}"),
        Event::Voided { .. } => "voided".to_owned(),
        Event::Healed { gate } => format!("gate {} reads again as it should", plain(gate.as_str())),
        Event::TwinsChanged { twins, .. } => {
            let word = |twin: &TwinSeen| {
                let says = match twin.word {
                    TwinWord::Accepted => "accepted",
                    TwinWord::AcceptedOther => "accepted, but another package",
                    TwinWord::NotAccepted => "not accepted",
                    TwinWord::Rival => "naming the same deal",
                };
                format!("{} is {says}", plain(&twin.record.to_string()))
            };
            let words: Vec<String> = twins.iter().map(word).collect();
            if words.is_empty() { "no other record has a say".to_owned() } else { words.join(", ") }
        }
        Event::CarriedChanged { carried } => {
            let word = |seen: &CarriedSeen| {
                let says = match &seen.standing {
                    Standing::Accepted { cycle, package } => {
                        format!("accepted in cycle {cycle}, package {}", plain(&package.to_string()))
                    }
                    Standing::NotAccepted => "not accepted".to_owned(),
                    Standing::Broken => "not there".to_owned(),
                };
                let record = seen.record.as_ref().map_or_else(|| "no record".to_owned(), ToString::to_string);
                format!("{}.{} from {} of {}: {says}", seen.field, seen.part, seen.contract, plain(&record))
            };
            let words: Vec<String> = carried.iter().map(word).collect();
            if words.is_empty() { "nothing is carried any more".to_owned() } else { words.join(", ") }
        }
        Event::RevertOrdered { gate, from, to, .. } => {
            let (gate, from, to) = (plain(gate.as_str()), plain(from), plain(to));
            format!("ordered back from \"{from}\" to \"{to}\": gate {gate} was shut")
        }
        Event::StageReverted { from, to, .. } => {
            format!("stage put back from \"{}\" to \"{}\"", plain(from), plain(to))
        }
        Event::RevertGivenUp { gate, why, .. } => {
            let why = match why {
                NotReverted::TooOften => "it was put back twice within an hour",
                NotReverted::NoWayBack => "nothing tells where it came from",
                NotReverted::TooLate => "it has stood there for a day",
            };
            format!("stage stays past gate {}: {why}", plain(gate.as_str()))
        }
        Event::RevertRefused { gate, .. } => {
            format!("the CRM refused to put the stage back past gate {}", plain(gate.as_str()))
        }
        Event::PayChanged { .. } => "the amount or the people paid changed".to_owned(),
        Event::Repinned { contract, by, reason } => {
            let (by, reason) = (plain(by), plain(reason));
            format!("moved to version {} of its contract by {by}: {reason}", contract.version)
        }
        Event::Beside { what } => plain(&handoff_core::beside::words::told(what)),
        Event::GateOrdered { gate, open } => format!("gate {} ordered {}", plain(gate.as_str()), shut(*open)),
    }
}
