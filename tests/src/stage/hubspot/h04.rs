//! Handoff 04 on the custom object Onboarding: usage, trainings, labelled contacts, the customer's tickets, and what handoff 03 promised.

use crate::feed::CUSTOMER;
use crate::story::INGRID;
use serde_json::json;

use crate::stage::people::GRACE;
use crate::stage::table::{Junk, Made, Missing, Part, ROOT, Scene, made, rows};

/// A customer that went live.
pub fn scene() -> Scene {
    let used = |name, feature: &str, week: &str, users: i64| {
        made(
            name,
            "p_feature_usage",
            INGRID,
            &[
                ("usage_name", json!(format!("{feature}, {week}"))),
                ("feature", json!(feature)),
                ("week_starting", json!(week)),
                ("weekly_users", json!(users)),
            ],
        )
        .linked(ROOT, "")
    };
    let made_first = vec![
        made("company", "companies", GRACE, &[("name", json!("Glenmore Freight"))]),
        ticket("late", "App shows yesterday's route", "PRODUCT_ISSUE", ("escalations", "escalation_new")),
        ticket("question", "How do I print?", "GENERAL_INQUIRY", ("0", "4")),
        made("boss", "contacts", GRACE, &[("lastname", json!("Osei")), ("handoff_04_heat", json!("Warm"))]),
        made(
            ROOT,
            "p_onboarding",
            INGRID,
            &[
                ("onboarding_name", json!("Glenmore Freight")),
                ("hs_pipeline", json!("onboarding")),
                ("hs_pipeline_stage", json!("onboarding_live")),
                ("hubspot_owner_id", json!(format!("@user:{INGRID}"))),
                ("csm", json!(format!("@user:{GRACE}"))),
            ],
        )
        .linked("company", "")
        .linked("boss", "Sponsor")
        .linked("deal", ""),
    ];
    let more = vec![
        used("first", "Routing", "2026-10-05", 4),
        used("second", "Routing", "2026-10-12", 9),
        used("third", "Signatures", "2026-10-05", 2),
        used("fourth", "Signatures", "2026-10-12", 3),
        made(
            "attended",
            "p_training_attendance",
            INGRID,
            &[
                ("attendance_name", json!("Basics, Osei")),
                ("attendee_id", json!("@boss")),
                ("session", json!("Basics")),
                ("completed", json!("Completed")),
            ],
        )
        .linked(ROOT, ""),
    ];
    Scene {
        contract: "h04-onboarding-to-cs",
        mapping: "hubspot/h04-onboarding-to-cs",
        roles: vec![("onboarding_lead", INGRID), ("csm", GRACE)],
        made: made_first.into_iter().chain(more).collect(),
        parts: parts(),
    }
}

/// The same where the product and the training tool send what they know to signed feeds.
pub fn fed() -> Scene {
    scene().fed(
        "hubspot/h04-onboarding-to-cs-fed",
        ("product_account", CUSTOMER),
        &["p_feature_usage", "p_training_attendance"],
    )
}

fn ticket(name: &'static str, subject: &str, category: &str, (pipeline, stage): (&str, &str)) -> Made {
    made(
        name,
        "tickets",
        GRACE,
        &[
            ("subject", json!(subject)),
            ("hs_pipeline", json!(pipeline)),
            ("hs_pipeline_stage", json!(stage)),
            ("hs_ticket_category", json!(category)),
            ("hs_ticket_priority", json!("HIGH")),
        ],
    )
    .linked("company", "")
}

fn parts() -> Vec<Part> {
    let usage = &["first", "second", "third", "fourth"];
    let refused = || Junk::Refused("first", "weekly_users", json!("a lot"));
    let carried = |part, value: Option<serde_json::Value>| Part {
        field: "year_one_criteria",
        part,
        on: "deal",
        value,
        junk: Junk::Impossible,
        missing: Missing::Unlinked(ROOT, "deal"),
        along: None,
    };
    vec![
        rows("adoption", "curve", usage, ("first", "weekly_users", json!(0)))
            .found_on(ROOT)
            .or_junk(refused()),
        rows("adoption", "features", usage, ("first", "weekly_users", json!(0)))
            .found_on(ROOT)
            .or_junk(refused()),
        rows("training", "sessions", &["attended"], ("attended", "session", json!("tbd"))),
        rows("tickets", "patterns", &["question"], ("question", "hs_ticket_category", json!("n/a")))
            .or_junk(Junk::Refused("question", "hs_ticket_category", json!("n/a"))),
        rows("sponsors", "people", &["boss"], ("boss", "handoff_04_heat", json!("n/a")))
            .or_junk(Junk::Refused("boss", "handoff_04_heat", json!("n/a")))
            // The contact stays: the training names it too.
            .or_missing(Missing::Unlinked(ROOT, "boss")),
        rows("escalations", "issues", &["late"], ("late", "subject", json!("n/a"))).or_junk(Junk::Impossible),
        carried("handoff_03", None),
        carried(
            "criteria",
            Some(json!({"kind": "text", "value": "Missed appointments fall by half in the first half year"})),
        ),
    ]
}
