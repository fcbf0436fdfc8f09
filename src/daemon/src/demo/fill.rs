//! What the people of the story write.

use serde_json::{Value, json};

/// A package that says nothing.
pub(super) fn junk() -> Value {
    json!({
        "Signing_Authority__c": "tbd",
        "Champion_Strength__c": "Strong",
        "Political_Dynamics__c": "n/a",
        "Verbal_Commitments__c": "see notes",
        "Success_Criteria__c": "asdf",
        "Success_Metric__c": "???",
        "Success_Target__c": "much better",
        "Implementation_Risks__c": "to be discussed",
        "Incumbent_Tool__c": "-",
        "Sticky_Points__c": "TBD!!",
        "Go_Live_Anchor_Event__c": "soon",
        "Expansion_Hypothesis__c": "see proposal",
    })
}

/// A package that an onboarding lead can work with.
pub(super) fn complete(go_live: &str, by: &str) -> Value {
    json!({
        "Signing_Authority__c": "The CFO signs up to 250,000 EUR alone; above that the board decides",
        "Champion_Strength__c": "Strong",
        "Political_Dynamics__c": "Operations wants it; IT fears another integration to look after",
        "Verbal_Commitments__c": "Two extra training days were promised by phone on the last call",
        "Success_Criteria__c": "Missed appointments fall by more than half within two quarters",
        "Success_Metric__c": "Missed appointments per month, from the dispatch report",
        "Success_Target__c": "from 9 % to under 4 %",
        "Success_Target_Date__c": by,
        "Implementation_Risks__c": "Their address data is stored in three systems that disagree",
        "Incumbent_Tool__c": "Dispatch Planner 7",
        "Sticky_Points__c": "Dispatchers love the colour codes of the old planner and will miss them",
        "Desired_Go_Live__c": go_live,
        "Go_Live_Anchor_Event__c": "Start of the winter service season, when call volume doubles",
        "Expansion_Hypothesis__c": "The northern depots follow in year two once the first two run smoothly",
    })
}

/// The two fields that were sent back, written anew.
pub(super) fn mended() -> Value {
    json!({
        "Success_Criteria__c": "Missed appointments fall by more than half, measured by the dispatch report of each month",
        "Implementation_Risks__c": "Address data in three systems disagrees; the customer names one owner for it before kick-off",
    })
}
