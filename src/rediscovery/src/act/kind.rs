//! What kind of answer a question word asks for.

use std::collections::BTreeSet;

use super::text;
use crate::lexicon::QuestionType;
use crate::text::Word;

/// What the question word at `at` asks for.
pub(super) fn asks_for(words: &[Word], at: usize) -> BTreeSet<QuestionType> {
    use QuestionType::{How, HowMuch, What, When, Where, Who, Why};
    let next = text(words, at + 1);
    let mut types = BTreeSet::new();
    match text(words, at) {
        "who" | "whom" | "whose" => {
            types.insert(Who);
        }
        "when" => {
            types.insert(When);
        }
        "where" => {
            types.insert(Where);
        }
        "why" => {
            types.insert(Why);
        }
        "how" => {
            types.insert(match next {
                "much" | "many" | "large" | "big" | "few" | "high" | "low" | "often" => HowMuch,
                "long" | "soon" | "quickly" | "fast" | "far" | "early" | "late" => When,
                "come" => Why,
                _ => How,
            });
        }
        _ => {
            types.insert(What);
            for near in at + 1..at + 6 {
                types.extend(by_noun(text(words, near)));
            }
        }
    }
    types
}

/// What a noun near a question word says about the answer.
pub(super) fn by_noun(word: &str) -> Option<QuestionType> {
    Some(match word {
        "date" | "day" | "month" | "week" | "quarter" | "deadline" | "timeframe" | "timeline" | "timing"
        | "season" | "year" | "hours" | "dates" => QuestionType::When,
        "person" | "name" | "names" | "people" | "individual" | "individuals" | "exec" | "executive" => {
            QuestionType::Who
        }
        "amount" | "number" | "figure" | "percent" | "percentage" | "range" | "size" | "dollar"
        | "threshold" => QuestionType::HowMuch,
        "made" | "prompted" | "drove" | "driving" | "triggered" | "pushed" | "caused" | "reason"
        | "behind" | "happened" | "changed" | "led" => QuestionType::Why,
        _ => return None,
    })
}
