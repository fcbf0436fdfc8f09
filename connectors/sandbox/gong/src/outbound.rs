//! Automation rules: a processed call that fits a rule is told to its address, once, unsure and in no promised order.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Error,
    render::{self, Wanted},
    sign::{self, Letter, Signed, Signer, Variant},
    state::{Recorded, State},
    workspace::Shared,
};

/// An automation rule with the action "Fire webhook".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The address as the rule has it, and as `webhook_url` claims it; with "URL includes key", the key is in it.
    pub url: String,
    /// Where deliveries really go, when the address is one that a test cannot be reached at.
    #[serde(default)]
    pub deliver_to: Option<String>,
    /// "Signed JWT header" rather than "URL includes key".
    #[serde(default = "yes")]
    pub signed: bool,
    /// The header begins with `Bearer `.
    #[serde(default)]
    pub bearer: bool,
    /// Only calls that are linked to a CRM record.
    #[serde(default)]
    pub linked_only: bool,
}

const fn yes() -> bool {
    true
}

impl Rule {
    /// A rule for every call, signed, the header without `Bearer `.
    pub fn signed(url: &str) -> Self {
        Self { url: url.to_owned(), deliver_to: None, signed: true, bearer: false, linked_only: false }
    }

    /// A rule for every call whose address carries a key and which signs nothing.
    pub fn key_in_url(url: &str) -> Self {
        Self { signed: false, ..Self::signed(url) }
    }

    /// The same rule, its header with `Bearer `.
    pub fn with_bearer(mut self) -> Self {
        self.bearer = true;
        self
    }

    /// The same rule, its deliveries sent elsewhere than the address says.
    pub fn delivered_to(mut self, url: &str) -> Self {
        self.deliver_to = Some(url.to_owned());
        self
    }

    fn fits(&self, call: &Recorded) -> bool {
        !self.linked_only || !call.spec.links.is_empty()
    }
}

/// What happens to deliveries on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum OutboundMode {
    /// They are delivered, oldest first.
    #[default]
    Deliver,
    /// None is made.
    Off,
    /// They are made and lost.
    Drop,
    /// Each is delivered this many times.
    Duplicate {
        /// Deliveries per call and rule.
        times: u32,
    },
    /// What falls due together is delivered in another order.
    Shuffle,
    /// They wait; a release sends them, newest first.
    Hold,
}

/// A delivery on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Firing {
    /// Number of the rule, from 1.
    pub rule: usize,
    /// How it is signed.
    pub variant: Variant,
    /// `isTest`, as the button "Test" in the rule sets it: such a call must not count.
    pub is_test: bool,
    /// How often it is delivered.
    pub times: u32,
}

impl Default for Firing {
    fn default() -> Self {
        Self { rule: 1, variant: Variant::Honest, is_test: false, times: 1 }
    }
}

impl Firing {
    /// One delivery by the first rule, signed like this.
    pub fn signed(variant: Variant) -> Self {
        Self { variant, ..Self::default() }
    }
}

/// One delivery that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The call.
    pub call: String,
    /// Number of the rule, from 1.
    pub rule: usize,
    /// The sandbox's time.
    pub at: Timestamp,
    /// HTTP status; absent when the address could not be reached.
    pub status: Option<u16>,
    /// How it was signed.
    pub variant: Variant,
    /// Whether it said that it was a test.
    pub is_test: bool,
}

/// A delivery to make.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    call: String,
    firing: Firing,
}

/// Rules, queue and log.
#[derive(Default)]
pub(crate) struct Outbound {
    pub(crate) rules: Vec<(Rule, Signer)>,
    pub(crate) mode: OutboundMode,
    pub(crate) log: Vec<Delivery>,
    ready: Vec<Notice>,
    held: Vec<Notice>,
    in_flight: usize,
}

impl Outbound {
    /// The rule of that number, from 1.
    pub(crate) fn rule(&self, number: usize) -> Result<&(Rule, Signer), Error> {
        let found = number.checked_sub(1).and_then(|place| self.rules.get(place));
        found.ok_or_else(|| Error::unknown("rule", number.to_string()))
    }

    pub(crate) fn deliver_to(&mut self, number: usize, url: &str) -> Result<(), Error> {
        let found = number.checked_sub(1).and_then(|place| self.rules.get_mut(place));
        let (rule, _) = found.ok_or_else(|| Error::unknown("rule", number.to_string()))?;
        rule.deliver_to = Some(url.to_owned());
        Ok(())
    }

    /// Makes held deliveries due, newest first, and delivers from now on.
    pub(crate) fn release(&mut self) {
        self.mode = OutboundMode::Deliver;
        let mut held = std::mem::take(&mut self.held);
        held.reverse();
        self.ready.extend(held);
    }
}

impl State {
    /// Takes every call that was processed by now past the rules.
    pub(crate) fn tell(&mut self) {
        let now = self.now();
        let mut fresh: Vec<(Timestamp, String)> = Vec::new();
        for call in self.calls.values_mut().filter(|call| !call.told && call.is_listed(now)) {
            call.told = true;
            fresh.push((call.processed_at, call.id.clone()));
        }
        fresh.sort();
        if self.outbound.mode == OutboundMode::Off {
            return;
        }
        let mut notices = Vec::new();
        for (_, id) in fresh {
            let Some(call) = self.calls.get(&id) else { continue };
            for (place, (rule, _)) in self.outbound.rules.iter().enumerate() {
                if rule.fits(call) {
                    let firing = Firing { rule: place + 1, ..Firing::default() };
                    notices.push(Notice { call: id.clone(), firing });
                }
            }
        }
        match self.outbound.mode {
            OutboundMode::Deliver => self.outbound.ready.extend(notices),
            OutboundMode::Duplicate { times } => {
                let copies = usize::try_from(times.min(100)).unwrap_or(1);
                self.outbound
                    .ready
                    .extend(notices.into_iter().flat_map(|one| std::iter::repeat_n(one, copies)));
            }
            OutboundMode::Shuffle => {
                notices.sort_by_key(|one| shuffled(&one.call));
                self.outbound.ready.extend(notices);
            }
            OutboundMode::Hold => self.outbound.held.extend(notices),
            OutboundMode::Off | OutboundMode::Drop => {}
        }
    }

    /// Queues a delivery on demand, whatever the mode.
    pub(crate) fn fire(&mut self, call: &str, firing: Firing) -> Result<(), Error> {
        self.call(call)?;
        self.outbound.rule(firing.rule)?;
        for _ in 0..firing.times.min(1_000) {
            self.outbound.ready.push(Notice { call: call.to_owned(), firing });
        }
        Ok(())
    }

    /// A delivery as it would be sent now.
    pub(crate) fn signed(&self, call: &str, firing: Firing) -> Result<Signed, Error> {
        let (rule, signer) = self.outbound.rule(firing.rule)?;
        let call = self.calls.get(call).ok_or_else(|| Error::unknown("call", call))?;
        let data = render::extensive(self, call, &Wanted::everything());
        let body = json!({"callData": data, "isTest": firing.is_test}).to_string().into_bytes();
        let url = rule.deliver_to.clone().unwrap_or_else(|| rule.url.clone());
        if !rule.signed {
            return Ok(Signed { url, authorization: None, body });
        }
        let letter = Letter { url: &rule.url, body, bearer: rule.bearer, now: self.second() };
        let (authorization, body) = sign::sealed(letter, signer, firing.variant)?;
        Ok(Signed { url, authorization, body })
    }

    /// Deliveries that are due; they count as under way until they were tried.
    fn due(&mut self) -> Vec<Notice> {
        self.tell();
        let due = std::mem::take(&mut self.outbound.ready);
        self.outbound.in_flight += due.len();
        due
    }

    /// Whether every delivery that was made so far was tried, lost or held.
    pub(crate) fn is_settled(&mut self) -> bool {
        self.tell();
        self.outbound.ready.is_empty() && self.outbound.in_flight == 0
    }
}

/// An order that is none, the same in every run.
fn shuffled(call: &str) -> u64 {
    call.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(17)
    })
}

/// How often the clock is looked at while there are rules: another sandbox may move a clock they share.
const GLANCE: Duration = Duration::from_millis(50);

/// Delivers until the sandbox stops. Nothing is tried twice: the vendor documents no retries.
pub(crate) async fn deliver(shared: Weak<Shared>, client: reqwest::Client) {
    let Some(wake) = shared.upgrade().map(|shared| Arc::clone(&shared.wake)) else { return };
    loop {
        let Some(held) = shared.upgrade() else { return };
        let (due, rules) = {
            let mut state = held.lock();
            (state.due(), state.outbound.rules.len())
        };
        held.delivered.notify_waiters();
        drop(held);
        let mut lanes: BTreeMap<usize, Vec<Notice>> = BTreeMap::new();
        for notice in due {
            lanes.entry(notice.firing.rule).or_default().push(notice);
        }
        for (_, notices) in lanes {
            let (shared, client) = (shared.clone(), client.clone());
            tokio::spawn(async move {
                for notice in notices {
                    attempt(&shared, &client, notice).await;
                }
            });
        }
        if rules == 0 {
            wake.notified().await;
        } else {
            // Either is a reason to look.
            let _ = tokio::time::timeout(GLANCE, wake.notified()).await;
        }
    }
}

async fn attempt(shared: &Weak<Shared>, client: &reqwest::Client, notice: Notice) {
    let Some(letter) = shared.upgrade().map(|shared| shared.lock().signed(&notice.call, notice.firing))
    else {
        return;
    };
    let status = match letter {
        Ok(letter) => {
            let request =
                client.post(&letter.url).header("Content-Type", "application/json").body(letter.body);
            let request = match letter.authorization {
                Some(header) => request.header("Authorization", header),
                None => request,
            };
            request.send().await.ok().map(|answer| answer.status().as_u16())
        }
        // The call was removed meanwhile.
        Err(_) => None,
    };
    let Some(shared) = shared.upgrade() else { return };
    {
        let mut state = shared.lock();
        let at = state.now();
        let Notice { call, firing } = notice;
        let Firing { rule, variant, is_test, .. } = firing;
        state.outbound.log.push(Delivery { call, rule, at, status, variant, is_test });
        state.outbound.in_flight = state.outbound.in_flight.saturating_sub(1);
    }
    shared.delivered.notify_waiters();
}
