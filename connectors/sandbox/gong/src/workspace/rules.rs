//! Automation rules and their deliveries.

use jiff::Timestamp;

use super::Workspace;
use crate::{Delivery, Error, Firing, OutboundMode, Rule, Signed, sign::Signer};

impl Workspace {
    /// Adds an automation rule, signed with a key of its own where it signs; its number. Calls processed so far are not told to it.
    pub fn add_rule(&self, rule: Rule) -> Result<usize, Error> {
        let own = self.lock().outbound.rules.len();
        self.put_rule(rule, Signer::own(own)?)
    }

    /// Adds an automation rule that signs with this PKCS#8 DER key; its number.
    pub fn add_rule_with_key(&self, rule: Rule, pkcs8: &[u8]) -> Result<usize, Error> {
        self.put_rule(rule, Signer::from_pkcs8(pkcs8)?)
    }

    fn put_rule(&self, rule: Rule, signer: Signer) -> Result<usize, Error> {
        for url in [Some(&rule.url), rule.deliver_to.as_ref()].into_iter().flatten() {
            url::Url::parse(url).map_err(|error| Error::bad(format!("{url}: {error}")))?;
        }
        Ok(self.with(|state| {
            state.tell();
            state.outbound.rules.push((rule, signer));
            state.outbound.rules.len()
        }))
    }

    /// Sends a rule's deliveries elsewhere than its address says, from now on.
    pub fn deliver_to(&self, rule: usize, url: &str) -> Result<(), Error> {
        url::Url::parse(url).map_err(|error| Error::bad(format!("{url}: {error}")))?;
        self.with(|state| state.outbound.deliver_to(rule, url))
    }

    /// What "Show public key" of a rule shows: bare base64 of the SubjectPublicKeyInfo.
    pub fn public_key(&self, rule: usize) -> Result<String, Error> {
        Ok(self.lock().outbound.rule(rule)?.1.public_key())
    }

    /// What happens to deliveries from now on.
    pub fn set_outbound_mode(&self, mode: OutboundMode) {
        self.with(|state| {
            state.tell();
            state.outbound.mode = mode;
        });
    }

    /// Delivers what was held, newest first, and every later call at once.
    pub fn release_outbound(&self) {
        self.with(|state| {
            state.tell();
            state.outbound.release();
        });
    }

    /// Delivers a call on demand, whatever the mode; honest, forged, repeated or as a test.
    pub fn fire(&self, call: &str, firing: Firing) -> Result<(), Error> {
        self.with(|state| state.fire(call, firing))
    }

    /// The delivery as it would be sent now, without sending it.
    pub fn signed(&self, call: &str, firing: Firing) -> Result<Signed, Error> {
        self.lock().signed(call, firing)
    }

    /// Every delivery that was tried so far.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.lock().outbound.log.clone()
    }

    /// When the next call that is still hidden becomes visible.
    pub fn next_processed(&self) -> Option<Timestamp> {
        let state = self.lock();
        let now = state.now();
        state.calls.values().map(|call| call.processed_at).filter(|at| *at > now).min()
    }

    /// Waits until every delivery made so far was tried, lost or held.
    pub async fn outbound_settled(&self) {
        loop {
            let delivered = self.shared.delivered.notified();
            if self.lock().is_settled() {
                return;
            }
            self.shared.wake.notify_one();
            delivered.await;
        }
    }
}
