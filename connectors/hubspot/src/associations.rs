//! Who is associated with a record, and under which label.

use std::collections::{BTreeMap, BTreeSet};

use handoff_connector::{Fault, Lane, Reply, Request};
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::id::HsId;
use crate::spec::{BATCH, ONE_CALL};
use crate::{Api, ask, error, row};

/// Most associations of one record and one other object that are followed; what lies beyond counts as not there.
const MOST: usize = 2_000;
/// Types that mark one of several as the primary one (facts/hubspot §4).
const PRIMARY: [u64; 6] = [1, 2, 5, 6, 25, 26];

/// The label of the primary one.
const PRIMARY_LABEL: &str = "Primary";

/// An associated record under one label; `None` = under none.
pub(crate) type Link = (HsId, Option<String>);

/// Associations of some records with one other object, batch by batch.
#[derive(Debug, Clone)]
pub(crate) struct Associations {
    pub(crate) from: String,
    pub(crate) to: String,
    /// Records that are still to be asked for, each with the token of its next page.
    left: Vec<(HsId, Option<String>)>,
    pub(crate) found: BTreeMap<HsId, BTreeSet<Link>>,
}

impl Associations {
    pub(crate) fn new(from: &str, to: &str, ids: impl Iterator<Item = HsId>) -> Self {
        let left = ids.map(|id| (id, None)).collect();
        Self { from: from.to_owned(), to: to.to_owned(), left, found: BTreeMap::new() }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.left.is_empty()
    }

    fn batch(&self) -> &[(HsId, Option<String>)] {
        self.left.get(..BATCH).unwrap_or(&self.left)
    }

    pub(crate) fn request(&self, api: &Api, lane: Lane) -> Request {
        let input = |(id, after): &(HsId, Option<String>)| match after {
            Some(after) => json!({ "id": id.to_string(), "after": after }),
            None => json!({ "id": id.to_string() }),
        };
        let inputs: Vec<Value> = self.batch().iter().map(input).collect();
        let path = format!("{}/batch/read", api.dialect.associations(&self.from, &self.to));
        ask::post(path, json!({ "inputs": inputs }), lane, ONE_CALL, "associations")
    }

    pub(crate) fn reply(&mut self, reply: &Reply) -> Result<(), Fault> {
        let body = row::whole(error::body(reply))?;
        let errors = body.get("errors").and_then(Value::as_array).into_iter().flatten();
        // A record without associations is answered as an error of its own.
        if let Some(fault) =
            errors.map(|error| ApiError::parse(error).of_row()).find(|fault| *fault != Fault::Gone)
        {
            return Err(fault);
        }
        let asked = self.batch().to_vec();
        let (mut again, mut links) = (Vec::new(), Vec::new());
        for result in row::results(&body)? {
            let from = result.get("from").and_then(|from| HsId::of(from.get("id")?));
            let from = from.ok_or_else(|| shape("associations without the record that they are of"))?;
            let Some((_, before)) = asked.iter().find(|(id, _)| *id == from) else { continue };
            links.push((from, links_of(result)?));
            let Some(next) = ask::next_page(result) else { continue };
            if before.as_ref() == Some(&next) {
                return Err(shape("the pages of associations do not advance"));
            }
            again.push((from, Some(next)));
        }
        for (from, links) in links {
            self.found.entry(from).or_default().extend(links);
        }
        self.left.drain(..asked.len());
        let short = |from: &HsId| self.found.get(from).is_none_or(|links| links.len() < MOST);
        let again: Vec<_> = again.into_iter().filter(|(from, _)| short(from)).collect();
        self.left.extend(again);
        Ok(())
    }
}

/// The one of several associated records that stands for all: the primary one, else the first by id.
pub(crate) fn primary(links: &BTreeSet<Link>) -> Option<HsId> {
    let marked = links.iter().find(|(_, label)| label.as_deref() == Some(PRIMARY_LABEL));
    marked.or_else(|| links.first()).map(|(id, _)| *id)
}

fn shape(detail: &str) -> Fault {
    Fault::Protocol { detail: detail.to_owned() }
}

fn links_of(result: &Value) -> Result<Vec<Link>, Fault> {
    let to =
        result.get("to").and_then(Value::as_array).ok_or_else(|| shape("associations without a list"))?;
    let mut links = Vec::new();
    for one in to.iter().take(MOST) {
        let id = one.get("toObjectId").and_then(HsId::of);
        let id = id.ok_or_else(|| shape("an association without a valid record"))?;
        let types = one.get("associationTypes").and_then(Value::as_array).into_iter().flatten();
        let labels: BTreeSet<String> = types.filter_map(label).collect();
        if labels.is_empty() {
            links.push((id, None));
        }
        links.extend(labels.into_iter().map(|label| (id, Some(label))));
    }
    Ok(links)
}

/// The label of an association type; the flag of the primary one is a label too.
fn label(kind: &Value) -> Option<String> {
    let text = kind.get("label").and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let vendor = kind.get("category").and_then(Value::as_str) == Some("HUBSPOT_DEFINED");
    let primary = kind.get("typeId").and_then(Value::as_u64).is_some_and(|id| PRIMARY.contains(&id));
    if vendor && primary {
        return Some(PRIMARY_LABEL.to_owned());
    }
    text.map(str::to_owned)
}
