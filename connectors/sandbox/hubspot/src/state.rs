//! Everything the portal knows, behind one lock.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use handoff_sandbox_host::{Clock, Faults};
use jiff::Timestamp;

use crate::{
    Error, Refusal,
    approvals::Approval,
    associations::Links,
    auth::Sessions,
    limits::Limits,
    pipelines::{PipelineRules, PipelineSpec, RequiredRule},
    record::{ActorKind, JournalEntry, Operation, Origin, Record, WriteRecord},
    schema::{
        Object, ObjectIx, PropertySpec, Schema,
        custom::{self, Wish},
        standard,
    },
    table::Table,
    webhooks::Webhooks,
    when,
};

/// Custom objects that an Enterprise portal may define.
const CUSTOM_OBJECTS: usize = 10;
/// Objects that every custom object can be linked to.
const ACTIVITIES: [&str; 5] = ["notes", "tasks", "calls", "emails", "meetings"];

/// Called with every write before it is applied, on the thread that carries it.
pub type WriteHook = Arc<dyn Fn(&WriteRecord) + Send + Sync>;

/// Who changes something, and how.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    pub(crate) kind: ActorKind,
    pub(crate) user: Option<u64>,
    pub(crate) app: Option<u64>,
    /// Whether the call came in by the dialect that obeys required properties.
    pub(crate) enforced: bool,
    pub(crate) request: u64,
    pub(crate) origin: Arc<Origin>,
}

/// A user of the portal, and the owner that stands for them.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) owner: u64,
    pub(crate) email: String,
    pub(crate) first: String,
    pub(crate) last: String,
    /// Number and name.
    pub(crate) team: Option<(u64, String)>,
    pub(crate) super_admin: bool,
    pub(crate) active: bool,
    pub(crate) created: i64,
    pub(crate) updated: i64,
}

/// What can be switched.
#[derive(Debug, Clone)]
pub(crate) struct Switches {
    /// Milliseconds by which search sees changes late.
    pub(crate) search_lag: i64,
    /// Search sorts records of the same second by falling id.
    pub(crate) mis_sort: bool,
    /// Required properties are checked on every write, not only on writes of the controlling property.
    pub(crate) check_always: bool,
    /// Approvals stop apps too.
    pub(crate) approvals_stop_apps: bool,
    /// History entries kept for each property; all when absent.
    pub(crate) history_depth: Option<usize>,
    /// Properties that only super admins may edit by hand.
    pub(crate) restricted: BTreeSet<(ObjectIx, String)>,
}

pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) portal_id: u64,
    pub(crate) base_url: String,
    pub(crate) schema: Schema,
    pub(crate) tables: Vec<Table>,
    pub(crate) serials: Vec<u64>,
    /// Merged ids and who survived, by object.
    pub(crate) forward: BTreeMap<(ObjectIx, u64), u64>,
    /// Values of unique properties, by object.
    pub(crate) unique: BTreeMap<(ObjectIx, u16, String), u64>,
    pub(crate) links: Links,
    pub(crate) pipelines: BTreeMap<ObjectIx, Vec<PipelineSpec>>,
    pub(crate) rules: BTreeMap<(ObjectIx, String), PipelineRules>,
    pub(crate) required: Vec<RequiredRule>,
    pub(crate) approvals: BTreeMap<u64, Approval>,
    pub(crate) splits: BTreeMap<u64, Vec<crate::splits::Share>>,
    pub(crate) users: BTreeMap<u64, User>,
    pub(crate) sessions: Sessions,
    pub(crate) limits: Limits,
    pub(crate) switches: Switches,
    pub(crate) faults: Faults<crate::Action>,
    /// Records that the next writes fail on.
    pub(crate) rejected: BTreeMap<(ObjectIx, u64), (u32, Refusal)>,
    pub(crate) locked: BTreeSet<(ObjectIx, u64)>,
    /// Ids that a planted fault fails in the batch at hand.
    pub(crate) failing: BTreeSet<u64>,
    pub(crate) webhooks: Webhooks,
    pub(crate) writes: Vec<WriteRecord>,
    pub(crate) journal: Vec<JournalEntry>,
    pub(crate) calls: BTreeMap<String, u64>,
    pub(crate) keys: BTreeMap<(String, String), u64>,
    /// The origin of everything the portal computes.
    pub(crate) calculated: Arc<Origin>,
    pub(crate) write_hook: Option<WriteHook>,
}

impl State {
    pub(crate) fn new(clock: Clock, limits: Limits) -> Self {
        let schema = Schema::standard();
        let count = schema.objects.len();
        let mut tables = Vec::new();
        tables.resize_with(count, Table::default);
        let mut state = Self {
            clock,
            portal_id: crate::seed::PORTAL_ID,
            base_url: String::new(),
            links: Links::standard(&schema),
            schema,
            tables,
            serials: vec![0; count],
            forward: BTreeMap::new(),
            unique: BTreeMap::new(),
            pipelines: BTreeMap::new(),
            rules: BTreeMap::new(),
            required: Vec::new(),
            approvals: BTreeMap::new(),
            splits: BTreeMap::new(),
            users: BTreeMap::new(),
            sessions: Sessions::default(),
            limits,
            switches: Switches {
                search_lag: 0,
                mis_sort: false,
                check_always: false,
                approvals_stop_apps: false,
                history_depth: None,
                restricted: BTreeSet::new(),
            },
            faults: Faults::default(),
            rejected: BTreeMap::new(),
            locked: BTreeSet::new(),
            failing: BTreeSet::new(),
            webhooks: Webhooks::default(),
            writes: Vec::new(),
            journal: Vec::new(),
            calls: BTreeMap::new(),
            keys: BTreeMap::new(),
            calculated: Origin::calculated(),
            write_hook: None,
        };
        crate::seed::pipelines(&mut state);
        state
    }

    /// The sandbox's time in milliseconds since the epoch.
    pub(crate) fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    pub(crate) fn object(&self, name: &str) -> Result<ObjectIx, Error> {
        self.schema.find(name).ok_or_else(|| Error::unknown("object", name))
    }

    /// The next id of an object: unlike every other object's, so that a mix-up shows.
    pub(crate) fn next_id(&mut self, object: ObjectIx) -> u64 {
        let base = u64::try_from(object).unwrap_or(0).saturating_add(1) * 1_000_000_000;
        match self.serials.get_mut(object) {
            Some(serial) => {
                *serial += 1;
                base + *serial
            }
            None => base,
        }
    }

    /// The id that stands for `id` now: the survivor of its merges.
    pub(crate) fn resolve(&self, object: ObjectIx, id: u64) -> u64 {
        let mut id = id;
        // A merge never forwards to a record that was merged away later without its own entry, so this ends.
        while let Some(next) = self.forward.get(&(object, id)) {
            id = *next;
        }
        id
    }

    /// The record of that id or of its survivor, archived or not.
    pub(crate) fn record(&self, object: ObjectIx, id: u64) -> Option<&Arc<Record>> {
        self.tables.get(object)?.get(self.resolve(object, id))
    }

    /// The user of that e-mail address, user id or owner id.
    pub(crate) fn user(&self, name: &str) -> Result<&User, Error> {
        let number = name.trim_start_matches("userId:").parse::<u64>().ok();
        self.users
            .values()
            .find(|user| {
                user.email.eq_ignore_ascii_case(name)
                    || number.is_some_and(|id| user.id == id || user.owner == id)
            })
            .ok_or_else(|| Error::unknown("user", name))
    }

    pub(crate) fn pipeline(&self, object: ObjectIx, id: &str) -> Option<&PipelineSpec> {
        self.pipelines.get(&object)?.iter().find(|pipeline| pipeline.id == id && !pipeline.archived)
    }

    /// The pipeline that has a stage.
    pub(crate) fn pipeline_of_stage(&self, object: ObjectIx, stage: &str) -> Option<&PipelineSpec> {
        self.pipelines
            .get(&object)?
            .iter()
            .find(|pipeline| !pipeline.archived && pipeline.stage(stage).is_some())
    }

    /// Adds a pipeline or replaces the one of its id; its stages bring their calculated properties.
    pub(crate) fn put_pipeline(&mut self, object: ObjectIx, mut pipeline: PipelineSpec) -> String {
        let now = self.now();
        if pipeline.id.is_empty() {
            pipeline.id = self.fresh_number().to_string();
        }
        for stage in &mut pipeline.stages {
            if stage.id.is_empty() {
                stage.id = self.fresh_number().to_string();
            }
        }
        if pipeline.id != "default" {
            pipeline.stamps = (now, now);
        }
        if let Some(object) = self.schema.objects.get_mut(object) {
            let group = object.group();
            let fresh: Vec<PropertySpec> = pipeline
                .stages
                .iter()
                .flat_map(|stage| standard::of_stage(&stage.id, &stage.label, &group))
                .filter(|spec| object.find_any(&spec.name).is_none())
                .collect();
            for spec in fresh {
                object.put(spec);
            }
        }
        let id = pipeline.id.clone();
        let known = self.pipelines.entry(object).or_default();
        match known.iter_mut().find(|known| known.id == id) {
            Some(place) => *place = pipeline,
            None => known.push(pipeline),
        }
        id
    }

    /// Adds a custom object with its links; refused when the schema is not sound.
    pub(crate) fn put_schema(&mut self, wish: Wish) -> Result<ObjectIx, Refusal> {
        if let Some(why) = custom::wrong(&wish) {
            return Err(Refusal::validation(why));
        }
        let name = wish.name.to_ascii_lowercase();
        let taken = |object: &Object| object.custom.is_some() && *object.singular == *name;
        if self.schema.objects.iter().any(taken) {
            let words = format!("An object with the name {name} already exists");
            return Err(Refusal::new(409, "OBJECT_ALREADY_EXISTS", words));
        }
        let customs = self.schema.objects.iter().filter(|object| object.custom.is_some()).count();
        if customs >= CUSTOM_OBJECTS {
            return Err(Refusal::validation(format!(
                "At most {CUSTOM_OBJECTS} custom objects may be defined"
            )));
        }
        let mut ends = Vec::new();
        for name in wish.associated_objects.iter().map(String::as_str).chain(ACTIVITIES) {
            let end = self.schema.find(name).ok_or_else(|| Refusal::no_object(name))?;
            ends.push(end);
        }
        let number = self.fresh_number();
        let place = self.schema.objects.len();
        self.schema.objects.push(custom::object(wish, number, self.now()));
        self.tables.push(Table::default());
        self.serials.push(0);
        for end in ends {
            self.links.add_plain(place, end);
        }
        Ok(place)
    }

    /// A number that nothing else in the portal has.
    pub(crate) fn fresh_number(&mut self) -> u64 {
        self.links.serial += 1;
        90_000_000 + self.links.serial
    }

    pub(crate) fn note(
        &mut self,
        object: ObjectIx,
        id: u64,
        operation: Operation,
        stamp: i64,
        properties: Vec<String>,
        origin: &Arc<Origin>,
    ) {
        let name = self.schema.object(object).map_or("", |object| &*object.plural);
        self.journal.push(JournalEntry {
            seq: u64::try_from(self.journal.len()).unwrap_or(u64::MAX).saturating_add(1),
            stamped_at: when::stamp(stamp),
            at: self.clock.now(),
            object: name.to_owned(),
            id,
            operation,
            properties,
            origin: Arc::clone(origin),
        });
    }

    /// Remembers a write; its number in the list.
    pub(crate) fn remember(&mut self, mut write: WriteRecord) {
        write.seq = u64::try_from(self.writes.len()).unwrap_or(u64::MAX).saturating_add(1);
        self.writes.push(write);
    }

    pub(crate) fn timestamp(&self) -> Timestamp {
        self.clock.now()
    }

    /// Notes one API call of a kind.
    pub(crate) fn count(&mut self, kind: &str) {
        *self.calls.entry(kind.to_owned()).or_insert(0) += 1;
    }
}
