//! What people owe a handoff now: a pure function of contract, state and time, with ids that stay the same from look to look.
//!
//! A kind is a topic of its own: a file with a function from [`Case`] to [`Duty`]s, and a line in [`TOPICS`]. Nothing of a package is ever
//! repeated here, only the names of its fields: what is written into somebody's list of tasks is read by more people than the record is.

mod answer;
mod beside;
mod clock;
mod fill;
mod mend;
mod post;
mod returns;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::contract::Contract;
use crate::digest::Digest;
use crate::gate::{Verdict, evaluate};
use crate::handoff::{Handoff, Phase};
use crate::id::RecordRef;
use crate::observation::Actor;
use crate::words::shorten;

pub use post::{ADMIN, Holders, Owner, Posts, roles};

/// Most characters of a title: the subject of a Salesforce task holds no more.
pub const TITLE: usize = 255;
/// Most characters of a text.
pub const TEXT: usize = 4_000;
/// Most duties of one topic for one handoff; more than that nobody reads.
const MOST: usize = 100;

/// What somebody owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObligationKind {
    /// The sender fills what is missing, or hands over what is filled.
    Fill,
    /// The receiver accepts or rejects.
    Answer,
    /// The sender mends exactly what was sent back.
    Mend,
    /// Somebody who can answer has to be named.
    Name,
    /// The receiver is reminded to answer.
    Reminder,
    /// Somebody above hears of what was missed.
    Escalation,
    /// The receiver confirms what was edited after he accepted.
    Confirm,
    /// The sender fills what was accepted as still missing.
    Exception,
    /// The sender finds out what he said he cannot know yet.
    Unknown,
    /// The receiving team acknowledges an escalation.
    Ack,
    /// The receiving team gives a new date.
    Eta,
    /// The receiving team says how the escalation stands.
    Echo,
    /// The sender tells the customer himself.
    CloseLoop,
    /// Exactly one primary owner has to be named.
    PrimaryOwner,
    /// The relationship comes back.
    Reunify,
    /// The other motion's health fell below its line.
    Health,
    /// The papers go the way that was agreed.
    Paperwork,
    /// The lead hears of us for the first time.
    FirstTouch,
    /// What a signal means in this motion.
    Signal,
    /// An admin has to look.
    Review,
    /// A person says whether the customer was asked again.
    Reask,
    /// Somebody is asked, without looking, what was handed over.
    Test,
}

impl ObligationKind {
    /// Its name in ids, metrics and the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fill => "fill",
            Self::Answer => "answer",
            Self::Mend => "mend",
            Self::Name => "name",
            Self::Reminder => "reminder",
            Self::Escalation => "escalation",
            Self::Confirm => "confirm",
            Self::Exception => "exception",
            Self::Unknown => "unknown",
            Self::Ack => "ack",
            Self::Eta => "eta",
            Self::Echo => "echo",
            Self::CloseLoop => "close-loop",
            Self::PrimaryOwner => "primary-owner",
            Self::Reunify => "reunify",
            Self::Health => "health",
            Self::Paperwork => "paperwork",
            Self::FirstTouch => "first-touch",
            Self::Signal => "signal",
            Self::Review => "review",
            Self::Reask => "reask",
            Self::Test => "test",
        }
    }
}

/// One thing that one person owes one handoff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obligation {
    /// Derived from the handoff's stream, its cycle, the kind and the key: 64 characters at most, letters, digits and hyphens. The same
    /// obligation has the same id at every look and after every restart.
    pub id: String,
    /// What is owed.
    pub kind: ObligationKind,
    /// Who owes it; nobody who can act where its role is held by nobody.
    pub owner: Actor,
    /// The role that owes it, where it is a role and no person of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Until when; `None` = no clock runs.
    pub due: Option<Timestamp>,
    /// One line, at most [`TITLE`] characters.
    pub title: String,
    /// Plain words, at most [`TEXT`] characters; no values of the package.
    pub text: String,
    /// The record that it is about.
    pub about: RecordRef,
    /// It does not hang on the record: whoever reads that must not come upon it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub apart: bool,
}

/// What a topic says: an [`Obligation`] before it has its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// What is owed.
    pub kind: ObligationKind,
    /// Tells several of one kind in one cycle apart, e.g. the round. Whatever makes it another task goes in here; what may change while
    /// it stays the same task (words, due date, owner) does not.
    pub key: String,
    /// Who owes it.
    pub owner: Owner,
    /// Until when.
    pub due: Option<Timestamp>,
    /// One line.
    pub title: String,
    /// Plain words.
    pub text: String,
}

/// What a topic looks at.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The pinned contract.
    pub contract: &'a Contract,
    /// The state.
    pub handoff: &'a Handoff,
    /// What holds now.
    pub verdict: &'a Verdict,
    /// Who holds which role, and what signals mean.
    pub posts: Posts<'a>,
    /// The time.
    pub now: Timestamp,
}

/// A topic: what it says people owe.
pub type Topic = fn(&Case<'_>) -> Vec<Duty>;

/// All topics. A new kind is a variant of [`ObligationKind`], a file with a function, and a line here.
pub const TOPICS: &[Topic] =
    &[fill::fill, mend::mend, answer::answer, clock::clock, returns::returns, beside::beside];

/// What people owe this handoff now, in id order; none when it is off, when another contract than the pinned one is given, or when its stage is not
/// known: then an admin has to act, not a rep.
pub fn obligations(
    contract: &Contract,
    handoff: &Handoff,
    posts: Posts<'_>,
    now: Timestamp,
) -> Vec<Obligation> {
    let pinned = handoff.contract.id == contract.contract && handoff.contract.version == contract.version;
    if handoff.phase == Phase::Voided || handoff.stage.is_none() || !pinned {
        return Vec::new();
    }
    let verdict = evaluate(contract, handoff, now);
    let case = Case { contract, handoff, verdict: &verdict, posts, now };
    let duties = TOPICS.iter().flat_map(|topic| topic(&case).into_iter().take(MOST));
    let mut owed: Vec<Obligation> = duties.map(|duty| obligation(&case, duty)).collect();
    owed.sort_by(|left, right| left.id.cmp(&right.id));
    owed.dedup_by(|left, right| left.id == right.id);
    owed
}

/// A duty that follows from something else than contract and state, with its id and owner.
pub(crate) fn one(
    contract: &Contract,
    handoff: &Handoff,
    posts: Posts<'_>,
    now: Timestamp,
    duty: Duty,
) -> Obligation {
    let verdict = evaluate(contract, handoff, now);
    obligation(&Case { contract, handoff, verdict: &verdict, posts, now }, duty)
}

fn obligation(case: &Case<'_>, duty: Duty) -> Obligation {
    let handoff = case.handoff;
    let (owner, role) = duty.owner.resolve(case, duty.kind);
    Obligation {
        id: id(&handoff.id.stream(), handoff.id.cycle, duty.kind, &duty.key),
        kind: duty.kind,
        owner,
        role,
        due: duty.due,
        title: shorten(&one_line(&duty.title), TITLE),
        text: shorten(&duty.text, TEXT),
        about: handoff.id.subject.clone(),
        apart: false,
    }
}

/// The id of an obligation.
pub fn id(stream: &str, cycle: u32, kind: ObligationKind, key: &str) -> String {
    let digest = Digest::of(&(stream, cycle, kind, key));
    format!("{}-{}", kind.as_str(), digest.0.get(..40).unwrap_or_default())
}

/// A title is one line: words of a contract could break it.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
