//! What people do in the org: deals, packages, answers.

use handoff_core::id::GateName;
use handoff_sandbox_salesforce::{Act, ActorKind, Id, Org};
use serde_json::{Value, json};

use crate::governed::Governed;

/// An account executive: the sender.
pub const AVA: &str = "ava.lindqvist@northwind-peak.example";
/// Another account executive.
pub const MARCO: &str = "marco.silva@northwind-peak.example";
/// An onboarding lead: the receiver.
pub const INGRID: &str = "ingrid.moen@northwind-peak.example";
/// Another onboarding lead.
pub const LUIS: &str = "luis.ortega@northwind-peak.example";

/// The flag that pay waits for.
pub const COMMISSION: &str = "Handoff_03_Commission_Open__c";
/// The flag of the receiver's queue.
pub const QUEUE: &str = "Handoff_03_In_Queue__c";
/// The flag of the stage.
pub const STAGE: &str = "Handoff_03_Stage_Open__c";
/// The receiver's answer.
pub const DECISION: &str = "Handoff_03_Decision__c";
/// One line about the handoff.
pub const STATUS: &str = "Handoff_03_Status__c";

/// Stage in which a handoff opens.
pub const COMMIT: &str = "Negotiation/Review";

/// A package that says something in every part.
pub fn package() -> Value {
    json!({
        "Signing_Authority__c": "CFO signs up to 250,000 EUR alone; above that the board",
        "Champion_Strength__c": "Strong",
        "Political_Dynamics__c": "Operations wants it; IT fears another integration to look after",
        "Verbal_Commitments__c": "Two extra training days were promised by phone on the last call",
        "Success_Criteria__c": "Missed appointments fall by half in the first half year",
        "Success_Metric__c": "Missed appointments per month",
        "Success_Target__c": "From 9 % to 4 %",
        "Success_Target_Date__c": "2027-06-30",
        "Implementation_Risks__c": "Their address data is stored in three systems that disagree",
        "Incumbent_Tool__c": "Spreadsheets",
        "Sticky_Points__c": "Dispatchers love the colour codes of the old planner",
        "Desired_Go_Live__c": "2027-02-01",
        "Go_Live_Anchor_Event__c": "Start of the winter service season",
        "Expansion_Hypothesis__c": "The northern depots follow in year two",
    })
}

/// A package in words of its own, so that a rule against repeated text does not see the last one again.
pub fn package_of(name: &str) -> Value {
    let mut package = package();
    for value in package.as_object_mut().into_iter().flat_map(|fields| fields.values_mut()) {
        if let Value::String(text) = value
            && text.contains(' ')
        {
            text.extend([" (", name, ")"]);
        }
    }
    package
}

/// Creates a deal of Ava's to be received by Ingrid, with an empty package.
pub fn create_deal(org: &Org, name: &str, stage: &str) -> Id {
    let account = org.query("SELECT Id FROM Account ORDER BY Id LIMIT 1").unwrap();
    let account = account.first().and_then(|row| row.get("Id")).cloned().unwrap();
    let fields = json!({
        "Name": name, "StageName": stage, "CloseDate": "2026-12-20", "AccountId": account, "Amount": 50_000,
        "Onboarding_Lead__c": org.user(INGRID).unwrap(), "OwnerId": org.user(AVA).unwrap(),
    });
    org.act(&Act::create(AVA, "Opportunity", &fields)).unwrap()
}

/// Saves as a person.
pub fn edit(org: &Org, who: &str, id: Id, fields: &Value) {
    org.act(&Act::update(who, "Opportunity", id, fields)).unwrap();
}

/// Saves as somebody whom no rule and no field permission stops.
pub fn force(org: &Org, who: &str, id: Id, fields: &Value) {
    org.act(&Act::update(who, "Opportunity", id, fields).by(ActorKind::Workflow)).unwrap();
}

/// Adds the economic buyer and the champion.
pub fn add_people(org: &Org, id: Id) {
    let contacts = org.query("SELECT Id FROM Contact ORDER BY Id LIMIT 2").unwrap();
    for (role, contact) in ["Economic Buyer", "Champion"].into_iter().zip(contacts) {
        let fields = json!({"OpportunityId": id, "ContactId": contact.get("Id").unwrap(), "Role": role});
        org.act(&Act::create(AVA, "OpportunityContactRole", &fields)).unwrap();
    }
}

/// Everything that we write on a deal, as canonical JSON: moments and clearance ids only as present or absent.
pub fn written(org: &Org, id: Id) -> Value {
    let row = org.get(id).unwrap();
    let fields = row.as_object().unwrap().iter().filter(|(name, _)| name.starts_with("Handoff_03_"));
    fields
        .map(|(name, value)| {
            let opaque = matches!(name.as_str(), "Handoff_03_Cleared_At__c" | "Handoff_03_Clearance_Id__c");
            let value = if opaque && !value.is_null() { json!("set") } else { value.clone() };
            (name.clone(), value)
        })
        .collect()
}

/// How often the pay flag really went from shut to open and from open to shut.
pub fn flips(org: &Org, id: Id) -> (usize, usize) {
    let mut flips = (0, 0);
    for write in org.writes().iter().filter(|write| write.id == Some(id) && write.status == "ok") {
        for change in write.fields.iter().filter(|change| change.field == COMMISSION) {
            match (change.old == json!(true), change.new == json!(true)) {
                (false, true) => flips.0 += 1,
                (true, false) => flips.1 += 1,
                (true, true) | (false, false) => {}
            }
        }
    }
    flips
}

impl Governed {
    /// A deal of Ava's in the stage in which a handoff opens, with an empty package.
    pub fn deal(&self, name: &str) -> Id {
        self.advance(5);
        create_deal(self.org(), name, COMMIT)
    }

    /// A deal with a whole package.
    pub fn full_deal(&self, name: &str) -> Id {
        let id = self.deal(name);
        self.fill(id);
        id
    }

    /// Fills the package, as Ava.
    pub fn fill(&self, id: Id) {
        let name = self.org().field(id, "Name");
        self.edit(AVA, id, &package_of(name.as_str().unwrap()));
        add_people(self.org(), id);
    }

    /// Five seconds later somebody saves.
    pub fn edit(&self, who: &str, id: Id, fields: &Value) {
        self.advance(5);
        edit(self.org(), who, id, fields);
    }

    /// Five seconds later somebody saves whom no rule stops.
    pub fn force(&self, who: &str, id: Id, fields: &Value) {
        self.advance(5);
        force(self.org(), who, id, fields);
    }

    /// Ingrid accepts.
    pub fn accept(&self, id: Id) {
        self.edit(INGRID, id, &json!({DECISION: "Accept"}));
    }

    /// Ingrid rejects; `fields` are the contract's keys, separated by semicolons.
    pub fn reject(&self, id: Id, fields: &str, reason: &str) {
        let answer = json!({DECISION: "Reject", "Handoff_03_Reject_Reason__c": reason, "Handoff_03_Reject_Fields__c": fields});
        self.edit(INGRID, id, &answer);
    }

    /// Whether a flag stands open in the CRM.
    pub fn flag(&self, id: Id, field: &str) -> bool {
        self.org().field(id, field) == json!(true)
    }

    /// Whether a gate shall be open, as the daemon sees it.
    pub fn gate(&self, id: Id, gate: &str) -> bool {
        self.summary(id)
            .and_then(|summary| summary.gates.get(&GateName::from(gate)).copied())
            .unwrap_or(false)
    }
}
