//! Which object holds the rows of a child relationship, which one a lookup names, and which holds a field's history.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use handoff_connector::Fault;
use handoff_core::extract::relation_parts;
use serde_json::Value;

use crate::soql::is_name;

/// A child relationship, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Child {
    /// Object of the rows.
    pub(crate) object: String,
    /// Their field that holds the parent's id.
    pub(crate) key: String,
    /// Narrows a key that may point to several objects, e.g. `What.Type`.
    pub(crate) type_path: Option<String>,
}

/// Standard relationships: (parent, relationship, object, key).
const STANDARD: &[(&str, &str, &str, &str)] = &[
    ("Opportunity", "OpportunityContactRoles", "OpportunityContactRole", "OpportunityId"),
    ("Opportunity", "OpportunityLineItems", "OpportunityLineItem", "OpportunityId"),
    ("Opportunity", "OpportunityHistories", "OpportunityHistory", "OpportunityId"),
    ("Opportunity", "OpportunityTeamMembers", "OpportunityTeamMember", "OpportunityId"),
    ("Opportunity", "OpportunityCompetitors", "OpportunityCompetitor", "OpportunityId"),
    ("Account", "Contacts", "Contact", "AccountId"),
    ("Account", "Opportunities", "Opportunity", "AccountId"),
    ("Account", "Cases", "Case", "AccountId"),
    ("Account", "Contracts", "Contract", "AccountId"),
    ("Case", "CaseComments", "CaseComment", "ParentId"),
    ("Campaign", "CampaignMembers", "CampaignMember", "CampaignId"),
    ("Lead", "CampaignMembers", "CampaignMember", "LeadId"),
    ("Contact", "CampaignMembers", "CampaignMember", "ContactId"),
    ("Contact", "OpportunityContactRoles", "OpportunityContactRole", "ContactId"),
];

/// Standard lookups that name records of one object only.
const LOOKUPS: &[(&str, &str)] = &[
    ("AccountId", "Account"),
    ("CampaignId", "Campaign"),
    ("CaseId", "Case"),
    ("ContactId", "Contact"),
    ("ContractId", "Contract"),
    ("ConvertedAccountId", "Account"),
    ("ConvertedContactId", "Contact"),
    ("ConvertedOpportunityId", "Opportunity"),
    ("LeadId", "Lead"),
    ("OpportunityId", "Opportunity"),
];

#[derive(Debug, Default)]
struct Learnt {
    children: BTreeMap<(String, String), Child>,
    lookups: BTreeMap<(String, String), String>,
}

/// Relationships known so far. Custom ones are learnt from a describe once and kept for the life of the process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Relations(Arc<RwLock<Learnt>>);

impl Relations {
    /// The relationship, if it is standard or has been learnt.
    pub(crate) fn find(&self, parent: &str, relationship: &str) -> Option<Child> {
        standard(parent, relationship).or_else(|| {
            let known = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            known.children.get(&(parent.to_owned(), relationship.to_owned())).cloned()
        })
    }

    /// The object whose records a lookup names, if it is standard or has been learnt; one that may name several objects has none.
    pub(crate) fn target(&self, object: &str, lookup: &str) -> Option<String> {
        let standard = LOOKUPS.iter().find(|(field, _)| field.eq_ignore_ascii_case(lookup));
        standard.map(|(_, target)| (*target).to_owned()).or_else(|| {
            let known = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            known.lookups.get(&(object.to_owned(), lookup.to_owned())).cloned()
        })
    }

    /// The child rows that a plan of `object` names like this, and the lookup that they hang on, if not on the record itself.
    pub(crate) fn planned<'k>(&self, object: &str, key: &'k str) -> Option<(Option<&'k str>, Child)> {
        let (of, related) = relation_parts(key);
        let parent = match of {
            Some(lookup) => self.target(object, lookup)?,
            None => object.to_owned(),
        };
        Some((of, self.find(&parent, related)?))
    }

    /// The object that has to be described before this is known; `None` = it is known, or nothing can tell.
    pub(crate) fn unknown(&self, object: &str, key: &str) -> Option<String> {
        let (of, related) = relation_parts(key);
        let parent = match of {
            Some(lookup) => match self.target(object, lookup) {
                Some(parent) => parent,
                None => return Some(object.to_owned()),
            },
            None => object.to_owned(),
        };
        self.find(&parent, related).is_none().then_some(parent)
    }

    /// Learns all relationships and lookups from the describe of `parent`.
    pub(crate) fn learn(&self, parent: &str, describe: &Value) -> Result<(), Fault> {
        let rows = describe.get("childRelationships").and_then(Value::as_array).ok_or_else(|| {
            Fault::Protocol { detail: format!("describe of {parent} without childRelationships") }
        })?;
        let mut known = self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        for row in rows {
            let text = |key: &str| row.get(key).and_then(Value::as_str).filter(|text| is_name(text));
            let (Some(name), Some(object), Some(key)) =
                (text("relationshipName"), text("childSObject"), text("field"))
            else {
                continue;
            };
            known.children.insert(
                (parent.to_owned(), name.to_owned()),
                Child { object: object.to_owned(), key: key.to_owned(), type_path: None },
            );
        }
        for field in describe.get("fields").and_then(Value::as_array).into_iter().flatten() {
            let name = field.get("name").and_then(Value::as_str).filter(|text| is_name(text));
            let targets = field.get("referenceTo").and_then(Value::as_array);
            let (Some(name), Some([target])) = (name, targets.map(Vec::as_slice)) else { continue };
            if let Some(target) = target.as_str().filter(|text| is_name(text)) {
                known.lookups.insert((parent.to_owned(), name.to_owned()), target.to_owned());
            }
        }
        Ok(())
    }
}

fn standard(parent: &str, relationship: &str) -> Option<Child> {
    // Tasks and events hang on any object through one polymorphic key.
    let person = matches!(parent, "Lead" | "Contact");
    let (key, type_path) = if person { ("WhoId", "Who.Type") } else { ("WhatId", "What.Type") };
    let activity = |object: &str| Child {
        object: object.to_owned(),
        key: key.to_owned(),
        type_path: Some(type_path.to_owned()),
    };
    match relationship {
        "Tasks" => Some(activity("Task")),
        "Events" => Some(activity("Event")),
        _ => STANDARD.iter().find(|(p, r, ..)| *p == parent && *r == relationship).map(
            |(_, _, object, key)| Child {
                object: (*object).to_owned(),
                key: (*key).to_owned(),
                type_path: None,
            },
        ),
    }
}

/// The object that keeps a field's history, and its field with the parent's id.
pub(crate) fn history_of(object: &str) -> (String, String) {
    if object == "Opportunity" {
        return ("OpportunityFieldHistory".to_owned(), "OpportunityId".to_owned());
    }
    match object.strip_suffix("__c") {
        Some(stem) => (format!("{stem}__History"), "ParentId".to_owned()),
        None => (format!("{object}History"), format!("{object}Id")),
    }
}

/// Names under which a field stands in the history: a standard lookup loses its `Id`.
pub(crate) fn history_names(field: &str) -> impl Iterator<Item = &str> {
    std::iter::once(field).chain(field.strip_suffix("Id").filter(|stem| !stem.is_empty()))
}

/// Whether rows of the object name the record that they were merged into.
pub(crate) fn merges(object: &str) -> bool {
    matches!(object, "Account" | "Contact" | "Lead")
}
