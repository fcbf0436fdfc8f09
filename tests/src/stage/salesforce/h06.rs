//! Handoff 06 on Opportunity: the cross-sell plan.

use crate::story::AVA;
use serde_json::json;

use crate::stage::people::GRACE;
use crate::stage::table::{Part, ROOT, Scene, column, made, typed};

/// A deal of motion B with a customer of motion A.
pub fn scene() -> Scene {
    Scene {
        contract: "h06-motion-a-to-motion-b",
        mapping: "salesforce/h06-motion-a-to-motion-b",
        roles: vec![("csm", GRACE), ("account_executive", AVA)],
        made: vec![
            made(
                "account",
                "Account",
                GRACE,
                &[("Name", json!("Glenmore Freight")), ("Health_Score__c", json!(82))],
            ),
            made("call", "Task", GRACE, &[("Subject", json!("They called")), ("WhatId", json!("@account"))]),
            made(
                ROOT,
                "Opportunity",
                GRACE,
                &[
                    ("Name", json!("Glenmore Freight - Asset Care")),
                    ("AccountId", json!("@account")),
                    ("StageName", json!("Cross-Sell")),
                    ("CloseDate", json!("2027-05-31")),
                    ("OwnerId", json!(format!("@user:{AVA}"))),
                    ("Motion__c", json!("Tier B")),
                    ("Motion_A_CSM__c", json!(format!("@user:{GRACE}"))),
                ],
            ),
            made(
                "plan",
                "Cross_Sell_Plan__c",
                GRACE,
                &[
                    ("Opportunity__c", json!("@root")),
                    ("Primary_Owner__c", json!(format!("@user:{GRACE}"))),
                    ("Mode__c", json!("Warm")),
                    ("Reunification_Trigger__c", json!("6 months after go_live")),
                    ("Owner_After__c", json!(format!("@user:{GRACE}"))),
                    ("Reunify_By__c", json!("2027-09-30")),
                    ("Need_Signal__c", json!("They asked twice for inspection plans of their lifts")),
                    ("Signal_Evidence__c", json!("@call")),
                    (
                        "Communication_Plan__c",
                        json!("Grace opens every mail thread, Ava answers on price only"),
                    ),
                    ("Health_Baseline__c", json!(82)),
                    ("Stop_Below__c", json!(70)),
                    ("Signing_Entity__c", json!("Subsidiary")),
                    ("Paperwork_Route__c", json!("Legal of the subsidiary first, then the parent's finance")),
                ],
            ),
        ],
        parts: parts(),
    }
}

fn parts() -> Vec<Part> {
    let plan = |name| ("plan", name);
    vec![
        typed("primary_owner", "owner", plan("Primary_Owner__c"), "both of us"),
        typed("primary_owner", "mode", plan("Mode__c"), "Lukewarm"),
        column("reunification", "trigger", plan("Reunification_Trigger__c"), json!("we will align")),
        typed("reunification", "owner_after", plan("Owner_After__c"), "tbd"),
        typed("reunification", "latest", plan("Reunify_By__c"), "in autumn"),
        column("qualification", "signal", plan("Need_Signal__c"), json!("see slack")),
        column("qualification", "evidence", plan("Signal_Evidence__c"), json!("n/a")),
        column("communication", "plan", plan("Communication_Plan__c"), json!("as usual")),
        typed("health", "baseline", plan("Health_Baseline__c"), "green"),
        typed("health", "stop_below", plan("Stop_Below__c"), "red"),
        typed("paperwork", "entity", plan("Signing_Entity__c"), "us"),
        column("paperwork", "route", plan("Paperwork_Route__c"), json!("as usual")),
    ]
}
