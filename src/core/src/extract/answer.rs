//! What the receiver's fields say besides yes and no.

use std::collections::{BTreeMap, BTreeSet};

use super::observe::View;
use crate::exception::{asked, fields_with_words, key};
use crate::id::{ActorId, FieldKey};
use crate::observation::Answer;

impl View<'_> {
    /// The rejection as it stands: fields from the multi-select and from the text that names fields with reasons.
    pub(super) fn rejection(&self) -> Answer {
        let decision = &self.mapping.decision;
        let text = decision.reasons.as_ref().and_then(|name| self.text(name)).unwrap_or_default();
        let (general, reasons) = fields_with_words(self.contract, &text);
        // A name that the contract does not know means that we do not know what was meant: the whole package goes back.
        let fields = self.named_fields().map(|mut fields| {
            fields.extend(reasons.keys().cloned());
            fields
        });
        let reason = self.text(&decision.reason).map(|text| text.trim().to_owned()).unwrap_or_default();
        let reasons: BTreeMap<FieldKey, String> =
            reasons.into_iter().filter(|(_, words)| !words.is_empty()).collect();
        let reason = if reason.is_empty() { in_one(self, general, &reasons) } else { reason };
        Answer::Reject { fields: fields.unwrap_or_default(), reason, reasons }
    }

    /// Acceptance with exceptions, as the text says; no text = all that the sender marks as unknown. A text that somebody else wrote is not
    /// this person's word: then it takes what is complete and nothing else.
    pub(super) fn exceptions(&self, by: &ActorId) -> Answer {
        let text = self.mapping.decision.exceptions.as_ref().and_then(|name| Some((name, self.text(name)?)));
        if text.as_ref().is_some_and(|(name, _)| !self.is_written_by(name, by)) {
            return Answer::Accept;
        }
        let text = text.map(|(_, text)| text);
        let (_, named) = fields_with_words(self.contract, &text.unwrap_or_default());
        let exceptions = named.into_iter().map(|(key, words)| (key, asked(&words))).collect();
        Answer::AcceptWith { exceptions }
    }

    /// Confirmation of edits: of the fields that the multi-select names, or of all.
    pub(super) fn confirmation(&self) -> Answer {
        // Names that nobody knows confirm nothing: no edited field is called so.
        let unknown = || BTreeSet::from([FieldKey::from("?")]);
        Answer::Confirm { fields: self.named_fields().unwrap_or_else(unknown) }
    }

    /// Whether this person wrote what stands in a field, as far as history tells. Without history the last modifier answers for all of it.
    fn is_written_by(&self, field: &str, by: &ActorId) -> bool {
        let last = self.history(field).into_iter().next_back().map(|row| self.who.actor(&row.by).person);
        self.raw.history.is_none() || last == Some(self.who.actor(by).person)
    }

    /// What the multi-select names; `None` = something that the contract does not know.
    fn named_fields(&self) -> Option<BTreeSet<FieldKey>> {
        let field = self.mapping.decision.fields.as_ref();
        let text = field.and_then(|name| self.text(name)).unwrap_or_default();
        let names = text.split(';').map(str::trim).filter(|name| !name.is_empty());
        names.map(|name| key(self.contract, name)).collect()
    }
}

/// A rejection whose reasons stand at the fields only.
fn in_one(view: &View<'_>, general: String, reasons: &BTreeMap<FieldKey, String>) -> String {
    if !general.is_empty() {
        return general;
    }
    let label =
        |key: &FieldKey| view.contract.field(key).map_or_else(|| key.0.clone(), |field| field.label.clone());
    let each: Vec<String> = reasons.iter().map(|(key, words)| format!("{}: {words}", label(key))).collect();
    each.join("; ").chars().take(1_000).collect()
}
