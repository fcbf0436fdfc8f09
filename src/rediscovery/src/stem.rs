//! Word stems: close enough that forms of a word meet, cheap enough for every word of a call.

/// Suffixes of derived words; the rest has to keep at least four letters, five before "al". Longer ones first.
const DERIVED: [&str; 22] = [
    "ization", "isation", "ational", "ations", "ation", "ition", "ments", "ment", "ness", "ance", "ence",
    "able", "ible", "ion", "ive", "ity", "ful", "ist", "al", "er", "or", "ly",
];

/// The stem of a lower-case word without accents. Words of up to three letters stand for themselves.
pub(crate) fn stem(word: &str) -> String {
    if word.len() <= 3 || !word.bytes().all(|each| each.is_ascii_lowercase()) {
        return word.to_owned();
    }
    if let Some(known) = irregular(word) {
        return known.to_owned();
    }
    let mut root = inflected(word);
    while let Some(rest) = underived(&root) {
        root = rest;
    }
    ending(root)
}

/// Without one suffix of a derived word.
fn underived(word: &str) -> Option<String> {
    DERIVED.into_iter().find_map(|suffix| {
        let least = if suffix == "al" { 5 } else { 4 };
        word.strip_suffix(suffix).filter(|rest| rest.len() >= least).map(str::to_owned)
    })
}

fn irregular(word: &str) -> Option<&'static str> {
    Some(match word {
        "bought" | "buys" | "buying" | "buyer" | "buyers" => "buy",
        "chose" | "chosen" | "choosing" => "choos",
        "decision" | "decisions" | "decided" | "decides" | "decide" | "deciding" | "decider" => "decid",
        "drove" | "driven" | "drives" | "driving" | "driver" | "drivers" => "drive",
        "felt" => "feel",
        "gave" | "given" => "give",
        "goes" | "went" | "gone" => "go",
        "grew" | "grown" | "growth" => "grow",
        "held" => "hold",
        "kept" => "keep",
        "lost" => "lose",
        "made" => "make",
        "paid" | "pays" | "paying" => "pay",
        "people" | "persons" => "person",
        "ran" => "run",
        "said" => "say",
        "sold" => "sell",
        "spent" => "spend",
        "told" => "tell",
        "took" | "taken" => "take",
        "tied" | "ties" | "tying" => "tie",
        "used" | "uses" | "using" => "use",
        "users" => "user",
        "wrote" | "written" => "write",
        "worse" | "worst" => "bad",
        "this" | "does" | "less" | "was" | "always" | "news" | "business" => return self_named(word),
        _ => return None,
    })
}

/// Words whose last letters only look like a suffix.
fn self_named(word: &str) -> Option<&'static str> {
    ["this", "does", "less", "was", "always", "news", "business"].into_iter().find(|each| *each == word)
}

/// Without the endings of plural, past and progressive.
fn inflected(word: &str) -> String {
    let with = |rest: &str, end: &str| format!("{rest}{end}");
    if let Some(rest) = word.strip_suffix("ies").filter(|rest| rest.len() >= 2) {
        return with(rest, "y");
    }
    if let Some(rest) = word.strip_suffix("sses") {
        return with(rest, "ss");
    }
    if let Some(rest) = word.strip_suffix("ied").filter(|rest| rest.len() >= 2) {
        return with(rest, "y");
    }
    for suffix in ["ing", "ed"] {
        if let Some(rest) = word.strip_suffix(suffix)
            && rest.len() >= 3
            && rest.bytes().any(|each| b"aeiouy".contains(&each))
        {
            return undoubled(rest);
        }
    }
    match word.strip_suffix('s') {
        Some(rest) if !rest.ends_with(['s', 'u', 'i']) => {
            rest.strip_suffix('e').filter(|root| root.ends_with(['x', 'h'])).unwrap_or(rest).to_owned()
        }
        Some(_) | None => word.to_owned(),
    }
}

/// "planned" and "plan" meet; "ll", "ss" and "zz" belong to their words.
fn undoubled(rest: &str) -> String {
    let bytes = rest.as_bytes();
    let twice = match bytes {
        [.., before, last] => before == last && !b"lsz".contains(last),
        _ => false,
    };
    if twice { rest.get(..rest.len() - 1).unwrap_or(rest).to_owned() } else { completed(rest) }
}

/// Long words lose a last "e" and write a last "y" as "i". Short ones are told apart by theirs: "site" is not "sit".
fn ending(root: String) -> String {
    if root.len() > 4
        && let Some(rest) = root.strip_suffix('e')
    {
        return rest.to_owned();
    }
    if root.len() > 3
        && let Some(rest) = root.strip_suffix('y')
    {
        return format!("{rest}i");
    }
    root
}

/// "mov" is what is left of "moving": it gets its "e" back.
fn completed(rest: &str) -> String {
    let vowel = |each: u8| b"aeiou".contains(&each);
    match rest.as_bytes() {
        [first, middle, last]
            if !vowel(*first) && vowel(*middle) && !vowel(*last) && !b"wxy".contains(last) =>
        {
            format!("{rest}e")
        }
        _ => rest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::stem;

    #[test]
    fn forms_of_a_word_meet() {
        for forms in [
            &["implement", "implements", "implementing", "implementation"][..],
            &["approve", "approval", "approved", "approves"],
            &["sign", "signs", "signed", "signing"],
            &["plan", "planned", "planning", "plans"],
            &["company", "companies"],
            &["decide", "decision", "decider"],
            &["renewal", "renew", "renewing"],
            &["compete", "competes", "competing"],
        ] {
            let stems: std::collections::BTreeSet<String> = forms.iter().map(|form| stem(form)).collect();
            assert_eq!(stems.len(), 1, "{forms:?} became {stems:?}");
        }
        for [left, right] in [["sign", "signal"], ["site", "sit"], ["note", "not"], ["wine", "win"]] {
            assert_ne!(stem(left), stem(right));
        }
        assert_eq!(stem("moving"), stem("moves"));
        assert_eq!(stem("q3"), "q3");
    }
}
