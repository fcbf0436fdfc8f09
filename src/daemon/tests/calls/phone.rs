//! A vendor of recorded calls that remembers what it is told, and what it was asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use handoff_connector::{
    AuthKind, Body, CallPage, Calls, CheckReport, Connector, Cursor, Delivery, DeliveryId, Exchange, Fault,
    Inbound, InboundReply, Lane, Meter, Rejected, Reply, Request, Spec, Step, matches_any,
};
use handoff_core::evidence::{Call, CallLink, CallParty, LinkKind, Passage, Sentence, Transcript};
use handoff_core::extract::ReadPlan;
use handoff_core::id::{ConnectionId, ObjectName, RecordId, RecordRef};
use handoff_core::mapping::Mapping;
use handoff_transport::{
    AllowedHosts, Grant, Parts, Scheme, SessionConfig, TokenSource, Transport, TransportConfig, Wire,
    WireFault, WireRequest,
};
use handoffd::config::Connection;
use handoffd::connect::{ConnectError, Real};
use handoffd::link::{Connect, Connected, Equipment, Purpose};
use http::{HeaderMap, Method, StatusCode};
use jiff::{SignedDuration, Timestamp};

/// Calls of one page.
const PAGE: usize = 2;
const WINDOW: SignedDuration = SignedDuration::from_hours(7 * 24);

static SPEC: Spec = Spec {
    name: "gong",
    api_version: "v2",
    auth: &[AuthKind::AccessKey],
    budgets: &[],
    read_batch: 100,
    write_batch: 1,
};

#[derive(Default)]
pub(crate) struct Told {
    pub(crate) calls: BTreeMap<String, Call>,
    pub(crate) words: BTreeMap<String, Transcript>,
    pub(crate) down: bool,
    /// Details cannot be read yet, though the call is hinted at.
    pub(crate) hidden: BTreeSet<String>,
    /// Ids of calls whose transcripts were asked for, in order.
    pub(crate) heard: Vec<String>,
    /// Ids of calls whose details were asked for, in order.
    pub(crate) read: Vec<String>,
    pub(crate) reversed: bool,
}

/// The vendor; cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Phone(Arc<Mutex<Told>>);

impl Phone {
    pub(crate) fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap()
    }

    /// A call of an hour, linked as told, in which the customer says these sentences, a minute apart.
    pub(crate) fn record(&self, id: &str, started: Timestamp, links: &[CallLink], sentences: &[&str]) {
        let party = |speaker: &str, ours| CallParty {
            speaker: Some(speaker.to_owned()),
            name: None,
            email: None,
            ours,
        };
        let call = Call {
            id: id.to_owned(),
            url: Some(format!("https://app.gong.example/call?id={id}")),
            started,
            seconds: 3_600,
            private: false,
            language: None,
            links: links.to_vec(),
            parties: vec![party("1", Some(true)), party("2", Some(false))],
            trackers: Vec::new(),
        };
        let sentence = |(number, text): (u64, &&str)| Sentence {
            from_ms: number * 60_000,
            to_ms: number * 60_000 + 5_000,
            text: (*text).to_owned(),
        };
        let sentences = (1..).zip(sentences).map(sentence).collect();
        let passage = Passage { speaker: Some("2".to_owned()), topic: None, sentences };
        let transcript = Transcript { call: id.to_owned(), passages: vec![passage] };
        let mut told = self.told();
        told.words.insert(id.to_owned(), transcript);
        told.calls.insert(id.to_owned(), call);
    }

    pub(crate) fn change(&self, id: &str, change: impl FnOnce(&mut Call)) {
        change(self.told().calls.get_mut(id).unwrap());
    }

    fn ask<T: Send + 'static>(
        &self,
        name: &'static str,
        answer: impl Fn(&mut Told) -> T + Send + 'static,
    ) -> Box<dyn Exchange<Output = T>> {
        Box::new(Ask { phone: self.clone(), name, answer })
    }
}

pub(crate) fn deal(id: &str) -> CallLink {
    CallLink { connector: "salesforce".to_owned(), kind: LinkKind::Deal, id: id.to_owned() }
}

pub(crate) fn account(id: &str) -> CallLink {
    CallLink { connector: "salesforce".to_owned(), kind: LinkKind::Account, id: id.to_owned() }
}

struct Ask<F> {
    phone: Phone,
    name: &'static str,
    answer: F,
}

impl<T: Send, F: Fn(&mut Told) -> T + Send> Exchange for Ask<F> {
    type Output = T;

    fn request(&mut self) -> Request {
        Request {
            method: Method::GET,
            path: format!("/{}", self.name),
            headers: HeaderMap::new(),
            body: Body::Empty,
            lane: Lane::Read,
            cost: &[],
            idempotent: true,
            name: self.name,
        }
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<T>, Fault> {
        if reply.status == StatusCode::OK {
            return Ok(Step::Done((self.answer)(&mut self.phone.told())));
        }
        Err(Fault::Transient { detail: format!("status {}", reply.status.as_u16()) })
    }
}

impl Connector for Phone {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn check(
        &self,
        _mappings: &[Mapping],
        _plans: &[ReadPlan],
        _writes: &[(ObjectName, Vec<String>)],
    ) -> Box<dyn Exchange<Output = CheckReport>> {
        self.ask("check", |_| CheckReport::default())
    }

    fn meter(&self, _reply: &Reply) -> Meter {
        Meter::new()
    }
}

impl Calls for Phone {
    fn calls(&self, cursor: &Cursor, now: Timestamp) -> Box<dyn Exchange<Output = CallPage>> {
        let from = usize::try_from(cursor.0.as_u64().unwrap_or(0)).unwrap();
        self.ask("calls", move |told| {
            let recent = |call: &&Call| now.duration_since(call.started) <= WINDOW;
            let mut all: Vec<Call> = told.calls.values().filter(recent).cloned().collect();
            all.retain(|call| !told.hidden.contains(&call.id));
            if told.reversed {
                all.reverse();
            }
            let calls: Vec<Call> = all.iter().skip(from).take(PAGE).cloned().collect();
            let more = from + PAGE < all.len();
            let next = if more { Cursor((from + PAGE).into()) } else { Cursor::beginning() };
            CallPage { calls, next, more }
        })
    }

    fn read_calls(&self, ids: &[String]) -> Box<dyn Exchange<Output = Vec<Option<Call>>>> {
        let ids = ids.to_vec();
        self.ask("extensive", move |told| {
            told.read.extend(ids.iter().cloned());
            let visible = |id: &String| told.calls.get(id).filter(|_| !told.hidden.contains(id)).cloned();
            ids.iter().map(visible).collect()
        })
    }

    fn transcripts(&self, ids: &[String]) -> Box<dyn Exchange<Output = Vec<Option<Transcript>>>> {
        let ids = ids.to_vec();
        self.ask("transcript", move |told| {
            assert!(ids.len() <= 100 && !ids.is_empty());
            assert!(
                ids.iter().all(|id| !told.calls[id].private),
                "words of a private call are never asked for"
            );
            told.heard.extend(ids.iter().cloned());
            ids.iter().map(|id| told.words.get(id).cloned()).collect()
        })
    }
}

impl Inbound for Phone {
    fn verify(
        &self,
        delivery: Delivery<'_>,
        secrets: &[&[u8]],
        _now: Timestamp,
    ) -> Result<DeliveryId, Rejected> {
        let offered = delivery.headers.get("authorization").ok_or(Rejected::Unauthenticated)?;
        if !matches_any(offered.as_bytes(), secrets) {
            return Err(Rejected::Unauthenticated);
        }
        Ok(DeliveryId(String::from_utf8_lossy(delivery.body).into_owned()))
    }

    fn hints(&self, delivery: Delivery<'_>) -> Result<Vec<RecordRef>, Rejected> {
        let text = String::from_utf8_lossy(delivery.body);
        // `id` or `id/anything`: the same call in another delivery.
        let id = text.split('/').next().unwrap_or_default();
        Ok(vec![RecordRef {
            connection: ConnectionId::from("gong"),
            object: ObjectName::from("call"),
            record: RecordId(id.to_owned()),
        }])
    }

    fn acknowledgement(&self) -> InboundReply {
        InboundReply { content_type: "text/plain", body: String::new() }
    }
}

impl Wire for Phone {
    fn send(&self, _request: WireRequest) -> BoxFuture<'_, Result<Reply, WireFault>> {
        let status = if self.told().down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
        let reply = Reply { status, headers: HeaderMap::new(), body: Bytes::from_static(b"{}") };
        async move { Ok(reply) }.boxed()
    }
}

impl TokenSource for Phone {
    fn fetch(&self, _wire: Arc<dyn Wire>, _now: Timestamp) -> BoxFuture<'_, Result<Grant, Fault>> {
        async move {
            Ok(Grant {
                access_token: "token".into(),
                scheme: Scheme::Bearer,
                instance_url: None,
                org_id: None,
                lifetime: None,
            })
        }
        .boxed()
    }
}

/// Connects the phone as `gong`, and everything else for real.
impl Connect for Phone {
    fn connect(
        &self,
        id: &ConnectionId,
        config: &Connection,
        equipment: Equipment,
    ) -> Result<Connected, ConnectError> {
        if config.connector != "gong" {
            return Real.connect(id, config, equipment);
        }
        let own = TransportConfig {
            connection: id.to_string(),
            base_url: "http://127.0.0.1:9/".parse().unwrap(),
            hosts: AllowedHosts { names: Vec::new(), allow_loopback: true },
            session: SessionConfig { org_id: None, assumed_lifetime: None },
            limits: BTreeMap::new(),
            timeout: Duration::from_secs(5),
            attempts: 1,
        };
        let parts = Parts {
            connector: Arc::new(self.clone()),
            wire: Arc::new(self.clone()),
            tokens: Arc::new(self.clone()),
            clock: equipment.clock,
            chance: equipment.chance,
            ledger: equipment.ledger,
            observer: equipment.observer,
        };
        let transport = Transport::new(own, parts)
            .map_err(|source| ConnectError::Transport { connection: id.clone(), source })?;
        let inbound: Arc<dyn Inbound> = Arc::new(self.clone());
        Ok(Connected { purpose: Purpose::Calls(Arc::new(self.clone())), inbound: Some(inbound), transport })
    }
}
