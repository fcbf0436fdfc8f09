//! How clearly a question asks for a field: rows of the lexicon, and likeness to known questions.

use std::collections::BTreeSet;

use crate::act::Act;
use crate::lexicon::{Ask, Field, Lexicon, QuestionType};
use crate::text::Word;

/// How much likeness to an exemplar adds at most.
const LIKENESS: f64 = 0.35;
/// What a topic counts that stands only in the sentence before the question.
const CARRIED: f64 = 0.7;

/// How clearly a question asks for one field.
#[derive(Debug, Clone, Default)]
pub(crate) struct FieldScore {
    /// 0 to 1.
    pub score: f64,
    /// Topics and phrases of the lexicon that were hit.
    pub matched: BTreeSet<String>,
    /// Whether the field answers this type of question.
    pub fits: bool,
}

/// What a question counts that speaks of the screen, of the meeting, or of what to do.
const AROUND: f64 = 0.5;

/// The words of a question and of what the same speaker said right before.
#[derive(Clone, Copy)]
pub(crate) struct Heard<'a> {
    pub question: &'a [Word],
    pub before: &'a [Word],
    pub act: &'a Act,
}

/// One score per field of the lexicon, in its order.
pub(crate) fn scores(heard: Heard<'_>, lexicon: &Lexicon) -> Vec<FieldScore> {
    let alike = lexicon.bank.similar(heard.question);
    let around = lexicon.language.around.iter().any(|phrase| phrase.is_in(heard.question));
    let times = if around || proposes(heard) { AROUND } else { 1.0 };
    lexicon.fields.iter().zip(alike).map(|(field, alike)| of(field, alike, times, heard, lexicon)).collect()
}

fn of(field: &Field, alike: f64, times: f64, heard: Heard<'_>, lexicon: &Lexicon) -> FieldScore {
    let act = heard.act;
    let fits = act.types.contains(&QuestionType::Request)
        || act.types.contains(&QuestionType::YesNo)
        || !act.types.is_disjoint(&field.expects);
    let mut out = FieldScore { fits, ..FieldScore::default() };
    if field.unless.iter().any(|phrase| phrase.is_in(heard.question)) {
        return FieldScore::default();
    }
    let mut rows: Vec<f64> = Vec::new();
    for ask in &field.asks {
        let direct = hit(ask, heard.question, lexicon);
        let carried = || hit(ask, heard.before, lexicon).filter(|_| heard.question.len() <= 14);
        let found = direct.map(|names| (names, 1.0)).or_else(|| carried().map(|names| (names, CARRIED)));
        if let Some((names, times)) = found {
            rows.push(ask.strength * type_factor(ask, act) * times);
            out.matched.extend(names);
        }
    }
    rows.sort_by(|left, right| right.total_cmp(left));
    let best = rows.first().copied().unwrap_or(0.0);
    let second = rows.get(1).copied().unwrap_or(0.0);
    let rows = best + (1.0 - best) * second * 0.2;
    let alike = ((alike - 0.2) / 0.6).clamp(0.0, 1.0);
    out.score = rows + (1.0 - rows) * alike * LIKENESS;
    if is_about_us(heard.question) && !field.ours {
        out.score *= 0.55;
    }
    out.score *= times;
    out
}

/// "Should the champion get …": asks what to do, not what is.
fn proposes(heard: Heard<'_>) -> bool {
    let yes_no = heard.act.types.len() == 1 && heard.act.types.contains(&QuestionType::YesNo);
    yes_no && heard.question.iter().take(3).any(|word| word.text == "should")
}

/// The names of what a row hits, if it hits all it asks for.
fn hit(ask: &Ask, words: &[Word], lexicon: &Lexicon) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for topic in &ask.about {
        let phrases = lexicon.topics.get(topic)?;
        phrases.iter().find(|phrase| phrase.is_in(words))?;
        names.push(format!("topic:{topic}"));
    }
    if !ask.says.is_empty() {
        let said = ask.says.iter().find(|phrase| phrase.is_in(words))?;
        names.push(format!("phrase:{}", said.stems().collect::<Vec<_>>().join(" ")));
    }
    Some(names)
}

fn type_factor(ask: &Ask, act: &Act) -> f64 {
    use QuestionType::{How, Request, What, YesNo};
    if act.declarative {
        return 0.6;
    }
    let yes_no = act.types.contains(&YesNo) && act.types.len() == 1;
    if ask.types.is_empty() {
        return if yes_no { 0.9 } else { 1.0 };
    }
    if !act.types.is_disjoint(&ask.types) {
        1.0
    } else if act.types.contains(&Request) {
        0.95
    } else if act.types.contains(&What) || act.types.contains(&How) || yes_no {
        0.75
    } else {
        0.55
    }
}

/// Speaks of "us" and not of "you": the question of somebody about his own side.
fn is_about_us(words: &[Word]) -> bool {
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.text.as_str()));
    has(&["we", "our", "us", "ours"]) && !has(&["you", "your", "yours", "y'all", "yourself"])
}
