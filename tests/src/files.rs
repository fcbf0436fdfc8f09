//! Shipped contracts and mappings, changed as an admin would change them.

use handoff_core::registry::shipped;
use toml::Table;

/// A shipped file after an edit, as (path under `mappings/`, text).
pub fn edited(path: &str, edit: impl FnOnce(&mut Table)) -> (String, String) {
    let (known, text) = shipped().find(|(known, _)| *known == path).unwrap();
    let mut table: Table = toml::from_str(text).unwrap();
    edit(&mut table);
    (known.to_owned(), toml::to_string(&table).unwrap())
}

/// Puts what a piece of TOML says into a file: a table of the second level, e.g. `[read.source]`, is replaced as a whole, what stands beside it stays.
pub fn put(into: &mut Table, piece: &str) {
    for (key, value) in toml::from_str::<Table>(piece).unwrap() {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(known)), toml::Value::Table(more)) => known.extend(more),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}
