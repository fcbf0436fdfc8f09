//! Holds a call against the packages that were accepted when it began: was the customer asked for what they hold? Words stay in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use handoff_core::contract::ContractRef;
use handoff_core::event::Event;
use handoff_core::evidence::{Call, CallRef, Transcript};
use handoff_core::handoff::{Handoff, Stamp};
use handoff_core::id::{FieldKey, HandoffId, PersonId};
use handoff_core::journal::LogEntry;
use handoff_core::reask::{DAYS, LONGEST_WHY, MOST, Reask};
use handoff_core::value::Package;
use handoff_rediscovery::{
    Decision, Event as Found, Lexicon, MOST_SENTENCES, Options, Party, Recorded, Sentence, Side, score_call,
};
use jiff::{SignedDuration, Timestamp};

use super::Listener;
use super::hear::{News, address};
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::memory::blocking;

/// What a listener scores with.
#[derive(Debug)]
pub(crate) struct Ears {
    pub(crate) lexicon: Lexicon,
    pub(crate) our_domains: Vec<String>,
}

/// A package that was accepted when the call began.
struct InForce {
    handoff: HandoffId,
    contract: ContractRef,
    accepted: Timestamp,
    package: Package,
    senders: BTreeSet<PersonId>,
    receivers: BTreeSet<PersonId>,
}

/// Streams with an acceptance that a call at this time may be held against, each with the acceptance: what was held against one is not again.
pub(super) fn due(
    engine: &Engine,
    listener: &Listener,
    targets: &BTreeSet<String>,
    started: Option<Timestamp>,
) -> BTreeSet<String> {
    let (Some(ears), Some(started)) = (&listener.ears, started) else { return BTreeSet::new() };
    let of = |stream: &String| {
        let summary = engine.snapshots.summary(stream)?;
        let accepted = summary.accepted_at.filter(|accepted| counts(*accepted, started))?;
        let known = ears.lexicon.fields().any(|(contract, _)| contract == summary.handoff.contract.as_str());
        known.then(|| format!("{stream}#{}@{accepted}", summary.handoff.cycle))
    };
    targets.iter().filter_map(of).collect()
}

/// Whether a call at this time counts for an acceptance.
fn counts(accepted: Timestamp, started: Timestamp) -> bool {
    let window = SignedDuration::from_hours(i64::from(DAYS) * 24);
    accepted < started && accepted.checked_add(window).is_ok_and(|until| started < until)
}

/// Scores a call and appends what is news; true = something was. The caller holds the book.
pub(super) async fn scored(
    engine: &Arc<Engine>,
    listener: &Listener,
    news: &mut News,
    streams: &BTreeSet<String>,
    call: &Call,
    transcript: &Transcript,
) -> Result<bool, Fatal> {
    let Some(ears) = &listener.ears else { return Ok(false) };
    let mut force: BTreeMap<String, InForce> = BTreeMap::new();
    for stream in streams {
        let Some(found) = in_force(engine, stream, call.started).await? else { continue };
        // Of several deals of one account the last accepted one is spoken of.
        let contract = found.handoff.contract.as_str().to_owned();
        if force.get(&contract).is_none_or(|held| held.accepted < found.accepted) {
            force.insert(contract, found);
        }
    }
    if force.is_empty() {
        return Ok(false);
    }
    let line = line(engine, ears, &force, call, transcript);
    let events = match line {
        Some(line) => score_call(&line, &ears.lexicon, &Options::default()),
        None => return Ok(false),
    };
    if !events.scored {
        tracing::info!(connection = %listener.connection, why = ?events.not_scored, "a call is not scored");
        return Ok(false);
    }
    // What the call follows is told in any case: a call without a re-ask counts too.
    let follows =
        force.iter().max_by_key(|(contract, held)| (held.accepted, *contract)).map(|(name, _)| name);
    let mut is_news = false;
    for (contract, held) in &force {
        let own = events.events.iter().filter(|event| event.place.contract == *contract);
        let found = own.take(MOST).map(reask).collect::<Vec<_>>();
        let told = Told { held, found, follows: follows == Some(contract), lexicon: &events.lexicon };
        is_news |= append(engine, listener, news, call, told).await?;
    }
    Ok(is_news)
}

/// What is to be told of one handoff.
struct Told<'a> {
    held: &'a InForce,
    found: Vec<Reask>,
    follows: bool,
    lexicon: &'a str,
}

async fn append(
    engine: &Arc<Engine>,
    listener: &Listener,
    news: &mut News,
    call: &Call,
    told: Told<'_>,
) -> Result<bool, Fatal> {
    let reference = CallRef { connection: listener.connection.clone(), id: call.id.clone() };
    let stream = told.held.handoff.stream();
    let mut evidence = engine.evidence.load(&stream).await?;
    if told.found.is_empty() && !told.follows && !evidence.reasks.holds(&reference) {
        return Ok(false);
    }
    let suggestions = told.found.len();
    let entry = LogEntry::ReaskSuggested {
        handoff: told.held.handoff.clone(),
        contract: told.held.contract.clone(),
        call: reference,
        url: address(call),
        started: call.started,
        accepted: told.held.accepted,
        lexicon: told.lexicon.to_owned(),
        found: told.found,
        at: engine.clock.now(),
    };
    if !evidence.reasks.is_news(&entry) {
        return Ok(false);
    }
    if !engine.evidence.append(&mut news.change, &mut evidence, entry).await? {
        return Ok(false);
    }
    tracing::info!(stream, suggestions, "a call is scored");
    engine.reached("reask_appended");
    news.look.insert(told.held.handoff.subject.clone());
    Ok(true)
}

/// The acceptance that was in force when a call began, with its package; `None` = none was, or the record was erased.
async fn in_force(engine: &Arc<Engine>, stream: &str, started: Timestamp) -> Result<Option<InForce>, Fatal> {
    let entries = engine.snapshots.entries(stream).await?;
    blocking(move || {
        let mut state: Option<Handoff> = None;
        let mut force: Option<InForce> = None;
        for (position, entry) in &entries {
            let Some(entry) = entry else { continue };
            let Some((_, events)) = entry.handoff() else { continue };
            let stamp = Stamp { position: *position, time: entry.at() };
            for event in events {
                state = Handoff::evolve(state.take(), stamp, event);
                let ends = matches!(event, Event::Reopened { .. } | Event::Voided { .. });
                if ends && stamp.time < started {
                    force = None;
                }
                if let (Event::Accepted { at, .. }, Some(state)) = (event, &state)
                    && counts(*at, started)
                {
                    force = Some(held(state, *at));
                }
            }
        }
        Ok(force)
    })
    .await
}

fn held(state: &Handoff, accepted: Timestamp) -> InForce {
    let person =
        |actor: &Option<handoff_core::observation::Actor>| actor.as_ref().map(|actor| actor.person.clone());
    let acceptor = state.accepted.as_ref().map(|acceptance| acceptance.by.person.clone());
    InForce {
        handoff: state.id.clone(),
        contract: state.contract.clone(),
        accepted,
        package: state.package.clone(),
        senders: person(&state.sender).into_iter().chain(state.handed_over_by.clone()).collect(),
        receivers: person(&state.receiver).into_iter().chain(acceptor).collect(),
    }
}

/// The call as the detector reads it; `None` = it is longer than any call.
fn line(
    engine: &Engine,
    ears: &Ears,
    force: &BTreeMap<String, InForce>,
    call: &Call,
    transcript: &Transcript,
) -> Option<handoff_rediscovery::Call> {
    let mut sentences: Vec<Sentence> = Vec::new();
    for passage in &transcript.passages {
        sentences.extend(passage.sentences.iter().map(|sentence| Sentence {
            speaker: passage.speaker.clone(),
            from_ms: sentence.from_ms,
            to_ms: sentence.to_ms,
            text: sentence.text.clone(),
        }));
        if sentences.len() > MOST_SENTENCES {
            return None;
        }
    }
    sentences.sort_by_key(|sentence| sentence.from_ms);
    let is = |email: &str, of: fn(&InForce) -> &BTreeSet<PersonId>| {
        force.values().any(|held| {
            let link = engine.links.get(&held.handoff.subject.connection);
            link.is_some_and(|link| of(held).contains(&link.directory.by_login(email).person))
        })
    };
    let emails = || call.parties.iter().filter_map(|party| party.email.clone());
    let package = |held: &InForce| -> BTreeMap<String, Recorded> {
        let fields = held.package.iter().map(|(field, parts)| {
            let value = serde_json::to_value(parts).unwrap_or_default();
            (field.0.clone(), Recorded::of(&value))
        });
        fields.collect()
    };
    Some(handoff_rediscovery::Call {
        id: call.id.clone(),
        started: Some(call.started),
        private: call.private,
        language: call.language.clone(),
        parties: call
            .parties
            .iter()
            .map(|party| Party {
                speaker: party.speaker.clone(),
                name: party.name.clone(),
                email: party.email.clone(),
                ids: Vec::new(),
                side: party.ours.map(|ours| if ours { Side::Internal } else { Side::External }),
            })
            .collect(),
        sentences: Some(sentences),
        package: force.iter().map(|(contract, held)| (contract.clone(), package(held))).collect(),
        accepted: force.iter().map(|(contract, held)| (contract.clone(), held.accepted)).collect(),
        senders: emails().filter(|email| is(email, |held| &held.senders)).collect(),
        receivers: emails().filter(|email| is(email, |held| &held.receivers)).collect(),
        domains: ears.our_domains.iter().map(|domain| domain.to_lowercase()).collect(),
        ..handoff_rediscovery::Call::default()
    })
}

fn reask(event: &Found) -> Reask {
    let mut why = event.place.why.clone();
    while why.len() > LONGEST_WHY {
        why.pop();
    }
    Reask {
        field: FieldKey(event.place.field.clone()),
        from_ms: event.place.span.from_ms,
        to_ms: event.place.span.to_ms,
        automatic: event.decision == Decision::Auto,
        strict: event.strict,
        complaint: event.complaint,
        question: thousandths(event.place.question_score),
        answer: thousandths(event.place.record_score),
        why,
    }
}

/// A score in thousandths; scores are small and have three digits.
fn thousandths(score: f64) -> u32 {
    format!("{:.0}", (score * 1_000.0).clamp(0.0, 1e9)).parse().unwrap_or(0)
}
