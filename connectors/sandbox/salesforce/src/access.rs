//! Who may read and write which field, and which validation rules judge a save.

use std::collections::{BTreeMap, BTreeSet};

use handoff_sandbox_lang::{
    formula::{Context, Formula},
    metadata::PermissionSet,
    value::Cell,
};
use jiff::Timestamp;

use crate::{
    ids::Id,
    record::SaveError,
    schema::{FieldSpec, FieldType, Object},
    state::State,
    table::Row,
};

/// Permission sets by API name.
#[derive(Debug, Default)]
pub(crate) struct Sets(pub(crate) BTreeMap<String, PermissionSet>);

/// What a user may do besides what his row says.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) password: String,
    pub(crate) admin: bool,
    pub(crate) profile: String,
    pub(crate) sets: BTreeSet<String>,
    read: BTreeSet<String>,
    edit: BTreeSet<String>,
    custom: BTreeSet<String>,
}

impl Login {
    /// The user in whose name the org itself acts; nobody can log in as it.
    pub(crate) fn system() -> Self {
        Self::new(String::new(), true, "System Administrator")
    }

    pub(crate) fn new(password: String, admin: bool, profile: &str) -> Self {
        Self {
            password,
            admin,
            profile: profile.to_owned(),
            sets: BTreeSet::new(),
            read: BTreeSet::new(),
            edit: BTreeSet::new(),
            custom: BTreeSet::new(),
        }
    }

    /// Recomputes what the assigned sets grant.
    pub(crate) fn recompute(&mut self, sets: &Sets) {
        self.read.clear();
        self.edit.clear();
        self.custom.clear();
        for set in self.sets.iter().filter_map(|name| sets.0.get(name)) {
            for right in &set.field_permissions {
                if right.readable || right.editable {
                    self.read.insert(right.field.to_ascii_lowercase());
                }
                if right.editable {
                    self.edit.insert(right.field.to_ascii_lowercase());
                }
            }
            self.custom.extend(set.custom_permissions.iter().cloned());
        }
    }

    pub(crate) fn can_read(&self, object: &str, field: &FieldSpec) -> bool {
        !field.guarded || self.admin || self.read.contains(&key(object, &field.name))
    }

    pub(crate) fn can_edit(&self, object: &str, field: &FieldSpec) -> bool {
        !field.read_only
            && field.formula.is_none()
            && (!field.guarded || self.admin || self.edit.contains(&key(object, &field.name)))
    }

    pub(crate) fn has_permission(&self, name: &str) -> bool {
        self.custom.contains(name)
    }
}

fn key(object: &str, field: &str) -> String {
    format!("{object}.{field}").to_ascii_lowercase()
}

/// A validation rule, compiled.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) active: bool,
    pub(crate) message: String,
    pub(crate) display_field: Option<String>,
    pub(crate) formula: Formula,
}

/// A save as formulas see it.
struct Judged<'a> {
    object: &'a Object,
    new: &'a Row,
    old: Option<&'a Row>,
    user: Id,
    login: &'a Login,
    now: Timestamp,
}

impl Judged<'_> {
    fn cell<'r>(&self, row: &'r Row, name: &str) -> Cell<'r> {
        self.object
            .field(name)
            .map_or(Cell::Null, |field| row.cell(field.slot, field.spec.kind == FieldType::Boolean))
    }
}

impl Context for Judged<'_> {
    fn value(&self, field: &str) -> Cell<'_> {
        self.cell(self.new, field)
    }

    fn prior(&self, field: &str) -> Option<Cell<'_>> {
        self.old.map(|old| self.cell(old, field))
    }

    fn is_new(&self) -> bool {
        self.old.is_none()
    }

    fn user_id(&self) -> &str {
        self.user.as_str()
    }

    fn profile_name(&self) -> &str {
        &self.login.profile
    }

    fn has_permission(&self, name: &str) -> bool {
        self.login.has_permission(name)
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}

impl State {
    /// One error for every active rule that fires; a rule that cannot be evaluated counts as fired.
    pub(crate) fn judge(&self, object: &Object, new: &Row, old: Option<&Row>, user: Id) -> Vec<SaveError> {
        let Some(rules) = self.rules.get(&object.name().to_ascii_lowercase()) else { return Vec::new() };
        let nobody = Login::new(String::new(), false, "Standard User");
        let login = self.logins.get(&user).unwrap_or(&nobody);
        let save = Judged { object, new, old, user, login, now: self.now() };
        rules
            .iter()
            .filter(|rule| rule.active && rule.formula.is_true(&save).unwrap_or(true))
            .map(|rule| SaveError {
                code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
                message: rule.message.clone(),
                fields: rule.display_field.iter().cloned().collect(),
            })
            .collect()
    }
}
