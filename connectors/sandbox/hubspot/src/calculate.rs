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

impl State {
    /// Stage facts of a deal, after its written values are in place.
    pub(crate) fn calculate(
        &self,
        object: ObjectIx,
        before: Option<&Record>,
        record: &mut Record,
        at: i64,
        touched: &mut BTreeSet<PropIx>,
    ) {
        let Some(kind) = self.schema.object(object).filter(|kind| kind.plural == "deals") else { return };
        let Some(stage_property) = kind.position("dealstage") else { return };
        let to = record.value(stage_property).map(ToOwned::to_owned);
        let from = before.and_then(|record| record.value(stage_property)).map(ToOwned::to_owned);
        let amount = kind.position("amount");
        let repriced = amount.is_some_and(|amount| touched.contains(&amount));
        if from == to && before.is_some() && !repriced {
            return;
        }
        let origin = Arc::clone(&self.calculated);
        let stage = to.as_deref().and_then(|to| Some((self.pipeline_of_stage(object, to)?.stage(to)?, to)));
        let closed = stage.is_some_and(|(stage, _)| stage.is_closed());
        let won = stage.is_some_and(|(stage, _)| stage.is_won());
        let probability = stage.and_then(|(stage, _)| stage.probability()).unwrap_or_default().to_owned();
        let sum = amount.and_then(|amount| record.value(amount)).filter(|_| won).unwrap_or("0").to_owned();
        let mut set = |record: &mut Record, name: &str, value: &str| {
            touched.extend(compute(kind, record, at, name, value, &origin));
        };
        set(record, "hs_is_closed", if closed { "true" } else { "false" });
        set(record, "hs_is_closed_won", if won { "true" } else { "false" });
        set(record, "hs_deal_stage_probability", &probability);
        set(record, "hs_closed_amount", &sum);
        if from == to {
            return;
        }
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

    /// Counts of linked records, which move a record's stamp when they change.
    pub(crate) fn recount(&mut self, object: ObjectIx, id: u64, other: ObjectIx) {
        let Some(plural) = self.schema.object(other).map(|kind| kind.plural) else { return };
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
