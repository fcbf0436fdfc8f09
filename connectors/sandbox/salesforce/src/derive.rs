//! Values the org computes on save: names, stage-dependent fields, expected revenue, closing dates.

use rust_decimal::Decimal;

use crate::{
    schema::{Field, Object},
    state::State,
    table::Row,
    value::Value,
};

/// What a stage means.
pub(crate) struct Stage {
    pub(crate) closed: bool,
    pub(crate) won: bool,
    pub(crate) probability: Decimal,
    pub(crate) forecast: String,
}

impl State {
    /// Fills the fields of `row` that nobody writes.
    pub(crate) fn derive(&self, object: &Object, row: &mut Row, old: Option<&Row>, given: &[(Field, Value)]) {
        match object.name() {
            "User" | "Contact" | "Lead" => person_name(object, row),
            "Opportunity" => self.opportunity(object, row, old, given),
            "Task" => closed(object, row, |status| status == "Completed"),
            "CampaignMember" => self.responded(object, row, given),
            "Case" => {
                closed(object, row, |status| status.starts_with("Closed"));
                let is_closed =
                    object.field("IsClosed").map(|field| row.get(field)) == Some(Value::Bool(true));
                if let Some(slot) = object.slot("ClosedDate") {
                    let stamp = match (is_closed, row.stored(slot).is_null()) {
                        (true, true) => Value::Time(self.second()),
                        (true, false) => row.stored(slot).clone(),
                        (false, _) => Value::Null,
                    };
                    row.set(slot, stamp);
                }
                if let Some(slot) = object.slot("CaseNumber").filter(|slot| row.stored(*slot).is_null()) {
                    let count = self.table("Case").map_or(0, crate::table::Table::len);
                    row.set(slot, Value::text(format!("{:08}", count + 1)));
                }
            }
            _ => {}
        }
    }

    fn opportunity(&self, object: &Object, row: &mut Row, old: Option<&Row>, given: &[(Field, Value)]) {
        let get = |row: &Row, name: &str| object.field(name).map_or(Value::Null, |field| row.get(field));
        let was_given = |name: &str| given.iter().any(|(field, _)| field.spec.name == name);
        let stage_name = get(row, "StageName");
        let stage_changed = old.is_none_or(|old| get(old, "StageName") != stage_name);
        let stage = self.stage(stage_name.as_str().unwrap_or_default());
        let mut put = |name: &str, value: Value| {
            if let Some(slot) = object.slot(name) {
                row.set(slot, value);
            }
        };
        if stage_changed {
            put("IsClosed", Value::Bool(stage.closed));
            put("IsWon", Value::Bool(stage.won));
            put("ForecastCategory", Value::text(stage.forecast.replace(' ', "")));
            if !was_given("ForecastCategoryName") {
                put("ForecastCategoryName", Value::text(&*stage.forecast));
            }
            if !was_given("Probability") {
                put("Probability", Value::Num(stage.probability));
            }
            if old.is_some() && !was_given("LastStageChangeDate") {
                put("LastStageChangeDate", Value::Time(self.second()));
            }
        }
        let expected = match (get(row, "Amount"), get(row, "Probability")) {
            (Value::Num(amount), Value::Num(percent)) => amount
                .checked_mul(percent)
                .map_or(Value::Null, |product| Value::Num(product / Decimal::ONE_HUNDRED)),
            _ => Value::Null,
        };
        let mut put = |name: &str, value: Value| {
            if let Some(slot) = object.slot(name) {
                row.set(slot, value);
            }
        };
        put("ExpectedRevenue", expected);
    }

    /// What the org's stage list says about a stage; an unlisted one is open, at 0 percent, in the pipeline.
    pub(crate) fn stage(&self, name: &str) -> Stage {
        let unknown =
            Stage { closed: false, won: false, probability: Decimal::ZERO, forecast: "Pipeline".to_owned() };
        let (Some(table), Some(object)) =
            (self.table("OpportunityStage"), self.schema.object("OpportunityStage"))
        else {
            return unknown;
        };
        let get = |row: &Row, name: &str| object.field(name).map_or(Value::Null, |field| row.get(field));
        table.rows().find(|row| get(row, "ApiName").as_str() == Some(name)).map_or(unknown, |row| Stage {
            closed: get(row, "IsClosed") == Value::Bool(true),
            won: get(row, "IsWon") == Value::Bool(true),
            probability: if let Value::Num(percent) = get(row, "DefaultProbability") {
                percent
            } else {
                Decimal::ZERO
            },
            forecast: get(row, "ForecastCategoryName").to_plain(),
        })
    }
}

/// Member states that count as a response in every campaign here.
const RESPONSES: [&str; 3] = ["Responded", "Registered", "Attended"];

impl State {
    /// Whether a campaign member has responded, and on which day first: the org computes both from the state.
    fn responded(&self, object: &Object, row: &mut Row, given: &[(Field, Value)]) {
        // What is loaded may have states of its own.
        if given.iter().any(|(field, _)| field.spec.name == "HasResponded") {
            return;
        }
        let state = object.field("Status").map_or(Value::Null, |field| row.get(field));
        let responded = state.as_str().is_some_and(|state| RESPONSES.contains(&state));
        if let Some(slot) = object.slot("HasResponded") {
            row.set(slot, Value::Bool(responded));
        }
        let first = object.slot("FirstRespondedDate").filter(|slot| responded && row.stored(*slot).is_null());
        let today = self.now().strftime("%Y-%m-%d").to_string().parse().ok();
        if let Some((slot, today)) = first.zip(today) {
            row.set(slot, Value::Date(today));
        }
    }
}

fn person_name(object: &Object, row: &mut Row) {
    let part = |name: &str| object.field(name).map(|field| row.get(field).to_plain()).unwrap_or_default();
    let full = format!("{} {}", part("FirstName"), part("LastName"));
    if let Some(slot) = object.slot("Name") {
        row.set(slot, Value::text(full.trim()));
    }
}

fn closed(object: &Object, row: &mut Row, ends: impl Fn(&str) -> bool) {
    let is_closed = object.field("Status").is_some_and(|field| row.get(field).as_str().is_some_and(&ends));
    if let Some(slot) = object.slot("IsClosed") {
        row.set(slot, Value::Bool(is_closed));
    }
}
