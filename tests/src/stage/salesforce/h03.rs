//! Handoff 03 on Opportunity: own fields and contact roles.

use crate::story::{AVA, INGRID};
use serde_json::json;

use crate::stage::table::{Missing, Part, ROOT, Scene, column, made, typed};

/// A deal in its last open stage.
pub fn scene() -> Scene {
    Scene {
        contract: "h03-ae-to-onboarding",
        mapping: "salesforce/h03-ae-to-onboarding",
        roles: vec![("account_executive", AVA), ("onboarding_lead", INGRID)],
        made: vec![
            made("account", "Account", AVA, &[("Name", json!("Glenmore Freight"))]),
            made("cfo", "Contact", AVA, &[("LastName", json!("Ferrari")), ("AccountId", json!("@account"))]),
            made("head", "Contact", AVA, &[("LastName", json!("Osei")), ("AccountId", json!("@account"))]),
            made(
                ROOT,
                "Opportunity",
                AVA,
                &[
                    ("Name", json!("Glenmore Freight - Dispatch Cloud")),
                    ("AccountId", json!("@account")),
                    ("StageName", json!("Negotiation/Review")),
                    ("CloseDate", json!("2027-01-31")),
                    ("Onboarding_Lead__c", json!(format!("@user:{INGRID}"))),
                    (
                        "Signing_Authority__c",
                        json!("CFO signs up to 250,000 EUR alone; above that the board"),
                    ),
                    ("Champion_Strength__c", json!("Strong")),
                    ("Political_Dynamics__c", json!("Operations wants it; IT fears another integration")),
                    ("Verbal_Commitments__c", json!("Two extra training days were promised by phone")),
                    ("Success_Criteria__c", json!("Missed appointments fall by half in the first half year")),
                    ("Success_Metric__c", json!("Missed appointments per month")),
                    ("Success_Target__c", json!("From 9 % to 4 %")),
                    ("Success_Target_Date__c", json!("2027-06-30")),
                    (
                        "Implementation_Risks__c",
                        json!("Their address data lies in three systems that disagree"),
                    ),
                    ("Incumbent_Tool__c", json!("Spreadsheets")),
                    ("Sticky_Points__c", json!("Dispatchers love the colour codes of the old planner")),
                    ("Desired_Go_Live__c", json!("2027-02-01")),
                    ("Go_Live_Anchor_Event__c", json!("Start of the winter service season")),
                    ("Expansion_Hypothesis__c", json!("The northern depots follow in year two")),
                ],
            ),
            made(
                "buyer",
                "OpportunityContactRole",
                AVA,
                &[
                    ("OpportunityId", json!("@root")),
                    ("ContactId", json!("@cfo")),
                    ("Role", json!("Economic Buyer")),
                ],
            ),
            made(
                "champion",
                "OpportunityContactRole",
                AVA,
                &[
                    ("OpportunityId", json!("@root")),
                    ("ContactId", json!("@head")),
                    ("Role", json!("Champion")),
                ],
            ),
        ],
        parts: parts(),
    }
}

fn parts() -> Vec<Part> {
    let own = |name| (ROOT, name);
    vec![
        typed("economic_buyer", "person", ("buyer", "ContactId"), "tbd")
            .or_missing(Missing::Without(vec!["buyer"])),
        column("economic_buyer", "authority", own("Signing_Authority__c"), json!("tbd")),
        typed("sponsor_map", "champion", ("champion", "ContactId"), "n/a")
            .or_missing(Missing::Other(vec![("champion", "Role", json!("Influencer"))])),
        typed("sponsor_map", "strength", own("Champion_Strength__c"), "see notes"),
        column("sponsor_map", "dynamics", own("Political_Dynamics__c"), json!("asdf")),
        column("commitments", "promises", own("Verbal_Commitments__c"), json!("standard terms")),
        column("success_criteria", "criteria", own("Success_Criteria__c"), json!("see proposal")),
        column("success_criteria", "metric", own("Success_Metric__c"), json!("?")),
        column("success_criteria", "target", own("Success_Target__c"), json!("much better than today")),
        typed("success_criteria", "by", own("Success_Target_Date__c"), "soon"),
        column("risks", "risks", own("Implementation_Risks__c"), json!("none known")),
        column("displacement", "incumbent", own("Incumbent_Tool__c"), json!("n/a")),
        column("displacement", "sticky_points", own("Sticky_Points__c"), json!("see gong")),
        typed("go_live", "date", own("Desired_Go_Live__c"), "asap"),
        column("go_live", "anchor", own("Go_Live_Anchor_Event__c"), json!("tbd")),
        column("expansion", "hypothesis", own("Expansion_Hypothesis__c"), json!("per sow")),
    ]
}
