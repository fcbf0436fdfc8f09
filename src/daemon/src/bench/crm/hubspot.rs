//! HubSpot.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use handoff_sandbox_hubspot::{Act, ActorKind, Portal, WebhookMode};
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{AUTHORITY, Crm, DYNAMICS, Least, RECEIVER, REP};
use crate::demo::DemoError;

const DEALS: &str = "deals";
const STAGE: &str = "contractsent";
/// The flag whose way is timed.
const FLAG: &str = "handoff_in_queue";
/// The part of the package that is emptied and filled by turns.
const PART: &str = "handoff_political_dynamics";

/// A portal.
pub(in crate::bench) struct HubSpotCrm(pub(in crate::bench) Portal);

fn id(deal: &str) -> Result<u64, DemoError> {
    deal.parse().map_err(|_not_a_number| DemoError::NoRecord(deal.to_owned()))
}

impl Crm for HubSpotCrm {
    fn vendor(&self) -> &'static str {
        "HubSpot"
    }

    fn connection(&self) -> &'static str {
        "hs"
    }

    fn fill(&self, count: u32) -> Result<(), DemoError> {
        let rep = self.0.owner_id(REP)?.to_string();
        let receiver = self.0.owner_id(RECEIVER)?.to_string();
        for number in 0..count {
            let properties = json!({
                "dealname": format!("Bench {number}"), "pipeline": "default", "dealstage": STAGE,
                "closedate": "2030-01-01T00:00:00Z", "hubspot_owner_id": rep, "handoff_onboarding_lead": receiver,
                "handoff_signing_authority": AUTHORITY,
            });
            self.0.act(&Act::create("", DEALS, properties).by(ActorKind::Load))?;
        }
        Ok(())
    }

    fn webhooks(&self, on: bool) {
        self.0.set_webhook_mode(if on { WebhookMode::Deliver } else { WebhookMode::Off });
    }

    fn forget(&self) {
        self.0.forget();
    }

    fn calls(&self) -> BTreeMap<String, u64> {
        self.0.calls().by_kind
    }

    fn least(&self, records: u32) -> Least {
        // Associations to contacts and to companies are lists of their own; the deals entered have neither, so nothing beyond is read.
        let hundreds = records.div_ceil(100);
        let calls = records.div_ceil(200) + records.div_ceil(50) + 2 * hundreds + 2 * hundreds;
        Least {
            calls: u64::from(calls),
            counts: "searches of 200, history of 50, 2 associations, write and read-back of 100",
        }
    }

    fn handling(&self) -> Duration {
        self.0.handling()
    }

    fn waiting(&self) -> Result<Option<String>, DemoError> {
        let stands = |id: u64, name: &str| self.0.property(DEALS, id, name);
        let waits = |id: &u64| {
            stands(*id, "dealstage").as_deref() == Some(STAGE) && stands(*id, FLAG).as_deref() == Some("true")
        };
        Ok(self.0.ids(DEALS).into_iter().find(waits).map(|id| id.to_string()))
    }

    fn flag_writes(&self, deal: &str) -> Result<UnboundedReceiver<Instant>, DemoError> {
        let id = id(deal)?;
        let (sender, written) = unbounded_channel();
        self.0.on_write(Arc::new(move |write| {
            let flag = write.changes.iter().any(|change| change.property == FLAG && change.old != change.new);
            if write.request > 0 && write.object == DEALS && write.id == Some(id) && flag {
                // Whoever listened may have gone.
                let _ = sender.send(Instant::now());
            }
        }));
        // What follows a change of the part must reach the daemon at once, as an app's settings would have it.
        self.0.subscribe("deal.propertyChange", Some(PART));
        Ok(written)
    }

    fn change(&self, deal: &str, filled: bool) -> Result<(), DemoError> {
        let properties = json!({PART: if filled { DYNAMICS } else { "" }});
        let act = Act::update("", DEALS, id(deal)?, properties);
        self.0.act(&act.by(ActorKind::Workflow))?;
        Ok(())
    }

    fn settled(&self) -> BoxFuture<'_, ()> {
        self.0.outbound_settled().boxed()
    }
}
