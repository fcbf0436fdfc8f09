//! Creating and updating records: types, rules, history, and what follows by itself.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Map, Value as Json};

use crate::{
    Refusal,
    record::{ActorKind, Entry, Operation, Origin, PropertyChange, Record, WriteRecord},
    schema::{Derived, ObjectIx, PropIx, options::LIFECYCLE},
    state::{Actor, State},
    values::Wrong,
    when,
};

/// What a write came to.
#[derive(Debug)]
pub(crate) struct Saved {
    pub(crate) id: u64,
    pub(crate) warnings: Vec<Json>,
}

/// A write that passed every check.
struct Plan {
    record: Option<Arc<Record>>,
    values: Vec<(PropIx, String)>,
    stamps: (Option<i64>, Option<i64>),
    warnings: Vec<Json>,
}

impl State {
    /// Creates (without `id`) or updates a record.
    pub(crate) fn save(
        &mut self,
        actor: &Actor,
        object: ObjectIx,
        id: Option<u64>,
        asked: &Map<String, Json>,
        trace: Option<&str>,
    ) -> Result<Saved, Refusal> {
        let planned = match self.hold(actor, object, id) {
            Ok(()) => self.plan(actor, object, id, asked),
            Err(refusal) => Err(refusal),
        };
        let mut write = self.written(actor, object, id, asked, trace);
        let plan = match planned {
            Ok(plan) => plan,
            Err(refusal) => {
                refusal.code().clone_into(&mut write.status);
                write.refusal = Some(refusal.clone());
                self.remember(write);
                return Err(refusal);
            }
        };
        if let Some(hook) = self.write_hook.clone() {
            hook(&write);
        }
        let warnings = plan.warnings.clone();
        let id = self.apply(actor, object, plan);
        write.id = Some(id);
        self.remember(write);
        Ok(Saved { id, warnings })
    }

    fn written(
        &self,
        actor: &Actor,
        object: ObjectIx,
        id: Option<u64>,
        asked: &Map<String, Json>,
        trace: Option<&str>,
    ) -> WriteRecord {
        let record = id.and_then(|id| self.record(object, id));
        let kind = self.schema.object(object);
        let changes = asked
            .iter()
            .map(|(name, value)| {
                let position = kind.and_then(|kind| kind.position(name));
                let old = record
                    .zip(position)
                    .and_then(|(record, position)| record.value(position))
                    .map(ToOwned::to_owned);
                let new = crate::values::text(value).filter(|text| !text.is_empty());
                PropertyChange { property: name.clone(), old, new }
            })
            .collect();
        WriteRecord {
            seq: 0,
            request: actor.request,
            at: self.timestamp(),
            kind: actor.kind,
            app: actor.app,
            user: actor.user,
            operation: if id.is_some() { Operation::Update } else { Operation::Create },
            object: kind.map_or_else(String::new, |kind| kind.plural.to_string()),
            id: record.map(|record| record.id),
            trace: trace.map(ToOwned::to_owned),
            asked: asked.clone(),
            changes,
            status: "ok".to_owned(),
            refusal: None,
        }
    }

    /// Whether a write would pass, without doing it and without what only holds the record for a time.
    pub(crate) fn would_save(
        &self,
        actor: &Actor,
        object: ObjectIx,
        id: Option<u64>,
        asked: &Map<String, Json>,
    ) -> Result<(), Refusal> {
        self.plan(actor, object, id, asked).map(|_| ())
    }

    fn plan(
        &self,
        actor: &Actor,
        object: ObjectIx,
        id: Option<u64>,
        asked: &Map<String, Json>,
    ) -> Result<Plan, Refusal> {
        let record = match id {
            Some(id) => {
                let live = self.record(object, id).filter(|record| record.archived_at.is_none());
                Some(live.cloned().ok_or_else(Refusal::no_record)?)
            }
            None => None,
        };
        let Some(kind) = self.schema.object(object) else { return Err(Refusal::no_record()) };
        if kind.read_only && actor.kind != ActorKind::Load {
            return Err(Refusal::method());
        }
        let (mut values, mut wrongs, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
        let mut stamps = (None, None);
        for (name, raw) in asked {
            let Some((position, spec)) = kind.find(name) else {
                let message = format!("Property \"{name}\" does not exist");
                wrongs.push((name.clone(), Wrong { code: "PROPERTY_DOESNT_EXIST", message }));
                continue;
            };
            if actor.kind == ActorKind::Load && spec.derived.is_some() {
                let at = crate::values::text(raw).and_then(|text| when::parse(&text));
                match spec.derived {
                    Some(Derived::Created) => stamps.0 = at,
                    Some(Derived::Modified) => stamps.1 = at,
                    Some(Derived::Id | Derived::MergedIds) | None => {}
                }
                continue;
            }
            if spec.is_locked() && actor.kind != ActorKind::Load {
                let message = format!("\"{name}\" is a read only property; its value cannot be set.");
                wrongs.push((name.clone(), Wrong { code: "READ_ONLY_VALUE", message }));
                continue;
            }
            if record.is_some()
                && actor.kind == ActorKind::Ui
                && !self.is_super_admin(actor)
                && self.switches.restricted.contains(&(object, name.clone()))
            {
                return Err(Refusal::new(
                    403,
                    "FORBIDDEN",
                    format!("You do not have permission to edit {}", spec.label),
                ));
            }
            let current = record.as_ref().and_then(|record| record.value(position));
            match self.accept(object, spec, current, raw, actor.enforced) {
                Ok(accepted) => {
                    warnings.extend(accepted.warning);
                    values.push((position, accepted.value));
                }
                Err(wrong) => wrongs.push((name.clone(), wrong)),
            }
        }
        if !wrongs.is_empty() {
            return Err(self.not_valid(&wrongs));
        }
        self.check_unique(object, record.as_ref().map(|record| record.id), &values)?;
        if record.is_none() {
            self.complete(actor, object, &mut values)?;
        }
        self.add_stage(object, record.as_deref(), &mut values)?;
        self.check_rules(actor, object, record.as_deref(), &values)?;
        Ok(Plan { record, values, stamps, warnings })
    }

    /// Refuses when a lock or a planted rejection holds the record.
    fn hold(&mut self, actor: &Actor, object: ObjectIx, id: Option<u64>) -> Result<(), Refusal> {
        let Some(id) = id.map(|id| self.resolve(object, id)) else { return Ok(()) };
        if actor.kind == ActorKind::Load {
            return Ok(());
        }
        if self.locked.contains(&(object, id)) {
            return Err(Refusal::locked());
        }
        if self.failing.contains(&id) {
            return Err(Refusal::new(500, "INTERNAL_ERROR", "There was a problem with this object."));
        }
        if let Some((times, refusal)) = self.rejected.get_mut(&(object, id)) {
            let refusal = refusal.clone();
            *times = times.saturating_sub(1);
            if *times == 0 {
                self.rejected.remove(&(object, id));
            }
            return Err(refusal);
        }
        Ok(())
    }

    fn check_unique(
        &self,
        object: ObjectIx,
        id: Option<u64>,
        values: &[(PropIx, String)],
    ) -> Result<(), Refusal> {
        let Some(kind) = self.schema.object(object) else { return Ok(()) };
        for (position, value) in values {
            let Some(spec) = kind.spec(*position).filter(|spec| spec.has_unique_value) else { continue };
            let holder = self.unique.get(&(object, *position, value.to_lowercase())).copied();
            let Some(holder) = holder.filter(|holder| Some(*holder) != id) else { continue };
            if spec.name == "email" {
                let message = format!("Contact already exists. Existing ID: {holder}");
                return Err(Refusal::new(409, "CONFLICT", message));
            }
            let message = format!("{holder} already has that value for the unique property {}", spec.name);
            return Err(Refusal::validation(message).detail(
                "CONFLICTING_UNIQUE_VALUE",
                "value exists",
                &spec.name,
            ));
        }
        Ok(())
    }

    /// Completes pipeline and stage, and moves the close date with a deal that closes.
    fn add_stage(
        &self,
        object: ObjectIx,
        record: Option<&Record>,
        values: &mut Vec<(PropIx, String)>,
    ) -> Result<(), Refusal> {
        let Some(kind) = self.schema.object(object) else { return Ok(()) };
        let Some((pipeline, stage)) = kind.pipeline else { return Ok(()) };
        let (Some(pipeline), Some(stage)) = (kind.position(pipeline), kind.position(stage)) else {
            return Ok(());
        };
        let asked = |values: &[(PropIx, String)], wanted: PropIx| {
            values.iter().find(|(position, _)| *position == wanted).map(|(_, value)| value.clone())
        };
        let stood = |wanted: PropIx| record.and_then(|record| record.value(wanted)).map(ToOwned::to_owned);
        let in_pipeline = asked(values, pipeline).or_else(|| stood(pipeline)).or_else(|| {
            let first = asked(values, stage).and_then(|stage| self.pipeline_of_stage(object, &stage));
            first.or_else(|| self.pipelines.get(&object)?.first()).map(|pipeline| pipeline.id.clone())
        });
        let Some(found) = in_pipeline.as_deref().and_then(|id| self.pipeline(object, id)) else {
            return Ok(());
        };
        if record.is_none() && asked(values, pipeline).is_none() {
            values.push((pipeline, found.id.clone()));
        }
        match asked(values, stage) {
            Some(wanted) if found.stage(&wanted).is_none() => {
                let message = format!("{wanted} is no stage of pipeline {}", found.id);
                return Err(self.not_valid(&[(
                    kind.spec(stage).map_or_else(String::new, |spec| spec.name.clone()),
                    Wrong { code: "INVALID_OPTION", message },
                )]));
            }
            None if record.is_none() => {
                if let Some(first) = found.stages.iter().find(|stage| !stage.archived) {
                    values.push((stage, first.id.clone()));
                }
            }
            Some(_) | None => {}
        }
        if let Some(close_date) = kind.position("closedate") {
            let to = asked(values, stage).filter(|to| stood(stage).as_ref() != Some(to));
            let closes =
                to.as_deref().and_then(|to| found.stage(to)).is_some_and(crate::StageSpec::is_closed);
            if closes && asked(values, close_date).is_none() {
                values.push((close_date, when::iso(self.now())));
            }
        }
        Ok(())
    }

    fn apply(&mut self, actor: &Actor, object: ObjectIx, plan: Plan) -> u64 {
        let now = self.now();
        let before = plan.record.clone();
        let mut record = match &plan.record {
            Some(record) => Record::clone(record),
            None => Record::new(self.next_id(object), plan.stamps.0.unwrap_or(now)),
        };
        let at = plan.stamps.1.or(plan.stamps.0).unwrap_or(now);
        let mut changed = Vec::new();
        for (position, value) in plan.values {
            if record.value(position).unwrap_or_default() == value {
                continue;
            }
            changed.push((position, value.clone()));
            let origin = Arc::clone(&actor.origin);
            record.entries.push(Entry { property: position, at, value: value.into(), origin });
        }
        let mut touched: BTreeSet<PropIx> = changed.iter().map(|(position, _)| *position).collect();
        self.calculate(object, before.as_deref(), &mut record, at, &mut touched);
        self.enter_approval_stage(object, before.as_deref(), &mut record, at, &mut touched);
        if let Some(created) = plan.stamps.0 {
            record.created = created;
        }
        if !touched.is_empty() || before.is_none() {
            record.modified = plan.stamps.1.unwrap_or(at);
        }
        let id = record.id;
        self.index_unique(object, before.as_deref(), &record);
        let operation = if before.is_some() { Operation::Update } else { Operation::Create };
        let fresh = before.is_none();
        if fresh || !touched.is_empty() || before.is_some_and(|old| old.modified != record.modified) {
            self.commit(object, record, operation, &touched, &actor.origin);
        }
        if fresh {
            self.tell(object, id, "creation", &actor.origin, |event| event.flag = Some("CREATED"));
        }
        for (position, value) in &changed {
            self.tell_property(object, id, *position, value, &actor.origin);
        }
        if !fresh && !changed.is_empty() {
            self.follow_activity(object, id);
        }
        if changed.iter().any(|(position, _)| Some(*position) == self.stage_of(object)) {
            self.win(object, id, &actor.origin);
        }
        id
    }

    /// Puts a record in its table and the change in the journal.
    pub(crate) fn commit(
        &mut self,
        object: ObjectIx,
        record: Record,
        operation: Operation,
        touched: &BTreeSet<PropIx>,
        origin: &Arc<Origin>,
    ) {
        let now = self.now();
        let kind = self.schema.object(object);
        let names = touched
            .iter()
            .filter_map(|position| kind?.spec(*position))
            .map(|spec| spec.name.clone())
            .collect();
        let (id, stamp) = (record.id, record.modified);
        if let Some(table) = self.tables.get_mut(object) {
            table.put(now, Arc::new(record));
        }
        self.note(object, id, operation, stamp, names, origin);
    }

    fn index_unique(&mut self, object: ObjectIx, before: Option<&Record>, record: &Record) {
        let Some(kind) = self.schema.object(object) else { return };
        for (position, spec) in (0_u16..).zip(&kind.properties) {
            if !spec.has_unique_value {
                continue;
            }
            if let Some(old) = before.and_then(|record| record.value(position)) {
                self.unique.remove(&(object, position, old.to_lowercase()));
            }
            if let Some(new) = record.value(position) {
                self.unique.insert((object, position, new.to_lowercase()), record.id);
            }
        }
    }

    /// The position of the object's stage property.
    pub(crate) fn stage_of(&self, object: ObjectIx) -> Option<PropIx> {
        let kind = self.schema.object(object)?;
        kind.position(kind.pipeline?.1)
    }

    /// A won deal makes customers of the contacts and companies linked to it; they never move back.
    fn win(&mut self, object: ObjectIx, deal: u64, origin: &Arc<Origin>) {
        let won = self.record(object, deal).and_then(|record| {
            let stage = record.value(self.stage_of(object)?)?;
            Some(self.pipeline_of_stage(object, stage)?.stage(stage)?.is_won())
        });
        if won != Some(true) || self.schema.object(object).is_none_or(|kind| kind.plural != "deals") {
            return;
        }
        let place = |value: &str| LIFECYCLE.iter().position(|(name, _)| *name == value);
        let now = self.now();
        for plural in ["contacts", "companies"] {
            let Some(other) = self.schema.find(plural) else { continue };
            let Some(stage) = self.schema.object(other).and_then(|kind| kind.position("lifecyclestage"))
            else {
                continue;
            };
            for id in self.links.linked(object, deal, other) {
                let Some(record) = self.record(other, id).filter(|record| record.archived_at.is_none())
                else {
                    continue;
                };
                if record.value(stage).and_then(place) >= place("customer") {
                    continue;
                }
                let mut record = Record::clone(record);
                let source = Origin::new("DEALS", origin.source_id.clone(), origin.user);
                let value = Arc::from("customer");
                record.entries.push(Entry { property: stage, at: now, value, origin: Arc::clone(&source) });
                record.modified = now;
                self.commit(other, record, Operation::Update, &BTreeSet::from([stage]), &source);
                self.tell_property(other, id, stage, "customer", &source);
            }
        }
    }
}
