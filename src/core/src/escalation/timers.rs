//! The four timers: acknowledgement, promised date, cadence of the echo, and the sender's own word to the customer.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::prelude::ToPrimitive as _;

use crate::beside::{
    Beside, BesideSeen, Doing, EchoCause, Happening, ReturnPath, ReturnPathState, StatusSeen,
};
use crate::handoff::{Handoff, Phase};
use crate::observation::Observation;
use crate::value::{Package, Value};

/// Hours to close the loop where the package does not say it.
const CLOSE: u32 = 24;
/// Longest interval or window that a package may ask for, in hours.
const LONGEST: u32 = 24 * 366;

/// What happened on the return path; nothing where the mapping names nothing beside the package. The same things seen at the same time again: nothing.
pub fn advance(terms: &ReturnPath, handoff: &Handoff, seen: &Observation, now: Timestamp) -> Vec<Happening> {
    let Some(beside) = seen.beside.as_deref().filter(|_| handoff.phase != Phase::Voided) else {
        return Vec::new();
    };
    let mut walk =
        Walk { terms, handoff, seen, beside, now, state: handoff.beside.clone(), happened: Vec::new() };
    walk.run();
    walk.happened
}

/// When time alone will change something on the return path.
pub fn look_again(terms: &ReturnPath, handoff: &Handoff, now: Timestamp) -> Option<Timestamp> {
    let path = handoff.beside.return_path.as_ref().filter(|_| handoff.phase != Phase::Voided)?;
    let ack = acknowledge_by(terms, path).filter(|_| path.acknowledged.is_none() && !path.ack_missed);
    let eta = path.eta.and_then(end_of).filter(|_| path.resolved.is_none() && !path.eta_passed);
    let tick = next_tick(terms, &handoff.package, path);
    let close =
        close_by(terms, &handoff.package, path).filter(|_| path.closed.is_none() && !path.loop_missed);
    [ack, eta, tick, close].into_iter().flatten().filter(|due| *due > now).min()
}

/// When the receiving team has to have acknowledged.
pub fn acknowledge_by(terms: &ReturnPath, path: &ReturnPathState) -> Option<Timestamp> {
    after(path.began, terms.acknowledge_within_hours)
}

/// The next echo by the clock; none while no cadence is agreed, and none after the resolution.
fn next_tick(terms: &ReturnPath, package: &Package, path: &ReturnPathState) -> Option<Timestamp> {
    if path.resolved.is_some() {
        return None;
    }
    let cadence = terms.cadence.value(package)?.words()?;
    let hours = terms.every_hours.get(cadence.trim()).copied()?;
    after(path.echoed.unwrap_or(path.began), hours.clamp(1, LONGEST))
}

/// When the sender has to have told the customer; `None` = the cause is not gone yet.
pub fn close_by(terms: &ReturnPath, package: &Package, path: &ReturnPathState) -> Option<Timestamp> {
    let agreed = terms.close_within_hours.value(package).and_then(Value::number);
    let hours = agreed.and_then(|hours| hours.to_u32()).unwrap_or(CLOSE);
    after(path.resolved?, hours.clamp(1, LONGEST))
}

fn after(from: Timestamp, hours: u32) -> Option<Timestamp> {
    from.checked_add(SignedDuration::from_hours(i64::from(hours))).ok()
}

/// The first instant after a date, in UTC.
pub(crate) fn end_of(date: Date) -> Option<Timestamp> {
    let next = date.tomorrow().ok()?;
    Some(next.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

struct Walk<'a> {
    terms: &'a ReturnPath,
    handoff: &'a Handoff,
    seen: &'a Observation,
    beside: &'a BesideSeen,
    now: Timestamp,
    state: Beside,
    happened: Vec<Happening>,
}

impl Walk<'_> {
    fn run(&mut self) {
        if self.state.return_path.is_none() {
            let at = self.handoff.opened_at.unwrap_or(self.handoff.opened.time).min(self.now);
            self.push(Happening::ReturnPathBegan { at });
        }
        self.acknowledge();
        self.promise();
        self.resolve();
        self.echo();
        self.close();
        self.messages();
    }

    fn push(&mut self, happening: Happening) {
        self.state.apply(&happening);
        self.happened.push(happening);
    }

    fn path(&self) -> Option<&ReturnPathState> {
        self.state.return_path.as_deref()
    }

    /// Whether somebody else than the sender did it, and no machine of ours or the CRM's.
    fn is_receiving(&self, by: &crate::observation::Actor) -> bool {
        let own = self.seen.sender.as_ref().is_some_and(|sender| sender.person == by.person);
        !own && !by.machine
    }

    /// When the receiving team took it: by its acceptance, or by naming owner and date itself.
    fn acknowledged_at(&self) -> Option<Timestamp> {
        let accepted = self.handoff.accepted.as_ref().map(|acceptance| acceptance.at);
        let edit = self.seen.edits.get(&self.terms.eta.field());
        let named = self.terms.eta.value(&self.seen.package).is_some();
        let edited = edit
            .filter(|edit| named && edit.by.as_ref().is_some_and(|by| self.is_receiving(by)))
            .map(|edit| edit.at);
        accepted.into_iter().chain(edited).min()
    }

    fn acknowledge(&mut self) {
        let Some(path) = self.path().filter(|path| path.acknowledged.is_none()) else { return };
        let (missed, due) = (path.ack_missed, acknowledge_by(self.terms, path));
        let at = self.acknowledged_at();
        let limit = at.unwrap_or(self.now);
        if let Some(due) =
            due.filter(|due| !missed && if at.is_some() { limit > *due } else { limit >= *due })
        {
            self.push(Happening::AckMissed { due });
        }
        if let Some(at) = at {
            self.push(Happening::Acknowledged { at });
        }
    }

    fn promise(&mut self) {
        let eta = match self.terms.eta.value(&self.seen.package) {
            Some(Value::Date(date)) => Some(*date),
            Some(_) | None => None,
        };
        if self.path().is_some_and(|path| path.eta != eta) {
            self.push(Happening::EtaGiven { eta });
        }
        let resolved = self.resolution();
        let Some(path) = self.path().filter(|path| !path.eta_passed) else { return };
        let Some((eta, end)) = path.eta.and_then(|eta| Some((eta, end_of(eta)?))) else { return };
        if resolved.unwrap_or(self.now) >= end {
            self.push(Happening::EtaPassed { eta });
        }
    }

    /// When the cause was gone, if it is now.
    fn resolution(&self) -> Option<Timestamp> {
        let status = self.beside.status.as_ref().filter(|status| status.resolved)?;
        Some(self.path().and_then(|path| path.resolved).unwrap_or(status.since.unwrap_or(self.now)))
    }

    fn resolve(&mut self) {
        let Some(path) = self.path() else { return };
        match (path.resolved, self.resolution()) {
            (None, Some(at)) => self.push(Happening::Resolved { at }),
            (Some(_), None) => self.push(Happening::ResolutionWithdrawn),
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    /// The receiving team's signs of life. A stamp of the future is none yet.
    fn signs(&self) -> Vec<Timestamp> {
        let receiving = |doing: &&Doing| self.is_receiving(&doing.by);
        let updates = self.beside.updates.iter().filter(receiving).map(|doing| doing.at);
        let status = self.beside.status.as_ref();
        let status = status.filter(|status| status.by.as_ref().is_some_and(|by| self.is_receiving(by)));
        let eta = self.seen.edits.get(&self.terms.eta.field());
        let eta = eta.filter(|edit| edit.by.as_ref().is_some_and(|by| self.is_receiving(by)));
        let accepted = self.handoff.accepted.as_ref().map(|acceptance| acceptance.at);
        let single = [status.and_then(|status| status.since), eta.map(|edit| edit.at), accepted];
        updates.chain(single.into_iter().flatten()).filter(|at| *at <= self.now).collect()
    }

    fn echo(&mut self) {
        let nowhere =
            StatusSeen { value: String::new(), entry: String::new(), since: None, by: None, resolved: false };
        let status = self.beside.status.as_ref().unwrap_or(&nowhere);
        let Some(path) = self.path() else { return };
        let changed = path.entry != status.entry || path.status != status.value;
        let tick = next_tick(self.terms, &self.seen.package, path).filter(|tick| *tick <= self.now);
        let (echoed, acknowledged) = (path.echoed.unwrap_or(path.began), path.acknowledged.is_some());
        let signs = self.signs();
        let cause = match (changed, tick) {
            (true, _) => EchoCause::Status,
            (false, Some(_)) => EchoCause::Tick,
            (false, None) => return,
        };
        let (value, entry, heard) = (status.value.clone(), status.entry.clone(), signs.iter().max().copied());
        self.push(Happening::Echoed { cause, at: self.now, status: value, entry, heard });
        // What came in after the echo was due does not make up for it.
        let silent = |tick: Timestamp| !signs.iter().any(|sign| *sign > echoed && *sign <= tick);
        if let Some(due) = tick.filter(|tick| acknowledged && silent(*tick)) {
            self.push(Happening::EchoMissed { due });
        }
    }

    fn close(&mut self) {
        let Some(path) = self.path().filter(|path| path.closed.is_none()) else { return };
        let (Some(resolved), Some(due)) = (path.resolved, close_by(self.terms, &self.seen.package, path))
        else {
            return;
        };
        let missed = path.loop_missed;
        let own = |doing: &&Doing| {
            let sender = self.seen.sender.as_ref();
            let own = sender.is_some_and(|sender| sender.person == doing.by.person);
            own && !doing.by.machine && doing.at >= resolved && doing.at <= self.now
        };
        let told = self.beside.activities.iter().filter(own).min_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        let told = told.cloned();
        let late = told.as_ref().map_or(self.now >= due, |told| told.at > due);
        if late && !missed {
            self.push(Happening::LoopMissed { due });
        }
        if let Some(Doing { id, by, at }) = told {
            self.push(Happening::LoopClosed { by, at, activity: id });
        }
    }

    fn messages(&mut self) {
        let Some(path) = self.path() else { return };
        let Some(sender) = &self.seen.sender else { return };
        let foreign = |message: &&Doing| {
            message.at >= path.began
                && message.by.person != sender.person
                && !path.foreign_known.contains_key(&message.id)
        };
        let mut found: Vec<Doing> = self.beside.messages.iter().filter(foreign).cloned().collect();
        found.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        for Doing { id, by, at } in found {
            self.push(Happening::ForeignMessage { message: id, by, at });
        }
    }
}
