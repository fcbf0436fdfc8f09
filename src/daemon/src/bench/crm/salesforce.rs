//! Salesforce.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use handoff_sandbox_salesforce::{Act, ActorKind, Id, Org, OutboundMode, seed};
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{AUTHORITY, Crm, DYNAMICS, Least, RECEIVER, REP};
use crate::demo::DemoError;

const DEAL: &str = "Opportunity";
/// The flag whose way is timed.
const FLAG: &str = "Handoff_03_In_Queue__c";

/// An org.
pub(in crate::bench) struct SalesforceCrm(pub(in crate::bench) Org);

fn id(deal: &str) -> Result<Id, DemoError> {
    Id::parse(deal).ok_or_else(|| DemoError::NoRecord(deal.to_owned()))
}

impl Crm for SalesforceCrm {
    fn vendor(&self) -> &'static str {
        "Salesforce"
    }

    fn connection(&self) -> &'static str {
        "sf"
    }

    fn fill(&self, count: u32) -> Result<(), DemoError> {
        let account = self.0.query("SELECT Id FROM Account ORDER BY Id LIMIT 1")?;
        let account = account.first().and_then(|row| row.get("Id")).cloned().unwrap_or_default();
        let (rep, receiver) = (self.0.user(REP)?.to_string(), self.0.user(RECEIVER)?.to_string());
        for number in 0..count {
            let fields = json!({
                "Name": format!("Bench {number}"), "StageName": "Negotiation/Review", "CloseDate": "2030-01-01",
                "AccountId": account, "OwnerId": rep, "Onboarding_Lead__c": receiver, "Signing_Authority__c": AUTHORITY,
            });
            self.0.act(&Act::create(seed::ADMIN_USER, DEAL, &fields).by(ActorKind::Load))?;
        }
        Ok(())
    }

    fn webhooks(&self, on: bool) {
        self.0.set_outbound_mode(if on { OutboundMode::Deliver } else { OutboundMode::Off });
    }

    fn forget(&self) {
        self.0.forget();
    }

    fn calls(&self) -> BTreeMap<String, u64> {
        self.0.calls().by_kind
    }

    fn least(&self, records: u32) -> Least {
        // Read in pages of 2,000, the first in the call that finds the changes; written in composites of 1,000.
        let calls = records.div_ceil(2_000) + records.div_ceil(1_000);
        Least { calls: u64::from(calls), counts: "reads of 2,000, writes of 1,000" }
    }

    fn handling(&self) -> Duration {
        self.0.handling()
    }

    fn waiting(&self) -> Result<Option<String>, DemoError> {
        let soql = format!(
            "SELECT Id FROM {DEAL} WHERE StageName = 'Negotiation/Review' AND {FLAG} = true ORDER BY Id LIMIT 1"
        );
        let found = self.0.query(&soql)?;
        Ok(found.first().and_then(|row| row.get("Id")?.as_str()).map(str::to_owned))
    }

    fn flag_writes(&self, deal: &str) -> Result<UnboundedReceiver<Instant>, DemoError> {
        let id = id(deal)?;
        let (sender, written) = unbounded_channel();
        self.0.on_write(Arc::new(move |write| {
            let flag = write.fields.iter().any(|change| change.field == FLAG && change.old != change.new);
            if write.request > 0 && write.id == Some(id) && flag {
                // Whoever listened may have gone.
                let _ = sender.send(Instant::now());
            }
        }));
        Ok(written)
    }

    fn change(&self, deal: &str, filled: bool) -> Result<(), DemoError> {
        let fields = json!({"Political_Dynamics__c": filled.then_some(DYNAMICS)});
        let act = Act::update(seed::ADMIN_USER, DEAL, id(deal)?, &fields);
        self.0.act(&act.by(ActorKind::Apex))?;
        Ok(())
    }

    fn settled(&self) -> BoxFuture<'_, ()> {
        self.0.outbound_settled().boxed()
    }
}
