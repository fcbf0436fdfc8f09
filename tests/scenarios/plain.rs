//! Texts of the daemon and of the CRMs without what is another in every run and every CRM: ids become names, moments of the past go.

/// Machines as a ledger names them; what HubSpot counts by itself has no author.
const MACHINES: [(&str, &str); 2] =
    [("integration:2100002", "app"), (", source:migration (source:MIGRATION), a machine", "")];

/// The text in the story's words; `ids` = what stands for what.
pub(crate) fn plain(text: &str, ids: &[(String, String)]) -> String {
    let mut text = text.to_owned();
    for (machine, name) in MACHINES {
        text = text.replace(machine, name);
    }
    let mut told = String::new();
    let mut word = String::new();
    let flush = |word: &mut String, told: &mut String| {
        let known = ids.iter().find(|(id, _)| id == word && id.len() > 5);
        let digest = word.len() == 64 && word.chars().all(|letter| letter.is_ascii_hexdigit());
        told.push_str(known.map_or(if digest { "…" } else { word.as_str() }, |(_, name)| name));
        word.clear();
    };
    for letter in text.chars() {
        if letter.is_alphanumeric() || "@-_.".contains(letter) {
            word.push(letter);
        } else {
            flush(&mut word, &mut told);
            told.push(letter);
        }
    }
    // A sentence may end with a name.
    if word.ends_with('.') {
        word.pop();
        flush(&mut word, &mut told);
        told.push('.');
    }
    flush(&mut word, &mut told);
    moments(&once(&told))
}

/// A person whom person and login name alike stands once.
fn once(text: &str) -> String {
    let mut told = String::new();
    for word in text.split_inclusive(' ') {
        let name = word.trim_end().trim_end_matches([',', ':', ';']);
        let before = told.trim_end();
        let again = name.strip_prefix('(').and_then(|name| name.strip_suffix(')'));
        let again = again.map(|name| name.trim_start_matches("owner:").trim_start_matches("user:"));
        if let Some(name) = again
            && before.ends_with(name)
        {
            told.truncate(before.len());
            let rest = word.trim_start_matches(|letter: char| letter != ')');
            told.push_str(rest.trim_start_matches(')'));
        } else {
            told.push_str(word);
        }
    }
    told
}

/// ` at 2026-11-20 08:00:35Z` goes where it tells when somebody acted; a moment that somebody waits for loses its seconds.
fn moments(text: &str) -> String {
    let mut told = String::new();
    let mut rest = text;
    while let Some(found) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let (before, from) = rest.split_at(found);
        told.push_str(before);
        let width = moment(from);
        match from.split_at_checked(width) {
            Some((moment, after)) if width > 0 => {
                if told.ends_with(" at ") && !told.ends_with("due at ") && !told.ends_with("up at ") {
                    told.truncate(told.len() - " at ".len());
                } else {
                    told.push_str(moment.get(..16).unwrap_or(moment));
                }
                rest = after;
            }
            _ => {
                let digits = from.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(from.len());
                let (digits, after) = from.split_at(digits);
                told.push_str(digits);
                rest = after;
            }
        }
    }
    told.push_str(rest);
    told
}

/// How many bytes at the beginning are a moment: `2026-11-20 08:00:35Z` or `2026-11-20T08:00:35Z`; 0 = none.
fn moment(text: &str) -> usize {
    let Some(head) = text.get(..20) else { return 0 };
    let shape: String =
        head.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
    if shape == "0000-00-00 00:00:00Z" || shape == "0000-00-00T00:00:00Z" { 20 } else { 0 }
}
