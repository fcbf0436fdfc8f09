//! Rows → JSON records.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::plan::{Node, Output, Part, Plan};
use super::rows::{Access, Row, Rows, ScanHint};
use super::sort::select;
use crate::schema::FieldSchema;
use crate::value::Cell;

pub(super) fn record<S: Rows>(
    rows: &S,
    row: &S::Row,
    object: &str,
    node: &Node,
    version: &str,
) -> Map<String, Json> {
    let mut out = Map::new();
    let id = node.id.as_ref().map_or(Cell::Null, |id| row.cell(id));
    let Cell::Text(id) = id else { return out };
    let url = format!("/services/data/v{version}/sobjects/{object}/{id}");
    out.insert("attributes".into(), json!({ "type": object, "url": url }));
    for part in &node.parts {
        match part {
            Part::Field(field) => {
                out.insert(field.name.clone(), row.cell(field).to_json(field.field_type));
            }
            Part::TypeName => {
                out.insert("Type".into(), object.into());
            }
            Part::Parent { name, reference, targets } => {
                out.insert(name.clone(), parent(rows, row.cell(reference), targets, version));
            }
            Part::Child { name, lookup, plan } => {
                out.insert(name.clone(), children(rows, id, lookup, plan, version));
            }
        }
    }
    out
}

fn parent<S: Rows>(rows: &S, reference: Cell<'_>, targets: &[(String, Node)], version: &str) -> Json {
    let Cell::Text(id) = reference else { return Json::Null };
    let found = targets.iter().find_map(|(object, node)| Some((object, node, rows.get(object, id)?)));
    found.map_or(Json::Null, |(object, node, row)| record(rows, row, object, node, version).into())
}

fn children<S: Rows>(rows: &S, id: &str, lookup: &Arc<FieldSchema>, plan: &Plan, version: &str) -> Json {
    let Output::Rows(node) = &plan.output else { return Json::Null };
    let access = Access::Lookup { field: Arc::clone(lookup), ids: vec![id.to_owned()] };
    let found = select(plan, rows, &ScanHint { access, stamp_order: false }, Some((lookup, id)));
    if found.is_empty() {
        return Json::Null;
    }
    let records: Vec<Json> =
        found.into_iter().map(|row| record(rows, row, &plan.object, node, version).into()).collect();
    json!({ "totalSize": records.len(), "done": true, "records": records })
}
