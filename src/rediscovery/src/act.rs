//! Which sentences ask to be told something, and what kind of answer they ask for.

use std::collections::BTreeSet;

use self::forms::{AUX, DEGREES, EMBEDS, FILLERS, LINKS, ME, NOT_SUBJECTS, PREPOSITIONS, RELATIVE, WH};
use self::kind::{asks_for, by_noun};
use crate::lexicon::{Language, QuestionType};
use crate::phrase::Phrase;
use crate::text::Word;

mod forms;
mod kind;

/// Words before a cue that still belong to its question.
const BEFORE: usize = 10;
/// Words after a cue that still belong to its question.
const AFTER: usize = 28;

/// One question of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Act {
    pub types: BTreeSet<QuestionType>,
    /// First word of the question.
    pub from: usize,
    /// One past its last word.
    pub to: usize,
    /// A statement with a question mark.
    pub declarative: bool,
    /// Ends in "right?" or the like.
    pub tag: bool,
    /// Asks for its content by an indirect frame.
    pub request: bool,
    /// Ends in a question mark, asks by a frame, or nothing in the call carries punctuation.
    pub marked: bool,
}

struct Cue {
    at: usize,
    types: BTreeSet<QuestionType>,
    request: bool,
}

/// The questions of a sentence; `asked` = it ends in a question mark. Meeting mechanics, offers and reported questions are left out.
///
/// `bare` = nothing in the call carries punctuation: then a question may begin anywhere.
pub(crate) fn acts(words: &[Word], asked: bool, bare: bool, language: &Language) -> Vec<Act> {
    let start = words.iter().take_while(|word| FILLERS.contains(&word.text.as_str())).count();
    if start == words.len() {
        return Vec::new();
    }
    let tag = ends_in_tag(words, asked);
    let mut cues = requests(words, language);
    cues.extend((0..words.len()).filter_map(|at| {
        wh(words, at, start, asked).or_else(|| if bare { bare_wh(words, at) } else { None })
    }));
    cues.extend((0..words.len()).filter_map(|at| {
        inversion(words, at, start, asked)
            .or_else(|| if bare { bare_inversion(words, at, start) } else { None })
    }));
    cues.sort_by_key(|cue| cue.at);
    let mut found = joined(cues, words, tag);
    let any = words.get(start).is_some_and(|word| word.text.starts_with("any"));
    if found.is_empty() && (asked || (bare && any && words.len() > 4)) {
        found.push(declarative(words, start, tag));
    }
    for act in &mut found {
        act.marked = asked || bare || act.request;
    }
    found.retain(|act| !dropped(act, words, language));
    found
}

fn text(words: &[Word], at: usize) -> &str {
    words.get(at).map_or("", |word| word.text.as_str())
}

/// Cues that belong to one question are one act.
fn joined(cues: Vec<Cue>, words: &[Word], tag: bool) -> Vec<Act> {
    let mut acts: Vec<(usize, Act)> = Vec::new();
    for cue in cues {
        if let Some((last, act)) = acts.last_mut()
            && cue.at <= *last + 7
        {
            *last = cue.at;
            act.request |= cue.request;
            act.types.extend(cue.types);
            continue;
        }
        let from = cue.at.saturating_sub(BEFORE);
        if let Some((_, act)) = acts.last_mut() {
            act.to = act.to.min(cue.at);
        }
        let to = (cue.at + AFTER).min(words.len());
        let (types, request) = (cue.types, cue.request);
        let act = Act { types, from, to, declarative: false, tag, request, marked: false };
        acts.push((cue.at, act));
    }
    let mut before = 0;
    let mut out = Vec::new();
    for (_, mut act) in acts {
        act.from = act.from.max(before);
        before = act.to;
        settle(&mut act, words);
        out.push(act);
    }
    out
}

/// An embedded question word says what is asked for; a noun tells it where none does.
fn settle(act: &mut Act, words: &[Word]) {
    use QuestionType::{Request, YesNo};
    let plain = [Request, YesNo];
    if act.types.iter().any(|each| !plain.contains(each)) {
        act.types.retain(|each| !plain.contains(each));
    } else if act.types.contains(&Request) || act.request {
        act.types.insert(Request);
        act.types.remove(&YesNo);
        for at in act.from..act.to {
            act.types.extend(by_noun(text(words, at)));
        }
    }
}

fn requests(words: &[Word], language: &Language) -> Vec<Cue> {
    let mut out = Vec::new();
    for phrase in &language.requests {
        let Some((from, to)) = phrase.find(words) else { continue };
        let mut types = BTreeSet::from([QuestionType::Request]);
        for at in to..(to + 12).min(words.len()) {
            if WH.contains(&text(words, at)) {
                types.extend(asks_for(words, at));
                break;
            }
        }
        out.push(Cue { at: from, types, request: true });
    }
    out
}

/// A question word that asks.
fn wh(words: &[Word], at: usize, start: usize, asked: bool) -> Option<Cue> {
    let word = text(words, at);
    if !WH.contains(&word) {
        return None;
    }
    let first = opens(words, at, start);
    let boundary = first
        || words.get(at).is_some_and(|word| word.after_mark)
        || at.checked_sub(1).is_some_and(|before| LINKS.contains(&text(words, before)));
    let next = text(words, at + 1);
    if next == "else" && matches!(word, "who" | "whom" | "what" | "where") {
        return Some(Cue { at, types: asks_for(words, at), request: false });
    }
    let aux_next = AUX.contains(&next) && !(next == "is" && text(words, at + 2) == "why");
    let asks = match word {
        "who" | "whose" | "whom" | "which" => {
            (first && !ME.contains(&next))
                || (boundary
                    && (aux_next || asked)
                    && !ME.contains(&next)
                    && !(word == "which" && !first && aux_next))
                || inverted(words, at)
        }
        "what" | "why" => {
            (first && aux_next && !answers_itself(words, at))
                || (first
                    && word == "what"
                    && matches!(text(words, at + 2), "you" | "y'all" | "your" | "they")
                    && !subject(next)
                    && !ME.contains(&next))
                || (first
                    && (matches!(
                        next,
                        "about"
                            | "else"
                            | "kind"
                            | "sort"
                            | "not"
                            | "made"
                            | "prompted"
                            | "drove"
                            | "happened"
                            | "led"
                            | "triggered"
                            | "got"
                            | "brought"
                            | "keeps"
                    ) || asked))
                || (boundary && aux_next && (asked || subject(text(words, at + 2))))
                || inverted(words, at)
        }
        "how" => {
            (first && (aux_next || DEGREES.contains(&next) || next == "come" || next == "about"))
                || (boundary && asked && (aux_next || DEGREES.contains(&next)))
                || inverted(words, at)
        }
        _ => {
            (first && aux_next)
                || (boundary && aux_next && (asked || subject(text(words, at + 2))))
                || inverted(words, at)
                || (asked && at > 0 && at + 1 == words.len())
        }
    };
    (asks).then(|| Cue { at, types: asks_for(words, at), request: false })
}

/// Without punctuation a question word asks wherever it is not the head of a clause that belongs to something else.
fn bare_wh(words: &[Word], at: usize) -> Option<Cue> {
    let word = text(words, at);
    let before = text(words, at.checked_sub(1)?);
    if !WH.contains(&word) || RELATIVE.contains(&before) || EMBEDS.contains(&before) {
        return None;
    }
    let next = text(words, at + 1);
    let asks = match word {
        "who" | "whose" => !ME.contains(&next) && at > 1,
        "what" | "why" | "when" | "where" | "how" => AUX.contains(&next),
        _ => false,
    };
    asks.then(|| Cue { at, types: asks_for(words, at), request: false })
}

/// Without punctuation "can you" asks wherever it stands behind a topic.
fn bare_inversion(words: &[Word], at: usize, start: usize) -> Option<Cue> {
    let aux = text(words, at);
    let next = text(words, at + 1);
    let before = text(words, at.checked_sub(1)?);
    let asks = matches!(aux, "can" | "could" | "do" | "did" | "are" | "have" | "would" | "will" | "is")
        && (next == "you"
            || (next == "that" && aux == "is" && at > start)
            || (matches!(next, "she" | "he" | "they") && matches!(aux, "is" | "are" | "did" | "do")))
        && !RELATIVE.contains(&before)
        && !WH.contains(&before)
        && !ME.contains(&before);
    asks.then(|| Cue { at, types: BTreeSet::from([QuestionType::YesNo]), request: false })
}

/// "what is happening here is that we import it": the speaker goes on to say it.
fn answers_itself(words: &[Word], at: usize) -> bool {
    let rest: Vec<&str> = words.iter().skip(at + 2).take(8).map(|word| word.text.as_str()).collect();
    let told = rest.windows(2).any(|pair| matches!(pair, ["is", "we" | "that" | "it" | "you" | "i" | "the"]));
    told && rest.first().is_some_and(|first| {
        matches!(*first, "happening" | "going" | "nice" | "great" | "cool" | "interesting" | "important")
    })
}

/// Nothing but fillers, a preposition or a short opener stands before.
fn opens(words: &[Word], at: usize, start: usize) -> bool {
    if at <= start {
        return true;
    }
    let before = words.get(start..at).unwrap_or_default();
    before.len() <= 3
        && before.iter().all(|word| {
            PREPOSITIONS.contains(&word.text.as_str()) || FILLERS.contains(&word.text.as_str()) || word.proper
        })
}

/// Question word, up to four words, auxiliary, subject.
fn inverted(words: &[Word], at: usize) -> bool {
    (at + 1..=at + 5).any(|aux| {
        let then = text(words, aux + 1);
        let between = words.get(at + 1..aux).unwrap_or_default();
        AUX.contains(&text(words, aux))
            && (matches!(then, "you" | "your" | "they" | "there" | "anyone" | "anybody" | "people" | "folks")
                || (matches!(then, "i" | "we")
                    && !matches!(text(words, aux), "is" | "has" | "had" | "have" | "may" | "might" | "will"))
                || (matches!(then, "the" | "that" | "it" | "he" | "she" | "this" | "these" | "those")
                    && between.len() <= 2))
            && !between
                .iter()
                .any(|word| ME.contains(&word.text.as_str()) || subject(&word.text) || word.after_mark)
    })
}

fn subject(word: &str) -> bool {
    matches!(
        word,
        "you"
            | "your"
            | "they"
            | "there"
            | "anyone"
            | "anybody"
            | "any"
            | "people"
            | "folks"
            | "he"
            | "she"
            | "it"
            | "that"
            | "this"
            | "the"
            | "those"
            | "these"
    )
}

/// Auxiliary before subject where a sentence or a clause begins.
fn inversion(words: &[Word], at: usize, start: usize, asked: bool) -> Option<Cue> {
    let aux = text(words, at);
    if !AUX.contains(&aux) || aux == "be" {
        return None;
    }
    let first = at == start || opens(words, at, start);
    let linked = words.get(at).is_some_and(|word| word.after_mark)
        || at.checked_sub(1).is_some_and(|before| LINKS.contains(&text(words, before)));
    let mut then = at + 1;
    if text(words, then) == "not" {
        then += 1;
    }
    let next = text(words, then);
    let you = matches!(next, "you" | "your" | "there" | "anyone" | "anybody" | "any" | "they")
        || (aux == "am" && next == "i")
        || (next == "we" && at.checked_sub(1).is_some_and(|before| text(words, before) == "or"));
    let other = subject(next)
        || matches!(next, "everyone" | "everybody" | "someone" | "somebody" | "all" | "we")
        || words.get(then).is_some_and(|word| word.proper);
    let noun = first
        && words.len() >= 4
        && matches!(
            aux,
            "did" | "does" | "has" | "is" | "are" | "was" | "were" | "will" | "can" | "could" | "would"
        )
        && !NOT_SUBJECTS.contains(&next);
    let asks = noun
        || (first
            && (you
                || (other && asked)
                || (other && aux != "that" && !matches!(next, "we" | "that" | "it" | "this"))))
        || (linked && you && (asked || aux != "are"));
    if !asks {
        return None;
    }
    let mut types = BTreeSet::from([QuestionType::YesNo]);
    for inner in then + 1..(then + 12).min(words.len()) {
        let before = text(words, inner.saturating_sub(1));
        if WH.contains(&text(words, inner)) && EMBEDS.contains(&before) {
            types.extend(asks_for(words, inner));
            break;
        }
    }
    Some(Cue { at, types, request: false })
}

/// A statement or a fragment with a question mark.
fn declarative(words: &[Word], start: usize, tag: bool) -> Act {
    let rest = words.get(start..).unwrap_or_default();
    let open_end = rest.last().is_some_and(|last| {
        matches!(last.text.as_str(), "is" | "be" | "are" | "was" | "being" | "from" | "by" | "with" | "for")
    });
    let subjectless = !rest.iter().any(|word| {
        matches!(word.text.as_str(), "you" | "we" | "they" | "i" | "it" | "he" | "she")
            || AUX.contains(&word.text.as_str())
    });
    let elliptic = rest.first().is_some_and(|first| {
        matches!(
            first.text.as_str(),
            "any" | "anything" | "anyone" | "anybody" | "ever" | "somebody" | "someone"
        )
    });
    if elliptic {
        let types = BTreeSet::from([QuestionType::YesNo]);
        return Act {
            types,
            from: 0,
            to: words.len(),
            declarative: false,
            tag,
            request: false,
            marked: true,
        };
    }
    let asks = open_end || (subjectless && rest.len() <= 8);
    let mut types = BTreeSet::from([if asks { QuestionType::Request } else { QuestionType::YesNo }]);
    if asks {
        types.extend(rest.iter().filter_map(|word| by_noun(&word.text)));
    }
    Act { types, from: 0, to: words.len(), declarative: !asks, tag, request: false, marked: true }
}

fn ends_in_tag(words: &[Word], asked: bool) -> bool {
    let last = words.len().checked_sub(1).map_or("", |at| text(words, at));
    let before = words.len().checked_sub(2).map_or("", |at| text(words, at));
    match last {
        "right" | "correct" => asked || words.len() > 4,
        "yeah" | "yes" | "no" | "true" | "okay" | "accurate" => asked && words.len() > 3,
        "it" | "he" | "she" | "they" | "you" | "there" | "that" => asked && before == "not",
        _ => false,
    }
}

fn dropped(act: &Act, words: &[Word], language: &Language) -> bool {
    let window = words.get(act.from..act.to).unwrap_or_default();
    let has = |phrases: &[Phrase]| phrases.iter().any(|phrase| phrase.is_in(window));
    has(&language.mechanics) || has(&language.offers) || has(&language.reported)
}
