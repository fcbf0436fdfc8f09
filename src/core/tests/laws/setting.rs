//! The contract and the mapping that the histories play under.

use std::collections::BTreeMap;

use handoff_core::completeness::Ready;
use handoff_core::contract::{
    AfterAcceptance, Condition, Contract, Field, Gate, GateKind, Kind, Mode, OnBypass, OnOutage, Opens, Part,
    Quality, Roles, Sla, Submit,
};
use handoff_core::exception::Exceptions;
use handoff_core::id::{FieldKey, PartKey};
use handoff_core::mapping::{
    DecisionMapping, GateWrite, Mapping, Motion, NoteWrite, PeopleMapping, ReadPath, StageMapping, StateName,
    StateWrite, Timeline, UserField, Who, WriteMapping,
};
use serde_json::json;

use crate::world::{FIELDS, OBSERVED_FLAG};

pub(crate) fn contract() -> Contract {
    let field = |key: &str, after_acceptance| Field {
        key: FieldKey::from(key),
        label: key.to_owned(),
        ask: "?".to_owned(),
        parts: BTreeMap::from([(
            PartKey::from("text"),
            Part {
                kind: Kind::Text,
                label: None,
                choices: Vec::new(),
                columns: BTreeMap::new(),
                needs_number: false,
                max_age_days: None,
                min_chars: None,
            },
        )]),
        none_is_an_answer: false,
        human_authored: false,
        required_when: None,
        after_acceptance,
    };
    let gate = |kind, opens_when, mode, stages: &[&str]| Gate {
        kind,
        opens_when,
        mode,
        stages: stages.iter().map(|stage| (*stage).into()).collect(),
        on_bypass: OnBypass::Record,
        on_outage: OnOutage::Closed,
        plan_clause: Some("pay waits".to_owned()),
    };
    Contract {
        contract: "h03-ae-to-onboarding".into(),
        version: 1,
        title: "AE to Onboarding".to_owned(),
        opens: Opens {
            when_stage_becomes: vec!["commit".into(), "closed_won".into()],
            void_when_stage_becomes: vec!["closed_lost".into()],
        },
        roles: Roles {
            sender: "account_executive".to_owned(),
            receiver: "onboarding_lead".to_owned(),
            fallback: None,
            sender_may_accept: false,
        },
        submit: Submit::Auto,
        quality: Quality::default(),
        sla: Sla { accept_within_hours: Some(48), ..Sla::default() },
        exceptions: Exceptions::default(),
        return_path: None,
        cross_motion: None,
        first_touch: None,
        gates: BTreeMap::from([
            ("commission".into(), gate(GateKind::Commission, Condition::Accepted, Mode::Enforce, &[])),
            ("queue".into(), gate(GateKind::Queue, Condition::Complete, Mode::Enforce, &[])),
            ("closed_won".into(), gate(GateKind::Stage, Condition::Accepted, Mode::Observe, &["closed_won"])),
        ]),
        fields: vec![
            field("outcome", AfterAcceptance::Reopen),
            field("risks", AfterAcceptance::Reopen),
            field("noted", AfterAcceptance::Note),
        ],
        ready: Ready::default(),
    }
}

pub(crate) fn mapping() -> Mapping {
    let write = |field: &str, clearance: Option<&str>| GateWrite {
        field: field.to_owned(),
        open: json!(true),
        closed: json!(false),
        number: None,
        status: None,
        cleared_at: None,
        clearance_id: clearance.map(str::to_owned),
        hold_reason: Some(format!("{field}_Hold")),
    };
    let path = ReadPath::of_field;
    Mapping {
        mapping: "salesforce/h03".to_owned(),
        contract: "h03-ae-to-onboarding".into(),
        version: 1,
        connector: "salesforce".to_owned(),
        object: "Opportunity".into(),
        motion: Motion::always("main".into()),
        stage: StageMapping {
            field: "StageName".to_owned(),
            names: BTreeMap::from([
                ("early".into(), vec!["Prospecting".to_owned()]),
                ("commit".into(), vec!["Negotiation".to_owned()]),
                ("closed_won".into(), vec!["Closed Won".to_owned()]),
                ("closed_lost".into(), vec!["Closed Lost".to_owned()]),
            ]),
            close_date: Some("CloseDate".to_owned()),
        },
        timeline: Timeline::default(),
        account: None,
        read: FIELDS
            .into_iter()
            .map(|key| {
                (FieldKey::from(key), BTreeMap::from([(PartKey::from("text"), path(&format!("{key}__c")))]))
            })
            .collect(),
        people: PeopleMapping {
            sender: UserField { field: "OwnerId".to_owned() },
            receiver: UserField { field: "Lead__c".to_owned() },
        },
        decision: DecisionMapping {
            field: "Decision__c".to_owned(),
            accept: "Accept".to_owned(),
            reject: "Reject".to_owned(),
            reason: "Reason__c".to_owned(),
            fields: None,
            reasons: None,
            accept_with: Some("Accept with exceptions".to_owned()),
            exceptions: Some("Exceptions__c".to_owned()),
            confirm: None,
            who: Who::FieldHistory,
        },
        submit: None,
        write: WriteMapping {
            gate: BTreeMap::from([
                ("commission".into(), write("Commission_Open__c", Some("Clearance__c"))),
                ("queue".into(), write("Queue__c", Some("Queue_Clearance__c"))),
                ("closed_won".into(), write(OBSERVED_FLAG, None)),
            ]),
            note: NoteWrite {
                status: Some("Status__c".to_owned()),
                missing: Some("Missing__c".to_owned()),
                changes: Some("Changes__c".to_owned()),
                evidence: None,
                numbers: Some("Numbers__c".to_owned()),
            },
            state: Some(StateWrite {
                field: "State__c".to_owned(),
                names: BTreeMap::from([
                    (StateName::Draft, "Incomplete".to_owned()),
                    (StateName::Complete, "Waiting".to_owned()),
                    (StateName::Accepted, "Accepted".to_owned()),
                ]),
            }),
            task: None,
        },
        beside: None,
        enforcement: None,
        icp: None,
        twin: None,
        pay: None,
    }
}
