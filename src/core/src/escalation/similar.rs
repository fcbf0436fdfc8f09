//! Whether a text only repeats another.

use std::collections::BTreeSet;

/// Words that a run of has to share before it counts as taken over.
const RUN: usize = 3;
/// Shortest foreign text, in words, whose repetition inside a longer one counts.
const LONG: usize = 6;

/// Whether `text` says the same as `other`, or consists nearly of its words: at least seven tenths of its runs of three words are taken over,
/// or `other` (six words and more) stands in it as a whole and half of the text is nothing else. Case, punctuation and white space say nothing.
pub fn resembles(text: &str, other: &str) -> bool {
    let (ours, theirs) = (words(text), words(other));
    if ours.is_empty() || theirs.is_empty() {
        return false;
    }
    if ours == theirs {
        return true;
    }
    let (mine, other_runs) = (runs(&ours), runs(&theirs));
    if mine.is_empty() || other_runs.is_empty() {
        return false;
    }
    let shared = mine.intersection(&other_runs).count();
    let taken = shared * 10 >= mine.len() * 7;
    let swallowed = theirs.len() >= LONG && shared == other_runs.len() && shared * 2 >= mine.len();
    taken || swallowed
}

fn words(text: &str) -> Vec<String> {
    let words = text.split(|each: char| !each.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

fn runs(words: &[String]) -> BTreeSet<&[String]> {
    words.windows(RUN).collect()
}
