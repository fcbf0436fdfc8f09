//! Salesforce on the stage.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use handoff_core::id::ConnectionId;
use handoff_core::mapping::Mapping;
use handoff_sandbox_salesforce::{Act, ActorKind, Error, Id, Org, OutboundMode, seed};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use super::{Crm, Fields, NewDeal, NewRecord, Place, Saved, Task};
use crate::demo::DemoError;
use crate::demo::look::text_of;

const DEAL: &str = "Opportunity";

/// Relationships as mappings name them: the object, and its lookup to the other side.
const RELATIONS: [(&str, &str, &str); 9] = [
    ("Web_Activities__r", "Web_Activity__c", "Lead__c"),
    ("Discoveries__r", "Discovery__c", "Opportunity__c"),
    ("OpportunityContactRoles", "OpportunityContactRole", "OpportunityId"),
    ("OpportunityCompetitors", "OpportunityCompetitor", "OpportunityId"),
    ("Assets", "Asset", "AccountId"),
    ("Cross_Sell_Plans__r", "Cross_Sell_Plan__c", "Opportunity__c"),
    ("Usage_Points__r", "Usage_Point__c", "Onboarding__c"),
    ("Training_Attendances__r", "Training_Attendance__c", "Onboarding__c"),
    ("Stakeholders__r", "Onboarding_Stakeholder__c", "Onboarding__c"),
];

/// An org on the stage.
#[derive(Debug)]
pub struct SalesforceFace {
    /// The org.
    pub org: Org,
    /// How the daemon calls the connection.
    pub connection: ConnectionId,
    /// Where handoff 03 lives in it.
    pub mapping: Mapping,
}

impl SalesforceFace {
    fn id(deal: &str) -> Result<Id, DemoError> {
        Id::parse(deal).ok_or_else(|| DemoError::NoRecord(deal.to_owned()))
    }

    fn act(&self, act: &Act) -> Result<Saved, DemoError> {
        match self.org.act(act) {
            Ok(_) => Ok(Saved::Done),
            Err(Error::Refused(errors)) => {
                Ok(Saved::Refused(errors.first().map(|error| error.message.clone()).unwrap_or_default()))
            }
            Err(other) => Err(other.into()),
        }
    }
}

/// Check-boxes stand as text in a mapping.
fn typed(value: &Value) -> Value {
    match value.as_str() {
        Some("true") => Value::Bool(true),
        Some("false") => Value::Bool(false),
        Some(_) | None => value.clone(),
    }
}

impl SalesforceFace {
    fn make(&self, who: &str, object: &str, fields: &Value) -> Result<String, DemoError> {
        Ok(self.org.act(&Act::create(who, object, fields))?.to_string())
    }
}

impl Crm for SalesforceFace {
    fn vendor(&self) -> &'static str {
        "Salesforce"
    }

    fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    fn field(&self, deal: &str, field: &str) -> Value {
        Id::parse(deal).map_or(Value::Null, |id| self.org.field(id, field))
    }

    fn create(&self, deal: &NewDeal<'_>) -> Result<String, DemoError> {
        let account = self.org.query("SELECT Id FROM Account ORDER BY Id LIMIT 1")?;
        let account = account.first().and_then(|row| row.get("Id")).cloned().unwrap_or_default();
        let closes = self.org.now().to_zoned(TimeZone::UTC).date().saturating_add(deal.days.days());
        let fields = json!({
            "Name": deal.name, "StageName": deal.stage, "CloseDate": closes.to_string(), "Amount": 84_000, "AccountId": account,
            "OwnerId": self.org.user(deal.sender)?.to_string(), "Onboarding_Lead__c": self.org.user(deal.receiver)?.to_string(),
        });
        Ok(self.org.act(&Act::create(deal.sender, DEAL, &fields))?.to_string())
    }

    fn name_contacts(&self, who: &str, deal: &str) -> Result<(), DemoError> {
        let contacts = self.org.query("SELECT Id FROM Contact ORDER BY Id LIMIT 2")?;
        for (row, role) in contacts.iter().zip(["Economic Buyer", "Champion"]) {
            let fields = json!({"OpportunityId": deal, "ContactId": row.get("Id"), "Role": role});
            self.org.act(&Act::create(who, "OpportunityContactRole", &fields))?;
        }
        Ok(())
    }

    fn save(&self, who: &str, deal: &str, fields: &Fields) -> Result<Saved, DemoError> {
        self.edit(who, DEAL, deal, fields)
    }

    fn workflow(&self, deal: &str, fields: &Fields) -> Result<(), DemoError> {
        self.automate(DEAL, deal, fields)
    }

    fn stands(&self, _object: &str, id: &str, field: &str) -> Value {
        self.field(id, field)
    }

    fn edit(&self, who: &str, object: &str, id: &str, fields: &Fields) -> Result<Saved, DemoError> {
        self.act(&Act::update(who, object, Self::id(id)?, &Value::Object(fields.clone())))
    }

    fn automate(&self, object: &str, id: &str, fields: &Fields) -> Result<(), DemoError> {
        let act = Act::update(seed::ADMIN_USER, object, Self::id(id)?, &Value::Object(fields.clone()));
        self.org.act(&act.by(ActorKind::Workflow))?;
        Ok(())
    }

    fn user(&self, login: &str) -> Result<Value, DemoError> {
        Ok(Value::from(self.org.user(login)?.to_string()))
    }

    fn customer(&self, who: &str, name: &str) -> Result<String, DemoError> {
        self.make(who, "Account", &json!({"Name": name}))
    }

    fn contact(&self, who: &str, customer: &str, name: &str) -> Result<String, DemoError> {
        self.make(who, "Contact", &json!({"LastName": name, "AccountId": customer}))
    }

    fn enter(&self, new: &NewRecord<'_>) -> Result<String, DemoError> {
        let customer = new.customer.map(Value::from);
        let own = match new.object {
            "Lead" => json!({"LastName": new.name, "Company": new.name}),
            "Case" => json!({"Subject": new.name, "AccountId": customer}),
            "Onboarding__c" => json!({"Name": new.name, "Account__c": customer, "Opportunity__c": new.deal}),
            _ => {
                let closes = self.org.now().to_zoned(TimeZone::UTC).date().saturating_add(90_i64.days());
                json!({"Name": new.name, "AccountId": customer, "CloseDate": closes.to_string()})
            }
        };
        let mut fields = new.fields.clone();
        fields.extend(own.as_object().cloned().unwrap_or_default());
        fields.retain(|_, value| !value.is_null());
        self.make(new.by, new.object, &Value::Object(fields))
    }

    fn relate(
        &self,
        who: &str,
        to: (&str, &str),
        relation: &str,
        fields: &Fields,
    ) -> Result<Place, DemoError> {
        let known = RELATIONS.iter().find(|(name, _, _)| *name == relation);
        let (_, object, lookup) = known.ok_or_else(|| DemoError::NoRecord(relation.to_owned()))?;
        let mut own = Fields::from_iter([((*lookup).to_owned(), Value::from(to.1))]);
        for (name, value) in fields {
            // A column of the record that a lookup names, e.g. `Training_Session__r.Name`.
            let (name, value) = match name.split_once("__r.") {
                Some((lookup_of, column)) => {
                    let other = format!("{lookup_of}__c");
                    let parent = json!({column: value, *lookup: to.1});
                    (other.clone(), Value::from(self.make(who, &other, &parent)?))
                }
                None => (name.clone(), typed(value)),
            };
            own.insert(name, value);
        }
        Ok(((*object).to_owned(), self.make(who, object, &Value::Object(own))?))
    }

    fn respond(&self, who: &str, lead: &str, campaign: &str) -> Result<(), DemoError> {
        let campaign = self.make(who, "Campaign", &json!({"Name": campaign}))?;
        let member = json!({"CampaignId": campaign, "LeadId": lead, "Status": "Attended"});
        self.make(who, "CampaignMember", &member)?;
        Ok(())
    }

    fn ask(&self, who: &str, customer: &str, question: &str) -> Result<String, DemoError> {
        let case = json!({"Subject": question, "AccountId": customer, "Reason": "How-to", "Priority": "Low", "Status": "Working"});
        self.make(who, "Case", &case)
    }

    fn call(&self, who: &str, about: (&str, &str), subject: &str) -> Result<String, DemoError> {
        let on = if about.0 == "Lead" { "WhoId" } else { "WhatId" };
        let owner = self.user(who)?;
        self.make(
            who,
            "Task",
            &json!({"Subject": subject, "Status": "Completed", on: about.1, "OwnerId": owner}),
        )
    }

    fn write(&self, who: &str, case: &str, words: &str) -> Result<(), DemoError> {
        let comment = json!({"ParentId": case, "CommentBody": words, "IsPublished": true});
        self.make(who, "CaseComment", &comment)?;
        Ok(())
    }

    fn health(&self, who: &str, customer: &str, score: u32) -> Result<(), DemoError> {
        let score = Fields::from_iter([("Health_Score__c".to_owned(), Value::from(score))]);
        self.edit(who, "Account", customer, &score).map(drop)
    }

    fn signal(&self, who: &str, customer: &str, what: &str) -> Result<(), DemoError> {
        let what = Fields::from_iter([("Account_Signal__c".to_owned(), Value::from(what))]);
        self.edit(who, "Account", customer, &what).map(drop)
    }

    fn tasks(&self, deal: &str, key: &str) -> Result<Vec<Task>, DemoError> {
        let soql = format!(
            "SELECT {key}, Subject, Description, Status, OwnerId, WhatId FROM Task ORDER BY CreatedDate, Id"
        );
        let rows = self.org.query(&soql)?;
        let text = |row: &Value, name: &str| text_of(row.get(name).unwrap_or(&Value::Null));
        let ours = rows.iter().filter(|row| !text(row, key).is_empty() && text(row, "WhatId") == deal);
        let task = |row: &Value| Task {
            title: text(row, "Subject"),
            text: text(row, "Description"),
            owner: row.get("OwnerId").cloned().unwrap_or_default(),
            open: text(row, "Status") != "Completed",
        };
        Ok(ours.map(task).collect())
    }

    fn let_answer(&self, who: &str, may: bool) -> Result<(), DemoError> {
        let set = "Handoff_Receiver";
        if may {
            self.org.assign(who, set)?;
        } else {
            self.org.unassign(who, set)?;
        }
        Ok(())
    }

    fn let_write_flags(&self, may: bool) -> Result<bool, DemoError> {
        let set = "Handoff_Integration";
        if may {
            self.org.assign(seed::ADMIN_USER, set)?;
        } else {
            self.org.unassign(seed::ADMIN_USER, set)?;
        }
        Ok(true)
    }

    fn admin(&self) -> Result<(String, String), DemoError> {
        Ok((seed::ADMIN_USER.to_owned(), self.org.user(seed::ADMIN_USER)?.to_string()))
    }

    fn writes(&self) -> usize {
        self.org.writes().len()
    }

    fn flips(&self, since: usize, deal: &str, flag: &str) -> (usize, usize) {
        let (id, writes) = (Id::parse(deal), self.org.writes());
        let own = writes.iter().skip(since).filter(|write| write.id == id && write.status == "ok");
        let changes = own.flat_map(|write| &write.fields).filter(|change| change.field == flag);
        let stood: Vec<(bool, bool)> = changes
            .map(|change| (change.old == Value::Bool(true), change.new == Value::Bool(true)))
            .collect();
        let count = |turn| stood.iter().filter(|stood| **stood == turn).count();
        (count((false, true)), count((true, false)))
    }

    fn webhooks(&self, on: bool) {
        self.org.set_outbound_mode(if on { OutboundMode::Deliver } else { OutboundMode::Off });
    }

    fn deliveries(&self) -> usize {
        self.org.deliveries().len()
    }

    fn settled(&self) -> BoxFuture<'_, ()> {
        self.org.outbound_settled().boxed()
    }

    fn now(&self) -> Timestamp {
        self.org.now()
    }

    fn advance(&self, seconds: i64) {
        self.org.advance(seconds);
    }
}
