//! Words and sequences of words, without case, accents and punctuation.

use std::iter;

use thiserror::Error;

/// Most words that `..` stands for.
const GAP: usize = 4;
/// Fewest letters before a `*`.
const PREFIX: usize = 4;
/// Most words of a sentence that are looked at.
const LONGEST: usize = 1_000;

/// A sequence of words to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Word(String),
    Prefix(String),
    Gap,
}

/// Why a text is no phrase to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PhraseError {
    /// Nothing to look for.
    #[error("holds no word")]
    Empty,
    /// One short word.
    #[error("is too short: every other sentence would hold it")]
    TooShort,
    /// Words that every conversation is made of.
    #[error("is too common: every other sentence would hold it")]
    TooCommon,
    /// `..` with nothing before or behind it.
    #[error("begins or ends with \"..\", or has two of them in a row")]
    Gap,
    /// `*` after too few letters, or not at the end of a word.
    #[error("has a \"*\" that does not end a word of at least {PREFIX} letters")]
    Star,
}

/// Words that say nothing by themselves.
const COMMON: &[&str] = &[
    "a", "about", "actually", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "been",
    "but", "by", "call", "can", "could", "d", "did", "do", "does", "don", "for", "from", "get", "go",
    "going", "good", "great", "had", "has", "have", "he", "here", "how", "i", "if", "in", "is", "it", "its",
    "just", "know", "let", "like", "ll", "lot", "m", "make", "me", "mean", "more", "my", "need", "no", "not",
    "now", "of", "okay", "on", "one", "or", "our", "out", "people", "re", "really", "right", "s", "say",
    "see", "she", "should", "so", "some", "sure", "t", "take", "thank", "thanks", "that", "the", "their",
    "them", "then", "there", "they", "thing", "things", "think", "this", "time", "to", "today", "up", "us",
    "ve", "very", "want", "was", "we", "well", "were", "what", "when", "which", "who", "will", "with",
    "work", "would", "yeah", "yes", "you", "your",
];

impl Phrase {
    /// Reads a phrase as an admin writes it.
    pub fn parse(text: &str) -> Result<Self, PhraseError> {
        let mut pieces = Vec::new();
        for token in text.split_whitespace() {
            if token == ".." {
                pieces.push(Piece::Gap);
            } else if let Some(stem) = token.strip_suffix('*') {
                let mut stems = words(stem);
                let stem =
                    stems.pop().filter(|stem| stem.chars().count() >= PREFIX).ok_or(PhraseError::Star)?;
                pieces.extend(stems.into_iter().map(Piece::Word));
                pieces.push(Piece::Prefix(stem));
            } else if token.contains('*') {
                return Err(PhraseError::Star);
            } else {
                pieces.extend(words(token).into_iter().map(Piece::Word));
            }
        }
        Self::judged(pieces)
    }

    fn judged(pieces: Vec<Piece>) -> Result<Self, PhraseError> {
        let is_gap = |piece: Option<&Piece>| piece == Some(&Piece::Gap);
        let said: Vec<&str> = pieces.iter().filter_map(Piece::letters).collect();
        if said.is_empty() {
            return Err(PhraseError::Empty);
        }
        let doubled = pieces.windows(2).any(|pair| pair == [Piece::Gap, Piece::Gap]);
        if is_gap(pieces.first()) || is_gap(pieces.last()) || doubled {
            return Err(PhraseError::Gap);
        }
        if said.len() == 1 && said.iter().any(|only| only.chars().count() < 4) {
            return Err(PhraseError::TooShort);
        }
        if said.len() < 4 && said.iter().all(|word| COMMON.contains(word)) {
            return Err(PhraseError::TooCommon);
        }
        Ok(Self(pieces))
    }

    /// Whether a sentence, given as its [`words`], holds the phrase.
    pub(super) fn is_in(&self, sentence: &[String]) -> bool {
        (0..sentence.len()).any(|start| sentence.get(start..).is_some_and(|rest| begins(&self.0, rest)))
    }
}

impl Piece {
    fn letters(&self) -> Option<&str> {
        match self {
            Self::Word(word) | Self::Prefix(word) => Some(word),
            Self::Gap => None,
        }
    }
}

fn begins(pieces: &[Piece], words: &[String]) -> bool {
    let Some((piece, pieces)) = pieces.split_first() else { return true };
    let said = |fits: &dyn Fn(&String) -> bool| {
        words.split_first().is_some_and(|(word, rest)| fits(word) && begins(pieces, rest))
    };
    match piece {
        Piece::Word(wanted) => said(&|word| word == wanted),
        Piece::Prefix(stem) => said(&|word| word.starts_with(stem.as_str())),
        Piece::Gap => (0..=GAP).any(|skipped| words.get(skipped..).is_some_and(|rest| begins(pieces, rest))),
    }
}

/// The words of a text: small letters and digits without accents; everything else, an apostrophe too, parts words.
pub(super) fn words(text: &str) -> Vec<String> {
    let plain: String = text.chars().filter(|each| !is_mark(*each)).flat_map(plain_letter).collect();
    plain
        .split(|each: char| !each.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(LONGEST)
        .map(str::to_owned)
        .collect()
}

fn is_mark(each: char) -> bool {
    matches!(each, '\u{0300}'..='\u{036F}' | '\u{00AD}' | '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}')
}

/// A letter in lower case without its accent, as far as Latin letters carry one.
fn plain_letter(each: char) -> impl Iterator<Item = char> {
    let mut lower = each.to_lowercase();
    let (first, rest) = (lower.next(), lower);
    first.map(unaccented).into_iter().chain(rest.filter(|each| !is_mark(*each)))
}

fn unaccented(each: char) -> char {
    match each {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' => 'a',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => 'c',
        'ď' | 'đ' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => 'e',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ĥ' | 'ħ' => 'h',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => 'i',
        'ĵ' => 'j',
        'ķ' => 'k',
        'ĺ' | 'ļ' | 'ľ' | 'ł' => 'l',
        'ñ' | 'ń' | 'ņ' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => 'o',
        'ŕ' | 'ŗ' | 'ř' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => 's',
        'ţ' | 'ť' | 'ț' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => 'u',
        'ŵ' => 'w',
        'ý' | 'ÿ' | 'ŷ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        other => other,
    }
}

/// Whether two names of the vendor are the same: without case, accents and punctuation.
pub(super) fn same_name(left: &str, right: &str) -> bool {
    let left = words(left);
    !left.is_empty() && iter::once(left).eq(iter::once(words(right)))
}
