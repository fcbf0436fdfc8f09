//! Everything the org knows, behind one lock.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use handoff_sandbox_host::{Clock, Faults};
use handoff_sandbox_lang::{metadata::Package, schema::ObjectSchema};
use jiff::Timestamp;
use serde_json::json;

use crate::{
    Error,
    access::{Login, Rule, Sets},
    auth::Sessions,
    ids::Id,
    limits::Limits,
    outbound::Outbound,
    query::Locators,
    record::{JournalEntry, Operation, SaveError, WriteRecord},
    schema::{FieldSpec, FieldType, ObjectSpec, Schema, Slot, StageSpec},
    table::{Row, Table},
    value::Value,
};

/// A change that waits for its commit: object, row, what happened, changed fields, user.
type Unseen = (usize, Arc<Row>, Operation, Vec<String>, Id);

/// Where the changes of an open transaction wait for their commit.
#[derive(Debug, Default)]
pub(crate) struct OpenTransaction {
    pub(crate) started: i64,
    pub(crate) rows: Vec<Unseen>,
}

/// What a failed all-or-none request takes back.
#[derive(Debug, Default)]
pub(crate) struct Savepoint {
    rows: Vec<(usize, Id, Option<Arc<Row>>)>,
    journal: usize,
    writes: usize,
    pending: usize,
    deletions: Vec<(usize, usize)>,
}

/// Who saves, how, and in which request.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    pub(crate) user: Id,
    pub(crate) kind: crate::ActorKind,
    pub(crate) client: Option<String>,
    pub(crate) request: u64,
    pub(crate) transaction: Option<u64>,
}

pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) org_id: Id,
    pub(crate) base_url: String,
    pub(crate) schema: Schema,
    pub(crate) catalog: BTreeMap<String, ObjectSchema>,
    pub(crate) tables: Vec<Table>,
    pub(crate) serials: BTreeMap<String, u64>,
    pub(crate) logins: BTreeMap<Id, Login>,
    pub(crate) sets: Sets,
    pub(crate) rules: BTreeMap<String, Vec<Rule>>,
    pub(crate) savepoint: Option<Savepoint>,
    pub(crate) open: BTreeMap<u64, OpenTransaction>,
    pub(crate) last_transaction: u64,
    pub(crate) writes: Vec<WriteRecord>,
    pub(crate) journal: Vec<JournalEntry>,
    pub(crate) calls: BTreeMap<String, u64>,
    pub(crate) locked: BTreeSet<Id>,
    pub(crate) lock_everything: bool,
    pub(crate) rejected: BTreeMap<Id, (u32, SaveError)>,
    pub(crate) validate_conversion: bool,
    pub(crate) schema_changed_at: i64,
    pub(crate) sessions: Sessions,
    pub(crate) limits: Limits,
    pub(crate) locators: Locators,
    pub(crate) faults: Faults<crate::Action>,
    pub(crate) outbound: Outbound,
    pub(crate) jobs: BTreeMap<Id, crate::bulk::Job>,
    pub(crate) keys: crate::load::Keys,
    pub(crate) write_hook: Option<WriteHook>,
}

/// Called with every write before it is applied, on the thread that carries it.
pub type WriteHook = Arc<dyn Fn(&WriteRecord) + Send + Sync>;

impl State {
    pub(crate) fn new(clock: Clock, package: &Package) -> Result<Self, Error> {
        let (schema, stages) = Schema::standard()?;
        let schema_changed_at = clock.now().as_second();
        let mut state = Self {
            clock,
            org_id: Id::numbered("00D", 1),
            base_url: String::new(),
            schema,
            catalog: BTreeMap::new(),
            tables: Vec::new(),
            serials: BTreeMap::new(),
            logins: BTreeMap::new(),
            sets: Sets::default(),
            rules: BTreeMap::new(),
            savepoint: None,
            open: BTreeMap::new(),
            last_transaction: 0,
            writes: Vec::new(),
            journal: Vec::new(),
            calls: BTreeMap::new(),
            locked: BTreeSet::new(),
            lock_everything: false,
            rejected: BTreeMap::new(),
            validate_conversion: false,
            schema_changed_at,
            sessions: Sessions::default(),
            limits: Limits::default(),
            locators: Locators::default(),
            faults: Faults::default(),
            outbound: Outbound::default(),
            jobs: BTreeMap::new(),
            keys: BTreeMap::new(),
            write_hook: None,
        };
        crate::package::install(&mut state, package)?;
        state.refresh_schema();
        crate::package::compile_rules(&mut state, package)?;
        state.found_org(&stages);
        Ok(state)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn second(&self) -> i64 {
        self.clock.now().as_second()
    }

    /// Rebuilds what is derived from the schema: query catalog, tables, indexes.
    pub(crate) fn refresh_schema(&mut self) {
        self.catalog = crate::query::catalog(&self.schema);
        self.tables.resize_with(self.schema.objects.len(), Table::default);
        for (object, table) in self.schema.objects.iter().zip(&mut self.tables) {
            let slots = |wanted: fn(&FieldSpec) -> bool| -> Vec<u16> {
                object
                    .fields
                    .iter()
                    .filter(|field| wanted(&field.spec))
                    .filter_map(|field| if let Slot::Stored(slot) = field.slot { Some(slot) } else { None })
                    .collect()
            };
            let references = slots(|spec| spec.kind == FieldType::Reference && !spec.reference_to.is_empty());
            table.index(&references, &slots(|spec| spec.external_id || spec.unique));
        }
        self.schema_changed_at = self.second();
    }

    /// The rows every org is born with: itself, its automated user, its stages.
    fn found_org(&mut self, stages: &[StageSpec]) {
        let system = self.next_id("User");
        self.logins.insert(system, Login::system());
        let at = self.second();
        self.plant(
            "User",
            system,
            at,
            &[
                ("Username", Value::text("autoproc@sandbox.invalid")),
                ("LastName", Value::text("Process")),
                ("FirstName", Value::text("Automated")),
                ("Name", Value::text("Automated Process")),
                ("UserType", Value::text("AutomatedProcess")),
                ("IsActive", Value::Bool(true)),
            ],
        );
        self.plant(
            "Organization",
            self.org_id,
            at,
            &[
                ("Name", Value::text("Sandbox Company")),
                ("OrganizationType", Value::text("Enterprise Edition")),
                ("IsSandbox", Value::Bool(true)),
                ("InstanceName", Value::text("SBX0")),
            ],
        );
        for (order, stage) in (1_i64..).zip(stages) {
            let id = self.next_id("OpportunityStage");
            self.plant(
                "OpportunityStage",
                id,
                at,
                &[
                    ("MasterLabel", Value::text(&*stage.name)),
                    ("ApiName", Value::text(&*stage.name)),
                    ("IsActive", Value::Bool(true)),
                    ("IsClosed", Value::Bool(stage.closed)),
                    ("IsWon", Value::Bool(stage.won)),
                    ("SortOrder", Value::Int(order)),
                    ("DefaultProbability", Value::Num(stage.probability.into())),
                    ("ForecastCategory", Value::text(stage.forecast.replace(' ', ""))),
                    ("ForecastCategoryName", Value::text(&*stage.forecast)),
                ],
            );
        }
    }

    fn plant(&mut self, object: &str, id: Id, at: i64, values: &[(&str, Value)]) {
        let Some(position) = self.schema.position(object) else { return };
        let mut row = Row::new(id, at, self.system_user());
        if let Some(object) = self.schema.objects.get(position) {
            for (name, value) in values {
                if let Some(slot) = object.slot(name) {
                    row.set(slot, value.clone());
                }
            }
        }
        if let Some(table) = self.tables.get_mut(position) {
            table.put(Arc::new(row));
        }
    }

    /// The user in whose name the org itself acts.
    pub(crate) fn system_user(&self) -> Id {
        self.logins.keys().next().copied().unwrap_or(Id::LOWEST)
    }

    /// A fresh id of the object's key prefix.
    pub(crate) fn next_id(&mut self, object: &str) -> Id {
        let prefix =
            self.schema.object(object).map_or_else(|| "000".to_owned(), |found| found.spec.prefix.clone());
        self.next_of_prefix(&prefix)
    }

    pub(crate) fn next_of_prefix(&mut self, prefix: &str) -> Id {
        let serial = self.serials.entry(prefix.to_owned()).or_insert(0);
        *serial += 1;
        Id::numbered(prefix, *serial)
    }

    pub(crate) fn table(&self, object: &str) -> Option<&Table> {
        self.tables.get(self.schema.position(object)?)
    }

    /// The row of any object, deleted ones included.
    pub(crate) fn row(&self, id: Id) -> Option<(usize, &Arc<Row>)> {
        let position = self.schema.by_prefix(id.prefix())?;
        Some((position, self.tables.get(position)?.get(id)?))
    }

    /// A field of a row by name; null when either does not exist.
    pub(crate) fn value(&self, object: &str, row: &Row, field: &str) -> Value {
        self.schema
            .object(object)
            .and_then(|object| object.field(field))
            .map_or(Value::Null, |field| row.get(field))
    }

    /// Adds an object, choosing its key prefix when it has none.
    pub(crate) fn add_object(&mut self, mut spec: ObjectSpec) {
        if spec.prefix.is_empty() {
            spec.prefix = self.schema.free_prefix();
        }
        if spec.plural.is_empty() {
            spec.plural = format!("{}s", spec.name);
        }
        self.schema.add_object(spec);
        self.refresh_schema();
    }

    /// Puts a row in place (or into its transaction) and writes the journal.
    pub(crate) fn commit_row(
        &mut self,
        object: usize,
        mut row: Row,
        operation: Operation,
        fields: Vec<String>,
        actor: &Actor,
    ) {
        row.compact();
        let row = Arc::new(row);
        if let Some(open) = actor.transaction.and_then(|number| self.open.get_mut(&number)) {
            open.rows.push((object, row, operation, fields, actor.user));
            return;
        }
        self.reveal(object, row, operation, fields, actor.user);
    }

    fn reveal(&mut self, object: usize, row: Arc<Row>, operation: Operation, fields: Vec<String>, user: Id) {
        let Some(table) = self.tables.get_mut(object) else { return };
        let (id, stamp) = (row.id, row.stamp);
        if let Some(savepoint) = &mut self.savepoint {
            savepoint.deletions.push((object, table.deletions.len()));
            savepoint.rows.push((object, id, table.get(id).cloned()));
        }
        match operation {
            Operation::Delete | Operation::Merge => table.deletions.push((stamp, id)),
            Operation::HardDelete => {
                if !row.deleted {
                    table.deletions.push((stamp, id));
                }
            }
            Operation::Create | Operation::Update | Operation::Undelete => {}
        }
        if operation == Operation::HardDelete {
            table.take(id);
        } else {
            table.put(row);
        }
        let name = self.schema.objects.get(object).map(|object| object.name().to_owned()).unwrap_or_default();
        if name == "Opportunity" {
            self.outbound.changed(id);
        }
        self.journal.push(JournalEntry {
            seq: u64::try_from(self.journal.len()).unwrap_or(u64::MAX).saturating_add(1),
            stamped_at: Timestamp::from_second(stamp).unwrap_or(Timestamp::UNIX_EPOCH),
            visible_at: self.now(),
            object: name,
            id,
            operation,
            fields,
            user,
        });
    }

    /// Starts remembering what to take back.
    pub(crate) fn begin(&mut self) {
        self.savepoint = Some(Savepoint {
            rows: Vec::new(),
            journal: self.journal.len(),
            writes: self.writes.len(),
            pending: self.outbound.pending(),
            deletions: Vec::new(),
        });
    }

    /// Keeps what happened since [`Self::begin`].
    pub(crate) fn keep(&mut self) {
        self.savepoint = None;
    }

    /// Takes back what happened since [`Self::begin`].
    pub(crate) fn roll_back(&mut self) {
        let Some(savepoint) = self.savepoint.take() else { return };
        for (object, id, old) in savepoint.rows.into_iter().rev() {
            let Some(table) = self.tables.get_mut(object) else { continue };
            match old {
                Some(row) => {
                    table.put(row);
                }
                None => {
                    table.take(id);
                }
            }
        }
        for (object, length) in savepoint.deletions.into_iter().rev() {
            if let Some(table) = self.tables.get_mut(object) {
                table.deletions.truncate(length);
            }
        }
        self.journal.truncate(savepoint.journal);
        for write in self.writes.iter_mut().skip(savepoint.writes).filter(|write| write.errors.is_empty()) {
            "ALL_OR_NONE_OPERATION_ROLLED_BACK".clone_into(&mut write.status);
        }
        self.outbound.forget_after(savepoint.pending);
    }

    /// Opens a transaction whose rows stay invisible, and locked, until it commits; returns its number.
    pub(crate) fn open_transaction(&mut self) -> u64 {
        self.last_transaction += 1;
        let started = self.second();
        self.open.insert(self.last_transaction, OpenTransaction { started, rows: Vec::new() });
        self.last_transaction
    }

    /// Makes a transaction's rows visible with the stamps they got when they were written.
    pub(crate) fn commit_transaction(&mut self, number: u64) -> Result<usize, Error> {
        let open = self
            .open
            .remove(&number)
            .ok_or_else(|| Error::unknown("open transaction", number.to_string()))?;
        let count = open.rows.len();
        for (object, row, operation, fields, user) in open.rows {
            self.reveal(object, row, operation, fields, user);
        }
        Ok(count)
    }

    /// Whether somebody else's open transaction, or a planted lock, holds the row.
    pub(crate) fn is_locked(&self, id: Id, by: Option<u64>) -> bool {
        self.lock_everything
            || self.locked.contains(&id)
            || self.open.iter().any(|(number, open)| {
                Some(*number) != by && open.rows.iter().any(|(_, row, ..)| row.id == id)
            })
    }

    /// The start of the oldest open transaction, or now: what `latestDateCovered` says.
    pub(crate) fn covered_until(&self) -> i64 {
        self.open.values().map(|open| open.started).min().unwrap_or_else(|| self.second())
    }

    /// The latest version of a row inside a transaction, else the visible one.
    pub(crate) fn row_within(&self, id: Id, transaction: Option<u64>) -> Option<(usize, Arc<Row>)> {
        let pending = transaction.and_then(|number| self.open.get(&number)).and_then(|open| {
            open.rows
                .iter()
                .rev()
                .find(|(_, row, ..)| row.id == id)
                .map(|(object, row, ..)| (*object, Arc::clone(row)))
        });
        pending.or_else(|| self.row(id).map(|(object, row)| (object, Arc::clone(row))))
    }

    /// All fields of a row as a REST record, with nobody's permissions applied.
    pub(crate) fn full_json(&self, object: usize, row: &Row) -> serde_json::Value {
        let Some(object) = self.schema.objects.get(object) else { return json!(null) };
        let mut out = serde_json::Map::new();
        out.insert("attributes".to_owned(), json!({"type": object.name()}));
        for field in &object.fields {
            out.insert(field.spec.name.clone(), row.get(field).to_json());
        }
        out.into()
    }

    /// Notes one API call of a kind.
    pub(crate) fn count(&mut self, kind: &str) {
        *self.calls.entry(kind.to_owned()).or_insert(0) += 1;
    }

    /// Ids waiting for an outbound message.
    pub(crate) fn take_changed(&mut self) -> VecDeque<Id> {
        self.outbound.take()
    }
}
