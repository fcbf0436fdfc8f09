//! What a package holds of one field, flattened to texts.

use serde_json::Value;

use crate::text::plain;

/// Deepest nesting of a recorded value that is read.
const DEPTH: usize = 8;
/// Most texts of one field that are compared.
const PARTS: usize = 400;
/// Words that fill a field without answering it.
const FILLER: [&str; 16] = [
    "",
    "n/a",
    "na",
    "tbd",
    "tba",
    "tbc",
    "-",
    "--",
    "?",
    "???",
    "unknown",
    "select",
    "see notes",
    "null",
    "pending",
    "to be determined",
];

/// What was recorded of a field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recorded {
    /// Whether anything was recorded, even something that no text can be compared with, e.g. a CRM's id of a person.
    pub filled: bool,
    /// Part (with the column's name for rows of a list, e.g. `people.role`) and its text; empty parts are left out.
    pub parts: Vec<(String, String)>,
}

impl Recorded {
    /// Reads `{part: value}`; a bare value is a part without a name. Values may be plain JSON or tagged ones with `kind` and `value`.
    pub fn of(value: &Value) -> Self {
        recorded(value)
    }

    fn take(&mut self, path: &str, text: &str) {
        self.filled = true;
        if self.parts.len() >= PARTS {
            return;
        }
        self.parts.push((path.to_owned(), text.to_owned()));
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        !self.filled
    }
}

/// Reads `{part: value}`; a bare value is a part without a name. Values may be plain JSON or ours with `kind` and `value`.
pub(crate) fn recorded(value: &Value) -> Recorded {
    let mut out = Recorded::default();
    flatten("", value, 0, &mut out);
    out
}

fn flatten(path: &str, value: &Value, depth: usize, out: &mut Recorded) {
    if depth > DEPTH {
        return;
    }
    match value {
        Value::Null => {}
        Value::Bool(ticked) => out.filled |= ticked,
        Value::Number(number) => out.take(path, &number.to_string()),
        Value::String(text) => {
            let bare = plain(text.trim());
            if is_id(text) {
                out.filled = true;
            } else if !FILLER.contains(&bare.as_str()) {
                out.take(path, text.trim());
            }
        }
        Value::Array(many) => many.iter().for_each(|one| flatten(path, one, depth + 1, out)),
        Value::Object(of) => {
            if let Some(inner) =
                of.get("value").filter(|_| of.contains_key("kind") || of.contains_key("from"))
            {
                return flatten(path, inner, depth + 1, out);
            }
            for (key, inner) in of {
                if matches!(
                    key.as_str(),
                    "id" | "email" | "emailAddress" | "phone" | "currency" | "kind" | "from"
                ) {
                    continue;
                }
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&path, inner, depth + 1, out);
            }
        }
    }
}

/// A CRM's record id says nothing that somebody could repeat.
fn is_id(text: &str) -> bool {
    let text = text.trim();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    !text.contains(' ')
        && ((matches!(text.len(), 15 | 18)
            && digits >= 3
            && text.chars().all(|each| each.is_ascii_alphanumeric()))
            || (text.len() >= 8 && digits == text.len()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::recorded;

    #[test]
    fn plain_and_tagged_values_are_read_alike() {
        let plain = recorded(&json!({"person": "Dana Whitfield", "authority": "up to 250k"}));
        let tagged = recorded(&json!({
            "person": {"kind": "person", "value": "Dana Whitfield"},
            "authority": {"value": {"kind": "text", "value": "up to 250k"}, "from": {}, "field": "x"},
        }));
        assert_eq!(plain.parts.len(), 2);
        assert_eq!(plain.parts.len(), tagged.parts.len());
        assert_eq!(
            recorded(&json!({"people": [{"person": "Ann", "role": "CTO"}]})).parts,
            [("people.person".to_owned(), "Ann".to_owned()), ("people.role".to_owned(), "CTO".to_owned())]
        );
    }

    #[test]
    fn filler_is_nothing_and_an_id_says_nothing() {
        for empty in [json!({}), json!(null), json!({"a": ""}), json!({"a": "N/A"})] {
            assert!(recorded(&empty).is_empty(), "{empty}");
        }
        let known_by_id = recorded(&json!({"person": "003xx000004TmiQAAS"}));
        assert!(!known_by_id.is_empty() && known_by_id.parts.is_empty());
    }
}
