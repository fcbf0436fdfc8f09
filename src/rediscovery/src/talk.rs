//! A call as a row of sentences with roles, ready to be looked at.

use std::collections::BTreeMap;

use crate::act::{Act, acts};
use crate::call::Call;
use crate::lexicon::Lexicon;
use crate::phrase::Phrase;
use crate::roles::{Role, Roles};
use crate::term::{Term, of_words};
use crate::text::{Word, sentences, words};

/// Words of an interruption after which a speaker goes on.
const ASIDE: usize = 4;
/// Turns of the customer that belong to an answer.
const TURNS: usize = 2;
/// Milliseconds after which what the customer says is no answer any more.
const LATE: u64 = 90_000;
/// Most words of an answer.
const ANSWER: usize = 260;

/// One sentence.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub speaker: Option<String>,
    pub role: Role,
    pub from_ms: u64,
    pub to_ms: u64,
    pub text: String,
    pub words: Vec<Word>,
    pub acts: Vec<Act>,
    /// Ends in a question mark.
    pub asked: bool,
}

/// The whole call.
#[derive(Debug, Clone)]
pub(crate) struct Talk {
    pub said: Vec<Said>,
    /// Term → sentences that hold it.
    pub frequency: BTreeMap<String, usize>,
}

impl Talk {
    pub(crate) fn of(call: &Call, roles: &Roles, lexicon: &Lexicon) -> Self {
        let mut said: Vec<Said> = Vec::new();
        let bare = !call.sentences.iter().flatten().any(|sentence| sentence.text.contains(['?', ',']));
        for sentence in call.sentences.iter().flatten() {
            let role = roles.role(sentence.speaker.as_deref());
            let parts = sentences(&sentence.text);
            let all = u64::try_from(parts.len()).unwrap_or(1).max(1);
            let each = sentence.to_ms.saturating_sub(sentence.from_ms) / all;
            let mut from_ms = sentence.from_ms;
            let last = parts.len().saturating_sub(1);
            for (position, (text, asked)) in parts.into_iter().enumerate() {
                let to_ms = if position == last { sentence.to_ms } else { from_ms.saturating_add(each) };
                let words = words(text);
                let ours = matches!(role, Role::Asker { .. } | Role::Sender);
                let acts = if ours { acts(&words, asked, bare, &lexicon.language) } else { Vec::new() };
                let (speaker, text) = (sentence.speaker.clone(), text.to_owned());
                said.push(Said { speaker, role, from_ms, to_ms, text, words, acts, asked });
                from_ms = to_ms;
            }
        }
        let mut frequency = BTreeMap::new();
        for one in &said {
            for term in of_words(&one.words) {
                *frequency.entry(term.key).or_default() += 1;
            }
        }
        Self { said, frequency }
    }

    /// The sentences right before and after in the same turn, asides of others left out: (before, nearest first; after).
    pub(crate) fn turn(&self, at: usize) -> (Vec<&Said>, Vec<&Said>) {
        let speaker = self.said.get(at).and_then(|said| said.speaker.as_deref());
        let own = |said: &&Said| said.speaker.as_deref() == speaker;
        let mine = |said: &&Said| own(said) || said.words.len() <= ASIDE;
        let before = self
            .said
            .get(..at)
            .unwrap_or_default()
            .iter()
            .rev()
            .take_while(mine)
            .filter(own)
            .take(3)
            .collect();
        let after = self.said.get(at + 1..).unwrap_or_default();
        let after = after.iter().take_while(|said| own(said)).take(3).collect();
        (before, after)
    }

    /// What the customer says until our side asks the next question, and whether a colleague spoke first.
    pub(crate) fn answer(&self, at: usize) -> Answer<'_> {
        let mut answer = Answer { said: Vec::new(), colleague_first: false };
        let asker = self.said.get(at).and_then(|said| said.speaker.as_deref());
        let (mut turns, mut length, mut inside) = (0, 0, false);
        for said in self.said.get(at + 1..).unwrap_or_default() {
            match said.role {
                Role::Customer => {
                    if !inside && length > ASIDE {
                        turns += 1;
                    }
                    inside = true;
                    if turns >= TURNS || length > ANSWER {
                        break;
                    }
                    length += said.words.len();
                    answer.said.push(said);
                }
                Role::Asker { .. } | Role::Sender => {
                    inside = false;
                    let same = said.speaker.as_deref() == asker;
                    if answer.said.is_empty() && !same && said.words.len() > ASIDE {
                        answer.colleague_first = true;
                    }
                    let asks = said.acts.iter().any(|act| !act.declarative && !act.tag)
                        || (said.asked && said.words.len() > ASIDE);
                    if asks && length > 2 {
                        break;
                    }
                    if answer.said.is_empty()
                        && said.from_ms > self.said.get(at).map_or(0, |said| said.to_ms).saturating_add(LATE)
                    {
                        break;
                    }
                }
                Role::Unknown => inside = false,
            }
        }
        answer
    }

    /// The customer's sentences right before.
    pub(crate) fn heard(&self, at: usize) -> Vec<&Said> {
        let before = self.said.get(..at).unwrap_or_default();
        before.iter().rev().take(6).filter(|said| said.role == Role::Customer).take(2).collect()
    }
}

/// What follows a question.
pub(crate) struct Answer<'a> {
    pub said: Vec<&'a Said>,
    /// One of our own took the word before the customer did.
    pub colleague_first: bool,
}

impl Answer<'_> {
    pub(crate) fn has(&self, phrases: &[Phrase]) -> bool {
        self.said.iter().any(|said| phrases.iter().any(|phrase| phrase.is_in(&said.words)))
    }
}

/// Terms of some words with synonyms as one; a word that is part of a synonym is not counted apart.
pub(crate) fn comparable(words: &[Word], same: &[(Phrase, String)]) -> Vec<Term> {
    let mut rest: Vec<Word> = words.to_vec();
    let mut meant: Vec<Term> = Vec::new();
    for (phrase, name) in same {
        if let Some((from, to)) = phrase.find(&rest) {
            rest.drain(from..to);
            let key = format!("w:={name}");
            if !meant.iter().any(|term| term.key == key) {
                let kind = crate::term::Kind::Word;
                meant.push(Term { key, kind, word: name.clone(), proper: false, size: 0.0 });
            }
        }
    }
    let mut out = of_words(&rest);
    out.extend(meant);
    out
}
