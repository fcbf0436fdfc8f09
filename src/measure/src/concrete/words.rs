//! When two texts speak of the same thing: by their words alone, with a rule that can be checked by hand.

use std::collections::BTreeSet;

/// Words that carry nothing, beside all of fewer than four letters.
const EMPTY: [&str; 46] = [
    "about", "also", "although", "been", "because", "before", "being", "both", "could", "does", "doing",
    "from", "have", "having", "into", "just", "like", "many", "more", "most", "much", "need", "needs",
    "only", "over", "really", "said", "should", "some", "such", "than", "that", "their", "them", "then",
    "there", "they", "this", "very", "want", "wants", "were", "what", "when", "will", "with",
];

/// Words that say that a lead scored, and nothing else.
const SCORE: [&str; 17] = [
    "score",
    "scored",
    "scoring",
    "scores",
    "high",
    "higher",
    "lead",
    "leads",
    "points",
    "hot",
    "warm",
    "good",
    "great",
    "fit",
    "mql",
    "qualified",
    "marketing",
];

/// Words that say "there is none".
const NONE: [&str; 8] = ["none", "nobody", "nothing", "no", "zero", "0", "nil", "niemand"];

/// The words of a text: lower case, letters and digits only.
pub fn tokens(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    lower
        .split(|each: char| !each.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The words that carry something: numbers, and words of four letters and more that are not among the most common; each once.
pub fn content(text: &str) -> BTreeSet<String> {
    let carries = |word: &String| {
        let is_number = word.chars().all(|each| each.is_ascii_digit());
        is_number || (word.chars().count() >= 4 && !EMPTY.contains(&word.as_str()))
    };
    tokens(text).into_iter().filter(carries).collect()
}

/// Whether two words are forms of one: the same, or five or more letters in common at the start and at most four letters apart in length.
pub fn akin(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let common = one.chars().zip(other.chars()).take_while(|(left, right)| left == right).count();
    common >= 5 && one.chars().count().abs_diff(other.chars().count()) <= 4
}

/// Whether an answer speaks of what a text says: at least two of its content words (one, if the text has no more) are words of the text, and
/// they are at least a third of the shorter of both.
pub fn speaks_of(answer: &str, text: &str) -> bool {
    let (answer, text) = (content(answer), content(text));
    let common = answer.iter().filter(|word| text.iter().any(|other| akin(word, other))).count();
    let enough = text.len().min(2);
    common > 0 && common >= enough && common * 3 >= answer.len().min(text.len())
}

/// Whether an answer says only that the lead scored.
pub fn is_a_score(answer: &str) -> bool {
    let words = tokens(answer);
    let mut heavy = words.iter().filter(|word| {
        word.chars().count() > 2
            && !matches!(word.as_str(), "the" | "was" | "his" | "her" | "its" | "had" | "very" | "and")
            && !EMPTY.contains(&word.as_str())
            && !word.chars().all(|each| each.is_ascii_digit())
    });
    let mut any = false;
    heavy.all(|word| {
        any = true;
        SCORE.contains(&word.as_str())
    }) && (any || !words.is_empty())
}

/// Whether an answer says that there is none.
pub fn says_none(answer: &str) -> bool {
    tokens(answer).first().is_some_and(|first| NONE.contains(&first.as_str()))
}

/// Whether a name stands in an answer, word by word and in order.
pub fn names(answer: &str, name: &str) -> bool {
    let (answer, name) = (tokens(answer), tokens(name));
    !name.is_empty() && answer.windows(name.len()).any(|window| window == name.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_thing_in_other_words_is_the_same_thing() {
        let trigger = "They lost two schools after the district audit found duplicate enrolment records";
        assert!(speaks_of("The audit in their district found duplicated records", trigger));
        assert!(speaks_of("district audit!", trigger));
        assert!(!speaks_of("They want to grow next year", trigger));
        assert!(!speaks_of("records", trigger), "one word out of many is a guess");
        assert!(!speaks_of("", trigger) && !speaks_of("anything", ""));
        assert!(speaks_of("migration", "Migrating"), "a text of one word needs no more");
        let padded = "audit district and apples pears plums cherries grapes melons lemons oranges limes";
        assert!(!speaks_of(padded, trigger), "two hits among many other words are none");
    }

    #[test]
    fn the_score_was_high_is_no_trigger() {
        for answer in ["The score was high", "high score", "MQL, 82 points", "hot lead!", "82"] {
            assert!(is_a_score(answer), "{answer}");
        }
        for answer in ["Their score system failed the audit", "New CFO wants one system", ""] {
            assert!(!is_a_score(answer), "{answer}");
        }
    }

    #[test]
    fn names_are_found_whole_and_none_is_an_answer() {
        assert!(names("We saw Acme Cloud there", "acme cloud") && !names("Acmecloud", "Acme Cloud"));
        assert!(!names("anything", "") && !names("", "x"));
        assert!(says_none("None that I know of") && says_none("0") && !says_none("Nora"));
        assert!(
            akin("migration", "migrate") && !akin("price", "pricing-table-model") && !akin("cat", "cats")
        );
    }
}
