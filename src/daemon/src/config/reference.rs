//! The configuration reference, generated from the same types that are read.

use std::fmt::Write as _;

use serde_json::Value;

use super::schema;

/// Line before the reference in a document.
pub const BEGIN: &str = "<!-- configuration reference: generated, do not edit -->";
/// Line after it.
pub const END: &str = "<!-- end of the configuration reference -->";

/// The reference as Markdown: one table per section.
pub fn markdown() -> String {
    let root = schema();
    let mut sections = vec![("(top)".to_owned(), root)];
    let mut text = String::new();
    let mut next = 0;
    while let Some((name, section)) = sections.get(next).cloned() {
        next += 1;
        write_section(root, &name, section, &mut text, &mut sections);
    }
    text
}

/// A document with the reference between its markers made current; `None` = it has no markers.
pub fn renewed(document: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{}\n{END}{after}", markdown().trim_end()))
}

fn write_section<'a>(
    root: &'a Value,
    name: &str,
    section: &'a Value,
    text: &mut String,
    sections: &mut Vec<(String, &'a Value)>,
) {
    let variants = section.get("oneOf").and_then(Value::as_array);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "#### `{name}`\n\n{}\n", first_line(section));
    for (index, form) in
        variants.map_or_else(|| vec![section], |list| list.iter().collect()).into_iter().enumerate()
    {
        let tag = property(form, "kind").and_then(|kind| kind.get("const")).and_then(Value::as_str);
        if let Some(tag) = tag {
            let _ = writeln!(text, "`kind = \"{tag}\"`: {}\n", first_line(form));
        }
        let _ = writeln!(text, "| Key | Type | Default | Meaning |\n| --- | --- | --- | --- |");
        let required: Vec<&str> = form
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let properties = form.get("properties").and_then(Value::as_object);
        for (key, schema) in
            properties.into_iter().flatten().filter(|(key, _)| tag.is_none() || *key != "kind")
        {
            let target = resolve(root, schema);
            let default = default_of(schema, target, required.contains(&key.as_str()));
            let meaning = meaning(schema, target);
            let _ = writeln!(text, "| `{key}` | {} | {default} | {meaning} |", type_of(root, schema));
            if index == 0 || tag.is_none() {
                queue(root, name, key, schema, sections);
            }
        }
        text.push('\n');
    }
}

/// Sections that a key leads to, each once; secrets are explained where they stand.
fn queue<'a>(
    root: &'a Value,
    name: &str,
    key: &str,
    schema: &'a Value,
    sections: &mut Vec<(String, &'a Value)>,
) {
    let base = if name == "(top)" { String::new() } else { format!("{}.", name.trim_matches(['[', ']'])) };
    let target = resolve(root, schema);
    let found = if is_section(target) {
        Some((format!("[{base}{key}]"), target))
    } else if let Some(items) = target.get("items").map(|items| resolve(root, items)) {
        is_section(items).then(|| (format!("[[{base}{key}]]"), items))
    } else {
        target
            .get("additionalProperties")
            .filter(|each| each.is_object())
            .map(|each| resolve(root, each))
            .filter(|each| is_section(each))
            .map(|each| (format!("[{base}{key}.NAME]"), each))
    };
    if let Some((title, section)) = found.filter(|(_, section)| !is_secret(section)) {
        sections.push((title, section));
    }
}

fn is_section(schema: &Value) -> bool {
    let tagged = schema
        .get("oneOf")
        .and_then(Value::as_array)
        .is_some_and(|forms| forms.iter().any(|form| form.get("properties").is_some()));
    schema.get("properties").is_some() || tagged
}

fn is_secret(schema: &Value) -> bool {
    property(schema, "env").is_some() && property(schema, "file").is_some()
}

fn property<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    schema.get("properties")?.get(name)
}

/// Follows a reference, or the one alternative of an optional value.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let target = schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|name| name.strip_prefix("#/$defs/"))
        .and_then(|name| root.get("$defs")?.get(name));
    let some = schema
        .get("anyOf")
        .and_then(Value::as_array)
        .and_then(|forms| forms.iter().find(|form| form.get("type").and_then(Value::as_str) != Some("null")));
    match (target, some) {
        (Some(target), _) => target,
        (None, Some(form)) => resolve(root, form),
        (None, None) => schema,
    }
}

fn type_of(root: &Value, schema: &Value) -> String {
    let target = resolve(root, schema);
    if is_secret(target) {
        return "secret: `{ env = \"NAME\" }` or `{ file = \"/path\" }`".to_owned();
    }
    if is_section(target) {
        return "table".to_owned();
    }
    let words: Vec<String> = choices(target).into_iter().map(|word| format!("`\"{word}\"`")).collect();
    if !words.is_empty() {
        return words.join(", ");
    }
    let named = target.get("type");
    let name = named
        .and_then(Value::as_str)
        .or_else(|| named?.as_array()?.iter().filter_map(Value::as_str).find(|name| *name != "null"));
    match name {
        Some("array") => {
            let items = target.get("items").map_or_else(|| "any".to_owned(), |items| type_of(root, items));
            format!("list of {items}")
        }
        Some("object") => {
            let each = target.get("additionalProperties").filter(|each| each.is_object());
            each.map_or_else(|| "table".to_owned(), |each| format!("table of {}", type_of(root, each)))
        }
        Some("string") => "text".to_owned(),
        Some("integer") => "whole number".to_owned(),
        Some("boolean") => "true or false".to_owned(),
        Some(other) => other.to_owned(),
        None => "any".to_owned(),
    }
}

fn choices(schema: &Value) -> Vec<&str> {
    let listed = schema.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let named = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    listed.chain(named.filter_map(|form| form.get("const")?.as_str())).collect()
}

fn default_of(schema: &Value, target: &Value, required: bool) -> String {
    if required {
        return "**required**".to_owned();
    }
    match schema.get("default").or_else(|| target.get("default")) {
        Some(Value::Null) | None => "none".to_owned(),
        Some(Value::Object(_)) => String::new(),
        Some(Value::Array(items)) if items.is_empty() => "`[]`".to_owned(),
        Some(value) => format!("`{value}`"),
    }
}

fn meaning(schema: &Value, target: &Value) -> String {
    let own = first_line(schema);
    let text = if own.is_empty() { first_line(target) } else { own };
    text.replace('|', "\\|")
}

fn first_line(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
