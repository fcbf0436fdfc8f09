//! Field history and stage history, as the org writes them on every save.

use crate::{
    ids::Id,
    record::{ActorKind, Operation},
    schema::{Field, FieldSpec, FieldType, Object, ObjectSpec},
    state::{Actor, State},
    table::Row,
    value::Value,
};

/// The object that keeps the field history of a custom object.
pub(crate) fn object_of(custom: &str) -> String {
    format!("{}__History", custom.trim_end_matches("__c"))
}

/// That object, as the org makes it when history is switched on: its rows point at their record by `ParentId`.
pub(crate) fn spec(custom: &str, prefix: String) -> ObjectSpec {
    let mut parent = FieldSpec::new("ParentId", FieldType::Reference);
    parent.reference_to = vec![custom.to_owned()];
    parent.relationship = Some("Parent".to_owned());
    parent.children = Some("Histories".to_owned());
    parent.cascade = true;
    let column = |(name, kind): (&str, FieldType)| FieldSpec::new(name, kind);
    let columns = [
        ("Field", FieldType::Picklist),
        ("DataType", FieldType::Picklist),
        ("OldValue", FieldType::AnyType),
        ("NewValue", FieldType::AnyType),
    ];
    ObjectSpec {
        name: object_of(custom),
        prefix,
        plural: format!("History: {custom}"),
        writable: false,
        mergeable: false,
        hard_delete: false,
        history: None,
        without: ["LastModifiedDate", "LastModifiedById", "SystemModstamp"].map(str::to_owned).to_vec(),
        fields: std::iter::once(parent).chain(columns.map(column)).collect(),
    }
}

const STAGED: [&str; 4] = ["StageName", "Amount", "CloseDate", "Probability"];

impl State {
    /// Writes history rows for one save; a loader writes none, it may load its own.
    pub(crate) fn keep_history(
        &mut self,
        actor: &Actor,
        position: usize,
        row: &Row,
        old: Option<&Row>,
        changed: &[Field],
    ) {
        if actor.kind == ActorKind::Load {
            return;
        }
        let Some(object) = self.schema.objects.get(position) else { return };
        let (name, history) = (object.name().to_owned(), object.spec.history.clone());
        if let Some(history) = history {
            self.keep_field_history(actor, &history, row, old, changed);
        }
        let staged = changed.iter().any(|field| STAGED.contains(&field.spec.name.as_str()));
        if name == "Opportunity" && (old.is_none() || staged) {
            self.keep_stage_history(actor, position, row, old);
        }
    }

    fn keep_field_history(
        &mut self,
        actor: &Actor,
        history: &str,
        row: &Row,
        old: Option<&Row>,
        changed: &[Field],
    ) {
        let Some(old) = old else {
            self.history_row(actor, history, row.id, "created", "Text", Value::Null, Value::Null);
            return;
        };
        for field in changed.iter().filter(|field| field.spec.track_history) {
            // The history calls a standard lookup by its relationship: `Owner`, not `OwnerId`.
            let standard = field.spec.kind == FieldType::Reference && !field.spec.is_custom();
            let name = field.spec.name.strip_suffix("Id").filter(|_| standard).unwrap_or(&field.spec.name);
            let (before, after) = (old.get(field), row.get(field));
            if field.spec.is_long_text() {
                self.history_row(actor, history, row.id, name, "LongTextArea", Value::Null, Value::Null);
            } else if field.spec.kind == FieldType::Reference {
                let (from, to) = (self.name_of(&before), self.name_of(&after));
                self.history_row(actor, history, row.id, name, "Text", from, to);
                self.history_row(actor, history, row.id, name, "EntityId", before, after);
            } else {
                let kind = data_type(field.spec.kind);
                self.history_row(actor, history, row.id, name, kind, before, after);
            }
        }
    }

    /// The row that a lead's history gets when it is converted.
    pub(crate) fn keep_conversion(&mut self, actor: &Actor, lead: Id) {
        self.history_row(actor, "LeadHistory", lead, "leadConverted", "Text", Value::Null, Value::Null);
    }

    #[expect(clippy::too_many_arguments, reason = "one argument per column of the history row")]
    fn history_row(
        &mut self,
        actor: &Actor,
        history: &str,
        parent: Id,
        field: &str,
        data_type: &str,
        old: Value,
        new: Value,
    ) {
        let key = self.schema.object(history).and_then(Object::parent).unwrap_or_default().to_owned();
        self.add_row(
            actor,
            history,
            vec![
                (key.as_str(), Value::Id(parent)),
                ("Field", Value::text(field)),
                ("DataType", Value::text(data_type)),
                ("OldValue", old),
                ("NewValue", new),
            ],
        );
    }

    fn keep_stage_history(&mut self, actor: &Actor, position: usize, row: &Row, old: Option<&Row>) {
        let Some(object) = self.schema.objects.get(position) else { return };
        let get = |row: &Row, name: &str| object.field(name).map_or(Value::Null, |field| row.get(field));
        let before = |name: &str| old.map_or(Value::Null, |old| get(old, name));
        let values = vec![
            ("OpportunityId", Value::Id(row.id)),
            ("StageName", get(row, "StageName")),
            ("Amount", get(row, "Amount")),
            ("ExpectedRevenue", get(row, "ExpectedRevenue")),
            ("CloseDate", get(row, "CloseDate")),
            ("Probability", get(row, "Probability")),
            ("ForecastCategory", get(row, "ForecastCategory")),
            ("PrevAmount", before("Amount")),
            ("PrevCloseDate", before("CloseDate")),
        ];
        self.add_row(actor, "OpportunityHistory", values);
    }

    /// Adds a row that the org itself writes.
    fn add_row(&mut self, actor: &Actor, object: &str, values: Vec<(&str, Value)>) {
        let Some(position) = self.schema.position(object) else { return };
        let id = self.next_id(object);
        let mut row = Row::new(id, self.second(), actor.user);
        if let Some(described) = self.schema.objects.get(position) {
            for (name, value) in values {
                if let Some(slot) = described.slot(name) {
                    row.set(slot, value);
                }
            }
        }
        self.commit_row(position, row, Operation::Create, Vec::new(), actor);
    }

    /// The name of the record a reference points at.
    fn name_of(&self, reference: &Value) -> Value {
        let Some((position, row)) = reference.as_id().and_then(|id| self.row(id)) else { return Value::Null };
        self.schema
            .objects
            .get(position)
            .and_then(|object| object.fields.iter().find(|field| field.spec.name_field))
            .map_or(Value::Null, |field| row.get(field))
    }
}

const fn data_type(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Boolean => "Boolean",
        FieldType::Int | FieldType::Double => "Double",
        FieldType::Currency => "Currency",
        FieldType::Percent => "Percent",
        FieldType::Date => "DateOnly",
        FieldType::Datetime => "DateTime",
        FieldType::Picklist | FieldType::Combobox => "DynamicEnum",
        FieldType::Multipicklist => "MultiEnum",
        FieldType::Id
        | FieldType::Reference
        | FieldType::String
        | FieldType::Textarea
        | FieldType::Email
        | FieldType::Phone
        | FieldType::Url
        | FieldType::AnyType => "Text",
    }
}
