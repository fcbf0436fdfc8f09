//! Handoff 05 on the ticket: own properties and the ticket that it began with.

use serde_json::json;

use crate::stage::people::{GRACE, SUNIL};
use crate::stage::table::{Junk, Missing, Part, ROOT, Scene, column, made, typed};

/// An escalated ticket.
pub fn scene() -> Scene {
    Scene {
        contract: "h05-csm-to-support",
        mapping: "hubspot/h05-csm-to-support",
        roles: vec![("csm", GRACE), ("support_lead", SUNIL)],
        made: vec![
            made(
                "asked",
                "tickets",
                GRACE,
                &[
                    ("subject", json!("App shows yesterday's route")),
                    ("hs_pipeline", json!("0")),
                    ("hs_pipeline_stage", json!("3")),
                ],
            ),
            made(
                ROOT,
                "tickets",
                GRACE,
                &[
                    ("subject", json!("Drivers start with the wrong addresses")),
                    ("hs_pipeline", json!("escalations")),
                    ("hs_pipeline_stage", json!("escalation_new")),
                    ("hubspot_owner_id", json!(format!("@user:{SUNIL}"))),
                    ("handoff_05_csm", json!(format!("@user:{GRACE}"))),
                    ("handoff_05_signal", json!("Support ticket")),
                    ("handoff_05_impact", json!("Your drivers start the day with the wrong addresses")),
                    ("handoff_05_ack_owner", json!(format!("@user:{SUNIL}"))),
                    ("handoff_05_eta", json!("2026-12-04")),
                    ("handoff_05_cadence", json!("Daily")),
                    ("handoff_05_close_within_hours", json!(8)),
                ],
            )
            .linked("asked", "Originating ticket"),
        ],
        parts: parts(),
    }
}

fn parts() -> Vec<Part> {
    let own = |name| (ROOT, name);
    vec![
        typed("signal", "source", own("handoff_05_signal"), "urgent"),
        Part {
            field: "signal",
            part: "evidence",
            on: "asked",
            value: None,
            junk: Junk::Impossible,
            missing: Missing::Without(vec!["asked"]),
            along: None,
        },
        column("impact", "statement", own("handoff_05_impact"), json!("customer unhappy")),
        typed("acknowledgement", "owner", own("handoff_05_ack_owner"), "the team"),
        typed("acknowledgement", "eta", own("handoff_05_eta"), "asap"),
        typed("echo_cadence", "cadence", own("handoff_05_cadence"), "when there is news"),
        typed("communication_owner", "csm", own("handoff_05_csm"), "support"),
        typed("close_the_loop", "within_hours", own("handoff_05_close_within_hours"), "soon"),
    ]
}
