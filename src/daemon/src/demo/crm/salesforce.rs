//! Salesforce on the stage.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use handoff_core::id::ConnectionId;
use handoff_core::mapping::Mapping;
use handoff_sandbox_salesforce::{Act, ActorKind, Error, Id, Org, OutboundMode, seed};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use super::{Crm, Fields, NewDeal, Saved};
use crate::demo::DemoError;

const DEAL: &str = "Opportunity";

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
        self.act(&Act::update(who, DEAL, Self::id(deal)?, &Value::Object(fields.clone())))
    }

    fn workflow(&self, deal: &str, fields: &Fields) -> Result<(), DemoError> {
        let act = Act::update(seed::ADMIN_USER, DEAL, Self::id(deal)?, &Value::Object(fields.clone()));
        self.org.act(&act.by(ActorKind::Workflow))?;
        Ok(())
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
