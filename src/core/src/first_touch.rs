//! Handoff 01: how soon the lead hears of us, a score without context, a lead that comes straight back. Pure.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::prelude::ToPrimitive as _;

use crate::beside::{BesideSeen, Doing, FirstTouch, Happening, Touch};
use crate::handoff::{Handoff, Phase};
use crate::observation::Observation;
use crate::value::{Package, Value};

/// Longest promise, in hours.
const LONGEST: u32 = 24 * 366;

/// When the first touch is due: the package's promise, at most the tier's, from the hand-over on. `None` = not handed over, or nothing
/// promised.
pub fn due(terms: &FirstTouch, handoff: &Handoff) -> Option<Timestamp> {
    let hours = hours(terms, &handoff.package)?;
    handoff.completed?.checked_add(SignedDuration::from_hours(i64::from(hours))).ok()
}

fn hours(terms: &FirstTouch, package: &Package) -> Option<u32> {
    let promised = match terms.within_hours.value(package) {
        Some(Value::Number(hours)) => hours.ceil().to_u32(),
        Some(_) | None => None,
    };
    let tier = terms.tier.as_ref().and_then(|tier| match tier.value(package) {
        Some(Value::Choice(tier) | Value::Name(tier) | Value::Text(tier)) => {
            terms.at_most_hours.get(tier.trim()).copied()
        }
        Some(_) | None => None,
    });
    promised.into_iter().chain(tier).min().map(|hours| hours.min(LONGEST))
}

/// When time alone will change something.
pub fn look_again(terms: &FirstTouch, handoff: &Handoff, now: Timestamp) -> Option<Timestamp> {
    let touch = handoff.beside.touch.clone().unwrap_or_default();
    let waits = handoff.phase != Phase::Voided && touch.touched.is_none() && !touch.missed;
    due(terms, handoff).filter(|due| waits && *due > now)
}

/// What happened to the lead; nothing where the mapping names nothing beside the package. The same things seen at the same time again: nothing.
pub fn advance(terms: &FirstTouch, handoff: &Handoff, seen: &Observation, now: Timestamp) -> Vec<Happening> {
    let Some(beside) = seen.beside.as_deref() else { return Vec::new() };
    let mut state: Touch = handoff.beside.touch.clone().unwrap_or_default();
    let mut happened = Vec::new();
    if handoff.phase != Phase::Voided {
        touch(terms, handoff, seen, beside, now, &mut state, &mut happened);
    }
    recycle(terms, handoff, beside, &mut state, &mut happened);
    happened
}

fn touch(
    terms: &FirstTouch,
    handoff: &Handoff,
    seen: &Observation,
    beside: &BesideSeen,
    now: Timestamp,
    state: &mut Touch,
    happened: &mut Vec<Happening>,
) {
    let Some(from) = handoff.completed.filter(|_| state.touched.is_none()) else { return };
    let due = due(terms, handoff);
    // A sender's newsletter and a machine's sequence are no touch.
    let counts = |doing: &&Doing| {
        let own = seen.sender.as_ref().is_some_and(|sender| sender.person == doing.by.person);
        !own && !doing.by.machine && doing.at >= from && doing.at <= now
    };
    let first = beside.activities.iter().filter(counts).min_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    let late = |due: Timestamp| first.map_or(now >= due, |first| first.at > due);
    if let Some(due) = due.filter(|due| !state.missed && late(*due)) {
        happened.push(Happening::FirstTouchMissed { due });
        state.missed = true;
    }
    if let Some(Doing { id, by, at }) = first.cloned() {
        happened.push(Happening::FirstTouched { by, at, activity: id });
        state.touched = Some(at);
    }
}

fn recycle(
    terms: &FirstTouch,
    handoff: &Handoff,
    beside: &BesideSeen,
    state: &mut Touch,
    happened: &mut Vec<Happening>,
) {
    let (Some(at), Some(from)) = (beside.recycled, handoff.completed.or(handoff.opened_at)) else { return };
    let within = SignedDuration::from_hours(i64::from(terms.recycled_within_days) * 24);
    let soon = at >= from && at.duration_since(from) <= within;
    if soon && state.recycled != Some(at) {
        happened.push(Happening::LeadRecycled { at });
        state.recycled = Some(at);
    }
}
