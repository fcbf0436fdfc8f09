//! A recorded call as a test describes it: who spoke, what was said, what it is linked to, and when the vendor lets it be seen.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// Milliseconds that [`CallSpec::says`] gives each sentence, and the pause after it.
const SENTENCE: u32 = 4_000;
const PAUSE: u32 = 500;

/// A call to add. What is left out is filled in when it is added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallSpec {
    /// The vendor's id; a fresh one of 19 or 20 digits when absent.
    #[serde(default)]
    pub id: Option<String>,
    /// Its title.
    pub title: String,
    /// When it began.
    pub started: Timestamp,
    /// When it was to begin; [`Self::started`] when absent.
    #[serde(default)]
    pub scheduled: Option<Timestamp>,
    /// How long it lasted, in seconds.
    #[serde(default = "half_an_hour")]
    pub seconds: u32,
    /// What recorded it. For `Zoom`, `Google Meet`, `Microsoft Teams` and `WebEx` the listing filters on the scheduled time.
    #[serde(default = "zoom")]
    pub system: String,
    /// Id of the workspace; the first one when absent.
    #[serde(default)]
    pub workspace: Option<String>,
    /// E-mail address of the user it belongs to; the first party of our side when absent.
    #[serde(default)]
    pub host: Option<String>,
    /// Whether it is marked private.
    #[serde(default)]
    pub private: bool,
    /// The CRM records it is linked to.
    #[serde(default)]
    pub links: Vec<Link>,
    /// Who took part; `None` = the answers carry no `parties` at all, as for some imported calls.
    #[serde(default = "nobody")]
    pub parties: Option<Vec<Party>>,
    /// What was said; `None` = there is no transcript (yet).
    #[serde(default)]
    pub transcript: Option<Vec<Passage>>,
    /// Where trackers struck.
    #[serde(default)]
    pub trackers: Vec<Tracked>,
    /// When the call becomes visible; ten minutes after its end when absent.
    #[serde(default)]
    pub processed_at: Option<Timestamp>,
    /// When `/v2/calls/extensive` knows the call; with [`Self::processed_at`], or the lag of the workspace later, when absent.
    #[serde(default)]
    pub details_at: Option<Timestamp>,
    /// When the transcript becomes visible; with [`Self::processed_at`] when absent.
    #[serde(default)]
    pub transcript_at: Option<Timestamp>,
}

const fn half_an_hour() -> u32 {
    1_800
}

fn zoom() -> String {
    "Zoom".to_owned()
}

#[expect(clippy::unnecessary_wraps, reason = "the default of an optional field")]
const fn nobody() -> Option<Vec<Party>> {
    Some(Vec::new())
}

impl CallSpec {
    /// A Zoom call of half an hour, nobody in it and nothing said.
    pub fn new(title: &str, started: Timestamp) -> Self {
        Self {
            id: None,
            title: title.to_owned(),
            started,
            scheduled: None,
            seconds: half_an_hour(),
            system: zoom(),
            workspace: None,
            host: None,
            private: false,
            links: Vec::new(),
            parties: nobody(),
            transcript: None,
            trackers: Vec::new(),
            processed_at: None,
            details_at: None,
            transcript_at: None,
        }
    }

    /// The same call under this id.
    pub fn with_id(mut self, id: &str) -> Self {
        self.id = Some(id.to_owned());
        self
    }

    /// The same call, planned for another time than it began.
    pub fn scheduled(mut self, at: Timestamp) -> Self {
        self.scheduled = Some(at);
        self
    }

    /// The same call with another length in seconds.
    pub fn lasting(mut self, seconds: u32) -> Self {
        self.seconds = seconds;
        self
    }

    /// The same call, recorded by another system.
    pub fn on(mut self, system: &str) -> Self {
        system.clone_into(&mut self.system);
        self
    }

    /// The same call, marked private.
    pub fn private(mut self) -> Self {
        self.private = true;
        self
    }

    /// The same call with one more link to a CRM record.
    pub fn about(mut self, link: Link) -> Self {
        self.links.push(link);
        self
    }

    /// The same call with one more party.
    pub fn with(mut self, party: Party) -> Self {
        self.parties.get_or_insert_default().push(party);
        self
    }

    /// The same call, its answers without `parties`.
    pub fn without_parties(mut self) -> Self {
        self.parties = None;
        self
    }

    /// The same call with one more passage; each sentence takes four seconds and half a second of pause, right after what was said
    /// before.
    pub fn says(mut self, speaker: &str, topic: &str, sentences: &[&str]) -> Self {
        let passages = self.transcript.get_or_insert_default();
        let mut from = passages
            .last()
            .and_then(|passage| passage.sentences.last())
            .map_or(1_000, |sentence| sentence.to_ms.saturating_add(PAUSE));
        let sentences = sentences
            .iter()
            .map(|text| {
                let sentence = Sentence {
                    from_ms: from,
                    to_ms: from.saturating_add(SENTENCE),
                    text: (*text).to_owned(),
                };
                from = sentence.to_ms.saturating_add(PAUSE);
                sentence
            })
            .collect();
        passages.push(Passage {
            speaker: Some(speaker.to_owned()),
            topic: Some(topic.to_owned()),
            sentences,
        });
        self
    }

    /// The same call with one more hit of a tracker.
    pub fn tracked(mut self, tracker: &str, at_ms: u32, speaker: Option<&str>) -> Self {
        let hit = Occurrence { at_ms, speaker: speaker.map(str::to_owned) };
        match self.trackers.iter_mut().find(|known| known.name == tracker) {
            Some(known) => known.occurrences.push(hit),
            None => self.trackers.push(Tracked {
                name: tracker.to_owned(),
                smart: false,
                phrase: None,
                occurrences: vec![hit],
            }),
        }
        self
    }

    /// The same call, visible from `at` on.
    pub fn processed_at(mut self, at: Timestamp) -> Self {
        self.processed_at = Some(at);
        self
    }

    /// The same call, known to `/v2/calls/extensive` from `at` on.
    pub fn details_at(mut self, at: Timestamp) -> Self {
        self.details_at = Some(at);
        self
    }

    /// The same call, its transcript there from `at` on.
    pub fn transcript_at(mut self, at: Timestamp) -> Self {
        self.transcript_at = Some(at);
        self
    }
}

/// A CRM record that a call is linked to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// `Salesforce`, `HubSpot`, `MicrosoftDynamic` or `Generic`.
    pub system: String,
    /// `Opportunity`, `Account`; of a party also `Contact`, `Lead`, `User`.
    pub object: String,
    /// The record's id.
    pub id: String,
    /// Its fields, as an answer with extended context lists them.
    #[serde(default)]
    pub fields: Map<String, Json>,
}

impl Link {
    /// A link to a record of that object.
    pub fn new(system: &str, object: &str, id: &str) -> Self {
        Self { system: system.to_owned(), object: object.to_owned(), id: id.to_owned(), fields: Map::new() }
    }

    /// A link to a deal or opportunity; also a HubSpot deal comes as `Opportunity`.
    pub fn deal(system: &str, id: &str) -> Self {
        Self::new(system, "Opportunity", id)
    }

    /// A link to an account or company; also a HubSpot company comes as `Account`.
    pub fn account(system: &str, id: &str) -> Self {
        Self::new(system, "Account", id)
    }

    /// The same link with one more field.
    pub fn field(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }
}

/// Whose side somebody is on, as the vendor sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Affiliation {
    /// Ours.
    Internal,
    /// The customer's.
    External,
    /// Not known.
    Unknown,
}

/// Somebody in a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// The party's id; a fresh one when absent.
    #[serde(default)]
    pub id: Option<String>,
    /// E-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// Name.
    #[serde(default)]
    pub name: Option<String>,
    /// Job title.
    #[serde(default)]
    pub title: Option<String>,
    /// Id of the user; that of the user with this e-mail address when absent.
    #[serde(default)]
    pub user_id: Option<String>,
    /// How the transcript names him; a fresh one for those who speak when absent.
    #[serde(default)]
    pub speaker_id: Option<String>,
    /// He may speak, but the party carries no `speakerId`.
    #[serde(default)]
    pub unmatched: bool,
    /// Whose side he is on; users are ours and everybody else is not when absent.
    #[serde(default)]
    pub affiliation: Option<Affiliation>,
    /// The CRM record of this person.
    #[serde(default)]
    pub contact: Option<Link>,
}

impl Party {
    /// Somebody with an e-mail address and a name.
    pub fn new(email: &str, name: &str) -> Self {
        Self {
            id: None,
            email: Some(email.to_owned()),
            name: Some(name.to_owned()),
            title: None,
            user_id: None,
            speaker_id: None,
            unmatched: false,
            affiliation: None,
            contact: None,
        }
    }

    /// The same party, whom the vendor could not match with a voice.
    pub fn unmatched(mut self) -> Self {
        self.unmatched = true;
        self
    }

    /// The same party on a side of its own.
    pub fn on_side(mut self, affiliation: Affiliation) -> Self {
        self.affiliation = Some(affiliation);
        self
    }

    /// Whether `name` means this party: its e-mail address, name or speaker id.
    pub(crate) fn is(&self, name: &str) -> bool {
        let same =
            |value: &Option<String>| value.as_deref().is_some_and(|value| value.eq_ignore_ascii_case(name));
        same(&self.email) || same(&self.name) || same(&self.speaker_id)
    }
}

/// One speaker's turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passage {
    /// E-mail address, name or speaker id of a party; anything else is served as it is, `None` as null.
    #[serde(default)]
    pub speaker: Option<String>,
    /// The topic that the vendor saw; null when absent.
    #[serde(default)]
    pub topic: Option<String>,
    /// The sentences.
    pub sentences: Vec<Sentence>,
}

/// One sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sentence {
    /// Milliseconds from the start of the call.
    pub from_ms: u32,
    /// Milliseconds from the start of the call.
    pub to_ms: u32,
    /// The words.
    pub text: String,
}

/// A tracker that struck in a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tracked {
    /// Its name; the id is that of the tracker of this name.
    pub name: String,
    /// Whether it is a smart tracker rather than one of key words.
    #[serde(default)]
    pub smart: bool,
    /// The phrase that was said, of a tracker of key words; its name when absent.
    #[serde(default)]
    pub phrase: Option<String>,
    /// Where.
    pub occurrences: Vec<Occurrence>,
}

/// One place where a tracker struck.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Occurrence {
    /// Milliseconds from the start of the call; served as seconds with a fraction.
    pub at_ms: u32,
    /// E-mail address, name or speaker id of a party.
    #[serde(default)]
    pub speaker: Option<String>,
}
