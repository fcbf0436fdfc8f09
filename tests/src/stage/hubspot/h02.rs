//! Handoff 02 on the deal: own properties and the people of the discovery.

use crate::story::AVA;
use serde_json::json;

use crate::stage::people::NIA;
use crate::stage::table::{Part, ROOT, Scene, column, made, rows, typed};

/// A deal whose first meeting is set.
pub fn scene() -> Scene {
    Scene {
        contract: "h02-sdr-to-ae",
        mapping: "hubspot/h02-sdr-to-ae",
        roles: vec![("sdr", NIA), ("account_executive", AVA)],
        made: vec![
            made("company", "companies", NIA, &[("name", json!("Glenmore Freight"))]),
            made(
                "head",
                "contacts",
                NIA,
                &[
                    ("lastname", json!("Osei")),
                    ("jobtitle", json!("Head of dispatch")),
                    ("handoff_02_reaction", json!("Asked twice when a pilot could begin")),
                ],
            ),
            made(
                "assistant",
                "contacts",
                NIA,
                &[("lastname", json!("Bell")), ("jobtitle", json!("Assistant"))],
            ),
            made(
                ROOT,
                "deals",
                NIA,
                &[
                    ("dealname", json!("Glenmore Freight - Dispatch Cloud")),
                    ("pipeline", json!("default")),
                    ("dealstage", json!("appointmentscheduled")),
                    ("hubspot_owner_id", json!(format!("@user:{AVA}"))),
                    ("handoff_02_sdr", json!(format!("@user:{NIA}"))),
                    (
                        "handoff_02_pain",
                        json!("Dispatchers fill gaps in the plan by telephone for two hours a day"),
                    ),
                    ("handoff_02_anti_pain", json!("They are happy with their invoicing")),
                    ("handoff_02_tools", json!("Spreadsheets;Legacy planner")),
                    ("handoff_02_satisfaction", json!("Unhappy")),
                    ("handoff_02_needed_by", json!("2027-03-01")),
                    ("handoff_02_trigger", json!("Their busy season starts in spring")),
                    ("handoff_02_budget", json!("Planned")),
                    ("handoff_02_procurement", json!("The CFO signs, procurement compares three offers")),
                    ("handoff_02_competitors", json!("ServiceMax")),
                ],
            )
            .linked("company", "")
            .linked("head", "Discovery stakeholder")
            // Without the label nobody was met.
            .linked("assistant", ""),
        ],
        parts: parts(),
    }
}

fn parts() -> Vec<Part> {
    let own = |name| (ROOT, name);
    vec![
        column("pain", "pain", own("handoff_02_pain"), json!("see meeting notes")),
        column("pain", "anti_pain", own("handoff_02_anti_pain"), json!("n/a")),
        rows("stakeholders", "people", &["head"], ("head", "handoff_02_reaction", json!("interested"))),
        typed("tool_stack", "tools", own("handoff_02_tools"), "Something").says(json!({
            "kind": "list",
            "value": [
                {"tool": {"kind": "name", "value": "Spreadsheets"}},
                {"tool": {"kind": "name", "value": "Legacy planner"}},
            ],
        })),
        typed("tool_stack", "satisfaction", own("handoff_02_satisfaction"), "so so"),
        typed("timeline", "by", own("handoff_02_needed_by"), "asap"),
        column("timeline", "trigger", own("handoff_02_trigger"), json!("see calendar")),
        typed("budget", "signal", own("handoff_02_budget"), "bant ok"),
        column("budget", "pathway", own("handoff_02_procurement"), json!("tbd")),
        typed("competition", "competitors", own("handoff_02_competitors"), "the usual ones"),
    ]
}
