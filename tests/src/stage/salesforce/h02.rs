//! Handoff 02 on Opportunity: the discovery, contact roles, competitors, and the customer's assets.

use crate::story::AVA;
use serde_json::json;

use crate::stage::people::NIA;
use crate::stage::table::{Part, ROOT, Scene, column, made, rows, typed};

/// A deal that the SDR has qualified.
pub fn scene() -> Scene {
    Scene {
        contract: "h02-sdr-to-ae",
        mapping: "salesforce/h02-sdr-to-ae",
        roles: vec![("sdr", NIA), ("account_executive", AVA)],
        made: vec![
            made("account", "Account", NIA, &[("Name", json!("Harbour Lifts"))]),
            made(
                "planner",
                "Asset",
                NIA,
                &[
                    ("Name", json!("WallPlanner 3")),
                    ("AccountId", json!("@account")),
                    ("IsCompetitorProduct", json!(true)),
                ],
            ),
            made("own", "Asset", NIA, &[("Name", json!("Our trial")), ("AccountId", json!("@account"))]),
            made("head", "Contact", NIA, &[("LastName", json!("Okonkwo")), ("AccountId", json!("@account"))]),
            made("buyer", "Contact", NIA, &[("LastName", json!("Berg")), ("AccountId", json!("@account"))]),
            made(
                ROOT,
                "Opportunity",
                NIA,
                &[
                    ("Name", json!("Harbour Lifts - Field Service")),
                    ("AccountId", json!("@account")),
                    ("StageName", json!("Qualification")),
                    ("CloseDate", json!("2027-03-31")),
                    ("OwnerId", json!(format!("@user:{AVA}"))),
                    ("SDR__c", json!(format!("@user:{NIA}"))),
                ],
            ),
            made(
                "discovery",
                "Discovery__c",
                NIA,
                &[
                    ("Opportunity__c", json!("@root")),
                    (
                        "Pain__c",
                        json!("Every second lift is inspected late because plans are made by telephone"),
                    ),
                    ("Anti_Pain__c", json!("Invoicing works; they do not want to touch it")),
                    ("Tool_Satisfaction__c", json!("Mixed")),
                    ("Decide_By__c", json!("2027-03-15")),
                    ("Trigger_Event__c", json!("The second depot opens in April")),
                    ("Budget_Signal__c", json!("Planned")),
                    ("Procurement_Path__c", json!("Head of operations proposes, the CFO signs")),
                    ("No_Competition__c", json!(false)),
                ],
            ),
            made(
                "champion",
                "OpportunityContactRole",
                NIA,
                &[
                    ("OpportunityId", json!("@root")),
                    ("ContactId", json!("@head")),
                    ("Role", json!("Champion")),
                    ("Reaction__c", json!("Asked for a second meeting with her planners")),
                    ("Met_In_Discovery__c", json!(true)),
                ],
            ),
            made(
                "sceptic",
                "OpportunityContactRole",
                NIA,
                &[
                    ("OpportunityId", json!("@root")),
                    ("ContactId", json!("@buyer")),
                    ("Role", json!("Economic Buyer")),
                    ("Reaction__c", json!("Wants to see what it saves before he listens")),
                    ("Met_In_Discovery__c", json!(true)),
                ],
            ),
            made(
                "rival",
                "OpportunityCompetitor",
                NIA,
                &[("OpportunityId", json!("@root")), ("CompetitorName", json!("LiftOps"))],
            ),
        ],
        parts: parts(),
    }
}

fn parts() -> Vec<Part> {
    let discovery = |name| ("discovery", name);
    vec![
        column("pain", "pain", discovery("Pain__c"), json!("see meeting notes")),
        column("pain", "anti_pain", discovery("Anti_Pain__c"), json!("none")),
        rows(
            "stakeholders",
            "people",
            &["champion", "sceptic"],
            ("sceptic", "Reaction__c", json!("interested")),
        ),
        rows("tool_stack", "tools", &["planner"], ("planner", "Name", json!("n/a"))),
        typed("tool_stack", "satisfaction", discovery("Tool_Satisfaction__c"), "so-so"),
        typed("timeline", "by", discovery("Decide_By__c"), "next quarter"),
        column("timeline", "trigger", discovery("Trigger_Event__c"), json!("see calendar")),
        typed("budget", "signal", discovery("Budget_Signal__c"), "bant ok"),
        column("budget", "pathway", discovery("Procurement_Path__c"), json!("bant ok")),
        rows("competition", "competitors", &["rival"], ("rival", "CompetitorName", json!("tbd"))),
    ]
}
