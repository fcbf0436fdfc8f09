//! Learning custom child relationships from the parent's describe, once per process.

use handoff_connector::{Fault, Lane, Reply, Request};
use handoff_core::extract::ReadPlan;

use crate::Api;
use crate::composite;
use crate::error;
use crate::spec::ONE_CALL;

/// A describe that is needed before anything can be asked about a plan's children.
#[derive(Debug, Clone)]
pub(crate) struct Resolve {
    object: String,
}

impl Resolve {
    /// Whether the plan names a relationship that is neither standard nor learnt.
    pub(crate) fn needed(api: &Api, plan: &ReadPlan) -> Option<Self> {
        let object = plan.object.as_str();
        let unknown = plan.related.keys().any(|name| api.relations.find(object, name).is_none());
        unknown.then(|| Self { object: object.to_owned() })
    }

    /// The describe.
    pub(crate) fn request(&self, api: &Api, lane: Lane) -> Request {
        composite::get(format!("{}/sobjects/{}/describe", api.base, self.object), lane, ONE_CALL, "describe")
    }

    /// Learns from the answer. A relationship that it does not name stays unknown: its rows are absent, which is incomplete, not wrong.
    pub(crate) fn reply(&self, api: &Api, reply: &Reply) -> Result<(), Fault> {
        let describe = error::body(reply)?;
        api.relations.learn(&self.object, &describe)
    }
}
