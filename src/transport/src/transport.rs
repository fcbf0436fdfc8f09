//! Carrying out conversations: admission, authentication, sending, metering, and what follows from a fault.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use handoff_connector::{Connector, Exchange, Fault, Reply, Request, Step};
use http::{HeaderValue, header};
use serde::Serialize;
use thiserror::Error;
use url::Url;

use crate::allow::{AllowedHosts, Forbidden};
use crate::auth::{Session, SessionConfig, SessionParts, SessionStatus, Token, TokenSource};
use crate::budget::{BudgetStatus, Budgets, Ledger, LedgerError};
use crate::circuit::{Circuit, CircuitStatus};
use crate::clock::{Chance, Clock};
use crate::message;
use crate::observe::{Note, Observer};
use crate::redact;
use crate::retry::{self, Policy};
use crate::wire::Wire;

/// Most requests in one conversation: a vendor whose pages never end ends here.
const LONGEST_CONVERSATION: u32 = 10_000;

/// One connection as configured.
#[derive(Debug, Clone)]
pub struct TransportConfig {
    /// Name of the connection for logs.
    pub connection: String,
    /// Where to call until a token names an instance URL; only its origin is used.
    pub base_url: Url,
    /// Hosts that may be spoken to, the token's instance URL included.
    pub hosts: AllowedHosts,
    /// What tokens must be for and how long they are taken to live.
    pub session: SessionConfig,
    /// Lower limits per budget name; a higher number than the connector's changes nothing.
    pub limits: BTreeMap<String, u32>,
    /// Time for one call; Salesforce counts calls of 20 s and more against a limit of their own.
    pub timeout: Duration,
    /// How often one request is sent before its fault is handed to the caller; at least 1.
    pub attempts: u32,
}

/// What a transport works with.
#[derive(Clone)]
pub struct Parts {
    /// Its budgets and its way of reading the vendor's meters.
    pub connector: Arc<dyn Connector>,
    /// The line; [`crate::HttpWire`] outside tests.
    pub wire: Arc<dyn Wire>,
    /// Where tokens come from.
    pub tokens: Arc<dyn TokenSource>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Jitter.
    pub chance: Arc<dyn Chance>,
    /// Where daily counts survive a restart.
    pub ledger: Arc<dyn Ledger>,
    /// Who counts what happens.
    pub observer: Arc<dyn Observer>,
}

/// A transport cannot be set up.
#[derive(Debug, Error)]
pub enum SetupError {
    /// The base URL may not be spoken to.
    #[error("base_url of connection {connection} is refused: {source}")]
    BaseUrl {
        /// The connection.
        connection: String,
        /// Why.
        source: Forbidden,
    },
    /// The counts of long windows cannot be read.
    #[error("the call counts of connection {connection} cannot be read")]
    Ledger {
        /// The connection.
        connection: String,
        /// What the store said.
        source: LedgerError,
    },
}

/// Everything a person may want to know about a connection now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TransportStatus {
    /// Name of the connection.
    pub connection: String,
    /// Whether calls go out.
    pub circuit: CircuitStatus,
    /// Where the session stands.
    pub session: SessionStatus,
    /// All budgets, by name.
    pub budgets: Vec<BudgetStatus>,
}

/// One connection to a vendor; shared by all workers.
pub struct Transport {
    config: TransportConfig,
    parts: Parts,
    session: Arc<Session>,
    budgets: Arc<Budgets>,
    circuit: Circuit,
}

/// How one attempt ended without a step forward.
struct Failed {
    fault: Fault,
    /// Whether no policy may repeat it: the vendor may have acted on a request that may not be repeated.
    over: bool,
    /// Whether it says that the vendor is down, not merely that one row is busy.
    down: bool,
    /// The token it was sent with.
    token: Option<Arc<Token>>,
}

impl Failed {
    /// Nothing was sent; the policy decides.
    fn unsent(fault: Fault) -> Self {
        let down = matches!(fault, Fault::Transient { .. });
        Self { fault, over: false, down, token: None }
    }

    /// Nothing was sent, and trying again is the caller's.
    fn over(fault: Fault) -> Self {
        Self { fault, over: true, down: false, token: None }
    }
}

/// How a conversation ended early.
struct Ended {
    fault: Fault,
    down: bool,
}

impl From<Fault> for Ended {
    fn from(fault: Fault) -> Self {
        Self { fault, down: false }
    }
}

impl Transport {
    /// A transport; nothing is sent yet.
    pub fn new(config: TransportConfig, parts: Parts) -> Result<Self, SetupError> {
        let connection = || config.connection.clone();
        config
            .hosts
            .check(&config.base_url)
            .map_err(|source| SetupError::BaseUrl { connection: connection(), source })?;
        let budgets = Budgets::new(
            parts.connector.spec().budgets,
            &config.limits,
            Arc::clone(&parts.clock),
            Arc::clone(&parts.ledger),
            Arc::clone(&parts.observer),
        )
        .map_err(|source| SetupError::Ledger { connection: connection(), source })?;
        let session_parts = SessionParts {
            source: Arc::clone(&parts.tokens),
            wire: Arc::clone(&parts.wire),
            clock: Arc::clone(&parts.clock),
            observer: Arc::clone(&parts.observer),
        };
        let session = Session::new(
            session_parts,
            config.session.clone(),
            config.hosts.clone(),
            config.base_url.clone(),
        );
        let circuit = Circuit::new();
        Ok(Self { config, parts, session: Arc::new(session), budgets: Arc::new(budgets), circuit })
    }

    /// Carries out a conversation to its end. Waits for its turn, renews the token once if it expired, and repeats what may be repeated
    /// after temporary faults; every other fault, and a temporary one that persists, is the caller's, who asks [`Self::policy`]. A
    /// request that may not be repeated and may have arrived ends with [`Fault::Transient`]: read back.
    pub async fn run<E: Exchange>(&self, exchange: E) -> Result<E::Output, Fault> {
        let pass = self.circuit.enter(self.parts.clock.now())?;
        let result = self.converse(exchange).await;
        let down = result.as_ref().is_err_and(|ended| ended.down);
        let result = result.map_err(|ended| ended.fault);
        if let Some(open) = self.circuit.leave(pass, result.as_ref().err(), down, self.parts.clock.now()) {
            tracing::warn!(connection = self.config.connection, open, "circuit");
            self.parts.observer.note(Note::Circuit { open });
        }
        result
    }

    /// What follows from a fault that is seen for the `attempt`-th time in a row (the first is 1).
    pub fn policy(&self, fault: &Fault, attempt: u32) -> Policy {
        let pace = match fault {
            Fault::Throttled { budget, .. } => self.budgets.pace(budget),
            Fault::Transient { .. }
            | Fault::Expired
            | Fault::Denied { .. }
            | Fault::Stale
            | Fault::Gone
            | Fault::Refused { .. }
            | Fault::Protocol { .. } => Duration::ZERO,
        };
        retry::policy(fault, attempt, pace, self.parts.chance.as_ref())
    }

    /// Where the connection stands.
    pub fn status(&self) -> TransportStatus {
        TransportStatus {
            connection: self.config.connection.clone(),
            circuit: self.circuit.status(),
            session: self.session.status(),
            budgets: self.budgets.status(),
        }
    }

    /// Lets calls go out again at once, because a person says that the cause of a denial is gone.
    pub fn reset(&self) {
        self.session.reset();
        self.circuit.reset();
    }

    async fn converse<E: Exchange>(&self, mut exchange: E) -> Result<E::Output, Ended> {
        for _ in 0..LONGEST_CONVERSATION {
            if let Step::Done(output) = self.step(&mut exchange).await? {
                return Ok(output);
            }
        }
        let detail = format!("the conversation took more than {LONGEST_CONVERSATION} requests");
        Err(Fault::Protocol { detail }.into())
    }

    /// Sends the conversation's next request until it has moved on or the fault is the caller's.
    async fn step<E: Exchange>(&self, exchange: &mut E) -> Result<Step<E::Output>, Ended> {
        let mut attempt = 0_u32;
        let mut expired: Option<Arc<Token>> = None;
        loop {
            attempt = attempt.saturating_add(1);
            let Failed { fault, over, down, token } = match self.attempt(exchange, expired.as_deref()).await {
                Ok(step) => return Ok(step),
                Err(failed) => failed,
            };
            if over {
                return Err(Ended { fault, down });
            }
            match self.policy(&fault, attempt) {
                Policy::RetryAfter(wait) => {
                    self.wait(fault, attempt, wait).await.map_err(|fault| Ended { fault, down })?;
                }
                Policy::RefreshAndReplay => {
                    if expired.is_some() {
                        return Err(refused_twice().into());
                    }
                    expired = Some(token.ok_or(fault)?);
                }
                Policy::OpenCircuit { .. }
                | Policy::ReadAgain
                | Policy::Void
                | Policy::Park
                | Policy::ParkAndAlert => return Err(fault.into()),
            }
        }
    }

    /// Waits before another attempt, or hands the fault back when it is the caller's turn to wait.
    async fn wait(&self, fault: Fault, attempt: u32, wait: Duration) -> Result<(), Fault> {
        let enough = attempt >= self.config.attempts.max(1);
        if let Fault::Throttled { retry_after, budget } = &fault {
            // the pause is for everybody who needs this budget; admission waits it out
            self.budgets.block(budget, wait, *retry_after);
            let hand_back = enough || self.budgets.is_daily(budget);
            return if hand_back { Err(fault) } else { Ok(()) };
        }
        if enough {
            return Err(fault);
        }
        self.parts.clock.sleep(wait).await;
        Ok(())
    }

    async fn attempt<E: Exchange>(
        &self,
        exchange: &mut E,
        expired: Option<&Token>,
    ) -> Result<Step<E::Output>, Failed> {
        let request = exchange.request();
        // no call is charged while there is no token; after the wait for admission it may have to be another one
        self.session.token(expired).await.map_err(Failed::unsent)?;
        let permit = self.budgets.admit(request.lane, request.cost).await.map_err(Failed::over)?;
        let token = self.session.token(expired).await.map_err(Failed::unsent)?;
        let reply = self.send(&request, &token).await;
        let (reply, token) = (reply?, Some(token));
        for reading in self.parts.connector.meter(&reply) {
            self.budgets.read_meter(&reading);
        }
        let step = exchange.reply(&reply);
        if step.is_ok() {
            permit.served();
        }
        drop(permit);
        let outcome = step.as_ref().map_or_else(Fault::kind, |_| "ok");
        self.log(&request, &reply, outcome);
        step.map_err(|fault| {
            let unclear = matches!(fault, Fault::Transient { .. });
            let down = unclear && !reply.status.is_client_error();
            Failed { fault, over: unclear && !request.idempotent, down, token }
        })
    }

    async fn send(&self, request: &Request, token: &Token) -> Result<Reply, Failed> {
        let message = message::wire_request(request, token, self.config.timeout).map_err(Failed::over)?;
        self.config.hosts.check(&message.url).map_err(|_forbidden| {
            let detail = "the connector asked for a path outside the instance".to_owned();
            Failed::over(Fault::Protocol { detail })
        })?;
        match self.parts.wire.send(message).await {
            Ok(mut reply) => {
                // a date in Retry-After is read against this
                reply.headers.entry(header::DATE).or_insert_with(|| self.http_date());
                Ok(reply)
            }
            Err(fault) => {
                self.parts.observer.note(Note::Call { name: request.name, outcome: "no_answer" });
                let connection = &self.config.connection;
                tracing::warn!(%connection, request = request.name, %fault, "no answer");
                let over = fault.outcome_unclear() && !request.idempotent;
                Err(Failed { fault: fault.into_fault(request.idempotent), over, down: true, token: None })
            }
        }
    }

    fn http_date(&self) -> HeaderValue {
        let now = self.parts.clock.now();
        let text = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now);
        text.ok().and_then(|text| HeaderValue::try_from(text).ok()).unwrap_or(HeaderValue::from_static(""))
    }

    fn log(&self, request: &Request, reply: &Reply, outcome: &'static str) {
        self.parts.observer.note(Note::Call { name: request.name, outcome });
        tracing::debug!(
            connection = self.config.connection,
            request = request.name,
            status = reply.status.as_u16(),
            outcome,
            vendor_request_id = redact::vendor_request_id(&reply.headers).unwrap_or("-"),
            "call"
        );
    }
}

/// A token that is refused right after it was granted: asking for more would never end.
fn refused_twice() -> Fault {
    Fault::Denied {
        detail: "the vendor calls a token expired that it granted a moment ago".to_owned(),
        remedy: "Check the integration user's session settings, IP restrictions and API access".to_owned(),
    }
}
