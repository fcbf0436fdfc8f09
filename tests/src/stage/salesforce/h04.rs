//! Handoff 04 on the onboarding: usage, trainings, stakeholders, the customer's cases, and what handoff 03 promised.

use crate::feed::CUSTOMER;
use crate::story::{AVA, INGRID};
use serde_json::json;

use crate::stage::people::GRACE;
use crate::stage::table::{Junk, Missing, Part, ROOT, Scene, column, made, rows};

/// A customer that went live; `deal` and `other` are given, handoff 03 was accepted on the first.
pub fn scene() -> Scene {
    let used = |name, feature: &str, week: &str, users: i64| {
        made(
            name,
            "Usage_Point__c",
            INGRID,
            &[
                ("Onboarding__c", json!("@root")),
                ("Feature__c", json!(feature)),
                ("Week__c", json!(week)),
                ("Users__c", json!(users)),
            ],
        )
    };
    Scene {
        contract: "h04-onboarding-to-cs",
        mapping: "salesforce/h04-onboarding-to-cs",
        roles: vec![("onboarding_lead", INGRID), ("csm", GRACE)],
        made: vec![
            made("account", "Account", AVA, &[("Name", json!("Glenmore Freight"))]),
            made("head", "Contact", AVA, &[("LastName", json!("Osei")), ("AccountId", json!("@account"))]),
            made(
                "late",
                "Case",
                GRACE,
                &[
                    ("Subject", json!("App shows yesterday's route")),
                    ("AccountId", json!("@account")),
                    ("Reason", json!("Synchronisation")),
                    ("Priority", json!("High")),
                    ("Status", json!("Closed")),
                    ("IsEscalated", json!(true)),
                ],
            ),
            made(
                "question",
                "Case",
                GRACE,
                &[
                    ("Subject", json!("How do I print?")),
                    ("AccountId", json!("@account")),
                    ("Reason", json!("How-to")),
                    ("Priority", json!("Low")),
                    ("Status", json!("Closed")),
                    ("IsEscalated", json!(false)),
                ],
            ),
            made(
                ROOT,
                "Onboarding__c",
                INGRID,
                &[
                    ("Name", json!("Glenmore Freight")),
                    ("Account__c", json!("@account")),
                    ("Opportunity__c", json!("@deal")),
                    ("Stage__c", json!("Live")),
                    ("OwnerId", json!(format!("@user:{INGRID}"))),
                    ("CSM__c", json!(format!("@user:{GRACE}"))),
                ],
            ),
            used("first", "Routing", "2026-10-05", 4),
            used("second", "Routing", "2026-10-12", 9),
            used("third", "Signatures", "2026-10-05", 2),
            used("fourth", "Signatures", "2026-10-12", 3),
            made(
                "basics",
                "Training_Session__c",
                INGRID,
                &[("Name", json!("Basics")), ("Onboarding__c", json!("@root"))],
            ),
            made(
                "attended",
                "Training_Attendance__c",
                INGRID,
                &[
                    ("Onboarding__c", json!("@root")),
                    ("Training_Session__c", json!("@basics")),
                    ("Contact__c", json!("@head")),
                    ("Completion__c", json!("Completed")),
                ],
            ),
            made(
                "sponsor",
                "Onboarding_Stakeholder__c",
                INGRID,
                &[
                    ("Onboarding__c", json!("@root")),
                    ("Contact__c", json!("@head")),
                    ("Role__c", json!("Sponsor")),
                    ("Heat__c", json!("Warm")),
                ],
            ),
        ],
        parts: parts(),
    }
}

/// The same where the product and the training tool send what they know to signed feeds.
pub fn fed() -> Scene {
    scene().fed(
        "salesforce/h04-onboarding-to-cs-fed",
        ("Product_Account__c", CUSTOMER),
        &["Usage_Point__c", "Training_Session__c", "Training_Attendance__c"],
    )
}

fn parts() -> Vec<Part> {
    let usage = &["first", "second", "third", "fourth"];
    let refused = || Junk::Refused("first", "Users__c", json!("a lot"));
    vec![
        rows("adoption", "curve", usage, ("first", "Users__c", json!(0))).found_on(ROOT).or_junk(refused()),
        rows("adoption", "features", usage, ("first", "Users__c", json!(0)))
            .found_on(ROOT)
            .or_junk(refused()),
        rows("training", "sessions", &["attended"], ("basics", "Name", json!("tbd"))),
        rows("tickets", "patterns", &["late", "question"], ("question", "Reason", json!("n/a")))
            .along_with("escalations"),
        rows("sponsors", "people", &["sponsor"], ("sponsor", "Role__c", json!("tbd"))),
        rows("escalations", "issues", &["late"], ("late", "IsEscalated", json!(false)))
            .or_junk(Junk::Impossible)
            .or_missing(Missing::Other(vec![("late", "IsEscalated", json!(false))])),
        column("year_one_criteria", "handoff_03", (ROOT, "Opportunity__c"), None),
        column("year_one_criteria", "criteria", (ROOT, "Opportunity__c"), None)
            .says(json!({"kind": "text", "value": "Missed appointments fall by half in the first half year"}))
            .found_on("deal")
            .or_missing(Missing::Other(vec![(ROOT, "Opportunity__c", json!("@other"))])),
    ]
}
