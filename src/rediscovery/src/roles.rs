//! Who is who in a call, and whether it can be scored at all.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::call::{Call, Party, Side};
use crate::text::plain;

/// Greatest share of words, in percent, of voices whose side nobody knows.
const UNRESOLVED: usize = 20;

/// Why a call is not scored; such a call is shown beside the number, never inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotScored {
    /// The vendor marks it private.
    Private,
    /// It is in another language than English.
    Language,
    /// There is no transcript.
    NoTranscript,
    /// Too much was said by voices whose side is unknown.
    SpeakersUnresolved,
    /// Nobody of the customer spoke.
    NoCustomer,
    /// Nobody of the receiving side spoke.
    NoReceiver,
    /// Nothing was accepted before the call began, or nobody says when.
    NotAccepted,
    /// Nobody says when the call began.
    NoTime,
}

/// What a voice is to the handoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// On our side and not of those who handed over; whether the line names it as of the receiving team.
    Asker {
        named: bool,
    },
    Sender,
    Customer,
    Unknown,
}

/// Voices with their roles.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roles {
    of: BTreeMap<String, Role>,
    /// First names of our side that nobody of the customer carries.
    pub colleagues: BTreeSet<String>,
    /// Names of the customer's people who are in the call.
    pub customers: BTreeSet<String>,
}

impl Roles {
    pub(crate) fn of(call: &Call) -> Self {
        let mut roles = Self::default();
        let mut ours = BTreeSet::new();
        for party in &call.parties {
            let side = side(party, call);
            let names = party.name.iter().flat_map(|name| name.split_whitespace()).map(plain);
            match side {
                Some(Side::Internal) => ours.extend(names.take(1)),
                Some(Side::External) => roles.customers.extend(names),
                None => {}
            }
            let Some(speaker) = &party.speaker else { continue };
            let role = match side {
                Some(Side::External) => Role::Customer,
                Some(Side::Internal) if is_one_of(party, &call.senders) => Role::Sender,
                Some(Side::Internal) => Role::Asker { named: is_one_of(party, &call.receivers) },
                None => Role::Unknown,
            };
            // a voice that is said to be two things is neither
            let held = *roles.of.entry(speaker.clone()).or_insert(role);
            if held != role {
                roles.of.insert(speaker.clone(), Role::Unknown);
            }
        }
        roles.colleagues = ours.difference(&roles.customers).cloned().collect();
        roles
    }

    pub(crate) fn role(&self, speaker: Option<&str>) -> Role {
        speaker.and_then(|speaker| self.of.get(speaker)).copied().unwrap_or(Role::Unknown)
    }

    /// Why the call is not scored, if it is not.
    pub(crate) fn refuse(&self, call: &Call) -> Option<NotScored> {
        if call.private {
            return Some(NotScored::Private);
        }
        let Some(started) = call.started else { return Some(NotScored::NoTime) };
        let known = |contract: &String| call.accepted.get(contract).or_else(|| call.accepted.get(""));
        if !call.package.keys().any(|contract| known(contract).is_some_and(|at| *at < started)) {
            return Some(NotScored::NotAccepted);
        }
        if call.language.as_deref().is_some_and(|language| !is_english(language)) {
            return Some(NotScored::Language);
        }
        let Some(sentences) = call.sentences.as_ref().filter(|sentences| !sentences.is_empty()) else {
            return Some(NotScored::NoTranscript);
        };
        let (mut all, mut unknown, mut customer, mut asker) = (0, 0, false, false);
        let mut english = (0, 0);
        for sentence in sentences {
            let words = sentence.text.split_whitespace().count();
            all += words;
            for word in sentence.text.split_whitespace() {
                english.1 += 1;
                english.0 += usize::from(ENGLISH.contains(&plain(word).as_str()));
            }
            match self.role(sentence.speaker.as_deref()) {
                Role::Unknown => unknown += words,
                Role::Customer => customer = true,
                Role::Asker { .. } => asker = true,
                Role::Sender => {}
            }
        }
        if unknown * 100 > all * UNRESOLVED {
            return Some(NotScored::SpeakersUnresolved);
        }
        if english.1 >= 60 && english.0 * 100 < english.1 * 12 {
            return Some(NotScored::Language);
        }
        if !customer {
            return Some(NotScored::NoCustomer);
        }
        (!asker).then_some(NotScored::NoReceiver)
    }
}

/// "und" and "zxx" say that the vendor does not know.
fn is_english(language: &str) -> bool {
    let code = language.split(['-', '_']).next().unwrap_or_default();
    matches!(code, "eng" | "en" | "english" | "und" | "zxx" | "")
}

/// Everyday words: a transcript in English is full of them.
const ENGLISH: [&str; 24] = [
    "the", "and", "to", "a", "of", "that", "you", "we", "it", "is", "in", "i", "for", "so", "on", "what",
    "have", "with", "are", "this", "but", "your", "be", "do",
];

/// The vendor's word; where it has none, the e-mail domain.
fn side(party: &Party, call: &Call) -> Option<Side> {
    if party.side.is_some() {
        return party.side;
    }
    let domain = party.email.as_deref()?.rsplit_once('@')?.1;
    if call.domains.iter().any(|ours| ours == domain) {
        return Some(Side::Internal);
    }
    let shared =
        |side| call.parties.iter().any(|other| other.side == Some(side) && has_domain(other, domain));
    match (shared(Side::Internal), shared(Side::External)) {
        (true, false) => Some(Side::Internal),
        (false, true) => Some(Side::External),
        _ if call.domains.is_empty() => None,
        _ => Some(Side::External),
    }
}

fn has_domain(party: &Party, domain: &str) -> bool {
    party.email.as_deref().and_then(|email| email.rsplit_once('@')).is_some_and(|(_, other)| other == domain)
}

fn is_one_of(party: &Party, names: &[String]) -> bool {
    let own = party.email.iter().cloned().chain(party.ids.iter().cloned());
    let own = own.chain(party.speaker.iter().chain(party.name.iter()).map(|name| name.to_lowercase()));
    own.into_iter().any(|own| names.contains(&own))
}
