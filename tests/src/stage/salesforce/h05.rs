//! Handoff 05 on Case: own fields.

use serde_json::json;

use crate::stage::people::{GRACE, SUNIL};
use crate::stage::table::{Part, ROOT, Scene, column, made, typed};

/// An escalated case.
pub fn scene() -> Scene {
    Scene {
        contract: "h05-csm-to-support",
        mapping: "salesforce/h05-csm-to-support",
        roles: vec![("csm", GRACE), ("support_lead", SUNIL)],
        made: vec![
            made("account", "Account", GRACE, &[("Name", json!("Glenmore Freight"))]),
            made("call", "Task", GRACE, &[("Subject", json!("They called")), ("WhatId", json!("@account"))]),
            made(
                ROOT,
                "Case",
                GRACE,
                &[
                    ("Subject", json!("App shows yesterday's route")),
                    ("AccountId", json!("@account")),
                    ("Status", json!("Escalated")),
                    ("OwnerId", json!(format!("@user:{SUNIL}"))),
                    ("CSM__c", json!(format!("@user:{GRACE}"))),
                    ("Escalation_Source__c", json!("Customer message")),
                    ("Signal_Evidence__c", json!("@call")),
                    ("Customer_Impact__c", json!("Your drivers start the day with the wrong addresses")),
                    ("Acknowledged_By__c", json!(format!("@user:{SUNIL}"))),
                    ("ETA__c", json!("2026-12-04")),
                    ("Echo_Cadence__c", json!("Daily")),
                    ("Close_Loop_Hours__c", json!(8)),
                ],
            ),
        ],
        parts: parts(),
    }
}

fn parts() -> Vec<Part> {
    let own = |name| (ROOT, name);
    vec![
        typed("signal", "source", own("Escalation_Source__c"), "urgent"),
        column("signal", "evidence", own("Signal_Evidence__c"), json!("n/a")),
        column("impact", "statement", own("Customer_Impact__c"), json!("customer unhappy")),
        typed("acknowledgement", "owner", own("Acknowledged_By__c"), "the team"),
        typed("acknowledgement", "eta", own("ETA__c"), "asap"),
        typed("echo_cadence", "cadence", own("Echo_Cadence__c"), "when there is news"),
        typed("communication_owner", "csm", own("CSM__c"), "support"),
        typed("close_the_loop", "within_hours", own("Close_Loop_Hours__c"), "soon"),
    ]
}
