//! Reads the files of a lexicon, strictly: the first mistake is told with file, line and key.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use toml::Spanned;

use super::{Ask, Decide, FORMAT, Field, Language, Lexicon, LexiconError, LexiconFault, QuestionType, hex};
use crate::gram::Bank;
use crate::phrase::Phrase;
use crate::weight::Background;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    lexicon: Spanned<u32>,
    contract: Option<String>,
    language: Option<LanguageLists>,
    decide: Option<Decide>,
    #[serde(default)]
    topic: BTreeMap<Spanned<String>, Vec<Spanned<String>>>,
    #[serde(default)]
    same: BTreeMap<String, Vec<Spanned<String>>>,
    #[serde(default)]
    field: BTreeMap<Spanned<String>, Block>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LanguageLists {
    requests: Vec<Spanned<String>>,
    mechanics: Vec<Spanned<String>>,
    around: Vec<Spanned<String>>,
    offers: Vec<Spanned<String>>,
    read_back: Vec<Spanned<String>>,
    still_true: Vec<Spanned<String>>,
    reported: Vec<Spanned<String>>,
    narrower: Vec<Spanned<String>>,
    complaints: Vec<Spanned<String>>,
    excuses: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Block {
    #[serde(default)]
    expects: Vec<QuestionType>,
    #[serde(default)]
    ours: bool,
    #[serde(default)]
    asks: Vec<Spanned<Row>>,
    #[serde(default)]
    unless: Vec<Spanned<String>>,
    exemplars: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    #[serde(default)]
    types: Vec<QuestionType>,
    #[serde(default)]
    about: Vec<Spanned<String>>,
    #[serde(default)]
    says: Vec<Spanned<String>>,
    strength: Option<f64>,
}

/// Where in which file.
#[derive(Clone, Copy)]
struct At<'a> {
    file: &'a str,
    text: &'a str,
}

impl At<'_> {
    fn fault(self, offset: usize, what: LexiconFault) -> LexiconError {
        let before = self.text.get(..offset.min(self.text.len())).unwrap_or(self.text);
        LexiconError { file: self.file.to_owned(), line: before.matches('\n').count() + 1, what }
    }

    fn phrase(self, text: &Spanned<String>) -> Result<Phrase, LexiconError> {
        Phrase::parse(text.get_ref()).map_err(|source| {
            self.fault(text.span().start, LexiconFault::Phrase { phrase: text.get_ref().clone(), source })
        })
    }

    fn exact(self, texts: &[Spanned<String>]) -> Result<Vec<Phrase>, LexiconError> {
        texts
            .iter()
            .map(|text| {
                Phrase::parse_exact(text.get_ref()).map_err(|source| {
                    self.fault(
                        text.span().start,
                        LexiconFault::Phrase { phrase: text.get_ref().clone(), source },
                    )
                })
            })
            .collect()
    }

    fn phrases(self, texts: &[Spanned<String>]) -> Result<Vec<Phrase>, LexiconError> {
        texts.iter().map(|text| self.phrase(text)).collect()
    }
}

/// A use of a topic that is checked once all files are read.
struct Use {
    topic: String,
    fault: LexiconError,
}

#[derive(Default)]
pub(super) struct Reader {
    language: Option<Language>,
    decide: Option<Decide>,
    topics: BTreeMap<String, Vec<Phrase>>,
    same: Vec<(Phrase, String)>,
    fields: Vec<Field>,
    exemplars: Vec<Vec<String>>,
    uses: Vec<Use>,
}

impl Reader {
    pub(super) fn file(&mut self, file: &str, text: &str) -> Result<(), LexiconError> {
        let at = At { file, text };
        let read: File = toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            at.fault(offset, LexiconFault::Syntax(error.message().to_owned()))
        })?;
        if *read.lexicon.get_ref() != FORMAT {
            return Err(at.fault(read.lexicon.span().start, LexiconFault::Format));
        }
        if let Some(lists) = &read.language {
            if self.language.is_some() {
                return Err(at.fault(0, LexiconFault::Twice("[language]".to_owned())));
            }
            self.language = Some(language(at, lists)?);
        }
        if let Some(decide) = read.decide {
            check(at, decide)?;
            self.decide = Some(decide);
        }
        for (name, phrases) in &read.topic {
            let phrases = at.phrases(phrases)?;
            if self.topics.insert(name.get_ref().clone(), phrases).is_some() {
                let twice = LexiconFault::Twice(format!("topic \"{}\"", name.get_ref()));
                return Err(at.fault(name.span().start, twice));
            }
        }
        for (name, phrases) in &read.same {
            for phrase in phrases {
                self.same.push((at.phrase(phrase)?, name.clone()));
            }
        }
        for (key, block) in &read.field {
            let contract = read.contract.as_deref();
            let contract = contract.ok_or_else(|| at.fault(key.span().start, LexiconFault::NoContract))?;
            self.field(at, contract, key, block)?;
        }
        Ok(())
    }

    fn field(
        &mut self,
        at: At<'_>,
        contract: &str,
        key: &Spanned<String>,
        block: &Block,
    ) -> Result<(), LexiconError> {
        if self.fields.iter().any(|field| field.contract == contract && field.key == *key.get_ref()) {
            let name = format!("field `{contract}/{}`", key.get_ref());
            return Err(at.fault(key.span().start, LexiconFault::Twice(name)));
        }
        let mut asks = Vec::new();
        for row in &block.asks {
            asks.push(self.row(at, key, row)?);
        }
        self.exemplars.push(block.exemplars.clone());
        self.fields.push(Field {
            contract: contract.to_owned(),
            key: key.get_ref().clone(),
            expects: block.expects.iter().copied().collect(),
            ours: block.ours,
            asks,
            unless: at.phrases(&block.unless)?,
            vocabulary: BTreeSet::new(),
        });
        Ok(())
    }

    fn row(&mut self, at: At<'_>, key: &Spanned<String>, row: &Spanned<Row>) -> Result<Ask, LexiconError> {
        let offset = row.span().start;
        let row = row.get_ref();
        if row.about.is_empty() && row.says.is_empty() {
            return Err(at.fault(offset, LexiconFault::EmptyRow(key.get_ref().clone())));
        }
        let strength = row.strength.unwrap_or(0.8);
        if !(0.05..=1.0).contains(&strength) {
            return Err(at.fault(offset, LexiconFault::Range { key: "strength", from: 0.05, to: 1.0 }));
        }
        for topic in &row.about {
            let name = topic.get_ref().clone();
            let fault = at.fault(topic.span().start, LexiconFault::NoTopic(name.clone()));
            self.uses.push(Use { topic: name, fault });
        }
        Ok(Ask {
            types: row.types.iter().copied().collect(),
            about: row.about.iter().map(|topic| topic.get_ref().clone()).collect(),
            says: at.phrases(&row.says)?,
            strength,
        })
    }

    pub(super) fn finish(mut self, files: &[(&str, &str)]) -> Result<Lexicon, LexiconError> {
        for used in self.uses {
            if !self.topics.contains_key(&used.topic) {
                return Err(used.fault);
            }
        }
        let nowhere = || At { file: files.first().map_or("", |(name, _)| name), text: "" };
        let language = self.language.ok_or_else(|| nowhere().fault(0, LexiconFault::NoLanguage))?;
        for (field, exemplars) in self.fields.iter_mut().zip(&self.exemplars) {
            field.vocabulary = vocabulary(field, &self.topics, exemplars);
        }
        let mut hash = Sha256::new();
        for (name, text) in files {
            hash.update(name.as_bytes());
            hash.update([0]);
            hash.update(text.as_bytes());
            hash.update([0]);
        }
        Ok(Lexicon {
            bank: Bank::of(&self.exemplars),
            language,
            topics: self.topics,
            fields: self.fields,
            background: Background::shipped(),
            same: self.same,
            decide: self.decide.unwrap_or(DECIDE),
            digest: hex(&hash.finalize()),
        })
    }
}

/// Where no file has a [decide] table.
const DECIDE: Decide =
    Decide { review: 0.7, high: 0.6, low: 0.3, answer_high: 3.5, answer_low: 6.5, answer_alone: 11.0 };

fn check(at: At<'_>, decide: Decide) -> Result<(), LexiconError> {
    let range = |key, value: f64, from: f64, to: f64| {
        let offset = at.text.find(key).unwrap_or(0);
        let inside = (from..=to).contains(&value);
        if inside { Ok(()) } else { Err(at.fault(offset, LexiconFault::Range { key, from, to })) }
    };
    range("review", decide.review, decide.high.clamp(0.0, 1.0), 1.0)?;
    range("high", decide.high, decide.low.clamp(0.0, 1.0), 1.0)?;
    range("low", decide.low, 0.05, 1.0)?;
    range("answer_high", decide.answer_high, 1.0, 100.0)?;
    range("answer_low", decide.answer_low, 1.0, 100.0)?;
    range("answer_alone", decide.answer_alone, 1.0, 100.0)
}

fn language(at: At<'_>, lists: &LanguageLists) -> Result<Language, LexiconError> {
    Ok(Language {
        requests: at.exact(&lists.requests)?,
        mechanics: at.phrases(&lists.mechanics)?,
        around: at.phrases(&lists.around)?,
        offers: at.phrases(&lists.offers)?,
        read_back: at.phrases(&lists.read_back)?,
        still_true: at.phrases(&lists.still_true)?,
        reported: at.exact(&lists.reported)?,
        narrower: at.phrases(&lists.narrower)?,
        complaints: at.phrases(&lists.complaints)?,
        excuses: at.phrases(&lists.excuses)?,
    })
}

fn vocabulary(
    field: &Field,
    topics: &BTreeMap<String, Vec<Phrase>>,
    exemplars: &[String],
) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for ask in &field.asks {
        let about = ask.about.iter().filter_map(|topic| topics.get(topic)).flatten();
        out.extend(about.chain(&ask.says).flat_map(Phrase::stems));
    }
    for text in exemplars {
        out.extend(crate::text::words(text).into_iter().map(|word| word.stem));
    }
    out
}
