//! Handoff 06 on the deal: own properties, the call in which the need was told, the company's health.

use crate::story::AVA;
use serde_json::json;

use crate::stage::people::GRACE;
use crate::stage::table::{Junk, Missing, Part, ROOT, Scene, column, made, typed};

/// A cross-sell that is handed to Motion B.
pub fn scene() -> Scene {
    Scene {
        contract: "h06-motion-a-to-motion-b",
        mapping: "hubspot/h06-motion-a-to-motion-b",
        roles: vec![("csm", GRACE), ("account_executive", AVA)],
        made: vec![
            made(
                "company",
                "companies",
                GRACE,
                &[("name", json!("Glenmore Freight")), ("handoff_health_score", json!(82))],
            ),
            made("told", "calls", GRACE, &[("hs_call_title", json!("Quarterly review"))]),
            made(
                ROOT,
                "deals",
                GRACE,
                &[
                    ("dealname", json!("Glenmore Freight - Asset Care")),
                    ("pipeline", json!("cross_sell")),
                    ("dealstage", json!("cross_sell_handover")),
                    ("hubspot_owner_id", json!(format!("@user:{AVA}"))),
                    ("handoff_06_motion_a_csm", json!(format!("@user:{GRACE}"))),
                    ("handoff_06_primary_owner", json!(format!("@user:{GRACE}"))),
                    ("handoff_06_mode", json!("Warm")),
                    ("handoff_06_reunification_trigger", json!("6 months after go_live")),
                    ("handoff_06_owner_after", json!(format!("@user:{GRACE}"))),
                    ("handoff_06_reunify_by", json!("2027-05-31")),
                    ("handoff_06_signal", json!("They asked twice how to plan the upkeep of their own vans")),
                    (
                        "handoff_06_communication_plan",
                        json!("The CSM opens every meeting and sends every summary"),
                    ),
                    ("handoff_06_health_baseline", json!(82)),
                    ("handoff_06_stop_below", json!(60)),
                    ("handoff_06_entity", json!("Northwind Peak GmbH")),
                    ("handoff_06_paperwork_route", json!("Their legal first, then our finance")),
                ],
            )
            .linked("company", "")
            .linked("told", ""),
        ],
        parts: parts(),
    }
}

fn parts() -> Vec<Part> {
    let own = |name| (ROOT, name);
    vec![
        typed("primary_owner", "owner", own("handoff_06_primary_owner"), "both"),
        typed("primary_owner", "mode", own("handoff_06_mode"), "Lukewarm"),
        column("reunification", "trigger", own("handoff_06_reunification_trigger"), json!("we will align")),
        typed("reunification", "owner_after", own("handoff_06_owner_after"), "the team"),
        typed("reunification", "latest", own("handoff_06_reunify_by"), "some day"),
        column("qualification", "signal", own("handoff_06_signal"), json!("see slack")),
        Part {
            field: "qualification",
            part: "evidence",
            on: "told",
            value: None,
            junk: Junk::Impossible,
            missing: Missing::Without(vec!["told"]),
            along: None,
        },
        column("communication", "plan", own("handoff_06_communication_plan"), json!("as usual")),
        typed("health", "baseline", own("handoff_06_health_baseline"), "green")
            .says(json!({"kind": "number", "value": "82"})),
        typed("health", "stop_below", own("handoff_06_stop_below"), "red"),
        typed("paperwork", "entity", own("handoff_06_entity"), "the other one"),
        column("paperwork", "route", own("handoff_06_paperwork_route"), json!("tbd")),
    ]
}
