//! What changed: one page of a search. Before the first one of a custom object its schema is asked for, so that its events are understood.

use handoff_connector::{ChangePage, Changed, Cursor, Exchange, Fault, Lane, Reply, Request, Step};
use handoff_core::id::ObjectName;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::cursor::Place;
use crate::row::{self, Row, modified_property};
use crate::spec::{ONE_SEARCH, SEARCH_PAGE};
use crate::{Api, ask, custom, error, stamp};

/// The conversation behind [`handoff_connector::Source::changes`].
pub(crate) struct Changes {
    api: Api,
    object: ObjectName,
    place: Place,
}

impl Changes {
    pub(crate) fn new(api: Api, object: ObjectName, cursor: &Cursor) -> Self {
        Self { api, object, place: Place::of(cursor) }
    }

    fn question(&self) -> Value {
        let modified = modified_property(self.object.as_str());
        let low = self.place.low.or(self.api.since);
        let mut filters = Vec::new();
        if let Some(low) = low {
            let from = low.as_millisecond().to_string();
            filters.push(json!({ "propertyName": modified, "operator": "GTE", "value": from }));
        }
        let last = self.place.last.to_string();
        filters.push(json!({ "propertyName": "hs_object_id", "operator": "GT", "value": last }));
        json!({
            "filterGroups": [{ "filters": filters }],
            "sorts": [{ "propertyName": "hs_object_id", "direction": "ASCENDING" }],
            "properties": [modified],
            "limit": SEARCH_PAGE,
        })
    }

    fn take(&mut self, body: &Value, reply: &Reply) -> Result<ChangePage, Fault> {
        let rows = row::results(body)?.iter().map(Row::parse).collect::<Result<Vec<Row>, Fault>>()?;
        let more = rows.len() >= SEARCH_PAGE || (!rows.is_empty() && ask::next_page(body).is_some());
        let ids: Vec<u64> = rows.iter().map(|row| row.id.number()).collect();
        let ahead = ids.iter().all(|id| *id > self.place.last) && ids.is_sorted();
        if !ahead || ids.is_empty() && ask::next_page(body).is_some() {
            return Err(Fault::Protocol {
                detail: format!("the pages of {} do not advance in the order of ids", self.object),
            });
        }
        let object = self.object.as_str();
        let changed = rows
            .iter()
            .map(|one| Changed {
                record: row::reference(&self.api, object, one.id),
                stamp: one.stamp(object),
            })
            .collect();
        let mut place = self.place.clone();
        if place.last == 0 {
            place.began = stamp::server_clock(reply);
        }
        place.last = ids.last().copied().unwrap_or(place.last);
        if !more {
            place.settle(SignedDuration::try_from(self.api.overlap).unwrap_or(SignedDuration::MAX));
        }
        Ok(ChangePage { changed, next: place.cursor(), more })
    }
}

impl Exchange for Changes {
    type Output = ChangePage;

    fn request(&mut self) -> Request {
        if self.api.types.lacks(self.object.as_str()) {
            return custom::request(&self.api, self.object.as_str(), Lane::Read);
        }
        let path = format!("{}/search", self.api.dialect.objects(self.object.as_str()));
        ask::post(path, self.question(), Lane::Read, ONE_SEARCH, "search")
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<ChangePage>, Fault> {
        if self.api.types.lacks(self.object.as_str()) {
            return match custom::learn(&self.api, self.object.as_str(), reply) {
                // Without its type id only its events are lost, which are hints.
                Ok(()) | Err(Fault::Denied { .. } | Fault::Gone | Fault::Refused { .. }) => {
                    Ok(Step::Continue)
                }
                Err(
                    fault @ (Fault::Transient { .. }
                    | Fault::Throttled { .. }
                    | Fault::Expired
                    | Fault::Stale
                    | Fault::Protocol { .. }),
                ) => Err(fault),
            };
        }
        let body = row::whole(error::body(reply))?;
        self.take(&body, reply).map(Step::Done)
    }
}
