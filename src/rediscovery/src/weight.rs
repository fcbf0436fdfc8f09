//! How much a shared term tells: rare ones a lot, everyday ones nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::stem::stem;
use crate::term::{Kind, Term};

/// How often words are used in business talk: lines of `band: words`.
const BACKGROUND: &str = include_str!("background.txt");
/// A word that the background does not know, in nats.
const UNKNOWN: f64 = 6.5;
/// A name that the background does not know, in nats.
const NAME: f64 = 7.5;

/// A meaning that several words stand for, in nats.
const SYNONYM: f64 = 4.0;

/// Stem → weight in nats.
#[derive(Debug, Clone)]
pub(crate) struct Background {
    nats: BTreeMap<String, f64>,
    /// Words as they are written: a name that only shares its stem with one of them is still a name.
    written: BTreeSet<String>,
}

impl Background {
    pub(crate) fn shipped() -> Self {
        let (mut known, mut written) = (BTreeMap::new(), BTreeSet::new());
        for line in BACKGROUND.lines() {
            let Some((band, words)) = line.split_once(':') else { continue };
            let Ok(nats) = band.trim().parse::<f64>() else { continue };
            for word in words.split_whitespace() {
                written.insert(word.to_owned());
                let held = known.entry(stem(word)).or_insert(nats);
                if nats < *held {
                    *held = nats;
                }
            }
        }
        Self { nats: known, written }
    }

    /// Whether the background holds the word: such a word names nothing.
    pub(crate) fn knows(&self, term: &Term) -> bool {
        let stem = term.key.strip_prefix("w:").unwrap_or_default();
        term.kind == Kind::Word && self.nats.contains_key(stem) && !self.is_name(term)
    }

    /// Written like a name, and no everyday word in this form or its plural.
    fn is_name(&self, term: &Term) -> bool {
        let word = term.word.as_str();
        let single = word.strip_suffix('s').unwrap_or(word);
        term.proper && !self.written.contains(word) && !self.written.contains(single)
    }

    pub(crate) fn nats(&self, term: &Term) -> f64 {
        match term.kind {
            Kind::Word => {
                let stem = term.key.strip_prefix("w:").unwrap_or_default();
                if stem.starts_with('=') {
                    return SYNONYM;
                }
                if self.is_name(term) {
                    return NAME;
                }
                match self.nats.get(stem) {
                    Some(nats) => *nats,
                    None if stem.len() <= 2 => 2.0,
                    None => UNKNOWN,
                }
            }
            Kind::Number => number(term.size),
            Kind::Month => 4.5,
            Kind::Day => 5.0,
            Kind::Quarter => 3.5,
            Kind::Year => 2.0,
        }
    }
}

/// Small and round numbers are said all the time.
fn number(size: f64) -> f64 {
    if size <= 3.0 {
        1.5
    } else if size <= 12.0 {
        2.5
    } else if size <= 100.0 && size % 10.0 == 0.0 {
        4.0
    } else {
        5.5
    }
}
