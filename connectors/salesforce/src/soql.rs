//! SOQL as text: the only place where values meet a query. Salesforce has no bind variables in REST, so everything is validated or escaped.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::id::SfId;

/// What stays readable in a query string; everything else is percent-encoded.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Longest path of relationships that SOQL accepts is five, plus the field itself.
const DEEPEST: usize = 6;

/// Whether a text is an API name: letters, digits and underscores, starting with a letter, at most 80 characters.
pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= 80
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether a text is a field or a path to a parent's field, e.g. `Account.Name`.
pub(crate) fn is_path(text: &str) -> bool {
    text.split('.').count() <= DEEPEST && text.split('.').all(is_name)
}

/// A string literal with its quotes: backslash, quotes and line breaks are escaped.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            plain => out.push(plain),
        }
    }
    out.push('\'');
    out
}

/// `('…','…')` of texts.
pub(crate) fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = texts.into_iter().map(quote).collect();
    format!("({})", quoted.join(","))
}

/// `('…','…')` of ids.
pub(crate) fn ids<'a>(ids: impl IntoIterator<Item = &'a SfId>) -> String {
    list(ids.into_iter().map(SfId::as_str))
}

/// `SELECT … FROM …` over names without repetition, first spelling wins; names that are not API names are left out.
pub(crate) fn select<'a>(fields: impl IntoIterator<Item = &'a str>, object: &str) -> String {
    let mut seen: Vec<&str> = Vec::new();
    for field in fields {
        if is_path(field) && !seen.iter().any(|known| known.eq_ignore_ascii_case(field)) {
            seen.push(field);
        }
    }
    format!("SELECT {} FROM {object}", seen.join(", "))
}

/// The path and query of a query call.
pub(crate) fn url(base: &str, resource: &str, soql: &str) -> String {
    format!("{base}/{resource}?q={}", utf8_percent_encode(soql, QUERY))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads a literal as Salesforce would, and gives what follows it.
    fn unquote(literal: &str) -> Option<(String, &str)> {
        let mut out = String::new();
        let mut rest = literal.strip_prefix('\'')?.chars();
        loop {
            match rest.next()? {
                '\'' => return Some((out, rest.as_str())),
                '\\' => out.push(match rest.next()? {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    same @ ('\\' | '\'' | '"') => same,
                    _ => return None,
                }),
                plain => out.push(plain),
            }
        }
    }

    proptest! {
        #[test]
        fn h03_no_value_breaks_out_of_its_quotes(text in any::<String>()) {
            let literal = quote(&text);
            let (read, rest) = unquote(&literal).expect("a literal");
            prop_assert_eq!(read, text);
            prop_assert_eq!(rest, "");
        }

        #[test]
        fn h03_no_name_carries_syntax(text in any::<String>()) {
            if is_path(&text) {
                prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.'));
            }
        }

        #[test]
        fn a_query_stays_in_its_parameter(text in any::<String>()) {
            let url = url("/services/data/v62.0", "query", &quote(&text));
            prop_assert!(url.bytes().all(|b| b.is_ascii_alphanumeric() || b"/?=%-_.~".contains(&b)));
        }
    }

    #[test]
    fn h03_the_classic_attack_is_one_value() {
        assert_eq!(quote("O'Brien\\' OR Name LIKE '%"), r"'O\'Brien\\\' OR Name LIKE \'%'");
    }

    #[test]
    fn a_name_that_is_none_is_not_selected() {
        assert_eq!(
            select(["Id", "id", "Account.Name", "Name FROM User --"], "Opportunity"),
            "SELECT Id, Account.Name FROM Opportunity"
        );
    }
}
