//! HubSpot on the stage.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use handoff_core::id::ConnectionId;
use handoff_core::mapping::Mapping;
use handoff_sandbox_hubspot::{Act, ActorKind, Error, Portal, WebhookMode, seed};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use super::{Crm, Fields, NewDeal, NewRecord, Place, Saved, Task};
use crate::demo::DemoError;

const DEALS: &str = "deals";
const CONTACTS: &str = "contacts";
const COMPANIES: &str = "companies";

/// A portal on the stage.
#[derive(Debug)]
pub struct HubSpotFace {
    /// The portal.
    pub portal: Portal,
    /// How the daemon calls the connection.
    pub connection: ConnectionId,
    /// Where handoff 03 lives in it.
    pub mapping: Mapping,
}

/// A property as the story reads it: a check-box is true or false, nothing is null.
fn typed(text: Option<&str>) -> Value {
    match text {
        None | Some("") => Value::Null,
        Some("true") => Value::Bool(true),
        Some("false") => Value::Bool(false),
        Some(text) => Value::from(text),
    }
}

/// A value as HubSpot takes it: nothing is the empty text.
fn told(fields: &Fields) -> Value {
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    };
    Value::Object(fields.iter().map(|(name, value)| (name.clone(), Value::from(text(value)))).collect())
}

impl HubSpotFace {
    fn id(deal: &str) -> Result<u64, DemoError> {
        deal.parse().map_err(|_not_a_number| DemoError::NoRecord(deal.to_owned()))
    }
}

impl HubSpotFace {
    fn make(&self, who: &str, object: &str, properties: &Fields) -> Result<u64, DemoError> {
        Ok(self.portal.act(&Act::create(who, object, told(properties)))?)
    }

    fn tie(
        &self,
        who: &str,
        from: (&str, u64),
        to: (&str, u64),
        label: Option<&str>,
    ) -> Result<(), DemoError> {
        Ok(self.portal.associate(who, from, to, label.filter(|label| !label.is_empty()))?)
    }

    /// Records whose name nobody types get one of what they hold.
    fn named(object: &str, mut fields: Fields) -> Fields {
        let name = match object {
            "p_touchpoint" => "touch_name",
            "p_feature_usage" => "usage_name",
            "p_training_attendance" => "attendance_name",
            "companies" => "name",
            "tickets" => "subject",
            "contacts" => "lastname",
            _ => return fields,
        };
        let words: Vec<String> =
            fields.values().filter_map(|value| value.as_str().map(str::to_owned)).collect();
        fields.entry(name.to_owned()).or_insert_with(|| Value::from(words.join(", ")));
        fields
    }
}

impl Crm for HubSpotFace {
    fn vendor(&self) -> &'static str {
        "HubSpot"
    }

    fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    fn field(&self, deal: &str, field: &str) -> Value {
        self.stands(DEALS, deal, field)
    }

    fn create(&self, deal: &NewDeal<'_>) -> Result<String, DemoError> {
        let closes = self.portal.now().to_zoned(TimeZone::UTC).date().saturating_add(deal.days.days());
        let properties = json!({
            "dealname": deal.name, "pipeline": "default", "dealstage": deal.stage, "amount": "84000",
            "closedate": format!("{closes}T00:00:00Z"),
            "hubspot_owner_id": self.portal.owner_id(deal.sender)?.to_string(),
            "handoff_onboarding_lead": self.portal.owner_id(deal.receiver)?.to_string(),
        });
        let id = self.portal.act(&Act::create(deal.sender, DEALS, properties))?;
        if let Some(company) = self.portal.ids(COMPANIES).first() {
            self.portal.associate(deal.sender, (DEALS, id), (COMPANIES, *company), Some("Primary"))?;
        }
        Ok(id.to_string())
    }

    fn name_contacts(&self, who: &str, deal: &str) -> Result<(), DemoError> {
        let (deal, contacts) = (Self::id(deal)?, self.portal.ids(CONTACTS));
        for (contact, label) in contacts.into_iter().zip(["Economic Buyer", "Champion"]) {
            self.portal.associate(who, (DEALS, deal), (CONTACTS, contact), Some(label))?;
        }
        Ok(())
    }

    fn save(&self, who: &str, deal: &str, fields: &Fields) -> Result<Saved, DemoError> {
        self.edit(who, DEALS, deal, fields)
    }

    fn workflow(&self, deal: &str, fields: &Fields) -> Result<(), DemoError> {
        self.automate(DEALS, deal, fields)
    }

    fn stands(&self, object: &str, id: &str, field: &str) -> Value {
        id.parse().map_or(Value::Null, |id| typed(self.portal.property(object, id, field).as_deref()))
    }

    fn edit(&self, who: &str, object: &str, id: &str, fields: &Fields) -> Result<Saved, DemoError> {
        match self.portal.act(&Act::update(who, object, Self::id(id)?, told(fields))) {
            Ok(_) => Ok(Saved::Done),
            Err(Error::Refused(refusal)) => Ok(Saved::Refused(refusal.message)),
            Err(other) => Err(other.into()),
        }
    }

    fn automate(&self, object: &str, id: &str, fields: &Fields) -> Result<(), DemoError> {
        let act = Act::update("", object, Self::id(id)?, told(fields));
        self.portal.act(&act.by(ActorKind::Workflow))?;
        Ok(())
    }

    fn user(&self, login: &str) -> Result<Value, DemoError> {
        Ok(Value::from(self.portal.owner_id(login)?.to_string()))
    }

    fn customer(&self, who: &str, name: &str) -> Result<String, DemoError> {
        let fields = Fields::from_iter([("name".to_owned(), Value::from(name))]);
        Ok(self.make(who, COMPANIES, &fields)?.to_string())
    }

    fn contact(&self, who: &str, customer: &str, name: &str) -> Result<String, DemoError> {
        let fields = Fields::from_iter([("lastname".to_owned(), Value::from(name))]);
        let contact = self.make(who, CONTACTS, &fields)?;
        self.tie(who, (CONTACTS, contact), (COMPANIES, Self::id(customer)?), None)?;
        Ok(contact.to_string())
    }

    fn enter(&self, new: &NewRecord<'_>) -> Result<String, DemoError> {
        let stage = |of: &str| {
            new.fields.values().any(|value| value.as_str().is_some_and(|value| value.starts_with(of)))
        };
        let (name, pipeline) = match new.object {
            CONTACTS => ("lastname", None),
            "tickets" => {
                ("subject", Some(("hs_pipeline", if stage("escalation") { "escalations" } else { "0" })))
            }
            "p_onboarding" => ("onboarding_name", Some(("hs_pipeline", "onboarding"))),
            _ => ("dealname", Some(("pipeline", if stage("cross_sell") { "cross_sell" } else { "default" }))),
        };
        let mut fields = new.fields.clone();
        fields.insert(name.to_owned(), Value::from(new.name));
        fields.extend(pipeline.map(|(name, value)| (name.to_owned(), Value::from(value))));
        let id = self.make(new.by, new.object, &fields)?;
        if let Some(customer) = new.customer {
            let primary = Some("Primary").filter(|_| new.object != "p_onboarding");
            self.tie(new.by, (new.object, id), (COMPANIES, Self::id(customer)?), primary)?;
        }
        if let Some(deal) = new.deal {
            self.tie(new.by, (new.object, id), (DEALS, Self::id(deal)?), None)?;
        }
        Ok(id.to_string())
    }

    fn relate(
        &self,
        who: &str,
        to: (&str, &str),
        relation: &str,
        fields: &Fields,
    ) -> Result<Place, DemoError> {
        let (to_id, mut fields) = (Self::id(to.1)?, fields.clone());
        let label = fields.remove("label");
        let label = label.as_ref().and_then(Value::as_str);
        let known = fields.remove("hs_object_id");
        let known = match known.as_ref().and_then(Value::as_str) {
            Some(id) => Some(Self::id(id)?),
            // The customer is tied to the record already.
            None if relation == COMPANIES => self.portal.linked(to.0, to_id, COMPANIES).first().copied(),
            None => None,
        };
        let id = match known {
            Some(id) => {
                if !fields.is_empty() {
                    self.portal.act(&Act::update(who, relation, id, told(&fields)))?;
                }
                id
            }
            None => self.make(who, relation, &Self::named(relation, fields))?,
        };
        if known.is_none() || relation != COMPANIES {
            self.tie(who, (to.0, to_id), (relation, id), label)?;
        }
        Ok((relation.to_owned(), id.to_string()))
    }

    /// HubSpot counts by itself where a contact first came from.
    fn respond(&self, who: &str, lead: &str, campaign: &str) -> Result<(), DemoError> {
        let name = "hs_analytics_first_touch_converting_campaign";
        let act = Act::update(who, CONTACTS, Self::id(lead)?, json!({name: campaign}));
        self.portal.act(&act.by(ActorKind::Load))?;
        Ok(())
    }

    fn ask(&self, who: &str, customer: &str, question: &str) -> Result<String, DemoError> {
        let asked = json!({
            "subject": question, "hs_pipeline": "0", "hs_pipeline_stage": "3",
            "hs_ticket_category": "GENERAL_INQUIRY", "hs_ticket_priority": "LOW",
        });
        let asked = self.portal.act(&Act::create(who, "tickets", asked))?;
        self.tie(who, ("tickets", asked), (COMPANIES, Self::id(customer)?), None)?;
        Ok(asked.to_string())
    }

    fn call(&self, who: &str, about: (&str, &str), subject: &str) -> Result<String, DemoError> {
        let call = json!({
            "hs_call_title": subject, "hs_timestamp": self.portal.now().to_string(), "hs_call_status": "COMPLETED",
            "hubspot_owner_id": self.user(who)?,
        });
        let call = self.portal.act(&Act::create(who, "calls", call))?;
        self.tie(who, (about.0, Self::id(about.1)?), ("calls", call), None)?;
        Ok(call.to_string())
    }

    fn write(&self, who: &str, case: &str, words: &str) -> Result<(), DemoError> {
        let mail = json!({
            "hs_email_subject": "About your ticket", "hs_email_text": words, "hs_email_direction": "EMAIL",
            "hs_email_status": "SENT", "hs_timestamp": self.portal.now().to_string(), "hubspot_owner_id": self.user(who)?,
        });
        let mail = self.portal.act(&Act::create(who, "emails", mail))?;
        self.tie(who, ("tickets", Self::id(case)?), ("emails", mail), None)
    }

    fn health(&self, who: &str, customer: &str, score: u32) -> Result<(), DemoError> {
        let score = Fields::from_iter([("handoff_health_score".to_owned(), Value::from(score))]);
        self.edit(who, COMPANIES, customer, &score).map(drop)
    }

    fn signal(&self, who: &str, customer: &str, what: &str) -> Result<(), DemoError> {
        let what = Fields::from_iter([("handoff_account_signal".to_owned(), Value::from(what))]);
        self.edit(who, COMPANIES, customer, &what).map(drop)
    }

    fn tasks(&self, deal: &str, key: &str) -> Result<Vec<Task>, DemoError> {
        let text = |id: u64, name: &str| self.portal.property("tasks", id, name).unwrap_or_default();
        let mut on = self.portal.linked(DEALS, Self::id(deal)?, "tasks");
        on.sort_unstable();
        let ours = on.into_iter().filter(|id| !text(*id, key).is_empty());
        let task = |id: u64| Task {
            title: text(id, "hs_task_subject"),
            text: text(id, "hs_task_body"),
            owner: Value::from(text(id, "hubspot_owner_id")),
            open: text(id, "hs_task_status") != "COMPLETED",
        };
        Ok(ours.map(task).collect())
    }

    fn let_answer(&self, _who: &str, _may: bool) -> Result<(), DemoError> {
        // Everybody who may edit the deal may edit all of its properties.
        Ok(())
    }

    fn let_write_flags(&self, _may: bool) -> Result<bool, DemoError> {
        Ok(false)
    }

    fn admin(&self) -> Result<(String, String), DemoError> {
        let id = self.portal.user_id(seed::ADMIN_USER)?;
        Ok((seed::ADMIN_USER.to_owned(), format!("user:{id}")))
    }

    fn writes(&self) -> usize {
        self.portal.writes().len()
    }

    fn flips(&self, since: usize, deal: &str, flag: &str) -> (usize, usize) {
        let (id, writes) = (deal.parse().ok(), self.portal.writes());
        let own = writes
            .iter()
            .skip(since)
            .filter(|write| write.object == DEALS && write.id == id && write.status == "ok");
        let changes = own.flat_map(|write| &write.changes).filter(|change| change.property == flag);
        let stood: Vec<(bool, bool)> = changes
            .map(|change| (change.old.as_deref() == Some("true"), change.new.as_deref() == Some("true")))
            .collect();
        let count = |turn| stood.iter().filter(|stood| **stood == turn).count();
        (count((false, true)), count((true, false)))
    }

    fn webhooks(&self, on: bool) {
        self.portal.set_webhook_mode(if on { WebhookMode::Deliver } else { WebhookMode::Off });
    }

    fn deliveries(&self) -> usize {
        self.portal.deliveries().len()
    }

    fn settled(&self) -> BoxFuture<'_, ()> {
        self.portal.outbound_settled().boxed()
    }

    fn now(&self) -> Timestamp {
        self.portal.now()
    }

    fn advance(&self, seconds: i64) {
        self.portal.advance(seconds);
    }
}
