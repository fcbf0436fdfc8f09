//! A call as the answers show it: basic data, context, parties, content, interaction.

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use crate::{
    Affiliation, Link, Party, Tracked,
    people::User,
    state::{Recorded, State},
};

/// Which parts of a call are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) context: Context,
    /// Timings of extended context.
    pub(crate) timings: Vec<String>,
    pub(crate) exposed: Exposed,
}

/// How much of the CRM's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub(crate) enum Context {
    /// None.
    #[default]
    None,
    /// Kinds and ids.
    Basic,
    /// Also fields.
    Extended,
}

/// `contentSelector.exposedFields`; what is absent is not wanted.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Exposed {
    pub(crate) parties: bool,
    pub(crate) content: Content,
    pub(crate) interaction: Interaction,
    pub(crate) collaboration: Collaboration,
    pub(crate) media: bool,
    #[serde(flatten)]
    pub(crate) other: Map<String, Json>,
}

/// `exposedFields.content`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Content {
    structure: bool,
    pub(crate) topics: bool,
    pub(crate) trackers: bool,
    pub(crate) tracker_occurrences: bool,
    /// Withdrawn in January 2025: accepted, never answered.
    points_of_interest: bool,
    brief: bool,
    outline: bool,
    highlights: bool,
    call_outcome: bool,
    key_points: bool,
    #[serde(flatten)]
    pub(crate) other: Map<String, Json>,
}

/// `exposedFields.interaction`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Interaction {
    speakers: bool,
    video: bool,
    person_interaction_stats: bool,
    questions: bool,
    #[serde(flatten)]
    pub(crate) other: Map<String, Json>,
}

/// `exposedFields.collaboration`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Collaboration {
    public_comments: bool,
    #[serde(flatten)]
    pub(crate) other: Map<String, Json>,
}

impl Wanted {
    /// What a webhook carries: all of it but recordings.
    pub(crate) fn everything() -> Self {
        let content = Content {
            structure: true,
            topics: true,
            trackers: true,
            tracker_occurrences: true,
            points_of_interest: false,
            brief: true,
            outline: true,
            highlights: true,
            call_outcome: true,
            key_points: true,
            other: Map::new(),
        };
        let interaction = Interaction {
            speakers: true,
            video: true,
            person_interaction_stats: true,
            questions: true,
            other: Map::new(),
        };
        let collaboration = Collaboration { public_comments: true, other: Map::new() };
        Self {
            context: Context::Extended,
            timings: vec!["Now".to_owned()],
            exposed: Exposed {
                parties: true,
                content,
                interaction,
                collaboration,
                media: false,
                other: Map::new(),
            },
        }
    }
}

/// The basic data of a call.
pub(crate) fn basic(state: &State, call: &Recorded) -> Json {
    let spec = &call.spec;
    let ours = |party: &Party| side(party) == Affiliation::Internal;
    let scope = match &spec.parties {
        None => "Unknown",
        Some(parties) if parties.iter().all(ours) => "Internal",
        Some(_) => "External",
    };
    json!({
        "id": call.id, "url": format!("https://app.gong.io/call?id={}", call.id), "title": spec.title,
        "scheduled": state.time(spec.scheduled.unwrap_or(spec.started)), "started": state.time(spec.started),
        "duration": spec.seconds, "primaryUserId": call.primary_user, "direction": "Conference",
        "system": spec.system, "scope": scope, "media": "Video", "language": "eng", "workspaceId": call.workspace,
        "sdrDisposition": null, "clientUniqueId": null, "customData": null, "purpose": null,
        "meetingUrl": null, "isPrivate": spec.private, "calendarEventId": null,
    })
}

/// A call with the parts that are wanted.
pub(crate) fn extensive(state: &State, call: &Recorded, wanted: &Wanted) -> Json {
    let mut out = Map::new();
    out.insert("metaData".to_owned(), basic(state, call));
    if wanted.context != Context::None {
        out.insert("context".to_owned(), context(&call.spec.links, wanted));
    }
    let exposed = &wanted.exposed;
    if exposed.parties
        && let Some(parties) = &call.spec.parties
    {
        out.insert("parties".to_owned(), parties.iter().map(|one| party(state, one, wanted)).collect());
    }
    let content = content(state, call, &exposed.content);
    if !content.is_empty() {
        out.insert("content".to_owned(), Json::Object(content));
    }
    let interaction = interaction(call, &exposed.interaction);
    if !interaction.is_empty() {
        out.insert("interaction".to_owned(), Json::Object(interaction));
    }
    if exposed.collaboration.public_comments {
        out.insert("collaboration".to_owned(), json!({"publicComments": []}));
    }
    if exposed.media {
        let url = |kind: &str| format!("{}/recordings/{}/{kind}", state.base_url, call.id);
        out.insert("media".to_owned(), json!({"audioUrl": url("audio"), "videoUrl": url("video")}));
    }
    Json::Object(out)
}

/// Links by CRM, as the vendor groups them.
fn context(links: &[Link], wanted: &Wanted) -> Json {
    let mut systems: Vec<(&str, Vec<Json>)> = Vec::new();
    for link in links {
        let known = systems.iter().position(|(system, _)| *system == link.system);
        let place = known.unwrap_or(systems.len());
        if known.is_none() {
            systems.push((&link.system, Vec::new()));
        }
        if let Some((_, objects)) = systems.get_mut(place) {
            objects.extend(linked(link, wanted));
        }
    }
    systems.into_iter().map(|(system, objects)| json!({"system": system, "objects": objects})).collect()
}

/// A linked record, once per timing where its fields are wanted.
fn linked(link: &Link, wanted: &Wanted) -> Vec<Json> {
    let (kind, id) = (&link.object, &link.id);
    if wanted.context == Context::Basic {
        return vec![json!({"objectType": kind, "objectId": id})];
    }
    let field = |(name, value): (&String, &Json)| json!({"name": name, "value": value});
    let fields: Vec<Json> = link.fields.iter().map(field).collect();
    let timings = wanted.timings.iter();
    timings
        .map(|timing| json!({"objectType": kind, "objectId": id, "fields": fields, "timing": timing}))
        .collect()
}

/// Users are ours; of the others the spec decides.
pub(crate) fn side(party: &Party) -> Affiliation {
    party.affiliation.unwrap_or(if party.user_id.is_some() {
        Affiliation::Internal
    } else {
        Affiliation::External
    })
}

fn party(state: &State, party: &Party, wanted: &Wanted) -> Json {
    let user: Option<&User> = party.user_id.as_deref().and_then(|id| state.user(id));
    let known = user.map(|user| format!("{} {}", user.first_name, user.last_name));
    let contact: Vec<Link> = party.contact.iter().cloned().collect();
    let mut out = json!({
        "id": party.id, "emailAddress": party.email, "name": party.name.clone().or(known),
        "title": party.title.clone().or_else(|| user.and_then(|user| user.title.clone())),
        "context": context(&contact, wanted), "affiliation": side(party), "phoneNumber": null,
        "methods": ["Invitee", "Attendee"],
    });
    if let Some(out) = out.as_object_mut() {
        if let Some(id) = &party.user_id {
            out.insert("userId".to_owned(), json!(id));
        }
        if let (Some(id), false) = (&party.speaker_id, party.unmatched) {
            out.insert("speakerId".to_owned(), json!(id));
        }
    }
    out
}

/// Trackers carry places only since then.
const PLACES_SINCE: i64 = 1_672_531_200;

fn content(state: &State, call: &Recorded, wanted: &Content) -> Map<String, Json> {
    let mut out = Map::new();
    let mut put = |name: &str, value: Json| out.insert(name.to_owned(), value);
    if wanted.structure {
        put("structure", json!([]));
    }
    if wanted.topics {
        put("topics", topics(call));
    }
    if wanted.trackers {
        let places = wanted.tracker_occurrences && call.spec.started.as_second() >= PLACES_SINCE;
        put("trackers", call.spec.trackers.iter().map(|hit| tracker(state, call, hit, places)).collect());
    }
    if wanted.brief {
        put("brief", Json::Null);
    }
    for (name, wanted) in
        [("outline", wanted.outline), ("highlights", wanted.highlights), ("keyPoints", wanted.key_points)]
    {
        if wanted {
            put(name, json!([]));
        }
    }
    if wanted.call_outcome {
        put("callOutcome", Json::Null);
    }
    out
}

fn tracker(state: &State, call: &Recorded, hit: &Tracked, places: bool) -> Json {
    let id = state.trackers.iter().find(|tracker| tracker.name == hit.name).map(|tracker| &tracker.id);
    let occurrences: Vec<Json> = hit
        .occurrences
        .iter()
        .map(|place| {
            json!({"startTime": f64::from(place.at_ms) / 1_000.0, "speakerId": call.speaker(place.speaker.as_deref())})
        })
        .collect();
    let count = occurrences.len();
    let occurrences = if places { occurrences } else { Vec::new() };
    let phrases = if hit.smart {
        json!([])
    } else {
        let phrase = hit.phrase.as_deref().unwrap_or(&hit.name);
        json!([{"phrase": phrase, "count": count, "occurrences": occurrences}])
    };
    json!({
        "id": id, "name": hit.name, "count": count, "type": if hit.smart { "SMART" } else { "KEYWORD" },
        "occurrences": occurrences, "phrases": phrases,
    })
}

fn topics(call: &Recorded) -> Json {
    let mut topics: Vec<(&str, u32)> = Vec::new();
    for passage in call.spec.transcript.iter().flatten() {
        let Some(name) = passage.topic.as_deref() else { continue };
        let seconds: u32 =
            passage.sentences.iter().map(|one| one.to_ms.saturating_sub(one.from_ms) / 1_000).sum();
        match topics.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += seconds,
            None => topics.push((name, seconds)),
        }
    }
    topics.into_iter().map(|(name, duration)| json!({"name": name, "duration": duration})).collect()
}

fn interaction(call: &Recorded, wanted: &Interaction) -> Map<String, Json> {
    let mut out = Map::new();
    let mut put = |name: &str, value: Json| out.insert(name.to_owned(), value);
    if wanted.speakers {
        put("speakers", speakers(call));
    }
    if wanted.person_interaction_stats {
        put("interactionStats", json!([]));
    }
    if wanted.video {
        put("video", json!([]));
    }
    if wanted.questions {
        put("questions", questions(call));
    }
    out
}

fn speakers(call: &Recorded) -> Json {
    let talked = |party: &Party| -> u32 {
        let passages = call.spec.transcript.iter().flatten();
        let own = passages.filter(|passage| passage.speaker.as_deref().is_some_and(|name| party.is(name)));
        own.flat_map(|passage| &passage.sentences).map(|one| one.to_ms.saturating_sub(one.from_ms)).sum()
    };
    let parties = call.spec.parties.iter().flatten();
    parties
        .filter(|party| party.speaker_id.is_some() && !party.unmatched)
        .map(|party| {
            json!({"id": party.speaker_id, "userId": party.user_id, "talkTime": f64::from(talked(party)) / 1_000.0})
        })
        .collect()
}

fn questions(call: &Recorded) -> Json {
    let (mut ours, mut theirs) = (0_u32, 0_u32);
    for passage in call.spec.transcript.iter().flatten() {
        let asked = passage.sentences.iter().filter(|one| one.text.trim_end().ends_with('?')).count();
        let asked = u32::try_from(asked).unwrap_or(u32::MAX);
        let name = passage.speaker.as_deref().unwrap_or_default();
        let party = call.spec.parties.iter().flatten().find(|party| party.is(name));
        match party.map(side) {
            Some(Affiliation::Internal) => ours += asked,
            Some(Affiliation::External) => theirs += asked,
            Some(Affiliation::Unknown) | None => {}
        }
    }
    json!({"companyCount": ours, "nonCompanyCount": theirs})
}

/// What was said, without title, date or parties: those are in the extensive data.
pub(crate) fn transcript(call: &Recorded) -> Json {
    let passages: Vec<Json> = call
        .spec
        .transcript
        .iter()
        .flatten()
        .map(|passage| {
            let sentences: Vec<Json> = passage
                .sentences
                .iter()
                .map(|one| json!({"start": one.from_ms, "end": one.to_ms, "text": one.text}))
                .collect();
            json!({
                "speakerId": call.speaker(passage.speaker.as_deref()), "topic": passage.topic,
                "sentences": sentences,
            })
        })
        .collect();
    json!({"callId": call.id, "transcript": passages})
}
