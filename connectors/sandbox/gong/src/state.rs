//! What the company holds, and how a described call becomes a recorded one.

use std::collections::BTreeMap;

use handoff_sandbox_host::{Clock, Faults};
use jiff::{SignedDuration, Timestamp, tz::Offset};

use crate::{
    CallSpec, Error, Party,
    access::Access,
    fault::Action,
    ids::{self, Kind},
    limits::Limits,
    outbound::Outbound,
    people::{User, WorkspaceInfo},
    settings::{Association, Tracker},
    tripwire::Tripwires,
    workspace::{Attempt, JournalEntry},
};

/// After its end a call is processed in this many seconds, when nothing else is said.
const PROCESSING: i64 = 600;

/// A call as the company holds it: described in full, with its moments.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) spec: CallSpec,
    pub(crate) id: String,
    pub(crate) workspace: String,
    pub(crate) primary_user: Option<String>,
    pub(crate) processed_at: Timestamp,
    pub(crate) details_at: Timestamp,
    pub(crate) transcript_at: Timestamp,
    /// The rules were asked about it.
    pub(crate) told: bool,
}

impl Recorded {
    pub(crate) fn is_listed(&self, now: Timestamp) -> bool {
        self.processed_at <= now
    }

    pub(crate) fn has_details(&self, now: Timestamp) -> bool {
        self.details_at <= now
    }

    pub(crate) fn has_transcript(&self, now: Timestamp) -> bool {
        self.transcript_at <= now && self.spec.transcript.is_some()
    }

    /// What `/v2/calls` filters on.
    pub(crate) fn listed_under(&self) -> Timestamp {
        let system = self.spec.system.to_ascii_lowercase();
        let conference = ["zoom", "meet", "teams", "webex"].iter().any(|known| system.contains(known));
        if conference { self.spec.scheduled.unwrap_or(self.spec.started) } else { self.spec.started }
    }

    /// How the transcript names somebody: the speaker id of the party meant, else the text itself.
    pub(crate) fn speaker(&self, name: Option<&str>) -> Option<String> {
        let name = name?;
        let party = self.spec.parties.iter().flatten().find(|party| party.is(name));
        Some(party.and_then(|party| party.speaker_id.clone()).unwrap_or_else(|| name.to_owned()))
    }
}

/// Small ways in which a company's answers may differ.
#[derive(Debug, Clone)]
pub(crate) struct Manners {
    /// Seconds a cursor lives from the first page on.
    pub(crate) cursor_life: i64,
    /// Seconds after which `/v2/calls/extensive` knows a call that is listed.
    pub(crate) details_lag: i64,
    /// Offset that times are written in.
    pub(crate) offset: Offset,
    /// Fields unknown to every client are in every object.
    pub(crate) unknown_fields: bool,
}

impl Default for Manners {
    fn default() -> Self {
        Self { cursor_life: 3_600, details_lag: 0, offset: Offset::UTC, unknown_fields: false }
    }
}

/// Everything there is.
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) base_url: String,
    pub(crate) manners: Manners,
    pub(crate) calls: BTreeMap<String, Recorded>,
    pub(crate) users: Vec<User>,
    pub(crate) workspaces: Vec<WorkspaceInfo>,
    pub(crate) trackers: Vec<Tracker>,
    pub(crate) associations: Vec<Association>,
    pub(crate) access: Access,
    pub(crate) limits: Limits,
    pub(crate) wires: Tripwires,
    pub(crate) outbound: Outbound,
    pub(crate) faults: Faults<Action>,
    pub(crate) counts: BTreeMap<String, u64>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) journal: Vec<JournalEntry>,
    made: u64,
}

impl State {
    pub(crate) fn new(clock: Clock, limits: Limits, access: Access) -> Self {
        Self {
            clock,
            base_url: String::new(),
            manners: Manners::default(),
            calls: BTreeMap::new(),
            users: Vec::new(),
            workspaces: Vec::new(),
            trackers: Vec::new(),
            associations: Vec::new(),
            access,
            limits,
            wires: Tripwires::default(),
            outbound: Outbound::default(),
            faults: Faults::default(),
            counts: BTreeMap::new(),
            attempts: Vec::new(),
            journal: Vec::new(),
            made: 0,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn second(&self) -> i64 {
        self.now().as_second()
    }

    pub(crate) fn next_id(&mut self, kind: Kind) -> String {
        self.made += 1;
        ids::numbered(kind, self.made)
    }

    pub(crate) fn count(&mut self, kind: &str) {
        *self.counts.entry(kind.to_owned()).or_insert(0) += 1;
    }

    /// A time as the company's answers write it.
    pub(crate) fn time(&self, at: Timestamp) -> String {
        if self.manners.offset == Offset::UTC {
            return at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        }
        at.to_zoned(self.manners.offset.to_time_zone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    /// The user with that e-mail address, alias or id.
    pub(crate) fn user(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.is(name))
    }

    pub(crate) fn call(&mut self, id: &str) -> Result<&mut Recorded, Error> {
        self.calls.get_mut(id).ok_or_else(|| Error::unknown("call", id))
    }

    /// Calls in the order of their start, then id.
    pub(crate) fn calls_in_order(&self) -> Vec<&Recorded> {
        let mut calls: Vec<&Recorded> = self.calls.values().collect();
        calls.sort_by(|a, b| (a.spec.started, &a.id).cmp(&(b.spec.started, &b.id)));
        calls
    }

    /// Adds a call, or replaces the one with this id; its id.
    pub(crate) fn add_call(&mut self, mut spec: CallSpec) -> Result<String, Error> {
        if spec.seconds > 24 * 3_600 {
            return Err(Error::bad("seconds: a call lasts a day at most"));
        }
        let id = match spec.id.clone() {
            Some(id) if id.is_empty() || id.len() > 100 => {
                return Err(Error::bad("id: 1 to 100 characters"));
            }
            Some(id) => id,
            None => self.next_id(Kind::Call),
        };
        spec.id = Some(id.clone());
        self.complete_parties(&mut spec);
        let workspace = match &spec.workspace {
            Some(wanted) if self.workspaces.iter().any(|known| known.id == *wanted) => wanted.clone(),
            Some(wanted) => return Err(Error::unknown("workspace", wanted)),
            None => self.workspaces.first().map(|first| first.id.clone()).unwrap_or_default(),
        };
        let primary_user = match &spec.host {
            Some(host) => Some(self.user(host).ok_or_else(|| Error::unknown("user", host))?.id.clone()),
            None => spec.parties.iter().flatten().find_map(|party| party.user_id.clone()),
        };
        let later = |from: Timestamp, seconds: i64| {
            from.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
        };
        let ended = later(spec.started, i64::from(spec.seconds));
        let processed_at = spec.processed_at.unwrap_or_else(|| later(ended, PROCESSING));
        let recorded = Recorded {
            processed_at,
            details_at: spec.details_at.unwrap_or_else(|| later(processed_at, self.manners.details_lag)),
            transcript_at: spec.transcript_at.unwrap_or(processed_at),
            primary_user,
            workspace,
            id: id.clone(),
            told: false,
            spec,
        };
        self.calls.insert(id.clone(), recorded);
        self.note("added", &id);
        Ok(id)
    }

    /// Adds a user, or replaces the one with his id or address; the id.
    pub(crate) fn add_user(&mut self, mut user: User) -> String {
        if user.id.is_empty() {
            let known = self.user(&user.email).map(|known| known.id.clone());
            user.id = known.unwrap_or_else(|| self.next_id(Kind::User));
        }
        user.created = user.created.or(Some(self.now()));
        let id = user.id.clone();
        self.users.retain(|known| known.id != id);
        self.users.push(user);
        id
    }

    /// Adds a tracker; its id.
    pub(crate) fn add_tracker(&mut self, mut tracker: Tracker) -> String {
        if tracker.id.is_empty() {
            tracker.id = self.next_id(Kind::Tracker);
        }
        let id = tracker.id.clone();
        self.trackers.push(tracker);
        id
    }

    /// Remembers a change of the company's data.
    pub(crate) fn note(&mut self, change: &'static str, call: &str) {
        let seq = u64::try_from(self.journal.len()).unwrap_or(u64::MAX).saturating_add(1);
        let entry = JournalEntry { seq, at: self.now(), change: change.to_owned(), call: call.to_owned() };
        self.journal.push(entry);
    }

    /// Gives parties ids, sides and users, and a speaker id to those who speak.
    pub(crate) fn complete_parties(&mut self, spec: &mut CallSpec) {
        let passages = spec.transcript.clone().unwrap_or_default();
        for party in spec.parties.iter_mut().flatten() {
            if party.id.is_none() {
                party.id = Some(self.next_id(Kind::Party));
            }
            if party.user_id.is_none() {
                party.user_id =
                    party.email.as_deref().and_then(|email| self.user(email)).map(|user| user.id.clone());
            }
            let speaks = |party: &Party| {
                passages.iter().any(|passage| passage.speaker.as_deref().is_some_and(|name| party.is(name)))
            };
            if party.speaker_id.is_none() && speaks(party) {
                party.speaker_id = Some(self.next_id(Kind::Speaker));
            }
        }
    }
}
