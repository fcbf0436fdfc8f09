//! From what was said to words: small letters, no accents, contractions spelled out.

use crate::stem::stem;

/// Most words of one sentence that are looked at.
const LONGEST: usize = 400;

/// One word as it was said, made comparable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// Lower case, no accents.
    pub text: String,
    pub stem: String,
    /// Written with a capital although no sentence begins here.
    pub proper: bool,
    /// A punctuation mark stands right before it.
    pub after_mark: bool,
}

/// The words of a text. An apostrophe joins or spells out; everything else that is no letter or digit parts words, except within figures.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut out = Vec::new();
    let (mut begins, mut after_mark) = (true, false);
    for piece in pieces(text) {
        match piece {
            Piece::Mark(mark) => {
                after_mark = true;
                begins |= matches!(mark, '.' | '?' | '!' | ':' | '"' | '“');
            }
            Piece::Word(raw) => {
                if out.len() >= LONGEST {
                    break;
                }
                let capital = raw.chars().next().is_some_and(char::is_uppercase);
                let shouted = raw.chars().filter(|each| each.is_uppercase()).count() > 1;
                let proper = capital && (!begins || shouted) && raw != "I" && !raw.starts_with("I'");
                let low = plain(&raw);
                for (position, text) in spelled_out(&low).into_iter().enumerate() {
                    let stem = stem(&text);
                    let first = position == 0;
                    out.push(Word { text, stem, proper: proper && first, after_mark: after_mark && first });
                }
                (begins, after_mark) = (false, false);
            }
        }
    }
    out
}

enum Piece {
    Word(String),
    Mark(char),
}

fn pieces(text: &str) -> Vec<Piece> {
    let letters: Vec<char> = text.chars().filter(|each| !is_hidden(*each)).collect();
    let mut out = Vec::new();
    let mut word = String::new();
    for (at, each) in letters.iter().copied().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at)).copied().unwrap_or(' ');
        let next = letters.get(at + 1).copied().unwrap_or(' ');
        let in_figure = before.is_ascii_digit() && next.is_ascii_digit();
        let joins = match each {
            '\'' | '’' => before.is_alphanumeric() && next.is_alphanumeric(),
            ',' | '.' | '/' => in_figure,
            '-' => in_figure && word.chars().all(|each| each.is_ascii_digit() || each == '-'),
            '%' | '$' | '€' | '£' => false,
            other => other.is_alphanumeric(),
        };
        if joins {
            word.push(if each == '’' { '\'' } else { each });
            continue;
        }
        if !word.is_empty() {
            out.push(Piece::Word(std::mem::take(&mut word)));
        }
        match each {
            '%' => out.push(Piece::Word("percent".to_owned())),
            '.' | '?' | '!' | ',' | ';' | ':' | '"' | '“' | '”' | '–' | '—' | '…' => {
                out.push(Piece::Mark(each));
            }
            _ => {}
        }
    }
    if !word.is_empty() {
        out.push(Piece::Word(word));
    }
    out
}

fn is_hidden(each: char) -> bool {
    matches!(each, '\u{0300}'..='\u{036F}' | '\u{00AD}' | '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}')
}

/// Lower case without accents, as far as Latin letters carry one.
pub(crate) fn plain(word: &str) -> String {
    word.chars().flat_map(char::to_lowercase).filter(|each| !is_hidden(*each)).map(unaccented).collect()
}

fn unaccented(each: char) -> char {
    match each {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'ď' | 'đ' => 'd',
        'è'..='ë' | 'ē' | 'ę' | 'ě' => 'e',
        'ğ' => 'g',
        'ì'..='ï' | 'ī' | 'ı' => 'i',
        'ł' => 'l',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ő' => 'o',
        'ř' => 'r',
        'ś' | 'ş' | 'š' | 'ș' => 's',
        'ţ' | 'ť' | 'ț' => 't',
        'ù'..='ü' | 'ū' | 'ů' | 'ű' => 'u',
        'ý' | 'ÿ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        other => other,
    }
}

/// Contractions as the words they stand for, written with or without their apostrophe.
fn spelled_out(word: &str) -> Vec<String> {
    let own = |words: &[&str]| words.iter().map(|each| (*each).to_owned()).collect();
    let fixed: &[&str] = match word {
        "whats" => &["what", "is"],
        "whos" => &["who", "is"],
        "hows" => &["how", "is"],
        "wheres" => &["where", "is"],
        "whens" => &["when", "is"],
        "thats" => &["that", "is"],
        "theres" => &["there", "is"],
        "lets" | "let's" => &["let", "us"],
        "dont" | "don't" => &["do", "not"],
        "doesnt" | "doesn't" => &["does", "not"],
        "didnt" | "didn't" => &["did", "not"],
        "isnt" | "isn't" => &["is", "not"],
        "arent" | "aren't" => &["are", "not"],
        "wasnt" | "wasn't" => &["was", "not"],
        "havent" | "haven't" => &["have", "not"],
        "hasnt" | "hasn't" => &["has", "not"],
        "cant" | "can't" | "cannot" => &["can", "not"],
        "couldnt" | "couldn't" => &["could", "not"],
        "wouldnt" | "wouldn't" => &["would", "not"],
        "wont" | "won't" => &["will", "not"],
        "youre" => &["you", "are"],
        "youve" => &["you", "have"],
        "youd" => &["you", "would"],
        "youll" => &["you", "will"],
        "theyre" => &["they", "are"],
        "weve" => &["we", "have"],
        "im" => &["i", "am"],
        "ive" => &["i", "have"],
        "gonna" => &["going", "to"],
        "wanna" => &["want", "to"],
        "gotta" => &["got", "to"],
        "gimme" => &["give", "me"],
        "lemme" => &["let", "me"],
        "yall" | "y'all" => &["you", "all"],
        "ya" => &["you"],
        "alright" | "ok" => &["okay"],
        _ => &[],
    };
    if !fixed.is_empty() {
        return own(fixed);
    }
    let Some((head, tail)) = word.split_once('\'') else { return vec![word.to_owned()] };
    match tail {
        "s" if SUBJECTS.contains(&head) => own(&[head, "is"]),
        "re" => own(&[head, "are"]),
        "ve" => own(&[head, "have"]),
        "d" if head == "how" || head == "why" || head == "where" => own(&[head, "did"]),
        "d" => own(&[head, "would"]),
        "ll" => own(&[head, "will"]),
        "m" => own(&[head, "am"]),
        "s" | "t" => own(&[head]),
        _ => own(&[&head.replace('\'', ""), &tail.replace('\'', "")]),
    }
}

/// Words after which `'s` stands for "is"; elsewhere it is a genitive.
const SUBJECTS: [&str; 14] = [
    "what", "who", "where", "when", "how", "why", "that", "it", "there", "here", "he", "she", "this", "which",
];

/// The sentences of a text with whether a question mark ends them. A full stop within a figure or an abbreviation ends nothing.
pub(crate) fn sentences(text: &str) -> Vec<(&str, bool)> {
    let mut out = Vec::new();
    let mut from = 0;
    let mut letters = text.char_indices().peekable();
    while let Some((at, each)) = letters.next() {
        if !matches!(each, '.' | '?' | '!') {
            continue;
        }
        let spaced = letters.peek().is_none_or(|(_, next)| next.is_whitespace() || matches!(next, '"' | '”'));
        let before = text.get(from..at).unwrap_or_default();
        if !spaced || (each == '.' && abbreviated(before)) {
            continue;
        }
        let to = at + each.len_utf8();
        keep(&mut out, text.get(from..to).unwrap_or_default(), each == '?');
        from = to;
    }
    keep(&mut out, text.get(from..).unwrap_or_default(), false);
    out
}

fn keep<'a>(out: &mut Vec<(&'a str, bool)>, sentence: &'a str, asked: bool) {
    let sentence = sentence.trim();
    if sentence.chars().any(char::is_alphanumeric) {
        out.push((sentence, asked));
    } else if asked && let Some(last) = out.last_mut() {
        last.1 = true;
    }
}

fn abbreviated(before: &str) -> bool {
    let last = before.rsplit(|each: char| each.is_whitespace()).next().unwrap_or_default();
    matches!(last, "Mr" | "Mrs" | "Ms" | "Dr" | "vs" | "e.g" | "i.e" | "etc" | "Inc" | "No" | "approx" | "St")
        || (last.len() == 1 && last != "I" && last.chars().all(char::is_uppercase))
}

#[cfg(test)]
mod tests {
    use super::{sentences, words};

    fn said(text: &str) -> String {
        words(text).into_iter().map(|word| word.text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn contractions_are_spelled_out_with_and_without_apostrophe() {
        assert_eq!(
            said("What’s your timeline, and who's signing?"),
            "what is your timeline and who is signing"
        );
        assert_eq!(said("whats the date, I dont know"), "what is the date i do not know");
        assert_eq!(said("Dana's team"), "dana team");
    }

    #[test]
    fn figures_stay_whole() {
        assert_eq!(
            said("$250,000 by 2026-03-15, i.e. 2.5x or 30%"),
            "250,000 by 2026-03-15 i e 2.5x or 30 percent"
        );
    }

    #[test]
    fn sentences_end_at_their_marks() {
        let found = sentences("Okay. Who signs? Mr. Lee, for up to 2.5 million. Right");
        assert_eq!(
            found,
            [
                ("Okay.", false),
                ("Who signs?", true),
                ("Mr. Lee, for up to 2.5 million.", false),
                ("Right", false)
            ]
        );
    }

    #[test]
    fn a_capital_within_a_sentence_is_a_name() {
        let proper: Vec<_> = words("We moved from Zendesk to SAP. They like it.")
            .into_iter()
            .filter(|word| word.proper)
            .map(|word| word.text)
            .collect();
        assert_eq!(proper, ["zendesk", "sap"]);
    }
}
