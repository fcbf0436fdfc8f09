//! A support desk in a CRM: people escalate, take, answer and close there, by the names of the shipped mapping of handoff 05.

use std::collections::BTreeMap;

use handoff_core::id::{ConnectionId, ContractId, RecordRef};
use handoff_sandbox_hubspot::{Act as HubAct, NewUser as HubUser, PipelineSpec, StageSpec};
use handoff_sandbox_salesforce::{Act, Id, NewUser, seed};
use handoffd::config::Govern;
use handoffd_tests::crm::Kind;
use handoffd_tests::governed::Governed;
use serde_json::{Value, json};

use crate::data::bare;

const CONTRACT: &str = "h05-csm-to-support";

/// What an escalation says from the start; who has it and by when follows.
#[derive(Clone, Copy)]
pub(crate) struct Raised<'a> {
    pub(crate) name: &'a str,
    /// Who writes it.
    pub(crate) by: &'a str,
    pub(crate) csm: &'a str,
    pub(crate) status: &'a str,
    pub(crate) customer: &'a str,
    pub(crate) impact: &'a str,
    /// Whether it tells the signal, with this as evidence.
    pub(crate) evidence: Option<&'a str>,
    /// Whether news once a week and a word to the customer within a day were agreed on.
    pub(crate) agreed: bool,
}

/// A company that governs handoff 05, and nothing else, in one CRM.
pub(crate) struct Desk {
    pub(crate) world: Governed,
    kind: Kind,
    /// Salesforce: the account. HubSpot: the ticket that the customer's escalations began with.
    customers: BTreeMap<String, String>,
}

/// The shipped mapping with the statuses that the data have: those that mean that the cause is gone, and all others.
fn with_statuses(text: &str, open: &[String], gone: &[String]) -> String {
    let mut mapping: toml::Table = toml::from_str(text).unwrap();
    let list = |names: &[String]| toml::Value::from(names.to_vec());
    let names = mapping["stage"]["names"].as_table_mut().unwrap();
    names.insert("escalated".to_owned(), list(open));
    names.insert("resolved".to_owned(), list(gone));
    mapping["beside"]["status"]["resolved"] = list(gone);
    mapping["motion"] = toml::toml! { always = "main" }.into();
    toml::to_string(&mapping).unwrap()
}

impl Desk {
    /// The CRM with its statuses and people; the daemon is not started.
    pub(crate) async fn prepare(
        crms: &'static [Kind],
        now: jiff::Timestamp,
        (open, gone): (&[String], &[String]),
        people: &[String],
    ) -> Self {
        let kind = crms[0];
        let path = format!("{}/{CONTRACT}", kind.mapping().split('/').next().unwrap());
        let edit = |file: &str, text: &str| {
            if file == format!("{path}.toml") { with_statuses(text, open, gone) } else { text.to_owned() }
        };
        let mut world = bare(crms, now, edit, &[]).await;
        world.config(|config| {
            let everybody = |role: &str| (role.to_owned(), vec!["*".to_owned()]);
            config.people.roles = ["csm", "support_lead"].map(everybody).into_iter().collect();
            config.govern = vec![Govern {
                contract: ContractId::from(CONTRACT),
                mapping: path.clone(),
                connection: ConnectionId::from(kind.connection()),
                motion: None,
                governed_since: None,
                mode: BTreeMap::new(),
                on_bypass: BTreeMap::new(),
                reunify: None,
                max_writes_per_hour: None,
            }];
        });
        let desk = Self { world, kind, customers: BTreeMap::new() };
        desk.furnish(open, gone, people);
        desk
    }

    fn furnish(&self, open: &[String], gone: &[String], people: &[String]) {
        match self.kind {
            Kind::Salesforce => {
                let org = self.world.org();
                org.set_values("Case", "Status", [open, gone].concat()).unwrap();
                let sets = ["Handoff_CSM", "Handoff_Support", "Handoff_Reader"].map(str::to_owned).to_vec();
                for login in people {
                    let user = NewUser { permission_sets: sets.clone(), ..NewUser::new(login, "", login) };
                    org.create_user(&user).unwrap();
                }
            }
            Kind::Hubspot => {
                let portal = self.world.portal();
                let stages = open.iter().map(|id| StageSpec::ticket(id, id, "OPEN"));
                let stages =
                    stages.chain(gone.iter().map(|id| StageSpec::ticket(id, id, "CLOSED"))).collect();
                let pipeline = PipelineSpec::new("escalations", "Escalations", stages);
                portal.put_pipeline("tickets", pipeline).unwrap();
                for login in people {
                    let (first, last) = (String::new(), login.clone());
                    portal
                        .create_user(&HubUser { email: login.clone(), first, last, super_admin: false })
                        .unwrap();
                }
            }
        }
    }

    /// Time goes on in the CRM; the daemon's stands still until it looks, so that nothing happens in between.
    pub(crate) fn crm_time(&self, second: i64) {
        self.world.set_crm_time(jiff::Timestamp::from_second(second).unwrap());
    }

    /// The daemon looks at what changed and at what is due.
    pub(crate) async fn look(&self, second: i64) {
        self.world.set_time(jiff::Timestamp::from_second(second).unwrap());
        self.world.settle().await;
    }

    fn person(&self, login: &str) -> String {
        match self.kind {
            Kind::Salesforce => self.world.org().user(login).unwrap().to_string(),
            Kind::Hubspot => self.world.portal().owner_id(login).unwrap().to_string(),
        }
    }

    fn create(&self, who: &str, object: &str, fields: Value) -> String {
        match self.kind {
            Kind::Salesforce => self.world.org().act(&Act::create(who, object, &fields)).unwrap().to_string(),
            Kind::Hubspot => {
                self.world.portal().act(&HubAct::create(who, object, fields)).unwrap().to_string()
            }
        }
    }

    fn customer(&mut self, who: &str, name: &str) -> String {
        if let Some(known) = self.customers.get(name) {
            return known.clone();
        }
        let id = match self.kind {
            Kind::Salesforce => self.create(seed::ADMIN_USER, "Account", json!({"Name": name})),
            Kind::Hubspot => {
                let asked = json!({"subject": name, "hs_pipeline": "0", "hs_pipeline_stage": "1"});
                self.create(who, "tickets", asked)
            }
        };
        self.customers.insert(name.to_owned(), id.clone());
        id
    }

    /// Somebody escalates; the record's id.
    pub(crate) fn raise(&mut self, raised: &Raised<'_>) -> String {
        let customer = self.customer(raised.by, raised.customer);
        let csm = self.person(raised.csm);
        match self.kind {
            Kind::Salesforce => self.raise_case(raised, &customer, &csm),
            Kind::Hubspot => self.raise_ticket(raised, &customer, &csm),
        }
    }

    fn raise_case(&self, raised: &Raised<'_>, account: &str, csm: &str) -> String {
        let mut fields = json!({
            "Subject": raised.name, "AccountId": account, "Status": raised.status, "OwnerId": csm, "CSM__c": csm,
            "Customer_Impact__c": raised.impact,
        });
        if let Some(evidence) = raised.evidence {
            fields["Escalation_Source__c"] = "Customer message".into();
            fields["Signal_Evidence__c"] = evidence.into();
        }
        if raised.agreed {
            fields["Echo_Cadence__c"] = "Weekly".into();
            fields["Close_Loop_Hours__c"] = 24.into();
        }
        self.create(raised.by, "Case", fields)
    }

    fn raise_ticket(&self, raised: &Raised<'_>, asked: &str, csm: &str) -> String {
        let mut fields = json!({
            "subject": raised.name, "hs_pipeline": "escalations", "hs_pipeline_stage": raised.status,
            "hubspot_owner_id": csm, "handoff_05_csm": csm, "handoff_05_impact": raised.impact,
        });
        if raised.evidence.is_some() {
            fields["handoff_05_signal"] = "Support ticket".into();
        }
        if raised.agreed {
            fields["handoff_05_cadence"] = "Weekly".into();
            fields["handoff_05_close_within_hours"] = 24.into();
        }
        let id = self.create(raised.by, "tickets", fields);
        if raised.evidence.is_some() {
            let ends = (("tickets", id.parse().unwrap()), ("tickets", asked.parse().unwrap()));
            self.world.portal().associate(raised.by, ends.0, ends.1, Some("Originating ticket")).unwrap();
        }
        id
    }

    /// Somebody saves, by the names that a field has in either CRM.
    fn save(&self, who: &str, id: &str, fields: &[(&str, &str, Value)]) {
        let named = |name: fn(&(&str, &str, Value)) -> String| -> Value {
            fields.iter().map(|field| (name(field), field.2.clone())).collect()
        };
        match self.kind {
            Kind::Salesforce => {
                let act =
                    Act::update(who, "Case", Id::parse(id).unwrap(), &named(|field| field.0.to_owned()));
                self.world.org().act(&act).map(drop).unwrap();
            }
            Kind::Hubspot => {
                let act =
                    HubAct::update(who, "tickets", id.parse().unwrap(), named(|field| field.1.to_owned()));
                self.world.portal().act(&act).map(drop).unwrap();
            }
        }
    }

    /// Somebody sets the status.
    pub(crate) fn status(&self, who: &str, id: &str, status: &str) {
        self.save(who, id, &[("Status", "hs_pipeline_stage", status.into())]);
    }

    /// Somebody says that he has it, perhaps by when, and perhaps makes himself the owner.
    pub(crate) fn take(&self, who: &str, id: &str, eta: Option<&str>, owns: bool) {
        let person = self.person(who);
        let mut fields = vec![("Acknowledged_By__c", "handoff_05_ack_owner", person.clone().into())];
        fields.extend(eta.map(|eta| ("ETA__c", "handoff_05_eta", eta.into())));
        fields.extend(owns.then(|| ("OwnerId", "hubspot_owner_id", person.into())));
        self.save(who, id, &fields);
    }

    /// Somebody accepts; an answer that still stands there is taken back first.
    pub(crate) fn accept(&self, who: &str, id: &str) {
        for answer in ["", "Accept"] {
            let answer = if answer.is_empty() { Value::Null } else { answer.into() };
            self.save(who, id, &[("Handoff_05_Decision__c", "handoff_05_decision", answer)]);
        }
    }

    /// Somebody logs that he spoke to the customer.
    pub(crate) fn tell(&self, who: &str, id: &str) {
        let person = self.person(who);
        match self.kind {
            Kind::Salesforce => {
                let call = json!({"Subject": "Call", "Status": "Completed", "WhatId": id, "OwnerId": person});
                self.create(who, "Task", call);
            }
            Kind::Hubspot => self.log(who, id, "calls", json!({"hs_call_title": "Call"})),
        }
    }

    /// Somebody writes to the customer on the escalation.
    pub(crate) fn write(&self, who: &str, id: &str) {
        match self.kind {
            Kind::Salesforce => {
                let comment =
                    json!({"ParentId": id, "CommentBody": "We are looking at it", "IsPublished": true});
                self.create(who, "CaseComment", comment);
            }
            Kind::Hubspot => self.log(who, id, "emails", json!({"hs_email_direction": "EMAIL"})),
        }
    }

    fn log(&self, who: &str, ticket: &str, object: &str, mut fields: Value) {
        fields["hubspot_owner_id"] = self.person(who).into();
        let id = self.create(who, object, fields);
        let ends = ((object, id.parse().unwrap()), ("tickets", ticket.parse().unwrap()));
        self.world.portal().associate(who, ends.0, ends.1, None).unwrap();
    }

    /// Somebody deletes it.
    pub(crate) fn delete(&self, who: &str, id: &str) {
        match self.kind {
            Kind::Salesforce => self.world.org().delete(who, Id::parse(id).unwrap()).unwrap(),
            Kind::Hubspot => self.world.portal().archive(who, "tickets", id.parse().unwrap()).unwrap(),
        }
    }

    /// Whether the escalation stands in the receiving team's queue.
    pub(crate) fn queued(&self, record: &RecordRef) -> bool {
        let id = record.record.as_str();
        match self.kind {
            Kind::Salesforce => {
                self.world.org().field(Id::parse(id).unwrap(), "Handoff_05_In_Queue__c") == json!(true)
            }
            Kind::Hubspot => {
                let flag =
                    self.world.portal().property("tickets", id.parse().unwrap(), "handoff_05_in_queue");
                flag.as_deref() == Some("true")
            }
        }
    }
}
