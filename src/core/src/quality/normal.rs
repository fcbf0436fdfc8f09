//! Text as a reader sees it: without mark-up, invisible characters, look-alike widths, case and outer punctuation.

/// What is left of a text when nothing that only looks like content counts: lower case, single spaces, no mark-up, no invisible
/// characters. Empty if the reader sees nothing.
pub(super) fn visible(text: &str) -> String {
    let plain: String =
        without_markup(text).chars().filter(|each| !is_invisible(*each)).map(plain_form).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// The words of a visible text without the punctuation around them; words of punctuation alone are left out.
pub(super) fn words(visible: &str) -> Vec<&str> {
    visible
        .split(|each: char| each.is_whitespace() || matches!(each, ',' | ';' | ':' | '|' | '…' | '—' | '–'))
        .map(|word| word.trim_matches(|each: char| !each.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .collect()
}

/// How much a text can tell: its letters and digits; one of a script that writes words with one or two signs counts as three.
pub(super) fn information(visible: &str) -> usize {
    let weight = |each: char| match each {
        '\u{3040}'..='\u{30FF}'
        | '\u{3400}'..='\u{9FFF}'
        | '\u{AC00}'..='\u{D7AF}'
        | '\u{20000}'..='\u{323AF}' => 3,
        other if other.is_alphanumeric() => 1,
        _ => 0,
    };
    visible.split_whitespace().filter(|word| !is_link(word)).flat_map(str::chars).map(weight).sum()
}

/// Whether a word is an address of something else: a link to a recording tells nothing by itself.
pub(super) fn is_link(word: &str) -> bool {
    let word = word.trim_matches(|each: char| matches!(each, '(' | ')' | '<' | '>' | '[' | ']' | '"'));
    word.starts_with("www.")
        || word.split_once("://").is_some_and(|(scheme, _)| scheme.chars().all(char::is_alphanumeric))
}

// Rich-text fields hold `<p><br></p>` when a person sees an empty box. A `<` before anything but a letter or `/` is a sign.
fn without_markup(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        plain.push_str(before);
        let is_tag =
            after.starts_with(|first: char| first.is_ascii_alphabetic() || matches!(first, '/' | '!'));
        if let Some((_, behind)) = after.split_once('>').filter(|_| is_tag) {
            plain.push(' ');
            rest = behind;
        } else {
            plain.push('<');
            rest = after;
        }
    }
    plain.push_str(rest);
    plain.replace("&nbsp;", " ").replace("&#160;", " ").replace("&#8203;", "").replace("&zwnj;", "")
}

fn is_invisible(each: char) -> bool {
    matches!(each,
        '\u{00AD}' | '\u{0300}'..='\u{036F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
        || (each.is_control() && !each.is_whitespace())
}

// The compatibility forms that keyboards and pasted "fancy" text bring: full width, mathematical letters and digits, blank braille.
fn plain_form(each: char) -> char {
    let code = u32::from(each);
    let shifted = match each {
        '\u{FF01}'..='\u{FF5E}' => code - 0xFEE0,
        '\u{1D400}'..='\u{1D6A3}' => match (code - 0x1D400) % 52 {
            upper @ 0..26 => 0x41 + upper,
            lower => 0x61 + lower - 26,
        },
        '\u{1D7CE}'..='\u{1D7FF}' => 0x30 + (code - 0x1D7CE) % 10,
        '\u{2800}' => 0x20,
        _ => code,
    };
    char::from_u32(shifted).unwrap_or(each)
}
