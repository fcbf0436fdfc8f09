//! Handoff 01 on the contact: own properties, HubSpot's counters, touchpoints.

use serde_json::json;

use crate::stage::people::{MONA, NIA};
use crate::stage::table::{Missing, Part, ROOT, Scene, column, made, rows, typed};

/// A lead that Marketing has qualified.
pub fn scene() -> Scene {
    let touch = |name, kind: &str, title: &str, day: &str, seconds: i64, again: bool| {
        made(
            name,
            "p_touchpoint",
            MONA,
            &[
                ("touch_name", json!(format!("{title}, {day}"))),
                ("touch_kind", json!(kind)),
                ("asset", json!(title)),
                ("seen_on", json!(day)),
                ("seconds", json!(seconds)),
                ("return_visit", json!(again)),
            ],
        )
        .linked(ROOT, "")
    };
    Scene {
        contract: "h01-marketing-to-sdr",
        mapping: "hubspot/h01-marketing-to-sdr",
        roles: vec![("marketing", MONA), ("sdr", NIA)],
        made: vec![
            made(
                "company",
                "companies",
                MONA,
                &[
                    ("name", json!("Harbour Lifts")),
                    ("industry", json!("MACHINERY")),
                    ("numberofemployees", json!(240)),
                ],
            ),
            made(
                ROOT,
                "contacts",
                MONA,
                &[
                    ("lastname", json!("Okonkwo")),
                    ("company", json!("Harbour Lifts")),
                    ("lifecyclestage", json!("marketingqualifiedlead")),
                    ("hubspot_owner_id", json!(format!("@user:{NIA}"))),
                    ("handoff_01_marketer", json!(format!("@user:{MONA}"))),
                    ("hs_analytics_first_touch_converting_campaign", json!("route-planning-webinar")),
                    (
                        "handoff_01_narrative",
                        json!("Came back to the pricing page after every dispatch article"),
                    ),
                    ("handoff_01_trigger", json!("They open a second depot in spring and plan by telephone")),
                    ("handoff_01_confidence", json!("Medium")),
                    ("handoff_01_playbook", json!("Tier A")),
                    ("handoff_01_first_touch_hours", json!(4)),
                ],
            )
            .linked("company", ""),
            touch("guide", "Asset", "Dispatch buyer's guide", "2026-11-02", 0, false),
            touch("pricing", "Page", "Pricing", "2026-11-04", 210, true),
            touch("article", "Page", "Second depots", "2026-11-05", 95, true),
        ],
        parts: parts(),
    }
}

fn parts() -> Vec<Part> {
    let own = |name| (ROOT, name);
    vec![
        column("source", "campaign", own("hs_analytics_first_touch_converting_campaign"), json!("n/a")),
        rows("source", "journey", &["guide"], ("guide", "asset", json!("n/a"))).says(json!({
            "kind": "list",
            "value": [{
                "asset": {"kind": "name", "value": "Dispatch buyer's guide"},
                "seen_on": {"kind": "date", "value": "2026-11-02"},
            }],
        })),
        rows("behaviour", "pages", &["pricing", "article"], ("article", "asset", json!("tbd"))),
        // How often: no touchpoint is an answer too, so it can only be told wrongly, not left out.
        column("behaviour", "return_visits", own("lifecyclestage"), None)
            .says(json!({"kind": "number", "value": "2"}))
            .or_missing(Missing::Never),
        column("behaviour", "narrative", own("handoff_01_narrative"), json!("the score was high")),
        // Judged, not typed: another industry is an answer too, and only an unknown one is none.
        column("icp_match", "match", ("company", "industry"), None)
            .says(json!({"kind": "choice", "value": "Full"}))
            .found_on(ROOT),
        column("icp_match", "icp_version", own("lifecyclestage"), None).or_missing(Missing::Never),
        column("buying_trigger", "hypothesis", own("handoff_01_trigger"), json!("hot lead")),
        typed("buying_trigger", "confidence", own("handoff_01_confidence"), "87 points"),
        typed("motion", "playbook", own("handoff_01_playbook"), "Tier C"),
        typed("first_touch", "within_hours", own("handoff_01_first_touch_hours"), "asap"),
    ]
}
