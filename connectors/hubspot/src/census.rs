//! Every record of an object, page by page: first those that are there, then those that were archived.

use handoff_connector::{ChangePage, Changed, Cursor, Exchange, Fault, Lane, Reply, Request, Step};
use handoff_core::extract::ReadPlan;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::row::{self, Row, modified_property};
use crate::spec::{LIST_PAGE, ONE_CALL};
use crate::{Api, ask, error};

/// Where the walk stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// Whether the archived ones are being listed.
    #[serde(default)]
    archived: bool,
    /// HubSpot's own token of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    /// Pages read of this half, against a walk in a circle.
    #[serde(default)]
    pages: u32,
}

/// Most pages of one half of the walk: ten million records.
const MOST_PAGES: u32 = 100_000;

/// The conversation behind [`handoff_connector::Source::census`].
pub(crate) struct Census {
    api: Api,
    plan: ReadPlan,
    place: Place,
}

impl Census {
    /// A cursor that cannot be read starts the walk again.
    pub(crate) fn new(api: Api, plan: ReadPlan, cursor: &Cursor) -> Self {
        let place: Place = serde_json::from_value(cursor.0.clone()).unwrap_or_default();
        let readable = place.after.as_deref().is_none_or(|after| ask::token(after).is_some());
        Self { api, plan, place: if readable { place } else { Place::default() } }
    }

    fn object(&self) -> &str {
        self.plan.object.as_str()
    }

    /// Whether a record may matter: in a stage of interest, and changed since reading began.
    fn is_wanted(&self, row: &Row) -> bool {
        let stages = &self.plan.interesting_stages;
        let stage = row.properties.get(&self.plan.stage_field).and_then(Value::as_str);
        let in_stage = stages.is_empty() || stage.is_none_or(|stage| stages.contains(stage));
        let late = match (self.api.since, row.stamp(self.object())) {
            (Some(since), Some(stamp)) => stamp >= since,
            (Some(_) | None, None) | (None, Some(_)) => true,
        };
        in_stage && late
    }

    fn next(&self, after: Option<String>) -> Result<Option<Place>, Fault> {
        let Some(after) = after else {
            return Ok((!self.place.archived).then(|| Place { archived: true, ..Place::default() }));
        };
        let ahead = match (&self.place.after, after.parse::<u64>()) {
            (Some(before), Ok(next)) => before.parse::<u64>().is_ok_and(|before| before < next),
            (Some(before), Err(_)) => *before != after,
            (None, _) => true,
        };
        let pages = self.place.pages + 1;
        if !ahead || pages > MOST_PAGES || ask::token(&after).is_none() {
            return Err(Fault::Protocol {
                detail: format!("the pages of {} do not advance: the server repeats itself", self.object()),
            });
        }
        Ok(Some(Place { after: Some(after), pages, ..self.place.clone() }))
    }
}

impl Exchange for Census {
    type Output = ChangePage;

    fn request(&mut self) -> Request {
        let base = self.api.dialect.objects(self.object());
        let (modified, stage) = (modified_property(self.object()), &self.plan.stage_field);
        let archived = self.place.archived;
        let mut path = format!("{base}?limit={LIST_PAGE}&properties={modified},{stage}&archived={archived}");
        if let Some(after) = self.place.after.as_deref().and_then(ask::token) {
            path.push_str("&after=");
            path.push_str(&after);
        }
        ask::get(path, Lane::Backfill, ONE_CALL, "census")
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<ChangePage>, Fault> {
        let body = row::whole(error::body(reply))?;
        let rows = row::results(&body)?.iter().map(Row::parse).collect::<Result<Vec<Row>, Fault>>()?;
        let next = self.next(ask::next_page(&body))?;
        let changed = rows
            .iter()
            .filter(|row| self.is_wanted(row))
            .map(|row| Changed {
                record: row::reference(&self.api, self.object(), row.id),
                stamp: row.stamp(self.object()),
            })
            .collect();
        let more = next.is_some();
        // Plain values only: encoding cannot fail, and `null` would merely start again.
        let next = next
            .map_or_else(Cursor::beginning, |place| Cursor(serde_json::to_value(place).unwrap_or_default()));
        Ok(Step::Done(ChangePage { changed, next, more }))
    }
}
