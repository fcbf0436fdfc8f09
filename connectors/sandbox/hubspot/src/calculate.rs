//! Values that the portal computes by itself.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    record::{Entry, Origin, Record},
    schema::{Object, ObjectIx, PropIx},
    state::State,
    when,
};

/// Sets a computed value if it differs.
pub(crate) fn compute(
    kind: &Object,
    record: &mut Record,
    at: i64,
    name: &str,
    value: &str,
    origin: &Arc<Origin>,
) -> Option<PropIx> {
    let property = kind.position(name)?;
    if record.value(property).unwrap_or_default() == value {
        return None;
    }
    record.entries.push(Entry { property, at, value: value.into(), origin: Arc::clone(origin) });
    Some(property)
}

/// The property that tells where a record stands.
fn standing(kind: &Object) -> Option<&'static str> {
    match &*kind.plural {
        "contacts" | "companies" => Some("lifecyclestage"),
        _ => kind.pipeline.map(|(_, stage)| stage),
    }
}

impl State {
    /// What follows from a record's written values, after they are in place.
    pub(crate) fn calculate(
        &self,
        object: ObjectIx,
        before: Option<&Record>,
        record: &mut Record,
        at: i64,
        touched: &mut BTreeSet<PropIx>,
    ) {
        let Some(kind) = self.schema.object(object) else { return };
        let origin = Arc::clone(&self.calculated);
        if &*kind.plural == "tasks" {
            self.finish_task(kind, before, record, at, touched);
        }
        let Some(stage_property) = standing(kind).and_then(|name| kind.position(name)) else { return };
        let to = record.value(stage_property).map(ToOwned::to_owned);
        let from = before.and_then(|record| record.value(stage_property)).map(ToOwned::to_owned);
        if &*kind.plural == "deals" {
            self.deal_facts(object, kind, (from.as_deref(), to.as_deref()), before, record, at, touched);
        }
        if from == to {
            return;
        }
        if &*kind.plural == "tickets" {
            self.close_ticket(object, kind, to.as_deref(), record, at, touched);
        }
        let mut set = |record: &mut Record, name: &str, value: &str| {
            touched.extend(compute(kind, record, at, name, value, &origin));
        };
        if let Some(from) = from {
            let entered = kind
                .position(&format!("hs_v2_date_entered_{from}"))
                .and_then(|property| record.value(property))
                .and_then(when::parse);
            let stayed = entered.map_or(0, |entered| at.saturating_sub(entered));
            let name = format!("hs_v2_cumulative_time_in_{from}");
            let spent: i64 = kind
                .position(&name)
                .and_then(|property| record.value(property))
                .and_then(|text| text.parse().ok())
                .unwrap_or(0);
            set(record, &format!("hs_v2_date_exited_{from}"), &when::iso(at));
            set(record, &format!("hs_v2_latest_time_in_{from}"), &stayed.to_string());
            set(record, &name, &spent.saturating_add(stayed).to_string());
        }
        if let Some(to) = to {
            set(record, &format!("hs_v2_date_entered_{to}"), &when::iso(at));
            set(record, &format!("hs_v2_date_exited_{to}"), "");
        }
    }

    /// Whether a deal is closed or won, and what it brings.
    #[expect(clippy::too_many_arguments, reason = "one saving's whole context, asked for in one place")]
    fn deal_facts(
        &self,
        object: ObjectIx,
        kind: &Object,
        (from, to): (Option<&str>, Option<&str>),
        before: Option<&Record>,
        record: &mut Record,
        at: i64,
        touched: &mut BTreeSet<PropIx>,
    ) {
        let amount = kind.position("amount");
        let repriced = amount.is_some_and(|amount| touched.contains(&amount));
        if from == to && before.is_some() && !repriced {
            return;
        }
        let stage = to.and_then(|to| self.pipeline_of_stage(object, to)?.stage(to));
        let closed = stage.is_some_and(crate::StageSpec::is_closed);
        let won = stage.is_some_and(crate::StageSpec::is_won);
        let probability = stage.and_then(|stage| stage.probability()).unwrap_or_default().to_owned();
        let sum = amount.and_then(|amount| record.value(amount)).filter(|_| won).unwrap_or("0").to_owned();
        for (name, value) in [
            ("hs_is_closed", closed.to_string()),
            ("hs_is_closed_won", won.to_string()),
            ("hs_deal_stage_probability", probability),
            ("hs_closed_amount", sum),
        ] {
            touched.extend(compute(kind, record, at, name, &value, &self.calculated));
        }
    }

    /// When a ticket was closed; empty while it is open.
    fn close_ticket(
        &self,
        object: ObjectIx,
        kind: &Object,
        to: Option<&str>,
        record: &mut Record,
        at: i64,
        touched: &mut BTreeSet<PropIx>,
    ) {
        let stage = to.and_then(|to| self.pipeline_of_stage(object, to)?.stage(to));
        let closed = stage.is_some_and(crate::StageSpec::is_closed);
        let (date, took) = if closed {
            (when::iso(at), at.saturating_sub(record.created).to_string())
        } else {
            (String::new(), String::new())
        };
        for (name, value) in [("closed_date", date), ("time_to_close", took)] {
            touched.extend(compute(kind, record, at, name, &value, &self.calculated));
        }
    }

    /// When a task was done.
    fn finish_task(
        &self,
        kind: &Object,
        before: Option<&Record>,
        record: &mut Record,
        at: i64,
        touched: &mut BTreeSet<PropIx>,
    ) {
        let Some(status) = kind.position("hs_task_status") else { return };
        let done = |record: &Record| record.value(status) == Some("COMPLETED");
        let now = done(record);
        if before.map(done) == Some(now) {
            return;
        }
        let date = if now { when::iso(at) } else { String::new() };
        for (name, value) in
            [("hs_task_is_completed", if now { "1" } else { "0" }), ("hs_task_completion_date", &date)]
        {
            touched.extend(compute(kind, record, at, name, value, &self.calculated));
        }
    }

    /// Counts of linked records, which move a record's stamp when they change.
    pub(crate) fn recount(&mut self, object: ObjectIx, id: u64, other: ObjectIx) {
        let Some(plural) = self.schema.object(other).map(|kind| kind.plural.clone()) else { return };
        let Some(kind) = self.schema.object(object) else { return };
        let Some(record) = self.record(object, id) else { return };
        let count = self.links.linked(object, id, other).len();
        let (now, origin) = (self.now(), Arc::clone(&self.calculated));
        let mut record = Record::clone(record);
        let name = format!("num_associated_{plural}");
        let Some(property) = compute(kind, &mut record, now, &name, &count.to_string(), &origin) else {
            return;
        };
        record.modified = now;
        self.commit(object, record, crate::Operation::Update, &BTreeSet::from([property]), &origin);
    }
}
