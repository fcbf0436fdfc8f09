//! The contract and the mapping that everything is played under, as an admin would write them.

use handoff_core::contract::Contract;
use handoff_core::mapping::Mapping;
use handoff_core::registry::{parse_contract, parse_mapping};

/// The flag of the gate that is only observed.
pub(crate) const OBSERVED: &str = "Stage_Open__c";
/// Fields by what an edit after acceptance does: re-opens, asks for a confirmation, is noted.
pub(crate) const FIELDS: [&str; 3] = ["strict", "asked", "noted"];

const CONTRACT: &str = r#"
contract = "h03-ae-to-onboarding"
version = 1
title = "AE to Onboarding"

[opens]
when_stage_becomes = ["commit", "closed_won"]
void_when_stage_becomes = ["closed_lost"]

[roles]
sender = "account_executive"
receiver = "onboarding_lead"

[sla]
accept_within_hours = 48

[exceptions]
on_lapse = "reopen"

[gates.commission]
kind = "commission"
opens_when = "accepted"
mode = "enforce"
plan_clause = "pay waits"

[gates.queue]
kind = "queue"
opens_when = "complete"
mode = "enforce"

[gates.closed_won]
kind = "stage"
opens_when = "accepted"
mode = "observe"
stages = ["closed_won"]

[[field]]
key = "strict"
label = "Strict"
ask = "?"
parts = { text = "text" }

[[field]]
key = "asked"
label = "Asked"
ask = "?"
parts = { text = "text" }
after_acceptance = "reconfirm"

[[field]]
key = "noted"
label = "Noted"
ask = "?"
parts = { text = "text" }
after_acceptance = "note"
"#;

const MAPPING: &str = r#"
mapping = "salesforce/h03"
contract = "h03-ae-to-onboarding"
version = 1
connector = "salesforce"
object = "Opportunity"
motion = { always = "main" }

[stage]
field = "StageName"
names = { commit = ["Negotiation"], closed_won = ["Closed Won"], closed_lost = ["Closed Lost"] }

[read]
strict = { text = { field = "strict__c" } }
asked = { text = { field = "asked__c" } }
noted = { text = { field = "noted__c" } }

[people]
sender = { field = "OwnerId" }
receiver = { field = "Lead__c" }

[decision]
field = "Decision__c"
accept = "Accept"
reject = "Reject"
reason = "Reason__c"
accept_with = "With exceptions"
exceptions = "Exceptions__c"

[write.gate.commission]
field = "Commission_Open__c"
clearance_id = "Clearance__c"
hold_reason = "Hold__c"

[write.gate.queue]
field = "Queue__c"

[write.gate.closed_won]
field = "Stage_Open__c"

[write.note]
status = "Status__c"
missing = "Missing__c"
changes = "Changes__c"
"#;

pub(crate) fn contract() -> Contract {
    parse_contract("checker.toml", CONTRACT).expect("a contract")
}

pub(crate) fn mapping() -> Mapping {
    parse_mapping("checker.toml", MAPPING).expect("a mapping")
}
