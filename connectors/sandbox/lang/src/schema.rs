//! What an object and its fields look like to a query: the part of "describe" that SOQL and formulas need.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A field's type, named as REST describe names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldType {
    /// The record's own id.
    Id,
    /// A lookup or master-detail: the id of another record.
    Reference,
    /// Text of at most 255 characters.
    String,
    /// Long text: cannot be filtered, grouped or sorted.
    TextArea,
    /// One value of a list.
    Picklist,
    /// Several values of a list, joined by `;`.
    MultiPicklist,
    /// A checkbox.
    Boolean,
    /// A whole number.
    Int,
    /// A number.
    Double,
    /// A number of money.
    Currency,
    /// A number of hundredths.
    Percent,
    /// A calendar date.
    Date,
    /// An instant of one-second resolution.
    DateTime,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A web address.
    Url,
}

impl FieldType {
    /// The name describe gives the type (`string`, `textarea`, `multipicklist`, …).
    pub fn api_name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Reference => "reference",
            Self::String => "string",
            Self::TextArea => "textarea",
            Self::Picklist => "picklist",
            Self::MultiPicklist => "multipicklist",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Double => "double",
            Self::Currency => "currency",
            Self::Percent => "percent",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Url => "url",
        }
    }

    /// Whether values are numbers.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Double | Self::Currency | Self::Percent)
    }

    /// Whether values are ids.
    pub fn is_id(self) -> bool {
        matches!(self, Self::Id | Self::Reference)
    }
}

/// One field of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSchema {
    /// API name, e.g. `StageName` or `Handoff_03_Status__c`.
    pub name: String,
    /// Type.
    pub field_type: FieldType,
    /// For a reference: the name a query path uses, e.g. `Owner` for `OwnerId`.
    pub relationship: Option<String>,
    /// For a reference: API names of the objects it may point to.
    pub refers_to: Vec<String>,
    /// Whether WHERE and ORDER BY may use it.
    pub filterable: bool,
    /// The storage's own column number; this crate only carries it back in [`crate::soql::Row::cell`].
    pub slot: usize,
}

impl FieldSchema {
    /// A field of that name, type and storage column; filterable unless it is long text.
    pub fn new(name: impl Into<String>, field_type: FieldType, slot: usize) -> Self {
        Self {
            name: name.into(),
            field_type,
            relationship: None,
            refers_to: Vec::new(),
            filterable: field_type != FieldType::TextArea,
            slot,
        }
    }

    /// A lookup that queries walk as `relationship`, pointing to records of `refers_to`.
    pub fn lookup(name: impl Into<String>, relationship: &str, refers_to: &[&str], slot: usize) -> Self {
        Self {
            relationship: Some(relationship.to_owned()),
            refers_to: refers_to.iter().map(|&o| o.to_owned()).collect(),
            ..Self::new(name, FieldType::Reference, slot)
        }
    }

    /// Whether an admin made the field (its name ends in `__c`).
    pub fn is_custom(&self) -> bool {
        self.name.ends_with("__c")
    }
}

/// A child relationship, as a subquery in SELECT names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildRelationship {
    /// Name in the subquery's FROM, e.g. `OpportunityContactRoles`.
    pub relationship: String,
    /// API name of the child object.
    pub object: String,
    /// The child's lookup field that points here.
    pub field: String,
}

/// One object: its fields and child relationships. Names are found without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectSchema {
    /// API name.
    pub name: String,
    /// Child relationships.
    pub children: Vec<ChildRelationship>,
    fields: Vec<Arc<FieldSchema>>,
    by_name: BTreeMap<String, usize>,
    by_relationship: BTreeMap<String, usize>,
}

impl ObjectSchema {
    /// An object with these fields, kept in the given order; a repeated name replaces the earlier field for look-ups.
    pub fn new(name: impl Into<String>, fields: impl IntoIterator<Item = FieldSchema>) -> Self {
        let mut object = Self { name: name.into(), ..Self::default() };
        for field in fields {
            object.push(field);
        }
        object
    }

    /// Adds a field.
    pub fn push(&mut self, field: FieldSchema) {
        let at = self.fields.len();
        self.by_name.insert(field.name.to_ascii_lowercase(), at);
        if let Some(relationship) = &field.relationship {
            self.by_relationship.insert(relationship.to_ascii_lowercase(), at);
        }
        self.fields.push(Arc::new(field));
    }

    /// Adds a child relationship.
    pub fn push_child(&mut self, relationship: &str, object: &str, field: &str) {
        self.children.push(ChildRelationship {
            relationship: relationship.to_owned(),
            object: object.to_owned(),
            field: field.to_owned(),
        });
    }

    /// Every field, in the order added.
    pub fn fields(&self) -> &[Arc<FieldSchema>] {
        &self.fields
    }

    /// The field of that API name.
    pub fn field(&self, name: &str) -> Option<&Arc<FieldSchema>> {
        self.by_name.get(&name.to_ascii_lowercase()).and_then(|&at| self.fields.get(at))
    }

    /// The reference field that queries walk under that relationship name.
    pub fn reference(&self, relationship: &str) -> Option<&Arc<FieldSchema>> {
        self.by_relationship.get(&relationship.to_ascii_lowercase()).and_then(|&at| self.fields.get(at))
    }

    /// The child relationship of that name.
    pub fn child(&self, relationship: &str) -> Option<&ChildRelationship> {
        self.children.iter().find(|c| c.relationship.eq_ignore_ascii_case(relationship))
    }
}
