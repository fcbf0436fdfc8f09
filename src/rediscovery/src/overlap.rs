//! What an answer repeats of a recorded value, and what a question already holds of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::lexicon::{Field, Lexicon};
use crate::record::Recorded;
use crate::talk::comparable;
use crate::term::{Kind, Term};
use crate::text::words;

/// Words that everybody says count together at most this much, in nats.
const EVERYDAY: f64 = 4.5;
/// The greatest weight of a word that everybody says.
const COMMON: f64 = 2.2;

/// One term of a recorded value.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub part: String,
    pub term: Term,
    pub nats: f64,
    /// How much saying it gives the value away; 0 = nothing.
    pub salience: f64,
}

/// A recorded value, comparable.
#[derive(Debug, Clone, Default)]
pub(crate) struct Value {
    pub held: Vec<Held>,
    /// It says that there is nothing.
    pub none: bool,
}

/// A term that was found again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hit {
    pub part: String,
    pub kind: Kind,
    pub key: String,
    pub nats: f64,
}

/// What was found again, with its sum in nats.
#[derive(Debug, Clone, Default)]
pub(crate) struct Repeated {
    pub nats: f64,
    pub hits: Vec<Hit>,
}

impl Value {
    pub(crate) fn of(
        recorded: &Recorded,
        field: &Field,
        lexicon: &Lexicon,
        frequency: &BTreeMap<String, usize>,
        sentences: usize,
    ) -> Self {
        let mut out = Self::default();
        let mut seen = BTreeSet::new();
        for (part, text) in &recorded.parts {
            let said = words(text);
            let only = recorded.parts.len() == 1 && said.len() <= 4;
            out.none |= only
                && said
                    .first()
                    .is_some_and(|word| matches!(word.text.as_str(), "none" | "nothing" | "nobody"));
            let named = is_name(part);
            for mut term in comparable(&said, &lexicon.same) {
                term.proper |= named;
                if !seen.insert(term.key.clone()) {
                    continue;
                }
                let rarity = usual(frequency.get(&term.key).copied().unwrap_or(0), sentences);
                let nats = lexicon.background.nats(&term) * rarity;
                let salience = salience(&term, named, field, lexicon) * rarity;
                out.held.push(Held { part: part.clone(), term, nats, salience });
            }
        }
        if out.none {
            out.held.clear();
        }
        out
    }

    /// What `answer` repeats, without what is excluded.
    pub(crate) fn repeated(&self, answer: &[Term], excluded: &BTreeSet<String>) -> Repeated {
        let keys: BTreeSet<&str> = answer.iter().map(|term| term.key.as_str()).collect();
        let joined = joined(answer);
        let mut out = Repeated::default();
        let mut everyday = 0.0;
        let month = self
            .held
            .iter()
            .any(|held| held.term.kind == Kind::Month && keys.contains(held.term.key.as_str()));
        for held in &self.held {
            if held.term.kind == Kind::Quarter && month {
                continue;
            }
            if held.nats <= 0.0 || excluded.contains(&held.term.key) {
                continue;
            }
            let exact = keys.contains(held.term.key.as_str()) || joined.contains(&held.term.word);
            let near = !exact
                && answer
                    .iter()
                    .any(|said| !excluded.contains(&said.key) && is_near(&said.word, &held.term.word));
            let mut nats = if exact {
                held.nats
            } else if near {
                held.nats * 0.75
            } else {
                continue;
            };
            if held.nats <= COMMON {
                nats = f64::min(nats * 0.6, EVERYDAY - everyday).max(0.0);
                everyday += nats;
            }
            out.nats += nats;
            let key = held.term.key.clone();
            out.hits.push(Hit { part: held.part.clone(), kind: held.term.kind, key, nats });
        }
        out
    }

    /// How much of the value the words give away.
    pub(crate) fn given_away(&self, words: &[Term]) -> Repeated {
        let mut out = Repeated::default();
        let joined = joined(words);
        for held in self.held.iter().filter(|held| held.salience > 0.0) {
            let said =
                words.iter().any(|term| term.key == held.term.key || is_near(&term.word, &held.term.word));
            if said || joined.contains(&held.term.word) {
                out.nats += held.salience;
                let (part, kind, key) = (held.part.clone(), held.term.kind, held.term.key.clone());
                out.hits.push(Hit { part, kind, key, nats: held.salience });
            }
        }
        out
    }

    /// The sum of what could be given away.
    pub(crate) fn secret(&self) -> f64 {
        self.held.iter().map(|held| held.salience).sum()
    }
}

impl Repeated {
    /// Three different things that tell something: nobody says them by chance.
    pub(crate) fn is_plain(&self) -> bool {
        self.hits.iter().filter(|hit| hit.nats >= 2.5).count() >= 3
    }

    /// Two different things that tell something, or a name.
    pub(crate) fn is_strong(&self) -> bool {
        let telling = self.hits.iter().filter(|hit| hit.nats >= 2.5).count();
        telling >= 2
            || self.hits.iter().any(|hit| hit.nats >= 7.0 || (hit.kind == Kind::Number && hit.nats >= 5.5))
    }

    /// Two different things, or one that is more than a digit or two letters.
    pub(crate) fn is_evidence(&self) -> bool {
        let telling = self.hits.iter().filter(|hit| hit.nats >= 2.0).count();
        let long = |hit: &Hit| match hit.kind {
            Kind::Word => hit.key.len() >= 6,
            Kind::Month | Kind::Day | Kind::Quarter => true,
            Kind::Number | Kind::Year => hit.nats >= 5.0,
        };
        telling >= 2
            || (self.hits.len() >= 3 && self.nats >= 6.0)
            || self.hits.iter().any(|hit| long(hit) && hit.nats >= 4.4)
    }
}

/// Parts that hold a proper name.
fn is_name(part: &str) -> bool {
    const NAMES: [&str; 12] = [
        "person",
        "name",
        "champion",
        "incumbent",
        "owner",
        "csm",
        "tool",
        "competitor",
        "entity",
        "owner_after",
        "sponsor",
        "signer",
    ];
    part.rsplit('.').next().is_some_and(|last| NAMES.contains(&last))
}

/// A term that is said all over the call tells less in one answer.
fn usual(said: usize, sentences: usize) -> f64 {
    if said >= 4 && said * 12 > sentences {
        0.35
    } else if said >= 4 && said * 25 > sentences {
        0.65
    } else {
        1.0
    }
}

fn salience(term: &Term, named: bool, field: &Field, lexicon: &Lexicon) -> f64 {
    match term.kind {
        Kind::Month | Kind::Day => 4.5,
        Kind::Quarter => 3.5,
        Kind::Year => 1.5,
        Kind::Number if term.size > 12.0 => 4.0,
        Kind::Number => 1.0,
        Kind::Word => {
            let stem = term.key.strip_prefix("w:").unwrap_or_default();
            if stem.starts_with('=') {
                return 2.5;
            }
            let own = field.vocabulary.iter().any(|word| match word.strip_suffix('*') {
                Some(begin) => term.word.starts_with(begin),
                None => word == stem,
            });
            match (lexicon.background.knows(term), named || term.proper) {
                (true, _) => 0.0,
                (false, true) if own => 1.5,
                (false, true) => 6.0,
                (false, false) if own || stem.len() < 4 => 0.0,
                (false, false) => 3.0,
            }
        }
    }
}

/// Two words that follow each other, as one: "net suite" is "netsuite".
fn joined(terms: &[Term]) -> BTreeSet<String> {
    let pairs = terms.windows(2).filter_map(|pair| match pair {
        [left, right] if !left.word.is_empty() && !right.word.is_empty() => {
            Some(format!("{}{}", left.word, right.word))
        }
        _ => None,
    });
    pairs.filter(|word| word.len() >= 6).collect()
}

/// Two spellings of one name, as speech recognition makes them: one letter apart, or two in long words, with the same first letter.
fn is_near(said: &str, held: &str) -> bool {
    let (left, right): (Vec<char>, Vec<char>) = (said.chars().collect(), held.chars().collect());
    let (short, long) = (left.len().min(right.len()), left.len().max(right.len()));
    if short < 5 || long - short > 2 || left.first() != right.first() {
        return false;
    }
    let allowed = if long >= 8 { 2 } else { 1 };
    distance(&left, &right) <= allowed
}

fn distance(left: &[char], right: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, from) in left.iter().enumerate() {
        let mut next = vec![at + 1];
        for ((to, pair), above) in right.iter().zip(row.windows(2)).zip(row.iter().skip(1)) {
            let diagonal = pair.first().copied().unwrap_or(0) + usize::from(from != to);
            let before = next.last().copied().unwrap_or(0) + 1;
            next.push(diagonal.min(above + 1).min(before));
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::is_near;

    #[test]
    fn spellings_of_a_name_are_near_and_other_words_are_not() {
        assert!(is_near("kovalsky", "kowalski"));
        assert!(is_near("zendesk", "zendisk"));
        assert!(!is_near("march", "marsh") || is_near("marsh", "march"));
        assert!(!is_near("audit", "edit"));
        assert!(!is_near("contract", "contact") || "contract".len() >= 8);
    }
}
