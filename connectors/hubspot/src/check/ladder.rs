//! Which rung of HubSpot's own means holds for each mapping (facts/hubspot §7).

use handoff_connector::CheckFinding;
use handoff_core::mapping::{EnforcementKind, Mapping};

use super::{Case, advice};

/// One piece of advice for each mapping: how a move past the gate is stopped.
pub(super) fn rungs(case: &Case) -> Vec<CheckFinding> {
    let one = |mapping: &Mapping| {
        let place = format!("{}.{}", mapping.object, mapping.stage.field);
        let kind = mapping.enforcement.as_ref().map(|enforcement| enforcement.kind);
        let (problem, remedy) = match kind {
            Some(EnforcementKind::ApprovalRule) if case.approves(mapping) => (
                "H1: every pipeline with a won stage has an approval rule. HubSpot does not document what it does to moves made by other apps",
                "Try in a test account that a deal without acceptance waits, also when another app moves it",
            ),
            Some(EnforcementKind::ApprovalRule) => (
                "H4: the mapping names an approval rule, but none was found on every pipeline with a won stage: the flag is the only gate",
                "Set up the approval, as deploy/hubspot/README.md says, or take [enforcement] out of the mapping",
            ),
            Some(EnforcementKind::RequiredProperty) => (
                "H2: the mapping says that the won stage requires a property. No HubSpot API tells whether that is set, so it cannot be checked",
                "Look at it by hand: Settings, Objects, Deals, Pipelines, the won stage's conditional properties",
            ),
            Some(EnforcementKind::ValidationRule) => (
                "H4: HubSpot has no validation rules: the flag is the only gate",
                "Take [enforcement] out of the mapping, or name an approval_rule or required_property",
            ),
            None => (
                "nothing in HubSpot blocks the stage. H3 where on_bypass = \"revert\": the deal is put back after the fact; else H4: the flag is the only gate",
                "Finance reads the flag or its date, never the stage; for a block see deploy/hubspot/README.md",
            ),
        };
        advice(place, problem, remedy)
    };
    case.mappings.iter().map(one).collect()
}
