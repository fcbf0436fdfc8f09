//! Records that are due: one entry per record, earliest wins, never two at once per record. What must survive a restart lies elsewhere
//! (inbox, cursors, open handoffs), so the queue itself is only in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use handoff_core::id::RecordRef;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};

use crate::books::{Outcome, Source};

/// Most records that may wait for one object.
const MOST: usize = 500_000;

/// One mention of a record, to be settled once.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) source: Source,
    /// The inbox row that ends with it.
    pub(crate) inbox: Option<String>,
    pub(crate) waits: Waits,
}

/// Who waits for the outcome.
#[derive(Debug)]
pub(crate) enum Waits {
    Nobody,
    Page(mpsc::UnboundedSender<()>),
    Caller(oneshot::Sender<Outcome>),
}

/// A due record with everything that mentioned it.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) record: RecordRef,
    pub(crate) tickets: Vec<Ticket>,
    /// How often it was put back after a fault.
    pub(crate) attempt: u32,
    /// A person asked for it: what is parked is tried again.
    pub(crate) force: bool,
}

#[derive(Debug)]
struct Waiting {
    at: Timestamp,
    tickets: Vec<Ticket>,
    attempt: u32,
    force: bool,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: BTreeMap<RecordRef, Waiting>,
    order: BTreeSet<(Timestamp, RecordRef)>,
    working: BTreeSet<RecordRef>,
}

impl Queue {
    fn has_room_for(&self, record: &RecordRef) -> bool {
        self.waiting.len() < MOST || self.waiting.contains_key(record)
    }

    fn put(&mut self, item: Item, at: Timestamp) {
        let Item { record, tickets, attempt, force } = item;
        let before = self.waiting.remove(&record);
        if let Some(before) = &before {
            self.order.remove(&(before.at, record.clone()));
        }
        let mut waiting = before.unwrap_or(Waiting { at, tickets: Vec::new(), attempt: 0, force: false });
        waiting.at = waiting.at.min(at);
        waiting.attempt = waiting.attempt.max(attempt);
        waiting.force |= force;
        waiting.tickets.extend(tickets);
        self.order.insert((waiting.at, record.clone()));
        self.waiting.insert(record, waiting);
    }
}

/// The queue of one object.
#[derive(Debug)]
pub(crate) struct Due {
    queue: Mutex<Queue>,
    changed: watch::Sender<u64>,
}

/// The queue is full; nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

impl Due {
    pub(crate) fn new() -> Self {
        Self { queue: Mutex::new(Queue::default()), changed: watch::Sender::new(0) }
    }

    /// Marks a record due.
    pub(crate) fn mark(&self, record: RecordRef, at: Timestamp, ticket: Option<Ticket>) -> Result<(), Full> {
        let item = Item { record, tickets: ticket.into_iter().collect(), attempt: 0, force: false };
        self.put(item, at)
    }

    /// Marks records due, all in one move, so that whoever takes from the queue takes full batches; those that found no room come back.
    pub(crate) fn mark_all(
        &self,
        marks: impl IntoIterator<Item = (RecordRef, Ticket)>,
        at: Timestamp,
    ) -> Vec<(RecordRef, Ticket)> {
        let mut queue = self.lock();
        let mut left = Vec::new();
        for (record, ticket) in marks {
            if queue.has_room_for(&record) {
                queue.put(Item { record, tickets: vec![ticket], attempt: 0, force: false }, at);
            } else {
                left.push((record, ticket));
            }
        }
        drop(queue);
        self.touch();
        left
    }

    /// Puts an item back, or in.
    pub(crate) fn put(&self, item: Item, at: Timestamp) -> Result<(), Full> {
        let mut queue = self.lock();
        if !queue.has_room_for(&item.record) {
            return Err(Full);
        }
        queue.put(item, at);
        drop(queue);
        self.touch();
        Ok(())
    }

    /// Takes up to `most` records that are due and not being worked on.
    pub(crate) fn take(&self, now: Timestamp, most: usize) -> Vec<Item> {
        let mut queue = self.lock();
        let ripe: Vec<(Timestamp, RecordRef)> = queue
            .order
            .iter()
            .take_while(|(at, _)| *at <= now)
            .filter(|(_, record)| !queue.working.contains(record))
            .take(most)
            .cloned()
            .collect();
        let mut items = Vec::with_capacity(ripe.len());
        for key in ripe {
            queue.order.remove(&key);
            let (_, record) = key;
            if let Some(Waiting { tickets, attempt, force, .. }) = queue.waiting.remove(&record) {
                queue.working.insert(record.clone());
                items.push(Item { record, tickets, attempt, force });
            }
        }
        items
    }

    /// These records are no longer being worked on.
    pub(crate) fn release<'a>(&self, records: impl IntoIterator<Item = &'a RecordRef>) {
        let mut queue = self.lock();
        for record in records {
            queue.working.remove(record);
        }
        drop(queue);
        self.touch();
    }

    /// Whether another record can be marked.
    pub(crate) fn has_room(&self) -> bool {
        self.lock().waiting.len() < MOST
    }

    /// Whether a record waits for a later time because of a fault.
    pub(crate) fn is_backing_off(&self, record: &RecordRef, now: Timestamp) -> bool {
        self.lock().waiting.get(record).is_some_and(|waiting| waiting.attempt > 0 && waiting.at > now)
    }

    /// When the next record that nobody works on is due.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        let queue = self.lock();
        queue.order.iter().find(|(_, record)| !queue.working.contains(record)).map(|(at, _)| *at)
    }

    /// Whether nothing is due now and nothing is being worked on.
    pub(crate) fn is_idle(&self, now: Timestamp) -> bool {
        let queue = self.lock();
        queue.working.is_empty() && queue.order.first().is_none_or(|(at, _)| *at > now)
    }

    /// Records due now or being worked on, and records due later.
    pub(crate) fn depth(&self, now: Timestamp) -> (usize, usize) {
        let queue = self.lock();
        let due = queue.order.iter().take_while(|(at, _)| *at <= now).count();
        (due + queue.working.len(), queue.order.len() - due)
    }

    /// Changes whenever the queue does.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn touch(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use handoff_core::id::{ConnectionId, ObjectName, RecordId};
    use proptest::prelude::*;

    use super::*;

    fn record(number: u8) -> RecordRef {
        RecordRef {
            connection: ConnectionId::from("sf"),
            object: ObjectName::from("Opportunity"),
            record: RecordId(number.to_string()),
        }
    }

    fn at(second: u8) -> Timestamp {
        Timestamp::from_second(i64::from(second)).unwrap()
    }

    proptest! {
        #[test]
        fn never_two_at_once_and_nothing_lost(steps in proptest::collection::vec((0_u8..6, 0_u8..3, 0_u8..20), 1..80)) {
            let due = Due::new();
            let mut held: Vec<Item> = Vec::new();
            let (mut marked, mut settled) = (0_usize, 0_usize);
            for (number, what, second) in steps {
                match what {
                    0 => {
                        let source = Source { connection: ConnectionId::from("sf"), channel: crate::books::Channel::Poll };
                        let ticket = Ticket { source, inbox: None, waits: Waits::Nobody };
                        due.mark(record(number), at(second), Some(ticket)).unwrap();
                        marked += 1;
                    }
                    1 => {
                        for item in due.take(at(second), 3) {
                            prop_assert!(held.iter().all(|other| other.record != item.record));
                            held.push(item);
                        }
                    }
                    _ => {
                        if let Some(item) = held.pop() {
                            settled += item.tickets.len();
                            due.release([&item.record]);
                        }
                    }
                }
            }
            for item in held.drain(..) {
                settled += item.tickets.len();
                due.release([&item.record]);
            }
            for item in due.take(at(30), 100) {
                settled += item.tickets.len();
                due.release([&item.record]);
            }
            prop_assert_eq!(marked, settled);
            prop_assert!(due.is_idle(at(30)));
        }
    }

    #[test]
    fn a_page_is_marked_in_one_move() {
        let due = Due::new();
        let mut changed = due.watch();
        let ticket = || {
            let source =
                Source { connection: ConnectionId::from("sf"), channel: crate::books::Channel::Poll };
            Ticket { source, inbox: None, waits: Waits::Nobody }
        };
        let before = *changed.borrow_and_update();
        assert!(due.mark_all((0..100).map(|number| (record(number), ticket())), at(1)).is_empty());
        assert_eq!(*changed.borrow_and_update(), before + 1);
        assert_eq!(due.take(at(1), 100).len(), 100);
    }

    #[test]
    fn the_earliest_mark_wins() {
        let due = Due::new();
        due.mark(record(1), at(10), None).unwrap();
        due.mark(record(1), at(5), None).unwrap();
        due.mark(record(1), at(20), None).unwrap();
        assert!(due.take(at(4), 9).is_empty());
        assert_eq!(due.take(at(5), 9).len(), 1);
        assert_eq!(due.next(), None);
    }
}
