//! What all workers share, and the few acts that concern all of them: switching, sweeping, failing, stopping.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use handoff_core::clearance::ClearanceKey;
use handoff_core::contract::ContractRef;
use handoff_core::id::{ConnectionId, RecordRef};
use handoff_core::journal::LogEntry;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::books::{Channel, Source};
use crate::calls::{Book, Listener};
use crate::clock::Clock;
use crate::concrete;
use crate::config::Facts;
use crate::due::{Due, Ticket, Waits};
use crate::failpoint::Hook;
use crate::fatal::Fatal;
use crate::feed::Feeds;
use crate::finance::{self, Finance};
use crate::govern::{Governed, Rule};
use crate::ingress::Ingress;
use crate::journal::{Journal, Refused};
use crate::link::Link;
use crate::memory::{Change, Rows, SWITCH};
use crate::numbers::Numbers;
use crate::parked::Shelf;
use crate::published::Contracts;
use crate::snapshots::Snapshots;
use crate::tasks::Desks;
use crate::view::SwitchView;

/// How long an accepted handoff is swept as often as an open one.
const LATELY: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What all workers share.
pub(crate) struct Engine {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) max_body: usize,
    pub(crate) journal: Arc<Journal>,
    pub(crate) memory: Arc<Rows>,
    pub(crate) contracts: Arc<Contracts>,
    pub(crate) snapshots: Arc<Snapshots>,
    pub(crate) links: BTreeMap<ConnectionId, Link>,
    pub(crate) objects: Vec<Arc<Governed>>,
    pub(crate) listeners: Vec<Arc<Listener>>,
    pub(crate) evidence: Arc<Book>,
    pub(crate) tasks: Desks,
    pub(crate) tests: concrete::Book,
    pub(crate) parked: Shelf,
    pub(crate) finance: Finance,
    pub(crate) numbers: Numbers,
    pub(crate) switch: Switch,
    pub(crate) ingress: Ingress,
    pub(crate) feeds: Feeds,
    pub(crate) facts: Vec<Facts>,
    pub(crate) key: ClearanceKey,
    pub(crate) sweep_every: Duration,
    pub(crate) failpoint: Option<Hook>,
    /// Counts everything that changed something; a pass that leaves it alone found nothing new.
    pub(crate) activity: AtomicU64,
    pub(crate) stopping: watch::Sender<bool>,
    pub(crate) fatal: watch::Sender<Option<Arc<Fatal>>>,
}

impl Engine {
    pub(crate) fn reached(&self, place: &str) {
        if let Some(hook) = &self.failpoint {
            hook(place);
        }
    }

    pub(crate) fn object_of(&self, record: &RecordRef) -> Option<&Arc<Governed>> {
        self.objects
            .iter()
            .find(|object| object.connection == record.connection && object.object == record.object)
    }

    /// The queue that a mention of this record belongs into; `None` = nobody is interested.
    pub(crate) fn queue_of(&self, record: &RecordRef) -> Option<Queue> {
        let object = self.object_of(record).map(|object| Queue::Records(Arc::clone(object)));
        object.or_else(|| {
            let listener = self.listeners.iter().find(|listener| listener.hears(record));
            listener.map(|listener| Queue::Calls(Arc::clone(listener)))
        })
    }

    /// Ends everything: the first failure counts, the gates stay as they are.
    pub(crate) fn fail(&self, fatal: Fatal) {
        let cause = std::error::Error::source(&fatal).map(ToString::to_string);
        tracing::error!(error = %fatal, cause, "handoffd cannot go on");
        self.fatal.send_if_modified(|known| {
            let first = known.is_none();
            if first {
                *known = Some(Arc::new(fatal));
            }
            first
        });
        self.stop();
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.fatal.borrow().is_some()
    }

    pub(crate) async fn failed(&self) -> Arc<Fatal> {
        let mut fatal = self.fatal.subscribe();
        loop {
            if let Some(fatal) = fatal.borrow_and_update().as_ref() {
                return Arc::clone(fatal);
            }
            if fatal.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Resolves when a stop was asked for.
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stopping = self.stopping.subscribe();
        async move {
            // An engine that is gone has stopped.
            drop(stopping.wait_for(|stopping| *stopping).await);
        }
    }

    /// The contract text that new handoffs of this rule open with: what the log says is in force, whatever the files say.
    pub(crate) fn in_force(&self, rule: &Rule) -> ContractRef {
        let known = self.finance.in_force(&rule.nominated, self.clock.now());
        known.unwrap_or_else(|| rule.current.reference.clone())
    }

    /// Appends an entry that belongs to no handoff, and lets the memory know.
    pub(crate) async fn append_own(&self, entry: LogEntry, mut change: Change) -> Result<u64, Fatal> {
        let sealed = self.journal.seal(&entry, 0).map_err(own_refused)?;
        let position = self.journal.append(sealed).await.map_err(own_refused)?;
        finance::caught(position, &entry, &mut change);
        change.reflected.push(position);
        self.memory.commit(change).await?;
        Ok(position)
    }

    /// Switches writing off or on: off takes effect before it is logged.
    pub(crate) async fn set_switch(&self, on: bool, by: &str) -> Result<(), Fatal> {
        let at = self.clock.now();
        if !on {
            self.switch.set(on, by, at);
        }
        let entry = LogEntry::Switched { on, by: by.to_owned(), at };
        let mut view = SwitchView { paused: !on, by: Some(by.to_owned()), at: Some(at), tripped: Vec::new() };
        if !on {
            view.tripped = self.switch.view().tripped;
        }
        let mut change = Change::default();
        change.put_json(SWITCH.to_owned(), &view);
        self.append_own(entry, change).await?;
        if on {
            self.switch.set(on, by, at);
        }
        Ok(())
    }

    /// Marks every handoff due that somebody still works on or that was accepted lately; the older ones are looked at daily.
    pub(crate) async fn sweep(&self) -> Result<(), Fatal> {
        let since = self.clock.now().checked_sub(LATELY).unwrap_or(Timestamp::MIN);
        self.sweep_since(since).await
    }

    /// Marks every handoff due that is not off.
    pub(crate) async fn sweep_all(&self) -> Result<(), Fatal> {
        self.sweep_since(Timestamp::MIN).await
    }

    async fn sweep_since(&self, since: Timestamp) -> Result<(), Fatal> {
        let now = self.clock.now();
        let mut change = Change::default();
        let mut marks = Vec::new();
        for record in self.snapshots.open_records(since) {
            let Some(object) = self.object_of(&record) else { continue };
            let source = Source { connection: record.connection.clone(), channel: Channel::Sweep };
            change.books.received(source.clone(), 1);
            marks.push((Arc::clone(object), record, Ticket { source, inbox: None, waits: Waits::Nobody }));
        }
        self.memory.commit(change).await?;
        for (object, record, ticket) in marks {
            if object.due.mark(record, now, Some(ticket)).is_err() {
                tracing::error!(object = %object.object, "the due queue is full; the sweep is cut short");
            }
        }
        Ok(())
    }
}

/// Where mentions wait.
pub(crate) enum Queue {
    /// For records of a CRM.
    Records(Arc<Governed>),
    /// For calls.
    Calls(Arc<Listener>),
}

impl Queue {
    pub(crate) fn due(&self) -> &Due {
        match self {
            Self::Records(object) => &object.due,
            Self::Calls(listener) => &listener.due,
        }
    }
}

fn own_refused(refused: Refused) -> Fatal {
    match refused {
        Refused::Fatal(fatal) => fatal,
        Refused::Conflict | Refused::Erased | Refused::TooLarge(_) => Fatal::Unreadable {
            position: 0,
            detail: format!("an entry of handoffd's own was refused: {refused}"),
        },
    }
}

/// The kill switch, and the caps of writes per hour.
#[derive(Debug, Default)]
pub(crate) struct Switch {
    paused: AtomicBool,
    said: Mutex<SwitchView>,
    written: Mutex<BTreeMap<String, VecDeque<(Timestamp, usize)>>>,
}

impl Switch {
    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::SeqCst)
    }

    pub(crate) fn view(&self) -> SwitchView {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn take_up(&self, view: SwitchView) {
        self.paused.store(view.paused, Ordering::SeqCst);
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = view;
    }

    fn set(&self, on: bool, by: &str, at: Timestamp) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.paused = !on;
        said.by = Some(by.to_owned());
        said.at = Some(at);
        if on {
            said.tripped.clear();
            self.written.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        self.paused.store(!on, Ordering::SeqCst);
    }

    /// How many of `wanted` records may be written now under this cap; fewer trips the mapping until somebody resumes.
    pub(crate) fn admit(&self, mapping: &str, cap: Option<u32>, wanted: usize, now: Timestamp) -> usize {
        let Some(cap) = cap.and_then(|cap| usize::try_from(cap).ok()) else { return wanted };
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.tripped.iter().any(|tripped| tripped == mapping) {
            return 0;
        }
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let window = written.entry(mapping.to_owned()).or_default();
        while window.front().is_some_and(|(at, _)| now.duration_since(*at) >= SignedDuration::from_hours(1)) {
            window.pop_front();
        }
        let used: usize = window.iter().map(|(_, count)| count).sum();
        let granted = wanted.min(cap.saturating_sub(used));
        if granted > 0 {
            window.push_back((now, granted));
        }
        if granted < wanted {
            tracing::error!(
                mapping,
                cap,
                "more writes per hour than allowed: nothing more is written for this mapping until `resume`"
            );
            said.tripped.push(mapping.to_owned());
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cap_trips_and_stays_tripped_until_somebody_resumes() {
        let switch = Switch::default();
        let at = |minutes: i64| Timestamp::from_second(minutes * 60).unwrap();
        assert_eq!(switch.admit("m", Some(3), 2, at(0)), 2);
        assert_eq!(switch.admit("m", Some(3), 2, at(1)), 1);
        assert_eq!(switch.admit("m", Some(3), 1, at(90)), 0);
        assert_eq!(switch.view().tripped, vec!["m".to_owned()]);
        switch.set(true, "ops", at(91));
        assert_eq!(switch.admit("m", Some(3), 3, at(91)), 3);
        assert_eq!(switch.admit("other", None, 9_999, at(91)), 9_999);
    }
}
