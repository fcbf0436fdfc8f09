//! The session: one token for all workers, renewed once, never in a storm.

use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::Duration;

use handoff_connector::Fault;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::Mutex;
use url::Url;

use super::{Grant, Scheme, TokenSource};
use crate::allow::AllowedHosts;
use crate::clock::{Clock, later};
use crate::observe::{Note, Observer};
use crate::redact::Secret;
use crate::wire::Wire;

/// How long a refused authorisation rests before it is tried again.
const REST_AFTER_DENIAL: Duration = Duration::from_mins(1);

/// What the session checks and assumes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionConfig {
    /// The org that tokens must be for (Salesforce: 15 or 18 characters; HubSpot: the portal's number). `None` accepts any.
    pub org_id: Option<String>,
    /// Lifetime to assume when the vendor states none; `None` renews only when the vendor says that the token expired.
    pub assumed_lifetime: Option<Duration>,
}

/// Where the session stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SessionStatus {
    /// No token was needed yet.
    Idle,
    /// There is a token.
    Ready {
        /// When it was granted.
        since: Timestamp,
        /// When it is renewed ahead of time, if its lifetime is known.
        renew_at: Option<Timestamp>,
    },
    /// The vendor refuses to grant a token; a person has to act.
    NeedsReauthorisation {
        /// Since when.
        since: Timestamp,
        /// What was refused.
        detail: String,
        /// What to do.
        remedy: String,
        /// When it is tried again.
        next_try: Timestamp,
    },
}

/// A token in use.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) secret: Secret<String>,
    pub(crate) scheme: Scheme,
    pub(crate) base: Url,
    since: Timestamp,
    renew_at: Option<Timestamp>,
    dies_at: Option<Timestamp>,
    number: u64,
}

pub(crate) struct Session {
    source: Arc<dyn TokenSource>,
    wire: Arc<dyn Wire>,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    config: SessionConfig,
    hosts: AllowedHosts,
    base_url: Url,
    kept: StdMutex<Kept>,
    renewing: Mutex<()>,
}

#[derive(Default)]
struct Kept {
    token: Option<Arc<Token>>,
    denied: Option<DeniedGrant>,
    last_fault: Option<Fault>,
    attempts: u64,
}

struct DeniedGrant {
    since: Timestamp,
    next_try: Timestamp,
    detail: String,
    remedy: String,
}

/// What [`Session::new`] needs.
pub(crate) struct SessionParts {
    pub(crate) source: Arc<dyn TokenSource>,
    pub(crate) wire: Arc<dyn Wire>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Arc<dyn Observer>,
}

impl Session {
    pub(crate) fn new(
        parts: SessionParts,
        config: SessionConfig,
        hosts: AllowedHosts,
        base_url: Url,
    ) -> Self {
        let SessionParts { source, wire, clock, observer } = parts;
        let (kept, renewing) = (StdMutex::default(), Mutex::new(()));
        Self { source, wire, clock, observer, config, hosts, base_url, kept, renewing }
    }

    /// A token that is not `expired`, from memory or newly granted. All callers share one token call, which goes on even when the
    /// caller is dropped: a rotated refresh token must reach the vault.
    pub(crate) async fn token(self: &Arc<Self>, expired: Option<&Token>) -> Result<Arc<Token>, Fault> {
        let expired = expired.map(|token| token.number);
        let seen = match self.ready(expired) {
            Ok(token) => return Ok(token),
            Err(attempts) => attempts,
        };
        let session = Arc::clone(self);
        let renewal = tokio::spawn(async move { session.renew(expired, seen).await });
        renewal.await.unwrap_or_else(|_stopped| {
            Err(Fault::Transient { detail: "asking for a token was interrupted".to_owned() })
        })
    }

    /// Forgets a refusal, because a person says that its cause is gone.
    pub(crate) fn reset(&self) {
        self.lock().denied = None;
    }

    pub(crate) fn status(&self) -> SessionStatus {
        let kept = self.lock();
        match (&kept.denied, &kept.token) {
            (Some(denied), _) => SessionStatus::NeedsReauthorisation {
                since: denied.since,
                detail: denied.detail.clone(),
                remedy: denied.remedy.clone(),
                next_try: denied.next_try,
            },
            (None, Some(token)) => SessionStatus::Ready { since: token.since, renew_at: token.renew_at },
            (None, None) => SessionStatus::Idle,
        }
    }

    /// The token in memory if it serves; else how many attempts to get one have ended so far.
    fn ready(&self, expired: Option<u64>) -> Result<Arc<Token>, u64> {
        let now = self.clock.now();
        let kept = self.lock();
        kept.token
            .as_ref()
            .filter(|token| {
                expired.is_none_or(|number| token.number > number) && token.renew_at.is_none_or(|at| now < at)
            })
            .map(Arc::clone)
            .ok_or(kept.attempts)
    }

    async fn renew(&self, expired: Option<u64>, seen: u64) -> Result<Arc<Token>, Fault> {
        let _one_at_a_time = self.renewing.lock().await;
        if let Ok(token) = self.ready(expired) {
            return Ok(token);
        }
        let now = self.clock.now();
        if let Some(fault) = self.recent_fault(seen, now) {
            return self.make_do(expired, now, fault);
        }
        let granted = self.source.fetch(Arc::clone(&self.wire), now).await;
        let token = granted.and_then(|grant| self.accept(grant, now));
        self.observer.note(Note::Refresh { outcome: token.as_ref().map_or_else(Fault::kind, |_| "ok") });
        match token {
            Ok(token) => Ok(token),
            Err(fault) => {
                tracing::warn!(fault = fault.kind(), "no new token");
                self.remember(&fault, now);
                self.make_do(expired, now, fault)
            }
        }
    }

    /// The fault to hand on instead of asking again: somebody else's attempt that ended while we waited, or a refusal that rests.
    fn recent_fault(&self, seen: u64, now: Timestamp) -> Option<Fault> {
        let kept = self.lock();
        if let Some(denied) = kept.denied.as_ref().filter(|denied| now < denied.next_try) {
            return Some(Fault::Denied { detail: denied.detail.clone(), remedy: denied.remedy.clone() });
        }
        kept.last_fault.clone().filter(|_| kept.attempts != seen)
    }

    /// A token due for renewal still serves while it lives and the vendor only fails for the moment.
    fn make_do(&self, expired: Option<u64>, now: Timestamp, fault: Fault) -> Result<Arc<Token>, Fault> {
        let kept = self.lock();
        let temporary = matches!(fault, Fault::Transient { .. } | Fault::Throttled { .. });
        kept.token
            .as_ref()
            .filter(|token| {
                temporary
                    && expired.is_none_or(|number| token.number > number)
                    && token.dies_at.is_some_and(|at| now < at)
            })
            .map(Arc::clone)
            .ok_or(fault)
    }

    fn remember(&self, fault: &Fault, now: Timestamp) {
        let mut kept = self.lock();
        kept.attempts = kept.attempts.wrapping_add(1);
        kept.last_fault = Some(fault.clone());
        if let Fault::Denied { detail, remedy } = fault {
            let since = kept.denied.as_ref().map_or(now, |denied| denied.since);
            let next_try = later(now, REST_AFTER_DENIAL);
            kept.token = None;
            kept.denied =
                Some(DeniedGrant { since, next_try, detail: detail.clone(), remedy: remedy.clone() });
        }
    }

    /// Checks where the token leads before it is used for the first time.
    fn accept(&self, grant: Grant, now: Timestamp) -> Result<Arc<Token>, Fault> {
        self.check_org(grant.org_id.as_deref())?;
        let base = grant.instance_url.unwrap_or_else(|| self.base_url.clone());
        self.hosts.check(&base).map_err(|forbidden| Fault::Denied {
            detail: format!("the token's instance URL is refused: {forbidden}"),
            remedy: "Check the org's My Domain and the allowed hosts of this connection".to_owned(),
        })?;
        let lifetime = grant.lifetime.or(self.config.assumed_lifetime);
        let mut kept = self.lock();
        let number = kept.attempts.wrapping_add(1);
        let token = Arc::new(Token {
            secret: grant.access_token,
            scheme: grant.scheme,
            base,
            since: now,
            renew_at: lifetime.map(|lifetime| later(now, lifetime / 4 * 3)),
            dies_at: lifetime.map(|lifetime| later(now, lifetime)),
            number,
        });
        kept.attempts = number;
        kept.last_fault = None;
        kept.denied = None;
        kept.token = Some(Arc::clone(&token));
        Ok(token)
    }

    /// Ids are the same, or Salesforce's with and without the last three of 18 characters, which only repeat the others' case.
    fn check_org(&self, org: Option<&str>) -> Result<(), Fault> {
        let Some(pinned) = self.config.org_id.as_deref() else { return Ok(()) };
        let detail = match org {
            Some(org) if org == pinned => return Ok(()),
            Some(org) if pinned.len() >= 15 && org.get(..15) == pinned.get(..15) => return Ok(()),
            Some(_) => "the token is for another org than the configured one",
            None => "the token does not say which org it is for",
        };
        let remedy =
            "Check the credentials and org_id of this connection; nothing was read or written".to_owned();
        Err(Fault::Denied { detail: detail.to_owned(), remedy })
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
