//! Words that stand where an answer should be.

use std::collections::BTreeSet;

use crate::contract::Kind;

use super::normal::{is_link, visible, words};
use super::quick::{Vocabulary, says_something};

/// Filler in every kind of part.
const EVERYWHERE: &[&str] = &[
    "n a",
    "na",
    "n/a",
    "#n/a",
    "n.a",
    "not applicable",
    "not available",
    "not known",
    "not sure",
    "not yet",
    "not provided",
    "not specified",
    "not set",
    "not defined",
    "none",
    "nil",
    "nill",
    "null",
    "void",
    "undefined",
    "nan",
    "nothing",
    "empty",
    "blank",
    "missing",
    "unknown",
    "unspecified",
    "unsure",
    "unclear",
    "tbd",
    "t.b.d",
    "tba",
    "t.b.a",
    "tbc",
    "t.b.c",
    "to do",
    "todo",
    "to-do",
    "to be determined",
    "to be decided",
    "to be defined",
    "to be discussed",
    "to be announced",
    "to be confirmed",
    "to be added",
    "to be filled",
    "to be completed",
    "to be provided",
    "to follow",
    "to come",
    "coming soon",
    "wip",
    "work in progress",
    "in progress",
    "pending",
    "later",
    "soon",
    "select",
    "select one",
    "select an option",
    "select value",
    "please select",
    "please choose",
    "choose",
    "choose one",
    "pick one",
    "fill in",
    "fill this in",
    "fill me in",
    "fill out",
    "fill later",
    "enter text",
    "enter value",
    "enter here",
    "type here",
    "click here",
    "insert text",
    "placeholder",
    "dummy",
    "sample",
    "example",
    "test",
    "testing",
    "test test",
    "foo",
    "bar",
    "baz",
    "foobar",
    "foo bar",
    "blah",
    "bla",
    "lorem ipsum",
    "asdf",
    "asdfasdf",
    "asdfgh",
    "asdfghjkl",
    "qwer",
    "qwerty",
    "qwertz",
    "zxcv",
    "zxcvbn",
    "hjkl",
    "sdf",
    "dfg",
    "fdsa",
    "x",
    "xx",
    "xxx",
    "zzz",
    "abc",
    "abcd",
    "see notes",
    "see note",
    "see gong",
    "see call",
    "see recording",
    "see above",
    "see below",
    "see email",
    "see emails",
    "see mail",
    "see slack",
    "see crm",
    "see salesforce",
    "see hubspot",
    "see opportunity",
    "see contract",
    "see proposal",
    "see attached",
    "see attachment",
    "see deck",
    "see doc",
    "see docs",
    "see description",
    "see chatter",
    "see account",
    "see other",
    "in notes",
    "in gong",
    "in slack",
    "in email",
    "in the call",
    "in the deck",
    "on the call",
    "in the notes",
    "check notes",
    "check gong",
    "listen to call",
    "listen to recording",
    "watch the call",
    "as discussed",
    "as above",
    "as agreed",
    "same",
    "same as above",
    "same as before",
    "same as last time",
    "ditto",
    "idem",
    "idk",
    "dunno",
    "dont know",
    "don't know",
    "don’t know",
    "do not know",
    "no idea",
    "no clue",
    "no info",
    "no information",
    "no data",
    "no comment",
    "no comments",
    "no notes",
    "ask me",
    "ask ae",
    "ask sales",
    "ask rep",
    "ask the ae",
    "ask the rep",
    "ask csm",
    "ask john",
    "will update",
    "will add",
    "will fill in",
    "will fill",
    "will follow",
    "will do",
    "will send",
    "update later",
    "add later",
    "need to ask",
    "need to check",
    "needs update",
    "ref",
    "#ref",
    "#value",
    "#name",
    "false",
    "undefined undefined",
    "k. a",
    "k.a",
    "keine",
    "ohne",
    "ninguno",
    "aucun",
    "s/o",
    "pendiente",
];

/// Filler where words are asked for, though it may be a fair choice of a pick-list.
const IN_PROSE: &[&str] = &[
    "0",
    "00",
    "1",
    "yes",
    "no",
    "y",
    "n",
    "ok",
    "okay",
    "k",
    "true",
    "done",
    "good",
    "fine",
    "great",
    "all good",
    "looks good",
    "lgtm",
    "other",
    "others",
    "various",
    "multiple",
    "several",
    "many",
    "some",
    "any",
    "all",
    "default",
    "standard",
    "normal",
    "usual",
    "the usual",
    "as usual",
    "business as usual",
    "high",
    "low",
    "medium",
    "important",
    "the customer",
    "customer",
    "client",
    "the client",
    "hello",
    "hi",
    "a",
    "b",
    "c",
];

/// Words that add nothing to a filler: "tbd for now", "will update later, please".
const WEAK: &[&str] = &[
    "for",
    "now",
    "yet",
    "later",
    "soon",
    "still",
    "and",
    "or",
    "the",
    "a",
    "an",
    "please",
    "pls",
    "plz",
    "will",
    "be",
    "to",
    "is",
    "as",
    "of",
    "at",
    "this",
    "that",
    "it",
    "in",
    "on",
    "see",
    "here",
    "time",
    "moment",
    "right",
    "currently",
    "field",
    "just",
    "asap",
    "link",
    "call",
    "recording",
    "gong",
    "notes",
    "note",
    "thanks",
    "thx",
];

const LONGEST_PHRASE: usize = 4;

/// The filler of one contract on top of the built-in floor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fillers {
    everywhere: BTreeSet<String>,
    in_prose: BTreeSet<String>,
    vocabulary: Vocabulary,
}

impl Fillers {
    /// The floor and a contract's own words.
    pub fn new(own: &[String]) -> Self {
        let everywhere: BTreeSet<String> =
            EVERYWHERE.iter().copied().chain(own.iter().map(String::as_str)).map(phrase).collect();
        let in_prose: BTreeSet<String> = IN_PROSE.iter().map(|text| phrase(text)).collect();
        let known = everywhere.iter().chain(&in_prose).flat_map(|phrase| phrase.split(' '));
        let vocabulary = Vocabulary::new(known.chain(WEAK.iter().copied()));
        Self { everywhere, in_prose, vocabulary }
    }

    /// Whether a short look tells that a text says something, in whatever kind of part, and informs by `needs` letters and digits.
    pub(super) fn surely_says_something(&self, text: &str, needs: u32, needs_number: bool) -> bool {
        says_something(&self.vocabulary, text, needs, needs_number)
    }

    /// Whether a visible text says nothing where this kind is asked for: a bare "yes" is a fair choice but no name, and "Gong" is a fair
    /// name but no prose.
    pub(super) fn says_nothing(&self, visible: &str, kind: Kind) -> bool {
        let prose = matches!(kind, Kind::Text | Kind::Name | Kind::Person | Kind::Record);
        let words = words(visible);
        if words.is_empty() {
            return !visible.chars().any(char::is_alphanumeric);
        }
        self.is_known(&words.join(" "), prose)
            || self.is_all_filler(visible, kind == Kind::Text, prose)
            || is_one_sign(&words, prose)
    }

    fn is_known(&self, phrase: &str, prose: bool) -> bool {
        self.everywhere.contains(phrase) || (prose && self.in_prose.contains(phrase))
    }

    // Takes known phrases and weak words off the front, longest first; filler if nothing else is left. Weak words alone are filler in
    // sentences only.
    fn is_all_filler(&self, visible: &str, sentence: bool, prose: bool) -> bool {
        let linked = visible.split_whitespace().any(is_link);
        let unlinked: Vec<&str> = visible.split_whitespace().filter(|word| !is_link(word)).collect();
        let unlinked = unlinked.join(" ");
        let words = words(&unlinked);
        let mut rest = words.as_slice();
        let mut known = linked || sentence;
        while let Some((first, others)) = rest.split_first() {
            let longest = (1..=LONGEST_PHRASE.min(rest.len())).rev().find_map(|length| {
                let (head, tail) = rest.split_at_checked(length)?;
                self.is_known(&head.join(" "), prose).then_some(tail)
            });
            match longest {
                Some(tail) => {
                    known = true;
                    rest = tail;
                }
                None if WEAK.contains(first) => rest = others,
                None => return false,
            }
        }
        known
    }
}

fn phrase(text: &str) -> String {
    words(&visible(text)).join(" ")
}

// "aaaa", "ababab", "x x x x": at most two different signs in more than a proper name of that shape would have.
fn is_one_sign(words: &[&str], prose: bool) -> bool {
    let signs: Vec<char> =
        words.iter().flat_map(|word| word.chars()).filter(|each| each.is_alphanumeric()).collect();
    let different: BTreeSet<char> = signs.iter().copied().collect();
    let letters = signs.iter().any(|each| each.is_alphabetic());
    match different.len() {
        0 | 1 => signs.len() >= if prose && letters { 3 } else { 4 },
        2 => letters && signs.len() >= 6,
        few => {
            letters
                && signs.len() >= 12
                && few * 5 <= signs.len()
                && words.iter().all(|word| Some(word) == words.first())
        }
    }
}
