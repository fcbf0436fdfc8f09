//! Handoff 01 on Lead: own fields, campaign memberships, web activities.

use serde_json::json;

use crate::stage::people::{MONA, NIA};
use crate::stage::table::{Missing, Part, ROOT, Scene, column, made, rows, typed};

/// A lead that Marketing has qualified.
pub fn scene() -> Scene {
    let visit = |name, kind: &str, title: &str, day: &str, seconds: i64, again: bool| {
        made(
            name,
            "Web_Activity__c",
            MONA,
            &[
                ("Lead__c", json!("@root")),
                ("Kind__c", json!(kind)),
                ("Title__c", json!(title)),
                ("Visited_On__c", json!(day)),
                ("Seconds__c", json!(seconds)),
                ("Return_Visit__c", json!(again)),
            ],
        )
    };
    Scene {
        contract: "h01-marketing-to-sdr",
        mapping: "salesforce/h01-marketing-to-sdr",
        roles: vec![("marketing", MONA), ("sdr", NIA)],
        made: vec![
            made("webinar", "Campaign", MONA, &[("Name", json!("Route planning webinar"))]),
            made(
                ROOT,
                "Lead",
                MONA,
                &[
                    ("LastName", json!("Okonkwo")),
                    ("Company", json!("Harbour Lifts")),
                    ("Status", json!("Marketing Qualified")),
                    ("OwnerId", json!(format!("@user:{NIA}"))),
                    ("Marketing_Owner__c", json!(format!("@user:{MONA}"))),
                    (
                        "Behaviour_Narrative__c",
                        json!("Came back to the pricing page after every dispatch article"),
                    ),
                    ("Industry", json!("Manufacturing")),
                    ("NumberOfEmployees", json!(240)),
                    ("Buying_Trigger__c", json!("They open a second depot in spring and plan by telephone")),
                    ("Trigger_Confidence__c", json!("Medium")),
                    ("Motion__c", json!("Tier A")),
                    ("First_Touch_Hours__c", json!(4)),
                ],
            ),
            made(
                "member",
                "CampaignMember",
                MONA,
                &[
                    ("CampaignId", json!("@webinar")),
                    ("LeadId", json!("@root")),
                    ("Status", json!("Attended")),
                ],
            ),
            visit("guide", "Asset", "Dispatch buyer's guide", "2026-11-02", 0, false),
            visit("pricing", "Page", "Pricing", "2026-11-04", 210, true),
            visit("article", "Page", "Second depots", "2026-11-05", 95, true),
            // Too long ago to count.
            visit("long_ago", "Page", "Careers", "2026-01-05", 20, true),
        ],
        parts: parts(),
    }
}

fn parts() -> Vec<Part> {
    let own = |name| (ROOT, name);
    vec![
        typed("source", "campaign", ("member", "CampaignId"), "webinar").or_missing(Missing::Other(vec![(
            "member",
            "Status",
            json!("Sent"),
        )])),
        rows("source", "journey", &["guide"], ("guide", "Title__c", json!("n/a"))),
        rows("behaviour", "pages", &["pricing", "article"], ("article", "Title__c", json!("tbd"))),
        // How often: no activity is an answer too, so it can only be told wrongly, not left out.
        column("behaviour", "return_visits", own("Status"), None)
            .says(json!({"kind": "number", "value": "2"}))
            .or_missing(Missing::Never),
        column("behaviour", "narrative", own("Behaviour_Narrative__c"), json!("the score was high")),
        // Judged, not typed: another industry is an answer too, and only an unknown one is none.
        column("icp_match", "match", own("Industry"), None).says(json!({"kind": "choice", "value": "Full"})),
        column("icp_match", "icp_version", own("Industry"), None).or_missing(Missing::Never),
        column("buying_trigger", "hypothesis", own("Buying_Trigger__c"), json!("hot lead")),
        typed("buying_trigger", "confidence", own("Trigger_Confidence__c"), "87 points"),
        typed("motion", "playbook", own("Motion__c"), "Tier C"),
        typed("first_touch", "within_hours", own("First_Touch_Hours__c"), "asap"),
    ]
}
