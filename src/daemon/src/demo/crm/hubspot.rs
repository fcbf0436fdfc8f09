//! HubSpot on the stage.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use handoff_core::id::ConnectionId;
use handoff_core::mapping::Mapping;
use handoff_sandbox_hubspot::{Act, ActorKind, Error, Portal, WebhookMode, seed};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use super::{Crm, Fields, NewDeal, Saved};
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
        deal.parse().map_or(Value::Null, |id| typed(self.portal.property(DEALS, id, field).as_deref()))
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
        match self.portal.act(&Act::update(who, DEALS, Self::id(deal)?, told(fields))) {
            Ok(_) => Ok(Saved::Done),
            Err(Error::Refused(refusal)) => Ok(Saved::Refused(refusal.message)),
            Err(other) => Err(other.into()),
        }
    }

    fn workflow(&self, deal: &str, fields: &Fields) -> Result<(), DemoError> {
        let act = Act::update("", DEALS, Self::id(deal)?, told(fields));
        self.portal.act(&act.by(ActorKind::Workflow))?;
        Ok(())
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
