//! The lexicon: what a question about each field sounds like. Written by an admin in TOML, read strictly.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use thiserror::Error;
use toml::Spanned;

use crate::gram::Bank;
use crate::phrase::{Phrase, PhraseError};
use crate::weight::Background;

/// The version of the lexicon's shape that is read.
pub const FORMAT: u32 = 1;

/// The lexicon that comes with the product: file name and text.
pub const SHIPPED: [(&str, &str); 8] = [
    ("language.toml", include_str!("../../../mappings/rediscovery/language.toml")),
    ("topics.toml", include_str!("../../../mappings/rediscovery/topics.toml")),
    ("h01-marketing-to-sdr.toml", include_str!("../../../mappings/rediscovery/h01-marketing-to-sdr.toml")),
    ("h02-sdr-to-ae.toml", include_str!("../../../mappings/rediscovery/h02-sdr-to-ae.toml")),
    ("h03-ae-to-onboarding.toml", include_str!("../../../mappings/rediscovery/h03-ae-to-onboarding.toml")),
    ("h04-onboarding-to-cs.toml", include_str!("../../../mappings/rediscovery/h04-onboarding-to-cs.toml")),
    ("h05-csm-to-support.toml", include_str!("../../../mappings/rediscovery/h05-csm-to-support.toml")),
    (
        "h06-motion-a-to-motion-b.toml",
        include_str!("../../../mappings/rediscovery/h06-motion-a-to-motion-b.toml"),
    ),
];

/// A mistake in the lexicon.
#[derive(Debug, Error)]
#[error("{file}:{line}: {what}")]
pub struct LexiconError {
    /// The file.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// The key and what is wrong with it.
    pub what: LexiconFault,
}

/// What is wrong.
#[derive(Debug, Error)]
pub enum LexiconFault {
    /// No TOML, an unknown key, or a value of the wrong kind.
    #[error("{0}")]
    Syntax(String),
    /// Another shape than this version reads.
    #[error("`lexicon` is the version of the file's shape and has to be {FORMAT}")]
    Format,
    /// A field block without its contract.
    #[error("`contract` is missing: it says whose fields the blocks are")]
    NoContract,
    /// A phrase that cannot be searched for.
    #[error("phrase \"{phrase}\": {source}")]
    Phrase {
        /// As it is written.
        phrase: String,
        /// Why not.
        #[source]
        source: PhraseError,
    },
    /// A row names a topic that no file has.
    #[error("topic \"{0}\" is in no [topic] table")]
    NoTopic(String),
    /// A row that every question fits.
    #[error("field `{0}`: a row of `asks` needs `about` or `says`")]
    EmptyRow(String),
    /// A number outside its range.
    #[error("`{key}` has to lie between {from} and {to}")]
    Range {
        /// The key.
        key: &'static str,
        /// Least value.
        from: f64,
        /// Greatest value.
        to: f64,
    },
    /// The same thing twice.
    #[error("{0} is there twice")]
    Twice(String),
    /// No file has a [language] table.
    #[error("no file has the table [language]")]
    NoLanguage,
}

/// What a question asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionType {
    /// A person.
    Who,
    /// A time or a duration.
    When,
    /// An amount.
    HowMuch,
    /// A thing.
    What,
    /// A reason.
    Why,
    /// A manner or a state.
    How,
    /// A place.
    Where,
    /// Whether.
    YesNo,
    /// To be told, without saying which kind of answer.
    Request,
}

impl QuestionType {
    /// As the lexicon writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Who => "who",
            Self::When => "when",
            Self::HowMuch => "how_much",
            Self::What => "what",
            Self::Why => "why",
            Self::How => "how",
            Self::Where => "where",
            Self::YesNo => "yes_no",
            Self::Request => "request",
        }
    }
}

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

/// Thresholds of the decision; scores lie between 0 and 1, answers are in nats.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decide {
    /// Least score of a question that is worth a person's look whatever is answered.
    pub review: f64,
    /// Least score of a question that clearly asks for a field.
    pub high: f64,
    /// Least score of a question that may ask for a field.
    pub low: f64,
    /// What an answer has to repeat of the record when the question is clear.
    pub answer_high: f64,
    /// What an answer has to repeat of the record when the question may ask for the field.
    pub answer_low: f64,
    /// What an answer has to repeat of the record when the question only has the right type.
    pub answer_alone: f64,
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

/// Words of the language that tell what a sentence does.
#[derive(Debug, Clone)]
pub(crate) struct Language {
    /// "walk me through": asks to be told.
    pub requests: Vec<Phrase>,
    /// "can you see my screen": keeps the meeting going.
    pub mechanics: Vec<Phrase>,
    /// "column", "slide": speaks of the screen or the meeting.
    pub around: Vec<Phrase>,
    /// "can i show you": offers.
    pub offers: Vec<Phrase>,
    /// "i have you down": what follows is read from a record.
    pub read_back: Vec<Phrase>,
    /// "is that still": asks whether what was said holds.
    pub still_true: Vec<Phrase>,
    /// "they asked me": a question that is told, not asked.
    pub reported: Vec<Phrase>,
    /// "email address": a detail of something known.
    pub narrower: Vec<Phrase>,
    /// "i already told": the customer says it again.
    pub complaints: Vec<Phrase>,
    /// "i ask because": goes on about the question, answers nothing.
    pub excuses: Vec<Phrase>,
}

/// One way to ask for a field.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub types: BTreeSet<QuestionType>,
    pub about: Vec<String>,
    pub says: Vec<Phrase>,
    pub strength: f64,
}

/// What a question about one field sounds like.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub contract: String,
    pub key: String,
    /// Types of questions that this field answers.
    pub expects: BTreeSet<QuestionType>,
    /// Whether the question may be about our own doing ("what did we promise you").
    pub ours: bool,
    pub asks: Vec<Ask>,
    pub unless: Vec<Phrase>,
    /// Stems that belong to the field's own vocabulary: saying them reads nothing back.
    pub vocabulary: BTreeSet<String>,
}

/// Everything that scoring is told from outside.
#[derive(Debug, Clone)]
pub struct Lexicon {
    pub(crate) language: Language,
    pub(crate) topics: BTreeMap<String, Vec<Phrase>>,
    pub(crate) fields: Vec<Field>,
    pub(crate) bank: Bank,
    pub(crate) background: Background,
    pub(crate) same: Vec<(Phrase, String)>,
    pub(crate) decide: Decide,
    digest: String,
}

impl Lexicon {
    /// The one that comes with the product.
    pub fn shipped() -> Result<Self, LexiconError> {
        Self::parse(&SHIPPED)
    }

    /// Reads the files of a lexicon, each with its name. The first mistake is told with file, line and key.
    pub fn parse(files: &[(&str, &str)]) -> Result<Self, LexiconError> {
        let mut read = Reader::default();
        for (name, text) in files {
            read.file(name, text)?;
        }
        read.finish(files)
    }

    /// SHA-256 over the files, hex: says which lexicon a score came from.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The fields that the lexicon knows, as contract and key.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|field| (field.contract.as_str(), field.key.as_str()))
    }

    /// The thresholds.
    pub fn thresholds(&self) -> Decide {
        self.decide
    }
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
                    self.fault(text.span().start, LexiconFault::Phrase { phrase: text.get_ref().clone(), source })
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
struct Reader {
    language: Option<Language>,
    decide: Option<Decide>,
    topics: BTreeMap<String, Vec<Phrase>>,
    same: Vec<(Phrase, String)>,
    fields: Vec<Field>,
    exemplars: Vec<Vec<String>>,
    uses: Vec<Use>,
}

impl Reader {
    fn file(&mut self, file: &str, text: &str) -> Result<(), LexiconError> {
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

    fn field(&mut self, at: At<'_>, contract: &str, key: &Spanned<String>, block: &Block) -> Result<(), LexiconError> {
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

    fn finish(mut self, files: &[(&str, &str)]) -> Result<Lexicon, LexiconError> {
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
const DECIDE: Decide = Decide { review: 0.7, high: 0.6, low: 0.3, answer_high: 3.5, answer_low: 6.5, answer_alone: 11.0 };

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

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
        reported: at.phrases(&lists.reported)?,
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
