//! The save pipeline: types, permissions, required fields, references, derived values, rules, locks, commit, history.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::{
    convert,
    ids::Id,
    record::{ActorKind, FieldChange, Operation, SaveError, WriteRecord},
    schema::{Field, FieldSpec, FieldType, Object, Slot},
    state::{Actor, State},
    table::Row,
    value::Value,
};

type Fields = Map<String, Json>;

impl State {
    /// Creates (`id` absent) or updates a row and records the write; the new or changed row's id.
    pub(crate) fn save(
        &mut self,
        actor: &Actor,
        object: usize,
        id: Option<Id>,
        fields: &Fields,
    ) -> Result<Id, Vec<SaveError>> {
        let mut record = self.write_record(actor, object, id, fields);
        if let Some(hook) = self.write_hook.clone() {
            hook(&record);
        }
        let outcome = self.save_unrecorded(actor, object, id, fields);
        match &outcome {
            Ok(id) => record.id = Some(*id),
            Err(errors) => {
                record.status = errors.first().map(|error| error.code.clone()).unwrap_or_default();
                record.errors.clone_from(errors);
            }
        }
        if actor.kind != ActorKind::Load {
            self.writes.push(record);
        }
        outcome
    }

    fn write_record(&self, actor: &Actor, object: usize, id: Option<Id>, fields: &Fields) -> WriteRecord {
        let described = self.schema.objects.get(object);
        let old = id.and_then(|id| self.row_within(id, actor.transaction));
        let changes = fields.iter().filter(|(name, _)| *name != "attributes").map(|(name, new)| {
            let field = described.and_then(|object| object.field(name));
            let old =
                old.as_ref().zip(field).map_or(Json::Null, |((_, row), field)| row.get(field).to_json());
            FieldChange {
                field: field.map_or_else(|| name.clone(), |field| field.spec.name.clone()),
                old,
                new: new.clone(),
            }
        });
        WriteRecord {
            seq: u64::try_from(self.writes.len()).unwrap_or(u64::MAX).saturating_add(1),
            request: actor.request,
            at: self.now(),
            user: actor.user,
            client: actor.client.clone(),
            kind: actor.kind,
            operation: if id.is_some() { Operation::Update } else { Operation::Create },
            object: described.map(|object| object.name().to_owned()).unwrap_or_default(),
            id,
            fields: changes.collect(),
            status: "ok".to_owned(),
            errors: Vec::new(),
        }
    }

    /// Records a write that is not a save of fields.
    pub(crate) fn record_act(
        &mut self,
        actor: &Actor,
        object: usize,
        id: Id,
        operation: Operation,
        outcome: &Result<(), Vec<SaveError>>,
    ) {
        let mut record = self.write_record(actor, object, Some(id), &Map::new());
        record.operation = operation;
        if let Err(errors) = outcome {
            record.status = errors.first().map(|error| error.code.clone()).unwrap_or_default();
            record.errors.clone_from(errors);
        }
        self.writes.push(record);
    }

    fn save_unrecorded(
        &mut self,
        actor: &Actor,
        position: usize,
        id: Option<Id>,
        fields: &Fields,
    ) -> Result<Id, Vec<SaveError>> {
        let old = match id {
            None => None,
            Some(id) => Some(self.existing(position, id, actor.transaction).map_err(|error| vec![error])?),
        };
        if let Some(id) = id {
            self.refuse_if_held(id, actor.transaction).map_err(|error| vec![error])?;
        }
        let object = self
            .schema
            .objects
            .get(position)
            .ok_or_else(|| vec![SaveError::new("INVALID_TYPE", "no such object")])?;
        if !object.spec.writable && actor.kind != ActorKind::Load {
            let message = format!("entity type {} does not support create or update", object.name());
            return Err(vec![SaveError::new("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message)]);
        }
        let mut given = self.typed(actor, object, fields)?;
        let now = self.second();
        let mut row = if let Some(row) = &old {
            Row::clone(row)
        } else {
            defaults(object, actor.user, &mut given);
            Row::new(Id::LOWEST, now, actor.user)
        };
        for (field, value) in &given {
            assign(&mut row, field, value);
        }
        if actor.kind == ActorKind::Load {
            settle_stamps(&mut row, &given);
        }
        self.derive(object, &mut row, old.as_deref(), &given);
        let mut errors = missing(object, &row, old.as_deref(), &given, actor.kind);
        errors.extend(self.bad_references(actor, &given));
        errors.extend(self.duplicates(position, id, &given));
        if !errors.is_empty() {
            return Err(errors);
        }
        let validated = actor.kind.runs_validation()
            || (actor.kind == ActorKind::LeadConversion && self.validate_conversion);
        if validated {
            let errors = self.judge(object, &row, old.as_deref(), actor.user);
            if !errors.is_empty() {
                return Err(errors);
            }
        }
        Ok(self.commit(actor, position, row, old.as_deref()))
    }

    fn commit(&mut self, actor: &Actor, position: usize, mut row: Row, old: Option<&Row>) -> Id {
        let now = self.second();
        if old.is_none() && row.id == Id::LOWEST {
            let prefix = self
                .schema
                .objects
                .get(position)
                .map(|object| object.spec.prefix.clone())
                .unwrap_or_default();
            row.id = self.next_of_prefix(&prefix);
        }
        if actor.kind != ActorKind::Load {
            row.modified_at = now;
            row.modified_by = actor.user;
            row.stamp = now;
        }
        let id = row.id;
        // A load of a million rows would keep as many lists of names.
        let loading = actor.kind == ActorKind::Load;
        let changed = if loading { Vec::new() } else { self.changed(position, &row, old) };
        self.keep_history(actor, position, &row, old, &changed);
        let operation = if old.is_some() { Operation::Update } else { Operation::Create };
        let names = changed.into_iter().map(|field| field.spec.name).collect();
        self.commit_row(position, row, operation, names, actor);
        id
    }

    fn changed(&self, position: usize, row: &Row, old: Option<&Row>) -> Vec<Field> {
        let Some(object) = self.schema.objects.get(position) else { return Vec::new() };
        let empty = Row::new(row.id, 0, row.id);
        let before = old.unwrap_or(&empty);
        object
            .fields
            .iter()
            .filter(|field| !field.is_system() && row.get(field) != before.get(field))
            .cloned()
            .collect()
    }

    /// The row to change: there, not deleted, of the right object.
    pub(crate) fn existing(
        &self,
        position: usize,
        id: Id,
        transaction: Option<u64>,
    ) -> Result<Arc<Row>, SaveError> {
        match self.row_within(id, transaction) {
            Some((found, _)) if found != position => {
                Err(SaveError::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"))
            }
            Some((_, row)) if row.deleted => Err(SaveError::new("ENTITY_IS_DELETED", "entity is deleted")),
            Some((_, row)) => Ok(row),
            None => Err(SaveError::new("NOT_FOUND", "The requested resource does not exist")),
        }
    }

    /// Locks, planted or of open transactions, and planted row rejections.
    pub(crate) fn refuse_if_held(&mut self, id: Id, transaction: Option<u64>) -> Result<(), SaveError> {
        if self.is_locked(id, transaction) {
            let message = format!("unable to obtain exclusive access to this record or 1 records: {id}");
            return Err(SaveError::new("UNABLE_TO_LOCK_ROW", message));
        }
        if let Some((times, error)) = self.rejected.get_mut(&id) {
            let error = error.clone();
            *times = times.saturating_sub(1);
            if *times == 0 {
                self.rejected.remove(&id);
            }
            return Err(error);
        }
        Ok(())
    }

    fn typed(
        &self,
        actor: &Actor,
        object: &Object,
        fields: &Fields,
    ) -> Result<Vec<(Field, Value)>, Vec<SaveError>> {
        let loading = actor.kind == ActorKind::Load;
        let login = self.logins.get(&actor.user);
        let mut typed = Vec::with_capacity(fields.len());
        let (mut errors, mut forbidden) = (Vec::new(), Vec::new());
        for (name, json) in fields.iter().filter(|(name, _)| *name != "attributes") {
            let Some(field) = object.field(name) else {
                let message = format!("No such column '{name}' on sobject of type {}", object.name());
                errors.push(SaveError { fields: Vec::new(), ..SaveError::new("INVALID_FIELD", message) });
                continue;
            };
            let spec = &field.spec;
            let allowed = if actor.kind.respects_field_permissions() {
                login.is_some_and(|login| login.can_edit(object.name(), spec))
            } else {
                loading || !spec.read_only
            };
            if !allowed {
                forbidden.push(spec.name.clone());
                continue;
            }
            match convert::from_json(spec, json) {
                Ok(value) => typed.push((field.clone(), value)),
                Err(error) => errors.push(error),
            }
        }
        if !forbidden.is_empty() {
            errors.insert(0, not_writable(forbidden));
        }
        if errors.is_empty() { Ok(typed) } else { Err(errors) }
    }

    fn bad_references(&self, actor: &Actor, given: &[(Field, Value)]) -> Vec<SaveError> {
        if actor.kind == ActorKind::Load {
            return Vec::new();
        }
        let mut errors = Vec::new();
        for (field, value) in given {
            let Some(target) = value.as_id() else { continue };
            if field.spec.reference_to.is_empty() {
                continue;
            }
            let found = self.row_within(target, actor.transaction);
            let fits =
                found.as_ref().and_then(|(at, _)| self.schema.objects.get(*at)).is_some_and(|object| {
                    field.spec.reference_to.iter().any(|wanted| wanted.eq_ignore_ascii_case(object.name()))
                });
            if !fits {
                errors.push(SaveError::on(
                    "INVALID_CROSS_REFERENCE_KEY",
                    "invalid cross reference id",
                    &field.spec.name,
                ));
            } else if found.is_some_and(|(_, row)| row.deleted) {
                errors.push(SaveError::on("ENTITY_IS_DELETED", "entity is deleted", &field.spec.name));
            }
        }
        errors
    }

    fn duplicates(&self, position: usize, id: Option<Id>, given: &[(Field, Value)]) -> Vec<SaveError> {
        let Some(table) = self.tables.get(position) else { return Vec::new() };
        let mut errors = Vec::new();
        for (field, value) in given.iter().filter(|(field, value)| field.spec.unique && !value.is_null()) {
            let Slot::Stored(slot) = field.slot else { continue };
            let holder = table.by_key(slot, &value.to_plain()).into_iter().find(|found| Some(*found) != id);
            if let Some(holder) = holder {
                let name = &field.spec.name;
                let message =
                    format!("duplicate value found: {name} duplicates value on record with id: {holder}");
                errors.push(SaveError::on("DUPLICATE_VALUE", message, name));
            }
        }
        errors
    }
}

/// The vendor's exact words for a write without permission.
pub(crate) fn not_writable(fields: Vec<String>) -> SaveError {
    SaveError {
        code: "INVALID_FIELD_FOR_INSERT_UPDATE".to_owned(),
        message: format!(
            "Unable to create/update fields: {}. Please check the security settings of this field and verify that it \
             is read/write for your profile or permission set.",
            fields.join(", ")
        ),
        fields,
    }
}

fn assign(row: &mut Row, field: &Field, value: &Value) {
    match (field.slot, value) {
        (Slot::Stored(slot), value) => row.set(slot, value.clone()),
        (Slot::Id, Value::Id(id)) => row.id = *id,
        (Slot::IsDeleted, Value::Bool(deleted)) => row.deleted = *deleted,
        (Slot::CreatedDate, Value::Time(at)) => row.created_at = *at,
        (Slot::CreatedById, Value::Id(by)) => row.created_by = *by,
        (Slot::LastModifiedDate, Value::Time(at)) => row.modified_at = *at,
        (Slot::LastModifiedById, Value::Id(by)) => row.modified_by = *by,
        (Slot::SystemModstamp, Value::Time(at)) => row.stamp = *at,
        _ => {}
    }
}

/// Stamps that a load leaves out follow those it gives.
fn settle_stamps(row: &mut Row, given: &[(Field, Value)]) {
    let has = |slot: Slot| given.iter().any(|(field, _)| field.slot == slot);
    if !has(Slot::LastModifiedDate) && has(Slot::CreatedDate) {
        row.modified_at = row.created_at;
    }
    if !has(Slot::SystemModstamp) && (has(Slot::LastModifiedDate) || has(Slot::CreatedDate)) {
        row.stamp = row.modified_at;
    }
}

fn defaults(object: &Object, user: Id, given: &mut Vec<(Field, Value)>) {
    for field in &object.fields {
        if given.iter().any(|(known, _)| known.slot == field.slot) {
            continue;
        }
        let default = match &field.spec.default {
            Some(json) => convert::from_json(&field.spec, json).ok(),
            None if field.spec.name == "OwnerId" => Some(Value::Id(user)),
            None => None,
        };
        if let Some(value) = default {
            given.push((field.clone(), value));
        }
    }
}

fn missing(
    object: &Object,
    row: &Row,
    old: Option<&Row>,
    given: &[(Field, Value)],
    kind: ActorKind,
) -> Vec<SaveError> {
    if kind == ActorKind::Load {
        return Vec::new();
    }
    let concerns =
        |spec: &FieldSpec| old.is_none() || given.iter().any(|(field, _)| field.spec.name == spec.name);
    let names: Vec<String> = object
        .fields
        .iter()
        .filter(|field| field.spec.required && field.spec.kind != FieldType::Boolean)
        .filter(|field| concerns(&field.spec) && row.get(field).is_null())
        .map(|field| field.spec.name.clone())
        .collect();
    if names.is_empty() {
        return Vec::new();
    }
    let message = format!("Required fields are missing: [{}]", names.join(", "));
    vec![SaveError { code: "REQUIRED_FIELD_MISSING".to_owned(), message, fields: names }]
}
