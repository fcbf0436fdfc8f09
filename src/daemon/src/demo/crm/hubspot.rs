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

/// A portal on the stage.
#[derive(Debug)]
pub struct HubspotFace {
    /// The portal.
    pub portal: Portal,
    /// How the daemon calls the connection.
    pub connection: ConnectionId,
    /// Where handoff 03 lives in it.
    pub mapping: Mapping,
}

impl HubspotFace {
    fn id(deal: &str) -> Result<u64, DemoError> {
        deal.parse().map_err(|_not_a_number| DemoError::NoRecord(deal.to_owned()))
    }

    /// Somebody changes properties of a deal; what is nothing in the story is empty text here.
    fn update(who: &str, deal: &str, fields: &Fields) -> Result<Act, DemoError> {
        let told = |(name, value): (&String, &Value)| {
            (name.clone(), if value.is_null() { Value::from("") } else { value.clone() })
        };
        let properties: Fields = fields.iter().map(told).collect();
        Ok(Act::update(who, DEALS, Self::id(deal)?, Value::Object(properties)))
    }
}

impl Crm for HubspotFace {
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
        let stored = Self::id(deal).ok().and_then(|id| self.portal.property(DEALS, id, field));
        match stored.as_deref() {
            None => Value::Null,
            Some("true") => Value::Bool(true),
            Some("false") => Value::Bool(false),
            Some(text) => Value::from(text),
        }
    }

    fn create(&self, deal: &NewDeal<'_>) -> Result<String, DemoError> {
        let closes = self.portal.now().to_zoned(TimeZone::UTC).date().saturating_add(deal.days.days());
        let properties = json!({
            "dealname": deal.name, "pipeline": "default", "dealstage": deal.stage, "closedate": format!("{closes}T12:00:00Z"),
            "amount": "84000", "hubspot_owner_id": self.portal.owner_id(deal.sender)?.to_string(),
            (&self.mapping.people.receiver.field): self.portal.owner_id(deal.receiver)?.to_string(),
        });
        let id = self.portal.act(&Act::create(deal.sender, DEALS, properties))?;
        if let Some(company) = self.portal.ids("companies").first() {
            self.portal.associate(deal.sender, (DEALS, id), ("companies", *company), None)?;
        }
        Ok(id.to_string())
    }

    fn name_contacts(&self, who: &str, deal: &str) -> Result<(), DemoError> {
        let deal = Self::id(deal)?;
        for (contact, label) in self.portal.ids("contacts").into_iter().zip(["Economic Buyer", "Champion"]) {
            self.portal.associate(who, (DEALS, deal), ("contacts", contact), Some(label))?;
        }
        Ok(())
    }

    fn save(&self, who: &str, deal: &str, fields: &Fields) -> Result<Saved, DemoError> {
        match self.portal.act(&Self::update(who, deal, fields)?) {
            Ok(_) => Ok(Saved::Done),
            Err(Error::Refused(refusal)) => Ok(Saved::Refused(refusal.message)),
            Err(other) => Err(other.into()),
        }
    }

    fn workflow(&self, deal: &str, fields: &Fields) -> Result<(), DemoError> {
        self.portal.act(&Self::update("", deal, fields)?.by(ActorKind::Workflow))?;
        Ok(())
    }

    /// Below Enterprise nobody can be kept from editing one property: who did it is what counts.
    fn let_answer(&self, _who: &str, _may: bool) -> Result<(), DemoError> {
        Ok(())
    }

    /// A super admin passes every restriction.
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
        let (id, writes) = (Self::id(deal).ok(), self.portal.writes());
        let own = writes
            .iter()
            .skip(since)
            .filter(|write| write.id == id && write.object == DEALS && write.status == "ok");
        let changes = own.flat_map(|write| &write.changes).filter(|change| change.property == flag);
        let open = |value: &Option<String>| value.as_deref() == Some("true");
        let stood: Vec<(bool, bool)> = changes.map(|change| (open(&change.old), open(&change.new))).collect();
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
