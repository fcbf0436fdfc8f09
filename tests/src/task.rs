//! Tasks as the CRMs show them.

use handoff_core::id::{ConnectionId, RecordId, RecordRef};
use serde_json::Value;

use crate::crm::{Deal, Kind};
use crate::governed::Governed;
use crate::stage::face::Fields;

/// A task of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The CRM's id of it.
    pub id: String,
    /// What it stands for.
    pub key: String,
    /// Its one line.
    pub title: String,
    /// Its words; line breaks as the CRM keeps them.
    pub text: String,
    /// Whether it is to be done.
    pub open: bool,
    /// The CRM's id of its owner.
    pub owner: String,
    /// Until when, as the CRM writes it; empty = no date.
    pub due: String,
    /// The deals that it hangs on.
    pub deals: Vec<String>,
    /// The ids of all records that it hangs on.
    pub about: Vec<String>,
}

impl Task {
    /// Where it stands in its CRM, and the save that marks it as done there.
    pub fn ticked(&self, kind: Kind) -> (RecordRef, Fields) {
        let (object, column, done) = match kind {
            Kind::Salesforce => ("Task", "Status", "Completed"),
            Kind::Hubspot => ("tasks", "hs_task_status", "COMPLETED"),
        };
        let connection = ConnectionId::from(kind.connection());
        let record = RecordRef { connection, object: object.into(), record: RecordId(self.id.clone()) };
        (record, Fields::from_iter([(column.to_owned(), Value::from(done))]))
    }
}

impl Governed {
    /// Every task of ours in one CRM, oldest first.
    pub fn tasks(&self, kind: Kind) -> Vec<Task> {
        match kind {
            Kind::Salesforce => self.salesforce_tasks(),
            Kind::Hubspot => self.hubspot_tasks(),
        }
    }

    /// The tasks of one deal.
    pub fn tasks_of(&self, deal: Deal) -> Vec<Task> {
        let mut tasks = self.tasks(deal.kind);
        tasks.retain(|task| task.deals.iter().any(|id| id == deal.id));
        tasks
    }

    /// The titles of one deal's open tasks.
    pub fn open_tasks(&self, deal: Deal) -> Vec<String> {
        self.tasks_of(deal).into_iter().filter(|task| task.open).map(|task| task.title).collect()
    }

    /// The CRM's id of a user as a task's owner.
    pub fn owner(&self, kind: Kind, login: &str) -> String {
        match kind {
            Kind::Salesforce => self.org().user(login).unwrap().to_string(),
            Kind::Hubspot => self.portal().owner_id(login).unwrap().to_string(),
        }
    }

    fn salesforce_tasks(&self) -> Vec<Task> {
        let soql = "SELECT Id, Handoff_Obligation_Id__c, Subject, Description, Status, ActivityDate, OwnerId, WhatId, WhoId FROM Task ORDER BY Id";
        let rows = self.org().query(soql).unwrap();
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let ours = rows.iter().filter(|row| row["Handoff_Obligation_Id__c"].is_string());
        ours.map(|row| Task {
            id: text(row, "Id"),
            key: text(row, "Handoff_Obligation_Id__c"),
            title: text(row, "Subject"),
            text: text(row, "Description"),
            open: text(row, "Status") != "Completed",
            owner: text(row, "OwnerId"),
            due: text(row, "ActivityDate"),
            deals: row["WhatId"].as_str().map(str::to_owned).into_iter().collect(),
            about: ["WhatId", "WhoId"]
                .into_iter()
                .filter_map(|name| Some(row[name].as_str()?.to_owned()))
                .collect(),
        })
        .collect()
    }

    fn hubspot_tasks(&self) -> Vec<Task> {
        let portal = self.portal();
        let text = |id: u64, name: &str| portal.property("tasks", id, name).unwrap_or_default();
        let ours =
            portal.ids("tasks").into_iter().filter(|id| !text(*id, "handoff_obligation_id").is_empty());
        ours.map(|id| Task {
            id: id.to_string(),
            key: text(id, "handoff_obligation_id"),
            title: text(id, "hs_task_subject"),
            text: text(id, "hs_task_body"),
            open: text(id, "hs_task_status") != "COMPLETED",
            owner: text(id, "hubspot_owner_id"),
            due: text(id, "hs_timestamp"),
            deals: portal.linked("tasks", id, "deals").iter().map(u64::to_string).collect(),
            about: ["deals", "tickets", "contacts", "p_onboarding"]
                .into_iter()
                .flat_map(|object| portal.linked("tasks", id, object))
                .map(|id| id.to_string())
                .collect(),
        })
        .collect()
    }
}
