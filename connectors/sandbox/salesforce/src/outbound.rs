//! Outbound messages: SOAP notifications to configured endpoints, at least once, retried until acknowledged.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt::Write as _,
    sync::{Arc, Weak},
    time::Duration,
};

use jiff::Timestamp;
use quick_xml::escape::escape;
use serde::{Deserialize, Serialize};

use crate::{ids::Id, org::Shared, state::State};

/// What happens to outbound messages between the org and the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum OutboundMode {
    /// They are delivered.
    #[default]
    Deliver,
    /// None is made.
    Off,
    /// They are made and lost.
    Drop,
    /// Each is delivered this many times.
    Duplicate {
        /// Deliveries per message.
        times: u32,
    },
    /// They wait; a release sends them, newest first.
    Hold,
}

/// One delivery attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Notification id, the same for every attempt.
    pub notification: Id,
    /// The record that changed.
    pub record: Id,
    /// Where it went.
    pub endpoint: String,
    /// The sandbox's time.
    pub at: Timestamp,
    /// Attempt, from 1.
    pub attempt: u32,
    /// HTTP status; absent when the endpoint could not be reached.
    pub status: Option<u16>,
    /// Whether the answer said `Ack true`.
    pub acknowledged: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Notice {
    pub(crate) id: Id,
    pub(crate) record: Id,
    attempt: u32,
    endpoint: String,
}

/// Endpoints, queue and log.
#[derive(Debug, Default)]
pub(crate) struct Outbound {
    pub(crate) endpoints: Vec<String>,
    pub(crate) fields: Vec<String>,
    pub(crate) mode: OutboundMode,
    pub(crate) log: Vec<Delivery>,
    changed: VecDeque<Id>,
    held: Vec<Notice>,
    /// Notices made and not yet acknowledged or given up.
    pub(crate) in_flight: usize,
}

impl Outbound {
    pub(crate) fn changed(&mut self, id: Id) {
        if !self.endpoints.is_empty() && self.mode != OutboundMode::Off {
            self.changed.push_back(id);
        }
    }

    pub(crate) fn pending(&self) -> usize {
        self.changed.len()
    }

    pub(crate) fn forget_after(&mut self, length: usize) {
        self.changed.truncate(length);
    }

    pub(crate) fn take(&mut self) -> VecDeque<Id> {
        std::mem::take(&mut self.changed)
    }

    /// Whether every message made so far has been delivered, lost or held.
    pub(crate) fn is_idle(&self) -> bool {
        self.changed.is_empty() && self.in_flight == 0
    }
}

impl State {
    /// Turns changed records into notices that are due now.
    pub(crate) fn due_notices(&mut self) -> Vec<Notice> {
        let mut due = Vec::new();
        for record in self.take_changed() {
            for endpoint in self.outbound.endpoints.clone() {
                let id = self.next_of_prefix("04l");
                let notice = Notice { id, record, attempt: 0, endpoint };
                match self.outbound.mode {
                    OutboundMode::Deliver => due.push(notice),
                    OutboundMode::Duplicate { times } => {
                        due.extend((0..times.min(100)).map(|_| notice.clone()));
                    }
                    OutboundMode::Hold => self.outbound.held.push(notice),
                    OutboundMode::Off | OutboundMode::Drop => {}
                }
            }
        }
        self.outbound.in_flight += due.len();
        due
    }

    /// Lets held messages go, newest first, and delivers from now on.
    pub(crate) fn release_held(&mut self) -> Vec<Notice> {
        self.outbound.mode = OutboundMode::Deliver;
        let mut due = std::mem::take(&mut self.outbound.held);
        due.reverse();
        self.outbound.in_flight += due.len();
        due
    }

    fn envelope(&self, notice: &Notice) -> String {
        let mut fields = String::new();
        if let Some((position, row)) = self.row(notice.record)
            && let Some(object) = self.schema.objects.get(position)
        {
            for name in &self.outbound.fields {
                if let Some(field) = object.field(name) {
                    let value = row.get(field);
                    if !value.is_null() {
                        let text = value.to_plain();
                        let _ = write!(fields, "<sf:{name}>{}</sf:{name}>", escape(&text));
                    }
                }
            }
        }
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soapenv:Envelope \
             xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n \
             <soapenv:Body>\n  <notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\">\n   \
             <OrganizationId>{org}</OrganizationId>\n   <ActionId>{action}</ActionId>\n   \
             <SessionId xsi:nil=\"true\"/>\n   <EnterpriseUrl>{base}/services/Soap/c/62.0/{org}</EnterpriseUrl>\n   \
             <PartnerUrl>{base}/services/Soap/u/62.0/{org}</PartnerUrl>\n   <Notification>\n    <Id>{id}</Id>\n    \
             <sObject xsi:type=\"sf:Opportunity\" xmlns:sf=\"urn:sobject.enterprise.soap.sforce.com\">\
             <sf:Id>{record}</sf:Id>{fields}</sObject>\n   </Notification>\n  </notifications>\n </soapenv:Body>\n\
             </soapenv:Envelope>\n",
            org = self.org_id,
            action = Id::numbered("04k", 1),
            base = self.base_url,
            id = notice.id,
            record = notice.record,
        )
    }
}

const ATTEMPTS: u32 = 12;

/// Delivers until the sandbox stops: new notices as they arise, refused ones again with growing pauses.
pub(crate) async fn deliver(shared: Weak<Shared>, client: reqwest::Client) {
    let Some(wake) = shared.upgrade().map(|shared| Arc::clone(&shared.outbound_wake)) else { return };
    loop {
        let Some(org) = shared.upgrade() else { return };
        let mut due = org.lock().due_notices();
        due.extend(std::mem::take(&mut *org.released()));
        // Whoever waits for quiet is told also when all was lost or held.
        org.delivered.notify_waiters();
        let mut lanes: BTreeMap<String, Vec<Notice>> = BTreeMap::new();
        for notice in due {
            lanes.entry(notice.endpoint.clone()).or_default().push(notice);
        }
        for (_, notices) in lanes {
            let (shared, client) = (shared.clone(), client.clone());
            tokio::spawn(async move {
                for notice in notices {
                    if !attempt(&shared, &client, notice.clone()).await {
                        tokio::spawn(retry(shared.clone(), client.clone(), notice));
                    }
                }
            });
        }
        drop(org);
        wake.notified().await;
    }
}

async fn retry(shared: Weak<Shared>, client: reqwest::Client, mut notice: Notice) {
    let mut pause = Duration::from_millis(100);
    for tried in 1..ATTEMPTS {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(10));
        notice.attempt = tried;
        if attempt(&shared, &client, notice.clone()).await {
            return;
        }
    }
    if let Some(org) = shared.upgrade() {
        let mut state = org.lock();
        state.outbound.in_flight = state.outbound.in_flight.saturating_sub(1);
        drop(state);
        org.delivered.notify_waiters();
    }
}

/// One delivery; true when acknowledged, or when the sandbox is gone.
async fn attempt(shared: &Weak<Shared>, client: &reqwest::Client, notice: Notice) -> bool {
    let Some(envelope) = shared.upgrade().map(|org| org.lock().envelope(&notice)) else { return true };
    let sent = client
        .post(&notice.endpoint)
        .header("Content-Type", "text/xml; charset=utf-8")
        .header("SOAPAction", "\"\"")
        .body(envelope)
        .send()
        .await;
    let (status, acknowledged) = match sent {
        Ok(answer) => {
            let status = answer.status().as_u16();
            let text = answer.text().await.unwrap_or_default();
            (Some(status), status == 200 && acknowledges(&text))
        }
        Err(_) => (None, false),
    };
    let Some(org) = shared.upgrade() else { return true };
    {
        let mut state = org.lock();
        let at = state.now();
        state.outbound.log.push(Delivery {
            notification: notice.id,
            record: notice.record,
            endpoint: notice.endpoint,
            at,
            attempt: notice.attempt + 1,
            status,
            acknowledged,
        });
        if acknowledged {
            state.outbound.in_flight = state.outbound.in_flight.saturating_sub(1);
        }
    }
    org.delivered.notify_waiters();
    acknowledged
}

fn acknowledges(body: &str) -> bool {
    let compact: String = body.chars().filter(|letter| !letter.is_whitespace()).collect();
    compact.split_once("Ack>").is_some_and(|(_, rest)| rest.starts_with("true<"))
}

#[cfg(test)]
mod tests {
    use super::acknowledges;

    #[test]
    fn only_ack_true_acknowledges() {
        assert!(acknowledges("<n:notificationsResponse><n:Ack> true </n:Ack></n:notificationsResponse>"));
        assert!(acknowledges("<Ack>true</Ack>"));
        assert!(!acknowledges("<Ack>false</Ack>"));
        assert!(!acknowledges("true"));
        assert!(!acknowledges(""));
    }
}
