//! Handoff 03 on the deal: own properties and labelled contacts.

use crate::story::{AVA, INGRID};
use serde_json::json;

use crate::stage::table::{Junk, Missing, Part, ROOT, Scene, column, made, typed};

/// A deal in its last open stage.
pub fn scene() -> Scene {
    Scene {
        contract: "h03-ae-to-onboarding",
        mapping: "hubspot/h03-ae-to-onboarding",
        roles: vec![("account_executive", AVA), ("onboarding_lead", INGRID)],
        made: vec![
            made("cfo", "contacts", AVA, &[("lastname", json!("Ferrari"))]),
            made("boss", "contacts", AVA, &[("lastname", json!("Osei"))]),
            made(
                ROOT,
                "deals",
                AVA,
                &[
                    ("dealname", json!("Glenmore Freight - Dispatch Cloud")),
                    ("pipeline", json!("default")),
                    ("dealstage", json!("contractsent")),
                    ("hubspot_owner_id", json!(format!("@user:{AVA}"))),
                    ("handoff_onboarding_lead", json!(format!("@user:{INGRID}"))),
                    (
                        "handoff_signing_authority",
                        json!("CFO signs up to 250,000 EUR alone; above that the board"),
                    ),
                    ("handoff_champion_strength", json!("Strong")),
                    (
                        "handoff_political_dynamics",
                        json!("Operations wants it; IT fears another integration"),
                    ),
                    ("handoff_verbal_commitments", json!("Two extra training days were promised by phone")),
                    (
                        "handoff_success_criteria",
                        json!("Missed appointments fall by half in the first half year"),
                    ),
                    ("handoff_success_metric", json!("Missed appointments per month")),
                    ("handoff_success_target", json!("From 9 % to 4 %")),
                    ("handoff_success_target_date", json!("2027-06-30")),
                    (
                        "handoff_implementation_risks",
                        json!("Their address data lies in three systems that disagree"),
                    ),
                    ("handoff_incumbent_tool", json!("Spreadsheets")),
                    ("handoff_sticky_points", json!("Dispatchers love the colour codes of the old planner")),
                    ("handoff_desired_go_live", json!("2027-02-01")),
                    ("handoff_go_live_anchor_event", json!("Start of the winter service season")),
                    ("handoff_expansion_hypothesis", json!("The northern depots follow in year two")),
                ],
            )
            .linked("cfo", "Economic Buyer")
            .linked("boss", "Champion"),
        ],
        parts: parts(),
    }
}

fn parts() -> Vec<Part> {
    let own = |name| (ROOT, name);
    let labelled = |field, part, who: &'static str| Part {
        field,
        part,
        on: who,
        value: None,
        junk: Junk::Impossible,
        missing: Missing::Without(vec![who]),
        along: None,
    };
    vec![
        labelled("economic_buyer", "person", "cfo"),
        column("economic_buyer", "authority", own("handoff_signing_authority"), json!("tbd")),
        labelled("sponsor_map", "champion", "boss"),
        typed("sponsor_map", "strength", own("handoff_champion_strength"), "see notes"),
        column("sponsor_map", "dynamics", own("handoff_political_dynamics"), json!("asdf")),
        column("commitments", "promises", own("handoff_verbal_commitments"), json!("standard terms")),
        column("success_criteria", "criteria", own("handoff_success_criteria"), json!("see proposal")),
        column("success_criteria", "metric", own("handoff_success_metric"), json!("?")),
        column("success_criteria", "target", own("handoff_success_target"), json!("much better than today")),
        typed("success_criteria", "by", own("handoff_success_target_date"), "soon"),
        column("risks", "risks", own("handoff_implementation_risks"), json!("none known")),
        column("displacement", "incumbent", own("handoff_incumbent_tool"), json!("n/a")),
        column("displacement", "sticky_points", own("handoff_sticky_points"), json!("see gong")),
        typed("go_live", "date", own("handoff_desired_go_live"), "asap"),
        column("go_live", "anchor", own("handoff_go_live_anchor_event"), json!("tbd")),
        column("expansion", "hypothesis", own("handoff_expansion_hypothesis"), json!("per sow")),
    ]
}
