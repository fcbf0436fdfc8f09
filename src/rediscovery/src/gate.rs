//! Whether a question already holds the recorded value: then it confirms it or asks for more, and re-asks nothing.

use std::collections::BTreeSet;

use crate::act::Act;
use crate::lexicon::{Lexicon, QuestionType};
use crate::overlap::Value;
use crate::phrase::Phrase;
use crate::talk::{Said, comparable};
use crate::text::Word;

/// Given away in a question that verifies.
const VERIFIED: f64 = 2.5;
/// Given away in a question that asks for something.
const NAMED: f64 = 5.5;

/// What a question does with the recorded value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// It does not hold it.
    Open,
    /// It reads it back and asks whether it holds.
    Confirm,
    /// It names it and asks for more.
    NewDetail,
}

/// The gate, and how much of the value the question and its surroundings give away.
pub(crate) fn gate(
    value: &Value,
    said: &Said,
    act: &Act,
    (before, after): (&[&Said], &[&Said]),
    lexicon: &Lexicon,
    customers: &BTreeSet<String>,
) -> (Gate, f64) {
    let language = &lexicon.language;
    let has = |phrases: &[Phrase], words: &[Word]| phrases.iter().any(|phrase| phrase.is_in(words));
    let own = addressed(&said.words, customers);
    let mut words = own.clone();
    let mut reads_back = has(&language.read_back, &said.words);
    let leans = said.words.len() <= 7 || act.tag || has(&language.still_true, &said.words);
    for (far, near) in before.iter().take(2).enumerate() {
        let leans = leans && far == 0 && near.acts.is_empty() && near.words.len() > 4;
        if leans || has(&language.read_back, &near.words) {
            words.extend(near.words.iter().cloned());
            reads_back |= has(&language.read_back, &near.words);
        }
    }
    // "Who signs? It's Dana, isn't it?"
    for near in after.iter().take(1) {
        let verifies =
            near.acts.iter().any(|act| act.declarative || act.tag) || has(&language.read_back, &near.words);
        if verifies {
            words.extend(near.words.iter().cloned());
            reads_back = true;
        }
    }
    let still = has(&language.still_true, &said.words);
    let yes_no = act.types.contains(&QuestionType::YesNo) && act.types.len() == 1;
    let verifies = still || act.tag || act.declarative || reads_back;
    let words = comparable(&words, &lexicon.same);
    let told = value.repeated(&words, &BTreeSet::new());
    let told = if verifies && told.is_strong() { told.nats / 2.0 } else { 0.0 };
    let given = value.given_away(&words).nats.max(told);
    let here = value.given_away(&comparable(&own, &lexicon.same)).nats;
    let small = value.secret() > 0.0 && given >= value.secret() * 0.45;
    let names = given >= NAMED || (given >= VERIFIED && small);
    if still {
        return (Gate::Confirm, given);
    }
    if verifies && (given >= VERIFIED || (act.tag && act.declarative)) {
        let confirms = yes_no || act.tag || act.declarative || reads_back;
        return (if confirms { Gate::Confirm } else { Gate::NewDetail }, given);
    }
    if yes_no && here >= VERIFIED && (names || here >= NAMED) {
        return (Gate::Confirm, given);
    }
    if names || has(&language.narrower, &said.words) {
        return (Gate::NewDetail, given);
    }
    (Gate::Open, given)
}

/// Without the names by which the customer's people are called.
fn addressed(words: &[Word], customers: &BTreeSet<String>) -> Vec<Word> {
    let last = words.len().saturating_sub(1);
    let calls = |at: usize, word: &Word| {
        let marked = words.get(at + 1).is_none_or(|next| next.after_mark) || word.after_mark;
        customers.contains(&word.text) && (at <= 2 || at == last) && marked
    };
    words.iter().enumerate().filter(|(at, word)| !calls(*at, word)).map(|(_, word)| word.clone()).collect()
}
