//! How a plan and a record name the child rows that a path means.

/// The name under which child rows stand in a plan and a record: `Cases`, or `AccountId/Cases` for those of the record that the lookup
/// `AccountId` names.
pub fn relation_key(of: Option<&str>, related: &str) -> String {
    match of {
        Some(of) => format!("{of}/{related}"),
        None => related.to_owned(),
    }
}

/// Whose children a name means, if not the record's own, and which.
pub fn relation_parts(key: &str) -> (Option<&str>, &str) {
    match key.split_once('/') {
        Some((of, related)) => (Some(of), related),
        None => (None, key),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_name_is_read_as_it_was_written(of in prop::option::of("[A-Za-z_0-9]{1,9}"), related in "[A-Za-z_0-9-]{1,9}") {
            let key = relation_key(of.as_deref(), &related);
            prop_assert_eq!(relation_parts(&key), (of.as_deref(), related.as_str()));
        }
    }
}
