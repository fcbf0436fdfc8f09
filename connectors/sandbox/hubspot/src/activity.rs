//! What an activity needs to be made, and what it tells of the records that it belongs to.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    Refusal,
    associations::Place,
    calculate::compute,
    record::{ActorKind, Record},
    schema::{ObjectIx, PropIx},
    state::{Actor, State},
    when,
};

/// Activities in which the customer was spoken to.
const CONTACTS: [&str; 3] = ["calls", "emails", "meetings"];

impl State {
    /// What a new record starts with, and what it may not be without.
    pub(crate) fn complete(
        &self,
        actor: &Actor,
        object: ObjectIx,
        values: &mut Vec<(PropIx, String)>,
    ) -> Result<(), Refusal> {
        let Some(kind) = self.schema.object(object) else { return Ok(()) };
        let has = |values: &[(PropIx, String)], name: &str| {
            kind.position(name).is_some_and(|wanted| {
                values.iter().any(|(known, value)| *known == wanted && !value.is_empty())
            })
        };
        if actor.kind == ActorKind::Load {
            return Ok(());
        }
        let mut needed: Vec<&str> = Vec::new();
        if let Some(custom) = &kind.custom {
            needed.extend(custom.required.iter().map(String::as_str));
        }
        if kind.is_activity() {
            needed.push("hs_timestamp");
            let mut start = vec![];
            if &*kind.plural == "tasks" {
                start.extend([
                    ("hs_task_status", "NOT_STARTED".to_owned()),
                    ("hs_task_priority", "NONE".to_owned()),
                    ("hs_task_type", "TODO".to_owned()),
                ]);
            }
            if !matches!(actor.kind, ActorKind::Api | ActorKind::UserApi) {
                start.push(("hs_timestamp", when::iso(self.now())));
            }
            for (name, value) in start {
                if let Some(position) = kind.position(name).filter(|_| !has(values, name)) {
                    values.push((position, value));
                }
            }
        }
        let missing: Vec<&str> = needed.into_iter().filter(|name| !has(values, name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let mut refusal = Refusal::validation("Some required properties were not set.");
        for name in missing {
            let message = format!("{name} is required");
            refusal = refusal.detail("MISSING_REQUIRED_PROPERTY", &message, name);
        }
        Err(refusal)
    }

    /// Counts and dates of the activities of a record, after one of `activity` was linked, unlinked or moved.
    pub(crate) fn roll_up(&mut self, activity: ObjectIx, (object, id): Place) {
        if !self.schema.object(activity).is_some_and(|kind| kind.is_activity() && *kind.plural != *"tasks") {
            return;
        }
        let Some(kind) = self.schema.object(object).filter(|kind| kind.position("num_notes").is_some())
        else {
            return;
        };
        let Some(record) = self.record(object, id) else { return };
        let (now, origin) = (self.now(), Arc::clone(&self.calculated));
        let (all, contacts) = (self.dates(object, id, &["notes"]), self.dates(object, id, &CONTACTS));
        let past = |dates: &[i64]| dates.iter().copied().filter(|at| *at <= now).max();
        let text = |at: Option<i64>| at.map(when::iso).unwrap_or_default();
        let latest = past(&all).max(past(&contacts));
        let first = contacts.iter().copied().filter(|at| *at <= now).min();
        let told = [
            ("num_notes", (all.len() + contacts.len()).to_string()),
            ("num_contacted_notes", contacts.len().to_string()),
            ("notes_last_updated", text(latest)),
            ("notes_last_contacted", text(past(&contacts))),
            ("hs_sa_first_engagement_date", text(first)),
        ];
        let mut record = Record::clone(record);
        let touched: BTreeSet<PropIx> = told
            .iter()
            .filter_map(|(name, value)| compute(kind, &mut record, now, name, value, &origin))
            .collect();
        if !touched.is_empty() {
            record.modified = now;
            self.commit(object, record, crate::Operation::Update, &touched, &origin);
        }
    }

    /// When the activities of these kinds that a record has took place.
    fn dates(&self, object: ObjectIx, id: u64, kinds: &[&str]) -> Vec<i64> {
        let of = |plural: &&str| {
            let other = self.schema.find(plural)?;
            let at = self.schema.object(other)?.position("hs_timestamp")?;
            let date = move |id: u64| {
                let record = self.record(other, id).filter(|record| record.archived_at.is_none())?;
                when::parse(record.value(at)?)
            };
            Some(self.links.linked(object, id, other).into_iter().filter_map(date).collect::<Vec<i64>>())
        };
        kinds.iter().filter_map(of).flatten().collect()
    }

    /// After an activity was moved to another day, what its records tell follows.
    pub(crate) fn follow_activity(&mut self, activity: ObjectIx, id: u64) {
        if !self.schema.object(activity).is_some_and(crate::schema::Object::is_activity) {
            return;
        }
        for object in 0..self.schema.objects.len() {
            for linked in self.links.linked(activity, id, object) {
                self.roll_up(activity, (object, linked));
            }
        }
    }
}
