//! Sequences of words that an admin writes: forms of a word count as the word.

use thiserror::Error;

use crate::stem::stem;
use crate::text::{Word, words};

/// Most words that `..` stands for.
const GAP: usize = 4;
/// Fewest letters before a `*`.
const PREFIX: usize = 3;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Stem(String),
    Exact(String),
    Prefix(String),
    Gap,
}

/// A phrase: words in this order, in any of their forms. `=word` = this form only, `word*` = any word
/// that begins so, `..` = up to four words between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Phrase(Vec<Piece>);

/// A phrase that cannot be searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PhraseError {
    /// It holds no word.
    #[error("a phrase needs a word")]
    Empty,
    /// It begins or ends with a gap, or two gaps follow each other.
    #[error("`..` stands between two words")]
    Gap,
    /// A `*` does not follow the beginning of a word.
    #[error("`*` follows the first letters of a word, at least three")]
    Star,
}

impl Phrase {
    /// The same with every word in the form in which it is written: "tell me" is not "told me".
    pub(crate) fn parse_exact(text: &str) -> Result<Self, PhraseError> {
        let mut phrase = Self::parse(text)?;
        let mut written = text.split_whitespace().filter(|token| !token.contains(['*', '='])).flat_map(words);
        for piece in &mut phrase.0 {
            if let Piece::Stem(_) = piece
                && let Some(word) = written.next()
            {
                *piece = Piece::Exact(word.text);
            }
        }
        Ok(phrase)
    }

    pub(crate) fn parse(text: &str) -> Result<Self, PhraseError> {
        let mut pieces = Vec::new();
        for token in text.split_whitespace() {
            if token == ".." {
                pieces.push(Piece::Gap);
            } else if let Some(exact) = token.strip_prefix('=') {
                pieces.extend(words(exact).into_iter().map(|word| Piece::Exact(word.text)));
            } else if let Some(begin) = token.strip_suffix('*') {
                let begin = words(begin).pop().map(|word| word.text).unwrap_or_default();
                if begin.chars().count() < PREFIX {
                    return Err(PhraseError::Star);
                }
                pieces.push(Piece::Prefix(begin));
            } else if token.contains('*') {
                return Err(PhraseError::Star);
            } else {
                pieces.extend(words(token).into_iter().map(|word| Piece::Stem(stem(&word.text))));
            }
        }
        if !pieces.iter().any(|piece| *piece != Piece::Gap) {
            return Err(PhraseError::Empty);
        }
        let at_end = pieces.first() == Some(&Piece::Gap) || pieces.last() == Some(&Piece::Gap);
        if at_end || pieces.windows(2).any(|pair| pair == [Piece::Gap, Piece::Gap]) {
            return Err(PhraseError::Gap);
        }
        Ok(Self(pieces))
    }

    /// Where the phrase begins and ends in the words, first hit.
    pub(crate) fn find(&self, words: &[Word]) -> Option<(usize, usize)> {
        (0..words.len()).find_map(|from| {
            let rest = words.get(from..)?;
            begins(&self.0, rest).map(|length| (from, from + length))
        })
    }

    pub(crate) fn is_in(&self, words: &[Word]) -> bool {
        self.find(words).is_some()
    }

    /// The stems of the phrase, and beginnings of words with a `*`.
    pub(crate) fn stems(&self) -> impl Iterator<Item = String> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Stem(stem) => Some(stem.clone()),
            Piece::Exact(text) => Some(stem(text)),
            Piece::Prefix(begin) => Some(format!("{begin}*")),
            Piece::Gap => None,
        })
    }
}

/// How many words the pieces take at the beginning of `words`.
fn begins(pieces: &[Piece], words: &[Word]) -> Option<usize> {
    let Some((piece, pieces)) = pieces.split_first() else { return Some(0) };
    match piece {
        Piece::Stem(wanted) => {
            let (word, rest) = words.split_first()?;
            (word.stem == *wanted).then(|| begins(pieces, rest))?.map(|length| length + 1)
        }
        Piece::Exact(wanted) => {
            let (word, rest) = words.split_first()?;
            (word.text == *wanted).then(|| begins(pieces, rest))?.map(|length| length + 1)
        }
        Piece::Prefix(wanted) => {
            let (word, rest) = words.split_first()?;
            word.text.starts_with(wanted.as_str()).then(|| begins(pieces, rest))?.map(|length| length + 1)
        }
        Piece::Gap => {
            (0..=GAP).find_map(|skipped| begins(pieces, words.get(skipped..)?).map(|length| length + skipped))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Phrase, PhraseError};
    use crate::text::words;

    fn has(phrase: &str, text: &str) -> bool {
        Phrase::parse(phrase).unwrap().is_in(&words(text))
    }

    #[test]
    fn forms_prefixes_and_gaps_are_found() {
        assert!(has("sign off", "who's signing off on this"));
        assert!(has("pen .. paper", "who puts pen to paper"));
        assert!(has("implement*", "during implementation"));
        assert!(!has("pen .. paper", "a pen for each of the six people and paper"));
        assert!(!has("sign", "a signal"));
        assert!(has("=timing", "the timing") && !has("=timing", "the time"));
    }

    #[test]
    fn what_cannot_be_searched_is_refused() {
        assert_eq!(Phrase::parse("  "), Err(PhraseError::Empty));
        assert_eq!(Phrase::parse(".. who"), Err(PhraseError::Gap));
        assert_eq!(Phrase::parse("si*"), Err(PhraseError::Star));
        assert_eq!(Phrase::parse("sig*n"), Err(PhraseError::Star));
    }
}
