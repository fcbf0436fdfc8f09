//! A short look at a text: most answers say something in their first words already, and then nothing that follows changes it.

use std::collections::BTreeSet;

/// The words that a filler can consist of, by length and in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Vocabulary(Vec<Vec<Vec<u8>>>);

impl Vocabulary {
    pub(super) fn new<'a>(words: impl Iterator<Item = &'a str>) -> Self {
        let words: BTreeSet<&str> = words.collect();
        let longest = words.iter().map(|word| word.len()).max().unwrap_or_default();
        let of_length = |length: usize| {
            let fitting = words.iter().filter(|word| word.len() == length);
            fitting.map(|word| word.as_bytes().to_vec()).collect()
        };
        Self((0..=longest).map(of_length).collect())
    }

    fn contains(&self, word: &[u8]) -> bool {
        let Some(known) = self.0.get(word.len()) else { return false };
        let lower = |known: &[u8]| known.iter().copied().cmp(word.iter().map(u8::to_ascii_lowercase));
        known.binary_search_by(|known| lower(known)).is_ok()
    }
}

/// What has been seen of a text so far.
#[derive(Default)]
struct Look<'t> {
    first: Option<&'t [u8]>,
    has_two_words: bool,
    has_own_word: bool,
    has_digit: bool,
    signs: u64,
    information: u32,
}

/// Whether a text surely says something: it has a word that no filler has, is no repeated sign, and informs by `needs` letters and digits
/// (and a digit, if a number is needed). `false` means only that a short look does not tell.
pub(super) fn says_something(vocabulary: &Vocabulary, text: &str, needs: u32, needs_number: bool) -> bool {
    let mut look = Look::default();
    let mut rest = text.as_bytes();
    while let Some(start) = rest.iter().position(|byte| !byte.is_ascii_whitespace()) {
        rest = rest.get(start..).unwrap_or_default();
        let end = rest.iter().position(u8::is_ascii_whitespace);
        let (word, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
        rest = after;
        if !look.take(vocabulary, word) {
            return false;
        }
        let is_varied = look.signs.count_ones() >= 3
            && (look.has_two_words
                || (end.is_none() && look.signs.count_ones().saturating_mul(5) > look.information));
        if look.has_own_word && is_varied && look.information >= needs && (look.has_digit || !needs_number) {
            return true;
        }
    }
    false
}

impl<'t> Look<'t> {
    /// Looks at the next word; false if it takes more than a short look.
    fn take(&mut self, vocabulary: &Vocabulary, word: &'t [u8]) -> bool {
        let mut joins = false;
        for byte in word {
            match byte {
                b'0'..=b'9' => {
                    self.signs |= 1 << (byte - b'0');
                    self.has_digit = true;
                    self.information = self.information.saturating_add(1);
                }
                b'a'..=b'z' | b'A'..=b'Z' => {
                    self.signs |= 1 << (10 + byte.to_ascii_lowercase() - b'a');
                    self.information = self.information.saturating_add(1);
                }
                b',' | b';' | b'|' => joins = true,
                // Mark-up, entities and addresses.
                b'<' | b'&' | b':' | b'/' => return false,
                0x21..=0x7E => {}
                _ => return false,
            }
        }
        let word = trimmed(word);
        if word.get(..3).is_some_and(|head| head.eq_ignore_ascii_case(b"www")) {
            return false;
        }
        // "tbd,tbd" is two words in one.
        let (true, false) = (!word.is_empty(), joins && word.iter().any(|byte| b",;|".contains(byte))) else {
            return true;
        };
        self.has_own_word = self.has_own_word || !vocabulary.contains(word);
        match self.first {
            None => self.first = Some(word),
            Some(first) => self.has_two_words |= !first.eq_ignore_ascii_case(word),
        }
        true
    }
}

fn trimmed(word: &[u8]) -> &[u8] {
    let start = word.iter().position(u8::is_ascii_alphanumeric).unwrap_or(word.len());
    let end = word.iter().rposition(u8::is_ascii_alphanumeric).map_or(start, |last| last + 1);
    word.get(start..end).unwrap_or_default()
}
