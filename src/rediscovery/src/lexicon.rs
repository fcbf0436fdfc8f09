//! The lexicon: what a question about each field sounds like. Written by an admin in TOML, read strictly.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use thiserror::Error;

use crate::gram::Bank;
use crate::phrase::{Phrase, PhraseError};
use crate::weight::Background;

mod read;

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
    /// No file has the table `[language]`.
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
        let mut read = read::Reader::default();
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

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |half: u8| DIGITS.get(usize::from(half)).copied().unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
