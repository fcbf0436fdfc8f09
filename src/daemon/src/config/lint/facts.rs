//! Facts: a connection that is there, and one thing that is told.

use handoff_core::registry::quoted;

use super::Found;
use crate::config::{Config, vendor};

pub(super) fn all(config: &Config, found: &mut Found) {
    for (row, facts) in config.facts.iter().enumerate() {
        let row = row.to_string();
        let at = |key: &'static str| ["facts".to_owned(), row.clone(), key.to_owned()];
        let mut wrong = |key: &'static str, message: String, remedy: &str| {
            let at = at(key);
            let at: Vec<&str> = at.iter().map(String::as_str).collect();
            found.wrong(&at, message, remedy);
        };
        let connection = config.connection.get(&facts.connection);
        if connection.is_some_and(|connection| vendor::has_calls(&connection.connector)) {
            let message = format!("connection {} is no CRM", quoted(facts.connection.as_str()));
            wrong("connection", message, "name a connection of connector salesforce or hubspot");
        }
        if connection.is_none() {
            let message = format!("the connection {} is not configured", quoted(facts.connection.as_str()));
            wrong("connection", message, "name one under [connection]");
        }
        if facts.account.is_some() == facts.survey.is_some() {
            let remedy = "name the fields of accounts or those of a survey, and use two entries for both";
            wrong("object", "an entry is about accounts or about answers to a survey".to_owned(), remedy);
        }
        if facts.survey.is_some() && facts.of.is_some() == facts.of_related.is_some() {
            let message = "an answer needs one way to its account".to_owned();
            wrong("of", message, "name the field in `of`, or the relationship in `of_related`");
        }
        if facts.survey.is_some() && facts.account_object.is_none() {
            let message = "whose object an answer's account is, is not said".to_owned();
            wrong("account_object", message, "name the CRM's object for accounts, e.g. Account or companies");
        }
        if facts.fields().is_empty() {
            wrong("account", "no field is named, so nothing is read".to_owned(), "name at least one");
        }
    }
}
