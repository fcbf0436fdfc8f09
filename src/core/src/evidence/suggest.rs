//! From a call and what was said in it to places that a person may want to listen to.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::phrase::{Phrase, same_name, words};
use super::{Call, EvidenceMapping, Passage, Rule, SaidBy, Sentence, Transcript};
use crate::id::FieldKey;

/// A place around a tracker's strike that no sentence covers, in milliseconds.
const AROUND: u64 = 10_000;

/// Why a place was suggested; names the kind of rule, never words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// A phrase of the mapping was said.
    Phrase,
    /// A tracker of the vendor struck.
    Tracker,
    /// The vendor saw the topic.
    Topic,
}

/// A place in a call that may speak of a field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Spot {
    /// The contract's field.
    pub field: FieldKey,
    /// Milliseconds from the start of the call.
    pub from_ms: u64,
    /// Milliseconds from the start of the call.
    pub to_ms: u64,
    /// Why.
    pub grounds: BTreeSet<Ground>,
}

/// A spot with its call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Suggestion {
    /// The call's id.
    pub call: String,
    /// Where.
    pub spot: Spot,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Hit {
    from_ms: u64,
    to_ms: u64,
    ground: Ground,
}

/// The places of a call that may speak of a contract's fields, by field and time. Nothing for a private call, or for the transcript of
/// another call. Deterministic, whatever the order of parties, trackers and turns; holds no words.
pub fn suggest(mapping: &EvidenceMapping, call: &Call, transcript: &Transcript) -> Vec<Suggestion> {
    if call.private || transcript.call != call.id {
        return Vec::new();
    }
    let heard = Hearing::of(call, transcript);
    let mut found = Vec::new();
    for (field, rules) in &mapping.field {
        let mut hits: Vec<Hit> = rules.iter().flat_map(|rule| heard.hits(rule)).collect();
        hits.sort();
        hits.dedup();
        for (from_ms, to_ms, grounds) in joined(&hits, mapping) {
            let spot = Spot { field: field.clone(), from_ms, to_ms, grounds };
            found.push(Suggestion { call: call.id.clone(), spot });
        }
    }
    found
}

/// Hits that are close together as one place each; the places with the most hits, in time order.
fn joined(hits: &[Hit], mapping: &EvidenceMapping) -> Vec<(u64, u64, BTreeSet<Ground>)> {
    let gap = u64::from(mapping.places.gap_seconds).saturating_mul(1_000);
    let mut places: Vec<(usize, u64, u64, BTreeSet<Ground>)> = Vec::new();
    for hit in hits {
        match places.last_mut() {
            Some((count, _, to, grounds)) if hit.from_ms <= to.saturating_add(gap) => {
                *count += 1;
                *to = hit.to_ms.max(*to);
                grounds.insert(hit.ground);
            }
            Some(_) | None => places.push((1, hit.from_ms, hit.to_ms, BTreeSet::from([hit.ground]))),
        }
    }
    places.sort_by_key(|(count, from, _, _)| (std::cmp::Reverse(*count), *from));
    places.truncate(usize::try_from(mapping.places.most).unwrap_or(usize::MAX));
    let mut places: Vec<_> = places.into_iter().map(|(_, from, to, grounds)| (from, to, grounds)).collect();
    places.sort();
    places
}

/// A sentence with its words.
type Said<'a> = (&'a Sentence, Vec<String>);

/// A call made ready to be listened to.
struct Hearing<'a> {
    call: &'a Call,
    passages: Vec<(&'a Passage, Vec<Said<'a>>)>,
    /// Speaker → whether ours; speakers that the vendor says two things about are not in here.
    sides: BTreeMap<&'a str, bool>,
    end: u64,
}

impl<'a> Hearing<'a> {
    fn of(call: &'a Call, transcript: &'a Transcript) -> Self {
        let passages: Vec<_> = transcript
            .passages
            .iter()
            .map(|passage| {
                let sentences = passage.sentences.iter().map(|sentence| (sentence, words(&sentence.text)));
                (passage, sentences.collect())
            })
            .collect();
        let mut sides: BTreeMap<&str, BTreeSet<bool>> = BTreeMap::new();
        for party in &call.parties {
            if let (Some(speaker), Some(ours)) = (&party.speaker, party.ours) {
                sides.entry(speaker).or_default().insert(ours);
            }
        }
        let sides = sides.into_iter().filter(|(_, sides)| sides.len() == 1);
        let sides = sides.filter_map(|(speaker, sides)| Some((speaker, *sides.first()?))).collect();
        let all = transcript.passages.iter().flat_map(|passage| &passage.sentences);
        let last = all.map(|sentence| sentence.to_ms).max().unwrap_or(0);
        // A vendor that does not tell the length of the call tells how long people spoke.
        let end = if call.seconds == 0 { last } else { u64::from(call.seconds).saturating_mul(1_000) };
        Self { call, passages, sides, end }
    }

    fn hits(&self, rule: &Rule) -> Vec<Hit> {
        let phrases: Vec<Phrase> = rule.phrases.iter().filter_map(|text| Phrase::parse(text).ok()).collect();
        let mut hits = Vec::new();
        for (passage, sentences) in &self.passages {
            if !self.fits(rule.said_by, passage.speaker.as_deref()) {
                continue;
            }
            let topic = passage.topic.as_deref().unwrap_or_default();
            let is_topic = rule.topics.iter().any(|wanted| same_name(wanted, topic));
            for (sentence, words) in sentences {
                if is_topic {
                    hits.extend(self.hit(sentence.from_ms, sentence.to_ms, Ground::Topic));
                }
                if phrases.iter().any(|phrase| phrase.is_in(words)) {
                    hits.extend(self.hit(sentence.from_ms, sentence.to_ms, Ground::Phrase));
                }
            }
        }
        for strike in &self.call.trackers {
            let wanted = rule.trackers.iter().any(|name| same_name(name, &strike.tracker));
            if wanted && self.fits(rule.said_by, strike.speaker.as_deref()) {
                let (from, to) = self.around(strike.at_ms);
                hits.extend(self.hit(from, to, Ground::Tracker));
            }
        }
        hits
    }

    /// A hit within the call.
    fn hit(&self, from_ms: u64, to_ms: u64, ground: Ground) -> Option<Hit> {
        let to_ms = to_ms.min(self.end);
        (from_ms < self.end && from_ms <= to_ms).then_some(Hit { from_ms, to_ms, ground })
    }

    /// The earliest sentence that covers a moment, or a little behind the moment.
    fn around(&self, at_ms: u64) -> (u64, u64) {
        let sentences = self.passages.iter().flat_map(|(_, sentences)| sentences);
        let covering = sentences
            .map(|(sentence, _)| (sentence.from_ms, sentence.to_ms))
            .filter(|(from, to)| (*from..=*to).contains(&at_ms));
        covering.min().unwrap_or((at_ms, at_ms.saturating_add(AROUND)))
    }

    fn fits(&self, said_by: SaidBy, speaker: Option<&str>) -> bool {
        let ours = speaker.and_then(|speaker| self.sides.get(speaker)).copied();
        match said_by {
            SaidBy::Anyone => true,
            SaidBy::Ours => ours == Some(true),
            SaidBy::Theirs => ours == Some(false),
        }
    }
}
