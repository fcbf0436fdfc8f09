//! Learning custom relationships and lookups from describes, once per process.

use std::collections::BTreeSet;

use handoff_connector::{Fault, Lane, Reply, Request};
use handoff_core::extract::ReadPlan;

use crate::Api;
use crate::composite;
use crate::error;
use crate::soql::is_name;
use crate::spec::ONE_CALL;

/// A describe that is needed before anything can be asked about a plan's children.
#[derive(Debug, Clone)]
pub(crate) struct Resolve {
    object: String,
    asked: BTreeSet<String>,
}

impl Resolve {
    /// Whether the plan names a relationship or lookup that is neither standard nor learnt.
    pub(crate) fn needed(api: &Api, plan: &ReadPlan) -> Option<Self> {
        Self::further(api, plan, BTreeSet::new())
    }

    /// The first object that has to be described and was not in this conversation.
    fn further(api: &Api, plan: &ReadPlan, asked: BTreeSet<String>) -> Option<Self> {
        let unknown = plan.related.keys().filter_map(|key| api.relations.unknown(plan.object.as_str(), key));
        let mut unknown = unknown.filter(|object| is_name(object) && !asked.contains(object));
        unknown.next().map(|object| Self { object, asked })
    }

    /// The describe.
    pub(crate) fn request(&self, api: &Api, lane: Lane) -> Request {
        composite::get(format!("{}/sobjects/{}/describe", api.base, self.object), lane, ONE_CALL, "describe")
    }

    /// Learns from the answer, and says what has to be described next. A relationship that nothing names stays unknown: its rows are absent,
    /// which is incomplete, not wrong.
    pub(crate) fn reply(&self, api: &Api, plan: &ReadPlan, reply: &Reply) -> Result<Option<Self>, Fault> {
        let describe = error::body(reply)?;
        api.relations.learn(&self.object, &describe)?;
        let asked = self.asked.iter().cloned().chain([self.object.clone()]).collect();
        Ok(Self::further(api, plan, asked))
    }
}
