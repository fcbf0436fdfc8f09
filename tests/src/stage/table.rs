//! What is told about a contract in a CRM: the records that make a whole package, and for each part where it stands and how it can go wrong.

use serde_json::Value;

/// A record of the scene. In `fields` and `links` the text `@name` stands for the id of another record of the scene, `@user:login` for a user's.
#[derive(Debug, Clone)]
pub struct Made {
    /// Its name in the scene.
    pub name: &'static str,
    /// The CRM's object.
    pub object: &'static str,
    /// Login of who makes it.
    pub by: &'static str,
    /// Its fields by the CRM's names.
    pub fields: Vec<(&'static str, Value)>,
    /// Other records that it is associated with, and the label, where the CRM associates (HubSpot).
    pub links: Vec<(&'static str, &'static str)>,
}

/// A record, its object, who makes it, and its fields as a JSON object.
pub fn made(
    name: &'static str,
    object: &'static str,
    by: &'static str,
    fields: &[(&'static str, Value)],
) -> Made {
    Made { name, object, by, fields: fields.to_vec(), links: Vec::new() }
}

impl Made {
    /// Associated with another record of the scene; the label may be empty.
    pub fn linked(mut self, other: &'static str, label: &'static str) -> Self {
        self.links.push((other, label));
        self
    }
}

/// How a part's place can hold something that is no answer.
#[derive(Debug, Clone)]
pub enum Junk {
    /// This value in a column of a record of the scene; the contract's quality finds it.
    Says(&'static str, &'static str, Value),
    /// The CRM itself refuses this value there.
    Refused(&'static str, &'static str, Value),
    /// Nothing but an answer can stand there: it is counted or referred to.
    Impossible,
}

/// How a part goes missing.
#[derive(Debug, Clone)]
pub enum Missing {
    /// These columns of records of the scene are empty.
    Empty(Vec<(&'static str, &'static str)>),
    /// These records are not there.
    Without(Vec<&'static str>),
    /// These columns say something else.
    Other(Vec<(&'static str, &'static str, Value)>),
    /// This record is not associated with that one.
    Unlinked(&'static str, &'static str),
    /// It cannot: a count of no rows is an answer.
    Never,
}

/// One part of one contract field.
#[derive(Debug, Clone)]
pub struct Part {
    /// The field's key.
    pub field: &'static str,
    /// The part's key.
    pub part: &'static str,
    /// The record of the scene that the value is found on.
    pub on: &'static str,
    /// What is found, as it stands in the daemon's log: `kind` and `value`; absent = anything of the right kind.
    pub value: Option<Value>,
    /// How it is no answer.
    pub junk: Junk,
    /// How it is missing.
    pub missing: Missing,
    /// Another field that is read from the same records, and goes missing with it.
    pub along: Option<&'static str>,
}

/// A part that is a column of one record: emptied it is missing, and `junk` in it is none.
pub fn column(
    field: &'static str,
    part: &'static str,
    (on, name): (&'static str, &'static str),
    junk: impl Into<Option<Value>>,
) -> Part {
    let junk = match junk.into() {
        Some(value) => Junk::Says(on, name, value),
        None => Junk::Impossible,
    };
    Part { field, part, on, value: None, junk, missing: Missing::Empty(vec![(on, name)]), along: None }
}

/// A part in a column whose type lets the CRM refuse what is no answer.
pub fn typed(
    field: &'static str,
    part: &'static str,
    (on, name): (&'static str, &'static str),
    refused: impl Into<Value>,
) -> Part {
    Part {
        field,
        part,
        on,
        value: None,
        junk: Junk::Refused(on, name, refused.into()),
        missing: Missing::Empty(vec![(on, name)]),
        along: None,
    }
}

/// A part made of rows: without them it is missing, and a row with this in a column is no answer.
pub fn rows(
    field: &'static str,
    part: &'static str,
    of: &[&'static str],
    (on, name, value): (&'static str, &'static str, Value),
) -> Part {
    let first = of.first().copied().unwrap();
    Part {
        field,
        part,
        on: first,
        value: None,
        junk: Junk::Says(on, name, value),
        missing: Missing::Without(of.to_vec()),
        along: None,
    }
}

impl Part {
    /// What is found, as the log writes it.
    pub fn says(mut self, value: Value) -> Self {
        self.value = Some(value);
        self
    }

    /// Another field goes missing with it.
    pub fn along_with(mut self, field: &'static str) -> Self {
        self.along = Some(field);
        self
    }

    /// Found on another record.
    pub fn found_on(mut self, on: &'static str) -> Self {
        self.on = on;
        self
    }

    /// No answer in another way.
    pub fn or_junk(mut self, junk: Junk) -> Self {
        self.junk = junk;
        self
    }

    /// Missing in another way.
    pub fn or_missing(mut self, missing: Missing) -> Self {
        self.missing = missing;
        self
    }
}

/// A contract in a CRM.
#[derive(Debug, Clone)]
pub struct Scene {
    /// The contract.
    pub contract: &'static str,
    /// The mapping.
    pub mapping: &'static str,
    /// Role → logins.
    pub roles: Vec<(&'static str, &'static str)>,
    /// The records, parents first. The first that is called `root` is governed.
    pub made: Vec<Made>,
    /// Every part of every field.
    pub parts: Vec<Part>,
}

impl Scene {
    /// The same where nobody types records of these objects into the CRM: feeds bring what they would say, about a customer whose name at the sender
    /// stands in a column of the governed record.
    #[must_use]
    pub fn fed(
        mut self,
        mapping: &'static str,
        (column, customer): (&'static str, &str),
        sent: &[&str],
    ) -> Self {
        self.mapping = mapping;
        let typed = |name: &str, made: &[Made]| made.iter().any(|one| one.name == name);
        self.made.retain(|one| !sent.contains(&one.object));
        let made = &self.made;
        self.parts.retain(|part| match &part.missing {
            Missing::Without(names) => names.iter().any(|name| typed(name, made)),
            Missing::Empty(_) | Missing::Other(_) | Missing::Unlinked(..) | Missing::Never => true,
        });
        for one in self.made.iter_mut().filter(|one| one.name == ROOT) {
            one.fields.push((column, Value::from(customer)));
        }
        self
    }
}

/// The name of the governed record.
pub const ROOT: &str = "root";

impl Part {
    /// The record and the column that a person writes it in, if he does.
    pub fn place(&self) -> Option<(&'static str, &'static str)> {
        if let Missing::Empty(columns) = &self.missing
            && let Some(place) = columns.first()
        {
            return Some(*place);
        }
        match &self.junk {
            Junk::Says(on, column, _) | Junk::Refused(on, column, _) => Some((on, column)),
            Junk::Impossible => None,
        }
    }

    /// The scene's records without this part; what is gone already stays gone.
    pub fn without(&self, made: &[Made]) -> Vec<Made> {
        let mut made = made.to_vec();
        match &self.missing {
            Missing::Empty(columns) => {
                for (on, column) in columns {
                    for one in made.iter_mut().filter(|one| one.name == *on) {
                        one.fields.retain(|(name, _)| name != column);
                    }
                }
            }
            Missing::Without(names) => made.retain(|one| !names.contains(&one.name)),
            Missing::Other(columns) => {
                for (on, column, value) in columns {
                    for one in made.iter_mut().filter(|one| one.name == *on) {
                        let stands = one.fields.iter_mut().filter(|(name, _)| name == column);
                        stands.for_each(|(_, stands)| *stands = value.clone());
                    }
                }
            }
            Missing::Unlinked(on, other) => {
                for one in made.iter_mut().filter(|one| one.name == *on) {
                    one.links.retain(|(name, _)| name != other);
                }
            }
            Missing::Never => {}
        }
        made
    }
}
