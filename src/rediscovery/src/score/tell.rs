//! What is told of a question: where, why, and no word of it unless asked for.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::Scoring;
use super::candidate::Candidate;
use crate::act::Act;
use crate::events::{Decision, Event, Place, RecordHit, Span};
use crate::field::FieldScore;
use crate::lexicon::hex;
use crate::overlap::{Hit, Repeated};
use crate::talk::Said;
use crate::term::Kind;

/// Longest quote in characters.
const QUOTE: usize = 200;

impl Scoring<'_> {
    pub(super) fn event(
        &self,
        said: &Said,
        act: &Act,
        named: bool,
        best: &Candidate,
        all: &[Candidate],
    ) -> Event {
        let field = self.lexicon.fields.get(best.field);
        let types: Vec<&str> = act.types.iter().map(|each| each.name()).collect();
        let parts: BTreeSet<&str> = best.repeated.hits.iter().map(|hit| hit.part.as_str()).collect();
        let why = format!(
            "asks {} for {} ({:.2}); the answer repeats {} recorded term(s) of {:?} ({:.1} nats){}",
            types.join("/"),
            field.map_or("", |field| field.key.as_str()),
            best.asked.score,
            best.repeated.hits.len(),
            parts,
            best.repeated.nats,
            if best.complaint { "; the customer says it was said before" } else { "" },
        );
        let also = all.iter().filter(|one| {
            one.field != best.field && one.decision.is_some() && one.rank() > best.rank() - 0.25
        });
        let also = also.filter_map(|one| self.lexicon.fields.get(one.field)).take(3);
        Event {
            decision: best.decision.unwrap_or(Decision::Review),
            place: self.place(said, act, best.field, &best.asked, &best.repeated, &why),
            strict: field.is_some_and(|field| Some(&field.contract) == self.strict.as_ref()),
            by_receiver: named,
            complaint: best.complaint,
            also: also.map(|field| format!("{}/{}", field.contract, field.key)).collect(),
        }
    }

    pub(super) fn place(
        &self,
        said: &Said,
        act: &Act,
        field: usize,
        asked: &FieldScore,
        repeated: &Repeated,
        why: &str,
    ) -> Place {
        let field = self.lexicon.fields.get(field);
        Place {
            contract: field.map(|field| field.contract.clone()).unwrap_or_default(),
            field: field.map(|field| field.key.clone()).unwrap_or_default(),
            span: Span { from_ms: said.from_ms, to_ms: said.to_ms },
            speaker: said.speaker.clone(),
            asks: act.types.clone(),
            question_score: rounded(asked.score),
            record_score: rounded(repeated.nats),
            lexicon_hits: asked.matched.clone(),
            record_hits: repeated.hits.iter().map(|hit| self.record_hit(hit)).collect(),
            why: why.to_owned(),
            quote: self.options.quote.then(|| said.text.chars().take(QUOTE).collect()),
        }
    }

    fn record_hit(&self, hit: &Hit) -> RecordHit {
        let mut hash = Sha256::new();
        for piece in [&self.options.salt, &self.call.id, &hit.key] {
            hash.update(piece.as_bytes());
            hash.update([0]);
        }
        let kind = match hit.kind {
            Kind::Word => "word",
            Kind::Number => "number",
            Kind::Month | Kind::Day | Kind::Quarter | Kind::Year => "date",
        };
        RecordHit {
            part: hit.part.clone(),
            kind,
            nats: rounded(hit.nats),
            hash: hex(hash.finalize().get(..6).unwrap_or_default()),
            term: self.options.quote.then(|| hit.key.clone()),
        }
    }
}

/// Three digits: scores are compared across machines.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
