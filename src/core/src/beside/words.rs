//! What people read on records of what happened beside the package, and the owner that is written when the policy says so.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::event::Happening;
use super::state::ReturnPathState;
use super::terms::Reunify;
use crate::completeness::{Situation, assess};
use crate::contract::Contract;
use crate::escalation::{block, in_place};
use crate::extract::Existence;
use crate::handoff::{Handoff, Phase};
use crate::id::{RecordId, RecordRef};
use crate::plan::{Inputs, Plan, Write, same};
use crate::value::Value;
use crate::words::instant;

/// Most characters of the brief: one screen.
const BRIEF: usize = 2_000;
/// Most characters of one value in the brief.
const ANSWER: usize = 200;

/// Why nothing is open, whatever the package says; `None` = nothing beside the package stands in the way.
pub fn held(contract: &Contract, handoff: &Handoff) -> Option<&'static str> {
    if handoff.phase == Phase::Voided {
        None
    } else if handoff.beside.motion_unknown {
        Some("Held: this record's motion is not known to the handoff mapping. An admin has to name it.")
    } else if crate::motion::shuts(contract, handoff) {
        Some("Held: motion A's health is below the agreed line. The cross-sell stops until it recovers.")
    } else {
        None
    }
}

/// What else people have to know at once, a sentence each; empty in quiet times.
pub fn aside(handoff: &Handoff) -> String {
    let mut told = Vec::new();
    if handoff.phase == Phase::Voided {
        return String::new();
    }
    if let Some(path) = handoff.beside.return_path.as_deref() {
        if path.ack_missed && path.acknowledged.is_none() {
            told.push("Not acknowledged in time.".to_owned());
        }
        if let Some(eta) = path.eta.filter(|_| path.eta_passed && path.resolved.is_none()) {
            told.push(format!("The answer promised by {eta} did not come."));
        }
        if path.silent && path.resolved.is_none() {
            told.push("No news when news was due.".to_owned());
        }
        if path.closed.is_none() && path.resolved.is_some() {
            let late = if path.loop_missed { " It is overdue." } else { "" };
            told.push(format!("Resolved: the sender tells the customer himself.{late}"));
        }
        if path.foreign > 0 {
            let times = if path.foreign == 1 { "once".to_owned() } else { format!("{} times", path.foreign) };
            told.push(format!("The customer heard from others {times}."));
        }
    }
    if let Some(shared) = handoff.beside.shared.as_deref()
        && let Some(due) = shared.due.as_ref().filter(|_| shared.reunified.is_none())
    {
        let to = due.to.as_ref().map_or("nobody named", |to| to.person.as_str());
        told.push(format!("The relationship is to come back to {to}."));
    }
    let touch = handoff.beside.touch.clone().unwrap_or_default();
    if touch.missed && touch.touched.is_none() {
        told.push("Nobody touched the lead in time.".to_owned());
    }
    told.iter().flat_map(|sentence| [sentence.as_str(), " "]).collect()
}

/// Fields of the record itself: the echo, if it has no record of its own; the brief; the primary owner where the policy writes it.
pub(crate) fn values(inputs: Inputs<'_>) -> Vec<(String, Json)> {
    let Some(beside) = &inputs.mapping.beside else { return Vec::new() };
    let handoff = inputs.handoff;
    let mut values = Vec::new();
    if let Some(echo) = beside.echo.as_ref().filter(|echo| echo.on.is_none()) {
        let text = handoff.beside.return_path.as_deref().filter(|_| handoff.phase != Phase::Voided);
        let text = text.map(|path| block(handoff.id.subject.record.0.as_str(), path, status(inputs, path)));
        values.push((echo.field.clone(), text.map_or(Json::Null, Json::String)));
    }
    if let Some(field) = &beside.brief {
        let text = brief(inputs.contract, handoff);
        values.push((field.clone(), if text.is_empty() { Json::Null } else { Json::String(text) }));
    }
    if let (Some(field), Some(shared)) = (&beside.primary, handoff.beside.shared.as_deref())
        && let Some(due) = &shared.due
        && due.policy == Reunify::Write
        && shared.reunified.is_none()
        && handoff.is_accepted()
        && let Some(to) = &due.to
    {
        let stands = inputs.seen.beside.as_ref().and_then(|seen| seen.primary.as_ref());
        // The same person under another login is there already.
        if stands.is_none_or(|stands| stands.person != to.person) {
            values.push((field.clone(), Json::String(to.id.0.clone())));
        }
    }
    values
}

/// The status that was echoed last, as people see it.
fn status<'a>(inputs: Inputs<'a>, path: &'a ReturnPathState) -> &'a str {
    let field = inputs.mapping.beside.as_ref().and_then(|beside| beside.status.as_ref());
    field.map_or(path.status.as_str(), |field| inputs.raw.in_words(&field.field, &path.status))
}

/// The echo onto the record that the sender owns; `None` = it stands there already, there is no such record, or it does not fit.
pub fn echo_plan(inputs: Inputs<'_>) -> Option<Plan> {
    let echo = inputs.mapping.beside.as_ref()?.echo.as_ref()?;
    let on = echo.on.as_ref()?;
    let handoff = inputs.handoff;
    if inputs.seen.existence != Existence::Present {
        return None;
    }
    let enforced = inputs
        .mapping
        .write
        .gate
        .keys()
        .any(|gate| inputs.terms.mode(inputs.contract, gate) == crate::contract::Mode::Enforce);
    let record =
        inputs.raw.fields.get(&on.field).and_then(Json::as_str).filter(|id| !id.trim().is_empty())?;
    // A field that could not be read is not overwritten: other escalations' words may stand there.
    let stood = inputs.raw.fields.get(&on.stands)?;
    let name = handoff.id.subject.record.0.as_str();
    let live = handoff.beside.return_path.as_deref();
    let live = live.filter(|path| handoff.phase != Phase::Voided && path.closed.is_none());
    let text = live.map(|path| block(name, path, status(inputs, path)));
    let text = in_place(stood.as_str().unwrap_or_default(), name, text.as_deref())?;
    let to = if text.is_empty() { Json::Null } else { Json::String(text) };
    if same(stood, &to) {
        return None;
    }
    let write = Write { field: echo.field.clone(), from: stood.clone(), to, gate: None };
    let subject = &handoff.id.subject;
    let target = RecordRef {
        connection: subject.connection.clone(),
        object: on.object.clone(),
        record: RecordId(record.to_owned()),
    };
    let (writes, shadow) = if enforced { (vec![write], Vec::new()) } else { (Vec::new(), vec![write]) };
    let (expect, withdraw) = (BTreeMap::new(), Vec::new());
    Some(Plan { target, writes, shadow, guard: None, expect, withdraw, only_if: None })
}

/// One screen for the receiver: every filled field that counts, in the contract's order. Nothing before the sender handed it over, and nothing
/// that is missing, junk or disputed.
pub fn brief(contract: &Contract, handoff: &Handoff) -> String {
    if !matches!(handoff.phase, Phase::Complete | Phase::Accepted) {
        return String::new();
    }
    let rejected = handoff.still_rejected();
    let situation = Situation {
        stage: handoff.stage.as_ref(),
        motion: &handoff.id.motion,
        still_rejected: &rejected,
        disputed: &handoff.beside.disputed,
        as_of: handoff.as_of(),
    };
    let counts = assess(contract, &handoff.package, &situation);
    let mut text = String::new();
    for field in contract.fields.iter().filter(|field| counts.filled.contains(&field.key)) {
        let parts = handoff.package.get(&field.key).into_iter().flatten();
        let answers: Vec<String> = if counts.attested_none.contains(&field.key) {
            vec!["none".to_owned()]
        } else {
            parts
                .filter(|(key, _)| key.as_str() != "none")
                .filter_map(|(_, part)| answer(&part.value))
                .collect()
        };
        let line = format!("{}: {}\n", field.label, answers.join(" · "));
        if text.chars().count() + line.chars().count() > BRIEF {
            break;
        }
        text.push_str(&line);
    }
    text.trim_end().to_owned()
}

fn answer(value: &Value) -> Option<String> {
    let text = match value {
        Value::Text(text)
        | Value::Name(text)
        | Value::Choice(text)
        | Value::Person(text)
        | Value::Record(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        Value::Number(number) => number.to_string(),
        Value::Money { amount, currency } => {
            format!("{amount} {}", currency.as_deref().unwrap_or_default()).trim().to_owned()
        }
        Value::Date(date) => date.to_string(),
        Value::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        Value::List(rows) => {
            let rows = rows.iter().map(|row| {
                let cells: Vec<String> = row.values().filter_map(answer).collect();
                cells.join(", ")
            });
            rows.collect::<Vec<_>>().join("; ")
        }
        Value::Series(points) => match (points.first(), points.last()) {
            (Some(first), Some(last)) => format!("{} on {} to {} on {}", first.1, first.0, last.1, last.0),
            (_, None) | (None, _) => return None,
        },
        Value::Erased => return None,
    };
    let short: String = text.chars().take(ANSWER).collect();
    Some(if short.len() < text.len() { format!("{short}…") } else { short })
}

/// One happening in words, for the record's own history. Names no value of a record but statuses and dates.
pub fn told(happening: &Happening) -> String {
    let person = |actor: &crate::observation::Actor| actor.person.to_string();
    match happening {
        Happening::FieldsDisputed { fields } if fields.is_empty() => {
            "everything that is said counts".to_owned()
        }
        Happening::FieldsDisputed { fields } => {
            let lines = fields.iter().flat_map(|(field, why)| {
                why.iter().map(move |why| format!("{field} {}", super::terms::describe(*why)))
            });
            lines.collect::<Vec<_>>().join("; ")
        }
        Happening::MotionAssigned { motion: None, .. } => {
            "nobody can tell the motion: gates are shut".to_owned()
        }
        Happening::MotionAssigned { motion: Some(motion), before, by, reasoned, .. } => {
            let from = before.as_ref().map(|before| format!(", before it {before}")).unwrap_or_default();
            let by = by.as_ref().map(|by| format!(", by {}", person(by))).unwrap_or_default();
            let reason = if before.is_some() && !reasoned { ", without a reason" } else { "" };
            format!("motion is {motion}{from}{by}{reason}")
        }
        Happening::ReturnPathBegan { at } => format!("the return path began at {}", instant(*at)),
        Happening::Acknowledged { at } => format!("acknowledged at {}", instant(*at)),
        Happening::AckMissed { due } => format!("not acknowledged by {}", instant(*due)),
        Happening::EtaGiven { eta: Some(eta) } => format!("an answer is promised by {eta}"),
        Happening::EtaGiven { eta: None } => "no date is promised any more".to_owned(),
        Happening::EtaPassed { eta } => format!("the promised {eta} passed without a resolution"),
        Happening::Echoed { status, .. } => format!("echoed to the sender: \"{status}\""),
        Happening::EchoMissed { due } => format!("no sign of life by {}", instant(*due)),
        Happening::Resolved { at } => format!("resolved at {}", instant(*at)),
        Happening::ResolutionWithdrawn => "not resolved after all".to_owned(),
        Happening::LoopClosed { by, at, .. } => {
            format!("{} told the customer at {}", person(by), instant(*at))
        }
        Happening::LoopMissed { due } => format!("the customer was not told by {}", instant(*due)),
        Happening::ForeignMessage { by, at, .. } => {
            format!("the customer heard from {} at {}", person(by), instant(*at))
        }
        Happening::PrimaryAssigned { owner: Some(owner) } => {
            format!("the primary owner is {}", person(owner))
        }
        Happening::PrimaryAssigned { owner: None } => "nobody, or more than one, is primary owner".to_owned(),
        Happening::HealthFell { health, stop_below } => {
            format!("motion A's health {health} is below {stop_below}")
        }
        Happening::HealthRecovered { health } => format!("motion A's health is {health} again"),
        Happening::SteadySince { since: Some(since) } => {
            format!("the condition holds since {}", instant(*since))
        }
        Happening::SteadySince { since: None } => "the condition holds no more".to_owned(),
        Happening::TriggerSet { fires: Some(fires) } => format!("the trigger fires at {}", instant(*fires)),
        Happening::TriggerSet { fires: None } => "the trigger waits for its event".to_owned(),
        Happening::ReunificationDue { at, to, policy, .. } => {
            let to = to.as_ref().map_or_else(|| "nobody named".to_owned(), person);
            let how = match policy {
                Reunify::Propose => "proposed",
                Reunify::Write => "ordered",
            };
            format!("back into one hand since {}: {how} to {to}", instant(*at))
        }
        Happening::Reunified { to, .. } => format!("re-united: {} owns the relationship", person(to)),
        Happening::FirstTouched { by, at, .. } => {
            format!("first touched by {} at {}", person(by), instant(*at))
        }
        Happening::FirstTouchMissed { due } => format!("not touched by {}", instant(*due)),
        Happening::LeadRecycled { at } => format!("went back to be nurtured at {}", instant(*at)),
        Happening::SignalsChanged { signals, .. } if signals.is_empty() => "no signal fires".to_owned(),
        Happening::SignalsChanged { signals, .. } => {
            let names: Vec<&str> = signals.iter().map(String::as_str).collect();
            format!("signals: {}", names.join(", "))
        }
    }
}
