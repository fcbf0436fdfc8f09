//! What is compared between an answer and a recorded value: stems, figures, dates.

use std::collections::BTreeSet;

use crate::text::Word;

/// What kind of thing a term is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Word,
    Number,
    Month,
    Day,
    Quarter,
    Year,
}

/// One comparable thing; equal keys mean the same.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Term {
    pub key: String,
    pub kind: Kind,
    /// A word as it was said, lower case; empty for figures.
    pub word: String,
    pub proper: bool,
    /// The numeric value of a number, for its weight.
    pub size: f64,
}

/// The terms of some words, each key once, in the order in which they were said first.
pub(crate) fn of_words(words: &[Word]) -> Vec<Term> {
    let mut found = Found::default();
    let mut at = 0;
    while at < words.len() {
        let rest = words.get(at..).unwrap_or_default();
        at += found.take(rest, at.checked_sub(1).and_then(|before| words.get(before)));
    }
    found.terms
}

#[derive(Default)]
struct Found {
    terms: Vec<Term>,
    keys: BTreeSet<String>,
}

impl Found {
    fn push(&mut self, key: String, kind: Kind, word: &str, proper: bool, size: f64) {
        if self.keys.insert(key.clone()) {
            self.terms.push(Term { key, kind, word: word.to_owned(), proper, size });
        }
    }

    fn date(&mut self, month: u32, day: Option<u32>) {
        self.push(format!("month:{month}"), Kind::Month, "", false, 0.0);
        self.push(format!("quarter:{}", month.saturating_sub(1) / 3 + 1), Kind::Quarter, "", false, 0.0);
        if let Some(day) = day {
            self.push(format!("day:{month}-{day}"), Kind::Day, "", false, 0.0);
        }
    }

    fn year(&mut self, year: u32) {
        self.push(format!("year:{year}"), Kind::Year, "", false, 0.0);
    }

    /// Takes the term that begins here; returns how many words it took.
    fn take(&mut self, rest: &[Word], before: Option<&Word>) -> usize {
        let Some(first) = rest.first() else { return 1 };
        if let Some((year, month, day)) = iso_date(&first.text) {
            self.date(month, Some(day));
            self.year(year);
            return 1;
        }
        if let Some(quarter) = quarter(rest) {
            self.push(format!("quarter:{}", quarter.0), Kind::Quarter, "", false, 0.0);
            return quarter.1;
        }
        if let Some(month) = month(first, rest, before) {
            let (day, taken) = day_after(rest.get(1..).unwrap_or_default());
            self.date(month, day);
            return 1 + taken;
        }
        if let Some((day, month, taken)) = day_of_month(rest) {
            self.date(month, Some(day));
            return taken;
        }
        if let Some((value, taken)) = number(rest) {
            self.number(value);
            return taken;
        }
        let word = &first.text;
        if word.chars().any(char::is_alphabetic) {
            self.push(format!("w:{}", first.stem), Kind::Word, word, first.proper, 0.0);
        }
        1
    }

    fn number(&mut self, value: f64) {
        if (2015.0..=2045.0).contains(&value) && value.fract() == 0.0 {
            self.push(format!("year:{value}"), Kind::Year, "", false, value);
        } else {
            self.push(format!("n:{value}"), Kind::Number, "", false, value);
        }
    }
}

fn iso_date(word: &str) -> Option<(u32, u32, u32)> {
    let mut parts = word.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    let day = day.get(..2).unwrap_or(day);
    let (year, month, day) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some((year, month, day))
}

fn quarter(rest: &[Word]) -> Option<(u32, usize)> {
    let text = |at: usize| rest.get(at).map(|word| word.text.as_str());
    let numbered = |digit: &str| digit.parse().ok().filter(|quarter| (1..=4).contains(quarter));
    if let Some(quarter) = text(0)?.strip_prefix('q').and_then(numbered) {
        return Some((quarter, 1));
    }
    let named = |name: Option<&str>| match name? {
        "first" | "1st" | "one" => Some(1),
        "second" | "2nd" | "two" => Some(2),
        "third" | "3rd" | "three" => Some(3),
        "fourth" | "4th" | "four" => Some(4),
        _ => None,
    };
    if let Some(quarter) = named(text(0))
        && text(1) == Some("quarter")
    {
        return Some((quarter, 2));
    }
    if matches!(text(0), Some("q" | "quarter"))
        && let Some(quarter) = named(text(1)).or_else(|| numbered(text(1)?))
    {
        return Some((quarter, 2));
    }
    None
}

fn month_named(word: &str) -> Option<u32> {
    Some(match word {
        "january" | "jan" => 1,
        "february" | "feb" => 2,
        "march" => 3,
        "april" | "apr" => 4,
        "may" => 5,
        "june" | "jun" => 6,
        "july" | "jul" => 7,
        "august" | "aug" => 8,
        "september" | "sept" | "sep" => 9,
        "october" | "oct" => 10,
        "november" | "nov" => 11,
        "december" | "dec" => 12,
        _ => return None,
    })
}

/// "may" and "march" are months only where a date is: after a preposition, before a day, or with a capital within a sentence.
fn month(first: &Word, rest: &[Word], before: Option<&Word>) -> Option<u32> {
    let month = month_named(&first.text)?;
    if !matches!(first.text.as_str(), "may" | "march") {
        return Some(month);
    }
    let dated = day_after(rest.get(1..).unwrap_or_default()).0.is_some();
    let placed = before.is_some_and(|word| {
        matches!(
            word.text.as_str(),
            "in" | "by"
                | "of"
                | "this"
                | "next"
                | "early"
                | "late"
                | "mid"
                | "until"
                | "before"
                | "after"
                | "since"
                | "for"
                | "end"
        )
    });
    (dated || placed || first.proper).then_some(month)
}

fn day_after(rest: &[Word]) -> (Option<u32>, usize) {
    let skipped = usize::from(rest.first().is_some_and(|word| word.text == "the"));
    match ordinal(rest.get(skipped..).unwrap_or_default()) {
        Some((day, taken)) => (Some(day), taken + skipped),
        None => (None, 0),
    }
}

/// "the fifteenth of march", "15 march".
fn day_of_month(rest: &[Word]) -> Option<(u32, u32, usize)> {
    let (day, taken) = ordinal(rest)?;
    let of = usize::from(rest.get(taken).is_some_and(|word| word.text == "of"));
    let month = month_named(&rest.get(taken + of)?.text)?;
    Some((day, month, taken + of + 1))
}

/// A day of a month in figures or words.
fn ordinal(rest: &[Word]) -> Option<(u32, usize)> {
    let first = rest.first()?.text.as_str();
    let digits = first.trim_end_matches(|each: char| each.is_ascii_alphabetic());
    let suffix = first.get(digits.len()..).unwrap_or_default();
    if !digits.is_empty()
        && matches!(suffix, "" | "st" | "nd" | "rd" | "th")
        && let Ok(day) = digits.parse()
    {
        return (1..=31).contains(&day).then_some((day, 1));
    }
    if let Some(tens) = match first {
        "twenty" => Some(20),
        "thirty" => Some(30),
        _ => None,
    } && let Some(units) =
        rest.get(1).and_then(|word| ordinal_word(&word.text)).filter(|units| *units < 10)
    {
        return Some((tens + units, 2));
    }
    ordinal_word(first).map(|day| (day, 1))
}

fn ordinal_word(word: &str) -> Option<u32> {
    const NAMES: [&str; 20] = [
        "first",
        "second",
        "third",
        "fourth",
        "fifth",
        "sixth",
        "seventh",
        "eighth",
        "ninth",
        "tenth",
        "eleventh",
        "twelfth",
        "thirteenth",
        "fourteenth",
        "fifteenth",
        "sixteenth",
        "seventeenth",
        "eighteenth",
        "nineteenth",
        "twentieth",
    ];
    if word == "thirtieth" {
        return Some(30);
    }
    let at = NAMES.iter().position(|name| *name == word)?;
    u32::try_from(at + 1).ok()
}

/// A number in figures or words with its scale: "250k", "two hundred and fifty thousand", "half a million".
fn number(rest: &[Word]) -> Option<(f64, usize)> {
    let first = rest.first()?.text.as_str();
    let (value, taken) = if first.starts_with(|each: char| each.is_ascii_digit()) {
        (figures(first)?, 1)
    } else {
        in_words(rest)?
    };
    let (mut value, mut taken) = (value, taken);
    while let Some(scale) = rest.get(taken).and_then(|word| scale(&word.text)) {
        value *= scale;
        taken += 1;
    }
    Some((value, taken))
}

fn figures(text: &str) -> Option<f64> {
    let digits: String =
        text.chars().take_while(|each| each.is_ascii_digit() || matches!(each, ',' | '.')).collect();
    let suffix = text.get(digits.len()..).unwrap_or_default();
    let value: f64 = digits.replace(',', "").trim_end_matches('.').parse().ok()?;
    let times = match suffix {
        "" | "st" | "nd" | "rd" | "th" | "x" | "s" | "am" | "pm" | "h" => 1.0,
        "k" => 1e3,
        "m" | "mm" | "mil" | "mio" => 1e6,
        "b" | "bn" => 1e9,
        _ => return None,
    };
    (value < 1e15).then_some(value * times)
}

fn scale(word: &str) -> Option<f64> {
    Some(match word {
        "k" | "thousand" | "grand" => 1e3,
        "million" | "mil" | "m" => 1e6,
        "billion" | "bn" => 1e9,
        _ => return None,
    })
}

fn small(word: &str) -> Option<f64> {
    const UNITS: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    if let Some(at) = UNITS.iter().position(|name| *name == word) {
        return u32::try_from(at).ok().map(f64::from);
    }
    let at = TENS.iter().position(|name| *name == word)?;
    u32::try_from(at + 2).ok().map(|tens| f64::from(tens) * 10.0)
}

fn in_words(rest: &[Word]) -> Option<(f64, usize)> {
    let text = |at: usize| rest.get(at).map(|word| word.text.as_str());
    match (text(0), text(1), text(2)) {
        (Some("half"), Some("a"), Some("million")) => return Some((5e5, 3)),
        (Some("quarter"), Some("million"), _) => return Some((2.5e5, 2)),
        (Some("dozen"), _, _) => return Some((12.0, 1)),
        _ => {}
    }
    let one = text(0) == Some("a") && matches!(text(1), Some("hundred" | "thousand" | "million"));
    let (mut total, mut at) = (if one { 1.0 } else { small(text(0)?)? }, 1);
    if text(1) == Some("point")
        && let Some(tenths) = text(2).and_then(small)
    {
        return Some((total + tenths / 10.0, 3));
    }
    let mut open_tens = total >= 20.0;
    while let Some(word) = text(at) {
        if word == "hundred" {
            (total, open_tens) = (total * 100.0, true);
        } else if word == "and" && total >= 100.0 && text(at + 1).is_some_and(|next| small(next).is_some()) {
            open_tens = true;
        } else if let Some(next) = small(word).filter(|next| open_tens && (total >= 100.0 || *next < 10.0)) {
            (total, open_tens) = (total + next, next >= 20.0);
        } else if let Some(next) =
            small(word).filter(|next| *next >= 10.0 && at == 1 && (total < 10.0 || text(0) == Some("twenty")))
        {
            // "two fifty" is how two hundred and fifty is said, and "twenty twenty" begins a year
            (total, open_tens) = (total * 100.0 + next, next >= 20.0);
        } else {
            break;
        }
        at += 1;
    }
    Some((total, at))
}

#[cfg(test)]
mod tests {
    use super::of_words;
    use crate::text::words;

    fn keys(text: &str) -> Vec<String> {
        of_words(&words(text)).into_iter().map(|term| term.key).collect()
    }

    #[test]
    fn amounts_meet_however_they_are_written() {
        for text in [
            "$250,000",
            "250k",
            "two hundred and fifty thousand",
            "250 grand",
            "quarter million",
            "two fifty k",
        ] {
            assert_eq!(keys(text), ["n:250000"], "{text}");
        }
        assert_eq!(keys("half a million"), ["n:500000"]);
        assert_eq!(keys("1.5 million"), keys("one point five million"));
        assert_eq!(keys("twenty five"), ["n:25"]);
        assert_eq!(keys("a hundred and twenty"), ["n:120"]);
        assert_eq!(keys("twenty twenty six"), ["year:2026"]);
    }

    #[test]
    fn dates_meet_however_they_are_written() {
        let day = "day:3-15".to_owned();
        for text in ["2026-03-15", "March 15th", "the fifteenth of March", "march the fifteenth", "15 March"]
        {
            assert!(keys(text).contains(&day), "{text}: {:?}", keys(text));
        }
        assert!(keys("by end of Q3").contains(&"quarter:3".to_owned()));
        assert!(keys("in the third quarter").contains(&"quarter:3".to_owned()));
        assert!(!keys("you may see that").contains(&"month:5".to_owned()));
        assert!(keys("in may").contains(&"month:5".to_owned()));
    }
}
